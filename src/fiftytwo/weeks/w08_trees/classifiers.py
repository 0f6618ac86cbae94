"""Checks of boosted classifiers: one step by hand, small tables beside XGBoost, probabilities and classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w08_trees.boosters import TABLES, groups
from fiftytwo.weeks.w08_trees.tables import applicants, houses
from mltoolkit.metrics import log_loss

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_EXACT = 1e-8


def classifier(lab: Lab) -> Iterator[Check]:
    """Two classes, more classes, probabilities."""
    yield from _two_classes(lab)
    yield from _curves(lab)
    yield from _more_classes(lab)


def _two_classes(lab: Lab) -> Iterator[Check]:
    def newton() -> Measurement:
        X, y = applicants(np.random.default_rng(8), 120)
        model = lab.solution.GradientBoostingClassifier(
            max_iter=1, max_depth=2, learning_rate=0.5, l2_regularization=1.5, min_child_weight=0.0
        )
        got = model.fit(X, y).decision_function(X)
        call = "GradientBoostingClassifier(max_iter=1, max_depth=2, learning_rate=0.5, l2_regularization=1.5)"
        call += ".fit(X, y).decision_function(X)"
        fault = difference(got, y, call=call, inputs={"X": X, "y": y})
        if fault.gate:
            return fault
        p = float(y.mean())
        expected = np.empty(len(y))
        for rows in groups(got):
            expected[rows] = logit(p) + 0.5 * np.sum(y[rows] - p) / (rows.sum() * p * (1 - p) + 1.5)
        return difference(got, expected, call=call, inputs={"X": X, "y": y})

    yield Check(
        "one round is Newton's step in the log-odds",
        newton,
        at_most=1e-6,
        why="The log loss bends, so a step is the slope over the curvature.",
        hint=("Start from log(p / (1 - p)) of the share of ones.", "Gradients are p - y, hessians p (1 - p).",
              "A leaf is Σ(y - p) / (Σp(1 - p) + l2); the mean of y - p alone is a step of another length."),
    )  # fmt: skip

    def small_leaves() -> Measurement:
        X, y = applicants(np.random.default_rng(9), 400)
        X = np.nan_to_num(X, nan=75.0)
        model = lab.solution.GradientBoostingClassifier(max_iter=1, max_depth=None, min_child_weight=6.0)
        got = np.asarray(model.fit(X, y).decision_function(X))
        p = float(y.mean())
        least = min(float(rows.sum() * p * (1 - p)) for rows in groups(got))
        return Measurement(least, call="least sum of p (1 - p) in a leaf, with min_child_weight=6",
                           inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "min_child_weight counts hessians",
        small_leaves,
        between=(6.0 - 1e-6, 20.0),
        why="A leaf of sure rows has little curvature, however many they are.",
        hint=("Compare Σp(1 - p) of each side with it, not the number of rows.",),
    )

    def beside() -> Measurement:
        import xgboost

        losses = []
        for seed in range(TABLES):
            X, y = applicants(np.random.default_rng(200 + seed), 1_600)
            options = {"learning_rate": 0.15, "max_depth": 3}
            ours = lab.solution.GradientBoostingClassifier(max_iter=25, **options).fit(X[:800], y[:800])
            peer = xgboost.XGBClassifier(n_estimators=25, n_jobs=1, **options).fit(X[:800], y[:800])
            losses.append([
                log_loss(y[800:].astype(int), np.asarray(m.predict_proba(X[800:]), dtype=float)[:, 1])
                for m in (ours, peer)
            ])  # fmt: skip
        mine, theirs = np.mean(losses, axis=0)
        return Measurement(float(mine / theirs), call=f"log loss over XGBoost's, mean of {TABLES} tables",
                           got=float(mine), expected=float(theirs))  # fmt: skip

    yield Check(
        "log loss over XGBoost's on small tables",
        beside,
        at_most=1.01,
        why="Same splits, same steps, same settings: the same model.",
        hint=("Are the hessians those of the present prediction, not of the start?",),
    )

    def labels() -> Measurement:
        X, y = applicants(np.random.default_rng(10), 150)
        model = lab.solution.GradientBoostingClassifier(max_iter=30, max_depth=3)
        model = model.fit(X, np.where(y == 1, "bad", "good"))
        p = np.asarray(model.predict_proba(X))
        said, score = np.asarray(model.predict(X)), np.asarray(model.decision_function(X))
        consistent = [
            list(map(str, model.classes_)) == ["bad", "good"],
            bool(np.allclose(p.sum(axis=1), 1.0)),
            bool((said == np.where(p[:, 1] > 0.5, "good", "bad")).all()) and set(said) == {"bad", "good"},
            bool(np.allclose(p[:, 1], expit(score))),
        ]
        call = "classes_ sorted, rows of predict_proba add up, predict and decision_function agree"
        return Measurement(float(all(consistent)), got=str(consistent), expected="[True, True, True, True]", call=call)

    yield Check(
        "texts as classes",
        labels,
        equals=True,
        why="Whoever reads the second column has to know which class it is.",
        hint=("np.unique(y, return_inverse=True) gives classes_ and their numbers.",),
    )


def _curves(lab: Lab) -> Iterator[Check]:
    def stages() -> Measurement:
        X, price = houses(np.random.default_rng(12), 150)

        def one(classes: int) -> Measurement:
            y = np.digitize(price, np.quantile(price, np.arange(1, classes) / classes))
            model = lab.solution.GradientBoostingClassifier(max_iter=6, max_depth=2).fit(X, y)
            found = [np.asarray(p)[np.arange(len(y)), y] for p in model.staged_predict_proba(X)]
            shares = np.bincount(y) / len(y)
            expected = np.array([-np.mean(np.log(p)) for p in (shares[y], *found)])
            call = f"GradientBoostingClassifier(max_iter=6, max_depth=2).fit(X, y).train_score_, {classes} classes"
            if len(found) != 6:
                return Measurement(np.inf, call="staged_predict_proba(X)", got=len(found), expected="6 stages")
            return difference(model.train_score_, expected, call=call, inputs={"X": X, "y": y})

        return worst((one(classes) for classes in (2, 3)), _EXACT)

    yield Check(
        "the log loss is that of the stages",
        stages,
        at_most=_EXACT,
        why="The curve and the predictions have to be about the same model.",
        hint=("train_score_ has the mean log loss after 0, 1, 2 … rounds; before the first it is that of the shares.",),
    )

    def shares() -> Measurement:
        X, _ = houses(np.random.default_rng(13), 200)
        y = (np.arange(200) % 5 == 0).astype(int)
        model = lab.solution.GradientBoostingClassifier(
            max_iter=3, early_stopping=True, validation_fraction=0.2, random_state=0
        ).fit(X, y)
        starts = [float(np.asarray(curve)[0]) for curve in (model.train_score_, model.validation_score_)]
        return difference(starts[1], starts[0], call="validation_score_[0] against train_score_[0], a fifth of ones",
                          inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "rows held back have the classes' shares",
        shares,
        at_most=1e-6,
        why="With rare classes chance might hold back none of them.",
        hint=("Draw validation_fraction of each class.",),
    )


def _more_classes(lab: Lab) -> Iterator[Check]:
    def beside() -> Measurement:
        import xgboost

        losses = []
        for seed in range(3):
            X, price = houses(np.random.default_rng(300 + seed), 900, noise=0.3)
            y = np.digitize(price, np.quantile(price, [0.3, 0.7]))
            options = {"learning_rate": 0.3, "max_depth": 3}
            ours = lab.solution.GradientBoostingClassifier(max_iter=20, **options).fit(X[:500], y[:500])
            peer = xgboost.XGBClassifier(n_estimators=20, n_jobs=1, **options).fit(X[:500], y[:500])
            losses.append([
                log_loss(y[500:], np.asarray(m.predict_proba(X[500:]), dtype=float)) for m in (ours, peer)
            ])  # fmt: skip
        mine, theirs = np.mean(losses, axis=0)
        return Measurement(float(mine / theirs), call="log loss of three classes over XGBoost's, mean of 3 tables",
                           got=float(mine), expected=float(theirs))  # fmt: skip

    yield Check(
        "three classes over XGBoost's log loss",
        beside,
        at_most=1.03,
        why="Hessians of a softmax are chosen differently from library to library; the loss hardly differs.",
        hint=("One tree a class and round, each on pₖ - (y = k).",
              "All trees of a round see the probabilities from before the round."),
    )  # fmt: skip

    def shapes() -> Measurement:
        X, price = houses(np.random.default_rng(11), 200)
        y = np.digitize(price, np.quantile(price, [0.3, 0.7]))
        model = lab.solution.GradientBoostingClassifier(max_iter=3, max_depth=2).fit(X, y)
        scores = np.asarray(model.decision_function(X))
        gate = difference(model.predict_proba(X), np.zeros((200, 3)), call="predict_proba(X)")
        if gate.gate or scores.shape != (200, 3):
            return Measurement(np.nan, gate=gate.gate or f"decision_function(X): expected (200, 3), got {scores.shape}")
        exp = np.exp(scores - scores.max(axis=1, keepdims=True))
        expected = exp / exp.sum(axis=1, keepdims=True)
        return difference(
            model.predict_proba(X), expected, call="predict_proba(X) against softmax(decision_function(X))"
        )

    yield Check(
        "softmax of three scores",
        shapes,
        at_most=1e-9,
        why="Scores of all classes count together.",
        hint=("scipy.special.softmax(scores, axis=1).",),
    )
