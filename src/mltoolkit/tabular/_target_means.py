"""Means of a target by category and fold, and how far each is believed: the arithmetic of the target encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mltoolkit.errors import BadInput
from mltoolkit.tabular.columns import number_of


def kind_of_target(values: NDArray[Any]) -> str:
    """What a target looks like: continuous, binary or multiclass, as scikit-learn has it."""
    if values.dtype.kind == "f" and (values != np.floor(values)).any():
        return "continuous"
    return "binary" if len(pd.unique(values)) <= 2 else "multiclass"


def as_floats(values: NDArray[Any]) -> NDArray[np.float64]:
    """A continuous target that came as objects."""
    try:
        return np.array([number_of(value) for value in values])
    except BadInput as fault:
        raise BadInput(f"TargetEncoder: y: {fault}, since target_type is continuous") from None


def dealt(n: int, labels: NDArray[np.intp] | None, folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The fold of each row: shuffled, sorted by class, and dealt out like cards."""
    order = rng.permutation(n)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    fold_of = np.empty(n, dtype=np.intp)
    fold_of[order] = np.arange(n) % folds
    return fold_of


def rest_moments(
    targets: NDArray[np.float64], fold_of: NDArray[np.intp], folds: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of the targets outside each fold, each of shape (K, folds, 1)."""
    counts = np.bincount(fold_of, minlength=folds)
    rest = len(fold_of) - counts
    sums = np.array([np.bincount(fold_of, target, folds) for target in targets])
    squares = np.array([np.bincount(fold_of, target**2, folds) for target in targets])
    means = (sums.sum(axis=1, keepdims=True) - sums) / rest
    variances = np.maximum((squares.sum(axis=1, keepdims=True) - squares) / rest - means**2, 0.0)
    return means[..., np.newaxis], variances[..., np.newaxis]


def smoothed(
    counts: NDArray[Any], sums: NDArray[Any], squares: NDArray[Any] | None, mean: Any, variance: Any, smooth: Any
) -> NDArray[np.float64]:
    """Encodings from counts, sums and sums of squares by category; the mean where there is nothing to go by."""
    n = np.maximum(counts, 1)
    own = sums / n
    if smooth == "auto":
        assert squares is not None
        within = np.maximum(squares / n - own**2, 0.0)
        weight, total = variance * counts, variance * counts + within
    else:
        weight, total = counts.astype(float), counts + float(smooth)
    share = np.where((counts > 0) & (total > 0), weight / np.where(total > 0, total, 1.0), 0.0)
    return np.asarray(share * own + (1.0 - share) * mean)
