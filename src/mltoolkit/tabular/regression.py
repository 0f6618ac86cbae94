"""Ridge regression and the lasso: least squares that pays for large coefficients.

For data X of shape (n, d) and a target y of shape (n,), with weights s of the rows (ones unless given),

- *ridge* minimises Σ sᵢ (yᵢ - xᵢ·w - b)² + alpha · Σ wⱼ²;
- the *lasso* minimises Σ sᵢ (yᵢ - xᵢ·w - b)² / (2 Σ sᵢ) + alpha · Σ |wⱼ|.

The intercept b is never penalised: with the columns and y centred at their weighted means it drops out, and
afterwards b = mean(y) - mean(X)·w. These are scikit-learn's objectives, so an alpha means the same there.

Ridge has a closed form. With the eigenvalues λ and eigenvectors V of the centred XᵀX,
w(alpha) = V · (Vᵀ Xᵀ y / (λ + alpha)): one decomposition serves every alpha. A table with more columns than
rows is first turned into its row space (n coordinates instead of d), which changes neither lengths nor the
penalty. Where squaring has cost too many digits, the singular values of X itself take over.

Leaving out one row needs no second fit: row i's error is then its residual divided by 1 - hᵢ, where hᵢ, the
leverage, is what y's own value contributes to its prediction. A fold's training part has the moments of all
other folds added up.

The lasso has no closed form, but in one coordinate it has: shrink towards zero by alpha, and stop there
(*soft thresholding*). Coordinate descent does that in turn, and stops when the *duality gap* is small. The
gap bounds how far the objective is above its minimum; that coefficients have stopped moving bounds nothing.

References
----------
Hoerl, A., Kennard, R. (1970). Ridge regression. Technometrics 12(1).
Tibshirani, R. (1996). Regression shrinkage and selection via the lasso. J. R. Stat. Soc. B 58(1).
Golub, G., Heath, M., Wahba, G. (1979). Generalized cross-validation. Technometrics 21(2).
Friedman, J., Hastie, T., Tibshirani, R. (2010). Regularization paths for generalized linear models via
coordinate descent. J. Stat. Softw. 33(1).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, qr, svd
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_X_y

from mltoolkit.tabular._ways import fastest, has_gram
from mltoolkit.tabular._working_sets import wide_path
from mltoolkit.tabular.linear import (
    LinearRegressor,
    Moments,
    checked_weights,
    count_fault,
    grid_fault,
    moments,
    number_fault,
    refuse_faults,
    training_moments,
)

_BLOCK = 1024  # rows that leave-one-out works on at a time, so that they stay in the cache
_TRUSTED = 1e-8  # smallest over largest eigenvalue of XᵀX + alpha I, below which squaring has cost too many digits
_EPS = float(np.finfo(np.float64).eps)


class Ridge(LinearRegressor):
    """Least squares with a penalty on the squares of the coefficients.

    Minimises Σ sᵢ (yᵢ - xᵢ·w - b)² + alpha · Σ wⱼ² over w and the intercept b, which is not penalised.

    Parameters
    ----------
    alpha : float, default 1.0
        Weight of the penalty, 0 or above. At 0 this is ordinary least squares; where the columns do not
        settle its solution (collinear ones, more columns than rows), the one of least norm.
    fit_intercept : bool, default True
        False for data that goes through the origin: nothing is centred and ``intercept_`` is 0.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        w; of X's precision.
    intercept_ : float
        b = mean(y) - mean(X)·w, with weighted means.
    n_features_in_ : int
        d, the number of columns.
    feature_names_in_ : ndarray of shape (d,)
        The columns' names, when X was a DataFrame whose names are all strings.

    Raises
    ------
    ValueError
        From ``fit``: NaN or infinity in X or y, shapes that do not fit, weights that are negative or all
        zero, or a parameter out of its range (all faults of the parameters at once).

    Examples
    --------
    >>> Ridge(alpha=2.0).fit([[-1.0], [0.0], [1.0]], [1.0, 3.0, 5.0]).coef_
    array([1.])
    """

    def __init__(self, alpha: float = 1.0, *, fit_intercept: bool = True) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Ridge:
        """Learn the coefficients.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,) or None, default None
            Not negative. A weight of 2 counts as the row twice, a weight of 0 as if it were not there.

        Returns
        -------
        Ridge
            The estimator itself.
        """
        data, target, weights = self.checked(X, y, sample_weight)
        refuse_faults("Ridge", number_fault("alpha", self.alpha))
        rows = _Rows.of(data, target, weights, centre=self.fit_intercept)
        sums = rows.moments()
        coef = _spectrum(rows, sums, self.alpha).coefficients([self.alpha])[:, 0]
        self.set_coefficients(*rows.back(coef, sums), data.dtype)
        return self


class RidgeCV(LinearRegressor):
    """Ridge regression that chooses its alpha by cross-validation, then fits all rows.

    Parameters
    ----------
    alphas : array-like of shape (A,), default (0.1, 1.0, 10.0)
        What to choose from; all above 0.
    fit_intercept : bool, default True
        As in ``Ridge``.
    cv : int, splitter, iterable of (train, test) or None, default None
        None leaves out one row at a time, in closed form: with fitted values ŷᵢ and leverages hᵢ (the
        intercept's share sᵢ / Σ s included), row i's error when it is left out is (yᵢ - ŷᵢ) / (1 - hᵢ).
        An int k gives k folds of consecutive rows, as ``sklearn.model_selection.KFold(k)``.

    Attributes
    ----------
    alpha_ : float
        The alpha of least ``cv_errors_``; of several, the first.
    cv_errors_ : ndarray of shape (A,)
        Mean squared error of the rows left out, weighted, for each alpha in the order given: over all rows
        when one is left out at a time, else the plain mean over the folds of each fold's weighted mean.
    coef_, intercept_, n_features_in_, feature_names_in_
        As in ``Ridge``, at ``alpha_`` on all rows.

    Raises
    ------
    ValueError
        As in ``Ridge``; also when fewer than two rows have a weight above 0, or a fold leaves no row to
        learn from.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[-1.0], [0.0], [1.0], [2.0]])
    >>> RidgeCV([0.01, 1.0, 100.0]).fit(X, [1.0, 3.1, 4.9, 7.0]).alpha_
    0.01
    """

    def __init__(self, alphas: ArrayLike = (0.1, 1.0, 10.0), *, fit_intercept: bool = True, cv: Any = None) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.cv = cv

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RidgeCV:
        """Choose alpha and learn the coefficients.

        Parameters
        ----------
        X : array-like of shape (n, d), n >= 2
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,) or None, default None
            As in ``Ridge``. Errors of the rows left out are weighted by it too.

        Returns
        -------
        RidgeCV
            The estimator itself.
        """
        data, target, weights = self.checked(X, y, sample_weight, least_rows=2)
        refuse_faults(
            "RidgeCV",
            grid_fault(self.alphas),
            "" if np.count_nonzero(weights) > 1 else "needs at least two rows of a weight above 0, one to leave out",
        )
        alphas = np.asarray(self.alphas, dtype=np.float64)
        rows = _Rows.of(data, target, weights, centre=self.fit_intercept)
        if self.cv is None:
            sums = rows.moments()
            spectrum = _spectrum(rows, sums, float(alphas.min()))
            tall = len(target) > rows.X.shape[1]
            self.cv_errors_ = _left_out(rows, sums, spectrum, alphas) if tall else _left_out_wide(rows, sums, alphas)
        else:
            splits = list(check_cv(self.cv).split(data, target))
            sums, training = training_moments(rows.X, target, weights, splits, centre=rows.centre)
            spectrum = _spectrum(rows, sums, float(alphas.min()))
            self.cv_errors_ = _fold_errors(rows, splits, training, alphas)
        self.alpha_ = float(alphas[np.argmin(self.cv_errors_)])
        coef = spectrum.coefficients([self.alpha_])[:, 0]
        self.set_coefficients(*rows.back(coef, sums), data.dtype)
        return self


class Lasso(LinearRegressor):
    """Least squares with a penalty on the magnitudes of the coefficients: many of them end at exactly 0.

    Minimises Σ sᵢ (yᵢ - xᵢ·w - b)² / (2 Σ sᵢ) + alpha · Σ |wⱼ| over w and the intercept b, which is not
    penalised.

    Parameters
    ----------
    alpha : float, default 1.0
        Weight of the penalty, above 0; for none at all take ``Ridge(alpha=0)``.
    fit_intercept : bool, default True
        As in ``Ridge``.
    max_iter : int, default 1000
        The most sweeps over the coordinates.
    tol : float, default 1e-4
        Sweeps end when the duality gap is at most tol · Σ sᵢ (yᵢ - mean(y))² / Σ sᵢ (y itself instead of
        y - mean(y) without intercept), so it has no unit.

    Attributes
    ----------
    coef_, intercept_, n_features_in_, feature_names_in_
        As in ``Ridge``.
    dual_gap_ : float
        Duality gap at ``coef_``, in the units of the objective: the objective is at most this far above
        its minimum.
    n_iter_ : int
        How many sweeps were made, at least 1.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        When ``max_iter`` sweeps left a gap above the tolerance; ``coef_`` is then what was reached. A
        warning and not an error, as users of scikit-learn expect: a path or a grid search goes on, and
        ``warnings.simplefilter("error", ConvergenceWarning)`` makes it an error.

    Raises
    ------
    ValueError
        As in ``Ridge``.

    Notes
    -----
    With centred columns, c = Xᵀy / n, G = XᵀX / n and q = c - G w (the columns' products with the residuals
    r, over n), coordinate j's minimum is soft(qⱼ + Gⱼⱼ wⱼ, alpha) / Gⱼⱼ, where
    soft(z, t) = sign(z) · max(|z| - t, 0). A constant column keeps the coefficient 0. With
    s = min(1, alpha / max |qⱼ|), the residuals times s are a feasible point of the dual, and the gap is
    (1 + s²) · r·r / (2 n) + alpha · Σ |wⱼ| - s · r·y / n.

    Examples
    --------
    >>> Lasso(alpha=1.0).fit([[-1.0, 0.1], [0.0, -0.2], [1.0, 0.1]], [1.0, 3.0, 5.0]).coef_
    array([0.5, 0. ])
    """

    def __init__(
        self, alpha: float = 1.0, *, fit_intercept: bool = True, max_iter: int = 1000, tol: float = 1e-4
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Lasso:
        """Learn the coefficients.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,) or None, default None
            As in ``Ridge``; only the ratios of the weights matter.

        Returns
        -------
        Lasso
            The estimator itself.
        """
        data, target, weights = self.checked(X, y, sample_weight)
        refuse_faults(
            "Lasso",
            number_fault("alpha", self.alpha, positive=True),
            count_fault("max_iter", self.max_iter),
            number_fault("tol", self.tol),
        )
        path = solve_path(
            data, target, weights, np.array([self.alpha], dtype=np.float64),
            centre=self.fit_intercept, tol=self.tol, max_iter=self.max_iter,
        )  # fmt: skip
        path.warn("Lasso", self.tol)
        self.set_coefficients(path.coefs[0], path.intercepts[0], data.dtype)
        self.dual_gap_, self.n_iter_ = float(path.gaps[0]), int(path.sweeps[0])
        return self


def lasso_path(
    X: ArrayLike,
    y: ArrayLike,
    *,
    alphas: ArrayLike | None = None,
    n_alphas: int = 100,
    eps: float = 1e-3,
    max_iter: int = 1000,
    tol: float = 1e-4,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Lasso coefficients for many alphas, each fit started from the one before.

    Like scikit-learn's function of this name it takes the data as it is and fits no intercept: centre the
    columns of X and y first, or the path is that of another model.

    Parameters
    ----------
    X : array-like of shape (n, d)
    y : array-like of shape (n,)
    alphas : array-like of shape (A,) or None, default None
        All above 0, in any order. None for ``n_alphas`` values, equally spaced on a log scale, from the
        least alpha at which every coefficient is 0, max |Xᵀy| / n, down to ``eps`` times that.
    n_alphas : int, default 100
    eps : float, default 1e-3
        Strictly between 0 and 1.
    max_iter, tol
        As in ``Lasso``, for each alpha.

    Returns
    -------
    alphas : ndarray of shape (A,)
        Falling.
    coefs : ndarray of shape (d, A)
        A column for each alpha.
    dual_gaps : ndarray of shape (A,)
        As ``dual_gap_`` of ``Lasso``.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        When some alphas did not converge: says how many, and which is the largest of them.

    Raises
    ------
    ValueError
        As in ``Lasso``.

    Examples
    --------
    >>> alphas, coefs, gaps = lasso_path([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0], alphas=[1.0, 0.5])
    >>> coefs.round(3)
    array([[0.5 , 1.25]])
    """
    data, target = check_X_y(X, y, dtype=np.float64, y_numeric=True)
    refuse_faults(
        "lasso_path",
        "" if alphas is None else grid_fault(alphas),
        count_fault("n_alphas", n_alphas),
        number_fault("eps", eps, positive=True) or ("" if eps < 1 else f"eps={eps!r} is not below 1"),
        count_fault("max_iter", max_iter),
        number_fault("tol", tol),
    )
    weights = checked_weights(None, len(data))
    if alphas is None:
        grid = alpha_grid(data.T @ target / len(data), n_alphas, eps)
    else:
        grid = np.sort(np.asarray(alphas, dtype=np.float64))[::-1].copy()
    path = solve_path(data, target.astype(np.float64), weights, grid, centre=False, tol=tol, max_iter=max_iter)
    path.warn("lasso_path", tol)
    return grid, path.coefs.T, path.gaps


@dataclass(frozen=True)
class _Rows:
    """A table to fit: n rows of p <= n coordinates, where ``basis`` (d, p) and ``shift`` (d,) lead back to d."""

    X: NDArray[Any]
    y: NDArray[np.float64]
    weights: NDArray[np.float64]
    centre: bool
    basis: NDArray[np.float64] | None = None
    shift: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, X: NDArray[Any], y: NDArray[np.float64], weights: NDArray[np.float64], *, centre: bool) -> _Rows:
        """The table itself; in coordinates of its row space when it is wide."""
        n, d = X.shape
        if n >= d:
            return cls(X, y, weights, centre)
        shift = X.mean(axis=0, dtype=np.float64) if centre else np.zeros(d)
        basis, coordinates = qr((X - shift).T, mode="economic")
        return cls(coordinates.T, y, weights, centre, basis, shift)

    def moments(self) -> Moments:
        return moments(self.X, self.y, self.weights, centre=self.centre)

    def part(self, index: Any) -> _Rows:
        """Some of the rows, in the same coordinates."""
        return _Rows(self.X[index], self.y[index], self.weights[index], self.centre)

    def weighted(self, mean: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The rows about ``mean``, times the roots of their weights: A of shape (n, p) and b of shape (n,)."""
        root = np.sqrt(self.weights)
        return (self.X - mean[:-1]) * root[:, np.newaxis], (self.y - mean[-1]) * root

    def back(self, coef: NDArray[np.float64], sums: Moments) -> tuple[NDArray[np.float64], float]:
        """Coefficients (d,) of the original columns, and the intercept."""
        intercept = sums.intercept(coef)
        if self.basis is None or self.shift is None:
            return coef, intercept
        original = self.basis @ coef
        return original, intercept - float(self.shift @ original)


class _Spectrum(NamedTuple):
    """Eigenvalues (r,) and eigenvectors (p, r) of the centred XᵀX, and Xᵀy along these vectors (r,)."""

    values: NDArray[np.float64]
    vectors: NDArray[np.float64]
    target: NDArray[np.float64]

    def coefficients(self, alphas: ArrayLike) -> NDArray[np.float64]:
        """Ridge coefficients, shape (p, A); a direction in which nothing varies gets none."""
        shrunk = self.values[:, np.newaxis] + np.asarray(alphas)
        along = np.divide(self.target[:, np.newaxis], shrunk, out=np.zeros_like(shrunk), where=shrunk > 0)
        return np.asarray(self.vectors @ along)


def _spectrum(rows: _Rows, sums: Moments, alpha: float, index: Any = slice(None)) -> _Spectrum:
    """Decompose XᵀX of the rows ``index``, or X itself where ``alpha`` does not make up for what squaring costs."""
    values, vectors = eigh(sums.gram)
    if values[0] + alpha >= _TRUSTED * values[-1]:
        return _Spectrum(values.clip(min=0.0), vectors, vectors.T @ sums.cross)
    A, b = rows.part(index).weighted(sums.mean)
    left, singular, right = svd(A, full_matrices=False)
    kept = singular > _EPS * max(A.shape) * singular[0]
    return _Spectrum(singular[kept] ** 2, right[kept].T, singular[kept] * (left[:, kept].T @ b))


def _left_out(rows: _Rows, sums: Moments, spectrum: _Spectrum, alphas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean squared error of rows left out one at a time, for each alpha; more rows than coordinates."""
    shrink = 1.0 / (spectrum.values[:, np.newaxis] + alphas)  # (r, A)
    coefs = spectrum.target[:, np.newaxis] * shrink
    errors = np.zeros(len(alphas))
    for start in range(0, len(rows.y), _BLOCK):
        part = rows.part(slice(start, start + _BLOCK))
        A, b = part.weighted(sums.mean)
        along = A @ spectrum.vectors
        share = part.weights / sums.weight if rows.centre else np.zeros(len(b))
        residuals = b[:, np.newaxis] - along @ coefs
        np.square(along, out=along)
        left = (1.0 - share)[:, np.newaxis] - along @ shrink  # 1 - leverage
        errors += np.sum((residuals / left.clip(min=_EPS)) ** 2, axis=0)
    return errors / sums.weight


def _left_out_wide(rows: _Rows, sums: Moments, alphas: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same where leverages come close to 1: 1 - hᵢ is summed up, not subtracted, so no digits cancel.

    With all left singular vectors u of A, I - H is the sum of alpha / (λ + alpha) u uᵀ over the directions
    that the intercept has left; those are at right angles to the roots of the weights.
    """
    A, b = rows.weighted(sums.mean)
    basis = np.eye(len(b))
    if rows.centre:
        mirror = np.sqrt(rows.weights / sums.weight)
        mirror[0] += 1.0  # Householder: swaps the roots of the weights and the first axis, which is then left out
        basis = (basis - np.outer(mirror, mirror) * (2.0 / (mirror @ mirror)))[:, 1:]
    left, singular, _ = svd(basis.T @ A)
    directions = basis @ left
    values = np.zeros(directions.shape[1])
    values[: len(singular)] = singular**2
    kept = alphas / (values[:, np.newaxis] + alphas)
    residuals = directions @ (kept * (directions.T @ b)[:, np.newaxis])
    errors = residuals / (np.square(directions) @ kept)
    return np.asarray(np.sum(errors**2, axis=0) / sums.weight)


def _fold_errors(
    rows: _Rows,
    splits: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    training: Sequence[Moments],
    alphas: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mean over the folds of the mean squared error of the rows held out, for each alpha."""
    errors = []
    for (train, test), sums in zip(splits, training, strict=True):
        coefs = _spectrum(rows, sums, float(alphas.min()), train).coefficients(alphas)
        held = rows.part(test)
        gaps = (held.y - sums.mean[-1])[:, np.newaxis] - (held.X - sums.mean[:-1]) @ coefs
        errors.append(held.weights @ gaps**2 / held.weights.sum())
    return np.asarray(np.mean(errors, axis=0))


class LassoPath(NamedTuple):
    """Solutions for A alphas.

    ``coefs`` (A, d), ``intercepts`` (A,), duality ``gaps`` (A,), how many ``sweeps`` (A,) each took, the
    ``alphas`` (A,), and the ``scale`` of the tolerance, Σ sᵢ (yᵢ - mean(y))² / Σ sᵢ.
    """

    coefs: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    gaps: NDArray[np.float64]
    sweeps: NDArray[np.int64]
    alphas: NDArray[np.float64]
    scale: float

    def warn(self, caller: str, tol: float) -> None:
        """Say which alphas did not converge, if any."""
        late = np.flatnonzero(self.gaps > tol * self.scale)
        if len(late):
            first = late[0]
            warnings.warn(
                f"{caller}: {len(late)} of {len(self.alphas)} alphas did not converge; at alpha="
                f"{self.alphas[first]:.4g} the duality gap is {self.gaps[first]:.3g} after {self.sweeps[first]} "
                f"sweeps, above {tol * self.scale:.3g}. Raise max_iter or tol, or bring the columns to one scale",
                ConvergenceWarning,
                stacklevel=3,
            )


def alpha_grid(products: NDArray[np.float64], n_alphas: int, eps: float) -> NDArray[np.float64]:
    """Alphas from max |products|, where every coefficient is 0, down to eps times that; ``products`` is Xᵀy / n."""
    largest = max(float(np.max(np.abs(products))), float(np.finfo(np.float64).resolution))
    return np.asarray(np.geomspace(largest, largest * eps, n_alphas))


def solve_path(
    X: NDArray[Any],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    alphas: NDArray[np.float64],
    *,
    centre: bool,
    tol: float,
    max_iter: int,
) -> LassoPath:
    """Lasso coefficients for falling alphas, from the Gram matrix or, where that is too big, from working sets."""
    if has_gram(*X.shape):
        return path_of_moments(moments(X, y, weights, centre=centre), alphas, tol=tol, max_iter=max_iter)
    kept = weights > 0
    total, mean = float(weights.sum()), np.zeros(X.shape[1] + 1)
    A, b, root = X[kept].astype(np.float64, copy=False), y[kept], np.sqrt(weights[kept])
    if centre:
        mean[:-1], mean[-1] = root**2 @ A / total, root**2 @ b / total
        A, b = np.subtract(A, mean[:-1], out=A), b - mean[-1]
    if (root != 1.0).any():
        A, b = np.multiply(A, root[:, np.newaxis], out=A), b * root
    solve = fastest(descend, A.shape[1], len(alphas))
    coefs, gaps, sweeps = wide_path(A, b, total, alphas, solve, tol, max_iter)
    return LassoPath(coefs, mean[-1] - coefs @ mean[:-1], gaps, sweeps, alphas, float(b @ b) / total)


def path_of_moments(sums: Moments, alphas: NDArray[np.float64], *, tol: float, max_iter: int) -> LassoPath:
    """Lasso coefficients for falling alphas from the moments of a table."""
    gram, target, square = sums.gram / sums.weight, sums.cross / sums.weight, sums.square / sums.weight
    solve = fastest(descend, len(target), len(alphas))
    coefs, gaps, sweeps = solve(gram, target, square, alphas, np.zeros(len(target)), tol, max_iter)
    intercepts = sums.mean[-1] - coefs @ sums.mean[:-1]
    return LassoPath(coefs, intercepts, gaps, sweeps, alphas, square)


def descend(
    gram: NDArray[np.float64],
    target: NDArray[np.float64],
    square: float,
    alphas: NDArray[np.float64],
    coef: NDArray[np.float64],
    tol: float,
    max_iter: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Coordinate descent for each alpha in turn, started from the one before; the first from ``coef``.

    Parameters
    ----------
    gram : ndarray of shape (d, d)
        XᵀX / n, in the leading part of what may be a larger buffer.
    target : ndarray of shape (d,)
        Xᵀy / n.
    square : float
        y·y / n.
    alphas : ndarray of shape (A,)
    coef : ndarray of shape (d,)
        Not changed.
    tol : float
        Sweeps end when the duality gap is at most tol · square.
    max_iter : int
        The most sweeps for one alpha; at least one is made.

    Returns
    -------
    coefs : ndarray of shape (A, d)
    gaps : ndarray of shape (A,)
    sweeps : ndarray of shape (A,)
    """
    gram = gram[: len(target), : len(target)]
    w, q = coef.copy(), target - gram @ coef
    found = []
    for alpha in alphas:
        sweep = 0
        while sweep < max_iter:
            sweep += 1
            for j in np.flatnonzero(gram.diagonal() > 0):
                size = gram[j, j]
                pull = q[j] + size * w[j]
                new = np.sign(pull) * max(abs(pull) - alpha, 0.0) / size
                if new != w[j]:
                    q -= gram[j] * (new - w[j])
                    w[j] = new
            gap = _duality_gap(target, square, w, q, alpha)
            if gap <= tol * square:
                break
        found.append((w.copy(), gap, sweep))
    coefs, gaps, sweeps = zip(*found, strict=True)
    return np.array(coefs), np.array(gaps), np.array(sweeps)


def _duality_gap(
    target: NDArray[np.float64], square: float, w: NDArray[np.float64], q: NDArray[np.float64], alpha: float
) -> float:
    """How far the objective at w can be above its minimum."""
    scale = alpha / max(float(np.max(np.abs(q))), alpha)
    residual = max(square - float(w @ (target + q)), 0.0)  # r·r / n
    gap = residual * (1.0 + scale**2) / 2.0 + alpha * float(np.sum(np.abs(w))) - scale * (square - float(w @ target))
    return max(gap, 0.0)
