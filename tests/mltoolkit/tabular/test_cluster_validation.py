"""The gap statistic and the stability of a clustering: held against their definitions and known groups."""

import numpy as np
import pytest

from mltoolkit.errors import BadInput
from mltoolkit.tabular import KMeans, cluster_stability, gap_statistic
from mltoolkit.tabular.cluster_validation import Stability


def groups(k, each=40, seed=0):
    rng = np.random.default_rng(seed)
    centers = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 12.0], [25.0, 5.0], [-15.0, 20.0]])[:k]
    return np.repeat(centers, each, axis=0) + rng.standard_normal((k * each, 2))


def by_kmeans(k):
    return lambda rows, every, seed: KMeans(k, n_init=5, random_state=seed).fit(rows).predict(every)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_gap_finds_groups_that_are_there_and_none_where_there_are_none(k):
    X = groups(k) if k > 1 else np.random.default_rng(1).random((150, 2))
    rule = "global" if k == 5 else "first"  # groups of groups: the first gaps are level
    found = gap_statistic(X, range(1, 8), rule=rule, rng=np.random.default_rng(0))
    assert found.best == k
    assert found.n_clusters == tuple(range(1, 8))
    assert found.gap.shape == found.error.shape == (7,)
    assert (found.error > 0).all()


def test_the_gap_is_the_mean_log_of_the_references_less_that_of_the_data():
    X = groups(2)

    def inertia(rows, k, seed):
        return float(np.sum((rows - rows.mean(axis=0)) ** 2)) / k

    found = gap_statistic(X, (1, 2), inertia=inertia, n_references=50, rng=np.random.default_rng(3))
    # Uniform in a box: a variance of width²/12 along each axis.
    turned = (X - X.mean(axis=0)) @ np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2].T
    expected = np.log(len(X) * np.sum(np.ptp(turned, axis=0) ** 2 / 12.0)) - np.log(inertia(X, 1, 0))
    assert found.gap[0] == pytest.approx(expected, abs=0.05)
    assert found.gap[1] == pytest.approx(found.gap[0])  # the same factor on both sides


def test_every_row_its_own_centre_is_no_infinite_gap():
    found = gap_statistic([[0.0], [1.0], [5.0]], (1, 2, 3), n_references=5, rng=np.random.default_rng(0))
    assert np.isfinite(found.gap).all()


def test_groups_come_back_and_cuts_through_noise_do_not():
    apart = cluster_stability(groups(3), by_kmeans(3), n_seeds=5, n_resamples=20, rng=np.random.default_rng(0))
    assert apart.interval() == (1.0, 1.0)
    assert apart.interval("seeds") == (1.0, 1.0)
    np.testing.assert_allclose(apart.per_cluster, 1.0)
    noise = np.random.default_rng(0).random((120, 4))
    cut = cluster_stability(noise, by_kmeans(5), n_seeds=5, n_resamples=20, rng=np.random.default_rng(0))
    assert cut.resamples.mean() < 0.8
    assert cut.per_cluster.min() < 0.75
    low, high = cut.interval(confidence=0.5)
    assert cut.interval()[0] <= low <= high <= cut.interval()[1]


def test_overlap_is_intersection_over_union():
    X = np.arange(6.0)[:, np.newaxis]
    answers = iter([[0, 0, 0, 1, 1, 1]] * 2 + [["b", "b", "b", "b", "a", "a"]] * 2)
    found = cluster_stability(X, lambda *_: np.array(next(answers)), n_seeds=2, n_resamples=2,
                              rng=np.random.default_rng(0))  # fmt: skip
    np.testing.assert_allclose(found.jaccard, [[3 / 4, 2 / 3]] * 2)
    assert found.seeds.tolist() == [1.0]


def test_a_seed_repeats_everything():
    first, again = (
        cluster_stability(groups(3), by_kmeans(4), n_seeds=3, n_resamples=5, rng=np.random.default_rng(9))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.resamples, again.resamples)
    np.testing.assert_array_equal(first.jaccard, again.jaccard)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_clusters": ()}, "not a sequence of ints"),
        ({"n_clusters": (2, 1)}, "must rise"),
        ({"n_clusters": (1, 400)}, "end at 120 rows"),
        ({"n_clusters": (0, 1), "n_references": 1, "rule": "x"}, "n_clusters=.*; n_references=1 .*; rule='x'"),
    ],
)
def test_the_gap_refuses_clearly(options, words):
    with pytest.raises(BadInput, match=words):
        gap_statistic(groups(3), **options, rng=np.random.default_rng(0))


def test_stability_refuses_clearly():
    rng = np.random.default_rng(0)
    with pytest.raises(BadInput, match="n_seeds=1"):
        cluster_stability(groups(2), by_kmeans(2), n_seeds=1, rng=rng)
    with pytest.raises(BadInput, match="NaN"):
        cluster_stability([[np.nan], [1.0]], by_kmeans(1), rng=rng)
    with pytest.raises(BadInput, match=r"gave shape \(3,\); expected a label for each row, \(80,\)"):
        cluster_stability(groups(2), lambda *_: np.zeros(3), rng=rng)
    found = Stability(np.zeros(2, dtype=int), np.ones(2), np.ones(2), np.ones((2, 1)))
    with pytest.raises(BadInput, match="of='both'"):
        found.interval("both")
    with pytest.raises(BadInput, match=r"confidence=1\.5"):
        found.interval(confidence=1.5)
