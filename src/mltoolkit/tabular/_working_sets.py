"""The lasso where columns outnumber rows: a few columns at a time, and a few alphas before all are looked at.

At any alpha at most n coefficients differ from 0, so coordinate descent on a *working set* of columns costs
a fraction of one over all of them. What remains expensive is to make sure that no column outside the set
belongs into it: the products of all columns with the residuals. One matrix product does that for several
alphas at once. Columns enter when their product with the last residuals comes close to the alphas ahead (the
spirit of the strong rules of Tibshirani et al., which may err), or when they violate the optimality conditions;
a solution is accepted when its duality gap over *all* columns is small, so a column that was missed is found.

References
----------
Tibshirani, R. et al. (2012). Strong rules for discarding predictors in lasso-type problems. J. R. Stat. Soc. B 74(2).
Massias, M., Gramfort, A., Salmon, J. (2018). Celer: a fast solver for the lasso with dual extrapolation. ICML.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_AHEAD = 8  # alphas between two looks at all columns
_CLOSE = 1.4  # columns whose product with the residuals reaches this share of an alpha ahead enter beforehand

Floats = NDArray[np.float64]
Solutions = tuple[Floats, Floats, NDArray[np.int64]]


class Descend(Protocol):
    """Coordinate descent on the Gram matrix of some columns, as ``regression.descend``."""

    def __call__(
        self, gram: Floats, target: Floats, square: float, alphas: Floats, coef: Floats, tol: float, max_iter: int
    ) -> Solutions:
        """Coefficients, gaps and sweeps for each alpha."""


def wide_path(
    A: Floats, b: Floats, total: float, alphas: Floats, descend: Descend, tol: float, max_iter: int
) -> Solutions:
    """Lasso coefficients (A, d), duality gaps (A,) and sweeps (A,) for falling alphas.

    Parameters
    ----------
    A : ndarray of shape (n, d)
        Centred columns, times the roots of the weights.
    b : ndarray of shape (n,)
        The target, likewise.
    total : float
        Sum of the weights; the Gram matrix is AᵀA over it.
    alphas, descend, tol, max_iter
        As in ``regression.descend``.
    """
    square = float(b @ b) / total
    products = A.T @ b / total
    coefs = np.zeros((len(alphas), A.shape[1]))
    gaps, sweeps = np.zeros(len(alphas)), np.zeros(len(alphas), dtype=np.int64)
    work = _WorkingSet(A, b, total)
    coef = np.zeros(A.shape[1])
    done = 0
    while done < len(alphas):
        ahead = alphas[done : done + _AHEAD]
        near = np.abs(products)
        work.add(near >= min(_CLOSE * ahead[-1], near.max()))
        found, _, made = descend(work.gram, work.target, square, ahead, coef[work.columns], tol, max_iter)
        residuals = b - found @ work.columns_first  # (alphas ahead, n)
        looked = residuals @ A / total  # (alphas ahead, d): all columns, once
        gap = _gaps(b, residuals, total, found, looked, ahead)
        missed = (np.abs(looked) > ahead[:, np.newaxis]) & ~work.inside
        good = (gap <= tol * square) | ~missed.any(axis=1)
        count = len(ahead) if good.all() else int(np.argmin(good))
        rows = slice(done, done + count)
        coefs[rows, work.columns] = found[:count]
        gaps[rows] = gap[:count]
        last = min(count, len(ahead) - 1)  # the first that is not good enough is still the best start
        sweeps[done : done + last + 1] += made[: last + 1]
        coef[work.columns], products = found[last], looked[last]
        done += count
    return coefs, gaps, sweeps


class _WorkingSet:
    """Some columns of A, in the order in which they came, with their Gram matrix in a buffer that grows."""

    def __init__(self, A: Floats, b: Floats, total: float) -> None:
        self._A, self._total = A, total
        self._products = A.T @ b / total
        self.inside = np.zeros(A.shape[1], dtype=np.bool_)
        self.columns = np.zeros(0, dtype=np.intp)
        self._columns_first = np.empty((0, len(A)))
        self.gram = np.empty((0, 0))

    @property
    def columns_first(self) -> Floats:
        """The columns as rows, shape (size, n)."""
        return self._columns_first[: len(self.columns)]

    @property
    def target(self) -> Floats:
        """Their products with b, over the total weight."""
        return self._products[self.columns]

    def add(self, wanted: NDArray[np.bool_]) -> None:
        """Take in those of the columns that are not there yet."""
        new = np.flatnonzero(wanted & ~self.inside)
        old, size = len(self.columns), len(self.columns) + len(new)
        if size > len(self.gram):
            room = min(max(2 * size, 64), self._A.shape[1])
            gram, columns = np.empty((room, room)), np.empty((room, len(self._A)))
            gram[:old, :old], columns[:old] = self.gram[:old, :old], self._columns_first[:old]
            self.gram, self._columns_first = gram, columns
        self._columns_first[old:size] = self._A[:, new].T
        self.gram[old:size, :size] = self._columns_first[old:size] @ self._columns_first[:size].T / self._total
        self.gram[:old, old:size] = self.gram[old:size, :old].T
        self.columns = np.concatenate([self.columns, new])
        self.inside[new] = True


def _gaps(b: Floats, residuals: Floats, total: float, found: Floats, products: Floats, alphas: Floats) -> Floats:
    """Duality gaps over all columns, one for each alpha."""
    scale = alphas / np.maximum(np.max(np.abs(products), axis=1), alphas)
    fit = np.sum(residuals**2, axis=1) * (1.0 + scale**2) / 2.0 - scale * (residuals @ b)
    return np.asarray((fit / total + alphas * np.sum(np.abs(found), axis=1)).clip(min=0.0))
