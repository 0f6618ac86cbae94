"""How the learning rate moves: functions from the step to a factor of the base rate."""

from __future__ import annotations

import math
from collections.abc import Callable

from mltoolkit.errors import BadInput


def warmup_cosine(warmup: int, steps: int, floor: float = 0.1) -> Callable[[int], float]:
    """A schedule that rises in a line for ``warmup`` steps and then falls along half a cosine.

    Parameters
    ----------
    warmup : int
        Steps of the rise; 0 starts at the top.
    steps : int
        Steps in all; later ones stay at the floor.
    floor : float, default 0.1
        Last factor of the base rate, from 0 to 1.

    Returns
    -------
    function (step) -> float
        Factor of the base rate; 1 at its top.

    Raises
    ------
    BadInput
        When the numbers are out of range.

    Examples
    --------
    >>> schedule = warmup_cosine(2, 6, floor=0.0)
    >>> [round(schedule(step), 2) for step in range(7)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15, 0.0]
    """
    if not 0 <= warmup < steps or not 0.0 <= floor <= 1.0:
        raise BadInput(
            f"warmup_cosine: got warmup={warmup}, steps={steps}, floor={floor}; "
            "expected 0 <= warmup < steps and floor from 0 to 1"
        )

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        done = min((step - warmup) / (steps - warmup), 1.0)
        return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * done))

    return factor
