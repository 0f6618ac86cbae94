"""Checks of ablate, against models that were built without the part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn.model_selection as peer
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w11_crossval.probes import compared
from fiftytwo.weeks.w11_crossval.running import EXACT, table
from fiftytwo.weeks.w11_crossval.tuning import definition

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def ablating(lab: Lab) -> Iterator[Check]:
    """Ablations against models that were built without the part."""
    X, y = table(lab.rng, 80)
    X = X * np.array([1.0, 50.0, 1.0])
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier(5))
    splits = list(peer.StratifiedKFold(5).split(X, y))
    options = {"features": {"signal": [0], "noise": [1, 2]}, "steps": ["standardscaler"], "cv": splits}
    shown = "ablate(pipeline, X, y, features={'signal': [0], 'noise': [1, 2]}, steps=['standardscaler'], cv=splits)"

    def oracle() -> dict[str, NDArray[np.float64]]:
        def scores(model: Any, columns: list[int]) -> NDArray[np.float64]:
            return np.asarray(peer.cross_val_score(model, X[:, columns], y, cv=splits))

        return {
            "full": scores(pipeline, [0, 1, 2]),
            "without signal": scores(pipeline, [1, 2]),
            "without noise": scores(pipeline, [0]),
            "without standardscaler": scores(KNeighborsClassifier(5), [0, 1, 2]),
        }

    def found() -> dict[str, Any]:
        return dict(lab.solution.apply(compared, "ablate", pipeline, X, y, options))

    def scores() -> Measurement:
        got = found()["scores"]
        return worst((difference(got.get(name), known, call=f"{shown}.scores[{name!r}]")
                      for name, known in oracle().items()), EXACT)  # fmt: skip

    yield Check(
        "one part is left out at a time",
        scores,
        at_most=EXACT,
        why="Everything else stays as it is: same splits, same other parts, fitted anew.",
        hint=("Columns are dropped before the fit; a step of a Pipeline becomes 'passthrough'.",
              "The names are 'full' and 'without NAME'."),
    )  # fmt: skip

    def alone() -> Measurement:
        """Features without steps, steps without features; once each, since one repeat is enough to be asked for."""
        got = []
        for part in ({"features": {"signal": [0]}}, {"steps": ["standardscaler"]}):
            given = {**part, "cv": 4, "n_repeats": 1}
            one = lab.solution.apply(compared, "ablate", pipeline, X, y, given)
            got.append([one["pairs"], len(one["scores"]["full"])])
        expected = [[[("full", "without signal")], 4], [[("full", "without standardscaler")], 4]]
        return Measurement(float(got == expected), got=str(got), expected=str(expected),
                           call="pairs and splits of ablate(pipeline, X, y, features=... or steps=..., cv=4, "
                           "n_repeats=1)")  # fmt: skip

    yield Check(
        "features alone, steps alone",
        alone,
        equals=True,
        why="A model without steps has features to leave out all the same.",
        hint=("Refuse only where neither is named.",),
    )

    def differences() -> Measurement:
        one, known = found(), oracle()
        pairs = [("full", name) for name in known if name != "full"]
        if one["pairs"] != pairs:
            return Measurement(float("nan"), call=f"{shown}.differences", gate=f"expected the pairs {pairs}",
                               got=str(one["pairs"]), expected=str(pairs))  # fmt: skip
        return difference(one["values"], definition(known, pairs, 0.95, 0.25), call=f"{shown}.differences")

    yield Check(
        "what each part contributes",
        differences,
        at_most=1e-8,
        why="Full minus without: above 0 the part helps, and the interval says whether that could be chance.",
        hint=("The same differences as compare_models', with 'full' first.",),
    )

    def refuses() -> Measurement:
        trials: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
            ({}, ("nothing", "features"), "nothing to leave out"),
            ({"features": {"odd": [7]}}, ("odd", "7"), "a column that is not there"),
            ({"features": {"all": [0, 1, 2]}}, ("all",), "all columns"),
            ({"steps": ["pca"]}, ("pca",), "an unknown step"),
        ]  # fmt: skip
        return first_unclear(
            refusal(lambda given=given: lab.solution.apply(compared, "ablate", pipeline, X, y, given),  # type: ignore[misc]
                    call=f"ablate(pipeline, X, y, ...) with {what}", mentions=words)
            for given, words, what in trials
        )  # fmt: skip

    yield Check(
        "refuses parts that are not there",
        refuses,
        equals=True,
        why="A part that was never in leaves nothing when it is taken out, and the table says that it does not matter.",
        hint=("Compare with the columns of X and with estimator.steps.",),
    )
