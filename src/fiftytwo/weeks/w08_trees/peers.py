"""What a working engineer would use: XGBoost, under our names of parameters and attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

_NAMES = {"max_iter": "n_estimators", "l2_regularization": "reg_lambda", "max_leaf_nodes": "max_leaves"}


class _Booster:
    """An estimator of XGBoost with a loss curve and early stopping by our names."""

    def __init__(
        self, *, learning_rate: float = 0.1, early_stopping: bool = False, n_iter_no_change: int = 10, **options: Any
    ) -> None:
        self.options = {"learning_rate": learning_rate, "n_estimators": 100, "n_jobs": 1, "tree_method": "hist"}
        self.options |= {_NAMES.get(name, name): value for name, value in options.items()}
        self.patience = n_iter_no_change if early_stopping else None
        self.model: Any = None

    def _make(self, **options: Any) -> Any:
        raise NotImplementedError

    def _start(self, y: Any, train: Any) -> float:
        raise NotImplementedError

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None) -> Any:
        """Boost, and keep the curves."""
        parts = [(X, y)] if X_val is None else [(X, y), (X_val, y_val)]
        self.model = self._make(**self.options, early_stopping_rounds=self.patience)
        self.model.fit(X, y, sample_weight=sample_weight, eval_set=parts, verbose=False)
        curves = [np.asarray(next(iter(one.values()))) for one in self.model.evals_result().values()]
        starts = [self._start(target, y) for _, target in parts]
        whole = [np.concatenate([[start], curve]) for start, curve in zip(starts, curves, strict=True)]
        self.train_score_, self.validation_score_ = whole[0], whole[-1] if len(parts) > 1 else np.empty(0)
        self.n_iter_ = len(curves[0]) if self.patience is None else int(self.model.best_iteration) + 1
        return self

    def predict(self, X: Any) -> Any:
        """Predictions."""
        return self.model.predict(X)


class GradientBoostingRegressor(_Booster):
    """XGBRegressor."""

    def _make(self, **options: Any) -> Any:
        import xgboost

        return xgboost.XGBRegressor(**options)

    def _start(self, y: Any, train: Any) -> float:
        return float(np.mean((np.asarray(y) - np.mean(train)) ** 2))


class GradientBoostingClassifier(_Booster):
    """XGBClassifier."""

    def _make(self, **options: Any) -> Any:
        import xgboost

        return xgboost.XGBClassifier(**options)

    def _start(self, y: Any, train: Any) -> float:
        _, counts = np.unique(train, return_counts=True)
        shares = counts / counts.sum()
        return float(-np.mean(np.log(shares[np.searchsorted(np.unique(train), y)])))

    def predict_proba(self, X: Any) -> Any:
        """Probabilities."""
        return self.model.predict_proba(X)

    def decision_function(self, X: Any) -> Any:
        """Raw scores."""
        return self.model.predict(X, output_margin=True)


def tree_shap(model: Any, X: Any) -> tuple[Any, Any]:
    """Values and base value by XGBoost itself."""
    import xgboost

    inner = getattr(model, "model", model)
    booster = inner.get_booster() if hasattr(inner, "get_booster") else inner
    found = np.asarray(booster.predict(xgboost.DMatrix(X), pred_contribs=True), dtype=float)
    return (found[:, :-1], float(found[0, -1])) if found.ndim == 2 else (found[:, :, :-1], found[0, :, -1])
