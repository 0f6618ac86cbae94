"""The twelve scores by which the rest of the year is judged, each from its definition.

Five habits hold for all of them:

- A *weight* stands for repetition: a row of weight 2 counts like two rows, a row of weight 0 as if it were
  not there. Without ``sample_weight`` every row weighs 1.
- *Ties* belong together. Rows with the same score share one threshold, or one place in a ranking; a score
  that depends on the order in which tied rows happen to lie would change when the table is sorted.
- A score that is *undefined* (ROC-AUC of one class, R² of a constant) is refused with ``BadInput``, since a
  made-up number passes for a measured one. The two exceptions, in ``f1`` and ``mrr``, are conventions of
  their field and stand in their docstrings.
- Bad input is refused with ``BadInput`` (a ``ValueError``): NaN or infinity, nothing at all, arrays of
  different lengths, weights that are negative or zero throughout, labels or probabilities out of range. All
  faults of a call are named at once.
- Every result is a Python float, computed in float64.

References
----------
Hanley, J., McNeil, B. (1982). The meaning and use of the area under a ROC curve. Radiology 143(1).
Brier, G. (1950). Verification of forecasts expressed in terms of probability. Monthly Weather Review 78(1).
Naeini, M., Cooper, G., Hauskrecht, M. (2015). Obtaining well calibrated probabilities using Bayesian binning. AAAI.
Järvelin, K., Kekäläinen, J. (2002). Cumulated gain-based evaluation of IR techniques. ACM TOIS 20(4).
McSherry, F., Najork, M. (2008). Computing information retrieval performance measures efficiently in the presence
of tied scores. ECIR.
Voorhees, E. (1999). The TREC-8 question answering track report. TREC.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mltoolkit.metrics._inputs import Floats, Inputs

_EPS = float(np.finfo(np.float64).eps)
_STEEPEST = 1000  # relevance up to which 2 to its power is a float64 with room to add up


def mae(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Mean absolute error: Σ w |y - ŷ| / Σ w, in the unit of y.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,), n >= 1
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float
        0 or more.

    Examples
    --------
    >>> mae([1.0, 2.0, 3.0], [1.0, 4.0, 2.0])
    1.0
    """
    truth, predicted, weights = _regression("mae", y_true, y_pred, sample_weight)
    return _mean(np.abs(truth - predicted), weights)


def rmse(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Root mean squared error: √(Σ w (y - ŷ)² / Σ w), in the unit of y.

    Errors as large as 1e200, whose squares no float can hold, still give a finite result.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,), n >= 1
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float
        0 or more, and never less than ``mae``.

    Examples
    --------
    >>> rmse([0.0, 0.0], [3.0, 3.0])
    3.0
    """
    truth, predicted, weights = _regression("rmse", y_true, y_pred, sample_weight)
    errors = np.abs(truth - predicted)
    largest = float(errors.max())
    if largest == 0.0:
        return 0.0
    return largest * float(np.sqrt(_mean((errors / largest) ** 2, weights)))


def r2(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Coefficient of determination: 1 - Σ w (y - ŷ)² / Σ w (y - ȳ)², with the weighted mean ȳ of ``y_true``.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,), n >= 2
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float
        1 for a perfect fit, 0 for one no better than always predicting ȳ, below 0 for a worse one.

    Raises
    ------
    BadInput
        Also when all the values of ``y_true`` that have weight are the same (one sample is such a case):
        then there is no variance to explain.

    Examples
    --------
    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5
    """
    truth, predicted, weights = _regression("r2", y_true, y_pred, sample_weight)
    counted = truth[weights > 0.0]
    if counted.min() == counted.max():  # the mean of equal numbers is rounded, so a sum of squares need not be 0
        given = Inputs("r2")
        given.faults.append("y_true is constant, so there is no variance to explain; use rmse or mae")
        given.close()
    baseline = _mean(truth, weights)
    return 1.0 - _mean((truth - predicted) ** 2, weights) / _mean((truth - baseline) ** 2, weights)


def brier_score(y_true: ArrayLike, y_prob: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Brier score of a yes-or-no forecast: Σ w (p - y)² / Σ w.

    Parameters
    ----------
    y_true : array-like of shape (n,), n >= 1
        Labels 0 and 1; both need not occur.
    y_prob : array-like of shape (n,)
        Probabilities of label 1, from 0 to 1.
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float
        From 0 (certain and right) to 1 (certain and wrong); always saying 0.5 gives 0.25.

    Examples
    --------
    >>> brier_score([1, 0], [0.5, 0.5])
    0.25
    """
    truth, probability, weights = _forecast("brier_score", y_true, y_prob, sample_weight)
    return _mean((probability - truth) ** 2, weights)


def log_loss(y_true: ArrayLike, y_prob: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Mean negative logarithm of the probability that was given to what happened: -Σ w ln p(y) / Σ w.

    Parameters
    ----------
    y_true : array-like of shape (n,), n >= 1
        With one column: labels 0 and 1. With k columns: labels 0 to k - 1. Not every label need occur.
    y_prob : array-like of shape (n,) or (n, k), k >= 2
        Probabilities of label 1; or of each label, in rows that sum to 1 within 1e-5.
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float
        In nats (the natural logarithm). A p(y) below ε counts as ε, where ε is the float64 machine epsilon
        2⁻⁵² whatever the dtype of ``y_prob``; rows are not rescaled afterwards. So a certain and wrong
        forecast costs 36.04 rather than infinity.

    Examples
    --------
    >>> round(log_loss([1, 0], [0.5, 0.5]), 6)
    0.693147
    >>> round(log_loss([2, 0], [[0.25, 0.25, 0.5], [0.5, 0.5, 0.0]]), 6)
    0.693147
    """
    given = Inputs("log_loss")
    probability = given.probabilities("y_prob", y_prob, ndim=(1, 2))
    if probability.ndim == 2 and probability.shape[1] < 2 and not given.faults:
        given.faults.append(f"y_prob has shape {probability.shape}; expected (n,) or at least two columns")
    truth = given.binary("y_true", y_true) if probability.ndim == 1 else given.numbers("y_true", y_true)
    given.same_length(y_true=truth, y_prob=probability)
    if probability.ndim == 2 and not given.faults and not np.isin(truth, np.arange(probability.shape[1])).all():
        given.faults.append(f"y_true holds labels other than 0 to {probability.shape[1] - 1}, the columns of y_prob")
    weights = given.weights(sample_weight, len(truth))
    given.close()
    if probability.ndim == 1:
        of_label = np.where(truth == 1.0, probability, 1.0 - probability)
    else:
        of_label = probability[np.arange(len(truth)), truth.astype(np.intp)]
    return 0.0 - _mean(np.log(np.maximum(of_label, _EPS)), weights)  # not -0.0 for a perfect forecast


def f1(
    y_true: ArrayLike, y_pred: ArrayLike, *, average: str = "binary", sample_weight: ArrayLike | None = None
) -> float:
    """F1: the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN) with weighted counts.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,), n >= 1
        Labels: 0 and 1 for ``"binary"``, else numbers or texts. The classes are the labels that occur in
        either array, with whatever weight.
    average : {"binary", "macro", "micro", "weighted"}, default "binary"
        ``"binary"``: of label 1 alone. ``"macro"``: the plain mean over the classes. ``"micro"``: from
        counts summed over the classes, which is the accuracy. ``"weighted"``: the mean over the classes
        weighted by their share of ``y_true``.
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float
        From 0 to 1. A class with neither a true nor a predicted member of any weight has F1 = 0 (by
        convention: 0 / 0), and counts in ``"macro"``.

    Examples
    --------
    >>> f1([1, 1, 0], [1, 0, 0])
    0.6666666666666666
    >>> f1(["a", "b", "b"], ["a", "b", "c"], average="micro")
    0.6666666666666666
    """
    given = Inputs("f1")
    given.choice("average", average, ("binary", "macro", "micro", "weighted"))
    truth, predicted = given.labels(y_true=y_true, y_pred=y_pred)
    if average == "binary" and not given.faults:
        if truth.dtype.kind == "U":
            given.faults.append("average='binary' needs labels 0 and 1, not texts; use macro, micro or weighted")
            given.close()
        truth, predicted = given.binary("y_true", truth), given.binary("y_pred", predicted)
    given.same_length(y_true=truth, y_pred=predicted)
    weights = given.weights(sample_weight, len(truth))
    given.close()
    classes, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    true_codes, predicted_codes = np.split(codes, 2)
    k = len(classes)
    actual = _sums(true_codes, weights, k)
    both = actual + _sums(predicted_codes, weights, k)  # 2 TP + FP + FN of each class
    hits = 2.0 * _sums(true_codes, weights * (true_codes == predicted_codes), k)
    if average == "micro":
        return float(hits.sum() / both.sum())
    scores = np.divide(hits, both, out=np.zeros(k), where=both > 0.0)
    if average == "binary":
        return float(scores[classes == 1].sum())  # 0 where label 1 does not occur
    return float(scores.mean()) if average == "macro" else _mean(scores, actual)


def roc_auc(y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Area under the ROC curve: how often a row of label 1 scores higher than a row of label 0.

    Over all pairs of a row of label 1 and one of label 0, each with the product of their weights: the
    share of pairs in which the first scores higher, plus half the share in which both score the same.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Labels 0 and 1; both must occur with weight.
    y_score : array-like of shape (n,)
        Finite scores, higher for label 1; their scale does not matter.
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float
        From 0 to 1; 0.5 for scores that tell nothing.

    Raises
    ------
    BadInput
        Also when only one of the labels has weight.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    positive, negative = _by_threshold("roc_auc", y_true, y_score, sample_weight, both=True)
    above = np.cumsum(positive) - positive  # weight of label 1 strictly above each threshold
    return float(np.sum(negative * (above + positive / 2.0)) / (positive.sum() * negative.sum()))


def average_precision(y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Average precision: Σ (R_i - R_(i-1)) P_i over the distinct scores from the highest down.

    P_i and R_i are (weighted) precision and recall when everything that scores at least the i-th highest
    distinct score is called positive, and R_0 = 0. Nothing is interpolated.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Labels 0 and 1; 1 must occur with weight.
    y_score : array-like of shape (n,)
        Finite scores, higher for label 1.
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float
        From 0 to 1; scores that tell nothing give about the share of label 1.

    Raises
    ------
    BadInput
        Also when label 1 has no weight.

    Examples
    --------
    >>> average_precision([0, 1, 1], [0.6, 0.4, 0.8])
    0.8333333333333333
    """
    positive, negative = _by_threshold("average_precision", y_true, y_score, sample_weight, both=False)
    found = np.cumsum(positive)
    precision = found / (found + np.cumsum(negative))
    return float(np.sum(positive * precision) / found[-1])


def expected_calibration_error(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    n_bins: int = 10,
    strategy: str = "uniform",
    sample_weight: ArrayLike | None = None,
) -> float:
    """Expected calibration error: Σ over bins of (W_b / W) |mean of y in b - mean of p in b|.

    W_b is the weight in bin b, W the weight in all, and the means are weighted. Empty bins add nothing.

    Parameters
    ----------
    y_true : array-like of shape (n,), n >= 1
        Labels 0 and 1; both need not occur.
    y_prob : array-like of shape (n,)
        Probabilities of label 1, from 0 to 1.
    n_bins : int, default 10
        At least 1.
    strategy : {"uniform", "quantile"}, default "uniform"
        How the inner edges e_1 ≤ ... ≤ e_(B-1) of B = ``n_bins`` bins are placed. ``"uniform"`` (equal
        width): e_b = b / B. ``"quantile"`` (equal mass): e_b is the smallest probability in ``y_prob`` such
        that the rows with at most this probability have at least the share b / B of the weight.
        Bin b holds e_(b-1) < p ≤ e_b; the first has no lower end and the last no upper one. So equal
        probabilities are never parted, and where edges coincide there are fewer bins.
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> expected_calibration_error([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75], n_bins=2)
    0.25
    """
    given = Inputs("expected_calibration_error")
    given.count("n_bins", n_bins)
    given.choice("strategy", strategy, ("uniform", "quantile"))
    truth, probability, weights = _forecast(given, y_true, y_prob, sample_weight)
    shares = np.arange(1, n_bins) / n_bins
    edges = shares if strategy == "uniform" else _quantiles(probability, weights, shares)
    bins = np.searchsorted(edges, probability, side="left")
    gaps = _sums(bins, weights * (truth - probability), n_bins)  # W_b times the difference of the means
    return float(np.abs(gaps).sum() / weights.sum())


def mrr(
    y_true: ArrayLike, y_score: ArrayLike, k: int | None = None, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean reciprocal rank: the mean over queries of 1 / rank of the first relevant item.

    Parameters
    ----------
    y_true : array-like of shape (q, m), or (m,) for one query
        1 for a relevant item, 0 for any other.
    y_score : array-like of the same shape
        Finite scores; the highest is at rank 1. Tied items are in every order equally likely, and the
        expected reciprocal rank is taken: with s items above a group of t tied items of which r are
        relevant, the first relevant one is at rank s + j with probability C(t - j, r - 1) / C(t, r).
    k : int, optional
        Only ranks up to k count; every rank when it is None.
    sample_weight : array-like of shape (q,), optional
        Weights of the queries.

    Returns
    -------
    float
        From 0 to 1. A query without a relevant item, or without one up to rank k, adds 0: nobody found it.

    Examples
    --------
    >>> mrr([[0, 1, 0], [1, 0, 0]], [[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])
    0.75
    """
    given = Inputs("mrr")
    relevance, scores = given.ranking(y_true, y_score, graded=False)
    if k is not None:
        given.count("k", k)
    weights = given.weights(sample_weight, len(relevance))
    given.close()
    share, size = _shared_places(relevance, scores)
    first = np.argmax(share > 0.0, axis=1)  # where the first group with something relevant begins
    rows = np.arange(len(share))
    tied, relevant = size[rows, first], np.rint(share[rows, first] * size[rows, first])
    expected, not_yet = np.zeros(len(share)), (relevant > 0.0).astype(np.float64)
    for j in range(int(tied.max())):
        hit = relevant / np.maximum(tied - j, 1.0)  # 1 once only relevant ones are left; not_yet is 0 from there
        rank = first + 1 + j
        expected += np.where(rank <= (k or rank), not_yet * hit / rank, 0.0)
        not_yet *= 1.0 - hit
    return _mean(expected, weights)


def recall_at_k(y_true: ArrayLike, y_score: ArrayLike, k: int, *, sample_weight: ArrayLike | None = None) -> float:
    """Recall at k: the mean over queries of the share of the relevant items that are among the first k.

    Parameters
    ----------
    y_true : array-like of shape (q, m), or (m,) for one query
        1 for a relevant item, 0 for any other; each query has at least one relevant item.
    y_score : array-like of the same shape
        Finite scores; the highest is at rank 1. Tied items are in every order equally likely, and the
        expected share is taken: of a group of t tied items of which only c fit into the first k, each
        counts c / t.
    k : int
        At least 1; from m on everything is found. The divisor is the number of relevant items, also
        where that is more than k.
    sample_weight : array-like of shape (q,), optional
        Weights of the queries.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    BadInput
        Also when a query has no relevant item; the message names its row.

    Examples
    --------
    >>> recall_at_k([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.1], k=3)
    0.6666666666666666
    """
    given = Inputs("recall_at_k")
    relevance, scores = given.ranking(y_true, y_score, graded=False)
    given.relevant_in_each(relevance)
    given.count("k", k)
    weights = given.weights(sample_weight, len(relevance))
    given.close()
    share, _ = _shared_places(relevance, scores)
    return _mean(share[:, :k].sum(axis=1) / relevance.sum(axis=1), weights)


def ndcg_at_k(
    y_true: ArrayLike,
    y_score: ArrayLike,
    k: int,
    *,
    gain: str = "linear",
    sample_weight: ArrayLike | None = None,
) -> float:
    """Normalised discounted cumulative gain at k, averaged over queries.

    DCG = Σ over ranks i = 1 ... k of g_i / log₂(i + 1), divided by the DCG of the best possible order.

    Parameters
    ----------
    y_true : array-like of shape (q, m), or (m,) for one query
        Graded relevance, 0 or more; each query has at least one item above 0.
    y_score : array-like of the same shape
        Finite scores; the highest is at rank 1. Tied items are in every order equally likely, and the
        expected DCG is taken: each rank of a tied group carries the group's mean gain.
    k : int
        At least 1; from m on every item counts. Both DCGs stop at rank k.
    gain : {"linear", "exponential"}, default "linear"
        g is the relevance itself, or 2 to the relevance, minus 1 (of at most 1000 then).
    sample_weight : array-like of shape (q,), optional
        Weights of the queries.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    BadInput
        Also when a query has no item above 0; the message names its row.

    Examples
    --------
    >>> round(ndcg_at_k([3, 0, 1], [0.2, 0.9, 0.1], k=2), 4)
    0.5213
    """
    given = Inputs("ndcg_at_k")
    relevance, scores = given.ranking(y_true, y_score, graded=True)
    given.relevant_in_each(relevance)
    given.count("k", k)
    given.choice("gain", gain, ("linear", "exponential"))
    if gain == "exponential" and not given.faults and relevance.max() > _STEEPEST:
        given.faults.append(f"y_true holds {relevance.max():g}; exponential gains need at most {_STEEPEST}")
    weights = given.weights(sample_weight, len(relevance))
    given.close()
    gains = relevance if gain == "linear" else np.exp2(relevance) - 1.0
    discounts = 1.0 / np.log2(np.arange(2.0, min(k, gains.shape[1]) + 2.0))
    share, _ = _shared_places(gains, scores)
    best = -np.sort(-gains, axis=1)
    return _mean((share[:, :k] @ discounts) / (best[:, :k] @ discounts), weights)


def _mean(values: Floats, weights: Floats) -> float:
    return float(np.sum(weights * values) / np.sum(weights))


def _sums(codes: NDArray[np.intp], values: Floats, k: int) -> Floats:
    """Sum of the values that carry each of the codes 0 to k - 1."""
    return np.bincount(codes, values, k).astype(np.float64)


def _regression(
    metric: str, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    given = Inputs(metric)
    truth, predicted = given.numbers("y_true", y_true), given.numbers("y_pred", y_pred)
    given.same_length(y_true=truth, y_pred=predicted)
    weights = given.weights(sample_weight, len(truth))
    given.close()
    return truth, predicted, weights


def _forecast(
    given: Inputs | str, y_true: ArrayLike, y_prob: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    given = Inputs(given) if isinstance(given, str) else given
    truth, probability = given.binary("y_true", y_true), given.probabilities("y_prob", y_prob)
    given.same_length(y_true=truth, y_prob=probability)
    weights = given.weights(sample_weight, len(truth))
    given.close()
    return truth, probability, weights


def _by_threshold(
    metric: str, y_true: ArrayLike, y_score: ArrayLike, sample_weight: ArrayLike | None, *, both: bool
) -> tuple[Floats, Floats]:
    """Weight of label 1 and of label 0 at each distinct score that has weight, from the highest down."""
    given = Inputs(metric)
    truth, scores = given.binary("y_true", y_true), given.numbers("y_score", y_score)
    given.same_length(y_true=truth, y_score=scores)
    weights = given.weights(sample_weight, len(truth))
    if not given.faults:
        missing = [label for label in (0, 1) if (both or label == 1) and not np.any(weights[truth == label])]
        given.faults += [f"label {label} does not occur in y_true with any weight" for label in missing]
    given.close()
    counted = weights > 0.0
    truth, scores, weights = truth[counted], scores[counted], weights[counted]
    distinct, codes = np.unique(-scores, return_inverse=True)
    k = len(distinct)
    return _sums(codes, weights * truth, k), _sums(codes, weights * (1.0 - truth), k)


def _quantiles(values: Floats, weights: Floats, shares: Floats) -> Floats:
    """For each share the smallest value such that values up to it have at least this share of the weight."""
    order = np.argsort(values)
    added = np.cumsum(weights[order])
    edges: Floats = values[order][np.searchsorted(added / added[-1], shares, side="left")]
    return edges


def _shared_places(gains: Floats, scores: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Gains (q, m) in order of falling score, tied ones replaced by their mean; and the size of each one's group."""
    order = np.argsort(-scores, axis=1)
    ranked = np.take_along_axis(scores, order, axis=1)
    begins = np.ones(ranked.shape, dtype=bool)
    begins[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    groups = np.cumsum(begins.ravel()) - 1
    sizes = np.bincount(groups)
    means = np.bincount(groups, np.take_along_axis(gains, order, axis=1).ravel()) / sizes
    return means[groups].reshape(gains.shape), sizes[groups].reshape(gains.shape)
