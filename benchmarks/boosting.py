"""Week 8: gradient boosting on histograms, beside XGBoost and LightGBM.

All three grow trees of the same size on at most 256 bins, one thread each. The comparison is fair when ours is at
least as good on rows held out: no more than one percent above the peer's error.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import xgboost

from harness import Row, main
from mltoolkit.metrics import rmse
from mltoolkit.tabular import GradientBoostingRegressor

ROWS, COLUMNS, ROUNDS, HELD = 100_000, 50, 100, 20_000
rng = np.random.default_rng(0)
X = rng.standard_normal((ROWS + HELD, COLUMNS))
y = X[:, 0] * X[:, 1] + np.sin(3 * X[:, 2]) + X[:, 3] + 0.5 * rng.standard_normal(ROWS + HELD)


def by_depth() -> GradientBoostingRegressor:
    """Trees of depth 6, XGBoost's way."""
    return GradientBoostingRegressor(max_iter=ROUNDS, max_depth=6).fit(X[:ROWS], y[:ROWS])


def by_leaves() -> GradientBoostingRegressor:
    """Trees of 31 leaves, LightGBM's way."""
    model = GradientBoostingRegressor(
        max_iter=ROUNDS, max_depth=None, max_leaf_nodes=31, min_samples_leaf=20, l2_regularization=0.0
    )
    return model.fit(X[:ROWS], y[:ROWS])


def xgboosts() -> Any:
    """The peer by depth."""
    model = xgboost.XGBRegressor(
        n_estimators=ROUNDS, max_depth=6, learning_rate=0.1, tree_method="hist", max_bin=256, n_jobs=1
    )
    return model.fit(X[:ROWS], y[:ROWS])


def lightgbms() -> Any:
    """The peer by leaves."""
    lightgbm: Any = importlib.import_module("lightgbm")
    model = lightgbm.LGBMRegressor(n_estimators=ROUNDS, num_leaves=31, learning_rate=0.1, n_jobs=1, verbose=-1)
    return model.fit(X[:ROWS], y[:ROWS])


def as_good(ours: Any, peer: Any) -> str:
    """Whether our error on rows held out is at most one percent above the peer's."""
    mine, theirs = (rmse(y[ROWS:], np.asarray(model.predict(X[ROWS:]), dtype=float)) for model in (ours, peer))
    return "" if mine <= 1.01 * theirs else f"RMSE {mine:.4f}, the peer's {theirs:.4f}"


if __name__ == "__main__":
    workload = f"{ROWS:,} x {COLUMNS}, {ROUNDS} rounds, squared error"
    rows = [
        Row("boosting by depth", f"{workload}, depth 6",
            f'XGBRegressor(n_estimators={ROUNDS}, max_depth=6, tree_method="hist", max_bin=256, n_jobs=1).fit(X, y)',
            by_depth, xgboosts, as_good, goal=0.67),
    ]  # fmt: skip
    if importlib.util.find_spec("lightgbm") is not None:
        rows.append(
            Row("boosting by leaves", f"{workload}, 31 leaves",
                f"LGBMRegressor(n_estimators={ROUNDS}, num_leaves=31, n_jobs=1).fit(X, y)",
                by_leaves, lightgbms, as_good, goal=0.67)
        )  # fmt: skip
    main("boosting", rows, ("fiftytwo", "numpy", "numba", "xgboost-cpu", "lightgbm"), pairs=5)
