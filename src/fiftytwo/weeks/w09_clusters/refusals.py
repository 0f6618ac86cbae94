"""Checks that bad input is refused clearly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear, refusal

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def refusals(lab: Lab) -> Iterator[Check]:
    """Bad data, bad parameters, wrong order of calls."""
    X = np.array([[0.0, 1.0], [1.0, 0.0], [5.0, 5.0], [6.0, 5.0]])
    bad = X.copy()
    bad[1, 0] = np.nan
    two = np.array([0, 0, 1, 1])

    def K(*args: Any, **options: Any) -> Any:
        return lab.solution.KMeans(*args, **options)

    def G(*args: Any, **options: Any) -> Any:
        return lab.solution.GaussianMixture(*args, **options)

    trials: list[tuple[str, list[tuple[str, Callable[[], Any]]], tuple[str, ...]]] = [
        ("NaN", [("KMeans(2).fit(X with NaN)", lambda: K(2).fit(bad)),
                 ("GaussianMixture(2).fit(X with NaN)", lambda: G(2).fit(bad)),
                 ("silhouette(X with NaN, labels)", lambda: lab.solution.silhouette(bad, two))], ("nan",)),
        ("fewer rows than clusters", [("KMeans(5).fit(4 rows)", lambda: K(5).fit(X)),
                                      ("GaussianMixture(5).fit(4 rows)", lambda: G(5).fit(X))],
         ("n_clusters", "n_components", "samples", "rows")),
        ("other columns", [("KMeans(2).fit(X).predict(3 columns)", lambda: K(2).fit(X).predict(np.zeros((2, 3)))),
                           ("GaussianMixture(1).fit(X).predict(3 columns)",
                            lambda: G(1).fit(X).predict(np.zeros((2, 3))))], ("feature", "column")),
        ("use before fit", [("KMeans(2).predict(X)", lambda: K(2).predict(X)),
                            ("GaussianMixture(2).predict(X)", lambda: G(2).predict(X))], ("fit",)),
        ("negative weights", [("KMeans(2).fit(X, sample_weight=[1, 1, -1, 1])",
                               lambda: K(2).fit(X, sample_weight=np.array([1.0, 1.0, -1.0, 1.0])))], ("negative",)),
        ("one cluster in a silhouette", [("silhouette(X, zeros)", lambda: lab.solution.silhouette(X, two * 0)),
                                         ("silhouette(X, a label a row)",
                                          lambda: lab.solution.silhouette(X, np.arange(4)))], ("cluster", "label")),
        ("labels of another length", [("silhouette(X, 3 labels)", lambda: lab.solution.silhouette(X, two[:3]))],
         ("rows", "length", "samples", "labels")),
    ]  # fmt: skip
    for name, calls, words in trials:

        def measure(calls: Any = calls, words: Any = words) -> Measurement:
            return first_unclear(refusal(action, call=call, mentions=words) for call, action in calls)

        yield Check(
            f"refuses {name}",
            measure,
            equals=True,
            why="Bad data that goes in quietly comes out as a wrong figure, later and elsewhere.",
            hint=("sklearn.utils.validation has validate_data, check_is_fitted and more.", f"Mention {words[0]!r}."),
        )

    def parameters() -> Measurement:
        wrong: list[tuple[Any, dict[str, Any]]] = [
            (K, {"n_clusters": 0}), (K, {"n_init": 0}), (K, {"max_iter": 0}), (K, {"tol": -1.0}), (K, {"init": "best"}),
            (G, {"n_components": 0}), (G, {"reg_covar": -1.0}), (G, {"covariance_type": "round"}),
        ]  # fmt: skip
        named = [(make, row, str(next(iter(row)))) for make, row in wrong]
        both = {"n_init": 0, "max_iter": 0}
        return first_unclear(
            refusal(lambda make=make, row=row: make(**row).fit(X), mentions=(word,),  # type: ignore[misc]
                    call=f"{'KMeans' if make is K else 'GaussianMixture'}(**{row}).fit(X)")
            for make, row, word in [*named, (K, both, "n_init"), (K, both, "max_iter")]
        )  # fmt: skip

    yield Check(
        "refuses bad parameters",
        parameters,
        equals=True,
        why="All faults are told at once, so that nobody mends them one run at a time.",
        hint=("Check in fit, not in __init__; collect the faults in a list.",),
    )
