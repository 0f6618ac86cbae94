"""Twelve questions to ask of any data set before it is used, each answered by computing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mltoolkit.quality.checks import check
from mltoolkit.quality.findings import Finding, counted, percent
from mltoolkit.quality.numbers import countable, skewness
from mltoolkit.quality.scanning import look_at
from mltoolkit.quality.table import Column, Table
from mltoolkit.quality.targets import is_label

if TYPE_CHECKING:
    import pandas as pd

_NEEDS_TARGET = ("class balance", "leakage suspects")


@dataclass(frozen=True)
class ChecklistItem:
    """One answered question.

    Attributes
    ----------
    name : str
        One of the twelve of ``QUESTIONS``.
    clear : bool
        Whether nothing was found.
    count : int
        How many findings there are.
    columns : tuple of str
        The columns that they are about.
    detail : str
        What was found, or that nothing was.
    """

    name: str
    clear: bool
    count: int
    columns: tuple[str, ...]
    detail: str


def eda_checklist(frame: pd.DataFrame | Table, *, target: str | None = None) -> tuple[ChecklistItem, ...]:
    """Answer the twelve questions for a table.

    Parameters
    ----------
    frame : DataFrame or Table, n rows
    target : str, optional
        The column to be predicted.

    Returns
    -------
    tuple of ChecklistItem
        Twelve items, in the order of ``QUESTIONS``.

    Raises
    ------
    BadInput
        When there is no column called ``target``.
    """
    table = look_at(frame)
    goal = table.column(target) if target is not None else None
    found = check(table, target)
    return tuple(_answer(name, [f for f in found if f.rule == name], table, goal) for name in QUESTIONS)


def _answer(name: str, found: list[Finding], table: Table, target: Column | None) -> ChecklistItem:
    if not found:
        asked = target is not None or name not in _NEEDS_TARGET
        detail = QUESTIONS[name](table, target) if asked else "not asked: no target was named"
        return ChecklistItem(name, True, 0, (), detail)
    columns = tuple(dict.fromkeys(finding.column for finding in found if finding.column))
    first = found[0]
    detail = f"{first.column}: {first.message}" if first.column else first.message
    if len(found) > 1:
        detail += f"; and {len(found) - 1} more"
    return ChecklistItem(name, False, len(found), columns, detail)


def _no_missing(table: Table, _: Column | None) -> str:
    return f"none of {counted(table.rows * len(table.columns), 'cell')} is missing"


def _no_duplicates(table: Table, _: Column | None) -> str:
    return f"none of {counted(table.rows, 'row')} repeats another"


def _no_constants(table: Table, _: Column | None) -> str:
    filled = [column for column in table.columns if column.distinct]
    if not filled:
        return "there is no value"
    fewest = min(filled, key=lambda column: column.distinct)
    return f"every column varies, {fewest.name!r:.40} the least: {counted(fewest.distinct, 'different value')}"


def _no_outliers(table: Table, _: Column | None) -> str:
    return f"no value lies beyond three interquartile ranges ({_columns(table, 'number')})"


def _no_mixture(table: Table, _: Column | None) -> str:
    kinds = Counter(column.kind for column in table.columns)
    shown = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"every column holds values of one kind: {shown}" if shown else "there is no column"


def _no_odd_labels(table: Table, _: Column | None) -> str:
    return f"no text is an identifier or spells a label in two ways ({_columns(table, 'text')})"


def _no_skew(table: Table, _: Column | None) -> str:
    skews = [
        (abs(skewness(*column.finite)), column.name)
        for column in table.columns
        if countable(column) and column.moments.count > 2
    ]
    if not skews:
        return "there is no number column"
    most, name = max(skews)
    return f"no long tail among {_columns(table, 'number')}; the largest skewness is {most:.2f}, of {name!r:.40}"


def _balanced(_: Table, target: Column | None) -> str:
    assert target is not None
    if not is_label(target):
        return f"{target.name!r:.40} has no classes: {counted(target.distinct, 'different value')}"
    rarest, total = int(target.counts.min()), int(target.counts.sum())
    return f"the rarest of {target.distinct} classes has {counted(rarest, 'row')} ({percent(rarest, total)})"


def _no_leak(table: Table, target: Column | None) -> str:
    assert target is not None
    return f"none of {counted(len(table.columns) - 1, 'other column')} gives {target.name!r:.40} away"


def _no_impossible_number(table: Table, _: Column | None) -> str:
    return f"every number is possible for its column ({_columns(table, 'number')})"


def _no_odd_date(table: Table, _: Column | None) -> str:
    moments = [column.dates[~np.isnat(column.dates)] for column in table.columns if column.kind == "date"]
    if not moments:
        return "there is no date column"
    first, last = (str(edge)[:10] for edge in (min(m.min() for m in moments), max(m.max() for m in moments)))
    return f"every date can be read and lies between {first} and {last} ({_columns(table, 'date')})"


def _no_broken_text(table: Table, _: Column | None) -> str:
    labels = sum(column.distinct for column in table.columns if column.kind == "text")
    return f"every text is clean ({counted(labels, 'different value')} in {_columns(table, 'text')})"


def _columns(table: Table, kind: str) -> str:
    of_kind = [column for column in table.columns if (column.numeric if kind == "number" else column.kind == kind)]
    return counted(len(of_kind), f"{kind} column")


# The items, and what is said of a table in which nothing was found.
QUESTIONS: dict[str, Callable[[Table, Column | None], str]] = {
    "missing": _no_missing,
    "duplicates": _no_duplicates,
    "constants": _no_constants,
    "outliers": _no_outliers,
    "mixed types": _no_mixture,
    "cardinality": _no_odd_labels,
    "skew": _no_skew,
    "class balance": _balanced,
    "leakage suspects": _no_leak,
    "ranges": _no_impossible_number,
    "dates": _no_odd_date,
    "encodings": _no_broken_text,
}
