"""Exact Shapley values of trees, with rows that a tree cannot see weighted by the cover of its branches.

Take one leaf of value v. Of the columns on its path, column k agrees with a row (oₖ = 1) or not (oₖ = 0), and a
share zₖ of the training rows passes its splits. With the columns S known, the leaf is reached with the weight
Π_{k in S} oₖ · Π_{k not in S} zₖ. The Shapley value of column k averages what knowing it changes over all orders,

    φₖ = v (oₖ - zₖ) Σ_S |S|! (m - 1 - |S|)! / m! · Π_{j in S} oⱼ · Π_{j not in S} zⱼ      (S without k),

and since |S|! (m - 1 - |S|)! / m! is the integral of uˢ (1 - u)^(m-1-s) over [0, 1], the sum over 2^(m-1) sets is

    φₖ = v (oₖ - zₖ) ∫ Π_{j ≠ k} (u oⱼ + (1 - u) zⱼ) du.

The integrand is a polynomial of degree m - 1, so Gauss-Legendre quadrature with ⌈m / 2⌉ points gives it exactly;
all its factors are at least 0, so nothing cancels. A path's answer depends on the row only through the m bits o.
Where 2^m is small the answers to all of them are computed once for each leaf and looked up for each row.

References
----------
Lundberg, S. M. et al. (2020). From local explanations to global understanding with explainable AI for trees.
Nature Machine Intelligence 2.
Yang, J. (2021). Fast TreeSHAP: accelerating SHAP value computation for trees. arXiv:2109.09847.
Bifet, A., Read, J., Xu, C. (2022). Linear TreeShap. NeurIPS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mltoolkit.tabular._trees.pace import pick
from mltoolkit.tabular._trees.tree import Tree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Trees whose values add up, with the output (0 to k - 1) that each belongs to, and what is added to the sum."""

    trees: Sequence[Tree]
    outputs: Sequence[int]
    offset: Floats  # (k,)


@dataclass(frozen=True, eq=False)
class Path:
    """The way to one leaf: its ``m`` different columns, the share of training rows that pass each, and its nodes.

    ``steps`` are pairs of a node and the child that the path takes; ``slots`` the place of each node's column
    among ``columns``.
    """

    leaf: int
    columns: Ints  # (m,)
    shares: Floats  # (m,)
    steps: tuple[tuple[int, int], ...]
    slots: tuple[int, ...]


def paths(tree: Tree) -> list[Path]:
    """The paths to all leaves, those of a tree without splits excepted."""
    found: list[Path] = []
    waiting: list[tuple[int, tuple[tuple[int, int], ...]]] = [(0, ())]
    while waiting:
        node, steps = waiting.pop()
        if tree.feature[node] >= 0:
            waiting += [(int(child), (*steps, (node, int(child)))) for child in (tree.right[node], tree.left[node])]
        elif steps:
            columns, slots = _slots([int(tree.feature[above]) for above, _ in steps])
            shares = np.ones(len(columns))
            for slot, (above, child) in zip(slots, steps, strict=True):
                both = tree.cover[tree.left[above]] + tree.cover[tree.right[above]]
                shares[slot] *= tree.cover[child] / both if both > 0.0 else 0.5
            found.append(Path(node, columns, shares, steps, slots))
    return found


def _slots(features: list[int]) -> tuple[Ints, tuple[int, ...]]:
    columns = list(dict.fromkeys(features))
    place = {column: slot for slot, column in enumerate(columns)}
    return np.array(columns, dtype=np.int64), tuple(place[column] for column in features)


@cache
def quadrature(m: int) -> tuple[Floats, Floats]:
    """Points and weights on [0, 1] that integrate polynomials of degree m - 1 exactly."""
    points, weights = np.polynomial.legendre.leggauss((m + 1) // 2)
    return (points + 1.0) / 2.0, weights / 2.0


def leaf_values(agrees: NDArray[np.bool_], shares: Floats, value: float) -> Floats:
    """Shapley values of one leaf.

    Parameters
    ----------
    agrees : ndarray of shape (n, m)
        Which columns of the path agree with each row.
    shares : ndarray of shape (m,)
        Share of training rows that pass each column's splits.
    value : float
        What the leaf predicts.

    Returns
    -------
    ndarray of shape (n, m)
    """
    n, m = agrees.shape
    total = np.zeros((n, m))
    for u, weight in zip(*quadrature(m), strict=True):
        factors = np.where(agrees, u + (1.0 - u) * shares, (1.0 - u) * shares)
        ones = np.ones((n, 1))
        before = np.cumprod(np.hstack([ones, factors[:, :-1]]), axis=1)
        after = np.cumprod(np.hstack([ones, factors[:, :0:-1]]), axis=1)[:, ::-1]
        total += weight * before * after  # the product without the column itself, and without a division
    return np.asarray(value * (agrees - shares) * total)


def add_values(tree: Tree, X: Floats, out: Floats) -> None:
    """Add one tree's Shapley values to ``out``, shape (n, d)."""
    sides = {node: tree.goes_left(X, node) for node in np.flatnonzero(~tree.is_leaf).tolist()}
    for path in paths(tree):
        agrees = np.ones((len(X), len(path.columns)), dtype=np.bool_)
        for slot, (above, child) in zip(path.slots, path.steps, strict=True):
            agrees[:, slot] &= sides[above] == (child == tree.left[above])
        out[:, path.columns] += leaf_values(agrees, path.shares, float(tree.value[path.leaf]))


def expected(tree: Tree) -> float:
    """The tree's prediction with no column known: the mean of its leaves, by the cover of the branches."""
    reach = np.zeros(len(tree.feature))
    reach[0] = 1.0
    waiting = [0]
    while waiting:
        node = waiting.pop()
        if tree.feature[node] >= 0:
            children = [int(tree.left[node]), int(tree.right[node])]
            both = float(tree.cover[children].sum())
            reach[children] = reach[node] * (tree.cover[children] / both if both > 0.0 else 0.5)
            waiting += children
    return float(reach[tree.is_leaf] @ tree.value[tree.is_leaf])


def explain(ensemble: Ensemble, X: Floats) -> tuple[Floats, Floats]:
    """Shapley values (n, d, k) and base values (k,) of an ensemble."""
    outputs = len(ensemble.offset)
    add = pick("add_values", add_values)
    values = np.zeros((outputs, *X.shape))
    base = ensemble.offset.copy()
    for tree, output in zip(ensemble.trees, ensemble.outputs, strict=True):
        add(tree, X, values[output])
        base[output] += expected(tree)
    return np.moveaxis(values, 0, -1), base
