"""Week 8's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

from types import SimpleNamespace

import numpy as np
import pytest

from fiftytwo import judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.solution import Solution

pytest.importorskip("xgboost", reason="needs the extra tabular")
pytest.importorskip("shap", reason="needs the extra tabular")

from fiftytwo.weeks.w08_trees.mistakes import mistakes
from fiftytwo.weeks.w08_trees.planted import planted, simulated
from fiftytwo.weeks.w08_trees.single import best_stump, wavy
from fiftytwo.weeks.w08_trees.tables import applicants, houses
from mltoolkit.tabular import trees

WEEK = plan.load(8)
NAMES = WEEK.week.exercise.names
REFERENCE = {name: getattr(trees, name) for name in NAMES}


def judged(solution, folder, *, exercise_only=True):
    lab = Lab(WEEK.week, folder, Solution(WEEK.week, replaced={**REFERENCE, **solution}))
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}, lab


@pytest.mark.filterwarnings("ignore")
def test_the_reference_passes_every_check(tmp_path):
    found, lab = judged({}, tmp_path, exercise_only=False)
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 50
    assert {figure.name for figure in lab.ledger.figures} == {
        "Overfitting", "What the predictions lean on", "One column"
    }  # fmt: skip
    assert {table.name for table in lab.ledger.tables} == {"Beside XGBoost", "Planted leaks", "Clean tables"}
    assert {name for _, name, _ in lab.pending_documents} == {"Leakage checklist", "How far to boost"}
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint


def test_the_starter_fails_every_check(tmp_path):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 8), "trees.py", "exec"), scope)
    found, _ = judged({name: scope[name] for name in NAMES}, tmp_path)
    assert {j.verdict.outcome for j in found.values()} == {"not attempted"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    def make_lab(solution):
        return Lab(WEEK.week, tmp_path, Solution(WEEK.week, replaced={**REFERENCE, **solution}))

    assert_caught_and_named(WEEK, mistake, make_lab)


@pytest.mark.filterwarnings("ignore")
def test_other_right_solutions_pass(tmp_path):
    """Ties broken the other way, other bins, exhaustive Shapley values: what a learner may well do differently."""
    from sklearn.utils.validation import validate_data

    class Mirrored(trees.RegressionTree):
        """Asks the columns in the other order, so that ties go elsewhere."""

        def fit(self, X, y, sample_weight=None):
            validate_data(self, X, y, ensure_all_finite=False)
            given = self.monotonic_cst
            self.monotonic_cst = None if given is None else given[::-1]
            try:
                return super().fit(np.asarray(X)[:, ::-1], y, sample_weight)
            finally:
                self.monotonic_cst = given

        def apply(self, X):
            return super().apply(np.asarray(X, dtype=float)[:, ::-1])

    def shap_of(model, X):
        values, base = trees.tree_shap(model, np.asarray(X)[:, ::-1] if isinstance(model, Mirrored) else X)
        return (values[:, ::-1].copy() if isinstance(model, Mirrored) else values), base

    class FewerBins(trees.GradientBoostingRegressor):
        def fit(self, X, y, sample_weight=None, **parts):
            if self.max_bins == 255:
                self.max_bins = 128
            return super().fit(X, y, sample_weight, **parts)

    found, _ = judged(
        {"RegressionTree": Mirrored, "GradientBoostingRegressor": FewerBins, "tree_shap": shap_of}, tmp_path
    )
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}


@pytest.mark.parametrize("seed", range(8))
def test_planted_leaks_are_found_and_clean_tables_are_silent_whatever_the_seed(seed):
    from fiftytwo.weeks.w08_trees.planted import findings, is_right

    lab = SimpleNamespace(solution=SimpleNamespace(find_leaks=trees.find_leaks))
    for suspect in planted(np.random.default_rng(seed)).values():
        assert is_right(suspect, findings(lab, suspect)), suspect.name
    for suspect in simulated(np.random.default_rng(seed)):
        assert findings(lab, suspect) == [], suspect.name


def test_the_simulators_give_what_they_say():
    X, price = houses(np.random.default_rng(0), 20_000)
    assert X.shape == (20_000, 6)
    assert len(np.unique(X[:, 0])) <= 101
    assert abs(np.corrcoef(X[:, 5], price)[0, 1]) < 0.03
    A, defaults = applicants(np.random.default_rng(0), 20_000)
    assert np.isnan(A).any(axis=0).tolist() == [False, False, True, False, False, False]
    assert set(defaults) == {0.0, 1.0}
    assert 0.1 < defaults.mean() < 0.35


def test_the_best_stump_is_at_least_as_good_as_any_tree_of_depth_one():
    X, y = wavy(0, 60, holes=0.1)
    error = np.sum((y - trees.RegressionTree(max_depth=1).fit(X, y).predict(X)) ** 2)
    assert best_stump(X, y) <= error + 1e-9


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_full_run_passes_on_real_tables(tmp_path, shared_data):
    lab = Lab(WEEK.week, tmp_path, Solution(WEEK.week, replaced=REFERENCE), profile="full")
    built = WEEK.build(lab)
    outcomes = {j.verdict.name: j.verdict.outcome for j in judge.assess(WEEK, lab, built, exercise_only=False)}
    assert {name for name, outcome in outcomes.items() if outcome != "passed"} == set()
    assert "RMSE on California housing" in outcomes


@pytest.mark.filterwarnings("ignore")
def test_the_library_at_work_can_stand_in_for_the_build(tmp_path):
    import importlib

    peers = {}
    for name, place in WEEK.week.exercise.peers.items():
        module, _, attribute = place.partition(":")
        peers[name] = getattr(importlib.import_module(module), attribute)
    lab = Lab(WEEK.week, tmp_path, Solution(WEEK.week, replaced={**REFERENCE, **peers}))
    built = WEEK.build(lab)
    assert built.gap < 1e-4  # single precision
    assert np.argmin(built.validation_curve) == built.stopped
    assert len(built.train_curve) == len(built.validation_curve) == 121
    assert sum(built.found.values()) == 5
