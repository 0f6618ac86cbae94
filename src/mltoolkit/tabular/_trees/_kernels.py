"""Compiled twins of functions in this package, by the same names; the tests hold each pair together."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from mltoolkit.tabular._trees.shapley import Path, paths, quadrature
from mltoolkit.tabular._trees.shapley import add_values as _add_values_readably
from mltoolkit.tabular._trees.tree import Tree

Floats = NDArray[np.float64]
Rows = NDArray[np.uint32]

_MISSING = 255
_ROUNDING = 1e-12
_TABLE = 10  # columns on a path up to which the answers to all 2^m patterns are kept
_BITS = 62


def bin_codes(X: Floats, edges: tuple[Floats, ...]) -> NDArray[np.uint8]:
    """As `binning.bin_codes`."""
    codes = np.empty(X.shape, dtype=np.uint8)
    ends = np.cumsum([0, *map(len, edges)])
    _bin_rows(X, np.concatenate(edges), ends, codes)
    return codes


@numba.njit(cache=True)
def _bin_rows(X: Floats, cuts: Floats, ends: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
    for i in range(len(X)):
        for j in range(X.shape[1]):
            x = X[i, j]
            if np.isnan(x):
                out[i, j] = 255
                continue
            base, size = ends[j], ends[j + 1] - ends[j]
            while size > 0:  # no branch depends on the data, so none is mispredicted
                half = (size + 1) // 2
                base += half * (cuts[base + half - 1] < x)
                size -= half
            out[i, j] = base - ends[j]


@numba.njit(cache=True)
def histogram(codes: NDArray[np.uint8], rows: Rows, gradients: Floats, hessians: Floats, out: Floats) -> None:
    """As `growing.histogram`."""
    flat = out.reshape(-1)  # unsigned places in one row of numbers: half the time of three signed ones
    one, channels = np.uint64(1), np.uint64(out.shape[2])
    column = np.uint64(256) * channels
    if out.shape[2] == 2:
        for i in range(len(rows)):
            r = rows[i]
            g, bins, start = gradients[r], codes[r], np.uint64(0)
            for j in range(len(bins)):
                at = start + channels * np.uint64(bins[j])
                flat[at] += g
                flat[at + one] += 1.0
                start += column
    else:
        for i in range(len(rows)):
            r = rows[i]
            g, h, bins, start = gradients[r], hessians[r], codes[r], np.uint64(0)
            for j in range(len(bins)):
                at = start + channels * np.uint64(bins[j])
                flat[at] += g
                flat[at + one] += h
                flat[at + one + one] += 1.0
                start += column


@numba.njit(cache=True)
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
    """As `growing.best_split`."""
    count_at = sums.shape[2] - 1
    count = 0.0
    for b in range(256):
        count += sums[0, b, count_at]
    weight = hessian + l2
    value = min(max(-gradient / weight if weight > 0.0 else 0.0, low), high)
    own = -(2.0 * gradient * value + weight * value * value)
    best, column, cut, to_left = 0.0, -1, -1, False
    for j in range(len(last)):
        lost_g, lost_h = sums[j, _MISSING, 0], sums[j, _MISSING, 1]
        lost_n = sums[j, _MISSING, count_at]
        seen_g, seen_h, seen_n = 0.0, 0.0, 0.0
        for b in range(last[j] + (1 if lost_n > 0.0 else 0)):
            seen_g += sums[j, b, 0]
            seen_h += sums[j, b, 1]
            seen_n += sums[j, b, count_at]
            if b > 0 and sums[j, b, count_at] == 0.0:
                continue  # an empty bin gives the split before it once more
            for side in range(2 if lost_n > 0.0 else 1):
                G, H, N = seen_g + side * lost_g, seen_h + side * lost_h, seen_n + side * lost_n
                if min_count > N or count - N < min_count:
                    continue
                rest = hessian - H
                if H <= 0.0 or rest <= 0.0 or min_hessian > H or rest < min_hessian:
                    continue
                v_left = min(max(-G / (H + l2), low), high)
                v_right = min(max(-(gradient - G) / (rest + l2), low), high)
                if monotonic[j] * (v_right - v_left) < 0.0:
                    continue
                sides = -(2.0 * G * v_left + (H + l2) * v_left * v_left) + -(
                    2.0 * (gradient - G) * v_right + (rest + l2) * v_right * v_right
                )
                gain = sides - own
                if gain > best and gain > _ROUNDING * abs(sides):
                    best, column, cut = gain, j, b
                    to_left = side == 1 if lost_n > 0.0 else count <= 2.0 * N
    return best, column, cut, to_left


@numba.njit(cache=True)
def divide(bins: NDArray[np.uint8], rows: Rows, cut: int, missing_left: bool) -> int:
    """As `growing.divide`."""
    right = np.empty(len(rows), dtype=np.uint32)
    kept, moved = 0, 0
    for i in range(len(rows)):
        r = rows[i]
        b = bins[r]
        left = missing_left if b == _MISSING else b <= cut
        rows[kept] = r
        right[moved] = r
        kept += left
        moved += not left
    rows[kept:] = right[:moved]
    return kept


def add_predictions(tree: Tree, X: Floats, out: Floats) -> None:
    """As `tree.add_predictions`."""
    _descend(tree.feature, tree.threshold, tree.missing_left, tree.left, tree.right, tree.value, X, out)


@numba.njit(cache=True)
def _descend(
    feature: NDArray[np.int64],
    threshold: Floats,
    missing_left: NDArray[np.bool_],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    value: Floats,
    X: Floats,
    out: Floats,
) -> None:
    for i in range(len(X)):
        node = 0
        while feature[node] >= 0:
            x = X[i, feature[node]]
            goes_left = missing_left[node] if np.isnan(x) else x <= threshold[node]
            node = left[node] if goes_left else right[node]
        out[i] += value[node]


def add_values(tree: Tree, X: Floats, out: Floats) -> None:
    """As `shapley.add_values`, with the answers of each leaf looked up by the pattern of columns that agree."""
    found = paths(tree)
    if not found:
        return
    if max(len(path.columns) for path in found) > _BITS:
        _add_values_readably(tree, X, out)
        return
    slots, first, size = (np.zeros(len(tree.feature), dtype=np.int64) for _ in range(3))
    tables = np.full(len(tree.feature), -1)
    at, room = 0, 0
    for path in found:
        m = len(path.columns)
        for slot, (above, _) in zip(path.slots, path.steps, strict=True):
            slots[above] = slot
        first[path.leaf], size[path.leaf] = at, m
        at += m
        if m <= _TABLE and 2**m <= 4 * len(X):
            tables[path.leaf] = room
            room += m << m
    columns = np.concatenate([path.columns for path in found])
    shares = np.concatenate([path.shares for path in found])
    points, weights = _quadratures(found)
    table = np.empty(room)
    leaves = np.array([path.leaf for path in found])
    _fill(leaves, first, size, tables, shares, tree.value, points, weights, table)
    _look_up(tree.feature, tree.threshold, tree.missing_left, tree.left, tree.right, tree.value, slots, first, size,
             tables, columns, shares, points, weights, table, X, out)  # fmt: skip


def _quadratures(found: list[Path]) -> tuple[Floats, Floats]:
    """Points and weights by m, each (largest m + 1, points); the rest of a row has weight 0."""
    most = max(len(path.columns) for path in found)
    points, weights = np.zeros((2, most + 1, (most + 1) // 2))
    for m in {len(path.columns) for path in found}:
        points[m, : (m + 1) // 2], weights[m, : (m + 1) // 2] = quadrature(m)
    return points, weights


@numba.njit(cache=True)
def _one_leaf(
    pattern: int, shares: Floats, value: float, points: Floats, weights: Floats, out: Floats, scratch: Floats
) -> None:
    """As `shapley.leaf_values` for one row, whose agreeing columns are the bits of ``pattern``."""
    m = len(shares)
    for k in range(m):
        out[k] = 0.0
    for q in range((m + 1) // 2):
        u = points[q]
        before = weights[q]
        for k in range(m):
            scratch[k] = before
            before *= (1.0 - u) * shares[k] + u * ((pattern >> k) & 1)
        after = 1.0
        for k in range(m - 1, -1, -1):
            out[k] += scratch[k] * after
            after *= (1.0 - u) * shares[k] + u * ((pattern >> k) & 1)
    for k in range(m):
        out[k] *= value * (((pattern >> k) & 1) - shares[k])


@numba.njit(cache=True)
def _fill(
    leaves: NDArray[np.int64],
    first: NDArray[np.int64],
    size: NDArray[np.int64],
    tables: NDArray[np.int64],
    shares: Floats,
    value: Floats,
    points: Floats,
    weights: Floats,
    table: Floats,
) -> None:
    scratch = np.empty(64)
    for leaf in leaves:
        m, start = size[leaf], tables[leaf]
        if start >= 0:
            own = shares[first[leaf] : first[leaf] + m]
            for pattern in range(1 << m):
                at = start + pattern * m
                _one_leaf(pattern, own, value[leaf], points[m], weights[m], table[at : at + m], scratch)


@numba.njit(cache=True)
def _look_up(
    feature: NDArray[np.int64],
    threshold: Floats,
    missing_left: NDArray[np.bool_],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    value: Floats,
    slots: NDArray[np.int64],
    first: NDArray[np.int64],
    size: NDArray[np.int64],
    tables: NDArray[np.int64],
    columns: NDArray[np.int64],
    shares: Floats,
    points: Floats,
    weights: Floats,
    table: Floats,
    X: Floats,
    out: Floats,
) -> None:
    patterns = np.empty(len(feature), dtype=np.int64)
    answer, scratch = np.empty(64), np.empty(64)
    for i in range(len(X)):
        patterns[0] = -1
        for node in range(len(feature)):  # a parent comes before its children
            pattern = patterns[node]
            if feature[node] >= 0:
                x = X[i, feature[node]]
                goes_left = missing_left[node] if np.isnan(x) else x <= threshold[node]
                fails = pattern & ~(1 << slots[node])
                patterns[left[node]] = pattern if goes_left else fails
                patterns[right[node]] = fails if goes_left else pattern
                continue
            m, start = size[node], first[node]
            pattern &= (1 << m) - 1
            if tables[node] >= 0:
                at = tables[node] + pattern * m
                for k in range(m):
                    out[i, columns[start + k]] += table[at + k]
            else:
                own = shares[start : start + m]
                _one_leaf(pattern, own, value[node], points[m], weights[m], answer, scratch)
                for k in range(m):
                    out[i, columns[start + k]] += answer[k]
