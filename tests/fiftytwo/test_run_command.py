"""`fiftytwo run`, with sample weeks: what it prints, what it returns, what it refuses."""

import json

import pytest
from click.testing import CliRunner

from fiftytwo import plan
from fiftytwo.run_command import run


@pytest.fixture
def invoke(home, catalogue, monkeypatch):
    monkeypatch.setattr(plan, "landed", lambda: catalogue)
    return lambda *words: CliRunner().invoke(run, list(words))


def test_a_line_a_week_and_where_to_look_next(invoke):
    shown = invoke("1-2")
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert (
        lines[0].split() == ["week", "01", "Scaling", "passed", "5/5", "checks", *lines[0].split()[-4:]]
        or "passed" in lines[0]
    )
    assert "week 02" in lines[1]
    assert "fiftytwo report" in lines[-1]
    assert "unchanged" in invoke("all").output


def test_a_failure_says_why_and_sets_the_exit_status(invoke, monkeypatch):
    monkeypatch.setenv("SAMPLE_MODE", "raise")
    shown = invoke("1")
    assert shown.exit_code == 1
    assert "the build ended with ValueError: the build broke on two lines" in shown.output
    assert "1 week did not pass." in shown.stderr


def test_json_is_an_object_a_line(invoke):
    shown = invoke("1", "--json")
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert rows[0] == {"event": "started", "week": 1}
    assert rows[-1]["event"] == "ended"
    assert rows[-1]["status"] == "passed"
    assert rows[-1]["checks"][0]["name"] == "mean"
    assert rows[-1]["metrics"]["largest"] > 1


def test_every_fault_of_the_words_is_told_at_once(invoke):
    shown = invoke("x", "0", "53", "5", "7-9")
    assert shown.exit_code == 2
    for part in ("'x' is no week", "there is no week 0", "there is no week 53", "week 5 ", "no week of 7-9 has landed"):
        assert part in shown.stderr


def test_a_range_that_is_only_partly_here_is_run_as_far_as_it_goes(invoke):
    shown = invoke("1-3")
    assert shown.exit_code == 0
    assert "not landed yet, passed over: week 3" in shown.stderr


def test_no_week_at_all(invoke):
    shown = invoke()
    assert shown.exit_code == 2
    assert "name the weeks to run" in shown.stderr
