"""Week 6's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv

from fiftytwo.plan import Mistake
from mltoolkit.tabular.linear import moments
from mltoolkit.tabular.regression import Lasso, Ridge, RidgeCV, descend, lasso_path


class PenalisesTheIntercept(Ridge):
    """The intercept as one more coefficient of a column of ones."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Ridge:
        """Append the ones and penalise all."""
        super().fit(X, y, sample_weight)
        if self.fit_intercept:
            ones = np.ones((len(np.asarray(X)), 1))
            inner = Ridge(self.alpha, fit_intercept=False).fit(np.hstack([np.asarray(X), ones]), y, sample_weight)
            self.set_coefficients(inner.coef_[:-1].astype(float), float(inner.coef_[-1]), self.coef_.dtype)
        return self


class ForgetsToCentre(Ridge):
    """Coefficients of a plane through the origin, moved to the means afterwards."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Ridge:
        """Solve without centring."""
        super().fit(X, y, sample_weight)
        if self.fit_intercept:
            coef = Ridge(self.alpha, fit_intercept=False).fit(X, y, sample_weight).coef_.astype(float)
            s = None if sample_weight is None else np.asarray(sample_weight)
            mean = np.average(np.asarray(X, dtype=float), axis=0, weights=s)
            self.set_coefficients(coef, float(np.average(np.asarray(y), weights=s) - mean @ coef), self.coef_.dtype)
        return self


class PenaltyTimesN(Ridge):
    """The penalty beside a mean of squares instead of a sum."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Ridge:
        """Multiply alpha by n."""
        super().fit(X, y, sample_weight)
        inner = Ridge(self.alpha * len(np.asarray(y)), fit_intercept=self.fit_intercept).fit(X, y, sample_weight)
        self.set_coefficients(inner.coef_.astype(float), inner.intercept_, self.coef_.dtype)
        return self


class MeansWithoutWeights(Ridge):
    """Weights in the sums, plain means in the centring."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Ridge:
        """Centre at the plain means."""
        super().fit(X, y, sample_weight)
        if sample_weight is not None and self.fit_intercept:
            data, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
            mean, centre = data.mean(axis=0), float(target.mean())
            inner = Ridge(self.alpha, fit_intercept=False).fit(data - mean, target - centre, sample_weight)
            self.set_coefficients(inner.coef_, centre - float(mean @ inner.coef_), self.coef_.dtype)
        return self


class ThresholdNotTimesN(Lasso):
    """Xᵀy not divided by n, and the threshold still alpha."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Lasso:
        """Threshold at alpha where it is n alpha, with sums in place of means."""
        given = self.alpha
        n = len(np.asarray(y)) if sample_weight is None else float(np.sum(sample_weight))
        try:
            self.alpha = given / n if isinstance(given, float | int) and given > 0 else given
            super().fit(X, y, sample_weight)
        finally:
            self.alpha = given
        return self


class StopsOnChange(Lasso):
    """Stops when no coefficient moves much in a sweep."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Lasso:
        """Sweep on until the largest step is below tol times the largest coefficient."""
        super().fit(X, y, sample_weight)
        if self.n_iter_ <= 1 or self.n_iter_ == self.max_iter:
            return self
        s = np.ones(len(np.asarray(y))) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        sums = moments(np.asarray(X), np.asarray(y, dtype=float), s, centre=self.fit_intercept)
        gram, target, square = sums.gram / sums.weight, sums.cross / sums.weight, sums.square / sums.weight
        coef, alphas = np.zeros(len(target)), np.array([self.alpha])
        for sweep in range(1, self.n_iter_ + 1):
            self.n_iter_ = sweep
            before = coef
            (coef, *_), gaps, _ = descend(gram, target, square, alphas, before, 0.0, 1)
            if np.max(np.abs(coef - before)) <= self.tol * np.max(np.abs(coef)):
                break
        self.set_coefficients(coef, sums.intercept(coef), self.coef_.dtype)
        self.dual_gap_ = float(gaps[0])
        return self


class SaysNothing(Lasso):
    """Returns what it has after max_iter sweeps, without a word."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Lasso:
        """Keep the warning to itself."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, sample_weight)
        return self


class TrainingErrors(RidgeCV):
    """The errors of the rows that were learned from."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RidgeCV:
        """Judge each alpha on the rows of its own fit."""
        super().fit(X, y, sample_weight)
        if self.cv is None:
            s = np.ones(len(np.asarray(y))) if sample_weight is None else np.asarray(sample_weight)
            fits = [Ridge(float(a), fit_intercept=self.fit_intercept).fit(X, y, s) for a in np.asarray(self.alphas)]
            self.cv_errors_ = np.array([s @ (np.asarray(y) - fit.predict(X)) ** 2 / s.sum() for fit in fits])
            _choose(self, X, y, sample_weight)
        return self


class LeverageWithoutTheMean(RidgeCV):
    """Leverages that leave out what the intercept adds."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RidgeCV:
        """Divide by 1 minus the slopes' leverage alone."""
        super().fit(X, y, sample_weight)
        if self.cv is None and self.fit_intercept:
            s = np.ones(len(np.asarray(y))) if sample_weight is None else np.asarray(sample_weight)
            data, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
            root, p = np.sqrt(s), s / s.sum()
            A, b = (data - p @ data) * root[:, np.newaxis], (target - p @ target) * root
            errors = []
            for alpha in np.asarray(self.alphas, dtype=float):
                hat = A @ np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T)
                errors.append(np.sum(((b - hat @ b) / (1.0 - np.diag(hat))) ** 2) / s.sum())
            self.cv_errors_ = np.array(errors)
            _choose(self, X, y, sample_weight)
        return self


class CentresBeforeItSplits(RidgeCV):
    """Folds of data that was centred at the means of all rows, the held-out ones included."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RidgeCV:
        """Fit the folds without intercept on globally centred data."""
        super().fit(X, y, sample_weight)
        if self.cv is not None and self.fit_intercept:
            s = np.ones(len(np.asarray(y))) if sample_weight is None else np.asarray(sample_weight)
            p = s / s.sum()
            data, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
            inner = RidgeCV(self.alphas, fit_intercept=False, cv=list(check_cv(self.cv).split(data)))
            self.cv_errors_ = inner.fit(data - p @ data, target - p @ target, s).cv_errors_
            _choose(self, X, y, sample_weight)
        return self


class KeepsTheLastFold(RidgeCV):
    """Chooses alpha and hands out what it learned from the last training part."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RidgeCV:
        """Leave the last row out of what is handed out."""
        super().fit(X, y, sample_weight)
        s = np.ones(len(np.asarray(y))) if sample_weight is None else np.array(sample_weight, dtype=float)
        s[-1 if self.cv is None else list(check_cv(self.cv).split(np.asarray(X)))[-1][1]] = 0.0
        inner = Ridge(self.alpha_, fit_intercept=self.fit_intercept).fit(X, y, s)
        self.coef_, self.intercept_ = inner.coef_, inner.intercept_
        return self


def _choose(model: RidgeCV, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> None:
    """Choose by the errors that the mistake gave."""
    model.alpha_ = float(np.asarray(model.alphas, dtype=float)[np.argmin(model.cv_errors_)])
    inner = Ridge(model.alpha_, fit_intercept=model.fit_intercept).fit(X, y, sample_weight)
    model.coef_, model.intercept_ = inner.coef_, inner.intercept_


def centred_path(X: ArrayLike, y: ArrayLike, **given: Any) -> Any:
    """A path of data that was centred on the quiet."""
    data, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    return lasso_path(data - data.mean(axis=0), target - target.mean(), **given)


def rising_path(X: ArrayLike, y: ArrayLike, **given: Any) -> Any:
    """A path that begins at the smallest alpha."""
    alphas, coefs, gaps = lasso_path(X, y, **given)
    return alphas[::-1].copy(), coefs[:, ::-1].copy(), gaps[::-1].copy()


mistakes = (
    Mistake("penalises the intercept", {"Ridge": PenalisesTheIntercept},
            "Your penalty also holds the intercept; centre X and y, solve for the coefficients alone, and work the "
            "intercept out afterwards."),
    Mistake("forgets to centre", {"Ridge": ForgetsToCentre},
            "Your coefficients are those of a plane through the origin; subtract the means of X and y before you "
            "solve."),
    Mistake("penalty times n", {"Ridge": PenaltyTimesN},
            "Your penalty is n times too strong; ridge adds alpha to XᵀX, which is a sum over rows and not a mean."),
    Mistake("means without weights", {"Ridge": MeansWithoutWeights},
            "Your weights reach the sums but not the means; centre at np.average(X, axis=0, weights=s)."),
    Mistake("soft threshold at alpha instead of n alpha", {"Lasso": ThresholdNotTimesN},
            "Your penalty is n times too weak; the objective divides the squares by 2 n, so divide Xᵀr by n or "
            "threshold at n · alpha."),
    Mistake("stops on the change of coefficients", {"Lasso": StopsOnChange},
            "Your sweeps end when the coefficients stop moving; among similar columns they creep, so stop by the "
            "duality gap."),
    Mistake("says nothing", {"Lasso": SaysNothing},
            "Your lasso returns without a word when max_iter is used up; warn with ConvergenceWarning."),
    Mistake("errors of the training rows", {"RidgeCV": TrainingErrors},
            "Your errors are those of rows that the fit has seen; divide each residual by 1 - hᵢ."),
    Mistake("leverage without the mean", {"RidgeCV": LeverageWithoutTheMean},
            "Your leverages leave out the intercept, which is learned from each row too; add sᵢ / Σ s to each."),
    Mistake("centres before it splits", {"RidgeCV": CentresBeforeItSplits},
            "Your folds are centred at means that the held-out rows took part in; take the means of the training "
            "rows."),
    Mistake("keeps the last fold", {"RidgeCV": KeepsTheLastFold},
            "Your coefficients come from a part of the rows; after the choice of alpha, fit all of them."),
    Mistake("a path that centres", {"lasso_path": centred_path},
            "Your path subtracts means; it takes the data as it is, since centring is for the caller to do."),
    Mistake("a rising path", {"lasso_path": rising_path},
            "Your alphas rise; the path begins at the largest, where no column is in, and falls."),
)  # fmt: skip
