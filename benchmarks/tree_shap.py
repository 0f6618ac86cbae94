"""Week 8: exact Shapley values of one XGBoost model, beside XGBoost itself and the library shap.

All explain the same trees and weigh branches by their cover. The comparison is fair when no value differs by more
than 1e-6 of the target's standard deviation from the library's. XGBoost adds up in single precision: there it is 5e-6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shap
import xgboost

from harness import Row, main
from mltoolkit.tabular import tree_shap

LEARNED, EXPLAINED, COLUMNS, ROUNDS = 20_000, 10_000, 50, 100
rng = np.random.default_rng(0)
X = rng.standard_normal((LEARNED + EXPLAINED, COLUMNS))
y = X[:, 0] * X[:, 1] + np.sin(3 * X[:, 2]) + X[:, 3] + 0.5 * rng.standard_normal(LEARNED + EXPLAINED)
model = xgboost.XGBRegressor(n_estimators=ROUNDS, max_depth=6, learning_rate=0.1, n_jobs=1).fit(
    X[:LEARNED], y[:LEARNED]
)
rows = X[LEARNED:]
SCALE = float(np.std(y))


def ours() -> Any:
    """Values and base value."""
    return tree_shap(model, rows)


def xgboosts() -> Any:
    """XGBoost's own, on one thread."""
    booster = model.get_booster()
    booster.set_param({"nthread": 1})
    return booster.predict(xgboost.DMatrix(rows, nthread=1), pred_contribs=True)


def shaps() -> Any:
    """The library's own code, which has the trees in its own form; of XGBoost's models it asks XGBoost otherwise."""
    return shap.TreeExplainer(FOREST).shap_values(rows)


def forest() -> dict[str, Any]:
    """The model's trees in the form that the library takes."""
    from mltoolkit.tabular._trees.xgboost_models import read

    ensemble, _ = read(model, rows[:1])
    return {
        "trees": [
            {
                "children_left": one.left, "children_right": one.right,
                "children_default": np.where(one.missing_left, one.left, one.right),
                "features": np.where(one.is_leaf, -2, one.feature), "thresholds": one.threshold,
                "values": one.value[:, np.newaxis], "node_sample_weight": one.cover,
            }
            for one in ensemble.trees
        ]
    }  # fmt: skip


FOREST = forest()


def same(limit: float) -> Callable[[Any, Any], str]:
    """Whether all values agree to a share of the target's standard deviation."""

    def compare(mine: Any, theirs: Any) -> str:
        gap = float(np.max(np.abs(mine[0] - np.asarray(theirs)[:, :COLUMNS]))) / SCALE
        return "" if gap <= limit else f"values differ by {gap:.2g} of the target's standard deviation"

    return compare


if __name__ == "__main__":
    workload = f"{EXPLAINED:,} rows x {COLUMNS}, {ROUNDS} trees of depth 6"
    main(
        "tree_shap",
        [
            Row("Shapley values, XGBoost", workload, "Booster.predict(DMatrix(X), pred_contribs=True), nthread=1",
                ours, xgboosts, same(5e-6), goal=2.0),
            Row("Shapley values, shap", workload, 'TreeExplainer({"trees": ...}).shap_values(X)',
                ours, shaps, same(1e-6), goal=2.0),
        ],
        ("fiftytwo", "numpy", "numba", "xgboost-cpu", "shap"),
        pairs=5,
    )  # fmt: skip
