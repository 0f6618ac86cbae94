"""Week 8's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from fiftytwo.plan import Mistake
from mltoolkit.tabular import Leak
from mltoolkit.tabular.trees import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RegressionTree,
    find_leaks,
    tree_shap,
)


class FillsWithTheMean(RegressionTree):
    """Missing values as the mean of their column."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RegressionTree:
        """Fill, then grow."""
        data = np.asarray(X, dtype=float)
        with np.errstate(invalid="ignore"):
            mean = np.where(np.isnan(data).all(axis=0), 0.0, np.nansum(data, axis=0) / np.sum(~np.isnan(data), axis=0))
        self._mean = mean
        return super().fit(np.where(np.isnan(data), mean, data), y, sample_weight)

    def apply(self, X: ArrayLike) -> NDArray[np.int64]:
        """Fill, then descend."""
        data = np.asarray(X, dtype=float)
        return super().apply(np.where(np.isnan(data), self._mean, data) if hasattr(self, "tree_") else data)


class OneLevelTooDeep(RegressionTree):
    """max_depth counted from 0 at the root's children."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RegressionTree:
        """Grow one level more than was asked for."""
        given = self.max_depth
        self.max_depth = None if given is None else given + 1
        try:
            return super().fit(X, y, sample_weight)
        finally:
            self.max_depth = given


class ForgetsTheWeights(RegressionTree):
    """Weights that are taken and not used."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RegressionTree:
        """Check the weights and leave them out."""
        super().fit(X, y, sample_weight)
        return super().fit(X, y)


class StartsFromZero(GradientBoostingRegressor):
    """The first tree on y itself."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, **parts: Any) -> Any:
        """Fit, then move the start to 0: the first trees had to find the mean themselves."""
        super().fit(X, y, sample_weight, **parts)
        self.base_ = np.zeros(1)
        return self


class ShrinksLeavesOnly(GradientBoostingRegressor):
    """l2 in the leaves and not in the gain."""

    trees_: Any

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, **parts: Any) -> Any:
        """Grow without l2, and shrink afterwards."""
        given = self.l2_regularization
        super().fit(X, y, sample_weight, **parts)
        if self.max_iter > 1 or not given:
            return self
        self.l2_regularization = 0.0
        try:
            super().fit(X, y, sample_weight, **parts)
        finally:
            self.l2_regularization = given
        ((tree,),) = self.trees_
        self.trees_ = ((replace(tree, value=tree.value * tree.cover / (tree.cover + given)),),)
        return self


class KeepsTheLastRound(GradientBoostingRegressor):
    """Early stopping that keeps the rounds of its patience."""

    trees_: Any

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, **parts: Any) -> Any:
        """Fit up to where stopping happened, and keep all of it."""
        super().fit(X, y, sample_weight, **parts)
        if self.early_stopping and parts:
            curve = self.validation_score_
            changes = {"early_stopping": False, "max_iter": max(1, len(curve) - 1)}
            longer = GradientBoostingRegressor(**(self.get_params() | changes))
            longer.fit(X, y, sample_weight, **parts)
            self.trees_, self.n_iter_ = longer.trees_, longer.n_iter_
        return self


class MeanInTheLeaf(GradientBoostingClassifier):
    """A leaf is the mean of y - p, without the curvature."""

    trees_: Any

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, **parts: Any) -> Any:
        """Boost two classes by regression trees on the residuals."""
        super().fit(X, y, sample_weight, **parts)
        if len(self.classes_) > 2:
            return self
        codes = (np.asarray(y) == self.classes_[1]).astype(float)
        data = np.asarray(X, dtype=float)
        raw, rounds = np.full(len(codes), self.base_[0]), []
        for _ in range(len(self.trees_)):
            grown = RegressionTree(max_depth=self.max_depth, max_leaf_nodes=self.max_leaf_nodes)
            tree = grown.fit(data, codes - expit(raw)).tree_
            rounds.append((replace(tree, value=self.learning_rate * tree.value),))
            raw += rounds[-1][0].value[grown.apply(data)]
        self.trees_ = tuple(rounds)
        return self


class CountsRows(GradientBoostingClassifier):
    """min_child_weight as a number of rows."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, **parts: Any) -> Any:
        """Hand it on as min_samples_leaf."""
        given, rows = self.min_child_weight, self.min_samples_leaf
        super().fit(X, y, sample_weight, **parts)
        self.min_child_weight, self.min_samples_leaf = 0.0, max(rows, int(np.ceil(given)))
        try:
            return super().fit(X, y, sample_weight, **parts)
        finally:
            self.min_child_weight, self.min_samples_leaf = given, rows


def path_credits(model: Any, X: ArrayLike) -> tuple[NDArray[np.float64], Any]:
    """What the prediction changes by along the path, to the column of each split (Saabas)."""
    values, base = tree_shap(model, X)
    if not isinstance(model, RegressionTree):
        return values, base
    tree, data = model.tree_, np.asarray(X, dtype=float)
    found = np.zeros(values.shape)
    for i, row in enumerate(data):
        node = 0
        while tree.feature[node] >= 0:
            x = row[tree.feature[node]]
            left = tree.missing_left[node] if np.isnan(x) else x <= tree.threshold[node]
            child = tree.left[node] if left else tree.right[node]
            found[i, tree.feature[node]] += tree.value[child] - tree.value[node]
            node = child
    return found, base


def even_branches(model: Any, X: ArrayLike) -> tuple[NDArray[np.float64], Any]:
    """Both branches of a column that is not known weighted alike."""
    if not isinstance(model, RegressionTree):
        return tree_shap(model, X)
    even = copy(model)
    if hasattr(model, "tree_"):
        depth = model.tree_.depth()
        even.tree_ = replace(model.tree_, cover=2.0 ** -depth.astype(float))
    return tree_shap(even, X)


def correlations(train: pd.DataFrame, test: pd.DataFrame | None = None, *, target: str, **options: Any) -> list[Any]:
    """The reference's findings without the copies that a straight line does not see, and with strong columns."""
    found = find_leaks(train, test, target=target, **options)
    if not pd.api.types.is_numeric_dtype(train[target]):
        return found
    straight = train.select_dtypes("number").corr()[target].drop(target).abs()
    extra = [Leak("target copy", (str(name),), "correlates") for name in straight.index[straight > 0.7]]
    return [leak for leak in found if leak.kind != "target copy"] + extra


def any_equal_row(train: pd.DataFrame, test: pd.DataFrame | None = None, *, target: str, **options: Any) -> list[Any]:
    """Every number of a row taken for an identity that leaks."""
    found = find_leaks(train, test, target=target, **options)
    named = {column for leak in found for column in leak.columns}
    unique = [str(c) for c in train.columns if c != target and train[c].is_unique and str(c) not in named]
    return found + [Leak("identity", (name,), "all different") for name in unique]


mistakes = (
    Mistake("fills with the mean", {"RegressionTree": FillsWithTheMean},
            "Your tree fills missing values with the mean; give them a bin, and try it on both sides of each split."),
    Mistake("one level too deep", {"RegressionTree": OneLevelTooDeep},
            "Your tree has one level too many; max_depth counts splits above a leaf, and the root has none above it."),
    Mistake("forgets the weights", {"RegressionTree": ForgetsTheWeights},
            "Your fit takes sample_weight and ignores it; sums and counts become weighted sums."),
    Mistake("starts from zero", {"GradientBoostingRegressor": StartsFromZero},
            "Your prediction lacks its start: the (weighted) mean of y comes before the first tree."),
    Mistake("shrinks the leaves only", {"GradientBoostingRegressor": ShrinksLeavesOnly},
            "Your gain leaves l2 out; it belongs into the score of each side as well as into the leaf."),
    Mistake("keeps the last round", {"GradientBoostingRegressor": KeepsTheLastRound},
            "Your early stopping keeps the rounds that it waited through; drop the trees after the best round."),
    Mistake("the mean in the leaf", {"GradientBoostingClassifier": MeanInTheLeaf},
            "Your leaves are means of y - p; divide the sum by the sum of p (1 - p) plus l2 instead of the count."),
    Mistake("counts rows", {"GradientBoostingClassifier": CountsRows},
            "Your min_child_weight counts rows; it is the least sum of hessians, p (1 - p) each."),
    Mistake("credits the path", {"tree_shap": path_credits},
            "Your values follow the path from the root, so the order of the splits decides; average over all orders."),
    Mistake("weighs both branches alike", {"tree_shap": even_branches},
            "Your unknown columns go both ways with one half each; weigh each branch by its cover."),
    Mistake("correlations", {"find_leaks": correlations},
            "Your test for copies is a correlation: strong honest columns pass it, and copies that bend do not."),
    Mistake("every number is an identity", {"find_leaks": any_equal_row},
            "Your test for identities asks only whether values differ; they must also predict the target."),
)  # fmt: skip
