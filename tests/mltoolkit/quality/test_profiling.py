from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mltoolkit.errors import BadInput
from mltoolkit.quality import ColumnProfile, profile
from mltoolkit.quality.text import profile_as_data

Write = Callable[..., Path]
numbers = st.floats(-1e9, 1e9, allow_subnormal=False).map(lambda value: round(value, 3))


def column(frame: pd.DataFrame, name: str) -> ColumnProfile:
    return next(found for found in profile(frame).columns if found.name == name)


@given(st.lists(st.one_of(st.none(), numbers), min_size=1, max_size=40))
def test_numbers_are_those_of_pandas(values: list[float | None]) -> None:
    series = pd.Series(values, dtype=float)
    found = column(pd.DataFrame({"v": series}), "v")
    assert (found.missing, found.distinct) == (series.isna().sum(), series.nunique())
    present = series.dropna()
    if present.empty:
        assert found.kind == "empty"
        assert found.quantiles == ()
        return
    assert (found.minimum, found.maximum, found.zeros) == (present.min(), present.max(), (present == 0).sum())
    assert found.mean == pytest.approx(present.mean(), abs=1e-6)
    assert found.quantiles == pytest.approx(present.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).to_list())
    if len(present) > 1:
        assert found.std == pytest.approx(present.std(), abs=1e-6)
    else:
        assert found.std is None
    low, high = present.quantile(0.25), present.quantile(0.75)
    reach = 1.5 * (high - low)
    if high > low:
        assert found.outliers == ((present < low - reach) | (present > high + reach)).sum()


@pytest.mark.parametrize("seed", range(5))
def test_skewness_is_that_of_scipy(seed: int) -> None:
    values = np.random.default_rng(seed).gamma(1.0 + seed, size=300)
    assert column(pd.DataFrame({"v": values}), "v").skewness == pytest.approx(stats.skew(values), rel=1e-12)


@given(st.lists(st.sampled_from(["a", "b", "c", "dd", ""]), min_size=1, max_size=30))
def test_frequent_values_are_those_of_pandas(values: list[str]) -> None:
    found = column(pd.DataFrame({"v": pd.Series(values, dtype="str")}), "v")
    counts = pd.Series([value for value in values if value]).value_counts()
    assert dict(found.top) == counts.to_dict()
    assert [count for _, count in found.top] == sorted(counts, reverse=True)
    assert found.distinct == len(counts)


def test_a_csv_and_its_frame_have_one_profile(tmp_path: Path, customers: pd.DataFrame) -> None:
    path = tmp_path / "customers.csv"
    customers.to_csv(path, index=False)
    from_file, from_frame = profile(path), profile(customers)
    assert (from_file.rows, from_file.duplicates) == (200, 0)
    assert from_file.bytes == path.stat().st_size
    for left, right in zip(from_file.columns, from_frame.columns, strict=True):
        assert (left.name, left.kind, left.missing, left.distinct) == (
            right.name,
            right.kind,
            right.missing,
            right.distinct,
        )
        assert (left.minimum, left.maximum, left.mean, left.quantiles) == (
            right.minimum,
            right.maximum,
            right.mean,
            right.quantiles,
        )


def test_dates_have_a_first_and_a_last(write: Write) -> None:
    found = profile(write("d,t\n2024-03-01,2024-03-01T09:30:00\n2023-12-31,2024-03-01T09:30:01\n,\n")).columns
    assert (found[0].minimum, found[0].maximum, found[0].missing) == ("2023-12-31", "2024-03-01", 1)
    assert (found[1].minimum, found[1].maximum) == ("2024-03-01T09:30:00", "2024-03-01T09:30:01")


def test_what_is_odd_about_a_column() -> None:
    frame = pd.DataFrame({"one": "x", "nearly": ["y"] + ["x"] * 299, "mixed": ["1", "2", "z"] * 100, "none": None})
    one, nearly, mixed, none = profile(frame).columns
    assert (one.constant, one.near_constant, one.distinct, one.longest) == (True, False, 1, 1)
    assert (nearly.constant, nearly.near_constant) == (False, True)
    assert (mixed.kind, mixed.strays, mixed.minimum, mixed.maximum) == ("mixed numbers", 100, 1.0, 2.0)
    assert (none.kind, none.missing, none.distinct, none.top) == ("empty", 300, 0, ())


def test_the_target(customers: pd.DataFrame) -> None:
    customers["copy"] = customers["left"]
    found = profile(customers, "left").target
    assert found is not None
    assert found.name == "left"
    assert sorted(found.classes) == [("0", 100), ("1", 100)]
    assert [(f.rule, f.column) for f in found.findings] == [("leakage suspects", "copy")]
    number = profile(customers, "spent").target
    assert number is not None
    assert number.classes == ()
    assert profile(customers).target is None
    with pytest.raises(BadInput, match="there is no column 'gone'"):
        profile(customers, "gone")


def test_json_never_holds_what_json_has_not() -> None:
    frame = pd.DataFrame({"huge": [1.7e308, -1.7e308, 1.7e308], "infinite": [np.inf, -np.inf, np.nan]})
    data = profile_as_data(profile(frame))
    text = json.dumps(data, allow_nan=False)
    assert json.loads(text)["columns"][0]["std"] is None
    assert math.isinf(profile(frame).columns[0].std or 0.0)
    assert data["columns"][1]["mean"] is None


values = st.one_of(st.none(), st.integers(), st.floats(), st.booleans(), st.text(max_size=5), st.datetimes())


@given(st.integers(0, 3).flatmap(lambda d: st.lists(st.tuples(*[values] * d), max_size=15)))
def test_any_table_has_a_profile(rows: list[tuple[object, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=[f"c{i}" for i in range(len(rows[0]))] if rows else [], dtype=object)
    found = profile(frame)
    assert (found.rows, len(found.columns)) == frame.shape
    json.dumps(profile_as_data(found), allow_nan=False)


def test_every_field_is_plain_data(customers: pd.DataFrame) -> None:
    """Programs read it: what NumPy has in it cannot be written as JSON."""
    customers["nearly"] = ["x"] * 199 + ["y"]
    found = profile(customers, "left")
    assert json.loads(json.dumps(profile_as_data(found)))["columns"][-1]["near_constant"] is True
    wide = profile(pd.DataFrame({"v": [1] * 399 + [2]}))
    assert wide.columns[0].near_constant is True


def test_a_histogram_counts_every_value(customers: pd.DataFrame) -> None:
    for found in profile(customers).columns:
        if found.kind in ("integer", "float", "date"):
            assert found.histogram is not None
            assert sum(found.histogram.counts) == 200
            assert len(found.histogram.edges) == len(found.histogram.counts) + 1
            assert list(found.histogram.edges) == sorted(found.histogram.edges)
        else:
            assert found.histogram is None
    spent = column(customers, "spent").histogram
    assert spent is not None
    counts, edges = np.histogram(customers["spent"], 20)
    assert spent.counts == tuple(counts)
    np.testing.assert_allclose(np.array(spent.edges, dtype=float), edges)


def test_correlations_of_note() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    y = -0.8 * x + 0.6 * rng.normal(size=2000)
    y[::7] = np.nan
    label = np.where(x > 0, "high", "low")
    frame = pd.DataFrame(
        {"x": x, "y": y, "noise": rng.normal(size=2000), "label": label, "copy": np.where(x > 0, "a", "b"), "one": 1.0}
    )
    found = {(pair.left, pair.right): pair for pair in profile(frame).correlations}
    assert set(found) == {("x", "y"), ("label", "copy"), ("label", "x"), ("copy", "x"), ("label", "y"), ("copy", "y")}
    assert found["x", "y"].value == pytest.approx(frame["x"].corr(frame["y"]))
    assert found["x", "y"].rows == frame["y"].notna().sum()
    assert (found["label", "copy"].measure, found["label", "copy"].value) == ("cramers_v", pytest.approx(1.0, abs=1e-3))
    between = frame.groupby("label")["x"].transform("mean").var(ddof=0) / frame["x"].var(ddof=0)
    assert found["label", "x"].value == pytest.approx(math.sqrt(between), abs=1e-3)
    assert profile(frame.head(20)).correlations == ()


def test_what_is_wrong_with_characters_is_counted() -> None:
    frame = pd.DataFrame({"v": ["MÃ¼nchen", "Oslo ", "Oslo", "a\x07", "b"]})
    found = column(frame, "v")
    assert dict(found.encodings) == {"wrong encoding": 1, "control characters": 1, "white space at an end": 1}
    assert (found.shortest, found.longest, found.mean_length) == (1, 8, pytest.approx(20 / 5))


def test_infinite_and_negative_numbers_are_counted() -> None:
    found = column(pd.DataFrame({"v": [1.0, -2.0, np.inf, -np.inf, 0.0]}), "v")
    assert (found.infinite, found.negative, found.zeros) == (2, 1, 1)
