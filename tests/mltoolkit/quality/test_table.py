from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.quality import read_table

Write = Callable[..., Path]


def column_of(values: list[object], **options: object):
    return read_table(pd.DataFrame({"c": pd.Series(values, **options)})).columns[0]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "+3"], "integer"),
        (["1", "2.5", "1e3"], "float"),
        (["1.0", "2.0"], "float"),
        (["1", "inf"], "integer"),
        (["yes", "No", "YES"], "boolean"),
        (["true", "false", ""], "boolean"),
        (["0", "1"], "integer"),
        (["2024-02-29", "2023-01-01T10:00:00Z"], "date"),
        (["31/12/2024", "01/02/2024"], "date"),
        (["12/31/2024", "01/02/2024"], "date"),
        (["31.12.2024", "1.2.2024"], "date"),
        (["2024/12/31"], "date"),
        (["12 Jan 2024", "3 Feb 2023"], "date"),
        (["2024-02-30", "2024-02-28", "2024-02-27"], "mixed dates"),
        (["1", "2", "x"], "mixed numbers"),
        (["01234", "98765"], "text"),
        (["Ana", "Bo"], "text"),
        (["", "NA", "n/a", "NULL", "None", "NaN", " "], "empty"),
        (["x" * 100_000], "text"),
    ],
)
def test_a_column_is_what_its_values_are(cells: list[str], kind: str) -> None:
    assert column_of(cells).kind == kind


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        (pd.Series([1, 2], dtype="int8"), "integer"),
        (pd.Series([1, None], dtype="Int64"), "integer"),
        (pd.Series([0.5, None]), "float"),
        (pd.Series([True, False]), "boolean"),
        (pd.Series([True, None], dtype="boolean"), "boolean"),
        (pd.Series([True, None], dtype="object"), "boolean"),
        (pd.to_datetime(pd.Series(["2024-01-01", None])), "date"),
        (pd.to_datetime(pd.Series(["2024-01-01"])).dt.tz_localize("Europe/Oslo"), "date"),
        (pd.Series([datetime.date(2024, 1, 2), None]), "date"),
        (pd.Series(pd.Categorical(["a", "b", None])), "text"),
        (pd.Series([Decimal("1.5"), Decimal("2")]), "float"),
        (pd.Series([None, None]), "empty"),
        (pd.Series([np.nan, np.nan]), "empty"),
        (pd.Series([1 + 2j]), "text"),
        (pd.Series([[1, 2], {"a": 1}, b"x"]), "text"),
        (pd.Series(["\ud800", "x"], dtype=object), "text"),
    ],
)
def test_a_series_is_what_its_values_are(series: pd.Series, kind: str) -> None:
    column = read_table(pd.DataFrame({"c": series})).columns[0]
    assert column.kind == kind
    assert column.missing.tolist() == series.isna().tolist()


def test_day_and_month_change_places_only_when_they_must() -> None:
    european = column_of(["01/02/2024", "31/12/2024"])
    american = column_of(["01/02/2024", "12/31/2024"])
    assert str(european.dates[0])[:10] == "2024-02-01"
    assert str(american.dates[0])[:10] == "2024-01-02"


def test_strays_are_the_values_of_another_kind() -> None:
    assert column_of(["1", "x", "3", ""]).strays.tolist() == [False, True, False, False]
    assert column_of(["2024-01-01", "2024-13-01", "2024-01-03"]).strays.tolist() == [False, True, False]
    assert column_of(["Bergen", "Oslo", "Turin", "7"]).strays.tolist() == [False, False, False, True]
    assert not column_of(["A1", "B2", "C3", "7"]).strays.any()  # codes: digits are at home here
    assert column_of([1, "a", "b2", "c3", 2.5], dtype=object).strays.tolist() == [True, False, False, False, True]


def test_infinities_are_no_numbers_and_no_strays() -> None:
    for column in (column_of(["1", "inf", "-Infinity"]), column_of([1.0, np.inf, -np.inf])):
        assert column.infinite.tolist() == [False, True, True]
        assert np.isnan(column.numbers).tolist() == [False, True, True]
        assert not column.strays.any()


def test_distinct_values_are_told_apart_as_numbers_where_a_float_can() -> None:
    assert column_of(["1", "1.0", "2"]).distinct == 2
    assert column_of(["9007199254740993", "9007199254740992"]).distinct == 2  # one float, two integers
    assert column_of([2**53 + 1, 2**53]).distinct == 2
    assert column_of(["a", "A", ""]).distinct == 2


def test_a_parquet_file_is_read_with_its_types(tmp_path: Path, customers: pd.DataFrame) -> None:
    path = tmp_path / "customers.parquet"
    customers.to_parquet(path)
    table = read_table(path)
    assert (table.form, table.rows, table.by_row) == ("Parquet", 200, True)
    assert {c.name: c.kind for c in table.columns} == {
        "name": "text",
        "age": "integer",
        "spent": "float",
        "joined": "date",
        "newsletter": "boolean",
        "plan": "text",
        "left": "integer",
    }
    assert table.lines[:3].tolist() == [1, 2, 3]


def test_parquet_is_known_by_its_first_bytes_too(tmp_path: Path, customers: pd.DataFrame) -> None:
    path = tmp_path / "customers.csv"
    customers.to_parquet(path)
    assert read_table(path).form == "Parquet"


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1 and then nothing of the kind PAR1", b"a,b\n1,2\n"])
def test_a_fake_parquet_file_is_refused(write: Write, content: bytes) -> None:
    path = write(content, "fake.parquet")
    with pytest.raises(CannotRead, match="is named or marked as Parquet but cannot be read as such: ") as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_an_empty_parquet_file_is_refused(write: Write) -> None:
    with pytest.raises(CannotRead, match=r"the file is empty \(0 bytes\)"):
        read_table(write(b"", "t.parquet"))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, complaint in (
        (tmp_path, "is a folder; expected a file"),
        (tmp_path / "none.csv", "there is no such file"),
        (tmp_path / "pipe", "is no regular file; write its contents to one first"),
    ):
        with pytest.raises(CannotRead, match=complaint):
            read_table(path)


def test_a_name_that_is_not_there(write: Write) -> None:
    table = read_table(write("a,b\n1,2\n"))
    assert table.column("b").name == "b"
    with pytest.raises(BadInput, match="there is no column 'B'; columns: a, b"):
        table.column("B")


@given(st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6), st.floats(allow_nan=False, width=32)), max_size=12))
def test_numbers_are_those_that_pandas_reads(values: list[float | None]) -> None:
    cells = ["" if value is None else repr(value) for value in values]
    column = column_of(cells, dtype="str")
    expected = pd.to_numeric(pd.Series(cells, dtype="str"), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    np.testing.assert_array_equal(column.numbers, np.where(np.isinf(expected), np.nan, expected))
    assert column.missing.tolist() == [value is None for value in values]


@given(st.lists(st.dates().map(str), min_size=1, max_size=12))
def test_dates_are_those_that_the_standard_library_reads(cells: list[str]) -> None:
    column = column_of(cells, dtype="str")
    assert [str(moment)[:10] for moment in column.dates] == cells
    assert column.kind == "date"


@given(st.lists(st.one_of(st.text(max_size=6), st.integers(), st.floats(), st.none(), st.booleans()), max_size=8))
def test_any_column_of_objects_is_taken(values: list[object]) -> None:
    column = column_of(values, dtype=object)
    assert len(column.missing) == len(values)
    assert not (column.strays & column.missing).any()
    assert column.distinct == len(column.labels) <= len(values)
