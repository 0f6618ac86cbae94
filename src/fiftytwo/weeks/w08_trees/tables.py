"""Tables to learn from: simulated houses and applicants, or California's blocks and credit-card customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Floats = NDArray[np.float64]

_ROWS = 3_000
HOUSES = ("rooms", "age", "distance", "noise", "floor", "light")
APPLICANTS = ("income", "used", "months of history", "late payments", "loan", "second card")


@dataclass(frozen=True, eq=False)
class Problem:
    """A table with what is to be predicted; rows are split by chance, eight tenths to learn from."""

    name: str
    columns: tuple[str, ...]
    X: Floats  # (n, d)
    y: Floats  # (n,)
    rounds: int
    depth: int
    rate: float

    def split(self, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows to learn from and rows to judge by."""
        order = rng.permutation(len(self.y))
        cut = 8 * len(order) // 10
        return order[:cut], order[cut:]


def houses(rng: np.random.Generator, n: int, *, noise: float = 0.1) -> tuple[Floats, Floats]:
    """Houses, shape (n, 6), on a grid of a hundred values a column, and their prices in $100k, shape (n,).

    Price rises with rooms, has a bump in age, depends on distance and noise together, and one column is idle.
    """
    X = np.round(rng.uniform(size=(n, 6)), 2)
    price = 1.0 + 1.5 * X[:, 0] + np.sin(6.0 * X[:, 1]) * 0.3 + np.where(X[:, 2] < 0.4, 0.8, 0.3 * X[:, 3])
    price += 0.4 * np.abs(X[:, 4] - 0.5)
    return X, price + noise * rng.standard_normal(n)


def applicants(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Applicants for a loan, shape (n, 6), some without a history, and whether each defaults, shape (n,).

    The log-odds bend with late payments, and the share of the limit in use matters for small incomes alone.
    """
    income = np.round(rng.normal(10.3, 0.5, n), 2)
    used = np.round(rng.beta(2.0, 3.0, n), 2)
    history = np.round(rng.gamma(3.0, 25.0, n))
    late = rng.poisson(0.3 + 1.2 * used).astype(float)
    loan = np.round(np.exp(rng.normal(-1.0, 0.6, n)), 2)
    second = np.round(used + rng.normal(0.0, 0.05, n), 2)
    odds = -2.4 - 0.8 * (income - 10.3) + np.where(income < 10.3, 4.0, 0.5) * (used - 0.4)
    odds += 1.2 * np.sqrt(late) - 0.006 * (history - 75.0) + 0.7 * (loan - 0.44)
    defaults = (rng.random(n) < expit(odds)).astype(float)
    history[rng.random(n) < 0.1] = np.nan
    return np.column_stack([income, used, history, late, loan, second]), defaults


def prices(lab: Lab) -> Problem:
    """What a house costs, in $100k."""
    if not lab.full:
        return Problem("simulated houses", HOUSES, *houses(lab.rng, _ROWS), 80, 4, 0.1)
    frame = lab.data("california-housing").frame
    codes, _ = pd.factorize(frame["ocean_proximity"], sort=True)
    X = frame.drop(columns=["median_house_value", "ocean_proximity"]).assign(proximity=codes)
    y = frame["median_house_value"].to_numpy(dtype=np.float64) / 1e5
    return Problem("California housing", tuple(map(str, X.columns)), X.to_numpy(dtype=np.float64), y, 500, 6, 0.1)


def credit(lab: Lab) -> Problem:
    """Who will not pay back."""
    if not lab.full:
        return Problem("simulated applicants", APPLICANTS, *applicants(lab.rng, _ROWS), 60, 3, 0.1)
    frame = lab.data("credit-default").frame
    X = frame.drop(columns=["ID", "default.payment.next.month"])
    y = frame["default.payment.next.month"].to_numpy(dtype=np.float64)
    names = tuple(map(str, X.columns))
    return Problem("UCI credit-card default", names, X.to_numpy(dtype=np.float64), y, 200, 4, 0.05)
