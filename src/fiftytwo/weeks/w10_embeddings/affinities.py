"""Checks of the neighbour probabilities against a root finder, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.spatial.distance import cdist
from scipy.special import softmax, xlogy

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

CLOSE = 1e-3  # of the largest probability: an entropy that is right to three digits is right enough for a map


def oracle(X: Floats, perplexity: float) -> Floats:
    """Joint probabilities, the bandwidth of each row by a root finder on its logarithm."""
    D = cdist(X, X, "sqeuclidean")
    n = len(X)
    P = np.zeros((n, n))
    for i in range(n):
        others = np.arange(n) != i
        d = D[i, others] / D[i, others].mean()

        def excess(log_beta: float, d: Floats = d) -> float:
            p = softmax(-np.exp(log_beta) * d)
            return float(-np.sum(xlogy(p, p)) - np.log(perplexity))

        P[i, others] = softmax(-np.exp(brentq(excess, -20.0, 20.0)) * d)
    return (P + P.T) / (2 * n)


def affinities(lab: Lab) -> Iterator[Check]:
    """Values, units, copies, symmetry."""
    rng = lab.rng
    cloud = rng.standard_normal((40, 3)) * [1.0, 2.0, 5.0]
    images = np.asarray(lab.data("digits").data[:60], dtype=float)

    def of(X: Floats, perplexity: float) -> Measurement:
        return difference(
            lab.solution.joint_probabilities(X, perplexity), oracle(X, perplexity), relative=True,
            call=f"joint_probabilities(X, {perplexity:g})", inputs={"X": X},
        )  # fmt: skip

    yield Check(
        "probabilities of being neighbours",
        lambda: worst((of(X, p) for X, p in ((cloud, 8.0), (cloud, 3.0), (images, 12.0))), CLOSE),
        at_most=CLOSE,
        why="Everything in the map follows from these numbers; the data is not looked at again.",
        hint=("For each row, bisect on β = 1 / 2σ² until the entropy of its p is log(perplexity), both in nats.",
              "p_{j|i} ∝ exp(-β_i d_ij²) over j ≠ i, each row of sum 1.",
              "Then p_ij = (p_{j|i} + p_{i|j}) / 2n."),
    )  # fmt: skip

    def whole() -> Measurement:
        P = lab.solution.joint_probabilities(cloud, 5.0)
        first = difference(P, oracle(cloud, 5.0), call="joint_probabilities(X, 5)", inputs={"X": cloud})
        if first.gate:
            return first
        P = np.asarray(P)
        faults = {"asymmetry": np.abs(P - P.T).max(), "diagonal": np.abs(np.diag(P)).max(), "sum": abs(P.sum() - 1.0)}
        return Measurement(
            float(max(faults.values())), call="joint_probabilities(X, 5)", inputs={"X": cloud},
            got=", ".join(f"{name} off by {value:.6g}" for name, value in faults.items()), expected="all 0",
        )  # fmt: skip

    yield Check(
        "symmetric, of sum one, none with itself",
        whole,
        at_most=1e-9,
        why="Only then is the divergence one between two distributions over pairs.",
        hint=("Set the diagonal to 0 before you normalise.", "Divide the sum of P and its transpose by 2n."),
    )
    yield Check(
        "any unit",
        lambda: worst(
            (
                difference(
                    lab.solution.joint_probabilities(unit * cloud, 8.0), oracle(cloud, 8.0), relative=True,
                    call="joint_probabilities(X, 8)", inputs={"X": unit * cloud},
                )
                for unit in (1e-5, 1e5)
            ),
            CLOSE,
        ),
        at_most=CLOSE,
        why="Metres or millimetres: the neighbours are the same.",
        hint=("Let the bisection double its upper end until it holds, or divide each row's distances by their mean.",),
    )  # fmt: skip

    def copies() -> Measurement:
        X = cloud.copy()
        X[:12] = X[0]
        P = lab.solution.joint_probabilities(X, 5.0)
        return difference(
            float(np.sum(np.asarray(P))), 1.0, call="joint_probabilities(X, 5).sum()", inputs={"X": X}
        )  # fmt: skip

    yield Check(
        "copies of a row",
        copies,
        at_most=1e-6,
        why="Real tables repeat themselves; a row with more copies than the perplexity has no bandwidth that fits.",
        hint=("Limit the number of bisections.", "Subtract the smallest distance of a row before the exponential."),
    )
