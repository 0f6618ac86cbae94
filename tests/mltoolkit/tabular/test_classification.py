"""Logistic regression and calibration: held against scikit-learn, their definitions, and every awkward input."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.calibration
import sklearn.isotonic
import sklearn.linear_model
import sklearn.svm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks

from mltoolkit.tabular import CalibratedClassifier, IsotonicCalibrator, LogisticRegression, PlattCalibrator


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        LogisticRegression(),
        LogisticRegression(solver="lbfgs"),
        CalibratedClassifier(cv=2),
        CalibratedClassifier(method="platt", cv=2),
    ]
)  # not the calibrators: like IsotonicRegression they take one score a row, which scikit-learn's checks cannot give
def test_scikit_learns_own_checks(estimator, check):
    with np.errstate(all="ignore"):
        check(estimator)


def data(seed, n, d, classes):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * rng.uniform(0.2, 5.0, d) + rng.uniform(-3.0, 3.0, d)
    y = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
    return X, y, rng.uniform(0.1, 2.0, n)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize(("n", "d"), [(120, 4), (25, 40)])
@pytest.mark.parametrize("C", [0.01, 1.0, 30.0])
def test_coefficients_are_scikit_learns(solver, classes, n, d, C):
    X, y, weights = data(n + d, n, d, classes)
    tol, close = (1e-9, 2e-6) if solver == "newton" else (1e-7, 2e-4)  # line searches end at the objective's last digit
    ours = LogisticRegression(C, solver=solver, tol=tol, max_iter=5000).fit(X, y, sample_weight=weights)
    peer = sklearn.linear_model.LogisticRegression(C=C, solver="newton-cg", tol=1e-11, max_iter=10_000)
    peer.fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=close)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=close)
    assert ours.converged_
    assert (ours.predict(X) == peer.predict(X)).all()


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 0.5, 2: 1.0}])
def test_class_weights_and_no_intercept_are_scikit_learns(classes, class_weight):
    X, y, _ = data(3, 150, 3, classes)
    y[: len(y) // 3] = 0
    weight = class_weight if classes == 3 or class_weight == "balanced" else {0: 3.0, 1: 0.5}
    ours = LogisticRegression(class_weight=weight, fit_intercept=False, tol=1e-9).fit(X, y)
    peer = sklearn.linear_model.LogisticRegression(
        class_weight=weight, fit_intercept=False, solver="newton-cg", tol=1e-11, max_iter=10_000
    ).fit(X, y)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-6)
    assert (ours.intercept_ == 0).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_the_gradient_is_that_of_the_objective(seed, classes):
    from mltoolkit.tabular.classification import _Problem

    X, y, weights = data(seed, 12, 3, classes)
    problem = _Problem(X, y, weights, classes, 0.7, True)
    rng = np.random.default_rng(seed)
    at = rng.standard_normal(problem.size)
    _, gradient = problem.value_and_gradient(at)
    hessian = problem.hessian(at)
    for i in range(problem.size):
        step = np.zeros(problem.size)
        step[i] = 1e-6
        (above, up), (below, down) = (problem.value_and_gradient(at + s) for s in (step, -step))
        assert gradient[i] == pytest.approx((above - below) / 2e-6, abs=1e-7)
        np.testing.assert_allclose(hessian[i], (up - down) / 2e-6, atol=1e-6)


def test_a_weight_of_two_is_the_row_twice():
    X, y, _ = data(1, 40, 3, 2)
    weights = np.where(np.arange(40) % 3 == 0, 2.0, 1.0)
    weighted = LogisticRegression(tol=1e-9).fit(X, y, sample_weight=weights)
    repeated = LogisticRegression(tol=1e-9).fit(
        np.repeat(X, weights.astype(int), axis=0), np.repeat(y, weights.astype(int))
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-8)


def test_separable_collinear_and_constant_columns_end_well():
    X = np.column_stack([np.arange(8.0), 2 * np.arange(8.0), np.full(8, 3.0)])
    y = np.array([0] * 4 + [1] * 4)
    model = LogisticRegression(C=1e6).fit(X, y)
    assert model.converged_
    assert (model.predict(X) == y).all()
    assert model.coef_[0, 1] == pytest.approx(2 * model.coef_[0, 0], rel=1e-4)  # the penalty shares out twins
    assert model.coef_[0, 2] == pytest.approx(0.0, abs=1e-6)


def test_a_fit_that_runs_out_of_steps_says_so():
    X, y, _ = data(2, 60, 5, 3)
    with pytest.warns(ConvergenceWarning, match="did not converge in 2 steps.*raise max_iter"):
        model = LogisticRegression(solver="lbfgs", max_iter=2).fit(X, y)
    assert not model.converged_


def test_all_faults_of_the_parameters_are_told_at_once():
    with pytest.raises(ValueError, match=r"C=-1 .*; tol=0 .*; max_iter=0 .*; solver='sag' .*; class_weight=3 "):
        LogisticRegression(-1, tol=0, max_iter=0, solver="sag", class_weight=3).fit([[0.0], [1.0]], [0, 1])
    for C in (np.inf, np.nan, True, "1"):
        with pytest.raises(ValueError, match="C="):
            LogisticRegression(C).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize(
    ("X", "y", "weights", "words"),
    [
        ([[np.nan], [1.0]], [0, 1], None, "NaN"),
        ([[np.inf], [1.0]], [0, 1], None, "infinity"),
        ([[0.0], [1.0]], [1, 1], None, "one class"),
        ([[0.0], [1.0]], [0, 1], [0.0, 0.0], "(?i)every weight is 0|zero"),
        ([[0.0], [1.0]], [0, 1], [-1.0, 1.0], "(?i)negative"),
        ([[0.0], [1.0]], [0.5, 1.7], None, "(?i)continuous|label type"),
        (np.empty((0, 1)), [], None, "0 sample"),
    ],
)
def test_bad_data_is_refused_clearly(X, y, weights, words):
    with pytest.raises(ValueError, match=words):
        LogisticRegression().fit(X, y, sample_weight=weights)


def test_frames_keep_their_names_and_texts_are_classes():
    frame = pd.DataFrame({"größe": [1.0, 2.0, 3.0, 4.0], "b": [0.0, 1.0, 0.0, 1.0]})
    model = LogisticRegression().fit(frame, ["nein", "nein", "ja", "ja"])
    assert model.classes_.tolist() == ["ja", "nein"]
    assert model.feature_names_in_.tolist() == ["größe", "b"]
    assert model.predict(frame).tolist() == ["nein", "nein", "ja", "ja"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"b": "c"}))


def test_log_probabilities_hold_where_probabilities_round_to_zero():
    model = LogisticRegression(C=100.0).fit([[-1.0], [1.0]], [0, 1])
    logs = model.predict_log_proba([[-1e4], [0.0], [1e4]])
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(logs[1], np.log([0.5, 0.5]))
    three = LogisticRegression().fit([[-1.0], [0.0], [1.0]], [0, 1, 2])
    np.testing.assert_allclose(np.exp(three.predict_log_proba([[0.3]])), three.predict_proba([[0.3]]))


def test_read_only_and_other_orders_and_types_are_the_same():
    X, y, _ = data(4, 50, 3, 2)
    expected = LogisticRegression().fit(X, y).coef_
    locked = X.copy()
    locked.setflags(write=False)
    for same in (locked, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(LogisticRegression().fit(same, y).coef_, expected, atol=1e-10)
    np.testing.assert_allclose(LogisticRegression().fit(X.astype(np.float32), y).coef_, expected, atol=1e-4)


def brute_force_isotonic(values, weights):
    """Min-max formula: max over starts of min over ends of the weighted mean."""
    n = len(values)
    mean = [
        [np.average(values[a : b + 1], weights=weights[a : b + 1]) if b >= a else np.inf for b in range(n)]
        for a in range(n)
    ]
    return [max(min(mean[a][b] for b in range(i, n)) for a in range(i + 1)) for i in range(n)]


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(1, 4)), min_size=1, max_size=12))
def test_isotonic_is_the_min_max_formula_and_scikit_learns(rows):
    scores, outcomes, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    ours = IsotonicCalibrator().fit(scores, outcomes, sample_weight=weights)
    points = np.unique(scores)
    means = [np.average(outcomes[scores == p], weights=weights[scores == p]) for p in points]
    mass = [weights[scores == p].sum() for p in points]
    np.testing.assert_allclose(ours.predict(points), brute_force_isotonic(np.array(means), np.array(mass)), atol=1e-12)
    peer = sklearn.isotonic.IsotonicRegression(out_of_bounds="clip").fit(scores, outcomes, sample_weight=weights)
    grid = np.linspace(-1.0, 7.0, 33)
    np.testing.assert_allclose(ours.predict(grid), peer.predict(grid), atol=1e-12)


def test_isotonic_keeps_only_the_ends_of_a_step():
    calibrator = IsotonicCalibrator().fit(np.arange(6.0), [0, 0, 0, 1, 1, 1])
    assert calibrator.X_thresholds_.tolist() == [0.0, 2.0, 3.0, 5.0]
    assert calibrator.y_thresholds_.tolist() == [0.0, 0.0, 1.0, 1.0]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e3), st.floats(-50.0, 50.0))
def test_platt_is_scikit_learns(seed, scale, shift):
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal(60) * scale + shift
    outcomes = (rng.random(60) < 1 / (1 + np.exp(-(scores - shift) / scale))).astype(int)
    outcomes[:2] = 0, 1
    weights = rng.uniform(0.2, 3.0, 60)
    ours = PlattCalibrator().fit(scores, outcomes, sample_weight=weights)
    z = (scores - shift) / scale  # the peer's optimizer wants scores of size 1
    a, b = sklearn.calibration._sigmoid_calibration(z, outcomes, weights)
    np.testing.assert_allclose(ours.predict(scores), 1 / (1 + np.exp(a * z + b)), atol=2e-4)


def test_platt_meets_the_condition_of_the_maximum():
    rng = np.random.default_rng(5)
    scores, outcomes = rng.standard_normal(200), rng.integers(0, 2, 200)
    p = PlattCalibrator().fit(scores, outcomes).predict(scores)
    ones, zeros = outcomes.sum(), 200 - outcomes.sum()
    targets = np.where(outcomes == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    assert abs(np.sum(p - targets)) < 1e-8
    assert abs(np.sum((p - targets) * scores)) < 1e-8


@pytest.mark.parametrize("scores", [[1.0, 1.0, 1.0], [-1e300, 0.0, 1e300], [0.0, 1e-300, 2e-300]])
def test_platt_on_constant_and_extreme_scores_is_finite(scores):
    with np.errstate(over="ignore"):
        p = PlattCalibrator().fit(scores, [0, 1, 1]).predict(scores)
    assert ((p > 0) & (p < 1)).all()
    assert (np.diff(p) >= -1e-9).all()


def test_perfect_separation_stays_inside_zero_and_one():
    p = PlattCalibrator().fit([-2.0, -1.0, 1.0, 2.0], [0, 0, 1, 1]).predict([-2.0, 2.0])
    assert 0.05 < p[0] < 0.3
    assert p[0] == pytest.approx(1 - p[1])


@pytest.mark.parametrize("kind", [IsotonicCalibrator, PlattCalibrator])
def test_calibrators_refuse_what_is_no_vector_of_scores(kind):
    with pytest.raises(ValueError, match=r"expected scores of shape \(n,\) or \(n, 1\), got \(2, 2\)"):
        kind().fit(np.zeros((2, 2)), [0, 1])
    with pytest.raises(ValueError, match="NaN"):
        kind().fit([np.nan, 1.0], [0, 1])
    with pytest.raises(ValueError, match=r"inconsistent"):
        kind().fit([0.0, 1.0, 2.0], [0, 1])
    with pytest.raises(ValueError, match=r"(?i)every weight is 0|zero"):
        kind().fit([0.0, 1.0], [0, 1], sample_weight=[0.0, 0.0])
    with pytest.raises(NotFittedError):
        kind().predict([0.5])
    assert kind().fit([[0.0], [1.0]], [0, 1]).predict([[0.0], [1.0]]).shape == (2,)


def test_platt_refuses_other_outcomes():
    with pytest.raises(ValueError, match="y holds 2; expected outcomes of 0 and 1"):
        PlattCalibrator().fit([0.0, 1.0], [0, 2])


@pytest.mark.parametrize(("method", "theirs"), [("isotonic", "isotonic"), ("platt", "sigmoid")])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_calibrated_classifier_is_scikit_learns_without_ensemble(method, theirs, classes):
    X, y, _ = data(6, 240, 3, classes)
    base = GaussianNB()
    ours = CalibratedClassifier(base, method=method, cv=4).fit(X, y)
    peer = sklearn.calibration.CalibratedClassifierCV(base, method=theirs, cv=4, ensemble=False).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=1e-3)


def test_prefit_fits_calibrators_alone():
    X, y, _ = data(7, 300, 3, 2)
    base = sklearn.svm.LinearSVC().fit(X[:150], y[:150])
    before = base.coef_.copy()
    model = CalibratedClassifier(base, method="platt", cv="prefit").fit(X[150:], y[150:])
    assert model.estimator_ is base
    assert (base.coef_ == before).all()
    expected = PlattCalibrator().fit(base.decision_function(X[150:]), y[150:]).predict(base.decision_function(X))
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], expected)
    with pytest.raises(NotFittedError):
        CalibratedClassifier(GaussianNB(), cv="prefit").fit(X, y)


def test_scores_for_calibration_are_of_unseen_rows():
    """A classifier that knows its training rows by heart: calibrated on held-out rows it admits to know nothing."""
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(8)
    X, y = rng.standard_normal((400, 2)), rng.integers(0, 2, 400)
    model = CalibratedClassifier(KNeighborsClassifier(1), method="platt").fit(X, y)
    assert abs(model.predict_proba(X)[:, 1] - 0.5).max() < 0.15


def test_too_few_of_a_class_and_unknown_methods_are_refused():
    X = np.arange(6.0)[:, np.newaxis]
    with pytest.raises(ValueError, match=r"cv=5 folds, but a class has 1 sample"):
        CalibratedClassifier().fit(X, [0, 0, 0, 0, 0, 1])
    with pytest.raises(ValueError, match="method='beta' is none of isotonic, platt"):
        CalibratedClassifier(method="beta").fit(X, [0, 1] * 3)
    with pytest.raises(ValueError, match="one class"):
        CalibratedClassifier().fit(X, [1] * 6)


def test_a_class_that_every_calibrator_rules_out_gets_equal_shares():
    from types import SimpleNamespace

    model = CalibratedClassifier()
    model.classes_ = np.array(["a", "b", "c"])
    model.estimator_ = SimpleNamespace(decision_function=lambda X: np.zeros((len(X), 3)))
    model.calibrators_ = [SimpleNamespace(predict=lambda s: np.zeros(len(s)))] * 3
    np.testing.assert_allclose(model.predict_proba(np.zeros((2, 1))), 1 / 3)


def test_no_warning_on_ordinary_data():
    X, y, weights = data(9, 300, 6, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CalibratedClassifier(LogisticRegression()).fit(X, y, sample_weight=weights).predict_proba(X)
