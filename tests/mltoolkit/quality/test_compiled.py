"""The compiled loops of a scan gather exactly what the readable ones do."""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mltoolkit.errors import CannotRead
from mltoolkit.quality import _kernels, collecting, compiled, hashing, profile, scanning, sketches
from mltoolkit.quality.collecting import Sorted
from mltoolkit.quality.frames import ArrowSource
from mltoolkit.quality.reading import DelimitedSource
from mltoolkit.quality.scanning import scan
from mltoolkit.quality.sketches import SHOWN
from mltoolkit.quality.source import Batch, Source
from mltoolkit.quality.splitting import split_block
from mltoolkit.quality.table import Table

Write = Callable[..., Path]
searching = settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "80")))


class Pieces(ArrowSource):
    """An Arrow table in batches of a size."""

    def __init__(self, table: pa.Table, size: int) -> None:
        super().__init__(table)
        self.size = size

    def batches(self, columns: Any = None) -> Iterator[Batch]:
        for data, lines in super().batches(columns):
            for start in range(0, len(lines), self.size):
                yield Batch(data.slice(start, self.size), lines[start : start + self.size])


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets so small that ordinary columns are over them."""
    monkeypatch.setattr(collecting, "BUDGET", 300)
    for kind in (collecting.Dictionary, collecting.Part, compiled.CompiledPart, compiled._Words):
        monkeypatch.setattr(kind.__init__, "__defaults__", (300,))  # type: ignore[misc]
    monkeypatch.setattr(scanning, "SAMPLE_ROWS", 512)


def assert_same_tables(mine: Table, theirs: Table) -> None:
    assert (mine.rows, mine.header) == (theirs.rows, theirs.header)
    assert mine.repeats == theirs.repeats
    assert mine.sample is not None
    assert theirs.sample is not None
    np.testing.assert_array_equal(mine.sample.lines, theirs.sample.lines)
    pd.testing.assert_frame_equal(mine.sample.data.to_pandas(), theirs.sample.data.to_pandas())
    for left, right in zip(mine.columns, theirs.columns, strict=True):
        where = left.name
        assert left.kind == right.kind, where
        assert left.facts is not None
        assert right.facts is not None
        assert left.facts.missing.count == right.facts.missing.count, where
        assert left.facts.missing.first[:SHOWN] == right.facts.missing.first[:SHOWN], where
        assert (left.facts.distinct, left.facts.sampled, left.facts.lengths) == (
            right.facts.distinct,
            right.facts.sampled,
            right.facts.lengths,
        ), where
        if left.facts.moments is not None or right.facts.moments is not None:
            got, expected = (np.array(dataclasses.astuple(c.facts.moments), dtype=float) for c in (left, right))
            scale = np.abs(expected[np.isfinite(expected)]).max()
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9 * scale, err_msg=where)
        np.testing.assert_array_equal(left.texts, right.texts, err_msg=where)
        np.testing.assert_array_equal(left.lines, right.lines, err_msg=where)
        np.testing.assert_allclose(left.weights, right.weights, err_msg=where)


def typed(n: int = 5000) -> pa.Table:
    rng = np.random.default_rng(3)
    gaps = rng.random(n) < 0.1
    floats = rng.normal(size=n)
    floats[::97], floats[5::101], floats[7::103], floats[9::89] = np.nan, np.inf, -np.inf, -0.0
    return pa.table(
        {
            "ascending": np.arange(n),
            "descending": np.arange(n)[::-1].copy(),
            "few": pa.array(rng.integers(0, 5, n), mask=gaps),
            "gaps": pa.array(rng.integers(-(10**6), 10**6, n), mask=gaps),
            "huge": rng.integers(-(2**62), 2**62, n),
            "unsigned": rng.integers(0, 2**64 - 1, n, dtype=np.uint64),
            "bytes": pa.array(rng.integers(-128, 127, n).astype(np.int8), mask=gaps),
            "floats": pa.array(floats, mask=gaps),
            "single": rng.normal(size=n).astype(np.float32),
            "offset": 1e9 + rng.normal(size=n),
            "wild": pa.array(10.0 ** rng.uniform(-300, 300, n)),
            "truth": pa.array(rng.random(n) < 0.5, mask=gaps),
            "moment": pa.array((np.datetime64("2020-01-01", "us") + rng.integers(0, 10**14, n)), mask=gaps),
            "day": pa.array(np.datetime64("1969-01-01", "D") + rng.integers(0, 900, n)),
            "label": pa.array(rng.choice(["a", "b", "é", "", "n/a", "007", "1", "2020-01-01"], n), mask=gaps),
            "coded": pa.array(rng.choice(["red", "green", "", "NA", "12"], n), mask=gaps).dictionary_encode(),
            "many codes": pa.array([f"c{v}" for v in rng.integers(0, 700, n)]).dictionary_encode(),
            "coded numbers": pa.array(rng.integers(0, 900, n).astype(str)).dictionary_encode(),
            "none": pa.array([None] * n, pa.float64()),
        }
    )


def texts(n: int = 5000) -> pa.Table:
    rng = np.random.default_rng(5)
    whole = rng.integers(-(10**6), 10**6, n)
    moments = np.datetime64("2020-01-01T00:00:00", "s") + rng.integers(0, 10**8, n)
    mixed = np.where(rng.random(n) < 0.1, "unknown", rng.normal(size=n).round(3).astype(str))
    return pa.table(
        {
            "whole": whole.astype(str),
            "written otherwise": [f"{v}.0" if v % 3 else str(v) for v in whole.tolist()],
            "pointed": [f"{v:.4f}" for v in rng.normal(size=n)],
            "exponents": [f"{v:.3e}" for v in 10.0 ** rng.uniform(-30, 30, n)],
            "long numbers": [repr(v) for v in rng.normal(size=n)],
            "codes": [f"{v:07d}" for v in rng.integers(0, 10**6, n)],
            "days": [str(v) for v in moments.astype("datetime64[D]")],
            "moments": [str(v).replace("T", " ") for v in moments],
            "slashes": [f"{v.day}/{v.month}/{v.year}" for v in pd.to_datetime(moments)],
            "mixed": mixed,
            "gaps": np.where(rng.random(n) < 0.2, "", rng.integers(0, 10**5, n).astype(str)),
            "words for gaps": np.where(rng.random(n) < 0.2, "N/A", rng.integers(0, 10**5, n).astype(str)),
            "free": [f"user {v} of \u00fcber" if v % 7 else f" user {v}" for v in whole.tolist()],
            "long": ["x" * (1100 + v % 400) for v in range(n)],
            "sometimes long": ["y" * (2000 if v == 3000 else v % 50) for v in range(n)],
            "few": rng.choice(["yes", "no"], n),
            "nothing": [""] * n,
            "infinite": np.where(rng.random(n) < 0.01, "inf", whole.astype(str)),
            "space around": [f" {v} " if v % 5 == 0 else str(v) for v in whole.tolist()],
        }
    )


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("size", [700, 5000])
@pytest.mark.parametrize("table", [typed, texts])
def test_a_scan_gathers_the_same(table: Callable[[], pa.Table], size: int) -> None:
    rows = table()
    source = Pieces(pa.concat_tables([rows, rows.slice(0, 40)]), size)
    assert_same_tables(scan(source, compiled=True), scan(source, compiled=False))


@pytest.mark.parametrize("table", [typed, texts])
def test_a_scan_within_its_budget_gathers_the_same(table: Callable[[], pa.Table]) -> None:
    source = Pieces(table(), 1000)
    mine, theirs = scan(source, compiled=True), scan(source, compiled=False)
    assert_same_tables(mine, theirs)
    assert not any(column.sampled for column in mine.columns)
    assert profile(mine).columns[0] == profile(theirs).columns[0]


def test_dictionaries_that_differ_from_batch_to_batch(write: Write) -> None:
    parts = [pa.array(["a", "b", "a"]), pa.array(["b", "c", None]), pa.array(["b", "b", "b"])]
    batches = [pa.record_batch([part.dictionary_encode()], names=["c"]) for part in parts]
    source = ArrowSource(pa.Table.from_batches(batches))
    mine = scan(source, compiled=True)
    assert profile(mine).columns[0].top == (("b", 5), ("a", 2), ("c", 1))
    assert_same_tables(mine, scan(source, compiled=False))


def test_without_numba_a_scan_goes_on_readably(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mltoolkit.quality.compiled", None)
    monkeypatch.delattr("mltoolkit.quality.compiled", raising=False)
    source = Pieces(typed(500), 100)
    assert profile(scan(source, compiled=True)).rows == 500


# ---- texts, one by one

numbers = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.from_regex(r"[+-]?[0-9]{0,19}\.?[0-9]{0,19}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
dates = st.one_of(
    st.datetimes().map(str),
    st.dates().map(str),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,7})?)?)?", fullmatch=True),
)
cells = st.one_of(numbers, dates, st.text(max_size=12), st.sampled_from(["", "NA", "n/a", " ", "inf", "-inf", "007"]))


@searching
@given(st.lists(cells, min_size=1, max_size=30))
@example(
    [
        "1e22",
        "1e23",
        "9007199254740991",
        "9007199254740992",
        "0.1",
        ".5",
        "5.",
        "+",
        "-",
        ".",
        "1e",
        "00",
        "-0",
        "-.5",
        "-.0E30",
    ]
)
@example(["2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "0000-01-01", "9999-12-31 23:59:59.999999"])
def test_texts_are_told_apart_alike(values: list[str]) -> None:
    array = pa.array([value.encode("utf-8", "replace").decode() for value in values], type=pa.string())
    mine = compiled.CompiledSorted(array)
    for i, text in enumerate(array):
        alone = Sorted(pa.array([text.as_py()], type=pa.string()))
        assert mine.missing[i] == alone.missing[0], text
        np.testing.assert_allclose(mine.numbers[i], alone.numbers[0], rtol=4e-16, err_msg=repr(text))
        for kind in ("numbers", "dates", "codes", "others"):
            assert mine.of(kind)[i] == alone.of(kind)[0], (text, kind)
        if alone.of("dates")[0]:
            assert mine.values("dates")[mine.of("dates")[:i].sum()] == alone.values("dates")[0], text


@searching
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False).map(repr), min_size=1, max_size=30))
def test_a_number_that_is_read_is_rounded_right(values: list[str]) -> None:
    array = pa.array(values)
    kinds, found, moments = np.empty(len(values), np.uint8), np.zeros(len(values)), np.zeros(len(values), np.int64)
    _kernels.parse_texts(*compiled._bytes_of(array), kinds, found, moments)
    for text, kind, number in zip(values, kinds, found, strict=True):
        assert kind != _kernels.NUMBER or number == float(text)


@searching
@given(st.lists(st.text(max_size=40), max_size=30), st.integers(0, 5))
def test_hashes_are_the_same(values: list[str], cut: int) -> None:
    array = pa.array([value.encode("utf-8", "replace").decode() for value in values], type=pa.string()).slice(cut)
    np.testing.assert_array_equal(compiled.hashes_of(array), hashing.hash_texts(array))
    hashes = hashing.hash_texts(array)
    np.testing.assert_array_equal(compiled.salted(hashes.copy(), 7), hashing.salted(hashes, 7))


@searching
@given(st.lists(st.integers(0, 40), max_size=80), st.integers(1, 30))
def test_repeated_hashes_are_found(values: list[int], size: int) -> None:
    hashes = hashing.hash_numbers(np.array(values, dtype=np.int64))
    parts = [hashes[i : i + size] for i in range(0, len(hashes), size)]
    np.testing.assert_array_equal(compiled.repeated(parts), hashing.repeated(parts))


def test_repeated_hashes_of_many_rows() -> None:
    rng = np.random.default_rng(0)
    hashes = hashing.hash_numbers(np.concatenate([np.arange(200_000), rng.integers(0, 200_000, 50)]))
    parts = np.array_split(rng.permutation(hashes), 7)
    np.testing.assert_array_equal(compiled.repeated(parts), hashing.repeated(parts))


@searching
@given(st.integers(0, 10**6), st.integers(0, 300), st.integers(0, 12))
def test_winners_are_the_same(start: int, n: int, power: int) -> None:
    numbers_ = np.arange(start, start + n)
    np.testing.assert_array_equal(compiled.winners(numbers_, power), sketches.winners(numbers_, power))


# ---- delimited text

line = st.lists(st.text('ab1,;"\r\n é', max_size=9), min_size=1, max_size=4)


def rows_of(source: Source) -> tuple[list[tuple[str, ...]], list[int]]:
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    for data, at in source.batches():
        rows.extend(zip(*(column.to_pylist() for column in data.columns), strict=True))
        lines.extend(at.tolist())
    return rows, lines


@searching
@given(st.text('ab1,,,"\n\n\r é', max_size=120), st.integers(1, 60))
@example('a,b\n1,"x"\n\n2,"y,z"\r\n3,\n', 60)
@example('a,b\n1,"x\ny"\n2,"q""r"\n3,4,5\n', 8)
def test_a_file_is_cut_alike(text: str, chunk: int) -> None:
    def outcome(*, compiled: bool) -> object:
        try:
            source = DelimitedSource(path, chunk=chunk, compiled=compiled)
            return rows_of(source), source.faults
        except CannotRead as error:
            return str(error)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(text.encode())
        assert outcome(compiled=True) == outcome(compiled=False)


def test_a_plain_block_is_cut_by_the_compiled_loop() -> None:
    text = 'a,b\r\n\r\n1,"x, y"\n,\n"","é"\nlast,row'.encode()
    cut = text.rfind(b"\n") + 1
    found = split_block(text, cut, ",", ("a", "b"), [1, 0], 10)
    assert found is not None
    rows, lines, n_lines = found
    assert rows.to_pydict() == {"b": ["b", "x, y", "", "é"], "a": ["a", "1", "", ""]}
    assert lines.tolist() == [10, 12, 13, 14]
    assert n_lines == 5


@pytest.mark.parametrize(
    "text", ["a,b\n1\n", "a,b\n1,2,3\n", 'a,b\n1,"x""y"\n', 'a,b\n1,"x\ny"\n', "a,b\r1,2\n", 'a,b"c\n']
)
def test_other_blocks_are_left_to_others(text: str) -> None:
    assert split_block(text.encode(), len(text), ",", ("a", "b"), [0, 1], 1) is None


def test_a_file_of_bytes_in_many_chunks(write: Write) -> None:
    rows = [f"{i},{i * 7 % 13}.5,name {i % 17}" for i in range(3000)]
    path = write("id,x,label\n" + "\n".join(rows))
    mine, theirs = (DelimitedSource(path, chunk=999, compiled=c) for c in (True, False))
    assert rows_of(mine) == rows_of(theirs)
    assert_same_tables(scan(mine, compiled=True), scan(theirs, compiled=False))
