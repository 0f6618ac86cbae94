"""The runs of the build: augmentation and smoothing switched on one by one, and an early stop beside no stop.

Runs that are compared share their seed, and with it the first weights and the order of the batches, so their
difference is due to what was switched. Intervals are over seeds, by Student's t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from fiftytwo.weeks.w14_cnn.pictures import Pictures
from fiftytwo.weeks.w14_cnn.training import Outcome, Recipe, run

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Array = NDArray[np.float64]
ARMS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "augmentation": {"augment": True},
    "smoothing": {"smoothing": 0.1},
    "both": {"augment": True, "smoothing": 0.1},
}
SEEDS = 3
_LEVEL = 0.95

# On layers this small two threads wait for each other: one is faster, and far faster beside other work.
_QUICK = Recipe(epochs=36, seed=0, look_every=4, width=8, stem_stride=2, batch_size=50, rate=0.15, padding=3, hole=6,
                threads=1)  # fmt: skip
_FULL = Recipe(epochs=10, seed=0, width=16, stem_stride=2, batch_size=128, rate=0.2, precision="bf16")
_QUICK_STOPS: Mapping[str, Any] = {"epochs": 30, "look_every": 2, "rate": 0.1}
_FULL_STOPS: Mapping[str, Any] = {"epochs": 12, "rate": 0.05}
_BUDGET = Recipe(epochs=12, seed=0, augment=True, smoothing=0.1, width=16, batch_size=128, rate=0.2, precision="bf16")


@dataclass(frozen=True)
class Interval:
    """A mean difference over seeds with its ends."""

    mean: float
    low: float
    high: float


def recipe(lab: Lab) -> Recipe:
    """What the arms of the ablation share."""
    return _FULL if lab.full else _QUICK


def stopping_recipe(lab: Lab) -> Recipe:
    """The plain arm at a rate that does not fall, so that the weights go on changing when the loss does not."""
    return replace(recipe(lab), falling=False, **(_FULL_STOPS if lab.full else _QUICK_STOPS))


def budget(lab: Lab, pictures: Pictures) -> Outcome | None:
    """In full: a wider network at full resolution, as long as minutes on two cores allow."""
    return trained(lab, pictures, replace(_BUDGET, seed=lab.seed)) if lab.full else None


def ablation(lab: Lab, pictures: Pictures) -> dict[str, list[Outcome]]:
    """Outcomes by arm, one a seed."""
    base = recipe(lab)
    plan = [(arm, replace(base, seed=lab.seed + i, **ARMS[arm])) for i in range(SEEDS) for arm in ARMS]
    found: dict[str, list[Outcome]] = {arm: [] for arm in ARMS}
    for arm, one in lab.progress(plan, "augmentation and smoothing"):
        found[arm].append(trained(lab, pictures, one))
    return found


def stops(lab: Lab, pictures: Pictures) -> dict[str, list[Outcome]]:
    """Runs to the end, and with an early stop."""
    base = stopping_recipe(lab)
    plan = [(name, replace(base, seed=lab.seed + i, patience=patience))
            for i in range(SEEDS) for name, patience in (("to the end", 0), ("early stop", 3))]  # fmt: skip
    found: dict[str, list[Outcome]] = {"to the end": [], "early stop": []}
    for name, one in lab.progress(plan, "early stopping"):
        found[name].append(trained(lab, pictures, one))
    return found


def trained(lab: Lab, pictures: Pictures, recipe: Recipe) -> Outcome:
    """One run, where the solution lives."""
    return Outcome(**lab.solution.apply(run, pictures, recipe))


def accuracy(outcome: Outcome, labels: NDArray[np.int64]) -> float:
    """Share of the test pictures that are recognised."""
    return float(np.mean(np.argmax(outcome.probabilities, axis=1) == labels))


def log_loss(outcome: Outcome, labels: NDArray[np.int64]) -> float:
    """Mean of -log p(right class) over the test pictures, in nats."""
    right = outcome.probabilities[np.arange(len(labels)), labels].astype(float)
    return float(-np.mean(np.log(np.maximum(right, 1e-12))))


def confidence(outcome: Outcome) -> float:
    """Mean of the largest probability over the test pictures."""
    return float(np.mean(np.max(outcome.probabilities, axis=1)))


def paired(ones: Sequence[float], others: Sequence[float]) -> Interval:
    """Mean of ``ones - others``, seed by seed, with its interval."""
    gaps = np.subtract(ones, others)
    mean, spread = float(gaps.mean()), float(gaps.std(ddof=1) / np.sqrt(len(gaps)))
    reach = float(student.ppf(0.5 + _LEVEL / 2.0, len(gaps) - 1)) * spread
    return Interval(mean, mean - reach, mean + reach)
