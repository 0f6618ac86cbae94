"""How the values of a column are spread over bins of one width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINS = 20


@dataclass(frozen=True)
class Histogram:
    """How the values of a column are spread: ``counts[i]`` of them lie from ``edges[i]`` to ``edges[i + 1]``.

    Bins have one width and are closed on the left, the last one on both sides. Edges are numbers, or dates
    as ISO 8601 text.
    """

    edges: tuple[float, ...] | tuple[str, ...]
    counts: tuple[int, ...]


def histogram_of_numbers(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None, *, whole: bool = False
) -> Histogram | None:
    """A histogram of finite values, shape (n,), of at most 20 bins.

    Whole numbers have bins of a whole width, so that none is favoured. None where the range has no bins: it
    overflows, or is so narrow that floats do not divide it.
    """
    low, high = float(values.min()), float(values.max())
    with np.errstate(over="ignore"):
        spread = high - low
    if not np.isfinite(spread) or max(abs(low), abs(high)) > 1e300:
        return None
    if spread == 0:
        edges = np.array([low, high])
    elif whole:
        width = max(1.0, np.ceil((spread + 1) / _BINS))
        edges = low + width * np.arange(np.ceil((spread + 1) / width) + 1)
    else:
        edges = np.linspace(low, high, _BINS + 1)
    if spread and np.any(np.diff(edges) <= 0):
        return None
    return Histogram(tuple(edges.tolist()), _counts(values, weights, edges))


def histogram_of_dates(dates: NDArray[np.datetime64], weights: NDArray[np.float64] | None) -> Histogram:
    """A histogram of dates, shape (n,); bins are of whole days where they span that many."""
    moments = dates.astype("datetime64[us]").astype(np.int64)
    low, high = int(moments.min()), int(moments.max())
    day = 86_400_000_000
    if high == low:
        edges = np.array([low, high])
    else:
        unit = day if high - low >= _BINS * day else 1
        low = low // unit * unit
        width = -(-(high - low + 1) // (_BINS * unit)) * unit
        edges = low + width * np.arange(-(-(high - low + 1) // width) + 1)
    counts = _counts(moments, weights, edges)
    return Histogram(tuple(moment_text(edge) for edge in edges.astype("datetime64[us]")), counts)


def moment_text(moment: np.datetime64) -> str:
    """A date without the parts that say nothing: ``2024-03-01``, ``2024-03-01T09:30:00``."""
    return str(moment).removesuffix(".000000").removesuffix("T00:00:00")


def _counts(
    values: NDArray[np.float64] | NDArray[np.int64], weights: NDArray[np.float64] | None, edges: NDArray[np.generic]
) -> tuple[int, ...]:
    if edges[0] == edges[-1]:
        return (len(values) if weights is None else round(float(weights.sum())),)
    bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(bins, weights, len(edges) - 1)
    # Rounded along the running total, so that estimates too add up to all rows.
    return tuple(np.diff(np.round(np.cumsum(counts)), prepend=0.0).astype(int).tolist())
