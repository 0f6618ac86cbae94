"""A batch of rows as the rules see it: each column read once, however many rules ask for it.

Text is read as the checks read it (:mod:`mltoolkit.quality.meanings`): the same words stand for a missing value,
white space around a number or a date does not count, and a text equals another only letter by letter. Where
texts come back, a column is split into its distinct texts and a code a row, so that a test looks at each text
once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltoolkit.quality.meanings import BOOLEANS, CODE, MISSING, parse_dates

Kind = Literal["text", "integer", "float", "boolean", "date"]
Mask = NDArray[np.bool_]

_LONGEST_MISSING = max(map(len, MISSING))
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?([iI][nN][fF]|[iI][nN][fF][iI][nN][iI][tT][yY])$"
_WHOLE = r"^[+-]?\d+$"
_WORTH_IT = 0.5  # share of distinct texts up to which a batch is split into texts and codes
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$"


class ColumnView:
    """One column of a batch, n rows.

    What is asked of it is computed once and kept. Its *cells* are where the work happens: the distinct texts
    where they come back, else every row; ``spread`` carries an answer about the cells to the rows.
    """

    def __init__(self, array: pa.Array, *, split: bool = True, previous: ColumnView | None = None) -> None:
        self.answers: dict[object, Mask] = {}  # of tests of the cells, by the test
        self.n = len(array)
        self._array = _plain(array)
        self.kind: Kind = _kind(self._array.type)
        self._codes: NDArray[np.int64] | None = None
        self._null: Mask | None = None
        self._distinct = self._array
        if self.kind == "text" and (split or pa.types.is_dictionary(self._array.type)):
            self._split()
            if previous is not None and _same_texts(self._distinct, previous._distinct):
                self._take_over(previous)

    def _take_over(self, previous: ColumnView) -> None:
        """What is known of the same cells from the batch before: a file has one dictionary for many batches."""
        self.answers = previous.answers
        for name in _OF_CELLS:
            if name in previous.__dict__:
                self.__dict__[name] = previous.__dict__[name]

    def _split(self) -> None:
        encoded = self._array if pa.types.is_dictionary(self._array.type) else self._array.dictionary_encode()
        self._distinct = encoded.dictionary.cast(pa.string())
        indices = encoded.indices
        self._null = _mask(indices.is_null()) if indices.null_count else None
        codes = indices.fill_null(0) if indices.null_count else indices
        self._codes = codes.to_numpy(zero_copy_only=False)
        if len(self._distinct) == 0:  # nothing but nulls
            self._distinct = pa.array([""])

    @property
    def worth_splitting(self) -> bool:
        """Whether texts come back often enough in this batch."""
        return self._codes is not None and len(self._distinct) <= _WORTH_IT * max(self.n, 1)

    def spread(self, answers: NDArray[Any]) -> NDArray[Any]:
        """Answers about the cells, one a row."""
        return answers if self._codes is None else answers[self._codes]

    @cached_property
    def empty_cells(self) -> Mask | None:
        """Which cells stand for no value; None when none does."""
        mask = _are_missing(self._distinct) if self.kind == "text" else _mask(self._array.is_null(nan_is_null=True))
        return mask if mask is not None and mask.any() else None

    @cached_property
    def missing(self) -> Mask | None:
        """Which rows have no value; None when every row has one."""
        if self.kind != "text" and self.kind != "float" and not self._array.null_count:
            return None
        mask = None if self.empty_cells is None else self.spread(self.empty_cells)
        if self._null is not None:
            mask = self._null if mask is None else mask | self._null
        return mask

    @cached_property
    def present(self) -> int:
        """How many rows have a value."""
        return self.n if self.missing is None else self.n - int(np.count_nonzero(self.missing))

    def wrong_rows(self, test: Callable[[ColumnView], Mask]) -> Mask | None:
        """Which rows have a value that a test of the cells does not find right; None when there is none."""
        if test not in self.answers:
            self.answers[test] = ~test(self)
        wrong = self.answers[test]
        if self.empty_cells is not None:
            wrong = wrong & ~self.empty_cells
        if not wrong.any():
            return None
        rows = self.spread(wrong)
        return rows if self.missing is None else rows & ~self.missing

    @cached_property
    def cells(self) -> pa.Array:
        """The cells as texts: distinct ones of a text column, else every row's as Python writes it."""
        if self.kind == "text":
            return self._distinct
        if self.kind == "integer":
            return self._array.cast(pa.string())
        return pa.array([None if value is None else str(value) for value in self._objects], pa.string())

    @property
    def cell_weights(self) -> NDArray[np.int64]:
        """How many rows each cell stands for; 0 for an empty one."""
        if self._codes is None:
            return np.ones(self.n, dtype=np.int64) if self.missing is None else (~self.missing).astype(np.int64)
        codes = self._codes if self.missing is None else self._codes[~self.missing]
        return np.bincount(codes, minlength=len(self._distinct))

    @property
    def filled_cells(self) -> pa.Array:
        """The cells that are not empty."""
        return self.cells if self.empty_cells is None else self.cells.filter(pa.array(~self.empty_cells))

    @cached_property
    def _objects(self) -> list[Any]:
        if self.kind == "date":
            moments = pd.Series(self.cell_dates).astype(object)
            return list(moments.where(~np.isnat(self.cell_dates), None))
        return list(self._array.to_pylist())

    @cached_property
    def cell_numbers(self) -> NDArray[Any]:
        """Each cell's number: int64 where all are whole, else float64 with NaN for what is no number."""
        if self.kind == "text":
            return self._read[0]
        if self.kind == "float":
            return _values(self._array, pa.float64(), np.nan)
        if self.kind == "date":
            return np.full(self.n, np.nan)
        return _values(self._array if self.kind == "integer" else self._array.cast(pa.int64()), pa.int64(), 0)

    @cached_property
    def cells_are_numbers(self) -> Mask | None:
        """Which cells hold a number, empty ones left open; None when all that hold something do."""
        if self.kind == "text":
            return self._read[1]
        return None if self.kind in ("integer", "float") else np.zeros(self.n, dtype=bool)

    @cached_property
    def _read(self) -> tuple[NDArray[Any], Mask | None]:
        return self._on_filled(read_numbers, None)

    @cached_property
    def cell_dates(self) -> NDArray[np.datetime64]:
        """Each cell's date, NaT for what is none."""
        if self.kind == "text":
            return self._on_filled(lambda texts: (read_dates(texts), None), np.datetime64("NaT", "us"))[0]
        if self.kind != "date":
            return np.full(self.n, np.datetime64("NaT", "us"))
        return _moments(self._array)

    def _on_filled(
        self, read: Callable[[pa.Array], tuple[NDArray[Any], Mask | None]], empty: Any
    ) -> tuple[NDArray[Any], Mask | None]:
        """What is read from the cells that are not empty, with ``empty`` (or 0) and True for the others."""
        if self.empty_cells is None:
            return read(self._distinct)
        filled = ~self.empty_cells
        values, flags = read(self._distinct.filter(pa.array(filled)))
        spaced = np.zeros(len(filled), dtype=values.dtype)
        if empty is not None:
            spaced[:] = empty
        spaced[filled] = values
        if flags is None:
            return spaced, None
        spaced_flags = np.ones(len(filled), dtype=bool)
        spaced_flags[filled] = flags
        return spaced, spaced_flags

    @cached_property
    def numbers(self) -> NDArray[Any]:
        """Each row's number; what stands in a row without one is told by ``is_number``."""
        return self.spread(self.cell_numbers)

    @cached_property
    def is_number(self) -> Mask | None:
        """Which rows hold a number, rows without a value left open; None when all that have one do."""
        return None if self.cells_are_numbers is None else self.spread(self.cells_are_numbers)

    @cached_property
    def dates(self) -> NDArray[np.datetime64]:
        """Each row's date, NaT for what is none."""
        return self.spread(self.cell_dates)

    @cached_property
    def cell_lengths(self) -> NDArray[np.int64]:
        """Characters in each cell."""
        return _values(pc.utf8_length(self.cells), pa.int64(), 0)

    @cached_property
    def _trimmed(self) -> pa.Array:
        return pc.utf8_trim_whitespace(self.cells)

    @cached_property
    def cells_are_whole(self) -> Mask:
        """Which cells are written as a whole number."""
        if self.kind == "text":
            if self.cells_are_numbers is None and self.cell_numbers.dtype == np.int64:
                return np.ones(len(self.cells), dtype=bool)
            return matches(self._trimmed, _WHOLE)
        return np.full(self.n, self.kind == "integer")

    @cached_property
    def cells_are_booleans(self) -> Mask:
        """Which cells are a truth value: true, false, yes, no, and their first letters."""
        if self.kind == "text":
            return _mask(pc.is_in(pc.utf8_lower(self._trimmed), value_set=pa.array(sorted(BOOLEANS))))
        return np.full(self.n, self.kind == "boolean")

    @cached_property
    def cells_are_codes(self) -> Mask:
        """Which cells are digits with a zero in front, which a number would lose: post codes, article numbers."""
        if self.kind != "text":
            return np.zeros(self.n, dtype=bool)
        answer = _edged(self.cells, ord("0"))
        if answer.any():
            suspects = pc.utf8_trim_whitespace(self.cells.filter(pa.array(answer)))
            answer[answer] = matches(suspects, CODE)
        return answer

    def example(self, row: int) -> str:
        """A row's value as text, for a message; empty where there is none."""
        if self.missing is not None and self.missing[row]:
            return ""
        if self.kind == "text":
            return str(self._distinct[int(row if self._codes is None else self._codes[row])].as_py())
        if self.kind == "date":
            return str(self.cell_dates[row]).removesuffix(".000000").removesuffix("T00:00:00")
        return str(self._array[row].as_py())


# What depends on the cells alone, not on the rows that hold them.
_OF_CELLS = (
    "empty_cells", "_read", "cell_dates", "cell_lengths", "_trimmed", "cells_are_whole", "cells_are_booleans",
    "cells_are_codes",
)  # fmt: skip


def _same_texts(a: pa.Array, b: pa.Array) -> bool:
    """Whether two arrays of texts are the same memory."""
    return len(a) == len(b) and a.offset == b.offset and _addresses(a) == _addresses(b)


def _addresses(array: pa.Array) -> list[int]:
    return [0 if buffer is None else buffer.address for buffer in array.buffers()]


def _plain(array: pa.Array) -> pa.Array:
    """An array of one of the types that are told apart here."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return array if _is_text(kind.value_type) else array.dictionary_decode()
    if pa.types.is_null(kind):
        return array.cast(pa.string())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return array.cast(pa.string())
    if pa.types.is_decimal(kind):
        return array.cast(pa.float64())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        texts = [None if value is None else value.decode("utf-8", "replace") for value in array.to_pylist()]
        return pa.array(texts, pa.string())
    if _kind_or_none(kind) is None:
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())
    return array


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _kind_or_none(kind: pa.DataType) -> Kind | None:
    if pa.types.is_dictionary(kind) or _is_text(kind):
        return "text"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer" if kind != pa.uint64() else "float"
    if pa.types.is_floating(kind):
        return "float"
    return "date" if pa.types.is_date(kind) or pa.types.is_timestamp(kind) else None


def _kind(kind: pa.DataType) -> Kind:
    found = _kind_or_none(kind)
    assert found is not None
    return found


def _mask(array: pa.Array) -> Mask:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=bool)


def _values(array: pa.Array, kind: pa.DataType, empty: float) -> NDArray[Any]:
    array = array if array.type == kind else array.cast(kind)
    if array.null_count:
        array = array.fill_null(empty)
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _moments(array: pa.Array) -> NDArray[np.datetime64]:
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("us"))
    return np.asarray(array.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False), "datetime64[us]")


def matches(texts: pa.Array, pattern: str) -> Mask:
    """Which texts an expression of RE2 is found in."""
    return _mask(pc.match_substring_regex(texts, pattern).fill_null(False))


def _are_missing(texts: pa.Array) -> Mask | None:
    """Which texts stand for no value; only short ones, or ones with white space at an end, are looked at."""
    null = _mask(texts.is_null()) if texts.null_count else None
    suspects = _values(pc.binary_length(texts), pa.int64(), 0) <= _LONGEST_MISSING
    suspects |= _edged(texts)
    if not suspects.any():
        return null
    where = np.flatnonzero(suspects)
    looked_at = pc.utf8_lower(pc.utf8_trim_whitespace(texts.take(pa.array(where))))
    words = _mask(pc.is_in(looked_at, value_set=pa.array(sorted(MISSING), pa.string())))
    mask = np.zeros(len(texts), dtype=bool)
    mask[where] = words
    return mask if null is None else mask | null


def _edged(texts: pa.Array, byte: int = 0x20) -> Mask:
    """Which texts begin with a byte, or with what may be white space: a control character, a letter beyond ASCII."""
    n = len(texts)
    _, offsets, data = texts.buffers()
    if data is None or data.size == 0 or n == 0:
        return np.zeros(n, dtype=bool)
    starts = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + n]
    first = np.frombuffer(data, np.uint8)[np.minimum(starts, data.size - 1)]
    return np.asarray((first == byte) | (first <= 0x20) | (first >= 0x80))


def read_numbers(texts: pa.Array) -> tuple[NDArray[Any], Mask | None]:
    """Texts as numbers, and which are one; None when all are.

    Returns
    -------
    numbers : ndarray of int64 when all are whole, else of float64 with NaN where there is none, shape (n,)
    is_number : ndarray of bool, shape (n,), or None
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    if not texts.null_count and len(texts):
        try:
            whole = trimmed.cast(pa.int64())
        except pa.ArrowInvalid:
            pass
        else:
            if not pc.any(pc.match_substring(trimmed, "x", ignore_case=True)).as_py():  # Arrow reads 0x1F
                return np.asarray(whole.to_numpy()), None
    is_number = matches(trimmed, _NUMBER)
    numbers = np.full(len(texts), np.nan)
    if is_number.any():
        written = pc.replace_substring_regex(trimmed.filter(pa.array(is_number)), r"^\+", "")
        numbers[is_number] = _floats(written)
    return numbers, None if is_number.all() else is_number


def _floats(texts: pa.Array) -> NDArray[np.float64]:
    try:
        return np.asarray(texts.cast(pa.float64()).to_numpy())
    except pa.ArrowInvalid:  # beyond the range of a float, which Python reads as infinite
        return np.array([float(text) for text in texts.to_pylist()])


def read_dates(texts: pa.Array) -> NDArray[np.datetime64]:
    """Texts as dates, NaT where there is none, shape (n,); ISO 8601 in one go, other formats as the checks do."""
    trimmed = pc.utf8_trim_whitespace(texts)
    if not texts.null_count and len(texts) and matches(trimmed, _ISO_DATE).all():
        try:
            return np.asarray(trimmed.cast(pa.timestamp("us")).to_numpy(), "datetime64[us]")
        except pa.ArrowInvalid:  # a thirtieth of February
            pass
    return parse_dates([text or "" for text in trimmed.to_pylist()])
