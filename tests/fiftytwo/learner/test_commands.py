"""The learner's loop from the command line, on a sample week that runs in a second."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from fiftytwo import plan
from fiftytwo.cli import cli
from fiftytwo.evidence import Run, Verdict
from fiftytwo.learner import showing
from fiftytwo.learner.stub import derive_text
from fiftytwo.learner.workbench import Bench


def kinds(home):
    return [event.kind for event in home.events()]


def test_the_first_time_says_how_to_begin(invoke):
    shown = invoke()
    assert shown.exit_code == 0
    assert "fiftytwo start 1" in shown.output


def test_start_writes_a_brief_and_a_starter_and_never_again(invoke, home, mine):
    shown = invoke("start", "1")
    assert shown.exit_code == 0
    assert "fiftytwo check 1" in shown.output
    brief = (home.week(1) / "BRIEF.md").read_text("utf-8")
    assert "Write `Scaler` in `reference.py`." in brief
    mine.write_text("my own work")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in home.root.rglob("*") if path.is_file()}
    again = invoke("start", "1")
    assert again.exit_code == 1
    assert again.stderr == "reference.py is there already and stays as it is; for a fresh starter: fiftytwo reset 1\n"
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in home.root.rglob("*") if p.is_file()} == before


def test_a_later_week_advises_and_does_not_block(invoke):
    assert "It helps to have passed week 1 first; nothing stops you." in invoke("start", "2").output


@pytest.mark.parametrize(("week", "message"), [("3", "planned but has not landed"), ("99", "there is no week 99")])
def test_a_week_that_is_not_there_is_one_line(invoke, week, message):
    for command in ("start", "check", "hint", "solution", "compare", "reset", "update"):
        shown = invoke(command, week)
        assert shown.exit_code == 2
        assert message in shown.stderr
        assert shown.stderr.count("\n") == 1


def test_check_without_a_starter_says_how_to_get_one(invoke):
    shown = invoke("check", "1")
    assert shown.exit_code == 2
    assert "make it with: fiftytwo start 1" in shown.stderr
    assert invoke("check").stderr == "error: no week is under way; begin one: fiftytwo start 1\n"


def test_the_untouched_starter_is_not_attempted(invoke):
    invoke("start", "1")
    shown = invoke("check", "1")
    assert shown.exit_code == 1
    assert "not attempted: week 1: write Scaler.fit" in shown.output
    assert "All 4 checks end like this." in shown.output
    assert "0 of 4 checks passed" in shown.output
    assert "not attempted yet" in invoke().output


def test_the_reference_pasted_in_passes_and_is_logged_once(invoke, home, mine, reference):
    invoke("start", "1")
    mine.write_text(reference)
    for _ in range(2):
        shown = invoke("check")
        assert shown.exit_code == 0
        assert "4 of 4 checks passed" in shown.output
        assert "Week 1 is yours." in shown.output
    assert kinds(home).count("passed") == 1
    assert kinds(home).count("check") == 2
    assert "Passed 1 of 2 landed weeks" in invoke().output


def test_a_wrong_answer_is_explained_named_and_can_be_replayed(invoke, home, mine, reference):
    invoke("start", "1")
    mine.write_text(reference.replace("x.std(ddof=1)", "x.std()"))
    shown = invoke("check", "1")
    assert shown.exit_code == 1
    for part in (
        "First to mend: scale (wrong)",
        "call:           Scaler().fit(X).scale_",
        "got:            3.08221",
        "expected:       3.55903",
        "divides by n: Divide by n - 1",
        "counterexample/replay.py",
        "Stuck? fiftytwo hint 1",
        "reference 0",
    ):
        assert part in shown.output, part
    replayed = subprocess.run(
        [sys.executable, str(home.week(1) / "counterexample" / "replay.py")], capture_output=True, text=True, check=True
    )
    assert replayed.stdout.startswith("3.08")
    mine.write_text(reference)
    invoke("check", "1")
    assert not (home.week(1) / "counterexample").exists()


def test_check_as_json(invoke, mine, reference):
    invoke("start", "1")
    mine.write_text(reference.replace("x.std(ddof=1)", "x.std()"))
    shown = invoke("check", "1", "--json")
    data = json.loads(shown.stdout, parse_constant=pytest.fail)
    assert (data["week"], data["status"], data["passed"], data["counted"], data["exit"]) == (1, "failed", 2, 4, 1)
    assert data["checks"][1]["outcome"] == "wrong"
    assert data["checks"][1]["diagnosis"].startswith("divides by n")


def test_what_learner_code_prints_is_told_and_shown_on_request(invoke, mine, reference):
    invoke("start", "1")
    mine.write_text('print("all checks passed")\n' + reference.replace("x.std(ddof=1)", "x.std()"))
    shown = invoke("check", "1")
    assert "all checks passed" not in shown.output
    assert "Your code printed 1 line:" in shown.output
    assert "│ all checks passed" in invoke("check", "1", "--show-output").output


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("class Scaler(:\n", "crashed: SyntaxError: invalid syntax"),
        ("x = 1\n", "crashed: reference.py defines no Scaler"),
        ("import nowhere\n", "crashed: ModuleNotFoundError: No module named 'nowhere'"),
        ("import sys; sys.exit(0)\n", "crashed: your code called sys.exit(0)"),
        ("import os; os._exit(0)\n", "crashed: your code ended its own process (exit status 0)"),
        ("for _ in range(10**6): print('passed')\n", "crashed: your code printed more than 256 KiB"),
        ("import os\nwhile True: os.fork()\n", "may start no process"),
        ("x = bytearray(10**11)\n", "crashed: MemoryError"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_once(invoke, mine, source, message):
    invoke("start", "1")
    mine.write_text(source)
    shown = invoke("check", "1")
    assert shown.exit_code == 1
    assert shown.output.count(message) == 1
    assert "Traceback" not in shown.output


def test_hints_come_one_at_a_time(invoke, mine, reference):
    invoke("start", "1")
    assert "Check first" in invoke("hint", "1").output
    mine.write_text(reference.replace("x.mean()", "0.0"))
    invoke("check", "1")
    assert "Hint 1 of 2: sum\nThe next one: fiftytwo hint 1" in invoke("hint", "1").output
    assert "Hint 2 of 2: divide" in invoke("hint").output
    assert "Hint 2 of 2: divide" in invoke("hint", "1").output
    mine.write_text(reference)
    invoke("check", "1")
    assert "nothing to mend" in invoke("hint", "1").output


def test_the_solution_is_shown_once_passed_or_when_asked_twice(invoke, mine, reference):
    invoke("start", "1")
    assert "ask again" in invoke("solution", "1").output
    assert "+++ reference/reference.py" in invoke("solution", "1").output
    mine.write_text(reference)
    invoke("check", "1")
    assert "line for line" in invoke("solution", "1").output


def test_compare_puts_three_sides_beside_each_other(invoke, mine, reference):
    invoke("start", "1")
    mine.write_text(reference)
    found = json.loads(invoke("compare", "1", "--json").stdout)
    assert set(found) == {"learner", "reference", "peer"}
    assert all(
        len(side["seconds"]) == 3 and side["peak_memory_bytes"] > 0 and not side["fault"] for side in found.values()
    )
    assert len({round(side["metrics"]["largest"], 9) for side in found.values()}) == 1
    mine.write_text("class Scaler: pass")
    shown = invoke("compare", "1")
    assert shown.exit_code == 1
    assert "yours: crashed: AttributeError" in shown.output


def test_reset_keeps_numbered_copies(invoke, home, mine):
    invoke("start", "1")
    starter = mine.read_text()
    for i in (1, 2):
        mine.write_text(f"attempt {i}")
        shown = invoke("reset", "1")
        assert f"reference.{i}.py" in shown.output
        assert (home.week(1) / f"reference.{i}.py").read_text() == f"attempt {i}"
        assert mine.read_text() == starter


def edit_starter(monkeypatch, change):
    original = Bench.starter
    monkeypatch.setattr(Bench, "starter", lambda self: change(original(self)))


def test_update_merges_what_does_not_touch(invoke, home, mine, monkeypatch):
    invoke("start", "1")
    assert "has not changed" in invoke("update", "1").output
    mine.write_text(mine.read_text() + "\n\nmine = 1\n")
    edit_starter(monkeypatch, lambda text: text.replace("A reference that is small", "A reference that is very small"))
    shown = invoke("update", "1")
    assert shown.exit_code == 0, shown.output
    assert "very small" in mine.read_text()
    assert mine.read_text().endswith("mine = 1\n")
    assert "very small" not in (home.week(1) / "reference.1.py").read_text()
    assert "has not changed" in invoke("update", "1").output


def test_update_with_a_conflict_leaves_the_file_alone(invoke, home, mine, monkeypatch):
    invoke("start", "1")
    own = mine.read_text().replace('raise NotImplementedError("week 1: write Scaler.fit")', "return self")
    mine.write_text(own)
    edit_starter(monkeypatch, lambda text: text.replace("week 1: write Scaler.fit", "week 1: please write Scaler.fit"))
    shown = invoke("update", "1")
    assert shown.exit_code == 1
    assert "stays as it is" in shown.stderr
    assert mine.read_text() == own
    assert "<<<<<<< yours" in (home.week(1) / "reference.conflict.py").read_text()


def test_watch_checks_on_every_save_and_ends_on_ctrl_c(home, catalogue, mine, reference, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "landed", lambda: catalogue)
    CliRunner().invoke(cli, ["start", "1"])
    script = f"from fiftytwo import plan\nplan.landed = lambda: {catalogue!r}\nfrom fiftytwo.cli import main\nmain()\n"
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", script, "check", "1", "--watch"],
            stdout=out,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored in the background
        )

    def wait_for(text):
        deadline = time.monotonic() + 90
        while text not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert text in log.read_text()

    try:
        wait_for("Watching")
        assert "not attempted" in log.read_text()
        time.sleep(0.5)
        saved = mine.with_suffix(".new")
        saved.write_text(reference)
        saved.replace(mine)  # as editors save
        wait_for("4 of 4 checks passed")
        wait_for("yours")
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130)
    finally:
        process.kill()


def test_failures_without_a_number_and_runs_that_ended_early_are_told(capsys, tmp_path):
    verdicts = (Verdict("a", "passed", 1.0, "≤ 2"), Verdict("b", "could not run here", None, "≤ 2", message="no torch"))
    run = Run("id", 1, "learner", "quick", "failed", "", 1.0, 52, verdicts=verdicts, reason="the process was ended")
    showing.print_run(run, tmp_path / "x.py")
    shown = capsys.readouterr().out
    assert "! the process was ended" in shown
    assert "1 of 1 checks passed in 1.0 s; 1 could not run here, which does not count against you" in shown


def test_a_text_file_is_a_part_of_the_exercise_like_the_module(invoke, home, samples):
    invoke("run", "1")
    shown = invoke("start", "2")
    assert "write reference.py and limits.toml, then" in shown.output
    assert "`reference.py`, and `limits.toml`" in (home.week(2) / "BRIEF.md").read_text("utf-8")
    starter = "# The largest value that may be doubled:\n# write a line  largest = NUMBER\n"
    text = home.week(2) / "limits.toml"
    assert text.read_text("utf-8") == starter
    (home.week(2) / "reference.py").write_text((samples / "w02_sample" / "reference.py").read_text("utf-8"))

    def outcome():
        data = json.loads(invoke("check", "2", "--json").stdout)
        (check,) = (check for check in data["checks"] if check["name"] == "limits")
        return check["outcome"], check["message"], check["measured"]

    assert outcome()[:2] == ("not attempted", "week 2: write limits.toml")
    text.write_text(starter + "largest = 21\n")
    assert outcome() == ("passed", "", 21.0)
    text.write_text("largest = 20\n")
    assert outcome()[0] == "wrong"
    text.write_bytes(b"largest = \xff")
    assert outcome()[:2] == ("crashed", "limits.toml is not text in UTF-8")
    text.unlink()
    assert outcome()[:2] == ("crashed", "limits.toml cannot be read: No such file or directory")
    text.write_text("largest = 21\n")
    again = invoke("start", "2")
    assert again.exit_code == 1
    assert "reference.py and limits.toml are there already and stay as they are" in again.stderr
    assert "limits.1.toml" in invoke("reset", "2").output
    assert (home.week(2) / "limits.1.toml").read_text() == "largest = 21\n"
    assert text.read_text("utf-8") == starter


def test_a_text_without_a_comment_makes_no_starter():
    with pytest.raises(ValueError, match="no leading comment"):
        derive_text("largest = 21\n# too late\n")
    assert derive_text("# one\r\n\r\n# two\r\nx = 1\r\n") == "# one\n\n# two\n"
