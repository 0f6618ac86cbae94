"""Checks of number columns: outliers and skew.

Tukey's fences cry wolf on ordinary skewed data: of an exponential sample 1% lies beyond three
interquartile ranges. So where the quartiles lean to the right, a value must lie beyond the fences on the
logarithmic scale too; what a logarithm brings back is a long tail, and the check of skew names that.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    return column.numeric and column.strays.sum() <= _FEW_STRAYS * (~column.missing).sum()


def outliers(table: Table, _: Column | None) -> Iterator[Finding]:
    """Numbers beyond Tukey's outer fence: a few very far ones are a warning, a heavy tail is an info."""
    for column in table.columns:
        values = column.numbers
        present = values[~np.isnan(values)]
        if not countable(column) or len(present) < 10:
            continue
        far = _outlying(column, OUTER_FENCE)
        if not far.any():
            continue
        low, high = np.quantile(present, [0.25, 0.75])
        few = _outlying(column, _VERY_FAR).any() and far.sum() <= max(1, _HEAVY_TAIL * len(present))
        extreme = values[far][np.argmax(np.abs(values[far] - (low + high) / 2))]
        fences = low - OUTER_FENCE * (high - low), high + OUTER_FENCE * (high - low)
        message = (
            f"{counted(int(far.sum()), 'value', 'lies/lie beyond')} {number(fences[0])} to {number(fences[1])} "
            f"(3 interquartile ranges); the farthest is {number(extreme)}"
        )
        yield about_rows(table, "outliers", column.name, "warning" if few else "info", far, message)


def _outlying(column: Column, reach: float) -> NDArray[np.bool_]:
    """Which values of a column lie beyond the fences, and still do once a long right tail is drawn in."""
    least = _WHOLE_WIDTH if column.kind == "integer" else 0.0
    return beyond_fences(column.numbers, reach, least) & _beyond_in_logarithms(column.numbers, reach)


def beyond_fences(values: NDArray[np.float64], reach: float, least_width: float = 0.0) -> NDArray[np.bool_]:
    """Which values lie more than ``reach`` interquartile ranges beyond the quartiles.

    None does when half the values are equal: the quartiles then say nothing about the spread. NaN is
    passed over. An interquartile range below ``least_width`` is taken for that.
    """
    present = values[~np.isnan(values)]
    none = np.zeros(len(values), dtype=bool)
    if len(present) == 0:
        return none
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = np.quantile(present, [0.25, 0.75])
        if not 0 < high - low < np.inf:
            return none
        width = max(high - low, least_width)
        return np.asarray((values < low - reach * width) | (values > high + reach * width))


def _beyond_in_logarithms(values: NDArray[np.float64], reach: float) -> NDArray[np.bool_]:
    """Which values outlie on the logarithmic scale; all, where it does not apply."""
    present = values[~np.isnan(values)]
    low, middle, high = np.quantile(present, [0.25, 0.5, 0.75])
    positive = present[present > 0]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if low < 0 or len(positive) == 0 or high + low - 2 * middle < _LEANING * (high - low):
            return np.ones(len(values), dtype=bool)
        # Zeros need a shift; the typical positive value makes it one that does not depend on the unit.
        shift = 0.0 if present.min() > 0 else float(np.median(positive))
        # Below the median nothing is drawn in: a logarithm would push small values out instead.
        return np.asarray((values < middle) | beyond_fences(np.log(np.maximum(values, 0.0) + shift), reach))


def skew(table: Table, _: Column | None) -> Iterator[Finding]:
    """Skewness above that of the exponential distribution, from 50 values on, outliers set aside."""
    for column in table.columns:
        values = column.numbers[~np.isnan(column.numbers)]
        if not countable(column) or len(values) < 50 or column.distinct < 10:
            continue
        values = values[~_outlying(column, OUTER_FENCE)[~np.isnan(column.numbers)]]
        third = skewness(values)
        if abs(third) > _SKEWED:
            side, advice = ("right", "; consider a logarithm or ranks") if third > 0 else ("left", "")
            yield about_column(
                table, "skew", column.name, "info", f"skewness {third:.2f}: a long tail to the {side}{advice}"
            )


def skewness(values: NDArray[np.float64]) -> float:
    """Third standardised moment of values, shape (n,); 0 for constant values."""
    with np.errstate(over="ignore", invalid="ignore"):
        centred = values - values.mean()
        scale = np.max(np.abs(centred))
        if not 0 < scale < np.inf:
            return 0.0
        centred = centred / scale  # so that the cube of a huge value stays finite
        return float(np.mean(centred**3) / np.mean(centred**2) ** 1.5)
