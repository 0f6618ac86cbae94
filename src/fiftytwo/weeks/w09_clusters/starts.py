"""Checks of where k-means starts, and which of its starts is kept."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w09_clusters.cases import blobs

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_CLOSE = 1e-6  # in coordinates of size 1


def starts(lab: Lab) -> Iterator[Check]:
    """By k-means++, evenly, many, on a sample, by a seed."""
    X, few = blobs(lab.rng, 16, 12), blobs(lab.rng, 5, 12)

    def ratios(rows: NDArray[np.float64], k: int, seeds: int, **options: Any) -> NDArray[np.float64]:
        """Inertia over that of the true groups, for each seed."""
        groups = rows.reshape(k, -1, 2)
        best = float(np.sum((groups - groups.mean(axis=1, keepdims=True)) ** 2))
        fits = (lab.solution.KMeans(k, random_state=seed, **options).fit(rows) for seed in range(seeds))
        return np.array([float(fit.inertia_) / best for fit in fits])

    yield Check(
        "one start by k-means++",
        lambda: float(np.median(ratios(X, 16, 15, n_init=1))),
        at_most=10.0,
        why="A random start misses some groups and is stuck; one that draws by squared distance misses few.",
        hint=("The first centre is a row drawn at random, each next one a row drawn in proportion to min ‖x - c‖².",
              "Greedy: draw 2 + ⌊log k⌋ candidates each time and keep the one that lowers the inertia most."),
    )  # fmt: skip
    yield Check(
        "the best of many starts is kept",
        lambda: float(np.max(ratios(few, 5, 4, init="random", n_init=60))),
        at_most=1.001,
        why="Each start ends in a valley of its own; only the comparison finds the deepest.",
        hint=("Keep the descent with the lowest inertia, not the last one.",),
    )

    apart = np.vstack([lab.rng.standard_normal((199, 2)), [[30.0, 30.0]]])

    yield Check(
        "a random start draws rows evenly",
        lambda: float(sum(lab.solution.apply(_isolates, apart, seed) for seed in range(12))),
        at_most=4,
        unit="of 12 starts",
        why="init='random' is what k-means++ is held against; a row far from all others is one row of two hundred.",
        hint=("rng.choice(n, size=k, replace=False): no row twice, and none more likely than another.",),
    )

    def sampled() -> Measurement:
        many = blobs(lab.rng, 4, 300) + lab.rng.standard_normal((1200, 2)) * 4.0
        model = lab.solution.KMeans(4, tol=0.0, init_size=40, n_init=2, random_state=0).fit(many)
        labels, centers = np.asarray(model.labels_), np.asarray(model.cluster_centers_)
        means = np.array([many[labels == c].mean(axis=0) for c in range(4)])
        return difference(centers, means, call="KMeans(4, tol=0, init_size=40).fit(1,200 rows).cluster_centers_",
                          inputs={"X": many})  # fmt: skip

    yield Check(
        "the last steps see all rows",
        sampled,
        at_most=_CLOSE,
        why="Starts may look at a sample; the centres that come out are means of everything.",
        hint=("Fit from the best start once more on all rows, or give the starts all rows in the first place.",),
    )

    def repeats() -> Measurement:
        first, again = (np.asarray(lab.solution.KMeans(5, n_init=1, random_state=3).fit(X).cluster_centers_)
                        for _ in range(2))  # fmt: skip
        return difference(again, first, call="KMeans(5, n_init=1, random_state=3).fit(X).cluster_centers_, twice",
                          inputs={"X": X})  # fmt: skip

    yield Check(
        "a seed repeats the result",
        repeats,
        at_most=1e-9,
        why="A segmentation that nobody can repeat cannot be checked either.",
        hint=("np.random.default_rng(self.random_state), made in fit; no global random state.",),
    )


def _isolates(solution: Any, X: NDArray[np.float64], seed: int) -> bool:
    """Whether one step from a random start leaves the last row in a cluster of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one step is not enough, and the fit says so
        model = solution.KMeans(2, init="random", n_init=1, max_iter=1, random_state=seed).fit(X)
    return bool((np.linalg.norm(np.asarray(model.cluster_centers_) - X[-1], axis=1) < 1e-6).any())
