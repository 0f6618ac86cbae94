"""t-SNE, trustworthiness and continuity: held against scikit-learn, brute force, and every awkward input."""

import builtins
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.manifold
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from mltoolkit.errors import BadInput
from mltoolkit.tabular import TSNE, continuity, joint_probabilities, kl_divergence, trustworthiness
from mltoolkit.tabular._embeddings import affinities, objective
from mltoolkit.tabular._embeddings.objective import Approximate, Exact
from mltoolkit.tabular._embeddings.repulsion import Repulsion, kernels, layout, stencil

DIGITS = load_digits().data


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([TSNE(max_iter=30), TSNE(3, max_iter=30, init="random"), TSNE(max_iter=30, method="exact")])
def test_scikit_learns_own_checks(estimator, check):
    with np.errstate(all="ignore"):
        check(estimator)


@pytest.mark.parametrize("perplexity", [2.0, 12.0, 30.0])
def test_joint_probabilities_are_scikit_learns(perplexity):
    X = DIGITS[:100]
    _t_sne = sklearn.manifold._t_sne
    D = (cdist(X, X, "sqeuclidean")).astype(np.float32)
    P = joint_probabilities(X, perplexity)
    peer = np.zeros_like(P)
    peer[np.triu_indices(100, 1)] = _t_sne._joint_probabilities(D, perplexity, 0)
    np.testing.assert_allclose(P, peer + peer.T, atol=2e-5 * P.max())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(8, 40), st.integers(1, 5), st.floats(1.0, 2.5))
def test_every_row_gets_the_perplexity(seed, n, d, perplexity):
    D = cdist(*[np.random.default_rng(seed).standard_normal((n, d))] * 2, "sqeuclidean")
    np.fill_diagonal(D, np.inf)
    P = affinities.conditional(D, perplexity)
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    entropy = -np.sum(P * np.log(np.where(P > 0, P, 1.0)), axis=1)
    np.testing.assert_allclose(np.exp(entropy), perplexity, rtol=1e-5)


def test_the_sparse_probabilities_are_nearly_the_dense_ones():
    X = DIGITS[:300]
    dense, sparse = affinities.dense(X, 10.0), affinities.sparse(X, 10.0).toarray()
    np.testing.assert_allclose(sparse, sparse.T)
    assert sparse.sum() == pytest.approx(1.0)
    assert np.abs(dense - sparse).sum() < 0.1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 3), st.sampled_from([0.01, 1.0, 30.0]))
def test_the_gradient_is_that_of_the_divergence(seed, n, c, scale):
    rng = np.random.default_rng(seed)
    P = rng.random((n, n))
    P[rng.random((n, n)) < 0.3] = 0.0
    P = P + P.T
    np.fill_diagonal(P, 0.0)
    if P.sum() == 0.0:
        return
    P /= P.sum()
    Y = scale * rng.standard_normal((n, c))
    _, gradient = kl_divergence(P, Y)
    step = 1e-5 * scale
    for i in np.ndindex(*Y.shape):
        ends = []
        for sign in (1.0, -1.0):
            moved = Y.copy()
            moved[i] += sign * step
            ends.append(kl_divergence(P, moved)[0])
        assert gradient[i] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4, abs=1e-6 / scale)
    np.testing.assert_allclose(gradient.sum(axis=0), 0.0, atol=1e-9 * max(1.0, np.abs(gradient).max()))
    assert kl_divergence(P, Y + 7.0)[0] == pytest.approx(kl_divergence(P, Y)[0], abs=1e-9)


def brute(Y):
    K = 1.0 / (1.0 + cdist(Y, Y, "sqeuclidean"))
    np.fill_diagonal(K, 0.0)
    return (K**2).sum(axis=1)[:, None] * Y - K**2 @ Y, K.sum()


@pytest.mark.parametrize(("scale", "close"), [(1e-4, 1e-4), (0.1, 1e-4), (1.0, 1e-3), (5.0, 0.05), (20.0, 0.1)])
def test_the_push_from_the_grid_is_the_sum_over_pairs(scale, close):
    Y = scale * np.random.default_rng(0).standard_normal((800, 2)) * [2.0, 1.0] + 1000.0
    push, Z = Repulsion()(Y)
    expected, total = brute(Y)
    assert np.linalg.norm(push - expected) <= close * np.linalg.norm(expected)
    assert pytest.approx(total, rel=1e-3) == Z


def test_the_grid_in_closed_form():
    spacing, lengths = layout(np.array([100.0, 10.0]))
    assert spacing == 0.5
    assert lengths[0] >= 2 * 205
    assert 2 * 25 <= lengths[1] < lengths[0]
    assert layout(np.array([0.0, 0.0]))[0] > 0.0
    where, weights = stencil(np.array([[3.0, 4.0], [3.5, 4.25]]), 100)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert where[0, np.argmax(weights[0])] == 4 * 100 + 5  # a point on a node, one node further in
    rows, columns = np.divmod(where[1], 100)
    np.testing.assert_allclose([weights[1] @ rows, weights[1] @ columns], [4.5, 5.25])
    assert kernels(0.5, (16, 32)).force.shape == (2, 16, 17)


def test_the_approximate_objective_is_nearly_the_exact_one():
    X = DIGITS[:400]
    P = affinities.sparse(X, 10.0)
    Y = TSNE(perplexity=10, method="exact", max_iter=300).fit_transform(X)
    fast, slow = Approximate(P), Exact(P.toarray())
    assert fast.divergence(Y) == pytest.approx(slow.divergence(Y), abs=5e-3)  # Z to half a percent
    for exaggeration in (1.0, 12.0):
        gap = fast.gradient(Y, exaggeration) - slow.gradient(Y, exaggeration)
        pull = 4.0 * np.linalg.norm(fast._attraction(P, Y)) * exaggeration
        assert np.linalg.norm(gap) <= 0.1 * pull  # near neighbours, where the grid is coarsest


def test_the_compiled_pull_is_numpys():
    pytest.importorskip("numba")
    P = affinities.sparse(DIGITS[:200], 8.0)
    Y = np.random.default_rng(1).standard_normal((200, 2))
    np.testing.assert_allclose(objective.compiled(P, Y), objective.attraction(P, Y), atol=1e-15)


def test_without_numba_numpy_does_the_same(monkeypatch):
    options = {"perplexity": 10, "method": "fft", "max_iter": 120, "early_exaggeration_iter": 60}
    usual = TSNE(**options).fit(DIGITS[:200])
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if "_kernels" in name or (len(args) > 2 and args[2] and "_kernels" in args[2]):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert objective.pick_attraction() is objective.attraction
    plain = TSNE(**options).fit(DIGITS[:200])
    assert plain.kl_divergence_ == pytest.approx(usual.kl_divergence_, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["exact", "fft"])
def test_the_divergence_is_within_five_percent_of_scikit_learns(method):
    X = DIGITS[:600]
    ours = TSNE(method=method).fit(X)
    peer = sklearn.manifold.TSNE(random_state=0, method={"fft": "barnes_hut"}.get(method, method)).fit(X)
    P = joint_probabilities(X)
    assert kl_divergence(P, ours.embedding_)[0] <= 1.05 * kl_divergence(P, peer.embedding_)[0]
    assert ours.n_iter_ <= 1000
    exact = kl_divergence(P if method == "exact" else affinities.sparse(X, 30.0).toarray(), ours.embedding_)[0]
    assert ours.kl_divergence_ == pytest.approx(exact, rel=1e-3)


def test_groups_come_apart_from_any_start():
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(4), 30)
    X = 10.0 * rng.standard_normal((4, 8))[labels] + rng.standard_normal((120, 8))
    for init in ("pca", "random", rng.standard_normal((120, 2))):
        model = TSNE(perplexity=10, init=init, max_iter=400, random_state=0).fit(X)
        D = cdist(model.embedding_, model.embedding_)
        np.fill_diagonal(D, np.inf)
        assert (labels[D.argmin(axis=1)] == labels).all()
        np.testing.assert_allclose(model.embedding_.mean(axis=0), 0.0, atol=1e-9)


def test_it_ends_when_it_stands_still_and_says_so():
    X = np.random.default_rng(0).standard_normal((60, 4))
    loose, strict = TSNE(perplexity=8, tol=0.5).fit(X), TSNE(perplexity=8, tol=0.0, max_iter=320).fit(X)
    assert loose.converged_
    assert 250 < loose.n_iter_ < 500
    assert not strict.converged_
    assert strict.n_iter_ == 320
    assert TSNE(perplexity=8, max_iter=40, method="fft").fit(X).n_iter_ == 40


@pytest.mark.parametrize("method", ["exact", "fft"])
def test_the_same_seed_gives_the_same_map(method):
    X = np.random.default_rng(0).standard_normal((70, 4))
    options = {"perplexity": 8, "init": "random", "method": method, "max_iter": 60}
    first, again, other = (TSNE(**options, random_state=seed).fit_transform(X) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("method", ["exact", "fft"])
@pytest.mark.parametrize(
    "X",
    [
        np.full((40, 3), 7.0),
        np.zeros((40, 3)),
        np.repeat(np.random.default_rng(0).standard_normal((5, 3)), 12, axis=0),
        np.arange(40.0)[:, None],
        1e8 + np.random.default_rng(0).standard_normal((40, 3)),
        1e-200 * np.random.default_rng(0).standard_normal((40, 3)),
        1e149 * np.random.default_rng(0).standard_normal((40, 3)),
        np.random.default_rng(0).integers(0, 3, (40, 3)),
        np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32),
        np.asfortranarray(np.random.default_rng(0).standard_normal((80, 6)))[::2, ::2],
        [[float(i % 7), float(i % 5)] for i in range(40)],
    ],
    ids=["constant", "zeros", "copies", "one column", "far", "tiny", "huge", "integers", "float32", "strided", "list"],
)
def test_awkward_data_survives(method, X):
    model = TSNE(perplexity=5, method=method, max_iter=60, early_exaggeration_iter=30, random_state=0).fit(X)
    assert model.embedding_.shape == (len(X), 2)
    assert np.isfinite(model.embedding_).all()
    assert np.isfinite(model.kl_divergence_)


def test_frames_and_read_only_arrays_are_taken():
    X = np.random.default_rng(0).standard_normal((30, 2))
    X.flags.writeable = False
    frame = pd.DataFrame(X, columns=["größe", "gewicht"])
    model = TSNE(perplexity=5, max_iter=30).fit(frame)
    assert model.feature_names_in_.tolist() == ["größe", "gewicht"]
    np.testing.assert_allclose(model.embedding_, TSNE(perplexity=5, max_iter=30).fit_transform(X), atol=1e-9)
    assert trustworthiness(frame, model.embedding_) == trustworthiness(X, model.embedding_)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_a_perplexity_that_the_rows_do_not_carry_is_lowered_with_a_warning(n):
    X = np.random.default_rng(0).standard_normal((n, 3))
    with pytest.warns(UserWarning, match=rf"perplexity=30 wants more than 90 rows and X has {n};"):
        model = TSNE(max_iter=20).fit(X)
    assert model.perplexity_ == max(1.0, (n - 1) / 3)
    assert np.isfinite(model.embedding_).all()
    with pytest.warns(UserWarning, match="joint_probabilities: perplexity=30"):
        assert joint_probabilities(X).sum() == pytest.approx(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TSNE(perplexity=5, max_iter=5).fit(np.random.default_rng(0).standard_normal((16, 2)))


def test_every_fault_of_a_call_is_told_at_once():
    X = np.random.default_rng(0).standard_normal((30, 3))
    bad = TSNE(0, perplexity=0.5, early_exaggeration=0.1, early_exaggeration_iter=-1, max_iter=0, tol=-1.0,
               learning_rate=0.0, init="best", method="magic")  # fmt: skip
    with pytest.raises(BadInput) as caught:
        bad.fit(X)
    for word in ("n_components=0", "perplexity=0.5", "early_exaggeration=0.1", "early_exaggeration_iter=-1",
                 "max_iter=0", "tol=-1.0", "learning_rate=0.0", "init='best'", "method='magic'"):  # fmt: skip
        assert word in str(caught.value)
    with pytest.raises(BadInput, match="maps of 2 dimensions, not 3"):
        TSNE(3, method="fft").fit(X)
    with pytest.raises(BadInput, match=r"init has shape \(29, 2\); expected \(30, 2\)"):
        TSNE(perplexity=5, init=np.zeros((29, 2))).fit(X)
    with pytest.raises(BadInput, match="init holds NaN"):
        TSNE(perplexity=5, init=np.full((30, 2), np.nan)).fit(X)
    with pytest.raises(ValueError, match="NaN"):
        TSNE().fit(np.where(X > 2, np.nan, X) * np.nan)
    with pytest.raises(BadInput, match="scale the columns"):
        TSNE(perplexity=5).fit(X * 1e160)
    with pytest.raises(BadInput, match="exact method takes up to 10000 rows"):
        TSNE(method="exact").fit(np.zeros((10_001, 1)))
    with pytest.raises(BadInput, match="perplexity='30'"):
        joint_probabilities(X, "30")
    for P, Y, word in (
        (np.ones((3, 2)), np.zeros((3, 2)), r"P has shape \(3, 2\)"),
        (-np.ones((3, 3)), np.zeros((3, 2)), "negative"),
        (np.ones((3, 3)), np.zeros((4, 2)), "P has 3 rows and Y 4"),
        (np.ones((3, 3)), np.zeros(3), r"Y has shape \(3,\)"),
        (np.ones((3, 3)), np.full((3, 2), np.inf), "Y holds NaN or infinity"),
    ):
        with pytest.raises(BadInput, match=word):
            kl_divergence(P, Y)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 60), st.integers(1, 6), st.data())
def test_both_scores_are_scikit_learns(seed, n, d, draw):
    k = draw.draw(st.integers(1, (n - 1) // 2))
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, d)), rng.standard_normal((n, 2))
    assert trustworthiness(X, Y, n_neighbors=k) == pytest.approx(
        sklearn.manifold.trustworthiness(X, Y, n_neighbors=k), abs=1e-12
    )
    assert continuity(X, Y, n_neighbors=k) == pytest.approx(trustworthiness(Y, X, n_neighbors=k), abs=1e-12)
    assert trustworthiness(X, 3.0 * X - 1.0, n_neighbors=k) == 1.0


def test_scores_of_copies_and_constants_are_defined():
    X = np.repeat(np.random.default_rng(0).standard_normal((5, 3)), 6, axis=0)
    assert trustworthiness(X, X) == 1.0
    assert trustworthiness(np.ones((20, 3)), np.random.default_rng(0).random((20, 2))) == 1.0
    far = 1e8 + np.random.default_rng(0).standard_normal((60, 3))
    assert trustworthiness(far, far - 1e8) == pytest.approx(1.0, abs=1e-3)


def test_bad_maps_are_refused():
    X = np.random.default_rng(0).standard_normal((20, 3))
    for score in (trustworthiness, continuity):
        for n_neighbors in (0, 10, 2.5, True):
            with pytest.raises(BadInput, match="n_neighbors"):
                score(X, X[:, :2], n_neighbors=n_neighbors)
        with pytest.raises(BadInput, match="X has 20 rows and X_embedded 19"):
            score(X, X[:19])
        with pytest.raises(BadInput, match="NaN"):
            score(X, np.full((20, 2), np.nan))
        with pytest.raises(BadInput, match="scale it"):
            score(X * 1e160, X)


def test_scores_hold_a_block_of_distances_and_the_fast_map_no_pair():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5_000, 3))
    everything = 8 * len(X) ** 2
    for work in (
        lambda: trustworthiness(X, X[:, :2]),
        lambda: TSNE(perplexity=10, method="fft", max_iter=3).fit(X),
    ):
        work()
        tracemalloc.start()
        work()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 0.4 * everything


def test_a_probability_without_neighbours_pulls_nothing():
    P = csr_array((3, 3))
    Y = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(objective.attraction(P, Y), np.zeros((3, 2)))
