"""What runs where the solution lives: calls whose answers come back as plain data in one journey."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier

Pairs = list[tuple[Any, Any]]


def folds(solution: Any, name: str, options: Mapping[str, Any], n: int, y: Any = None, groups: Any = None) -> Pairs:
    """The splits of one splitter."""
    return [(train, test) for train, test in getattr(solution, name)(**options).split(np.zeros((n, 1)), y, groups)]


def many_folds(solution: Any, name: str, calls: Sequence[tuple[Any, ...]]) -> list[Pairs]:
    """The splits of one splitter for many tables; each call is (options, n, y, groups)."""
    return [folds(solution, name, *call) for call in calls]


def validated(solution: Any, estimator: Any, X: Any, y: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """What ``cross_validate`` found, as plain data."""
    found = solution.cross_validate(estimator, X, y, **options)
    return {
        "scores": dict(found.scores),
        "intervals": {name: tuple(map(float, ends)) for name, ends in found.intervals.items()},
        "fold_predictions": [None if p is None else np.asarray(p) for p in found.fold_predictions],
        "test_rows": [np.asarray(rows) for rows in found.test_rows],
        "train_rows": [np.asarray(rows) for rows in found.train_rows],
        "failed": [(int(f.fold), str(f.error), np.asarray(f.test_rows)) for f in found.failures],
        "fitted": any(name.endswith("_") and not name.startswith("_") for name in vars(estimator)),
        "seconds": [float(np.min(found.fit_seconds)), float(np.min(found.score_seconds))],
    }


def heard(solution: Any, estimator: Any, X: Any, y: Any, options: Mapping[str, Any]) -> list[tuple[int, int]]:
    """What the progress hook of ``cross_validate`` was told."""
    calls: list[tuple[int, int]] = []
    solution.cross_validate(estimator, X, y, progress=lambda done, total: calls.append((done, total)), **options)
    return calls


def nested(solution: Any, estimator: Any, grid: Any, X: Any, y: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """What ``nested_cross_validate`` found, as plain data."""
    found = solution.nested_cross_validate(estimator, grid, X, y, **options)
    return {
        "scores": np.asarray(found.scores),
        "chosen": [dict(found.configurations[int(i)]) for i in found.chosen],
        "inner_scores": np.asarray(found.inner_scores),
        "flat_scores": np.asarray(found.flat_scores),
        "mean": float(found.mean),
        "flat_best": float(found.flat_best),
        "optimism": float(found.optimism),
        "interval": (float(found.low), float(found.high)),
    }


def compared(solution: Any, name: str, subject: Any, X: Any, y: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """What ``compare_models`` or ``ablate`` found, as plain data."""
    found = getattr(solution, name)(subject, X, y, **options)
    fields = ("mean", "standard_error", "low", "high", "t", "p", "p_adjusted")
    return {
        "scores": {str(key): np.asarray(values) for key, values in found.scores.items()},
        "pairs": [(str(d.first), str(d.second)) for d in found.differences],
        "values": np.array([[float(getattr(d, name)) for name in fields] for d in found.differences]),
        "test_share": float(found.test_share),
    }


def defaults_of(solution: Any, X: Any, y: Any, names: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """The defaults of some parameters of each name; a starter's signature alone is no answer."""
    solution.cross_validate(DummyClassifier(), X, y)
    found = {name: inspect.signature(getattr(solution, name)).parameters for name in names}
    return {name: {key: found[name][key].default for key in keys if key in found[name]} for name, keys in names.items()}
