"""Duplicate rows, and whether chance alone would give as many.

In a table of a few coarse columns two rows may agree by chance: the iris flowers, measured to a millimetre,
have one such pair. Chance betrays itself: for each pair of rows that agrees in *every* column it leaves
several that agree in *all but one*. From those near pairs and from how often two values of that column are
equal follows the number of full pairs to expect; a number that Poisson's law gives with a probability of at
least a tenth is told as an info, a larger one as a warning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.findings import Finding, about_lines, counted, percent
from mltoolkit.quality.table import Column, Table

_LEAST_ROWS = 50  # with fewer, the near pairs are too few to estimate from
_PLAUSIBLE = 0.1
_FEW_VALUES = 0.1
_LARGEST = 20_000_000  # cells up to which the near pairs, one sort a column, are counted


def duplicates(table: Table, _: Column | None) -> Iterator[Finding]:
    """Rows that are equal in every column to an earlier one."""
    count, lines = repeats_of(table)
    if not count:
        return
    message = f"{counted(count, 'row', 'repeats/repeat an earlier row')} ({percent(count, table.rows)})"
    by_chance = _plausible_by_chance(table)
    if by_chance:
        message += ", as rows of so few different values do by chance"
    yield about_lines(table, "duplicates", None, "info" if by_chance else "warning", count, lines, message)


def repeats_of(table: Table) -> tuple[int, Sequence[int] | NDArray[np.int64]]:
    """How many rows are equal in every column to an earlier one, and the first of them."""
    if table.repeats is not None:
        return table.repeats.rows.count, table.repeats.rows.first
    repeated = repeated_rows(table)
    return int(repeated.sum()), table.lines[repeated]


def repeated_rows(table: Table) -> NDArray[np.bool_]:
    """Which rows, shape (n,), are equal in every column to an earlier one; a missing cell equals another."""
    repeated = np.zeros(table.rows, dtype=bool)
    if table.rows and table.columns:
        _, first = np.unique(_row_hashes(table), return_index=True)
        repeated[:] = True
        repeated[first] = False
    return repeated


def _row_hashes(table: Table) -> NDArray[np.uint64]:
    """One 64-bit number a row, the sum of its cells' hashes; n rows collide with probability n² / 2⁶⁵."""
    total = np.zeros(table.rows, dtype=np.uint64)
    for position, column in enumerate(table.columns):
        total += _cell_hashes(column, position)
    return total


def _cell_hashes(column: Column, position: int) -> NDArray[np.uint64]:
    """The cells' hashes by SplitMix64 (Steele, Lea and Flood, 2014), salted with the column's position."""
    with np.errstate(over="ignore"):
        z = (column.codes + 2).astype(np.uint64) + np.uint64(position + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def _plausible_by_chance(table: Table) -> bool:
    if table.rows < _LEAST_ROWS:
        return False
    if math.prod(column.distinct + bool(column.n_missing) for column in table.columns) < table.rows:
        return True  # there are not as many different rows as rows
    if table.repeats is not None or table.rows > _LARGEST / len(table.columns):
        return False
    from scipy.special import gammainc

    hashes = _row_hashes(table)
    full = _pairs(hashes)
    kept = ~repeated_rows(table)
    expected = 0.0
    for position, column in enumerate(table.columns):
        near = _pairs(hashes - _cell_hashes(column, position)) - full
        # In a column of many values copied rows agree and others hardly do: copies tell nothing about chance.
        codes = column.codes if column.distinct <= _FEW_VALUES * table.rows else column.codes[kept]
        equal = _pairs(codes) / max(len(codes) * (len(codes) - 1) // 2, 1)  # share of pairs that agree here
        if equal < 1.0:
            expected = max(expected, near * equal / (1.0 - equal))
    # gammainc(k, m) is the probability that a Poisson variable of mean m is at least k.
    return expected > 0 and bool(gammainc(full, expected) >= _PLAUSIBLE)


def _pairs(keys: NDArray[np.uint64] | NDArray[np.int64]) -> int:
    """How many pairs of rows have equal keys."""
    sizes = np.unique(keys, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())
