"""Week 1's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

from types import SimpleNamespace

import numpy as np
import pytest

from fiftytwo import judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.weeks.w01_pca.faults import clean_customers, planted
from fiftytwo.weeks.w01_pca.mistakes import mistakes
from mltoolkit.linalg import PCA
from mltoolkit.quality import eda_checklist

WEEK = plan.load(1)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Judge any class as week 1's solution."""

    def of(solution, *, exercise_only=True):
        lab = Lab(WEEK.week, tmp_path_factory.mktemp("run"), SimpleNamespace(PCA=solution))
        built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
        return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}, lab

    return of


@pytest.mark.filterwarnings("ignore")
def test_the_reference_passes_every_check(verdicts):
    found, lab = verdicts(PCA, exercise_only=False)
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 40
    assert {figure.name for figure in lab.ledger.figures} >= {"Scree plot", "Map of the digits"}
    assert {table.name for table in lab.ledger.tables} >= {"Checklist", "Planted faults"}
    assert [len(table.rows) for table in lab.ledger.tables if table.name == "Checklist"] == [12]


def test_the_starter_fails_every_check(verdicts, tmp_path):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), ("PCA",), 1), "pca.py", "exec"), scope)
    found, _ = verdicts(scope["PCA"])
    assert {j.verdict.outcome for j in found.values()} == {"not attempted"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: Lab(WEEK.week, tmp_path, SimpleNamespace(**solution)))


@pytest.mark.parametrize("seed", range(5))
def test_planted_faults_are_found_and_nothing_else(seed):
    clean = clean_customers(np.random.default_rng(seed))
    assert [item.name for item in eda_checklist(clean, target="churned") if not item.clear] == []
    for name, _, frame in planted(clean):
        items = {item.name: item for item in eda_checklist(frame, target="churned")}
        assert not items[name].clear, name


def test_every_check_says_why_and_gives_hints(verdicts):
    found, _ = verdicts(PCA)
    for judged in found.values():
        assert judged.verdict.why.endswith(".")
        assert judged.verdict.hint
