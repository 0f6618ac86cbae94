"""The adjusted Rand index: held against scikit-learn's, a count of pairs, and every awkward labelling."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from mltoolkit.errors import BadInput
from mltoolkit.metrics import adjusted_rand

labellings = st.integers(2, 30).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, 4), min_size=n, max_size=n) for _ in range(2)))
)


@given(labellings)
def test_it_is_scikit_learns_symmetric_and_blind_to_names(pair):
    first, second = map(np.array, pair)
    found = adjusted_rand(first, second)
    assert found == pytest.approx(adjusted_rand_score(first, second), abs=1e-12)
    assert found == pytest.approx(adjusted_rand(second, first), abs=1e-12)
    assert found == pytest.approx(adjusted_rand(-7 * first, np.array([f"ü{label}" for label in second])), abs=1e-12)
    assert -0.5 - 1e-12 <= found <= 1.0
    assert adjusted_rand(first, first) == 1.0


def test_it_is_the_count_of_pairs_by_hand():
    a, b = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]
    pairs = list(itertools.combinations(range(6), 2))
    in_a = np.array([a[i] == a[j] for i, j in pairs])
    in_b = np.array([b[i] == b[j] for i, j in pairs])
    expected = in_a.sum() * in_b.sum() / len(pairs)
    by_hand = ((in_a & in_b).sum() - expected) / ((in_a.sum() + in_b.sum()) / 2 - expected)
    assert adjusted_rand(a, b) == pytest.approx(by_hand)


def test_one_group_and_groups_of_one():
    assert adjusted_rand([1, 1, 1], [2, 2, 2]) == 1.0
    assert adjusted_rand([1, 2, 3], ["a", "b", "c"]) == 1.0
    assert adjusted_rand([1, 1, 1], [1, 2, 3]) == 0.0
    assert adjusted_rand([5], [7]) == 1.0


def test_chance_gives_nothing_also_for_a_million_samples():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 3, 1_000_000), rng.integers(0, 50, 1_000_000)
    assert abs(adjusted_rand(first, second)) < 1e-4
    assert adjusted_rand(first, 10 - first) == 1.0


def test_series_and_booleans_are_labels():
    assert adjusted_rand(pd.Series(["x", "y", "x"]), np.array([True, False, True])) == 1.0


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([0, 1], [0, 1, 1], "labels_true has 2 rows and labels_pred has 3"),
        ([], [], "labels_true is empty.*labels_pred is empty"),
        ([0.0, np.nan], [0, 1], "labels_true holds NaN"),
        ([[0, 1]], [0, 1], r"labels_true has shape \(1, 2\)"),
    ],
)
def test_bad_labels_are_refused_clearly(first, second, words):
    with pytest.raises(BadInput, match=words):
        adjusted_rand(first, second)
