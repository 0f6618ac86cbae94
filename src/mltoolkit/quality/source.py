"""Where a table comes from, read batch by batch so that it never has to fit into memory.

:func:`open_source` takes a path, ``"-"``, a frame or a database URL and says what it found: the format, the
delimiter, the encoding, whether there is a header. :meth:`Source.batches` then gives the rows as Arrow record
batches, each with the line of the file (or the number of the row, from 1) that its rows stand on. It can be
called again: each call is a scan from the beginning.

What is wrong with a file's form (ragged rows, NUL bytes, lost bytes, wrong quotes, lines that are no JSON) is
collected in :attr:`Source.faults` while a scan runs, and is complete when it has ended.

A database is named by a URL with the table in its query::

    duckdb:///shop.db?table=customers         a file beside you; four slashes before an absolute path
    sqlite:////var/data/shop.db?table=sales
    spark://master:7077?table=shop.sales
    postgresql://user@host/shop?table=sales    any other URL that Ibis connects to
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltoolkit.errors import BadInput, CannotRead

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 65_536
LARGE_FILE = 1 << 26  # bytes from which compiled loops pay
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_KEPT_LINES = 100


class Batch(NamedTuple):
    """Some rows.

    Attributes
    ----------
    data : pyarrow.RecordBatch
        One column for each one asked for; of a text file every column is text, of Parquet, a database or a
        frame it has its own type.
    lines : ndarray of int64, shape (rows,)
        The line of the file on which each row begins, or the row's number, from 1.
    """

    data: pa.RecordBatch
    lines: NDArray[np.int64]


@dataclass
class Lines:
    """Lines with a fault: how many, the first hundred, and the last."""

    count: int = 0
    first: list[int] = field(default_factory=list)
    last: int = 0

    def add(self, *lines: int) -> None:
        """Count lines, in the order of the file."""
        self.count += len(lines)
        self.last = lines[-1] if lines else self.last
        self.first.extend(lines[: _KEPT_LINES - len(self.first)])

    def extend(self, lines: NDArray[np.int64]) -> None:
        """Count lines, shape (n,), in the order of the file."""
        if len(lines):
            self.count += len(lines)
            self.last = int(lines[-1])
            self.first.extend(lines[: _KEPT_LINES - len(self.first)].tolist())


@dataclass
class Faults:
    """What is wrong with a file's form, by line; complete after a scan.

    ``ragged`` rows have another number of cells than the header; ``nul`` lines hold NUL bytes, ``lost`` lines
    bytes that are not of the file's encoding; ``quotes`` is the first line with text after a closing quote;
    ``not_json`` are lines of a JSON-lines file that are no JSON object.
    """

    ragged: Lines = field(default_factory=Lines)
    nul: Lines = field(default_factory=Lines)
    lost: Lines = field(default_factory=Lines)
    quotes: Lines = field(default_factory=Lines)
    not_json: Lines = field(default_factory=Lines)


class Source(ABC):
    """A table that can be scanned any number of times.

    Attributes
    ----------
    name : str
        What the source is called in messages: its path, ``"standard input"``, a URL without a password.
    form : str
        What was found, in a few words: ``"comma-separated, utf-8, with header"``, ``"Parquet"``.
    encoding : str
        Of a text file.
    bytes : int
        Size on disk; 0 where there is none.
    header : tuple of str
        The columns' names in order; a name may be empty or come twice.
    by_row : bool
        Whether batches count rows, because there are no lines.
    rows : int or None
        How many rows there are, where that is known without a scan.
    faults : Faults
        Of the last scan.
    """

    name: str
    form: str
    encoding: str = ""
    bytes: int = 0
    header: tuple[str, ...]
    by_row: bool = True
    rows: int | None = None
    faults: Faults

    @abstractmethod
    def batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning.

        Parameters
        ----------
        columns : sequence of int or str, optional
            Positions or names of the wanted columns, in the wanted order; a name that comes twice means the
            first. All of them by default.

        Raises
        ------
        CannotRead
            When the source turns out to be unreadable further down; rows before that have been given.
        BadInput
            When there is no such column.
        """

    def encoded_batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning; texts that the file keeps as a dictionary may be left as one."""
        return self.batches(columns)

    def positions(self, columns: Sequence[int | str] | None) -> list[int]:
        """The positions of columns given by position or name."""
        if columns is None:
            return list(range(len(self.header)))
        return [column if isinstance(column, int) else self.position(column) for column in columns]

    def position(self, name: str) -> int:
        """The position of a column; of the first, where a name comes twice.

        Raises
        ------
        BadInput
            When there is none; the message lists those that there are.
        """
        if name not in self.header:
            raise BadInput(f"{self.name}: there is no column {name!r}; columns: {', '.join(self.header[:20])}")
        return self.header.index(name)


def numbered(batches: Iterator[pa.RecordBatch]) -> Iterator[Batch]:
    """Record batches with the numbers of their rows, from 1."""
    seen = 0
    for batch in batches:
        if batch.num_rows:
            yield Batch(batch, np.arange(seen + 1, seen + batch.num_rows + 1))
        seen += batch.num_rows


def open_source(where: Path | str | pd.DataFrame | Any) -> Source:
    """Find out what a table is and open it.

    Parameters
    ----------
    where : path, "-", DataFrame of pandas or polars, pyarrow Table, or database URL
        CSV, TSV and their cousins, JSON lines, Parquet; text may be compressed with gzip or Zstandard.
        ``"-"`` is standard input, kept in a temporary file that goes with the source.

    Raises
    ------
    CannotRead
        When it is missing, a folder, empty, no table, or a database that cannot be opened.
    BadInput
        When a database URL names no table, or one that is not there; the message lists the tables.
    MissingExtra
        When a database is named and Ibis is not installed.
    TypeError
        When ``where`` is none of these.

    Examples
    --------
    >>> import pandas as pd
    >>> source = open_source(pd.DataFrame({"city": ["Bergen", "Turin"], "age": [31, 58]}))
    >>> source.header, source.form
    (('city', 'age'), 'DataFrame')
    >>> [batch.lines.tolist() for batch in source.batches()]
    [[1, 2]]
    """
    if isinstance(where, Source):
        return where
    if isinstance(where, str | os.PathLike):
        text = os.fspath(where)
        if text == "-":
            return _standard_input()
        if isinstance(where, str) and _URL.match(text):
            from mltoolkit.quality.databases import DatabaseSource

            return DatabaseSource(text)
        return _open_file(Path(text), text)
    from mltoolkit.quality.frames import frame_source

    return frame_source(where)


def _open_file(path: Path, name: str) -> Source:
    from mltoolkit.quality.encoding import survey, text_head
    from mltoolkit.quality.frames import ParquetSource
    from mltoolkit.quality.jsonlines import SUFFIXES, JsonLinesSource, looks_like_json_lines
    from mltoolkit.quality.reading import DelimitedSource

    _insist_on_a_file(path)
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise CannotRead(f"{name}: cannot be read: {error.strerror}") from error
    if magic == b"PAR1" or path.suffix.lower() in (".parquet", ".pq"):
        return ParquetSource(path, name)
    written = survey(path, name)
    suffix = Path(path.name.lower().removesuffix(".gz").removesuffix(".zst")).suffix
    if suffix in SUFFIXES or looks_like_json_lines(text_head(path, name, written)):
        return JsonLinesSource(path, name, written)
    return DelimitedSource(path, name, written)


def _insist_on_a_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise CannotRead(f"{path}: is a folder; expected a file")
        if not path.exists():
            raise CannotRead(f"{path}: there is no such file")
        if not path.is_file():
            raise CannotRead(f"{path}: is no regular file; write its contents to one first, or pipe them into: -")
    except CannotRead:
        raise
    except (OSError, ValueError) as error:  # a name that is too long, a NUL in it, a folder that may not be entered
        raise CannotRead(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _standard_input() -> Source:
    """What is piped in, kept in a temporary file: a scan may have to begin anew, and Parquet ends with its index."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise CannotRead("standard input: nothing is piped in; give a file, or pipe one: datasanity profile - < FILE")
    handle, name = tempfile.mkstemp(prefix="datasanity-")
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as spool:
            shutil.copyfileobj(sys.stdin.buffer, spool, 1 << 20)
        source = _open_file(path, "standard input")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    weakref.finalize(source, path.unlink, missing_ok=True)
    return source
