"""Hamerly's pass, compiled; `descent.hamerly` is the same in NumPy, and the tests hold the two together."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _squared(x: NDArray[np.float64], c: NDArray[np.float64]) -> float:
    total = 0.0
    for j in range(len(x)):
        gap = x[j] - c[j]
        total += gap * gap
    return total


@numba.njit(cache=True)
def hamerly(
    X: NDArray[np.float64],
    weights: NDArray[np.float64],
    centers: NDArray[np.float64],
    moved: NDArray[np.float64],
    half_gaps: NDArray[np.float64],
    labels: NDArray[np.int32],
    upper: NDArray[np.float64],
    lower: NDArray[np.float64],
    sums: NDArray[np.float64],
    mass: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> tuple[int, int]:
    """One pass over the rows; changes the last six in place and returns distances computed and rows moved."""
    n, k = len(X), len(centers)
    largest, second, who = 0.0, 0.0, -1
    for c in range(k):
        if moved[c] > largest:
            largest, second, who = moved[c], largest, c
        elif moved[c] > second:
            second = moved[c]
    columns = np.ascontiguousarray(centers.T)
    distances = np.empty(k)
    computed, changed = 0, 0
    for i in range(n):
        own = labels[i]
        if own >= 0:
            upper[i] += moved[own]
            lower[i] -= second if own == who else largest
            reach = max(lower[i], half_gaps[own])
            if upper[i] * (1.0 + 1e-12) < reach:
                continue
            upper[i] = np.sqrt(_squared(X[i], centers[own]))
            computed += 1
            if upper[i] * (1.0 + 1e-12) < reach:
                continue
        best, runner_up, label = np.inf, np.inf, 0
        distances[:] = 0.0
        for j in range(X.shape[1]):  # all centres of a column at once: the processor takes several a step
            x = X[i, j]
            for c in range(k):
                gap = x - columns[j, c]
                distances[c] += gap * gap
        for c in range(k):
            distance = distances[c]
            if distance < best:
                runner_up, best, label = best, distance, c
            elif distance < runner_up:
                runner_up = distance
        computed += k
        upper[i], lower[i] = np.sqrt(best), np.sqrt(runner_up)
        if label != own:
            changed += 1
            labels[i] = label
            w = weights[i]
            counts[label] += 1
            mass[label] += w
            for j in range(X.shape[1]):
                sums[label, j] += w * X[i, j]
            if own >= 0:
                counts[own] -= 1
                mass[own] -= w
                for j in range(X.shape[1]):
                    sums[own, j] -= w * X[i, j]
    for c in range(k):
        if counts[c] == 0:  # not what roundings leave behind
            mass[c] = 0.0
            sums[c, :] = 0.0
    return computed, changed
