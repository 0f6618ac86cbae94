"""Checks of the divergence against its definition, and of its gradient against differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import xlogy

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w10_embeddings.affinities import oracle

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

_STEP = 1e-5
CLOSE = 1e-5


def divergence(P: Floats, Y: Floats) -> float:
    """KL(P‖Q) of a map, from its definition."""
    K = 1.0 / (1.0 + cdist(Y, Y, "sqeuclidean"))
    np.fill_diagonal(K, 0.0)
    Q = K / K.sum()
    off = ~np.eye(len(P), dtype=bool)
    return float(np.sum(xlogy(P[off], P[off]) - xlogy(P[off], Q[off])))


def slope(P: Floats, Y: Floats) -> Floats:
    """The gradient by central differences, a coordinate at a time."""
    G = np.empty_like(Y)
    for i in np.ndindex(*Y.shape):
        ends = []
        for sign in (1.0, -1.0):
            moved = Y.copy()
            moved[i] += sign * _STEP
            ends.append(divergence(P, moved))
        G[i] = (ends[0] - ends[1]) / (2 * _STEP)
    return G


def objective(lab: Lab) -> Iterator[Check]:
    """Value and gradient on maps that are far from good, where both are large."""
    rng = lab.rng
    X = rng.standard_normal((30, 4))
    P = oracle(X, 6.0)
    P[:3, 20:] = P[20:, :3] = 0.0  # a probability may be 0
    P /= P.sum()
    maps = [3.0 * rng.standard_normal((30, 2)), 0.1 * rng.standard_normal((30, 2)), rng.standard_normal((30, 3))]

    def both(Y: Floats) -> Any:
        found = lab.solution.kl_divergence(P, Y)
        return found if isinstance(found, tuple) and len(found) == 2 else (found, None)

    def value(Y: Floats) -> Measurement:
        return difference(both(Y)[0], divergence(P, Y), call="kl_divergence(P, Y)[0]", inputs={"P": P, "Y": Y})

    def gradient(Y: Floats) -> Measurement:
        return difference(
            both(Y)[1], slope(P, Y), relative=True, call="kl_divergence(P, Y)[1]", inputs={"P": P, "Y": Y}
        )  # fmt: skip

    yield Check(
        "divergence of a map",
        lambda: worst((value(Y) for Y in maps), 1e-8),
        at_most=1e-8,
        unit="nats",
        why="The one number that two maps of the same data can be compared by.",
        hint=("q_ij ∝ 1 / (1 + ‖y_i - y_j‖²), divided by their sum over all pairs i ≠ j.",
              "Σ p log(p / q), where a p of 0 adds nothing."),
    )  # fmt: skip
    yield Check(
        "gradient beside finite differences",
        lambda: worst((gradient(Y) for Y in maps), CLOSE),
        at_most=CLOSE,
        why="A gradient that is almost right descends to a map that is almost right, and nobody sees it.",
        hint=("4 Σ_j (p_ij - q_ij) (y_i - y_j) / (1 + ‖y_i - y_j‖²).",
              "With W = (P - Q) * K: 4 (W.sum(axis=1)[:, None] * Y - W @ Y)."),
    )  # fmt: skip
    yield Check(
        "one pair pulls and pushes in balance",
        lambda: difference(
            both_of_two(lab), 0.0, call="kl_divergence([[0, ½], [½, 0]], [[0, 0], [3, 4]])[0]"
        ),
        at_most=1e-9,
        unit="nats",
        why="Two points have one pair, and its share is one wherever they are: distances mean nothing by themselves.",
        hint=("A row is no neighbour of its own: the diagonal of K is 0 before you sum.",),
    )  # fmt: skip


def both_of_two(lab: Lab) -> Any:
    """The divergence of a map of two points."""
    found = lab.solution.kl_divergence(np.array([[0.0, 0.5], [0.5, 0.0]]), np.array([[0.0, 0.0], [3.0, 4.0]]))
    return found[0] if isinstance(found, tuple) else found
