"""A column before and after: both as counts over the values of either, and the findings about the two.

A column of a large table comes as a sample that stands for all its rows. Its counts are then those of all rows, and
what is put to a test are the counts of the sample: a test that took a thousand rows for a million would believe
anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.distances import Counts
from mltoolkit.quality.findings import Finding, Severity, about_column, about_lines, about_rows
from mltoolkit.quality.table import Column, Table

# A share that moves by this much, or appears or vanishes with as much as the second, deserves a look.
_MOVED, _APPEARED = 0.05, 0.01
_NOTICED = 0.005  # below it a change is true and nobody's business


Weights = NDArray[np.float64] | None


@dataclass(frozen=True)
class Counted:
    """Distinct values of two samples in ascending order (labels in any), and how often each has them.

    Attributes
    ----------
    values : ndarray, shape (k,)
    before, after : ndarray of int, shape (k,)
    seen : tuple of (float, float)
        The share of the counted rows of either that was looked at, 1.0 where that is all.
    """

    values: NDArray[Any]
    before: Counts
    after: Counts
    seen: tuple[float, float] = (1.0, 1.0)

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows of either."""
        return int(self.before.sum()), int(self.after.sum())

    @cached_property
    def looked_at(self) -> Counted:
        """The counts of the rows that were looked at: what a test may go by."""
        if self.seen == (1.0, 1.0):
            return self
        before, after = (
            np.rint(counts * part).astype(np.int64)
            for counts, part in zip((self.before, self.after), self.seen, strict=True)
        )
        return Counted(self.values, before, after)

    @property
    def only_before(self) -> NDArray[np.bool_]:
        """Which values only the first has."""
        return np.asarray((self.before > 0) & (self.after == 0))

    @property
    def only_after(self) -> NDArray[np.bool_]:
        """Which values only the second has."""
        return np.asarray((self.after > 0) & (self.before == 0))

    def part(self, chosen: NDArray[np.bool_]) -> Counted:
        """The same of some of the values."""
        return Counted(self.values[chosen], self.before[chosen], self.after[chosen], self.seen)


def count_values(before: NDArray[Any], after: NDArray[Any], weights: tuple[Weights, Weights] = (None, None)) -> Counted:
    """Count two samples, shapes (n,) and (m,), over the values of either; an entry may stand for several rows."""
    values, index = np.unique(np.concatenate([before, after]), return_inverse=True)
    parts = (index[: len(before)], index[len(before) :])
    counts = [np.bincount(part, weight, minlength=len(values)) for part, weight in zip(parts, weights, strict=True)]
    return Counted(values, np.rint(counts[0]).astype(np.int64), np.rint(counts[1]).astype(np.int64))


def count_labels(before: Column, after: Column) -> Counted:
    """Count two columns of labels; a text is compared letter for letter."""
    place: dict[str, int] = {}
    codes = [
        np.array([place.setdefault(text, len(place)) for text in c.labels], dtype=np.int64) for c in (before, after)
    ]
    counts = [
        np.bincount(code, column.counts, minlength=len(place)).astype(np.int64)
        for code, column in zip(codes, (before, after), strict=True)
    ]
    labels = np.empty(len(place), dtype=object)
    labels[:] = list(place)
    return Counted(labels, counts[0], counts[1], (share_seen(before), share_seen(after)))


def share_seen(column: Column) -> float:
    """The share of a column's rows that its entries were: 1.0, or less where a sample stands for the rest."""
    if not column.sampled or column.weights is None or not len(column.weights):
        return 1.0
    # Kish's effective size: entries that stand for many rows each tell no more than one row does.
    total = float(column.weights.sum())
    return min(1.0, total / float((column.weights**2).sum()))


@dataclass(frozen=True)
class Pair:
    """One column in two tables.

    Attributes
    ----------
    before, after : Column
    table : Table
        The second table.
    level : float
        The probability below which a test of this column is not put down to chance.
    """

    before: Column
    after: Column
    table: Table
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
        return self.before.n_present, self.after.n_present

    @cached_property
    def numbers(self) -> Counted:
        """Both columns' finite numbers."""
        (old, old_weights), (new, new_weights) = self.before.finite, self.after.finite
        return replace(count_values(old, new, (old_weights, new_weights)), seen=self._seen)

    @cached_property
    def moments(self) -> Counted:
        """Both columns' dates, as microseconds since 1970."""
        sides, weights = [], []
        for column in (self.before, self.after):
            there = ~np.isnat(column.dates)
            sides.append(column.dates[there].astype("datetime64[us]").astype(np.int64))
            weights.append(None if column.weights is None else column.weights[there])
        return replace(count_values(sides[0], sides[1], (weights[0], weights[1])), seen=self._seen)

    @cached_property
    def labels(self) -> Counted:
        """Both columns' values as text."""
        return count_labels(self.before, self.after)

    @property
    def _seen(self) -> tuple[float, float]:
        return share_seen(self.before), share_seen(self.after)

    def finding(self, rule: str, severity: Severity, message: str, where: NDArray[np.bool_] | None = None) -> Finding:
        """A finding about the column, or about the rows that some entries of the second one stand for."""
        if where is None:
            return about_column(self.table, rule, self.name, severity, message)
        return replace(about_rows(self.table, rule, self.after, severity, where, message), column=self.name)

    def finding_of_missing(self, severity: Severity, message: str) -> Finding:
        """A finding about the cells of the second column that are missing."""
        column = self.after
        lines = self.table.lines[column.missing] if column.facts is None else column.facts.missing.first
        return about_lines(self.table, "missing", self.name, severity, column.n_missing, lines, message)


def severity_of(before: float, after: float) -> Severity | None:
    """How much it matters that a share, 0 to 1, went from one value to the other."""
    change = abs(after - before)
    if change >= _MOVED or (min(before, after) == 0.0 and change >= _APPEARED):
        return "warning"
    return "info" if change >= _NOTICED else None
