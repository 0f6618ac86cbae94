"""Shapley values of trees: against brute force over all sets, the library shap, and XGBoost's own."""

import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from mltoolkit.tabular import GradientBoostingClassifier, GradientBoostingRegressor, RegressionTree, tree_shap
from mltoolkit.tabular._trees import shapley
from mltoolkit.tabular._trees.shapley import leaf_values, quadrature

KERNELS = "mltoolkit.tabular._trees._kernels"


def table(n, d, seed=0, holes=0.0):
    rng = np.random.default_rng(seed)
    X = np.round(rng.standard_normal((n, d)), 1)
    y = X[:, 0] * X[:, 1 % d] + np.abs(X[:, 2 % d]) + 0.1 * rng.standard_normal(n)
    X[rng.random(X.shape) < holes] = np.nan
    return X, y


def value_of(tree, row, known):
    """What a tree predicts when it sees some columns: both branches of the others, by cover."""

    def below(node):
        if tree.feature[node] < 0:
            return tree.value[node]
        left, right = tree.left[node], tree.right[node]
        if tree.feature[node] in known:
            x = row[tree.feature[node]]
            goes_left = tree.missing_left[node] if np.isnan(x) else x <= tree.threshold[node]
            return below(left if goes_left else right)
        both = tree.cover[left] + tree.cover[right]
        return (tree.cover[left] * below(left) + tree.cover[right] * below(right)) / both

    return below(0)


def brute_force(tree, row, d):
    """The definition: what a column adds, over all sets of the others."""
    values = np.zeros(d)
    for k in range(d):
        others = [j for j in range(d) if j != k]
        for size in range(d):
            weight = math.factorial(size) * math.factorial(d - size - 1) / math.factorial(d)
            for known in itertools.combinations(others, size):
                values[k] += weight * (value_of(tree, row, {*known, k}) - value_of(tree, row, set(known)))
    return values


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 8), st.sampled_from([0.0, 0.2]))
def test_values_are_those_of_the_definition(seed, d, depth, holes):
    X, y = table(40, d, seed, holes)
    model = RegressionTree(max_depth=depth).fit(X, y)
    values, base = tree_shap(model, X[:3])
    for row, found in zip(X[:3], values, strict=True):
        np.testing.assert_allclose(found, brute_force(model.tree_, row, d), atol=1e-10)
    assert base == pytest.approx(value_of(model.tree_, X[0], set()))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_values_of_a_leaf_add_up_to_what_knowing_all_columns_changes(seed, m):
    rng = np.random.default_rng(seed)
    shares, agrees = rng.uniform(0.0, 1.0, m), rng.random((5, m)) < 0.5
    found = leaf_values(agrees, shares, 3.0)
    np.testing.assert_allclose(found.sum(axis=1), 3.0 * (agrees.all(axis=1) - shares.prod()), atol=1e-12)
    assert ((found >= 0) | ~agrees).all()
    assert ((found <= 0) | agrees).all()


@pytest.mark.parametrize("m", [1, 2, 3, 8, 31])
def test_the_quadrature_is_exact_up_to_its_degree(m):
    points, weights = quadrature(m)
    for power in range(m):
        assert weights @ points**power == pytest.approx(1.0 / (power + 1), rel=1e-12)


MODELS = {
    "tree": RegressionTree(max_depth=7),
    "deep tree": RegressionTree(),
    "regressor": GradientBoostingRegressor(max_iter=15, max_depth=4),
    "leaf-wise": GradientBoostingRegressor(max_iter=10, max_depth=None, max_leaf_nodes=12),
    "two classes": GradientBoostingClassifier(max_iter=15, max_depth=4),
    "three classes": GradientBoostingClassifier(max_iter=8, max_depth=3),
}


def fitted(name, holes=0.1):
    X, y = table(400, 8, 1, holes)
    if "classes" in name:
        y = np.digitize(y, np.quantile(y, [0.5] if name.startswith("two") else [0.3, 0.7]))
    return MODELS[name].fit(X, y), X


def raw(model, X):
    return model.decision_function(X) if hasattr(model, "decision_function") else model.predict(X)


@pytest.mark.parametrize("name", MODELS)
def test_values_add_up_to_the_prediction(name):
    model, X = fitted(name)
    values, base = tree_shap(model, X)
    assert values.shape == ((400, 8, 3) if name == "three classes" else (400, 8))
    np.testing.assert_allclose(values.sum(axis=1) + base, raw(model, X), atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_the_compiled_and_the_readable_values_agree(name, monkeypatch):
    model, X = fitted(name)
    fast, base = tree_shap(model, X)
    few, _ = tree_shap(model, X[:3])  # too few rows for tables
    np.testing.assert_allclose(few, fast[:3], atol=1e-12)
    monkeypatch.setitem(sys.modules, KERNELS, None)
    slow, slow_base = tree_shap(model, X)
    np.testing.assert_allclose(fast, slow, atol=1e-12)
    np.testing.assert_array_equal(base, slow_base)


def test_paths_of_more_columns_than_bits_are_taken_too():
    d = 70
    X = np.eye(d)[np.repeat(np.arange(d), 2)]
    y = np.repeat(np.arange(float(d)), 2)
    model = RegressionTree().fit(X, y)
    assert model.depth_ > 62
    values, base = tree_shap(model, X)
    np.testing.assert_allclose(values.sum(axis=1) + base, model.predict(X), atol=1e-9)


def test_the_library_shap_agrees_on_our_trees():
    shap = pytest.importorskip("shap", reason="needs the extra tabular")
    for name in ("tree", "regressor", "leaf-wise", "two classes"):
        model, X = fitted(name, holes=0.0)
        trees = [model.tree_] if name == "tree" else [one for (one,) in model.trees_]
        peers = [
            {
                "children_left": one.left, "children_right": one.right, "children_default": one.right,
                "features": np.where(one.is_leaf, -2, one.feature), "thresholds": np.nan_to_num(one.threshold),
                "values": one.value[:, np.newaxis], "node_sample_weight": one.cover,
            }
            for one in trees
        ]  # fmt: skip
        explainer = shap.TreeExplainer({"trees": peers})
        offset = 0.0 if name == "tree" else model.base_[0]
        values, base = tree_shap(model, X)
        np.testing.assert_allclose(values, explainer.shap_values(X), atol=1e-8)
        assert base == pytest.approx(float(np.ravel(explainer.expected_value)[0]) + offset)


@pytest.mark.parametrize("kind", ["regression", "two classes", "three classes", "poisson", "dart", "stopped early"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_xgboosts_own_values_agree(kind, wrapped):
    xgboost = pytest.importorskip("xgboost", reason="needs the extra tabular")
    X, y = table(500, 6, 2, holes=0.1)
    options = {"n_estimators": 12, "max_depth": 5, "n_jobs": 1}
    if "classes" in kind:
        y = np.digitize(y, np.quantile(y, [0.6] if kind.startswith("two") else [0.3, 0.7]))
        model = xgboost.XGBClassifier(**options).fit(X, y)
    elif kind == "poisson":
        model = xgboost.XGBRegressor(objective="count:poisson", **options).fit(X, np.rint(np.abs(y)))
    elif kind == "dart":
        model = xgboost.XGBRegressor(booster="dart", rate_drop=0.3, **options).fit(X, y)
    elif kind == "stopped early":
        model = xgboost.XGBRegressor(early_stopping_rounds=2, **(options | {"n_estimators": 60, "learning_rate": 1.0}))
        model.fit(X[:300], y[:300], eval_set=[(X[300:], y[300:])], verbose=False)
        assert model.best_iteration < 30
    else:
        model = xgboost.XGBRegressor(**options).fit(X, y)
    booster = model.get_booster()
    rounds = (0, model.best_iteration + 1) if kind == "stopped early" and wrapped else (0, 0)
    theirs = booster.predict(xgboost.DMatrix(X), pred_contribs=True, iteration_range=rounds)
    values, base = tree_shap(model if wrapped else booster, X)
    if kind == "three classes":
        theirs = np.moveaxis(theirs, 1, -1)
    np.testing.assert_allclose(values, theirs[:, :-1], atol=3e-6)
    np.testing.assert_allclose(np.broadcast_to(base, theirs[:, -1].shape), theirs[:, -1], atol=3e-6)


def test_what_cannot_be_explained_is_refused():
    X, y = table(50, 3)
    with pytest.raises(ValueError, match="cannot explain a int; expected RegressionTree"):
        tree_shap(3, X)
    with pytest.raises(NotFittedError):
        tree_shap(RegressionTree(), X)
    with pytest.raises(ValueError, match="2 features"):
        tree_shap(RegressionTree().fit(X, y), X[:, :2])


def test_xgboosts_models_without_trees_or_with_categories_are_refused():
    xgboost = pytest.importorskip("xgboost", reason="needs the extra tabular")
    import pandas as pd

    X, y = table(200, 3)
    linear = xgboost.train({"booster": "gblinear", "updater": "coord_descent"}, xgboost.DMatrix(X, y), 2)
    with pytest.raises(ValueError, match="'gblinear' has no trees"):
        tree_shap(linear, X)
    frame = pd.DataFrame({"a": pd.Categorical(np.arange(200) % 5), "b": X[:, 1]})
    chosen = xgboost.XGBRegressor(n_estimators=3, enable_categorical=True, max_cat_to_onehot=1)
    chosen.fit(frame, np.isin(np.arange(200) % 5, (1, 3)) + 0.0)
    with pytest.raises(ValueError, match="splits on categories"):
        tree_shap(chosen, np.column_stack([np.arange(200) % 5, X[:, 1]]))
    with pytest.raises(ValueError, match="X has 2 columns and the model was fitted on 3"):
        tree_shap(xgboost.XGBRegressor(n_estimators=2).fit(X, y), X[:, :2])


def test_a_marker_of_missing_values_is_what_the_model_takes_it_for():
    xgboost = pytest.importorskip("xgboost", reason="needs the extra tabular")
    X, y = table(300, 3, 4, holes=0.2)
    marked = np.where(np.isnan(X), -999.0, X)
    model = xgboost.XGBRegressor(n_estimators=5, missing=-999.0, n_jobs=1).fit(marked, y)
    values, base = tree_shap(model, marked)
    np.testing.assert_allclose(values.sum(axis=1) + base, model.predict(marked), atol=1e-5)


def test_a_row_is_explained_alike_alone_and_among_others():
    model, X = fitted("regressor")
    together, base = tree_shap(model, X)
    for i in (0, 7):
        alone, same = tree_shap(model, X[i : i + 1])
        np.testing.assert_allclose(alone[0], together[i], atol=1e-12)
        assert same == base
    assert shapley.expected(model.trees_[0][0]) == pytest.approx(
        np.average(model.trees_[0][0].value[model.trees_[0][0].apply(X)]), abs=1e-9
    )
