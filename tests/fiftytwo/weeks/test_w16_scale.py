"""Week 16's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from fiftytwo import judge, plan  # noqa: E402 - the week needs torch
from fiftytwo.documents import typed_numbers  # noqa: E402
from fiftytwo.lab import Lab  # noqa: E402
from fiftytwo.learner.stub import derive  # noqa: E402
from fiftytwo.learner.workbench import Bench  # noqa: E402
from fiftytwo.solution import Solution  # noqa: E402
from fiftytwo.weeks.w16_scale.mistakes import mistakes  # noqa: E402

WEEK = plan.load(16)
NAMES = WEEK.week.exercise.names


def make_lab(folder, solution):
    return Lab(WEEK.week, folder, Solution(WEEK.week, replaced=solution))


def judged(folder, solution):
    lab = make_lab(folder, solution)
    return judge.assess(WEEK, lab, judge.Unbuilt(LookupError("not built")), exercise_only=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_reference_passes_every_check(tmp_path):
    lab = make_lab(tmp_path, {})
    built = WEEK.build(lab)
    found = {j.verdict.name: j.verdict for j in judge.assess(WEEK, lab, built, exercise_only=False)}
    assert {name: verdict.message for name, verdict in found.items() if verdict.outcome != "passed"} == {}
    assert len(found) >= 28
    assert {figure.name for figure in lab.ledger.figures} == {"Operators", "Speed-up of bfloat16"}
    assert {table.name for table in lab.ledger.tables} == {"Accuracy by precision", "Speed by precision", "Operators"}
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".svg"] == []  # no scratch folder is left
    for verdict in found.values():
        assert verdict.why.endswith(".")
        assert verdict.hint


def test_the_starter_fails_every_check(tmp_path, monkeypatch):
    module = types.ModuleType("starter")
    monkeypatch.setitem(sys.modules, "starter", module)  # a dataclass looks its module up
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 16), "scale.py", "exec"), vars(module))
    starter = {name: getattr(module, name) for name in NAMES}
    found = {j.verdict.name: j.verdict for j in judged(tmp_path, starter)}
    assert {verdict.outcome for verdict in found.values()} == {"not attempted"}
    assert len(found) == 22


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: make_lab(tmp_path, solution), build=False)


def test_no_number_is_typed_into_the_document():
    assert typed_numbers(WEEK.path / "scaling.md.jinja") == []


def test_the_study_note_has_its_length_and_its_equations():
    text = Path(WEEK.path / "study.md").read_text("utf-8")
    assert 600 <= len(text.split()) <= 1200
    assert text.count("$$") >= 4
