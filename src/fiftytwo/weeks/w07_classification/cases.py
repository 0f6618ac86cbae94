"""Data that breaks a careless classifier, and the oracles that know the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

CLOSE = 1e-5  # in coefficients of size 1: two optimizers that end within their tolerances
EXACT = 1e-9


@dataclass(frozen=True)
class Case:
    """Rows, classes, weights, and the penalty they are fitted with."""

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    weights: NDArray[np.float64]
    C: float


def cases_of(rng: np.random.Generator, classes: int) -> dict[str, Case]:
    """Small data, smallest first: plain, far from zero, a strong and a weak penalty, one column twice."""

    def one(n: int, d: int, C: float, *, shift: float = 0.0) -> Case:
        X = rng.standard_normal((n, d)) * np.linspace(2.0, 0.5, d) + shift
        scores = X @ rng.standard_normal((d, classes)) + 0.8 * rng.gumbel(size=(n, classes))
        y = np.argmax(scores - scores.mean(axis=0), axis=1)
        y[:classes] = np.arange(classes)
        return Case(X, y, rng.uniform(0.2, 2.0, n), C)

    twins = one(50, 3, 1.0)
    twins.X[:, 2] = twins.X[:, 0]
    return {
        "plain": one(30, 2, 1.0),
        "strong penalty": one(40, 3, 0.01),
        "weak penalty": one(80, 3, 50.0),
        "far from zero": one(60, 2, 1.0, shift=20.0),
        "a column twice": twins,
    }


def oracle(case: Case, *, weighted: bool = False, intercept: bool = True, class_weight: Any = None) -> Any:
    """scikit-learn's fit of a case, to the last digits."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=case.C, fit_intercept=intercept, class_weight=class_weight, solver="newton-cg", tol=1e-11, max_iter=10_000
    )
    return model.fit(case.X, case.y, sample_weight=case.weights if weighted else None)


def platt_oracle(
    scores: NDArray[np.float64], y: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Slope and offset of Platt's sigmoid, shape (2,), by a general minimizer on his targets."""
    ones = float(weights[y == 1].sum())
    zeros = float(weights.sum()) - ones
    targets = np.where(y == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = -(line[0] * scores + line[1])
        errors = weights * (expit(z) - targets)
        value = float(weights @ (np.logaddexp(0.0, z) - targets * z))
        return value, -np.array([errors @ scores, errors.sum()])

    found = minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-10})
    return np.asarray(found.x)
