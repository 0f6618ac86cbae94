"""The pull between neighbours, compiled; ``objective.attraction`` is the same in NumPy."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def attraction(
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    data: NDArray[np.float64],
    Y: NDArray[np.float64],
    pull: NDArray[np.float64],
) -> None:
    """Write Σ_j p_ij k_ij (y_i - y_j) into ``pull``, shape (n, 2)."""
    for i in range(len(Y)):
        x, y, along, across = Y[i, 0], Y[i, 1], 0.0, 0.0
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            dx, dy = x - Y[j, 0], y - Y[j, 1]
            w = data[e] / (1.0 + dx * dx + dy * dy)
            along += w * dx
            across += w * dy
        pull[i, 0], pull[i, 1] = along, across
