"""Week 12's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import tempfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fiftytwo import judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.weeks.w12_features import cases, probes, serving
from fiftytwo.weeks.w12_features.credit import EMPLOYERS, REGIONS, applications, noise
from fiftytwo.weeks.w12_features.mistakes import mistakes
from fiftytwo.weeks.w12_features.skews import OTHERS, PLANTED
from mltoolkit.tabular import features

WEEK = plan.load(12)
NAMES = WEEK.week.exercise.names
REFERENCE = {name: getattr(features, name) for name in NAMES}


class Solution(SimpleNamespace):
    """Names, and ``apply`` in this process."""

    def apply(self, function, *args):
        return function(self, *args)


def lab_with(solution, folder, **options):
    return Lab(WEEK.week, folder, Solution(**{**REFERENCE, **solution}), **options)


def judged(lab, *, exercise_only=True):
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}


@pytest.mark.filterwarnings("ignore")
def test_the_reference_passes_every_check(tmp_path):
    lab = lab_with({}, tmp_path)
    found = judged(lab, exercise_only=False)
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 35
    assert {figure.name for figure in lab.ledger.figures} == {"Noise", "Promises", "Latency", "Skewed columns"}
    assert {table.name for table in lab.ledger.tables} == {"Promises", "Skews", "Refusals"}
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint or not one.verdict.exercise


@pytest.mark.filterwarnings("ignore")
def test_the_real_tables_of_a_full_run(shared_data, tmp_path):
    from fiftytwo.weeks.w12_features.promises import promised

    found = promised(lab_with({}, tmp_path, profile="full"))
    assert set(found) == {"simulated applications", "credit-card default", "Titanic"}
    for ways in found.values():
        gaps = {way: train - new for way, (train, new) in ways.items()}
        assert abs(gaps["cross-fitted"]) < 0.08
        assert gaps["encoded by their own rows"] > gaps["cross-fitted"]


def test_the_starter_fails_every_check(tmp_path):
    scope = {}
    starter = derive(Bench(WEEK.week, None).reference(), NAMES, 12)
    exec(compile(starter, "features.py", "exec"), scope)
    found = judged(lab_with({name: scope[name] for name in NAMES}, tmp_path))
    assert {name: j.verdict.outcome for name, j in found.items() if j.verdict.outcome != "not attempted"} == {}
    assert "_pipeline_files" not in starter


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: lab_with(solution, tmp_path), build=False, may_crash=True)


class SlowTargetEncoder(features.TargetEncoder):
    """Another right answer: dictionaries and loops, other folds, the hash of nothing shared."""

    def fit_transform(self, X, y):
        from sklearn.model_selection import KFold

        splitter = self.cv if hasattr(self.cv, "split") else KFold(self.cv, shuffle=True, random_state=3)
        self.fit(X, y)
        rows = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X) if not hasattr(X, "frame") else X.frame()
        rows, y = rows.reset_index(drop=True), np.asarray(y)
        out = None
        for train, test in splitter.split(rows, y):
            part = features.TargetEncoder(self.smooth, target_type=self.target_type_).fit(rows.iloc[train], y[train])
            encoded = part.transform(rows.iloc[test])
            out = np.empty((len(y), encoded.shape[1])) if out is None else out
            out[test] = encoded
        return out


@pytest.mark.filterwarnings("ignore")
def test_another_right_answer_passes(tmp_path):
    lab = lab_with({"TargetEncoder": SlowTargetEncoder}, tmp_path)
    built = judge.Unbuilt(RuntimeError("the build is judged elsewhere"))
    outcomes = {j.verdict.name: j.verdict for j in judge.assess(WEEK, lab, built, exercise_only=True)}
    wrong = {name: v.message for name, v in outcomes.items() if v.outcome == "wrong"}
    assert wrong == {}


def test_applications_default_as_often_as_people_do_and_have_their_gaps():
    frame, y = applications(np.random.default_rng(0), 20_000)
    assert 0.15 < y.mean() < 0.45
    assert frame["months_employed"].isna().mean() == pytest.approx(0.1, abs=0.01)
    assert frame["region"].nunique() == len(REGIONS)
    assert frame["employer"].nunique() <= EMPLOYERS
    assert frame["applied"].dt.hour.between(8, 18).all()
    by_agent = pd.Series(y).groupby(frame["agent"]).mean()
    assert len(by_agent) > 4_000


def test_noise_has_its_categories():
    X, y = noise(np.random.default_rng(0), 1_000, 50)
    assert X.shape == (1_000, 1)
    assert len(set(X.ravel())) == 50
    assert set(y) == {0, 1}


@pytest.mark.parametrize("one", [*PLANTED, *OTHERS], ids=lambda one: one.title)
def test_a_planted_skew_changes_its_column_and_no_row_count(one):
    frame, _ = applications(np.random.default_rng(1), 200)
    spoiled = one.spoil(frame, np.random.default_rng(2))
    assert len(spoiled) == len(frame)
    assert not spoiled.equals(frame[one.column])


def test_the_hash_by_its_definition():
    X = pd.DataFrame({"city": ["Bonn", None], "code": [1.0, np.nan]})
    out = cases.hashed(X, 16, True)
    assert np.abs(out).sum(axis=1).max() <= 2
    assert (cases.hashed(X, 16, False).sum(axis=1) == 2).all()


def test_bits_are_counted_and_minus_zero_is_not_zero():
    assert serving.differing_bits([0.0, 1.0], [0.0, 1.0]) == 0
    assert serving.differing_bits([0.0, 1.0], [-0.0, np.nextafter(1.0, 2.0)]) == 2


def test_online_rows_are_plain_and_hold_none_for_a_gap():
    rows = serving.online_rows(pd.DataFrame({"a": [1.5, np.nan], "b": ["x", None], "applied": [1, 2]}))
    assert rows == [{"b": "x", "a": 1.5}, {"b": None, "a": None}]


def test_a_bomb_goes_off_where_it_is_unpickled():
    import builtins
    import pickle

    assert not hasattr(builtins, probes.RAN)
    pickle.loads(pickle.dumps(probes._Bomb()))
    assert hasattr(builtins, probes.RAN)
    delattr(builtins, probes.RAN)


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lab = lab_with({}, tmp_path)
    serving.refused(lab)
    assert list(tmp_path.iterdir()) == []
