from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Write = Callable[..., Path]
Command = Callable[..., Any]


@pytest.fixture
def pair(write: Write) -> tuple[Path, Path]:
    before = write(
        "grams,shop\n" + "".join(f"{100 + i % 90},{'north' if i % 2 else 'south'}\n" for i in range(400)), "b.csv"
    )
    after = write(
        "grams,shop\n" + "".join(f"{(100 + i % 90) * 10},{'east' if i % 5 else 'south'}\n" for i in range(400)), "a.csv"
    )
    return before, after


def test_no_change_ends_with_0(datasanity: Command, pair: tuple[Path, Path]) -> None:
    ended = datasanity("diff", pair[0], pair[0])
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "No change of note in 2 columns"


def test_changes_are_told_worst_first_and_end_with_1(datasanity: Command, pair: tuple[Path, Path]) -> None:
    ended = datasanity("diff", *pair)
    assert ended.status == 1
    lines = ended.out.splitlines()
    assert lines[0] == f"from {pair[0]}  400 rows · 2 columns"
    assert "warning grams · distribution" in lines
    assert any("the values are 10 times what they were: another unit (a decimal place)?" in line for line in lines)
    assert "warning shop · new values" in lines
    assert "  'east' (80% of the values) is new" in lines
    assert "  first at 3, 4, 5, 6, 8, …" in lines
    assert any(line.startswith("grams     was") for line in lines)
    assert lines[-1] == "Changed: 3 warnings"
    assert [line for line in lines if line != line.rstrip()] == []


def test_the_limit_of_failing_can_be_moved(datasanity: Command, pair: tuple[Path, Path], write: Write) -> None:
    assert datasanity("diff", *pair, "--fail-on", "error").status == 0
    text = pair[0].read_text().splitlines()
    shorter = write("\n".join(text[:320]) + "\n", "shorter.csv")
    assert datasanity("diff", pair[0], shorter).status == 0
    assert datasanity("diff", pair[0], shorter, "--fail-on", "info").status == 1


def test_as_json(datasanity: Command, pair: tuple[Path, Path]) -> None:
    ended = datasanity("diff", *pair, "--json")
    data = json.loads(ended.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert data["changed"] is True
    assert data["rows"] == [400, 400]
    assert [finding["rule"] for finding in data["findings"]] == ["distribution", "new values", "gone values"]
    grams, shop = data["columns"]
    assert grams["ks"] == 1.0
    assert grams["mean_shift"] > 10
    assert shop["new"] == [["east", 320]]
    assert shop["gone"] == [["north", 200]]
    assert sum(grams["bars_after"]) == pytest.approx(1.0)


def test_a_page(datasanity: Command, pair: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "d.html"
    ended = datasanity("diff", *pair, "--html", "-o", page)
    assert (ended.status, ended.out, ended.err) == (1, "", f"open {page}\n")
    assert "the values are 10 times what they were" in page.read_text().lower()
    assert datasanity("diff", *pair, "--html", "-o", pair[0]).status == 2


def test_every_column_is_shown_when_asked_for(datasanity: Command, write: Write) -> None:
    path = write("a,b\n" + "".join(f"{i},x{i % 3}\n" for i in range(30)))
    assert " was " not in datasanity("diff", path, path).out
    assert datasanity("diff", path, path, "--all").out.count(" was ") == 2


def test_labels_that_may_be_chance_are_a_line_and_no_finding(datasanity: Command, write: Write) -> None:
    rows = "".join(f"{i},x{i % 3}\n" for i in range(60))
    before, after = write(f"n,c\n{rows}60,old\n", "b.csv"), write(f"n,c\n{rows}60,new\n", "a.csv")
    ended = datasanity("diff", before, after)
    assert ended.status == 0
    assert "only now      c new (1)" in ended.out
    assert "only before   c old (1)" in ended.out


@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_every_width_of_a_terminal(
    datasanity: Command, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    out = datasanity("diff", *pair).out
    plain = "".join(part.partition("m")[2] if i else part for i, part in enumerate(out.split("\x1b[")))
    assert max(map(len, plain.splitlines())) <= width


@pytest.mark.parametrize("missing", [0, 1])
def test_what_cannot_be_read_ends_with_2(datasanity: Command, pair: tuple[Path, Path], missing: int) -> None:
    files = list(pair)
    files[missing] = files[missing].with_name("none.csv")
    ended = datasanity("diff", *files)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert "there is no such file" in ended.err


def test_wrong_usage(datasanity: Command, pair: tuple[Path, Path]) -> None:
    assert "choose one" in datasanity("diff", *pair, "--html", "--json").err
    assert "Missing argument 'AFTER'" in datasanity("diff", pair[0]).err
    assert "datasanity diff january.csv february.csv" in datasanity("diff", "--help").out


def test_parquet_and_csv_of_the_same_table(datasanity: Command, pair: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    pd.read_csv(pair[0]).to_parquet(path)
    assert datasanity("diff", pair[0], path, "--fail-on", "info").status == 0
