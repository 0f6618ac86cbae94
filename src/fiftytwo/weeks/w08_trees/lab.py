"""Week 8: boosted trees beside XGBoost, what their predictions are made of, and what they must not know.

The build predicts prices and defaults at XGBoost's settings, lets a model overfit until the validation rows say
stop, splits predictions into Shapley values, and goes through a checklist of leaks on tables where one was planted
and on clean ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w08_trees import figures
from fiftytwo.weeks.w08_trees.attributions import attributions
from fiftytwo.weeks.w08_trees.boosters import regressor
from fiftytwo.weeks.w08_trees.classifiers import classifier
from fiftytwo.weeks.w08_trees.planted import findings, is_right, known, planted, simulated
from fiftytwo.weeks.w08_trees.refused import refusals
from fiftytwo.weeks.w08_trees.searches import searches
from fiftytwo.weeks.w08_trees.single import one_tree
from fiftytwo.weeks.w08_trees.tables import Problem, credit, prices
from mltoolkit.metrics import log_loss, rmse, roc_auc

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    8,
    extras=("tabular",),
    seconds=900.0,
    exercise=Exercise(
        "mltoolkit.tabular.trees",
        ("RegressionTree", "GradientBoostingRegressor", "GradientBoostingClassifier", "tree_shap", "find_leaks"),
        hours=14.0,
        seconds=60.0,
        peers={
            "RegressionTree": "sklearn.tree:DecisionTreeRegressor",
            "GradientBoostingRegressor": "fiftytwo.weeks.w08_trees.peers:GradientBoostingRegressor",
            "GradientBoostingClassifier": "fiftytwo.weeks.w08_trees.peers:GradientBoostingClassifier",
            "tree_shap": "fiftytwo.weeks.w08_trees.peers:tree_shap",
        },
        brief="""\
Write a regression tree, gradient boosting on it, Shapley values for its predictions, and a search for leaks. A good
order:

1. `RegressionTree`: put each column into bins, sum up the target by bin, and the best split of a node is a search
   over cumulative sums. NaN has a bin of its own: try it on both sides. Then `max_depth`, `max_leaf_nodes` (the split
   that gains most first), `min_samples_leaf`, weights, `apply`.
2. `GradientBoostingRegressor`: gradients and hessians in place of targets. A leaf is -Σg / (Σh + l2) times the
   learning rate, the gain of a split is G² / (H + l2) of both sides minus that of the node. The same tree code serves.
3. The loss curve in `train_score_`, `X_val` and `y_val`, early stopping; then `subsample`, `colsample_bytree`,
   `monotonic_cst`.
4. `GradientBoostingClassifier`: log-odds and their derivatives; more than two classes with a tree each.
5. `tree_shap` on your own models. Start from the definition over all sets of columns on a stump, then the polynomial
   algorithm. For XGBoost's models, `save_raw("json")` of the booster holds the trees; it splits at *less than* in
   single precision.
6. `find_leaks`: one test for each of the five kinds. Silence on clean tables counts as much as the finding. A finding
   is a `Leak`; the starter imports it.

Plain NumPy is fast enough for every check. A finished tree, booster or explainer from a library is not the exercise.
""",
    ),
)

PATIENCE = 15
_SPLITS = 3
_FEW = 500  # rows to overfit


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    errors: NDArray[np.float64]  # RMSE of ours and of XGBoost, a row a split
    areas: NDArray[np.float64]  # ROC-AUC, likewise
    losses: NDArray[np.float64]  # log loss, likewise
    train_curve: NDArray[np.float64]
    validation_curve: NDArray[np.float64]
    stopped: int  # rounds that early stopping keeps
    gap: float  # largest difference between base + Shapley values and the raw prediction
    found: Mapping[str, bool]  # planted kind -> found, and nothing else
    alarms: Mapping[str, int]  # clean table -> false alarms


def build(lab: Lab) -> Built:
    """Fit beside XGBoost, overfit, explain, and go through the checklist."""
    errors = _beside_xgboost(lab, prices(lab), classes=False)
    scores = _beside_xgboost(lab, credit(lab), classes=True)
    _compare(lab, errors, scores)
    train, validation, stopped = _overfit(lab)
    gap = _explain(lab, credit(lab))
    found, alarms = _checklist(lab)
    return Built(errors[:, 0], scores[:, 0], scores[:, 1], train, validation, stopped, gap, found, alarms)


def _beside_xgboost(lab: Lab, problem: Problem, *, classes: bool) -> NDArray[np.float64]:
    """Scores of ours and of XGBoost at the same settings, shape (splits, scores, 2)."""
    import xgboost

    rng, found = lab.rng, []
    ours = lab.solution.GradientBoostingClassifier if classes else lab.solution.GradientBoostingRegressor
    peer = xgboost.XGBClassifier if classes else xgboost.XGBRegressor
    shared = {"learning_rate": problem.rate, "max_depth": problem.depth}
    for _ in lab.progress(range(_SPLITS), f"{problem.name} beside XGBoost"):
        train, test = problem.split(rng)
        models: list[Any] = [
            ours(max_iter=problem.rounds, **shared),
            peer(n_estimators=problem.rounds, tree_method="hist", n_jobs=1, **shared),
        ]
        scores = []
        for model in models:
            model.fit(problem.X[train], problem.y[train])
            scores.append(_score(model, problem.X[test], problem.y[test], classes=classes))
        found.append(np.transpose(scores))
    return np.array(found)


def _score(model: Any, X: NDArray[np.float64], y: NDArray[np.float64], *, classes: bool) -> list[float]:
    if not classes:
        return [rmse(y, np.asarray(model.predict(X), dtype=float))]
    p = np.asarray(model.predict_proba(X), dtype=float)[:, 1]
    return [roc_auc(y.astype(int), p), log_loss(y.astype(int), p)]


def _compare(lab: Lab, errors: NDArray[np.float64], scores: NDArray[np.float64]) -> None:
    import pandas as pd

    rows = []
    for problem, found, names in (
        (prices(lab), errors, ("RMSE, $100k",)),
        (credit(lab), scores, ("ROC-AUC", "log loss")),
    ):
        for name, (mine, theirs) in zip(names, found.mean(axis=0), strict=True):
            rows.append({"table": problem.name, "rows": len(problem.y), "score": name, "ours": mine,
                         "XGBoost": theirs, "ours / XGBoost": mine / theirs})  # fmt: skip
            lab.metric(f"{name}, ours", float(mine))
            lab.metric(f"{name}, XGBoost", float(theirs))
    caption = f"Means over {_SPLITS} ways to split off a fifth of the rows, at the same settings."
    lab.table(pd.DataFrame(rows), "Beside XGBoost", caption)


def _overfit(lab: Lab) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Boost far too long on few rows, and stop early on the same rows."""
    problem, options = credit(lab), {"learning_rate": 0.2, "max_depth": 4, "max_iter": 120}
    rng = lab.rng
    train, rest = problem.split(rng)
    few, held = train[:_FEW], rest[: 2 * _FEW]
    parts = {"X_val": problem.X[held], "y_val": problem.y[held]}
    long = lab.solution.GradientBoostingClassifier(**options).fit(problem.X[few], problem.y[few], **parts)
    stopping = lab.solution.GradientBoostingClassifier(early_stopping=True, n_iter_no_change=PATIENCE, **options)
    stopping.fit(problem.X[few], problem.y[few], **parts)
    curves = np.asarray(long.train_score_), np.asarray(long.validation_score_)
    stopped = int(stopping.n_iter_)
    lab.figure(
        figures.overfitting(*curves, stopped, PATIENCE, "mean log loss"),
        "Overfitting",
        f"A model of {_FEW} rows goes on learning them by heart, while rows that it has not seen are predicted worse "
        f"and worse. Early stopping keeps the rounds before the dashed line, after {PATIENCE} more without a gain.",
    )
    for name, curve in zip(("training", "validation"), curves, strict=True):
        lab.metric(f"{name} loss at the stop", float(curve[stopped]))
        lab.metric(f"{name} loss at the end", float(curve[-1]))
        lab.metric(f"{name} loss before the first tree", float(curve[0]))
    lab.metric("rounds kept", stopped)
    lab.metric("rounds in all", len(curves[0]) - 1)
    lab.metric("rows to overfit", _FEW)
    lab.document("overfitting.md.jinja", "How far to boost", table_name=problem.name)
    return curves[0], curves[1], stopped


def _explain(lab: Lab, problem: Problem) -> float:
    train, test = problem.split(lab.rng)
    test = test[:600]
    model = lab.solution.GradientBoostingClassifier(
        max_iter=problem.rounds, max_depth=problem.depth, learning_rate=problem.rate
    ).fit(problem.X[train], problem.y[train])
    found, base = lab.solution.tree_shap(model, problem.X[test])
    values = np.asarray(found)
    lab.figure(
        figures.leaning(values, problem.columns),
        "What the predictions lean on",
        "Shapley values of rows that the model has not seen: what each column adds to the log-odds of a default.",
    )
    top = int(np.argmax(np.mean(np.abs(values), axis=0)))
    second = next((j for j in range(values.shape[1]) if np.isnan(problem.X[test, j]).any()), top)
    lab.figure(
        figures.dependence(problem.X[test, second], values[:, second], problem.columns[second]),
        "One column",
        "The same values over the column itself: the shape that the model has learned for it. The spread at one place "
        "is what other columns do to it.",
    )
    raw = np.asarray(model.decision_function(problem.X[test]))
    return float(np.max(np.abs(values.sum(axis=1) + float(base) - raw)))


def _checklist(lab: Lab) -> tuple[dict[str, bool], dict[str, int]]:
    import pandas as pd

    rows, found = [], {}
    for kind, suspect in planted(lab.rng).items():
        seen = findings(lab, suspect)
        found[kind] = is_right(suspect, seen)
        rows.append({"planted": kind, "how": suspect.name, "column": suspect.column or "(whole rows)",
                     "found": ", ".join(sorted({name for name, _ in seen})) or "nothing"})  # fmt: skip
    lab.table(pd.DataFrame(rows), "Planted leaks", "One leak a table, and what the search reports.")
    clean = [*simulated(lab.rng), *known(lab)]
    alarms = {suspect.name: len(findings(lab, suspect)) for suspect in lab.progress(clean, "clean tables")}
    frame = pd.DataFrame(
        [{"clean table": s.name, "training rows": len(s.train), "columns": s.train.shape[1] - 1,
          "alarms": alarms[s.name]} for s in clean]
    )  # fmt: skip
    lab.table(frame, "Clean tables", "Tables without a leak; every alarm here is a false one.")
    lab.metric("planted leaks found", sum(found.values()))
    lab.metric("planted leaks", len(found))
    lab.metric("clean tables", len(clean))
    lab.metric("false alarms", sum(alarms.values()))
    lab.document("leakage.md.jinja", "Leakage checklist")
    return found, alarms


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's parts first, then what the tables show."""
    yield from one_tree(lab)
    yield from regressor(lab)
    yield from classifier(lab)
    yield from attributions(lab)
    yield from searches(lab)
    yield from refusals(lab)
    yield from _on_the_tables(lab, built)


def _on_the_tables(lab: Lab, built: Built) -> Iterator[Check]:
    def ratio(scores: NDArray[np.float64]) -> float:
        mine, theirs = scores.mean(axis=0)
        return float(mine / theirs)

    same = "At the same settings the same algorithm ends in the same place."
    hint = ("Look at the checks of one round and of the small tables first.",)
    yield Check("RMSE of prices over XGBoost's", lambda: ratio(built.errors), at_most=1.01, why=same, hint=hint)
    yield Check("log loss of defaults over XGBoost's", lambda: ratio(built.losses), at_most=1.01, why=same, hint=hint)
    yield Check("ROC-AUC of defaults over XGBoost's", lambda: ratio(built.areas), at_least=0.99, why=same, hint=hint)
    if lab.full:
        yield Check(
            "RMSE on California housing", lambda: float(built.errors[:, 0].mean()), at_most=0.50, unit="$100k",
            why="A linear model errs by about 0.7 here.", hint=("Look at the checks of the regressor first.",),
        )  # fmt: skip
        yield Check(
            "ROC-AUC on credit-card default", lambda: float(built.areas[:, 0].mean()), at_least=0.77,
            why="Published boosted models reach 0.77 to 0.79 on this table.",
            hint=("Look at the checks of the classifier first.",),
        )  # fmt: skip
    yield Check(
        "training loss at the end over that at the stop",
        lambda: built.train_curve[-1] / built.train_curve[built.stopped],
        at_most=0.7,
        why="Learning by heart goes on for as long as it is let.",
        hint=("Look at the check of the loss curve first.",),
    )
    yield Check(
        "validation loss at the end over that at the stop",
        lambda: built.validation_curve[-1] / built.validation_curve[built.stopped],
        at_least=1.05,
        why="What the last rounds learned was noise, and rows that were not seen pay for it.",
        hint=("Look at the check of early stopping first.",),
    )
    yield Check(
        "Shapley values add up on the credit table",
        lambda: built.gap,
        at_most=1e-6,
        unit="log-odds",
        why="An explanation that does not add up explains another model.",
        hint=("Look at the checks of tree_shap first.",),
    )
    yield Check(
        "planted leaks found",
        lambda: sum(built.found.values()),
        equals=5,
        why="Each of the five kinds has made a good score worthless somewhere.",
        hint=("Look at the checks of find_leaks first.",),
    )
    yield Check(
        "false alarms on clean tables",
        lambda: sum(built.alarms.values()),
        equals=0,
        why="A search that cries wolf is switched off.",
        hint=("Look at the checks of find_leaks first.",),
    )
