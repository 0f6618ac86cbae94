"""What a model must not know: columns that carry the answer, and rows that are on both sides of a split.

Each test asks how well one column *alone* answers, on rows that it was not learned on. A real predictor, even a
strong one, errs now and then; a copy of the answer hardly ever does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mltoolkit.errors import BadInput
from mltoolkit.tabular._trees.binning import bin_table
from mltoolkit.tabular._trees.growing import Limits, grow, to_grid
from mltoolkit.tabular._trees.tree import Tree

Kind = Literal["target copy", "future", "identity", "duplicate", "group"]
Floats = NDArray[np.float64]

COPY = 0.91  # a lower bound of skill above which one column is no predictor but a copy; of iris's best it is 0.87
CARRIES = 0.1  # skill at which a number that means nothing carries the answer
DISTINCT = 0.95  # share of different values in a column that names rows
TELLING = 0.01  # rows of the training part that would equal a row by chance, below which an equal one tells
SHARE = 0.01  # of test rows that are in the training part too
FOLDS = 5
ROWS = 20_000  # that a column is judged on


@dataclass(frozen=True)
class Leak:
    """One finding.

    Attributes
    ----------
    kind : {"target copy", "future", "identity", "duplicate", "group"}
    columns : tuple of str
        The columns it is about; empty when it is about whole rows.
    message : str
        What was seen and what to do.
    evidence : mapping of str to float
        The numbers behind it.
    """

    kind: Kind
    columns: tuple[str, ...]
    message: str
    evidence: Mapping[str, float] = field(default_factory=dict)


def search(
    train: pd.DataFrame, test: pd.DataFrame | None, target: str, group: str | None, time: str | None
) -> Iterator[Leak]:
    """All findings: columns first, then the split."""
    _check(train, test, target, group, time)
    known = train[train[target].notna()].reset_index(drop=True)
    answer = _Answer(known[target])
    if answer.varies and len(known) >= 2 * FOLDS:
        for name in train.columns:
            if name not in (target, group, time):
                yield from _of_column(str(name), known[name], answer)
        if time is not None:
            yield from _later_than_known(known, target, group, time)
    if test is None or not len(test) or not len(train):
        return
    if time is not None:
        yield from _overlap_in_time(train[time], test[time], time)
    yield from _duplicates(train, test, [c for c in train.columns if c not in (target, group, time)])
    if group is not None:
        yield from _shared_groups(train[group], test[group], group)


def _check(train: pd.DataFrame, test: pd.DataFrame | None, target: str, group: str | None, time: str | None) -> None:
    faults = []
    for name, role in ((target, "target"), (group, "group"), (time, "time")):
        if name is not None and name not in train.columns:
            faults.append(f"{role}={name!r} is no column of train; it has {', '.join(map(str, train.columns))}")
    if test is not None:
        wanted = [c for c in train.columns if c != target]
        lacking = [str(c) for c in wanted if c not in test.columns]
        if lacking:
            faults.append(f"test lacks columns that train has: {', '.join(lacking)}")
    if not train.columns.is_unique:
        faults.append("train has two columns of one name; rename one")
    if faults:
        raise BadInput("find_leaks: " + "; ".join(faults))


class _Answer:
    """The target as one column a class, or as itself, and how well something predicts it."""

    def __init__(self, target: pd.Series) -> None:
        numeric = pd.api.types.is_numeric_dtype(target) and not pd.api.types.is_bool_dtype(target)
        values = target.nunique()
        self.varies = values > 1
        # Many whole numbers are a quantity; few values, or texts, are classes.
        self.classes = not numeric or values <= 20
        self.codes = pd.factorize(target, sort=True)[0].astype(np.int64)
        if self.classes:
            self.outputs = (self.codes[:, np.newaxis] == np.arange(values)).astype(float)
        else:
            ranks = target.rank().to_numpy(dtype=float)  # so that a copy on another scale is one too
            self.outputs = ((ranks - ranks.mean()) / ranks.std())[:, np.newaxis]

    def skill(self, column: Floats, least: float) -> tuple[float, float]:
        """How well one column predicts, from 0 (as well as nothing) to 1, and its standard error.

        It is judged on rows held out, unless even rows that were learned are predicted with less than ``least``.
        """
        order = np.random.default_rng(0).permutation(len(column))[:ROWS]
        x, outputs = column[order, np.newaxis], self.outputs[order]
        everything = np.ones(len(x), dtype=np.bool_)
        skill, error = self._of(outputs, _predictions(x, outputs, everything, everything))
        if skill < least:
            return skill, error
        fold = np.arange(len(x)) % FOLDS
        predicted = np.empty_like(outputs)
        for k in range(FOLDS):
            predicted[fold == k] = _predictions(x, outputs, fold != k, fold == k)
        return self._of(outputs, predicted)

    def _of(self, outputs: Floats, predicted: Floats) -> tuple[float, float]:
        return self._classes_skill(outputs, predicted) if self.classes else _quantity_skill(outputs, predicted)

    @staticmethod
    def _classes_skill(outputs: Floats, predicted: Floats) -> tuple[float, float]:
        right = np.argmax(predicted, axis=1) == np.argmax(outputs, axis=1)
        counts = np.maximum(outputs.sum(axis=0), 1.0)
        recall = (outputs * right[:, np.newaxis]).sum(axis=0) / counts
        chance = 1.0 / outputs.shape[1]
        skill = (float(recall.mean()) - chance) / (1.0 - chance)
        # One error more in each class keeps a handful of rows from looking certain.
        spread = np.sqrt(np.sum((recall + 1.0 / counts) * (1.0 - recall + 1.0 / counts) / counts)) / outputs.shape[1]
        return skill, float(spread) / (1.0 - chance)


def _predictions(x: Floats, outputs: Floats, learned: NDArray[np.bool_], asked: NDArray[np.bool_]) -> Floats:
    """What small trees on some rows predict for others, a tree an output."""
    found = []
    for j in range(outputs.shape[1]):
        tree = _small_tree(x[learned], outputs[learned, j])
        found.append(tree.value[tree.apply(x[asked])])
    return np.column_stack(found)


def _quantity_skill(outputs: Floats, predicted: Floats) -> tuple[float, float]:
    errors = (outputs - predicted)[:, 0] ** 2
    return 1.0 - float(errors.mean() / outputs.var()), float(errors.std() / np.sqrt(len(errors)) / outputs.var())


def _small_tree(x: Floats, y: Floats) -> Tree:
    limits = Limits(6, 16, max(2, len(x) // 100), 0.0, 0.0, np.zeros(1, dtype=np.int64))
    mean = float(y.mean())
    tree, _ = grow(bin_table(x, 255), to_grid(mean - y), None, np.arange(len(x), dtype=np.uint32), limits)
    return replace(tree, value=tree.value + mean)


def _as_numbers(column: pd.Series) -> Floats:
    """Numbers as they are, times as seconds, anything else as its rank in sorted order; NaN where missing."""
    if pd.api.types.is_datetime64_any_dtype(column):
        seconds = (column - column.min()).dt.total_seconds()
        return np.asarray(seconds, dtype=float)
    if pd.api.types.is_numeric_dtype(column):
        values = column.astype("float64").to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isinf(values), np.nan, values)
    codes = pd.factorize(column.astype("string"), sort=True)[0].astype(float)
    return np.where(codes < 0, np.nan, codes)


def _of_column(name: str, column: pd.Series, answer: _Answer) -> Iterator[Leak]:
    """At most one finding about a column, the most specific."""
    numbers = _as_numbers(column)
    missing = np.isnan(numbers)
    if missing.all() or (not missing.any() and (numbers == numbers[0]).all()):
        return
    if _names_rows(column, numbers):
        skill, error = answer.skill(numbers, CARRIES)
        if skill - 3.0 * error >= CARRIES:
            yield Leak(
                "identity", (name,),
                f"{name!r} is different in nearly every row, like a number that names rows, and predicts the target "
                f"with skill {skill:.2f} on rows held out; leave it out, and find out how the rows were ordered",
                {"skill": skill, "distinct": column.nunique() / len(column)},
            )  # fmt: skip
        return
    if missing.any() and answer.classes:
        found = _filled_afterwards(name, missing, answer)
        if found is not None:
            yield found
            return
    if _one_to_one(column, answer):
        yield Leak(
            "target copy", (name,), f"{name!r} has one value for each value of the target, and the other way round: "
            "it is the target under another name; leave it out", {"skill": 1.0},
        )  # fmt: skip
        return
    skill, error = answer.skill(numbers, COPY)
    if skill - 2.0 * error >= COPY:
        yield Leak(
            "target copy", (name,), f"{name!r} alone predicts the target with skill {skill:.3f} on rows held out; no "
            "measurement is that good: find out when and from what it is computed", {"skill": skill, "error": error},
        )  # fmt: skip


def _names_rows(column: pd.Series, numbers: Floats) -> bool:
    """Words or whole numbers, nearly all different; whole numbers must also be numbered through."""
    seen = numbers[~np.isnan(numbers)]
    if len(np.unique(seen)) < DISTINCT * len(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    if not pd.api.types.is_numeric_dtype(column):  # a key has no spaces; a name or a description has
        return bool(column.astype("string").str.contains(" ", regex=False).mean() < 0.5)
    if (seen != np.rint(seen)).any():
        return False
    steps = np.diff(np.sort(seen))
    steps = steps[steps > 0]
    # Amounts are whole and different too, but their gaps are of all sizes.
    return bool(len(steps) and steps.max() <= 50.0 * np.median(steps) and steps.mean() <= 2.0 * np.median(steps))


def _one_to_one(column: pd.Series, answer: _Answer) -> bool:
    codes = pd.factorize(column)[0]
    if (codes < 0).any():
        return False
    pairs = len(np.unique(codes * (answer.codes.max() + 1) + answer.codes))
    values, kinds = codes.max() + 1, answer.codes.max() + 1
    if answer.classes:
        return bool(pairs == values == kinds and np.bincount(codes).min() >= 5)
    return False  # of a quantity, two columns without ties are always one to one


def _filled_afterwards(name: str, missing: NDArray[np.bool_], answer: _Answer) -> Leak | None:
    """A column that is filled in for one outcome only, or only missing for one, is written after the outcome."""
    for state, rows in (("filled in", ~missing), ("missing", missing)):
        if rows.sum() < 20:
            continue
        counts = np.bincount(answer.codes[rows], minlength=answer.codes.max() + 1)
        base = np.bincount(answer.codes) / len(rows)
        k = int(np.argmax(counts))
        share = counts[k] / rows.sum()
        # As many rows of one class by chance alone would be a miracle.
        log_chance = float(rows.sum() * np.log10(base[k]))
        if share >= 0.98 and log_chance < -9.0 and 1.0 - base[k] > 0.05:
            return Leak(
                "future", (name,),
                f"{name!r} is {state} in {int(rows.sum())} rows, and {100 * share:.1f}% of these have one outcome, "
                f"which {100 * base[k]:.1f}% of all rows have; it seems to be written after the outcome: leave it out",
                {"rows": float(rows.sum()), "share": float(share), "base share": float(base[k])},
            )  # fmt: skip
    return None


def _later_than_known(known: pd.DataFrame, target: str, group: str | None, time: str) -> Iterator[Leak]:
    """Dates after the row's own time, and columns that repeat what a later row says."""
    ordered = known.sort_values(time, kind="stable")
    moment = ordered[time]
    for name in known.columns:
        if name in (target, group, time):
            continue
        column = ordered[name]
        if pd.api.types.is_datetime64_any_dtype(column) and pd.api.types.is_datetime64_any_dtype(moment):
            later = float((column > moment).sum() / max(1, int(column.notna().sum())))
            if later >= 0.05:
                yield Leak(
                    "future", (str(name),), f"{name!r} is later than {time!r} in {100 * later:.0f}% of the rows where "
                    "it is known; at that time nobody could know it: leave it out", {"share later": later},
                )  # fmt: skip
        elif pd.api.types.is_numeric_dtype(column) and pd.api.types.is_numeric_dtype(ordered[target]):
            ahead = _repeats_later(column.to_numpy(dtype=float), ordered[target].to_numpy(dtype=float))
            if ahead:
                yield Leak(
                    "future", (str(name),), f"{name!r} equals the target {ahead} rows later in time; shift it the "
                    "other way", {"rows ahead": float(ahead)},
                )  # fmt: skip


def _repeats_later(column: Floats, target: Floats) -> int:
    """By how many rows a column runs ahead of the target, up to 10; 0 when it does not."""
    if len(np.unique(target)) <= 20:
        return 0  # few values repeat by themselves
    for ahead in range(1, min(11, len(target) // 2)):
        now, then = column[:-ahead], target[ahead:]
        if np.mean(np.isclose(now, then, rtol=1e-9, atol=0.0)) >= 0.9:
            return ahead
    return 0


def _overlap_in_time(train: pd.Series, test: pd.Series, time: str) -> Iterator[Leak]:
    starts = test.min()
    late = float((train >= starts).mean())
    if late > 0.0 and train.min() < test.max():
        yield Leak(
            "future", (time,), f"{100 * late:.1f}% of the training rows are not earlier than the first test row; a "
            f"model would learn from the future: split by {time!r}", {"share of train": late},
        )  # fmt: skip


def _duplicates(train: pd.DataFrame, test: pd.DataFrame, columns: list[Any]) -> Iterator[Leak]:
    """Test rows that stand in the training part too, where that is no coincidence of coarse columns."""
    columns = [c for c in columns if not _names_rows(train[c], _as_numbers(train[c]))]
    if not columns:
        return
    both = pd.concat([train[columns], test[columns]], ignore_index=True)
    codes = np.column_stack([pd.factorize(both[c], use_na_sentinel=False)[0] for c in columns])
    chance = np.zeros(len(test))  # logarithm of the probability that independent columns give this very row
    for j in range(len(columns)):
        counts = np.bincount(codes[:, j])
        chance += np.log(counts[codes[len(train) :, j]] / len(codes))
    rows = np.unique(codes, axis=0, return_inverse=True)[1].ravel()
    repeated = np.isin(rows[len(train) :], rows[: len(train)])
    telling = repeated & (chance + np.log(len(train)) < np.log(TELLING))
    count = int(telling.sum())
    if count >= 3 and count >= SHARE * len(test):
        yield Leak(
            "duplicate", (), f"{count} of {len(test)} test rows stand in the training part too; drop duplicates before "
            "splitting", {"rows": float(count), "share": count / len(test)},
        )  # fmt: skip


def _shared_groups(train: pd.Series, test: pd.Series, group: str) -> Iterator[Leak]:
    shared = set(train.dropna().unique()) & set(test.dropna().unique())
    if shared:
        rows = float(test.isin(shared).mean())
        yield Leak(
            "group", (group,), f"{len(shared)} values of {group!r} are on both sides of the split, and "
            f"{100 * rows:.0f}% of the test rows belong to them; keep each on one side",
            {"groups": float(len(shared)), "share of test": rows},
        )  # fmt: skip
