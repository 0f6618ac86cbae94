"""Ridge, lasso and their cross-validated forms against scikit-learn, against brute force, and at the edges."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, TimeSeriesSplit
from sklearn.utils.estimator_checks import estimator_checks_generator

from mltoolkit.errors import BadInput
from mltoolkit.tabular import Lasso, LassoCV, Ridge, RidgeCV, _kernels, lasso_path
from mltoolkit.tabular.linear import Moments, moments, training_moments
from mltoolkit.tabular.regression import descend, solve_path

RNG = np.random.default_rng(6)
EXACT = {"tol": 1e-14, "max_iter": 100_000}


def table(n, d, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * rng.gamma(2.0, 2.0, d) + rng.normal(0.0, 5.0, d)
    coef = np.where(rng.random(d) < 0.5, rng.normal(0.0, 2.0, d), 0.0)
    return X, X @ coef + rng.standard_normal(n) * 2.0 + 10.0


TALL, Y = table(60, 7)
SHAPES = {
    "tall": TALL,
    "wide": table(12, 30)[0],
    "square": table(10, 10)[0],
    "collinear": np.column_stack([TALL, TALL[:, 0] - 2.0 * TALL[:, 1]]),
    "constant columns": np.column_stack([TALL[:, :3], np.full(60, 4.2), np.zeros(60)]),
    "one row": TALL[:1],
    "two rows": TALL[:2],
    "one column": TALL[:, :1],
    "far away": TALL + 1e5,
    "unequal scales": TALL * np.geomspace(1e-4, 1e4, 7),
}
UNPENALISED = Ridge(alpha=0)
ESTIMATORS = [Ridge(), UNPENALISED, RidgeCV(), RidgeCV(cv=3), Lasso(), LassoCV(cv=3)]


def target(X):
    return np.random.default_rng(1).standard_normal(len(X)) * 3.0 + X[:, 0] + 7.0


@pytest.mark.parametrize(
    "check",
    [
        check
        for estimator in ESTIMATORS
        if estimator is not UNPENALISED
        for check in estimator_checks_generator(estimator)
    ],
    ids=lambda c: f"{c[0]}-{c[1].func.__name__}",
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_own_checks(check):
    estimator, run = check
    if run.func.__name__ == "check_array_api_input":
        pytest.skip("needs SCIPY_ARRAY_API, which the toolkit does not use")
    run(estimator)


def equal(ours, theirs, X, atol=1e-7):
    scale = max(1.0, float(np.max(np.abs(theirs.coef_))))
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=atol * scale)
    np.testing.assert_allclose(
        ours.predict(X), theirs.predict(X), rtol=1e-7, atol=atol * np.max(np.abs(X @ X.T)) ** 0.5
    )


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("name", SHAPES)
def test_ridge_equals_scikit_learn(name, alpha, fit_intercept):
    X = SHAPES[name]
    y = target(X)
    theirs = oracle.Ridge(alpha, fit_intercept=fit_intercept, solver="svd").fit(X, y)
    equal(Ridge(alpha, fit_intercept=fit_intercept).fit(X, y), theirs, X)


@pytest.mark.parametrize("name", SHAPES)
def test_without_penalty_ridge_is_the_least_squares_solution_of_least_norm(name):
    X = SHAPES[name]
    y = target(X)
    centred = X - X.mean(axis=0)
    ours = Ridge(alpha=0).fit(X, y)
    theirs = np.linalg.lstsq(centred, y - y.mean(), rcond=1e-13)[0]
    np.testing.assert_allclose(ours.coef_, theirs, rtol=1e-6, atol=1e-8 * max(1.0, np.abs(theirs).max()))


def test_a_small_penalty_on_ill_conditioned_columns_keeps_its_digits():
    X = np.column_stack([TALL[:, 0], TALL[:, 0] + 1e-6 * TALL[:, 1], TALL[:, 2]])
    exact = np.linalg.solve  # in a precision that does not need care: the normal equations in long double fail too
    centred = np.vstack([X - X.mean(axis=0), np.sqrt(1e-10) * np.eye(3)])
    stacked = np.linalg.lstsq(centred, np.r_[Y - Y.mean(), np.zeros(3)], rcond=None)[0]
    np.testing.assert_allclose(Ridge(1e-10).fit(X, Y).coef_, stacked, rtol=1e-6)
    normal = exact((X - X.mean(axis=0)).T @ (X - X.mean(axis=0)) + 1e-10 * np.eye(3), (X - X.mean(axis=0)).T @ Y)
    assert np.abs(normal / stacked - 1.0).max() > 1e-5  # so the way through XᵀX would not do


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("share", [0.9, 0.3, 0.01])
@pytest.mark.parametrize("name", [name for name in SHAPES if name not in ("unequal scales", "one row")])
def test_lasso_equals_scikit_learn(name, share, fit_intercept):
    X = SHAPES[name]
    if name == "far away" and not fit_intercept:
        pytest.skip("the peer does not converge: seven nearly equal columns")
    if name == "collinear":
        X = X[:, :-1]  # with all columns the solution is not unique; its objective is held to account below
    y = target(X)
    centred = y - y.mean() if fit_intercept else y
    alpha = share * float(np.max(np.abs((X - X.mean(axis=0) * fit_intercept).T @ centred))) / len(X)
    theirs = oracle.Lasso(alpha, fit_intercept=fit_intercept, **EXACT).fit(X, y)
    ours = Lasso(alpha, fit_intercept=fit_intercept, **EXACT).fit(X, y)
    equal(ours, theirs, X, atol=1e-6)


def objective(X, y, coef, intercept, alpha, weights):
    residuals = y - X @ coef - intercept
    return float(weights @ residuals**2 / (2 * weights.sum()) + alpha * np.sum(np.abs(coef)))


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "one row"])
def test_the_gap_bounds_how_far_a_lasso_is_from_its_minimum(name):
    X = SHAPES[name]
    y, ones = target(X), np.ones(len(X))
    alpha = 0.05 * float(np.max(np.abs((X - X.mean(axis=0)).T @ y))) / len(X)
    best = oracle.Lasso(alpha, tol=1e-12, max_iter=200_000).fit(X, y)
    least = objective(X, y, best.coef_, best.intercept_, alpha, ones)
    for tol in (1e-1, 1e-3, 1e-6):
        ours = Lasso(alpha, tol=tol, max_iter=100_000).fit(X, y)
        above = objective(X, y, ours.coef_, ours.intercept_, alpha, ones) - least
        assert above <= ours.dual_gap_ + 1e-9 * least
        assert ours.dual_gap_ <= tol * y.var() * (1 + 1e-9)


tables = st.tuples(st.integers(2, 25), st.integers(1, 30), st.integers(0, 2**32 - 1))


@given(tables, st.sampled_from([1e-2, 1.0, 100.0]), st.booleans())
@settings(max_examples=60)
def test_fuzzed_ridge_equals_scikit_learn_with_weights(shape, alpha, weighted):
    X, y = table(*shape)
    weights = np.random.default_rng(shape[2]).gamma(1.0, 2.0, len(y)) if weighted else None
    theirs = oracle.Ridge(alpha, solver="svd").fit(X, y, weights)
    ours = Ridge(alpha).fit(X, y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-7)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-6)


@given(tables, st.floats(0.02, 0.95), st.booleans())
@settings(max_examples=60)
def test_fuzzed_lasso_meets_its_optimality_conditions(shape, share, weighted):
    X, y = table(*shape)
    weights = np.random.default_rng(shape[2]).gamma(1.0, 2.0, len(y)) if weighted else np.ones(len(y))
    p = weights / weights.sum()
    centred = X - p @ X
    alpha = share * max(float(np.max(np.abs(centred.T @ (p * (y - p @ y))))), 1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # down to the last digit is not always to be had
        lasso = Lasso(alpha, tol=1e-13, max_iter=5000).fit(X, y, weights)
    residuals = y - lasso.predict(X)
    pull = X.T @ (p * residuals)
    slack = 1e-5 * alpha + 1e-7
    assert abs(p @ residuals) < 1e-9
    assert np.all(np.abs(pull) <= alpha + slack)
    on = lasso.coef_ != 0
    np.testing.assert_allclose(pull[on], alpha * np.sign(lasso.coef_[on]), atol=slack)


def test_scale_of_the_weights_matters_to_ridge_and_not_to_the_lasso():
    weights = RNG.gamma(1.0, 1.0, 60)
    np.testing.assert_allclose(Ridge(2.0).fit(TALL, Y, weights).coef_, Ridge(6.0).fit(TALL, Y, 3.0 * weights).coef_)
    ours, theirs = Lasso(0.3, **EXACT).fit(TALL, Y, 5.0 * weights), oracle.Lasso(0.3, **EXACT).fit(TALL, Y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-7)


ALPHAS = np.geomspace(1e-2, 1e4, 13)


def left_out_by_hand(X, y, alphas, weights, fit_intercept):
    errors = np.zeros((len(y), len(alphas)))
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        for k, alpha in enumerate(alphas):
            model = oracle.Ridge(alpha, fit_intercept=fit_intercept, solver="svd").fit(X[rest], y[rest], weights[rest])
            errors[i, k] = y[i] - model.predict(X[i : i + 1])[0]
    return weights @ errors**2 / weights.sum()


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("name", ["tall", "wide", "square", "collinear", "constant columns", "two rows", "one column"])
def test_leave_one_out_equals_brute_force(name, weighted, fit_intercept):
    X = SHAPES[name][:20]
    y = target(X)
    weights = np.random.default_rng(2).gamma(1.0, 1.0, len(y)) if weighted else np.ones(len(y))
    ours = RidgeCV(ALPHAS, fit_intercept=fit_intercept).fit(X, y, weights)
    by_hand = left_out_by_hand(X, y, ALPHAS, weights, fit_intercept)
    np.testing.assert_allclose(ours.cv_errors_, by_hand, rtol=1e-7)
    assert by_hand[ours.alpha_ == ALPHAS][0] <= by_hand.min() * (1 + 1e-9)  # two rows make all alphas equal
    np.testing.assert_allclose(
        ours.coef_, Ridge(ours.alpha_, fit_intercept=fit_intercept).fit(X, y, weights).coef_, atol=1e-10
    )


def test_leave_one_out_on_more_rows_than_a_block_equals_scikit_learn():
    X, y = table(2500, 9)
    ours, theirs = RidgeCV(ALPHAS).fit(X, y), oracle.RidgeCV(ALPHAS).fit(X, y)
    assert ours.alpha_ == theirs.alpha_
    assert ours.cv_errors_.min() == pytest.approx(-theirs.best_score_, rel=1e-10)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)


def test_leave_one_out_keeps_its_digits_where_leverages_are_close_to_one():
    X, y = SHAPES["wide"], target(SHAPES["wide"])
    alphas = [1e-9, 1e-6, 1e-3]
    by_hand = left_out_by_hand(X, y, alphas, np.ones(len(y)), True)
    np.testing.assert_allclose(RidgeCV(alphas).fit(X, y).cv_errors_, by_hand, rtol=1e-6)


GROUPS = np.arange(60) // 7
FEW = ALPHAS[::4]
SPLITTERS = {
    "3 folds": 3,
    "unequal folds": KFold(7),
    "shuffled": KFold(4, shuffle=True, random_state=0),
    "as many folds as rows": KFold(60),
    "overlapping": ShuffleSplit(4, random_state=0),
    "time": TimeSeriesSplit(4),
    "groups": list(GroupKFold(3).split(TALL, Y, GROUPS)),
}


@pytest.mark.parametrize(
    ("data", "name"),
    [("tall", name) for name in SPLITTERS] + [("wide", "3 folds"), ("wide", "overlapping"), ("collinear", "time")],
)
def test_ridge_folds_equal_a_loop_over_them(data, name):
    X = TALL if data == "tall" else SHAPES["collinear"] if data == "collinear" else table(60, 80)[0]
    weights = np.random.default_rng(3).gamma(1.0, 1.0, 60)
    cv = SPLITTERS[name]
    splits = cv if isinstance(cv, list) else list((KFold(cv) if isinstance(cv, int) else cv).split(X))
    errors = []
    for train, test in splits:
        models = [oracle.Ridge(a, solver="svd").fit(X[train], Y[train], weights[train]) for a in FEW]
        errors.append([np.average((Y[test] - m.predict(X[test])) ** 2, weights=weights[test]) for m in models])
    np.testing.assert_allclose(RidgeCV(FEW, cv=cv).fit(X, Y, weights).cv_errors_, np.mean(errors, axis=0), rtol=1e-7)


def test_ridge_by_folds_chooses_what_scikit_learn_chooses():
    theirs = oracle.RidgeCV(ALPHAS, cv=5, scoring="neg_mean_squared_error").fit(TALL, Y)
    ours = RidgeCV(ALPHAS, cv=5).fit(TALL, Y)
    assert ours.alpha_ == theirs.alpha_
    assert ours.cv_errors_.min() == pytest.approx(-theirs.best_score_)


def test_a_fold_that_holds_nearly_all_that_varies_costs_no_digits():
    X = TALL.copy()
    X[:20] *= 1e7  # taken away from the whole, the first fold would leave nothing but rounding
    ours = RidgeCV([1e-3, 1.0], cv=3).fit(X, Y).cv_errors_
    errors = []
    for train, test in KFold(3).split(X):
        models = [oracle.Ridge(a, solver="svd").fit(X[train], Y[train]) for a in (1e-3, 1.0)]
        errors.append([np.mean((Y[test] - model.predict(X[test])) ** 2) for model in models])
    np.testing.assert_allclose(ours, np.mean(errors, axis=0), rtol=1e-6)


@pytest.mark.parametrize("shape", [(50, 8), (20, 40), (1, 3), (30, 1)])
def test_lasso_path_equals_scikit_learns(shape):
    X, y = table(*shape)
    X, y = X - X.mean(axis=0) + 0.1, y - y.mean() + 0.1
    theirs = oracle.lasso_path(X, y, tol=1e-14, max_iter=100_000)
    ours = lasso_path(X, y, n_alphas=len(theirs[0]), **EXACT)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-6)
    assert np.all(ours[2] <= 1e-12 * np.maximum(1.0, y @ y))
    given_any_order = lasso_path(X, y, alphas=theirs[0][[40, 0, 99]], **EXACT)
    np.testing.assert_allclose(given_any_order[0], theirs[0][[0, 40, 99]])
    np.testing.assert_allclose(given_any_order[1], theirs[1][:, [0, 40, 99]], atol=1e-6)


def test_the_path_begins_at_zero_and_each_point_of_it_is_a_lasso():
    alphas, coefs, _ = lasso_path(TALL - TALL.mean(axis=0), Y - Y.mean(), n_alphas=20, **EXACT)
    np.testing.assert_allclose(coefs[:, 0], 0.0, atol=1e-12)
    assert np.any(coefs[:, 1] != 0)
    for k in (3, 10, 19):
        np.testing.assert_allclose(coefs[:, k], Lasso(alphas[k], **EXACT).fit(TALL, Y).coef_, atol=1e-7)


def wide_table(weighted):
    X, y = table(60, 700, seed=3)
    weights = np.random.default_rng(4).integers(0, 3, 60).astype(float) if weighted else np.ones(60)
    return X, y, weights


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("centre", [True, False])
def test_working_sets_reach_what_scikit_learn_reaches(weighted, centre):
    X, y, weights = wide_table(weighted)
    p = weights / weights.sum()
    shift = p @ X if centre else 0.0
    top = np.max(np.abs((X - shift).T @ (p * (y - p @ y * centre))))
    alphas = np.geomspace(top, 0.01 * top, 30)
    path = solve_path(X, y, weights, alphas, centre=centre, tol=1e-9, max_iter=100_000)
    assert np.all(path.gaps <= 1e-9 * path.scale)
    np.testing.assert_allclose(path.coefs[0], 0.0, atol=1e-12)
    for k in (1, 10, 29):
        theirs = oracle.Lasso(alphas[k], fit_intercept=centre, tol=1e-9, max_iter=100_000).fit(X, y, weights)
        least = objective(X, y, theirs.coef_, theirs.intercept_, alphas[k], weights)
        ours = objective(X, y, path.coefs[k], path.intercepts[k], alphas[k], weights)
        assert abs(ours - least) <= 3e-9 * path.scale
        residuals = y - X @ path.coefs[k] - path.intercepts[k]
        assert np.max(np.abs((X - shift).T @ (p * residuals))) <= alphas[k] * (1 + 1e-3)


def test_working_sets_find_a_column_that_no_rule_foretells():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 600)) * 0.01
    base = rng.standard_normal(40)
    X[:, 0], X[:, 1] = base, -base + 0.3 * rng.standard_normal(40)  # the second matters only once the first is in
    y = 3.0 * X[:, 0] + 3.0 * X[:, 1]
    alphas = np.array([0.9, 0.001])
    path = solve_path(X, y, np.ones(40), alphas, centre=True, tol=1e-9, max_iter=100_000)
    theirs = oracle.Lasso(0.001, tol=1e-10, max_iter=100_000).fit(X, y)
    assert path.coefs[1][1] != 0
    assert objective(X, y, path.coefs[1], path.intercepts[1], 0.001, np.ones(40)) == pytest.approx(
        objective(X, y, theirs.coef_, theirs.intercept_, 0.001, np.ones(40)), rel=1e-6
    )


def test_a_path_over_working_sets_that_stops_early_says_so():
    X, y, weights = wide_table(False)
    path = solve_path(X, y, weights, np.array([5.0, 0.01]), centre=True, tol=1e-12, max_iter=2)
    assert path.gaps[1] > 1e-12 * path.scale
    with pytest.warns(ConvergenceWarning, match="Lasso: .* of 2 alphas did not converge"):
        path.warn("Lasso", 1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_compiled_loop_equals_the_readable_one(seed):
    X, y = table(40, 12, seed)
    sums = moments(X, y, np.ones(40))
    given_all = (sums.gram / 40, sums.cross / 40, sums.square / 40, np.geomspace(5.0, 0.01, 9), np.ones(12), 1e-8, 500)
    for compiled, readable in zip(_kernels.descend(*given_all), descend(*given_all), strict=True):
        np.testing.assert_allclose(compiled, readable, rtol=1e-9, atol=1e-12)
    body = _kernels.descend.py_func(*given_all)  # the same source, interpreted
    np.testing.assert_array_equal(body[2], _kernels.descend(*given_all)[2])


def test_without_numba_the_path_is_the_same(monkeypatch):
    X, y = table(40, 30)
    fast = lasso_path(X, y, n_alphas=80, tol=1e-5, max_iter=3000)
    monkeypatch.setitem(sys.modules, "mltoolkit.tabular._kernels", None)
    slow = lasso_path(X, y, n_alphas=80, tol=1e-5, max_iter=3000)
    np.testing.assert_allclose(slow[1], fast[1], atol=1e-9)


@pytest.mark.parametrize("shape", [(80, 10), (40, 520)])
@pytest.mark.parametrize("weighted", [True, False])
def test_lasso_cv_equals_scikit_learns(shape, weighted):
    X, y = table(*shape)
    weights = np.random.default_rng(5).gamma(2.0, 1.0, len(y)) if weighted else None
    limits = {"tol": 1e-9, "max_iter": 50_000}
    theirs = oracle.LassoCV(alphas=25, cv=4, eps=1e-2, **limits).fit(X, y, weights)
    ours = LassoCV(25, cv=4, eps=1e-2, **limits).fit(X, y, weights)
    np.testing.assert_allclose(ours.alphas_, theirs.alphas_, rtol=1e-10)
    np.testing.assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-3)
    assert ours.alpha_ == pytest.approx(theirs.alpha_)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=1e-2)


def test_lasso_cv_takes_alphas_in_any_order_and_any_splitter():
    ours = LassoCV([0.01, 1.0, 0.1], cv=ShuffleSplit(3, random_state=0), fit_intercept=False).fit(TALL, Y)
    assert ours.alphas_.tolist() == [1.0, 0.1, 0.01]
    assert ours.mse_path_.shape == (3, 3)
    assert ours.intercept_ == 0.0


def test_moments_of_parts_add_up_to_those_of_the_whole():
    weights = RNG.integers(0, 3, 60).astype(float)
    whole = moments(TALL, Y, weights)
    first, second = (moments(TALL[rows], Y[rows], weights[rows]) for rows in (slice(0, 23), slice(23, 60)))
    nothing = Moments(0.0, np.zeros(8), np.zeros((8, 8)))
    for both in (first + second, nothing + first + second, first + nothing + second, second + first):
        assert both.weight == pytest.approx(whole.weight)
        np.testing.assert_allclose(both.mean, whole.mean)
        np.testing.assert_allclose(both.scatter, whole.scatter, atol=1e-9)
    assert (nothing + nothing).weight == 0.0


@pytest.mark.parametrize("centre", [True, False])
def test_training_moments_equal_those_of_each_training_part(centre):
    weights = RNG.gamma(1.0, 1.0, 60)
    splits = list(KFold(4).split(TALL))
    whole, parts = training_moments(TALL, Y, weights, splits, centre=centre)
    np.testing.assert_allclose(whole.scatter, moments(TALL, Y, weights, centre=centre).scatter, rtol=1e-10, atol=1e-9)
    for (train, _), part in zip(splits, parts, strict=True):
        direct = moments(TALL[train], Y[train], weights[train], centre=centre)
        np.testing.assert_allclose(part.mean, direct.mean, atol=1e-12)
        np.testing.assert_allclose(part.scatter, direct.scatter, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_names_dtypes_and_layouts(estimator):
    frame = pd.DataFrame(TALL, columns=[f"größe {i}" for i in range(7)])
    plain = estimator.fit(TALL, Y).coef_.copy()
    assert list(estimator.fit(frame, Y).feature_names_in_) == list(frame.columns)
    locked = TALL.copy()
    locked.flags.writeable = False
    for X in (frame, np.asfortranarray(TALL), TALL.tolist(), locked, np.repeat(TALL, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(estimator.fit(X, Y).coef_, plain, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(frame.to_numpy(), TALL)
    single = estimator.fit(TALL.astype(np.float32), Y.astype(np.float32))
    assert single.coef_.dtype == np.float32
    assert single.predict(TALL.astype(np.float32)).dtype == np.float32
    double = estimator.fit(TALL.astype(np.float32).astype(float), Y.astype(np.float32)).coef_
    np.testing.assert_array_equal(
        single.fit(TALL.astype(np.float32), Y.astype(np.float32)).coef_, double.astype(np.float32)
    )
    np.testing.assert_allclose(
        estimator.fit(np.round(TALL).astype(int), Y).coef_, estimator.fit(np.round(TALL), Y).coef_
    )
    with pytest.warns(DataConversionWarning):
        np.testing.assert_allclose(estimator.fit(TALL, Y[:, np.newaxis]).coef_, plain)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_a_constant_target_needs_no_coefficients(estimator):
    model = estimator.fit(TALL, np.full(60, 3.5))
    np.testing.assert_allclose(model.coef_, 0.0, atol=1e-12)
    assert model.intercept_ == pytest.approx(3.5)


@pytest.mark.parametrize("estimator", [Ridge(), Ridge(alpha=0), Lasso()], ids=str)
def test_one_row_is_its_own_prediction(estimator):
    model = estimator.fit(TALL[:1], Y[:1])
    assert np.all(model.coef_ == 0)
    assert model.predict(TALL[:1])[0] == pytest.approx(Y[0])


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_values_whose_squares_overflow_are_refused(estimator):
    with pytest.raises(BadInput, match="squares of the largest values overflow; rescale"):
        estimator.fit(TALL * 1e160, Y)


def test_a_lasso_that_did_not_converge_says_so_and_what_to_do():
    with pytest.warns(ConvergenceWarning, match=r"Lasso: 1 of 1 alphas .* gap is .* after 1 sweeps.* Raise max_iter"):
        model = Lasso(1e-3, max_iter=1, tol=1e-12).fit(TALL, Y)
    assert model.n_iter_ == 1
    with pytest.warns(ConvergenceWarning, match=r"lasso_path: \d+ of 10 alphas did not converge; at alpha="):
        lasso_path(TALL, Y, n_alphas=10, max_iter=1, tol=1e-10)
    with pytest.warns(ConvergenceWarning, match="LassoCV: "):
        LassoCV(cv=2, max_iter=1, tol=1e-10).fit(TALL, Y)


NOT_FINITE = "is not a finite number"


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Ridge(-1.0), "Ridge: alpha=-1.0 is not 0 or above"),
        (Ridge(np.nan), f"Ridge: alpha=nan {NOT_FINITE}"),
        (Ridge("1"), f"Ridge: alpha='1' {NOT_FINITE}"),
        (Ridge(True), f"Ridge: alpha=True {NOT_FINITE}"),
        (Lasso(0), r"Lasso: alpha=0 is not above 0"),
        (Lasso(-1.0, max_iter=0, tol=-1), "alpha=-1.0 is not above 0; max_iter=0 is not an int .*; tol=-1 is not 0"),
        (Lasso(max_iter=2.5), "max_iter=2.5 is not an int of at least 1"),
        (Lasso(tol=np.inf), f"tol=inf {NOT_FINITE}"),
        (RidgeCV([]), r"RidgeCV: alphas have shape \(0,\); expected one axis with at least one value"),
        (RidgeCV([1.0, 0.0]), "RidgeCV: alphas hold 0; every value must be finite and above 0"),
        (RidgeCV([np.nan]), "alphas hold nan"),
        (RidgeCV(["a"]), "alphas=.* are not numbers"),
        (RidgeCV([[1.0]]), r"shape \(1, 1\)"),
        (LassoCV(0), "LassoCV: alphas=0 is not an int of at least 1"),
        (LassoCV([-1.0]), "alphas hold -1"),
        (LassoCV(eps=1.0), "eps=1.0 is not below 1"),
        (LassoCV(eps=0, tol=-1), "eps=0 is not above 0; tol=-1"),
        (RidgeCV(cv=[]), "cv: there is no split"),
        (RidgeCV(cv=[([], [0, 1])]), "cv: split 0 has no row of a weight above 0 to learn from"),
        (LassoCV(cv=[([0], [])]), "cv: split 0 has no row of a weight above 0 to be judged on"),
    ],
)
def test_bad_parameters_are_refused_all_at_once(estimator, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(TALL, Y)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alphas": [0.0]}, "lasso_path: alphas hold 0"),
        ({"n_alphas": 0}, "n_alphas=0 is not an int"),
        ({"eps": 2.0}, "eps=2.0 is not below 1"),
        ({"eps": 0.0, "max_iter": 0}, "eps=0.0 is not above 0; max_iter=0"),
        ({"tol": -1.0}, "tol=-1.0"),
    ],
)
def test_a_path_refuses_bad_parameters(given, message):
    with pytest.raises(BadInput, match=message):
        lasso_path(TALL, Y, **given)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize(
    ("X", "y", "weights", "message"),
    [
        (np.where(TALL > 5, np.nan, TALL), Y, None, "NaN"),
        (TALL, np.where(Y.mean() < Y, np.inf, Y), None, "infinity"),
        (TALL[:0], Y[:0], None, "0 sample"),
        (TALL[:, :0], Y, None, "0 feature"),
        (TALL[:, 0], Y, None, "1D array"),
        (TALL, Y[:-1], None, "inconsistent numbers of samples"),
        (TALL, np.column_stack([Y, Y]), None, "should be a 1d array"),
        (TALL, Y, -np.ones(60), "60 weights are negative"),
        (TALL, Y, np.zeros(60), "every weight is zero"),
        (TALL, Y, np.ones(59), r"expected shape \(60,\), one weight a row, got \(59,\)"),
        (TALL, Y, np.where(np.arange(60) < 2, np.nan, -1.0), "2 weights are NaN or infinite; 58 weights are negative"),
    ],
)
def test_bad_data_is_refused(estimator, X, y, weights, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y, weights)


def test_nothing_to_leave_out_is_refused():
    with pytest.raises(BadInput, match="needs at least two rows of a weight above 0"):
        RidgeCV().fit(TALL, Y, np.eye(60)[0])
    with pytest.raises(ValueError, match="1 sample"):
        RidgeCV().fit(TALL[:1], Y[:1])


def test_other_columns_are_refused():
    model = Ridge().fit(TALL, Y)
    with pytest.raises(ValueError, match="7 features"):
        model.predict(TALL[:, :3])
