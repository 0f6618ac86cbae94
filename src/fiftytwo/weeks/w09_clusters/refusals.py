"""Checks that bad input is refused clearly."""

from __future__ import annotations

import contextlib
import warnings
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
                                      ("GaussianMixture(5).fit(4 rows)", lambda: G(5).fit(X)),
                                      ("KMeans(3).fit(X, sample_weight=[1, 1, 0, 0])",
                                       lambda: K(3).fit(X, sample_weight=np.array([1.0, 1.0, 0.0, 0.0])))],
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

    def unmoved() -> Measurement:
        other = np.zeros((2, 3))
        calls = [("KMeans", name) for name in ("predict", "transform", "score")]
        calls += [("GaussianMixture", name) for name in ("predict", "score_samples")]
        return first_unclear(
            Measurement(
                float(lab.solution.apply(_columns_after_refusal, name, method, X, other) == 2),
                call=f"{name}(2).fit(X), then .{method}(3 columns), then .n_features_in_", expected="2",
            )
            for name, method in calls
        )  # fmt: skip

    yield Check(
        "a refused call changes nothing",
        unmoved,
        equals=True,
        why="A model that learns from what it refused will take the next bad row for a good one.",
        hint=("validate_data(self, X, reset=False) everywhere but in fit; it sets n_features_in_ only there.",),
    )

    def defaults() -> Measurement:
        got = lab.solution.apply(_defaults)
        return Measurement(float(got == _DEFAULTS), call="KMeans().get_params(), GaussianMixture().get_params()",
                           got=str(got), expected=str(_DEFAULTS))  # fmt: skip

    yield Check(
        "defaults are those that the docstrings state",
        defaults,
        equals=True,
        why="Whoever leaves a parameter out has read what it is then.",
        hint=("They stand in the signatures of both __init__.",),
    )


_DEFAULTS: dict[str, dict[str, Any]] = {
    "KMeans": {"n_clusters": 8, "init": "k-means++", "n_init": 10, "max_iter": 300, "tol": 1e-4, "algorithm": "auto",
               "init_size": None, "random_state": None},
    "GaussianMixture": {"n_components": 1, "covariance_type": "full", "tol": 1e-3, "reg_covar": 1e-6, "max_iter": 100,
                        "n_init": 1, "init_params": "kmeans", "weights_init": None, "means_init": None,
                        "precisions_init": None, "random_state": None},
}  # fmt: skip


def _defaults(solution: Any) -> dict[str, dict[str, Any]]:
    """Of the parameters that are stated; further ones are their author's own."""
    params = {name: getattr(solution, name)().get_params() for name in _DEFAULTS}
    return {name: {key: params[name].get(key, "(none)") for key in _DEFAULTS[name]} for name in params}


def _columns_after_refusal(solution: Any, name: str, method: str, X: Any, other: Any) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = getattr(solution, name)(2, random_state=0).fit(X)
    with contextlib.suppress(ValueError):
        getattr(model, method)(other)
    return int(model.n_features_in_)
