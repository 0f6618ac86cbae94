"""PCA against scikit-learn, against its definition, and at the edges."""

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
import sklearn.decomposition
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import estimator_checks_generator

from mltoolkit.linalg import PCA

RNG = np.random.default_rng(7)
TALL = RNG.standard_normal((120, 6)) * np.arange(1, 7) + 3.0
DEFICIENT = RNG.standard_normal((40, 3)) @ RNG.standard_normal((3, 8))
CONSTANT = np.column_stack([TALL[:, :3], np.full(120, 4.0)])
SHAPES = {
    "tall": TALL,
    "wide": RNG.standard_normal((9, 40)) * np.linspace(4, 1, 40),
    "square": RNG.standard_normal((15, 15)) * np.linspace(9, 1, 15),
    "rank-deficient": DEFICIENT,
    "constant columns": CONSTANT,
    "two rows": TALL[:2],
    "one column": TALL[:, :1],
    "huge": TALL * 1e150,
    "tiny": TALL * 1e-150,
    "far away": TALL + 1e6,
}


@pytest.mark.parametrize("check", list(estimator_checks_generator(PCA())), ids=lambda c: c[1].func.__name__)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_own_checks(check):
    estimator, run = check
    if run.func.__name__ == "check_array_api_input":
        pytest.skip("needs SCIPY_ARRAY_API, which the toolkit does not use")
    run(estimator)


@pytest.mark.parametrize("solver", ["auto", "svd", "covariance"])
@pytest.mark.parametrize("name", SHAPES)
def test_equals_scikit_learn(name, solver):
    X = SHAPES[name]
    rank = np.linalg.matrix_rank(X - X.mean(axis=0))
    ours = PCA(int(rank), solver=solver).fit(X)
    oracle = sklearn.decomposition.PCA(int(rank), svd_solver="full").fit(X)
    scale = max(1.0, float(np.abs(X - X.mean(axis=0)).max()))
    np.testing.assert_allclose(ours.components_, oracle.components_, atol=1e-8)
    np.testing.assert_allclose(ours.explained_variance_ratio_, oracle.explained_variance_ratio_, atol=1e-8)
    np.testing.assert_allclose(ours.explained_variance_, oracle.explained_variance_, rtol=1e-8)
    np.testing.assert_allclose(ours.singular_values_, oracle.singular_values_, rtol=1e-8)
    np.testing.assert_allclose(ours.mean_, oracle.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.transform(X), oracle.transform(X), atol=1e-8 * scale)


@pytest.mark.parametrize("name", ["tall", "wide", "square", "rank-deficient", "constant columns"])
def test_by_definition_the_components_are_eigenvectors_of_the_covariance(name):
    X = SHAPES[name]
    ours = PCA().fit(X)
    covariance = np.cov(X, rowvar=False)
    np.testing.assert_allclose(
        covariance @ ours.components_.T, ours.components_.T * ours.explained_variance_, atol=1e-9
    )
    np.testing.assert_allclose(ours.components_ @ ours.components_.T, np.eye(min(X.shape)), atol=1e-10)
    assert np.all(np.diff(ours.explained_variance_) <= 1e-12)
    assert np.all(ours.explained_variance_ >= 0)


tables = st.tuples(st.integers(2, 30), st.integers(1, 12), st.integers(0, 2**32 - 1)).map(
    lambda t: np.random.default_rng(t[2]).standard_normal(t[:2]) * np.random.default_rng(t[2]).gamma(1.0, 3.0, t[1])
)


@given(tables, st.data())
def test_reconstruction_error_is_the_discarded_variance(X, data):
    k = data.draw(st.integers(1, min(X.shape)))
    pca = PCA(k).fit(X)
    lost = np.sum((X - pca.inverse_transform(pca.transform(X))) ** 2) / (len(X) - 1)
    total = X.var(axis=0, ddof=1).sum()
    assert lost == pytest.approx(total - pca.explained_variance_.sum(), abs=1e-9 * total)


@given(tables, st.lists(st.integers(1, 29), max_size=4))
def test_a_stream_equals_the_whole_however_it_is_cut(X, cuts):
    whole = PCA().fit(X)
    stream = PCA()
    for block in np.split(X, sorted({min(max(c, 2), len(X)) for c in cuts})):
        if len(block):
            stream.partial_fit(block)
    np.testing.assert_allclose(stream.mean_, whole.mean_, atol=1e-10)
    np.testing.assert_allclose(stream.explained_variance_, whole.explained_variance_, atol=1e-8)
    assert stream.n_samples_ == len(X)


@given(tables)
def test_turning_the_data_turns_the_components(X):
    turn = scipy.linalg.qr(np.random.default_rng(0).standard_normal((X.shape[1],) * 2))[0]
    np.testing.assert_allclose(
        PCA().fit(X @ turn).explained_variance_,
        PCA().fit(X).explained_variance_,
        atol=1e-8 * max(1.0, np.abs(X).max() ** 2),
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_share_keeps_the_fewest_components_that_exceed_it(share):
    kept = PCA(share).fit(TALL)
    assert kept.explained_variance_ratio_.sum() > share
    assert kept.explained_variance_ratio_[:-1].sum() <= share
    assert kept.n_components_ == sklearn.decomposition.PCA(share, svd_solver="full").fit(TALL).n_components_


def test_randomized_is_exact_where_the_rank_is_low_and_repeats_with_a_seed():
    X = RNG.standard_normal((200, 4)) @ RNG.standard_normal((4, 150))
    ours = PCA(4, solver="randomized", random_state=0).fit(X)
    oracle = sklearn.decomposition.PCA(4, svd_solver="full").fit(X)
    np.testing.assert_allclose(ours.components_, oracle.components_, atol=1e-8)
    np.testing.assert_allclose(ours.explained_variance_ratio_, oracle.explained_variance_ratio_, atol=1e-8)
    again = PCA(4, solver="randomized", random_state=0).fit(X)
    np.testing.assert_array_equal(ours.components_, again.components_)


@pytest.mark.parametrize("k", [1, 3, 6, 0.9, None])
def test_whitened_coordinates_have_variance_one_and_lead_back(k):
    pca = PCA(k, whiten=True).fit(TALL)
    Z = pca.transform(TALL)
    np.testing.assert_allclose(
        np.cov(Z, rowvar=False).reshape(pca.n_components_, -1), np.eye(pca.n_components_), atol=1e-8
    )
    plain = PCA(k).fit(TALL)
    np.testing.assert_allclose(pca.inverse_transform(Z), plain.inverse_transform(plain.transform(TALL)), atol=1e-8)


def test_single_precision_stays_single_and_is_rounded_once():
    single = PCA(3).fit(TALL.astype(np.float32))
    double = PCA(3).fit(TALL.astype(np.float32).astype(float))
    assert single.transform(TALL.astype(np.float32)).dtype == np.float32
    assert single.inverse_transform(single.transform(TALL.astype(np.float32))).dtype == np.float32
    for name in ("mean_", "components_", "explained_variance_", "explained_variance_ratio_", "singular_values_"):
        assert getattr(single, name).dtype == np.float32
        np.testing.assert_array_equal(getattr(single, name), getattr(double, name).astype(np.float32))


@pytest.mark.parametrize(
    "X",
    [TALL.astype(int), TALL[::2, ::-1], np.asfortranarray(TALL), TALL.tolist(), pd.DataFrame(TALL)],
    ids=["whole numbers", "a view", "by columns", "lists", "a frame"],
)
def test_any_table_of_numbers_is_taken_and_left_as_it_was(X):
    before = np.array(X)
    PCA(2).fit(X).transform(X)
    np.testing.assert_array_equal(np.array(X), before)
    np.testing.assert_allclose(PCA(2).fit(X).components_, PCA(2).fit(before.astype(float)).components_)


def test_read_only_data_is_taken():
    X = TALL.copy()
    X.flags.writeable = False
    assert PCA(2).fit(X).partial_fit(X).n_samples_ == 120


def test_names_of_a_frame_are_kept_and_given_out():
    frame = pd.DataFrame(TALL, columns=[f"größe {i}" for i in range(6)])
    pca = PCA(2).set_output(transform="pandas").fit(frame)
    assert list(pca.transform(frame).columns) == ["pca0", "pca1"]
    assert list(pca.feature_names_in_) == list(frame.columns)


def test_constant_data_has_no_variance_and_no_nan():
    pca = PCA().fit(np.full((5, 3), 7.0))
    for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_"):
        np.testing.assert_array_equal(getattr(pca, name), np.zeros(3))
    assert np.isfinite(PCA(whiten=True).fit(np.full((5, 3), 7.0)).transform(np.eye(3))).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_components": 0}, r"n_components=0 is not between 1 and min\(n, d\) = 6"),
        ({"n_components": 7}, r"n_components=7 is not between 1 and min\(n, d\) = 6"),
        ({"n_components": 1.0}, "n_components=1.0 as a share of the variance is not strictly between 0 and 1"),
        ({"n_components": -0.1}, "strictly between 0 and 1"),
        ({"n_components": float("nan")}, "strictly between 0 and 1"),
        ({"n_components": True}, "n_components=True is neither an int, a float nor None"),
        ({"n_components": "all"}, "n_components='all' is neither"),
        ({"solver": "fast"}, "solver='fast' is none of auto, covariance, randomized, svd"),
        ({"solver": "randomized"}, "solver='randomized' needs n_components as an int, got n_components=None"),
        ({"n_components": 9, "solver": "fast"}, "n_components=9 .*; solver='fast' is none"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_parameters_are_refused_all_at_once(given, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(PCA(**given), method)(TALL)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.where(TALL > 5, np.nan, TALL), "NaN"),
        (np.where(TALL > 5, np.inf, TALL), "infinity"),
        (TALL[:0], "0 sample"),
        (TALL[:1], "1 sample"),
        (TALL[:, :0], "0 feature"),
        (TALL[0], "1D array"),
        (TALL[np.newaxis], "dim 3"),
        (TALL.astype(complex), "Complex data"),
        (np.array([["a", "b"], ["c", "d"]]), "could not convert string|dtype"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_data_is_refused(X, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(PCA(), method)(X)


def test_coordinates_of_another_shape_are_refused():
    pca = PCA(2).fit(TALL)
    with pytest.raises(ValueError, match=r"expected coordinates of shape \(n, 2\), got \(4, 3\); pass what transform"):
        pca.inverse_transform(np.ones((4, 3)))
    with pytest.raises(ValueError, match="6 features"):
        pca.transform(np.ones((4, 3)))
