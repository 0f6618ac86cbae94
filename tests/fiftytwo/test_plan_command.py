"""``fiftytwo plan``: the table, its states and its JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fiftytwo import plan as year_plan
from fiftytwo.evidence import Outcome, Run, Status, Verdict, Who
from fiftytwo.home import Home
from fiftytwo.plan_command import plan
from fiftytwo.store import Store


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(plan, list(arguments), prog_name="plan")


@pytest.fixture(autouse=True)
def landed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(year_plan, "landed", lambda: {1: "a.lab", 2: "b.lab", 3: "c.lab"})


def save(week: int, who: Who, status: Status, *outcomes: Outcome, second: int = 0) -> None:
    home = Home.find()
    folder = home.root / f"running-{week}-{who}-{second}"
    folder.mkdir(parents=True)
    run = Run(
        id=f"20270104T0915{second:02d}-w{week:02d}-{who}-quick",
        week=week,
        who=who,
        profile="quick",
        status=status,
        started="2027-01-04T09:15:00+00:00",
        seconds=1.0,
        seed=52,
        verdicts=tuple(Verdict(f"check {i}", outcome, None, "") for i, outcome in enumerate(outcomes)),
    )
    Store(home).save(run, folder)


def test_every_week_has_a_line_under_its_phase() -> None:
    result = ask()
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [int(line[:4]) for line in lines if line[:4].strip().isdigit()] == list(range(1, 53))
    at = {line[:56].strip(): i for i, line in enumerate(lines)}
    assert (
        at["Transformers"]
        < next(i for i, line in enumerate(lines) if line.startswith("  17  "))
        < at["Fine-tuning, retrieval, safety"]
    )
    for week in year_plan.year():
        assert any(line.startswith(f"{week.number:>4}  {week.title}  ") for line in lines)
    assert lines[-1] == "3 of 52 landed, 0 passed by you. Next: fiftytwo start 1"


def test_the_table_fits_eighty_columns() -> None:
    save(3, "learner", "failed", *["passed"] * 10, *["wrong"] * 2)
    assert max(map(len, ask().output.splitlines())) <= 80


def test_without_a_home_nothing_is_created_and_nothing_heavy_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fiftytwo.store", None)
    result = ask()
    assert result.exit_code == 0
    assert result.output.splitlines()[1] == f"   1  {year_plan.year()[0].title:<52}  landed"
    assert not (tmp_path / "my52").exists()


def test_states_come_from_the_newest_evidence() -> None:
    save(1, "reference", "failed", "wrong", second=1)
    save(1, "reference", "passed", "passed", second=2)
    save(1, "learner", "failed", "passed", "wrong", "not attempted", "could not run here", second=3)
    save(2, "reference", "could not run here", second=4)
    save(2, "learner", "failed", "wrong", second=5)
    save(2, "learner", "passed", "passed", second=6)
    save(2, "mine", "failed", "wrong", second=7)
    by_week = {line[:4].strip(): line[60:].split() for line in ask().output.splitlines()}
    assert by_week["1"] == ["passed", "1", "of", "3"]
    assert by_week["2"] == ["not", "here", "passed"]
    assert by_week["3"] == ["landed"]
    assert by_week["4"] == ["planned"]
    assert ask().output.splitlines()[-1] == "3 of 52 landed, 1 passed by you. Next: fiftytwo check 1"


def test_all_landed_weeks_passed_leaves_nothing_to_start() -> None:
    for week in (1, 2, 3):
        save(week, "learner", "passed", "passed", second=week)
    assert ask().output.splitlines()[-1] == "3 of 52 landed, 3 passed by you."


def test_one_phase() -> None:
    result = ask("--phase", "DEEP")
    assert [int(line[:4]) for line in result.output.splitlines() if line[:4].strip().isdigit()] == [13, 14, 15, 16]
    assert result.output.splitlines()[-1] == "0 of 4 landed, 0 passed by you."


def test_an_unknown_phase_names_the_phases() -> None:
    result = ask("--phase", "cooking")
    assert result.exit_code == 2
    assert "no phase contains 'cooking'; the phases are: Maths, Python, data; Software" in result.output


def test_json_has_the_words_and_the_state() -> None:
    save(1, "learner", "failed", "passed", "wrong")
    rows = json.loads(ask("--json").output)
    assert [row["number"] for row in rows] == list(range(1, 53))
    first = rows[0]
    assert (first["landed"], first["reference"], first["you"], first["passed"], first["counted"]) == (
        True,
        None,
        "failed",
        1,
        2,
    )
    assert first["targets"] == list(year_plan.year()[0].targets)
    assert rows[51]["landed"] is False
    assert rows[51]["you"] is None


def test_unreadable_evidence_does_not_hide_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my52" / "evidence").mkdir(parents=True)
    monkeypatch.setenv("FIFTYTWO_DATABASE", f"sqlite:///{tmp_path}/missing/folder/fiftytwo.db")
    result = ask()
    assert result.exit_code == 0
    assert result.stderr.startswith(f"warning: the evidence in {tmp_path / 'my52'} cannot be read, so it is not shown:")
    assert "fiftytwo start 1" in result.stdout
