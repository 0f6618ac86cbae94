"""Week 10: t-SNE of 5,000 rows of 50 columns, beside openTSNE where it is installed, and scikit-learn.

All have their own defaults for the descent, perplexity 30, principal components as the start and one thread. What is
compared is the divergence of the map from the same P (all pairs, exact): ours may be worse by 5% at most. openTSNE is
asked for interpolation, which is what ours does; of 5,000 rows it would take Barnes and Hut's tree by itself.

Trustworthiness is compared with scikit-learn's, which holds all pairs.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sklearn.manifold import TSNE as SklearnTSNE
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from harness import Row, main
from mltoolkit.tabular import TSNE, joint_probabilities, kl_divergence, trustworthiness

ROWS, COLUMNS, GROUPS = 5_000, 50, 20

_rng = np.random.default_rng(0)
X = _rng.normal(0.0, 1.0, (GROUPS, COLUMNS))[_rng.integers(GROUPS, size=ROWS)] + _rng.standard_normal((ROWS, COLUMNS))
MAP = X[:, :2].copy()


@cache
def truth() -> Any:
    """Joint probabilities of all pairs."""
    return joint_probabilities(X, 30.0)


def ours() -> Any:
    """Ours, by its defaults."""
    return TSNE(random_state=0).fit_transform(X)


def scikit_learn() -> Any:
    """scikit-learn, by its defaults: Barnes and Hut's tree."""
    return SklearnTSNE(random_state=0, n_jobs=1).fit_transform(X)


def open_tsne(method: str) -> Callable[[], Any]:
    """The peer that is made for speed, by its defaults, with exact neighbours as ours."""
    library = importlib.import_module("openTSNE")
    return lambda: np.asarray(
        library.TSNE(random_state=0, n_jobs=1, neighbors="exact", negative_gradient_method=method).fit(X)
    )


def no_worse(mine: Any, peer: Any) -> str:
    """Whether the divergence of our map is at most 5% above that of the peer's."""
    P = truth()
    ratio = kl_divergence(P, mine)[0] / kl_divergence(P, np.asarray(peer, dtype=float))[0]
    return "" if ratio <= 1.05 else f"the divergence is {100 * (ratio - 1):.2g}% above the peer's"


if __name__ == "__main__":
    workload = f"{ROWS:,} x {COLUMNS}, perplexity 30, float64"
    rows = [
        Row("t-SNE, scikit-learn", workload, "TSNE(n_jobs=1).fit_transform(X)", ours, scikit_learn, no_worse, goal=3.0),
        Row(
            "trustworthiness",
            f"{ROWS:,} x {COLUMNS}, 12 neighbours, float64",
            "trustworthiness(X, Y, n_neighbors=12)",
            lambda: trustworthiness(X, MAP, n_neighbors=12),
            lambda: sklearn_trustworthiness(X, MAP, n_neighbors=12),
            lambda mine, peer: "" if abs(mine - peer) <= 1e-9 else f"they differ by {abs(mine - peer):.2g}",
            goal=1.0,
        ),
    ]
    if importlib.util.find_spec("openTSNE"):
        rows += [
            Row(
                f"t-SNE, openTSNE, {method}",
                workload,
                f'TSNE(n_jobs=1, neighbors="exact", negative_gradient_method="{method}").fit(X)',
                ours,
                open_tsne(method),
                no_worse,
                goal=1.0,
            )
            for method in ("fft", "bh")
        ]
    main("embeddings", rows, ("fiftytwo", "numpy", "scipy", "scikit-learn", "numba", "openTSNE"), pairs=3)
