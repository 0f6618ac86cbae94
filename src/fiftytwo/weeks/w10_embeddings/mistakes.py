"""Week 10's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from fiftytwo.plan import Mistake
from mltoolkit.tabular import embeddings
from mltoolkit.tabular.embeddings import TSNE, joint_probabilities, kl_divergence

Floats = NDArray[np.float64]


def nats_and_bits(X: ArrayLike, perplexity: float = 30.0) -> Floats:
    """An entropy in nats held against a logarithm to base 2."""
    return joint_probabilities(X, perplexity ** (1.0 / np.log(2.0)))


def one_bandwidth(X: ArrayLike, perplexity: float = 30.0) -> Floats:
    """One bandwidth for all rows."""
    rows = np.asarray(X, dtype=float)
    D = cdist(rows, rows, "sqeuclidean")
    W = np.exp(-D / max(float(np.median(D)) / perplexity, np.finfo(float).tiny))
    np.fill_diagonal(W, 0.0)
    joint_probabilities(rows, perplexity)
    P = W / np.maximum(W.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return np.asarray((P + P.T) / (2 * len(rows)))


def sum_of_two(X: ArrayLike, perplexity: float = 30.0) -> Floats:
    """Divided by n where it should be by 2n."""
    return 2.0 * joint_probabilities(X, perplexity)


def without_four(P: ArrayLike, Y: ArrayLike) -> tuple[float, Floats]:
    """The gradient without its factor."""
    divergence, gradient = kl_divergence(P, Y)
    return divergence, gradient / 4.0


def of_sne(P: ArrayLike, Y: ArrayLike) -> tuple[float, Floats]:
    """The gradient of the older method, without the kernel."""
    divergence, _ = kl_divergence(P, Y)
    p, y = np.asarray(P, dtype=float), np.asarray(Y, dtype=float)
    K = 1.0 / (1.0 + cdist(y, y, "sqeuclidean"))
    np.fill_diagonal(K, 0.0)
    W = p - K / K.sum()
    return divergence, 4.0 * (W.sum(axis=1)[:, None] * y - W @ y)


def counts_itself(P: ArrayLike, Y: ArrayLike) -> tuple[float, Floats]:
    """A normaliser with the diagonal in it."""
    p, y = np.asarray(P, dtype=float), np.asarray(Y, dtype=float)
    kl_divergence(p, y)
    K = 1.0 / (1.0 + cdist(y, y, "sqeuclidean"))
    Q = K / K.sum()
    there = p > 0.0
    W = (p - Q) * K
    return float(np.sum(p[there] * np.log(p[there] / Q[there]))), 4.0 * (W.sum(axis=1)[:, None] * y - W @ y)


class NeverCalmsDown(TSNE):
    """P stays exaggerated to the end."""

    def fit(self, X: ArrayLike, y: Any = None) -> TSNE:
        """Make the first phase the only one."""
        given, self.early_exaggeration_iter = self.early_exaggeration_iter, self.max_iter
        try:
            return super().fit(X, y)
        finally:
            self.early_exaggeration_iter = given


class ReportsTheExaggerated(TSNE):
    """The divergence of 12 · P."""

    def fit(self, X: ArrayLike, y: Any = None) -> TSNE:
        """12 Σ p log(12 p / q)."""
        super().fit(X, y)
        self.kl_divergence_ = 12.0 * (self.kl_divergence_ + float(np.log(12.0)))
        return self


class IgnoresTheStart(TSNE):
    """Given first positions that are not used."""

    def fit(self, X: ArrayLike, y: Any = None) -> TSNE:
        """Begin at the principal components whatever was said."""
        given = self.init
        if not isinstance(given, str):
            super().fit(X, y)
            self.init = "pca"
        try:
            return super().fit(X, y)
        finally:
            self.init = given


class UnseededDraws(TSNE):
    """A seed that is taken and not used."""

    def fit(self, X: ArrayLike, y: Any = None) -> TSNE:
        """Always the same draws."""
        given, self.random_state = self.random_state, 0
        try:
            return super().fit(X, y)
        finally:
            self.random_state = given


class AllPairs(TSNE):
    """Every pair, whatever method was asked for."""

    def fit(self, X: ArrayLike, y: Any = None) -> TSNE:
        """Exact under another name."""
        given, self.method = self.method, "exact" if self.method == "fft" else self.method
        try:
            return super().fit(X, y)
        finally:
            self.method = given


def ranks_from_zero(X: ArrayLike, X_embedded: ArrayLike, *, n_neighbors: int = 5) -> float:
    """The nearest other row as number 0: each stranger costs one too little."""
    found = embeddings.trustworthiness(X, X_embedded, n_neighbors=n_neighbors)
    n, k = len(np.asarray(X)), n_neighbors
    data, shown = (NearestNeighbors(n_neighbors=k).fit(Z).kneighbors(return_distance=False) for Z in (X, X_embedded))
    strangers = sum(len(set(a) - set(b)) for a, b in zip(shown.tolist(), data.tolist(), strict=True))
    return found + 2.0 * strangers / (n * k * (2.0 * n - 3.0 * k - 1.0))


def the_other_way(X: ArrayLike, X_embedded: ArrayLike, *, n_neighbors: int = 5) -> float:
    """Data and map in each other's place."""
    return embeddings.continuity(X, X_embedded, n_neighbors=n_neighbors)


def other_divisor(X: ArrayLike, X_embedded: ArrayLike, *, n_neighbors: int = 5) -> float:
    """The divisor as if all ranks could be n."""
    found = embeddings.trustworthiness(X, X_embedded, n_neighbors=n_neighbors)
    n, k = len(np.asarray(X)), n_neighbors
    return 1.0 - (1.0 - found) * (2.0 * n - 3.0 * k - 1.0) / (2.0 * n)


def continues_as_trusted(X: ArrayLike, X_embedded: ArrayLike, *, n_neighbors: int = 5) -> float:
    """Continuity that is trustworthiness once more."""
    return embeddings.trustworthiness(X, X_embedded, n_neighbors=n_neighbors)


mistakes = (
    Mistake("nats and bits", {"joint_probabilities": nats_and_bits},
            "Your entropy and your target have different units; both in nats: Σ -p log p = log(perplexity)."),
    Mistake("one bandwidth", {"joint_probabilities": one_bandwidth},
            "You use one bandwidth for all rows; each row has its own, found by bisection."),
    Mistake("divides by n", {"joint_probabilities": sum_of_two},
            "Your P adds up to 2; (P + Pᵀ) is divided by 2n."),
    Mistake("without the four", {"kl_divergence": without_four},
            "Your gradient lacks its factor 4: every pair counts twice in the sum, and the square gives another 2."),
    Mistake("gradient of SNE", {"kl_divergence": of_sne},
            "Your gradient lacks the kernel: multiply p - q by 1 / (1 + d²), which the heavy tail brings."),
    Mistake("counts itself", {"kl_divergence": counts_itself},
            "Your normaliser has the diagonal in it; a point is no neighbour of its own."),
    Mistake("never calms down", {"TSNE": NeverCalmsDown},
            "Your P stays exaggerated; divide it by 12 again after the first phase."),
    Mistake("reports the exaggerated", {"TSNE": ReportsTheExaggerated},
            "Your kl_divergence_ is that of the exaggerated P; compute it from the plain one."),
    Mistake("ignores the start", {"TSNE": IgnoresTheStart},
            "You begin at the principal components although first positions were given."),
    Mistake("seed not used", {"TSNE": UnseededDraws},
            "Another seed gives the same map; draw from random_state."),
    Mistake("all pairs", {"TSNE": AllPairs},
            "Your fast method builds arrays of all pairs; keep neighbours, and a grid or a tree."),
    Mistake("ranks from zero", {"trustworthiness": ranks_from_zero},
            "Your ranks begin at 0; the nearest other row has rank 1."),
    Mistake("the other way", {"trustworthiness": the_other_way},
            "You measure continuity: take neighbours from the map and ranks from the data."),
    Mistake("other divisor", {"trustworthiness": other_divisor},
            "Your score is not scaled to the worst map; the divisor is n k (2n - 3k - 1) / 2."),
    Mistake("trustworthiness twice", {"continuity": continues_as_trusted},
            "Your continuity is trustworthiness; take neighbours from the data and ranks from the map."),
)  # fmt: skip
