"""The descent of t-SNE: momentum, a gain for each coordinate, and a first phase in which P is exaggerated.

Exaggeration pulls neighbours together while the map is still small, so that groups form before the push tears them
apart; without it the groups end in pieces. A gain grows while its coordinate keeps its direction and shrinks when the
direction turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mltoolkit.tabular._embeddings.objective import Objective

Floats = NDArray[np.float64]

_LOOK = 50  # iterations between two looks at the divergence
_LEAST_GAIN = 0.01
_LONGEST_STEP = 5.0  # units of the map; only a step that has gone wrong is longer
_FIRST_MOMENTUM, _MOMENTUM = 0.5, 0.8


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to descend; see the parameters of TSNE."""

    early_exaggeration: float
    exaggerated: int  # iterations of the first phase
    max_iter: int
    learning_rate: float | None
    tol: float

    def rate(self, n: int, exaggeration: float) -> float:
        """The step for one unit of gradient: n / exaggeration / 4 where it is left to us, as the forces have it."""
        if self.learning_rate is not None:
            return self.learning_rate
        return max(n / exaggeration / 4.0, 50.0 / exaggeration)


@dataclass(frozen=True)
class Descent:
    """Where a descent ended."""

    embedding: Floats
    divergence: float
    n_iter: int
    converged: bool


def descend(objective: Objective, start: Floats, schedule: Schedule) -> Descent:
    """Go down from a map of shape (n, c) until the divergence hardly falls any more."""
    Y, velocity, gains = start.copy(), np.zeros_like(start), np.ones_like(start)
    last, converged, done = np.inf, False, 0
    while done < schedule.max_iter and not converged:
        early = done < schedule.exaggerated
        exaggeration = schedule.early_exaggeration if early else 1.0
        if done == schedule.exaggerated:
            gains[:] = 1.0
        gradient = objective.gradient(Y, exaggeration)
        turning = velocity * gradient > 0.0  # the velocity goes against the gradient while all is well
        gains = np.maximum(np.where(turning, 0.8 * gains, gains + 0.2), _LEAST_GAIN)
        momentum = _FIRST_MOMENTUM if early else _MOMENTUM
        velocity = momentum * velocity - schedule.rate(len(Y), exaggeration) * gains * gradient
        longest = float(np.abs(velocity).max())
        if longest > _LONGEST_STEP:
            velocity *= np.minimum(1.0, _LONGEST_STEP / np.maximum(np.abs(velocity), _LONGEST_STEP))
        Y = Y + velocity
        Y -= Y.mean(axis=0)
        done += 1
        if not early and (done - schedule.exaggerated) % _LOOK == 0:
            divergence = objective.divergence(Y)
            converged = last - divergence <= schedule.tol * abs(divergence)
            last = divergence
    return Descent(Y, objective.divergence(Y), done, converged)
