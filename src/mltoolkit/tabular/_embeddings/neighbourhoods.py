"""How far strangers have moved into the neighbourhoods of a map, a block of rows at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.float64]

_BLOCK_BYTES = 16 * 2**20  # of the distances of a block of rows to all


def kept(judge: Floats, shown: Floats, k: int) -> float:
    """1 less the penalty for the k nearest in ``shown`` that are farther than the k-th in ``judge``.

    Each of them costs by how many ranks it is too far. The divisor makes the worst map there is score 0 or a little
    above.
    """
    n = len(judge)
    neighbours = NearestNeighbors(n_neighbors=k).fit(shown).kneighbors(return_distance=False)
    judge = judge - judge.mean(axis=0)  # the product behind the distances keeps its digits near 0
    penalty = 0
    rows = max(1, _BLOCK_BYTES // (8 * n))
    for start in range(0, n, rows):
        block = slice(start, min(start + rows, n))
        penalty += _excess(euclidean_distances(judge[block], judge, squared=True), neighbours[block], start, k)
    return 1.0 - 2.0 * penalty / (n * k * (2.0 * n - 3.0 * k - 1.0))


def _excess(D: Floats, neighbours: NDArray[np.intp], start: int, k: int) -> int:
    """Ranks beyond k, added up over a block of rows; rows that are equally far share the better rank."""
    here = np.arange(len(D))
    D[here, start + here] = np.inf  # a row is no neighbour of its own
    total = 0
    for column in neighbours.T:
        rank = 1 + np.count_nonzero(D[here, column][:, None] > D, axis=1)
        total += int(np.maximum(rank - k, 0).sum())
    return total
