"""The metrics against scikit-learn, against brute force, and at the edges."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import sklearn.calibration
import sklearn.metrics as peer
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from mltoolkit import metrics
from mltoolkit.errors import BadInput
from mltoolkit.metrics import scores

few = settings(max_examples=30)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 25)
binary = ("brier_score", "log_loss", "roc_auc", "average_precision", "expected_calibration_error")
regression = ("mae", "rmse", "r2")
ranking = ("mrr", "recall_at_k", "ndcg_at_k")


def forecasts(seed, n, levels=8):
    """Labels of both kinds, and probabilities with ties."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:2] = 0, 1
    return y, rng.integers(0, levels + 1, n) / levels, rng.integers(1, 4, n)


def sample(name, seed, n):
    """Arguments that suit a metric, and whole weights for its rows."""
    rng = np.random.default_rng(seed)
    if name in regression:
        y = rng.standard_normal(n)
        return (y, y + rng.standard_normal(n)), {}, rng.integers(1, 4, n)
    if name == "f1":
        return (rng.integers(0, 3, n), rng.integers(0, 3, n)), {"average": "macro"}, rng.integers(1, 4, n)
    if name in ranking:
        y = rng.integers(0, 2, (n, 5))
        y[:, 0] = 1
        return (y, np.round(rng.standard_normal((n, 5)))), {"k": 3}, rng.integers(1, 4, n)
    y, p, w = forecasts(seed, n)
    return (y, p), {"n_bins": 4, "strategy": "quantile"} if name.startswith("expected") else {}, w


everything = (*regression, *binary, "f1", *ranking)


def test_the_package_shows_all_twelve():
    assert set(metrics.__all__) == {*everything, "adjusted_rand"}


@pytest.mark.parametrize("name", everything)
@few
@given(seed=seeds, n=sizes)
def test_a_weight_is_a_repetition_and_a_weight_of_zero_is_absence(name, seed, n):
    (y, other), options, w = sample(name, seed, n)
    metric = getattr(scores, name)
    weighted = metric(y, other, **options, sample_weight=w)
    repeated = metric(np.repeat(y, w, axis=0), np.repeat(other, w, axis=0), **options)
    assert weighted == pytest.approx(repeated, abs=1e-12)
    if n > 3 and name != "f1":  # whose classes are those that occur, with whatever weight
        w[2] = 0
        kept = np.arange(n) != 2
        with_zero = metric(y, other, **options, sample_weight=w)
        assert with_zero == pytest.approx(metric(y[kept], other[kept], **options, sample_weight=w[kept]), abs=1e-12)


@pytest.mark.parametrize("name", everything)
@few
@given(seed=seeds, n=sizes, scale=st.sampled_from([2.0**-20, 0.5, 4.0, 2.0**20]))
def test_neither_the_order_of_the_rows_nor_the_scale_of_the_weights_matters(name, seed, n, scale):
    (y, other), options, w = sample(name, seed, n)
    order = np.random.default_rng(seed + 1).permutation(n)
    metric = getattr(scores, name)
    once = metric(y, other, **options, sample_weight=w)
    again = metric(y[order], other[order], **options, sample_weight=scale * w[order])
    assert again == pytest.approx(once, rel=1e-9, abs=1e-12)


@few
@given(seed=seeds, n=sizes)
def test_roc_auc_counts_pairs(seed, n):
    y, s, w = forecasts(seed, n)
    won = total = 0.0
    for i, j in itertools.product(np.flatnonzero(y == 1), np.flatnonzero(y == 0)):
        total += w[i] * w[j]
        won += w[i] * w[j] * (0.5 if s[i] == s[j] else float(s[i] > s[j]))
    assert scores.roc_auc(y, s, sample_weight=w) == pytest.approx(won / total, abs=1e-12)
    assert scores.roc_auc(y, -s, sample_weight=w) == pytest.approx(1 - won / total, abs=1e-12)
    assert scores.roc_auc(y, np.exp(5 * s), sample_weight=w) == pytest.approx(won / total, abs=1e-12)


@few
@given(seed=seeds, n=sizes)
def test_classification_equals_scikit_learn(seed, n):
    y, p, w = forecasts(seed, n)
    for ours, theirs in (
        (scores.roc_auc, peer.roc_auc_score),
        (scores.average_precision, peer.average_precision_score),
        (scores.brier_score, peer.brier_score_loss),
        (scores.log_loss, peer.log_loss),
    ):
        assert ours(y, p, sample_weight=w) == pytest.approx(theirs(y, p, sample_weight=w), abs=1e-12)
        assert ours(y, p) == pytest.approx(theirs(y, p), abs=1e-12)


@pytest.mark.parametrize("average", ["binary", "macro", "micro", "weighted"])
@few
@given(seed=seeds, n=sizes)
def test_f1_equals_scikit_learn(average, seed, n):
    rng = np.random.default_rng(seed)
    k = 2 if average == "binary" else 4
    y, p, w = rng.integers(0, k, n), rng.integers(0, k, n), rng.integers(0, 3, n) + np.eye(n)[0]
    wanted = peer.f1_score(y, p, average=average, sample_weight=w, zero_division=0.0)
    assert scores.f1(y, p, average=average, sample_weight=w) == pytest.approx(wanted, abs=1e-12)


@few
@given(seed=seeds, n=sizes, scale=st.sampled_from([1e-8, 1.0, 1e8]))
def test_regression_equals_scikit_learn(seed, n, scale):
    (y, p), _, w = sample("r2", seed, n)
    y, p = scale * y + 3.0, scale * p + 3.0
    assume(np.ptp(y) > 0)
    for ours, theirs in (
        (scores.mae, peer.mean_absolute_error),
        (scores.rmse, peer.root_mean_squared_error),
        (scores.r2, peer.r2_score),
    ):
        assert ours(y, p, sample_weight=w) == pytest.approx(theirs(y, p, sample_weight=w), rel=1e-9)


@few
@given(seed=seeds, q=st.integers(1, 5), m=st.integers(2, 7), k=st.integers(1, 9))
def test_ndcg_equals_scikit_learn_with_ties(seed, q, m, k):
    rng = np.random.default_rng(seed)
    y, s, w = rng.integers(0, 4, (q, m)), rng.integers(0, 3, (q, m)).astype(float), rng.integers(1, 4, q)
    y[:, 0] += 1
    assert scores.ndcg_at_k(y, s, k, sample_weight=w) == pytest.approx(peer.ndcg_score(y, s, k=k, sample_weight=w))
    wanted = peer.ndcg_score(2.0**y - 1.0, s, k=k)
    assert scores.ndcg_at_k(y, s, k, gain="exponential") == pytest.approx(wanted)


@few
@given(seed=seeds, m=st.integers(1, 6), k=st.integers(1, 7))
def test_ranks_of_tied_items_are_averaged_over_every_order(seed, m, k):
    rng = np.random.default_rng(seed)
    y, s = rng.integers(0, 2, m), rng.integers(0, 2, m).astype(float)
    y[0] = 1
    orders = [o for o in itertools.permutations(range(m)) if all(s[a] >= s[b] for a, b in itertools.pairwise(o))]
    recall = np.mean([y[list(order[:k])].sum() / y.sum() for order in orders])
    reciprocal = [next((1 / r for r, i in enumerate(order[:k], 1) if y[i]), 0.0) for order in orders]
    assert scores.recall_at_k(y, s, k) == pytest.approx(recall)
    assert scores.mrr(y, s, k) == pytest.approx(np.mean(reciprocal))
    assert scores.mrr(y, s) == pytest.approx(scores.mrr(y, s, m))


@few
@given(seed=seeds, q=st.integers(1, 5), m=st.integers(3, 8), k=st.integers(1, 7))
def test_with_one_item_to_find_ranking_is_what_scikit_learn_calls_otherwise(seed, q, m, k):
    rng = np.random.default_rng(seed)
    found = rng.integers(0, m, q)
    y, s = np.eye(m, dtype=int)[found], rng.permuted(np.tile(np.arange(m, dtype=float), (q, 1)), axis=1)
    assert scores.mrr(y, s) == pytest.approx(peer.label_ranking_average_precision_score(y, s))
    if k < m:
        wanted = peer.top_k_accuracy_score(found, s, k=k, labels=np.arange(m))
        assert scores.recall_at_k(y, s, k) == pytest.approx(wanted)


@few
@given(seed=seeds, n=st.integers(2, 60), n_bins=st.integers(1, 12))
@example(seed=0, n=2, n_bins=1)
def test_calibration_error_of_equal_width_is_that_of_scikit_learns_curve(seed, n, n_bins):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 2, n), rng.random(n)
    y[:2] = 0, 1
    happened, promised = sklearn.calibration.calibration_curve(y, p, n_bins=n_bins)
    counts = np.histogram(p, np.linspace(0, 1, n_bins + 1))[0]
    wanted = np.sum(counts[counts > 0] * np.abs(happened - promised)) / n
    assert scores.expected_calibration_error(y, p, n_bins=n_bins) == pytest.approx(wanted, abs=1e-12)


@few
@given(seed=seeds, n_bins=st.integers(1, 8), each=st.integers(1, 6))
def test_calibration_error_of_equal_mass_is_that_of_equal_slices(seed, n_bins, each):
    rng = np.random.default_rng(seed)
    n = n_bins * each
    y, p = rng.integers(0, 2, n), rng.permutation(np.linspace(0.01, 0.99, n))
    slices = np.array_split(np.argsort(p), n_bins)
    wanted = sum(abs(y[s].sum() - p[s].sum()) for s in slices) / n
    got = scores.expected_calibration_error(y, p, n_bins=n_bins, strategy="quantile")
    assert got == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_a_probability_on_an_edge_belongs_to_the_bin_below(strategy):
    y, p = [0, 1, 1, 1], [0.25, 0.5, 0.75, 1.0]
    wanted = (abs(1 - 0.75) + abs(2 - 1.75)) / 4
    assert scores.expected_calibration_error(y, p, n_bins=2, strategy=strategy) == pytest.approx(wanted)


def test_equal_probabilities_are_never_parted():
    y = np.r_[np.zeros(50), np.ones(50)]
    for strategy in ("uniform", "quantile"):
        assert scores.expected_calibration_error(y, np.full(100, 0.5), strategy=strategy) == 0.0


def test_perfect_and_useless_models_get_the_numbers_that_everybody_knows():
    y = np.array([0, 1, 1, 0, 1])
    assert scores.roc_auc(y, y) == scores.average_precision(y, y) == scores.f1(y, y) == scores.r2(y, y) == 1.0
    assert scores.brier_score(y, y) == scores.mae(y, y) == scores.rmse(y, y) == 0.0
    assert scores.roc_auc(y, np.zeros(5)) == 0.5
    assert scores.average_precision(y, np.zeros(5)) == pytest.approx(0.6)
    assert scores.r2(y, np.full(5, 0.6)) == 0.0
    assert scores.log_loss(y, np.full(5, 0.5)) == pytest.approx(math.log(2))
    assert scores.log_loss([1], [0.0]) == pytest.approx(-math.log(np.finfo(float).eps))
    assert str(scores.log_loss(y, y.astype(np.float32))) == "0.0"


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float32, object])
def test_labels_may_be_of_any_dtype(dtype):
    y, p = np.array([0, 1, 1, 0]), np.array([0.25, 0.75, 0.5, 0.5])
    for name in binary:
        assert getattr(scores, name)(y.astype(dtype), p) == getattr(scores, name)(y, p)


def test_lists_series_views_and_read_only_arrays_are_taken():
    y, p = np.array([0, 1, 1, 0]), np.array([0.25, 0.75, 0.5, 0.5])
    p.flags.writeable = False
    wanted = scores.roc_auc(y, p)
    assert scores.roc_auc(y.tolist(), p.tolist()) == wanted
    assert scores.roc_auc(pd.Series(y), pd.Series(p, index=[7, 5, 3, 1])) == wanted
    assert scores.roc_auc(y[::-1], p[::-1]) == wanted
    assert scores.roc_auc(np.repeat(y, 2)[::2], np.repeat(p, 2)[::2]) == wanted
    assert type(wanted) is float


def test_labels_of_f1_may_be_texts_of_any_language():
    y, p = ["größe", "尺寸", "尺寸"], ["größe", "größe", "尺寸"]
    wanted = peer.f1_score(y, p, average="macro")
    assert scores.f1(y, p, average="macro") == pytest.approx(wanted)
    assert scores.f1(pd.Series(y), pd.Series(p), average="macro") == pytest.approx(wanted)


def test_f1_of_nothing_is_zero_by_convention():
    assert scores.f1([0, 0], [0, 0]) == 0.0
    assert scores.f1([0, 0], [1, 0]) == 0.0


def test_huge_and_tiny_errors_have_a_root_mean_square():
    assert scores.rmse([0.0, 0.0], [1e200, 1e200]) == pytest.approx(1e200)
    assert scores.rmse([0.0, 0.0], [1e-200, 1e-200]) == pytest.approx(1e-200)


def test_a_constant_that_is_no_binary_fraction_is_still_constant():
    with pytest.raises(BadInput, match="y_true is constant"):
        scores.r2(np.full(10, 0.1), np.arange(10.0))


BAD = np.array([0.5, np.nan, 0.5])
FAULTS = [
    ("mae", ([1.0, 2.0, 3.0], BAD), {}, r"mae: y_pred holds NaN \(1 of 3 values are not finite\)"),
    ("mae", ([1.0, np.inf], [1.0, 2.0]), {}, "y_true holds infinity"),
    ("mae", ([], []), {}, "y_true is empty; at least one sample is needed"),
    ("mae", ([1.0, 2.0], [1.0]), {}, "y_true has 2 rows and y_pred has 1"),
    ("mae", ([[1.0]], [1.0]), {}, r"y_true has shape \(1, 1\); expected \(n,\)"),
    ("mae", (["a"], [1.0]), {}, "y_true is not an array of numbers"),
    ("mae", ([None], [1.0]), {}, "y_true is not an array of numbers"),
    ("mae", ([10**400], [1.0]), {}, "y_true is not an array of numbers"),
    ("mae", ([1j], [1.0]), {}, "y_true is not an array of numbers"),
    ("mae", ([[1.0], [1.0, 2.0]], [1.0]), {}, "y_true is not an array of numbers"),
    ("mae", ([1.0], [1.0]), {"sample_weight": [-1.0]}, "sample_weight holds -1"),
    ("mae", ([1.0], [1.0]), {"sample_weight": [0.0]}, "sample_weight is zero throughout"),
    ("mae", ([1.0], [1.0]), {"sample_weight": [1.0, 1.0]}, "sample_weight has 2 entries for 1 rows"),
    ("mae", ([1.0], [np.nan]), {"sample_weight": [np.nan]}, "y_pred holds NaN .*; sample_weight holds NaN"),
    ("r2", ([1.0], [1.0]), {}, "y_true is constant, so there is no variance to explain; use rmse or mae"),
    ("roc_auc", ([0, 2, -1], [0.1, 0.2, 0.3]), {}, "y_true holds -1, 2; expected labels 0 and 1 only"),
    ("roc_auc", ([0, 0], [0.1, 0.2]), {}, "label 1 does not occur in y_true with any weight"),
    ("roc_auc", ([1, 1], [0.1, 0.2]), {}, "label 0 does not occur"),
    ("roc_auc", ([1, 0], [0.1, 0.2]), {"sample_weight": [1, 0]}, "label 0 does not occur"),
    ("average_precision", ([0, 0], [0.1, 0.2]), {}, "label 1 does not occur"),
    ("brier_score", ([0, 1], [0.1, 1.2]), {}, "y_prob holds 1.2; expected probabilities from 0 to 1"),
    ("log_loss", ([0, 1], [[0.5, 0.5], [0.5, 0.6]]), {}, "row 1 of y_prob sums to 1.1; expected 1"),
    ("log_loss", ([0, 2], [[0.5, 0.5], [0.5, 0.5]]), {}, "labels other than 0 to 1, the columns of y_prob"),
    ("log_loss", ([0.5, 1], [[0.5, 0.5], [0.5, 0.5]]), {}, "labels other than 0 to 1"),
    ("log_loss", ([0], [[1.0]]), {}, r"y_prob has shape \(1, 1\); expected \(n,\) or at least two columns"),
    ("log_loss", ([0], [[[1.0]]]), {}, r"y_prob has shape \(1, 1, 1\); expected \(n,\) or two dimensions"),
    ("f1", ([0], [0]), {"average": "samples"}, "average='samples' is none of binary, macro, micro, weighted"),
    ("f1", ([0, 2], [0, 1]), {}, "y_true holds 2; expected labels 0 and 1 only"),
    ("f1", (["a"], ["a"]), {}, "average='binary' needs labels 0 and 1, not texts"),
    ("f1", (["a"], [1]), {"average": "macro"}, "y_true and y_pred are of two kinds, numbers and texts"),
    ("f1", (["a", None], ["a", "a"]), {"average": "macro"}, "neither all numbers nor all texts"),
    ("f1", ([0.0, np.nan], [0, 0]), {"average": "macro"}, "y_true holds NaN or infinity; expected a label"),
    ("f1", ([], []), {"average": "macro"}, "y_true is empty"),
    ("f1", ([[0]], [0]), {"average": "macro"}, r"y_true has shape \(1, 1\); expected \(n,\)"),
    ("expected_calibration_error", ([0], [0.5]), {"n_bins": 0}, "n_bins=0 is not a whole number of at least 1"),
    ("expected_calibration_error", ([0], [0.5]), {"n_bins": True}, "n_bins=True is not"),
    ("expected_calibration_error", ([0], [0.5]), {"strategy": "x"}, "strategy='x' is none of uniform, quantile"),
    ("mrr", ([[0, 1]], [[0.1, 0.2, 0.3]]), {}, r"y_true has shape \(1, 2\) and y_score \(1, 3\)"),
    ("mrr", ([[0, 1]], [[0.1, 0.2]]), {"k": 0}, "k=0 is not"),
    ("mrr", ([[0, 3]], [[0.1, 0.2]]), {}, "y_true holds 3; expected labels 0 and 1 only"),
    ("recall_at_k", ([[0, 1], [0, 0]], [[0.1, 0.2]] * 2), {"k": 1}, r"no relevant item in 1 of the queries \(row 1\)"),
    ("recall_at_k", (np.zeros((7, 2)), np.zeros((7, 2))), {"k": 1}, "in 7 of the queries .row 0, 1, 2, 3, 4, ...."),
    ("recall_at_k", ([], []), {"k": 1}, "y_true is empty"),
    ("ndcg_at_k", ([[-1, 1]], [[0.1, 0.2]]), {"k": 1}, "y_true holds -1; expected relevance of at least 0"),
    ("ndcg_at_k", ([[1, 1]], [[0.1, 0.2]]), {"k": 1, "gain": "log"}, "gain='log' is none of linear, exponential"),
    ("ndcg_at_k", ([[2000, 1]], [[0.1, 0.2]]), {"k": 1, "gain": "exponential"}, "need at most 1000"),
]


@pytest.mark.parametrize(("name", "arguments", "options", "message"), FAULTS)
def test_what_has_no_answer_is_refused_in_plain_words(name, arguments, options, message):
    with pytest.raises(BadInput, match=message):
        getattr(scores, name)(*arguments, **options)
