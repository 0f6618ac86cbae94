"""``datasanity check --rules`` and ``datasanity suggest`` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mltoolkit.quality import load_rules

Write = Callable[..., Path]
Command = Callable[..., Any]

RULES = """
[[rule]]
rule = "column_values_to_be_between"
column = "age"
min_value = 0
note = "nobody is younger"

[[rule]]
rule = "column_values_to_be_in_set"
column = "city"
value_set = ["Oslo", "Rome"]
severity = "warning"
"""
GOOD = "age,city\n31,Oslo\n58,Rome\n"
BAD = "age,city\n31,Oslo\n-4,Roma\n"
WARNED = "age,city\n31,Oslo\n4,Roma\n"


@pytest.mark.parametrize(
    ("table", "options", "status"),
    [
        (GOOD, (), 0), (BAD, (), 1), (WARNED, (), 1), (WARNED, ("--fail-on", "error"), 0),
        (BAD, ("--fail-on", "error"), 1), (BAD, ("--fail-on", "warning"), 1),
    ],
)  # fmt: skip
def test_the_exit_status(datasanity: Command, write: Write, table: str, options: tuple[str, ...], status: int) -> None:
    rules = write(RULES, "rules.toml")
    ended = datasanity("check", write(table), "--rules", rules, *options)
    assert (ended.status, ended.err) == (status, "")
    assert ended.out.splitlines()[-1].startswith("Not clean: " if status else "Clean: ")


def test_what_is_printed(datasanity: Command, write: Write) -> None:
    path = write(BAD)
    ended = datasanity("check", path, "--rules", write(RULES, "rules.toml"))
    assert [line.rstrip() for line in ended.out.splitlines()] == [
        str(path),
        "2 rows · 2 columns · comma-separated, utf-8, with header",
        "",
        "error age · column_values_to_be_between",
        "  1 value lies outside at least 0 (50%), such as '-4'",
        "  line 3",
        "  nobody is younger",
        "",
        "warning city · column_values_to_be_in_set",
        "  1 value is not one of 'Oslo', 'Rome' (50%), such as 'Roma'",
        "  line 3",
        "",
        "Not clean: 1 error, 1 warning; 0 of 2 rules hold",
    ]


def test_as_json(datasanity: Command, write: Write) -> None:
    path = write(BAD)
    data = json.loads(datasanity("check", path, "--rules", write(RULES, "rules.toml"), "--json").out)
    assert (data["file"], data["rows"], data["columns"], data["rules"], data["clean"]) == (str(path), 2, 2, 2, False)
    assert data["findings"][0] == {
        "rule": "column_values_to_be_between", "column": "age", "severity": "error", "count": 1, "share": 0.5,
        "message": "1 value lies outside at least 0 (50%), such as '-4'", "rows": [3], "values": ["-4"],
        "note": "nobody is younger",
    }  # fmt: skip


def test_a_wrong_rules_file_ends_with_2_and_a_line_for_each_fault(datasanity: Command, write: Write) -> None:
    rules = write('[[rule]]\nrule = "x"\n[[rule]]\nrule = "column_to_exist"\ncolum = "a"\n', "rules.toml")
    ended = datasanity("check", write(GOOD), "--rules", rules)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        f"error: {rules}: 3 things are wrong",
        "  line 2: rule: there is no rule 'x'",
        "  line 3: column: column_to_exist needs it",
        "  line 5: colum: column_to_exist has no such key; the nearest is 'column'",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "GOOD", "--rules", "none.toml"), "there is no such rules file"),
        (("check", "none.csv", "--rules", "RULES"), "there is no such file"),
        (("check", "GOOD", "--rules", "RULES", "--target", "age"), "--target is for the checks without rules"),
        (("check", "GOOD", "--export-gx", "gx.json"), "name them by --rules FILE"),
        (("check", "GOOD", "--rules", "RULES", "--export-gx", "GOOD"), "is there already; --force overwrites it"),
        (("suggest", "none.csv"), "there is no such file"),
        (("suggest", "GOOD", "-o", "RULES"), "is there already; --force overwrites it"),
        (("suggest", "GOOD", "-o", "FOLDER"), "is a folder; expected the name of a file"),
        (("suggest", "GOOD", "-o", "new.toml", "--export-gx", "RULES"), "is there already"),
    ],
)
def test_what_cannot_be_used_ends_with_2(
    datasanity: Command, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...],
    said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    places = {"GOOD": write(GOOD), "RULES": write(RULES, "rules.toml"), "FOLDER": tmp_path}
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ended = datasanity(*(places.get(argument, argument) for argument in arguments))
    assert (ended.status, ended.out) == (2, "")
    assert said in " ".join(ended.err.split())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_suggest_then_check(datasanity: Command, tmp_path: Path, customers: pd.DataFrame) -> None:
    table, rules, suite = tmp_path / "customers.csv", tmp_path / "rules.toml", tmp_path / "gx.json"
    customers.to_csv(table, index=False)
    printed = datasanity("suggest", table)
    assert (printed.status, printed.err) == (0, "")
    written = datasanity("suggest", table, "-o", rules, "--export-gx", suite)
    assert (written.status, written.out) == (0, "")
    assert rules.read_text(encoding="utf-8") == printed.out
    assert len(json.loads(suite.read_text(encoding="utf-8"))["expectations"]) == len(load_rules(rules))
    assert datasanity("check", table, "--rules", rules).status == 0
    customers.loc[5, "age"] = -3
    customers.to_csv(table, index=False)
    assert datasanity("check", table, "--rules", rules).status == 1
    assert datasanity("suggest", table, "-o", rules, "--force").status == 0


def test_what_is_left_out_of_an_export_is_said(datasanity: Command, write: Write, tmp_path: Path) -> None:
    rules = write('[[rule]]\nrule = "column_values_to_be_between"\ncolumn = "city"\nmin_value = "A"\n', "rules.toml")
    ended = datasanity("check", write(GOOD), "--rules", rules, "--export-gx", tmp_path / "gx.json")
    assert ended.status == 0
    assert ended.err == (
        f"left out of {tmp_path / 'gx.json'}: line 1: column_values_to_be_between of city: "
        "Great Expectations has no bounds that are texts\n"
    )


def test_help_names_the_commands(datasanity: Command) -> None:
    assert "datasanity check customers.csv --rules rules.toml" in datasanity("check", "--help").out
    assert "datasanity suggest customers.csv > rules.toml" in datasanity("suggest", "--help").out
