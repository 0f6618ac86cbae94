"""k-means, mixtures and silhouettes: held against scikit-learn, their definitions, and every awkward input."""

import builtins
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.cluster
import sklearn.metrics
import sklearn.mixture
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from mltoolkit.errors import BadInput
from mltoolkit.tabular import GaussianMixture, KMeans, silhouette, silhouette_samples
from mltoolkit.tabular._clusters import descent, mixture
from mltoolkit.tabular._clusters.seeding import plus_plus

KINDS = ("full", "tied", "diag", "spherical")


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        KMeans(3),
        KMeans(3, algorithm="hamerly"),
        GaussianMixture(),
        *(GaussianMixture(2, covariance_type=kind) for kind in KINDS),
    ]
)
def test_scikit_learns_own_checks(estimator, check):
    with np.errstate(all="ignore"):
        check(estimator)


def data(seed, n=300, d=3, k=5, spread=1.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(0.0, 4.0, (k, d))[rng.integers(k, size=n)] + spread * rng.standard_normal((n, d))
    return X, X[rng.choice(n, size=k, replace=False)], rng.uniform(0.1, 3.0, n)


@pytest.mark.parametrize("algorithm", ["lloyd", "hamerly"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_from_one_start_kmeans_is_scikit_learns(algorithm, weighted, seed):
    X, start, weights = data(seed)
    sample_weight = weights if weighted else None
    ours = KMeans(5, init=start, tol=0.0, algorithm=algorithm).fit(X, sample_weight=sample_weight)
    peer = sklearn.cluster.KMeans(5, init=start, n_init=1, tol=0.0).fit(X, sample_weight=sample_weight)
    assert ours.inertia_ == pytest.approx(peer.inertia_, rel=1e-12)
    np.testing.assert_allclose(ours.cluster_centers_, peer.cluster_centers_, atol=1e-10)
    assert (ours.labels_ == peer.labels_).all()
    assert ours.n_iter_ == peer.n_iter_
    new = X[::7] + 0.3
    assert (ours.predict(new) == peer.predict(new)).all()
    np.testing.assert_allclose(ours.transform(new), peer.transform(new), atol=1e-9)
    assert ours.score(new, sample_weight=weights[::7]) == pytest.approx(peer.score(new, sample_weight=weights[::7]))


@pytest.mark.parametrize("seed", range(3))
def test_the_best_of_many_starts_is_within_a_small_share_of_scikit_learns(seed):
    X, _, _ = data(seed, n=800, k=8)
    ours = KMeans(8, n_init=20, random_state=seed).fit(X).inertia_
    peer = sklearn.cluster.KMeans(8, n_init=20, random_state=seed).fit(X).inertia_
    assert ours <= 1.001 * peer


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 4), st.booleans())
def test_all_three_ways_to_assign_agree(seed, k, d, integers):
    pytest.importorskip("numba")
    rng = np.random.default_rng(seed)
    X = rng.integers(-3, 4, (40, d)).astype(float) if integers else rng.standard_normal((40, d))
    X -= X.mean(axis=0)
    weights = rng.uniform(0.5, 2.0, 40)
    start = rng.standard_normal((k, d))
    found = [
        descent.descend(X, weights, start, tol=0.0, max_iter=100, assign=assign)
        for assign in (descent.lloyd, descent.hamerly, descent.compiled)
    ]
    if integers:  # ties may fall either way: each is a valley of its own
        assert all(one.converged for one in found)
        return
    for other in found[1:]:
        np.testing.assert_allclose(other.centers, found[0].centers, atol=1e-9)
        assert other.inertia == pytest.approx(found[0].inertia)
        assert other.n_distances <= found[0].n_distances + 40 * other.n_iter


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_what_kmeans_gives_out_fits_together(seed, k):
    rng = np.random.default_rng(seed)
    X = rng.integers(-4, 5, (30, 2)) + rng.random((30, 2))
    model = KMeans(k, n_init=2, random_state=seed).fit(X)
    D = cdist(X, model.cluster_centers_, "sqeuclidean")
    assert (model.labels_ == D.argmin(axis=1)).all()
    assert model.inertia_ == pytest.approx(D.min(axis=1).sum())
    assert (model.predict(X) == model.labels_).all()
    assert len(set(model.labels_)) == k
    for c in range(k):
        np.testing.assert_allclose(model.cluster_centers_[c], X[model.labels_ == c].mean(axis=0), atol=0.2)


def test_neither_the_order_of_rows_nor_repeats_for_weights_change_the_result():
    X, _, _ = data(3, n=90)
    times = np.random.default_rng(0).integers(0, 4, 90)
    expected = KMeans(4, random_state=1).fit(X, sample_weight=times).cluster_centers_
    shuffled = np.random.default_rng(1).permutation(np.repeat(X, times, axis=0))
    np.testing.assert_allclose(KMeans(4, random_state=1).fit(shuffled).cluster_centers_, expected, atol=1e-9)


def test_hamerlys_bounds_save_most_distances_of_groups_that_are_apart():
    X, start, _ = data(5, n=2000, k=10, spread=1.0)
    model = KMeans(10, init=start, tol=0.0, algorithm="hamerly").fit(X)
    assert model.n_distances_ < 0.5 * 2000 * 10 * model.n_iter_


def test_restarts_on_a_sample_end_where_restarts_on_all_rows_do():
    X, _, weights = data(6, n=5000, k=6)
    every = KMeans(6, random_state=0).fit(X)
    sampled = KMeans(6, init_size=500, random_state=0).fit(X)
    assert sampled.inertia_ <= 1.001 * every.inertia_
    weighted = KMeans(6, init_size=500, random_state=0).fit(X, sample_weight=weights)
    assert weighted.inertia_ <= 1.001 * KMeans(6, random_state=0).fit(X, sample_weight=weights).inertia_
    heavy = np.where(np.arange(5000) < 20, 1e6, 1e-3)  # the sample is drawn by weight: twenty rows make it up
    few = KMeans(6, init_size=500, random_state=0).fit(X, sample_weight=heavy)
    assert np.isfinite(few.cluster_centers_).all()


def test_plus_plus_draws_by_squared_distance():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    rng = np.random.default_rng(0)
    weights = np.array([1.0, 1.0, 1.0, 1.0])
    # Two centres, so two candidates each: the better of two draws.
    pairs = [tuple(np.sort(plus_plus(X, 2, weights, rng).ravel())) for _ in range(4000)]
    inertia = {pair: float(np.min((X - np.array(pair)) ** 2, axis=1).sum()) for pair in set(pairs)}
    assert min(inertia.values()) == 2.0
    from_zero = [pair for pair in pairs if pair[0] == 0.0]
    assert np.mean([pair == (0.0, 3.0) for pair in from_zero]) > 0.3
    assert all(first != second for first, second in pairs)


def test_an_empty_cluster_takes_the_farthest_row():
    X = np.array([[0.0], [1.0], [2.0], [10.0]])
    model = KMeans(2, init=np.array([[1.0], [1000.0]]), tol=0.0).fit(X)
    assert sorted(model.cluster_centers_.ravel()) == [1.0, 10.0]
    assert model.converged_


def test_fewer_different_rows_than_clusters_warn_and_stay_finite():
    X = np.repeat([[0.0, 1.0], [2.0, 3.0]], 5, axis=0)
    with pytest.warns(ConvergenceWarning, match="found 2 distinct clusters for n_clusters=4.*duplicates"):
        model = KMeans(4, random_state=0).fit(X)
    assert model.inertia_ == 0.0
    assert np.isfinite(model.cluster_centers_).all()


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
def test_an_offset_changes_nothing(offset):
    X, start, _ = data(2)
    X, start = np.round(X, 3), np.round(start, 3)
    expected = KMeans(5, init=start, tol=0.0).fit(X)
    moved = KMeans(5, init=start + offset, tol=0.0).fit(X + offset)
    assert (moved.labels_ == expected.labels_).all()
    np.testing.assert_allclose(moved.cluster_centers_ - offset, expected.cluster_centers_, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8, 1e148])
def test_a_scale_changes_nothing_but_units(scale):
    X, _, _ = data(4)
    expected = KMeans(5, random_state=0).fit(X)
    assert (KMeans(5, random_state=0).fit(X * scale).labels_ == expected.labels_).all()


def test_read_only_other_orders_and_types_are_the_same():
    X, _, _ = data(1)
    locked = X.copy()
    locked.setflags(write=False)
    for make in (lambda: KMeans(4, random_state=0), lambda: GaussianMixture(4, random_state=0)):
        expected = make().fit(X).predict(X)
        for same in (locked, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
            assert (make().fit(same).predict(same) == expected).all()
        assert np.mean(make().fit(X.astype(np.float32)).predict(X.astype(np.float32)) == expected) > 0.98
    np.testing.assert_array_equal(locked, X)


def test_frames_keep_their_names():
    frame = pd.DataFrame({"größe": [1.0, 2.0, 8.0, 9.0], "b": [0, 1, 0, 1]})
    model = KMeans(2, random_state=0).fit(frame)
    assert model.feature_names_in_.tolist() == ["größe", "b"]
    assert model.get_feature_names_out().tolist() == ["kmeans0", "kmeans1"]
    assert KMeans(2, random_state=0).set_output(transform="pandas").fit_transform(frame).shape == (4, 2)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"b": "c"}))
    with pytest.raises(ValueError, match="feature names"):
        GaussianMixture().fit(frame).predict(frame.rename(columns={"b": "c"}))


def test_a_generator_is_drawn_from_and_a_seed_repeats():
    X, _, _ = data(7)
    a, b = (KMeans(5, n_init=1, random_state=3).fit(X).cluster_centers_ for _ in range(2))
    np.testing.assert_array_equal(a, b)
    for state in (np.random.default_rng(0), np.random.RandomState(0), None):
        assert KMeans(3, random_state=state).fit(X).converged_


@pytest.mark.parametrize("algorithm", ["auto", "hamerly"])
def test_without_numba_numpy_does_the_same(monkeypatch, algorithm):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if "_kernels" in name or (args and len(args) > 2 and args[2] and "_kernels" in args[2]):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    X, start, _ = data(8, n=70_000, k=5)
    compiled = KMeans(5, init=start, tol=0.0, algorithm=algorithm).fit(X)
    monkeypatch.setattr(builtins, "__import__", without)
    assert descent.pick_assign("auto", (10**9, 10), 5) is descent.lloyd
    assert descent.pick_assign("hamerly", (10**9, 10), 5) is descent.hamerly
    plain = KMeans(5, init=start, tol=0.0, algorithm=algorithm).fit(X)
    np.testing.assert_allclose(plain.cluster_centers_, compiled.cluster_centers_, atol=1e-9)


def test_a_fit_that_runs_out_of_iterations_says_so():
    X, start, _ = data(2)
    with pytest.warns(ConvergenceWarning, match="KMeans did not converge in max_iter=1 "):
        assert not KMeans(5, init=start, max_iter=1, tol=0.0).fit(X).converged_
    with pytest.warns(ConvergenceWarning, match="GaussianMixture did not converge in max_iter=1 "):
        assert not GaussianMixture(3, max_iter=1, random_state=0).fit(X).converged_


def test_all_faults_of_the_parameters_are_told_at_once():
    X = np.eye(4)
    with pytest.raises(BadInput, match=r"n_clusters=0 .*; n_init=True .*; max_iter=0 .*; init_size=0 .*; tol=-1"):
        KMeans(0, n_init=True, max_iter=0, init_size=0, tol=-1).fit(X)
    with pytest.raises(BadInput, match=r"init='best' .*; algorithm='fast' "):
        KMeans(2, init="best", algorithm="fast").fit(X)
    with pytest.raises(BadInput, match=r"init has shape \(3, 4\); expected .* \(2, 4\)"):
        KMeans(2, init=np.zeros((3, 4))).fit(X)
    with pytest.raises(
        BadInput, match=r"n_components=0 .*; reg_covar=nan .*; covariance_type='round' .*; init_params="
    ):
        GaussianMixture(0, reg_covar=np.nan, covariance_type="round", init_params="x").fit(X)
    with pytest.raises(BadInput, match=r"weights_init adds up to 2 .*"):
        GaussianMixture(2, weights_init=[1.0, 1.0]).fit(X)
    with pytest.raises(BadInput, match=r"means_init has shape \(1, 4\); expected \(2, 4\); precisions_init is not pos"):
        GaussianMixture(2, means_init=np.zeros((1, 4)), precisions_init=np.zeros((2, 4, 4))).fit(X)
    with pytest.raises(BadInput, match="means_init holds NaN"):
        GaussianMixture(1, means_init=np.full((1, 4), np.nan)).fit(X)


@pytest.mark.parametrize("make", [lambda k: KMeans(k), lambda k: GaussianMixture(k)])
def test_bad_data_is_refused_clearly(make):
    for bad, words in (
        ([[np.nan], [1.0]], "NaN"),
        ([[np.inf], [1.0]], "infinity"),
        (np.empty((0, 2)), "0 sample"),
        (np.empty((3, 0)), "0 feature"),
        ([["a"], ["b"]], "convert"),
    ):
        with pytest.raises(ValueError, match=words):
            make(1).fit(bad)
    with pytest.raises(BadInput, match=r"n_samples=2 rows and n_c.*=3; give at least as many"):
        make(3).fit([[0.0], [1.0]])
    with pytest.raises(NotFittedError):
        make(1).predict([[0.0]])


def test_numbers_whose_squares_overflow_are_refused():
    X = [[0.0], [1e200], [2e200]]
    for fit in (KMeans(2).fit, GaussianMixture(2).fit, lambda rows: silhouette(rows, [0, 0, 1])):
        with pytest.raises(BadInput, match=r"X holds 2e\+200.*scale the columns"):
            fit(X)


def test_weights_are_refused_clearly_and_zero_weight_counts_for_nothing():
    X = [[0.0], [1.0], [9.0]]
    with pytest.raises(ValueError, match=r"(?i)negative"):
        KMeans(1).fit(X, sample_weight=[1.0, -1.0, 1.0])
    with pytest.raises(BadInput, match="1 rows of weight above 0 and n_clusters=2"):
        KMeans(2).fit(X, sample_weight=[0.0, 1.0, 0.0])
    model = KMeans(1).fit(X, sample_weight=[1.0, 1.0, 0.0])
    assert model.cluster_centers_.tolist() == [[0.5]]
    assert model.labels_.tolist() == [0, 0, 0]


def test_one_row_one_column_one_cluster():
    model = KMeans(1).fit([[3.0]])
    assert (model.cluster_centers_.tolist(), model.inertia_, model.labels_.tolist()) == ([[3.0]], 0.0, [0])
    mixture_of_one = GaussianMixture().fit([[1.0], [3.0]])
    np.testing.assert_allclose(mixture_of_one.covariances_, [[[1.0]]], atol=1e-5)


def start_of(kind, k, d, means):
    unit = {"full": np.tile(np.eye(d), (k, 1, 1)), "tied": np.eye(d), "diag": np.ones((k, d)), "spherical": np.ones(k)}
    return {"weights_init": np.full(k, 1 / k), "means_init": means, "precisions_init": unit[kind]}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_from_one_start_a_mixture_is_scikit_learns(kind, seed):
    X, means, _ = data(seed, k=4)
    options = {**start_of(kind, 4, 3, means), "covariance_type": kind, "tol": 1e-7, "max_iter": 2000}
    ours, peer = GaussianMixture(4, **options).fit(X), sklearn.mixture.GaussianMixture(4, **options).fit(X)
    assert ours.n_iter_ == peer.n_iter_
    assert ours.converged_
    assert ours.lower_bound_ == pytest.approx(peer.lower_bound_, rel=1e-10)
    np.testing.assert_allclose(ours.lower_bounds_, peer.lower_bounds_, rtol=1e-10)
    for name in ("weights_", "means_", "covariances_", "precisions_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(peer, name), rtol=1e-6, atol=1e-8)
    new = X[::5] * 1.3
    for name in ("score_samples", "predict_proba", "predict"):
        np.testing.assert_allclose(getattr(ours, name)(new), getattr(peer, name)(new), atol=1e-7)
    for name in ("bic", "aic", "score"):
        assert getattr(ours, name)(new) == pytest.approx(getattr(peer, name)(new), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_start_is_about_as_good_as_scikit_learns(kind):
    X, _, _ = data(1, n=600, k=4)
    for init in ("kmeans", "k-means++", "random_from_data"):
        ours = GaussianMixture(
            4, covariance_type=kind, init_params=init, n_init=8, tol=1e-5, max_iter=1000, random_state=0
        )
        peer = sklearn.mixture.GaussianMixture(
            4, covariance_type=kind, n_init=8, tol=1e-5, max_iter=1000, random_state=0
        )
        assert ours.fit(X).score(X) >= peer.fit(X).score(X) - 0.02


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(KINDS))
def test_the_likelihood_never_falls_and_rows_add_up(seed, kind):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 2)) @ rng.standard_normal((2, 2)) + 5.0 * rng.integers(0, 2, (40, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianMixture(2, covariance_type=kind, reg_covar=0.0 if kind == "tied" else 1e-6, tol=1e-8,
                                max_iter=60, random_state=seed).fit(X)  # fmt: skip
    if not model.n_reseeded_:
        assert (np.diff(model.lower_bounds_) >= -1e-5).all()  # reg_covar is not part of the likelihood
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.weights_.sum() == pytest.approx(1.0)
    assert (model.predict(X) == model.predict_proba(X).argmax(axis=1)).all()


def test_densities_are_scipys():
    X, _, _ = data(3, n=50, k=2)
    model = GaussianMixture(2, random_state=0).fit(X)
    densities = sum(
        w * multivariate_normal(m, c).pdf(X)
        for w, m, c in zip(model.weights_, model.means_, model.covariances_, strict=True)
    )
    np.testing.assert_allclose(np.exp(model.score_samples(X)), densities, rtol=1e-9)


def test_rows_far_from_everything_have_finite_scores_and_whole_responsibilities():
    X, _, _ = data(0)
    model = GaussianMixture(3, random_state=0).fit(X)
    far = np.array([[1e5, 0.0, 0.0], [-1e8, 1e8, 0.0]])
    assert np.isfinite(model.score_samples(far)).all()
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_have_the_moments_of_their_components(kind):
    X, _, _ = data(2, k=3)
    model = GaussianMixture(3, covariance_type=kind, random_state=0).fit(X)
    rows, labels = model.sample(60_000)
    full = {"full": lambda: model.covariances_, "tied": lambda: [model.covariances_] * 3,
            "diag": lambda: [np.diag(c) for c in model.covariances_],
            "spherical": lambda: [c * np.eye(3) for c in model.covariances_]}[kind]()  # fmt: skip
    for c in range(3):
        mine = rows[labels == c]
        assert len(mine) / 60_000 == pytest.approx(model.weights_[c], abs=0.01)
        np.testing.assert_allclose(mine.mean(axis=0), model.means_[c], atol=0.1)
        np.testing.assert_allclose(np.cov(mine.T), full[c], atol=0.25)
    with pytest.raises(BadInput, match="n_samples=0"):
        model.sample(0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_component_that_no_row_belongs_to_is_seeded_anew(kind):
    X, _, _ = data(0, k=2)
    lost = np.vstack([X.mean(axis=0), np.full(3, 1e4)])
    with pytest.warns(ConvergenceWarning, match="seeded 1 collapsed components anew"):
        model = GaussianMixture(2, covariance_type=kind, **start_of(kind, 2, 3, lost), max_iter=500).fit(X)
    assert model.n_reseeded_ == 1
    assert model.weights_.min() > 0.01
    assert np.isfinite(model.means_).all()
    assert model.score(X) > GaussianMixture(1, covariance_type=kind).fit(X).score(X)


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_a_component_on_equal_rows_is_named(kind):
    rng = np.random.default_rng(0)
    X = np.vstack([rng.standard_normal((80, 2)), np.full((20, 2), 6.0)])
    with pytest.warns(ConvergenceWarning, match=r"components \[\d\] have shrunk to what reg_covar=1e-06"):
        model = GaussianMixture(2, covariance_type=kind, random_state=0).fit(X)
    assert len(model.collapsed_) == 1
    assert model.means_[model.collapsed_[0]] == pytest.approx([6.0, 6.0])


@pytest.mark.parametrize("kind", KINDS)
def test_without_volume_and_without_reg_covar_there_is_no_mixture(kind):
    X = np.zeros((20, 2))
    X[:, 0] = 0.0 if kind == "spherical" else np.arange(20.0)
    with pytest.raises(BadInput, match=r"no volume in some direction.*raise reg_covar=0"):
        GaussianMixture(2, covariance_type=kind, reg_covar=0.0, random_state=0).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert np.isfinite(GaussianMixture(2, covariance_type=kind, random_state=0).fit(X).score(X))


def test_a_mixture_that_cannot_be_had_ends_with_advice(monkeypatch):
    monkeypatch.setattr(mixture, "_RESEEDS", 0)
    X = np.repeat([[0.0, 0.0], [1.0, 5.0], [2.0, 1.0]], 10, axis=0)
    with pytest.raises(BadInput, match=r"collapse again and again; raise reg_covar=0, lower n_components=3"):
        GaussianMixture(3, reg_covar=0.0, max_iter=1000, tol=0.0, random_state=0).fit(X)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mixture_keeps_its_digits_far_from_zero(kind):
    X, means, _ = data(4, k=3)
    X, means = np.round(X, 3), np.round(means, 3)
    options = {"covariance_type": kind, "tol": 1e-6, "max_iter": 500}
    home = GaussianMixture(3, **start_of(kind, 3, 3, means), **options).fit(X)
    away = GaussianMixture(3, **start_of(kind, 3, 3, means + 1e7), **options).fit(X + 1e7)
    np.testing.assert_allclose(away.covariances_, home.covariances_, rtol=1e-5, atol=1e-6)


def test_degrees_of_freedom_count_what_is_free():
    assert [mixture.degrees_of_freedom(kind, 3, 4) for kind in KINDS] == [44, 24, 26, 17]


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 5), st.sampled_from(["euclidean", "cityblock", "cosine"]))
def test_silhouettes_are_scikit_learns(seed, k, metric):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((30, 3)) + 0.1
    labels = np.concatenate([np.arange(k), rng.integers(0, k, 30 - k)])
    names = np.array(["ä", "b", "c", "d", "e"])[labels]
    expected = sklearn.metrics.silhouette_samples(X, labels, metric=metric)
    np.testing.assert_allclose(silhouette_samples(X, names, metric=metric), expected, atol=1e-9)
    assert silhouette(X, labels, metric=metric) == pytest.approx(expected.mean(), abs=1e-9)


def test_silhouettes_of_many_rows_go_block_by_block():
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((5000, 2)), rng.integers(0, 3, 5000)
    tracemalloc.start()
    found = silhouette_samples(X, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.4 * 8 * 5000**2
    np.testing.assert_allclose(found, sklearn.metrics.silhouette_samples(X, labels), atol=1e-7)


def test_silhouettes_of_awkward_rows():
    assert silhouette_samples([[0.0], [0.0], [0.0]], [0, 0, 1]).tolist() == [0.0, 0.0, 0.0]
    assert silhouette_samples([[0.0], [1.0], [5.0]], [0, 0, 1])[2] == 0.0
    X = np.array([[0.0], [1.0], [7.0], [8.0]])
    np.testing.assert_allclose(
        silhouette_samples(X + 1e9, [0, 0, 1, 1]), silhouette_samples(X, [0, 0, 1, 1]), atol=1e-6
    )


@pytest.mark.parametrize(
    ("X", "labels", "words"),
    [
        ([[0.0], [1.0]], [0, 0], "labels has 1 clusters of 2 rows"),
        ([[0.0], [1.0]], [0, 1], "labels has 2 clusters of 2 rows"),
        ([[0.0], [1.0], [2.0]], [0, 1], "X has 3 rows and labels 2"),
        ([[0.0], [np.nan], [2.0]], [0, 1, 1], "NaN"),
        ([[0.0], [1.0], [2.0]], [0, np.nan, 1], "labels holds NaN"),
        ([[0.0], [1.0], [2.0]], [[0], [1], [1]], "labels has shape"),
    ],
)
def test_silhouettes_refuse_clearly(X, labels, words):
    with pytest.raises(BadInput, match=words):
        silhouette(X, labels)
    with pytest.raises(BadInput, match=r"metric='chess' .*; "):
        silhouette([[np.nan], [1.0]], [0, 1], metric="chess")
