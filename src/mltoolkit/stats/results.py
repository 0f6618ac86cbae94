"""What the statistics functions take and return: values, frozen, with the questions people ask of them.

An A/B test needs three numbers an arm, whatever was measured: how many units there are, their mean, and
the variance of one unit. :class:`Moments` holds them, for one experiment as floats or for many at once as
arrays. A population to simulate from is :class:`Binary`, :class:`Continuous` or :class:`Ratio`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = float | NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A confidence interval. The first four fields are floats for one sample, arrays (m,) for m samples.

    Attributes
    ----------
    low, high : float or ndarray of shape (m,)
        The two ends; -inf and inf where the data bound nothing.
    estimate : float or ndarray of shape (m,)
        The statistic of the data as it is.
    standard_error : float or ndarray of shape (m,)
        Standard deviation of the resampled statistic, with divisor B - 1.
    confidence : float
        The share of such intervals that are meant to contain the truth.
    method : str
        How the interval was made.
    n_resamples : int
        B, the number of resamples.
    """

    low: Values
    high: Values
    estimate: Values
    standard_error: Values
    confidence: float
    method: str
    n_resamples: int

    @property
    def width(self) -> Values:
        """Distance between the two ends."""
        return self.high - self.low

    def covers(self, truth: ArrayLike) -> Any:
        """Whether the truth lies within the interval, both ends included: a bool, or an array (m,) of them."""
        value = np.asarray(truth)
        inside = (self.low <= value) & (value <= self.high)
        return bool(inside) if np.ndim(inside) == 0 else inside

    def __str__(self) -> str:
        if np.ndim(self.estimate):
            return f"{np.size(self.estimate)} intervals at {self.confidence:.4g} ({self.method})"
        return f"{self.estimate:.6g} [{self.low:.6g}, {self.high:.6g}] at {self.confidence:.4g} ({self.method})"


@dataclass(frozen=True)
class Moments:
    """What an A/B test needs to know of one arm.

    Attributes
    ----------
    n : int or ndarray
        Number of units, at least 2.
    mean : float or ndarray
        Their mean; for a ratio metric the ratio of the two means.
    variance : float or ndarray
        Variance of one unit, so that the variance of ``mean`` is ``variance / n``: the sample variance
        with divisor n - 1; for a ratio metric what the delta method gives for it.

    Notes
    -----
    For S simulated experiments with L looks, ``mean`` and ``variance`` have shape (S, L) and ``n`` (L,).
    """

    n: Any
    mean: Any
    variance: Any


@dataclass(frozen=True)
class ABResult:
    """What an A/B test says; fields are floats, or arrays where the moments were.

    Attributes
    ----------
    effect : float or ndarray
        Mean of the treatment minus mean of the control.
    low, high : float or ndarray
        Confidence interval of the effect.
    p_value : float or ndarray
        Probability of an effect at least this far from 0, on either side, if there were none.
    standard_error : float or ndarray
        Standard error of the effect: the root of the sum of ``variance / n`` over both arms.
    confidence : float
        Confidence of the interval.
    """

    effect: Values
    low: Values
    high: Values
    p_value: Values
    standard_error: Values
    confidence: float

    @property
    def significant(self) -> Any:
        """Whether ``p_value`` is at most 1 - ``confidence``."""
        verdict = self.p_value <= 1.0 - self.confidence + 1e-15
        return bool(verdict) if np.ndim(verdict) == 0 else verdict


@dataclass(frozen=True)
class Binary:
    """A population of units that convert with probability ``rate``."""

    rate: float


@dataclass(frozen=True)
class Continuous:
    """A normal population with a mean and a standard deviation."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Ratio:
    """A population of units with two normal figures each, such as clicks and views of a user.

    The metric is the ratio of the two means, which is not the mean of the ratios.

    Attributes
    ----------
    means : (float, float)
        Of the numerator and of the denominator; the second is positive.
    sds : (float, float)
        Their standard deviations.
    correlation : float, default 0
        Between the two, from -1 to 1.
    """

    means: tuple[float, float]
    sds: tuple[float, float]
    correlation: float = 0.0

    @property
    def value(self) -> float:
        """The metric itself."""
        return self.means[0] / self.means[1]


Population = Binary | Continuous | Ratio


@dataclass(frozen=True)
class ABSimulation:
    """S simulated experiments, each looked at L times.

    Attributes
    ----------
    control, treatment : Moments
        Of all units so far at each look: ``n`` of shape (L,), ``mean`` and ``variance`` of shape (S, L).
    p_values : ndarray of shape (S, L)
        What the test said at each look.
    """

    control: Moments
    treatment: Moments
    p_values: NDArray[np.float64]

    @property
    def effect(self) -> NDArray[np.float64]:
        """Mean of the treatment minus mean of the control, of shape (S, L)."""
        difference: NDArray[np.float64] = self.treatment.mean - self.control.mean
        return difference

    def rejected(self, alpha: float = 0.05) -> NDArray[np.bool_]:
        """Which experiments were called significant at any of their looks, of shape (S,)."""
        return np.asarray((self.p_values <= alpha).any(axis=1))

    def share_rejected(self, alpha: float = 0.05) -> float:
        """Share of them: the power where there is an effect, the rate of false alarms where there is none."""
        return float(self.rejected(alpha).mean())

    def units_used(self, alpha: float = 0.05) -> NDArray[np.int64]:
        """Units in both arms when each experiment ended: at its first significant look, else at the last."""
        hits = self.p_values <= alpha
        at = np.where(hits.any(axis=1), hits.argmax(axis=1), hits.shape[1] - 1)
        units: NDArray[np.int64] = np.asarray(self.control.n + self.treatment.n)[at]
        return units
