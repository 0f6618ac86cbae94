"""What a working engineer would use: NumPy's decomposition, cut off after the leading terms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def truncated_svd(
    a: ArrayLike,
    rank: int,
    *,
    solver: str = "auto",  # noqa: ARG001 - there is one way only
    random_state: Any = None,  # noqa: ARG001
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """All singular values and vectors, of which the leading ones are kept."""
    U, s, Vt = np.linalg.svd(np.asarray(a), full_matrices=False)
    return U[:, :rank], s[:rank], Vt[:rank]
