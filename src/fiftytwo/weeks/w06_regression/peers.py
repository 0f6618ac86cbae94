"""What a working engineer would use, where scikit-learn's own names its results otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.linear_model
from numpy.typing import ArrayLike


class RidgeCV(sklearn.linear_model.RidgeCV):
    """scikit-learn's RidgeCV, judged by squared errors, with their mean in ``cv_errors_``."""

    def __init__(self, alphas: Any = (0.1, 1.0, 10.0), *, fit_intercept: bool = True, cv: Any = None) -> None:
        super().__init__(alphas, fit_intercept=fit_intercept, cv=cv)

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RidgeCV:
        """Fit, and keep the mean squared errors."""
        self.store_cv_results = self.cv is None
        self.scoring = None if self.cv is None else "neg_mean_squared_error"
        super().fit(X, y, sample_weight)
        if self.cv is None:
            weights = np.ones(len(self.cv_results_)) if sample_weight is None else np.asarray(sample_weight)
            self.cv_errors_ = self.cv_results_.sum(axis=0) / weights.sum()
        return self
