"""Least squares, ridge and lasso on held-out folds, with everything that is learned learned in the fold.

Each of ten folds is predicted by models that never saw it: missing values are filled with the training rows'
medians, columns are scaled by the training rows' means and deviations, and alpha is chosen within the
training rows (ridge by leave-one-out, the lasso by five inner folds). Two models are compared fold by fold,
since a hard fold is hard for both. Folds share most of their training rows, so their differences are not
independent; the interval widens its variance from 1/k to 1/k + test/train rows (Nadeau and Bengio).

References
----------
Nadeau, C., Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.weeks.w06_regression.prices import Subject

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

MODELS = ("least squares", "ridge", "lasso")
RIDGE_ALPHAS = np.geomspace(1e-2, 1e4, 25)
_FOLDS, _INNER = 10, 5
_LASSO_ALPHAS, _EPS = 30, 1e-3
_SWEEPS = 20_000  # the small end of a path with fewer rows than columns takes long


@dataclass(frozen=True)
class Contest:
    """What the folds gave: root mean squared errors of shape (folds, models), and the rows behind them."""

    subject: Subject
    errors: NDArray[np.float64]
    kept: NDArray[np.float64]  # columns that the lasso kept, for each fold

    def rmse(self, model: str) -> float:
        """Mean over the folds."""
        return float(self.errors[:, MODELS.index(model)].mean())

    def gain(self, model: str) -> tuple[float, float, float]:
        """How much lower the error is than that of least squares, with the ends of its 95% interval."""
        from scipy.stats import t

        gains = self.errors[:, 0] - self.errors[:, MODELS.index(model)]
        k = len(gains)
        half = t.ppf(0.975, k - 1) * np.sqrt(gains.var(ddof=1) * (1 / k + 1 / (k - 1)))  # test / train = 1 / (k - 1)
        return float(gains.mean()), float(gains.mean() - half), float(gains.mean() + half)


def hold(lab: Lab, subject: Subject) -> Contest:
    """Predict each fold by the three models."""
    rows = np.arange(len(subject.y))
    errors, kept = [], []
    for test in lab.progress(np.array_split(rows, _FOLDS), f"folds of {subject.name}"):
        train = np.setdiff1d(rows, test)
        learn, judge = scaled(subject.X[train], subject.X[test])
        y = subject.y[train]
        lasso = tuned_lasso(lab, learn, y)
        models = (
            lab.solution.Ridge(alpha=0).fit(learn, y),
            lab.solution.RidgeCV(RIDGE_ALPHAS).fit(learn, y),
            lasso,
        )
        errors.append([np.sqrt(np.mean((subject.y[test] - model.predict(judge)) ** 2)) for model in models])
        kept.append(np.count_nonzero(lasso.coef_))
    return Contest(subject, np.array(errors), np.array(kept, dtype=float))


def scaled(train: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both parts filled and scaled by what the training part says."""
    medians = np.nanmedian(train, axis=0)
    train, other = (np.where(np.isnan(part), medians, part) for part in (train, other))
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return (train - mean) / deviation, (other - mean) / deviation


def tuned_lasso(lab: Lab, X: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
    """A lasso whose alpha five inner folds chose, one path for each."""
    top = float(np.max(np.abs((X - X.mean(axis=0)).T @ (y - y.mean())))) / len(y)
    alphas = np.geomspace(top, top * _EPS, _LASSO_ALPHAS)
    rows, errors = np.arange(len(y)), np.zeros(_LASSO_ALPHAS)
    for test in np.array_split(rows, _INNER):
        train = np.setdiff1d(rows, test)
        learn, judge = scaled(X[train], X[test])
        centre = y[train].mean()
        coefs = lab.solution.lasso_path(learn, y[train] - centre, alphas=alphas, max_iter=_SWEEPS)[1]
        errors += np.mean((y[test][:, np.newaxis] - centre - judge @ coefs) ** 2, axis=0)
    return lab.solution.Lasso(float(alphas[np.argmin(errors)]), max_iter=_SWEEPS).fit(X, y)
