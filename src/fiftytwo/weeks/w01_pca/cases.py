"""Data of every shape that breaks a careless implementation, and the oracle that knows the answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo import measure
from fiftytwo.evidence import Measurement

EXACT = 1e-8  # agreement with scikit-learn that double precision allows on data of this size
SINGLE = 1e-5  # relative agreement that results rounded once to single precision keep


def cases_of(rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Data of every shape that breaks a careless implementation, smallest first."""
    tall = rng.standard_normal((12, 3)) * [3.0, 2.0, 1.0] + [1.0, -2.0, 5.0]
    constant = rng.standard_normal((15, 4)) * [4.0, 1.0, 2.0, 1.0] + 3.0
    constant[:, 1] = 7.0
    wide = rng.standard_normal((6, 20)) * np.linspace(3.0, 1.0, 20)
    deficient = rng.standard_normal((24, 3)) @ rng.standard_normal((3, 6)) + 1.0
    long = rng.standard_normal((80, 5)) * [5.0, 4.0, 3.0, 2.0, 1.0] - 2.0
    return {"tall": tall, "constant column": constant, "wide": wide, "rank-deficient": deficient, "long": long}


def rank(X: NDArray[np.float64]) -> int:
    """Rank of the centred data: how many directions have variance."""
    return int(np.linalg.matrix_rank(X - X.mean(axis=0)))


def oracle(X: NDArray[Any], k: int | float | None = None, *, whiten: bool = False) -> Any:
    """Fit scikit-learn to the same data, by the full singular value decomposition."""
    from sklearn.decomposition import PCA

    return PCA(k, whiten=whiten, svd_solver="full").fit(X)


def worst(measurements: Iterable[Measurement], bound: float = EXACT) -> Measurement:
    """The first measurement that misses the bound or a gate, else the largest one."""
    return measure.worst(measurements, bound)
