"""Checks of the silhouette against scikit-learn and against its definition."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_samples

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w09_clusters.cases import cases_of

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

CLOSE = 1e-6
_MANY = 5_000  # rows whose distances to each other would fill 200 MB


def separation(lab: Lab) -> Iterator[Check]:
    """Values, labels of any kind, rows alone, memory."""
    X = cases_of(lab.rng)["five that overlap"].X
    rng = lab.rng
    labels = rng.integers(0, 4, len(X))
    alone = np.where(np.arange(len(X)) == 7, 9, (X[:, 0] > 0).astype(int))
    kinds: list[NDArray[Any]] = [labels, (X[:, 0] > 0).astype(int) * 5 - 2, alone]

    def samples() -> Measurement:
        return worst(
            (
                difference(
                    lab.solution.silhouette_samples(X, one), silhouette_samples(X, one),
                    call="silhouette_samples(X, labels)", inputs={"X": X, "labels": one},
                )
                for one in kinds
            ),
            CLOSE,
        )  # fmt: skip

    yield Check(
        "silhouette of each row",
        samples,
        at_most=CLOSE,
        why="A low average has a cause, and the rows show where it is.",
        hint=("a: the mean distance to the other rows of its cluster, without the row itself.",
              "b: the lowest mean distance to the rows of another cluster.",
              "(b - a) / max(a, b), and 0 for a row that is alone."),
    )  # fmt: skip
    yield Check(
        "silhouette is their mean",
        lambda: difference(
            lab.solution.silhouette(X, labels), float(silhouette_samples(X, labels).mean()),
            call="silhouette(X, labels)", inputs={"X": X, "labels": labels},
        ),
        at_most=CLOSE,
        why="One number for a grouping: over rows, not over clusters.",
        hint=("The mean over rows, so that a large cluster counts for more.",),
    )  # fmt: skip

    def texts() -> Measurement:
        names = np.array(["groß", "klein", "neu", "alt"])[labels]
        return difference(
            lab.solution.silhouette(X, names), float(silhouette_samples(X, labels).mean()),
            call="silhouette(X, texts)", inputs={"X": X, "labels": names},
        )  # fmt: skip

    yield Check(
        "labels may be texts",
        texts,
        at_most=CLOSE,
        why="Segments have names.",
        hint=("np.unique(labels, return_inverse=True) gives codes.",),
    )

    def memory() -> float:
        many = rng.standard_normal((_MANY, 2))
        peak = float(lab.solution.apply(_peak, many, (many[:, 0] > 0).astype(int)))
        return peak / (8.0 * _MANY**2)

    yield Check(
        "never all distances at once",
        memory,
        at_most=0.5,
        unit="of an n × n matrix",
        why="Twice the customers are four times the distances: a hundred thousand of them would need 80 GB.",
        hint=("Take a block of rows, compute its distances to all, add them up by cluster, and let them go.",),
    )


def _peak(solution: Any, X: NDArray[np.float64], labels: NDArray[np.int64]) -> int:
    """The most memory that NumPy held during a call, in bytes."""
    solution.silhouette(X[:10], labels[:10])
    tracemalloc.start()
    try:
        solution.silhouette(X, labels)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
