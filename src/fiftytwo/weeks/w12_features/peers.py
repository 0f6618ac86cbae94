"""What a working engineer would use instead: scikit-learn's scaler, with a missing value filled as ours does."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.preprocessing


class RobustScaler(sklearn.preprocessing.RobustScaler):
    """RobustScaler, and ``fill`` for what is missing."""

    def __init__(
        self,
        *,
        with_centering: bool = True,
        with_scaling: bool = True,
        quantile_range: tuple[float, float] = (25.0, 75.0),
        fill: float | None = None,
    ) -> None:
        super().__init__(with_centering=with_centering, with_scaling=with_scaling, quantile_range=quantile_range)
        self.fill = fill

    def transform(self, X: Any) -> Any:
        """Scale, and fill."""
        scaled = super().transform(X)
        return scaled if self.fill is None else np.where(np.isnan(scaled), self.fill, scaled)
