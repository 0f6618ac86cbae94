"""A table of a database: DuckDB files by DuckDB itself; SQLite, Spark and whatever else there is through Ibis.

DuckDB is here anyway, and reading its files without a layer between needs no extra. (Ibis 12 calls methods of a
connection that DuckDB 2 no longer has, so its way in is shut besides.)
"""

from __future__ import annotations

import importlib
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlencode

import pyarrow as pa

from mltoolkit.errors import BadInput, CannotRead, MissingExtra
from mltoolkit.quality.source import BATCH_ROWS, Batch, Faults, Source, numbered

_SHOWN_TABLES = 20

_log = logging.getLogger(__name__)


class _Database(Protocol):
    """What a scan needs of a database."""

    form: str
    bytes: int

    def tables(self) -> list[str]:
        """The names of all tables and views."""

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns."""

    def read(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows."""

    def relation(self, table: str) -> Any:
        """A table as an expression of Ibis."""

    def answer(self, question: Any) -> dict[str, Any]:
        """The one row that an expression of Ibis comes to."""


class DatabaseSource(Source):
    """One table of a database; :mod:`mltoolkit.quality.source` says how its URL is written."""

    def __init__(self, url: str) -> None:
        bare, _, text = url.partition("?")
        query = dict(parse_qsl(text))
        self._name = query.pop("table", "")
        self.name = re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:…@", url)  # without the password
        self.faults = Faults()
        bare += "?" + urlencode(query) if query else ""
        try:
            self._database = _connect(self.name, bare)
            names = sorted(self._database.tables())
        except (CannotRead, MissingExtra):
            raise
        except Exception as error:  # each backend has its own tree of errors
            raise self._broken(error) from error
        self.form, self.bytes = self._database.form, self._database.bytes
        if not self._name or ("." not in self._name and self._name not in names):
            there = ", ".join(names[:_SHOWN_TABLES]) + (", …" if len(names) > _SHOWN_TABLES else "")
            wrong = f"there is no table {self._name!r}" if self._name else "names no table: add ?table=NAME"
            raise BadInput(f"{self.name}: {wrong}; tables: {there or 'none'}")
        try:
            self.header = tuple(self._database.columns(self._name))
        except Exception as error:
            raise self._broken(error) from error

    def batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning."""
        names = [self.header[i] for i in self.positions(columns)]
        try:
            rows = self._database.read(self._name, list(dict.fromkeys(names)))
            yield from numbered(batch.select(names) for batch in rows)
        except Exception as error:
            raise self._broken(error) from error

    def relation(self) -> Any | None:
        """The table as an expression of Ibis; None where Ibis is missing or cannot say what the columns are."""
        try:
            return self._database.relation(self._name)
        except Exception as error:  # each backend has its own tree of errors
            _log.debug("%s: not asked by a query: %s", self.name, error)
            return None

    def answer(self, question: Any) -> dict[str, Any] | None:
        """The one row that an expression comes to; None where the database cannot carry it out."""
        try:
            return self._database.answer(question)
        except Exception as error:  # each backend has its own tree of errors
            _log.debug("%s: not asked by a query: %s", self.name, error)
            return None

    def _broken(self, error: BaseException) -> CannotRead:
        return CannotRead(f"{self.name}: cannot be read: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _connect(name: str, url: str) -> _Database:
    scheme = url.partition("://")[0].lower()
    if scheme == "duckdb":
        return _DuckDB(_existing(name, url))
    try:
        import ibis
    except ImportError:
        raise MissingExtra("ibis-framework", "quality") from None
    if scheme == "sqlite":
        path = _existing(name, url)
        with path.open("rb") as stream:
            magic = stream.read(15)
        if magic != b"SQLite format 3":  # an empty file would be a database without tables
            raise CannotRead(f"{name}: {path} is no SQLite database")
        # SQLite holds any value in a column of any type, so only as text does every value come through.
        return _Ibis(ibis.sqlite.connect(path), "SQLite", path.stat().st_size, as_text=True)
    if scheme == "spark":
        return _Ibis(_spark(url), "Spark", 0)
    try:
        return _Ibis(ibis.connect(url), scheme, 0)
    except ImportError as error:
        raise CannotRead(f"{name}: needs a package that is not installed: {_first_line(error)}") from error


class _DuckDB:
    """A file of DuckDB, opened for reading only."""

    def __init__(self, path: Path) -> None:
        import duckdb

        self.form, self.bytes = "DuckDB", path.stat().st_size
        self._connection = duckdb.connect(str(path), read_only=True)

    def tables(self) -> list[str]:
        """The names of all tables and views."""
        rows = self._connection.execute(
            "select case when table_schema = 'main' then table_name else table_schema || '.' || table_name end "
            "from information_schema.tables"
        ).fetchall()
        return [row[0] for row in rows]

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns."""
        return list(self._table(table).columns)

    def read(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows, in the order in which they are stored."""
        wanted = ", ".join(_quoted(column) for column in columns)
        yield from self._table(table).project(wanted).to_arrow_reader(BATCH_ROWS)

    def _table(self, table: str) -> Any:
        path = ".".join(_quoted(part) for part in table.split("."))
        return self._connection.cursor().sql(f"select * from {path}")  # noqa: S608 (quoted)

    def relation(self, table: str) -> Any:
        """A table as an expression of Ibis, by the types of its columns."""
        import ibis

        schema = ibis.Schema.from_pyarrow(self._table(table).limit(0).to_arrow_table().schema)
        catalog, _, name = table.rpartition(".")
        return ibis.table(schema, name=name, database=catalog or None)

    def answer(self, question: Any) -> dict[str, Any]:
        """The one row that an expression of Ibis comes to."""
        import ibis

        found = self._connection.cursor().sql(str(ibis.to_sql(question, dialect="duckdb"))).to_arrow_table()
        return dict(found.to_pylist()[0])


class _Ibis:
    """A database that Ibis has connected to."""

    def __init__(self, connection: Any, form: str, size: int, as_text: bool = False) -> None:
        self.form, self.bytes, self._as_text = form, size, as_text
        self._connection = connection

    def tables(self) -> list[str]:
        """The names of all tables and views."""
        return list(self._connection.list_tables())

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns."""
        return list(self._table(table).columns)

    def read(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows."""
        found = self._table(table)
        wanted = {name: found[name].cast("string") if self._as_text else found[name] for name in columns}
        with _quietly():
            reader = found.select(**wanted).to_pyarrow_batches(chunk_size=BATCH_ROWS)
        while True:
            with _quietly():
                batch = next(reader, None)
            if batch is None:
                return
            yield batch

    def relation(self, table: str) -> Any:
        """A table as an expression of Ibis."""
        return self._table(table)

    def answer(self, question: Any) -> dict[str, Any]:
        """The one row that an expression of Ibis comes to."""
        with _quietly():
            return dict(question.to_pyarrow().to_pylist()[0])

    def _table(self, table: str) -> Any:
        database, _, name = table.rpartition(".")
        return self._connection.table(name, database=database or None)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without warnings: Ibis asks pandas for options that it is about to drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _file_of(url: str) -> Path:
    """The file of a URL: relative after three slashes, absolute after four, or after three where that exists."""
    text = unquote(url.partition("://")[2].partition("?")[0])
    relative = Path(text.removeprefix("/"))
    return relative if relative.exists() or not Path(text).exists() else Path(text)


def _existing(name: str, url: str) -> Path:
    path = _file_of(url)
    if not path.is_file():
        raise CannotRead(f"{name}: there is no such file: {path}")
    return path


def _spark(url: str) -> Any:
    import ibis

    SparkSession = importlib.import_module("pyspark.sql").SparkSession

    address = "local[*]" if url.partition("://")[2] in ("", "local") else url
    session = SparkSession.builder.master(address).appName("datasanity").getOrCreate()
    return ibis.pyspark.connect(session)
