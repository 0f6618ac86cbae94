"""How strongly rows of the data belong together: Gaussians with one perplexity for all.

The bandwidth of each row is found by bisection: the entropy of its neighbourhood falls when the bandwidth shrinks.
Distances are divided by their row's mean first, so that data of any unit starts at the same place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.float64]

_ENTROPY_TOL = 1e-7  # nats; far below what shows in a map
_HALVINGS = 200  # enough for any pair of distances that float64 tells apart
_BLOCK = 2**18  # distances of a block of rows: few enough for the cache, over all bisections
NEIGHBOURS = 3  # times the perplexity: beyond, a Gaussian of that perplexity has next to nothing


def conditional(D: Floats, perplexity: float) -> Floats:
    """Each row's neighbours as probabilities.

    Parameters
    ----------
    D : ndarray of shape (n, k)
        Squared distances to k neighbours; infinity for a row that does not count, such as itself.
    perplexity : float
        The exponential of the entropy that each row gets, in nats.

    Returns
    -------
    ndarray of shape (n, k)
        Rows add up to 1. Where more than ``perplexity`` neighbours are equally near, they share evenly: no bandwidth
        has a lower entropy.
    """
    finite = np.isfinite(D)
    nearest = D.min(axis=1, keepdims=True)
    D = np.where(finite, D - nearest, 0.0)  # the nearest at 0: its exponential is 1, and no sum underflows
    scale = D.sum(axis=1, keepdims=True) / finite.sum(axis=1, keepdims=True)
    D = D / np.where(scale > 0.0, scale, 1.0)
    target = np.log(perplexity)
    beta, low, high = np.ones(len(D)), np.zeros(len(D)), np.full(len(D), np.inf)
    P = np.empty_like(D)
    active = np.arange(len(D))
    for _ in range(_HALVINGS):
        P[active], entropy = _gaussian(D[active], finite[active], beta[active])
        wide = entropy > target
        low[active[wide]] = beta[active[wide]]
        high[active[~wide]] = beta[active[~wide]]
        active = active[np.abs(entropy - target) > _ENTROPY_TOL]
        if len(active) == 0:
            break
        open_end = np.isinf(high[active])
        middle = 0.5 * (low[active] + np.where(open_end, 0.0, high[active]))
        beta[active] = np.where(open_end, 2.0 * low[active], middle)
    return P


def _gaussian(D: Floats, finite: NDArray[np.bool_], beta: Floats) -> tuple[Floats, Floats]:
    """Probabilities at precisions beta, and their entropies in nats."""
    exponents = np.minimum(D * beta[:, None], 700.0)  # e⁻⁷⁰⁰ is still a number
    P = np.where(finite, np.exp(-exponents), 0.0)
    total = P.sum(axis=1)
    P /= total[:, None]
    return P, np.log(total) + np.sum(P * exponents, axis=1)


def dense(X: Floats, perplexity: float) -> Floats:
    """Joint probabilities of all pairs, shape (n, n)."""
    n = len(X)
    P = np.empty((n, n))
    rows = max(1, _BLOCK // n)
    for start in range(0, n, rows):
        D = cdist(X[start : start + rows], X, "sqeuclidean")
        here = np.arange(len(D))
        D[here, start + here] = np.inf
        P[start : start + rows] = conditional(D, perplexity)
    return (P + P.T) / (2.0 * n)


def sparse(X: Floats, perplexity: float) -> Any:
    """Joint probabilities of each row and its nearest ``NEIGHBOURS`` · perplexity others: a CSR array (n, n)."""
    n = len(X)
    k = min(n - 1, int(NEIGHBOURS * perplexity + 1))
    distances, neighbours = NearestNeighbors(n_neighbors=k).fit(X).kneighbors()
    P = conditional(distances**2, perplexity)
    start = np.arange(0, n * k + 1, k, dtype=np.int32)
    C = csr_array((P.ravel(), neighbours.ravel().astype(np.int32), start), shape=(n, n))
    joint = csr_array((C + C.T) / (2.0 * n))
    joint.sort_indices()
    return joint
