"""Worlds in which the right answer is known: new customers, tomorrow, pure noise, and two models that are equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.neighbors import KNeighborsClassifier

from fiftytwo.weeks.w11_crossval.models import ColumnRule
from fiftytwo.weeks.w11_crossval.probes import compared, nested, validated

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

WORLDS = 6  # drawn of each kind; what one of them says is mostly luck
CUSTOMERS, VISITS = 80, 5
DAYS, HORIZON, WINDOW, WINDOWS = 400, 20, 10, 15
NOISE_ROWS = 60
CONFIGURATIONS = (1, 2, 5, 10, 20, 40)
EQUAL_ROWS, EQUAL_FOLDS, EQUAL_REPEATS = 60, 5, 4
ALPHA = 0.05


@dataclass(frozen=True)
class Leak:
    """Accuracy by splitter as means over worlds of one kind, beside what new rows gave."""

    world: str
    promised: dict[str, float]
    truth: float


def customers(lab: Lab) -> Leak:
    """Visits that carry their customer's fingerprint; nobody can tell a new one's outcome."""
    rng = lab.rng
    return _averaged("new customers", [_customers(lab, rng) for _ in range(WORLDS)])


def days(lab: Lab) -> Leak:
    """Days whose label is the direction of the next HORIZON returns: neighbours share most of their future."""
    rng = lab.rng
    return _averaged("tomorrow", [_days(lab, rng) for _ in range(WORLDS)])


def _averaged(world: str, found: list[tuple[dict[str, float], float]]) -> Leak:
    names = found[0][0]
    return Leak(
        world,
        {name: float(np.mean([promised[name] for promised, _ in found])) for name in names},
        float(np.mean([truth for _, truth in found])),
    )


def _customers(lab: Lab, rng: np.random.Generator) -> tuple[dict[str, float], float]:
    def visits(number: int) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
        who = np.repeat(np.arange(number), VISITS)
        prints = rng.standard_normal((number, 4))[who] + 0.1 * rng.standard_normal((number * VISITS, 4))
        return prints, (rng.random(number) < 0.5).astype(np.intp)[who], who

    X, y, who = visits(CUSTOMERS)
    order = rng.permutation(len(X))
    X, y, who = X[order], y[order], who[order]
    model = KNeighborsClassifier(1)
    promised = {
        "KFold": accuracy(lab, model, X, y, lab.solution.apply(splits_of, "KFold", {}, X, y, None)),
        "StratifiedKFold": accuracy(lab, model, X, y, lab.solution.apply(splits_of, "StratifiedKFold", {}, X, y, None)),
        "GroupKFold": accuracy(lab, model, X, y, lab.solution.apply(splits_of, "GroupKFold", {}, X, y, who)),
    }
    new, outcome, _ = visits(4 * CUSTOMERS)
    return promised, float(model.fit(X, y).score(new, outcome))


def _days(lab: Lab, rng: np.random.Generator) -> tuple[dict[str, float], float]:
    returns = rng.standard_normal(2 * DAYS + HORIZON)
    total = np.concatenate([[0.0], np.cumsum(returns)])
    label = (total[HORIZON : 2 * DAYS + HORIZON] > total[: 2 * DAYS]).astype(np.intp)  # returns i to i + HORIZON - 1
    X = np.arange(2.0 * DAYS)[:, np.newaxis]  # a column that only says when
    y, model = label[:DAYS], KNeighborsClassifier(1)
    windows = {"n_splits": WINDOWS, "test_size": WINDOW}
    plans: dict[str, tuple[str, dict[str, Any]]] = {
        "KFold, shuffled": ("KFold", {"shuffle": True, "random_state": lab.seed}),
        "TimeSeriesSplit": ("TimeSeriesSplit", windows),
        "TimeSeriesSplit, purged": ("TimeSeriesSplit", {**windows, "purge": HORIZON - 1}),
    }
    promised = {
        name: accuracy(lab, model, X[:DAYS], y, lab.solution.apply(splits_of, splitter, options, X[:DAYS], y, None))
        for name, (splitter, options) in plans.items()
    }
    return promised, float(model.fit(X[:DAYS], y).score(X[DAYS + HORIZON :], label[DAYS + HORIZON :]))


def splits_of(solution: Any, name: str, options: dict[str, Any], X: Any, y: Any, groups: Any) -> list[tuple[Any, Any]]:
    """The splits of one splitter, made where the solution lives."""
    return list(getattr(solution, name)(**options).split(X, y, groups))


def accuracy(lab: Lab, model: Any, X: Any, y: Any, splits: Any) -> float:
    """Mean accuracy over given splits."""
    found = lab.solution.apply(validated, model, X, y, {"cv": splits, "scoring": "accuracy"})
    return float(np.mean(found["scores"]["accuracy"]))


@dataclass(frozen=True, eq=False)
class Optimism:
    """Flat best and nested accuracy on pure noise, each of shape (repeats, sizes of the grid)."""

    flat: NDArray[np.float64]
    nested: NDArray[np.float64]


def sizes(lab: Lab) -> tuple[int, ...]:
    """How many configurations the searches in noise have."""
    return CONFIGURATIONS if lab.full else (1, 10, 40)


def noise(lab: Lab, repeats: int) -> Optimism:
    """Search for the best of ever more worthless rules."""
    rng = lab.rng
    flat, kept = [], []
    for _ in lab.progress(range(repeats), "searching in noise"):
        X = rng.standard_normal((NOISE_ROWS, max(CONFIGURATIONS)))
        y = rng.permutation(np.arange(NOISE_ROWS) % 2)
        row = [
            lab.solution.apply(nested, ColumnRule(), {"column": list(range(size))}, X, y, {"outer": 5, "inner": 3})
            for size in sizes(lab)
        ]
        flat.append([one["flat_best"] for one in row])
        kept.append([one["mean"] for one in row])
    return Optimism(np.array(flat), np.array(kept))


@dataclass(frozen=True, eq=False)
class Alarms:
    """p-values of two equal models, shape (data sets,): corrected as given, and naive from the same scores."""

    corrected: NDArray[np.float64]
    naive: NDArray[np.float64]

    def rate(self, name: str) -> float:
        """Share of data sets in which the difference is called significant."""
        return float(np.mean(getattr(self, name) < ALPHA))


def equals(lab: Lab, datasets: int) -> Alarms:
    """Compare two rules that read two equally good columns; what differs is the draw."""
    rng = lab.rng
    p, naive = [], []
    for i in lab.progress(range(datasets), "comparing equals"):
        y = rng.permutation(np.arange(EQUAL_ROWS) % 2)
        X = rng.standard_normal((EQUAL_ROWS, 2)) + 0.8 * y[:, np.newaxis]
        options = {"cv": EQUAL_FOLDS, "n_repeats": EQUAL_REPEATS, "random_state": i}
        one = lab.solution.apply(compared, "compare_models", {"a": ColumnRule(0), "b": ColumnRule(1)}, X, y, options)
        d = np.asarray(one["scores"]["a"]) - np.asarray(one["scores"]["b"])
        error = float(d.std(ddof=1)) / np.sqrt(len(d))
        naive.append(2 * student.sf(abs(d.mean()) / error, len(d) - 1) if error > 0 else 1.0)
        p.append(one["values"][0, 5])
    return Alarms(np.array(p), np.array(naive))
