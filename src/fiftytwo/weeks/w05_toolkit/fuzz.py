"""A thousand random cases for each metric, in three families that break careless code one way each.

*plain* cases have neither ties nor weights; *ties* have few distinct values, or one class where the metric is
defined for it; *weights* add weights, whole or not, some of them zero. Values that lie within rounding of the
edge of a bin are left out: edges are compared there only where floats hold them exactly.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.weeks.w05_toolkit.oracles import expected

FAMILIES = ("plain", "ties", "weights")
SECOND = {
    **dict.fromkeys(("mae", "rmse", "r2", "f1"), "y_pred"),
    **dict.fromkeys(("brier_score", "log_loss", "expected_calibration_error"), "y_prob"),
    **dict.fromkeys(("roc_auc", "average_precision", "mrr", "recall_at_k", "ndcg_at_k"), "y_score"),
}  # the second argument of each metric
_RANKING = ("mrr", "recall_at_k", "ndcg_at_k")
_BOTH_LABELS = ("roc_auc",)  # undefined for one class
_ONE_LABEL = ("average_precision",)  # undefined without label 1


@dataclass(frozen=True)
class Case:
    """The arguments of one call of a metric by name, how it is written, and what it should give."""

    metric: str
    arguments: Mapping[str, Any]
    call: str

    @cached_property
    def expected(self) -> float:
        """What scikit-learn or the definition gives; worked out when it is asked for, since it costs the most."""
        truth, other, *rest = self.arguments.items()
        return expected(self.metric, truth[1], other[1], **dict(rest))

    @property
    def size(self) -> int:
        """How many numbers a person has to look at."""
        return sum(np.size(value) for value in self.arguments.values())

    @property
    def inputs(self) -> dict[str, Any]:
        """The arrays that the call names."""
        return {name: value for name, value in self.arguments.items() if isinstance(value, np.ndarray)}


def run_batch(solution: Any, name: str, calls: list[dict[str, Any]]) -> list[Any]:
    """Call a metric once for each set of arguments, where the solution lives."""
    metric = getattr(solution, name)
    return [metric(**arguments) for arguments in calls]


@cache
def cases(metric: str, family: str, count: int, seed: int) -> tuple[Case, ...]:
    """Random cases of one family."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{metric} {family}".encode())])
    return tuple(_case(metric, family, rng) for _ in range(count))


def make_case(metric: str, y_true: Any, y_other: Any, sample_weight: Any = None, **options: Any) -> Case:
    """A case from its arguments; arrays are made read-only, since no metric may change its input."""
    arguments: dict[str, Any] = {"y_true": np.asarray(y_true), SECOND[metric]: np.asarray(y_other)}
    given = [*arguments, *(f"{name}={value!r}" for name, value in options.items())]
    if sample_weight is not None:
        arguments["sample_weight"] = np.asarray(sample_weight)
        given.append("sample_weight=sample_weight")
    for array in arguments.values():
        array.setflags(write=False)
    return Case(metric, {**arguments, **options}, f"{metric}({', '.join(given)})")


def _case(metric: str, family: str, rng: np.random.Generator) -> Case:
    ties = family != "plain"
    if metric in _RANKING:
        y_true, y_other, options = _ranking(metric, rng, ties)
    elif metric == "f1":
        y_true, y_other, options = _labels(rng, ties)
    elif metric == "log_loss" and rng.random() < 0.5:
        y_true, y_other, options = _distributions(rng, ties)
    elif metric in ("mae", "rmse", "r2"):
        y_true, y_other, options = _values(rng, ties)
    else:
        y_true, y_other, options = _forecasts(metric, rng, ties)
    weights = _weights(rng, len(y_true)) if family == "weights" else None
    return make_case(metric, y_true, y_other, weights, **options)


Drawn = tuple[NDArray[Any], NDArray[Any], dict[str, Any]]


def _weights(rng: np.random.Generator, n: int) -> NDArray[Any]:
    """Whole or broken, the first two positive (so that what has to occur does), some others zero."""
    weights = rng.integers(1, 5, n) if rng.random() < 0.5 else rng.gamma(1.0, 1.0, n) + 0.01
    weights[2:] *= (rng.random(max(n - 2, 0)) > 0.2).astype(weights.dtype)
    return weights


def _values(rng: np.random.Generator, ties: bool) -> Drawn:
    n = int(rng.integers(2, 30))
    scale, offset = 10.0 ** rng.uniform(-3, 3), rng.normal() * 10.0 ** rng.integers(0, 3)
    y_true = offset + scale * rng.standard_normal(n)
    y_pred = y_true + scale * rng.choice([0.1, 1.0, 3.0]) * rng.standard_normal(n)
    if ties:
        y_true, y_pred = np.round(y_true), np.round(y_pred)
        y_true[1] = y_true[0] + 1.0  # never constant, for which R² is not defined
    return y_true, y_pred, {}


def _forecasts(metric: str, rng: np.random.Generator, ties: bool) -> Drawn:
    n = int(rng.integers(2, 30))
    y_true = (rng.random(n) < rng.uniform(0.1, 0.9)).astype(int)
    if metric in (*_BOTH_LABELS, *_ONE_LABEL):
        y_true[0] = 1
    if metric in _BOTH_LABELS:
        y_true[1] = 0
    y_prob = np.clip(0.3 * y_true + 0.7 * rng.random(n), 0.001, 0.999)
    if ties:
        y_prob = np.round(y_prob * 8) / 8
    options: dict[str, Any] = {}
    if metric == "expected_calibration_error":
        strategy = str(rng.choice(["uniform", "quantile"]))
        sizes = (2, 4, 8, 16) if ties or strategy == "quantile" else (1, 3, 5, 10, 15)
        options = {"n_bins": int(rng.choice(sizes)), "strategy": strategy}
    elif metric in (*_BOTH_LABELS, *_ONE_LABEL) and rng.random() < 0.5:
        y_prob = 20.0 * y_prob - 10.0  # scores need not be probabilities
    return y_true, y_prob, options


def _distributions(rng: np.random.Generator, ties: bool) -> Drawn:
    n, k = int(rng.integers(1, 12)), int(rng.integers(2, 6))
    y_prob = rng.dirichlet(np.ones(k), n)
    if ties:  # certain, and often wrong: the clipped case
        y_prob = np.eye(k)[rng.integers(0, k, n)]
    return rng.integers(0, k, n), y_prob, {}


def _labels(rng: np.random.Generator, ties: bool) -> Drawn:
    n, average = int(rng.integers(1, 30)), str(rng.choice(["binary", "macro", "micro", "weighted"]))
    k = 2 if average == "binary" else int(rng.integers(2, 6))
    y_true = rng.integers(0, k, n)
    y_pred = np.where(rng.random(n) < 0.6, y_true, rng.integers(0, k, n))
    if ties and rng.random() < 0.3:  # one class, found or missed
        y_true = np.full(n, int(rng.integers(0, k)))
    if average != "binary" and rng.random() < 0.3:
        names = np.array(["ant", "bee", "cat", "dog", "eel"])
        y_true, y_pred = names[y_true], names[y_pred]
    return y_true, y_pred, {"average": average}


def _ranking(metric: str, rng: np.random.Generator, ties: bool) -> Drawn:
    q, m = int(rng.integers(1, 4)), int(rng.integers(2, 7))
    scores = rng.standard_normal((q, m))
    k = int(rng.integers(1, m + 2))
    if metric == "ndcg_at_k":
        relevance = rng.integers(0, 4, (q, m))
    elif ties:
        relevance = (rng.random((q, m)) < rng.uniform(0.1, 0.7)).astype(int)
    else:
        relevance = np.eye(m, dtype=int)[rng.integers(0, m, q)]
    if ties:
        scores = np.round(1.2 * scores)
    if metric != "mrr":
        relevance[np.arange(q), rng.integers(0, m, q)] |= 1
    if metric == "ndcg_at_k":
        return relevance, scores, {"k": k, "gain": str(rng.choice(["linear", "exponential"]))}
    return relevance, scores, {"k": None if metric == "mrr" and rng.random() < 0.5 else k}
