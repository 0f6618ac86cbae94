"""Checks of number columns: outliers and skew.

Tukey's fences cry wolf on ordinary skewed data: of an exponential sample 1% lies beyond three
interquartile ranges. So where the quartiles lean to the right, a value must lie beyond the fences on the
logarithmic scale too; what a logarithm brings back is a long tail, and the check of skew names that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.findings import Finding, about_column, about_rows, counted, number
from mltoolkit.quality.table import Column, Table

INNER_FENCE, OUTER_FENCE = 1.5, 3.0  # Tukey (1977), in interquartile ranges beyond the quartiles
_VERY_FAR = 5.0  # normal data reaches it once in 10 ** 13 values
_HEAVY_TAIL = 0.01  # a larger share beyond the fence is how the data is distributed
_LEANING = 0.1  # Bowley's skewness of the quartiles; an exponential sample has 0.26
_WHOLE_WIDTH = 2.0  # whole numbers of which half lie within one step are no finer than that
_SKEWED = 2.0  # skewness of the exponential distribution
_FEW_STRAYS = 0.1


def countable(column: Column) -> bool:
    """Whether a column's numbers are quantities: with more than a few strays they are codes of some kind."""
    return column.numeric and column.count(column.strays) <= _FEW_STRAYS * column.n_present


def quantile(
    values: NDArray[np.float64], shares: Sequence[float], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Quantiles of values, shape (n,), each counted once or as often as its weight says; interpolated linearly."""
    if weights is None:
        return np.asarray(np.quantile(values, shares))
    order = np.argsort(values, kind="stable")
    values, ends = values[order], np.cumsum(weights[order])
    # Entry i takes the ranks from ends[i] - weights[i] up to ends[i]; a rank between two of them is interpolated.
    ranks = np.asarray(shares) * (ends[-1] - 1.0)
    whole = np.floor(ranks)
    last = len(ends) - 1
    below, above = (values[np.minimum(np.searchsorted(ends, r, side="right"), last)] for r in (whole, np.ceil(ranks)))
    part = ranks - whole
    # From whichever side is nearer, as NumPy does it, so that both give the same bits.
    return np.asarray(np.where(part < 0.5, below + (above - below) * part, above - (above - below) * (1.0 - part)))


def outliers(table: Table, _: Column | None) -> Iterator[Finding]:
    """Numbers beyond Tukey's outer fence: a few very far ones are a warning, a heavy tail is an info."""
    for column in table.columns:
        values = column.numbers
        present, weights = column.finite
        if not countable(column) or column.moments.count < 10:
            continue
        far = _outlying(column, OUTER_FENCE)
        if not far.any():
            continue
        low, high = quantile(present, (0.25, 0.75), weights)
        count = column.count(far)
        few = _outlying(column, _VERY_FAR).any() and count <= max(1, _HEAVY_TAIL * column.moments.count)
        extreme = values[far][np.argmax(np.abs(values[far] - (low + high) / 2))]
        fences = low - OUTER_FENCE * (high - low), high + OUTER_FENCE * (high - low)
        message = (
            f"{counted(count, 'value', 'lies/lie beyond')} {number(fences[0])} to {number(fences[1])} "
            f"(3 interquartile ranges); the farthest is {number(extreme)}"
        )
        yield about_rows(table, "outliers", column, "warning" if few else "info", far, message)


def _outlying(column: Column, reach: float) -> NDArray[np.bool_]:
    """Which values of a column lie beyond the fences, and still do once a long right tail is drawn in."""
    least = _WHOLE_WIDTH if column.kind == "integer" else 0.0
    beyond = beyond_fences(column.numbers, reach, least, column.weights)
    return beyond & _beyond_in_logarithms(column.numbers, reach, column.weights)


def beyond_fences(
    values: NDArray[np.float64],
    reach: float,
    least_width: float = 0.0,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]:
    """Which values lie more than ``reach`` interquartile ranges beyond the quartiles.

    None does when half the values are equal: the quartiles then say nothing about the spread. NaN is
    passed over. An interquartile range below ``least_width`` is taken for that.
    """
    there = ~np.isnan(values)
    none = np.zeros(len(values), dtype=bool)
    if not there.any():
        return none
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = quantile(values[there], (0.25, 0.75), None if weights is None else weights[there])
        if not 0 < high - low < np.inf:
            return none
        width = max(high - low, least_width)
        return np.asarray((values < low - reach * width) | (values > high + reach * width))


def _beyond_in_logarithms(
    values: NDArray[np.float64], reach: float, weights: NDArray[np.float64] | None
) -> NDArray[np.bool_]:
    """Which values outlie on the logarithmic scale; all, where it does not apply."""
    there = ~np.isnan(values)
    present, w = values[there], None if weights is None else weights[there]
    low, middle, high = quantile(present, (0.25, 0.5, 0.75), w)
    positive = present > 0
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if low < 0 or not positive.any() or high + low - 2 * middle < _LEANING * (high - low):
            return np.ones(len(values), dtype=bool)
        # Zeros need a shift; the typical positive value makes it one that does not depend on the unit.
        typical = quantile(present[positive], (0.5,), None if w is None else w[positive])[0]
        shift = 0.0 if present.min() > 0 else float(typical)
        # Below the median nothing is drawn in: a logarithm would push small values out instead.
        logarithms = np.log(np.maximum(values, 0.0) + shift)
        return np.asarray((values < middle) | beyond_fences(logarithms, reach, 0.0, weights))


def skew(table: Table, _: Column | None) -> Iterator[Finding]:
    """Skewness above that of the exponential distribution, from 50 values on, outliers set aside."""
    for column in table.columns:
        if not countable(column) or column.moments.count < 50 or column.distinct < 10:
            continue
        kept = ~_outlying(column, OUTER_FENCE) & ~np.isnan(column.numbers)
        third = skewness(column.numbers[kept], None if column.weights is None else column.weights[kept])
        if abs(third) > _SKEWED:
            side, advice = ("right", "; consider a logarithm or ranks") if third > 0 else ("left", "")
            yield about_column(
                table, "skew", column.name, "info", f"skewness {third:.2f}: a long tail to the {side}{advice}"
            )


def skewness(values: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> float:
    """Third standardised moment of values, shape (n,); 0 for constant values."""
    with np.errstate(over="ignore", invalid="ignore"):
        centred = values - np.average(values, weights=weights)
        scale = np.max(np.abs(centred))
        if not 0 < scale < np.inf:
            return 0.0
        centred = centred / scale  # so that the cube of a huge value stays finite
        second, third = (float(np.average(centred**power, weights=weights)) for power in (2, 3))
        return float(third / second**1.5)
