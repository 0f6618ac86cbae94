"""Week 6's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import numpy as np
import pytest

from fiftytwo import documents, judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.solution import Solution
from fiftytwo.weeks.w06_regression import contest, peers, simulator, tradeoff
from fiftytwo.weeks.w06_regression.cases import held_out, one_at_a_time, ridge_oracle
from fiftytwo.weeks.w06_regression.lasso import gap_of
from fiftytwo.weeks.w06_regression.mistakes import mistakes
from fiftytwo.weeks.w06_regression.prices import Subject, real_table

WEEK = plan.load(6)
NAMES = WEEK.week.exercise.names


def lab_with(folder, replaced=None, profile="quick"):
    return Lab(WEEK.week, folder, Solution(WEEK.week, replaced=replaced), profile=profile)


def judged(lab, *, exercise_only=True):
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    lab = lab_with(tmp_path_factory.mktemp("run"))
    return judged(lab, exercise_only=False), lab


def test_the_reference_passes_every_check(reference):
    found, lab = reference
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 50
    assert {f.name for f in lab.ledger.figures} == {"Gains", "Coefficient paths", "Lasso path", "Bias and variance"}
    assert [len(table.rows) for table in lab.ledger.tables if table.name == "Contest"] == [6]


def test_the_document_is_rendered_from_the_evidence(reference):
    found, lab = reference
    template, _, facts = lab.pending_documents[0]
    text = documents.render(
        WEEK.path / template,
        metrics=lab.ledger.metrics,
        tables=lab.ledger.tables,
        verdicts=[j.verdict for j in found.values()],
        data=lab.ledger.data,
        facts=facts,
    )
    assert documents.typed_numbers(WEEK.path / template) == []
    assert "cannot be told from least squares" in text
    assert "**better than least squares**" in text
    assert text.count("**What to do:**") == 4


def test_the_starter_fails_every_check(tmp_path):
    source = derive(Bench(WEEK.week, None).reference(), NAMES, 6)
    assert "descend" not in source
    scope = {}
    exec(compile(source, "regression.py", "exec"), scope)
    found = judged(lab_with(tmp_path, {name: scope[name] for name in NAMES}))
    assert {name: j.verdict.outcome for name, j in found.items() if j.verdict.outcome != "not attempted"} == {}


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: lab_with(tmp_path, solution))


def test_every_check_says_why_and_gives_hints(reference):
    for j in reference[0].values():
        assert j.verdict.why.endswith(".")
        assert j.verdict.hint or not j.verdict.exercise


def test_the_brute_force_oracle_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    X, y, s = rng.standard_normal((9, 3)), rng.standard_normal(9), rng.gamma(1.0, 1.0, 9)
    errors = held_out(X, y, np.array([0.1, 3.0]), one_at_a_time(9), s)
    for i, (train, test) in enumerate(one_at_a_time(9)):
        expected = (y[test] - ridge_oracle(3.0, X[train], y[train], s[train]).predict(X[test])) ** 2
        assert errors[i, 1] == pytest.approx(expected[0])


def test_the_gap_is_zero_at_the_minimum_and_positive_elsewhere():
    X, y = np.array([[-1.0], [0.0], [1.0]]), np.array([1.0, 3.0, 5.0])
    assert gap_of(X, y, np.array([0.5]), 1.0) == pytest.approx(0.0, abs=1e-12)
    assert gap_of(X, y, np.array([0.6]), 1.0) > 1e-4


def test_simulated_houses_follow_their_prices():
    many = simulator.houses(50_000, np.random.default_rng(1), junk=2)
    assert many.names[-2:] == ("junk 1", "junk 2")
    np.testing.assert_allclose(many.X.mean(axis=0), 0.0, atol=0.03)
    np.testing.assert_allclose(many.X.std(axis=0), 1.0, atol=0.03)
    assert (many.y - many.expected).std() == pytest.approx(simulator.NOISE, rel=0.02)
    fitted = np.linalg.lstsq(np.column_stack([many.X, np.ones(50_000)]), many.y, rcond=None)[0]
    np.testing.assert_allclose(fitted[:-1], many.coef, atol=2.5)
    assert np.all(many.coef[-2:] == 0)


def test_scales_and_medians_come_from_the_training_rows_alone():
    train = np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0]])
    learned, other = contest.scaled(train, np.array([[np.nan, 6.0], [100.0, 5.0]]))
    np.testing.assert_allclose(learned[:, 0].mean(), 0.0, atol=1e-12)
    np.testing.assert_allclose(other[0], [0.0, 1.0])  # the median 2 is the mean; a constant column is not divided
    again, _ = contest.scaled(train, np.array([[-1e9, 1e9], [np.nan, 0.0]]))
    np.testing.assert_array_equal(again, learned)


def test_an_interval_of_gains_is_wider_than_that_of_independent_folds():
    subject = Subject("toy", np.zeros((20, 1)), np.zeros(20), ("x",), "")
    errors = np.column_stack([np.full(10, 3.0), 3.0 - np.linspace(0.0, 1.0, 10), np.full(10, 3.0)])
    gain, low, high = contest.Contest(subject, errors, np.zeros(10)).gain("ridge")
    assert gain == pytest.approx(0.5)
    naive = 2.262157 * np.linspace(0.0, 1.0, 10).std(ddof=1) / np.sqrt(10)
    assert (high - low) / 2 == pytest.approx(naive * np.sqrt(1 + 10 / 9), rel=1e-6)
    assert contest.Contest(subject, errors, np.zeros(10)).gain("lasso") == (0.0, 0.0, 0.0)


def test_bias_and_variance_add_up_to_the_measured_error(tmp_path, monkeypatch):
    monkeypatch.setattr(tradeoff, "RIDGE_ALPHAS", np.array([0.1, 30.0]))
    monkeypatch.setattr(tradeoff, "LASSO_ALPHAS", np.array([1.0, 30.0]))
    by_ridge, by_lasso = tradeoff.tradeoffs(lab_with(tmp_path))
    assert by_ridge.variance[0] > by_ridge.variance[1]
    assert by_ridge.bias2[0] < by_ridge.bias2[1]
    assert by_lasso.bias2[0] < by_lasso.bias2[1]
    rng = np.random.default_rng(9)
    new = simulator.houses(400, rng, junk=tradeoff.JUNK)
    errors = []
    for _ in range(150):
        sample = simulator.houses(tradeoff.ROWS, rng, junk=tradeoff.JUNK)
        errors.append(np.mean((ridge_oracle(30.0, sample.X, sample.y).predict(new.X) - new.expected) ** 2))
    assert by_ridge.total[1] == pytest.approx(np.mean(errors), rel=0.15)


def test_the_peers_measure_the_same():
    rng = np.random.default_rng(2)
    X, y, s = rng.standard_normal((20, 3)), rng.standard_normal(20), rng.gamma(1.0, 1.0, 20)
    ours = Solution(WEEK.week).RidgeCV([0.1, 5.0]).fit(X, y, s)
    theirs = peers.RidgeCV([0.1, 5.0]).fit(X, y, s)
    np.testing.assert_allclose(theirs.cv_errors_, ours.cv_errors_)
    assert (
        peers.RidgeCV([0.1, 5.0], cv=3).fit(X, y).alpha_
        == Solution(WEEK.week).RidgeCV([0.1, 5.0], cv=3).fit(X, y).alpha_
    )


def test_ridge_on_california_housing_is_where_the_field_is(tmp_path, shared_data):
    lab = lab_with(tmp_path, profile="full")
    subject = real_table(lab)
    assert subject.X.shape == (20_640, 8)
    assert 0.70 <= contest.hold(lab, subject).rmse("ridge") <= 0.76
