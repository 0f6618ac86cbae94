"""Checks of trustworthiness and continuity against scikit-learn and against what they mean."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import trustworthiness

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

CLOSE = 1e-9
_MANY = 4_000  # rows whose distances to each other would fill 128 MB
_NEIGHBOURS = (1, 5, 20)


def neighbourhoods(lab: Lab) -> Iterator[Check]:
    """Values, meaning, memory."""
    rng = lab.rng
    X = rng.standard_normal((90, 6))
    Y = X[:, :2] + 0.3 * rng.standard_normal((90, 2))

    def trusted(k: int) -> Measurement:
        return difference(
            lab.solution.trustworthiness(X, Y, n_neighbors=k), float(trustworthiness(X, Y, n_neighbors=k)),
            call=f"trustworthiness(X, Y, n_neighbors={k})", inputs={"X": X, "Y": Y},
        )  # fmt: skip

    def continued(k: int) -> Measurement:
        return difference(
            lab.solution.continuity(X, Y, n_neighbors=k), float(trustworthiness(Y, X, n_neighbors=k)),
            call=f"continuity(X, Y, n_neighbors={k})", inputs={"X": X, "Y": Y},
        )  # fmt: skip

    yield Check(
        "trustworthiness",
        lambda: worst((trusted(k) for k in _NEIGHBOURS), CLOSE),
        at_most=CLOSE,
        why="A neighbour in the map that is a stranger in the data is a lie that the eye believes.",
        hint=("The k nearest in the map; their ranks by distance in the data, the nearest other row has rank 1.",
              "Add up rank - k where it is above 0.",
              "1 - 2 / (n k (2n - 3k - 1)) times that sum."),
    )  # fmt: skip
    yield Check(
        "continuity",
        lambda: worst((continued(k) for k in _NEIGHBOURS), CLOSE),
        at_most=CLOSE,
        why="Neighbours that the map has torn apart are missed, since nobody looks for them elsewhere.",
        hint=("The same with data and map in each other's place.",),
    )

    def perfect() -> Measurement:
        turned = 5.0 * X @ np.linalg.qr(rng.standard_normal((6, 6)))[0] + 3.0
        found = [
            difference(getattr(lab.solution, name)(X, turned, n_neighbors=4), 1.0, call=f"{name}(X, X turned)")
            for name in ("trustworthiness", "continuity")
        ]
        return worst(found, CLOSE)

    yield Check(
        "a turned and enlarged copy is perfect",
        perfect,
        at_most=CLOSE,
        why="Only who is near whom counts, not how near.",
        hint=("Ranks do not change when all distances grow alike; is a row counted among its own neighbours?",),
    )

    def memory() -> Measurement:
        many = rng.standard_normal((_MANY, 2))
        share = float(lab.solution.apply(_peak, many, many + 0.1 * rng.standard_normal(many.shape))) / (8.0 * _MANY**2)
        blocks = "less than half of all pairs"
        return Measurement(
            share, call="trustworthiness(X, Y), continuity(X, Y)", got="all pairs" if share > 0.5 else blocks,
            expected=blocks,
        )  # fmt: skip

    yield Check(
        "never all distances at once",
        memory,
        at_most=0.5,
        unit="of an n × n matrix",
        why="A map of a hundred thousand rows should be judged on the machine that drew it.",
        hint=("Take a block of rows, compute its distances to all, count, and let them go.",),
    )


def _peak(solution: Any, X: Floats, Y: Floats) -> int:
    """The most memory that NumPy held during both, in bytes."""
    solution.trustworthiness(X[:50], Y[:50])
    tracemalloc.start()
    try:
        solution.trustworthiness(X, Y)
        solution.continuity(X, Y)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
