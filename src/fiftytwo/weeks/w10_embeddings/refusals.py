"""Checks that bad input is refused clearly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear, refusal

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Calls = list[tuple[str, Callable[[], Any]]]


def refusals(lab: Lab) -> Iterator[Check]:
    """Bad data, shapes that do not fit, bad parameters."""
    X = lab.rng.standard_normal((30, 3))
    bad = X.copy()
    bad[4, 1] = np.nan
    Y, solution = X[:, :2], lab.solution
    trials: list[tuple[str, Calls, tuple[str, ...]]] = [
        ("NaN", [("TSNE(perplexity=5).fit(X with NaN)", lambda: solution.TSNE(perplexity=5).fit(bad)),
                 ("joint_probabilities(X with NaN, 5)", lambda: solution.joint_probabilities(bad, 5.0)),
                 ("trustworthiness(X with NaN, Y)", lambda: solution.trustworthiness(bad, Y)),
                 ("continuity(X, Y with NaN)", lambda: solution.continuity(X, bad[:, :2]))], ("nan",)),
        ("too many neighbours", [("trustworthiness(30 rows, n_neighbors=15)",
                                  lambda: solution.trustworthiness(X, Y, n_neighbors=15)),
                                 ("continuity(30 rows, n_neighbors=20)",
                                  lambda: solution.continuity(X, Y, n_neighbors=20))], ("n_neighbors",)),
        ("another number of rows", [("trustworthiness(30 rows, 29 rows)", lambda: solution.trustworthiness(X, Y[:29])),
                                    ("continuity(29 rows, 30 rows)", lambda: solution.continuity(X[:29], Y)),
                                    ("kl_divergence(P of 30, Y of 29)",
                                     lambda: solution.kl_divergence(np.full((30, 30), 1 / 900), Y[:29]))],
         ("rows", "shape", "length", "samples")),
        ("a perplexity below one", [("TSNE(perplexity=0).fit(X)", lambda: solution.TSNE(perplexity=0).fit(X)),
                                    ("joint_probabilities(X, -1)", lambda: solution.joint_probabilities(X, -1.0))],
         ("perplexity",)),
        ("an unknown method", [('TSNE(method="magic").fit(X)', lambda: solution.TSNE(method="magic").fit(X))],
         ("method",)),
        ("a start of another shape", [("TSNE(init=zeros of (29, 2)).fit(X)",
                                       lambda: solution.TSNE(perplexity=5, init=np.zeros((29, 2))).fit(X))], ("init",)),
    ]  # fmt: skip
    for name, calls, words in trials:

        def measure(calls: Calls = calls, words: tuple[str, ...] = words) -> Measurement:
            return first_unclear(refusal(action, call=call, mentions=words) for call, action in calls)

        yield Check(
            f"refuses {name}",
            measure,
            equals=True,
            why="A map of bad input looks like any other map.",
            hint=("sklearn.utils.validation has validate_data and check_array.", f"Mention {words[0]!r}."),
        )
