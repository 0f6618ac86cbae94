"""The corrected resampled t-test: scores of resampled splits are not independent, and this counts for it.

J splits of the same rows share most of their training rows, so the plain variance of the mean, s² / J, is too
small. Nadeau and Bengio add the part that more splits cannot average away: s² (1 / J + test / train).

References
----------
Nadeau, C., Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52(3).
Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6(2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats


class Corrected(NamedTuple):
    """A mean over splits and what is known about it."""

    mean: float
    standard_error: float
    low: float
    high: float
    t: float
    p: float


def corrected(values: NDArray[np.float64], test_share: float, confidence: float) -> Corrected:
    """Mean of values over splits, shape (J,), J of at least 2, with its corrected interval and t-test against 0."""
    J = len(values)
    mean = float(values.mean())
    spread = float(values.std(ddof=1))
    # Equal differences leave a spread of rounding alone, and no t statistic is to be made of that.
    spread = spread if spread > 1e-12 * max(1.0, float(np.max(np.abs(values)))) else 0.0
    error = float(spread * np.sqrt(1.0 / J + test_share))
    half = float(stats.t.ppf(0.5 + confidence / 2.0, J - 1)) * error
    certain = 0.0 if abs(mean) <= 1e-12 else float(np.copysign(np.inf, mean))
    t = mean / error if error > 0 else certain
    return Corrected(mean, error, mean - half, mean + half, t, float(2.0 * stats.t.sf(abs(t), J - 1)))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjusted p-values, shape (m,): the smallest times m, the next times m - 1 ..., never falling."""
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def share_tested(splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> float:
    """Test rows over training rows, as means over the splits."""
    return float(np.mean([len(test) for _, test in splits]) / np.mean([len(train) for train, _ in splits]))
