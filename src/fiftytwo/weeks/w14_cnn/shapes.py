"""Ten kinds of shape on 32 × 32 colour pictures: hard enough to need a network, small enough to wait for.

Place, size, tilt and both colours are drawn for each picture, a stripe of a third colour lies across the ground, and
noise covers all. A mirror image has the same class, so flips are allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIDE = 32
_NOISE = 0.1  # standard deviation, where colours run from 0 to 1
_CONTRAST = 0.4  # how much darker or brighter than the ground a shape is
_TINT = 0.15  # how far a channel may be from its shade
_TILT = np.pi / 10


def draw(rng: np.random.Generator, n: int, *, noise: float = _NOISE) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures of shape (n, 32, 32, 3), 0 to 255, and their classes, shape (n,), as equal in number as may be."""
    labels = rng.permutation(np.arange(n) % len(KINDS))
    x, y = _frame(rng, n)
    inside = np.empty((n, SIDE, SIDE))
    for k, kind in enumerate(KINDS.values()):
        chosen = labels == k
        inside[chosen] = np.clip(0.5 - 8.0 * kind(x[chosen], y[chosen]), 0.0, 1.0)  # soft edges
    ground, figure, stripe = _colours(rng, n)
    picture = ground[:, None, None, :] + _stripes(rng, n)[..., None] * (stripe - ground)[:, None, None, :]
    picture += inside[..., None] * (figure[:, None, None, :] - picture)
    picture += noise * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.round(255.0 * np.clip(picture, 0.0, 1.0)).astype(np.uint8), labels.astype(np.int64)


def _frame(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Coordinates of each pixel as the shape of each picture sees them, both of shape (n, 32, 32)."""
    centre = rng.uniform(-0.3, 0.3, (2, n, 1, 1))
    size = rng.uniform(0.5, 0.8, (n, 1, 1))
    tilt = rng.uniform(-_TILT, _TILT, (n, 1, 1))
    grid = (np.arange(SIDE) + 0.5) * 2.0 / SIDE - 1.0
    down, right = (grid[None, :, None] - centre[0]) / size, (grid[None, None, :] - centre[1]) / size
    return right * np.cos(tilt) + down * np.sin(tilt), down * np.cos(tilt) - right * np.sin(tilt)


def _colours(rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
    """Colours of ground, figure and stripe, each of shape (n, 3); the first two are easy to tell apart."""
    shade = rng.uniform(0.15, 0.85, (n, 1))
    step = np.where(shade + _CONTRAST > 1.0, -_CONTRAST, _CONTRAST)
    step = np.where((shade > _CONTRAST) & (rng.random((n, 1)) < 0.5), -_CONTRAST, step)
    ground, figure = shade + rng.uniform(-_TINT, _TINT, (n, 3)), shade + step + rng.uniform(-_TINT, _TINT, (n, 3))
    return ground, figure, ground + rng.uniform(-_TINT, _TINT, (n, 3))


def _stripes(rng: np.random.Generator, n: int) -> Array:
    """A soft band at any angle behind the shape, shape (n, 32, 32)."""
    angle, place = rng.uniform(0.0, np.pi, (n, 1, 1)), rng.uniform(-0.8, 0.8, (n, 1, 1))
    grid = (np.arange(SIDE) + 0.5) * 2.0 / SIDE - 1.0
    distance = np.abs(grid[None, :, None] * np.cos(angle) + grid[None, None, :] * np.sin(angle) - place)
    return np.clip(4.0 * (0.25 - distance), 0.0, 1.0)


def _disc(x: Array, y: Array) -> Array:
    return np.hypot(x, y) - 0.9


def _ring(x: Array, y: Array) -> Array:
    return np.abs(np.hypot(x, y) - 0.72) - 0.2


def _square(x: Array, y: Array) -> Array:
    return np.maximum(np.abs(x), np.abs(y)) - 0.8


def _box(x: Array, y: Array) -> Array:
    return np.abs(np.maximum(np.abs(x), np.abs(y)) - 0.66) - 0.18


def _peak(x: Array, y: Array) -> Array:
    return np.maximum(y - 0.75, 0.89 * np.abs(x) - 0.45 * y - 0.42)


def _funnel(x: Array, y: Array) -> Array:
    return _peak(x, -y)


def _plus(x: Array, y: Array) -> Array:
    long, short = np.maximum(np.abs(x), np.abs(y)), np.minimum(np.abs(x), np.abs(y))
    return np.maximum(long - 0.95, short - 0.25)


def _cross(x: Array, y: Array) -> Array:
    return _plus((x + y) / np.sqrt(2.0), (x - y) / np.sqrt(2.0))


def _star(x: Array, y: Array) -> Array:
    spoke = np.cos(5.0 * (np.arctan2(x, -y)))
    return np.hypot(x, y) - (0.68 + 0.3 * spoke)


def _moon(x: Array, y: Array) -> Array:
    return np.maximum(np.hypot(x, y) - 0.95, 0.75 - np.hypot(x - 0.45, y))


KINDS: Mapping[str, Callable[[Array, Array], Array]] = {
    "disc": _disc, "ring": _ring, "square": _square, "box": _box, "peak": _peak,
    "funnel": _funnel, "plus": _plus, "cross": _cross, "star": _star, "moon": _moon,
}  # fmt: skip
