"""Houses whose prices are known to the last coefficient, so that an estimate can be held against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What one unit more adds to the price, in thousand dollars (k USD). Area, rooms and baths grow together, as in life.
PRICES = {
    "area (m2)": 2.1,
    "rooms": 6.0,
    "baths": 9.0,
    "age (years)": -0.8,
    "centre (km)": -7.0,
    "station (km)": -3.0,
    "garden (m2)": 0.15,
    "crime (index)": -25.0,
}
BASE = 90.0  # price of a house of which every column is 0, in thousand dollars
NOISE = 35.0  # standard deviation of what the columns do not explain, in thousand dollars
_POPULATION = 20_000  # houses that the scale of the columns is taken from


@dataclass(frozen=True)
class Houses:
    """A sample: columns at mean 0 and variance 1 in the population, prices, and the truth behind them.

    ``X`` has shape (n, d); ``y`` is the price and ``expected`` the price without its noise, shape (n,);
    ``coef`` of shape (d,) is the true change of price for one standard deviation more, 0 for columns of junk.
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    expected: NDArray[np.float64]
    names: tuple[str, ...]
    coef: NDArray[np.float64]


def houses(n: int, rng: np.random.Generator, *, junk: int = 0) -> Houses:
    """Draw n houses, with ``junk`` further columns that have nothing to do with the price."""
    scale = _measured(_POPULATION, np.random.default_rng(0))
    mean, deviation = scale.mean(axis=0), scale.std(axis=0)
    X = np.column_stack([(_measured(n, rng) - mean) / deviation, rng.standard_normal((n, junk))])
    coef = np.concatenate([np.array(list(PRICES.values())) * deviation, np.zeros(junk)])
    expected = BASE + float(mean @ list(PRICES.values())) + X @ coef
    names = (*PRICES, *(f"junk {i}" for i in range(1, junk + 1)))
    return Houses(X, expected + rng.normal(0.0, NOISE, n), expected, names, coef)


def _measured(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The columns as they would be measured, in the order of ``PRICES``."""
    size, centre = rng.standard_normal(n), rng.gamma(2.0, 3.0, n)
    return np.column_stack(
        [
            110.0 + 30.0 * size,
            4.5 + 1.2 * size + rng.normal(0.0, 0.5, n),
            1.7 + 0.4 * size + rng.normal(0.0, 0.3, n),
            rng.gamma(3.0, 12.0, n),
            centre,
            0.2 * centre + rng.gamma(1.5, 0.6, n),
            60.0 + 25.0 * centre + rng.gamma(2.0, 50.0, n),
            rng.beta(2.0, 5.0, n),
        ]
    )
