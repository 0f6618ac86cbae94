"""Week 1: principal components in memory and in a stream, beside scikit-learn.

In memory both compute the same covariance and its leading eigenvectors. In a stream the peer updates a
truncated singular value decomposition block by block, which is approximate; ours adds up scatter matrices and
is exact. So the stream's results are held against the exact ones, and ours has to be at least as close.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.decomposition import IncrementalPCA

from harness import Row, main
from mltoolkit.linalg import PCA

ROWS, COLUMNS, KEPT, BATCH = 20_000, 500, 20, 2_500
X = np.random.default_rng(0).standard_normal((ROWS, COLUMNS)) * np.linspace(5.0, 1.0, COLUMNS)


def in_memory() -> PCA:
    """Fit at once."""
    return PCA(KEPT, solver="covariance").fit(X)


def in_a_stream() -> PCA:
    """Fit block by block."""
    pca = PCA(KEPT)
    for start in range(0, ROWS, BATCH):
        pca.partial_fit(X[start : start + BATCH])
    return pca


def same(ours: Any, peer: Any) -> str:
    """Whether both found the same components."""
    gap = float(np.max(np.abs(ours.components_ - peer.components_)))
    return "" if gap <= 1e-8 else f"components differ by {gap:.2g}"


def at_least_as_close(ours: Any, peer: Any) -> str:
    """Whether ours is as close to the exact variances as the peer."""
    exact = SklearnPCA(KEPT, svd_solver="covariance_eigh").fit(X).explained_variance_
    mine, theirs = (float(np.max(np.abs(p.explained_variance_ / exact - 1.0))) for p in (ours, peer))
    return "" if mine <= theirs and mine <= 1e-8 else f"off by {mine:.2g}, the peer by {theirs:.2g}"


if __name__ == "__main__":
    main(
        "pca",
        [
            Row(
                "PCA in memory",
                f"{ROWS:,} x {COLUMNS}, {KEPT} components, float64",
                f'PCA({KEPT}, svd_solver="covariance_eigh").fit(X)',
                in_memory,
                lambda: SklearnPCA(KEPT, svd_solver="covariance_eigh").fit(X),
                same,
                goal=0.95,
            ),
            Row(
                "PCA streamed",
                f"{ROWS:,} x {COLUMNS} in blocks of {BATCH:,}, {KEPT} components, float64",
                f"IncrementalPCA({KEPT}, batch_size={BATCH}).fit(X)",
                in_a_stream,
                lambda: IncrementalPCA(KEPT, batch_size=BATCH).fit(X),
                at_least_as_close,
                goal=5.0,
            ),
        ],
        ("fiftytwo", "numpy", "scipy", "scikit-learn"),
    )
