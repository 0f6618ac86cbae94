"""What is remembered of values too many to keep: how many are different, their moments, the smallest and the largest.

All of it can be added to batch by batch and takes the same memory however long the stream is.

References
----------
Chan, Golub and LeVeque (1983), Algorithms for computing the sample variance. The American Statistician 37.
Ertl (2017), New cardinality estimation algorithms for HyperLogLog sketches. arXiv:1702.01284.
Flajolet, Fusy, Gandouet and Meunier (2007), HyperLogLog: the analysis of a near-optimal cardinality estimation
algorithm. AofA.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.hashing import GOLDEN, Hashes, mix
from mltoolkit.quality.table import Moments

SHOWN = 5  # lines that are remembered of a value
REGISTER_BITS = 14
_EXTREMES = 256
_NEAR = 4 * _EXTREMES  # values at an end that are sorted in search of that many different ones
_WAITING = 1 << 13


class DistinctCount:
    """How many different hashes there are, by HyperLogLog with 16,384 registers: a standard error of 0.8%.

    A register holds the most zeros that any of its hashes begins with, and one. The estimate is Ertl's, which
    needs no correction for few values.
    """

    def __init__(self) -> None:
        self.registers = np.zeros(1 << REGISTER_BITS, dtype=np.uint8)

    def add(self, hashes: Hashes) -> None:
        """Count hashes, shape (n,)."""
        rest = (hashes << np.uint64(REGISTER_BITS)) | np.uint64(1 << (REGISTER_BITS - 1))
        _, length = np.frexp((rest >> np.uint64(11)).astype(np.float64))  # 53 bits, which a float holds exactly
        np.maximum.at(
            self.registers, (hashes >> np.uint64(64 - REGISTER_BITS)).astype(np.intp), (54 - length).astype(np.uint8)
        )

    @property
    def estimate(self) -> int:
        """The number of different hashes."""
        m, most = len(self.registers), 64 - REGISTER_BITS
        counts = np.bincount(self.registers, minlength=most + 2).tolist()
        z = m * _tau(1.0 - counts[most + 1] / m)
        for count in reversed(counts[1 : most + 1]):
            z = 0.5 * (z + count)
        z += m * _sigma(counts[0] / m)
        return round(m * m / (2.0 * float(np.log(2.0)) * z))


def _sigma(x: float) -> float:
    """Ertl (2017), equation 13."""
    if x == 1.0:
        return np.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x, before = x * x, z
        z, y = z + x * y, y + y
    return z


def _tau(x: float) -> float:
    """Ertl (2017), equation 16."""
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1.0 - x, -1.0
    while z != before:
        x, before = float(np.sqrt(x)), z
        y *= 0.5
        z -= (1.0 - x) ** 2 * y
    return z / 3.0


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
    """The smallest and the largest different values (at most 256 each), with exact counts and their first lines.

    Every value up to ``low_bound`` and from ``high_bound`` on is counted; what lies between is not kept.
    """

    def __init__(self, dtype: Any) -> None:
        empty = Entries(np.empty(0, dtype), np.empty(0, np.int64), np.empty((0, SHOWN), np.int64))
        self.low, self.high = empty, empty
        self.low_bound, self.high_bound = _most(np.dtype(dtype))
        self._waiting: list[Entries] = []
        self._size = 0

    def add(self, found: Entries) -> None:
        """Count values, in the order of their lines."""
        self._waiting.append(found)
        self._size += len(found)
        if self._size > _WAITING:
            self._take_in()

    def add_rows(self, values: NDArray[Any], lines: NDArray[np.int64]) -> None:
        """Count values, shape (n,), each on a line of its own, in their order.

        In a column that rises or falls every value is beyond all those before: of many, most need not be sorted.
        """
        if len(values) > 2 * _NEAR:
            near = np.partition(values, [_NEAR, len(values) - _NEAR])
            low, high = np.unique(near[:_NEAR]), np.unique(near[-_NEAR:])
            if len(low) > _EXTREMES:
                self.low_bound = min(self.low_bound, low[_EXTREMES])
            if len(high) > _EXTREMES:
                self.high_bound = max(self.high_bound, high[-_EXTREMES - 1])
            kept = self.wanted(values)
            values, lines = values[kept], lines[kept]
        if len(values):
            self.add(Entries.single(values, lines))

    def _take_in(self) -> None:
        found, self._waiting, self._size = Entries.joined(*self._waiting), [], 0
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
        return np.asarray((values <= self.low_bound) | (values >= self.high_bound))

    def entries(self) -> Entries:
        """All of them, ascending, each once."""
        if self._waiting:
            self._take_in()
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


Winners = Callable[[NDArray[np.int64], int], NDArray[np.intp]]


class RowSample:
    """Which rows are in a sample that is uniform, repeatable, spread over the table, and at most ``2 size`` rows.

    Of each block of 2ʰ rows the one is in whose number has the smallest hash; h grows with the table. So every
    row has the same chance, sorted columns are sampled evenly, and a longer table's sample is a part of a shorter
    one's.
    """

    def __init__(self, size: int, winners: Winners) -> None:
        self.size, self.power, self.seen, self._winners = size, 0, 0, winners
        self.numbers = np.empty(0, dtype=np.int64)  # of the rows in the sample, from 0, ascending

    def choose(self, n: int) -> NDArray[np.int64]:
        """Take n more rows; gives positions among them that come in. ``numbers`` says which of all are in now."""
        numbers = np.arange(self.seen, self.seen + n)
        at = self._winners(numbers, self.power)
        self.numbers = np.concatenate([self.numbers, numbers[at]])
        self.seen += n
        self.numbers = self.numbers[self._winners(self.numbers, self.power)]
        while len(self.numbers) > 2 * self.size:
            self.power += 1
            self.numbers = self.numbers[self._winners(self.numbers, self.power)]
        return at


def winners(numbers: NDArray[np.int64], power: int) -> NDArray[np.intp]:
    """Positions of the rows with the smallest hash in their block; numbers, shape (n,), ascend."""
    if not len(numbers):
        return np.empty(0, dtype=np.intp)
    blocks = numbers >> power
    with np.errstate(over="ignore"):
        ranks = mix(numbers.astype(np.uint64) * GOLDEN)
    first = np.concatenate([[True], blocks[1:] != blocks[:-1]])
    begins = np.flatnonzero(first)
    least = np.minimum.reduceat(ranks, begins)
    return np.flatnonzero(ranks == least[np.cumsum(first) - 1])
