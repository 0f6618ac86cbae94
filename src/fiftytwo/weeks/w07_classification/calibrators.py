"""Checks of the calibrators and of the calibrated classifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, refusal, worst
from fiftytwo.weeks.w07_classification.cases import CLOSE, EXACT, cases_of, platt_oracle

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_GRID = np.linspace(-1.0, 9.0, 41)


def calibrators(lab: Lab) -> Iterator[Check]:
    """Isotonic regression, Platt scaling, and both around a classifier."""
    yield from _isotonic(lab)
    yield from _platt(lab)
    yield from _around_a_classifier(lab)


def _outcomes(rng: np.random.Generator, n: int, *, ties: bool) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Scores from 0 to 8 (whole ones with ties), outcomes that become likelier with them, and weights."""
    scores = rng.integers(0, 9, n).astype(float) if ties else np.round(rng.uniform(0.0, 8.0, n), 3)
    y = (rng.random(n) < scores / 8.0).astype(int)
    y[:2] = 0, 1
    return scores, y, rng.integers(1, 4, n).astype(float)


def _isotonic(lab: Lab) -> Iterator[Check]:
    from sklearn.isotonic import IsotonicRegression

    def against_oracle(*, ties: bool, weighted: bool, at: NDArray[np.float64] | None) -> Measurement:
        def one(n: int) -> Measurement:
            scores, y, weights = _outcomes(np.random.default_rng(n), n, ties=ties)
            given = weights if weighted else None
            where = np.unique(scores) if at is None else at
            known = IsotonicRegression(out_of_bounds="clip").fit(scores, y, sample_weight=given)
            found = lab.solution.IsotonicCalibrator().fit(scores, y, sample_weight=given)
            call = f"IsotonicCalibrator().fit(scores, y{', sample_weight=weights' if weighted else ''}).predict(at)"
            inputs = {"scores": scores, "y": y, "at": where} | ({"weights": weights} if weighted else {})
            return difference(found.predict(where), known.predict(where), call=call, inputs=inputs)

        return worst((one(n) for n in (5, 12, 60)), EXACT)

    cases: tuple[tuple[str, dict[str, Any], str, tuple[str, ...]], ...] = (
        ("isotonic at its points", {"ties": False, "weighted": False, "at": None},
         "Of all rising functions it is the closest to the outcomes.",
         ("Sort by score; where a value is below its left neighbour, both take their mean.",
          "After a merge look left again: the merged value may violate there too.",
          "Keep a stack of [mean, weight, count].")),
        ("isotonic with equal scores", {"ties": True, "weighted": False, "at": None},
         "Equal scores must get equal probabilities.",
         ("Merge equal scores to their mean first, with their number as weight.",)),
        ("isotonic with weights", {"ties": True, "weighted": True, "at": None},
         "A merged step weighs as much as its parts together.",
         ("The mean of two steps is weighted by their weights, not by one half each.",)),
        ("isotonic between and beyond its points", {"ties": False, "weighted": False, "at": _GRID},
         "New scores fall between the known ones, and sometimes outside.",
         ("np.interp interpolates, and keeps the end values outside.",)),
    )  # fmt: skip
    for name, options, why, hint in cases:
        yield Check(
            name,
            lambda options=options: against_oracle(**options),  # type: ignore[misc]
            at_most=EXACT,
            why=why,
            hint=hint,
        )

    def thresholds() -> Measurement:
        found = lab.solution.IsotonicCalibrator().fit(np.arange(6.0), np.array([0, 0, 0, 1, 1, 1]))
        got = np.array([found.X_thresholds_, found.y_thresholds_])
        expected = np.array([[0.0, 2.0, 3.0, 5.0], [0.0, 0.0, 1.0, 1.0]])
        call = "[c.X_thresholds_, c.y_thresholds_] of c = IsotonicCalibrator().fit(np.arange(6.0), [0, 0, 0, 1, 1, 1])"
        return difference(got, expected, call=call)

    yield Check(
        "isotonic keeps the ends of its steps",
        thresholds,
        at_most=0.0,
        why="A million rows make a few dozen steps; their ends are all that has to be kept.",
        hint=("Keep a point when its left or its right neighbour has another value, and the first and the last.",),
    )

    def left_out() -> Measurement:
        found = lab.solution.IsotonicCalibrator().fit(
            np.array([0.0, 1.0, 9.0]), np.array([0, 1, 0]), sample_weight=np.array([1.0, 1.0, 0.0])
        )
        call = "IsotonicCalibrator().fit([0, 1, 9], [0, 1, 0], sample_weight=[1, 1, 0]).predict([9])"
        return difference(found.predict(np.array([9.0])), np.array([1.0]), call=call)

    yield Check(
        "a weight of zero leaves a row out",
        left_out,
        at_most=EXACT,
        why="A row that does not count must not move the end of the function either.",
        hint=("Drop rows of weight 0 before anything else.",),
    )
    scores = np.array([0.1, 0.2, 0.3])
    yield Check(
        "calibrators refuse NaN",
        lambda: refusal(
            lambda: lab.solution.IsotonicCalibrator().fit(np.array([0.1, np.nan, 0.3]), np.array([0, 1, 1])),
            call="IsotonicCalibrator().fit([0.1, nan, 0.3], [0, 1, 1])",
            mentions=("nan",),
        ),
        equals=True,
        why="NaN sorts last and would count as the highest score.",
        hint=("sklearn.utils.check_array(X, ensure_2d=False) refuses it.",),
    )
    yield Check(
        "calibrators refuse a table",
        lambda: refusal(
            lambda: lab.solution.IsotonicCalibrator().fit(np.column_stack([scores, scores]), np.array([0, 1, 1])),
            call="IsotonicCalibrator().fit(table of two columns, y)",
            mentions=("shape", "column", "1d"),
        ),
        equals=True,
        why="A calibrator takes one score a row, and of two columns nobody knows which is meant.",
        hint=("Take shape (n,) or (n, 1), refuse the rest.",),
    )


def _platt(lab: Lab) -> Iterator[Check]:
    def line(*, weighted: bool) -> Measurement:
        def one(n: int) -> Measurement:
            scores, y, weights = _outcomes(np.random.default_rng(n), n, ties=False)
            scores = scores - 4.0
            found = lab.solution.PlattCalibrator().fit(scores, y, sample_weight=weights if weighted else None)
            known = platt_oracle(scores, y, weights if weighted else np.ones(n))
            call = f"PlattCalibrator().fit(scores, y{', sample_weight=weights' if weighted else ''}): [a_, b_]"
            return difference(np.array([found.a_, found.b_]), known, call=call,
                              inputs={"scores": scores, "y": y, "weights": weights})  # fmt: skip

        return worst((one(n) for n in (8, 40, 200)), CLOSE)

    yield Check(
        "Platt's slope and offset",
        lambda: line(weighted=False),
        at_most=CLOSE,
        why="A line through the log-odds, by maximum likelihood on slightly softened outcomes.",
        hint=("p = 1 / (1 + exp(a · score + b)): for good scores a is negative.",
              "The target of a 1 is (n₁ + 1) / (n₁ + 2), that of a 0 is 1 / (n₀ + 2).",
              "Newton's method with two unknowns; no penalty."),
    )  # fmt: skip
    yield Check(
        "Platt with weights",
        lambda: line(weighted=True),
        at_most=CLOSE,
        why="Weights count as that many rows, in the targets too.",
        hint=("n₁ and n₀ are sums of weights.",),
    )

    def large() -> Measurement:
        scores = np.array([-3e6, -1e6, 0.0, 1e6, 3e6])
        found = lab.solution.PlattCalibrator().fit(scores, np.array([0, 1, 0, 1, 1])).predict(scores)
        known = lab.solution.PlattCalibrator().fit(scores / 1e6, np.array([0, 1, 0, 1, 1])).predict(scores / 1e6)
        return difference(found, known, call="PlattCalibrator().fit(scores, y).predict(scores)",
                          inputs={"scores": scores})  # fmt: skip

    yield Check(
        "Platt does not depend on the unit of the scores",
        large,
        at_most=CLOSE,
        why="Margins, log-odds and sums of votes come in any size.",
        hint=("Centre and scale the scores for the fit, and carry the line back.",),
    )
    yield Check(
        "Platt refuses other outcomes",
        lambda: refusal(
            lambda: lab.solution.PlattCalibrator().fit(np.array([0.0, 1.0]), np.array([0, 2])),
            call="PlattCalibrator().fit([0, 1], [0, 2])",
            mentions=("0 and 1",),
        ),
        equals=True,
        why="Outcomes of 1 and 2 would be taken for probabilities.",
        hint=("Say which values were expected: 0 and 1.",),
    )


def _around_a_classifier(lab: Lab) -> Iterator[Check]:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.naive_bayes import GaussianNB

    def compared(method: str, theirs: str, classes: int) -> Measurement:
        case = cases_of(np.random.default_rng(classes), classes)["weak penalty"]
        found = lab.solution.CalibratedClassifier(GaussianNB(), method=method, cv=3).fit(case.X, case.y)
        known = CalibratedClassifierCV(GaussianNB(), method=theirs, cv=3, ensemble=False).fit(case.X, case.y)
        call = f"CalibratedClassifier(GaussianNB(), method={method!r}, cv=3).fit(X, y).predict_proba(X)"
        return difference(found.predict_proba(case.X), known.predict_proba(case.X), call=call,
                          inputs={"X": case.X, "y": case.y})  # fmt: skip

    for method, theirs in (("isotonic", "isotonic"), ("platt", "sigmoid")):
        yield Check(
            f"a classifier calibrated by {method}",
            lambda method=method, theirs=theirs: worst(  # type: ignore[misc]
                (compared(method, theirs, classes) for classes in (2, 3)), 1e-3
            ),
            at_most=1e-3,
            why="Calibrators learn from held-out scores; the classifier then learns from everything.",
            hint=("StratifiedKFold: fit a clone on each training part, score its held-out part, pool the scores.",
                  "With three classes: one calibrator each against the rest, then divide by the sum.",
                  "Scores are decision_function where there is one, else predict_proba."),
        )  # fmt: skip

    def prefit() -> Measurement:
        case = cases_of(lab.rng, 2)["weak penalty"]
        half = len(case.X) // 2
        base = GaussianNB().fit(case.X[:half], case.y[:half])
        already = "".join(("pre", "fit"))  # equal to the documented text, and not the same object
        found = lab.solution.CalibratedClassifier(base, method="isotonic", cv=already).fit(case.X[half:], case.y[half:])
        scores = base.predict_proba(case.X)[:, 1]
        known = lab.solution.IsotonicCalibrator().fit(scores[half:], case.y[half:]).predict(scores)
        call = "CalibratedClassifier(base, cv='prefit').fit(X2, y2).predict_proba(X)[:, 1]"
        return difference(found.predict_proba(case.X)[:, 1], known, call=call)

    yield Check(
        "a classifier that is fitted already",
        prefit,
        at_most=EXACT,
        why="A model in production is calibrated again without being trained again.",
        hint=("Neither clone nor fit the estimator; its scores of the given rows are what calibrates.",),
    )

    def by_heart() -> Measurement:
        from sklearn.neighbors import KNeighborsClassifier

        X, y = lab.rng.standard_normal((300, 2)), lab.rng.integers(0, 2, 300)
        found = lab.solution.CalibratedClassifier(KNeighborsClassifier(1), method="platt").fit(X, y)
        p = found.predict_proba(X)
        call = "CalibratedClassifier(KNeighborsClassifier(1), method='platt').fit(X, noise).predict_proba(X)"
        return Measurement(float(np.max(np.abs(np.asarray(p)[:, 1] - 0.5))), call=call, got=p)

    yield Check(
        "knowing the training rows by heart is no certainty",
        by_heart,
        at_most=0.15,
        why="Calibrated on its own training rows, a model that memorised noise would claim to be sure.",
        hint=("No row's score may come from a model that was fitted on that row.",),
    )
