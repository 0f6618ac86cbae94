"""What t-SNE makes small, and its gradient: exactly, and approximately for many rows.

The objective is KL(P‖Q) = Σ p log(p / q) with q_ij = k_ij / Z, k_ij = 1 / (1 + ‖y_i - y_j‖²), Z = Σ_{i≠j} k_ij. Its
gradient pulls and pushes:

    ∂KL/∂y_i = 4 Σ_j p_ij k_ij (y_i - y_j)  -  4/Z Σ_j k_ij² (y_i - y_j)

The pull is a sum over neighbours, since p is 0 elsewhere. The push is one over all pairs, and :class:`Repulsion` has it
from a grid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import xlogy

from mltoolkit.tabular._embeddings.repulsion import Repulsion

Floats = NDArray[np.float64]
Attraction = Callable[[Any, Floats], Floats]


class Objective(Protocol):
    """The divergence of a map from P, and where to go from there."""

    def divergence(self, Y: Floats) -> float:
        """KL(P‖Q) at the map Y, in nats."""
        ...

    def gradient(self, Y: Floats, exaggeration: float) -> Floats:
        """The gradient at Y with P multiplied by an exaggeration."""
        ...


class Exact:
    """The objective of a dense P; holds three arrays of shape (n, n)."""

    def __init__(self, P: Floats) -> None:
        self._P = P

    def divergence(self, Y: Floats) -> float:
        """KL(P‖Q), where 0 · log 0 counts as 0."""
        K = _similarities(Y)
        there = self._P > 0.0
        P = self._P[there]
        return float(np.sum(P * np.log(P / K[there])) + P.sum() * np.log(K.sum()))

    def gradient(self, Y: Floats, exaggeration: float) -> Floats:
        """4 Σ_j (exaggeration · p_ij - q_ij) k_ij (y_i - y_j) for each row."""
        K = _similarities(Y)
        W = (exaggeration * self._P - K / K.sum()) * K
        return np.asarray(4.0 * (W.sum(axis=1)[:, None] * Y - W @ Y))


def _similarities(Y: Floats) -> Floats:
    K = 1.0 / (1.0 + cdist(Y, Y, "sqeuclidean"))
    np.fill_diagonal(K, 0.0)
    return np.asarray(K)


class Approximate:
    """The objective of a sparse P, the push from a grid."""

    def __init__(self, P: Any) -> None:
        self._P = P
        self._repulsion = Repulsion()
        self._attraction = pick_attraction()

    def divergence(self, Y: Floats) -> float:
        """KL(P‖Q) over the neighbours, where p is not 0."""
        p = self._P.data
        rows = np.repeat(np.arange(len(Y)), np.diff(self._P.indptr))
        D = np.sum((Y[rows] - Y[self._P.indices]) ** 2, axis=1)
        _, Z = self._repulsion(Y)
        return float(np.sum(xlogy(p, p)) + p @ np.log1p(D) + p.sum() * np.log(Z))

    def gradient(self, Y: Floats, exaggeration: float) -> Floats:
        """Four times the exaggerated pull, less the push."""
        push, Z = self._repulsion(Y)
        return 4.0 * (exaggeration * self._attraction(self._P, Y) - push / Z)


def attraction(P: Any, Y: Floats) -> Floats:
    """Σ_j p_ij k_ij (y_i - y_j) for each row."""
    rows = np.repeat(np.arange(len(Y)), np.diff(P.indptr))
    gaps = Y[rows] - Y[P.indices]
    weights = P.data / (1.0 + np.einsum("ij,ij->i", gaps, gaps))
    return np.stack([np.bincount(rows, weights * gap, minlength=len(Y)) for gap in gaps.T], axis=1)


def compiled(P: Any, Y: Floats) -> Floats:
    """The same in numba."""
    from mltoolkit.tabular._embeddings import _kernels

    pull = np.empty_like(Y)
    _kernels.attraction(P.indptr, P.indices, P.data, Y, pull)
    return pull


def pick_attraction() -> Attraction:
    """The compiled pull where numba is installed, else NumPy's."""
    try:
        from mltoolkit.tabular._embeddings import _kernels  # noqa: F401
    except ImportError:
        return attraction
    return compiled
