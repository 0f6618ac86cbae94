"""Twelve questions to ask of any data set before it is used, each answered by computing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mltoolkit.quality.checks import check
from mltoolkit.quality.findings import Finding
from mltoolkit.quality.table import Table, read_table

if TYPE_CHECKING:
    import pandas as pd

# The item, and what is said of a table in which nothing was found.
QUESTIONS = {
    "missing": "no cell is missing",
    "duplicates": "no row repeats another",
    "constants": "every column varies",
    "outliers": "no value lies beyond three interquartile ranges",
    "mixed types": "every column holds values of one kind",
    "cardinality": "no text column is an identifier or spells a label in two ways",
    "skew": "no column is more skewed than an exponential",
    "class balance": "every class has at least a tenth of the rows",
    "leakage suspects": "no column gives the target away",
    "ranges": "every number is possible for its column",
    "dates": "every date can be read and lies between 1900 and today",
    "encodings": "every text is clean",
}
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
    table = frame if isinstance(frame, Table) else read_table(frame)
    found = check(table, target)
    return tuple(_answer(name, [f for f in found if f.rule == name], target) for name in QUESTIONS)


def _answer(name: str, found: list[Finding], target: str | None) -> ChecklistItem:
    columns = tuple(dict.fromkeys(finding.column for finding in found if finding.column))
    if not found:
        detail = "not asked: no target was named" if name in _NEEDS_TARGET and target is None else QUESTIONS[name]
        return ChecklistItem(name, True, 0, (), detail)
    first = found[0]
    detail = f"{first.column}: {first.message}" if first.column else first.message
    if len(found) > 1:
        detail += f"; and {len(found) - 1} more"
    return ChecklistItem(name, False, len(found), columns, detail)
