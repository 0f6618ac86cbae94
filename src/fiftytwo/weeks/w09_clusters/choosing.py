"""How many segments: three criteria propose, and stability decides among what they propose."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from mltoolkit.tabular.cluster_validation import Gap, Stability, cluster_stability, gap_statistic

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

NUMBERS = tuple(range(1, 9))
KINDS = ("full", "tied", "diag", "spherical")
STABLE = 0.75  # mean overlap from which Hennig calls a cluster valid
_REG_COVAR = 1e-6
_REFERENCES = 10
_SEEDS, _RESAMPLES = 20, 50


@dataclass(frozen=True)
class Choice:
    """What the criteria say of each number in NUMBERS, what they propose, and what was taken.

    ``silhouette`` has NaN at 1. ``bic`` has a row a covariance type; NaN where a component shrank to a few rows, since
    a likelihood that grows without end compares nothing. ``stability`` has an entry for each proposal above 1
    (for 2 where there is none).
    """

    silhouette: NDArray[np.float64]
    bic: Mapping[str, NDArray[np.float64]]
    gap: Gap
    proposals: Mapping[str, int]
    stability: Mapping[int, Stability]
    best: int


def choose(lab: Lab, X: NDArray[np.float64]) -> Choice:
    """The finest proposal all of whose segments come back from resamples; if none does, the most stable one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        separation = np.array([np.nan] + [_separation(lab, X, k) for k in NUMBERS[1:]])
        bic = {kind: np.array([_bic(lab, X, k, kind) for k in NUMBERS]) for kind in KINDS}
        gap = gap_statistic(X, NUMBERS, inertia=_inertia(lab), n_references=_REFERENCES, rng=lab.rng)
        table = np.array([bic[kind] for kind in KINDS])
        least = int(np.nanargmin(np.nanmin(np.where(np.isnan(table), np.inf, table), axis=0)))
        proposals = {"silhouette": NUMBERS[int(np.nanargmax(separation))], "BIC": NUMBERS[least], "gap": gap.best}
        asked = sorted(set(proposals.values()) - {1}) or [2]  # one segment always comes back
        stability = {k: stable(lab, X, k) for k in asked}
    return Choice(separation, bic, gap, proposals, stability, finest_stable(stability))


def finest_stable(stability: Mapping[int, Stability]) -> int:
    """The largest number of segments that all come back; if there is none, the number whose weakest comes back best."""
    weakest = {k: float(found.per_cluster.min()) for k, found in stability.items()}
    good = [k for k, overlap in weakest.items() if overlap >= STABLE]
    return max(good) if good else max(weakest, key=lambda k: weakest[k])


def _separation(lab: Lab, X: NDArray[np.float64], k: int) -> float:
    return float(lab.solution.silhouette(X, lab.solution.KMeans(k, random_state=lab.seed).fit(X).labels_))


def _inertia(lab: Lab) -> Any:
    return lambda X, k, seed: lab.solution.KMeans(k, n_init=3, random_state=seed).fit(X).inertia_


def _bic(lab: Lab, X: NDArray[np.float64], k: int, kind: str) -> float:
    model = lab.solution.GaussianMixture(
        k, covariance_type=kind, reg_covar=_REG_COVAR, max_iter=200, random_state=lab.seed
    ).fit(X)
    return np.nan if least_variance(np.asarray(model.covariances_), kind) <= 10 * _REG_COVAR else float(model.bic(X))


def least_variance(covariances: NDArray[np.float64], kind: str) -> float:
    """The smallest variance of any component in any direction."""
    if kind in ("full", "tied"):
        return float(np.linalg.eigvalsh(covariances).min())
    return float(covariances.min())


def stable(lab: Lab, X: NDArray[np.float64], k: int) -> Stability:
    """k-means with other seeds and on resamples."""

    def cluster(rows: NDArray[Any], every: NDArray[Any], seed: int) -> NDArray[Any]:
        return np.asarray(lab.solution.KMeans(k, n_init=5, random_state=seed).fit(rows).predict(every))

    return cluster_stability(X, cluster, n_seeds=_SEEDS, n_resamples=_RESAMPLES, rng=lab.rng)
