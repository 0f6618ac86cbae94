"""Week 7: who will not pay back, with which probability, and what to do about it.

The build fits logistic regression and an overconfident peer to a portfolio of loans, calibrates, and compares
four answers to the rarity of defaults by what they cost. In the quick profile the true probabilities are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w07_classification import figures
from fiftytwo.weeks.w07_classification.calibrators import calibrators
from fiftytwo.weeks.w07_classification.edges import edges
from fiftytwo.weeks.w07_classification.parity import logistic, refusals
from fiftytwo.weeks.w07_classification.portfolio import Split, loans, resampled, thinned
from fiftytwo.weeks.w07_classification.reliability import reliability
from mltoolkit.metrics import average_precision, brier_score, expected_calibration_error, log_loss, roc_auc

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    7,
    exercise=Exercise(
        "mltoolkit.tabular.classification",
        ("LogisticRegression", "IsotonicCalibrator", "PlattCalibrator", "CalibratedClassifier"),
        hours=10.0,
        peers={
            "LogisticRegression": "sklearn.linear_model:LogisticRegression",
            "CalibratedClassifier": "fiftytwo.weeks.w07_classification.peers:CalibratedClassifier",
        },
        brief="""\
Write four estimators with scikit-learn's interface. A good order:

1. `LogisticRegression` for two classes by Newton's method: `fit`, `decision_function`, `predict_proba`,
   `predict`. The objective is C · Σ sᵢ · lossᵢ + ½ ‖w‖², the intercept carries no penalty. Shorten a step that
   does not lower the objective.
2. Sample weights, class weights, `solver="lbfgs"` (SciPy's minimizer is yours to use), `converged_`, `n_iter_`.
3. More than two classes: softmax, one row of coefficients each, intercepts that add up to 0.
4. `IsotonicCalibrator` by pooling adjacent violators. Equal scores are merged to one point first; rows of weight 0
   are left out.
5. `PlattCalibrator`: p = 1 / (1 + exp(a · score + b)) with Platt's targets.
6. `CalibratedClassifier`: scores of held-out folds train the calibrators, everything trains the classifier.

Bad input gets a `ValueError` that says what was wrong. NumPy, SciPy and scikit-learn's validation helpers are
yours; a finished logistic regression or calibrator from a library is not the exercise.
""",
    ),
)

STATED_RATIO = 10.0  # a missed default costs ten good customers turned away
_RATIOS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_PREVALENCES = (0.2, 0.1, 0.05, 0.02, 0.01)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    split: Split
    predicted: Mapping[str, NDArray[np.float64]]  # probability of default of each test row, by model
    roc: tuple[float, ...]  # area under the ROC curve as defaults grow rarer
    precision: tuple[float, ...]  # average precision, likewise
    costs: Mapping[str, NDArray[np.float64]]  # of each tactic, by cost ratio
    balanced: NDArray[np.float64]  # probabilities of the model with balanced class weights
    distance: float  # of the logistic model from the true probabilities, root mean square; NaN where nobody knows them


def build(lab: Lab) -> Built:
    """Fit, calibrate, thin out the defaults, and count costs."""
    from sklearn.naive_bayes import GaussianNB

    split = loans(lab)
    models: dict[str, Any] = {
        "logistic": lab.solution.LogisticRegression(),
        "naive Bayes": GaussianNB(),
        "naive Bayes, Platt": lab.solution.CalibratedClassifier(GaussianNB(), method="platt"),
        "naive Bayes, isotonic": lab.solution.CalibratedClassifier(GaussianNB(), method="isotonic"),
    }
    predicted = {}
    for name, model in lab.progress(list(models.items()), "fitting"):
        predicted[name] = np.asarray(model.fit(split.train, split.train_defaults).predict_proba(split.test))[:, 1]
    _compare(lab, split, predicted)
    roc, precision = _as_defaults_grow_rarer(lab, split, predicted["logistic"])
    costs, balanced = _tactics(lab, split, predicted["logistic"])
    lab.metric("rows to learn from", len(split.train))
    lab.metric("rows to judge by", len(split.test))
    lab.metric("share that defaults", float(split.test_defaults.mean()))
    lab.document("decisions.md.jinja", "Which probability, and what to do with it", portfolio=split.name)
    distance = np.nan if split.truth is None else _rms(predicted["logistic"] - split.truth)
    return Built(split, predicted, roc, precision, costs, balanced, distance)


def _compare(lab: Lab, split: Split, predicted: Mapping[str, NDArray[np.float64]]) -> None:
    import pandas as pd

    y, rows = split.test_defaults, []
    for name, p in predicted.items():
        row = {
            "model": name,
            "ROC-AUC": roc_auc(y, p),
            "PR-AUC": average_precision(y, p),
            "Brier": brier_score(y, p),
            "log loss": log_loss(y, np.clip(p, 1e-6, 1 - 1e-6)),
            "ECE, equal width": expected_calibration_error(y, p),
            "ECE, equal mass": expected_calibration_error(y, p, strategy="quantile"),
        }
        if split.truth is not None:
            row["distance from the truth"] = _rms(p - split.truth)
        rows.append(row)
        lab.metric(f"Brier score, {name}", row["Brier"])
        lab.metric(f"calibration error, {name}", row["ECE, equal mass"])
    caption = "Ranking and calibration on loans that no model has seen. ECE: expected calibration error in ten bins."
    if split.truth is not None:
        caption += " Distance: root mean square of predicted minus true probability."
    lab.table(pd.DataFrame(rows), "Models", caption)
    lab.figure(
        figures.reliability_diagrams({name: reliability(y, p) for name, p in predicted.items()}),
        "Reliability",
        "Share that defaulted over what was predicted, in ten bins of equal mass, with 95% Wilson intervals; the "
        "number of loans below. On the dashed line a prediction of 30% means that 30 in 100 default.",
    )
    if split.truth is not None:
        lab.figure(
            figures.truth_and_prediction(split.truth, predicted),
            "Truth and prediction",
            "Only a simulation can show this: predicted over true probability, a point a loan.",
        )


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _as_defaults_grow_rarer(
    lab: Lab, split: Split, p: NDArray[np.float64]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both areas at falling prevalence, as means over ten ways of thinning out the defaults."""
    import pandas as pd

    rng, repeats = lab.rng, 10
    roc, precision = [], []
    for prevalence in _PREVALENCES:
        kept = [thinned(rng, split.test_defaults, prevalence) for _ in range(repeats)]
        roc.append(float(np.mean([roc_auc(split.test_defaults[rows], p[rows]) for rows in kept])))
        precision.append(float(np.mean([average_precision(split.test_defaults[rows], p[rows]) for rows in kept])))
    lab.figure(
        figures.falling_prevalence(_PREVALENCES, roc, precision),
        "Rarer defaults",
        "The same model on the same loans, with defaults left out by chance. How often a default outranks a good loan "
        "does not change; how many alarms are false does.",
    )
    frame = pd.DataFrame({"share of defaults": _PREVALENCES, "ROC-AUC": roc, "PR-AUC": precision})
    lab.table(frame, "Rarer defaults", "Both areas as defaults grow rarer; means over ten ways of thinning them out.")
    return tuple(roc), tuple(precision)


def _tactics(
    lab: Lab, split: Split, plain: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Cost per 1,000 loans of five ways to decide, over cost ratios."""
    import pandas as pd

    def fitted(rows: NDArray[np.intp] | slice, **options: Any) -> NDArray[np.float64]:
        model = lab.solution.LogisticRegression(**options).fit(split.train[rows], split.train_defaults[rows])
        return np.asarray(model.predict_proba(split.test))[:, 1]

    balanced = fitted(slice(None), class_weight="balanced")
    grown = fitted(resampled(lab.rng, split.train_defaults, grow=True))
    shrunk = fitted(resampled(lab.rng, split.train_defaults, grow=False))
    half = {"nothing": plain, "class weights": balanced, "oversampling": grown, "undersampling": shrunk}
    costs = {name: np.array([_cost(split, p >= 0.5, ratio) for ratio in _RATIOS]) for name, p in half.items()}
    costs["threshold by cost"] = np.array([_cost(split, plain >= 1.0 / (1.0 + ratio), ratio) for ratio in _RATIOS])
    lab.figure(
        figures.cost_view(_RATIOS, costs),
        "What each tactic costs",
        "Cost over that of the cheapest tactic. Weights and resampling answer one question, whatever is asked; a "
        "threshold set from the costs answers each.",
    )
    rows = [{"tactic": name, **{f"{r:g} : 1": float(c) for r, c in zip(_RATIOS, cost, strict=True)}}
            for name, cost in costs.items()]  # fmt: skip
    lab.table(
        pd.DataFrame(rows),
        "Costs",
        "Cost per 1,000 loans when a missed default costs so many times a good customer turned away.",
    )
    lab.metric("calibration error, class weights",
               expected_calibration_error(split.test_defaults, balanced, strategy="quantile"))  # fmt: skip
    return costs, balanced


def _cost(split: Split, refused: NDArray[np.bool_], ratio: float) -> float:
    """Cost per 1,000 loans: ``ratio`` for each default that was granted, 1 for each good loan that was refused."""
    missed = np.sum(~refused & (split.test_defaults == 1))
    turned_away = np.sum(refused & (split.test_defaults == 0))
    return float(1000.0 * (ratio * missed + turned_away) / len(refused))


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's estimators first, then what the portfolio shows."""
    yield from logistic(lab)
    yield from refusals(lab)
    yield from calibrators(lab)
    yield from edges(lab)
    yield from _on_the_portfolio(lab, built)


def _on_the_portfolio(lab: Lab, built: Built) -> Iterator[Check]:
    yield Check(
        "calibration lowers the Brier score",
        lambda: (
            brier_score(built.split.test_defaults, built.predicted["naive Bayes"])
            - brier_score(built.split.test_defaults, built.predicted["naive Bayes, isotonic"])
        ),
        at_least=0.005,
        why="Naive Bayes counts the same evidence twice and is too sure; the map from its scores mends that.",
        hint=("Look at the checks of the calibrators first.",),
    )
    yield Check(
        "calibration error after isotonic",
        lambda: expected_calibration_error(
            built.split.test_defaults, built.predicted["naive Bayes, isotonic"], strategy="quantile"
        ),
        at_most=0.03,
        why="What is predicted as 30% should default 30 times in 100.",
        hint=("Look at the checks of the calibrators first.",),
    )

    def covered(name: str) -> float:
        bins = reliability(built.split.test_defaults, built.predicted[name])
        return float(np.mean((bins.low <= bins.predicted) & (bins.predicted <= bins.high)))

    yield Check(
        "more bins whose interval covers the prediction",
        lambda: covered("naive Bayes, isotonic") - covered("naive Bayes"),
        at_least=0.3,
        why="Calibration moves predictions into the intervals that the counts of their bins allow.",
        hint=("Look at the checks of the calibrators first.",),
    )
    if not lab.full:
        yield Check(
            "close to the true probabilities",
            lambda: built.distance,
            at_most=0.05,
            why="Reliability is an average over a bin; a simulation shows each loan's own error.",
            hint=("Look at the checks of the coefficients first.",),
        )
    yield Check(
        "ROC-AUC hardly moves as defaults grow rarer",
        lambda: max(built.roc) - min(built.roc),
        at_most=0.03,
        why="It compares a default with a good loan, however many of each there are.",
        hint=("Look at the checks of the coefficients first.",),
    )
    yield Check(
        "PR-AUC falls with them",
        lambda: built.precision[-1] / built.precision[0],
        at_most=0.6,
        why="Of the alarms, ever more are false: that is what a team that works through them feels.",
        hint=("Look at the checks of the coefficients first.",),
    )
    stated = _RATIOS.index(STATED_RATIO)
    yield Check(
        "a threshold set by cost is as cheap as any tactic",
        lambda: built.costs["threshold by cost"][stated] / min(cost[stated] for cost in built.costs.values()),
        at_most=1.05,
        why="With honest probabilities the decision is arithmetic: refuse above 1 / (1 + ratio).",
        hint=("Look at the checks of the coefficients first.",),
    )
    yield Check(
        "doing nothing, beside it",
        lambda: built.costs["nothing"][stated] / built.costs["threshold by cost"][stated],
        at_least=1.2,
        why="A threshold of one half says that both errors cost the same, which nobody meant.",
        hint=("Look at the checks of the coefficients first.",),
    )
    yield Check(
        "class weights spoil the probabilities",
        lambda: expected_calibration_error(built.split.test_defaults, built.balanced, strategy="quantile"),
        at_least=0.1,
        why="They tell the model that defaults are as frequent as good loans, and it believes it.",
        hint=("See: class weights.",),
    )
