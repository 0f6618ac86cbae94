"""Gradient boosting: each tree takes a step against the gradient of the loss, and a held-out part says when to stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax

from mltoolkit.tabular._trees.binning import Binned, bin_table
from mltoolkit.tabular._trees.growing import Limits, grow, to_grid, with_columns
from mltoolkit.tabular._trees.pace import pick
from mltoolkit.tabular._trees.tree import Tree, add_predictions

Floats = NDArray[np.float64]
Trees = tuple[tuple[Tree, ...], ...]  # rounds of one tree an output

_LEAST_HESSIAN = 1e-16  # where a probability has rounded to 0 or 1


class Loss(Protocol):
    """A loss of raw predictions, shape (n, k), summed over nothing: one number, gradient and hessian a row."""

    def start(self, y: Floats, weights: Floats) -> Floats:
        """The best constant raw prediction, shape (k,)."""

    def derivatives(self, raw: Floats, y: Floats, k: int) -> tuple[Floats, Floats | None]:
        """Gradients and hessians of output ``k``, each (n,); None for hessians of 1."""

    def each(self, raw: Floats, y: Floats) -> Floats:
        """The loss of each row, shape (n,)."""


class SquaredError:
    """Half the squared error for the derivatives, the squared error for the curve."""

    def start(self, y: Floats, weights: Floats) -> Floats:
        """The mean."""
        return np.array([np.average(y, weights=weights)])

    def derivatives(self, raw: Floats, y: Floats, k: int) -> tuple[Floats, Floats | None]:
        """What is left over, with the sign turned."""
        return raw[:, k] - y, None

    def each(self, raw: Floats, y: Floats) -> Floats:
        """Squared errors."""
        return np.asarray((raw[:, 0] - y) ** 2)


class BinaryLogLoss:
    """Negative log-likelihood of two classes; ``y`` is 0 or 1 and the raw prediction the log-odds of 1."""

    def start(self, y: Floats, weights: Floats) -> Floats:
        """The log-odds of the base rate."""
        rate = float(np.average(y, weights=weights))
        return np.array([np.log(rate / (1.0 - rate))])

    def derivatives(self, raw: Floats, y: Floats, k: int) -> tuple[Floats, Floats | None]:
        """P - y and p (1 - p)."""
        p = expit(raw[:, k])
        return p - y, np.maximum(p * (1.0 - p), _LEAST_HESSIAN)

    def each(self, raw: Floats, y: Floats) -> Floats:
        """log(1 + exp(z)) - y z, which does not overflow."""
        return np.asarray(np.logaddexp(0.0, raw[:, 0]) - y * raw[:, 0])


class SoftmaxLogLoss:
    """Negative log-likelihood of more than two classes; ``y`` is their number.

    The hessian's diagonal p (1 - p) is too small for k trees that move at once, since raising one score lowers
    the others' probabilities; k / (k - 1) times as much makes up for that (Friedman, 2001).
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def start(self, y: Floats, weights: Floats) -> Floats:
        """Logarithms of the shares, centred."""
        shares = np.log(np.bincount(y.astype(np.intp), weights, self.classes) / weights.sum())
        return np.asarray(shares - shares.mean())

    def derivatives(self, raw: Floats, y: Floats, k: int) -> tuple[Floats, Floats | None]:
        """P - (y = k), and the hessian's diagonal made larger."""
        p = softmax(raw, axis=1)[:, k]
        factor = self.classes / (self.classes - 1.0)
        return p - (y == k), np.maximum(factor * p * (1.0 - p), _LEAST_HESSIAN)

    def each(self, raw: Floats, y: Floats) -> Floats:
        """Log of the sum of exponentials minus the score of the class that it was."""
        return np.asarray(logsumexp(raw, axis=1) - raw[np.arange(len(raw)), y.astype(np.intp)])


@dataclass(frozen=True)
class Plan:
    """How to boost; every field is a parameter of the estimators."""

    learning_rate: float
    max_iter: int
    limits: Limits
    max_bins: int
    subsample: float
    colsample: float
    patience: int | None  # rounds without a better validation loss; None never stops early
    tol: float
    seed: int


@dataclass(frozen=True, eq=False)
class Part:
    """Rows with what is known of them."""

    X: Floats
    y: Floats
    weights: Floats

    def take(self, rows: NDArray[np.intp]) -> Part:
        """Some rows."""
        return Part(self.X[rows], self.y[rows], self.weights[rows])


@dataclass(frozen=True, eq=False)
class Boosted:
    """A fitted ensemble: start, rounds of trees, and the loss after 0, 1, 2 … rounds."""

    start: Floats
    trees: Trees
    train_loss: Floats
    validation_loss: Floats  # empty without a validation part


def boost(train: Part, held_out: Part | None, loss: Loss, plan: Plan) -> Boosted:
    """Fit round after round.

    Parameters
    ----------
    train, held_out : Part
        Rows to learn from, and rows that decide when to stop (none without early stopping).
    loss : Loss
    plan : Plan

    Returns
    -------
    Boosted
        With early stopping, the rounds up to the best one; the loss curves go on to where it stopped.
    """
    rng = np.random.default_rng(plan.seed)
    binned = bin_table(train.X, plan.max_bins)
    start = loss.start(train.y, train.weights)
    raw = np.tile(start, (len(train.X), 1))
    raw_held = None if held_out is None else np.tile(start, (len(held_out.X), 1))
    curve, held_curve = [_mean_loss(loss, raw, train)], []
    if held_out is not None and raw_held is not None:
        held_curve.append(_mean_loss(loss, raw_held, held_out))
    trees: list[tuple[Tree, ...]] = []
    best = 0
    for _ in range(plan.max_iter):
        trees.append(_round(binned, train, raw, loss, plan, rng))
        curve.append(_mean_loss(loss, raw, train))
        if held_out is None or raw_held is None:
            continue
        add_round(trees[-1], held_out.X, raw_held)
        held_curve.append(_mean_loss(loss, raw_held, held_out))
        if held_curve[-1] < held_curve[best] - plan.tol:
            best = len(trees)
        if plan.patience is not None and len(trees) - best >= plan.patience:
            break
    kept = trees if held_out is None or plan.patience is None else trees[: max(best, 1)]
    return Boosted(start, tuple(kept), np.array(curve), np.array(held_curve))


def _mean_loss(loss: Loss, raw: Floats, part: Part) -> float:
    return float(np.average(loss.each(raw, part.y), weights=part.weights))


def _round(
    binned: Binned, train: Part, raw: Floats, loss: Loss, plan: Plan, rng: np.random.Generator
) -> tuple[Tree, ...]:
    """Grow one tree an output, all against the predictions before the round, and add them to ``raw``."""
    n, d = train.X.shape
    rows = np.arange(n, dtype=np.uint32)
    if plan.subsample < 1.0:
        rows = np.sort(rng.choice(n, max(1, round(plan.subsample * n)), replace=False)).astype(np.uint32)
    columns = np.arange(d)
    if plan.colsample < 1.0:
        columns = np.sort(rng.choice(d, max(1, round(plan.colsample * d)), replace=False))
        binned = binned.take(columns)
    limits = replace(plan.limits, monotonic=plan.limits.monotonic[columns])
    before = raw.copy() if raw.shape[1] > 1 else raw
    found = []
    for k in range(raw.shape[1]):
        gradients, hessians = loss.derivatives(before, train.y, k)
        if (train.weights != 1.0).any():
            gradients = gradients * train.weights
            hessians = train.weights.copy() if hessians is None else hessians * train.weights
        order = rows.copy()
        grown, leaves = grow(
            binned, to_grid(gradients), None if hessians is None else to_grid(hessians), order, limits
        )  # fmt: skip
        tree = replace(with_columns(grown, columns), value=plan.learning_rate * grown.value)
        if len(rows) == n:
            raw[order, k] += tree.value[leaves]
        else:
            add_round((tree,), train.X, raw[:, k : k + 1])
        found.append(tree)
    return tuple(found)


def add_round(trees: tuple[Tree, ...], X: Floats, raw: Floats) -> None:
    """Add the predictions of one round to ``raw``, shape (n, k)."""
    add = pick("add_predictions", add_predictions)
    for k, tree in enumerate(trees):
        add(tree, X, raw[:, k])


def predict_raw(start: Floats, trees: Trees, X: Floats) -> Floats:
    """Raw predictions, shape (n, k)."""
    raw = np.tile(start, (len(X), 1))
    for one in trees:
        add_round(one, X, raw)
    return raw


def staged_raw(start: Floats, trees: Trees, X: Floats) -> Iterator[Floats]:
    """Raw predictions after 1, 2, … rounds, each (n, k)."""
    raw = np.tile(start, (len(X), 1))
    for one in trees:
        add_round(one, X, raw)
        yield raw.copy()


def importances(trees: Trees, d: int) -> Floats:
    """Share of each column in the gains of all splits, shape (d,); zeros when nothing was split."""
    total = np.zeros(d)
    for one in trees:
        for tree in one:
            inner = ~tree.is_leaf
            total += np.bincount(tree.feature[inner], tree.gain[inner], d)
    return total / total.sum() if total.sum() > 0.0 else total
