"""Where k-means starts: squared distances, and greedy k-means++.

Reference: Arthur, D., Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding. SODA.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)
_SAMPLE_PER_CLUSTER = 500  # rows a cluster in a sample of the restarts, where init_size is left to us
_SAMPLE_LEAST = 10_000


def squared_norms(X: Floats) -> Floats:
    """‖x‖² of each row."""
    return np.asarray(np.einsum("ij,ij->i", X, X))


def squared_distances(X: Floats, centers: Floats, norms: Floats) -> tuple[Floats, float]:
    """‖x - c‖² of each pair, shape (n, k), and how far rounding may have moved any of them.

    One matrix product does the work: ‖x‖² - 2 x·c + ‖c‖². The price is an error of the size of ‖x‖², not of
    the distance, so X should be centred, and whoever relies on a bound has to leave room for it.
    """
    lengths = squared_norms(centers)
    D = X @ centers.T
    D *= -2.0
    D += norms[:, np.newaxis]
    D += lengths
    np.maximum(D, 0.0, out=D)
    error = 4.0 * _EPS * (X.shape[1] + 4) ** 0.5 * (float(norms.max(initial=0.0)) + float(lengths.max(initial=0.0)))
    return D, error


def plus_plus(X: Floats, k: int, weights: Floats, rng: np.random.Generator) -> Floats:
    """Greedy k-means++: of a few rows drawn by their squared distance, keep the one that helps most.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Centred rows.
    k : int
    weights : ndarray of shape (n,)
    rng : Generator

    Returns
    -------
    ndarray of shape (k, d)
        Rows of X. Where fewer than k are distinct, the rest are repeats drawn by weight.
    """
    norms = squared_norms(X)
    trials = 2 + int(np.log(k))
    chosen = np.empty(k, dtype=np.intp)
    chosen[0] = _draw(weights, 1, rng)[0]
    closest = _snapped(X, X[chosen[:1]], norms)[:, 0]
    for c in range(1, k):
        pull = weights * closest
        if not pull.any():  # every distinct row is a centre already
            chosen[c:] = _draw(weights, k - c, rng)
            break
        candidates = _draw(pull, trials, rng)
        after = np.minimum(_snapped(X, X[candidates], norms), closest[:, np.newaxis])
        best = int(np.argmin(weights @ after))
        chosen[c], closest = candidates[best], after[:, best]
    return X[chosen]


def _snapped(X: Floats, centers: Floats, norms: Floats) -> Floats:
    """Squared distances in which what rounding cannot tell from 0 is 0: a repeat must not be drawn again."""
    D, error = squared_distances(X, centers, norms)
    D[error >= D] = 0.0
    return D


def _draw(mass: Floats, size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows drawn with probability proportional to ``mass``, which need not add up to 1."""
    heap = np.cumsum(mass)
    rows = np.searchsorted(heap, rng.random(size) * heap[-1], side="right")
    return np.asarray(np.minimum(rows, np.flatnonzero(mass)[-1]))


def in_order(X: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Rows sorted by a projection: a draw then depends neither on their order nor on repeats in place of weights."""
    direction = np.sqrt(np.arange(2.0, X.shape[1] + 2.0))
    order = np.argsort((X * direction).sum(axis=1), kind="stable")  # not a matrix product: equal rows, equal keys
    return X[order], weights[order]


def restart_rows(
    X: Floats, weights: Floats, k: int, init_size: int | None, rng: np.random.Generator
) -> tuple[Floats, Floats, bool]:
    """The rows that the starts of k-means see, with their weights, and whether they are a sample of many.

    They are in an order of their own.
    """
    size = max(init_size or max(_SAMPLE_LEAST, _SAMPLE_PER_CLUSTER * k), k)
    sampled = len(X) > 2 * size
    return *in_order(*(_sample(X, weights, size, rng) if sampled else (X, weights))), sampled


def _sample(X: Floats, weights: Floats, size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rows drawn by weight, with how often each was drawn."""
    if np.ptp(weights) == 0.0:
        return X[np.sort(rng.choice(len(X), size=size, replace=False))], np.ones(size)
    times = rng.multinomial(size, weights / weights.sum())
    rows = np.flatnonzero(times)
    # A few rows may carry all the weight: the rest of the sample is filled up with rows of next to none.
    spare = np.flatnonzero(times == 0)[: max(0, size - len(rows))]
    return X[np.concatenate([rows, spare])], np.concatenate([times[rows].astype(np.float64), np.full(len(spare), 1e-9)])


def random_rows(X: Floats, k: int, weights: Floats, rng: np.random.Generator) -> Floats:
    """As many rows as centres, each drawn at most once, by weight."""
    return X[rng.choice(len(X), size=k, replace=False, p=weights / weights.sum())]


def generator(random_state: Any) -> np.random.Generator:
    """A generator from what estimators are given: an int, None, a Generator or a RandomState."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31, size=4))
    return np.random.default_rng(random_state)
