"""Week 2: the leading singular values of photographs, beside NumPy's whole decomposition.

The peer computes every singular value and vector and cuts off after the leading ones, which is what people
write. Ours computes only those that are kept: eigenvectors of the Gram matrix of the shorter side, then the exact
decomposition of a small matrix. Both are exact up to rounding, and the equality says so: the two matrices of
rank 50 agree to 1e-10 of the largest singular value, entry by entry, and their errors to 1e-9 of themselves.
A rank near the full one is not in this comparison: there the peer's way is the better one, and ours takes it too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import Row, main
from mltoolkit import datasets
from mltoolkit.linalg import truncated_svd

RANK = 50
TEMPLE, FLOWER = datasets.load("photographs").images
GREY = TEMPLE.mean(axis=2) / 255.0
COLOUR = np.concatenate(np.moveaxis(FLOWER, 2, 0), axis=0) / 255.0  # as compress_image lays it out


def peer(a: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """All of it, then the leading terms."""
    U, s, Vt = np.linalg.svd(a, full_matrices=False)
    return U[:, :RANK], s[:RANK], Vt[:RANK]


def same(a: NDArray[Any], ours: Any, theirs: Any) -> str:
    """Whether both give the same matrix of low rank, and lose the same."""
    mine, other = ((U * s) @ Vt for U, s, Vt in (ours, theirs))
    gap = float(np.max(np.abs(mine - other))) / float(theirs[1][0])
    lost, least = (float(np.sum((a - b) ** 2)) for b in (mine, other))
    return "" if gap <= 1e-10 and abs(lost / least - 1.0) <= 1e-9 else f"matrices differ by {gap:.2g}"


def row(name: str, a: NDArray[np.float64]) -> Row:
    """One image."""
    return Row(
        name,
        f"photograph as a matrix of {a.shape[0]} x {a.shape[1]}, rank {RANK}, float64",
        f"numpy.linalg.svd(a, full_matrices=False), cut off after {RANK} terms",
        lambda: truncated_svd(a, RANK),
        lambda: peer(a),
        lambda ours, theirs: same(a, ours, theirs),
        goal=2.5,
    )


if __name__ == "__main__":
    main(
        "svd",
        [row("image SVD, grey", GREY), row("image SVD, colour", COLOUR)],
        ("fiftytwo", "numpy", "scipy", "scikit-learn"),
    )
