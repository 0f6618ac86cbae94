"""Growing one tree on bins.

A node keeps, for each column and bin, the sums of its rows' gradients and hessians and their count. A split
is found from these sums alone. Of two children only the smaller one's rows are looked at; the other's sums are
the parent's minus these.

Sums of floating-point numbers depend on their order. Here gradients are rounded to a grid first, so coarse
that every sum is exact: the order of rows, the subtraction and the number of threads change no bit, and the
compiled functions equal the readable ones below. The grid has 2^52 steps for the sum of all rows.

References
----------
Chen, T., Guestrin, C. (2016). XGBoost: a scalable tree boosting system. KDD.
Ke, G. et al. (2017). LightGBM: a highly efficient gradient boosting decision tree. NeurIPS.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mltoolkit.tabular._trees.binning import BINS, MISSING, Binned
from mltoolkit.tabular._trees.pace import pick
from mltoolkit.tabular._trees.tree import Tree

Floats = NDArray[np.float64]
Rows = NDArray[np.uint32]

ROUNDING = 1e-12  # a gain below this share of what it is the difference of is rounding, not a gain


@dataclass(frozen=True, eq=False)
class Limits:
    """What stops a tree.

    ``monotonic`` holds -1, 0 or 1 for each column, shape (d,); the other fields are as in the estimators.
    """

    max_depth: int | None
    max_leaf_nodes: int | None
    min_samples_leaf: int
    min_child_weight: float
    l2: float
    monotonic: NDArray[np.int64]


class Split(NamedTuple):
    """The best split of a node. Rows in bins up to ``bin`` go left; ``gain`` is 0 when there is none."""

    gain: float
    column: int
    bin: int
    missing_left: bool


NO_SPLIT = Split(0.0, -1, -1, False)


@dataclass(eq=False)
class _Node:
    """A node that may still be split: rows ``order[start:stop]``, and the sums of its histogram."""

    number: int
    start: int
    stop: int
    depth: int
    low: float = -np.inf  # bounds of the values below, where columns are monotone
    high: float = np.inf
    sums: Floats = field(default_factory=lambda: np.empty(0))
    split: Split = NO_SPLIT


def to_grid(values: Floats) -> Floats:
    """Round to multiples of a power of two so that sums of all values, in any order, are exact."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0.0:
        return values
    bits = int(np.frexp(largest)[1]) + math.ceil(math.log2(len(values)))  # of the largest sum there may be
    step = 2.0 ** max(bits - 52, -1074)
    return np.asarray(np.rint(values / step) * step)


def grow(binned: Binned, gradients: Floats, hessians: Floats | None, rows: Rows, limits: Limits) -> tuple[Tree, Rows]:
    """Grow a tree by the gains of a second-order expansion of the loss.

    Parameters
    ----------
    binned : Binned
        The table, shape (n, d).
    gradients : ndarray of shape (n,)
        First derivatives of the loss with respect to the prediction, on the grid.
    hessians : ndarray of shape (n,) or None
        Second derivatives, on the grid; None when all are 1.
    rows : ndarray of uint32
        Rows to learn from. They are put in the order of the leaves.
    limits : Limits

    Returns
    -------
    tree : Tree
    leaves : ndarray of shape (len(rows),)
        The leaf of each row, in the order that ``rows`` has afterwards.
    """
    # The square of a gradient must not overflow or vanish. A power of two changes no digit.
    scale = 2.0 ** min(int(np.frexp(float(np.max(np.abs(gradients), initial=0.0)))[1]), 1023)
    tree, leaves = _Growth(binned, gradients / scale, hessians, rows, limits).run()
    with np.errstate(over="ignore", under="ignore"):
        return replace(tree, value=tree.value * scale, gain=tree.gain * scale * scale), leaves


class _Growth:
    """One tree while it grows."""

    def __init__(self, binned: Binned, gradients: Floats, hessians: Floats | None, rows: Rows, limits: Limits) -> None:
        self.binned, self.gradients, self.hessians, self.rows, self.limits = binned, gradients, hessians, rows, limits
        self.last = binned.last
        self.histogram = pick("histogram", histogram)
        self.best_split = pick("best_split", best_split)
        self.divide = pick("divide", divide)
        self.nodes: list[_Node] = []
        self.totals: list[tuple[float, float]] = []
        self.children: dict[int, tuple[int, int]] = {}

    def run(self) -> tuple[Tree, Rows]:
        limits = self.limits
        root = self._add(_Node(0, 0, len(self.rows), 0))
        root.sums = self._sums(root)
        waiting: list[tuple[float, int]] = []
        self._consider(root, waiting)
        leaves = 1
        while waiting and (limits.max_leaf_nodes is None or leaves < limits.max_leaf_nodes):
            node = self.nodes[heapq.heappop(waiting)[1]]
            for child in self._part(node):
                self._consider(child, waiting)
            leaves += 1
        return self._finish()

    def _add(self, node: _Node) -> _Node:
        at = self.rows[node.start : node.stop]
        gradient = float(self.gradients[at].sum())
        hessian = float(len(at)) if self.hessians is None else float(self.hessians[at].sum())
        self.nodes.append(node)
        self.totals.append((gradient, hessian))
        return node

    def _sums(self, node: _Node) -> Floats:
        channels = 2 if self.hessians is None else 3
        sums = np.zeros((len(self.last), BINS, channels))
        hessians = self.gradients if self.hessians is None else self.hessians
        self.histogram(self.binned.codes, self.rows[node.start : node.stop], self.gradients, hessians, sums)
        return sums

    def _may_split(self, node: _Node) -> bool:
        limits = self.limits
        deep_enough = limits.max_depth is not None and node.depth >= limits.max_depth
        return not deep_enough and node.stop - node.start >= 2 * limits.min_samples_leaf

    def _consider(self, node: _Node, waiting: list[tuple[float, int]]) -> None:
        """Put a node among those that wait for their split, if it has one."""
        if not len(node.sums):
            return
        limits = self.limits
        found = self.best_split(
            node.sums, self.last, *self.totals[node.number], limits.l2, limits.min_samples_leaf,
            limits.min_child_weight, limits.monotonic, node.low, node.high,
        )  # fmt: skip
        node.split = Split(float(found[0]), int(found[1]), int(found[2]), bool(found[3]))
        if node.split.gain > 0.0:
            # Where leaves are not counted, the newest node goes first: then few histograms are open at once.
            first = -node.split.gain if limits.max_leaf_nodes is not None else -float(node.number)
            heapq.heappush(waiting, (first, node.number))
        else:
            node.sums = np.empty(0)

    def _part(self, node: _Node) -> list[_Node]:
        """Split a node into two, whose histograms are there where they may be split in turn."""
        rows = self.rows[node.start : node.stop]
        bins = self.binned.by_column[node.split.column]
        middle = node.start + int(self.divide(bins, rows, node.split.bin, node.split.missing_left))
        left = self._add(_Node(len(self.nodes), node.start, middle, node.depth + 1, node.low, node.high))
        right = self._add(_Node(len(self.nodes), middle, node.stop, node.depth + 1, node.low, node.high))
        self._bound(node, left, right)
        self.children[node.number] = left.number, right.number
        small, large = (left, right) if middle - node.start <= node.stop - middle else (right, left)
        if self._may_split(small) or self._may_split(large):
            sums = self._sums(small)
            if self._may_split(large):
                node.sums -= sums  # the parent is done with its own
                large.sums = node.sums
            if self._may_split(small):
                small.sums = sums
        node.sums = np.empty(0)
        return [left, right]

    def _bound(self, node: _Node, left: _Node, right: _Node) -> None:
        """Below a split on a monotone column the two sides stay on their sides of the middle."""
        direction = self.limits.monotonic[node.split.column]
        if direction:
            middle = (self._value(left) + self._value(right)) / 2.0
            below, above = (left, right) if direction > 0 else (right, left)
            below.high, above.low = middle, middle

    def _value(self, node: _Node) -> float:
        gradient, hessian = self.totals[node.number]
        return node_value(gradient, hessian, self.limits.l2, node.low, node.high)

    def _finish(self) -> tuple[Tree, Rows]:
        size = len(self.nodes)
        feature, cut, left, right = (np.full(size, -1, dtype=np.int64) for _ in range(4))
        missing_left = np.zeros(size, dtype=np.bool_)
        gain, leaves = np.zeros(size), np.empty(len(self.rows), dtype=np.uint32)
        threshold = np.full(size, np.nan)
        for node in self.nodes:
            if node.number not in self.children:
                leaves[node.start : node.stop] = node.number
                continue
            left[node.number], right[node.number] = self.children[node.number]
            gain[node.number], feature[node.number], cut[node.number], missing_left[node.number] = node.split
            edges = self.binned.edges[node.split.column]
            # Past the last edge lies nothing but what is missing.
            threshold[node.number] = edges[node.split.bin] if node.split.bin < len(edges) else np.inf
        value = np.array([self._value(node) for node in self.nodes])
        cover = np.array([hessian for _, hessian in self.totals])
        return Tree(feature, threshold, missing_left, left, right, value, cover, gain), leaves


def node_value(gradient: float, hessian: float, l2: float, low: float, high: float) -> float:
    """The step that minimises gradient · v + (hessian + l2) · v² / 2 between two bounds."""
    weight = hessian + l2
    return min(max(-gradient / weight if weight > 0.0 else 0.0, low), high)


def with_columns(tree: Tree, columns: NDArray[np.intp]) -> Tree:
    """A tree that was grown on some columns, by the numbers that these have in the whole table."""
    feature = np.where(tree.feature >= 0, columns[np.maximum(tree.feature, 0)], -1)
    return replace(tree, feature=feature)


def histogram(codes: NDArray[np.uint8], rows: Rows, gradients: Floats, hessians: Floats, out: Floats) -> None:
    """Sums of gradients (and hessians, if ``out`` has three channels) and counts of some rows, by column and bin.

    Parameters
    ----------
    codes : ndarray of shape (n, d)
    rows : ndarray of uint32
    gradients, hessians : ndarray of shape (n,)
    out : ndarray of shape (d, 256, 2 or 3)
        Zeros; the last channel counts. When every hessian is 1, the count is their sum.
    """
    for j in range(len(out)):
        bins = codes[rows, j]
        out[j, :, 0] = np.bincount(bins, gradients[rows], BINS)
        out[j, :, -1] = np.bincount(bins, minlength=BINS)
        if out.shape[2] == 3:
            out[j, :, 1] = np.bincount(bins, hessians[rows], BINS)


def best_split(
    sums: Floats,
    last: NDArray[np.int64],
    gradient: float,
    hessian: float,
    l2: float,
    min_count: int,
    min_hessian: float,
    monotonic: NDArray[np.int64],
    low: float,
    high: float,
) -> tuple[float, int, int, bool]:
    """The split with the largest gain; of equal ones the first column, then the lowest bin, then missing right.

    The gain is the score of both sides minus that of the node, where the score of gradient G, hessian H and
    value v is -(2 G v + (H + l2) v²): with the best v this is G² / (H + l2).

    Parameters
    ----------
    sums : ndarray of shape (d, 256, 2 or 3)
        The node's histogram.
    last : ndarray of shape (d,)
        The highest bin of each column.
    gradient, hessian : float
        The node's totals.
    l2, min_count, min_hessian, monotonic
        As in ``Limits``.
    low, high : float
        Bounds of the node's values.

    Returns
    -------
    gain, column, bin, missing_left
        A gain of 0 when no split is allowed or wins anything.
    """
    missing = sums[:, np.newaxis, MISSING]  # (d, 1, channels)
    seen = np.cumsum(sums[:, :MISSING], axis=1)
    left = np.stack([seen, seen + missing], axis=2)  # (d, 255, 2, channels): missing right, missing left
    count = float(sums[0, :, -1].sum())
    G, H, N = left[..., 0], left[..., 1], left[..., -1]
    own = _score(gradient, hessian, l2, node_value(gradient, hessian, l2, low, high))
    with np.errstate(divide="ignore", invalid="ignore"):
        v_left = np.clip(-G / (H + l2), low, high)
        v_right = np.clip(-(gradient - G) / (hessian - H + l2), low, high)
        sides = _score(G, H, l2, v_left) + _score(gradient - G, hessian - H, l2, v_right)
        gain = sides - own
        rises = monotonic[:, np.newaxis, np.newaxis] * (v_right - v_left) >= 0.0
    bins = np.arange(MISSING)[:, np.newaxis]
    holes = (missing[..., -1] > 0)[:, :, np.newaxis]  # (d, 1, 1)
    allowed = (
        (min_count <= N) & (count - N >= min_count) & (H > 0.0) & (hessian - H > 0.0)
        & (min_hessian <= H) & (hessian - H >= min_hessian)
        & rises
        & (bins < last[:, np.newaxis, np.newaxis] + np.where(holes, 1, 0))
        & (holes | (np.arange(2) == 0))
    )  # fmt: skip
    gain = np.where(allowed & (gain > ROUNDING * np.abs(sides)), gain, 0.0)
    place = int(np.argmax(gain))
    column, cut, side = np.unravel_index(place, gain.shape)
    best = float(gain[column, cut, side])
    if best <= 0.0:
        return NO_SPLIT
    # Where nothing was missing, what is missing later goes with the greater part.
    to_left = side == 1 if holes[column, 0, 0] else 2.0 * N[column, cut, side] >= count
    return best, int(column), int(cut), bool(to_left)


def _score(gradient: Floats | float, hessian: Floats | float, l2: float, value: Floats | float) -> Floats:
    return np.asarray(-(2.0 * gradient * value + (hessian + l2) * value * value))


def divide(bins: NDArray[np.uint8], rows: Rows, cut: int, missing_left: bool) -> int:
    """Put the rows that go left first, in place and without changing the order on either side; how many they are."""
    own = bins[rows]
    left = np.where(own == MISSING, missing_left, own <= cut)
    count = int(np.count_nonzero(left))
    rows[:] = np.concatenate([rows[left], rows[~left]])
    return count
