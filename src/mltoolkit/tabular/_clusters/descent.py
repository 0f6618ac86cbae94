"""The descent of k-means: assign rows to their nearest centre, move centres to the mean, until nothing moves.

One driver, three ways to assign. *lloyd* computes every distance. *hamerly* keeps two numbers a row: ``upper``,
no smaller than the distance to its own centre, and ``lower``, no larger than that to any other. When centres move,
the triangle inequality moves the bounds by as much, and a row with ``upper < lower`` needs no distance at all.
*compiled* is Hamerly's in numba. All three end at the same centres, but for ties.

Reference: Hamerly, G. (2010). Making k-means even faster. SIAM International Conference on Data Mining.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from mltoolkit.tabular._clusters.seeding import Floats, squared_distances, squared_norms

_COMPILE = 1_000_000  # n · k · d from which the compiled pass makes good the time that loading it takes
_BLOCK = 16_384  # rows whose distances are held at a time


@dataclass
class State:
    """What a descent knows of each row and centre; assigning changes it in place.

    ``labels`` (n,) are -1 before the first pass. ``upper``, ``lower`` (n,) are Hamerly's bounds. ``sums`` (k, d),
    ``mass`` (k,) and ``counts`` (k,) are each centre's weighted sum of rows, weight and number of rows: only rows
    that change sides touch them.
    """

    labels: NDArray[np.int32]
    upper: Floats
    lower: Floats
    sums: Floats
    mass: Floats
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Descent:
    """Where a descent ended."""

    centers: Floats
    inertia: float
    n_iter: int
    converged: bool
    n_distances: int


# (X, norms, weights, centers, moved, state) -> distances computed, rows that changed sides
Assign = Callable[[Floats, Floats, Floats, Floats, Floats, State], tuple[int, int]]


def descend(X: Floats, weights: Floats, centers: Floats, *, tol: float, max_iter: int, assign: Assign) -> Descent:
    """Lloyd's iteration from given centres.

    It ends when no row changes sides, or when the squared moves of all centres add up to ``tol`` or less.
    """
    n, d = X.shape
    k = len(centers)
    state = State(
        np.full(n, -1, dtype=np.int32), np.full(n, np.inf), np.zeros(n),
        np.zeros((k, d)), np.zeros(k), np.zeros(k, dtype=np.int64),
    )  # fmt: skip
    norms, moved = squared_norms(X), np.zeros(k)
    n_iter, n_distances, converged = 0, 0, False
    for n_iter in range(1, max_iter + 1):  # noqa: B007
        computed, changed = assign(X, norms, weights, centers, moved, state)
        n_distances += computed
        if not changed:
            converged = True
            break
        new = _means(X, weights, centers, state)
        moved = np.sqrt(squared_norms(new - centers))
        centers = new
        if float(moved @ moved) <= tol:
            converged = True
            break
    _, distances = nearest(X, centers)
    return Descent(centers, float(weights @ distances), n_iter, converged, n_distances)


def _means(X: Floats, weights: Floats, centers: Floats, state: State) -> Floats:
    """The mean of each centre's rows, once no centre is without any that can be had."""
    if not state.counts.all():
        _refill(X, weights, centers, state)
    filled = state.counts > 0
    new = centers.copy()
    new[filled] = state.sums[filled] / state.mass[filled, np.newaxis]
    return new


def _refill(X: Floats, weights: Floats, centers: Floats, state: State) -> None:
    """Give each empty centre the row that is farthest from its own and not the only one there."""
    gaps = X - centers[state.labels]
    far = squared_norms(gaps)
    rows = iter(np.argsort(-far, kind="stable"))
    for c in np.flatnonzero(state.counts == 0):
        row = next((row for row in rows if state.counts[state.labels[row]] > 1), None)
        if row is None or far[row] <= 0.0:  # fewer distinct rows than centres
            return
        _move(X, weights, state, np.array([row]), np.array([c], dtype=np.int32))
        state.upper[row], state.lower[row] = np.inf, 0.0


def nearest(X: Floats, centers: Floats) -> tuple[NDArray[np.int32], Floats]:
    """The nearest centre of each row (of equals the first), and the squared distance to it, by differences."""
    labels, distances = np.empty(len(X), dtype=np.int32), np.empty(len(X))
    for start in range(0, len(X), _BLOCK):
        rows = slice(start, start + _BLOCK)
        D = cdist(X[rows], centers, "sqeuclidean")
        labels[rows] = np.argmin(D, axis=1)
        distances[rows] = D[np.arange(len(D)), labels[rows]]
    return labels, distances


def lloyd(
    X: Floats,
    norms: Floats,
    weights: Floats,
    centers: Floats,
    moved: Floats,  # noqa: ARG001 - one signature for all three
    state: State,
) -> tuple[int, int]:
    """Every distance of every row."""
    labels = np.empty(len(X), dtype=np.int32)
    for start in range(0, len(X), _BLOCK):
        rows = slice(start, start + _BLOCK)
        labels[rows] = np.argmin(squared_distances(X[rows], centers, norms[rows])[0], axis=1)
    return len(X) * len(centers), _change_sides(X, weights, state, np.arange(len(X)), labels)


def hamerly(X: Floats, norms: Floats, weights: Floats, centers: Floats, moved: Floats, state: State) -> tuple[int, int]:
    """Distances only of rows whose bounds do not settle it."""
    k = len(centers)
    if k > 1:
        order = np.argsort(moved)
        others = np.full(k, moved[order[-1]])
        others[order[-1]] = moved[order[-2]]  # the largest move of another centre than its own
        state.upper += moved[state.labels]
        state.lower -= others[state.labels]
    reach = np.maximum(state.lower, _half_gaps(centers)[state.labels])
    rows = np.flatnonzero(_doubtful(state.upper, reach))
    known = rows[np.isfinite(state.upper[rows])]
    state.upper[known] = np.sqrt(squared_norms(X[known] - centers[state.labels[known]]))
    rows = rows[_doubtful(state.upper[rows], reach[rows])]
    changed = 0
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        D, error = squared_distances(X[part], centers, norms[part])
        labels = np.argmin(D, axis=1).astype(np.int32)
        own = D[np.arange(len(part)), labels]
        D[np.arange(len(part)), labels] = np.inf
        # Rounding may have moved both: a bound has to hold all the same.
        state.upper[part] = np.sqrt(own + error)
        state.lower[part] = np.sqrt(np.maximum(D.min(axis=1) - error, 0.0))
        changed += _change_sides(X, weights, state, part, labels)
    return len(known) + len(rows) * k, changed


def _doubtful(upper: Floats, reach: Floats) -> NDArray[np.bool_]:
    """Whether another centre may be as near; bounds add up roundings, so a hair's breadth counts as doubt."""
    return upper * (1.0 + 1e-12) >= reach


def _half_gaps(centers: Floats) -> Floats:
    """Half the distance from each centre to the nearest other: a row closer than that has no nearer centre."""
    if len(centers) == 1:
        return np.array([np.inf])
    gaps = cdist(centers, centers)
    np.fill_diagonal(gaps, np.inf)
    return np.asarray(0.5 * gaps.min(axis=1))


def _change_sides(X: Floats, weights: Floats, state: State, rows: NDArray[np.intp], labels: NDArray[np.int32]) -> int:
    """Move the rows whose nearest centre is another than before; how many they are."""
    changed = state.labels[rows] != labels
    if changed.any():
        _move(X, weights, state, rows[changed], labels[changed])
    return int(changed.sum())


def _move(X: Floats, weights: Floats, state: State, rows: NDArray[np.intp], labels: NDArray[np.int32]) -> None:
    """Take rows from their old centres' sums, if they had any, and add them to the new ones'."""
    known = rows[state.labels[rows] >= 0]
    if len(known):
        _add(X, weights, state, known, state.labels[known], -1)
    _add(X, weights, state, rows, labels, 1)
    state.labels[rows] = labels
    state.sums[state.counts == 0] = 0.0  # not what roundings leave behind
    state.mass[state.counts == 0] = 0.0


def _add(
    X: Floats, weights: Floats, state: State, rows: NDArray[np.intp], labels: NDArray[np.int32], sign: int
) -> None:
    k = len(state.mass)
    weighted = (sign * weights[rows])[:, np.newaxis] * X[rows]
    for j in range(X.shape[1]):
        state.sums[:, j] += np.bincount(labels, weighted[:, j], minlength=k)
    state.mass += sign * np.bincount(labels, weights[rows], minlength=k)
    state.counts += sign * np.bincount(labels, minlength=k)


def compiled(
    X: Floats,
    norms: Floats,  # noqa: ARG001 - one signature for all three
    weights: Floats,
    centers: Floats,
    moved: Floats,
    state: State,
) -> tuple[int, int]:
    """Hamerly's pass in numba."""
    from mltoolkit.tabular._clusters import _kernels

    computed, changed = _kernels.hamerly(
        X, weights, centers, moved, _half_gaps(centers),
        state.labels, state.upper, state.lower, state.sums, state.mass, state.counts,
    )  # fmt: skip
    return int(computed), int(changed)


def pick_assign(algorithm: str, shape: tuple[int, ...], k: int) -> Assign:
    """The pass for an algorithm's name and rows of shape (n, d): compiled where numba is and the work is worth it."""
    if algorithm == "lloyd":
        return lloyd
    if shape[0] * shape[1] * k >= _COMPILE:
        with contextlib.suppress(ImportError):
            from mltoolkit.tabular._clusters import _kernels  # noqa: F401

            return compiled
    return hamerly if algorithm == "hamerly" else lloyd
