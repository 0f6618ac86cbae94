"""Applications for credit: a simulator with categories, gaps and times, and the real tables of a full run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

PURPOSES = ("car", "holiday", "kitchen", "moving", "study", "debts")
REGIONS = tuple(f"region {i:02d}" for i in range(1, 13))
EMPLOYERS = 300
NUMBERS = ["income", "amount", "used", "months_employed"]
FEW = ["purpose", "region"]
MANY = ["employer", "agent"]
_START = pd.Timestamp("2024-01-01")


def applications(rng: np.random.Generator, n: int, *, per_agent: int = 4) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Applications and whether each defaults.

    Income and amount are in euros, ``used`` is the share of the limit in use, ``months_employed`` has gaps,
    ``agent`` is pure noise with ``per_agent`` rows a category, and ``applied`` is a time in office hours of a quarter.
    The world (what a region or an employer means) is the same for every generator.
    """
    world = np.random.default_rng(12)
    by_region, by_employer = world.normal(0, 0.4, len(REGIONS)), world.normal(0, 0.7, EMPLOYERS)
    size = 1.0 / np.arange(1, EMPLOYERS + 1) ** 0.7
    purpose, region = rng.integers(0, len(PURPOSES), n), rng.choice(len(REGIONS), n, p=_uneven(len(REGIONS)))
    employer = rng.choice(EMPLOYERS, n, p=size / size.sum())
    income, used = rng.lognormal(10.3, 0.5, n), rng.beta(2.0, 3.0, n)
    amount = income * rng.lognormal(-1.5, 0.6, n)
    months = np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2.0, 30.0, n))
    days, hours = rng.integers(0, 91, n), 8.0 + 10.0 * rng.beta(2.0, 2.0, n)
    odds = (
        -1.3 - 0.7 * (np.log(income) - 10.3) + 2.0 * (used - 0.4) + 0.5 * (np.log(amount / income) + 1.5)
        - 0.006 * (np.nan_to_num(months, nan=40.0) - 60.0) + by_region[region] + by_employer[employer]
    )  # fmt: skip
    frame = pd.DataFrame(
        {
            "income": income.round(2),
            "amount": amount.round(2),
            "used": used,
            "months_employed": months.round(1),
            "purpose": np.array(PURPOSES, dtype=object)[purpose],
            "region": np.array(REGIONS, dtype=object)[region],
            "employer": np.array([f"employer {i}" for i in range(EMPLOYERS)], dtype=object)[employer],
            "agent": [f"agent {i}" for i in rng.integers(0, max(1, n // per_agent), n)],
            "applied": _START + pd.to_timedelta((days * 24 + hours) * 3600, unit="s").round("s"),
        }
    )
    return frame, (rng.random(n) < expit(odds)).astype(np.int64)


def _uneven(k: int) -> NDArray[np.float64]:
    shares = 1.0 / np.arange(1, k + 1) ** 0.5
    return np.asarray(shares / shares.sum())


@dataclass(frozen=True)
class Subject:
    """A table to learn from and one to judge by, with the columns for each kind of step."""

    name: str
    train: pd.DataFrame
    train_y: NDArray[np.int64]
    test: pd.DataFrame
    test_y: NDArray[np.int64]
    numbers: list[str]
    few: list[str]  # categories with few values
    many: list[str]  # categories with many


def subjects(lab: Lab) -> list[Subject]:
    """The simulated applications; in a full run also the two real tables."""
    frame, y = applications(lab.rng, 20_000 if lab.full else 5_000)
    found = [_split(lab, "simulated applications", frame, y, NUMBERS, FEW, MANY)]
    if lab.full:
        cards = lab.data("credit-default").frame.reset_index(drop=True)
        few = ["SEX", "EDUCATION", "MARRIAGE"]
        many = [name for name in cards.columns if name.startswith("PAY_") and not name.startswith("PAY_AMT")]
        target = cards["default.payment.next.month"].to_numpy(dtype=np.int64)
        numbers = [c for c in cards.columns if c not in (*few, *many, "ID", "default.payment.next.month")]
        found.append(_split(lab, "credit-card default", cards, target, numbers, few, many))
        people = lab.data("titanic").frame
        people = people[people["Survived"].notna()].reset_index(drop=True)
        found.append(
            _split(lab, "Titanic", people, people["Survived"].to_numpy(dtype=np.int64),
                   ["Age", "SibSp", "Parch", "Fare"], ["Pclass", "Sex", "Embarked"], ["Ticket", "Cabin"])
        )  # fmt: skip
    return found


def _split(
    lab: Lab, name: str, frame: pd.DataFrame, y: NDArray[np.int64], numbers: list[str], few: list[str], many: list[str]
) -> Subject:
    order = lab.rng.permutation(len(frame))
    cut = 6 * len(frame) // 10
    train, test = np.sort(order[:cut]), np.sort(order[cut:])
    return Subject(
        name, frame.iloc[train].reset_index(drop=True), y[train], frame.iloc[test].reset_index(drop=True), y[test],
        numbers, few, many,
    )  # fmt: skip


def noise(rng: np.random.Generator, n: int, categories: int) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """A column of shape (n, 1) that has nothing to do with the target, and the target."""
    column = np.array([f"c{i}" for i in rng.integers(0, categories, n)], dtype=object)[:, np.newaxis]
    return column, rng.integers(0, 2, n)
