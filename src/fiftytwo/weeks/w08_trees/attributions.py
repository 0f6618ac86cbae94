"""Checks of Shapley values: what they add up to, what has none, and XGBoost's and the library shap's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w08_trees.single import wavy
from fiftytwo.weeks.w08_trees.tables import applicants, houses

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

_SINGLE = 2e-5  # XGBoost computes in single precision, on raw predictions of size 1


def attributions(lab: Lab) -> Iterator[Check]:
    """Own models by hand and by their sums, XGBoost's by its own answer."""
    yield from _by_hand(lab)
    yield from _sums(lab)
    yield from _peers(lab)


def _by_hand(lab: Lab) -> Iterator[Check]:
    def stump() -> Measurement:
        X = np.column_stack([np.array([0.0, 0.0, 0.0, 1.0]), np.arange(4.0)])
        y = np.array([0.0, 0.0, 0.0, 8.0])
        X[:, 1] = 5.0
        model = lab.solution.RegressionTree(max_depth=1).fit(X, y)
        values, _ = lab.solution.tree_shap(model, X)
        expected = np.array([[-2.0, 0.0], [-2.0, 0.0], [-2.0, 0.0], [6.0, 0.0]])
        return difference(values, expected, call="tree_shap(RegressionTree(max_depth=1).fit(X, y), X)[0]",
                          inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "a stump by hand",
        stump,
        at_most=1e-9,
        why="Without the column the prediction is the mean by cover, 2; with it 0 or 8.",
        hint=("An unknown column sends a row both ways, weighted by how many training rows went each way.",
              "A column that no split asks for has the value 0."),
    )  # fmt: skip

    def two_columns() -> Measurement:
        # y = 4 where both are 1: of the 4 - 1 above the mean, each column brings one half.
        X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        y = np.array([0.0, 0.0, 0.0, 4.0])
        values, base = lab.solution.tree_shap(lab.solution.RegressionTree(max_depth=2).fit(X, y), X)
        expected = np.array([[-0.5, -0.5], [-1.5, 0.5], [0.5, -1.5], [1.5, 1.5]])
        if abs(float(base) - 1.0) > 1e-9:
            return difference(float(base), 1.0, call="tree_shap(tree, X)[1]", inputs={"X": X, "y": y})
        return difference(values, expected, call="tree_shap(RegressionTree(max_depth=2).fit(X, y), X)[0]",
                          inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "two columns that act together",
        two_columns,
        at_most=1e-9,
        why="What only both can do is shared evenly; the order of the splits must not matter.",
        hint=("Average over both orders in which the columns become known.",
              "A tree that gives all of it to the lower split has followed the path, not the definition."),
    )  # fmt: skip


def _sums(lab: Lab) -> Iterator[Check]:
    def models() -> Iterator[tuple[str, Any, Floats]]:
        X, y = wavy(1, 200, holes=0.15)
        yield "RegressionTree()", lab.solution.RegressionTree(max_depth=6).fit(X, y), X
        yield "GradientBoostingRegressor()", _boosted(lab, "GradientBoostingRegressor").fit(X, y), X
        A, defaults = applicants(np.random.default_rng(2), 200)
        yield "GradientBoostingClassifier()", _boosted(lab, "GradientBoostingClassifier").fit(A, defaults), A
        H, price = houses(np.random.default_rng(3), 150)
        y3 = np.digitize(price, np.quantile(price, [0.3, 0.7]))
        yield "GradientBoostingClassifier()", _boosted(lab, "GradientBoostingClassifier").fit(H, y3), H

    def one(name: str, model: Any, X: Floats) -> Measurement:
        rows = X[:40]
        values, base = lab.solution.tree_shap(model, rows)
        raw = np.asarray(model.decision_function(rows) if "Classifier" in name else model.predict(rows))
        shape = (40, X.shape[1], 3) if raw.ndim == 2 else (40, X.shape[1])
        if np.shape(values) != shape:
            return Measurement(np.nan, gate=f"expected values of shape {shape}, got {np.shape(values)}",
                               call=f"tree_shap({name}.fit(X, y), X)[0]")  # fmt: skip
        total = np.asarray(values).sum(axis=1) + np.asarray(base, dtype=float)
        return difference(total, raw, call=f"values.sum(axis=1) + base of tree_shap({name}.fit(X, y), X)",
                          inputs={"X": rows})  # fmt: skip

    yield Check(
        "base and values add up to the prediction",
        lambda: worst((one(*model) for model in models()), 1e-6),
        at_most=1e-6,
        why="What is explained has to be what was predicted: nothing left over, nothing invented.",
        hint=("Of a classifier it is decision_function that is explained.",
              "The base value is the mean of all leaves by cover, plus the start of the boosting.",
              "More than two classes: values (n, d, K), base (K,)."),
    )  # fmt: skip

    def idle() -> Measurement:
        X, y = wavy(4, 200)
        X[:, 2] = 3.0
        values, _ = lab.solution.tree_shap(_boosted(lab, "GradientBoostingRegressor").fit(X, y), X[:30])
        return difference(np.asarray(values)[:, 2], np.zeros(30), call="values of a constant column",
                          inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "a column that is never asked for has no value",
        idle,
        at_most=1e-9,
        why="This is what tells an attribution from a guess: no part, no share.",
        hint=("Only columns on a path take part in its leaf.",),
    )


def _boosted(lab: Lab, name: str) -> Any:
    return getattr(lab.solution, name)(max_iter=8, max_depth=3)


def _peers(lab: Lab) -> Iterator[Check]:
    def against(X: Floats, y: Floats, *, classes: int = 0) -> Measurement:
        import xgboost

        options = {"n_estimators": 10, "max_depth": 4, "n_jobs": 1}
        kind = xgboost.XGBClassifier if classes else xgboost.XGBRegressor
        model = kind(**options).fit(X, y)
        rows = X[:50]
        theirs = np.asarray(model.get_booster().predict(xgboost.DMatrix(rows), pred_contribs=True), dtype=float)
        if classes > 2:
            theirs = np.moveaxis(theirs, 1, -1)
        values, base = lab.solution.tree_shap(model, rows)
        call = f"tree_shap({kind.__name__}(n_estimators=10, max_depth=4).fit(X, y), X)"
        inputs = {"X": X, "y": y}
        found = difference(values, theirs[:, :-1], call=f"{call}[0]", inputs=inputs)
        if found.gate or not found.value <= _SINGLE:
            return found
        return difference(np.asarray(base, dtype=float) + np.zeros(theirs[:, -1].shape), theirs[:, -1],
                          call=f"{call}[1]", inputs=inputs)  # fmt: skip

    def two() -> Measurement:
        X, y = wavy(5, 300, 4)
        A, defaults = applicants(np.random.default_rng(6), 300)
        return worst((against(X, y), against(A, defaults, classes=2)), _SINGLE)

    yield Check(
        "XGBoost's models",
        two,
        at_most=_SINGLE,
        why="The trees of another library are trees: one algorithm explains them all.",
        hint=("json.loads(bytes(booster.save_raw('json'))) has left_children, right_children, split_indices, "
              "split_conditions, default_left and sum_hessian of each tree; a leaf's value is in split_conditions.",
              "XGBoost goes left where float32(x) is less than the threshold, and by default_left where x is missing.",
              "base_score in learner_model_param is a probability for binary:logistic; start from its log-odds."),
    )  # fmt: skip

    def three() -> Measurement:
        H, price = houses(np.random.default_rng(7), 300)
        return against(H, np.digitize(price, np.quantile(price, [0.3, 0.7])).astype(float), classes=3)

    yield Check(
        "XGBoost's models of three classes",
        three,
        at_most=_SINGLE,
        why="Each class has its own score, and so its own explanation.",
        hint=("tree_info says which class each tree belongs to.",),
    )

    def library() -> Measurement:
        import shap  # type: ignore[import-untyped]
        import xgboost

        X, y = wavy(8, 300, 4, holes=0.1)
        model = xgboost.XGBRegressor(n_estimators=10, max_depth=5, n_jobs=1).fit(X, y)
        expected = np.asarray(shap.TreeExplainer(model).shap_values(X[:50]), dtype=float)
        values, _ = lab.solution.tree_shap(model, X[:50])
        return difference(values, expected, call="tree_shap(model, X)[0] against shap.TreeExplainer(model)",
                          inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "the library shap",
        library,
        at_most=_SINGLE,
        why="Here a tenth of the values is missing, and both have to take the same branch.",
        hint=("A missing value goes by default_left, and agrees with the path where that leads.",),
    )
