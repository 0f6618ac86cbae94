"""A table as the checks see it: columns with a kind, their numbers, dates and texts, and where rows came from.

A column's kind is read off its values, never off a declared type alone: a text file declares none, and a
column of objects may hold anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Number
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.quality.reading import read_delimited

Kind = Literal["empty", "boolean", "integer", "float", "date", "text", "mixed numbers", "mixed dates"]

# What pandas and most exports write for "no value"; compared in lower case, without white space around.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", "nat"})
BOOLEANS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})
_PARQUET, _FRAME = "Parquet", "DataFrame"
_RARELY = 0.05
_MOSTLY = 0.5  # the share of values from which a column is one of numbers or dates with strays in it
_EXACT = 2.0**53  # from here on neighbouring integers are one float
_CODE = r"0\d+"  # a number would lose the zero in front: post codes, article numbers
_DATE_FORMATS = (
    (re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"), "ISO8601"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), "%d/%m/%Y"),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), "%d.%m.%Y"),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}"), "%Y/%m/%d"),
    (re.compile(r"\d{1,2} [A-Za-z]{3} \d{4}"), "%d %b %Y"),
)


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    name : str
    kind : Kind
    missing : ndarray of bool, shape (n,)
    numbers : ndarray of float, shape (n,)
        NaN where a value is missing or no number.
    dates : ndarray of datetime64, shape (n,)
        NaT where a value is missing or no date.
    texts : ndarray of object, shape (n,)
        Every value as text, ``""`` where missing.
    strays : ndarray of bool, shape (n,)
        Values that are not of the column's main kind.
    infinite : ndarray of bool, shape (n,)
        Values that are infinite; they are no part of ``numbers``.
    """

    name: str
    kind: Kind
    missing: NDArray[np.bool_]
    numbers: NDArray[np.float64]
    dates: NDArray[np.datetime64]
    texts: NDArray[Any]
    strays: NDArray[np.bool_]
    infinite: NDArray[np.bool_]

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers, strays or not."""
        return self.kind in ("integer", "float", "mixed numbers")

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """Each value's number among the distinct values, by first appearance; -1 where missing.

        Numbers are told apart as numbers (``1`` is ``1.0``) where a float holds them exactly.
        """
        values: NDArray[Any] = self.texts.copy()
        values[self.missing] = None
        if self.kind in ("integer", "float") and not self.infinite.any():
            largest = np.max(np.abs(self.numbers[~self.missing]), initial=0.0)
            values = self.numbers if largest < _EXACT else values
        return np.asarray(pd.factorize(values)[0], dtype=np.int64)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each distinct value appears, by its code."""
        return np.bincount(self.codes[self.codes >= 0])

    @property
    def distinct(self) -> int:
        """How many distinct values there are, missing ones aside."""
        return len(self.counts)

    @cached_property
    def labels(self) -> list[str]:
        """Each distinct value as text, by its code."""
        _, first = np.unique(self.codes[~self.missing], return_index=True)
        return [str(text) for text in self.texts[~self.missing][first]]


@dataclass(frozen=True)
class Table:
    """A table: its columns, where its rows stood, and what was found about its form.

    ``lines[i]`` is the line of row i in its file, or its position from 1 where there are no lines.
    """

    name: str
    form: str
    columns: tuple[Column, ...]
    rows: int
    lines: NDArray[np.int64]
    bytes: int = 0
    ragged: tuple[int, ...] = ()
    nul_lines: tuple[int, ...] = ()
    lost_lines: tuple[int, ...] = ()
    quote_lines: tuple[int, ...] = ()
    header: tuple[str, ...] = ()

    @property
    def by_row(self) -> bool:
        """Whether ``lines`` counts rows, because there are no lines."""
        return self.form in (_PARQUET, _FRAME)

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


def read_table(source: Path | str | pd.DataFrame) -> Table:
    """Read a table from a file (CSV, TSV, Parquet; text may be compressed) or take a DataFrame.

    Raises
    ------
    CannotRead
        When the file is missing, a folder, empty, or not of a format that is read here.
    """
    if isinstance(source, pd.DataFrame):
        return _from_frame(source, "the table", _FRAME, 0)
    path = Path(source)
    if path.is_dir():
        raise CannotRead(f"{path}: is a folder; expected a file")
    if not path.exists():
        raise CannotRead(f"{path}: there is no such file")
    if not path.is_file():
        raise CannotRead(f"{path}: is no regular file; write its contents to one first")
    with _opened(path) as stream:
        magic = stream.read(4)
    if magic == b"PAR1" or path.suffix.lower() in (".parquet", ".pq"):
        return _from_parquet(path)
    return _from_text(path)


def _opened(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise CannotRead(f"{path}: cannot be read: {error.strerror}") from error


def _from_parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.stat().st_size == 0:
        raise CannotRead(f"{path}: the file is empty (0 bytes); expected a table")
    try:
        frame = pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CannotRead(
            f"{path}: is named or marked as Parquet but cannot be read as such: {_first_line(error)}"
        ) from error
    return _from_frame(frame, str(path), _PARQUET, path.stat().st_size)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _from_text(path: Path) -> Table:
    file = read_delimited(path)
    cells = np.array(file.rows, dtype=object).reshape(len(file.rows), len(file.header))
    columns = tuple(_from_texts(name, cells[:, i]) for i, name in enumerate(file.header))
    return Table(
        name=str(path),
        form=file.form,
        columns=columns,
        rows=len(file.rows),
        lines=np.array(file.lines, dtype=np.int64),
        bytes=path.stat().st_size,
        ragged=tuple(file.ragged),
        nul_lines=tuple(file.nul_lines),
        lost_lines=tuple(file.lost_lines),
        quote_lines=tuple(file.quote_lines),
        header=tuple(file.header),
    )


def _from_frame(frame: pd.DataFrame, name: str, form: str, size: int) -> Table:
    columns = tuple(_from_series(str(label), frame.iloc[:, i]) for i, label in enumerate(frame.columns))
    return Table(
        name=name,
        form=form,
        columns=columns,
        rows=len(frame),
        lines=np.arange(1, len(frame) + 1),
        bytes=size,
        header=tuple(map(str, frame.columns)),
    )


def _column(
    name: str,
    kind: Kind,
    missing: NDArray[np.bool_],
    texts: NDArray[Any],
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
        texts=texts,
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
    column = _from_texts(name, texts)
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


def _from_texts(name: str, texts: NDArray[Any]) -> Column:
    """A column whose values are text; its kind is what most of them turn out to be."""
    stripped = pd.Series(texts, dtype="str").str.strip()
    missing = stripped.str.lower().isin(MISSING).to_numpy(dtype=bool)
    values = stripped.where(~missing)
    present = int((~missing).sum())
    texts = np.where(missing, "", texts)
    if present == 0:
        return _column(name, "empty", missing, texts)
    if set(values.str.lower().dropna().unique()) <= BOOLEANS:
        return _column(name, "boolean", missing, texts)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    is_number = ~np.isnan(numbers)
    codes = values.str.fullmatch(_CODE).to_numpy(dtype=bool, na_value=False)
    if is_number.sum() >= _MOSTLY * present and not codes.any():
        strays = ~missing & ~is_number
        finite = numbers[np.isfinite(numbers)]
        whole = bool(len(finite)) and not values.str.contains(r"[.eE]").any() and bool(np.all(finite % 1 == 0))
        kind: Kind = "mixed numbers" if strays.any() else ("integer" if whole else "float")
        return _column(name, kind, missing, texts, numbers=numbers, strays=strays)
    dates = parse_dates(values)
    is_date = ~np.isnat(dates)
    if is_date.sum() >= _MOSTLY * present:
        strays = ~missing & ~is_date
        return _column(name, "mixed dates" if strays.any() else "date", missing, texts, dates=dates, strays=strays)
    strays = is_number & ~codes
    return _column(name, "text", missing, texts, strays=strays if _are_strays(values, strays) else None)


def _are_strays(values: pd.Series, numbers: NDArray[np.bool_]) -> bool:
    """Whether bare numbers among texts are out of place: hardly any other text has a digit in it."""
    if not numbers.any():
        return False
    others = values[~numbers].dropna()
    return bool(others.str.contains(r"\d").mean() <= _RARELY)


def parse_dates(values: pd.Series) -> NDArray[np.datetime64]:
    """Dates in the formats that exports use; NaT for the rest. Day comes before month, unless it cannot."""
    found = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[us]")
    present = values.dropna()
    if present.empty or not present.str.contains(r"\d{4}").any():
        return found
    for pattern, form in _DATE_FORMATS:
        fits = present[present.str.fullmatch(pattern).to_numpy(dtype=bool)]
        if fits.empty:
            continue
        parsed = _to_moments(fits, form)
        if form == "%d/%m/%Y" and parsed.isna().any():
            american = _to_moments(fits, "%m/%d/%Y")
            parsed = american if american.notna().sum() > parsed.notna().sum() else parsed
        found[parsed.index.to_numpy()] = parsed.to_numpy(dtype="datetime64[us]")
    return found


def _to_moments(values: pd.Series, form: str) -> pd.Series:
    return pd.to_datetime(values, format=form, errors="coerce", utc=True).dt.tz_localize(None)
