"""What became of a table's columns: kept, gone, new, moved, renamed, of another kind.

A rename is told from the contents: a column that is gone and one that is new hold values that are nearly
alike. Columns of two or three values are alike too easily, so these need a likeness of names as well.

A kind is read off the values, so a half of a table may seem to have another kind than the whole, because its
one odd value fell into the other half. A column counts as retyped when its values, sorted into whole numbers,
fractions, dates, yes-or-no words, codes and texts, differ by more than chance.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from mltoolkit.quality.distances import ks_distance, shares_by_chance
from mltoolkit.quality.findings import Finding, Severity, counted
from mltoolkit.quality.pairs import Pair, count_labels, count_values, share_seen
from mltoolkit.quality.table import Column, Table

_ALIKE = 0.85  # of what is 1.0 for equal contents; random halves of a column of 1,000 rows reach about 0.95
_TELLING, _TELLING_TEXTS = 5, 3  # distinct values from which contents speak for themselves
_NAMES_ALIKE = 0.5
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
_FRACTION = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_CODE = re.compile(r"0\d+")
_DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ].*)?|\d{1,2}[./ ](\d{1,2}|[A-Za-z]{3})[./ ]\d{4}")
_WORDS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})
_NUMBERS = ("integer", "float", "mixed numbers")


def match_columns(before: Table, after: Table) -> tuple[list[tuple[Column, Column]], list[Column], list[Column]]:
    """Columns of both tables by name (the second of a name goes with the second), those gone, those new."""
    mine, theirs = _by_name(before), _by_name(after)
    both = [(mine[key], theirs[key]) for key in mine if key in theirs]
    gone = [column for key, column in mine.items() if key not in theirs]
    new = [column for key, column in theirs.items() if key not in mine]
    return both, gone, new


def _by_name(table: Table) -> dict[tuple[str, int], Column]:
    seen: Counter[str] = Counter()
    named = {}
    for column in table.columns:
        named[column.name, seen[column.name]] = column
        seen[column.name] += 1
    return named


def find_renamed(gone: Sequence[Column], new: Sequence[Column]) -> list[tuple[Column, Column, float]]:
    """Pairs of a column that is gone and one that is new and alike, the most alike first; each at most once."""
    scores = sorted(
        (
            (alike, _names_alike(old.name, name.name), i, j)
            for i, old in enumerate(gone)
            for j, name in enumerate(new)
            if (alike := likeness(old, name)) >= _ALIKE
        ),
        reverse=True,
    )
    pairs, taken = [], (set[int](), set[int]())
    for alike, names, i, j in scores:
        distinct = min(gone[i].distinct, new[j].distinct)
        telling = distinct >= _TELLING or (gone[i].kind == "text" and distinct >= _TELLING_TEXTS)
        if i in taken[0] or j in taken[1] or not (telling or names >= _NAMES_ALIKE):
            continue
        taken[0].add(i)
        taken[1].add(j)
        pairs.append((gone[i], new[j], alike))
    return pairs


def _names_alike(one: str, other: str) -> float:
    """0 to 1; a name that begins the other, such as ``qty`` and ``qty_ordered``, counts as alike."""
    one, other = (re.sub(r"[\W_]+", "", name.casefold()) for name in (one, other))
    if one and other and (one.startswith(other) or other.startswith(one)):
        return 1.0
    return difflib.SequenceMatcher(None, one, other).ratio()


def likeness(one: Column, other: Column) -> float:
    """How alike two columns' contents are, 0 to 1: missing share, and values or their distribution."""
    if "empty" in (one.kind, other.kind) or one.numeric != other.numeric:
        return 0.0
    missing = abs(_missing_share(one) - _missing_share(other))
    labels = count_labels(one, other)
    n, m = labels.sizes
    shared = float(np.minimum(labels.before / n, labels.after / m).sum())
    if one.numeric:
        (old, old_weights), (new, new_weights) = one.finite, other.finite
        numbers = count_values(old, new, (old_weights, new_weights))
        fine = min(one.distinct, other.distinct) > 20  # few values are labels: 1 and 2 are not alike for being near
        shared = max(shared, 1.0 - ks_distance(numbers.before, numbers.after) if fine else 0.0)
    return shared - missing


def _missing_share(column: Column) -> float:
    return column.n_missing / max(column.n_missing + column.n_present, 1)


def schema_findings(
    before: Table,
    after: Table,
    gone: Sequence[Column],
    new: Sequence[Column],
    renamed: Sequence[tuple[Column, Column, float]],
) -> Iterator[Finding]:
    """Columns gone, renamed, new and moved."""
    for old, name, alike in renamed:
        share = f"{min(alike, 0.99):.0%} alike" if alike < 1.0 else "equal"
        message = f"is gone, and {name.name!r:.60} is new with contents that are {share}: renamed?"
        yield Finding("renamed", old.name, "error", 1, 1 / len(before.columns), message)
    for rule, columns, severity, table, message in (
        ("removed", gone, "error", before, "the column is gone"),
        ("added", new, "warning", after, "the column is new"),
    ):
        taken = [pair[rule == "added"] for pair in renamed]
        level: Severity = "error" if severity == "error" else "warning"
        for column in columns:
            if not any(column is other for other in taken):
                what = f"{message}; it {'held' if rule == 'removed' else 'holds'} {_holds(column)}"
                yield Finding(rule, column.name, level, 1, 1 / len(table.columns), what)
    moved = _moved(before, after)
    if moved:
        names = ", ".join(f"{name!r:.40}" for name in moved[:5]) + (", …" if len(moved) > 5 else "")
        message = f"{counted(len(moved), 'column', 'stands/stand')} elsewhere: {names}"
        yield Finding("reordered", None, "info", len(moved), len(moved) / len(before.columns), message)


def _holds(column: Column) -> str:
    if column.kind == "empty":
        return "nothing"
    kinds = {"integer": "whole numbers", "float": "numbers", "boolean": "yes or no", "date": "dates", "text": "texts"}
    return f"{kinds.get(column.kind, column.kind)} ({counted(column.distinct, 'different value')})"


def _moved(before: Table, after: Table) -> list[str]:
    """The fewest columns to move to turn the old order of the common ones into the new."""
    mine, theirs = list(_by_name(before)), list(_by_name(after))
    common = set(mine) & set(theirs)
    order = [key for key in theirs if key in common]
    at = {key: i for i, key in enumerate(key for key in mine if key in common)}
    if all(at[one] < at[other] for one, other in pairwise(order)):
        return []
    stays = _longest_rising([at[key] for key in order])
    return [key[0] for i, key in enumerate(order) if i not in stays]


def _longest_rising(values: Sequence[int]) -> set[int]:
    """Positions of a longest rising subsequence, by patience sorting."""
    import bisect

    tops: list[int] = []
    at: list[int] = []
    came_from = [-1] * len(values)
    for i, value in enumerate(values):
        pile = bisect.bisect_left(tops, value)
        tops[pile : pile + 1] = [value]
        at[pile : pile + 1] = [i]
        came_from[i] = at[pile - 1] if pile else -1
    chosen, i = set[int](), at[-1] if at else -1
    while i >= 0:
        chosen.add(i)
        i = came_from[i]
    return chosen


def retyped(pair: Pair) -> Finding | None:
    """That a column's values are of another kind than before, by more than chance."""
    old, new = pair.before.kind, pair.after.kind
    if old == new or "empty" in (old, new):
        return None
    sides = [_kinds_of_value(column) for column in (pair.before, pair.after)]
    names = sorted(set(sides[0]) | set(sides[1]))
    counts = [
        np.rint(np.array([side[name] for name in names]) * share_seen(column)).astype(np.int64)
        for side, column in zip(sides, (pair.before, pair.after), strict=True)
    ]
    if shares_by_chance(*counts) > pair.level:
        return None
    gains = counts[1] / counts[1].sum() - counts[0] / counts[0].sum()
    main = names[int(np.argmax(gains))]
    n, m = sides[0][main], sides[1][main]
    widened = old == "integer" and new == "float"
    message = f"was {_called(old)}, is {_called(new)}: {counted(m, 'value', 'is/are')} {main}, {n:,} before"
    return pair.finding("retyped", "warning" if widened else "error", message)


def _called(kind: str) -> str:
    names = {"integer": "whole numbers", "float": "numbers", "boolean": "yes or no", "date": "dates", "text": "text"}
    return names.get(kind, kind)


def _kinds_of_value(column: Column) -> Counter[str]:
    """How many values look like what."""
    kinds: Counter[str] = Counter()
    for label, count in zip(column.labels, column.counts.tolist(), strict=True):
        kinds[_kind_of(label.strip(), column.kind)] += count
    return kinds


def _kind_of(text: str, kind: str) -> str:
    if _CODE.fullmatch(text) and kind not in _NUMBERS:
        return "codes that begin with 0"
    if _WHOLE.fullmatch(text):
        return "whole numbers"
    if _FRACTION.fullmatch(text):
        return "numbers with a fraction"
    if _DATE.fullmatch(text):
        return "dates"
    return "yes-or-no words" if text.casefold() in _WORDS else "texts"
