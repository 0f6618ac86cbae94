"""Week 9's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fiftytwo.plan import Mistake
from mltoolkit.tabular import clusters
from mltoolkit.tabular.clusters import GaussianMixture, KMeans


class MeanDistance(KMeans):
    """The mean squared distance in place of the sum."""

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> KMeans:
        """Divide at the end."""
        super().fit(X, y, sample_weight)
        self.inertia_ /= len(self.labels_)
        return self


class ForgetsTheWeights(KMeans):
    """Weights that are taken and not used."""

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> KMeans:
        """Check the weights and leave them out."""
        super().fit(X, y, sample_weight)
        return super().fit(X, y)


class LabelsBeforeTheMove(KMeans):
    """Labels of the last assignment, before the centres moved once more."""

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> KMeans:
        """Keep the labels of the start's centres."""
        super().fit(X, y, sample_weight)
        if not isinstance(self.init, str):
            rows = np.asarray(X, dtype=float)
            self.labels_ = np.argmin(np.linalg.norm(rows[:, None] - np.asarray(self.init), axis=2), axis=1)
        return self


class RandomStart(KMeans):
    """Rows drawn at random where k-means++ was asked for, and the last start kept."""

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> KMeans:
        """Fit from random rows."""
        given = self.init
        if isinstance(given, str) and given == "k-means++":
            self.init = "random"
        try:
            return super().fit(X, y, sample_weight)
        finally:
            self.init = given


class KeepsTheLastStart(KMeans):
    """As many starts as were asked for, and the last of them as the result."""

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> KMeans:
        """Fit from one start only: the others leave no trace."""
        given, self.n_init = self.n_init, min(self.n_init, 1)
        try:
            return super().fit(X, y, sample_weight)
        finally:
            self.n_init = given


class SquaredDistances(KMeans):
    """transform with squared distances."""

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Forget the root."""
        return np.asarray(super().transform(X) ** 2)


class NotCentred(KMeans):
    """‖x‖² - 2 x·c + ‖c‖² on data as it comes."""

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> KMeans:
        """One assignment in the digits that are left, then the means."""
        super().fit(X, y, sample_weight)
        rows = np.asarray(X, dtype=float)
        D = (rows**2).sum(axis=1)[:, None] - 2 * rows @ self.cluster_centers_.T + (self.cluster_centers_**2).sum(axis=1)
        labels = np.argmin(D, axis=1)
        weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        for k in range(len(self.cluster_centers_)):
            mine = weights * (labels == k)
            if mine.sum() > 0:
                self.cluster_centers_[k] = np.average(rows, axis=0, weights=mine)
        return self


class ForgetsTheRidge(GaussianMixture):
    """reg_covar that is taken and not added."""

    def fit(self, X: ArrayLike, y: Any = None) -> GaussianMixture:
        """Take it off the covariances again."""
        super().fit(X, y)
        reg = float(self.reg_covar)
        if self.covariance_type in ("full", "tied"):
            self.covariances_ = self.covariances_ - 1e3 * reg * np.eye(self.means_.shape[1])
        else:
            self.covariances_ = self.covariances_ - 1e3 * reg
        return self


class TiedIsTheMean(GaussianMixture):
    """The tied covariance as the plain mean of the components' own."""

    def fit(self, X: ArrayLike, y: Any = None) -> GaussianMixture:
        """Average without the shares."""
        super().fit(X, y)
        if self.covariance_type == "tied":
            full = GaussianMixture(
                self.n_components, max_iter=1, tol=0.0, weights_init=self.weights_, means_init=self.means_,
                precisions_init=np.tile(self.precisions_, (len(self.weights_), 1, 1)),
            ).fit(X)  # fmt: skip
            self.covariances_ = full.covariances_.mean(axis=0)
        return self


class LeavesTheLogarithms(GaussianMixture):
    """Densities before they are compared."""

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Divide densities, which far away are all 0."""
        D = np.exp(self._log_joint(X))
        with np.errstate(invalid="ignore"):
            return np.asarray(D / D.sum(axis=1, keepdims=True))


class CountsTooManyParameters(GaussianMixture):
    """Every entry of a covariance as a free parameter, and all the shares."""

    def _n_parameters(self) -> int:
        k, d = self.means_.shape
        return int(np.size(self.covariances_) + k * d + k)


class SamplesByTheVariance(GaussianMixture):
    """Noise multiplied by the covariance in place of its root."""

    def sample(self, n_samples: int = 1) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Take the covariance for its own root."""
        X, y = super().sample(n_samples)
        noise = np.random.default_rng(0).standard_normal(X.shape)
        return self.means_[y] + np.einsum("nij,nj->ni", np.asarray(self.covariances_)[y], noise), y


def counts_itself(X: ArrayLike, labels: ArrayLike, *, metric: str = "euclidean") -> NDArray[np.float64]:
    """The distance of a row to itself among those of its cluster."""
    found = clusters.silhouette_samples(X, labels, metric=metric)
    rows, codes = np.asarray(X, dtype=float), np.unique(np.asarray(labels), return_inverse=True)[1]
    distances = np.linalg.norm(rows[:, None] - rows, axis=2)
    means = np.array([[distances[i, codes == c].mean() for c in range(codes.max() + 1)] for i in range(len(rows))])
    here = np.arange(len(rows))
    a = means[here, codes]
    means[here, codes] = np.inf
    b = means.min(axis=1)
    return np.where(found == 0.0, 0.0, (b - a) / np.maximum(a, b))


def over_clusters(X: ArrayLike, labels: ArrayLike, *, metric: str = "euclidean") -> float:
    """The mean of the clusters' means."""
    found = clusters.silhouette_samples(X, labels, metric=metric)
    codes = np.unique(np.asarray(labels), return_inverse=True)[1]
    return float(np.mean([found[codes == c].mean() for c in range(codes.max() + 1)]))


mistakes = (
    Mistake("mean distance", {"KMeans": MeanDistance},
            "Your inertia is a mean; it is the sum of squared distances, times the weights where there are any."),
    Mistake("forgets the weights", {"KMeans": ForgetsTheWeights},
            "Your fit takes sample_weight and ignores it; a centre is the weighted mean of its rows."),
    Mistake("labels before the move", {"KMeans": LabelsBeforeTheMove},
            "Your labels are from an earlier assignment; assign once more to the centres that you give out."),
    Mistake("keeps the last start", {"KMeans": KeepsTheLastStart},
            "You keep a start without comparing; keep the one with the lowest inertia."),
    Mistake("random start", {"KMeans": RandomStart},
            "Your k-means++ draws rows at random; draw each next centre in proportion to the squared distance from the "
            "nearest one that is there."),
    Mistake("squared distances", {"KMeans": SquaredDistances},
            "Your transform gives squared distances; take the root, so that they are in the units of X."),
    Mistake("not centred", {"KMeans": NotCentred},
            "Your distances lose their digits far from zero; subtract the column means before you expand the square."),
    Mistake("tied is the mean", {"GaussianMixture": TiedIsTheMean},
            "Your tied covariance counts each component alike; weight each by its share."),
    Mistake("leaves the logarithms", {"GaussianMixture": LeavesTheLogarithms},
            "You divide densities; far from everything all are 0. Subtract logarithms and exponentiate last."),
    Mistake("counts too many parameters", {"GaussianMixture": CountsTooManyParameters},
            "A covariance is symmetric, so it has d(d+1)/2 free entries, and shares that add up to 1 have k - 1."),
    Mistake("samples by the variance", {"GaussianMixture": SamplesByTheVariance},
            "Your noise is multiplied by the covariance; multiply it by a root of it, such as the Cholesky factor."),
    Mistake("counts itself", {"silhouette_samples": counts_itself},
            "Your mean distance within the cluster counts the row itself; divide by one less."),
    Mistake("mean of the clusters", {"silhouette": over_clusters},
            "Your silhouette averages the clusters' averages; average over all rows."),
)  # fmt: skip
