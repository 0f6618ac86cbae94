"""What linear regressions share: checked input, predictions, and the moments that a fit needs.

A least-squares fit of n rows reads the data only through sums over rows: the total weight, the weighted
means of the d columns and of y, and their scatter matrix about these means. Sums of two parts of a table
add up to those of the whole (Chan et al.), so that the training part of every fold costs one addition.
Adding loses no digits; taking a fold away from the whole would, where the fold holds most of what varies.

References
----------
Chan, T., Golub, G., LeVeque, R. (1983). Algorithms for computing the sample variance. Am. Stat. 37(3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from mltoolkit.errors import BadInput

_FLOATS = [np.float64, np.float32]
_BLOCK = 1024  # rows that are centred at a time, so that the working copy stays in the cache


class LinearRegressor(RegressorMixin, BaseEstimator):
    """Base of regressions that predict X · coef_ + intercept_: checks what ``fit`` is given, and predicts.

    Examples
    --------
    >>> import numpy as np
    >>> class Mean(LinearRegressor):
    ...     def fit(self, X, y, sample_weight=None):
    ...         data, target, weights = self.checked(X, y, sample_weight)
    ...         self.set_coefficients(np.zeros(data.shape[1]), np.average(target, weights=weights), data.dtype)
    ...         return self
    >>> Mean().fit([[1.0], [2.0]], [3.0, 5.0]).predict([[9.0]])
    array([4.])
    """

    coef_: NDArray[Any]
    intercept_: float

    def checked(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, least_rows: int = 1
    ) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
        """Training data that can be computed with; sets ``n_features_in_`` and ``feature_names_in_``.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,) or None
        least_rows : int, default 1

        Returns
        -------
        data : ndarray of shape (n, d), float64 or float32
        target : ndarray of shape (n,), float64
        weights : ndarray of shape (n,), float64
            Ones where no weights were given.

        Raises
        ------
        ValueError
            Anything is not finite or has the wrong shape, or the weights are negative or all zero.
        """
        data, target = validate_data(self, X, y, dtype=_FLOATS, y_numeric=True, ensure_min_samples=least_rows)
        flat = column_or_1d(target, dtype=np.float64, warn=True)
        return data, flat, checked_weights(sample_weight, len(data))

    def set_coefficients(self, coef: NDArray[np.float64], intercept: float, dtype: np.dtype[Any]) -> None:
        """Keep what was learned, rounded once to the precision of the data."""
        self.coef_ = coef.astype(dtype)
        self.intercept_ = float(intercept)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """X · coef_ + intercept_.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        data: NDArray[Any] = validate_data(self, X, dtype=_FLOATS, reset=False)
        predicted: NDArray[Any] = data @ self.coef_ + self.intercept_
        return predicted


def checked_weights(sample_weight: ArrayLike | None, n: int) -> NDArray[np.float64]:
    """Weights of n samples; ones for None.

    Raises
    ------
    BadInput
        The weights are not n finite numbers of which none is negative and at least one is positive.
    """
    if sample_weight is None:
        return np.ones(n)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n,):
        raise BadInput(f"sample_weight: expected shape ({n},), one weight a row, got {weights.shape}")
    faults = []
    if not np.isfinite(weights).all():
        faults.append(f"{np.sum(~np.isfinite(weights))} weights are NaN or infinite")
    if (weights < 0).any():
        faults.append(f"{np.sum(weights < 0)} weights are negative")
    if not weights.any():
        faults.append("every weight is zero, so there is nothing to learn from")
    if faults:
        raise BadInput("sample_weight: " + "; ".join(faults))
    return weights


def refuse_faults(estimator: str, *faults: str) -> None:
    """Raise one BadInput for every fault that is not an empty string."""
    found = [fault for fault in faults if fault]
    if found:
        raise BadInput(f"{estimator}: " + "; ".join(found))


def number_fault(name: str, value: Any, *, positive: bool = False) -> str:
    """What keeps a parameter from being a finite number of at least 0 (above 0 with ``positive``)."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        return f"{name}={value!r} is not a finite number"
    if value < 0 or (positive and value == 0):
        return f"{name}={value!r} is not {'above 0' if positive else '0 or above'}"
    return ""


def count_fault(name: str, value: Any) -> str:
    """What keeps a parameter from being an int of at least 1."""
    good = isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
    return "" if good else f"{name}={value!r} is not an int of at least 1"


def grid_fault(alphas: Any) -> str:
    """What keeps a grid from being finite positive numbers, at least one, along one axis."""
    try:
        grid = np.asarray(alphas, dtype=np.float64)
    except (TypeError, ValueError):
        return f"alphas={alphas!r} are not numbers"
    if grid.ndim != 1 or not len(grid):
        return f"alphas have shape {grid.shape}; expected one axis with at least one value"
    bad = grid[~(np.isfinite(grid) & (grid > 0))]
    return f"alphas hold {bad[0]:g}; every value must be finite and above 0" if len(bad) else ""


@dataclass(frozen=True)
class Moments:
    """Sums over the rows of a table, with y as its last column.

    ``weight`` is the total weight, ``mean`` of shape (d + 1,) the point that the rows are centred at
    (zeros for a fit without intercept), ``scatter`` of shape (d + 1, d + 1) the weighted sum of the outer
    products of the centred rows.
    """

    weight: float
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @property
    def gram(self) -> NDArray[np.float64]:
        """XᵀX of the centred columns, shape (d, d)."""
        return self.scatter[:-1, :-1]

    @property
    def cross(self) -> NDArray[np.float64]:
        """Xᵀy of the centred columns, shape (d,)."""
        return self.scatter[:-1, -1]

    @property
    def square(self) -> float:
        """yᵀy, centred."""
        return float(self.scatter[-1, -1])

    def __add__(self, other: Moments) -> Moments:
        """The moments of both parts together."""
        weight = self.weight + other.weight
        if weight == 0.0:
            return self
        gap = other.mean - self.mean
        share = other.weight / weight
        scatter = self.scatter + other.scatter + (self.weight * share) * np.outer(gap, gap)
        return Moments(weight, self.mean + share * gap, scatter)

    def intercept(self, coef: NDArray[np.float64]) -> float:
        """The intercept that belongs to coefficients: the plane goes through the means."""
        return float(self.mean[-1] - self.mean[:-1] @ coef)


def moments(X: NDArray[Any], y: NDArray[np.float64], weights: NDArray[np.float64], *, centre: bool = True) -> Moments:
    """The moments of a table, block by block: centred first, so that nothing cancels.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    y, weights : ndarray of shape (n,)
    centre : bool, default True
        False leaves the columns as they are: their mean is taken to be zero.

    Returns
    -------
    Moments

    Raises
    ------
    BadInput
        The values are so large that their squares overflow.
    """
    n, d = X.shape
    total = float(weights.sum())
    mean, scatter = np.zeros(d + 1), np.zeros((d + 1, d + 1))
    if total == 0.0:
        return Moments(total, mean, scatter)
    if centre:
        share = weights / total
        mean[:-1], mean[-1] = share @ X, share @ y
    plain = bool((weights == 1.0).all())
    block = np.empty((min(_BLOCK, n), d + 1))
    for start in range(0, n, _BLOCK):
        rows = slice(start, min(start + _BLOCK, n))
        part = block[: rows.stop - start]
        np.subtract(X[rows], mean[:-1], out=part[:, :-1])
        np.subtract(y[rows], mean[-1], out=part[:, -1])
        if not plain:
            part *= np.sqrt(weights[rows, np.newaxis])
        with np.errstate(over="ignore", invalid="ignore"):
            scatter += part.T @ part
    if not np.isfinite(scatter).all():
        raise BadInput("X or y: the squares of the largest values overflow; rescale the columns, then fit again")
    return Moments(total, mean, scatter)


def training_moments(
    X: NDArray[Any],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    splits: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    *,
    centre: bool = True,
) -> tuple[Moments, list[Moments]]:
    """The moments of all rows, and of each split's training rows.

    Where the test parts are folds (every row is in one of them, and is learned from in all other splits),
    each fold is read once and the others are added up; any other splits are read one by one.

    Parameters
    ----------
    X, y, weights, centre
        As in ``moments``.
    splits : sequence of (train, test)
        Indices of rows.

    Raises
    ------
    BadInput
        There is no split, or a split has no row of a weight above 0 to learn from or to be judged on.
    """
    check_splits(splits, weights)
    n, d = X.shape
    if len(splits) * d > n or not _are_folds(splits, n):
        whole = moments(X, y, weights, centre=centre)
        return whole, [moments(X[train], y[train], weights[train], centre=centre) for train, _ in splits]
    parts = [moments(X[test], y[test], weights[test], centre=centre) for _, test in splits]
    nothing = Moments(0.0, np.zeros(d + 1), np.zeros((d + 1, d + 1)))
    *before, whole = accumulate(parts, initial=nothing)
    *after, _ = accumulate(reversed(parts), initial=nothing)
    return whole, [left + right for left, right in zip(before, reversed(after), strict=True)]


def check_splits(splits: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]], weights: NDArray[np.float64]) -> None:
    """Refuse splits that leave nothing to learn from or to be judged on, all faults at once."""
    faults = [] if splits else ["there is no split"]
    for i, (train, test) in enumerate(splits):
        faults += [f"split {i} has no row of a weight above 0 to learn from"] * (not weights[train].any())
        faults += [f"split {i} has no row of a weight above 0 to be judged on"] * (not weights[test].any())
    if faults:
        raise BadInput("cv: " + "; ".join(faults))


def _are_folds(splits: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]], n: int) -> bool:
    """Whether every row is tested once and learned from in all other splits."""
    tested = np.zeros(n, dtype=np.intp)
    for train, test in splits:
        seen = np.bincount(test, minlength=n)
        tested += seen
        if (seen + np.bincount(train, minlength=n) != 1).any():
            return False
    return bool((tested == 1).all())
