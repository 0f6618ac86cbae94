"""Week 5's well-known wrong answers, each a few lines over the reference.

Bad input still goes to the reference first, so that a mistake is one idea and nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fiftytwo.plan import Mistake
from mltoolkit.metrics import scores


def _weights(weights: Any, rows: Any) -> Any:
    return np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=float)


def forgets_the_divisor(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Divide the weighted sum by the number of rows."""
    right = scores.mae(y_true, y_pred, sample_weight=sample_weight)
    return right * float(np.mean(_weights(sample_weight, np.asarray(y_true))))


def forgets_the_root(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Leave the mean of the squares as it is."""
    return scores.rmse(y_true, y_pred, sample_weight=sample_weight) ** 2


def baseline_of_the_predictions(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Compare with the mean of the predictions."""
    scores.r2(y_true, y_pred, sample_weight=sample_weight)
    y, p, w = np.asarray(y_true, float), np.asarray(y_pred, float), _weights(sample_weight, np.asarray(y_true))
    return float(1.0 - np.sum(w * (y - p) ** 2) / np.sum(w * (y - np.average(p, weights=w)) ** 2))


def baseline_without_weights(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """Weigh the squares and not the mean that they are measured from."""
    scores.r2(y_true, y_pred, sample_weight=sample_weight)
    y, p, w = np.asarray(y_true, float), np.asarray(y_pred, float), _weights(sample_weight, np.asarray(y_true))
    return float(1.0 - np.sum(w * (y - p) ** 2) / np.sum(w * (y - y.mean()) ** 2))


def root_of_brier(y_true: Any, y_prob: Any, *, sample_weight: Any = None) -> float:
    """Take a root, as RMSE does."""
    return float(np.sqrt(scores.brier_score(y_true, y_prob, sample_weight=sample_weight)))


def in_bits(y_true: Any, y_prob: Any, *, sample_weight: Any = None) -> float:
    """Use the logarithm to base 2."""
    return scores.log_loss(y_true, y_prob, sample_weight=sample_weight) / float(np.log(2.0))


def clips_too_early(y_true: Any, y_prob: Any, *, sample_weight: Any = None) -> float:
    """Clip at 1e-15, as libraries did for years."""
    scores.log_loss(y_true, y_prob, sample_weight=sample_weight)
    p = np.clip(np.asarray(y_prob, float), 1e-15, 1.0 - 1e-15)
    y = np.asarray(y_true, int)
    chosen = np.where(y == 1, p, 1.0 - p) if p.ndim == 1 else p[np.arange(len(y)), y]
    return float(-np.average(np.log(chosen), weights=_weights(sample_weight, y)))


def micro_for_macro(y_true: Any, y_pred: Any, *, average: str = "binary", sample_weight: Any = None) -> float:
    """Add the counts up before dividing where each class should have its own score."""
    scores.f1(y_true, y_pred, average=average, sample_weight=sample_weight)
    return scores.f1(y_true, y_pred, average="micro" if average == "macro" else average, sample_weight=sample_weight)


def mean_of_all_for_binary(y_true: Any, y_pred: Any, *, average: str = "binary", sample_weight: Any = None) -> float:
    """Average over both labels where only label 1 is asked for."""
    scores.f1(y_true, y_pred, average=average, sample_weight=sample_weight)
    return scores.f1(y_true, y_pred, average="macro" if average == "binary" else average, sample_weight=sample_weight)


def auc_by_row(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """Let the order of the table decide between rows with the same score."""
    scores.roc_auc(y_true, y_score, sample_weight=sample_weight)
    order = np.argsort(-np.asarray(y_score, float), kind="stable")
    y, w = np.asarray(y_true, float)[order], _weights(sample_weight, np.asarray(y_true))[order]
    above = np.cumsum(w * y)
    return float(np.sum(w * (1.0 - y) * above) / (np.sum(w * y) * np.sum(w * (1.0 - y))))


def auc_upside_down(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """Count the pairs in which label 0 scores higher."""
    return 1.0 - scores.roc_auc(y_true, y_score, sample_weight=sample_weight)


def trapezoids(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """Join the points of the precision-recall curve by straight lines, beginning at a precision of 1."""
    scores.average_precision(y_true, y_score, sample_weight=sample_weight)
    y, s, w = np.asarray(y_true, float), np.asarray(y_score, float), _weights(sample_weight, np.asarray(y_true))
    kept = w > 0.0
    y, s, w = y[kept], s[kept], w[kept]
    codes = np.unique(-s, return_inverse=True)[1]
    hits, rows = np.cumsum(np.bincount(codes, w * y)), np.cumsum(np.bincount(codes, w))
    precision, recall = np.append(1.0, hits / rows), np.append(0.0, hits / hits[-1])
    return float(np.sum(np.diff(recall) * (precision[1:] + precision[:-1]) / 2.0))


def _binned(y_true: Any, y_prob: Any, weights: Any, edges: Any, side: Any) -> tuple[Any, Any]:
    """Weight and absolute gap of each bin that has weight."""
    y, p, w = np.asarray(y_true, float), np.asarray(y_prob, float), _weights(weights, np.asarray(y_true))
    bins = np.searchsorted(edges, p, side=side)
    mass, gap = np.bincount(bins, w), np.abs(np.bincount(bins, w * (y - p)))
    return mass[mass > 0.0], gap[mass > 0.0]


def _edges(y_prob: Any, weights: Any, n_bins: int, strategy: str) -> Any:
    shares = np.arange(1, n_bins) / n_bins
    p = np.asarray(y_prob, float)
    if strategy == "uniform" or n_bins == 1:
        return shares
    return np.quantile(p, shares, method="inverted_cdf", weights=_weights(weights, p))


def bins_weigh_the_same(
    y_true: Any, y_prob: Any, *, n_bins: int = 10, strategy: str = "uniform", sample_weight: Any = None
) -> float:
    """Take the plain mean over the bins."""
    scores.expected_calibration_error(y_true, y_prob, n_bins=n_bins, strategy=strategy, sample_weight=sample_weight)
    edges = _edges(y_prob, sample_weight, n_bins, strategy)
    mass, gap = _binned(y_true, y_prob, sample_weight, edges, "left")
    return float(np.mean(gap / mass))


def bins_open_above(
    y_true: Any, y_prob: Any, *, n_bins: int = 10, strategy: str = "uniform", sample_weight: Any = None
) -> float:
    """Put a probability on an edge into the bin above it."""
    scores.expected_calibration_error(y_true, y_prob, n_bins=n_bins, strategy=strategy, sample_weight=sample_weight)
    edges = _edges(y_prob, sample_weight, n_bins, strategy)
    mass, gap = _binned(y_true, y_prob, sample_weight, edges, "right")
    return float(gap.sum() / mass.sum())


def miss_counts_as_first(y_true: Any, y_score: Any, k: int | None = None, *, sample_weight: Any = None) -> float:
    """Take the argmax of a row without a hit, which is 0, for its rank."""
    right = scores.mrr(y_true, y_score, k, sample_weight=sample_weight)
    hits = np.atleast_2d(np.asarray(y_true, float)).max(axis=1) > 0.0
    return right + float(np.average(~hits, weights=_weights(sample_weight, hits)))


def _in_order(y_true: Any, y_score: Any) -> Any:
    """Relevance by falling score, tied items as they lie in the table."""
    order = np.argsort(-np.atleast_2d(np.asarray(y_score, float)), axis=1, kind="stable")
    return np.take_along_axis(np.atleast_2d(np.asarray(y_true, float)), order, axis=1)


def divides_by_k(y_true: Any, y_score: Any, k: int, *, sample_weight: Any = None) -> float:
    """Return precision at k."""
    scores.recall_at_k(y_true, y_score, k, sample_weight=sample_weight)
    found = _in_order(y_true, y_score)[:, :k].sum(axis=1) / k
    return float(np.average(found, weights=_weights(sample_weight, found)))


def recall_by_row(y_true: Any, y_score: Any, k: int, *, sample_weight: Any = None) -> float:
    """Let the order of the table decide between tied items."""
    scores.recall_at_k(y_true, y_score, k, sample_weight=sample_weight)
    ranked = _in_order(y_true, y_score)
    found = ranked[:, :k].sum(axis=1) / ranked.sum(axis=1)
    return float(np.average(found, weights=_weights(sample_weight, found)))


def discount_one_too_far(
    y_true: Any, y_score: Any, k: int, *, gain: str = "linear", sample_weight: Any = None
) -> float:
    """Discount the first place too: log2(i + 2) with ranks from 1."""
    scores.ndcg_at_k(y_true, y_score, k, gain=gain, sample_weight=sample_weight)
    relevance = np.atleast_2d(np.asarray(y_true, float))
    gains = relevance if gain == "linear" else np.exp2(relevance) - 1.0
    score = np.atleast_2d(np.asarray(y_score, float))
    ranked = np.array([[g[s == level].mean() for level in np.sort(s)[::-1]] for g, s in zip(gains, score, strict=True)])
    discounts = 1.0 / np.log2(np.arange(min(k, gains.shape[1])) + 3.0)
    values = (ranked[:, :k] @ discounts) / (-np.sort(-gains, axis=1)[:, :k] @ discounts)
    return float(np.average(values, weights=_weights(sample_weight, values)))


def gains_always_linear(y_true: Any, y_score: Any, k: int, *, gain: str = "linear", sample_weight: Any = None) -> float:
    """Forget the exponential gain."""
    scores.ndcg_at_k(y_true, y_score, k, gain=gain, sample_weight=sample_weight)
    return scores.ndcg_at_k(y_true, y_score, k, sample_weight=sample_weight)


mistakes = (
    Mistake("forgets the divisor", {"mae": forgets_the_divisor},
            "Your weighted sum is divided by the number of rows; divide by the sum of the weights."),
    Mistake("forgets the root", {"rmse": forgets_the_root},
            "You return the mean squared error; its square root has the unit of y."),
    Mistake("baseline of the predictions", {"r2": baseline_of_the_predictions},
            "Your baseline is the mean of the predictions; R² compares with the mean of y_true."),
    Mistake("baseline without weights", {"r2": baseline_without_weights},
            "Your squares are weighted and the mean that they are measured from is not; weigh both."),
    Mistake("root of the Brier score", {"brier_score": root_of_brier},
            "You take a root at the end; the Brier score is the mean of the squares itself."),
    Mistake("in bits", {"log_loss": in_bits},
            "Your logarithm has base 2; log loss is in nats, with the natural logarithm."),
    Mistake("clips too early", {"log_loss": clips_too_early},
            "Your smallest probability is 1e-15; the docstring says the float64 machine epsilon, 2.2e-16."),
    Mistake("micro for macro", {"f1": micro_for_macro},
            "Your macro average adds the counts up first; take each class's F1 and then their plain mean."),
    Mistake("mean of both labels", {"f1": mean_of_all_for_binary},
            "Your binary F1 is the mean over both labels; it is that of label 1 alone."),
    Mistake("ties by the order of the table", {"roc_auc": auc_by_row},
            "Rows with the same score are counted in the order in which they lie; a tie is half a pair."),
    Mistake("upside down", {"roc_auc": auc_upside_down},
            "You count the pairs that label 0 wins; your result is one minus the area."),
    Mistake("trapezoids", {"average_precision": trapezoids},
            "You join the points of the curve by lines; average precision is a sum of steps."),
    Mistake("every bin weighs the same", {"expected_calibration_error": bins_weigh_the_same},
            "You take the plain mean over the bins; each bin counts by the share of the rows in it."),
    Mistake("bins open above", {"expected_calibration_error": bins_open_above},
            "A probability on an edge goes into your upper bin; it belongs to the lower one."),
    Mistake("a miss counts as first", {"mrr": miss_counts_as_first},
            "A query in which nothing is relevant gets rank 1, since argmax of zeros is 0; it adds nothing."),
    Mistake("divides by k", {"recall_at_k": divides_by_k},
            "You divide by k, which is precision; recall divides by the number of relevant items."),
    Mistake("tied items by the order of the table", {"recall_at_k": recall_by_row},
            "Tied items are taken in the order in which they lie; count each with the share of its group that fits."),
    Mistake("discount one too far", {"ndcg_at_k": discount_one_too_far},
            "Your first place is discounted already; with ranks from 1 the discount is log2(i + 1)."),
    Mistake("gains always linear", {"ndcg_at_k": gains_always_linear},
            "You ignore gain='exponential'; then the gain is 2 to the relevance, minus 1."),
)  # fmt: skip
