"""Every way into a table gives the same rows; both ways through a text file give the same cells, lines and faults."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltoolkit.errors import BadInput, CannotRead, MissingExtra, ToolkitError
from mltoolkit.quality import open_source
from mltoolkit.quality.encoding import survey
from mltoolkit.quality.reading import DelimitedSource
from mltoolkit.quality.source import Source

Write = Callable[..., Path]
searching = settings(max_examples=50)


def read(source: Source, columns: list[int | str] | None = None) -> tuple[list[list[Any]], list[int]]:
    rows: list[list[Any]] = []
    lines: list[int] = []
    for data, numbers in source.batches(columns):
        assert data.num_rows == len(numbers) > 0
        rows.extend(map(list, zip(*(column.to_pylist() for column in data.columns), strict=True)))
        lines.extend(numbers.tolist())
    return rows, lines


PIECES = [
    ",",
    ",",
    "\n",
    "\n",
    "\n",
    "\r\n",
    '"',
    '""',
    '"a,b"',
    '"a\nb"',
    '"a""b"',
    "x",
    "é",
    "7",
    " ",
    "\r",
    ";",
    "\0",
]
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def both_ways(path: Path) -> list[Any]:
    found = []
    for careful, chunk in ((True, 1 << 24), (False, 1 << 24), (False, 7)):
        try:
            source = DelimitedSource(path, careful=careful)
            source._chunk = chunk
            found.append((source.header, source.form, *read(source), source.faults))
        except CannotRead as error:
            found.append(str(error))
    return found


@searching
@given(texts, st.sampled_from(["utf-8", "utf-16", "latin-1"]))
def test_both_ways_through_a_text_file_agree(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("both") / "t.csv"
    path.write_bytes(("one,two,three\n" + text).encode(encoding))
    careful, fast, in_pieces = both_ways(path)
    assert fast == careful
    assert in_pieces == careful


@searching
@given(
    st.lists(st.lists(st.text(st.sampled_from('ab,;"\n é'), max_size=4), min_size=3, max_size=3), max_size=30),
    st.sampled_from([",", ";", "\t"]),
)
def test_well_formed_files_never_need_the_careful_reader(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str
) -> None:
    path = tmp_path_factory.mktemp("fast") / "t.csv"
    frame = pd.DataFrame([["x", "y", "z"], *rows], columns=["one", "two", "three"])
    frame.to_csv(path, index=False, sep=delimiter)
    source = DelimitedSource(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mltoolkit.quality.reading._records", None)
        found, _ = read(source)
    assert found == frame.to_numpy().tolist()
    assert both_ways(path)[0][2] == found


def test_a_long_file_is_read_in_blocks_with_the_lines_of_all_its_rows(write: Write) -> None:
    rows = [f'{i},"{"a" * (i % 5)}\n{i}",x\n' + ("\n" if i % 7 == 0 else "") for i in range(5000)]
    path = write("id,text,c\n" + "".join(rows))
    careful, fast, in_pieces = both_ways(path)
    assert careful == fast
    assert in_pieces == careful
    assert fast[3][:3] == [2, 5, 7]
    ragged = write("id,text,c\n" + "".join(rows) + "1,2\n1,2,3,4\n" + "".join(rows), "ragged.csv")
    careful, fast, in_pieces = both_ways(ragged)
    assert careful == fast == in_pieces
    assert fast[4].ragged.count == 2


@given(
    st.lists(
        st.sampled_from([b"a", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xff", b"\xc3", b"\x81", b"\0"])
    )
)
def test_the_encoding_does_not_depend_on_where_a_chunk_ends(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("chunks") / "t.csv"
    content = b"a,b\n" * 1024 + b"".join(pieces)
    path.write_bytes(content)
    whole = survey(path, "t")
    for size in range(4096, len(content)):
        assert survey(path, "t", size) == whole


# ---- the formats


def test_columns_are_chosen_by_name_or_position(tmp_path: Path, customers: pd.DataFrame) -> None:
    customers.to_csv(tmp_path / "c.csv", index=False)
    customers.to_parquet(tmp_path / "c.parquet")
    for where in (tmp_path / "c.csv", tmp_path / "c.parquet", customers, pa.table(customers)):
        source = open_source(where)
        assert source.header == tuple(customers.columns)
        rows, lines = read(source, ["plan", 1])
        assert [row[0] for row in rows] == customers["plan"].tolist()
        assert [int(row[1]) for row in rows] == customers["age"].tolist()
        assert lines == list(range(1, 201)) if source.by_row else list(range(2, 202))
        with pytest.raises(BadInput, match="there is no column 'Age'; columns: name, age"):
            read(source, ["Age"])


def test_columns_of_one_name_are_told_apart_by_position(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = pa.table([[1, 2], ["x", "y"], [3, 4]], names=["a", "b", "a"])
    pq.write_table(table, tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a,b,a\n1,x,3\n2,y,4\n")
    for where in (tmp_path / "t.parquet", tmp_path / "t.csv", table, table.to_pandas()):
        rows, _ = read(open_source(where), [2, 1])
        assert [[str(cell) for cell in row] for row in rows] == [["3", "x"], ["4", "y"]]
        assert len(read(open_source(where))[0][0]) == 3


def test_json_lines(write: Write) -> None:
    lines = [
        '{"a": 1, "b": "x"}',
        "",
        '{"b": null, "c": [1, {"d": "é"}]}',
        "no json",
        '{"a": 1e400, "a2": true}',
        "[1]",
    ]
    source = open_source(write("\n".join(lines), "t.jsonl"))
    assert source.header == ("a", "b", "c", "a2")
    assert source.form == "JSON lines, utf-8, nested values as JSON text"
    rows, numbers = read(source)
    assert rows == [["1", "x", None, None], [None, None, '[1, {"d": "é"}]', None], ["inf", None, None, "true"]]
    assert numbers == [1, 3, 5]
    assert source.faults.not_json.first == [4, 6]
    assert open_source(write('{"a": 1}\n{"a": 2}\n', "t.txt")).form == "JSON lines, utf-8"
    packed = open_source(write(gzip.compress(b'{"a": "x"}\n'), "t.json.gz"))
    assert (packed.form, read(packed)) == ("JSON lines, utf-8, gzip", ([["x"]], [1]))


@pytest.mark.parametrize("text", ["[1, 2]\n", "a,b\n1,2\n", "{}\n", '{"a": ' + "[" * 5000])
def test_what_is_named_json_and_is_no_json_lines_is_refused(write: Write, text: str) -> None:
    with pytest.raises(CannotRead, match="expected JSON lines, one object a line"):
        open_source(write(text, "t.json"))


def test_json_values_that_cannot_be_written(write: Write) -> None:
    rows, _ = read(open_source(write('{"\\ud800": "\\udfff", "b": {"c": "\\ud800"}}\n', "t.jsonl")))
    assert rows == [["?", '{"c": "?"}']]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with duckdb.connect("shop.db") as connection:
        connection.execute("create table customers as select range as id, 'n' || range as name from range(100000)")
        connection.execute("create schema old; create table old.sales as select 1 as a")
    with sqlite3.connect("shop.sqlite") as lite:
        lite.execute("create table customers (id integer, name text)")
        lite.executemany("insert into customers values (?, ?)", [(1, "Ana"), (2, None), ("three", b"x"), (4.5, 6)])
    lite.close()
    return tmp_path


def test_a_table_of_duckdb(shop: Path) -> None:
    for url in ("duckdb:///shop.db?table=customers", f"duckdb:///{shop}/shop.db?table=main.customers"):
        source = open_source(url)
        assert (source.name, source.form, source.header) == (url, "DuckDB", ("id", "name"))
        assert source.bytes == (shop / "shop.db").stat().st_size
        rows, lines = read(source, ["name"])
        assert (len(rows), rows[0], lines[-1]) == (100_000, ["n0"], 100_000)
    assert read(open_source("duckdb:///shop.db?table=old.sales")) == ([[1]], [1])


def test_a_table_of_sqlite(shop: Path) -> None:
    pytest.importorskip("ibis")
    source = open_source("sqlite:///shop.sqlite?table=customers")
    rows = [["1", "Ana"], ["2", None], ["three", "x"], ["4.5", "6"]]  # any type in any column
    assert (source.form, source.header, read(source)) == ("SQLite", ("id", "name"), (rows, [1, 2, 3, 4]))


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("duckdb:///shop.db", BadInput, r"names no table: add \?table=NAME; tables: customers, old.sales"),
        ("duckdb:///shop.db?table=nobody", BadInput, "there is no table 'nobody'; tables: customers, old.sales"),
        ("duckdb:///shop.db?table=new.nobody", CannotRead, "cannot be read: "),
        ("duckdb:///none.db?table=t", CannotRead, "there is no such file: none.db"),
        ("duckdb:///shop.sqlite?table=customers", CannotRead, "cannot be read: "),
        ("sqlite:///shop.sqlite?table=x", BadInput, "tables: customers"),
        ("sqlite:///shop.db?table=x", CannotRead, "shop.db is no SQLite database"),
        ("nothing://x?table=t", CannotRead, "cannot be read: "),
        ("postgres://me:secret@localhost/x?table=t", CannotRead, "postgres://me:…@localhost"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_in_one_line(
    shop: Path, url: str, error: type[ToolkitError], said: str
) -> None:
    if not url.startswith("duckdb"):
        pytest.importorskip("ibis")
    with pytest.raises(error, match=said) as caught:
        open_source(url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_without_ibis_the_extra_is_named(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ibis", None)
    assert open_source("duckdb:///shop.db?table=customers").header == ("id", "name")
    with pytest.raises(MissingExtra, match=r"pip install 'fiftytwo\[quality\]'"):
        open_source("sqlite:///shop.sqlite?table=customers")


def test_spark(shop: Path) -> None:
    pytest.importorskip("pyspark", reason="needs pyspark and Java")
    import shutil

    if shutil.which("java") is None:
        pytest.skip("Java was not found")
    (shop / "t.csv").write_text("a,b\n1,x\n2,y\n")
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").getOrCreate()
    session.read.csv(str(shop / "t.csv"), header=True).createOrReplaceTempView("t")
    assert sorted(read(open_source("spark://local?table=t"))[0]) == [["1", "x"], ["2", "y"]]


def test_frames(customers: pd.DataFrame) -> None:
    polars = pytest.importorskip("polars")
    expected = customers.astype(object).to_numpy().tolist()
    for frame in (customers, pa.table(customers), polars.from_pandas(customers), polars.from_pandas(customers).lazy()):
        rows, lines = read(open_source(frame))
        assert rows == expected
        assert lines == list(range(1, 201))
    with pytest.raises(TypeError, match="a table of type list is not known here"):
        open_source([1, 2])


def test_objects_that_arrow_has_no_type_for_are_given_as_text() -> None:
    frame = pd.DataFrame({"a": [1, "x", None, "\ud800"], "b": [[1], {"c": 2}, None, np.nan], "c": [b"x", 1.5, 2, True]})
    rows, _ = read(open_source(frame))
    assert rows == [["1", "[1]", "b'x'"], ["x", "{'c': 2}", "1.5"], [None, None, "2"], ["?", None, "True"]]


# ---- what is no file


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_names_that_no_file_has(name: str) -> None:
    with pytest.raises(CannotRead):
        open_source(name)


def test_standard_input(write: Write) -> None:
    code = (
        "from mltoolkit.quality import open_source; import os, tempfile, gc\n"
        "s = open_source('-'); print(s.name, s.form, s.bytes, [b.data.to_pylist() for b in s.batches()][0])\n"
        "path = s.path; del s; gc.collect(); print(path.exists())"
    )
    done = subprocess.run([sys.executable, "-c", code], input=b"a,b\n1,2\n", capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == [
        "standard input comma-separated, utf-8, with header 8 [{'a': '1', 'b': '2'}]",
        "False",
    ]
    frame = io.BytesIO()
    pd.DataFrame({"a": [1]}).to_parquet(frame)
    done = subprocess.run([sys.executable, "-c", code], input=frame.getvalue(), capture_output=True, check=True)
    assert done.stdout.startswith(b"standard input Parquet ")
    done = subprocess.run([sys.executable, "-c", code], input=b"", capture_output=True, check=False)
    assert b"CannotRead: standard input: the file is empty (0 bytes); expected a table" in done.stderr


def test_truncated_compression(write: Write) -> None:
    text = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i % 977) for i in range(9000))
    for packed, name in (
        (gzip.compress(text), "t.csv.gz"),
        (pa.compress(text, "zstd", asbytes=True), "t.csv.zst"),
    ):
        for cut in (len(packed) // 2, len(packed) - 3):
            with pytest.raises(CannotRead, match="cannot be read: "):
                read(open_source(write(packed[:cut], name)))


def test_a_file_that_may_not_be_opened(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a,b\n1,2\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CannotRead, match=r"cannot be read: Permission denied$"):
        open_source(path)


def test_a_quote_that_swallows_a_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltoolkit.quality.reading._LARGEST_CELL", 1000)
    path = write('a,b\n1,2\n3,"x\n' + "4,5\n" * 999)
    with pytest.raises(CannotRead, match=r"line 3: .*is a quote that is opened here never closed\?"):
        open_source(path)


def test_a_first_row_without_an_end(write: Write) -> None:
    path = write("x," * 50_000)
    with pytest.raises(CannotRead, match="line 1: the first row is longer than 4,096 bytes"):
        DelimitedSource(path, chunk=4096)


def test_faults_are_those_of_the_last_scan(write: Write) -> None:
    source = open_source(write(b"a,b\n1\n2\0,3\n"))
    for _ in range(2):
        read(source)
        assert (source.faults.ragged.count, source.faults.nul.first) == (1, [3])
    json.dumps(source.faults.ragged.first)
