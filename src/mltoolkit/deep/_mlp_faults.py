"""What the networks of ``mlp`` refuse, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.errors import BadInput

Array = NDArray[np.float64]


def refuse(who: str, faults: list[str]) -> None:
    """Raise all faults at once, if there are any."""
    if faults:
        raise BadInput(f"{who}: " + "; ".join(faults))


def is_count(value: Any) -> bool:
    """Whether a value is a whole number of at least 1."""
    return isinstance(value, Integral) and not isinstance(value, bool) and bool(value >= 1)  # type: ignore[operator]


def width_faults(hidden: Any) -> list[str]:
    """What is wrong with the widths of hidden layers."""
    if isinstance(hidden, str) or not isinstance(hidden, Sequence | np.ndarray) or not all(map(is_count, hidden)):
        return [f"hidden={hidden!r} is no sequence of ints of at least 1"]
    return []


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def at_least_zero(name: str, value: Any) -> list[str]:
    """What is wrong with a number from 0 on."""
    return (
        []
        if _is_number(value) and 0.0 <= value < math.inf
        else [f"{name}={value!r} is not a finite number of at least 0"]
    )


def below_one(name: str, value: Any) -> list[str]:
    """What is wrong with a number from 0 to below 1."""
    return [] if _is_number(value) and 0.0 <= value < 1.0 else [f"{name}={value!r} is not a number from 0 to below 1"]


def rate_faults(learning_rate: Any, weight_decay: Any) -> list[str]:
    """What is wrong with a rate and a decay."""
    return at_least_zero("learning_rate", learning_rate) + at_least_zero("weight_decay", weight_decay)


def check_gradients(
    who: str, parameters: Sequence[Array], gradients: Sequence[Array], state: Sequence[Array] | None
) -> None:
    """Refuse gradients, or parameters, whose shapes are not those that they should be."""
    shapes = [np.shape(p) for p in parameters], [np.shape(g) for g in gradients]
    if shapes[0] != shapes[1]:
        raise BadInput(f"{who}.step: expected a gradient of each parameter's shape {shapes[0]}, got {shapes[1]}")
    if state is not None and shapes[0] != [s.shape for s in state]:
        raise BadInput(f"{who}.step: parameters have shapes {shapes[0]}, those of the step before "
                       f"{[s.shape for s in state]}; make a new optimizer for another network")  # fmt: skip


def layer_faults(weights: list[tuple[int, ...]], biases: list[tuple[int, ...]], hidden: Sequence[int]) -> list[str]:
    """What is wrong with the shapes of layers that should fit each other and the hidden widths."""
    layers = len(hidden) + 1
    if len(weights) != layers or len(biases) != layers:
        return [f"hidden={tuple(hidden)} makes {layers} layers; got {len(weights)} weights and {len(biases)} biases"]
    if any(len(shape) != 2 for shape in weights):
        return [f"weights are (fan_in, fan_out), got shapes {weights}"]
    sizes = [weights[0][0], *hidden, weights[-1][1]]
    wanted = list(pairwise(sizes)), [(b,) for b in sizes[1:]]
    return [] if (weights, biases) == wanted else [f"expected shapes {wanted[0]} and {wanted[1]}, got {weights} and "
                                                   f"{biases}"]  # fmt: skip
