"""Positions drawn with replacement, and what becomes of the data at them.

The mean of many resamples is counted rather than gathered: how often each position was drawn, times the
data, is one matrix product for all samples and resamples. For one large sample the compiled kernel of
``_kernels.py`` draws and adds in one go; the law is the same, the random stream is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DRAWS = 2**21  # positions that are drawn at once in NumPy: 16 MiB, which stays near the processor
_WORTH_COMPILING = 10**7  # draws below which loading the compiled kernel costs more than it brings


def resampled_means(z: NDArray[np.float64], n_resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Means (m, B) of B resamples of each row of z (m, n); the fastest way that is installed."""
    m, n = z.shape
    kernel = compiled_means() if m == 1 and n * n_resamples >= _WORTH_COMPILING else None
    if kernel is None:
        return readable_means(z, n_resamples, rng)
    words = rng.integers(0, 2**64, 4, dtype=np.uint64)
    means: NDArray[np.float64] = kernel(np.ascontiguousarray(z[0]), n_resamples, words)
    return means[np.newaxis]


def readable_means(z: NDArray[np.float64], n_resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Means (m, B) by counting the draws: every resample draws the same positions from all rows."""
    n = z.shape[1]
    return np.concatenate([z @ counts.T / n for counts in counts_of(n, n_resamples, rng)], axis=1)


def counts_of(n: int, n_resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """How often each of n positions is drawn, in blocks of shape (b, n) whose rows are resamples."""
    for positions in positions_of(n, n_resamples, rng):
        b = len(positions)
        flat = (positions + n * np.arange(b)[:, np.newaxis]).ravel()
        yield np.bincount(flat, minlength=b * n).reshape(b, n).astype(float)


def positions_of(n: int, n_resamples: int, rng: np.random.Generator, most: int = _DRAWS) -> Iterator[NDArray[np.int64]]:
    """Positions drawn with replacement, in blocks of shape (b, n) whose rows are resamples."""
    block = max(1, most // n)
    for start in range(0, n_resamples, block):
        yield rng.integers(0, n, (min(block, n_resamples - start), n))


@cache
def compiled_means() -> Callable[..., Any] | None:
    """Compile the fused kernel, or None where numba is not installed."""
    try:
        from mltoolkit.stats._kernels import fused_means
    except ImportError:
        return None
    return fused_means
