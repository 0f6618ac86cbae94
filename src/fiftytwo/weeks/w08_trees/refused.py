"""Checks that bad input is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear, refusal

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_NAMES = ("RegressionTree", "GradientBoostingRegressor", "GradientBoostingClassifier")


def refusals(lab: Lab) -> Iterator[Check]:
    """Data, parameters, models and tables."""
    X, y = np.arange(6.0)[:, np.newaxis], np.array([0, 1, 0, 1, 1, 0])
    endless, holes = np.where(X == 3.0, np.inf, X), np.where(y == 1, np.nan, 0.0)

    def each(act: Callable[[Any], Any], text: str, *words: str) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return first_unclear(
                refusal(lambda name=name: act(getattr(lab.solution, name)), call=f"{name}(){text}", mentions=words)  # type: ignore[misc]
                for name in _NAMES
            )

        return measure

    trials: tuple[tuple[str, Callable[[], Measurement], str], ...] = (
        ("infinity in X", each(lambda m: m().fit(endless, y), ".fit(X with inf, y)", "inf"), "infinity"),
        ("NaN in y", each(lambda m: m().fit(X, holes), ".fit(X, y with NaN)", "nan"), "NaN"),
        ("negative weights", each(lambda m: m().fit(X, y, sample_weight=-np.ones(6)), ".fit(X, y, -ones)", "negative"),
         "negative"),
        ("other columns", each(lambda m: m().fit(X, y).predict(np.zeros((2, 3))), ".fit(X, y).predict(zeros((2, 3)))",
                               "feature", "column"), "columns"),
        ("use before fit", each(lambda m: m().predict(X), ".predict(X)", "fit"), "fit"),
    )  # fmt: skip
    for name, measured, word in trials:
        yield Check(
            f"refuses {name}",
            measured,
            equals=True,
            why="Bad data that goes in quietly comes out as a wrong figure, later and elsewhere.",
            hint=("sklearn.utils.validation has validate_data, check_is_fitted and more; ensure_all_finite='allow-nan' "
                  "lets NaN through and infinity not.", f"Mention {word!r}."),
        )  # fmt: skip

    def parameters() -> Measurement:
        bad: tuple[tuple[dict[str, Any], str], ...] = (
            ({"learning_rate": 0.0}, "learning_rate"), ({"max_iter": 0}, "max_iter"), ({"max_bins": 256}, "max_bins"),
            ({"max_depth": 0}, "max_depth"), ({"subsample": 1.5}, "subsample"),
            ({"l2_regularization": -1.0}, "l2_regularization"),
            ({"max_iter": 0, "subsample": 0.0}, "max_iter"), ({"max_iter": 0, "subsample": 0.0}, "subsample"),
        )  # fmt: skip
        model = lab.solution.GradientBoostingRegressor
        return first_unclear(
            refusal(lambda row=row: model(**row).fit(X, y), call=f"GradientBoostingRegressor(**{row}).fit(X, y)",  # type: ignore[misc]
                    mentions=(word,))
            for row, word in bad
        )  # fmt: skip

    yield Check(
        "refuses bad parameters",
        parameters,
        equals=True,
        why="All faults are told at once, so that nobody mends them one run at a time.",
        hint=("Check in fit, not in __init__; collect the faults in a list.",),
    )

    def others() -> Measurement:
        table = pd.DataFrame({"a": X.ravel(), "y": y})
        one = lab.solution.GradientBoostingClassifier
        return first_unclear(
            refusal(action, call=call, mentions=words)
            for action, call, words in (
                (lambda: one().fit(X, np.zeros(6)), "GradientBoostingClassifier().fit(X, zeros)", ("class",)),
                (lambda: lab.solution.tree_shap(3, X), "tree_shap(3, X)", ("int", "model", "explain")),
                (lambda: lab.solution.find_leaks(table, target="z"), "find_leaks(table, target='z')", ("z",)),
            )
        )

    yield Check(
        "refuses one class, what is no model, a target that is not there",
        others,
        equals=True,
        why="A message that names the trouble saves an hour.",
        hint=("ValueError each time, with the name of what was wrong in the text.",),
    )
