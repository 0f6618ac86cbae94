"""Week 7's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

from types import SimpleNamespace

import numpy as np
import pytest

from fiftytwo import judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.weeks.w07_classification.cases import platt_oracle
from fiftytwo.weeks.w07_classification.mistakes import mistakes
from fiftytwo.weeks.w07_classification.portfolio import resampled, simulate, thinned
from fiftytwo.weeks.w07_classification.reliability import reliability, wilson
from mltoolkit.tabular import classification

WEEK = plan.load(7)
NAMES = WEEK.week.exercise.names
REFERENCE = {name: getattr(classification, name) for name in NAMES}


def judged(solution, folder, *, exercise_only=True):
    lab = Lab(WEEK.week, folder, SimpleNamespace(**{**REFERENCE, **solution}))
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}, lab


@pytest.mark.filterwarnings("ignore")
def test_the_reference_passes_every_check(tmp_path):
    found, lab = judged({}, tmp_path, exercise_only=False)
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 40
    assert {figure.name for figure in lab.ledger.figures} >= {"Reliability", "Rarer defaults", "What each tactic costs"}
    assert {table.name for table in lab.ledger.tables} == {"Models", "Rarer defaults", "Costs"}
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint


def test_the_starter_fails_every_check(tmp_path):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 7), "classification.py", "exec"), scope)
    found, _ = judged({name: scope[name] for name in NAMES}, tmp_path)
    assert {j.verdict.outcome for j in found.values()} == {"not attempted"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    def make_lab(solution):
        return Lab(WEEK.week, tmp_path, SimpleNamespace(**{**REFERENCE, **solution}))

    assert_caught_and_named(WEEK, mistake, make_lab)


def test_the_portfolio_defaults_as_often_as_its_probabilities_say():
    X, defaults, p = simulate(np.random.default_rng(0), 50_000)
    assert X.shape == (50_000, 6)
    assert np.isfinite(X).all()
    assert ((p > 0) & (p < 1)).all()
    assert abs(defaults.mean() - p.mean()) < 0.01


@pytest.mark.parametrize("prevalence", [0.2, 0.05, 0.01])
def test_thinning_leaves_every_good_loan_and_the_asked_share(prevalence):
    defaults = (np.arange(1000) % 4 == 0).astype(int)
    rows = thinned(np.random.default_rng(0), defaults, prevalence)
    assert len(set(rows)) == len(rows)
    assert (defaults[rows] == 0).sum() == 750
    assert defaults[rows].mean() == pytest.approx(prevalence, abs=0.002)


def test_resampling_makes_both_outcomes_equally_frequent():
    defaults = (np.arange(100) < 10).astype(int)
    for grow, size in ((True, 180), (False, 20)):
        rows = resampled(np.random.default_rng(0), defaults, grow=grow)
        assert len(rows) == size
        assert defaults[rows].mean() == 0.5


def test_bins_hold_every_loan_and_equal_predictions_stay_together():
    rng = np.random.default_rng(1)
    p = np.round(rng.beta(1.0, 4.0, 500), 1)
    y = (rng.random(500) < p).astype(int)
    found = reliability(y, p)
    assert found.count.sum() == 500
    assert np.sum(found.count * found.observed) == pytest.approx(y.sum())
    assert np.sum(found.count * found.predicted) == pytest.approx(p.sum())
    assert len(found.count) <= len(np.unique(p))
    assert ((found.low <= found.observed) & (found.observed <= found.high)).all()


def test_wilsons_ends_are_where_the_observed_share_is_just_1_96_standard_errors_away():
    share, n = np.array([0.0, 0.1, 0.5, 1.0]), np.array([20, 50, 7, 30])
    low, high = wilson(share, n)
    assert low[0] == pytest.approx(0.0, abs=1e-12)
    assert high[-1] == pytest.approx(1.0, abs=1e-12)
    for end, seen, count in ((low[1:], share[1:], n[1:]), (high[:-1], share[:-1], n[:-1])):
        np.testing.assert_allclose(np.abs(seen - end) / np.sqrt(end * (1 - end) / count), 1.959964, rtol=1e-6)


def test_platts_oracle_meets_the_condition_of_the_maximum():
    rng = np.random.default_rng(2)
    scores, y, weights = rng.standard_normal(80), rng.integers(0, 2, 80), rng.uniform(0.5, 2.0, 80)
    a, b = platt_oracle(scores, y, weights)
    p = 1 / (1 + np.exp(a * scores + b))
    ones, zeros = weights[y == 1].sum(), weights[y == 0].sum()
    targets = np.where(y == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    assert abs(np.sum(weights * (p - targets))) < 1e-6
    assert abs(np.sum(weights * (p - targets) * scores)) < 1e-6
