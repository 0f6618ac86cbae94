"""What the answers must be, by ways that share nothing with the code that is judged.

The bootstrap of six numbers has 6**6 resamples: all of them can be looked at, so its intervals are known
exactly. Where the distribution of the replicates is made of atoms and a level falls well inside one, the
interval of 9,999 random resamples is that same number, whatever the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import betainc
from scipy.stats import nct, norm, t

Array = NDArray[np.float64]

_SIGMAS = 5.0  # Monte-Carlo standard errors that a level keeps away from the edge of an atom


@dataclass(frozen=True)
class Exact:
    """Every resample of a small sample, with the statistic and its standard error on each."""

    data: Array
    estimate: float
    error: float
    values: Array  # (n**n,)
    errors: Array
    left_out: Array  # (n,)

    def ends(self, method: str, confidence: float, n_resamples: int = 99_999) -> tuple[float, float]:
        """The two ends of the interval, the same for every seed.

        Raises
        ------
        ValueError
            When a level lies so near the edge of an atom that the seed would decide.
        """
        a = (1.0 - confidence) / 2.0
        if method == "studentized":
            with np.errstate(divide="ignore", invalid="ignore"):
                gaps = self.values - self.estimate
                pivots = np.where((self.errors < 1e-12) & (np.abs(gaps) < 1e-12), 0.0, gaps / self.errors)
            pivots[(self.errors < 1e-12) & (np.abs(gaps) > 1e-12)] *= np.inf
            high, low = (self.estimate - self.error * _atom(pivots, (p, p), n_resamples) for p in (a, 1.0 - a))
            return low, high
        levels = [self._bca(p, n_resamples) if method == "bca" else (p, p) for p in (a, 1.0 - a)]
        low, high = (_atom(self.values, level, n_resamples) for level in levels)
        return (2.0 * self.estimate - high, 2.0 * self.estimate - low) if method == "basic" else (low, high)

    def _bca(self, p: float, n_resamples: int) -> tuple[float, float]:
        """The level that BCa reads instead of p, from the least to the most that the seed can make of it."""
        gaps = self.values - self.estimate
        share = float(np.mean(gaps < -1e-9) + np.mean(np.abs(gaps) <= 1e-9) / 2)
        d = np.mean(self.left_out) - self.left_out
        c = float(np.sum(d**3) / (6.0 * np.sum(d**2) ** 1.5)) if np.any(np.abs(d) > 1e-12) else 0.0
        noise = _SIGMAS * np.sqrt(share * (1.0 - share) / n_resamples)
        found = []
        for z0 in norm.ppf([share - noise, share + noise]):
            w = z0 + norm.ppf(p)
            found.append(float(norm.cdf(z0 + w / (1.0 - c * w))))
        return min(found), max(found)


def exact(data: Array, statistic: Callable[..., Any], error: Callable[[Array], Array]) -> Exact:
    """Look at all n**n resamples; both functions take an array and work along its last axis."""
    x = np.asarray(data, dtype=float)
    resamples = x[np.array(list(product(range(len(x)), repeat=len(x))))]
    others = np.array([np.delete(x, i) for i in range(len(x))])
    return Exact(
        x,
        float(statistic(x, axis=-1)),
        float(error(x)),
        np.asarray(statistic(resamples, axis=-1)),
        error(resamples),
        np.asarray(statistic(others, axis=-1)),
    )


def error_of_mean(x: Array) -> Array:
    """Standard deviation over the root of n."""
    return np.asarray(np.std(x, axis=-1, ddof=1) / np.sqrt(x.shape[-1]))


def error_of_median(x: Array) -> Array:
    """Maritz and Jarrett's standard error, from the law of the middle rank of n uniform draws."""
    n = x.shape[-1]
    ordered = np.sort(x, axis=-1)
    w = np.diff(betainc((n + 1) / 2, (n + 1) / 2, np.arange(n + 1) / n))
    centre = np.sum(w * ordered, axis=-1, keepdims=True)
    return np.asarray(np.sqrt(np.sum(w * (ordered - centre) ** 2, axis=-1)))


def jackknife(statistic: Callable[..., Any]) -> Callable[[Array], Array]:
    """The jackknife's standard error of a statistic."""

    def error(x: Array) -> Array:
        n = x.shape[-1]
        others = np.stack([statistic(np.delete(x, i, axis=-1), axis=-1) for i in range(n)], axis=-1)
        return np.asarray(np.sqrt((n - 1) / n * np.sum((others - others.mean(axis=-1, keepdims=True)) ** 2, axis=-1)))

    return error


def _atom(values: Array, level: tuple[float, float], n_resamples: int) -> float:
    """The quantile of equally likely values, which no seed can change."""
    ordered = np.sort(np.round(values, 10))
    noise = _SIGMAS * np.sqrt(max(p * (1.0 - p) for p in level) / n_resamples)
    least, most = (ordered[_rank(p, len(ordered))] for p in (level[0] - noise, level[1] + noise))
    if least != most:
        raise ValueError(f"the seed decides between {least} and {most}")
    return float(least)


def _rank(p: float, count: int) -> int:
    return min(max(int(np.ceil(p * count)) - 1, 0), count - 1)


def expected_coverage(n: int, confidence: float = 0.95) -> float:
    """Coverage of percentile intervals for the mean of n normal numbers.

    Resampled means are about normal with the variance s² (n - 1)/n² of a draw from the data, so the interval
    is the mean ± z s sqrt((n - 1)/n) / sqrt(n): too short by that root, and by the normal in place of
    Student's quantile.
    """
    z = norm.ppf((1.0 + confidence) / 2.0)
    return float(2.0 * t.cdf(z * np.sqrt((n - 1) / n), n - 1) - 1.0)


def power_of_welch(effect: float, sd: float, n_control: int, n_treatment: int, alpha: float = 0.05) -> float:
    """Power of Welch's two-sided test when both arms have the same sd, by the noncentral t distribution.

    Its degrees of freedom are nearly those of the smaller arm alone where the split is uneven.
    """
    shares = 1.0 / n_control, 1.0 / n_treatment
    freedom = sum(shares) ** 2 / (shares[0] ** 2 / (n_control - 1) + shares[1] ** 2 / (n_treatment - 1))
    shift = effect / (sd * np.sqrt(1.0 / n_control + 1.0 / n_treatment))
    critical = t.ppf(1.0 - alpha / 2.0, freedom)
    return float(nct.sf(critical, freedom, shift) + nct.cdf(-critical, freedom, shift))


@cache
def false_alarms(looks: int, alpha: float = 0.05, points: int = 400) -> float:
    """Chance that one of equally spaced looks at no effect is significant (Armitage, McPherson and Rowe 1969).

    The sum of all data so far is a random walk with normal steps. Its density on the paths that were never
    significant is carried from look to look by numerical integration; what is missing at the end was a
    false alarm.
    """
    critical = norm.ppf(1.0 - alpha / 2.0)
    nodes, weights = _legendre(points)
    bound = critical
    at, mass = bound * nodes, bound * weights * norm.pdf(bound * nodes)
    for look in range(2, looks + 1):
        bound = critical * np.sqrt(look)
        ahead = bound * nodes
        density = norm.pdf(ahead[:, np.newaxis] - at) @ mass
        at, mass = ahead, bound * weights * density
    return float(1.0 - mass.sum())


def mixture_p(effect: float, v: float, tau: float) -> float:
    """The sequential p-value of one look, by integrating the likelihood ratio over the mixture."""
    nodes, weights = _legendre(200)
    width = np.sqrt(v * tau**2 / (tau**2 + v))
    theta = effect * tau**2 / (tau**2 + v) + 12.0 * width * nodes
    ratio = 12.0 * width * np.sum(weights * np.exp((theta * effect - theta**2 / 2) / v) * norm.pdf(theta, scale=tau))
    return min(1.0, 1.0 / float(ratio))


@cache
def _legendre(points: int) -> tuple[Array, Array]:
    """Nodes and weights of Gauss-Legendre integration from -1 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return nodes, weights


def mixture_reach(v: float, tau: float, alpha: float) -> float:
    """The distance from 0 at which the sequential p-value is alpha."""
    return float(optimize.brentq(lambda e: mixture_p(e, v, tau) - alpha, 1e-9, 30 * np.sqrt(v), xtol=1e-13))
