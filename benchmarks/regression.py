"""Week 6: ridge and lasso tuned by cross-validation, beside scikit-learn and celer.

Ridge: 25 alphas on 20,000 x 200. scikit-learn's leave-one-out decomposes the Gram matrix once, as ours does; its
folds are a grid search that fits every alpha on every fold anew, where ours adds up the folds' moments and
decomposes each training part once. scikit-learn's folds are scored by the mean squared error, as ours are; its
default there is R², which can choose another alpha. Equal: the same alpha, and coefficients to 1e-8 of the largest.

Lasso: a path of 100 alphas on five folds, with scikit-learn's defaults on both sides (1,000 sweeps, a gap of 1e-4 of
the target's variance). celer's LassoCV does not run with scikit-learn 1.9, so its solver ``celer_path`` is called as
that class calls it: once a fold, then once on all rows. It is made for many columns, and takes a hundred times longer
than ours on the tall table, where it is left out. Equal: the same grid, at the chosen alpha the same objective
within that tolerance, and along the whole path the mean error of the folds to 3%. A chosen alpha may be a neighbour
where the peer's own mean errors of both agree to 0.1%, since each side stops somewhere within the tolerance.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import linear_model
from sklearn.exceptions import ConvergenceWarning

from harness import Row, main
from mltoolkit.tabular import LassoCV, RidgeCV

ALPHAS = np.geomspace(1e-2, 1e4, 25)
FOLDS = 5
TOLERANCE = 1e-4  # the default of all three lassos: duality gap over the mean square of the centred target
Table = tuple[NDArray[np.float64], NDArray[np.float64]]


@cache
def tall() -> Table:
    """Correlated columns, all of which set the target, and as much noise as signal."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 200)) + 0.5 * rng.standard_normal((20_000, 1))
    signal = X @ rng.standard_normal(200)
    return X, signal + signal.std() * rng.standard_normal(20_000)


@cache
def wide() -> Table:
    """Independent columns, of which 20 set the target, and a third as much noise as signal."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 5_000))
    signal = X[:, :20] @ rng.standard_normal(20)
    return X, signal + 0.3 * signal.std() * rng.standard_normal(500)


def same_ridge(ours: Any, theirs: Any) -> str:
    """Whether both chose one alpha and learned the same."""
    if ours.alpha_ != theirs.alpha_:
        return f"alpha {ours.alpha_:g} and {theirs.alpha_:g}"
    gap = float(np.max(np.abs(ours.coef_ - theirs.coef_)) / np.max(np.abs(theirs.coef_)))
    return "" if gap <= 1e-8 else f"coefficients differ by {gap:.2g}"


def same_lasso(X: NDArray[np.float64], y: NDArray[np.float64]) -> Callable[[Any, Any], str]:
    """Whether both went down the same path and ended at solutions of the same worth."""
    scale = float(np.mean((y - y.mean()) ** 2))

    def objective(model: Any, alpha: float) -> float:
        residuals = y - X @ model.coef_ - model.intercept_
        return float(residuals @ residuals) / (2 * len(y)) + alpha * float(np.sum(np.abs(model.coef_)))

    def compare(ours: Any, theirs: Any) -> str:
        if not np.allclose(ours.alphas_, theirs.alphas_, rtol=1e-9, atol=0.0):
            return "the grids of alphas differ"
        mine, other = ours.mse_path_.mean(axis=1), theirs.mse_path_.mean(axis=1)
        gap = float(np.max(np.abs(mine / other - 1.0)))
        if gap > 0.03:
            return f"errors of the folds differ by {gap:.2g}"
        chosen = np.argmin(np.abs(ours.alphas_ - ours.alpha_)), np.argmin(np.abs(ours.alphas_ - theirs.alpha_))
        if chosen[0] != chosen[1]:
            if abs(other[chosen[0]] / other[chosen[1]] - 1.0) > 1e-3:
                return f"alpha {ours.alpha_:g} and {theirs.alpha_:g}"
            return ""  # equally good in the peer's own eyes; their objectives are not comparable
        gap = abs(objective(ours, ours.alpha_) - objective(theirs, ours.alpha_)) / scale
        return "" if gap <= TOLERANCE else f"objectives differ by {gap:.2g} of the target's variance"

    return compare


def quietly(work: Callable[[], Any]) -> Callable[[], Any]:
    """The same without warnings: at the smallest alphas no side meets its tolerance within 1,000 sweeps."""

    def silent() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return work()

    return silent


def with_celer(X: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
    """LassoCV by celer's solver of paths."""
    from celer import celer_path
    from sklearn.model_selection import KFold

    alphas = np.geomspace(1.0, 1e-3, 100) * np.max(np.abs((X - X.mean(axis=0)).T @ (y - y.mean()))) / len(y)

    def path(rows: NDArray[np.intp], grid: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coefficients (d, A) and intercepts (A,)."""
        mean, centre = X[rows].mean(axis=0), y[rows].mean()
        centred = np.asfortranarray(X[rows] - mean)
        coefs = celer_path(centred, y[rows] - centre, "lasso", alphas=grid, tol=TOLERANCE, prune=True)[1]
        return coefs, centre - mean @ coefs

    errors = []
    for train, test in KFold(FOLDS).split(X):
        coefs, intercepts = path(train, alphas)
        errors.append(np.mean((y[test][:, np.newaxis] - X[test] @ coefs - intercepts) ** 2, axis=0))
    best = int(np.argmin(np.mean(errors, axis=0)))
    coefs, intercepts = path(np.arange(len(y)), alphas[: best + 1])
    return SimpleNamespace(
        alphas_=alphas,
        alpha_=alphas[best],
        mse_path_=np.transpose(errors),
        coef_=coefs[:, -1],
        intercept_=intercepts[-1],
    )


def ridge_rows(X: NDArray[np.float64], y: NDArray[np.float64]) -> list[Row]:
    """Leave-one-out, then folds."""
    workload = f"{len(X):,} x {X.shape[1]} float64, {len(ALPHAS)} alphas"
    return [
        Row(
            "ridge, leave-one-out",
            workload,
            "sklearn RidgeCV(alphas)",
            lambda: RidgeCV(ALPHAS).fit(X, y),
            lambda: linear_model.RidgeCV(ALPHAS).fit(X, y),
            same_ridge,
            goal=10.0,
        ),
        Row(
            f"ridge, {FOLDS} folds",
            workload,
            f"sklearn RidgeCV(alphas, cv={FOLDS}, scoring='neg_mean_squared_error')",
            lambda: RidgeCV(ALPHAS, cv=FOLDS).fit(X, y),
            lambda: linear_model.RidgeCV(ALPHAS, cv=FOLDS, scoring="neg_mean_squared_error").fit(X, y),
            same_ridge,
            goal=50.0,
        ),
    ]


def lasso_rows(name: str, X: NDArray[np.float64], y: NDArray[np.float64]) -> list[Row]:
    """A path on five folds, beside each peer that is installed."""
    peers: dict[str, tuple[str, Callable[[], Any]]] = {
        "sklearn": (f"LassoCV(cv={FOLDS})", lambda: linear_model.LassoCV(cv=FOLDS).fit(X, y))
    }
    if importlib.util.find_spec("celer") and X.shape[1] > len(X):
        peers["celer"] = f"celer_path on {FOLDS} folds and all rows", lambda: with_celer(X, y)
    return [
        Row(
            f"lasso path, {name}, beside {peer}",
            f"{len(X):,} x {X.shape[1]:,} float64, 100 alphas, {FOLDS} folds, default tolerances",
            f"{peer} {call}",
            quietly(lambda: LassoCV(cv=FOLDS).fit(X, y)),
            quietly(fit),
            same_lasso(X, y),
            goal=3.0,
        )
        for peer, (call, fit) in peers.items()
    ]


if __name__ == "__main__":
    main(
        "regression",
        [
            *ridge_rows(*tall()),
            *lasso_rows("tall", *tall()),
            *lasso_rows("wide", *wide()),
        ],
        ("fiftytwo", "numpy", "scipy", "scikit-learn", "numba", "celer"),
        pairs=5,
    )
