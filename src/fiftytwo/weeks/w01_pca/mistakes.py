"""Week 1's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fiftytwo.plan import Mistake
from mltoolkit.linalg.pca import PCA


class DividesByN(PCA):
    """Variances with divisor n."""

    def fit(self, X: ArrayLike, y: object = None) -> PCA:
        """Shrink the variances by (n - 1) / n."""
        super().fit(X, y)
        self.explained_variance_ = self.explained_variance_ * ((self.n_samples_ - 1) / self.n_samples_)
        return self


class ForgetsToCentre(PCA):
    """Directions of the data as it is."""

    def fit(self, X: ArrayLike, y: object = None) -> PCA:
        """Add every point mirrored at the origin: then the mean is zero and nothing is subtracted."""
        data = np.asarray(X, dtype=float)
        super().fit(np.vstack([data, -data]), y)
        n = len(data)
        self.explained_variance_ = self.explained_variance_ * ((2 * n - 1) / (2 * (n - 1)))
        self.singular_values_ = np.sqrt(self.explained_variance_ * (n - 1))
        self.n_samples_ = n
        return self


class ComponentsAsColumns(PCA):
    """The matrix of eigenvectors as eigh returns it."""

    def fit(self, X: ArrayLike, y: object = None) -> PCA:
        """Leave the components transposed."""
        super().fit(X, y)
        self.components_ = self.components_.T
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Coordinates, as the transposed matrix gives them."""
        return (np.asarray(X, dtype=float) - self.mean_) @ self.components_


class AscendingOrder(PCA):
    """Eigenvalues in the order in which eigh returns them."""

    def fit(self, X: ArrayLike, y: object = None) -> PCA:
        """Keep the last components, smallest variance first."""
        super().fit(X, y)
        full = PCA(solver=self.solver if self.solver != "randomized" else "svd").fit(X)
        for name in ("components_", "explained_variance_", "explained_variance_ratio_", "singular_values_"):
            setattr(self, name, getattr(full, name)[::-1][: self.n_components_])
        return self


class ShareOfTheKept(PCA):
    """Shares that add up to one, whatever was discarded."""

    def fit(self, X: ArrayLike, y: object = None) -> PCA:
        """Divide by the sum of the kept variances."""
        super().fit(X, y)
        total = float(np.sum(self.explained_variance_)) or 1.0
        self.explained_variance_ratio_ = self.explained_variance_ / total
        return self


class UnsettledSigns(PCA):
    """Signs as the decomposition happens to return them."""

    def fit(self, X: ArrayLike, y: object = None) -> PCA:
        """Take svd's own signs."""
        super().fit(X, y)
        centred = np.asarray(X, dtype=float) - self.mean_
        self.components_ = np.linalg.svd(centred, full_matrices=False)[2][: self.n_components_]
        return self


class CentresWhatItTransforms(PCA):
    """The mean of new data instead of the learned one."""

    def transform(self, X: ArrayLike) -> Any:
        """Subtract the mean of X."""
        data = np.asarray(X, dtype=float)
        return super().transform(data - data.mean(axis=0) + self.mean_)


class ForgetsTheMeanOnTheWayBack(PCA):
    """Reconstructions around the origin."""

    def inverse_transform(self, X: ArrayLike) -> Any:
        """Leave the mean out."""
        return super().inverse_transform(X) - self.mean_


class WhitensByVariance(PCA):
    """Whitened coordinates divided once too often."""

    def transform(self, X: ArrayLike) -> Any:
        """Divide by the variance instead of its root."""
        coordinates = super().transform(X)
        return coordinates / np.sqrt(np.maximum(self.explained_variance_, 1e-300)) if self.whiten else coordinates


class AveragesTheBlocks(PCA):
    """A stream whose last block decides."""

    def partial_fit(self, X: ArrayLike, y: object = None) -> PCA:
        """Fit each block on its own."""
        data = np.atleast_2d(np.asarray(X, dtype=float))
        return super().fit(data, y) if len(data) > max(1, self.n_components or 1) else self


mistakes = (
    Mistake("divides by n", {"PCA": DividesByN},
            "Your variances have the divisor n; the mean was estimated from the same data, so the sample variance "
            "divides by n - 1."),
    Mistake("forgets to centre", {"PCA": ForgetsToCentre},
            "Your directions point from the origin to the data; subtract the column means before you decompose."),
    Mistake("components as columns", {"PCA": ComponentsAsColumns},
            "Your components_ is transposed; eigh returns eigenvectors as columns, components_ holds them as rows."),
    Mistake("ascending order", {"PCA": AscendingOrder},
            "Your components come smallest variance first; eigh sorts ascending, so reverse its values and vectors."),
    Mistake("share of the kept", {"PCA": ShareOfTheKept},
            "Your shares add up to one for the kept components; divide by the total variance of all columns."),
    Mistake("unsettled signs", {"PCA": UnsettledSigns},
            "Your components have the signs that the decomposition happened to give; make each row's largest entry "
            "positive."),
    Mistake("centres what it transforms", {"PCA": CentresWhatItTransforms},
            "Your transform subtracts the mean of the new data; subtract mean_, which fit learned."),
    Mistake("forgets the mean on the way back", {"PCA": ForgetsTheMeanOnTheWayBack},
            "Your inverse_transform returns points around the origin; add mean_."),
    Mistake("whitens by the variance", {"PCA": WhitensByVariance},
            "Your whitening divides by the variance; divide by the standard deviation, its square root."),
    Mistake("forgets the earlier blocks", {"PCA": AveragesTheBlocks},
            "Your partial_fit knows the last block only; carry count, mean and scatter matrix along."),
)  # fmt: skip
