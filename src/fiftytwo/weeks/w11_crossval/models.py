"""Estimators that tell what was done to them, and ones that cost nothing to fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


class Witness(RegressorMixin, BaseEstimator):
    """Predicts 1 for a row whose first column it saw in training, else 0: what it says about test rows is a leak."""

    def __init__(self, fail_without: float | None = None) -> None:
        self.fail_without = fail_without

    def fit(self, X: Any, y: Any = None) -> Witness:  # noqa: ARG002
        """Remember the first column; fail where a given entry is missing from it."""
        seen = np.asarray(X)[:, 0]
        if self.fail_without is not None and self.fail_without not in seen:
            raise RuntimeError(f"entry {self.fail_without:g} is missing")
        self.seen_ = np.unique(seen)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Whether each row's first column was seen."""
        return np.isin(np.asarray(X)[:, 0], self.seen_).astype(np.float64)


class ColumnRule(ClassifierMixin, BaseEstimator):
    """Classes 0 and 1 by which side of a threshold one column is on; fits in microseconds."""

    def __init__(self, column: int = 0) -> None:
        self.column = column

    def fit(self, X: NDArray[np.float64], y: NDArray[np.intp]) -> ColumnRule:
        """Put the threshold between the means of the two classes."""
        x = X[:, self.column]
        ones = x[y == 1].mean() if (y == 1).any() else 0.0
        zeros = x[y == 0].mean() if (y == 0).any() else 0.0
        self.classes_ = np.array([0, 1])
        self.threshold_, self.sign_ = (ones + zeros) / 2.0, 1.0 if ones >= zeros else -1.0
        return self

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.intp]:
        """1 on the side of the ones."""
        return (self.sign_ * (X[:, self.column] - self.threshold_) > 0).astype(np.intp)

    def score(self, X: NDArray[np.float64], y: NDArray[np.intp], sample_weight: Any = None) -> float:
        """Share of rows that are right."""
        return float(np.average(self.predict(X) == y, weights=sample_weight))
