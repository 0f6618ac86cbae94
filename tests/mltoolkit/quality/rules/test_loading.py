from __future__ import annotations

import datetime
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.quality import Rule, Suite, load_rules
from mltoolkit.quality.rules.vocabulary import KINDS


def faults(text: str) -> list[str]:
    with pytest.raises(BadInput) as error:
        load_rules(text)
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def test_a_rules_file() -> None:
    suite = load_rules("""
name = "customers"

[[rule]]
rule = "expect_column_values_to_be_between"   # with Great Expectations' own prefix
column = "age"
min_value = 0
max_value = 120
severity = "warning"
name = "a human age"
note = "asked for by sales"
[[rule]]
rule = "column_values_to_not_be_null"
column = "id"
""")
    assert suite.name == "customers"
    age, missing = suite.rules
    assert (age.rule, age.columns, age.severity, age.name) == (
        "column_values_to_be_between",
        ("age",),
        "warning",
        "a human age",
    )
    assert dict(age.arguments) == {"column": "age", "min_value": 0, "max_value": 120}
    assert (age.line, missing.line, missing.severity, len(suite)) == (4, 12, "error", 2)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert faults("""severty = "error"
[[rule]]
rule = "column_values_to_be_betwen"
column = "a"
[[rule]]
rule = "column_values_to_be_between"
colum = "a"
value_set = [
  "min_value = 3",
]
severity = "fatal"
[[rule]]
column = "a"
[[rule]]
rule = "column_values_to_match_regex"
column = "a"
regex = "("
mostly = 2
note = 3
""") == [
        "line 1: severty: is no key of a rules file; a rule begins with [[rule]]",
        "line 3: rule: there is no rule 'column_values_to_be_betwen'; the nearest is 'column_values_to_be_between'",
        "line 5: column: column_values_to_be_between needs it",
        "line 6: rule: column_values_to_be_between needs min_value, max_value or both",
        "line 7: colum: column_values_to_be_between has no such key; the nearest is 'column'",
        "line 8: value_set: column_values_to_be_between has no such key; its keys are column, min_value, max_value, "
        "strict_min, strict_max, mostly, rule, severity, name, note",
        'line 11: severity: expected "error" or "warning", got \'fatal\'',
        "line 12: rule: has to be given",
        "line 17: regex: is no regular expression (missing ), unterminated subpattern at position 0), got '('",
        "line 18: mostly: expected a share between 0 and 1, got 2",
        "line 19: note: expected text, got 3",
    ]


WRONG: list[tuple[str, str]] = [
    (
        'rule = "column_values_to_be_between"\ncolumn = "a"\nmin_value = 2\nmax_value = 1',
        "max_value: lies below min_value",
    ),
    (
        'rule = "column_values_to_be_between"\ncolumn = "a"\nmin_value = 2\nmax_value = "x"',
        "both have to be of one kind",
    ),
    ('rule = "column_values_to_be_between"\ncolumn = "a"\nmin_value = nan', "expected a number, a date or a text"),
    ('rule = "column_values_to_be_between"\ncolumn = "a"\nmin_value = true', "expected a number, a date or a text"),
    ('rule = "column_mean_to_be_between"\ncolumn = "a"\nmin_value = "x"', "expected a number"),
    ('rule = "column_values_to_be_in_set"\ncolumn = "a"\nvalue_set = []', "expected a list of texts"),
    ('rule = "column_values_to_be_in_set"\ncolumn = 3\nvalue_set = [1]', "column: expected a text"),
    ('rule = "column_values_to_be_of_type"\ncolumn = "a"\ntype_ = "number"', "expected a type: int, float"),
    (
        'rule = "column_values_to_be_in_type_list"\ncolumn = "a"\ntype_list = ["int", "x"]',
        "expected a type: int, float",
    ),
    ('rule = "column_values_to_match_strftime_format"\ncolumn = "a"\nstrftime_format = "Y"', "expected a date format"),
    (
        'rule = "column_values_to_match_strftime_format"\ncolumn = "a"\nstrftime_format = "%D"',
        "is no format that dates",
    ),
    ('rule = "column_pair_values_to_be_equal"\ncolumn_A = "a"\ncolumn_B = "a"', "is the same column as column_A"),
    ('rule = "compound_columns_to_be_unique"\ncolumn_list = ["a"]', "expected two or more different columns"),
    ('rule = "compound_columns_to_be_unique"\ncolumn_list = ["a", "a"]', "expected two or more different columns"),
    (
        'rule = "column_pair_values_to_be_in_set"\ncolumn_A = "a"\ncolumn_B = "b"\nvalue_pairs_set = [[1]]',
        "list of pairs",
    ),
    ('rule = "column_values_to_match_regex_list"\ncolumn = "a"\nregex_list = ["["]', "is no regular expression"),
    ('rule = "column_values_to_match_regex_list"\ncolumn = "a"\nregex_list = ["a"]\nmatch_on = "x"', '"any" or "all"'),
    ('rule = "table_row_count_to_equal"\nvalue = -1', "expected a whole number of 0 or more"),
    ('rule = "column_values_to_exist_in_file"\ncolumn = "a"\nfile = ""\nkey = "k"', "expected the path of a file"),
    (
        'rule = "column_quantile_values_to_be_between"\ncolumn = "a"\n'
        "quantile_ranges = { quantiles = [0.5], value_ranges = [[2, 1]] }",
        "each range is two numbers, the lower first",
    ),
    (
        'rule = "column_quantile_values_to_be_between"\ncolumn = "a"\n'
        "quantile_ranges = { quantiles = [0.5, 0.6], value_ranges = [[1, 2]] }",
        "2 quantiles and 1 ranges do not match",
    ),
    (
        'rule = "column_kl_divergence_to_be_less_than"\ncolumn = "a"\nthreshold = 1\n'
        "partition_object = { values = [1, 2], weights = [0.5, 0.4] }",
        "expected weights that sum to 1, not to 0.9",
    ),
    (
        'rule = "column_kl_divergence_to_be_less_than"\ncolumn = "a"\nthreshold = 1\ntail_weight_holdout = 0.1\n'
        "partition_object = { bins = [0, 1], weights = [0.8], tail_weights = [0.1, 0.1] }",
        "has to be 0 where the partition has tail_weights",
    ),
]


@pytest.mark.parametrize(("rule", "said"), WRONG)
def test_a_wrong_argument_is_named(rule: str, said: str) -> None:
    (fault,) = faults(f"[[rule]]\n{rule}\n")
    assert said in fault


@pytest.mark.parametrize("name", sorted(KINDS))
def test_what_every_rule_needs_is_asked_for(name: str) -> None:
    kind = KINDS[name]
    found = faults(f'[[rule]]\nrule = "{name}"\nminvalue = 3\n')
    assert len(found) == 1 + len(kind.required) + kind.bounded
    for key in kind.required:
        assert any(line.endswith(f"{key}: {name} needs it") for line in found)


@pytest.mark.parametrize("text", ["rule = 3\n", "[rule]\nrule = 'x'\n", "rule = [3]\n"])
def test_a_rule_that_is_no_table(text: str) -> None:
    assert faults(text)[0].endswith("a rule is a table of its own, which begins with [[rule]]")


def test_an_unreadable_file(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none.toml", "there is no such rules file"),
        (tmp_path, "is a folder; expected a rules file"),
    ):
        with pytest.raises(CannotRead, match=said):
            load_rules(path)
    path = tmp_path / "rules.toml"
    path.write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(CannotRead, match="is not UTF-8"):
        load_rules(path)
    path.write_text("[[rule]]\nrule = column\n")
    with pytest.raises(CannotRead, match=r"is no TOML: .*line 2"):
        load_rules(path)


def test_an_empty_suite() -> None:
    assert load_rules("") == Suite(())
    assert load_rules(Suite(()).to_toml()) == Suite(())


def test_a_rule_never_changes_and_can_be_pickled() -> None:
    rule = Rule("column_values_to_be_between", {"column": "a", "min_value": 1})
    with pytest.raises(TypeError):
        rule.arguments["column"] = "b"  # type: ignore[index]
    with pytest.raises(AttributeError):
        rule.rule = "x"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(Suite((rule,)))) == Suite((rule,))
    assert hash(rule) == hash(Rule("column_values_to_be_between", {"column": "a", "min_value": 1}))


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
SCALARS = st.one_of(
    TEXTS,
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False),
    st.booleans(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(datetime.UTC)),
)


@given(
    column=TEXTS,
    values=st.lists(SCALARS, min_size=1, max_size=30),
    note=TEXTS,
    name=TEXTS,
    severity=st.sampled_from(["error", "warning"]),
    comment=st.lists(st.text("ab #=", max_size=8), max_size=2),
)
def test_a_suite_reads_back_as_it_was_written(
    column: str, values: list[Any], note: str, name: str, severity: Any, comment: list[str]
) -> None:
    arguments = {"column": column, "value_set": values, "mostly": 0.5}
    rule = Rule("column_values_to_be_in_set", arguments, severity, name, note, tuple(comment))
    back = load_rules(Suite((rule, rule), "of two").to_toml())
    assert back.name == "of two"
    for found in back.rules:
        assert (found.severity, found.name, found.note) == (severity, name, note)
        assert dict(found.arguments) == arguments
        assert list(map(type, found.arguments["value_set"])) == list(map(type, values))
    assert back.to_toml() == load_rules(back.to_toml()).to_toml()


def test_tables_of_arguments_read_back(write: Callable[..., Path]) -> None:
    quantiles = {"quantiles": [0.5], "value_ranges": [[-math.inf, 3.5]]}
    partition = {"values": ["a b", "c"], "weights": [0.5, 0.5]}
    suite = Suite(
        (
            Rule("column_quantile_values_to_be_between", {"column": "x", "quantile_ranges": quantiles}),
            Rule(
                "column_kl_divergence_to_be_less_than",
                {"column": "w", "partition_object": partition, "threshold": 0.1},
            ),
        )
    )
    path = write("\ufeff" + suite.to_toml(), "rules.toml")
    assert load_rules(path).rules == suite.rules
    assert load_rules(path).folder == path.parent
