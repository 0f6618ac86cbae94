"""Week 11's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.model_selection

from fiftytwo import documents, judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.solution import Solution
from fiftytwo.weeks.w11_crossval import bits, cases, experiments, models, peers, running, splitting, subjects, tuning
from fiftytwo.weeks.w11_crossval.mistakes import mistakes
from mltoolkit.errors import CannotRead
from mltoolkit.tabular import crossval

WEEK = plan.load(11)
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
    assert len(found) >= 70
    assert {f.name for f in lab.ledger.figures} == {"Splits", "Promises", "Optimism", "False alarms", "Ablation"}
    assert {t.name for t in lab.ledger.tables} == {"Promises", "Comparison", "Ablation", "Again", "Versions"}
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint or not one.verdict.exercise


def test_the_checklist_is_rendered_from_the_evidence(reference):
    found, lab = reference
    template, _, facts = lab.pending_documents[0]
    assert documents.typed_numbers(WEEK.path / template) == []
    for checkout in (True, False):
        text = documents.render(
            WEEK.path / template,
            metrics=lab.ledger.metrics,
            tables=lab.ledger.tables,
            verdicts=[j.verdict for j in found.values()],
            data=lab.ledger.data,
            facts={**facts, "checkout": checkout},
        )
        assert text.count("**Do:**") == 5
        assert "two processes (loky)" in text
        assert ("Not measured here" in text) == (not checkout)


def test_the_starter_fails_every_check(tmp_path):
    source = derive(Bench(WEEK.week, None).reference(), NAMES, 11)
    assert "_paired" not in source
    assert "_fold_runs" not in source
    scope = {}
    exec(compile(source, "crossval.py", "exec"), scope)
    found = judged(lab_with(tmp_path, {name: scope[name] for name in NAMES}))
    assert {name: j.verdict.outcome for name, j in found.items() if j.verdict.outcome != "not attempted"} == {}


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: lab_with(tmp_path, solution))


def test_every_name_has_its_mistake():
    assert {name for mistake in mistakes for name in mistake.solution} == set(NAMES)


class SlowGroups(crossval.Splitter):
    """Another right answer: plain loops, ties to the last fold, folds numbered backwards."""

    def __init__(self, n_splits=5, *, stratify=False, shuffle=False, random_state=None):
        self.n_splits, self.stratify, self.shuffle, self.random_state = n_splits, stratify, shuffle, random_state

    def split(self, X, y=None, groups=None):
        list(crossval.GroupKFold(self.n_splits, stratify=self.stratify).split(X, y, groups))
        seed = np.random.RandomState(self.random_state) if self.shuffle else None
        rows = {}
        for row, group in enumerate(groups):
            rows.setdefault(group, []).append(row)
        order = sorted(rows, key=str, reverse=True)
        if seed is not None:
            order = [order[i] for i in seed.permutation(len(order))]
        folds = [[] for _ in range(self.n_splits)]
        for group in order if seed is not None else sorted(order, key=lambda g: -len(rows[g])):
            lightest = min(len(fold) for fold in folds)
            [fold for fold in folds if len(fold) == lightest][-1].extend(rows[group])
        for fold in reversed(folds):
            test = np.array(sorted(fold))
            yield np.setdiff1d(np.arange(len(X)), test), test


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
def test_another_right_answer_passes(tmp_path):
    replaced = {
        "KFold": sklearn.model_selection.KFold,
        "GroupKFold": SlowGroups,
        "StratifiedKFold": sklearn.model_selection.StratifiedKFold,
    }
    lab = lab_with(tmp_path, replaced)
    found = [judge.judge(check).verdict for check in splitting.splitters(lab)]
    # All but what it leaves out on purpose: it takes stratify and does not stratify.
    wrong = [verdict.name for verdict in found if verdict.outcome != "passed"]
    assert wrong == ["stratified GroupKFold evens the classes out"]


@pytest.mark.parametrize(
    ("pairs", "fault"),
    [
        ([([0], [1]), ([1], [0])], ""),
        ([([0], [1])], "1 splits in place of 2"),
        ([([0], [1]), ([0], [1])], "row 0 is tested 0 times"),
        ([([0, 1], [1]), ([1], [0])], "split 0 tests row 1, on which it was trained"),
        ([([0], [2]), ([1], [0])], "split 0 names row 2, and there are 2"),
        ([([], [1]), ([1], [0])], "split 0 holds"),
        ([(np.array([], int), [1]), ([1], [0])], "split 0 uses 1 of 2 rows"),
    ],
)
def test_a_partition_is_told_from_what_is_none(pairs, fault):
    found = cases.fault_of_partition(pairs, 2, 2)
    assert found.startswith(fault)
    assert bool(found) == bool(fault)


def test_leaks_and_shares_are_seen():
    groups = np.array(["a", "a", "b", "b"])
    assert cases.fault_of_groups([([0, 2], [1, 3])], groups) == "split 0 has group a on both sides"
    assert cases.fault_of_groups([([0, 1], [2, 3])], groups) == ""
    y = np.array([0, 0, 1, 1])
    assert "class 0 has 2 rows in one test fold and 0" in cases.fault_of_shares([([2, 3], [0, 1]), ([0, 1], [2, 3])], y)
    assert cases.fault_of_shares([([1, 3], [0, 2]), ([0, 2], [1, 3])], y) == ""
    assert cases.unevenness([([1, 3], [0, 2]), ([0, 2], [1, 3])], y) == 0
    assert cases.unevenness([([2, 3], [0, 1]), ([0, 1], [2, 3])], y) == 0.5
    assert cases.spread([([0], [1, 2, 3]), ([1, 2, 3], [0])]) == 2


def test_every_random_table_can_serve_all_splitters():
    for case in cases.cases(np.random.default_rng(3), 200):
        assert len(case.y) == len(case.groups) == case.n
        assert np.unique(case.y, return_counts=True)[1].min() >= case.k
        assert len(np.unique(case.groups)) >= case.k


def test_the_witness_and_the_rule_do_what_they_say():
    X = np.array([[0.0], [1.0], [2.0]])
    assert models.Witness().fit(X[:2]).predict(X).tolist() == [1, 1, 0]
    with pytest.raises(RuntimeError, match="entry 7 is missing"):
        models.Witness(7.0).fit(X)
    X, y = np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([1, 1, 0, 0])
    rule = models.ColumnRule().fit(X, y)
    assert rule.predict(X).tolist() == y.tolist()
    assert rule.score(X, 1 - y) == 0.0
    assert rule.score(X, [1, 0, 0, 0], sample_weight=[1, 3, 1, 1]) == 0.5
    assert models.ColumnRule().fit(X, np.ones(4, int)).predict(X[:1]).tolist() in ([0], [1])


def test_the_definition_of_a_difference_holds_against_scipy():
    from scipy import stats

    rng = np.random.default_rng(0)
    scores = {"a": rng.random(8), "b": rng.random(8), "c": rng.random(8)}
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    found = tuning.definition(scores, pairs, 0.95, 0.0)  # without sharing it is the paired t-test
    for row, (a, b) in zip(found, pairs, strict=True):
        test = stats.ttest_rel(scores[a], scores[b])
        np.testing.assert_allclose(row[4:6], [test.statistic, test.pvalue])
        np.testing.assert_allclose(row[2:4], test.confidence_interval(0.95))
    p = np.sort(found[:, 5])
    np.testing.assert_allclose(np.sort(found[:, 6])[0], min(1, 3 * p[0]))


def test_two_equal_columns_are_equal_and_the_table_is_as_described():
    X, y = running.table(np.random.default_rng(0), 3000)
    assert y.mean() == pytest.approx(1 / 3)
    assert X[y == 1, 0].mean() - X[y == 0, 0].mean() == pytest.approx(1.2, abs=0.1)
    alarms = experiments.Alarms(np.array([0.01, 0.2]), np.array([0.01, 0.02]))
    assert (alarms.rate("corrected"), alarms.rate("naive")) == (0.5, 1.0)


def test_digests_see_one_bit_and_no_time():
    found = {
        "scores": {"a": np.array([1.0])}, "fold_predictions": [np.zeros(2)], "test_rows": [np.arange(2)],
        "train_rows": [np.arange(3)], "seconds": [1.0],
    }  # fmt: skip
    first = bits.digest(found)
    assert bits.digest({**found, "seconds": [2.0]}) == first
    assert bits.digest({**found, "scores": {"a": np.nextafter([1.0], 2.0)}}) != first
    assert bits.digest({**found, "fold_predictions": [np.array([0.0, -0.0])]}) != first


def test_versions_are_read_from_the_lock_file(tmp_path, monkeypatch):
    monkeypatch.setattr(
        bits, "mltoolkit", SimpleNamespace(__file__=str(tmp_path / "src" / "mltoolkit" / "__init__.py"))
    )
    with pytest.raises(CannotRead, match=r"no requirements\.lock"):
        bits.pinned()
    (tmp_path / "requirements.lock").write_text(
        "numpy==1.0 ; x\nnumpy==2.0 # y\nscipy==3\ntorch==2\n", encoding="utf-8"
    )
    monkeypatch.setattr(
        bits,
        "versions",
        lambda: {"python": "3", "fiftytwo": "0", "numpy": "2.0", "scipy": "4", "torch": "2+cpu", "x": "1"},
    )
    assert bits.pinned() == [("numpy", "2.0", "2.0"), ("scipy", "4", "3"), ("torch", "2+cpu", "2+cpu"), ("x", "1", "")]


def test_where_no_process_may_start_the_checklist_says_so(tmp_path):
    def forbidden(*_, n_jobs=None, **__):
        raise BlockingIOError("no more processes")

    lab = lab_with(tmp_path, {"cross_validate": forbidden})
    found = bits._once(lab, "two", np.zeros((4, 1)), np.arange(4), {}, 1)
    assert (found.digest, found.reason) == ("", "BlockingIOError: no more processes")


def test_the_peers_are_scikit_learns():
    y, groups = np.arange(24) % 2, np.arange(24) // 3
    ours = list(peers.GroupKFold(3, stratify=True).split(y, y, groups))
    known = list(sklearn.model_selection.StratifiedGroupKFold(3).split(y, y, groups))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(ours, known, strict=True))
    assert len(list(peers.GroupKFold(3).split(y, y, groups))) == 3
    for train, test in peers.TimeSeriesSplit(3, purge=2).split(y):
        assert train.max() + 2 < test.min()


@pytest.mark.slow
def test_the_real_tables_leak_too(tmp_path, shared_data, monkeypatch):
    assert shared_data
    monkeypatch.setattr(subjects, "_INVOICES", 3000)
    monkeypatch.setattr(subjects, "_HALF_HOURS", 3000)
    monkeypatch.setattr(subjects, "_LOANS", 500)
    lab = lab_with(tmp_path, profile="full")
    retail, market = subjects.retail(lab), subjects.market(lab)
    assert retail.promised["KFold"] > retail.promised["GroupKFold"]
    assert market.promised["KFold, shuffled"] > market.promised["TimeSeriesSplit"]
    chosen = subjects.subject(lab)
    assert sum(map(len, chosen.features.values())) == chosen.X.shape[1] == 23
