"""Data that breaks a careless regression, and scikit-learn's answers to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT = 1e-6  # agreement with scikit-learn
TIGHT: dict[str, Any] = {"tol": 1e-13, "max_iter": 10_000}  # a lasso as exact as double precision lets it be
Table = tuple[NDArray[np.float64], NDArray[np.float64]]


def cases_of(rng: np.random.Generator) -> dict[str, Table]:
    """Tables (X, y), smallest first."""
    tall = rng.standard_normal((10, 2)) * [2.0, 0.5] + [1.0, -3.0]
    constant = rng.standard_normal((14, 3)) * [1.0, 1.0, 3.0]
    constant[:, 1] = 0.7
    wide = rng.standard_normal((7, 12)) + 1.0
    long = rng.standard_normal((40, 5)) @ (np.eye(5) + 0.4) * [1.0, 2.0, 0.5, 3.0, 1.0] + 4.0
    return {
        "tall": (tall, _target(tall, rng)),
        "constant column": (constant, _target(constant, rng)),
        "wide": (wide, _target(wide, rng)),
        "long": (long, _target(long, rng)),
    }


def _target(X: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    coef = np.where(np.arange(X.shape[1]) % 2 == 0, 1.5, -0.2)
    return X @ coef + rng.standard_normal(len(X)) + 20.0


def weights_of(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Weights that differ, one of them 0."""
    weights = rng.gamma(2.0, 1.0, n)
    weights[n // 2] = 0.0
    return weights


def largest_alpha(X: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The least alpha at which every coefficient of the lasso is 0."""
    return float(np.max(np.abs((X - X.mean(axis=0)).T @ (y - y.mean())))) / len(y)


def ridge_oracle(alpha: float, X: Any, y: Any, weights: Any = None, *, fit_intercept: bool = True) -> Any:
    """scikit-learn's ridge, by singular values."""
    from sklearn.linear_model import Ridge

    return Ridge(alpha, fit_intercept=fit_intercept, solver="svd").fit(X, y, weights)


def lasso_oracle(alpha: float, X: Any, y: Any, weights: Any = None, *, fit_intercept: bool = True) -> Any:
    """scikit-learn's lasso, to the last digits."""
    from sklearn.linear_model import Lasso

    return Lasso(alpha, fit_intercept=fit_intercept, **TIGHT).fit(X, y, weights)


def held_out(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    alphas: NDArray[np.float64],
    splits: Any,
    weights: NDArray[np.float64] | None = None,
    *,
    fit_intercept: bool = True,
) -> NDArray[np.float64]:
    """Weighted mean squared error of the test part of each split by each alpha, by fitting again and again.

    A ridge is the least-squares fit to the centred rows and, below them, √alpha times the identity with
    targets of 0; ``numpy.linalg.lstsq`` solves that without squaring anything.
    """
    d = X.shape[1]
    s = np.ones(len(y)) if weights is None else weights
    errors = np.zeros((len(splits), len(alphas)))
    for i, (train, test) in enumerate(splits):
        root = np.sqrt(s[train])
        mean, centre = np.zeros(d), 0.0
        if fit_intercept:
            mean, centre = np.average(X[train], axis=0, weights=s[train]), float(np.average(y[train], weights=s[train]))
        rows, target = (X[train] - mean) * root[:, np.newaxis], (y[train] - centre) * root
        for k, alpha in enumerate(alphas):
            stacked = np.vstack([rows, np.sqrt(alpha) * np.eye(d)])
            coef = np.linalg.lstsq(stacked, np.append(target, np.zeros(d)), rcond=None)[0]
            gaps = y[test] - centre - (X[test] - mean) @ coef
            errors[i, k] = np.sum(s[test] * gaps**2) / max(float(np.sum(s[test])), np.finfo(float).tiny)
    return errors


def one_at_a_time(n: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Splits that leave out one row each."""
    rows = np.arange(n)
    return [(np.delete(rows, i), rows[i : i + 1]) for i in range(n)]
