"""What the scale of initial weights does to a deep network: signals on their way up, gradients on their way down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FACTORS: Mapping[str, float] = {"all zero": 0.0, "a third of He": 1.0 / 3.0, "He": 1.0, "twice He": 2.0}
LAYERS, WIDTH = 8, 64


@dataclass(frozen=True)
class Start:
    """A way to begin: root mean squares of each hidden layer's output and of each layer's gradient, and the losses."""

    name: str
    signals: tuple[float, ...]
    gradients: tuple[float, ...]
    losses: tuple[float, ...]


def start_weights(rng: np.random.Generator, columns: int, classes: int, factor: float) -> list[NDArray[np.float64]]:
    """Weights of a network of ReLUs whose standard deviation is ``factor`` times He's."""
    sizes = [columns, *[WIDTH] * LAYERS, classes]
    return [factor * rng.normal(0.0, np.sqrt(2.0 / a), (a, b)) for a, b in pairwise(sizes)]


def signals(X: NDArray[np.float64], weights: Sequence[NDArray[np.float64]]) -> tuple[float, ...]:
    """Root mean square of what each hidden layer gives out; biases are 0."""
    found, H = [], X
    for W in weights[:-1]:
        H = np.maximum(H @ W, 0.0)
        found.append(float(np.sqrt(np.mean(H**2))))
    return tuple(found)
