"""Each rule against a sentence of pandas, on the same text: verdict, count, lines and values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.quality import Rule, Suite, check, validate
from mltoolkit.quality.rules import keys, numbers_kept, uniqueness
from mltoolkit.quality.rules.keys import KeyStore
from mltoolkit.quality.rules.numbers_kept import KeptNumbers
from mltoolkit.quality.rules.vocabulary import KINDS

Write = Callable[..., Path]

TABLE = """id,age,city,joined,left,score,share,email
1,31,Oslo,2020-01-03,2020-02-01,0.5,20,a@x.no
2,-4,oslo,2020-01-01,2019-12-31,1.5,30,b@x.no
3,,Rome,2020-01-02,,2.5,50,
3,200,Wien,05.01.2020,2020-03-01,abc,1,c@x.at
5,58,NA,2020-01-06,2020-01-06,3.5,,not an address
"""


def one(source: Any, name: str, **arguments: Any) -> Any:
    (verdict,) = validate(source, Suite((Rule(name, arguments),)))
    return verdict


WRONG: list[tuple[str, dict[str, Any], list[int], int]] = [
    # rule, arguments, the wrong lines of TABLE, rows considered
    ("column_values_to_be_between", {"column": "age", "min_value": 0, "max_value": 120}, [3, 5], 4),
    ("column_values_to_be_between", {"column": "age", "min_value": 31, "strict_min": True}, [2, 3], 4),
    ("column_values_to_be_between", {"column": "age", "max_value": 58, "strict_max": True}, [5, 6], 4),
    ("column_values_to_be_between", {"column": "score", "min_value": 0}, [5], 5),
    ("column_values_to_be_between", {"column": "joined", "min_value": pd.Timestamp("2020-01-02").date()}, [3], 5),
    ("column_values_to_be_between", {"column": "left", "max_value": pd.Timestamp("2020-02-01 12:00")}, [5], 4),
    ("column_values_to_be_between", {"column": "city", "min_value": "P", "max_value": "Z"}, [2, 3], 4),
    ("column_values_to_be_of_type", {"column": "score", "type_": "float"}, [5], 5),
    ("column_values_to_be_of_type", {"column": "score", "type_": "int64"}, [2, 3, 4, 5, 6], 5),
    ("column_values_to_be_of_type", {"column": "age", "type_": "int"}, [], 4),
    ("column_values_to_be_of_type", {"column": "city", "type_": "str"}, [], 4),
    ("column_values_to_be_of_type", {"column": "id", "type_": "str"}, [2, 3, 4, 5, 6], 5),
    ("column_values_to_be_of_type", {"column": "left", "type_": "datetime64"}, [], 4),
    ("column_values_to_be_in_type_list", {"column": "joined", "type_list": ["int", "bool"]}, [2, 3, 4, 5, 6], 5),
    ("column_values_to_not_be_null", {"column": "city"}, [6], 5),
    ("column_values_to_be_null", {"column": "age"}, [2, 3, 5, 6], 5),
    ("column_values_to_be_unique", {"column": "id"}, [4, 5], 5),
    ("column_values_to_be_unique", {"column": "city"}, [], 4),
    ("compound_columns_to_be_unique", {"column_list": ["id", "age"]}, [], 5),
    ("column_values_to_be_in_set", {"column": "city", "value_set": ["Oslo", "Rome"]}, [3, 5], 4),
    ("column_values_to_be_in_set", {"column": "age", "value_set": [31, 58.0, 200]}, [3], 4),
    ("column_values_to_be_in_set", {"column": "age", "value_set": ["31", "-4", "58"]}, [5], 4),
    ("column_values_to_not_be_in_set", {"column": "age", "value_set": [31, -4]}, [2, 3], 4),
    ("column_values_to_match_regex", {"column": "email", "regex": r"^[^@ ]+@[^@ ]+$"}, [6], 4),
    ("column_values_to_not_match_regex", {"column": "city", "regex": "^[a-z]"}, [3], 4),
    ("column_values_to_match_regex_list", {"column": "city", "regex_list": ["O", "R"], "match_on": "all"},
     [2, 3, 4, 5], 4),
    ("column_values_to_match_regex_list", {"column": "city", "regex_list": ["O", "R"]}, [3, 5], 4),
    ("column_values_to_not_match_regex_list", {"column": "city", "regex_list": ["O", "R"]}, [2, 4], 4),
    ("column_values_to_be_json_parseable", {"column": "score"}, [5], 5),
    ("column_value_lengths_to_be_between", {"column": "email", "min_value": 6, "max_value": 6}, [6], 4),
    ("column_value_lengths_to_equal", {"column": "age", "value": 2}, [5], 4),
    ("column_values_to_match_strftime_format", {"column": "joined", "strftime_format": "%Y-%m-%d"}, [5], 5),
    ("column_values_to_be_dateutil_parseable", {"column": "joined"}, [], 5),
    ("column_values_to_be_dateutil_parseable", {"column": "email"}, [2, 3, 5, 6], 4),
    ("column_values_to_be_increasing", {"column": "id"}, [], 5),
    ("column_values_to_be_increasing", {"column": "id", "strictly": True}, [5], 5),
    ("column_values_to_be_decreasing", {"column": "age"}, [5], 4),
    ("column_values_to_be_increasing", {"column": "joined"}, [3], 5),
    ("column_pair_values_a_to_be_greater_than_b", {"column_A": "left", "column_B": "joined"}, [3, 4, 6], 5),
    (
        "column_pair_values_a_to_be_greater_than_b",
        {"column_A": "left", "column_B": "joined", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
        [3],
        4,
    ),
    ("column_pair_values_to_be_equal", {"column_A": "left", "column_B": "joined"}, [2, 3, 4, 5], 5),
    ("column_pair_values_to_be_in_set", {"column_A": "id", "column_B": "city",
                                         "value_pairs_set": [[1, "Oslo"], [3, "Rome"], [3, "Wien"]]}, [3, 6], 5),
    ("multicolumn_sum_to_equal", {"column_list": ["age", "share"], "sum_total": 51}, [3, 4, 5, 6], 5),
    (
        "multicolumn_sum_to_equal",
        {"column_list": ["age", "share"], "sum_total": 51, "ignore_row_if": "any_value_is_missing"},
        [3, 5],
        3,
    ),
    ("select_column_values_to_be_unique_within_record", {"column_list": ["joined", "left"]}, [6], 5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "lines", "considered"), WRONG)
def test_which_rows_are_wrong(
    write: Write, name: str, arguments: dict[str, Any], lines: list[int], considered: int
) -> None:
    path = write(TABLE)
    verdict = one(path, name, **arguments)
    assert (verdict.passed, verdict.count, list(verdict.rows)) == (not lines, len(lines), lines[:5])
    assert verdict.considered == considered
    assert bool(verdict.message) == bool(lines)
    rows = [line.split(",") for line in TABLE.splitlines()]
    columns = [rows[0].index(column) for column in verdict.rule.columns]
    shown = [" | ".join("" if rows[n - 1][i] == "NA" else rows[n - 1][i] for i in columns) for n in verdict.rows]
    assert list(verdict.values) == shown
    if not lines:
        assert check(path, rules=Suite((verdict.rule,))) == ()


WHOLE: list[tuple[str, dict[str, Any], Any, bool]] = [
    # rule, arguments, what is observed, whether it holds
    ("table_row_count_to_be_between", {"min_value": 5, "max_value": 5}, 5, True),
    ("table_row_count_to_be_between", {"min_value": 5, "strict_min": True}, 5, False),
    ("table_row_count_to_equal", {"value": 4}, 5, False),
    ("table_column_count_to_be_between", {"max_value": 7}, 8, False),
    ("table_column_count_to_equal", {"value": 8}, 8, True),
    ("column_to_exist", {"column": "age"}, 1, True),
    ("column_to_exist", {"column": "age", "column_index": 0}, 1, False),
    ("column_to_exist", {"column": "aeg"}, None, False),
    ("column_proportion_of_non_null_values_to_be_between", {"column": "age", "min_value": 0.9}, 0.8, False),
    ("column_min_to_be_between", {"column": "age", "min_value": -4}, -4, True),
    ("column_max_to_be_between", {"column": "age", "max_value": 199}, 200, False),
    ("column_min_to_be_between", {"column": "city", "min_value": "P"}, "Oslo", False),
    ("column_mean_to_be_between", {"column": "age", "min_value": 0, "max_value": 100}, 71.25, True),
    ("column_median_to_be_between", {"column": "age", "min_value": 45}, 44.5, False),
    ("column_sum_to_be_between", {"column": "share", "max_value": 100}, 101, False),
    ("column_unique_value_count_to_be_between", {"column": "id", "min_value": 4, "max_value": 4}, 4, True),
    ("column_proportion_of_unique_values_to_be_between", {"column": "id", "min_value": 1}, 0.8, False),
    ("column_distinct_values_to_be_in_set", {"column": "id", "value_set": [1, 2, 3]}, None, False),
    ("column_distinct_values_to_contain_set", {"column": "id", "value_set": [1, 2, 4]}, None, False),
    ("column_distinct_values_to_equal_set", {"column": "id", "value_set": [5, 1, 2, 3]}, None, True),
    ("column_most_common_value_to_be_in_set", {"column": "id", "value_set": [3, 4]}, None, True),
    ("column_most_common_value_to_be_in_set", {"column": "city", "value_set": ["Oslo"]}, None, False),
    ("column_most_common_value_to_be_in_set", {"column": "city", "value_set": ["Oslo"], "ties_okay": True}, None, True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "observed", "holds"), WHOLE)
def test_what_is_observed_of_the_whole(
    write: Write, name: str, arguments: dict[str, Any], observed: Any, holds: bool
) -> None:
    verdict = one(write(TABLE), name, **arguments)
    assert verdict.passed == holds
    assert bool(verdict.message) != holds
    if observed is not None:
        assert verdict.observed == pytest.approx(observed) if isinstance(observed, float) else observed


def test_every_rule_has_a_case_here_or_beside() -> None:
    tested = {case[0] for case in (*WRONG, *WHOLE)}
    beside = {
        "column_values_to_exist_in_file", "column_stdev_to_be_between", "column_quantile_values_to_be_between",
        "column_kl_divergence_to_be_less_than", "table_columns_to_match_set", "table_columns_to_match_ordered_list",
    }  # fmt: skip
    assert tested | beside == set(KINDS)


def test_messages_say_what_is_wrong_in_figures(write: Write) -> None:
    path = write(TABLE)
    for name, arguments, said in (
        ("column_values_to_be_between", {"column": "age", "min_value": 0, "max_value": 120},
         "2 values lie outside 0 to 120 (50%), such as '-4'"),
        ("column_values_to_not_be_null", {"column": "age", "mostly": 0.9}, "1 cell is missing (20%); 10% are allowed"),
        ("column_values_to_be_unique", {"column": "id"}, "2 values come more than once (40%), such as '3'"),
        ("column_mean_to_be_between", {"column": "score", "min_value": 0}, "1 value is no number, such as 'abc'"),
        ("table_row_count_to_equal", {"value": 4}, "the number of rows is 5; expected 4"),
        ("column_max_to_be_between", {"column": "age", "max_value": 120},
         "the largest value is 200; expected at most 120"),
        ("column_distinct_values_to_be_in_set", {"column": "city", "value_set": ["Oslo"]},
         "3 different values are not among 'Oslo'"),
        ("column_distinct_values_to_contain_set", {"column": "city", "value_set": ["Bern"]}, "never comes: 'Bern'"),
        ("column_most_common_value_to_be_in_set", {"column": "id", "value_set": [1]},
         "the most frequent value is '3' (2 times); expected 1"),
        ("table_columns_to_match_set", {"column_set": ["id", "age", "name"], "exact_match": False},
         "a column is missing: 'name'"),
        ("column_to_exist", {"column": "agee"}, "there is no such column; the nearest is 'age'"),
    ):  # fmt: skip
        (finding,) = check(path, rules=Suite((Rule(name, arguments),)))
        assert finding.message == said


def test_a_column_that_is_not_there_breaks_its_rule_and_no_other(write: Write) -> None:
    path = write(TABLE)
    rules = """
[[rule]]
rule = "column_values_to_be_between"
column = "aeg"
min_value = 0
[[rule]]
rule = "column_values_to_not_be_null"
column = "id"
"""
    (finding,) = check(path, rules=rules)
    assert finding.message == "there is no column 'aeg'; the nearest is 'age' (line 2 of the rules)"
    assert (finding.column, finding.count, finding.share, finding.rows) == ("aeg", 5, 1.0, ())


def test_columns_of_the_table(write: Write) -> None:
    path = write("a,b\n1,2\n")
    for names, said in (
        (["a", "b"], ""),
        (["b", "a"], "column 1 is 'a' where 'b' was expected"),
        (["a"], "a column is not expected: 'b'"),
        (["a", "b", "c"], "a column is missing: 'c'"),
    ):
        assert one(path, "table_columns_to_match_ordered_list", column_list=names).message == said
    assert one(path, "table_columns_to_match_set", column_set=["b", "a"]).passed
    assert one(path, "table_columns_to_match_set", column_set=["a"], exact_match=False).passed


def test_severities_names_and_notes_reach_the_findings(write: Write) -> None:
    rules = """
[[rule]]
rule = "column_values_to_not_be_null"
column = "age"
severity = "warning"
[[rule]]
rule = "column_values_to_not_be_null"
column = "city"
name = "a city for everybody"
note = "deliveries need it"
"""
    error, warning = check(write(TABLE), rules=rules)
    assert (error.severity, error.name, error.note) == ("error", "a city for everybody", "deliveries need it")
    assert (warning.severity, warning.column, warning.share) == ("warning", "age", 0.2)


@pytest.mark.parametrize("mostly", [0.0, 0.5, 0.75, 0.76, 1.0])
def test_mostly(write: Write, mostly: float) -> None:
    verdict = one(write("v\n1\n2\n3\n99\n\n"), "column_values_to_be_between", column="v", max_value=9, mostly=mostly)
    assert (verdict.passed, verdict.count, verdict.considered) == (mostly <= 0.75, 1, 4)


def test_a_table_without_rows(write: Write) -> None:
    """Nothing is wrong with rows that are not there; what has to be told from values cannot be."""
    path = write("a,b\n")
    for kind in KINDS.values():
        if kind.family in ("rows", "columns", "keys"):
            continue
        arguments: dict[str, Any] = {
            "column": "a", "column_A": "a", "column_B": "b", "column_list": ["a", "b"], "min_value": 0, "value": 1,
            "value_set": [1], "regex": "a", "regex_list": ["a"], "strftime_format": "%Y", "type_": "int",
            "type_list": ["int"], "value_pairs_set": [[1, 2]], "sum_total": 3, "threshold": 1,
            "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]},
            "partition_object": {"values": [1], "weights": [1.0]},
        }  # fmt: skip
        verdict = one(path, kind.name, **{key: value for key, value in arguments.items() if kind.argument(key)})
        zero = kind.name in (
            "column_sum_to_be_between", "column_unique_value_count_to_be_between",
            "column_proportion_of_unique_values_to_be_between", "column_proportion_of_non_null_values_to_be_between",
            "column_distinct_values_to_be_in_set",
        )  # fmt: skip
        assert verdict.passed == (kind.by_row or zero), kind.name


def test_ones_written_in_two_ways(write: Write) -> None:
    """In a column of numbers 1 is 1.0; in one of texts it is not, nor is a code the number that it looks like."""
    for text, repeated in (
        ("1\n1.0\n2", [2, 3]), ("1\n1.0\nx", []), ("007\n7\n8", []), ("x\n7\n7", [3, 4]), (" 7\n7\n8", [2, 3]),
        ("9007199254740993\n9007199254740992", []), ("-0.0\n0", [2, 3]), ("é\ne\u0301", []),
    ):  # fmt: skip
        path = write(f"v,w\n{''.join(line + ',1' + chr(10) for line in text.splitlines())}")
        assert list(one(path, "column_values_to_be_unique", column="v").rows) == repeated, text
        want = len(text.splitlines()) - len(repeated) // 2
        rule = {"column": "v", "min_value": want, "max_value": want}
        assert one(path, "column_unique_value_count_to_be_between", **rule).passed, text
        assert list(one(path, "compound_columns_to_be_unique", column_list=["v", "w"]).rows) == repeated, text


def test_a_foreign_key(write: Write, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "keys.csv").write_text("code,n\nNO,1\nIT,2\n007,3\n")
    rules = tmp_path / "rules.toml"
    rule = '[[rule]]\nrule = "column_values_to_exist_in_file"\ncolumn = "{}"\nfile = "deep/keys.csv"\nkey = "{}"\n'
    table = write("country,n\nNO,1\nDK,2.0\nno,4\n,\n7,3\n007,3\n")
    rules.write_text(rule.format("country", "code"))
    (finding,) = check(table, rules=rules)
    assert (finding.count, finding.rows, finding.values) == (3, (3, 4, 6), ("DK", "no", "7"))
    assert finding.message == "3 values do not come in column code of deep/keys.csv (60%), such as 'DK'"
    rules.write_text(rule.format("n", "n"))
    (finding,) = check(pd.read_csv(table), rules=rules)
    assert finding.rows == (3,)
    rules.write_text(rule.format("n", "nn"))
    with pytest.raises(BadInput, match=r"line 1: key: .*keys.csv has no column 'nn'; the nearest is 'n'"):
        check(table, rules=rules)
    rules.write_text(rule.format("n", "n").replace("keys.csv", "no.csv"))
    with pytest.raises(CannotRead, match="there is no such file"):
        check(table, rules=rules)


# -- typed sources -----------------------------------------------------------------------------------------


def test_columns_with_types(tmp_path: Path) -> None:
    moments = pd.to_datetime(["2024-01-02", None, "2024-01-01", "2024-02-30 10:00"], errors="coerce", format="mixed")
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None, 3, 2**60 + 1], dtype="Int64"),
            "x": [0.5, np.nan, np.inf, -1.0],
            "flag": pd.array([True, None, False, True], dtype="boolean"),
            "when": moments,
            "word": pd.Categorical(["a", None, "b", "a"]),
            "amount": [1, "two", None, 4],
        }
    )
    frame.iloc[:, :5].to_parquet(tmp_path / "t.parquet")
    polars_like = pa.Table.from_pandas(frame.iloc[:, :5], preserve_index=False)
    for source in (frame, tmp_path / "t.parquet", polars_like):
        assert list(one(source, "column_values_to_be_between", column="n", max_value=2**60).rows) == [4]
        assert list(one(source, "column_values_to_be_between", column="x", max_value=9).rows) == [3]
        assert list(one(source, "column_values_to_not_be_null", column="x").rows) == [2]
        assert list(one(source, "column_values_to_be_in_set", column="flag", value_set=[True]).rows) == [3]
        assert list(one(source, "column_values_to_be_in_set", column="word", value_set=["a"]).rows) == [3]
        assert list(one(source, "column_values_to_be_unique", column="word").rows) == [1, 4]
        assert list(one(source, "column_values_to_be_increasing", column="when").rows) == [3]
        verdict = one(source, "column_values_to_be_between", column="when", max_value=pd.Timestamp("2024-01-01").date())
        assert (list(verdict.rows), verdict.values) == ([1], ("2024-01-02",))
        assert list(one(source, "column_values_to_be_between", column="when", max_value="2024-01-01").rows) == [1]
        assert list(one(source, "column_values_to_be_in_set", column="n", value_set=["1", 3]).rows) == [1, 4]
        assert list(one(source, "column_value_lengths_to_equal", column="n", value=1).rows) == [4]
        assert one(source, "column_values_to_be_of_type", column="n", type_="int").passed
        assert one(source, "column_values_to_be_of_type", column="when", type_="datetime64").passed
    assert list(one(frame, "column_values_to_be_between", column="amount", max_value=3).rows) == [2, 4]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
def test_every_kind_of_text_that_arrow_has(kind: pa.DataType) -> None:
    column = pa.array(["a", None, "NA", "b", "b"], pa.string())
    column = column.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else column.cast(kind)
    table = pa.table({"w": column})
    assert list(one(table, "column_values_to_be_unique", column="w").rows) == [4, 5]
    assert list(one(table, "column_values_to_not_be_null", column="w").rows) == [2, 3]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, 2, 300], pa.uint64()), pa.array([1, 2, 300], pa.int16()),
        pa.array([1.0, 2.0, 300.0], pa.float32()), pa.array([1, 2, 300]).cast(pa.decimal128(21, 2)),
        pa.array([b"1", b"2", b"300"]), pa.array(["1", "2", "300"]),
    ],
)  # fmt: skip
def test_numbers_of_every_type(array: pa.Array) -> None:
    table = pa.table({"n": array})
    assert list(one(table, "column_values_to_be_between", column="n", max_value=100).rows) == [3]
    assert one(table, "column_mean_to_be_between", column="n", min_value=101, max_value=101).passed


# -- many rows ---------------------------------------------------------------------------------------------


def many(rows: int = 150_000) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "x": rng.normal(size=rows).round(3),
            "w": rng.choice(["a", "b", "c", ""], rows),
            "t": [f"row-{i}" for i in range(rows)],
        }
    )


def test_several_batches_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_IN_MEMORY", 40_000)
    monkeypatch.setattr(numbers_kept, "_IN_MEMORY", 40_000)
    frame = many()
    frame.loc[140_000, "id"] = 70
    frame.loc[100_000, "t"] = "row-5"
    frame.loc[80_000, "x"] = 99.0
    path = tmp_path / "many.csv"
    frame.to_csv(path, index=False)
    frame = pd.read_csv(path)
    for source, first in ((path, 2), (frame, 1)):
        assert one(source, "column_values_to_be_unique", column="id").rows == (70 + first, 140_000 + first)
        assert one(source, "column_values_to_be_unique", column="t").rows == (5 + first, 100_000 + first)
        assert one(source, "column_values_to_be_increasing", column="id").rows == (140_000 + first,)
        verdict = one(source, "column_values_to_be_between", column="x", max_value=50)
        assert (verdict.rows, verdict.values, verdict.count) == ((80_000 + first,), ("99.0",), 1)
        nulls = one(source, "column_values_to_not_be_null", column="w")
        assert nulls.count == frame["w"].isna().sum()
        assert list(nulls.rows) == [i + first for i in np.flatnonzero(frame["w"].isna())[:5]]
        pairs = one(source, "compound_columns_to_be_unique", column_list=["x", "w"])
        assert pairs.count == frame.duplicated(["x", "w"], keep=False).sum()
        count = frame["x"].nunique()
        rule = {"column": "x", "min_value": count, "max_value": count}
        assert one(source, "column_unique_value_count_to_be_between", **rule).passed
        for name, want in (
            ("mean", frame["x"].mean()), ("stdev", frame["x"].std()), ("median", frame["x"].median()),
            ("sum", frame["x"].sum()),
        ):  # fmt: skip
            verdict = one(source, f"column_{name}_to_be_between", column="x", min_value=-1e9)
            assert verdict.observed == pytest.approx(want, rel=1e-12, abs=1e-12)
        shares = [0.0, 0.1, 0.5, 0.9, 1.0]
        ranges = {"quantiles": shares, "value_ranges": [[-math.inf, math.inf]] * 5}
        verdict = one(source, "column_quantile_values_to_be_between", column="x", quantile_ranges=ranges)
        assert verdict.observed == frame["x"].quantile(shares, interpolation="nearest").tolist()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(-1e300, 1e300) | st.sampled_from([0.0, -0.0, math.inf, -math.inf]), min_size=1))
def test_order_statistics_from_files(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> None:
    monkeypatch.setattr(numbers_kept, "_IN_MEMORY", 3)
    kept = KeptNumbers()
    for value in values:
        kept.add(np.array([value]))
    assert kept.smallest(np.arange(len(values))).tolist() == sorted(values)
    kept.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.integers(0, 9) | st.integers(0, 2**64 - 1)), limit=st.integers(1, 20))
def test_keys_in_files(monkeypatch: pytest.MonkeyPatch, values: list[int], limit: int) -> None:
    monkeypatch.setattr(keys, "_IN_MEMORY", limit)
    store = KeyStore()
    for start in range(0, len(values), 3):
        store.add(np.array(values[start : start + 3], dtype=np.uint64))
    tally = pd.Series(values, dtype="uint64").value_counts()
    assert store.distinct() == len(tally)
    repeated, rows = store.repeated()
    assert repeated.tolist() == sorted(tally.index[tally > 1])
    assert rows == tally[tally > 1].sum()
    best, most = store.most_common()
    assert most == (tally.max() if len(tally) else 0)
    assert sorted(best.tolist()) == sorted(tally.index[tally == most])
    store.close()


def test_equal_keys_of_different_values_are_told_apart(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two texts may share a hash; the rows are looked at before anything is called repeated."""
    monkeypatch.setattr(uniqueness, "cell_keys", lambda view, as_text: np.zeros(len(view.cells), dtype=np.uint64))
    assert one(write("w\na\nb\nc\n"), "column_values_to_be_unique", column="w").passed
    verdict = one(write("w\na\nb\na\n"), "column_values_to_be_unique", column="w")
    assert (verdict.count, verdict.rows) == (2, (2, 4))


# -- any table at all --------------------------------------------------------------------------------------

CELLS = st.sampled_from(
    ["", "NA", "1", "1.0", "2", "-3", "1e2", "x", " 1", "007", "2020-01-01", "true", "é", "abc", "inf"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(cells=st.lists(CELLS, min_size=1, max_size=9), low=st.integers(-3, 3))
def test_numbers_among_anything(write: Write, cells: list[str], low: int) -> None:
    """What is a number, what is missing and what is neither, beside pandas' own reading of the same texts."""
    path = write("v,w\n" + "".join(f"{cell},-\n" for cell in cells))
    texts = pd.Series(cells)
    missing = texts.isin(["", "NA"])
    numbers = pd.to_numeric(texts.str.strip().where(~missing), errors="coerce")
    verdict = one(path, "column_values_to_be_between", column="v", min_value=low)
    wrong = ~missing & ~(numbers >= low)
    assert (verdict.count, verdict.considered) == (wrong.sum(), (~missing).sum())
    assert list(verdict.rows) == [int(i) + 2 for i in np.flatnonzero(wrong)[:5]]
    assert one(path, "column_values_to_not_be_null", column="v").count == missing.sum()
    as_float = one(path, "column_values_to_be_of_type", column="v", type_="float")
    assert as_float.count == (~missing & numbers.isna()).sum()
    members = one(path, "column_values_to_be_in_set", column="v", value_set=["x", 1, 100])
    assert members.count == (~missing & ~(texts.eq("x") | numbers.isin([1, 100]))).sum()


def test_json(write: Write) -> None:
    values = ['{"a": 1}', "[1, 2", "3", "nul"]
    frame = pd.DataFrame({"j": values})
    verdict = one(frame, "column_values_to_be_json_parseable", column="j")
    want = []
    for i, value in enumerate(values, 1):
        try:
            json.loads(value)
        except ValueError:
            want.append(i)
    assert list(verdict.rows) == want
