"""Compiled coordinate descent; `regression.descend` is the same in NumPy, and the tests hold the two together."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)
def descend(
    gram: NDArray[np.float64],
    target: NDArray[np.float64],
    square: float,
    alphas: NDArray[np.float64],
    coef: NDArray[np.float64],
    tol: float,
    max_iter: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Coefficients (A, d), duality gaps (A,) and sweeps (A,) for each alpha in turn, each from the one before."""
    d = len(target)
    coefs = np.empty((len(alphas), d))
    gaps = np.empty(len(alphas))
    sweeps = np.empty(len(alphas), dtype=np.int64)
    w = coef.copy()
    q = target.copy()
    for j in range(d):
        if w[j] != 0.0:
            for i in range(d):
                q[i] -= w[j] * gram[j, i]
    for k in range(len(alphas)):
        alpha = alphas[k]
        sweep = 0
        while sweep < max_iter:
            sweep += 1
            for j in range(d):
                norm = gram[j, j]
                if norm <= 0.0:
                    continue
                z = q[j] + norm * w[j]
                new = np.sign(z) * max(abs(z) - alpha, 0.0) / norm
                step = new - w[j]
                if step != 0.0:
                    w[j] = new
                    for i in range(d):
                        q[i] -= step * gram[j, i]
            gap = _gap(target, square, w, q, alpha)
            if gap <= tol * square:
                break
        coefs[k], gaps[k], sweeps[k] = w, gap, sweep
    return coefs, gaps, sweeps


@numba.njit(cache=True)
def _gap(
    target: NDArray[np.float64], square: float, w: NDArray[np.float64], q: NDArray[np.float64], alpha: float
) -> float:
    residual, product, size, largest = square, square, 0.0, 0.0
    for j in range(len(w)):
        residual -= w[j] * (target[j] + q[j])
        product -= w[j] * target[j]
        size += abs(w[j])
        largest = max(largest, abs(q[j]))
    scale = 1.0 if largest <= alpha else alpha / largest
    return max(0.5 * max(residual, 0.0) * (1.0 + scale * scale) + alpha * size - scale * product, 0.0)
