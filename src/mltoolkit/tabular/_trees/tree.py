"""A grown tree as flat arrays, and the prediction of many rows by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tree:
    """A binary tree of ``m`` nodes; node 0 is the root, and every child comes after its parent.

    Parameters
    ----------
    feature : ndarray of shape (m,)
        Column that a node asks for; -1 in a leaf.
    threshold : ndarray of shape (m,)
        A row whose value is at most this goes left.
    missing_left : ndarray of shape (m,)
        Whether a row without a value goes left.
    left, right : ndarray of shape (m,)
        Children; -1 in a leaf.
    value : ndarray of shape (m,)
        Prediction of a leaf, and what an inner node would predict if it were one.
    cover : ndarray of shape (m,)
        Sum of the hessians of the training rows that came by; for squared error, of their weights.
    gain : ndarray of shape (m,)
        What the split of an inner node won; 0 in a leaf.
    """

    feature: Ints
    threshold: Floats
    missing_left: NDArray[np.bool_]
    left: Ints
    right: Ints
    value: Floats
    cover: Floats
    gain: Floats

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Which nodes are leaves, shape (m,)."""
        return self.feature < 0

    def depth(self) -> Ints:
        """Number of splits above each node, shape (m,)."""
        depth = np.zeros(len(self.feature), dtype=np.int64)
        for node in np.flatnonzero(~self.is_leaf):
            depth[[self.left[node], self.right[node]]] = depth[node] + 1
        return depth

    def goes_left(self, X: Floats, node: int) -> NDArray[np.bool_]:
        """Which rows a node sends left, shape (n,)."""
        column = X[:, self.feature[node]]
        below: NDArray[np.bool_] = column <= self.threshold[node]
        return np.where(np.isnan(column), self.missing_left[node], below)

    def apply(self, X: Floats) -> Ints:
        """The leaf of each row, shape (n,)."""
        at = np.zeros(len(X), dtype=np.int64)
        moving = np.flatnonzero(self.feature[at] >= 0)
        while len(moving):
            node = at[moving]
            values = X[moving, self.feature[node]]
            left = np.where(np.isnan(values), self.missing_left[node], values <= self.threshold[node])
            at[moving] = np.where(left, self.left[node], self.right[node])
            moving = moving[self.feature[at[moving]] >= 0]
        return at


def add_predictions(tree: Tree, X: Floats, out: Floats) -> None:
    """Add a tree's prediction of each row to ``out``, shape (n,)."""
    out += tree.value[tree.apply(X)]
