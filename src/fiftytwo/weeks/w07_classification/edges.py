"""Checks at the edges: options, constant scores, scores in a column, weights, and folds of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w07_classification.cases import CLOSE, EXACT, cases_of

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_DEFAULTS: dict[str, dict[str, Any]] = {
    "LogisticRegression": {
        "C": 1.0, "fit_intercept": True, "class_weight": None, "solver": "auto", "tol": 1e-6, "max_iter": 200,
    },
    "IsotonicCalibrator": {},
    "PlattCalibrator": {},
    "CalibratedClassifier": {"estimator": None, "method": "isotonic", "cv": 5},
}  # fmt: skip
_SCORES, _OUTCOMES = np.array([0.1, 0.4, 0.2, 0.9, 0.7, 0.3]), np.array([0, 0, 1, 1, 1, 0])


def edges(lab: Lab) -> Iterator[Check]:
    """Options first, then calibrators, then the classifier around them."""
    yield from _options(lab)
    yield from _scores(lab)
    yield from _around(lab)


def _options(lab: Lab) -> Iterator[Check]:
    case = cases_of(lab.rng, 2)["weak penalty"]

    def defaults() -> Measurement:
        def one(name: str, expected: dict[str, Any]) -> Measurement:
            model = getattr(lab.solution, name)()
            if "Calibrator" in name:
                model.fit(_SCORES, _OUTCOMES)
            else:
                model.fit(case.X, case.y)
            got = dict(model.get_params(deep=False))
            return Measurement(float(got == expected), call=f"{name}().get_params()", got=str(got),
                               expected=str(expected))  # fmt: skip

        return first_unclear(one(*item) for item in _DEFAULTS.items())

    yield Check(
        "defaults as documented",
        defaults,
        equals=True,
        why="Who writes LogisticRegression() relies on what the page says: the numbers are part of the contract.",
        hint=("The signatures of your starter have them; keep them.",),
    )

    def few_steps() -> Measurement:
        def one(name: str) -> Measurement:
            one = cases_of(lab.rng, 2)[name]
            model = lab.solution.LogisticRegression(one.C, solver="newton").fit(one.X, one.y)
            return Measurement(float(model.n_iter_[0]), call=f"LogisticRegression({one.C:g}, solver='newton')"
                               ".fit(X, y).n_iter_[0]", got=int(model.n_iter_[0]),
                               inputs={"X": one.X, "y": one.y})  # fmt: skip

        return worst((one(name) for name in ("plain", "weak penalty", "a column twice")), 50.0)

    yield Check(
        "newton needs few steps",
        few_steps,
        between=(1, 50),
        unit="steps",
        why="Near the minimum each step doubles the number of right digits; a fit that runs on has missed its end.",
        hint=("Stop when the largest entry of the gradient is at most tol.",
              "With the exact Hessian and no rounding left to gain, six or seven steps are enough here."),
    )  # fmt: skip

    def parameters() -> Measurement:
        bad: list[dict[str, Any]] = [
            {"C": "1"}, {"C": None}, {"C": np.nan}, {"C": np.inf}, {"tol": -1.0}, {"tol": np.nan}, {"tol": None},
            {"max_iter": 2.5}, {"max_iter": -1}, {"solver": None}, {"class_weight": "rare"},
        ]  # fmt: skip
        return first_unclear(
            refusal(lambda row=row: lab.solution.LogisticRegression(**row).fit(case.X, case.y),  # type: ignore[misc]
                    call=f"LogisticRegression(**{row}).fit(X, y)", mentions=(next(iter(row)),))
            for row in bad
        )  # fmt: skip

    yield Check(
        "refuses what is no number",
        parameters,
        equals=True,
        why="NaN is below nothing and above nothing, so a comparison alone lets it pass.",
        hint=("C and tol are finite numbers above 0, max_iter is a whole number of at least 1.",
              "class_weight is a dict, 'balanced' or None."),
    )  # fmt: skip


def _scores(lab: Lab) -> Iterator[Check]:
    def all_the_same() -> Measurement:
        scores, y = np.full(4, 2.0), np.array([0, 1, 1, 1])
        expected = np.array([(3 * (3 + 1) / (3 + 2) + 1 / (1 + 2)) / 4])
        return worst(
            (
                difference(lab.solution.PlattCalibrator().fit(scores, y).predict(scores[:1]), expected,
                           call="PlattCalibrator().fit([2, 2, 2, 2], [0, 1, 1, 1]).predict([2])"),
                difference(lab.solution.IsotonicCalibrator().fit(scores, y).predict(scores[:1]), np.array([0.75]),
                           call="IsotonicCalibrator().fit([2, 2, 2, 2], [0, 1, 1, 1]).predict([2])"),
            ),
            CLOSE,
        )  # fmt: skip

    yield Check(
        "scores that are all the same",
        all_the_same,
        at_most=CLOSE,
        why="A classifier that has learned nothing still has a base rate.",
        hint=("The mean of Platt's targets; the slope does not matter and nothing may be divided by 0.",),
    )

    def one_column() -> Measurement:
        def one(name: str) -> Measurement:
            flat = getattr(lab.solution, name)().fit(_SCORES, _OUTCOMES).predict(_SCORES)
            column = getattr(lab.solution, name)().fit(_SCORES[:, np.newaxis], _OUTCOMES)
            return difference(column.predict(_SCORES[:, np.newaxis]), np.asarray(flat),
                              call=f"{name}().fit(scores[:, None], y).predict(scores[:, None])",
                              inputs={"scores": _SCORES, "y": _OUTCOMES})  # fmt: skip

        return worst(map(one, ("IsotonicCalibrator", "PlattCalibrator")), EXACT)

    yield Check(
        "scores as one column",
        one_column,
        at_most=EXACT,
        why="Scores often come as a column of a table, and mean the same.",
        hint=("Shape (n, 1) is as good as (n,); predictions are (n,).",),
    )

    def outcomes() -> Measurement:
        return first_unclear(
            refusal(
                lambda value=value: lab.solution.PlattCalibrator().fit(np.arange(3.0), np.array([0.0, value, 1.0])),  # type: ignore[misc]
                call=f"PlattCalibrator().fit([0, 1, 2], [0, {value}, 1])",
                mentions=("0 and 1",),
            )
            for value in (0.5, -1.0, 1.5)
        )

    yield Check(
        "Platt refuses what is no outcome",
        outcomes,
        equals=True,
        why="A probability or a label of -1 is no count of anything.",
        hint=("Every y has to be exactly 0 or exactly 1.",),
    )


def _around(lab: Lab) -> Iterator[Check]:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import KFold
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier

    case = cases_of(lab.rng, 2)["weak penalty"]

    def compared(call: str, weights: Any, estimator: Any, cv: Any) -> Measurement:
        ours = lab.solution.CalibratedClassifier(estimator, method="platt", cv=cv)
        theirs = CalibratedClassifierCV(estimator, method="sigmoid", cv=cv, ensemble=False)
        if weights is None:
            ours, theirs = ours.fit(case.X, case.y), theirs.fit(case.X, case.y)
        else:
            ours, theirs = ours.fit(case.X, case.y, weights), theirs.fit(case.X, case.y, weights)
        return difference(ours.predict_proba(case.X), theirs.predict_proba(case.X), call=f"{call}.predict_proba(X)",
                          inputs={"X": case.X, "y": case.y, "weights": case.weights})  # fmt: skip

    def weighted() -> Measurement:
        return worst(
            (
                compared(f"CalibratedClassifier({name}, method='platt', cv=3).fit(X, y, weights)", case.weights, one, 3)
                for name, one in (("GaussianNB()", GaussianNB()), ("KNeighborsClassifier(9)", KNeighborsClassifier(9)))
            ),
            1e-3,
        )

    yield Check(
        "a calibrated classifier with weights",
        weighted,
        at_most=1e-3,
        why="Weights go to the calibrators, and to the classifier only where its fit takes them.",
        hint=("sklearn.utils.validation.has_fit_parameter(estimator, 'sample_weight')",
              "Each fold's classifier gets the weights of its training rows."),
    )  # fmt: skip
    yield Check(
        "folds of one's own",
        lambda: compared("CalibratedClassifier(GaussianNB(), method='platt', cv=KFold(4)).fit(X, y)", None,
                         GaussianNB(), KFold(4)),
        at_most=1e-3,
        why="Loans of one customer, or of one month, belong into one fold.",
        hint=("sklearn.model_selection.check_cv(cv, y, classifier=True) takes an int or a splitter.",),
    )  # fmt: skip

    def missing() -> Measurement:
        from sklearn.ensemble import HistGradientBoostingClassifier

        X = np.where(np.arange(case.X.size).reshape(case.X.shape) % 7 == 0, np.nan, case.X)
        base = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5, random_state=0)
        ours = lab.solution.CalibratedClassifier(base, method="platt", cv=3).fit(X, case.y)
        theirs = CalibratedClassifierCV(base, method="sigmoid", cv=3, ensemble=False).fit(X, case.y)
        return difference(ours.predict_proba(X), theirs.predict_proba(X), inputs={"X": X, "y": case.y},
                          call="CalibratedClassifier(HistGradientBoostingClassifier(...), method='platt', cv=3)"
                          ".fit(X with NaN, y).predict_proba(X)")  # fmt: skip

    yield Check(
        "missing values are the classifier's business",
        missing,
        at_most=1e-3,
        why="Some classifiers learn from gaps; what is wrapped around them has no opinion on that.",
        hint=("validate_data(self, X, y, dtype=None, ensure_all_finite=False)",),
    )

    def refused() -> Measurement:
        few = np.where(np.arange(len(case.y)) < 3, 1, 0)
        trials: list[tuple[str, Callable[[], Any], tuple[str, ...]]] = [
            ("CalibratedClassifier(GaussianNB(), cv=5).fit(X, y with three 1s)",
             lambda: lab.solution.CalibratedClassifier(GaussianNB(), cv=5).fit(case.X, few),
             ("fold", "sample", "split", "member", "cv")),
            ("CalibratedClassifier(GaussianNB(), method='beta').fit(X, y)",
             lambda: lab.solution.CalibratedClassifier(GaussianNB(), method="beta").fit(case.X, case.y), ("method",)),
            ("CalibratedClassifier(GaussianNB(), cv='some').fit(X, y)",
             lambda: lab.solution.CalibratedClassifier(GaussianNB(), cv="some").fit(case.X, case.y), ("cv",)),
            ("CalibratedClassifier(GaussianNB()).fit(X, zeros)",
             lambda: lab.solution.CalibratedClassifier(GaussianNB()).fit(case.X, np.zeros(len(case.y))), ("class",)),
        ]  # fmt: skip
        return first_unclear(refusal(action, call=call, mentions=words) for call, action, words in trials)

    yield Check(
        "a calibrated classifier refuses what cannot be",
        refused,
        equals=True,
        why="With fewer rows of a class than folds, some fold would calibrate a class that it has not seen.",
        hint=("Count the rows of each class before you split.",
              "A ValueError that names the parameter, or says what y lacks."),
    )  # fmt: skip
