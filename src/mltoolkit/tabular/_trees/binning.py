"""Columns in at most 255 bins of about equal mass, so that a split is a search over bins and not over rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltoolkit.tabular._trees.pace import pick

MISSING = 255  # the bin of rows without a value; a byte holds 255 others
BINS = 256
_SAMPLE = 200_000  # rows that the edges are found from: more would move them by less than a bin

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Binned:
    """A table of bins.

    Parameters
    ----------
    codes : ndarray of shape (n, d), uint8
        Bin of each value; 255 where there is none.
    by_column : ndarray of shape (d, n), uint8
        The same once more, so that a column can be read without its neighbours.
    edges : tuple of d arrays
        A value is in bin b when it is at most ``edges[j][b]`` and above the edge before.
    """

    codes: NDArray[np.uint8]
    by_column: NDArray[np.uint8]
    edges: tuple[Floats, ...]

    @property
    def last(self) -> NDArray[np.int64]:
        """The highest bin of each column, shape (d,)."""
        return np.array([len(edges) for edges in self.edges], dtype=np.int64)

    def take(self, columns: NDArray[np.intp]) -> Binned:
        """Some columns."""
        codes = np.ascontiguousarray(self.codes[:, columns])
        return Binned(codes, self.by_column[columns], tuple(self.edges[j] for j in columns))


def bin_table(X: Floats, max_bins: int) -> Binned:
    """Find edges and put every value in its bin; X has shape (n, d) and may hold NaN."""
    rows = X
    if len(X) > _SAMPLE:  # always the same rows: no generator is spent on this
        rows = X[np.random.default_rng(0).choice(len(X), _SAMPLE, replace=False)]
    edges = tuple(_edges(rows[:, j], max_bins) for j in range(X.shape[1]))
    codes = pick("bin_codes", bin_codes)(X, edges)
    return Binned(codes, np.ascontiguousarray(codes.T), edges)


def _edges(column: Floats, max_bins: int) -> Floats:
    """Rising edges between values; a value that many rows share takes one bin, and leaves the others to the rest."""
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    if len(values) <= max_bins:
        return _between(values[:-1], values[1:])
    upto = np.cumsum(counts)
    last: list[int] = []  # of each bin, the place of its highest value
    done = 0
    while len(last) < max_bins - 1:
        share = (int(upto[-1]) - done) / (max_bins - len(last))
        place = int(np.searchsorted(upto, math.ceil(done + share)))  # a float would make floats of all counts
        if place >= len(values) - 1:
            break
        last.append(place)
        done = int(upto[place])
    ends = np.array(last, dtype=np.intp)
    return _between(values[ends], values[ends + 1])


def _between(low: Floats, high: Floats) -> Floats:
    """Midpoints, at least ``low`` and below ``high`` whatever rounding does."""
    middle = low / 2.0 + high / 2.0
    return np.where((middle >= low) & (middle < high), middle, low)


def bin_codes(X: Floats, edges: tuple[Floats, ...]) -> NDArray[np.uint8]:
    """Bin of each value, shape (n, d)."""
    codes = np.empty(X.shape, dtype=np.uint8)
    for j, cuts in enumerate(edges):
        column = X[:, j]
        codes[:, j] = np.where(np.isnan(column), MISSING, np.searchsorted(cuts, column, side="left"))
    return codes
