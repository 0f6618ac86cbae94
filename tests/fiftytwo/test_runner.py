"""Weeks that behave, crash, hang and hoard; the cache; the order; and learners' runs, diagnosed."""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from fiftytwo import plan, processes
from fiftytwo.runner import NoStarter, Options, run_build, run_many, run_one
from fiftytwo.store import EVIDENCE, Store, from_json

REFERENCE = "reference.py"


def outcomes(run):
    return {verdict.name: verdict.outcome for verdict in run.verdicts}


def put(home, source):
    folder = home.week(1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REFERENCE).write_text(source, "utf-8")


def test_a_good_week_passes_and_leaves_its_evidence(home, catalogue):
    updates = []
    run = run_one(1, home, catalogue=catalogue, listener=updates.append)
    assert run.status == "passed"
    assert set(outcomes(run).values()) == {"passed"}
    assert (run.passed, run.counted) == (5, 5)
    assert run.metrics[0].unit == "sd"
    assert run.peak_memory_bytes > 10 * 2**20
    assert run.parts == {"Scaler": "reference"}
    assert run.versions["numpy"]
    folder = Store(home).folder(run)
    assert from_json((folder / EVIDENCE).read_bytes()) == run
    assert (folder / "artifacts" / "scaled.txt").read_text().startswith("[")
    assert sorted(p.name for p in folder.iterdir()) == ["artifacts", EVIDENCE]
    assert updates[0].kind == "started"
    assert updates[-1].kind == "ended"
    assert not list((home.root / "evidence" / ".running").iterdir())


def test_an_unchanged_week_comes_from_its_evidence_and_a_changed_one_does_not(
    home, catalogue, tmp_path, samples, monkeypatch
):
    copy = tmp_path / "copy"
    shutil.copytree(samples, copy)
    monkeypatch.setattr(sys, "path", [str(copy), *[p for p in sys.path if p != str(samples)]])
    monkeypatch.setenv("PYTHONPATH", str(copy))
    for name in [name for name in sys.modules if "_sample" in name]:
        monkeypatch.delitem(sys.modules, name)
    first = run_one(1, home, catalogue=catalogue)
    assert run_one(1, home, catalogue=catalogue) == first
    assert run_one(1, home, catalogue=catalogue, seed=1) != first
    forced = run_one(1, home, catalogue=catalogue, force=True)
    assert forced.id != first.id
    with (copy / "w01_sample" / "lab.py").open("a") as file:
        file.write("\n# a change\n")
    assert run_one(1, home, catalogue=catalogue).id not in (first.id, forced.id)


def test_a_week_that_reads_a_file_of_the_users_runs_anew_while_one_is_named(home, catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "fiftytwo.plan.load",
        lambda *arguments, load=plan.load: replace(
            found := load(*arguments), week=replace(found.week, reads=("FIFTYTWO_IMAGE",))
        ),
    )
    first = run_one(1, home, catalogue=catalogue)
    assert run_one(1, home, catalogue=catalogue) == first
    monkeypatch.setenv("FIFTYTWO_IMAGE", str(tmp_path / "mine.png"))
    assert run_one(1, home, catalogue=catalogue).id != first.id


@pytest.mark.parametrize(
    ("mode", "status", "reason"),
    [
        ("crash", "failed", "the run's process ended early (SIGABRT)"),
        ("exit", "failed", "the run's process ended early (exit status 3)"),
        ("raise", "failed", "the build ended with ValueError: the build broke on two lines"),
        ("hang", "failed", "still running after 3 s, its time limit"),
        ("bomb", "failed", "the limit is 1.0 GiB"),
        ("data", "could not run here", "dataset 'moon' is not here; put it into FIFTYTWO_DATA/moon"),
        ("extra", "could not run here", "torch is not installed; get it with: pip install 'fiftytwo[deep]'"),
    ],
)
def test_a_bad_week_ends_alone_with_its_reason(home, catalogue, monkeypatch, mode, status, reason):
    monkeypatch.setenv("SAMPLE_MODE", mode)
    if mode == "hang":  # the others may take their time on a busy machine
        lab = importlib.import_module(catalogue[1])
        monkeypatch.setattr(lab, "week", replace(lab.week, seconds=3.0))
    run = run_one(1, home, catalogue=catalogue)
    assert run.status == status
    assert reason in run.reason
    assert "\n" not in run.reason
    assert Store(home).latest(1, who="reference") == run
    assert not processes.marked(run.id)


def test_a_failed_week_is_run_again(home, catalogue, monkeypatch):
    monkeypatch.setenv("SAMPLE_MODE", "raise")
    assert run_one(1, home, catalogue=catalogue).status == "failed"
    monkeypatch.delenv("SAMPLE_MODE")
    assert run_one(1, home, catalogue=catalogue).status == "passed"


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_needs_set_the_order_and_hand_on_artifacts(home, catalogue, backend):
    if backend == "dask":
        pytest.importorskip("distributed")
    runs = list(run_many([2, 1], home, Options(jobs=2, backend=backend), catalogue=catalogue))
    assert [(run.week, run.status) for run in runs] == [(1, "passed"), (2, "passed")]


def test_a_needed_week_is_run_first_when_it_was_not_chosen(home, catalogue):
    assert [run.week for run in run_many([2], home, catalogue=catalogue)] == [1, 2]
    assert [run.week for run in run_many([2], home, Options(force=True), catalogue=catalogue)] == [2]


def test_a_week_whose_needs_failed_says_so(home, catalogue, monkeypatch):
    monkeypatch.setenv("SAMPLE_MODE", "exit")
    runs = list(run_many([1, 2], home, catalogue=catalogue))
    assert [run.status for run in runs] == ["failed", "could not run here"]
    assert runs[1].reason == "needs week 1, which did not pass; see: fiftytwo run 1"


def test_an_unknown_backend_library_names_the_extra(home, catalogue, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.util.joblib", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"ray is not installed.*fiftytwo\[cluster\]"):
        list(run_many([1], home, Options(backend="ray", jobs=2), catalogue=catalogue))


def test_a_week_that_has_not_landed_is_a_lookup_error(home, catalogue):
    with pytest.raises(LookupError, match=r"week 3 .* is planned but has not landed; landed: 1, 2"):
        run_one(3, home, catalogue=catalogue)
    with pytest.raises(LookupError, match="there is no week 60"):
        run_one(60, home, catalogue=catalogue)


def hear_interrupts():
    """What a shell starts in the background ignores Ctrl-C, and so do its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_keeps_what_was_finished_and_leaves_no_process(home, catalogue, samples, monkeypatch):
    run_one(1, home, catalogue=catalogue)
    script = (
        "import sys\nfrom fiftytwo.home import Home\n"
        "from fiftytwo.runner import Options, run_many\nfrom pathlib import Path\n"
        f"catalogue = {catalogue!r}\n"
        f"for run in run_many([1], Home(Path({str(home.root)!r})), Options(force=True), catalogue=catalogue): pass\n"
    )
    monkeypatch.setenv("SAMPLE_MODE", "hang")
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL, preexec_fn=hear_interrupts)
    deadline = time.monotonic() + 60
    while not (below := processes.descendants(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    below = processes.descendants(process.pid)
    assert below
    process.send_signal(signal.SIGINT)
    assert process.wait(60) != 0
    time.sleep(0.2)
    assert not [p for p in below if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert [row.status for row in Store(home).history(1)] == ["passed"]
    assert not list((home.root / "evidence" / ".running").iterdir())


# -- the learner's runs


def test_the_references_own_source_passes(home, catalogue, reference):
    put(home, reference)
    run = run_one(1, home, who="learner", catalogue=catalogue)
    assert run.status == "passed"
    assert list(outcomes(run)) == ["mean", "scale", "scaled", "refuses NaN"]
    assert run.parts == {"Scaler": "learner"}
    assert [v.reference for v in run.verdicts] == [0.0, 0.0, 0.0, 1.0]


def test_a_stub_is_not_attempted(home, catalogue):
    put(home, "class Scaler:\n    def fit(self, x):\n        raise NotImplementedError('week 1: write Scaler.fit')\n")
    run = run_one(1, home, who="learner", catalogue=catalogue)
    assert run.status == "failed"
    assert set(outcomes(run).values()) == {"not attempted"}
    assert run.first_failure.message == "week 1: write Scaler.fit"


def test_a_known_mistake_is_named_and_its_input_saved(home, catalogue, reference):
    put(home, reference.replace("x.std(ddof=1)", "x.std()"))
    run = run_one(1, home, who="learner", catalogue=catalogue)
    assert outcomes(run) == {"mean": "passed", "scale": "wrong", "scaled": "wrong", "refuses NaN": "passed"}
    failure = run.first_failure
    assert failure.diagnosis == "divides by n: Divide by n - 1: the mean has used up one."
    assert failure.call == "Scaler().fit(X).scale_"
    assert failure.got == "3.08221"
    assert failure.expected == "3.55903"
    replay = Store(home).folder(run) / failure.counterexample
    assert len(replay.read_text().splitlines()) == 3
    target = home.week(1) / "counterexample"
    shutil.copytree(replay.parent, target)
    shown = subprocess.run([sys.executable, str(target / "replay.py")], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("3.0822")


def test_a_mistake_nobody_knows_is_not_named(home, catalogue, reference):
    put(home, reference.replace("x.std(ddof=1)", "x.std(ddof=1) + 0.25"))
    assert run_one(1, home, who="learner", catalogue=catalogue).first_failure.diagnosis == ""


def test_a_wrong_shape_meets_the_gate(home, catalogue, reference):
    put(
        home,
        reference.replace("return (np.asarray(x, dtype=float) - self.mean_) / self.scale_", "return np.ones((2, 2))"),
    )
    verdict = run_one(1, home, who="learner", catalogue=catalogue).first_failure
    assert verdict.outcome == "wrong"
    assert verdict.message == "expected shape (4,), got (2, 2)"
    assert verdict.measured is None


def test_a_crash_shows_the_learners_line(home, catalogue, reference):
    put(home, reference.replace("self.mean_ = float(x.mean())", "self.mean_ = x.middle()"))
    verdict = run_one(1, home, who="learner", catalogue=catalogue).first_failure
    assert verdict.outcome == "crashed"
    assert verdict.message == "AttributeError: 'numpy.ndarray' object has no attribute 'middle'"
    assert verdict.frame == "reference.py, line 14, in fit: self.mean_ = x.middle()"


def test_a_forged_verdict_does_not_pass(home, catalogue):
    put(home, (
        "import json, os, pathlib, sys\n"
        "print(json.dumps({'status': 'passed'}))\n"
        "class Yes:\n    def __eq__(self, other): return True\n"
        "    def __le__(self, other): return True\n    __float__ = lambda self: 0.0\n"
        "class Scaler:\n    mean_ = scale_ = Yes()\n"
        "    def fit(self, x): return self\n    def transform(self, x): return Yes()\n"
        "import fiftytwo.judge, fiftytwo.evidence\n"
        "fiftytwo.evidence.Check.holds = lambda *a: True\n"
        "fiftytwo.judge.judge = None\n"
    ))  # fmt: skip
    run = run_one(1, home, who="learner", catalogue=catalogue)
    assert run.status == "failed"
    assert set(outcomes(run).values()) == {"wrong", "crashed"}
    assert run.first_failure.message == "expected a number, got an object of type Yes"


def test_killing_the_judge_is_a_failed_run(home, catalogue):
    put(home, "import os\nclass Scaler:\n    def fit(self, x): os.kill(os.getppid(), 9)\n")
    run = run_one(1, home, who="learner", catalogue=catalogue)
    assert (run.status, run.reason) == ("failed", "the run's process ended early (SIGKILL)")
    assert not processes.marked(run.id)


def test_no_starter_says_how_to_get_one(home, catalogue):
    with pytest.raises(NoStarter, match="make it with: fiftytwo start 1"):
        run_one(1, home, who="learner", catalogue=catalogue)


def test_a_later_week_runs_on_the_learners_parts_once_they_passed(home, catalogue, reference):
    put(home, reference)
    run_one(1, home, who="learner", catalogue=catalogue)
    runs = {run.week: run for run in run_many([2], home, Options(mine=True), catalogue=catalogue)}
    assert runs[2].status == "passed"
    assert runs[2].who == "mine"
    assert runs[2].parts == {
        "double": "reference",
        "Scaler": "learner",
        "limits.toml": "reference",
        "artifacts of week 1": "reference",  # no run of week 1 on the learner's own part has left any
    }


def test_builds_of_each_side_can_be_compared(home, catalogue, reference, monkeypatch):
    monkeypatch.setattr("fiftytwo.plan.landed", lambda: catalogue)
    put(home, reference)
    results = {side: run_build(1, home, side=side) for side in ("learner", "reference", "peer")}
    assert {side: run.metrics[0].value for side, run in results.items()} == pytest.approx(
        dict.fromkeys(results, 1.404875), rel=1e-5
    )
    assert all(
        run.verdicts == () and run.seconds > run.build_seconds > 0 and run.peak_memory_bytes > 0
        for run in results.values()
    )
    assert Store(home).history(1) == []


def test_evidence_is_json_without_nan(home, catalogue):
    run = run_one(1, home, catalogue=catalogue)
    text = (Store(home).folder(run) / EVIDENCE).read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in evidence"))
    assert os.linesep in text
