"""What a bootstrap asks of a statistic: its value, its value on resamples, and how sure it is of each.

Three kinds answer. The mean and the median know shortcuts that are exact in law: a mean of a resample is
the data weighted by counts, and an order statistic of a resample is an order statistic of the data at a
random rank, which is a Beta variate. Any other function is called.

Everywhere ``x`` is (m, n): m samples of n observations.

References
----------
Maritz, J. S., Jarrett, R. G. (1978). A note on estimating the variance of the sample median. JASA 73(361).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from mltoolkit.errors import BadInput
from mltoolkit.stats._resampling import counts_of, positions_of, resampled_means

Array = NDArray[np.float64]
_WANTED = "expected one finite number a sample, also for resamples in which values repeat"
_CELLS = 2**21  # numbers that are gathered at once, 16 MiB


class Statistic(Protocol):
    """What a bootstrap asks of a statistic."""

    def value(self, x: Array) -> Array:
        """Of the samples themselves, (m,)."""

    def replicates(self, x: Array, n_resamples: int, rng: np.random.Generator) -> Array:
        """Of B resamples of each sample, (m, B)."""

    def leave_one_out(self, x: Array) -> Array:
        """Of each sample without one of its observations, (m, n), in any order."""

    def error(self, x: Array) -> Array:
        """Standard error by a formula, (m,)."""

    def replicates_with_errors(self, x: Array, n_resamples: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Of B resamples, each with its own standard error by the same formula, (m, B) twice."""


class Mean:
    """The mean. Its work is done on centred and scaled data, so that neither squares nor digits are lost."""

    def value(self, x: Array) -> Array:
        return _centre(x)[:, 0]

    def replicates(self, x: Array, n_resamples: int, rng: np.random.Generator) -> Array:
        centre, scale, z = _standardised(x)
        return np.asarray(centre + scale * resampled_means(z, n_resamples, rng))

    def leave_one_out(self, x: Array) -> Array:
        centre = _centre(x)
        return np.asarray(centre + (centre - x) / (x.shape[1] - 1))

    def error(self, x: Array) -> Array:
        _, scale, z = _standardised(x)
        return np.asarray(scale[:, 0] * z.std(axis=1, ddof=1) / np.sqrt(x.shape[1]))

    def replicates_with_errors(self, x: Array, n_resamples: int, rng: np.random.Generator) -> tuple[Array, Array]:
        centre, scale, z = _standardised(x)
        n = x.shape[1]
        blocks = [(z @ w.T / n, z**2 @ w.T / n) for w in counts_of(n, n_resamples, rng)]
        means, squares = (np.concatenate(part, axis=1) for part in zip(*blocks, strict=True))
        variances = squares - means**2
        variances[variances <= 1e-13 * squares] = 0.0  # rounding, where a resample holds one value n times
        return centre + scale * means, scale * np.sqrt(variances / (n - 1))


class Median:
    """The median, by ranks.

    n sorted uniform numbers cut (0, 1) into n + 1 gaps, which are distributed as n + 1 exponential numbers
    over their sum. The first k gaps are a Gamma(k) over that sum, so the k-th smallest of n draws from the
    sorted data is its element at position floor(n V), V = G / (G + H) with G ~ Gamma(k), H ~ Gamma(n + 1 - k).
    """

    def value(self, x: Array) -> Array:
        return np.asarray(np.median(x, axis=1))

    def replicates(self, x: Array, n_resamples: int, rng: np.random.Generator) -> Array:
        n = x.shape[1]
        ordered = np.sort(x, axis=1)
        k = (n + 1) // 2  # the middle one, or the lower of the two in the middle
        lower, upper = rng.standard_gamma(k, n_resamples), rng.standard_gamma(n + 1 - k - (n % 2 == 0), n_resamples)
        if n % 2:
            return ordered[:, _position(lower / (lower + upper), n)]
        gap = rng.standard_exponential(n_resamples)
        total = lower + gap + upper
        return _middle(ordered[:, _position(lower / total, n)], ordered[:, _position((lower + gap) / total, n)])

    def leave_one_out(self, x: Array) -> Array:
        ordered = np.sort(x, axis=1)
        n = x.shape[1]
        k = n // 2
        left, right = ordered[:, k - 1 : k], ordered[:, k : k + 1]
        if n % 2 == 0:  # without one of the lower half the middle is the lowest of the upper half
            return np.repeat(np.concatenate([right, left], axis=1), k, axis=1)
        beyond = ordered[:, k + 1 : k + 2]
        without = np.concatenate([_middle(right, beyond), _middle(left, beyond), _middle(left, right)], axis=1)
        return np.repeat(without, [k, 1, k], axis=1)

    def error(self, x: Array) -> Array:
        return _by_ranks(np.sort(x, axis=1))

    def replicates_with_errors(self, x: Array, n_resamples: int, rng: np.random.Generator) -> tuple[Array, Array]:
        n = x.shape[1]
        ordered = np.sort(x, axis=1)
        values, errors = [], []
        for positions in positions_of(n, n_resamples, rng, _CELLS // len(x)):
            resamples = ordered[:, np.sort(positions, axis=1)]  # (m, b, n), sorted as the positions are
            values.append(_middle(resamples[..., (n - 1) // 2], resamples[..., n // 2]))
            errors.append(_by_ranks(resamples))
        return np.concatenate(values, axis=1), np.concatenate(errors, axis=1)


class Function:
    """A function of a sample, called with ``axis=-1`` where it has such a parameter."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        try:
            self._vectorised = "axis" in inspect.signature(function).parameters
        except (TypeError, ValueError):  # a builtin without a signature
            self._vectorised = False

    def value(self, x: Array) -> Array:
        """Over the last axis of an array of any shape."""
        found = self._function(x, axis=-1) if self._vectorised else np.apply_along_axis(self._function, -1, x)
        values = np.asarray(found)
        if values.shape != x.shape[:-1]:
            raise BadInput(
                f"bootstrap_ci: statistic gave shape {values.shape} for an array of shape {x.shape}; {_WANTED}"
            )
        if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
            raise BadInput(f"bootstrap_ci: statistic gave something that is not a finite number; {_WANTED}")
        return values.astype(float)

    def replicates(self, x: Array, n_resamples: int, rng: np.random.Generator) -> Array:
        blocks = positions_of(x.shape[1], n_resamples, rng, _CELLS // len(x))
        return np.concatenate([self.value(x[:, positions]) for positions in blocks], axis=1)

    def leave_one_out(self, x: Array) -> Array:
        """Of an array (..., n), over its last axis."""
        n = x.shape[-1]
        block = max(1, _CELLS // x.size)
        rows = [np.arange(start, min(start + block, n)) for start in range(0, n, block)]
        return np.concatenate([self.value(x[..., _others(left_out, n)]) for left_out in rows], axis=-1)

    def error(self, x: Array) -> Array:
        """The jackknife's, over the last axis."""
        n = x.shape[-1]
        return np.asarray(self.leave_one_out(x).std(axis=-1) * np.sqrt(n - 1))

    def replicates_with_errors(self, x: Array, n_resamples: int, rng: np.random.Generator) -> tuple[Array, Array]:
        values, errors = [], []
        for positions in positions_of(x.shape[1], n_resamples, rng, max(1, _CELLS // x.size)):
            resamples = x[:, positions]
            values.append(self.value(resamples))
            errors.append(self.error(resamples))
        return np.concatenate(values, axis=1), np.concatenate(errors, axis=1)


def of(statistic: str | Callable[..., Any]) -> Statistic:
    """The statistic that a name or a function stands for."""
    if callable(statistic):
        return Function(statistic)
    return Mean() if statistic == "mean" else Median()


def _centre(x: Array) -> Array:
    """Means (m, 1); of a row that holds one value n times that value, which rounding may miss by a digit."""
    first = x[:, :1]
    return np.where((x == first).all(axis=1, keepdims=True), first, x.mean(axis=1, keepdims=True))


def _standardised(x: Array) -> tuple[Array, Array, Array]:
    """Centre (m, 1), scale (m, 1) and (x - centre) / scale, which lies in [-1, 1]."""
    centre = _centre(x)
    scale = np.abs(x - centre).max(axis=1, keepdims=True)
    scale[scale == 0.0] = 1.0
    return centre, scale, (x - centre) / scale


def _position(share: Array, n: int) -> NDArray[np.intp]:
    """The position floor(n share), kept below n where a share is rounded up to 1."""
    return np.minimum((share * n).astype(np.intp), n - 1)


def _middle(a: Array, b: Array) -> Array:
    """The mean of two, without the overflow of their sum."""
    return 0.5 * a + 0.5 * b


def _by_ranks(ordered: Array) -> Array:
    """Standard error of the median of sorted values (..., n), by Maritz and Jarrett."""
    n = ordered.shape[-1]
    half = (n + 1) / 2
    weights = np.diff(betainc(half, half, np.arange(n + 1) / n))
    centred = ordered - ordered[..., n // 2 : n // 2 + 1]
    scale = np.abs(centred).max(axis=-1, keepdims=True)  # so that no square overflows
    z = centred / np.where(scale > 0.0, scale, 1.0)
    return np.asarray(scale[..., 0] * np.sqrt(np.maximum(z**2 @ weights - (z @ weights) ** 2, 0.0)))


def _others(left_out: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """For each position left out the n - 1 others, (b, n - 1)."""
    others = np.arange(n - 1)
    return others + (others >= left_out[:, np.newaxis])
