"""A reference that is small enough to be read in a test."""

import numpy as np


class Scaler:
    """Subtracts the mean and divides by the standard deviation (n - 1)."""

    def fit(self, x):
        """Learn mean and scale of x, shape (n,)."""
        x = np.asarray(x, dtype=float)
        if not np.isfinite(x).all():
            raise ValueError("x contains NaN or infinity")
        self.mean_ = float(x.mean())
        self.scale_ = float(x.std(ddof=1))
        return self

    def transform(self, x):
        """Scale x."""
        return (np.asarray(x, dtype=float) - self.mean_) / self.scale_
