"""What the public functions are given, read and checked: faults are collected, so that all are told at once."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def real_numbers(name: str, value: ArrayLike, faults: list[str]) -> NDArray[Any] | None:
    """An array of real numbers, or None where there are none; NaN and infinity are among the faults too."""
    try:
        array = np.asarray(value)
    except ValueError:
        faults.append(f"{name} is ragged: all its rows must have the same length")
        return None
    if array.dtype.kind not in "biuf":
        faults.append(f"{name} holds values of type {array.dtype}; expected real numbers")
        return None
    bad = ~np.isfinite(array)
    if bad.any():
        first = ", ".join(str(int(i)) for i in np.argwhere(bad)[0])
        faults.append(f"{name} holds {int(bad.sum())} times NaN or infinity, first at [{first}]; fill or drop them")
    return array


def check_rank(rank: object, side: str, most: int | None, faults: list[str]) -> None:
    """Whether a rank is an int from 1 to the length of a side, as far as that is known."""
    if isinstance(rank, bool) or not isinstance(rank, Integral):
        faults.append(f"rank={rank!r} is not an int")
    elif int(rank) < 1 or (most is not None and int(rank) > most):
        faults.append(f"rank={rank} is not between 1 and {side}" + ("" if most is None else f" = {most}"))


def read_image(image: ArrayLike, most: int, faults: list[str]) -> NDArray[Any] | None:
    """An image of at most so many samples as uint8, float32 or float64, or None with the reasons among the faults."""
    known = len(faults)
    array = real_numbers("image", image, faults)
    if array is None:
        return None
    whole = array.dtype.kind in "iu"
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)) or array.size == 0:
        faults.append(f"image has shape {array.shape}; expected (h, w) or (h, w, 3) with at least one pixel")
    elif array.size > most:
        faults.append(f"image has {array.size:,} samples; at most {most:,} are taken, so cut it into tiles")
    elif array.dtype.kind == "b":
        faults.append("image holds yes and no; expected whole numbers from 0 to 255 or floats from 0 to 1")
    elif len(faults) == known and (array.min() < 0 or array.max() > (255 if whole else 1)):
        expected = "whole numbers from 0 to 255" if whole else "floats from 0 to 1"
        faults.append(f"image holds values from {array.min():.6g} to {array.max():.6g}; expected {expected}")
    if len(faults) > known:
        return None
    return array.astype(np.uint8 if whole else np.float32 if array.dtype == np.float32 else np.float64, copy=False)
