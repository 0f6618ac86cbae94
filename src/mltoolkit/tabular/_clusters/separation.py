"""Silhouettes, a block of rows at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from mltoolkit.tabular._clusters.seeding import Floats, squared_distances, squared_norms

METRICS = ("euclidean", "cityblock", "cosine")
_CELLS = 2**21  # distances held at a time: 16 MiB


def silhouettes(X: Floats, codes: NDArray[np.intp], metric: str) -> Floats:
    """The silhouette of each row; ``codes`` are 0 to k - 1, each used."""
    counts = np.bincount(codes)
    order = np.argsort(codes, kind="stable")
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    data = (X - X.mean(axis=0) if metric == "euclidean" else X)[order]
    norms, own = squared_norms(data), codes[order]
    found = np.empty(len(X))
    size = max(1, _CELLS // len(X))
    for start in range(0, len(X), size):
        rows = slice(start, start + size)
        if metric == "euclidean":
            D = np.sqrt(squared_distances(data, data[rows], norms)[0].T)
        else:
            D = cdist(data[rows], data, metric)
        here = np.arange(len(D))
        D[here, start + here] = 0.0  # to itself, free of rounding
        sums = np.add.reduceat(D, firsts, axis=1)
        mine = own[rows]
        alone = counts[mine] == 1
        a = sums[here, mine] / np.maximum(counts[mine] - 1, 1)
        means = sums / counts
        means[here, mine] = np.inf
        b = means.min(axis=1)
        larger = np.maximum(a, b)
        found[order[rows]] = np.where(alone | (larger == 0.0), 0.0, (b - a) / np.where(larger > 0.0, larger, 1.0))
    return found
