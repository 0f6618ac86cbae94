"""Random tables to split, smallest first, and what a set of splits must hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Measurement

Pairs = Sequence[tuple[Any, Any]]


@dataclass(frozen=True, eq=False)
class Case:
    """A table without columns: n rows, their classes and groups, and a number of folds that all can serve."""

    n: int
    k: int
    y: NDArray[Any]
    groups: NDArray[Any]


def cases(rng: np.random.Generator, count: int) -> list[Case]:
    """Tables of 3 to 120 rows with one to four classes, groups of very different sizes, numbers and texts."""
    found = [Case(3, 3, np.zeros(3, dtype=int), np.arange(3))]  # as many folds as rows
    for i in range(1, count):
        k = int(rng.integers(2, 6))
        classes = int(rng.integers(1, 5))
        n = classes * k + int(rng.integers(1, 5 + 3 * i))
        shares = rng.dirichlet(np.ones(classes))
        y = np.concatenate([np.repeat(np.arange(classes), k), rng.choice(classes, n - classes * k, p=shares)])
        many = int(rng.integers(k, max(k + 1, n // 2)))
        sizes = rng.dirichlet(np.full(many, 0.5))
        groups = np.concatenate([np.arange(many), rng.choice(many, max(0, n - many), p=sizes)])[:n]
        y, groups = rng.permutation(y), rng.permutation(groups)
        if i % 3 == 1:
            y, groups = np.array(list("wxyz"))[y], np.char.add("customer ", groups.astype(str))
        found.append(Case(n, k, y, groups))
    return sorted(found, key=lambda case: case.n)


def one_sided(rng: np.random.Generator, count: int) -> list[Case]:
    """Tables whose groups lean to one class or the other, so that sizes alone leave the classes uneven."""
    found = []
    for _ in range(count):
        k, many = int(rng.integers(2, 6)), int(rng.integers(20, 40))
        groups = np.repeat(np.arange(many), rng.integers(1, 12, many))
        y = (rng.random(len(groups)) < rng.beta(0.15, 0.45, many)[groups]).astype(int)
        y[: 2 * k] = np.arange(2 * k) % 2
        order = rng.permutation(len(groups))
        found.append(Case(len(groups), k, y[order], groups[order]))
    return found


def fault_of_partition(pairs: Pairs, n: int, k: int) -> str:
    """Why these splits are no k folds of n rows; an empty string when they are."""
    if len(pairs) != k:
        return f"{len(pairs)} splits in place of {k}"
    times = np.zeros(n, dtype=int)
    for fold, (train, test) in enumerate(pairs):
        train, test = np.asarray(train), np.asarray(test)
        rows = np.concatenate([train, test])
        if rows.dtype.kind not in "iu" or train.ndim != 1 or test.ndim != 1:
            return f"split {fold} holds {rows.dtype} of shape {test.shape}, not positions of rows"
        if len(rows) and (rows.min() < 0 or rows.max() >= n):
            return f"split {fold} names row {rows.max()}, and there are {n}"
        if np.intersect1d(train, test).size:
            return f"split {fold} tests row {np.intersect1d(train, test)[0]}, on which it was trained"
        if len(np.unique(rows)) != n or len(rows) != n:
            return f"split {fold} uses {len(np.unique(rows))} of {n} rows"
        times[test] += 1
    wrong = np.flatnonzero(times != 1)
    return f"row {wrong[0]} is tested {times[wrong[0]]} times" if len(wrong) else ""


def fault_of_groups(pairs: Pairs, groups: NDArray[Any]) -> str:
    """Which group is on both sides of a split."""
    for fold, (train, test) in enumerate(pairs):
        both = np.intersect1d(groups[np.asarray(train)], groups[np.asarray(test)])
        if len(both):
            return f"split {fold} has group {both[0]!s} on both sides"
    return ""


def fault_of_shares(pairs: Pairs, y: NDArray[Any]) -> str:
    """Which class differs by more than one row between test folds."""
    for label in np.unique(y):
        counts = [int(np.sum(y[np.asarray(test)] == label)) for _, test in pairs]
        if max(counts) - min(counts) > 1:
            return f"class {label!s} has {max(counts)} rows in one test fold and {min(counts)} in another"
    return ""


def spread(pairs: Pairs) -> int:
    """Rows of the largest test fold beyond those of the smallest."""
    sizes = [len(test) for _, test in pairs]
    return max(sizes) - min(sizes)


def unevenness(pairs: Pairs, y: NDArray[Any]) -> float:
    """How far a fold's share of a class is from 1 / k, as a mean over folds and classes."""
    k = len(pairs)
    labels, totals = np.unique(y, return_counts=True)
    shares = [[np.sum(y[np.asarray(test)] == label) for label in labels] / totals for _, test in pairs]
    return float(np.mean(np.abs(np.array(shares) - 1.0 / k)))


def count_faults(
    found: Sequence[Pairs], given: Sequence[Case], fault_of: Callable[[Pairs, Case], str], call: Callable[[Case], str]
) -> Measurement:
    """In how many cases there is a fault, with the smallest of them told."""
    faults = [(case, fault) for pairs, case in zip(found, given, strict=True) if (fault := fault_of(pairs, case))]
    if not faults:
        return Measurement(0.0)
    case, fault = faults[0]
    return Measurement(
        float(len(faults)), call=call(case), got=f"{fault} ({len(faults)} of {len(given)} tables are wrong)",
        expected="no fault", inputs={"n": case.n, "y": case.y, "groups": case.groups},
    )  # fmt: skip
