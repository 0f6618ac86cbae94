"""What each metric should give: scikit-learn where it has the metric, else the definition, case by case.

None of this shares a line with the metrics that are judged by it. Ranking metrics with ties are averaged over
every order that the tied items can take; the calibration error is a loop over bins.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Weights = Array | None


def expected(name: str, y_true: Array, y_other: Array, sample_weight: Weights = None, **options: Any) -> float:
    """What the metric ``name`` should give; ``y_other`` are its predictions, probabilities or scores."""
    return float(_ORACLES[name](y_true, y_other, sample_weight, **options))


def _mae(y_true: Array, y_pred: Array, weights: Weights) -> Any:
    from sklearn.metrics import mean_absolute_error

    return mean_absolute_error(y_true, y_pred, sample_weight=weights)


def _rmse(y_true: Array, y_pred: Array, weights: Weights) -> Any:
    from sklearn.metrics import root_mean_squared_error

    return root_mean_squared_error(y_true, y_pred, sample_weight=weights)


def _r2(y_true: Array, y_pred: Array, weights: Weights) -> Any:
    from sklearn.metrics import r2_score

    return r2_score(y_true, y_pred, sample_weight=weights)


def _brier_score(y_true: Array, y_prob: Array, weights: Weights) -> Any:
    from sklearn.metrics import brier_score_loss

    return brier_score_loss(y_true, y_prob, sample_weight=weights, pos_label=1, labels=[0, 1])


def _log_loss(y_true: Array, y_prob: Array, weights: Weights) -> Any:
    from sklearn.metrics import log_loss

    labels = np.arange(2 if y_prob.ndim == 1 else y_prob.shape[1])
    return log_loss(y_true, y_prob, sample_weight=weights, labels=labels)


def _f1(y_true: Array, y_pred: Array, weights: Weights, average: str = "binary") -> Any:
    from sklearn.metrics import f1_score

    return f1_score(y_true, y_pred, average=average, sample_weight=weights, zero_division=0.0)


def _roc_auc(y_true: Array, y_score: Array, weights: Weights) -> Any:
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(y_true, y_score, sample_weight=weights)


def _average_precision(y_true: Array, y_score: Array, weights: Weights) -> Any:
    from sklearn.metrics import average_precision_score

    return average_precision_score(y_true, y_score, sample_weight=weights)


def _calibration_error(
    y_true: Array, y_prob: Array, weights: Weights, n_bins: int = 10, strategy: str = "uniform"
) -> float:
    rows = list(zip(y_true.tolist(), y_prob.tolist(), _or_ones(weights, y_true), strict=True))
    total = sum(w for _, _, w in rows)
    edges = [-1.0, *(b / n_bins for b in range(1, n_bins)), 2.0]
    if strategy == "quantile":
        values = sorted({p for _, p, _ in rows})
        for b in range(1, n_bins):
            enough = (v for v in values if sum(w for _, p, w in rows if p <= v) / total >= b / n_bins)
            edges[b] = next(enough)
    error = 0.0
    for low, high in itertools.pairwise(edges):
        inside = [row for row in rows if low < row[1] <= high]
        mass = sum(w for _, _, w in inside)
        if mass > 0.0:
            happened, promised = sum(y * w for y, _, w in inside) / mass, sum(p * w for _, p, w in inside) / mass
            error += mass / total * abs(happened - promised)
    return error


def _ndcg_at_k(y_true: Array, y_score: Array, weights: Weights, k: int = 1, gain: str = "linear") -> Any:
    from sklearn.metrics import ndcg_score

    gains = y_true if gain == "linear" else 2.0**y_true - 1.0
    gains = gains / gains.max()  # changes nothing but their size, which may be beyond what scikit-learn casts
    return ndcg_score(gains, y_score, k=k, sample_weight=weights)


def _recall_at_k(y_true: Array, y_score: Array, weights: Weights, k: int = 1) -> Any:
    from sklearn.metrics import top_k_accuracy_score

    m = y_true.shape[1]
    if np.all(y_true.sum(axis=1) == 1) and _no_ties(y_score) and k < m > 2:  # one item to find: top-k accuracy
        found = y_true.argmax(axis=1)
        return top_k_accuracy_score(found, y_score, k=k, sample_weight=weights, labels=np.arange(m))
    return _over_orders(y_true, y_score, weights, lambda order: sum(order[:k]) / sum(order))


def _mrr(y_true: Array, y_score: Array, weights: Weights, k: int | None = None) -> Any:
    from sklearn.metrics import label_ranking_average_precision_score

    if np.all(y_true.sum(axis=1) == 1) and _no_ties(y_score) and k is None:  # one item to find: LRAP
        return label_ranking_average_precision_score(y_true, y_score, sample_weight=weights)

    def reciprocal(order: tuple[float, ...]) -> float:
        return next((1.0 / rank for rank, hit in enumerate(order[:k], 1) if hit), 0.0)

    return _over_orders(y_true, y_score, weights, reciprocal)


def _over_orders(y_true: Array, y_score: Array, weights: Weights, of: Callable[[tuple[float, ...]], float]) -> float:
    """Mean over queries of the mean over every order of tied items."""
    values = []
    for relevance, scores in zip(y_true, y_score, strict=True):
        orders = list(_orders(relevance, scores))
        values.append(sum(map(of, orders)) / len(orders))
    return float(np.average(values, weights=weights))


def _orders(relevance: Array, scores: Array) -> Iterator[tuple[float, ...]]:
    groups = [relevance[scores == score].tolist() for score in sorted(set(scores.tolist()), reverse=True)]
    for arranged in itertools.product(*(itertools.permutations(group) for group in groups)):
        yield tuple(itertools.chain.from_iterable(arranged))


def _no_ties(scores: Array) -> bool:
    return all(len(set(row.tolist())) == len(row) for row in scores)


def _or_ones(weights: Weights, like: Array) -> list[float]:
    return [1.0] * len(like) if weights is None else [float(w) for w in weights]


_ORACLES: dict[str, Callable[..., Any]] = {
    "mae": _mae,
    "rmse": _rmse,
    "r2": _r2,
    "brier_score": _brier_score,
    "log_loss": _log_loss,
    "f1": _f1,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "expected_calibration_error": _calibration_error,
    "mrr": _mrr,
    "recall_at_k": _recall_at_k,
    "ndcg_at_k": _ndcg_at_k,
}
