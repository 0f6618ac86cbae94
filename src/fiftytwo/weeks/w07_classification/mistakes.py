"""Week 7's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fiftytwo.plan import Mistake
from mltoolkit.tabular.classification import (
    CalibratedClassifier,
    IsotonicCalibrator,
    LogisticRegression,
    PlattCalibrator,
)


class AveragesTheLoss(LogisticRegression):
    """The mean of the losses in place of their sum."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Divide the weights by n."""
        n = len(np.asarray(X))
        weights = np.ones(n) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        return super().fit(X, y, weights / n)


class PenalisesTheIntercept(LogisticRegression):
    """The intercept as one more penalised coefficient."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Fit a column of ones without an intercept, and take its coefficient for one."""
        data = np.asarray(X, dtype=float)
        with_ones = np.column_stack([data, np.ones(len(data))])
        inner = LogisticRegression(
            self.C, fit_intercept=False, class_weight=self.class_weight, solver=self.solver, tol=self.tol,
            max_iter=self.max_iter,
        )  # fmt: skip
        if not self.fit_intercept:
            return super().fit(X, y, sample_weight)
        super().fit(X, y, sample_weight)
        inner.fit(with_ones, y, sample_weight)
        self.coef_, self.intercept_ = inner.coef_[:, :-1], inner.coef_[:, -1]
        return self


class InvertsC(LogisticRegression):
    """C as the strength of the penalty."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Fit with 1 / C."""
        given = self.C
        self._check_parameters()
        self.C = 1.0 / given
        try:
            return super().fit(X, y, sample_weight)
        finally:
            self.C = given


class OneAgainstTheRest(LogisticRegression):
    """Three separate models in place of a softmax."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Fit each class against the others."""
        super().fit(X, y, sample_weight)
        if len(self.classes_) > 2:
            target = np.asarray(y)
            single = [
                LogisticRegression(self.C, fit_intercept=self.fit_intercept, tol=self.tol).fit(
                    X, (target == k).astype(int), sample_weight
                )
                for k in self.classes_
            ]
            self.coef_ = np.vstack([model.coef_ for model in single])
            self.intercept_ = np.concatenate([model.intercept_ for model in single])
        return self


class ForgetsTheWeights(LogisticRegression):
    """Weights that are taken and not used."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Check the weights and leave them out."""
        super().fit(X, y, sample_weight)
        return super().fit(X, y)


class LogarithmOfTheProbability(LogisticRegression):
    """log(p) after p has rounded to 0."""

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Take the logarithm of predict_proba."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


class OnePass(IsotonicCalibrator):
    """Merges neighbours once, left to right, and never looks back."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> IsotonicCalibrator:
        """Average each falling pair; what falls after that stays."""
        super().fit(X, y, sample_weight)
        scores, outcomes = np.asarray(X, dtype=float).ravel(), np.asarray(y, dtype=float)
        weights = np.ones(len(scores)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        points = np.unique(scores[weights > 0])
        level = np.array([np.average(outcomes[scores == p], weights=weights[scores == p]) for p in points])
        for i in range(len(level) - 1):
            if level[i] > level[i + 1]:
                level[i : i + 2] = level[i : i + 2].mean()
        self.X_thresholds_, self.y_thresholds_ = points, level
        return self


class LastOfEqualScores(IsotonicCalibrator):
    """Equal scores as separate points."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> IsotonicCalibrator:
        """Nudge equal scores apart in the order in which they come."""
        scores = np.asarray(X, dtype=float).ravel()
        return super().fit(scores + 1e-9 * np.arange(len(scores)), y, sample_weight)


class HardTargets(PlattCalibrator):
    """Plain maximum likelihood on 0 and 1."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> PlattCalibrator:
        """Fit without softening the outcomes, by an almost unpenalised logistic regression."""
        super().fit(X, y, sample_weight)
        scores = np.asarray(X, dtype=float).reshape(-1, 1)
        model = LogisticRegression(1e6, tol=1e-9).fit(scores / np.max(np.abs(scores)), y, sample_weight)
        self.a_ = -float(model.coef_[0, 0]) / float(np.max(np.abs(scores)))
        self.b_ = -float(model.intercept_[0])
        return self


class RisingSign(PlattCalibrator):
    """p = 1 / (1 + exp(-(a · score + b))): the sign of a logistic regression."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> PlattCalibrator:
        """Turn both numbers round."""
        super().fit(X, y, sample_weight)
        self.a_, self.b_ = -self.a_, -self.b_
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities, by the sign that fit has."""
        scores = np.asarray(X, dtype=float).ravel()
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-(self.a_ * scores + self.b_), -700.0, 700.0))))


class CalibratesOnTrainingRows(CalibratedClassifier):
    """Scores of the rows that the classifier was fitted on."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> CalibratedClassifier:
        """Fit, then calibrate on the same rows."""
        if isinstance(self.cv, str):
            return super().fit(X, y, sample_weight)
        from sklearn.base import clone

        base = clone(LogisticRegression() if self.estimator is None else self.estimator).fit(X, y)
        fitted = CalibratedClassifier(base, method=self.method, cv="prefit").fit(X, y, sample_weight)
        self.__dict__ |= {name: value for name, value in vars(fitted).items() if name.endswith("_")}
        return self


class ForgetsToNormalise(CalibratedClassifier):
    """One-against-the-rest probabilities that do not add up."""

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Leave the division out."""
        P: Any = super().predict_proba(X)
        if P.shape[1] == 2:
            return np.asarray(P)
        model: Any = self.estimator_
        scores = model.decision_function(X) if hasattr(model, "decision_function") else model.predict_proba(X)
        return np.column_stack([c.predict(scores[:, i]) for i, c in enumerate(self.calibrators_)])


mistakes = (
    Mistake("averages the loss", {"LogisticRegression": AveragesTheLoss},
            "Your coefficients are those of C times the mean loss; C multiplies the sum, so more rows weigh more."),
    Mistake("penalises the intercept", {"LogisticRegression": PenalisesTheIntercept},
            "Your intercept is pulled towards 0; leave it out of the penalty."),
    Mistake("inverts C", {"LogisticRegression": InvertsC},
            "Your C is the strength of the penalty; it is the inverse: a larger C trusts the data more."),
    Mistake("one against the rest", {"LogisticRegression": OneAgainstTheRest},
            "Your classes are fitted one by one; a softmax ties them, so fit all rows of coefficients together."),
    Mistake("forgets the weights", {"LogisticRegression": ForgetsTheWeights},
            "Your fit takes sample_weight and ignores it; each row's loss is multiplied by its weight."),
    Mistake("logarithm of the probability", {"LogisticRegression": LogarithmOfTheProbability},
            "Your logarithm comes after the probability has rounded to 0; compute it from the score."),
    Mistake("one pass", {"IsotonicCalibrator": OnePass},
            "Your pass averages pairs and does not look back; a merged step may be below its left neighbour again."),
    Mistake("equal scores as separate points", {"IsotonicCalibrator": LastOfEqualScores},
            "Your equal scores are separate points; merge them to their mean outcome before pooling."),
    Mistake("hard targets", {"PlattCalibrator": HardTargets},
            "Your sigmoid is fitted to 0 and 1; Platt's targets are (n₁ + 1) / (n₁ + 2) and 1 / (n₀ + 2)."),
    Mistake("the other sign", {"PlattCalibrator": RisingSign},
            "Your a_ and b_ have the sign of a logistic regression; Platt's sigmoid has 1 + exp(a · score + b) below."),
    Mistake("calibrates on training rows", {"CalibratedClassifier": CalibratesOnTrainingRows},
            "Your calibrators learn from rows that the classifier was fitted on; use the scores of held-out folds."),
    Mistake("forgets to normalise", {"CalibratedClassifier": ForgetsToNormalise},
            "Your probabilities of three classes do not add up to 1; divide each row by its sum."),
)  # fmt: skip
