"""The lasso with its alpha chosen by cross-validation, on one path per fold.

All folds share one grid of alphas, the one of the whole table. In a tall table the training part of a fold
has the moments of the other folds added up, so that every row is read twice, however many folds there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import check_cv

from mltoolkit.tabular._ways import has_gram
from mltoolkit.tabular.linear import (
    LinearRegressor,
    check_splits,
    count_fault,
    grid_fault,
    number_fault,
    refuse_faults,
    training_moments,
)
from mltoolkit.tabular.regression import LassoPath, alpha_grid, path_of_moments, solve_path


class LassoCV(LinearRegressor):
    """Lasso that chooses its alpha by cross-validation, then fits all rows.

    Parameters
    ----------
    alphas : int or array-like of shape (A,), default 100
        How many alphas to try, equally spaced on a log scale below the least at which every coefficient
        is 0; or the alphas themselves, all above 0.
    eps : float, default 1e-3
        The smallest of these alphas as a share of the largest; strictly between 0 and 1.
    fit_intercept : bool, default True
        As in ``Lasso``.
    cv : int, splitter, iterable of (train, test) or None, default None
        None for 5 folds; an int k gives k folds of consecutive rows.
    max_iter : int, default 1000
        As in ``Lasso``, for each alpha.
    tol : float, default 1e-4
        As in ``Lasso``.

    Attributes
    ----------
    alpha_ : float
        The alpha of least mean error; of several, the largest.
    alphas_ : ndarray of shape (A,)
        The grid, falling.
    mse_path_ : ndarray of shape (A, folds)
        Mean squared error of the rows held out, weighted.
    coef_, intercept_, dual_gap_, n_iter_, n_features_in_, feature_names_in_
        As in ``Lasso``, at ``alpha_`` on all rows.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        As ``lasso_path``, for each fold.

    Raises
    ------
    ValueError
        As in ``RidgeCV``.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 8))
    >>> model = LassoCV().fit(X, 3.0 * X[:, 2] + rng.standard_normal(60))
    >>> int(np.argmax(np.abs(model.coef_)))
    2
    """

    alphas_: NDArray[np.float64]

    def __init__(
        self,
        alphas: int | ArrayLike = 100,
        *,
        eps: float = 1e-3,
        fit_intercept: bool = True,
        cv: Any = None,
        max_iter: int = 1000,
        tol: float = 1e-4,
    ) -> None:
        self.alphas = alphas
        self.eps = eps
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LassoCV:
        """Choose alpha and learn the coefficients.

        Parameters
        ----------
        X : array-like of shape (n, d), n >= 2
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,) or None, default None
            As in ``Lasso``. Errors of the rows held out are weighted by it too.

        Returns
        -------
        LassoCV
            The estimator itself.
        """
        data, target, weights = self.checked(X, y, sample_weight, least_rows=2)
        self._check_parameters()
        splits = list(check_cv(self.cv).split(data, target))
        solve, everything, parts, products = self._problems(data, target, weights, splits)
        self.alphas_ = self._grid(products)
        errors = []
        for (_, test), part in zip(splits, parts, strict=True):
            path = solve(*part, alphas=self.alphas_)
            path.warn("LassoCV", self.tol)
            gaps = (target[test][:, np.newaxis] - path.intercepts) - data[test] @ path.coefs.T
            errors.append(weights[test] @ gaps**2 / weights[test].sum())
        self.mse_path_ = np.array(errors).T
        best = int(np.argmin(self.mse_path_.mean(axis=1)))
        self.alpha_ = float(self.alphas_[best])
        path = solve(*everything, alphas=self.alphas_[: best + 1])
        path.warn("LassoCV", self.tol)
        self.set_coefficients(path.coefs[-1], path.intercepts[-1], data.dtype)
        self.dual_gap_, self.n_iter_ = float(path.gaps[-1]), int(path.sweeps[-1])
        return self

    def _grid(self, products: NDArray[np.float64]) -> NDArray[np.float64]:
        if isinstance(self.alphas, Integral):
            return alpha_grid(products, int(self.alphas), self.eps)
        return np.sort(np.asarray(self.alphas, dtype=np.float64))[::-1].copy()

    def _problems(
        self,
        data: NDArray[Any],
        target: NDArray[np.float64],
        weights: NDArray[np.float64],
        splits: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    ) -> tuple[Callable[..., LassoPath], tuple[Any, ...], Iterable[tuple[Any, ...]], NDArray[np.float64]]:
        """What solves a path, what it is given for all rows and for each training part, and Xᵀy / n."""
        if has_gram(*data.shape):
            whole, training = training_moments(data, target, weights, splits, centre=self.fit_intercept)
            solve = partial(path_of_moments, tol=self.tol, max_iter=self.max_iter)
            return solve, (whole,), ((part,) for part in training), whole.cross / whole.weight
        check_splits(splits, weights)
        parts = ((data, target, _only(weights, train)) for train, _ in splits)
        share = weights / weights.sum()
        products = data.T @ (share * (target - share @ target)) if self.fit_intercept else data.T @ (share * target)
        whole_path = partial(solve_path, centre=self.fit_intercept, tol=self.tol, max_iter=self.max_iter)
        return whole_path, (data, target, weights), parts, products

    def _check_parameters(self) -> None:
        a_count = isinstance(self.alphas, Integral)
        refuse_faults(
            "LassoCV",
            count_fault("alphas", self.alphas) if a_count else grid_fault(self.alphas),
            number_fault("eps", self.eps, positive=True)
            or ("" if self.eps < 1 else f"eps={self.eps!r} is not below 1"),
            count_fault("max_iter", self.max_iter),
            number_fault("tol", self.tol),
        )


def _only(weights: NDArray[np.float64], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """The weights of some rows (as often as each is named), and 0 for all others."""
    return weights * np.bincount(rows, minlength=len(weights))
