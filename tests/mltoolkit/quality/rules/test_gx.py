"""Our verdicts beside those of Great Expectations: the same suite, on the same data loaded by pandas."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mltoolkit.quality import Rule, Suite, load_rules, suggest, validate

Judge = Callable[[pd.DataFrame, Suite], list[tuple[bool, int | None, str]]]


@pytest.fixture(scope="module")
def by_gx() -> Judge:
    """Judge a frame by Great Expectations: for each rule whether it holds, how many are wrong, and what went wrong."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("GX_ANALYTICS_ENABLED", "false")
        warnings.simplefilter("ignore")
        gx = pytest.importorskip("great_expectations", reason="needs the extra quality")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset = context.data_sources.add_pandas("source").add_dataframe_asset("asset")
        definition = asset.add_batch_definition_whole_dataframe("whole")

    def judge(frame: pd.DataFrame, suite: Suite) -> list[tuple[bool, int | None, str]]:
        exported = suite.to_gx()
        for place, expectation in enumerate(exported["expectations"]):
            expectation.setdefault("meta", {})["place"] = place  # what raised comes first in the results
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batch = definition.get_batch({"dataframe": frame})
            results = batch.validate(gx.ExpectationSuite(**exported)).results
        found: dict[int, tuple[bool, int | None, str]] = {}
        for result in results:
            error = str(result.exception_info)
            place = result.expectation_config.meta["place"]
            raised = error if "'raised_exception': True" in error else ""
            found[place] = bool(result.success), result.result.get("unexpected_count"), raised
        return [found[i] for i in range(len(found))]

    return judge


def differences(judge: Judge, text: str, suite: Suite, path: Path) -> list[str]:
    """Where the verdicts or the counts differ; a rule that Great Expectations cannot carry out is passed over."""
    path.write_text(text, encoding="utf-8")
    frame = pd.read_csv(io.StringIO(text), parse_dates=["at"] if text.startswith("k,") else None)
    wrong = []
    for ours, (holds, count, raised) in zip(validate(path, suite), judge(frame, suite), strict=True):
        if raised:
            continue
        if ours.passed != holds or (ours.rule.kind.by_row and count is not None and count != ours.count):
            wrong.append(f"{ours.rule}: ours {ours.passed} {ours.count} {ours.message!r}, theirs {holds} {count}")
    return wrong


def gaps(values: st.SearchStrategy[Any], share: int = 6) -> st.SearchStrategy[Any]:
    return st.integers(0, share).flatmap(lambda draw: st.none() if draw == 0 else values)


WORDS = st.sampled_from(
    ["ant", "bee", "Bee", "zoé", "ünder", "a b", "ant ", "x1", "q,r", 'say "hi"', "ñ", "漢字", "ab"]
)
NUMBERS = st.integers(-5, 9)
FLOATS = st.sampled_from([-2.5, -1.0, 0.0, 0.5, 0.5, 1.25, 3.0, 7.75, 100.5])
DAYS = st.dates(pd.Timestamp("2019-12-28").date(), pd.Timestamp("2020-02-05").date()).map(str)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(gaps(values), min_size=rows, max_size=rows))

    return pd.DataFrame(
        {
            "k": draw(st.permutations(range(rows))) if draw(st.booleans()) else column(NUMBERS),
            "n": column(NUMBERS),
            "m": column(NUMBERS),
            "x": column(FLOATS),
            "w": pd.Series(column(WORDS), dtype=object),
            "v": pd.Series(column(WORDS), dtype=object),
            "day": pd.Series(column(DAYS), dtype=object),
            "due": pd.Series(column(DAYS), dtype=object),
            "at": pd.Series(column(DAYS), dtype=object),
        }
    )


@st.composite
def suites(draw: st.DrawFn) -> Suite:
    low, high = sorted(draw(st.lists(NUMBERS, min_size=2, max_size=2)))
    mostly = draw(st.sampled_from([{}, {"mostly": 0.5}, {"mostly": 0.75}, {"mostly": 1.0}]))
    strict = draw(st.sampled_from([{}, {"strict_min": True}, {"strict_max": True, "strict_min": True}]))
    words = draw(st.lists(WORDS, min_size=1, max_size=5, unique=True))
    numbers = draw(st.lists(NUMBERS, min_size=1, max_size=5, unique=True))
    day = draw(DAYS)
    bounds = {"min_value": low, "max_value": high, **strict}
    half = {"min_value": 0.25, "max_value": 0.75, **strict}
    row_gaps = draw(st.sampled_from([{}, {"ignore_row_if": "any_value_is_missing"}, {"ignore_row_if": "never"}]))
    pair_gaps = draw(st.sampled_from([{}, {"ignore_row_if": "either_value_is_missing"}, {"ignore_row_if": "neither"}]))
    pairs = [[draw(WORDS), draw(WORDS)] for _ in range(4)]
    counts = {"min_value": max(0, low), "max_value": max(high, 0), **strict}
    weights = {"values": ["ant", "bee", "ñ"], "weights": [0.25, 0.5, 0.25]}
    bins = {"bins": [-3.0, 0.5, 3.0], "weights": [0.5, 0.25], "tail_weights": [0.125, 0.125]}
    named: list[tuple[str, dict[str, Any]]] = [
        ("table_row_count_to_be_between", counts),
        ("table_row_count_to_equal", {"value": max(0, low)}),
        ("table_column_count_to_be_between", {"min_value": max(0, low), "max_value": max(0, high)}),
        ("table_column_count_to_equal", {"value": max(0, high)}),
        ("table_columns_to_match_ordered_list", {"column_list": ["k", "n", "m", "x", "w", "v", "day", "due", "at"]}),
        ("table_columns_to_match_set", {"column_set": ["n", "k", "zz"], "exact_match": False}),
        ("table_columns_to_match_set", {"column_set": ["n", "k"], "exact_match": draw(st.booleans())}),
        ("column_to_exist", {"column": draw(st.sampled_from(["n", "nn"])), "column_index": draw(st.integers(1, 2))}),
        ("column_values_to_not_be_null", {"column": "n", **mostly}),
        ("column_values_to_be_null", {"column": "w", **mostly}),
        ("column_proportion_of_non_null_values_to_be_between", {"column": "m", **half}),
        ("column_values_to_be_unique", {"column": "k", **mostly}),
        ("column_values_to_be_unique", {"column": "w", **mostly}),
        ("column_values_to_be_unique", {"column": "x", **mostly}),
        ("compound_columns_to_be_unique", {"column_list": ["n", "w"], **row_gaps, **mostly}),
        ("compound_columns_to_be_unique", {"column_list": ["m", "x", "v"], **row_gaps}),
        ("select_column_values_to_be_unique_within_record", {"column_list": ["n", "m"], **row_gaps, **mostly}),
        ("column_values_to_be_between", {"column": "n", **bounds, **mostly}),
        ("column_values_to_be_between", {"column": "x", "max_value": low}),
        ("column_values_to_be_between", {"column": "at", "min_value": pd.Timestamp(day).date(), **mostly}),
        ("column_values_to_be_in_set", {"column": "w", "value_set": words, **mostly}),
        ("column_values_to_be_in_set", {"column": "n", "value_set": numbers, **mostly}),
        ("column_values_to_not_be_in_set", {"column": "w", "value_set": words, **mostly}),
        ("column_values_to_not_be_in_set", {"column": "x", "value_set": numbers}),
        ("column_distinct_values_to_be_in_set", {"column": "w", "value_set": words}),
        ("column_distinct_values_to_contain_set", {"column": "w", "value_set": words[:2]}),
        ("column_distinct_values_to_equal_set", {"column": "n", "value_set": numbers}),
        ("column_most_common_value_to_be_in_set", {"column": "w", "value_set": words, "ties_okay": True}),
        ("column_most_common_value_to_be_in_set", {"column": "n", "value_set": numbers}),
        ("column_values_to_match_regex", {"column": "w", "regex": draw(REGEXES), **mostly}),
        ("column_values_to_not_match_regex", {"column": "w", "regex": draw(REGEXES), **mostly}),
        ("column_values_to_match_regex_list", {"column": "w", "regex_list": ["^a", "e"], "match_on": "all"}),
        ("column_values_to_match_regex_list", {"column": "v", "regex_list": ["^a", "e", "é$"], **mostly}),
        ("column_values_to_not_match_regex_list", {"column": "v", "regex_list": ["^a", "1"], **mostly}),
        ("column_values_to_be_json_parseable", {"column": "w", **mostly}),
        ("column_value_lengths_to_be_between", {"column": "w", **counts, **mostly}),
        ("column_value_lengths_to_equal", {"column": "v", "value": 3, **mostly}),
        ("column_values_to_match_strftime_format", {"column": "day", "strftime_format": "%Y-%m-%d", **mostly}),
        ("column_values_to_match_strftime_format", {"column": "w", "strftime_format": "%Y", **mostly}),
        ("column_values_to_be_dateutil_parseable", {"column": "day", **mostly}),
        ("column_values_to_be_increasing", {"column": "n", "strictly": draw(st.booleans()), **mostly}),
        ("column_values_to_be_decreasing", {"column": "x", "strictly": draw(st.booleans()), **mostly}),
        ("column_pair_values_a_to_be_greater_than_b", {"column_A": "n", "column_B": "m", **pair_gaps, **mostly}),
        ("column_pair_values_a_to_be_greater_than_b", {"column_A": "due", "column_B": "day", "or_equal": True}),
        ("column_pair_values_to_be_equal", {"column_A": "w", "column_B": "v", **pair_gaps, **mostly}),
        ("column_pair_values_to_be_in_set", {"column_A": "w", "column_B": "v", "value_pairs_set": pairs, **pair_gaps}),
        ("multicolumn_sum_to_equal", {"column_list": ["n", "m"], "sum_total": low + high, **row_gaps}),
        ("column_min_to_be_between", {"column": "n", **bounds}),
        ("column_max_to_be_between", {"column": "at", "max_value": pd.Timestamp(day)}),
        ("column_max_to_be_between", {"column": "x", **bounds}),
        ("column_mean_to_be_between", {"column": "n", **bounds}),
        ("column_median_to_be_between", {"column": "x", **bounds}),
        ("column_stdev_to_be_between", {"column": "n", **bounds}),
        ("column_sum_to_be_between", {"column": "n", **bounds}),
        ("column_unique_value_count_to_be_between", {"column": "w", **counts}),
        ("column_proportion_of_unique_values_to_be_between", {"column": "w", **half}),
        (
            "column_quantile_values_to_be_between",
            {
                "column": "x",
                "quantile_ranges": {"quantiles": [0.25, 0.5], "value_ranges": [[-math.inf, 1], [low, high]]},
            },
        ),
        (
            "column_kl_divergence_to_be_less_than",
            {"column": "w", "partition_object": weights, "threshold": 0.5, "tail_weight_holdout": 0.25},
        ),
        ("column_kl_divergence_to_be_less_than", {"column": "x", "partition_object": bins, "threshold": 0.5}),
    ]  # fmt: skip
    return Suite(tuple(Rule(name, arguments) for name, arguments in named))


REGEXES = st.sampled_from(
    [r"^a", r"e+$", r"^\w+$", r"[é-ü]", r"\s", r"^[a-z ]{2,3}$", r"(?i)BEE", r"b(?=e)", r"(.).*\1"]
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(frame=tables(), suite=suites())
def test_the_same_verdicts_and_counts(by_gx: Judge, tmp_path: Path, frame: pd.DataFrame, suite: Suite) -> None:
    assert load_rules(suite.to_toml()) == suite
    text = frame.to_csv(index=False)
    assert not differences(by_gx, text, suite, tmp_path / "table.csv")


@pytest.mark.parametrize("name", ["dirty-hospital", "dirty-beers"])
def test_suggested_rules_on_a_clean_table(by_gx: Judge, shared_data: Path, tmp_path: Path, name: str) -> None:
    text = (shared_data / name / "clean.csv").read_text(encoding="utf-8")
    suite = suggest(shared_data / name / "clean.csv")
    assert not differences(by_gx, text, suite, tmp_path / "table.csv")
    frame = pd.read_csv(io.StringIO(text))
    assert all(holds for holds, _, _ in by_gx(frame, suite))


def test_a_foreign_key_becomes_a_set(by_gx: Judge, tmp_path: Path) -> None:
    (tmp_path / "countries.csv").write_text("code,name\nNO,Norway\nIT,Italy\n")
    (tmp_path / "rules.toml").write_text(
        '[[rule]]\nrule = "column_values_to_exist_in_file"\ncolumn = "country"\nfile = "countries.csv"\nkey = "code"\n'
    )
    suite = load_rules(tmp_path / "rules.toml")
    assert suite.to_gx()["expectations"][0]["kwargs"] == {"column": "country", "value_set": ["NO", "IT"]}
    assert not differences(by_gx, "country\nNO\nDK\n\nIT\n", suite, tmp_path / "table.csv")


def test_what_cannot_be_exported_is_named_with_its_reason(tmp_path: Path) -> None:
    rules = """
[[rule]]
rule = "column_values_to_be_between"
column = "w"
min_value = "b"
[[rule]]
rule = "column_values_to_exist_in_file"
column = "w"
file = "many.csv"
key = "k"
[[rule]]
rule = "column_values_to_exist_in_file"
column = "w"
file = "nowhere.csv"
key = "k"
"""
    (tmp_path / "rules.toml").write_text(rules)
    (tmp_path / "many.csv").write_text("k\n" + "\n".join(map(str, range(1001))) + "\n")
    suite = load_rules(tmp_path / "rules.toml")
    exported = suite.to_gx()
    assert exported["expectations"] == []
    texts, many, nowhere = [entry["reason"] for entry in exported["meta"]["left_out"]]
    assert texts == "Great Expectations has no bounds that are texts"
    assert many == "many.csv holds more than 1,000 keys, too many for a set"
    assert "there is no such file" in nowhere
    assert [rule.line for rule, _ in suite.left_out_of_gx()] == [2, 6, 11]
