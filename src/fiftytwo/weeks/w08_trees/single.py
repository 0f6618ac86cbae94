"""Checks of one regression tree: splits against brute force, whole trees against scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

_EXACT = 1e-8


def wavy(seed: int, n: int, d: int = 3, *, holes: float = 0.0) -> tuple[Floats, Floats]:
    """Rows and a target that two columns decide about; a share of the values is missing."""
    rng = np.random.default_rng(seed)
    X = np.round(rng.uniform(-2.0, 2.0, (n, d)), 3)
    y = np.sin(2.0 * X[:, 0]) + X[:, 1] * (X[:, 0] > 0) + 0.2 * rng.standard_normal(n)
    missing = rng.random(X.shape) < holes
    y = y + 1.5 * missing[:, 0]
    X[missing] = np.nan
    return X, y


def one_tree(lab: Lab) -> Iterator[Check]:
    """Leaves, splits, limits, missing values, weights."""
    yield from _basics(lab)
    yield from _limits(lab)
    yield from _weights_and_holes(lab)


def _error(y: Floats, predicted: Any) -> float:
    return float(np.sum((y - np.asarray(predicted, dtype=float)) ** 2))


def best_stump(X: Floats, y: Floats) -> float:
    """The least squared error of one split, by trying all of them and both sides for what is missing."""
    best = float(np.sum((y - y.mean()) ** 2))
    for j in range(X.shape[1]):
        column = X[:, j]
        cuts = [*np.unique(column[~np.isnan(column)]), np.inf]
        for cut in cuts:
            for missing_left in (True, False):
                left = np.where(np.isnan(column), missing_left, column <= cut)
                if 0 < left.sum() < len(y):
                    best = min(best, sum(float(np.sum((y[s] - y[s].mean()) ** 2)) for s in (left, ~left)))
    return best


def _against(lab: Lab, X: Floats, y: Floats, expected: float, **options: Any) -> Measurement:
    """Squared error on the training rows beside the least one, as a share of the total."""
    text = ", ".join(f"{name}={value!r}" for name, value in options.items())
    predicted = lab.solution.RegressionTree(**options).fit(X, y).predict(X)
    call = f"RegressionTree({text}).fit(X, y).predict(X)"
    gate = difference(predicted, y, call=call)
    if gate.gate:
        return gate
    total = _error(y, y.mean())
    found = (_error(y, predicted) - expected) / total
    return Measurement(
        abs(found), call=f"sum((y - {call})**2)", got=_error(y, predicted), expected=expected, inputs={"X": X, "y": y}
    )


def _basics(lab: Lab) -> Iterator[Check]:
    def by_heart() -> Measurement:
        X, y = wavy(1, 30)
        X[:, 0] = np.arange(30.0)
        got = lab.solution.RegressionTree().fit(X, y).predict(X)
        return difference(got, y, call="RegressionTree().fit(X, y).predict(X)", inputs={"X": X, "y": y})

    yield Check(
        "a tree without limits learns by heart",
        by_heart,
        at_most=_EXACT,
        why="Rows that differ in one column can all be told apart.",
        hint=("A leaf predicts the mean of its rows.", "Go on splitting while any split lowers the squared error.",
              "Look at thresholds between all neighbours; the last value of a column is no threshold."),
    )  # fmt: skip
    yield Check(
        "the first split is the best one",
        lambda: worst((_against(lab, *(t := wavy(s, 40)), best_stump(*t), max_depth=1) for s in range(4)), _EXACT),
        at_most=_EXACT,
        why="A tree is greedy: each split has to be the best of all columns and thresholds.",
        hint=("The squared error falls most where Σ(left)²/n(left) + Σ(right)²/n(right) is largest.",
              "Cumulative sums over the sorted column give all left sides at once."),
    )  # fmt: skip

    def nothing_to_split() -> Measurement:
        cases = ((np.ones((5, 2)), np.arange(5.0)), (np.arange(5.0)[:, np.newaxis], np.full(5, 0.1)),
                 (np.array([[3.0]]), np.array([7.0])))  # fmt: skip
        return worst(
            (
                difference(lab.solution.RegressionTree().fit(X, y).predict(X), np.full(len(y), y.mean()),
                           call="RegressionTree().fit(X, y).predict(X)", inputs={"X": X, "y": y})
                for X, y in cases
            ),
            _EXACT,
        )  # fmt: skip

    yield Check(
        "constant columns, a constant target, one row",
        nothing_to_split,
        at_most=_EXACT,
        why="There is nothing to ask, so the answer is the mean.",
        hint=("A gain has to be above rounding before it is one.",),
    )

    def between() -> Measurement:
        X = np.array([[0.0], [1.0], [4.0], [5.0]])
        y = np.array([0.0, 0.0, 8.0, 8.0])
        new = np.array([[-50.0], [0.5], [4.5], [1e9]])
        got = lab.solution.RegressionTree(max_depth=1).fit(X, y).predict(new)
        return difference(got, np.array([0.0, 0.0, 8.0, 8.0]), inputs={"X": X, "y": y, "new": new},
                          call="RegressionTree(max_depth=1).fit(X, y).predict(new)")  # fmt: skip

    yield Check(
        "rows between and beyond those it has seen",
        between,
        at_most=_EXACT,
        why="A tree predicts steps: flat between thresholds, and flat for ever beyond the last.",
        hint=("Put the threshold between two neighbouring values; at most the threshold goes left.",),
    )


def _welcomes_missing(solution: Any) -> dict[str, bool]:
    from sklearn.utils import get_tags

    names = ("RegressionTree", "GradientBoostingRegressor", "GradientBoostingClassifier")
    return {name: bool(get_tags(getattr(solution, name)()).input_tags.allow_nan) for name in names}


def _limits(lab: Lab) -> Iterator[Check]:
    from sklearn.tree import DecisionTreeRegressor

    def against_scikit_learn(**options: Any) -> Measurement:
        def one(seed: int) -> Measurement:
            X, y = wavy(seed, 120)
            peer = DecisionTreeRegressor(random_state=0, **options).fit(X, y)
            return _against(lab, X, y, _error(y, peer.predict(X)), **options)

        return worst((one(seed) for seed in (10, 11, 12)), _EXACT)

    cases: tuple[tuple[str, dict[str, Any], str, tuple[str, ...]], ...] = (
        ("max_depth", {"max_depth": 3}, "Depth limits how many columns can act together.",
         ("The root has depth 0; a node at max_depth is a leaf.",)),
        ("max_leaf_nodes", {"max_leaf_nodes": 6}, "With few leaves to spend, the split that gains most comes first.",
         ("Keep the nodes that can be split in a heap by their gain, and split the best one next.",
          "The gain is the fall of the squared error, not of its mean.")),
        ("min_samples_leaf", {"min_samples_leaf": 15}, "A mean of few rows is mostly noise.",
         ("Leave out every split with fewer rows on either side, and take the best of the others.",)),
    )  # fmt: skip
    for name, options, why, hint in cases:
        yield Check(
            name,
            lambda options=options: against_scikit_learn(**options),  # type: ignore[misc]
            at_most=_EXACT,
            why=why,
            hint=hint,
        )

    def leaves() -> Measurement:
        X, y = wavy(20, 120)
        tree = lab.solution.RegressionTree(max_leaf_nodes=7).fit(X, y)
        at, predicted = np.asarray(tree.apply(X)), np.asarray(tree.predict(X))
        spread = max(float(np.ptp(predicted[at == leaf])) for leaf in np.unique(at))
        got = [int(tree.n_leaves_), len(np.unique(at)), spread]
        return Measurement(float(got[:2] == [7, 7] and spread == 0.0), call="n_leaves_ and apply(X)", got=str(got),
                           expected="[7, 7, 0.0]", inputs={"X": X, "y": y})  # fmt: skip

    yield Check(
        "apply names the leaf of each row",
        leaves,
        equals=True,
        why="Rows in one leaf get one prediction: that is what makes a tree readable.",
        hint=("n_leaves_ counts the leaves; apply returns one whole number a row.",),
    )


def _weights_and_holes(lab: Lab) -> Iterator[Check]:
    def missing() -> Measurement:
        trials = (wavy(seed, 50, holes=0.2) for seed in (30, 31, 32))
        return worst((_against(lab, X, y, best_stump(X, y), max_depth=1) for X, y in trials), _EXACT)

    def welcome() -> Measurement:
        got = lab.solution.apply(_welcomes_missing)
        expected = dict.fromkeys(got, True)
        return Measurement(float(got == expected), call="sklearn.utils.get_tags(model).input_tags.allow_nan",
                           got=str(got), expected=str(expected))  # fmt: skip

    yield Check(
        "missing values are announced",
        welcome,
        equals=True,
        why="Pipelines and searches of scikit-learn ask an estimator's tags whether to refuse NaN in its place.",
        hint=("tags = super().__sklearn_tags__(); tags.input_tags.allow_nan = True; return tags",),
    )
    yield Check(
        "missing values go where they gain",
        missing,
        at_most=_EXACT,
        why="That a value is missing says something too, and a split can use it.",
        hint=("Give NaN a bin of its own, and try each split with it left and right.",
              "All that is known on one side and all that is missing on the other is a split as well."),
    )  # fmt: skip

    def repeated() -> Measurement:
        X, y = wavy(40, 60)
        weights = np.random.default_rng(40).integers(0, 4, 60).astype(float)
        rows = np.repeat(np.arange(60), weights.astype(int))
        got = lab.solution.RegressionTree(max_depth=3).fit(X, y, sample_weight=weights).predict(X[rows])
        again = lab.solution.RegressionTree(max_depth=3).fit(X[rows], y[rows]).predict(X[rows])
        return difference(got, np.asarray(again), inputs={"X": X, "y": y, "weights": weights},
                          call="RegressionTree(max_depth=3).fit(X, y, weights).predict(repeated X)")  # fmt: skip

    yield Check(
        "a weight of two is the row twice",
        repeated,
        at_most=1e-6,
        why="Weights say how many rows one stands for.",
        hint=("Sums and counts in the gain become weighted sums and sums of weights.",
              "Leave rows of weight 0 out before anything else."),
    )  # fmt: skip

    def fractions() -> Measurement:
        X, y = wavy(41, 80)

        def one(low: float, high: float) -> Measurement:
            weights = np.random.default_rng(41).uniform(low, high, 80)
            tree = lab.solution.RegressionTree(max_leaf_nodes=4).fit(X, y, sample_weight=weights)
            at, expected = np.asarray(tree.apply(X)), np.empty(80)
            for leaf in np.unique(at):
                expected[at == leaf] = np.average(y[at == leaf], weights=weights[at == leaf])
            return difference(tree.predict(X), expected, inputs={"X": X, "y": y, "weights": weights},
                              call="RegressionTree(max_leaf_nodes=4).fit(X, y, weights).predict(X)")  # fmt: skip

        return worst((one(*ends) for ends in ((0.1, 0.9), (1.1, 5.0))), 1e-6)

    yield Check(
        "a leaf is the weighted mean of its rows",
        fractions,
        at_most=1e-6,
        why="A weight may be any number above 0: a share, an inverse variance.",
        hint=("Σwy / Σw over the rows of the leaf; the gain takes the same sums.",),
    )

    def monotone() -> Measurement:
        X, y = wavy(50, 150)
        tree = lab.solution.RegressionTree(max_depth=5, monotonic_cst=[1, 0, 0]).fit(X, y)
        grid = np.tile(X[:20], (40, 1))
        grid[:, 0] = np.repeat(np.linspace(-2.5, 2.5, 40), 20)
        predicted = np.asarray(tree.predict(grid)).reshape(40, 20)
        falls = float(np.max(predicted[:-1] - predicted[1:], initial=0.0))
        if float(np.ptp(predicted, axis=0).max()) < 0.1:
            falls = float("inf")  # constant trees are monotone, and no use
        call = "RegressionTree(max_depth=5, monotonic_cst=[1, 0, 0]).fit(X, y).predict(grid)"
        inputs = {"X": X, "y": y, "grid": grid}
        return Measurement(falls, call=call, expected="no fall as the first column rises", inputs=inputs)

    yield Check(
        "monotone columns",
        monotone,
        at_most=1e-9,
        why="A price must not fall because a flat grows: some rules are known before the data.",
        hint=("Refuse splits whose right value is below the left one.",
              "That is not enough: below the split both sides must stay on their side of the middle of the two values.",
              "Hand a lower and an upper bound down to the children, and clip values before you compare gains."),
    )  # fmt: skip
