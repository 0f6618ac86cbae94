"""What the estimators' parameters mean to the parts, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import (
    _check_monotonic_cst,
    _check_sample_weight,
    check_consistent_length,
    validate_data,
)

from mltoolkit.errors import BadInput
from mltoolkit.tabular._trees.boosting import Part, Plan
from mltoolkit.tabular._trees.growing import Limits
from mltoolkit.tabular._trees.tree import Tree

Floats = NDArray[np.float64]


def _whole(least: int, most: float = np.inf, *, none: bool = False) -> tuple[Callable[[Any], bool], str]:
    def fits(value: Any) -> bool:
        if value is None:
            return none
        return isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= most

    text = f"an int of at least {least}" if most == np.inf else f"an int from {least} to {most:g}"
    return fits, text + (" or None" if none else "")


def _real(low: float, high: float, *, low_in: bool, high_in: bool) -> tuple[Callable[[Any], bool], str]:
    def fits(value: Any) -> bool:
        if not isinstance(value, Real) or isinstance(value, bool):
            return False
        number = float(value)
        return (low < number or (low_in and number == low)) and (number < high or (high_in and number == high))

    if high == np.inf:
        return fits, f"a finite number {'of at least' if low_in else 'above'} {low:g}"
    return fits, f"a number {'from' if low_in else 'above'} {low:g} {'to' if high_in else 'and below'} {high:g}"


_RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "learning_rate": _real(0.0, np.inf, low_in=False, high_in=False),
    "max_iter": _whole(1),
    "max_depth": _whole(1, none=True),
    "max_leaf_nodes": _whole(2, none=True),
    "min_samples_leaf": _whole(1),
    "min_child_weight": _real(0.0, np.inf, low_in=True, high_in=False),
    "l2_regularization": _real(0.0, np.inf, low_in=True, high_in=False),
    "max_bins": _whole(2, 255),
    "subsample": _real(0.0, 1.0, low_in=False, high_in=True),
    "colsample_bytree": _real(0.0, 1.0, low_in=False, high_in=True),
    "early_stopping": (lambda value: isinstance(value, bool | np.bool_), "True or False"),
    "validation_fraction": _real(0.0, 1.0, low_in=False, high_in=False),
    "n_iter_no_change": _whole(1),
    "tol": _real(0.0, np.inf, low_in=True, high_in=False),
}


def check(model: Any) -> None:
    """Refuse parameters out of their range, all of them at once."""
    parameters = model.get_params(deep=False)
    faults = [f"{name}={parameters[name]!r} is not {text}" for name, (fits, text) in _RANGES.items()
              if name in parameters and not fits(parameters[name])]  # fmt: skip
    if faults:
        raise BadInput(f"{type(model).__name__}: " + "; ".join(faults))


def table(model: Any, X: ArrayLike) -> Floats:
    """Rows to predict, checked against what the model was fitted on."""
    found: Floats = validate_data(model, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
    return found


def numbers(X: ArrayLike) -> Floats:
    """Rows for a model that is not ours."""
    found: Floats = check_array(X, dtype=np.float64, ensure_all_finite=False, input_name="X")
    return found


def training_part(model: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Part:
    """Rows, target and weights of a regression, checked; rows of weight 0 are left out."""
    data, target = validate_data(
        model, X, y, dtype=np.float64, ensure_all_finite="allow-nan", y_numeric=True, multi_output=False
    )
    return _weighted(data, np.asarray(target, dtype=np.float64), sample_weight)


def classes_part(X: Floats, y: NDArray[Any], sample_weight: ArrayLike | None) -> tuple[Part, NDArray[Any]]:
    """Rows, numbers of the classes and weights, and the classes; rows of weight 0 are left out."""
    classes, codes = np.unique(y, return_inverse=True)
    part = _weighted(X, codes.astype(np.float64), sample_weight)
    if len(np.unique(part.y)) < len(classes):
        raise BadInput("y: every row of one class has weight 0; give it some, or leave the class out")
    if len(classes) < 2:
        raise BadInput(f"y has one class, {classes[0]!r}; expected at least two")
    return part, classes


def _weighted(X: Floats, y: Floats, sample_weight: ArrayLike | None) -> Part:
    weights: Floats = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    kept = weights > 0.0
    part = Part(X, y, weights)
    return part if kept.all() else part.take(np.flatnonzero(kept))


def validation_part(
    model: Any, X: ArrayLike | None, y: ArrayLike | None, classes: NDArray[Any] | None = None
) -> Part | None:
    """The validation part that was handed in, or None."""
    if (X is None) != (y is None):
        raise BadInput(f"{type(model).__name__}: X_val and y_val go together; pass both or neither")
    if X is None or y is None:
        return None
    data = table(model, X)
    check_consistent_length(data, y)
    if classes is None:
        target = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y_val")
    else:
        codes = {value: float(code) for code, value in enumerate(classes.tolist())}
        given = np.asarray(y).tolist()
        strange = sorted({str(value) for value in given if value not in codes})
        if strange:
            raise BadInput(f"y_val has classes that y lacks: {', '.join(strange)}")
        target = np.array([codes[value] for value in given])
    return Part(data, np.asarray(target).ravel(), np.ones(len(data)))


def hold_back(model: Any, train: Part, *, stratify: bool) -> tuple[Part, Part]:
    """Split a validation part off the training rows."""
    rows = np.arange(len(train.y))
    kept, held = train_test_split(
        rows,
        test_size=model.validation_fraction,
        stratify=train.y if stratify else None,
        random_state=check_random_state(model.random_state).randint(2**31 - 1),
    )
    return train.take(np.sort(kept)), train.take(np.sort(held))


def limits(model: Any, *, l2: float, min_child_weight: float) -> Limits:
    """What stops a tree of this model."""
    monotonic = _check_monotonic_cst(model, model.monotonic_cst)
    if monotonic is None:
        monotonic = np.zeros(model.n_features_in_)
    return Limits(
        model.max_depth, model.max_leaf_nodes, int(model.min_samples_leaf), min_child_weight, l2,
        np.asarray(monotonic, dtype=np.int64),
    )  # fmt: skip


def plan(model: Any) -> Plan:
    """How to boost this model."""
    return Plan(
        learning_rate=float(model.learning_rate),
        max_iter=int(model.max_iter),
        limits=limits(model, l2=float(model.l2_regularization), min_child_weight=float(model.min_child_weight)),
        max_bins=int(model.max_bins),
        subsample=float(model.subsample),
        colsample=float(model.colsample_bytree),
        patience=int(model.n_iter_no_change) if model.early_stopping else None,
        tol=float(model.tol),
        seed=int(check_random_state(model.random_state).randint(2**31 - 1)),
    )


def refuse_monotone_softmax(model: Any, classes: int) -> None:
    """A softmax turns rising scores into falling probabilities of others, so a constraint would mean nothing."""
    if classes > 2 and model.monotonic_cst is not None:
        raise BadInput(f"{type(model).__name__}: monotonic_cst needs two classes, y has {classes}")


def shifted(tree: Tree, by: float) -> Tree:
    """A tree that predicts so much more."""
    return replace(tree, value=tree.value + by)


def not_a_tree_model(model: Any) -> BadInput:
    """What to raise on a model that is no tree."""
    return BadInput(
        f"tree_shap: cannot explain a {type(model).__name__}; expected RegressionTree, GradientBoostingRegressor, "
        "GradientBoostingClassifier, or a Booster, XGBRegressor or XGBClassifier of XGBoost"
    )


def check_tables(train: Any, test: Any) -> None:
    """Refuse what is no table."""
    faults = [f"{name} is a {type(value).__name__}, expected a DataFrame" for name, value in
              (("train", train), ("test", test))
              if not isinstance(value, pd.DataFrame) and not (value is None and name == "test")]  # fmt: skip
    if faults:
        raise BadInput("find_leaks: " + "; ".join(faults))
