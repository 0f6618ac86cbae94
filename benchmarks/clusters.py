"""Week 9: k-means with ten restarts, and EM, beside scikit-learn.

k-means: the peer runs every restart on all rows. Ours runs them on a sample and polishes the best on all rows, with
Hamerly's bounds, compiled. What is compared is what a restart is for, the inertia at the end: ours may be worse by 0.1%
at most. Groups that overlap are the honest workload: on groups far apart every start is at its end in two iterations.

Mixtures: both start from the same parameters and do the same number of iterations; the likelihoods have to agree.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture as SklearnGaussianMixture

from harness import Row, main
from mltoolkit.tabular import GaussianMixture, KMeans, silhouette

ROWS, COLUMNS, CLUSTERS, RESTARTS = 200_000, 32, 10, 10
MIXTURE_ROWS, MIXTURE_COLUMNS, ITERATIONS = 50_000, 16, 15
SILHOUETTE_ROWS = 8_000

_rng = np.random.default_rng(0)
_centers = _rng.normal(0.0, 0.7, (CLUSTERS, COLUMNS))
_groups = _rng.integers(CLUSTERS, size=ROWS)
X = _centers[_groups] + _rng.standard_normal((ROWS, COLUMNS))
NOISE = _rng.standard_normal((ROWS, COLUMNS))
MIXTURE = np.ascontiguousarray(X[:MIXTURE_ROWS, :MIXTURE_COLUMNS])
SILHOUETTE, LABELS = X[:SILHOUETTE_ROWS], _groups[:SILHOUETTE_ROWS]

warnings.simplefilter("ignore", ConvergenceWarning)  # the mixtures are stopped after a number of iterations


def kmeans(rows: Any) -> Callable[[], KMeans]:
    """Ours on some rows."""
    return lambda: KMeans(CLUSTERS, n_init=RESTARTS, random_state=0).fit(rows)


def sklearn_kmeans(rows: Any) -> Callable[[], Any]:
    """The peer on the same rows."""
    return lambda: SklearnKMeans(CLUSTERS, n_init=RESTARTS, random_state=0).fit(rows)


def no_worse(ours: Any, peer: Any) -> str:
    """Whether our inertia is at most 0.1% above the peer's."""
    share = ours.inertia_ / peer.inertia_ - 1.0
    return "" if share <= 1e-3 else f"inertia is {100 * share:.2g}% above the peer's"


def start(kind: str) -> dict[str, Any]:
    """First parameters, the same for both."""
    k, d = CLUSTERS, MIXTURE_COLUMNS
    unit = {"full": np.tile(np.eye(d), (k, 1, 1)), "tied": np.eye(d), "diag": np.ones((k, d)), "spherical": np.ones(k)}
    return {
        "covariance_type": kind,
        "weights_init": np.full(k, 1.0 / k),
        "means_init": _centers[:, :d] + 0.3,
        "precisions_init": unit[kind],
        "max_iter": ITERATIONS,
        "tol": 0.0,
    }


def as_likely(ours: Any, peer: Any) -> str:
    """Whether both ended at the same likelihood."""
    gap = abs(ours.lower_bound_ - peer.lower_bound_)
    return "" if gap <= 1e-8 else f"mean log-likelihoods differ by {gap:.2g}"


def mixture_row(kind: str, goal: float) -> Row:
    """One covariance type."""
    return Row(
        f"Gaussian mixture, {kind}",
        f"{MIXTURE_ROWS:,} x {MIXTURE_COLUMNS}, {CLUSTERS} components, {ITERATIONS} iterations, float64",
        f'GaussianMixture({CLUSTERS}, covariance_type="{kind}", ..._init, max_iter={ITERATIONS}, tol=0).fit(X)',
        lambda: GaussianMixture(CLUSTERS, **start(kind)).fit(MIXTURE),
        lambda: SklearnGaussianMixture(CLUSTERS, **start(kind)).fit(MIXTURE),
        as_likely,
        goal=goal,
    )


if __name__ == "__main__":
    workload = f"{ROWS:,} x {COLUMNS}, {CLUSTERS} clusters, {RESTARTS} restarts, float64"
    call = f"KMeans({CLUSTERS}, n_init={RESTARTS}, random_state=0).fit(X)"
    main(
        "clusters",
        [
            Row("k-means, groups", workload, call, kmeans(X), sklearn_kmeans(X), no_worse, goal=2.0),
            Row("k-means, noise", workload, call, kmeans(NOISE), sklearn_kmeans(NOISE), no_worse, goal=2.0),
            mixture_row("full", 1.5),
            mixture_row("tied", 1.0),
            mixture_row("diag", 0.8),
            mixture_row("spherical", 0.8),
            Row(
                "silhouette",
                f"{SILHOUETTE_ROWS:,} x {COLUMNS}, {CLUSTERS} clusters, float64",
                "silhouette_score(X, labels)",
                lambda: silhouette(SILHOUETTE, LABELS),
                lambda: silhouette_score(SILHOUETTE, LABELS),
                lambda ours, peer: "" if abs(ours - peer) <= 1e-8 else f"they differ by {abs(ours - peer):.2g}",
                goal=1.0,
            ),
        ],
        ("fiftytwo", "numpy", "scipy", "scikit-learn", "numba"),
        pairs=5,
    )
