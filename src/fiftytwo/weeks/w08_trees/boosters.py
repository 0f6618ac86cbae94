"""Checks of gradient boosting: one round by hand, small tables beside XGBoost, and every option by what it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w08_trees.single import wavy
from fiftytwo.weeks.w08_trees.tables import houses
from mltoolkit.metrics import rmse

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

_EXACT = 1e-8
_DEFAULTS: dict[str, Any] = {
    "learning_rate": 0.1, "max_iter": 100, "max_depth": 6, "max_leaf_nodes": None, "min_samples_leaf": 1,
    "min_child_weight": 1.0, "l2_regularization": 1.0, "subsample": 1.0, "colsample_bytree": 1.0,
    "monotonic_cst": None, "early_stopping": False, "validation_fraction": 0.1, "n_iter_no_change": 10, "tol": 0.0,
}  # fmt: skip
TABLES = 4  # means over this many: on one table either side wins by a percent, as chance has it


def regressor(lab: Lab) -> Iterator[Check]:
    """Squared error: one round, the curve, early stopping, options."""
    yield from _one_round(lab)
    yield from _curve(lab)
    yield from _options(lab)


def groups(predicted: Floats) -> list[NDArray[np.bool_]]:
    """Rows that one tree does not tell apart."""
    levels = np.unique(np.round(predicted, 9))
    return [np.isclose(predicted, level, atol=1e-8, rtol=0.0) for level in levels]


def _one_round(lab: Lab) -> Iterator[Check]:
    def newton(l2: float, weights: Floats | None) -> Measurement:
        X, y = wavy(1, 80)
        w = np.ones(80) if weights is None else weights
        model = lab.solution.GradientBoostingRegressor(
            max_iter=1, max_depth=2, learning_rate=0.3, l2_regularization=l2, min_child_weight=0.0
        )
        got = model.fit(X, y, sample_weight=weights).predict(X)
        call = f"GradientBoostingRegressor(max_iter=1, max_depth=2, learning_rate=0.3, l2_regularization={l2:g})"
        call += ".fit(X, y" + ("" if weights is None else ", sample_weight=weights") + ").predict(X)"
        inputs = {"X": X, "y": y} | ({} if weights is None else {"weights": weights})
        fault = difference(got, y, call=call, inputs=inputs)
        if fault.gate:
            return fault
        base, expected = float(np.average(y, weights=w)), np.empty(80)
        for rows in groups(got):
            expected[rows] = base + 0.3 * np.sum(w[rows] * (y[rows] - base)) / (w[rows].sum() + l2)
        return difference(got, expected, call=call, inputs=inputs)

    weights = np.random.default_rng(0).uniform(0.2, 3.0, 80)
    yield Check(
        "one round is a step from the mean",
        lambda: worst((newton(l2, None) for l2 in (0.0, 5.0)), _EXACT),
        at_most=_EXACT,
        why="A leaf's value minimises the quadratic model of the loss over its rows.",
        hint=("Start from the mean of y.", "Gradients are prediction - y, hessians are 1.",
              "A leaf is -Σg / (Σh + l2), and the prediction moves by learning_rate times that."),
    )  # fmt: skip
    yield Check(
        "one round with weights",
        lambda: newton(2.0, weights),
        at_most=_EXACT,
        why="A weight multiplies a row's loss, and so its gradient and its hessian.",
        hint=("The start is the weighted mean; l2 is not weighted.",),
    )

    def gain() -> Measurement:
        # Without l2 the first column wins, by a leaf of three rows; with it the second, by an even split.
        X = np.column_stack([np.arange(40.0), np.arange(40) % 2])
        y = np.where(np.arange(40) < 3, 6.0, 0.0) + np.where(np.arange(40) % 2 == 1, 2.2, 0.0)
        got = []
        for l2 in (0.0, 20.0):
            model = lab.solution.GradientBoostingRegressor(max_iter=1, max_depth=1, l2_regularization=l2)
            got.append(len(np.unique(np.asarray(model.fit(X, y).predict(X)[:2]))) == 2)
        return Measurement(float(got == [False, True]), call="does the stump split rows 0 and 1, for l2 of 0 and 20?",
                           got=str(got), expected="[False, True]", inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "the gain knows about l2",
        gain,
        equals=True,
        why="Regularisation that only shrinks leaves still picks the splits that it then punishes.",
        hint=("A side scores (Σg)² / (Σh + l2); the gain is both sides minus the node.",),
    )

    def beside() -> Measurement:
        import xgboost

        errors = []
        for seed in range(TABLES):
            X, y = houses(np.random.default_rng(100 + seed), 1_200, noise=0.4)
            options = {"learning_rate": 0.15, "max_depth": 4}
            ours = lab.solution.GradientBoostingRegressor(max_iter=25, **options).fit(X[:600], y[:600])
            peer = xgboost.XGBRegressor(n_estimators=25, n_jobs=1, **options).fit(X[:600], y[:600])
            errors.append([rmse(y[600:], np.asarray(m.predict(X[600:]), dtype=float)) for m in (ours, peer)])
        mine, theirs = np.mean(errors, axis=0)
        return Measurement(float(mine / theirs), call=f"RMSE over XGBoost's, mean of {TABLES} tables",
                           got=float(mine), expected=float(theirs))  # fmt: skip

    yield Check(
        "RMSE over XGBoost's on small tables",
        beside,
        at_most=1.01,
        why="The columns have a hundred values, so both look at the same splits.",
        hint=("Do the defaults agree? max_depth 6, l2 1, min_child_weight 1.",
              "Does each tree see the predictions after the one before?"),
    )  # fmt: skip


def _curve(lab: Lab) -> Iterator[Check]:
    def curve() -> Measurement:
        X, y = wavy(2, 150)
        model = lab.solution.GradientBoostingRegressor(max_iter=12, max_depth=3).fit(X, y)
        stages = [float(np.mean((y - np.asarray(stage)) ** 2)) for stage in model.staged_predict(X)]
        expected = np.array([float(np.mean((y - y.mean()) ** 2)), *stages])
        if len(stages) != 12 or not (np.diff(expected) < 0.0).all():
            return Measurement(np.inf, call="mean squared error of staged_predict(X)", got=np.array(stages),
                               expected="12 values, each below the one before", inputs={"X": X, "y": y})  # fmt: skip
        call = "GradientBoostingRegressor(max_iter=12, max_depth=3).fit(X, y).train_score_"
        return difference(model.train_score_, expected, call=call, inputs={"X": X, "y": y})

    yield Check(
        "the loss curve is that of the stages",
        curve,
        at_most=_EXACT,
        why="A curve that is recorded costs nothing and tells when to stop.",
        hint=("train_score_ has the mean squared error after 0, 1, 2 … rounds: rounds + 1 numbers.",
              "staged_predict yields the prediction after 1, 2, … rounds."),
    )  # fmt: skip

    def stops() -> Measurement:
        X, y = houses(np.random.default_rng(3), 500, noise=1.0)
        options = {"max_iter": 100, "learning_rate": 0.3, "max_depth": 4, "n_iter_no_change": 6}
        model = lab.solution.GradientBoostingRegressor(early_stopping=True, **options)
        model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
        curve = np.asarray(model.validation_score_)
        best = int(np.argmin(curve))
        kept = float(np.mean((y[200:] - np.asarray(model.predict(X[200:]))) ** 2))
        got = [int(model.n_iter_), len(curve) - 1, round(kept, 9)]
        expected = [best, best + 6, round(float(curve[best]), 9)]
        close = got[:2] == expected[:2] and abs(kept - float(curve[best])) < 1e-6
        return Measurement(float(close), got=str(got), expected=str(expected), inputs={"X": X, "y": y},
                           call="n_iter_, rounds tried, and the validation error of predict")  # fmt: skip

    yield Check(
        "early stopping keeps the best round",
        stops,
        equals=True,
        why="The rounds after the best one are those that made it worse.",
        hint=("Stop when the validation loss has not improved for n_iter_no_change rounds.",
              "Then drop the trees after the best round: n_iter_ is its number.",
              "validation_score_ keeps the whole curve, from before the first tree to where it stopped."),
    )  # fmt: skip

    def holds_back() -> Measurement:
        X, y = houses(np.random.default_rng(4), 300, noise=1.0)
        options = {"max_iter": 80, "learning_rate": 0.3, "early_stopping": True, "n_iter_no_change": 5}
        curves = [
            np.asarray(lab.solution.GradientBoostingRegressor(random_state=seed, **options).fit(X, y).validation_score_)
            for seed in (1, 1, 2)
        ]
        same = len(curves[0]) == len(curves[1]) and bool((curves[0] == curves[1]).all())
        other = len(curves[0]) != len(curves[2]) or bool((curves[0] != curves[2]).any())
        got = [same, other, 1 < len(curves[0]) < 81]
        return Measurement(float(all(got)), got=str(got), expected="[True, True, True]", inputs={"X": X, "y": y},
                           call="same curve by the same seed, another by another, and it ends early")  # fmt: skip

    yield Check(
        "rows are held back where none are given",
        holds_back,
        equals=True,
        why="A seed makes the part that was held back the same each time.",
        hint=("Draw validation_fraction of the rows by random_state, and learn from the others alone.",),
    )


def _options(lab: Lab) -> Iterator[Check]:
    def defaults() -> Measurement:
        for name in ("GradientBoostingRegressor", "GradientBoostingClassifier"):
            found = dict(getattr(lab.solution, name)().get_params())
            got = {key: found.get(key, "(none)") for key in _DEFAULTS}
            if got != _DEFAULTS:
                other = {key: value for key, value in got.items() if value != _DEFAULTS[key]}
                return Measurement(0.0, call=f"{name}().get_params()", got=str(other),
                                   expected=str({key: _DEFAULTS[key] for key in other}))  # fmt: skip
        return Measurement(1.0)

    yield Check(
        "the defaults are those of the docstring",
        defaults,
        equals=True,
        why="Two libraries can be compared only where their defaults are known.",
        hint=("The constructor only stores what it is given, under the same names.",),
    )

    def columns() -> Measurement:
        X, y = houses(np.random.default_rng(5), 200)
        model = lab.solution.GradientBoostingRegressor(max_iter=1, max_depth=6, colsample_bytree=0.34, random_state=0)
        changed = 0
        fitted = model.fit(X, y)
        for j in range(6):
            other = X.copy()
            other[:, j] = np.roll(other[:, j], 7)
            changed += bool((np.asarray(fitted.predict(other)) != np.asarray(fitted.predict(X))).any())
        return Measurement(float(changed), call="columns that one tree uses, with colsample_bytree=0.34 of 6",
                           inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "a tree sees its share of the columns",
        columns,
        between=(1, 3),
        why="Trees that see different columns err in different ways, and their sum errs less.",
        hint=("Draw round(colsample_bytree · d) columns, at least one, for each tree.",),
    )

    def rows() -> Measurement:
        X = np.arange(60.0)[:, np.newaxis]
        y = np.random.default_rng(6).standard_normal(60)
        options = {"max_iter": 1, "max_depth": None, "learning_rate": 1.0, "l2_regularization": 0.0,
                   "min_child_weight": 0.0, "subsample": 0.5, "random_state": 0}  # fmt: skip
        got = np.asarray(lab.solution.GradientBoostingRegressor(**options).fit(X, y).predict(X))
        hit = int(np.sum(np.isclose(got, y, atol=1e-6)))
        return Measurement(float(hit), call="rows that one tree without limits predicts exactly, with subsample=0.5",
                           inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "a tree sees its share of the rows",
        rows,
        equals=30,
        why="A tree without limits knows by heart what it has seen, and nothing else.",
        hint=("Draw without replacement, anew each round.",
              "The tree's prediction goes to all rows, those included that it did not see."),
    )  # fmt: skip

    def missing() -> Measurement:
        X, y = wavy(7, 600, holes=0.2)
        model = lab.solution.GradientBoostingRegressor(max_iter=40, max_depth=4).fit(X[:400], y[:400])
        error = rmse(y[400:], np.asarray(model.predict(X[400:]), dtype=float))
        return Measurement(error / float(np.std(y[400:])), inputs={"X": X, "y": y},
                           call="RMSE on new rows with a fifth missing, over that of the mean")  # fmt: skip

    yield Check(
        "missing values are used",
        missing,
        at_most=0.75,
        why="That a value is missing tells something here; filled in by a mean it would tell nothing.",
        hint=("See: missing values go where they gain.",),
    )
