"""Claims: one's own are run again, somebody else's on a copy, a week can be skipped or passed cold."""

import json
import os
import shutil

import pytest

from fiftytwo import plan, progress
from fiftytwo.home import Home
from fiftytwo.learner import proving
from fiftytwo.runner import Options, run_many, run_one


@pytest.fixture
def passed(invoke, mine, reference):
    """Week 1, passed."""
    invoke("start", "1")
    mine.write_text(reference)
    assert invoke("check", "1").exit_code == 0


def tree(root):
    return {
        path: (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in root.rglob("*")
    } | {root: (root.stat().st_mtime_ns, b"")}


def test_recheck_reopens_what_fails_and_a_pass_closes_it_again(invoke, home, mine, reference, passed):
    assert invoke("recheck").exit_code == 0
    mine.write_text(reference.replace("x.std(ddof=1)", "x.std()"))
    shown = invoke("recheck")
    assert shown.exit_code == 1
    assert "reopened" in shown.output
    assert "scale (wrong)" in shown.output
    assert "Reopened: week 1. Go on: fiftytwo check 1" in shown.output
    where = progress.standing(home)
    assert (where.passed, where.reopened, where.current) == ((), (1,), 1)
    assert "reopened" in invoke().output
    assert invoke("recheck", "1").exit_code == 2
    mine.write_text(reference)
    invoke("check", "1")
    assert progress.standing(home).passed == (1,)
    assert [event.kind for event in home.events()].count("passed") == 2


def test_a_pass_asks_for_its_hours_where_a_pace_is_kept(invoke, mine, reference):
    invoke("plan", "--hours", "8")
    invoke("start", "1")
    mine.write_text(reference)
    assert "fiftytwo plan --spent 1=HOURS" in invoke("check", "1").output
    assert "took 2.5 h" in invoke("plan", "--spent", "1=2.5").output
    assert "--spent" not in invoke("check", "1").output


def test_recheck_without_a_file_reopens_and_without_a_pass_has_nothing_to_do(invoke, home, mine, passed):
    mine.unlink()
    shown = invoke("recheck")
    assert shown.exit_code == 1
    assert "reference.py is not there any more" in shown.output
    assert invoke("recheck").output == "No week is passed yet. Go on: fiftytwo\n"


def test_verify_confirms_refutes_and_never_writes(invoke, home, mine, reference, passed, tmp_path, monkeypatch):
    theirs = tmp_path / "theirs"
    shutil.copytree(home.root, theirs)
    monkeypatch.setenv("FIFTYTWO_HOME", str(tmp_path / "mentor"))
    before = tree(theirs)
    shown = invoke("verify", str(theirs))
    assert shown.exit_code == 0, shown.output
    assert "confirmed" in shown.output
    assert "4 of 4 claimed, 4 of 4 measured" in shown.output
    assert "1 claimed: 1 confirmed, 0 refuted." in shown.output
    assert tree(theirs) == before
    assert not (tmp_path / "mentor").exists()

    code = theirs / "week01" / "reference.py"
    code.write_text(reference.replace("x.std(ddof=1)", "x.std()"))
    before = tree(theirs)
    shown = invoke("verify", str(theirs), "--json")
    assert shown.exit_code == 1
    (row,) = json.loads(shown.stdout)["claims"]
    assert (row["outcome"], row["measured"], row["changed"]) == ("refuted", {"passed": 2, "counted": 4}, True)
    assert row["reason"].startswith("scale (wrong)")
    assert tree(theirs) == before


def test_verify_leaves_a_cohorts_database_alone(home, passed, tmp_path, monkeypatch):
    from fiftytwo.store import Store

    monkeypatch.setenv("FIFTYTWO_DATABASE", f"sqlite:///{tmp_path / 'cohort.db'}")
    Store(home).rebuild()
    before = Store(home).history()
    assert [one.outcome for one in proving.verify(home, home)] == ["confirmed"]
    assert Store(home).history() == before


def test_a_link_out_of_the_folder_is_not_followed(home, tmp_path, mine, passed):
    secret = tmp_path / "secret.py"
    secret.write_text(mine.read_text())
    mine.unlink()
    mine.symlink_to(secret)
    os.mkfifo(home.week(1) / "pipe.py")
    target = tmp_path / "copy"
    proving.copy_code(home.week(1), target)
    assert sorted(path.name for path in target.iterdir()) == ["BRIEF.md"]
    home.week(2).symlink_to(tmp_path)
    proving.copy_code(home.week(2), tmp_path / "another")
    assert list((tmp_path / "another").iterdir()) == []


def test_claims_are_what_evidence_says_and_no_more(home, mine, passed):
    (claim,) = proving.claims(home)
    assert (claim.week, claim.passed, claim.counted, claim.profile) == (1, 4, 4, "quick")
    forged = home.evidence(1) / "20990101T000000.000000-w01-learner-quick"
    forged.mkdir()
    (forged / "evidence.json").write_text("{}")
    assert proving.claims(home) == [claim]
    home.log("reopened", 1, run="20990101")
    assert proving.claims(home) == []


def test_what_cannot_be_run_here_is_neither_confirmed_nor_refuted(invoke, home, passed, monkeypatch):
    monkeypatch.setattr(plan, "landed", lambda: {2: "w02_sample.lab"})
    shown = invoke("verify", str(home.root))
    assert shown.exit_code == 3
    assert "could not run here" in shown.output
    assert "1 could not run here." in shown.output


def test_a_folder_that_is_no_home_is_one_line(tmp_path):
    from mltoolkit.errors import CannotRead

    with pytest.raises(CannotRead, match="is no learner's home"):
        proving.find_home(tmp_path)
    Home(tmp_path / "my52").log("start", 1)
    assert proving.find_home(tmp_path).root == tmp_path / "my52"
    assert proving.claims(proving.find_home(tmp_path)) == []


def test_a_week_is_skipped_and_taken_back(invoke, home):
    shown = invoke("skip", "1", "--why", "did it at work")
    assert shown.exit_code == 0
    assert "It stays visible: fiftytwo plan" in shown.output
    assert progress.ways(home)[1].why == "did it at work"
    where = progress.standing(home)
    assert (where.skipped, where.following) == ((1,), 2)
    assert "skipped" in invoke("plan").output
    assert invoke("skip", "1", "--undo").exit_code == 0
    assert progress.standing(home).skipped == ()
    assert invoke("skip", "1", "--undo").exit_code == 2
    assert invoke("skip", "60").exit_code == 2
    invoke("skip", "1")
    invoke("start", "1")
    assert progress.standing(home).skipped == ()


def test_a_passed_week_is_not_skipped(invoke, passed):
    shown = invoke("skip", "1")
    assert shown.exit_code == 2
    assert "week 1 is passed already" in shown.stderr


def test_a_week_is_passed_cold(invoke, home, mine, reference, tmp_path):
    own = tmp_path / "scaler.py"
    own.write_text("class Scaler: pass")
    shown = invoke("check", "1", "--cold", str(own))
    assert shown.exit_code == 1
    assert "Nothing was kept but the evidence. To work on it: fiftytwo start 1" in shown.output
    assert not mine.exists()
    own.write_text(reference)
    shown = invoke("check", "1", "--cold", str(own))
    assert shown.exit_code == 0, shown.output
    assert "Tested out: your file is" in shown.output
    assert mine.read_text() == reference
    where = progress.standing(home)
    assert (where.passed, where.tested_out, where.following) == ((1,), (1,), 2)
    assert "tested out" in invoke("plan").output
    assert invoke("check", "1", "--cold", str(own)).exit_code == 1


def test_a_begun_week_cannot_be_passed_cold(invoke, home, mine, reference, tmp_path):
    invoke("start", "1")
    own = tmp_path / "scaler.py"
    own.write_text(reference)
    shown = invoke("check", "1", "--cold", str(own))
    assert shown.exit_code == 1
    assert "week 1 was begun, so it cannot be passed cold" in shown.stderr
    mine.write_text(reference)
    invoke("check", "1")
    assert progress.standing(home).tested_out == ()


def test_later_weeks_run_on_ones_own_earlier_parts(invoke, home, mine, reference, catalogue, passed):
    mine.write_text(reference + "\n# mine\n")
    (run,) = run_many([2], home, Options(mine=True), catalogue=catalogue)
    assert (run.who, run.status, run.parts["Scaler"], run.parts["double"]) == ("mine", "passed", "learner", "reference")
    rests = {verdict.name: verdict.parts for verdict in run.verdicts}
    assert rests["on whose code"] == ("Scaler",)
    assert rests["doubles"] == ("double",)
    shown = invoke("run", "2", "--mine", "--force")
    assert "yours: Scaler; reference: double, limits.toml" in shown.output
    home.log("reopened", 1, run="20990101")
    assert run_one(2, home, who="mine", catalogue=catalogue).parts["Scaler"] == "reference"


def test_artifacts_of_ones_own_runs_are_handed_on(home, catalogue, passed):
    runs = {run.week: run for run in run_many([1, 2], home, Options(mine=True), catalogue=catalogue)}
    assert runs[2].status == "passed"
    assert runs[2].parts["artifacts of week 1"] == "learner"
