"""What one column's values are gathered into during a scan, and the column that comes of it.

Every different value is kept with its count and its first lines, up to a budget. A column that has more of them
is from then on told by counts over all rows (missing, moments, distinct), by its smallest and largest values, by
its values of a rare kind, and by a sample of rows that stands for all the others.

A column of text is a mixture of up to four kinds of value: numbers, dates, codes (``007``) and other texts. Only
when it is over its budget need they be told apart before the end; each of them then has a budget of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltoolkit.quality.hashing import MISSING_HASH, Hashes, hash_numbers, hash_texts
from mltoolkit.quality.labels import is_odd
from mltoolkit.quality.meanings import CODE, MISSING, POINTED, Meanings
from mltoolkit.quality.sketches import SHOWN, DistinctCount, Entries, Extremes, first_lines, merged
from mltoolkit.quality.source import Lines
from mltoolkit.quality.table import (
    Column,
    Facts,
    Kind,
    Moments,
    column_of_entries,
    column_of_texts,
    moments_of,
)

BUDGET = 1 << 14  # different values that are kept of a column
_FEW = 1 << 12  # and of texts that are odd, in a column over its budget


class Dictionary:
    """Different values with counts and lines; refuses what is over its budget.

    ``values`` are in the order in which they first appear. A value's position is its code.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.codes: dict[Any, int] = {}
        self.counts = np.zeros(64, dtype=np.int64)
        self.lines = np.zeros((64, SHOWN), dtype=np.int64)
        self.wanting = np.ones(64, dtype=bool)  # whose lines are fewer than five

    def __len__(self) -> int:
        return len(self.codes)

    def fits(self, values: list[Any]) -> bool:
        """Whether different values, some of them new, are within the budget."""
        if len(self.codes) + len(values) <= self.budget:
            return True
        return len(self.codes) + sum(value not in self.codes for value in values) <= self.budget

    def add(self, values: list[Any], within: NDArray[np.int64], lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count rows, shape (n,), given as positions in a list of different values, -1 for none; gives their codes."""
        mine = np.empty(len(values) + 1, dtype=np.int64)
        mine[:-1] = [self.codes.setdefault(value, len(self.codes)) for value in values]
        mine[-1] = -1
        self._make_room()
        codes = mine[within]
        there = within >= 0
        counts = np.bincount(within[there] if not there.all() else within, minlength=len(values))
        self.counts[mine[:-1]] += counts
        wanting = self.wanting[mine[:-1]]
        if wanting.any():
            self._note_lines(codes, lines)
        return codes

    def _note_lines(self, codes: NDArray[np.int64], lines: NDArray[np.int64]) -> None:
        rows = np.flatnonzero((codes >= 0) & self.wanting[codes])
        rows = rows[np.argsort(codes[rows], kind="stable")]
        owners, groups = np.unique(codes[rows], return_inverse=True)
        known = self.lines[owners]
        spread = np.zeros((len(rows), SHOWN), dtype=np.int64)
        spread[:, 0] = lines[rows]
        both = np.concatenate([known, spread])
        belongs = np.concatenate([np.arange(len(owners)), groups])
        order = np.argsort(belongs, kind="stable")
        self.lines[owners] = first_lines(both[order], belongs[order], len(owners))
        self.wanting[owners] = self.lines[owners, -1] == 0

    def _make_room(self) -> None:
        size = len(self.counts)
        if len(self.codes) > size:
            more = max(len(self.codes), 2 * size) - size
            self.counts = np.concatenate([self.counts, np.zeros(more, np.int64)])
            self.lines = np.concatenate([self.lines, np.zeros((more, SHOWN), np.int64)])
            self.wanting = np.concatenate([self.wanting, np.ones(more, bool)])

    def entries(self, dtype: Any) -> Entries:
        """All values; objects where ``dtype`` is object."""
        n = len(self.codes)
        values = np.empty(n, dtype=dtype)
        values[:] = list(self.codes)
        return Entries(values, self.counts[:n], self.lines[:n])


class Part:
    """The values of one kind in a column: all different ones, or what a sample leaves out."""

    def __init__(self, dtype: Any, budget: int = BUDGET) -> None:
        self.dtype, self.count = dtype, 0
        self.dictionary: Dictionary | None = Dictionary(budget)
        self.extremes = Extremes(dtype) if dtype is not object else None
        self.odd = Dictionary(_FEW)
        self.moments = Moments(0, 0.0, 0.0, 0.0, 0, 0)
        self._different = DistinctCount()

    @property
    def distinct(self) -> int:
        """How many different values there are."""
        return len(self.dictionary) if self.dictionary is not None else min(self._different.estimate, self.count)

    def add(self, values: NDArray[Any], lines: NDArray[np.int64]) -> Hashes:
        """Count values, shape (n,), each on its line; gives the hash of each."""
        self.count += len(values)
        hashes = self.hashes(values)
        if len(values) == 0:
            return hashes
        if self.dictionary is not None:
            different, within = encoded(values)
            if self.dictionary.fits(different):
                self.dictionary.add(different, within, lines)
                return hashes
            self._give_up()
        self._different.add(hashes)
        self._sketch(values, lines)
        return hashes

    def add_entries(self, found: Entries) -> None:
        """Count values that have counts and lines already."""
        self.count += int(found.counts.sum())
        if self.dictionary is not None and len(self.dictionary) + len(found) <= self.dictionary.budget:
            mine = np.array([self.dictionary.codes.setdefault(v, len(self.dictionary.codes)) for v in found.values])
            self.dictionary._make_room()
            if len(mine):
                self.dictionary.counts[mine] += found.counts
                self.dictionary.lines[mine] = found.lines
                self.dictionary.wanting[mine] = found.lines[:, -1] == 0
            return
        if self.dictionary is not None:
            self._give_up()
        self._sketch_entries(found)

    def _give_up(self) -> None:
        assert self.dictionary is not None
        known, self.dictionary = self.dictionary.entries(self.dtype), None
        self._sketch_entries(known)

    def _sketch_entries(self, found: Entries) -> None:
        if not len(found):
            return
        self._different.add(self.hashes(found.values))
        if self.extremes is None:
            odd = np.fromiter(map(is_odd, found.values), dtype=bool, count=len(found))
            self._keep_odd(found.take(odd))
            return
        finite = found.take(np.isfinite(found.values)) if self.dtype == np.float64 else found
        self.moments = merged(self.moments, moments_of(finite.values.astype(float), finite.counts.astype(float)))
        self.extremes.add(found)

    def hashes(self, values: NDArray[Any]) -> Hashes:
        """Hashes of values of this kind, shape (n,)."""
        return hash_texts(pa.array(values, type=pa.string())) if self.dtype is object else hash_numbers(values)

    def _sketch(self, values: NDArray[Any], lines: NDArray[np.int64]) -> None:
        if self.extremes is None:
            where = odd_texts(values)
            if where.any():
                self._keep_odd(Entries.single(values[where], lines[where]))
            return
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        self.moments = merged(self.moments, moments_of(finite.astype(float, copy=False)))
        wanted = self.extremes.wanted(values)
        self.extremes.add_rows(values[wanted], lines[wanted])

    def _keep_odd(self, found: Entries) -> None:
        for value, count, lines in zip(found.values, found.counts, found.lines, strict=True):
            if value in self.odd.codes or len(self.odd) < self.odd.budget:
                self.odd.add([value], np.zeros(1, np.int64), lines[:1])
                self.odd.counts[self.odd.codes[value]] += count - 1

    def entries(self, sample: NDArray[Any]) -> tuple[Entries, NDArray[np.float64]]:
        """Values with the number of rows that each stands for; the part of the sample that is of this kind is given."""
        if self.dictionary is not None:
            found = self.dictionary.entries(self.dtype)
            return found, found.counts.astype(float)
        if self.extremes is not None:
            kept = self.extremes.entries()
            inner = sample[~self.extremes.wanted(sample)]
        else:
            kept = self.odd.entries(object)
            inner = np.array([text for text in sample if text not in self.odd.codes], dtype=object)
        stands_for = self.count - int(kept.counts.sum())
        rest = Entries.single(inner, np.zeros(len(inner), dtype=np.int64))
        weights = np.full(len(inner), stands_for / max(len(inner), 1))
        return Entries.joined(kept, rest), np.concatenate([kept.counts.astype(float), weights])


def encoded(values: NDArray[Any] | pa.Array) -> tuple[list[Any], NDArray[np.int64]]:
    """The different values, and each row's position among them; -1 for none."""
    if not isinstance(values, pa.Array):
        codes, different = pd.factorize(values)
        return different.tolist(), np.asarray(codes, dtype=np.int64)
    found = values if isinstance(values, pa.DictionaryArray) else pc.dictionary_encode(values)
    codes = found.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    different = found.dictionary.to_pylist()
    if len(set(different)) < len(different) or None in different:  # a dictionary that somebody else has made
        position = {value: i for i, value in enumerate(dict.fromkeys(v for v in different if v is not None))}
        remap = np.array([position.get(value, -1) for value in different] + [-1])
        return list(position), remap[codes]
    return different, codes


_ODD = r"^\s|\s$|[^\x20-\x7e]"


def odd_texts(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which texts, shape (n,), may be broken: they have white space at an end, or more than printable ASCII."""
    array = pa.array(values, type=pa.string())
    maybe = pc.match_substring_regex(array, _ODD).to_numpy(zero_copy_only=False).astype(bool)
    for i in np.flatnonzero(maybe):
        maybe[i] = is_odd(values[i])
    return np.asarray(maybe)


# ---- columns


class Typed:
    """A column of numbers, dates or truth values."""

    def __init__(self, name: str, kind: Kind, convert: Callable[[pa.Array], NDArray[Any]], dtype: Any) -> None:
        self.name, self.kind, self._convert = name, kind, convert
        self.part = Part(dtype)
        self.missing = Lines()

    def add(self, array: pa.Array, lines: NDArray[np.int64]) -> Hashes:
        """Count rows; gives the hash of each."""
        values = self._convert(array.drop_null() if array.null_count else array)
        present = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False)) if array.null_count else None
        if values.dtype.kind == "f" and (gaps := np.isnan(values)).any():
            values = values[~gaps]
            present = np.flatnonzero(~gaps) if present is None else present[~gaps]
        if present is None:
            return self.part.add(values, lines)
        rows, gone = np.full(len(array), MISSING_HASH), np.ones(len(array), dtype=bool)
        rows[present], gone[present] = self.part.add(values, lines[present]), False
        self.missing.extend(lines[gone])
        return rows

    def finish(self, sample: pa.Array) -> Column:
        """The column."""
        values = self._convert(sample.drop_null())
        found, weights = self.part.entries(values[~np.isnan(values)] if values.dtype.kind == "f" else values)
        sampled = self.part.dictionary is None
        moments = self.part.moments if sampled and self.kind in ("integer", "float") else None
        facts = Facts(self.missing, self.part.distinct, sampled, moments)
        return column_of_entries(self.name, self.kind, found.values, weights, found.lines, facts)


class Texts:
    """A column of text."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.missing = Lines()
        self.dictionary: Dictionary | None = Dictionary()
        self._hashes = np.empty(0, dtype=np.uint64)  # of the dictionary's values
        self.parts = {
            "numbers": Part(np.float64),
            "dates": Part(np.int64),
            "codes": Part(object),
            "others": Part(object),
        }
        self.pointed = False
        self.lengths = Lengths()

    def add(self, array: pa.Array, lines: NDArray[np.int64]) -> Hashes:
        """Count rows; gives the hash of each."""
        if self.dictionary is not None:
            different, within = encoded(array)
            if self.dictionary.fits(different):
                return self._in_dictionary(different, within, lines)
            self._give_up()
        if isinstance(array, pa.DictionaryArray):
            array = array.dictionary_decode()
        return self._in_parts(array, lines)

    def _in_dictionary(self, different: list[str], within: NDArray[np.int64], lines: NDArray[np.int64]) -> Hashes:
        assert self.dictionary is not None
        known = len(self.dictionary)
        codes = self.dictionary.add(different, within, lines)
        if len(self.dictionary) > known:
            new = Sorted(pa.array(list(self.dictionary.codes)[known:], type=pa.string()))
            self._hashes = np.concatenate([self._hashes, new.hashes()])
        if (codes < 0).any():
            self.missing.extend(lines[codes < 0])
            return np.where(codes < 0, MISSING_HASH, self._hashes[codes] if len(self._hashes) else MISSING_HASH)
        return np.asarray(self._hashes[codes])

    def _give_up(self) -> None:
        """Tell the kinds of the dictionary's values apart, and go on without it."""
        assert self.dictionary is not None
        known, self.dictionary = self.dictionary.entries(object), None
        texts = Sorted(pa.array(known.values, type=pa.string()))
        self.lengths.add(texts.lengths[~texts.missing], known.counts[~texts.missing])
        self._count_missing(known.take(texts.missing))
        self.pointed = self.pointed or texts.pointed
        for kind, part in self.parts.items():
            where = texts.of(kind)
            part.add_entries(Entries(texts.values(kind), known.counts[where], known.lines[where]))

    def _count_missing(self, found: Entries) -> None:
        lines = found.lines[found.lines > 0].tolist()
        self.missing.count += int(found.counts.sum())
        self.missing.first = sorted([*self.missing.first, *lines])[:SHOWN]

    def _in_parts(self, array: pa.Array, lines: NDArray[np.int64]) -> Hashes:
        texts = self._sorted(array)
        there = ~texts.missing
        if not there.all():
            self.missing.extend(lines[~there])
        self.lengths.add(texts.lengths[there])
        self.pointed = self.pointed or texts.pointed
        hashes = np.full(len(array), MISSING_HASH)
        for kind, part in self.parts.items():
            where = texts.of(kind)
            if where.all():
                hashes = part.add(texts.values(kind), lines)
            elif where.any():
                hashes[where] = part.add(texts.values(kind), lines[where])
        # A row tells dates and large numbers apart by their texts, a part by what they are.
        spelled = texts.of("dates") | (np.abs(texts.numbers) >= 2.0**53)
        if spelled.any():
            hashes[spelled] = self._hash_texts(texts.array.filter(pa.array(spelled)))
        return hashes

    def _sorted(self, array: pa.Array) -> Sorted:
        return Sorted(array)

    def _hash_texts(self, array: pa.Array) -> Hashes:
        return hash_texts(array)

    def finish(self, sample: pa.Array) -> Column:
        """The column."""
        if self.dictionary is not None:
            known = self.dictionary.entries(object)
            gone = missing_texts(known.values)
            self._count_missing(known.take(gone))
            found, weights = known.take(~gone), known.counts[~gone].astype(float)
            column = column_of_texts(self.name, found.values, weights)
            facts = Facts(self.missing, column.distinct, False)
            return replace(column, weights=weights, lines=found.lines, facts=facts)
        texts = Sorted(sample)
        found_of = {kind: part.entries(texts.values(kind)) for kind, part in self.parts.items() if part.count}
        distinct = sum(part.distinct for part in self.parts.values())
        facts = Facts(self.missing, distinct, True, self.parts["numbers"].moments, self.lengths.facts)
        if not found_of:
            return replace(column_of_texts(self.name, np.empty(0, dtype=object)), facts=facts)
        if list(found_of) in (["numbers"], ["dates"]):
            (entries, weights) = next(iter(found_of.values()))
            kind: Kind = "date" if "dates" in found_of else "float" if self.pointed else "integer"
            return column_of_entries(self.name, kind, entries.values, weights, entries.lines, facts)
        shown = [as_texts(kind, entries.values, self.pointed) for kind, (entries, _) in found_of.items()]
        weights = np.concatenate([weights for _, weights in found_of.values()])
        column = column_of_texts(self.name, np.concatenate(shown), weights)
        lines = np.concatenate([entries.lines for entries, _ in found_of.values()])
        facts = facts if column.numeric else replace(facts, moments=None)
        return replace(column, weights=weights, lines=lines, facts=facts)


class Lengths:
    """Lengths of texts in characters: the least, the most, and their sum."""

    def __init__(self) -> None:
        self.facts: tuple[int, int, int] | None = None

    def add(self, lengths: NDArray[np.int64], counts: NDArray[np.int64] | None = None) -> None:
        """Count lengths, shape (n,)."""
        if len(lengths) == 0:
            return
        least, most = int(lengths.min()), int(lengths.max())
        total = int(lengths.sum()) if counts is None else int((lengths * counts).sum())
        if self.facts is not None:
            least, most, total = min(least, self.facts[0]), max(most, self.facts[1]), total + self.facts[2]
        self.facts = least, most, total


class Sorted:
    """Texts of an Arrow array, told apart: missing values, numbers, dates, codes and others."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array.fill_null("") if array.null_count else array
        self.lengths = lengths_of(self.array)
        n = len(array)
        self.missing = np.zeros(n, dtype=bool)
        self.numbers = np.full(n, np.nan)
        self.dates = np.full(n, np.datetime64("NaT"), dtype="datetime64[us]")
        self._codes = np.zeros(n, dtype=bool)
        self.pointed = False
        if n:
            self._sort()

    def _sort(self) -> None:
        if not self._all_numbers() and not self._all_dates():
            self._look(np.arange(len(self.array)))

    def _all_numbers(self) -> bool:
        """Whether Arrow's parser takes every value that is not empty for a number; most columns of numbers are so."""
        empty = self.lengths == 0
        full = self.array.filter(pa.array(~empty)) if empty.any() else self.array
        if len(full) == 0 or full[0].as_py()[0] not in "+-.0123456789":
            self.missing = empty
            return len(full) == 0
        try:
            numbers = pc.cast(full, pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            return False
        if np.isnan(numbers).any() or pc.any(pc.match_substring_regex(full, CODE)).as_py():
            return False
        self.missing = empty
        self.numbers[~empty] = numbers
        self.pointed = bool(pc.any(pc.match_substring_regex(full, POINTED)).as_py()) or not _whole(numbers)
        return True

    def _all_dates(self) -> bool:
        """Whether Arrow's parser takes every value that is not empty for a date as ISO 8601 writes it."""
        empty = self.lengths == 0
        full = self.array.filter(pa.array(~empty)) if empty.any() else self.array
        if (
            not re.fullmatch(_ISO_DATE, full[0].as_py())
            or not pc.all(pc.match_substring_regex(full, _ISO_DATE)).as_py()
        ):
            return False
        try:
            dates = pc.cast(full, pa.timestamp("us")).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            return False
        self.missing = empty
        self.dates[~empty] = dates
        return True

    def _look(self, rows: NDArray[np.intp]) -> None:
        """Look at each different value, of those in some rows, that may be something else than a text."""
        array = self._taken(rows)
        maybe = pc.match_substring_regex(array, _NO_TEXT, ignore_case=True).to_numpy(zero_copy_only=False)
        maybe = np.asarray(maybe, dtype=bool)
        if maybe.any():
            self._look_closely(rows[maybe])

    def _taken(self, rows: NDArray[np.intp]) -> pa.Array:
        return self.array if len(rows) == len(self.array) else self.array.take(pa.array(rows))

    def _look_closely(self, rows: NDArray[np.intp]) -> None:
        array = self._taken(rows)
        different, within = encoded(array)
        meant = Meanings(different)
        self.missing[rows], self._codes[rows] = meant.missing[within], meant.codes[within]
        self.numbers[rows] = np.where(meant.codes, np.nan, meant.numbers)[within]
        number = ~np.isnan(meant.numbers)
        if not number.all():
            self.dates[rows] = np.where(number, np.datetime64("NaT"), meant.dates)[within]
        self.pointed = self.pointed or meant.pointed(number & ~meant.codes)

    def of(self, kind: str) -> NDArray[np.bool_]:
        """Which values, shape (n,), are of a kind."""
        number, date = ~np.isnan(self.numbers), ~np.isnat(self.dates)
        if kind == "codes":
            return self._codes
        where = (
            number if kind == "numbers" else date if kind == "dates" else ~(self.missing | number | date | self._codes)
        )
        return np.asarray(where)

    def values(self, kind: str) -> Any:
        """The values of a kind: floats, microseconds since 1970, or texts."""
        where = self.of(kind)
        if kind == "numbers":
            return self.numbers[where]
        if kind == "dates":
            return self.dates[where].astype(np.int64)
        return np.array(self.array.filter(pa.array(where)).to_pylist(), dtype=object)

    def hashes(self) -> Hashes:
        """A hash of each; numbers have that of their value, where a float holds it."""
        number = np.abs(self.numbers) < 2.0**53
        found = np.full(len(self.array), MISSING_HASH)
        if number.any():
            found[number] = hash_numbers(self.numbers[number])
        rest = ~number & ~self.missing
        if rest.any():
            found[rest] = hash_texts(self.array.filter(pa.array(rest)))
        return found


def lengths_of(array: pa.Array) -> NDArray[np.int64]:
    """The lengths of texts in characters, shape (n,)."""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32, len(array) + 1, 4 * array.offset) if len(array) else np.zeros(1, np.int32)
    if data is None or not (np.frombuffer(data, np.int8, int(ends[-1] - ends[0]), int(ends[0])) < 0).any():
        return np.diff(ends).astype(np.int64)
    return np.asarray(pc.utf8_length(array).to_numpy(zero_copy_only=False), dtype=np.int64)


_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?$"
# What is no number, no date and no word for a missing value begins otherwise, or goes on.
_NO_TEXT = r"^[\s\x1c-\x1f]*([+\-]?\.?[0-9]|[+\-]?(inf|nan)|#?n/?a|null|none|<na>|nat|$)|[^\x00-\x7f]"


def _whole(numbers: NDArray[np.float64]) -> bool:
    finite = numbers[np.isfinite(numbers)]
    return bool(np.all(finite % 1 == 0))


def missing_texts(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which texts, shape (n,), stand for no value."""
    return np.fromiter((text.strip().lower() in MISSING for text in values), dtype=bool, count=len(values))


def as_texts(kind: str, values: NDArray[Any], pointed: bool) -> NDArray[Any]:
    """Values of a part of a text column as texts again."""
    shown = np.empty(len(values), dtype=object)
    if kind == "numbers":
        shown[:] = [str(v) if pointed or not np.isfinite(v) else str(int(v)) for v in values.tolist()]
    elif kind == "dates":
        shown[:] = [str(moment) for moment in values.astype("datetime64[us]")]
    else:
        shown[:] = values
    return shown


# ---- which collector a column needs


def collector(name: str, kind: pa.DataType) -> Typed | Texts:
    """What gathers a column of an Arrow type."""
    if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return Typed(name, "boolean", lambda array: _numpy(pc.cast(array, pa.int8())).astype(np.int64), np.int64)
    if pa.types.is_uint64(kind):
        return Typed(name, "integer", lambda array: _numpy(pc.cast(array, pa.float64(), safe=False)), np.float64)
    if pa.types.is_integer(kind):
        return Typed(name, "integer", lambda array: _numpy(array).astype(np.int64, copy=False), np.int64)
    if pa.types.is_floating(kind):
        return Typed(name, "float", lambda array: _numpy(array).astype(np.float64, copy=False), np.float64)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Typed(name, "date", _microseconds, np.int64)
    return Texts(name)


def as_text_array(array: pa.Array) -> pa.Array:
    """Values of any type as an Arrow array of texts, or a dictionary of them."""
    kind = array.type
    if pa.types.is_string(kind):
        return array
    if pa.types.is_dictionary(kind):
        texts = as_text_array(array.dictionary)
        return pa.DictionaryArray.from_arrays(array.indices, texts)
    if pa.types.is_large_string(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return array.cast(pa.string())
    texts = [None if v is None else str(v).encode("utf-8", "replace").decode() for v in array.to_pylist()]
    return pa.array(texts, type=pa.string())


def _numpy(array: pa.Array) -> NDArray[Any]:
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _microseconds(array: pa.Array) -> NDArray[np.int64]:
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    moments = array.cast(pa.timestamp("us", getattr(array.type, "tz", None)), safe=False)
    return np.asarray(moments.cast(pa.int64()).to_numpy(zero_copy_only=False))
