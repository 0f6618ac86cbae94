"""A table as the checks see it: columns with a kind, their numbers, dates and texts, and where rows came from.

A column's kind is read off its values, never off a declared type alone: a text file declares none, and a
column of objects may hold anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Number
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mltoolkit.errors import BadInput
from mltoolkit.quality.frames import PandasSource
from mltoolkit.quality.meanings import Meanings
from mltoolkit.quality.source import Batch, Faults, Lines, Source, open_source

Kind = Literal["empty", "boolean", "integer", "float", "date", "text", "mixed numbers", "mixed dates"]

_WITH_GAPS = {
    kind: pd.ArrowDtype(kind) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16())
} | {pa.uint32(): pd.ArrowDtype(pa.uint32()), pa.uint64(): pd.ArrowDtype(pa.uint64())}
_RARELY = 0.05
_MOSTLY = 0.5  # the share of values from which a column is one of numbers or dates with strays in it
_EXACT = 2.0**53  # from here on neighbouring integers are one float


@dataclass(frozen=True)
class Moments:
    """Figures of all finite numbers of a column; ``m2`` and ``m3`` are sums of powers of the centred numbers."""

    count: int
    mean: float
    m2: float
    m3: float
    zeros: int
    negative: int


@dataclass(frozen=True)
class Facts:
    """What a scan counted over all rows of a column, whose entries may be no more than a part of them.

    ``missing`` are the rows without a value; ``distinct`` the number of different values, an estimate where
    ``sampled``; ``moments`` are those of a column of numbers; ``lengths`` of texts the least, the most and their
    sum, in characters.
    """

    missing: Lines
    distinct: int
    sampled: bool
    moments: Moments | None = None
    lengths: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Column:
    """One column, as entries: the rows of a small table; of a large one, values with the rows they stand for.

    A scan of a large table keeps each different value with its count and the first lines that it stands on. Of a
    column with too many of them it keeps the smallest and the largest, those of a rare kind, and a sample that
    stands for all the others: ``facts.sampled`` says so.

    Attributes
    ----------
    name : str
    kind : Kind
    missing : ndarray of bool, shape (n,)
    numbers : ndarray of float, shape (n,)
        NaN where a value is missing or no number.
    dates : ndarray of datetime64, shape (n,)
        NaT where a value is missing or no date.
    spelled : ndarray of object, shape (n,), optional
        Every value as text, ``""`` where missing; ``texts`` gives these, or the numbers as texts where there are none.
    strays : ndarray of bool, shape (n,)
        Values that are not of the column's main kind.
    infinite : ndarray of bool, shape (n,)
        Values that are infinite; they are no part of ``numbers``.
    weights : ndarray of float, shape (n,), optional
        How many rows each entry stands for; one each by default.
    lines : ndarray of int, shape (n, k), optional
        The first lines on which each entry stands, 0 where there are fewer than k; those of the table by default.
    facts : Facts, optional
        What was counted over all rows; taken from the entries by default.
    """

    name: str
    kind: Kind
    missing: NDArray[np.bool_]
    numbers: NDArray[np.float64]
    dates: NDArray[np.datetime64]
    spelled: NDArray[Any] | None
    strays: NDArray[np.bool_]
    infinite: NDArray[np.bool_]
    weights: NDArray[np.float64] | None = None
    lines: NDArray[np.int64] | None = None
    facts: Facts | None = None

    @cached_property
    def texts(self) -> NDArray[Any]:
        """Every value as text, ``""`` where missing."""
        if self.spelled is not None:
            return self.spelled
        texts = np.empty(len(self.numbers), dtype=object)
        there = ~self.missing
        if self.kind == "date":
            texts[there] = [str(moment) for moment in pd.to_datetime(self.dates[there])]
        else:
            values = self.numbers[there].tolist()
            texts[there] = [str(int(v)) for v in values] if self.kind == "integer" else [str(v) for v in values]
        texts[self.missing] = ""
        return texts

    def count(self, where: NDArray[np.bool_]) -> int:
        """How many rows the entries that a mask selects stand for."""
        return int(where.sum()) if self.weights is None else round(float(self.weights[where].sum()))

    @cached_property
    def n_missing(self) -> int:
        """How many rows have no value."""
        return self.count(self.missing) if self.facts is None else self.facts.missing.count

    @cached_property
    def n_present(self) -> int:
        """How many rows have a value."""
        return self.count(~self.missing)

    @property
    def sampled(self) -> bool:
        """Whether a sample stands for most of the values, so that counts are estimates."""
        return self.facts is not None and self.facts.sampled

    @cached_property
    def finite(self) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """The numbers without gaps, and their weights."""
        there = ~np.isnan(self.numbers)
        return self.numbers[there], None if self.weights is None else self.weights[there]

    @cached_property
    def moments(self) -> Moments:
        """Figures of all finite numbers."""
        return moments_of(*self.finite) if self.facts is None or self.facts.moments is None else self.facts.moments

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers, strays or not."""
        return self.kind in ("integer", "float", "mixed numbers")

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """Each value's number among the distinct values, by first appearance; -1 where missing.

        Numbers are told apart as numbers (``1.0`` is ``1.00``), whole ones only where a float holds them exactly.
        """
        values: NDArray[Any]
        if self.spelled is None or self._told_by_number():
            values = self.dates if self.kind == "date" else self.numbers
        else:
            values = self.texts.copy()
            values[self.missing] = None
        return np.asarray(pd.factorize(values)[0], dtype=np.int64)

    def _told_by_number(self) -> bool:
        if self.kind not in ("integer", "float") or self.infinite.any():
            return False
        return self.kind == "float" or bool(np.max(np.abs(self.numbers[~self.missing]), initial=0.0) < _EXACT)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each distinct value appears, by its code."""
        there = self.codes >= 0
        if self.weights is None:
            return np.bincount(self.codes[there])
        return np.bincount(self.codes[there], self.weights[there]).round().astype(np.int64)

    @cached_property
    def appearances(self) -> NDArray[np.int64]:
        """In how many entries each distinct value appears, by its code; as many as rows where its count is exact."""
        there = self.codes >= 0
        if self.weights is None or self.lines is None:
            return np.bincount(self.codes[there])
        known = self.lines[:, 0] > 0  # an entry that is no part of a sample
        return np.bincount(self.codes[there], np.where(known, self.weights, 1.0)[there]).astype(np.int64)

    @property
    def distinct(self) -> int:
        """How many distinct values there are, missing ones aside."""
        return len(self.counts) if self.facts is None else self.facts.distinct

    @cached_property
    def first_entries(self) -> NDArray[np.intp]:
        """Each distinct value's first entry, by its code: codes are numbered as they appear."""
        highest = np.maximum.accumulate(self.codes) if len(self.codes) else self.codes
        return np.flatnonzero(np.diff(highest, prepend=-1) > 0)

    @cached_property
    def labels(self) -> list[str]:
        """Each distinct value as text, by its code."""
        return [str(text) for text in self.texts[self.first_entries]]

    def texts_at(self, entries: NDArray[np.intp]) -> NDArray[Any]:
        """Some entries as text."""
        if self.spelled is not None:
            return self.spelled[entries]
        return replace(
            self,
            missing=self.missing[entries],
            numbers=self.numbers[entries],
            dates=self.dates[entries],
            infinite=self.infinite[entries],
        ).texts


@dataclass(frozen=True)
class Repeats:
    """Rows that are equal to an earlier one in every column: how many, the first of them; ``exact`` or estimated."""

    rows: Lines
    exact: bool = True


class SampledRows:
    """Some rows of a large table, each with its line; their columns are looked at when they are asked for."""

    def __init__(self, header: tuple[str, ...], data: pa.RecordBatch, lines: NDArray[np.int64]) -> None:
        self.header, self.data, self.lines = header, data, lines
        self._columns: dict[int, Column] = {}

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.lines)

    def column(self, position: int) -> Column:
        """A column by position."""
        if position not in self._columns:
            self._columns[position] = _of_sample(self.header[position], self.data.column(position))
        return self._columns[position]

    def every(self, step: int) -> SampledRows:
        """Every so-manieth of the rows."""
        at = np.arange(0, self.rows, step)
        return SampledRows(self.header, self.data.take(pa.array(at)), self.lines[at])


@dataclass(frozen=True)
class Table:
    """A table: its columns, where its rows stood, and what was found about its form.

    ``lines[i]`` is the line of row i in its file, or its position from 1 where there are no lines. A table that
    was scanned has ``repeats``, and a ``sample`` of its rows, for what takes whole rows.
    """

    name: str
    form: str
    columns: tuple[Column, ...]
    rows: int
    lines: NDArray[np.int64]
    bytes: int = 0
    header: tuple[str, ...] = ()
    faults: Faults = field(default_factory=Faults)
    by_row: bool = True
    encoding: str = ""
    repeats: Repeats | None = None
    sample: SampledRows | None = None

    def in_rows(self, position: int) -> Column:
        """A column as it stands in the rows of the sample, or in all of them."""
        return self.columns[position] if self.sample is None else self.sample.column(position)

    def column(self, name: str) -> Column:
        """A column by name.

        Raises
        ------
        BadInput
            When there is none; the message lists those that there are.
        """
        for column in self.columns:
            if column.name == name:
                return column
        names = ", ".join(column.name for column in self.columns[:20])
        raise BadInput(f"{self.name}: there is no column {name!r}; columns: {names}")


def moments_of(values: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> Moments:
    """Moments of finite values, shape (n,), each counted once or as often as its weight says."""
    if len(values) == 0:
        return Moments(0, 0.0, 0.0, 0.0, 0, 0)
    w = 1.0 if weights is None else weights
    with np.errstate(over="ignore", invalid="ignore"):  # the spread of values near the largest float is infinite
        total = float(len(values)) if weights is None else float(weights.sum())
        mean = float(values.mean()) if weights is None else float((values * weights).sum() / total)
        centred = values - mean
        squares = centred * centred
        m2, m3 = float((w * squares).sum()), float((w * squares * centred).sum())
    zeros, negative = ((values == 0), (values < 0))
    if weights is None:
        return Moments(len(values), mean, m2, m3, int(zeros.sum()), int(negative.sum()))
    return Moments(
        round(total), mean, m2, m3, round(float(weights[zeros].sum())), round(float(weights[negative].sum()))
    )


def read_table(source: Path | str | pd.DataFrame | Source) -> Table:
    """Read a whole table, row by row: a file (CSV, TSV, JSON lines, Parquet; text may be compressed) or a DataFrame.

    Raises
    ------
    CannotRead
        When the file is missing, a folder, empty, or not of a format that is read here.
    """
    if isinstance(source, pd.DataFrame):
        return _from_frame(open_source(source), source)
    opened = open_source(source)
    return table_of(opened, list(opened.batches()))


def table_of(source: Source, batches: list[Batch]) -> Table:
    """A small table from all batches of a source that has been scanned."""
    if isinstance(source, PandasSource):
        return _from_frame(source, source.frame)
    lines = np.concatenate([batch.lines for batch in batches]) if batches else np.empty(0, dtype=np.int64)
    columns = []
    for i, name in enumerate(source.header):
        chunks = [batch.data.column(i) for batch in batches]
        columns.append(_from_arrow(name, pa.chunked_array(chunks) if chunks else pa.chunked_array([[]], pa.string())))
    return Table(
        name=source.name,
        form=source.form,
        columns=tuple(columns),
        rows=len(lines),
        lines=lines,
        bytes=source.bytes,
        header=source.header,
        faults=source.faults,
        by_row=source.by_row,
        encoding=source.encoding,
    )


def _from_frame(source: Source, frame: pd.DataFrame) -> Table:
    columns = tuple(_from_series(str(label), frame.iloc[:, i]) for i, label in enumerate(frame.columns))
    lines = np.arange(1, len(frame) + 1)
    return Table(source.name, source.form, columns, len(frame), lines, header=tuple(map(str, frame.columns)))


def _from_arrow(name: str, values: pa.ChunkedArray) -> Column:
    if pa.types.is_string(values.type):
        texts = np.empty(len(values), dtype=object)
        texts[:] = values.fill_null("").to_pylist() if values.null_count else values.to_pylist()
        return column_of_texts(name, texts)
    # Whole numbers with gaps stay whole numbers.
    return _from_series(name, values.to_pandas(types_mapper=_WITH_GAPS.get, integer_object_nulls=True))


def _of_sample(name: str, array: pa.Array) -> Column:
    """A column of a sample; one of numbers or dates is spelled only where somebody asks for its texts."""
    kind = array.type
    missing = array.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    if pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind):
        numbers = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        if not np.isinf(numbers).any():
            return _column(name, "integer" if pa.types.is_integer(kind) else "float", missing, None, numbers=numbers)
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
        moments = array.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)
        return _column(name, "date", missing, None, dates=moments.astype("datetime64[us]"))
    return _from_arrow(name, pa.chunked_array([array]))


def _column(
    name: str,
    kind: Kind,
    missing: NDArray[np.bool_],
    texts: NDArray[Any] | None,
    *,
    numbers: NDArray[np.float64] | None = None,
    dates: NDArray[np.datetime64] | None = None,
    strays: NDArray[np.bool_] | None = None,
) -> Column:
    """A column; what it does not hold is NaN, NaT or False throughout."""
    n = len(missing)
    infinite = np.zeros(n, dtype=bool) if numbers is None else np.isinf(numbers)
    return Column(
        name=name,
        kind="empty" if missing.all() else kind,
        missing=missing,
        numbers=np.full(n, np.nan) if numbers is None else np.where(infinite, np.nan, numbers),
        dates=np.full(n, np.datetime64("NaT"), dtype="datetime64[us]") if dates is None else dates,
        spelled=texts,
        strays=np.zeros(n, dtype=bool) if strays is None else strays,
        infinite=infinite,
    )


def _from_series(name: str, series: pd.Series) -> Column:
    missing = series.isna().to_numpy(dtype=bool)
    texts = _as_texts(series, missing)
    dtype = series.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return _column(name, "boolean", missing, texts)
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        numbers = series.to_numpy(dtype=float, na_value=np.nan)
        kind: Kind = "integer" if pd.api.types.is_integer_dtype(dtype) else "float"
        return _column(name, kind, missing, texts, numbers=numbers)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        moments = pd.to_datetime(series, utc=True).dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
        return _column(name, "date", missing, texts, dates=moments)
    column = column_of_texts(name, texts)
    strays = _strays_by_type(series, column.missing)
    return column if column.strays.any() or not strays.any() else replace(column, strays=strays)


def _strays_by_type(series: pd.Series, missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Values of a column of objects that are numbers among texts or texts among numbers: the rarer ones."""
    none = np.zeros(len(series), dtype=bool)
    if series.dtype != object:
        return none
    values = series.tolist()
    text = np.array([isinstance(value, str) for value in values], dtype=bool) & ~missing
    number = np.array([isinstance(value, Number) for value in values], dtype=bool) & ~missing
    if not (text.any() and number.any()):
        return none
    return text if text.sum() < number.sum() else number


def _as_texts(series: pd.Series, missing: NDArray[np.bool_]) -> NDArray[Any]:
    texts = np.empty(len(series), dtype=object)
    # A lone surrogate cannot be written anywhere, so it is shown as what it is: no character.
    texts[:] = [str(value).encode("utf-8", "replace").decode() for value in series.tolist()]
    texts[missing] = ""
    return texts


def column_of_entries(
    name: str,
    kind: Kind,
    values: NDArray[Any],
    weights: NDArray[np.float64],
    lines: NDArray[np.int64],
    facts: Facts,
) -> Column:
    """A column of a known kind from its entries: floats, whole numbers, or microseconds since 1970."""
    none = np.zeros(len(values), dtype=bool)
    texts = None
    if kind == "boolean":
        texts = np.where(values == 1, "True", "False").astype(object)
    elif (kind == "integer" and np.abs(values).max(initial=0) >= _EXACT) or not np.isfinite(values).all():
        texts = np.array([str(value) for value in values.tolist()], dtype=object)
    dates = values.astype("datetime64[us]") if kind == "date" else None
    numbers = values.astype(float) if kind in ("integer", "float") else None
    column = _column(name, kind, none, texts, numbers=numbers, dates=dates)
    return replace(column, weights=weights, lines=lines, facts=facts)


def column_of_texts(name: str, texts: NDArray[Any], weights: NDArray[np.float64] | None = None) -> Column:
    """A column whose values are text, shape (n,); its kind is what most of them turn out to be."""

    def rows(where: NDArray[np.bool_]) -> float:
        return float(where.sum() if weights is None else weights[where].sum())

    at, different = pd.factorize(texts)
    meant = Meanings(different.tolist())
    missing = meant.missing[at]
    present = rows(~missing)
    texts = np.where(missing, "", texts)
    if present == 0:
        return _column(name, "empty", missing, texts)
    if meant.all_boolean():
        return _column(name, "boolean", missing, texts)
    numbers = meant.numbers[at]
    is_number = ~np.isnan(numbers)
    if rows(is_number) >= _MOSTLY * present and not meant.codes.any():
        strays = ~missing & ~is_number
        whole = meant.whole(~np.isnan(meant.numbers))
        kind: Kind = "mixed numbers" if strays.any() else ("integer" if whole else "float")
        return _column(name, kind, missing, texts, numbers=numbers, strays=strays)
    dates = meant.dates[at]
    is_date = ~np.isnat(dates)
    if rows(is_date) >= _MOSTLY * present:
        strays = ~missing & ~is_date
        return _column(name, "mixed dates" if strays.any() else "date", missing, texts, dates=dates, strays=strays)
    strays = is_number & ~meant.codes[at]
    if strays.any():
        # Bare numbers among texts are out of place where hardly any other text has a digit in it.
        others = ~missing & ~strays
        with_digits = meant.with_digits()[at]
        if not others.any() or rows(others & with_digits) > _RARELY * rows(others):
            strays[:] = False
    return _column(name, "text", missing, texts, strays=strays)
