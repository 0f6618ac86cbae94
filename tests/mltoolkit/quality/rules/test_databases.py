"""Rules on a table of a database: one query where it can be, the same verdicts as from the frame."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mltoolkit.quality import Rule, Suite, open_source, validate
from mltoolkit.quality.databases import DatabaseSource
from mltoolkit.quality.rules import evaluation, pushdown

pytest.importorskip("ibis", reason="needs the extra quality")

Store = Callable[[pd.DataFrame], str]


@pytest.fixture(params=["duckdb", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Put a frame into a database of either kind and give its URL."""

    def stored(frame: pd.DataFrame) -> str:
        path = tmp_path / "shop.db"
        path.unlink(missing_ok=True)
        if request.param == "duckdb":
            with duckdb.connect(str(path)) as connection:
                connection.register("frame", frame)
                connection.execute("create table orders as select * from frame")
        else:
            connection = sqlite3.connect(path)
            frame.to_sql("orders", connection, index=False)
            connection.close()
        return f"{request.param}:///{path}?table=orders"

    return stored


def orders(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "amount": np.where(rng.random(rows) < 0.1, np.nan, rng.gamma(2.0, 40.0, rows).round(2)),
            "tax": rng.integers(0, 9, rows),
            "country": rng.choice(["NO", "IT", "NA", "AT"], rows),
            "code": [f"A-{n:03d}" for n in rng.integers(0, 999, rows)],
        }
    )


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("column_values_to_be_unique", {"column": "id"}),
    ("column_values_to_not_be_null", {"column": "tax"}),
    ("column_values_to_be_between", {"column": "amount", "min_value": 0, "max_value": 10_000}),
    ("column_values_to_be_between", {"column": "tax", "min_value": -1, "strict_min": True, "max_value": 9}),
    ("column_values_to_be_in_set", {"column": "country", "value_set": ["NO", "IT", "AT"]}),
    ("column_values_to_not_be_in_set", {"column": "tax", "value_set": [10, 11]}),
    ("column_values_to_match_regex", {"column": "code", "regex": "^A-[0-9]{3}$"}),
    ("column_values_to_not_match_regex", {"column": "code", "regex": "^B"}),
    ("column_value_lengths_to_equal", {"column": "code", "value": 5}),
    ("column_value_lengths_to_be_between", {"column": "code", "min_value": 4, "max_value": 6}),
    ("column_pair_values_a_to_be_greater_than_b",
     {"column_A": "id", "column_B": "id2", "or_equal": True, "ignore_row_if": "either_value_is_missing"}),
    ("column_pair_values_to_be_equal",
     {"column_A": "id", "column_B": "id2", "ignore_row_if": "either_value_is_missing"}),
    ("column_mean_to_be_between", {"column": "amount", "min_value": 0, "max_value": 1000}),
    ("column_max_to_be_between", {"column": "tax", "max_value": 8}),
    ("column_min_to_be_between", {"column": "tax", "min_value": 0}),
    ("column_sum_to_be_between", {"column": "tax", "min_value": 1}),
]  # fmt: skip


def test_rules_that_hold_are_judged_by_one_query(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    url = store(orders().assign(id2=orders()["id"]))
    suite = Suite(tuple(Rule(name, arguments) for name, arguments in ASKED))
    asked = []
    answer = DatabaseSource.answer
    monkeypatch.setattr(DatabaseSource, "answer", lambda self, question: asked.append(1) or answer(self, question))
    monkeypatch.setattr(DatabaseSource, "batches", lambda *_: pytest.fail("was read row by row"))
    verdicts = validate(url, suite)
    assert [verdict.rule.rule for verdict in verdicts if not verdict.passed] == []
    assert len(asked) == 1


def test_rules_that_do_not_hold_say_where(store: Store) -> None:
    frame = orders()
    frame.loc[7, "tax"] = 99
    frame.loc[9, "id"] = 3
    frame.loc[11, "code"] = "é-1"
    url = store(frame)
    rules = Suite(
        (
            Rule("column_values_to_be_between", {"column": "tax", "max_value": 9}),
            Rule("column_values_to_be_unique", {"column": "id"}),
            Rule("column_values_to_match_regex", {"column": "code", "regex": r"^A-\d+$"}),
            Rule("column_values_to_not_be_null", {"column": "country"}),
            Rule("table_row_count_to_equal", {"value": 300}),
        )
    )
    between, unique, regex, missing, count = validate(url, rules)
    assert (between.rows, between.values, between.considered) == ((8,), ("99",), 300)
    assert unique.rows == (4, 10)
    assert regex.values == ("é-1",)
    assert missing.count == (frame["country"] == "NA").sum()
    assert count.passed


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_query_changes_no_verdict(store: Store, data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 8))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return data.draw(st.lists(st.none() | values, min_size=rows, max_size=rows))

    frame = pd.DataFrame(
        {
            "id": pd.array(column(st.integers(-3, 5)), dtype="Int64"),
            "id2": pd.array(column(st.integers(-3, 5)), dtype="Int64"),
            "amount": pd.array(column(st.sampled_from([-1.5, 0.0, 2.5, 1e4])), dtype="float64"),
            "tax": pd.array(column(st.integers(-2, 11)), dtype="Int64"),
            "country": pd.array(column(st.sampled_from(["NO", "IT", "na", " NULL ", "", "ÅÅ", "1"])), dtype="str"),
            "code": pd.array(column(st.sampled_from(["A-001", "B", "A-1\n", "é-123", "A-12é"])), dtype="str"),
        }
    )
    suite = Suite(tuple(Rule(name, arguments) for name, arguments in ASKED))
    url = store(frame)
    by_query = validate(url, suite)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "_asked", lambda *_: ({}, None))
        streamed = validate(url, suite)
    for query, stream in zip(by_query, streamed, strict=True):
        assert (query.passed, query.count, query.considered) == (stream.passed, stream.count, stream.considered)
        assert query.rows == stream.rows
        assert query.observed == pytest.approx(stream.observed) or query.observed == stream.observed


def test_a_number_column_of_sqlite_that_holds_a_text(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    connection = sqlite3.connect(path)
    connection.execute("create table t (n integer)")
    connection.executemany("insert into t values (?)", [(1,), ("many",), (None,)])
    connection.commit()
    connection.close()
    suite = Suite((Rule("column_values_to_be_between", {"column": "n", "min_value": 0}),))
    (verdict,) = validate(f"sqlite:///{path}?table=t", suite)
    assert (verdict.count, verdict.considered, verdict.rows) == (1, 2, (2,))


def test_dates_of_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "dates.db"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select date '2024-01-01' + i::int as day, now() as at from range(5) r(i)")
    first, last = pd.Timestamp("2024-01-01").date(), pd.Timestamp("2024-01-05").date()
    suite = Suite(
        (
            Rule("column_values_to_be_between", {"column": "day", "min_value": first, "max_value": last}),
            Rule("column_max_to_be_between", {"column": "day", "max_value": last}),
            Rule("column_values_to_be_between", {"column": "day", "min_value": last}),
            Rule("column_values_to_be_between", {"column": "at", "min_value": first}),
        )
    )
    verdicts = validate(f"duckdb:///{path}?table=t", suite)
    assert [verdict.passed for verdict in verdicts] == [True, True, False, True]
    assert verdicts[2].rows == (1, 2, 3, 4)
    found, rows = pushdown.judge_by_query(open_source(f"duckdb:///{path}?table=t"), suite)
    assert (sorted(found), rows) == ([0, 1], 5)


def test_a_local_session_of_spark(tmp_path: Path) -> None:
    import shutil

    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on the path")
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").getOrCreate()
    session.createDataFrame(orders()).createOrReplaceTempView("orders")
    suite = Suite(tuple(Rule(name, arguments) for name, arguments in ASKED if "column_A" not in arguments))
    assert all(verdict.passed for verdict in validate("spark://local?table=orders", suite))
