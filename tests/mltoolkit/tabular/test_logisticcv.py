"""The choice of C: held against fitting every fold alone, against scikit-learn, and every awkward input."""

import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, ShuffleSplit, StratifiedKFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from mltoolkit.tabular import LogisticRegression, LogisticRegressionCV
from mltoolkit.tabular import logisticcv as module


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([LogisticRegressionCV(cv=2, Cs=3)])
def test_scikit_learns_own_checks(estimator, check):
    with np.errstate(all="ignore"):
        check(estimator)


def data(classes, n=150, d=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * np.linspace(0.3, 3.0, d) + 2.0
    scores = (X - 2.0) @ rng.standard_normal((d, classes)) + rng.gumbel(size=(n, classes))
    return X, np.argmax(scores, axis=1), rng.uniform(0.2, 2.0, n)


CS = [0.01, 0.3, 10.0, 1000.0]


def by_hand(X, y, weights, splits, **options):
    """Mean log-likelihood of each held-out part by a fit of its own."""
    scores = np.zeros((len(CS), len(splits)))
    for i, (train, test) in enumerate(splits):
        for k, C in enumerate(CS):
            model = LogisticRegression(C, tol=1e-9, max_iter=2000, **options).fit(X[train], y[train], weights[train])
            P = model.predict_proba(X[test])
            scores[k, i] = -log_loss(y[test], P, sample_weight=weights[test], labels=model.classes_)
    return scores


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_scores_are_those_of_fits_one_by_one(classes, solver, fit_intercept):
    X, y, weights = data(classes)
    splits = list(StratifiedKFold(4).split(X, y))
    model = LogisticRegressionCV(CS, cv=4, solver=solver, fit_intercept=fit_intercept, tol=1e-7, max_iter=2000)
    model.fit(X, y, weights)
    expected = by_hand(X, y, weights, splits, fit_intercept=fit_intercept)
    np.testing.assert_allclose(model.scores_, expected, atol=1e-5)
    assert CS[int(np.argmax(expected.mean(axis=1)))] == model.C_
    alone = LogisticRegression(model.C_, fit_intercept=fit_intercept, tol=1e-9, max_iter=2000).fit(X, y, weights)
    np.testing.assert_allclose(model.coef_, alone.coef_, atol=1e-4)
    np.testing.assert_allclose(model.predict_proba(X), alone.predict_proba(X), atol=1e-4)
    assert model.converged_


@pytest.mark.parametrize(
    "splitter",
    [
        KFold(3, shuffle=True, random_state=0),
        ShuffleSplit(4, random_state=0),
        RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
        RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0),  # too many folds to hold side by side
    ],
)
def test_any_splitter(splitter):
    X, y, weights = data(2)
    weights[::7] = 0.0
    splits = list(splitter.split(X, y))
    model = LogisticRegressionCV(CS, cv=splits, tol=1e-7).fit(X, y, weights)
    np.testing.assert_allclose(model.scores_, by_hand(X, y, weights, splits), atol=1e-6)


def test_a_row_that_is_learned_from_twice_counts_twice():
    X, y, weights = data(2)
    rng = np.random.default_rng(1)
    splits = [(rng.integers(0, 150, 150), np.arange(i, 150, 9)) for i in range(3)]
    model = LogisticRegressionCV(CS, cv=splits, tol=1e-7).fit(X, y, weights)
    np.testing.assert_allclose(model.scores_, by_hand(X, y, weights, splits), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_choice_and_coefficients_are_scikit_learns(classes, class_weight):
    X, y, _ = data(classes, n=400)
    y[: len(y) // 4] = 0
    ours = LogisticRegressionCV(class_weight=class_weight, tol=1e-8).fit(X, y)
    peer = sklearn.linear_model.LogisticRegressionCV(
        Cs=10, cv=5, scoring="neg_log_loss", class_weight=class_weight, solver="newton-cg", tol=1e-10, max_iter=5000,
        l1_ratios=(0,), use_legacy_attributes=False,
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(ours.Cs_, peer.Cs_)
    np.testing.assert_allclose(ours.scores_.T, peer.scores_.reshape(5, 10), atol=1e-6)
    assert pytest.approx(float(np.ravel(peer.C_)[0])) == ours.C_
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, peer.intercept_, atol=1e-4)


def test_fits_that_do_not_contract_go_their_own_way(monkeypatch):
    X, y, weights = data(2)
    expected = LogisticRegressionCV(CS, tol=1e-7).fit(X, y, weights).scores_
    monkeypatch.setattr(module, "_STEPS", 1)
    np.testing.assert_allclose(LogisticRegressionCV(CS, tol=1e-7).fit(X, y, weights).scores_, expected, atol=1e-6)


def test_separable_classes():
    X = np.arange(-20.0, 20.0)[:, np.newaxis]
    y = np.where(X.ravel() > 0, "late", "early")
    model = LogisticRegressionCV(Cs=[1e-3, 1.0, 1e6], cv=StratifiedKFold(4, shuffle=True, random_state=0)).fit(X, y)
    alone = LogisticRegression(model.C_, tol=1e-9, max_iter=500).fit(X, y)
    np.testing.assert_allclose(model.coef_, alone.coef_, rtol=1e-3)
    assert np.isfinite(model.scores_).all()


def test_scoring_by_name_and_by_function():
    X, y, _ = data(3)
    names = np.array(["a", "b", "c"])[y]
    by_name = LogisticRegressionCV(CS, cv=3, scoring="accuracy").fit(X, names)
    by_function = LogisticRegressionCV(CS, cv=3, scoring=lambda m, X, y: np.mean(m.predict(X) == y)).fit(X, names)
    np.testing.assert_array_equal(by_name.scores_, by_function.scores_)
    assert by_name.scores_.min() > 0.3
    first = int(np.argmax(by_name.scores_.mean(axis=1)))
    assert CS[first] == by_name.C_, "of several equal ones the strongest penalty"


def test_weights_of_whole_numbers_are_rows_again():
    X, y, _ = data(2, n=60)
    weights = np.random.default_rng(0).integers(1, 4, 60)
    again = np.repeat(np.arange(60), weights)
    folds = [(np.flatnonzero(np.arange(60) % 3 != k), np.flatnonzero(np.arange(60) % 3 == k)) for k in range(3)]
    repeated = [tuple(np.flatnonzero(np.isin(again, part)) for part in fold) for fold in folds]
    once = LogisticRegressionCV(CS, cv=folds, tol=1e-9).fit(X, y, weights)
    twice = LogisticRegressionCV(CS, cv=repeated, tol=1e-9).fit(X[again], y[again])
    np.testing.assert_allclose(once.scores_, twice.scores_, atol=1e-7)
    np.testing.assert_allclose(once.coef_, twice.coef_, atol=1e-7)


def test_names_of_columns_wide_data_and_awkward_arrays():
    X, y, _ = data(2)
    frame = pd.DataFrame(X, columns=["größe", "b", "c", "d"])
    model = LogisticRegressionCV(3, cv=2).fit(frame, y)
    assert list(model.feature_names_in_) == list(frame.columns)
    wide = np.random.default_rng(0).standard_normal((40, 400))
    assert LogisticRegressionCV([0.01, 0.1], cv=2).fit(wide, y[:40]).solver_ == "lbfgs"
    fixed = np.asfortranarray(X)
    fixed.setflags(write=False)
    np.testing.assert_allclose(LogisticRegressionCV(3, cv=2).fit(fixed, y).coef_, model.coef_)
    np.testing.assert_allclose(LogisticRegressionCV(3, cv=2).fit(X[::-1][::-1], y).coef_, model.coef_)


def test_bad_parameters_are_refused_all_at_once():
    X, y, _ = data(2)
    with pytest.raises(ValueError, match=r"LogisticRegressionCV: Cs=0 .* at least 1; tol=-1 .*; max_iter=0 "):
        LogisticRegressionCV(0, tol=-1, max_iter=0).fit(X, y)
    for Cs in ([], [1.0, 0.0], [np.nan], "many", [[1.0]], None, True):
        with pytest.raises(ValueError, match="neither a count nor finite numbers above 0"):
            LogisticRegressionCV(Cs).fit(X, y)


def test_splits_that_cannot_be_used_are_refused():
    X, y = np.arange(8.0)[:, np.newaxis], np.array([0, 0, 0, 0, 1, 1, 1, 1])
    with pytest.raises(ValueError, match="split 0 has no row of class 0 to learn from; split 1 has no row of class 1"):
        LogisticRegressionCV(cv=KFold(2)).fit(X, y)
    with pytest.raises(ValueError, match="split 1 has no row of a weight above 0 to be judged on"):
        LogisticRegressionCV(cv=[(np.arange(8), np.array([1])), (np.arange(8), np.array([], dtype=int))]).fit(X, y)
    with pytest.raises(ValueError, match="y has one class"):
        LogisticRegressionCV().fit(X, np.zeros(8))
