"""What is remembered of values too many to keep: how many are different, their moments, the smallest and the largest.

All of it can be added to batch by batch and takes the same memory however long the stream is.

References
----------
Bar-Yossef, Jayram, Kumar, Sivakumar and Trevisan (2002), Counting distinct elements in a data stream. RANDOM.
Beyer, Haas, Reinwald, Sismanis and Gemulla (2007), On synopses for distinct-value estimation. SIGMOD.
Chan, Golub and LeVeque (1983), Algorithms for computing the sample variance. The American Statistician 37.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.hashing import GOLDEN, Hashes, mix
from mltoolkit.quality.table import Moments

SHOWN = 5  # lines that are remembered of a value
_SMALLEST = 1 << 14
_EXTREMES = 512
_ALL = np.uint64(2**64 - 1)
_RANGE = 2.0**64


class DistinctCount:
    """How many different hashes there are, from the k smallest of them (k = 16,384).

    Exact up to k; beyond it the standard error is 1 / sqrt(k - 2), 0.8%. Of n uniform hashes the k-th smallest
    lies at about k / n of their range, which says what n is.
    """

    def __init__(self, k: int = _SMALLEST) -> None:
        self.k, self.limit = k, _ALL
        self._kept: list[Hashes] = []
        self._size = 0

    def add(self, hashes: Hashes) -> None:
        """Count hashes, shape (n,)."""
        below = hashes[hashes < self.limit] if self.limit < _ALL else hashes
        if not len(below):
            return
        self._kept.append(below)
        self._size += len(below)
        if self._size > 4 * self.k:
            self._shrink()

    def _shrink(self) -> None:
        ordered = np.sort(np.concatenate(self._kept)) if self._kept else np.empty(0, np.uint64)
        smallest = ordered[np.r_[True, ordered[1:] != ordered[:-1]]] if len(ordered) else ordered
        if len(smallest) > self.k:
            smallest = smallest[: self.k]
            self.limit = smallest[-1]
        self._kept, self._size = [smallest], len(smallest)

    @property
    def estimate(self) -> int:
        """The number of different hashes."""
        self._shrink()
        kept = self._kept[0]
        return len(kept) if len(kept) < self.k else round((self.k - 1) / ((float(kept[-1]) + 1.0) / _RANGE))


@dataclass
class Entries:
    """Different values, each with its count and the first lines on which it stands.

    Attributes
    ----------
    values : ndarray, shape (m,)
    counts : ndarray of int64, shape (m,)
    lines : ndarray of int64, shape (m, 5)
        0 where there are fewer than five.
    """

    values: NDArray[Any]
    counts: NDArray[np.int64]
    lines: NDArray[np.int64]

    @classmethod
    def single(cls, values: NDArray[Any], lines: NDArray[np.int64]) -> Entries:
        """Values, each on a line of its own."""
        spread = np.zeros((len(values), SHOWN), dtype=np.int64)
        spread[:, 0] = lines
        return cls(values, np.ones(len(values), dtype=np.int64), spread)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, where: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Entries:
        """The entries that a mask, positions or a slice select."""
        return Entries(self.values[where], self.counts[where], self.lines[where])

    def grouped(self) -> Entries:
        """Equal values put together, in ascending order; their lines in the order of the entries."""
        if not len(self.values):
            return self
        order = np.argsort(self.values, kind="stable")
        values = self.values[order]
        first = np.r_[True, values[1:] != values[:-1]]
        begins = np.flatnonzero(first)
        counts = np.add.reduceat(self.counts[order], begins)
        return Entries(values[begins], counts, first_lines(self.lines[order], np.cumsum(first) - 1, len(begins)))

    @staticmethod
    def joined(*parts: Entries) -> Entries:
        """Entries one after the other."""
        return Entries(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.counts for part in parts]),
            np.concatenate([part.lines for part in parts]),
        )


def first_lines(lines: NDArray[np.int64], groups: NDArray[np.int64], n_groups: int) -> NDArray[np.int64]:
    """The first lines of each group; lines, shape (m, 5), come in the order of ascending groups, shape (m,)."""
    found = np.zeros((n_groups, SHOWN), dtype=np.int64)
    flat = lines.ravel()
    owner = np.repeat(groups, lines.shape[1])[flat > 0]
    flat = flat[flat > 0]
    if len(flat):
        begins = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        rank = np.arange(len(flat)) - np.repeat(begins, np.diff(np.r_[begins, len(flat)]))
        kept = rank < SHOWN
        found[owner[kept], rank[kept]] = flat[kept]
    return found


class Extremes:
    """The smallest and the largest different values (at most 512 each), with exact counts and their first lines.

    Every value up to ``low_bound`` and from ``high_bound`` on is counted; what lies between is not kept.
    """

    def __init__(self, dtype: Any) -> None:
        empty = Entries(np.empty(0, dtype), np.empty(0, np.int64), np.empty((0, SHOWN), np.int64))
        self.low, self.high = empty, empty
        self.low_bound: Any = None
        self.high_bound: Any = None

    def add(self, found: Entries) -> None:
        """Count values, in the order of their lines."""
        if not len(found):
            return
        if self.low_bound is None:
            if len(found) > 4 * _EXTREMES:  # of many, most need not be sorted
                at = [_EXTREMES, len(found) - _EXTREMES]
                self.low_bound, self.high_bound = np.partition(found.values, at)[at]
            else:
                self.low_bound, self.high_bound = _most(found.values.dtype)
        self.low = Entries.joined(self.low, found.take(found.values <= self.low_bound)).grouped()
        self.high = Entries.joined(self.high, found.take(found.values >= self.high_bound)).grouped()
        if len(self.low) > _EXTREMES:
            self.low = self.low.take(slice(_EXTREMES))
            self.low_bound = self.low.values[-1]
        if len(self.high) > _EXTREMES:
            self.high = self.high.take(slice(len(self.high) - _EXTREMES, None))
            self.high_bound = self.high.values[0]

    def wanted(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values, shape (n,), are among the extremes."""
        if self.low_bound is None:
            return np.ones(len(values), dtype=bool)
        return np.asarray((values <= self.low_bound) | (values >= self.high_bound))

    def entries(self) -> Entries:
        """All of them, ascending, each once."""
        if not len(self.low) or not len(self.high):
            return self.low if len(self.low) else self.high
        return Entries.joined(self.low, self.high.take(self.high.values > self.low.values[-1]))


def _most(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """The largest and the smallest value of a type."""
    if dtype.kind == "f":
        return np.inf, -np.inf
    return np.iinfo(dtype).max, np.iinfo(dtype).min


def merged(left: Moments, right: Moments) -> Moments:
    """Moments of two sets of numbers put together (Chan, Golub and LeVeque, 1983)."""
    n = left.count + right.count
    if not left.count or not right.count:
        return left if left.count else right
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.float64(right.mean) - left.mean
        share = right.count / n
        return Moments(
            n,
            float(left.mean + gap * share),
            float(left.m2 + right.m2 + gap**2 * left.count * share),
            float(
                left.m3 + right.m3 + gap**3 * left.count * share * (left.count - right.count) / n
                + 3.0 * gap * (left.count * right.m2 - right.count * left.m2) / n
            ),
            left.zeros + right.zeros,
            left.negative + right.negative,
        )  # fmt: skip


class RowSample:
    """Which rows are in a sample that is uniform, repeatable, spread over the table, and at most ``2 size`` rows.

    Of each block of 2ʰ rows the one is in whose number has the smallest hash; h grows with the table. So every
    row has the same chance, sorted columns are sampled evenly, and a longer table's sample is a part of a shorter
    one's.
    """

    def __init__(self, size: int) -> None:
        self.size, self.power, self.seen = size, 0, 0
        self.numbers = np.empty(0, dtype=np.int64)  # of the rows in the sample, from 0, ascending
        self._ranks = np.empty(0, dtype=np.uint64)

    def choose(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Take n more rows; gives positions among them that come in, and which of all with these stay in."""
        numbers = np.arange(self.seen, self.seen + n)
        self.seen += n
        with np.errstate(over="ignore"):
            ranks = mix(numbers.astype(np.uint64) * GOLDEN)
        at = self._winners(numbers, ranks)
        self.numbers, self._ranks = np.r_[self.numbers, numbers[at]], np.r_[self._ranks, ranks[at]]
        stay = np.arange(len(self.numbers))
        while len(stay) > 2 * self.size:
            self.power += 1
            stay = stay[self._winners(self.numbers[stay], self._ranks[stay])]
        stay = stay[self._winners(self.numbers[stay], self._ranks[stay])]
        kept = np.zeros(len(self.numbers), dtype=bool)
        kept[stay] = True
        self.numbers, self._ranks = self.numbers[kept], self._ranks[kept]
        return at, kept

    def _winners(self, numbers: NDArray[np.int64], ranks: Hashes) -> NDArray[np.intp]:
        blocks = numbers >> self.power
        begins = np.flatnonzero(np.r_[True, blocks[1:] != blocks[:-1]])
        if not len(numbers):
            return np.empty(0, dtype=np.intp)
        least = np.repeat(np.minimum.reduceat(ranks, begins), np.diff(np.r_[begins, len(blocks)]))
        return np.flatnonzero(ranks == least)
