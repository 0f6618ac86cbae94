"""Distributions that break a careless implementation, and the oracles that know the answers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fiftytwo.evidence import Measurement

EXACT = 1e-12  # what double precision keeps of a sum of a few hundred terms, each a product of share and logarithm

Pair = tuple[NDArray[Any], NDArray[Any]]


def pairs_of(rng: np.random.Generator) -> dict[str, Pair]:
    """Two distributions over the same outcomes, smallest case first."""
    zeros = rng.integers(1, 9, 12)
    zeros[[2, 5]] = 0
    wider = zeros + rng.integers(0, 3, 12)
    wider[[0, 1]] += 7
    return {
        "counts": (np.array([3, 5, 2]), np.array([1, 1, 4])),
        "probabilities": (np.array([0.1, 0.2, 0.7]), np.array([0.3, 0.3, 0.4])),
        "certain": (np.array([0, 1, 0]), np.array([0.2, 0.5, 0.3])),
        "zeros in both": (zeros, wider),
        "many": (rng.gamma(0.5, size=300), rng.gamma(0.5, size=300)),
    }


def extreme_pairs() -> dict[str, Pair]:
    """Sums that overflow, products that underflow, shares a double cannot hold."""
    return {
        "huge": (np.array([1e308, 1e308, 5e307]), np.array([1e308, 5e307, 1e308])),
        "tiny": (np.array([1e-308, 2e-308]), np.array([3e-308, 1e-308])),
        "rare": (np.array([1.0, 1e-18]), np.array([1.0, 1e-15])),
        "big integers": (np.array([2**62, 2**62, 2**62]), np.array([2**62, 2**61, 1])),
    }


def joint_tables(rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Counts of pairs of labels, smallest case first."""
    sparse = rng.poisson(0.6, (6, 4))
    sparse[2] = 0
    sparse[0, 0] = 3
    return {
        "one tells all": np.array([[5, 0], [0, 3]]),
        "dependent": np.array([[6, 1, 2], [1, 4, 3]]),
        "independent": np.outer([1, 2, 3], [4, 1]),
        "sparse": sparse,
        "probabilities": rng.dirichlet(np.ones(12)).reshape(3, 4),
    }


def shares(weights: ArrayLike) -> NDArray[np.float64]:
    """Weights divided by their sum, without overflow."""
    scaled = np.asarray(weights, dtype=float) / np.max(weights)
    result: NDArray[np.float64] = scaled / scaled.sum()
    return result


def entropy_of(p: ArrayLike, base: float | None = None) -> float:
    """SciPy's entropy."""
    import scipy.stats

    return float(scipy.stats.entropy(shares(p), base=base))


def divergence_of(p: ArrayLike, q: ArrayLike, base: float | None = None) -> float:
    """SciPy's relative entropy, added up."""
    import scipy.special

    return float(np.sum(scipy.special.rel_entr(shares(p), shares(q)))) / math.log(base or math.e)


def js_of(p: ArrayLike, q: ArrayLike, base: float | None = None) -> float:
    """Square of SciPy's Jensen-Shannon distance."""
    from scipy.spatial.distance import jensenshannon

    return float(jensenshannon(shares(p), shares(q), base=base)) ** 2


def information_of(table: ArrayLike) -> float:
    """SciPy's relative entropy of a joint table and the product of its margins, in nats."""
    joint = shares(table)
    return divergence_of(joint, np.outer(joint.sum(axis=1), joint.sum(axis=0)))


def worst(measurements: Iterable[Measurement], bound: float = EXACT) -> Measurement:
    """The first measurement that misses the bound or a gate, else the largest one."""
    largest: Measurement | None = None
    for measurement in measurements:
        if measurement.gate or not measurement.value <= bound:
            return measurement
        if largest is None or measurement.value > largest.value:
            largest = measurement
    assert largest is not None
    return largest


def first_unclear(measurements: Iterable[Measurement]) -> Measurement:
    """The first refusal that was not clear, else the last one."""
    last: Measurement | None = None
    for last in measurements:
        if last.value != 1.0:
            break
    assert last is not None
    return last
