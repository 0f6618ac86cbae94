"""Data that breaks a careless clustering, and the oracles that know the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FAR = 1e8  # an offset at which a squared norm has no digits left for a distance of 1


@dataclass(frozen=True)
class Case:
    """Rows, their weights, and k first centres; ``shift`` was added to both."""

    X: NDArray[np.float64]
    weights: NDArray[np.float64]
    start: NDArray[np.float64]
    shift: float = 0.0


def cases_of(rng: np.random.Generator) -> dict[str, Case]:
    """Small data, smallest first: two groups, five that overlap, columns of which one is constant, far from zero."""

    def one(n: int, d: int, k: int, spread: float, shift: float = 0.0) -> Case:
        centers = rng.normal(0.0, 4.0, (k, d))
        X = centers[np.arange(n) % k] + spread * rng.standard_normal((n, d))
        # Rows of the data as a start, k of one group among them: some way to go.
        start = X[np.sort(rng.choice(n // 2, size=k, replace=False))] + 1e-3 * rng.standard_normal((k, d))
        return Case(X + shift, rng.uniform(0.2, 3.0, n), start + shift, shift)

    constant = one(60, 3, 3, 1.0)
    constant.X[:, 1] = constant.start[:, 1] = 7.0
    return {
        "two groups": one(20, 2, 2, 0.8),
        "five that overlap": one(200, 3, 5, 2.5),
        "a constant column": constant,
        "far from zero": one(80, 2, 4, 1.0, FAR),
    }


def kmeans_oracle(case: Case, *, weighted: bool = False) -> Any:
    """scikit-learn's fit from the case's start until no row changes sides, with the case at zero."""
    from sklearn.cluster import KMeans

    model = KMeans(len(case.start), init=case.start - case.shift, n_init=1, tol=0.0, max_iter=1000)
    return model.fit(case.X - case.shift, sample_weight=case.weights if weighted else None)


def mixture_start(case: Case, kind: str) -> dict[str, Any]:
    """First parameters of a mixture: the case's centres, equal shares, unit precisions."""
    k, d = case.start.shape
    unit = {"full": np.tile(np.eye(d), (k, 1, 1)), "tied": np.eye(d), "diag": np.ones((k, d)), "spherical": np.ones(k)}
    return {
        "covariance_type": kind,
        "weights_init": np.full(k, 1.0 / k),
        "means_init": case.start,
        "precisions_init": unit[kind] / 4.0,
        "tol": 1e-9,
        "max_iter": 5000,
    }


def mixture_oracle(case: Case, kind: str, **options: Any) -> Any:
    """scikit-learn's fit from the same start."""
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(len(case.start), **{**mixture_start(case, kind), **options}).fit(case.X)


def blobs(rng: np.random.Generator, k: int, each: int) -> NDArray[np.float64]:
    """Groups of equal size on a coarse grid, far apart: a start that misses one is stuck with it."""
    side = int(np.ceil(np.sqrt(k)))
    grid = np.array([(i % side, i // side) for i in range(k)], dtype=np.float64) * 20.0
    return np.repeat(grid, each, axis=0) + rng.standard_normal((k * each, 2))
