"""What can be wrong with a call of cross-validation, said in one sentence each; an empty string is no fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import ParameterGrid

from mltoolkit.tabular._fold_runs import Split
from mltoolkit.tabular.folds import codes_of


def rare_fault(classes: NDArray[Any], counts: NDArray[np.intp], n_splits: int) -> str:
    """Classes with fewer rows than folds."""
    rare = [f"{classes[i]!s} ({counts[i]})" for i in np.flatnonzero(counts < n_splits)]
    if not rare:
        return ""
    shown = ", ".join(rare[:5]) + (f" and {len(rare) - 5} more" if len(rare) > 5 else "")
    return (
        f"n_splits={n_splits}, but classes have fewer rows: {shown}; lower n_splits, merge classes, or use KFold "
        "where y is no class"
    )


def purge_fault(purge: Any, n: int) -> str:
    """A purge that is no horizon."""
    horizons = np.asarray(purge)
    if horizons.dtype.kind not in "iu" or horizons.shape not in ((), (n,)) or (horizons < 0).any():
        return f"purge={short(purge)} is neither an int of at least 0 nor {n} of them, one a row"
    return ""


def short(value: Any) -> str:
    """A purge for a message."""
    return repr(value) if np.ndim(value) == 0 else f"{len(value)} horizons up to {np.max(value, initial=0)}"


def is_number(value: Any) -> bool:
    """Whether a value is a real number, which a bool is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def confidence_fault(confidence: Any) -> str:
    """A confidence that is no share."""
    good = is_number(confidence) and 0.0 < float(confidence) < 1.0
    return "" if good else f"confidence={confidence!r} is not a number between 0 and 1"


def split_faults(splits: list[Split], n: int, groups: Any) -> list[str]:
    """Splits without rows, with rows that are not there, or with rows or groups on both sides."""
    if not splits:
        return ["cv gives no split"]
    group_of = None if groups is None else codes_of(groups, "groups")[1]
    faults = []
    for fold, (train, test) in enumerate(splits):
        rows = np.concatenate([train, test])
        if not len(train) or not len(test):
            faults.append(f"split {fold} has {len(train)} training and {len(test)} test rows; expected some of both")
        elif rows.ndim != 1 or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n:
            faults.append(f"split {fold} names rows that are not ints from 0 to {n - 1}")
        elif len(both := _shared(train, test, n)):
            faults.append(f"split {fold} has {len(both)} rows on both sides, such as row {both[0]}")
        elif group_of is not None and len(shared := _shared(group_of[train], group_of[test], n)):
            faults.append(f"split {fold} has {len(shared)} groups on both sides; use GroupKFold, or leave groups out")
    return faults


def _shared(left: NDArray[np.intp], right: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Numbers below n that are in both; a table of n marks is quicker than sorting."""
    marked = np.zeros(n, dtype=bool)
    marked[left] = True
    return np.unique(right[marked[right]])


def configurations_of(estimator: Any, param_grid: Any) -> tuple[tuple[dict[str, Any], ...], str]:
    """All combinations of a grid, or what is wrong with it."""
    try:
        configurations = tuple(ParameterGrid(param_grid))
    except (TypeError, ValueError) as error:
        return (), f"param_grid: {error}"
    known = set(estimator.get_params())
    unknown = sorted({name for c in configurations for name in c} - known)
    if unknown:
        return (), f"param_grid names {', '.join(unknown)}, which {type(estimator).__name__} does not have"
    return configurations, "" if configurations else "param_grid is empty"


def kept_columns(X: Any, features: Mapping[str, Sequence[Any]]) -> tuple[dict[str, list[Any]], list[str]]:
    """The columns that stay without each feature group, and what is wrong with the groups."""
    columns = list(X.columns) if hasattr(X, "columns") else list(range(np.shape(X)[1] if np.ndim(X) == 2 else 0))
    kept: dict[str, list[Any]] = {}
    faults = []
    for name, group in features.items():
        dropped = [group] if isinstance(group, str) else list(group)
        unknown = [column for column in dropped if column not in columns]
        kept[name] = [column for column in columns if column not in dropped]
        if unknown:
            faults.append(f"feature group {name!r} names columns that are not there: {', '.join(map(repr, unknown))}")
        elif not dropped or not kept[name]:
            faults.append(
                f"feature group {name!r} has {len(dropped)} of {len(columns)} columns; expected some, not all"
            )
    return kept, faults


def step_faults(estimator: Any, steps: Sequence[str]) -> list[str]:
    """Steps that a Pipeline does not have, or cannot do without."""
    known = [name for name, _ in getattr(estimator, "steps", [])]
    unknown = [step for step in steps if step not in known[:-1]]
    if not unknown:
        return []
    where = f"steps before the last: {', '.join(known[:-1]) or 'none'}" if known else "the estimator is no Pipeline"
    return [f"steps names {', '.join(map(repr, unknown))}; {where}"]
