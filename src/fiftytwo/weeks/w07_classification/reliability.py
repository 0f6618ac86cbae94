"""What a bin of predictions promised and what came of it, with the interval that its count allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm


@dataclass(frozen=True)
class Reliability:
    """Bins of equal mass: mean prediction, share of defaults with its 95% Wilson interval, and count, each (B,)."""

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    count: NDArray[np.int64]


def reliability(defaults: NDArray[np.int64], p: NDArray[np.float64], bins: int = 10) -> Reliability:
    """Sort by prediction, cut into bins of equal mass (equal predictions stay together), and compare.

    Parameters
    ----------
    defaults : ndarray of shape (n,)
        Outcomes, 0 or 1.
    p : ndarray of shape (n,)
        Predicted probabilities.
    bins : int, default 10

    Returns
    -------
    Reliability
    """
    edges = np.unique(np.quantile(p, np.arange(1, bins) / bins))
    where = np.searchsorted(edges, p, side="left")
    count = np.bincount(where, minlength=len(edges) + 1)
    kept = count > 0
    total = np.maximum(count, 1)
    share = np.bincount(where, defaults, len(count)) / total
    low, high = wilson(share, total)
    mean = np.bincount(where, p, len(count)) / total
    return Reliability(mean[kept], share[kept], low[kept], high[kept], count[kept])


def wilson(share: NDArray[np.float64], n: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95% score interval of a binomial share (Wilson, 1927)."""
    z = float(norm.ppf(0.975))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.clip(middle - half, 0.0, 1.0), np.clip(middle + half, 0.0, 1.0)
