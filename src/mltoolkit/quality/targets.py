"""Checks that need to know what is to be predicted: class balance, and columns that give the target away.

A column is a suspect when the target can be read off it for rows that were not looked at: each row's target
is guessed from the *other* rows (those of the same value, or the two neighbours in the order of a number),
so that a column of all-different values, which fits everything and predicts nothing, is no suspect.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.findings import Finding, about_column, about_rows, counted, percent
from mltoolkit.quality.table import Column, Table

_RARE_CLASS = 0.1
_LEAST_ROWS = 20
_SAME = 0.999  # rank correlation from which a column says the same as a number to be predicted
_GIVEN_AWAY = 0.98  # share of a majority guess's errors that the column takes away


def class_balance(table: Table, target: Column | None) -> Iterator[Finding]:
    """A class with less than a tenth of the rows, and less than half of its equal share."""
    if target is None:
        return
    if target.distinct == 1 and target.kind != "empty":
        yield about_column(table, "class balance", target.name, "error", "the target has one class: nothing to learn")
    if not is_label(target):
        return
    counts = target.counts
    rarest = int(np.argmin(np.where(counts > 0, counts, counts.max() + 1)))
    share = counts[rarest] / counts.sum()
    if share < min(_RARE_CLASS, 0.5 / target.distinct):
        where = target.codes == rarest
        name = str(target.texts[where][0])
        message = (
            f"class {name!r:.60} has {counted(int(counts[rarest]), 'row')} "
            f"({percent(int(counts[rarest]), int(counts.sum()))}): accuracy will mislead"
        )
        yield about_rows(table, "class balance", target, "warning", where, message)


def is_label(column: Column) -> bool:
    """Whether a column names classes: few values, most of them repeated, and no fractions."""
    present = column.n_present
    if column.kind == "float" and not np.all(column.numbers[~column.missing] % 1 == 0):
        return False
    return 1 < column.distinct <= min(max(20, 0.05 * present), present / 2)


def leakage(table: Table, target: Column | None) -> Iterator[Finding]:
    """Columns from which the target can be read off: such a column is rarely there when it is needed."""
    if target is None or table.rows < _LEAST_ROWS:
        return
    position = next(i for i, column in enumerate(table.columns) if column is target)
    target = table.in_rows(position)  # what takes whole rows looks at a sample of them
    for i in range(len(table.columns)):
        column = table.in_rows(i)
        if i == position or column.kind == "empty":
            continue
        both = ~column.missing & ~target.missing
        if both.sum() < _LEAST_ROWS:
            continue
        if is_label(target):
            reason = _gives_class_away(column, target, both)
        elif column.numeric and target.numeric:
            reason = _says_the_same(column.numbers[both], target.numbers[both])
        else:
            reason = ""
        if reason:
            yield about_column(table, "leakage suspects", column.name, "warning", reason)


def _says_the_same(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """Whether one number rises or falls with the other all the way."""
    usable = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[usable], y[usable]
    if len(x) < _LEAST_ROWS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return ""
    from scipy.stats import rankdata

    rank_x, rank_y = rankdata(x), rankdata(y)
    correlation = abs(float(np.corrcoef(rank_x, rank_y)[0, 1]))
    return f"rank correlation {correlation:.4f} with the target" if correlation > _SAME else ""


def _gives_class_away(column: Column, target: Column, both: NDArray[np.bool_]) -> str:
    goal = target.codes[both]
    _, goal = np.unique(goal, return_inverse=True)
    right_by_value = _guessed_from_same_value(column.codes[both], goal)
    if _beats_majority(right_by_value, goal):
        return f"its value alone settles the target of {percent(int(right_by_value.sum()), len(goal))} of the rows"
    if column.numeric:
        numbers = column.numbers[both]
        usable = ~np.isnan(numbers)
        if usable.sum() < _LEAST_ROWS:
            return ""
        right_by_order = _guessed_from_neighbours(numbers[usable], goal[usable])
        if _beats_majority(right_by_order, goal[usable]):
            return "thresholds on it separate the classes of the target"
    return ""


def _beats_majority(right: NDArray[np.bool_], goal: NDArray[np.int64]) -> bool:
    """Whether guesses take away nearly all the errors that always naming the largest class makes."""
    errors = len(goal) - int(np.bincount(goal).max())
    return errors > 0 and 1.0 - (~right).sum() / errors >= _GIVEN_AWAY


def _guessed_from_same_value(codes: NDArray[np.int64], goal: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows' class is the one that strictly most of the other rows with the same value have."""
    _, codes = np.unique(codes, return_inverse=True)
    n_classes = int(goal.max()) + 1
    pairs, pair, size = np.unique(codes * n_classes + goal, return_inverse=True, return_counts=True)
    values = pairs // n_classes
    order = np.lexsort((-size, values))  # by value, its largest class first
    values, sizes = values[order], size[order]
    begins = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    ends = np.r_[begins[1:], len(values)]
    best = sizes[begins]
    second = np.where(begins + 1 < ends, sizes[np.minimum(begins + 1, len(sizes) - 1)], 0)
    own = size[pair] - 1  # the row itself does not vote
    rival = np.where(size[pair] == best[codes], second[codes], best[codes])
    return np.asarray(own > rival)


def _guessed_from_neighbours(numbers: NDArray[np.float64], goal: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows' class is that of a neighbour in sorted order; none where the classes come in many runs."""
    order = np.argsort(numbers, kind="stable")
    classes, values = goal[order], numbers[order]
    differs = classes[1:] != classes[:-1]
    right = np.zeros(len(goal), dtype=bool)
    if differs.sum() > 2 * (int(goal.max()) + 1) + 2 * (1.0 - _GIVEN_AWAY) * len(goal):
        return right  # streaks, as in any series over time, are no thresholds
    alike = np.zeros(len(goal), dtype=bool)
    alike[1:] |= ~differs
    alike[:-1] |= ~differs
    clash = differs & (values[1:] == values[:-1])  # the same number in two classes
    alike[1:] &= ~clash
    alike[:-1] &= ~clash
    right[order] = alike
    return right
