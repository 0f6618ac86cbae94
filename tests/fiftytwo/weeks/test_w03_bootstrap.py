"""Week 3's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from fiftytwo import judge, plan
from fiftytwo.documents import typed_numbers
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.weeks.w03_bootstrap import oracles
from fiftytwo.weeks.w03_bootstrap.intervals import MEANS, MEDIANS, METHODS, exact_cases
from fiftytwo.weeks.w03_bootstrap.mistakes import mistakes
from mltoolkit.stats import ABTest, bootstrap_ci, simulate_ab

WEEK = plan.load(3)
NAMES = WEEK.week.exercise.names
REFERENCE = {"bootstrap_ci": bootstrap_ci, "simulate_ab": simulate_ab, "ABTest": ABTest}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Judge any solution of week 3."""

    def of(solution, *, exercise_only=True):
        lab = Lab(WEEK.week, tmp_path_factory.mktemp("run"), SimpleNamespace(**{**REFERENCE, **solution}))
        built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
        return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}, lab

    return of


def test_the_reference_passes_every_check(verdicts):
    found, lab = verdicts({}, exercise_only=False)
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 50
    assert {figure.name for figure in lab.ledger.figures} >= {"Coverage by method", "The cost of peeking", "Power"}
    assert {table.name for table in lab.ledger.tables} >= {"Coverage", "Peeking", "Uneven splits"}
    exercise = [j.verdict for j in found.values() if j.verdict.exercise]
    assert all(verdict.why.endswith(".") and verdict.hint for verdict in exercise)


def test_the_starter_fails_every_check(verdicts):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 3), "inference.py", "exec"), scope)
    found, _ = verdicts({name: scope[name] for name in NAMES})
    assert {j.verdict.outcome for j in found.values()} == {"not attempted"}


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    def make_lab(solution):
        return Lab(WEEK.week, tmp_path, SimpleNamespace(**{**REFERENCE, **solution}))

    assert_caught_and_named(WEEK, mistake, make_lab)


@pytest.mark.parametrize("method", METHODS)
def test_the_exact_cases_are_enough_and_no_seed_changes_them(method):
    means, medians = exact_cases("mean", method, MEANS), exact_cases("median", method, MEDIANS)
    assert len(means) >= 7
    assert len(medians) >= 5
    for statistic, cases in (("mean", means), ("median", medians)):
        x, confidence, ends = cases[0]
        for seed in range(20):
            found = bootstrap_ci(
                x, statistic, method=method, confidence=confidence, n_resamples=99_999, random_state=seed
            )
            np.testing.assert_allclose([found.low, found.high], ends, rtol=1e-9, atol=1e-9)


def test_an_exact_case_refuses_to_answer_where_the_seed_decides():
    coin = oracles.exact(np.array([0.0, 1.0]), np.mean, oracles.error_of_mean)
    with pytest.raises(ValueError, match="the seed decides"):
        coin.ends("percentile", 0.5)


@pytest.mark.parametrize(
    ("looks", "published"),
    [(1, 0.050), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248), (50, 0.320)],
)
def test_false_alarms_are_those_of_armitage_mcpherson_and_rowe(looks, published):
    assert oracles.false_alarms(looks) == pytest.approx(published, abs=6e-4)


@pytest.mark.parametrize(("effect", "n"), [(0.0, 10), (0.5, 20), (1.0, 12)])
def test_power_of_welch_against_its_definition(effect, n):
    rng = np.random.default_rng(1)
    draws = rng.standard_normal((2, 40_000, n)) + np.array([0.0, effect])[:, None, None]
    p = stats.ttest_ind(draws[1], draws[0], axis=1).pvalue
    share = oracles.power_of_welch(effect, 1.0, n, n)
    assert np.mean(p <= 0.05) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 40_000))


def test_the_document_has_no_typed_numbers():
    found = typed_numbers(WEEK.path / "promises.md.jinja")
    assert found == []
