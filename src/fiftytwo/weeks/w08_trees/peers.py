"""What a working engineer would use, under our names of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

_NAMES = {"max_iter": "n_estimators", "l2_regularization": "reg_lambda", "max_leaf_nodes": "max_leaves"}


def GradientBoostingRegressor(**options: Any) -> Any:
    """XGBRegressor with our names."""
    import xgboost

    return xgboost.XGBRegressor(n_jobs=1, **_theirs(options))


def GradientBoostingClassifier(**options: Any) -> Any:
    """XGBClassifier with our names."""
    import xgboost

    return xgboost.XGBClassifier(n_jobs=1, **_theirs(options))


def tree_shap(model: Any, X: Any) -> tuple[Any, Any]:
    """Values and base value by XGBoost itself."""
    import xgboost

    booster = model.get_booster() if hasattr(model, "get_booster") else model
    found = np.asarray(booster.predict(xgboost.DMatrix(X), pred_contribs=True))
    return found[..., :-1], found[0, ..., -1]


def _theirs(options: dict[str, Any]) -> dict[str, Any]:
    defaults = {"learning_rate": 0.1, "n_estimators": 100}
    return defaults | {_NAMES.get(name, name): value for name, value in options.items()}
