from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltoolkit.errors import CannotRead
from mltoolkit.quality.reading import Delimited, read_delimited

Write = Callable[..., Path]
TEXT = "name,city\nJosé,Köln\nZoë,Århus\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(write: Write, delimiter: str) -> None:
    file = read_delimited(write("a,b,c\n1,x,2.5\n2,y,3.5\n".replace(",", delimiter)))
    assert (file.header, file.rows) == (["a", "b", "c"], [["1", "x", "2.5"], ["2", "y", "3.5"]])
    name = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}[delimiter]
    assert file.form == f"{name}-separated, utf-8, with header"


def test_decimal_commas_do_not_pass_for_delimiters(write: Write) -> None:
    file = read_delimited(write("a;b\n1,5;2,5\n3,5;4,5\n"))
    assert file.header == ["a", "b"]
    assert file.rows[0] == ["1,5", "2,5"]


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-32"), "utf-32"),
        (TEXT.encode("latin-1"), "windows-1252"),
        (TEXT.encode("latin-1") + b"\x81,\x9d\n", "latin-1"),
    ],
)
def test_the_encoding_is_found(write: Write, raw: bytes, encoding: str) -> None:
    file = read_delimited(write(raw))
    assert file.header == ["name", "city"]
    assert file.rows[:2] == [["José", "Köln"], ["Zoë", "Århus"]]
    assert f", {encoding}, " in file.form


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv"])
def test_gzip_is_known_by_its_bytes_not_its_name(write: Write, name: str) -> None:
    file = read_delimited(write(gzip.compress(TEXT.encode()), name))
    assert file.rows == [["José", "Köln"], ["Zoë", "Århus"]]
    assert file.form.endswith(", gzip")


def test_zstandard(write: Write) -> None:
    file = read_delimited(write(pa.compress(TEXT.encode(), "zstd", asbytes=True), "t.csv.zst"))
    assert file.rows == [["José", "Köln"], ["Zoë", "Århus"]]
    assert file.form.endswith(", zstd")


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2\n", ["a", "b"]),
        ("1,2\n3,4\n", None),
        ("country,2019,2020\nNO,1.5,2.5\nSE,2.5,3.5\n", ["country", "2019", "2020"]),
        ("ham,see you\nspam,win now\nham,on my way\nham,ok\n", None),
        ("id,1\nx,2\n", None),
        ("a,a\n1,2\n", ["a", "a"]),
        (",value\n1,2\n", ["", "value"]),
        ("a,b\n1,2\na,b\n3,4\na,b\n", ["a", "b"]),  # files put one behind the other repeat their header
    ],
)
def test_the_header_is_found(write: Write, text: str, header: list[str] | None) -> None:
    file = read_delimited(write(text))
    assert file.has_header == (header is not None)
    assert file.header == (header or ["column_1", "column_2"])
    assert len(file.rows) == text.count("\n") - file.has_header


def test_lines_are_those_of_the_file_across_blank_lines_and_cells_of_several(write: Write) -> None:
    file = read_delimited(write('a,b\n\n1,"x\ny"\n2,z\n\n3,w\n'))
    assert file.rows == [["1", "x\ny"], ["2", "z"], ["3", "w"]]
    assert file.lines == [3, 5, 7]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending(write: Write, ending: str) -> None:
    file = read_delimited(write("a,b\n1,2\n3,4".replace("\n", ending)))
    assert (file.rows, file.lines) == ([["1", "2"], ["3", "4"]], [2, 3])


def test_ragged_rows_are_filled_up_or_cut_and_told_by_line(write: Write) -> None:
    file = read_delimited(write("a,b\n1,2\n3\n4,5,6\n7,8\n"))
    assert file.rows == [["1", "2"], ["3", ""], ["4", "5"], ["7", "8"]]
    assert file.ragged == [3, 4]


def test_bytes_of_another_encoding_are_told_by_line(write: Write) -> None:
    file = read_delimited(write("a,b\nKöln,1\nÅrhus,2\nZürich,3\n".encode() + b"K\xf6ln,4\n"))
    assert ", utf-8, " in file.form
    assert file.lost_lines == [5]
    assert file.rows[3] == ["K\ufffdln", "4"]


def test_a_lost_character_that_the_file_itself_holds_is_not_a_lost_byte(write: Write) -> None:
    assert read_delimited(write("a,b\nK\ufffdln,4\n")).lost_lines == []


def test_nul_bytes_are_dropped_and_told_by_line(write: Write) -> None:
    file = read_delimited(write(b"a,b\n1,2\n3\0,4\n5,6\n"))
    assert (file.rows[1], file.nul_lines) == (["3", "4"], [3])


def test_text_after_a_closing_quote_is_told_by_line(write: Write) -> None:
    file = read_delimited(write('a,b\n"x",1\n"y" z,2\n"w",3\n'))
    assert file.rows[1] == ["y z", "2"]
    assert file.quote_lines == [3]


@pytest.mark.parametrize("text", ['a,b\n1,2\n3,"x\n4,5\n', 'a,b\n1,2\n3,"', 'a,b\n1,2\n3,"x""', 'a,b\n1,2\n"x" y,"z\n'])
def test_a_quote_that_is_never_closed_is_refused_with_its_line(write: Write, text: str) -> None:
    path = write(text)
    with pytest.raises(CannotRead, match=r"line 3: a quote that is opened here is never closed$"):
        read_delimited(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", r"the file is empty \(0 bytes\); expected a table"),
        (b" \n\t\n", r"holds nothing but white space"),
        (b"\xef\xbb\xbf", r"holds nothing but white space"),
        (b"\0\0\0", r"binary|white space"),
        (gzip.compress(b""), r"the file is empty \(0 bytes\)"),
        (gzip.compress(b"a,b\n" * 99)[:-9], r"cannot be read: Compressed file ended"),
        (b"\x1f\x8bnot gzip at all", r"cannot be read: "),
        (b"\x28\xb5\x2f\xfdnot zstd at all", r"cannot be read: "),
        (b"PK\x03\x04....", r"is a ZIP archive or an Excel workbook; export the sheet as CSV"),
        (b"SQLite format 3\0...", r"is an SQLite database"),
        (b"%PDF-1.7", r"is a PDF document"),
        (bytes(range(256)) * 4, r"is binary, not text; datasanity reads CSV, TSV, JSON lines and Parquet"),
        (b"\x01\x02\x03\x04\x05\x06", r"is binary"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(write: Write, content: bytes, complaint: str) -> None:
    path = write(content)
    with pytest.raises(CannotRead, match=complaint) as caught:
        read_delimited(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_may_not_be_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a,b\n1,2\n")

    def refuse(self: Path, mode: str) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CannotRead, match=r"cannot be read: Permission denied$"):
        read_delimited(path)


def test_a_cell_of_a_megabyte(write: Write) -> None:
    file = read_delimited(write("a,b\n" + "x" * 1_000_000 + ",1\n"))
    assert len(file.rows[0][0]) == 1_000_000


cells = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\r\n\t"), max_size=8)
grids = st.integers(2, 4).flatmap(lambda d: st.lists(st.lists(cells, min_size=d, max_size=d), min_size=1, max_size=8))


@given(grids)
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """Oracle: the cells themselves, written by the standard library with every cell in quotes."""
    width = len(rows[0])
    header = [f"name of column {i}" for i in range(width)]
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    path = tmp_path_factory.mktemp("roundtrip") / "t.csv"
    path.write_text(sink.getvalue(), "utf-8", newline="")
    file: Delimited = read_delimited(path)
    assert file.header == header
    assert file.rows == rows
    breaks = [len(",".join(row).replace("\r\n", "\n").replace("\r", "\n").split("\n")) for row in rows]
    assert file.lines == [2 + sum(breaks[:i]) for i in range(len(rows))]
    assert (file.ragged, file.nul_lines, file.lost_lines, file.quote_lines) == ([], [], [], [])
