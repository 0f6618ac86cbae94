"""Chores of cross-validation: checked rows, checked groups, scorers by name, rows and columns of any table.

What decides whether an estimate can be believed (who is trained on what, how scores are compared) is in
:mod:`mltoolkit.tabular.crossval`; this module has what goes around it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mltoolkit.errors import BadInput

Scorer = Callable[..., float]


class Splitter:
    """Base of the splitters: a name for reports, and how many splits there will be."""

    n_splits: int

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """The number of splits; the arguments are there for scikit-learn and are not read."""
        return int(self.n_splits)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if not name.startswith("_"))
        return f"{type(self).__name__}({options})"


def refuse(operation: str, faults: Sequence[str]) -> None:
    """Raise one BadInput for every fault that is not an empty string.

    Parameters
    ----------
    operation : str
        Who was called, for the message.
    faults : sequence of str
    """
    found = [fault for fault in faults if fault]
    if found:
        raise BadInput(f"{operation}: " + "; ".join(found))


def whole_fault(name: str, value: Any, least: int) -> str:
    """What keeps a parameter from being an int of at least ``least``; an empty string when nothing does."""
    good = isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least
    return "" if good else f"{name}={value!r} is not an int of at least {least}"


def shuffle_fault(shuffle: Any, random_state: Any) -> str:
    """What is wrong with the two parameters of chance."""
    if not isinstance(shuffle, bool | np.bool_):
        return f"shuffle={shuffle!r} is not a bool"
    if not shuffle and random_state is not None:
        return f"random_state={random_state!r} has no effect without shuffle=True; leave it out or shuffle"
    return ""


def count_rows(X: Any) -> int:
    """Rows of an array, a frame, a sparse matrix or a list.

    Raises
    ------
    BadInput
        X has no rows to count.
    """
    if isinstance(X, str | bytes) or not (hasattr(X, "shape") or hasattr(X, "__len__")) or getattr(X, "shape", 0) == ():
        raise BadInput(f"X is {type(X).__name__}; expected an array or a frame with one row a sample")
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def length_faults(n: int, **columns: Any) -> list[str]:
    """Which of the named columns (None is left out) do not have n entries."""
    return [
        f"{name} has {count_rows(column)} entries, X has {n} rows"
        for name, column in columns.items()
        if column is not None and count_rows(column) != n
    ]


def codes_of(values: ArrayLike, name: str, operation: str = "") -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The sorted distinct values of a column, and the position of each row's among them.

    Parameters
    ----------
    values : array-like of shape (n,)
        Labels or groups: numbers, texts or anything that sorts.
    name : str
        What the column is called in a message.
    operation : str, optional
        Who was called, for the message.

    Raises
    ------
    BadInput
        Missing values, more than one column, or values that do not sort.
    """
    column, who = np.asarray(values), f"{operation}: " if operation else ""
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise BadInput(f"{who}{name} has shape {column.shape}; expected ({len(column) if column.ndim else 'n'},)")
    missing = _missing(column)
    if missing.any():
        raise BadInput(
            f"{who}{name} is missing (NaN or None) in {missing.sum()} of {len(column)} rows, first in row "
            f"{int(np.argmax(missing))}; fill it in, or leave these rows out"
        )
    try:
        distinct, codes = np.unique(column, return_inverse=True)
    except TypeError as error:
        raise BadInput(f"{who}{name} mixes types that cannot be sorted ({error}); turn all of it into texts") from None
    return distinct, codes


def _missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    if column.dtype.kind in "fcmM":
        return np.asarray(np.isnan(column) if column.dtype.kind in "fc" else np.isnat(column))
    if column.dtype == object:
        import pandas as pd

        return np.asarray(pd.isna(column), dtype=bool)
    return np.zeros(len(column), dtype=bool)


def take_rows(X: Any, rows: NDArray[np.intp]) -> Any:
    """Rows by position; a frame stays a frame, a sparse matrix sparse, anything else becomes an array."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return (X if hasattr(X, "shape") else np.asarray(X))[rows]


def take_columns(X: Any, columns: Sequence[Any]) -> Any:
    """Columns of a frame by name, of anything else by position."""
    if hasattr(X, "iloc"):
        return X.loc[:, list(columns)]
    return (X if hasattr(X, "shape") else np.asarray(X))[:, list(columns)]


def scorers_of(estimator: Any, scoring: Any) -> dict[str, Scorer]:
    """Scorers by name, each called as ``scorer(fitted, X, y)``; higher is better.

    Parameters
    ----------
    estimator : estimator
        Its own ``score`` is used where ``scoring`` is None.
    scoring : None, str, callable, sequence of str, or mapping of str to str or callable
        Names are scikit-learn's, such as ``"roc_auc"``.

    Returns
    -------
    dict
        A single one is called ``"score"`` unless it was given by name.

    Raises
    ------
    BadInput
        Names that are not known (all of them), no scorer at all, or an estimator without ``score``.
    """
    from sklearn.metrics import get_scorer, get_scorer_names

    if scoring is None:
        if not hasattr(estimator, "score"):
            raise BadInput(f"{type(estimator).__name__} has no method score; name a scorer in scoring")
        return {"score": _own_score}
    wanted: Mapping[str, Any]
    if isinstance(scoring, str):
        wanted = {scoring: scoring}
    elif callable(scoring):
        wanted = {"score": scoring}
    elif isinstance(scoring, Mapping):
        wanted = scoring
    else:
        wanted = {str(name): name for name in scoring}
    known = set(get_scorer_names())
    unknown = [repr(value) for value in wanted.values() if not callable(value) and str(value) not in known]
    if unknown or not wanted:
        raise BadInput(
            f"scoring: {', '.join(unknown) or 'nothing'} is not a scorer; expected a function (estimator, X, y) or a "
            "name of sklearn.metrics.get_scorer_names()"
        )
    return {name: value if callable(value) else get_scorer(value) for name, value in wanted.items()}


def _own_score(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
    """What the estimator's own ``score`` says."""
    if sample_weight is not None and "sample_weight" in inspect.signature(estimator.score).parameters:
        return estimator.score(X, y, sample_weight=sample_weight)
    return estimator.score(X) if y is None else estimator.score(X, y)


def takes_weights(scorer: Scorer) -> bool:
    """Whether a scorer can weigh its rows."""
    asked = getattr(scorer, "_accept_sample_weight", None)  # scikit-learn's scorers pass any keyword on
    if asked is not None:
        return bool(asked())
    try:
        return "sample_weight" in inspect.signature(scorer).parameters
    except (TypeError, ValueError):  # some builtins have no signature
        return False
