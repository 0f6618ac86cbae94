"""How many clusters there are, and whether the same ones come back.

Both questions are asked of any clustering that is handed in as a function, so that k-means, a mixture and somebody's
own method are judged alike. Both compare with something known: the gap statistic with data that has no clusters, the
stability with the same data drawn again.

References
----------
Tibshirani, R., Walther, G., Hastie, T. (2001). Estimating the number of clusters in a data set via the gap statistic.
Journal of the Royal Statistical Society B 63.
Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational Statistics & Data Analysis 52.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from mltoolkit.errors import BadInput
from mltoolkit.metrics import adjusted_rand

Floats = NDArray[np.float64]
# (X, n_clusters, seed) -> within-cluster sum of squares
Inertia = Callable[[Floats, int, int], float]
# (rows to learn from, rows to label, seed) -> a label for each of the latter
Labelling = Callable[[Floats, Floats, int], NDArray[Any]]


@dataclass(frozen=True)
class Gap:
    """The gap statistic over numbers of clusters.

    Attributes
    ----------
    n_clusters : tuple of int
    gap, error : ndarray of shape (K,)
        How far log W lies below its mean over data without clusters, and the standard error of that mean with the
        simulation's own spread: s = sd · √(1 + 1/B).
    best : int
        The number that the rule proposes.
    """

    n_clusters: tuple[int, ...]
    gap: Floats
    error: Floats
    best: int


def gap_statistic(
    X: ArrayLike,
    n_clusters: Sequence[int],
    *,
    inertia: Inertia | None = None,
    n_references: int = 20,
    rule: str = "first",
    rng: np.random.Generator,
) -> Gap:
    """Compare the within-cluster sum of squares with that of data that has no clusters.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Finite numbers.
    n_clusters : sequence of int
        Numbers of clusters to try, rising; neighbours are compared, so leave none out. 1 belongs among them: without it
        the answer "no clusters" cannot be given.
    inertia : function (X, n_clusters, seed) -> float, optional
        The clustering; by default k-means with 3 starts.
    n_references : int, default 20
        Data sets without clusters: uniform in the box along the principal axes of X.
    rule : {"first", "global"}, default "first"
        ``"first"``, the paper's: the smallest k whose gap is at least that of the next k less its error (the k of the
        highest gap when there is none). ``"global"``: the smallest k whose gap is within its error of the highest one.
    rng : Generator

    Returns
    -------
    Gap

    Raises
    ------
    BadInput
        When X or a number is not as said above.

    Notes
    -----
    Groups of groups can leave the first few gaps level, and the first rule then stops at 1: look at the whole curve
    before you believe in one cluster.

    References
    ----------
    Tibshirani, R., Walther, G., Hastie, T. (2001), section 3: the reference of type (b), and the rule for k.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((90, 2)) + 8.0 * np.array([[0, 0], [0, 1], [1, 0]])[np.arange(90) % 3]
    >>> gap_statistic(X, (1, 2, 3, 4), rng=rng).best
    3
    """
    data = _rows("gap_statistic", X)
    numbers = tuple(n_clusters)
    faults = []
    if not numbers or any(isinstance(k, bool) or not isinstance(k, Integral) or k < 1 for k in numbers):
        faults.append(f"n_clusters={numbers!r} is not a sequence of ints of at least 1")
    elif list(numbers) != sorted(set(numbers)) or numbers[-1] > len(data):
        faults.append(f"n_clusters={numbers!r} must rise and end at {len(data)} rows at most")
    if isinstance(n_references, bool) or not isinstance(n_references, Integral) or n_references < 2:
        faults.append(f"n_references={n_references!r} is not an int of at least 2")
    if rule not in ("first", "global"):
        faults.append(f"rule={rule!r} is neither 'first' nor 'global'")
    if faults:
        raise BadInput("gap_statistic: " + "; ".join(faults))
    measure = inertia or _kmeans_inertia
    mean = data.mean(axis=0)
    axes = np.linalg.svd(data - mean, full_matrices=False)[2]
    turned = (data - mean) @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    seeds = [int(seed) for seed in rng.integers(2**31, size=int(n_references) + 1)]
    observed = _logs(measure, data - mean, numbers, seeds[0])
    references = np.array([
        _logs(measure, rng.uniform(low, high, (len(data), len(axes))) @ axes, numbers, seed) for seed in seeds[1:]
    ])  # fmt: skip
    gap = references.mean(axis=0) - observed
    error = references.std(axis=0) * np.sqrt(1.0 + 1.0 / len(references))
    return Gap(numbers, gap, error, int(numbers[_propose(gap, error, rule)]))


def _propose(gap: Floats, error: Floats, rule: str) -> int:
    """Index of the number of clusters that a rule proposes."""
    highest = int(np.argmax(gap))
    if rule == "global":
        return int(np.flatnonzero(gap >= gap[highest] - error[highest])[0])
    enough = np.flatnonzero(gap[:-1] >= gap[1:] - error[1:])
    return int(enough[0]) if len(enough) else highest


def _logs(measure: Inertia, X: Floats, numbers: Sequence[int], seed: int) -> Floats:
    """The logarithm of W for each k; a W of 0, every row its own centre, counts as the smallest number there is."""
    within = np.array([measure(X, k, seed) for k in numbers], dtype=np.float64)
    return np.log(np.maximum(within, np.finfo(np.float64).tiny))


def _kmeans_inertia(X: Floats, k: int, seed: int) -> float:
    from mltoolkit.tabular.clusters import KMeans

    return KMeans(k, n_init=3, random_state=seed).fit(X).inertia_


@dataclass(frozen=True)
class Stability:
    """How far a clustering comes back.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        The clustering of all rows with the first seed, as 0 to k - 1: what the others are compared with.
    seeds : ndarray of shape (S,)
        Adjusted Rand index of the clustering with each other seed.
    resamples : ndarray of shape (B,)
        The same for the clustering of each bootstrap resample, carried over to all rows.
    jaccard : ndarray of shape (B, k)
        For each resample and cluster, the overlap (intersection over union) with the most similar cluster there.
    """

    labels: NDArray[np.intp]
    seeds: Floats
    resamples: Floats
    jaccard: Floats

    def interval(self, of: str = "resamples", confidence: float = 0.95) -> tuple[float, float]:
        """The central share of the indices: from which to which agreement they reach.

        Parameters
        ----------
        of : {"resamples", "seeds"}, default "resamples"
        confidence : float, default 0.95

        Returns
        -------
        (float, float)
            Quantiles of the index.
        """
        if of not in ("resamples", "seeds"):
            raise BadInput(f"Stability.interval: of={of!r} is neither 'resamples' nor 'seeds'")
        if not 0.0 < confidence < 1.0:
            raise BadInput(f"Stability.interval: confidence={confidence!r} is not between 0 and 1")
        low, high = np.quantile(getattr(self, of), [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
        return float(low), float(high)

    @property
    def per_cluster(self) -> Floats:
        """Mean overlap of each cluster, (k,); Hennig calls below 0.6 unstable and from 0.85 highly stable."""
        return np.asarray(self.jaccard.mean(axis=0))


def cluster_stability(
    X: ArrayLike,
    cluster: Labelling,
    *,
    n_seeds: int = 20,
    n_resamples: int = 100,
    rng: np.random.Generator,
) -> Stability:
    """Cluster again with other seeds and on bootstrap resamples, and compare.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Finite numbers.
    cluster : function (rows to learn from, rows to label, seed) -> labels
        Such as ``lambda rows, every, seed: KMeans(4, random_state=seed).fit(rows).predict(every)``.
    n_seeds : int, default 20
        Seeds in all, the first of which gives what the others are compared with; at least 2.
    n_resamples : int, default 100
        Resamples, at least 2.
    rng : Generator

    Returns
    -------
    Stability

    Raises
    ------
    BadInput
        When X is not finite, a number is too small, or ``cluster`` gives other than a label for each row.

    References
    ----------
    Hennig, C. (2007). Cluster-wise assessment of cluster stability.

    Examples
    --------
    >>> from mltoolkit.tabular import KMeans
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 2)) + 9.0 * (np.arange(60) % 2)[:, np.newaxis]
    >>> found = cluster_stability(
    ...     X, lambda rows, every, seed: KMeans(2, random_state=seed).fit(rows).predict(every), n_resamples=10, rng=rng
    ... )
    >>> found.interval()
    (1.0, 1.0)
    """
    data = _rows("cluster_stability", X)
    for name, value in (("n_seeds", n_seeds), ("n_resamples", n_resamples)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 2:
            raise BadInput(f"cluster_stability: {name}={value!r} is not an int of at least 2")
    seeds = [int(seed) for seed in rng.integers(2**31, size=n_seeds)]
    labels = np.unique(_labels(cluster, data, data, seeds[0]), return_inverse=True)[1]
    others = [adjusted_rand(labels, _labels(cluster, data, data, seed)) for seed in seeds[1:]]
    resamples, overlaps = [], []
    for _ in range(n_resamples):
        drawn = data[rng.integers(len(data), size=len(data))]
        again = _labels(cluster, drawn, data, seeds[0])
        resamples.append(adjusted_rand(labels, again))
        overlaps.append(_overlaps(labels, again))
    return Stability(labels, np.array(others), np.array(resamples), np.array(overlaps))


def _labels(cluster: Labelling, rows: Floats, every: Floats, seed: int) -> NDArray[Any]:
    labels = np.asarray(cluster(rows, every, seed))
    if labels.shape != (len(every),):
        raise BadInput(f"cluster_stability: cluster gave shape {labels.shape}; expected a label for each row, "
                       f"({len(every)},)")  # fmt: skip
    return labels


def _overlaps(labels: NDArray[np.intp], again: NDArray[Any]) -> Floats:
    """Of each cluster, the largest intersection over union with a cluster of the other grouping."""
    other = np.unique(again, return_inverse=True)[1]
    shape = (int(labels.max()) + 1, int(other.max()) + 1)
    shared = np.bincount(labels * shape[1] + other, minlength=shape[0] * shape[1]).reshape(shape)
    union = shared.sum(axis=1)[:, np.newaxis] + shared.sum(axis=0) - shared
    return np.asarray((shared / union).max(axis=1))


def _rows(what: str, X: ArrayLike) -> Floats:
    try:
        return np.asarray(check_array(X, dtype=np.float64, ensure_min_samples=2))
    except ValueError as error:
        raise BadInput(f"{what}: " + str(error).splitlines()[0]) from error
