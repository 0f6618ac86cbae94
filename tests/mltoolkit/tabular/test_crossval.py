"""Splitters and what is built on them: scikit-learn as oracle, properties of any split, every awkward input."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.model_selection as peer
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mltoolkit.errors import BadInput, MissingExtra
from mltoolkit.tabular import (
    GroupKFold,
    KFold,
    StratifiedKFold,
    TimeSeriesSplit,
    ablate,
    compare_models,
    cross_validate,
    nested_cross_validate,
)
from mltoolkit.tabular._paired import corrected, holm
from mltoolkit.tabular.cvresults import FoldFailure, FoldsFailed
from mltoolkit.tabular.folds import codes_of, count_rows, scorers_of, take_columns, take_rows, takes_weights


def lists(pairs):
    return [(train.tolist(), test.tolist()) for train, test in pairs]


def is_partition(pairs, n):
    rows = np.arange(n)
    tests = np.concatenate([test for _, test in pairs])
    return np.array_equal(np.sort(tests), rows) and all(
        np.array_equal(np.sort(np.concatenate(pair)), rows) and len(pair[1]) for pair in pairs
    )


@st.composite
def tables(draw):
    k = draw(st.integers(2, 6))
    classes = draw(st.integers(1, 4))
    y = list(range(classes)) * k + draw(st.lists(st.integers(0, classes - 1), max_size=60))
    n = len(y)
    groups = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    groups[:k] = range(k)
    return k, np.array(draw(st.permutations(y))), np.array(groups)


@given(tables(), st.booleans(), st.integers(0, 5))
def test_k_folds_are_a_partition_and_sizes_differ_by_one(table, shuffle, seed):
    k, y, _ = table
    pairs = list(KFold(k, shuffle=shuffle, random_state=seed if shuffle else None).split(y[:, np.newaxis]))
    assert is_partition(pairs, len(y))
    sizes = [len(test) for _, test in pairs]
    assert max(sizes) - min(sizes) <= 1
    assert shuffle or lists(pairs) == lists(peer.KFold(k).split(y))


@given(tables(), st.booleans(), st.integers(0, 5))
def test_stratified_folds_have_each_class_evenly(table, shuffle, seed):
    k, y, _ = table
    splitter = StratifiedKFold(k, shuffle=shuffle, random_state=seed if shuffle else None)
    pairs = list(splitter.split(y[:, np.newaxis], y))
    assert is_partition(pairs, len(y))
    sizes = [len(test) for _, test in pairs]
    assert max(sizes) - min(sizes) <= 1
    for label in np.unique(y):
        counts = [np.sum(y[test] == label) for _, test in pairs]
        assert max(counts) - min(counts) <= 1
    assert shuffle or lists(pairs) == lists(peer.StratifiedKFold(k).split(y, y))


@given(tables(), st.booleans(), st.booleans(), st.integers(0, 5))
def test_no_group_is_on_both_sides(table, stratify, shuffle, seed):
    k, y, groups = table
    splitter = GroupKFold(k, stratify=stratify, shuffle=shuffle, random_state=seed if shuffle else None)
    pairs = list(splitter.split(y[:, np.newaxis], y, groups))
    assert is_partition(pairs, len(y))
    for train, test in pairs:
        assert not set(groups[train]) & set(groups[test])
    sizes = [len(test) for _, test in pairs]
    if not stratify:
        assert max(sizes) - min(sizes) <= np.bincount(groups).max()
    if not stratify and not shuffle:
        assert sorted(sizes) == sorted(len(test) for _, test in peer.GroupKFold(k).split(y, groups=groups))


def test_stratified_groups_are_as_even_as_scikit_learns():
    rng, ours, theirs = np.random.default_rng(0), [], []
    for _ in range(60):
        n, k = int(rng.integers(40, 200)), int(rng.integers(2, 6))
        groups = rng.choice(20, n, p=rng.dirichlet(np.ones(20)))
        y = (rng.random(n) < rng.random(20)[groups]).astype(int)
        y[:k], groups[:k] = 1, np.arange(k)
        for found, splitter in ((ours, GroupKFold(k, stratify=True)), (theirs, peer.StratifiedGroupKFold(k))):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pairs = list(splitter.split(y, y, groups))
            found.append(np.mean([abs(y[test].sum() / y.sum() - 1 / k) for _, test in pairs]))
    assert np.mean(ours) <= 1.02 * np.mean(theirs)


@given(
    st.integers(2, 5), st.integers(0, 3), st.integers(0, 6), st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 9), st.integers(20, 60), st.integers(0, 99), st.booleans(),
)  # fmt: skip
def test_time_never_runs_backwards(k, gap, purge, test_size, most, n, seed, one_each):
    horizon = np.random.default_rng(seed).integers(0, purge + 1, n) if one_each else purge
    splitter = TimeSeriesSplit(k, gap=gap, purge=horizon, test_size=test_size, max_train_size=most)
    try:
        pairs = list(splitter.split(np.zeros(n)))
    except BadInput:
        size = test_size or n // (k + 1)
        assert n - k * size - max(gap, purge) < 1
        return
    ends = np.arange(n) + horizon
    for train, test in pairs:
        assert train.max() + gap < test.min()
        assert (ends[train] < test.min()).all()
        assert most is None or len(train) <= most
    assert np.array_equal(np.concatenate([test for _, test in pairs]), np.arange(pairs[0][1][0], n))
    if not one_each:
        known = peer.TimeSeriesSplit(k, gap=max(gap, purge), test_size=test_size, max_train_size=most)
        assert lists(pairs) == lists(known.split(np.zeros(n)))


def test_a_seed_makes_the_same_folds_and_a_generator_goes_on():
    X, y, groups = np.zeros((60, 1)), np.arange(60) % 3, np.arange(60) // 4
    for make in (
        lambda seed: KFold(4, shuffle=True, random_state=seed),
        lambda seed: StratifiedKFold(4, shuffle=True, random_state=seed),
        lambda seed: GroupKFold(4, shuffle=True, random_state=seed),
        lambda seed: GroupKFold(4, stratify=True, shuffle=True, random_state=seed),
    ):
        splitter = make(3)
        assert lists(splitter.split(X, y, groups)) == lists(splitter.split(X, y, groups))
        assert lists(make(3).split(X, y, groups)) != lists(make(4).split(X, y, groups))
        going_on = make(np.random.default_rng(3))
        assert lists(going_on.split(X, y, groups)) == lists(make(3).split(X, y, groups))
        assert lists(going_on.split(X, y, groups)) != lists(make(3).split(X, y, groups))
        assert lists(make(None).split(X, y, groups)) != lists(make(None).split(X, y, groups))


def test_groups_of_very_different_sizes_still_move_when_shuffled():
    groups = np.repeat(np.arange(8), 2 ** np.arange(8))
    X = np.zeros((len(groups), 1))
    found = {str(lists(GroupKFold(3, shuffle=True, random_state=seed).split(X, groups=groups))) for seed in range(9)}
    assert len(found) > 3


@pytest.mark.parametrize("kind", ["list", "texts", "object", "series", "categorical", "column", "dates", "bool"])
def test_labels_and_groups_come_in_any_dress(kind):
    plain = np.array([0, 1, 0, 1, 0, 1, 1, 0])
    dressed = {
        "list": plain.tolist(), "texts": np.array(["ja", "nein"])[plain],
        "object": np.array(["ä", "日本"], object)[plain], "series": pd.Series(plain, index=np.arange(8)[::-1]),
        "categorical": pd.Categorical.from_codes(plain, ["x", "y"]),
        "column": plain[:, np.newaxis], "bool": plain.astype(bool),
        "dates": np.array(["2026-01-01", "2026-01-02"], "M8[D]")[plain],
    }[kind]  # fmt: skip
    X = np.zeros((8, 1))
    assert lists(StratifiedKFold(2).split(X, dressed)) == lists(StratifiedKFold(2).split(X, plain))
    assert lists(GroupKFold(2).split(X, groups=dressed)) == lists(GroupKFold(2).split(X, groups=plain))


@pytest.mark.parametrize(
    ("splitter", "n", "y", "groups", "words"),
    [
        (KFold(5), 3, None, None, ["n_splits=5 is more than the 3 rows"]),
        (KFold(1), 0, None, None, ["n_splits=1 is not an int of at least 2"]),
        (KFold(True), 9, None, None, ["n_splits=True"]),
        (KFold(2.0), 9, None, None, ["n_splits=2.0"]),
        (KFold(2, shuffle="yes"), 9, None, None, ["shuffle='yes'"]),
        (KFold(2, random_state=0), 9, None, None, ["random_state=0 has no effect without shuffle"]),
        (KFold(9, random_state=0), 3, [1], None, ["n_splits=9", "random_state=0", "y has 1 entries, X has 3 rows"]),
        (StratifiedKFold(2), 4, None, None, ["y is None"]),
        (StratifiedKFold(2), 4, [1, 1, 1, 2], None, ["classes have fewer rows: 2 (1)", "lower n_splits"]),
        (StratifiedKFold(2), 9, list(range(9)), None, ["0 (1), 1 (1), 2 (1), 3 (1), 4 (1) and 4 more"]),
        (StratifiedKFold(2), 3, [1.0, np.nan, 1.0], None, ["y is missing", "1 of 3 rows, first in row 1"]),
        (StratifiedKFold(2), 3, [[1, 2]] * 3, None, ["y has shape (3, 2)"]),
        (StratifiedKFold(2), 2, np.array([1, "a"], object), None, ["y mixes types"]),
        (GroupKFold(2), 3, None, None, ["groups is None"]),
        (GroupKFold(2, stratify=True), 3, None, [1, 2, 3], ["stratify=True needs a class"]),
        (GroupKFold(3), 4, None, [1, 1, 2, 2], ["n_splits=3, but there are 2 groups only"]),
        (GroupKFold(2), 3, None, ["a", None, "b"], ["groups is missing", "first in row 1"]),
        (GroupKFold(2), 3, None, np.array(["2026", "NaT", "2025"], "M8[Y]"), ["groups is missing"]),
        (GroupKFold(2), 3, None, [1, 2], ["groups has 2 entries, X has 3 rows"]),
        (TimeSeriesSplit(3), 3, None, None, ["3 rows are too few", "n_splits=3"]),
        (TimeSeriesSplit(2, gap=-1, test_size=0), 9, None, None, ["gap=-1", "test_size=0"]),
        (TimeSeriesSplit(2, purge=-1), 9, None, None, ["purge=-1"]),
        (TimeSeriesSplit(2, purge=0.5), 9, None, None, ["purge=0.5"]),
        (TimeSeriesSplit(2, purge=[1, 2]), 9, None, None, ["purge=2 horizons up to 2 is neither"]),
        (TimeSeriesSplit(2, purge=[9] * 9), 9, None, None, ["purge=9 horizons up to 9", "nothing to train on"]),
    ],
)
def test_what_cannot_be_split_is_refused_with_every_reason(splitter, n, y, groups, words):
    with pytest.raises(BadInput) as refused:
        list(splitter.split(np.zeros((n, 2)), y, groups))
    for word in words:
        assert word in str(refused.value)
    assert str(refused.value).startswith(type(splitter).__name__)


@pytest.mark.parametrize("X", [None, "text", 3.0, np.float64(3)])
def test_what_has_no_rows_is_refused(X):
    with pytest.raises(BadInput, match="one row a sample"):
        list(KFold(2).split(X))


def test_splitters_say_what_they_are_and_serve_scikit_learn():
    assert (
        repr(GroupKFold(3, stratify=True)) == "GroupKFold(n_splits=3, stratify=True, shuffle=False, random_state=None)"
    )
    X, y = np.arange(20.0)[:, np.newaxis], np.arange(20) % 2
    search = peer.GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=StratifiedKFold(4)).fit(X, y)
    assert search.n_splits_ == 4 == StratifiedKFold(4).get_n_splits(X, y)


def data(n=60, seed=0, classes=2):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    X = rng.standard_normal((n, 4))
    X[:, 0] += y
    return X, y


@pytest.mark.parametrize(
    ("estimator", "scoring"),
    [
        (GaussianNB(), ["accuracy", "roc_auc", "neg_log_loss", "neg_brier_score"]),
        (make_pipeline(StandardScaler(), LogisticRegression()), ["f1", "average_precision"]),
        (RandomForestClassifier(3, random_state=1), "accuracy"),
        (Ridge(), ["r2", "neg_root_mean_squared_error"]),
        (KNeighborsClassifier(3), None),
    ],
)
def test_scores_and_predictions_are_scikit_learns(estimator, scoring):
    X, y = data()
    cv = peer.KFold(4, shuffle=True, random_state=0)
    found = cross_validate(estimator, X, y, cv=cv, scoring=scoring)
    known = peer.cross_validate(estimator, X, y, cv=cv, scoring=scoring)
    for name, values in found.scores.items():
        np.testing.assert_array_equal(values, known[f"test_{name}" if isinstance(scoring, list) else "test_score"])
    np.testing.assert_array_equal(found.predictions, peer.cross_val_predict(estimator, X, y, cv=cv))
    assert (found.fit_seconds > 0).all()
    assert found.to_frame().shape[0] == 4
    assert found.mean() == pytest.approx(np.mean(known[next(k for k in known if k.startswith("test"))]))


def test_any_table_will_do():
    X, y = data()
    expected = cross_validate(GaussianNB(), X, y).scores["score"]
    frame = pd.DataFrame(X, columns=list("abcd"), index=np.arange(60)[::-1])
    frozen = np.asfortranarray(X)
    frozen.flags.writeable = False
    for table in (frame, X.tolist(), np.repeat(X, 2, axis=0)[::2], frozen):
        np.testing.assert_array_equal(cross_validate(GaussianNB(), table, list(y)).scores["score"], expected)
    sparse = cross_validate(LogisticRegression(), scipy.sparse.csr_array(X), y).scores["score"]
    np.testing.assert_allclose(sparse, cross_validate(LogisticRegression(), X, y).scores["score"])
    named = make_pipeline(make_column_transformer((StandardScaler(), ["a", "c"])), GaussianNB())
    assert cross_validate(named, frame, y, cv=3).mean() > 0.5


def test_an_int_means_the_splitter_that_fits():
    X, y = data()
    groups = np.arange(60) // 5
    for options, splitter in (
        ({}, StratifiedKFold(5)),
        ({"groups": groups}, GroupKFold(5, stratify=True)),
    ):
        found = cross_validate(GaussianNB(), X, y, **options)
        expected = [test for _, test in splitter.split(X, y, groups)]
        assert all(np.array_equal(a, b) for a, b in zip(found.test_rows, expected, strict=True))
    rows = cross_validate(Ridge(), X, y, cv=3).test_rows
    assert all(np.array_equal(a, b[1]) for a, b in zip(rows, KFold(3).split(X), strict=True))
    rows = cross_validate(Ridge(), X, y, cv=3, groups=groups).test_rows
    assert all(np.array_equal(a, b[1]) for a, b in zip(rows, GroupKFold(3).split(X, groups=groups), strict=True))


def test_probabilities_have_a_column_for_a_class_that_a_fold_never_saw():
    X, y = np.arange(9.0)[:, np.newaxis], np.array(list("aaabbbccc"))
    cv = [(np.arange(6), np.arange(6, 9)), (np.arange(3, 9), np.arange(3))]
    found = cross_validate(GaussianNB(), X, y, cv=cv, method="predict_proba")
    assert found.fold_predictions[0].shape == (3, 3)
    assert (found.fold_predictions[0][:, 2] == 0).all()
    assert (found.fold_predictions[1][:, 0] == 0).all()
    with np.errstate(all="ignore"):
        logs = cross_validate(GaussianNB(), X, y, cv=cv, method="predict_log_proba").fold_predictions[0]
    assert (logs[:, 2] == -np.inf).all()
    assert found.predictions.shape == (9, 3)
    assert np.isnan(found.predictions[3:6]).all()
    texts = cross_validate(GaussianNB(), X, y, cv=cv).predictions
    assert texts.tolist()[3:6] == [None] * 3
    assert texts[0] in "bc"


def test_rows_that_are_tested_twice_have_no_one_prediction():
    X, y = data()
    found = cross_validate(GaussianNB(), X, y, cv=peer.RepeatedKFold(n_splits=3, n_repeats=2, random_state=0))
    assert len(found.fold_predictions) == 6
    with pytest.raises(BadInput, match="60 rows were tested more than once, row 0 2 times"):
        _ = found.predictions
    with pytest.raises(BadInput, match="there is no score 'f1'; known: score"):
        found.mean("f1")


def test_weights_reach_fit_and_score():
    X, y = data()
    weights = np.random.default_rng(1).gamma(1.0, 1.0, 60)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    found = cross_validate(pipeline, X, y, cv=KFold(3), scoring="accuracy", sample_weight=weights)
    for i, (train, test) in enumerate(KFold(3).split(X)):
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(X[train], y[train], logisticregression__sample_weight=weights[train])
        assert found.scores["accuracy"][i] == pytest.approx(
            np.average(model.predict(X[test]) == y[test], weights=weights[test])
        )
    by_hand = cross_validate(GaussianNB(), X, y, cv=KFold(3), fit_params={"sample_weight": weights})
    own = cross_validate(GaussianNB(), X, y, cv=KFold(3), sample_weight=weights)
    np.testing.assert_array_equal(np.array(by_hand.fold_predictions), np.array(own.fold_predictions))
    with pytest.raises(FoldsFailed, match=r"KNeighborsClassifier\.fit takes no sample_weight"):
        cross_validate(KNeighborsClassifier(), X, y, sample_weight=weights)


class Remembers(RegressorMixin, BaseEstimator):
    """Predicts whether a row was seen."""

    def fit(self, X, y=None):
        self.seen_ = set(np.asarray(X)[:, 0])
        return self

    def predict(self, X):
        return np.array([float(x in self.seen_) for x in np.asarray(X)[:, 0]])


def test_nothing_of_a_test_row_was_seen_and_the_estimator_stays_unfitted():
    X = np.arange(30.0)[:, np.newaxis]
    model = Remembers()
    found = cross_validate(model, X, np.zeros(30), cv=6, scoring=lambda m, A, _: m.predict(A).mean())
    assert not found.predictions.any()
    assert not found.scores["score"].any()
    assert not hasattr(model, "seen_")


def test_a_table_without_a_target():
    X = np.arange(12.0)[:, np.newaxis]
    found = cross_validate(Remembers(), X, cv=3, scoring=lambda m, A, _: 1.0 - m.predict(A).mean())
    assert found.mean() == 1.0


class Fails(ClassifierMixin, BaseEstimator):
    """Fails where, and on which rows, it is told to."""

    def __init__(self, stage="fit", without=0.0, error=RuntimeError):
        self.stage = stage
        self.without = without
        self.error = error

    def fit(self, X, y):
        self.classes_, self.broken_ = np.unique(y), self.without not in X[:, 0]
        if self.broken_ and self.stage == "fit":
            raise self.error("no row zero")
        return self

    def predict(self, X):
        if self.broken_ and self.stage == "predict":
            raise self.error("cannot say")
        return np.zeros(len(X), dtype=int)

    def score(self, X, y):
        return np.zeros(3) if self.broken_ and self.stage == "score" else 0.5


@pytest.mark.parametrize(
    ("stage", "text"), [("fit", "no row zero"), ("predict", "cannot say"), ("score", "scorer 'score'")]
)
def test_a_failure_is_told_with_its_stage_and_rows_or_recorded(stage, text):
    X, y = np.arange(20.0)[:, np.newaxis], np.arange(20) % 2
    with pytest.raises(FoldsFailed) as told:
        cross_validate(Fails(stage), X, y, cv=KFold(4))
    assert "cross_validate: 1 of 4 fits failed" in str(told.value)
    assert f"fold 0, {stage} (15 training rows, 5 test rows: 0, 1, 2, 3, 4)" in str(told.value)
    assert text in str(told.value)
    assert told.value.__cause__ is not None
    again = pickle.loads(pickle.dumps(told.value))
    assert str(again) == str(told.value)
    found = cross_validate(Fails(stage), X, y, cv=KFold(4), error_score=np.nan)
    assert np.isnan(found.scores["score"][0])
    assert found.scores["score"][1:].tolist() == [0.5] * 3
    assert [failure.fold for failure in found.failures] == [0]
    assert np.isnan(found.predictions[:5]).all()
    assert np.isfinite(found.predictions[5:]).all()
    assert np.isnan(found.interval()).all()
    assert found.to_frame()["error"].tolist()[1:] == [""] * 3


class Unpicklable(RuntimeError):
    def __init__(self, text):
        super().__init__(text)
        self.hold = lambda: None


def test_all_failures_are_told_at_once_from_any_worker():
    X, y = np.arange(20.0)[:, np.newaxis], np.arange(20) % 2
    for options in ({}, {"n_jobs": 2, "backend": "threading"}, {"n_jobs": 2, "backend": "loky"}):
        with pytest.raises(FoldsFailed) as told:
            cross_validate(Fails(without=-1.0, error=Unpicklable), X, y, cv=KFold(4), **options)
        assert all(f"fold {i}, fit" in str(told.value) for i in range(4))
    with pytest.raises(KeyboardInterrupt):
        cross_validate(Fails(error=KeyboardInterrupt), X, y, cv=KFold(4))
    nothing = cross_validate(Fails(without=-1.0), X, y, cv=KFold(4), error_score=0.0)
    assert np.isnan(nothing.predictions).all()


def identical(a, b):
    assert all(a.scores[name].tobytes() == b.scores[name].tobytes() for name in a.scores)
    assert all(x.tobytes() == y.tobytes() for x, y in zip(a.fold_predictions, b.fold_predictions, strict=True))


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_workers_change_no_bit(backend):
    X, y = data()
    model = make_pipeline(StandardScaler(), RandomForestClassifier(4, random_state=0))
    options = {"scoring": ["accuracy", "roc_auc"], "method": "predict_proba"}
    first = cross_validate(model, X, y, **options)
    identical(first, cross_validate(model, X, y, **options))
    identical(first, cross_validate(model, X, y, n_jobs=2, backend=backend, **options))
    with joblib.parallel_config(backend=backend, n_jobs=2):
        identical(first, cross_validate(model, X, y, **options))


@pytest.mark.slow
def test_dask_changes_no_bit():
    distributed = pytest.importorskip("distributed")
    X, y = data()
    first = cross_validate(GaussianNB(), X, y, method="predict_proba")
    with (
        distributed.LocalCluster(
            1, processes=False, dashboard_address=None, host="127.0.0.1", protocol="tcp://"
        ) as cluster,
        distributed.Client(cluster),
    ):
        identical(first, cross_validate(GaussianNB(), X, y, method="predict_proba", backend="dask", n_jobs=2))


def test_a_backend_that_is_not_there_is_refused(monkeypatch):
    X, y = data()
    with pytest.raises(BadInput, match="backend='carrier pigeon'"):
        cross_validate(GaussianNB(), X, y, backend="carrier pigeon")

    def missing(**_):
        raise ImportError("no module")

    monkeypatch.setattr("mltoolkit.tabular._fold_runs.parallel_config", missing)
    with pytest.raises(MissingExtra, match="cluster"):
        cross_validate(GaussianNB(), X, y, backend="dask")


@pytest.mark.parametrize("options", [{}, {"n_jobs": 2, "backend": "threading"}])
def test_progress_is_told_after_each_fit(options):
    X, y = data()
    calls = []
    cross_validate(GaussianNB(), X, y, cv=3, progress=lambda *call: calls.append(call), **options)
    assert calls == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cv": 1}, ["cv=1 is not an int of at least 2"]),
        ({"cv": "five"}, ["cv='five'"]),
        ({"cv": None}, ["cv=None"]),
        ({"cv": True}, ["cv=True"]),
        ({"cv": []}, ["cv gives no split"]),
        ({"cv": [1, 2]}, ["cv does not give pairs"]),
        ({"cv": [([0, 1], [1, 2])]}, ["split 0 has 1 rows on both sides, such as row 1"]),
        ({"cv": [([0, 1], [])]}, ["split 0 has 2 training and 0 test rows"]),
        ({"cv": [([0, 1], [99]), ([0.5], [1])]}, ["split 0 names rows", "split 1 names rows that are no"]),
        ({"cv": KFold(2), "groups": np.zeros(60)}, ["split 0 has 1 groups on both sides; use GroupKFold"]),
        ({"groups": np.zeros(3), "confidence": 2, "method": "dream", "error_score": "ignore"},
         ["groups has 3 entries", "confidence=2", "method='dream'", "error_score='ignore'"]),
        ({"scoring": ["acuracy", "auc"]}, ["'acuracy', 'auc' is not a scorer"]),
        ({"scoring": []}, ["nothing is not a scorer"]),
        ({"sample_weight": np.ones(2)}, ["sample_weight has 2 entries"]),
    ],
)  # fmt: skip
def test_calls_without_sense_are_refused(options, words):
    X, y = data()
    with pytest.raises(BadInput) as refused:
        cross_validate(GaussianNB(), X, y, **options)
    for word in words:
        assert word in str(refused.value)


def test_the_interval_is_corrected_and_needs_two_splits():
    X, y = data()
    found = cross_validate(GaussianNB(), X, y, cv=4, confidence=0.9)
    scores = found.scores["score"]
    half = stats.t.ppf(0.95, 3) * scores.std(ddof=1) * np.sqrt(1 / 4 + 1 / 3)
    assert found.interval() == pytest.approx((scores.mean() - half, scores.mean() + half))
    assert np.isnan(cross_validate(GaussianNB(), X, y, cv=[(np.arange(40), np.arange(40, 60))]).interval()).all()


GRID = {"n_neighbors": [1, 3, 7]}


def test_nested_scores_are_those_of_a_loop_over_grid_searches():
    X, y = data(80, classes=3)
    outer, inner = peer.StratifiedKFold(4, shuffle=True, random_state=0), peer.StratifiedKFold(3)
    found = nested_cross_validate(KNeighborsClassifier(), GRID, X, y, outer=outer, inner=inner, scoring="accuracy")
    for k, (train, test) in enumerate(outer.split(X, y)):
        search = peer.GridSearchCV(KNeighborsClassifier(), GRID, cv=inner).fit(X[train], y[train])
        assert found.configurations[found.chosen[k]] == search.best_params_
        assert found.scores[k] == pytest.approx(search.score(X[test], y[test]))
        np.testing.assert_allclose(found.inner_scores[k], search.cv_results_["mean_test_score"])
    assert found.optimism == pytest.approx(found.flat_best - found.mean)
    assert found.low < found.mean < found.high
    assert found.flat_scores.shape == (3, 4)
    assert found.to_frame()["chosen"].str.startswith("n_neighbors=").all()
    again = nested_cross_validate(
        KNeighborsClassifier(), GRID, X, y, outer=outer, inner=inner, scoring="accuracy", n_jobs=2, backend="threading"
    )
    assert again.scores.tobytes() == found.scores.tobytes()


def test_inner_splits_keep_groups_together_and_grids_may_be_lists():
    twins = np.arange(40) % 20
    X = np.column_stack([twins, twins]).astype(float)
    y = np.random.default_rng(0).permutation(20)[twins] % 2
    grid = [{"n_neighbors": [1]}, {"n_neighbors": [3], "weights": ["uniform", "distance"]}]
    found = nested_cross_validate(KNeighborsClassifier(), grid, X, y, groups=twins, outer=4, inner=3)
    assert len(found.configurations) == 3
    assert found.inner_scores.max() < 0.9
    assert nested_cross_validate(KNeighborsClassifier(), grid, X, y).inner_scores.max() > 0.9


@pytest.mark.parametrize(
    ("grid", "options", "word"),
    [
        ({"depth": [1], "width": [2]}, {}, "param_grid names depth, width, which KNeighborsClassifier does not have"),
        ([], {}, "param_grid is empty"),
        ({"n_neighbors": 3}, {}, "param_grid: "),
        (GRID, {"scoring": ["accuracy", "f1"]}, "scoring names 2 scorers"),
        (GRID, {"inner": 1}, "cv=1"),
        (GRID, {"confidence": 0}, "confidence=0"),
        ({"n_neighbors": [1000]}, {}, "inside outer fold 0"),
    ],
)
def test_searches_without_sense_are_refused(grid, options, word):
    X, y = data()
    with pytest.raises(BadInput) as refused:
        nested_cross_validate(KNeighborsClassifier(), grid, X, y, **options)
    assert word in str(refused.value)


MODELS = {"bayes": GaussianNB(), "neighbours": KNeighborsClassifier(3), "dummy": DummyClassifier()}


def test_comparisons_are_paired_corrected_and_adjusted():
    X, y = data()
    found = compare_models(MODELS, X, y, cv=4, n_repeats=3, random_state=1)
    assert [(d.first, d.second) for d in found.differences] == [
        ("bayes", "neighbours"), ("bayes", "dummy"), ("neighbours", "dummy"),
    ]  # fmt: skip
    assert found.test_share == pytest.approx(1 / 3)
    for d in found.differences:
        gaps = found.scores[d.first] - found.scores[d.second]
        assert len(gaps) == 12
        assert d.mean == pytest.approx(gaps.mean())
        assert d.standard_error == pytest.approx(gaps.std(ddof=1) * np.sqrt(1 / 12 + 1 / 3))
        assert d.p == pytest.approx(2 * stats.t.sf(abs(d.t), 11))
        assert d.low + d.high == pytest.approx(2 * d.mean)
        assert (d.p < 0.05) == (d.low > 0 or d.high < 0)
        assert d.p_adjusted >= d.p
    assert found.to_frame().shape == (3, 9)
    again = compare_models(MODELS, X, y, cv=4, n_repeats=3, random_state=1, n_jobs=2, backend="threading")
    assert all(found.scores[name].tobytes() == again.scores[name].tobytes() for name in MODELS)
    referred = compare_models(MODELS, X, y, cv=KFold(4), reference="dummy")
    assert [(d.first, d.second) for d in referred.differences] == [("bayes", "dummy"), ("neighbours", "dummy")]


@pytest.mark.parametrize(
    ("models", "options", "word"),
    [
        ({"a": GaussianNB()}, {}, "at least two names"),
        ([GaussianNB()] * 2, {}, "expected a mapping"),
        (MODELS, {"reference": "best", "n_repeats": 0}, "reference='best' is none of bayes, neighbours, dummy"),
        (MODELS, {"n_repeats": 0, "confidence": "high"}, "n_repeats=0"),
        (MODELS, {"cv": [(np.arange(30), np.arange(30, 60))]}, "at least two"),
        ({**MODELS, "broken": KNeighborsClassifier(999)}, {}, "of broken"),
    ],
)
def test_comparisons_without_sense_are_refused(models, options, word):
    X, y = data()
    with pytest.raises(BadInput) as refused:
        compare_models(models, X, y, **options)
    assert word in str(refused.value)


def test_equal_scores_are_no_difference_and_constant_ones_are_certain():
    X, y = data()
    same = compare_models({"a": GaussianNB(), "b": GaussianNB()}, X, y).differences[0]
    assert (same.mean, same.t, same.p, same.low, same.high) == (0, 0, 1, 0, 0)
    apart = corrected(np.full(5, 0.1) + 1e-17 * np.arange(5), 0.25, 0.95)
    assert (apart.standard_error, apart.t, apart.p) == (0, np.inf, 0)
    assert corrected(np.full(5, -0.1), 0.25, 0.95).t == -np.inf


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_its_definition(values):
    p = np.array(values)
    adjusted = holm(p)
    order = np.argsort(p, kind="stable")
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[i]))
        assert adjusted[i] == pytest.approx(running)
    assert (adjusted >= p).all()


@pytest.mark.slow
@settings(max_examples=1)
@given(st.integers(0, 3))
def test_the_corrected_test_seldom_cries_wolf(seed):
    rng, alarms = np.random.default_rng(seed), []
    for i in range(120):
        y = rng.permutation(np.arange(60) % 2)
        X = rng.standard_normal((60, 2)) + 0.8 * y[:, np.newaxis]
        models = {"a": make_column(0), "b": make_column(1)}
        alarms.append(compare_models(models, X, y, n_repeats=2, random_state=i).differences[0].p < 0.05)
    assert np.mean(alarms) < 0.12


def make_column(i):
    return make_pipeline(make_column_transformer(("passthrough", [i])), GaussianNB())


def test_ablation_leaves_out_columns_and_steps():
    X, y = data(80)
    X[:, 1] *= 100.0
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier(5))
    cv = peer.StratifiedKFold(4)
    found = ablate(pipeline, X, y, features={"signal": [0], "rest": [1, 2, 3]}, steps=["standardscaler"], cv=cv)
    for name, model, columns in (
        ("full", pipeline, [0, 1, 2, 3]),
        ("without signal", pipeline, [1, 2, 3]),
        ("without rest", pipeline, [0]),
        ("without standardscaler", KNeighborsClassifier(5), [0, 1, 2, 3]),
    ):
        np.testing.assert_allclose(found.scores[name], peer.cross_val_score(model, X[:, columns], y, cv=cv))
    assert [d.second for d in found.differences] == ["without signal", "without rest", "without standardscaler"]
    assert found.differences[0].mean > 0.05
    frame = pd.DataFrame(X, columns=list("abcd"))
    named = ablate(pipeline, frame, y, features={"signal": "a", "rest": ["b", "c", "d"]}, cv=cv)
    np.testing.assert_array_equal(named.scores["without rest"], found.scores["without rest"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ["nothing to leave out"]),
        ({"features": {"odd": [9], "none": [], "all": range(4)}, "steps": ["pca"], "n_repeats": 0},
         ["'odd' names columns that are not there: 9", "'none' has 0 of 4", "'all' has 4 of 4", "pca", "n_repeats=0"]),
        ({"steps": ["gaussiannb"]}, ["steps names 'gaussiannb'; steps before the last: standardscaler"]),
    ],
)  # fmt: skip
def test_ablations_without_sense_are_refused(options, words):
    X, y = data()
    with pytest.raises(BadInput) as refused:
        ablate(make_pipeline(StandardScaler(), GaussianNB()), X, y, **options)
    for word in words:
        assert word in str(refused.value)
    with pytest.raises(BadInput, match="the estimator is no Pipeline"):
        ablate(GaussianNB(), X, y, steps=["scaler"])


class TestChores:
    """The module that learners are given."""

    def test_rows_are_counted_and_taken(self):
        assert count_rows([[1], [2]]) == 2
        assert count_rows(scipy.sparse.eye_array(4).tocsr()) == 4
        frame = pd.DataFrame({"a": [1, 2, 3]}, index=[7, 7, 7])
        assert take_rows(frame, np.array([2]))["a"].tolist() == [3]
        assert take_columns(frame, ["a"]).shape == (3, 1)
        assert take_columns([[1, 2], [3, 4]], [1]).tolist() == [[2], [4]]

    def test_codes_number_the_sorted_values(self):
        values, codes = codes_of(np.array(["b", "a", "b"]), "y")
        assert values.tolist() == ["a", "b"]
        assert codes.tolist() == [1, 0, 1]
        with pytest.raises(BadInput, match="y has shape"):
            codes_of(3, "y")

    def test_scorers_have_names(self):
        assert list(scorers_of(GaussianNB(), None)) == ["score"]
        assert list(scorers_of(GaussianNB(), ("f1", "roc_auc"))) == ["f1", "roc_auc"]
        with pytest.raises(BadInput, match="StandardScaler has no method score"):
            scorers_of(StandardScaler(), None)

    def test_who_takes_weights(self):
        assert takes_weights(scorers_of(GaussianNB(), "accuracy")["accuracy"])
        assert not takes_weights(scorers_of(Ridge(), "neg_max_error")["neg_max_error"])
        assert takes_weights(scorers_of(GaussianNB(), None)["score"])
        assert not takes_weights(lambda model, X, y: 0.0)
        assert not takes_weights(max)

    def test_a_failure_reads_as_one_line(self):
        failure = FoldFailure(1, "fit", "ValueError: no", np.arange(9), np.arange(7), "ridge")
        assert str(failure) == "fold 1 of ridge, fit (9 training rows, 7 test rows: 0, 1, 2, 3, 4, ...): ValueError: no"
