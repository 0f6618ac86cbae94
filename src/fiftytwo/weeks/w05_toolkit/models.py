"""Real predictions for the metrics to judge: three classifiers, two regressions, two ways to search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.weeks.w05_toolkit.settings import Sizes

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Array = NDArray[Any]
_ITEMS = 440  # images that a search looks through


@dataclass(frozen=True)
class Predictions:
    """What really happened, and what each model said on rows that it had not seen."""

    truth: Array
    said: dict[str, Array]


def classifiers(lab: Lab, sizes: Sizes) -> Predictions:
    """Probabilities of label 1 by three models of different habits."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = _binary(lab)
    train, test = _halves(lab, len(y), sizes.rows)
    seeds = {"random_state": lab.seed}
    models = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(C=0.05)),
        "random forest": RandomForestClassifier(60, min_samples_leaf=3, **seeds),
        "naive Bayes": GaussianNB(),
    }
    said = {name: model.fit(X[train], y[train]).predict_proba(X[test])[:, 1] for name, model in models.items()}
    return Predictions(y[test], said)


def regressions(lab: Lab, sizes: Sizes) -> Predictions:
    """Values by a linear model, and by one that ignores its input."""
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import LinearRegression

    X, y = _numeric(lab)
    train, test = _halves(lab, len(y), sizes.rows)
    models = {"linear regression": LinearRegression(), "always the mean": DummyRegressor()}
    return Predictions(y[test], {name: m.fit(X[train], y[train]).predict(X[test]) for name, m in models.items()})


def searches(lab: Lab, sizes: Sizes) -> Predictions:
    """For digits as queries, scores of all other digits; relevant are images of the same digit."""
    digits = lab.data("digits")
    chosen = lab.rng.permutation(len(digits.target))[: sizes.queries + _ITEMS]
    images, labels = digits.data[chosen].astype(float), digits.target[chosen]
    queries, items = np.arange(sizes.queries), np.arange(sizes.queries, len(chosen))
    relevant = (labels[queries, np.newaxis] == labels[np.newaxis, items]).astype(int)
    centred = images - images.mean(axis=0)
    plane = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    inked = (images > 7).astype(float)
    said = {"64 pixels": images, "64 pixels, black or white": inked, "2 components": plane}
    return Predictions(relevant, {name: -_distances(x[queries], x[items]) for name, x in said.items()})


def _binary(lab: Lab) -> tuple[Array, Array]:
    if not lab.full:
        cancer = lab.data("breast-cancer")
        few = cancer.data[:, :5]  # of 30: with all of them every model is nearly perfect
        return few, 1 - cancer.target  # 1 is malignant
    frame = lab.data("credit-default").frame
    target = "default.payment.next.month"
    return frame.drop(columns=["ID", target]).to_numpy(float), frame[target].to_numpy(int)


def _numeric(lab: Lab) -> tuple[Array, Array]:
    if not lab.full:
        diabetes = lab.data("diabetes")
        return diabetes.data, diabetes.target
    frame = lab.data("california-housing").frame.select_dtypes("number").dropna()
    target = "median_house_value"
    return frame.drop(columns=[target]).to_numpy(float), frame[target].to_numpy(float) / 1e5


def _halves(lab: Lab, n: int, most: int) -> tuple[Array, Array]:
    order = lab.rng.permutation(n)[:most]
    return order[: len(order) // 2], order[len(order) // 2 :]


def _distances(a: Array, b: Array) -> Array:
    """Squared Euclidean distances of all rows; equal ones come out equal, so ties stay ties."""
    squares: Array = ((a[:, np.newaxis, :] - b[np.newaxis, :, :]) ** 2).sum(axis=2)
    return squares
