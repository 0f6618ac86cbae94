"""Collectors whose inner loops are compiled; what they gather is the same as in :mod:`mltoolkit.quality.collecting`.

They need numba, and pay from a few million cells on: a first call compiles for some seconds, later processes
load what it has left in the cache. So a scan of less goes through the readable collectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltoolkit.quality import _kernels, hashing
from mltoolkit.quality.collecting import BUDGET, Dictionary, Part, Sorted, Texts, Typed, _numpy, collector
from mltoolkit.quality.hashing import Hashes, hash_texts
from mltoolkit.quality.sketches import SHOWN, Entries, merged
from mltoolkit.quality.table import Moments, moments_of

_ALL_VALID = np.empty(0, dtype=bool)
_BEGIN = 256  # places of a new table
_SLOTS = 4  # for each place
_FAR_OFF = 1e8  # square of the distance between pivot and mean, in variances, from which digits are missed


def compiled_collector(name: str, kind: pa.DataType) -> Typed | Texts:
    """What gathers a column of an Arrow type."""
    readable = collector(name, kind)
    if isinstance(readable, Typed):
        return CompiledTyped(readable)
    return CompiledCodes(name) if pa.types.is_dictionary(kind) else CompiledTexts(name)


def salted(hashes: Hashes, position: int) -> Hashes:
    """``hashing.salted``, in place."""
    _kernels.salt(hashes, position)
    return hashes


def hashes_of(array: pa.Array) -> Hashes:
    """``hashing.hash_texts``."""
    found = np.empty(len(array), dtype=np.uint64)
    return found if _kernels.hash_texts(*_bytes_of(array), found) else hash_texts(array)


def winners(numbers: NDArray[np.int64], power: int) -> NDArray[np.intp]:
    """``sketches.winners``."""
    found = np.empty(len(numbers), dtype=np.intp)
    return found[: _kernels.winners(numbers, power, found)].copy()


def repeated(parts: list[Hashes]) -> Hashes:
    """``hashing.repeated`` without sorting all: a bit for each hash, and a closer look at those whose bit was set."""
    n = sum(map(len, parts))
    found = _with_set_bit(parts, _bits_for(n), max(n // 8, 1024), _kernels.mark)
    if found is None:
        return hashing.repeated(parts)
    bits = _bits_for(len(found))
    _kernels.mark(found, bits, np.empty(len(found), dtype=np.uint64), 0)
    several = _with_set_bit(parts, bits, 4 * len(found) + n // 8, _kernels.marked)
    return hashing.repeated(parts if several is None else [several])


def _bits_for(n: int) -> NDArray[np.uint64]:
    """At least eight bits for each of n hashes, all zero; a power of two."""
    return np.zeros(1 << max(n // 8, 1).bit_length(), dtype=np.uint64)


def _with_set_bit(parts: list[Hashes], bits: NDArray[np.uint64], room: int, look: Callable[..., int]) -> Hashes | None:
    found, filled = np.empty(room, dtype=np.uint64), 0
    for hashes in parts:
        filled = look(hashes, bits, found, filled)
        if filled < 0:
            return None
    return found[:filled]


def _bytes_of(array: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Where the texts of an Arrow array without gaps begin and end, and the bytes of all of them."""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32, len(array) + 1, 4 * array.offset)
    return ends, np.frombuffer(data, np.uint8) if data is not None else np.empty(0, dtype=np.uint8)


class _Table:
    """A hash table of different values, counted, each with its first lines; it grows up to a budget."""

    def __init__(self, budget: int) -> None:
        self.budget, self.used = budget, 0
        self.slots = np.full(_SLOTS * _BEGIN, -1, dtype=np.int32)
        self.counts = np.zeros(_BEGIN, dtype=np.int64)
        self.first = np.zeros((_BEGIN, SHOWN), dtype=np.int64)

    def __len__(self) -> int:
        return self.used

    def grow(self) -> bool:
        """Make room; False where the budget is used up."""
        size = min(2 * len(self.counts), self.budget)
        if size == len(self.counts):
            return False
        self.slots = np.full(1 << (_SLOTS * size - 1).bit_length(), -1, dtype=np.int32)
        self.counts, self.first = _longer(self.counts, size), _longer(self.first, size)
        return True


def _longer(values: NDArray[Any], size: int) -> NDArray[Any]:
    longer = np.zeros((size, *values.shape[1:]), dtype=values.dtype)
    longer[: len(values)] = values
    return longer


class _Values(_Table):
    """Different numbers."""

    def __init__(self, dtype: Any, budget: int) -> None:
        super().__init__(budget)
        self.known = np.zeros(len(self.counts), dtype=dtype)

    def add(self, values: NDArray[Any], valid: NDArray[np.bool_], lines: NDArray[np.int64], out: Hashes) -> int:
        """Count values; gives the row from which on they are over the budget."""
        row, whole = 0, values.dtype.kind == "i"
        while True:
            self.used, row = _kernels.count_values(
                values, valid, lines, row, whole, self.slots, self.known, self.counts, self.first, self.used, out
            )
            if row == len(values) or not self.grow():
                return int(row)
            self.known = _longer(self.known, len(self.counts))
            _kernels.place_values(self.known, self.used, whole, self.slots)

    def entries(self, _dtype: Any) -> Entries:
        """All values."""
        n = self.used
        return Entries(self.known[:n].copy(), self.counts[:n], self.first[:n])


class _Words(_Table):
    """Different texts."""

    def __init__(self, budget: int = BUDGET) -> None:
        super().__init__(budget)
        self.hashes = np.zeros(len(self.counts), dtype=np.uint64)
        self.places = np.zeros(len(self.counts) + 1, dtype=np.int64)
        self.kept = np.empty(0, dtype=np.uint8)

    def add(self, ends: NDArray[np.int32], data: NDArray[np.uint8], lines: NDArray[np.int64], out: Any) -> int:
        """Count texts; gives the row from which on they are over the budget."""
        needed = int(self.places[self.used]) + int(ends[-1] - ends[0]) + 8
        if len(self.kept) < needed:
            self.kept = _longer(self.kept, max(needed, 2 * len(self.kept)))
        row = 0
        while True:
            self.used, row = _kernels.count_texts(
                ends, data, lines, row, self.slots, self.hashes, self.kept, self.places, self.counts, self.first,
                self.used, out,
            )  # fmt: skip
            if row == len(lines) or not self.grow():
                return int(row)
            self.hashes = _longer(self.hashes, len(self.counts))
            self.places = _longer(self.places, len(self.counts) + 1)
            _kernels.place_hashes(self.hashes, self.used, self.slots)

    def texts(self, begin: int = 0) -> pa.Array:
        """The texts from one on, in the order in which they first appear."""
        offsets = self.places[begin : self.used + 1]
        buffers = [None, pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(self.kept)]
        return pa.LargeStringArray.from_buffers(self.used - begin, *buffers[1:]).cast(pa.string())

    def entries(self, _dtype: Any = object) -> Entries:
        """All texts."""
        values = np.empty(self.used, dtype=object)
        values[:] = self.texts().to_pylist()
        return Entries(values, self.counts[: self.used], self.first[: self.used])


class CompiledPart(Part):
    """The numbers or dates of a column."""

    def __init__(self, dtype: Any, budget: int = BUDGET) -> None:
        super().__init__(dtype, budget)
        self.dictionary: Any = _Values(dtype, budget)

    def add(self, values: NDArray[Any], lines: NDArray[np.int64], valid: NDArray[np.bool_] = _ALL_VALID) -> Hashes:
        """Count values, shape (n,), those that are no gaps and not NaN; gives the hash of each."""
        hashes = np.empty(len(values), dtype=np.uint64)
        row = 0
        if self.dictionary is not None:
            before = int(self.dictionary.counts.sum())
            row = self.dictionary.add(values, valid, lines, hashes)
            self.count += int(self.dictionary.counts.sum()) - before
            if row < len(values):
                self._give_up()
        if row < len(values):
            self._sketch_rows(row, values, lines, valid, hashes)
        return hashes

    def add_entries(self, found: Entries) -> None:
        """Count values that have counts and lines already."""
        if self.dictionary is None or len(self.dictionary) + len(found) > self.dictionary.budget:
            super().add_entries(found)
            return
        assert not len(self.dictionary)  # they come before all others
        found = found.grouped()
        found = found.take(np.argsort(found.lines[:, 0], kind="stable"))
        out = np.empty(len(found), dtype=np.uint64)
        self.dictionary.add(found.values, _ALL_VALID, np.zeros(len(found), dtype=np.int64), out)
        self.dictionary.counts[: len(found)] = found.counts
        self.dictionary.first[: len(found)] = found.lines
        self.count += int(found.counts.sum())

    def _sketch_rows(
        self, row: int, values: NDArray[Any], lines: NDArray[np.int64], valid: NDArray[np.bool_], hashes: Hashes
    ) -> None:
        assert self.extremes is not None
        n = len(values) - row
        far, sums = np.empty(n, dtype=np.int64), np.zeros(6)
        pivot = _middle_of(values[row], values[row + n // 2], values[-1])
        present, n_far = _kernels.sketch_values(
            values, valid, row, values.dtype.kind == "i", pivot, self._different.registers,
            self.extremes.low_bound, self.extremes.high_bound, hashes, far, sums,
        )  # fmt: skip
        self.count += present
        self.extremes.add_rows(values[far[:n_far]], lines[far[:n_far]])
        self.moments = merged(self.moments, _moments(values[row:], valid[row:], pivot, sums))


def _middle_of(*values: Any) -> float:
    """The middle one of three values, 0 where it is not finite: close to the mean, so that few digits are lost."""
    middle = float(np.sort(np.array(values, dtype=float))[1])
    return middle if np.isfinite(middle) else 0.0


def _moments(values: NDArray[Any], valid: NDArray[np.bool_], pivot: float, sums: NDArray[np.float64]) -> Moments:
    """Moments from sums of powers about a pivot."""
    n, one, two, three, zeros, negative = sums.tolist()
    if n == 0:
        return Moments(0, 0.0, 0.0, 0.0, 0, 0)
    shift = one / n
    m2 = two - one * shift
    if not (np.isfinite(three) and shift * shift * n <= _FAR_OFF * m2):
        there = values[valid] if len(valid) else values
        return moments_of(there[np.isfinite(there)].astype(float))
    m3 = three - 3.0 * shift * two + 2.0 * n * shift**3
    return Moments(int(n), pivot + shift, m2, m3, int(zeros), int(negative))


class CompiledTyped(Typed):
    """A column of numbers, dates or truth values."""

    def __init__(self, readable: Typed) -> None:
        super().__init__(readable.name, readable.kind, readable._convert, readable.part.dtype)
        self.part: CompiledPart = CompiledPart(readable.part.dtype)

    def add(self, array: pa.Array, lines: NDArray[np.int64]) -> Hashes:
        """Count rows; gives the hash of each."""
        valid = _ALL_VALID
        if array.null_count:
            valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
        values = np.ascontiguousarray(self._convert(_without_gaps(array)))
        before = self.part.count
        hashes = self.part.add(values, lines, valid)
        if self.part.count - before < len(values):
            there = valid if len(valid) else np.ones(len(values), dtype=bool)
            self.missing.extend(lines[~(there & ~np.isnan(values)) if values.dtype.kind == "f" else ~there])
        return hashes


def _without_gaps(array: pa.Array) -> pa.Array:
    """An array of numbers, dates or truth values with anything where the gaps are."""
    if not array.null_count or isinstance(array, pa.DictionaryArray):
        return array.fill_null(0) if array.null_count else array
    _, data = array.buffers()
    return pa.Array.from_buffers(array.type, len(array), [None, data], 0, array.offset)


class CompiledSorted(Sorted):
    """Texts told apart."""

    def _sort(self) -> None:
        n = len(self.array)
        self._kinds, self._moments = np.empty(n, dtype=np.uint8), np.empty(n, dtype=np.int64)
        self.pointed = bool(_kernels.parse_texts(*_bytes_of(self.array), self._kinds, self.numbers, self._moments))
        others = np.flatnonzero(self._kinds == _kernels.OTHER)
        self.missing = self._kinds == _kernels.EMPTY
        if len(others):
            self._look(others)
            self._note(others)

    def _note(self, rows: NDArray[np.intp]) -> None:
        """What the closer look has found in some rows."""
        dates, kinds = self.dates[rows], self._kinds[rows]
        kinds[self.missing[rows]] = _kernels.EMPTY
        kinds[~np.isnan(self.numbers[rows])] = _kernels.NUMBER
        kinds[~np.isnat(dates)] = _kernels.DATE
        kinds[self._codes[rows]] = _kernels.CODE
        self._kinds[rows] = kinds
        self._moments[rows] = np.where(np.isnat(dates), self._moments[rows], dates.astype(np.int64))

    def of(self, kind: str) -> NDArray[np.bool_]:
        """Which values, shape (n,), are of a kind."""
        return self._kinds == _KINDS[kind] if len(self.array) else self.missing

    def values(self, kind: str) -> Any:
        """The values of a kind: floats, microseconds since 1970, or texts."""
        if kind in ("numbers", "dates") and len(self.array):
            values, where = self.numbers if kind == "numbers" else self._moments, self.of(kind)
            return values if where.all() else values[where]
        return super().values(kind)


_KINDS = {"numbers": _kernels.NUMBER, "dates": _kernels.DATE, "codes": _kernels.CODE, "others": _kernels.OTHER}


class _Parted(Texts):
    """A column of text whose values are told apart, and whose numbers and dates are gathered, by compiled loops."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.parts |= {"numbers": CompiledPart(np.float64), "dates": CompiledPart(np.int64)}

    def _sorted(self, array: pa.Array) -> Sorted:
        return CompiledSorted(array)

    def _hash_texts(self, array: pa.Array) -> Hashes:
        return hashes_of(array)


class CompiledTexts(_Parted):
    """A column of text."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.dictionary: Any = _Words()

    def add(self, array: pa.Array, lines: NDArray[np.int64]) -> Hashes:
        """Count rows; gives the hash of each."""
        array = array.fill_null("") if array.null_count else array
        if self.dictionary is None or len(array) == 0:
            return self._in_parts(array, lines)
        ends, data = _bytes_of(array)
        if isinstance(self.dictionary, _Words) and np.diff(ends).max() > hashing.LONG:
            self._go_on_readably()
        if isinstance(self.dictionary, Dictionary):
            return super().add(array, lines)
        codes = np.empty(len(array), dtype=np.int32)
        row = self.dictionary.add(ends, data, lines, codes)
        hashes = np.empty(len(array), dtype=np.uint64)
        self._know_hashes()
        _kernels.look_up(codes[:row], self._hashes, hashes[:row])
        if row < len(array):
            self._give_up()
            hashes[row:] = self._in_parts(array.slice(row), lines[row:])
        return hashes

    def _know_hashes(self) -> None:
        if len(self.dictionary) > len(self._hashes):
            new = self._sorted(self.dictionary.texts(len(self._hashes)))
            self._hashes = np.concatenate([self._hashes, new.hashes()])

    def _go_on_readably(self) -> None:
        """Texts this long are hashed elsewhere; what was counted is kept."""
        known, readable = self.dictionary.entries(), Dictionary()
        readable.codes = {text: code for code, text in enumerate(known.values.tolist())}
        readable._make_room()
        n = len(known)
        readable.counts[:n], readable.lines[:n] = known.counts, known.lines
        readable.wanting[:n] = known.lines[:, -1] == 0
        self.dictionary = readable


class CompiledCodes(_Parted):
    """A column of text that a file keeps as a dictionary, one for each group of rows."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._last: tuple[pa.Array | None, NDArray[np.int64]] = None, np.empty(0, dtype=np.int64)

    def add(self, array: pa.Array, lines: NDArray[np.int64]) -> Hashes:
        """Count rows; gives the hash of each."""
        if self.dictionary is None or not self._knows(array.dictionary):
            return super().add(array, lines)
        valid = _ALL_VALID
        if array.null_count:
            valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
            self.missing.extend(lines[~valid])
        codes = _numpy(_without_gaps(array.indices))
        hashes = np.empty(len(array), dtype=np.uint64)
        kept = self.dictionary
        _kernels.count_codes(codes, valid, self._last[1], lines, kept.counts, kept.lines, self._hashes, hashes)
        return hashes

    def _knows(self, different: pa.Array) -> bool:
        """Whether the texts of a dictionary are within the budget; those that are new are noted."""
        if self._last[0] is not None and different.equals(self._last[0]):
            return True
        texts = different.to_pylist()
        assert self.dictionary is not None
        if None in texts or not self.dictionary.fits(texts):
            return False
        known = len(self.dictionary)
        mapping = np.array([self.dictionary.codes.setdefault(text, len(self.dictionary.codes)) for text in texts])
        self.dictionary._make_room()
        if len(self.dictionary) > known:
            new = self._sorted(pa.array(list(self.dictionary.codes)[known:], type=pa.string()))
            self._hashes = np.concatenate([self._hashes, new.hashes()])
        self._last = different, mapping
        return True
