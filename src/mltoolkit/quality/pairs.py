"""A column before and after: both as counts over the values of either, and the findings about the two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.distances import Counts
from mltoolkit.quality.findings import SHOWN_ROWS, Finding, Severity
from mltoolkit.quality.table import Column

# A share that moves by this much, or appears or vanishes with as much as the second, deserves a look.
_MOVED, _APPEARED = 0.05, 0.01
_NOTICED = 0.005  # below it a change is true and nobody's business


@dataclass(frozen=True)
class Counted:
    """Distinct values of two samples in ascending order (labels in any), and how often each has them.

    Attributes
    ----------
    values : ndarray, shape (k,)
    before, after : ndarray of int, shape (k,)
    """

    values: NDArray[Any]
    before: Counts
    after: Counts

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows of either sample."""
        return int(self.before.sum()), int(self.after.sum())

    @property
    def only_before(self) -> NDArray[np.bool_]:
        """Which values only the first sample has."""
        return np.asarray((self.before > 0) & (self.after == 0))

    @property
    def only_after(self) -> NDArray[np.bool_]:
        """Which values only the second sample has."""
        return np.asarray((self.after > 0) & (self.before == 0))

    def part(self, chosen: NDArray[np.bool_]) -> Counted:
        """The same of some of the values."""
        return Counted(self.values[chosen], self.before[chosen], self.after[chosen])


def count_values(before: NDArray[Any], after: NDArray[Any]) -> Counted:
    """Count two samples, shapes (n,) and (m,), over the values of either."""
    values, index = np.unique(np.concatenate([before, after]), return_inverse=True)
    n, k = len(before), len(values)
    return Counted(values, np.bincount(index[:n], minlength=k), np.bincount(index[n:], minlength=k))


def count_labels(before: Column, after: Column) -> Counted:
    """Count two columns of labels; a text is compared letter for letter."""
    place: dict[str, int] = {}
    counts: list[list[int]] = [[], []]
    for side, column in enumerate((before, after)):
        for label, count in zip(column.labels, column.counts.tolist(), strict=True):
            at = place.setdefault(label, len(place))
            if at == len(counts[0]):
                counts[0].append(0)
                counts[1].append(0)
            counts[side][at] += count
    labels = np.empty(len(place), dtype=object)
    labels[:] = list(place)
    return Counted(labels, np.array(counts[0], dtype=np.int64), np.array(counts[1], dtype=np.int64))


@dataclass(frozen=True)
class Pair:
    """One column in two tables.

    Attributes
    ----------
    before, after : Column
    lines : ndarray of int, shape (m,)
        Where the second table's rows stood.
    level : float
        The probability below which a test of this column is not put down to chance.
    """

    before: Column
    after: Column
    lines: NDArray[np.int64]
    level: float

    @property
    def name(self) -> str:
        """The column's name, with the old one in front where it was renamed."""
        old, new = self.before.name, self.after.name
        return new if old == new else f"{old} → {new}"

    @property
    def numeric(self) -> bool:
        """Whether both hold numbers."""
        return self.before.numeric and self.after.numeric

    @property
    def dated(self) -> bool:
        """Whether both hold dates."""
        return all(column.kind in ("date", "mixed dates") for column in (self.before, self.after))

    @cached_property
    def present(self) -> tuple[int, int]:
        """How many cells of either hold a value."""
        return int((~self.before.missing).sum()), int((~self.after.missing).sum())

    @cached_property
    def numbers(self) -> Counted:
        """Both columns' finite numbers."""
        return count_values(*(c.numbers[~np.isnan(c.numbers)] for c in (self.before, self.after)))

    @cached_property
    def moments(self) -> Counted:
        """Both columns' dates, as microseconds since 1970."""
        sides = (c.dates[~np.isnat(c.dates)] for c in (self.before, self.after))
        return count_values(*(side.astype("datetime64[us]").astype(np.int64) for side in sides))

    @cached_property
    def labels(self) -> Counted:
        """Both columns' values as text."""
        return count_labels(self.before, self.after)

    def finding(
        self, rule: str, severity: Severity, message: str, where: NDArray[np.bool_] | None = None
    ) -> Finding:  # fmt: skip
        """A finding about the column, or about the rows of the second table that a mask, shape (m,), selects."""
        if where is None:
            return Finding(rule, self.name, severity, len(self.lines), 1.0, message)
        count = int(where.sum())
        rows = tuple(int(line) for line in self.lines[where][:SHOWN_ROWS])
        return Finding(rule, self.name, severity, count, count / max(len(self.lines), 1), message, rows)


def severity_of(before: float, after: float) -> Severity | None:
    """How much it matters that a share, 0 to 1, went from one value to the other."""
    change = abs(after - before)
    if change >= _MOVED or (min(before, after) == 0.0 and change >= _APPEARED):
        return "warning"
    return "info" if change >= _NOTICED else None
