"""Week 5's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import importlib
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fiftytwo import documents, judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.weeks.w05_toolkit import fuzz, oracles, quality, settings, torn
from fiftytwo.weeks.w05_toolkit.mistakes import mistakes
from mltoolkit.errors import CannotRead, MissingExtra

WEEK = plan.load(5)
NAMES = WEEK.week.exercise.names
REFERENCE = importlib.import_module(WEEK.week.exercise.module)
TOOLS = ("findings of ruff", "findings of mypy", "coverage of the tests")


class Answers(SimpleNamespace):
    """A solution in this process, as ``Solution`` is one."""

    def apply(self, function, *args):
        return function(self, *args)


def answers(**replaced):
    return Answers(**{**{name: getattr(REFERENCE, name) for name in NAMES}, **replaced})


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Judge any names as week 5's solution."""

    def of(solution, *, exercise_only=True):
        lab = Lab(WEEK.week, tmp_path_factory.mktemp("run"), solution)
        built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
        return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}, lab

    return of


@pytest.fixture(scope="module")
def reference(verdicts):
    return verdicts(answers(), exercise_only=False)


@pytest.mark.filterwarnings("ignore")
def test_the_reference_passes_every_check(reference):
    found, lab = reference
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 70
    assert {figure.name for figure in lab.ledger.figures} == {
        "What ties do", "Calibration error and its bins", "Coverage by module",
    }  # fmt: skip
    tables = {table.name: table for table in lab.ledger.tables}
    assert len(tables["Precedence"].rows) == 8
    assert {row[0] for row in tables["Killed writers"].rows} == {*torn.FORMATS, torn.PLAIN}
    assert {name for name in NAMES if f"{name} refuses what has no answer" in found} == set(NAMES)


def test_the_report_is_rendered_from_the_evidence_alone(reference):
    found, lab = reference
    ((template, _, facts),) = lab.pending_documents
    text = documents.render(
        WEEK.path / template,
        metrics=lab.ledger.metrics,
        tables=lab.ledger.tables,
        verdicts=[judged.verdict for judged in found.values()],
        data=lab.ledger.data,
        facts=facts,
    )
    assert "1000 random cases" in text
    assert "`mltoolkit.metrics`" in text
    assert documents.typed_numbers(WEEK.path / template) == []


def test_what_cannot_run_here_is_said_and_not_a_failure(verdicts, monkeypatch):
    def no_checkout(_):
        raise CannotRead("there is no checkout here")

    monkeypatch.setattr(quality.Quality, "root", property(no_checkout))
    monkeypatch.delattr(torn.os, "fork")
    found, lab = verdicts(answers(), exercise_only=False)
    missing = {name for name, j in found.items() if j.verdict.outcome == "could not run here"}
    assert missing == {
        *TOOLS,
        "torn or lost files",
        "torn or lost versions of a Delta table",
        "torn files of a plain writer",
    }
    others = {name: j.verdict for name, j in found.items() if name not in missing}
    assert {name: verdict.message for name, verdict in others.items() if verdict.outcome != "passed"} == {}
    ((template, _, facts),) = lab.pending_documents
    text = documents.render(
        WEEK.path / template, metrics=lab.ledger.metrics, tables=lab.ledger.tables,
        verdicts=[judged.verdict for judged in found.values()], data=lab.ledger.data, facts=facts,
    )  # fmt: skip
    assert text.count("could not run here: there is no checkout here") == 3


def test_a_missing_tool_names_its_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(quality.importlib.util, "find_spec", lambda name: None)
    tools = quality.Quality(tmp_path, ["tests"], ["mltoolkit"], slow_tests=False)
    for ask in (tools.ruff_findings, tools.mypy_findings, tools.coverage):
        with pytest.raises(MissingExtra, match=r"is not installed; get it with: pip install 'fiftytwo\[dev\]'"):
            ask()
    tools.close()


def test_findings_are_counted_and_broken_tests_are_no_coverage(tmp_path, monkeypatch):
    """The three tools on a small checkout with a lint finding, a type error and a failing test."""
    root, run = tmp_path / "checkout", tmp_path / "run"
    (root / "tests").mkdir(parents=True)
    (root / "src").mkdir()
    run.mkdir()
    (root / "pyproject.toml").write_text('[tool.mypy]\nfiles = "src"\n[tool.pytest.ini_options]\npythonpath = "src"\n')
    (root / "src" / "thing.py").write_text("import os\n\n\ndef f(x: int) -> str:\n    return x\n")
    (root / "tests" / "test_thing.py").write_text("import thing\n\n\ndef test_f():\n    assert thing.f(1) == 1\n")
    monkeypatch.setattr(quality.Quality, "root", property(lambda _: root))
    tools = quality.Quality(run, ["tests"], ["thing"], slow_tests=False)
    assert tools.ruff_findings() == 1
    assert tools.mypy_findings() == (1, 1)
    assert tools.tests_passed() == 1
    assert [(row.module, row.share) for row in tools.coverage()] == [("thing", 1.0)]
    assert tools.total_coverage() == 1.0
    assert sorted(path.name for path in root.iterdir()) == ["pyproject.toml", "src", "tests"]
    (root / "tests" / "test_thing.py").write_text("def test_f():\n    assert False\n")
    again = quality.Quality(run, ["tests"], ["thing"], slow_tests=False)
    with closing(again), pytest.raises(RuntimeError, match=r"pytest in checkout ended with status 1: .*1 failed"):
        again.coverage()


def test_the_starter_fails_every_check(verdicts):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 5), "scores.py", "exec"), scope)
    found, _ = verdicts(Answers(**{name: scope[name] for name in NAMES}))
    assert {j.verdict.outcome for j in found.values()} == {"not attempted"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(tmp_path, mistake):
    (metric,) = mistake.solution
    lab = Lab(WEEK.week, tmp_path, answers(**mistake.solution))
    checks = [check for check in WEEK.assess(lab, None) if check.name.startswith(f"{metric} ")]
    judged = [judge.judge(check) for check in checks]
    wrong = {j.verdict.name: j.measurement for j in judged if j.verdict.outcome == "wrong" and j.measurement}
    assert wrong
    first = next(iter(wrong))
    named = judge.diagnose(WEEK, {first: wrong[first]}, lambda solution: Lab(WEEK.week, tmp_path, answers(**solution)))
    assert named[first].startswith(mistake.name)


def test_every_name_has_its_mistake():
    assert {name for mistake in mistakes for name in mistake.solution} == set(NAMES)


def test_every_check_says_why_and_gives_hints(reference):
    for judged in reference[0].values():
        assert judged.verdict.why.endswith(".")
        assert judged.verdict.hint or not judged.verdict.exercise


def test_the_smallest_failing_case_is_the_one_that_is_shown(verdicts):
    found, _ = verdicts(answers(mae=lambda y_true, y_pred, sample_weight=None: 0.0))
    measured = found["mae without ties or weights"].measurement
    assert len(measured.inputs["y_true"]) == 2
    assert "random cases differ; this is the smallest" in measured.expected


def test_the_oracles_agree_with_each_other():
    """Where an item to find stands alone, the average over orders is scikit-learn's number; so it is elsewhere."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        y, s = np.eye(5, dtype=int)[rng.integers(0, 5, 3)], rng.standard_normal((3, 5))
        over = oracles._over_orders(y, s, None, lambda order: sum(order[:2]) / sum(order))
        assert over == pytest.approx(oracles.expected("recall_at_k", y, s, k=2))


def test_random_cases_are_the_same_for_the_same_seed_and_cover_what_they_promise():
    for metric in NAMES:
        cases = fuzz.cases(metric, "weights", 60, 1)
        again = fuzz.cases.__wrapped__(metric, "weights", 60, 1)
        assert [case.expected for case in cases] == [case.expected for case in again]
        weights = [case.arguments["sample_weight"] for case in cases]
        assert any((w == 0).any() for w in weights)
        assert {w.dtype.kind for w in weights} == {"i", "f"}
    labels = [case.arguments["y_true"] for case in fuzz.cases("f1", "ties", 60, 1)]
    assert any(len(set(y.tolist())) == 1 for y in labels)


@pytest.mark.slow
def test_two_hundred_and_forty_kills_tear_no_file_and_the_control_is_torn(tmp_path):
    found = torn.kill_writers(tmp_path, [*torn.FORMATS, torn.PLAIN], 40, np.random.default_rng(52))
    ours, control = found[:-1], found[-1]
    assert sum(outcome.kills for outcome in ours) == 200
    assert {(outcome.format, outcome.torn, outcome.lost) for outcome in ours} == {(f, 0, 0) for f in torn.FORMATS}
    assert all(outcome.versions >= 5 for outcome in ours)
    assert sum(outcome.interrupted for outcome in ours) >= 20  # many kills fell into the middle of a write
    assert control.torn >= 1
    assert list(tmp_path.iterdir()) == []


def test_the_weeks_settings_are_read_by_its_own_config():
    quick, full = settings.sizes(full=False), settings.sizes(full=True)
    assert quick.cases == 1000
    assert full.kills > quick.kills
    assert all((Path(__file__).parents[3] / test).exists() for test in (*quick.tests, *full.tests))


def test_a_writer_that_cannot_write_is_reported(tmp_path):
    with pytest.raises(RuntimeError, match="a writer of csv ended by itself"):
        _broken(tmp_path)


def _broken(folder):
    with torn._nursery() as nursery:
        (folder / "file").write_text("")
        torn._one_kill(nursery, "csv", folder / "file" / "below", 1, np.random.default_rng(0), 0.1)


def test_importing_the_week_loads_no_test_tools():
    code = "import sys, fiftytwo.weeks.w05_toolkit.lab; print({'pytest', 'mypy', 'deltalake'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
