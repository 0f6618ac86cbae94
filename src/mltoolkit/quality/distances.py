"""How far apart two samples are, and whether chance alone would put them there.

A sample is handed in as counts: ``before[i]`` and ``after[i]`` say how often value (or class, or bin) i
occurs in each. That is all that these measures need, however many rows stand behind it.

Size and certainty are two questions. With few rows a large distance means nothing, with many rows a tiny one
is certain. So every distance has a test beside it, and a caller asks for both: *large enough to matter* and
*too large for chance*.

References
----------
Siddiqi, N. (2006). *Credit Risk Scorecards*. Wiley. (The population stability index; 0.1 and 0.25.)
Yurdakul, B. (2018). *Statistical Properties of Population Stability Index*. Western Michigan University.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEAST_EXPECTED = 5.0  # Cochran's rule: below it a cell's chi-squared is not to be trusted
_BINS = 10
_SMALL, _FEW_STEPS = 100, 100_000  # rows, and pairs of rows, up to which paths are counted

Counts = NDArray[np.int64]


def psi(before: Counts, after: Counts) -> float:
    """Population stability index of two samples over the same cells, Σ (p - q) ln(p / q).

    Half a row is added to each cell, so that a cell that is empty on one side stays finite and weighs less
    the fewer rows there are. Symmetric; 0 for equal shares. By the custom of credit scoring less than 0.1
    is no change of note, and more than 0.25 is a large one.

    Parameters
    ----------
    before, after : ndarray of int, shape (k,)
        Rows in each cell.

    Returns
    -------
    float
        0 where either sample is empty: nothing can be said.

    Examples
    --------
    >>> round(psi(np.array([500, 500]), np.array([400, 600])), 4)
    0.0405
    """
    before, after = before[used := (before + after) > 0], after[used]
    if before.sum() == 0 or after.sum() == 0 or len(before) < 2:
        return 0.0
    p = (before + 0.5) / (before.sum() + 0.5 * len(before))
    q = (after + 0.5) / (after.sum() + 0.5 * len(after))
    return float(np.sum((p - q) * np.log(p / q)))


def ks_distance(before: Counts, after: Counts) -> float:
    """Kolmogorov-Smirnov distance: the largest gap between the two cumulative shares, 0 to 1.

    Parameters
    ----------
    before, after : ndarray of int, shape (k,)
        Rows at each distinct value, values in ascending order.

    Examples
    --------
    >>> ks_distance(np.array([2, 0, 0]), np.array([1, 0, 1]))
    0.5
    """
    if before.sum() == 0 or after.sum() == 0:
        return 0.0
    return float(np.abs(_cumulative_gap(before, after)).max())


def _cumulative_gap(before: Counts, after: Counts) -> NDArray[np.float64]:
    return np.asarray(np.cumsum(after) / after.sum() - np.cumsum(before) / before.sum())


def ks_by_chance(distance: float, n_before: int, n_after: int) -> float:
    """Probability that two samples of one population are at least this far apart.

    Exact by counting paths where a sample is small, as scipy's ``ks_2samp(method="exact")``; else Kolmogorov's
    limit at the effective number of rows, nm / (n + m), with Stephens' (1970) correction. Ties make the true
    probability smaller.
    """
    if n_before == 0 or n_after == 0:
        return 1.0
    if min(n_before, n_after) <= _SMALL and n_before * n_after <= _FEW_STEPS:
        return 1.0 - _paths_within(distance, n_before, n_after)
    from scipy.special import kolmogorov

    rows = np.sqrt(n_before * n_after / (n_before + n_after))
    return float(kolmogorov((rows + 0.12 + 0.11 / rows) * distance))


def _paths_within(distance: float, n: int, m: int) -> float:
    """Share of all orders of n and m rows in which the cumulative shares stay closer than a distance.

    Hodges, J. L. (1958). The significance probability of the Smirnov two-sample test. Arkiv för Matematik, 3.
    """
    bound = distance * n * m - 0.5  # gaps are whole numbers of 1 / nm
    row = [1.0 if j * n <= bound else 0.0 for j in range(m + 1)]
    for j in range(1, m + 1):
        row[j] = min(row[j], row[j - 1])
    for i in range(1, n + 1):
        row[0] = row[0] if i * m <= bound else 0.0
        for j in range(1, m + 1):
            # The last of i + j rows is of the first sample with probability i / (i + j).
            row[j] = (i * row[j] + j * row[j - 1]) / (i + j) if abs(i * m - j * n) <= bound else 0.0
    return row[m]


def shares_by_chance(before: Counts, after: Counts) -> float:
    """Probability that two samples of one population differ at least this much in their shares.

    Pearson's chi-squared test of homogeneity. Cells of which fewer than five rows are expected on a side are
    taken together; where that leaves two cells, Fisher's exact test answers instead.

    Parameters
    ----------
    before, after : ndarray of int, shape (k,)
        Rows in each cell.
    """
    n, m = int(before.sum()), int(after.sum())
    if n == 0 or m == 0:
        return 1.0
    both = (before + after).astype(float)
    rare = both * (min(n, m) / (n + m)) < _LEAST_EXPECTED
    table = np.array(
        [[*side[~rare], side[rare].sum()] if rare.any() else side for side in (before, after)], dtype=float
    )
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return 1.0
    if table.shape[1] == 2:
        return proportions_by_chance(int(table[0, 0]), n, int(table[1, 0]), m)
    from scipy.special import chdtrc

    expected = table.sum(axis=0) * np.array([[n], [m]]) / (n + m)
    return float(chdtrc(table.shape[1] - 1, np.sum((table - expected) ** 2 / expected)))


def proportions_by_chance(hits_before: int, n_before: int, hits_after: int, n_after: int) -> float:
    """Probability that two samples of one population have shares at least this far apart.

    Fisher's exact test, two-sided by doubling the smaller tail; exact for any number of rows.
    """
    if n_before == 0 or n_after == 0:
        return 1.0
    hits, total = hits_before + hits_after, n_before + n_after
    least, most = max(0, hits - n_before), min(hits, n_after)
    tails = (np.arange(least, hits_after + 1), np.arange(hits_after, most + 1))
    chance = min(float(np.exp(_log_hypergeometric(tail, total, hits, n_after)).sum()) for tail in tails)
    return min(1.0, 2.0 * chance)


def _log_hypergeometric(k: NDArray[np.int64], total: int, hits: int, drawn: int) -> NDArray[np.float64]:
    """Logarithm of the probability that k of the rows drawn are hits."""
    return np.asarray(_log_choose(hits, k) + _log_choose(total - hits, drawn - k) - _log_choose(total, drawn))


def _log_choose(n: int, k: NDArray[np.int64] | int) -> NDArray[np.float64]:
    from scipy.special import gammaln

    return np.asarray(gammaln(n + 1.0) - gammaln(np.asarray(k) + 1.0) - gammaln(n - np.asarray(k) + 1.0))


def one_sided_by_chance(only_after: int, n_before: int, n_after: int) -> float:
    """Probability that a given set of rows, dealt out at random, lies wholly in the second sample.

    For values above all that were seen before, or for a category that was never seen before.
    """
    total = n_before + n_after
    if only_after == 0 or only_after > n_after:
        return 1.0
    return float(np.exp(_log_choose(n_after, only_after) - _log_choose(total, only_after)))


def quantile_bins(before: Counts, after: Counts, bins: int = _BINS) -> tuple[Counts, Counts]:
    """The two samples in about equally full bins of the values of both, values in ascending order.

    A value that is more frequent than a bin has a bin of its own, so there may be fewer. Bins of both samples,
    rather than of the first, keep what is computed on them symmetric.

    Returns
    -------
    tuple of ndarray of int, shape (at most bins,)
    """
    both = before + after
    if both.sum() == 0:
        return before[:0], after[:0]
    # The bin in which the middle row of each value lies.
    middle = (np.cumsum(both) - both / 2) / both.sum()
    where = np.minimum((middle * bins).astype(np.int64), bins - 1)
    used, index = np.unique(where, return_inverse=True)
    return tuple(np.bincount(index, weights=side, minlength=len(used)).astype(np.int64) for side in (before, after))  # type: ignore[return-value]
