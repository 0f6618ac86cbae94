"""A scan of a table in pieces says what a look at the whole of it says; beyond its budget, within the stated errors."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltoolkit.quality import Finding, TableProfile, check, collecting, eda_checklist, profile, scanning
from mltoolkit.quality.frames import ArrowSource, PandasSource
from mltoolkit.quality.hashing import hash_texts
from mltoolkit.quality.scanning import look_at, scan
from mltoolkit.quality.source import Batch, Source, open_source
from mltoolkit.quality.table import Table

Write = Callable[..., Path]
searching = settings(max_examples=40)


class Pieces(Source):
    """A source whose batches are cut into small ones."""

    def __init__(self, source: Source, size: int) -> None:
        self.source, self.size = source, size
        self.name, self.form, self.header, self.by_row = source.name, source.form, source.header, source.by_row
        self.bytes, self.encoding = source.bytes, source.encoding

    @property
    def faults(self) -> Any:  # type: ignore[override]
        return self.source.faults

    def batches(self, columns: Any = None) -> Iterator[Batch]:
        for data, lines in self.source.batches(columns):
            for start in range(0, len(lines), self.size):
                yield Batch(data.slice(start, self.size), lines[start : start + self.size])


def assert_same(scanned: TableProfile, whole: TableProfile) -> None:
    for field in dataclasses.fields(TableProfile):
        if field.name != "columns":
            assert getattr(scanned, field.name) == getattr(whole, field.name), field.name
    for mine, theirs in zip(scanned.columns, whole.columns, strict=True):
        for field in dataclasses.fields(mine):
            got, expected = getattr(mine, field.name), getattr(theirs, field.name)
            if field.name in ("mean", "std", "skewness") and expected is not None:
                assert got == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), (mine.name, field.name)
            else:
                assert got == expected, (mine.name, field.name, got, expected)


def same_findings(scanned: Table, whole: Table, target: str | None = None) -> None:
    assert check(scanned, target) == check(whole, target)
    assert eda_checklist(scanned, target=target) == eda_checklist(whole, target=target)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_scan_of_a_clean_table(tmp_path: Path, customers: pd.DataFrame, kind: str, size: int) -> None:
    path = tmp_path / f"c.{kind}"
    customers.loc[::9, "spent"] = np.nan
    customers.loc[3, "plan"] = None
    (customers.to_csv if kind == "csv" else customers.to_parquet)(path, index=False)
    whole, scanned = look_at(path), scan(Pieces(open_source(path), size))
    assert_same(profile(scanned, "left"), profile(whole, "left"))
    same_findings(scanned, whole, "left")


CITIES = ("Oslo", "Rome", "oslo")
ROWS = [
    f"{i},{20 + i % 50},{CITIES[i % 40 // 19]},2024-01-{i % 28 + 1:02d},{i * 7 % 90}.5,x{i % 3}\n" for i in range(150)
]
ODD_ROWS = (
    '151,-999,Rome ,2024-02-30,1e9,MÃ¼nchen\n152,XL,7,2199-01-01,inf,"a\nb"\n152,XL,7,2199-01-01,inf,"a\nb"\n153\n'
)
FAULTY = "id,age,city,when,price,note\n" + "".join(ROWS) + ODD_ROWS


@pytest.mark.parametrize("size", [1, 13, 1000])
def test_every_fault_is_found_with_its_lines(write: Write, size: int) -> None:
    path = write(FAULTY)
    whole, scanned = look_at(path), scan(Pieces(open_source(path), size))
    assert len(check(whole)) > 8
    same_findings(scanned, whole)
    assert_same(profile(scanned), profile(whole))


ODD_CELLS = [
    *("", "NA", "1", "1.0", "-0", "0", "007", "2.5", "1e400", "-inf", "1e308", "-1e308", "x", "X", " x", "é", "Ã¼"),
    *("yes", "no", "2024-01-01", "2024-13-01", "01/02/2024", "12/31/2024", "9007199254740993"),
]
cells = st.one_of(st.sampled_from(ODD_CELLS), st.integers(-5, 5).map(str), st.text(max_size=3))


@searching
@given(st.lists(st.tuples(cells, cells), max_size=40), st.integers(1, 50))
def test_any_table_of_text(rows: list[tuple[str, str]], size: int) -> None:
    data = pa.table([[str(a) for a, _ in rows], [b for _, b in rows]], schema=SCHEMA)
    whole = look_at(ArrowSource(data))
    scanned = scan(Pieces(ArrowSource(data), size))
    assert_same(profile(scanned), profile(whole))
    same_findings(scanned, whole, "a")


SCHEMA = pa.schema([("a", pa.string()), ("b", pa.string())])

moments = st.datetimes(min_value=pd.Timestamp("1700-01-01"), max_value=pd.Timestamp("2200-01-01"))
TYPES = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint8(), st.integers(0, 255)),
    (pa.float64(), st.floats()),
    (pa.float32(), st.floats(width=32)),
    (pa.bool_(), st.booleans()),
    (pa.timestamp("us"), moments),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from("abc")),
]
typed = st.sampled_from(TYPES).flatmap(
    lambda of: st.lists(st.one_of(st.none(), of[1]), min_size=1, max_size=30).map(lambda v: pa.array(v, of[0]))
)


@searching
@given(typed, st.integers(1, 40))
def test_any_column_with_a_type(array: pa.Array, size: int) -> None:
    source = ArrowSource(pa.table([array], names=["c"]))
    assert_same(profile(scan(Pieces(source, size))), profile(look_at(source)))


@pytest.mark.parametrize(
    "array",
    [
        pa.array([None, None], pa.null()),
        pa.array([1, 2**64 - 1, None], pa.uint64()),
        pa.array([b"x", None]),
        pa.array([[1, 2], None, [3]]),
        pa.array([{"a": 1}, None]),
        pa.array([Decimal("1.50"), None, Decimal("2.25")], pa.decimal128(5, 2)),
        pa.array([1, None, 3], pa.date32()),
        pa.array([1, None, 3], pa.time64("us")),
        pa.array([1000, None, 3000], pa.timestamp("ns", "Europe/Oslo")),
        pa.array([1, None, 1], pa.int64()).dictionary_encode(),
        pa.array(["x", None, "x"], pa.large_string()),
        pa.array(["x", None, "x"], pa.string_view()),
        pa.array([1.0, None, 3.0], pa.float16()),
    ],
    ids=lambda array: str(array.type),
)
def test_every_type_is_taken(array: pa.Array) -> None:
    source = ArrowSource(pa.table([array], names=["c"]))
    found = profile(scan(source)).columns[0]
    whole = profile(look_at(source)).columns[0]
    assert (found.kind, found.missing, found.distinct) == (whole.kind, whole.missing, whole.distinct)


# ---- beyond the budget


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets so small that ordinary columns are over them."""
    monkeypatch.setattr(collecting, "BUDGET", 100)
    monkeypatch.setattr(collecting.Dictionary.__init__, "__defaults__", (100,))
    monkeypatch.setattr(collecting.Part.__init__, "__defaults__", (100,))
    monkeypatch.setattr(scanning, "SAMPLE_ROWS", 4096)


def large(n: int = 40_000) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "normal": rng.normal(10, 3, n),
            "amount": rng.lognormal(3, 1, n).round(2),
            "year": rng.integers(1990, 2024, n),
            "moment": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**8, n), "s"),
            "name": [f"user {i * 7919 % n} of town {i % 13}" for i in range(n)],
            "mostly": np.where(rng.random(n) < 0.3, 0.0, rng.normal(size=n)),
        }
    )
    frame.loc[::11, "normal"] = np.nan
    return frame


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_beyond_the_budget_figures_are_within_their_errors(tmp_path: Path, kind: str) -> None:
    frame = large()
    path = tmp_path / f"t.{kind}"
    (frame.to_csv if kind == "csv" else frame.to_parquet)(path, index=False)
    source = Pieces(open_source(path), 3000)
    found = {column.name: column for column in profile(scan(source)).columns}
    for name, series in frame.items():
        column = found[str(name)]
        assert column.missing == series.isna().sum()
        if name == "year":
            assert column.approximate == ()
            assert column.distinct == series.nunique()
            continue
        assert "distinct" in column.approximate
        assert column.distinct == pytest.approx(series.nunique(), rel=0.03)
        if name in ("id", "normal", "amount", "mostly"):
            present = series.dropna().to_numpy(dtype=float)
            assert (column.minimum, column.maximum) == (present.min(), present.max())
            assert column.mean == pytest.approx(present.mean(), rel=1e-9, abs=1e-12)
            assert column.std == pytest.approx(present.std(ddof=1), rel=1e-9)
            assert column.skewness == pytest.approx(pd.Series(present).skew(), abs=1e-3)
            assert column.zeros == (present == 0).sum()
            assert column.negative == (present < 0).sum()
            for share, value in zip((0.05, 0.25, 0.5, 0.75, 0.95), column.quantiles, strict=True):
                below, upto = (present < value).mean(), (present <= value).mean()
                assert below - 0.025 <= share <= upto + 0.025  # the sample is an eighth of the stated size
            assert column.histogram is not None
            assert sum(column.histogram.counts) == len(present)
        if name == "moment":
            assert (column.minimum, column.maximum) == (series.min().isoformat(), series.max().isoformat())
        if name == "name":
            lengths = series.str.len()
            assert (column.shortest, column.longest) == (lengths.min(), lengths.max())
            assert column.mean_length == pytest.approx(lengths.mean())
    assert found["mostly"].top[0][0] in ("0.0", "0")
    assert found["mostly"].top[0][1] == pytest.approx((frame["mostly"] == 0).sum(), rel=0.1)
    assert found["id"].top[0][1] == 1  # what the sample has seen once is not said to come often


@pytest.mark.usefixtures("narrow")
def test_single_faults_among_many_values_are_found_with_their_lines(tmp_path: Path) -> None:
    frame = large(20_000).astype({"id": object, "moment": object})
    frame.loc[777, "normal"] = 1e6
    frame.loc[778, "id"] = "none of these"
    frame.loc[779, "name"] = "MÃ¼nchen"
    frame.loc[780, "amount"] = -500.0
    frame["moment"] = frame["moment"].astype(str)
    frame.loc[781, "moment"] = "2024-99-99"
    frame = pd.concat([frame, frame.iloc[[100, 200]]], ignore_index=True)
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    found: dict[tuple[str, str | None], Finding] = {
        (finding.rule, finding.column): finding
        for finding in check(scan(Pieces(open_source(path), 1000)))
        if finding.severity != "info"
    }
    expected = {
        ("outliers", "normal"): (779,),
        ("mixed types", "id"): (780,),
        ("encodings", "name"): (781,),
        ("ranges", "amount"): (782,),
        ("dates", "moment"): (783,),
        ("duplicates", None): (20002, 20003),
    }
    for key, lines in expected.items():
        assert found[key].rows == lines, (key, found.get(key))
        assert found[key].count == len(lines)


# One spelling of each number: in a column over its budget 1.0 and 1 are one number, whatever else it holds.
one_spelling = cells.filter(lambda text: not re.search(r"[.]|^[-+]?0|\s|^[+]|e", text) or not text.strip())


@pytest.mark.usefixtures("narrow")
@searching
@given(st.lists(st.tuples(one_spelling, one_spelling), min_size=1, max_size=40), st.integers(1, 50), st.integers(1, 5))
def test_any_table_beyond_any_budget(rows: list[tuple[str, str]], size: int, budget: int) -> None:
    """Counts over all rows stay exact, whatever is over its budget."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collecting.Dictionary.__init__, "__defaults__", (budget,))
        patch.setattr(collecting.Part.__init__, "__defaults__", (budget,))
        data = pa.table([[str(a) for a, _ in rows], [b for _, b in rows]], schema=SCHEMA)
        scanned = scan(Pieces(ArrowSource(data), size))
        found, whole = profile(scanned), profile(look_at(ArrowSource(data)))
        check(scanned)
    assert (found.rows, found.duplicates) == (whole.rows, whole.duplicates)
    for mine, theirs in zip(found.columns, whole.columns, strict=True):
        assert (mine.missing, mine.distinct) == (theirs.missing, theirs.distinct)


# ---- rows


@searching
@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 20))
def test_repeated_rows_are_counted_with_bounded_memory(values: list[int], size: int) -> None:
    frame = pd.DataFrame({"v": values}, dtype="int64")
    if frame.empty:
        return
    table = scan(Pieces(PandasSource(frame), size))
    assert table.repeats is not None
    assert table.repeats.rows.count == frame.duplicated().sum()
    assert table.repeats.rows.first == [int(i) + 1 for i in np.flatnonzero(frame.duplicated())[:5]]


def test_repeated_rows_beyond_what_is_remembered_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_REMEMBERED", 20_000)
    values = np.random.default_rng(0).integers(0, 60_000, 100_000)
    found = profile(scan(Pieces(PandasSource(pd.DataFrame({"v": values})), 9_000)))
    assert found.duplicates == pytest.approx(pd.Series(values).duplicated().sum(), rel=0.05)
    assert "duplicates" in found.approximate


def test_lines_are_those_of_the_file(write: Write) -> None:
    path = write("a,b\n" + '1,"x\ny"\n' * 3 + "\n2,z\n" * 3)
    scanned = scan(Pieces(open_source(path), 2))
    assert scanned.repeats is not None
    assert scanned.repeats.rows.first == [4, 6, 11, 13]


@pytest.mark.parametrize("text", ["a,b\n", "a\n1\n", "a,b\n,\n,\n"])
def test_the_smallest_tables_are_scanned(write: Write, text: str) -> None:
    path = write(text)
    assert_same(profile(scan(open_source(path))), profile(path))
    same_findings(scan(open_source(path)), look_at(path))


def test_a_value_has_one_hash_whatever_batch_it_comes_in(write: Write) -> None:
    frame = pd.DataFrame({"v": [1, 2, 1, 2**60, 1, 2**60 + 1]})
    assert profile(scan(Pieces(PandasSource(frame), 3))).duplicates == 2
    texts = [f"row {i} {'x' * (i % 40)}" for i in range(200)] + ["", "y" * 3000, "é" * 17]
    together = hash_texts(pa.array(texts))
    alone = np.concatenate([hash_texts(pa.array([text])) for text in texts])
    cut = hash_texts(pa.array(["other", *texts]).slice(1))
    assert together.tolist() == alone.tolist() == cut.tolist()
    assert len(set(together.tolist())) == len(texts)
