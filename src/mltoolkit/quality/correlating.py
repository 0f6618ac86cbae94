"""Which columns of a table move together: numbers and dates with each other, labels with each other, and across.

Computed from at most 16,384 rows, spread evenly over the table, and from at most 100 columns of a kind; a
correlation of 0.5 then has a standard error of 0.006. Pairs of fewer than 30 rows are passed over: among them
chance alone gives correlations of note.

References
----------
Bergsma (2013), A bias-correction for Cramér's V and Tschuprow's T. J. Korean Statistical Society 42.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.table import Column, Table

OF_NOTE = 0.5
_MOST_ROWS, _LEAST_ROWS = 16_384, 30
_MOST_COLUMNS, _MOST_LABELS, _SHOWN = 100, 50, 100


@dataclass(frozen=True)
class Correlation:
    """Two columns that move together.

    ``measure`` is ``"pearson"`` (two numbers or dates, -1 to 1), ``"cramers_v"`` (two labels, 0 to 1, corrected
    for bias) or ``"eta"`` (a label and a number, 0 to 1); ``rows`` is how many rows it was computed from.
    """

    left: str
    right: str
    measure: Literal["pearson", "cramers_v", "eta"]
    value: float
    rows: int


def correlations_of_note(table: Table) -> tuple[Correlation, ...]:
    """The pairs of columns with a correlation of at least 0.5 in absolute value: the 100 largest, the largest first."""
    rows = table.rows if table.sample is None else table.sample.rows
    step = max(1, -(-rows // _MOST_ROWS))
    if rows // step < _LEAST_ROWS:
        return ()
    in_rows = table.in_rows
    if table.sample is not None:
        in_rows, step = table.sample.every(step).column, 1
    numbers: list[tuple[str, NDArray[np.float64]]] = []
    labels: list[tuple[str, NDArray[np.int64]]] = []
    for i, column in enumerate(table.columns):
        if _is_label(column) and len(labels) < _MOST_COLUMNS // 2:
            labels.append((column.name, in_rows(i).codes[::step]))
        elif (column.numeric or column.kind == "date") and len(numbers) < _MOST_COLUMNS:
            numbers.append((column.name, _as_numbers(in_rows(i))[::step]))
    found = [*_between_numbers(numbers), *_between_labels(labels), *_across(labels, numbers)]
    return tuple(sorted(found, key=lambda pair: -abs(pair.value))[:_SHOWN])


def _is_label(column: Column) -> bool:
    return column.kind in ("boolean", "text") and 2 <= column.distinct <= min(_MOST_LABELS, column.n_present / 5)


def _as_numbers(column: Column) -> NDArray[np.float64]:
    if column.numeric:
        return column.numbers
    moments = column.dates.astype("datetime64[us]").astype(float)
    return np.where(np.isnat(column.dates), np.nan, moments)


def _between_numbers(columns: list[tuple[str, NDArray[np.float64]]]) -> Iterator[Correlation]:
    """Pearson's correlation, each pair over the rows that have both."""
    if len(columns) < 2:
        return
    with np.errstate(all="ignore"):  # columns near the largest float have no correlation
        x = np.stack([values for _, values in columns], axis=1)  # (n, d)
        there = ~np.isnan(x)
        centred = np.where(there, x - np.nanmean(np.where(there.any(axis=0), x, 0.0), axis=0), 0.0)
        scale = np.abs(centred).max(axis=0)
        centred /= np.where(scale > 0, scale, 1.0)
        w = there.astype(float)
        n, sums, squares = w.T @ w, centred.T @ w, (centred**2).T @ w
        covariance = n * (centred.T @ centred) - sums * sums.T
        spread = n * squares - sums**2
        r = covariance / np.sqrt(spread * spread.T)
        # A column that is constant up to rounding has no correlation.
        r[
            (spread <= 1e-12 * n * np.maximum(squares, 1e-300))
            | (1e-12 * n * np.maximum(squares.T, 1e-300) >= spread.T)
        ] = 0
    for i, j in zip(*np.nonzero(np.triu(np.abs(r) >= OF_NOTE, 1) & (n >= _LEAST_ROWS)), strict=True):
        value = float(np.clip(r[i, j], -1.0, 1.0))
        yield Correlation(columns[i][0], columns[j][0], "pearson", value, int(n[i, j]))


def _between_labels(columns: list[tuple[str, NDArray[np.int64]]]) -> Iterator[Correlation]:
    """Cramér's V, corrected for the bias that many classes and few rows give it."""
    for (left, a), (right, b) in combinations(columns, 2):
        both = (a >= 0) & (b >= 0)
        n = int(both.sum())
        if n < _LEAST_ROWS:
            continue
        _, x = np.unique(a[both], return_inverse=True)
        _, y = np.unique(b[both], return_inverse=True)
        r, k = int(x.max()) + 1, int(y.max()) + 1
        if min(r, k) < 2:
            continue
        table = np.bincount(x * k + y, minlength=r * k).reshape(r, k).astype(float)
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
        phi2 = max(0.0, float(((table - expected) ** 2 / expected).sum()) / n - (k - 1) * (r - 1) / (n - 1))
        least = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1.0
        value = float(min(1.0, np.sqrt(phi2 / least))) if least > 0 else 0.0
        if value >= OF_NOTE:
            yield Correlation(left, right, "cramers_v", value, n)


def _across(
    labels: list[tuple[str, NDArray[np.int64]]], numbers: list[tuple[str, NDArray[np.float64]]]
) -> Iterator[Correlation]:
    """The correlation ratio: the root of the share of a number's variance that lies between the classes."""
    for left, codes in labels:
        for right, values in numbers:
            both = (codes >= 0) & ~np.isnan(values)
            n = int(both.sum())
            if n < _LEAST_ROWS:
                continue
            with np.errstate(all="ignore"):
                share = _explained(codes[both], values[both])
            if np.isfinite(share) and share >= OF_NOTE**2:
                yield Correlation(left, right, "eta", float(min(1.0, np.sqrt(share))), n)


def _explained(classes: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """The share of variance between classes, less what classes without meaning would explain (Kelley, 1935)."""
    centred = values - values.mean()
    total = (centred**2).sum()
    if not total > 1e-20 * len(values) * np.abs(values).max() ** 2:  # constant, up to rounding
        return 0.0
    sizes = np.bincount(classes)
    sums, sizes = np.bincount(classes, centred)[sizes > 0], sizes[sizes > 0]
    n, k = len(values), len(sizes)
    return float(1.0 - (1.0 - (sums**2 / sizes).sum() / total) * (n - 1) / max(n - k, 1))
