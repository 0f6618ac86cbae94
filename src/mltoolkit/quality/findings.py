"""What a check hands back, and the wording that all checks share.

*error* means that the data contradicts itself or its form, *warning* that someone should look before
using it, *info* that it is worth knowing. Limits are set so that an ordinary clean table gives no warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.table import Column, Table

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

SHOWN_ROWS = 5


@dataclass(frozen=True)
class Finding:
    """Something that a check found.

    Attributes
    ----------
    rule : str
        Name of the check, such as ``"duplicates"``.
    column : str or None
        The column; None for the whole table.
    severity : {"error", "warning", "info"}
    count : int
        How many rows (or columns) it concerns.
    share : float
        The same as a share of all rows (or columns), 0 to 1.
    message : str
        One sentence.
    rows : tuple of int
        The first lines of the file (rows of a frame or a Parquet file, from 1) that it concerns.
    values : tuple of str
        What stands in these rows, where a rule of a suite found it.
    name, note : str
        What the suite calls the rule, and why it is there.
    """

    rule: str
    column: str | None
    severity: Severity
    count: int
    share: float
    message: str
    rows: tuple[int, ...] = ()
    values: tuple[str, ...] = ()
    name: str = ""
    note: str = ""


def about_rows(
    table: Table, rule: str, column: Column, severity: Severity, where: NDArray[np.bool_], message: str
) -> Finding:
    """A finding about the rows that the entries of a column stand for which a mask, shape (n,), selects."""
    lines = (table.lines if column.lines is None else column.lines)[where].ravel()
    if column.lines is not None:
        lines = np.sort(lines[lines > 0])
    return about_lines(table, rule, column.name, severity, column.count(where), lines, message)


def about_lines(
    table: Table,
    rule: str,
    column: str | None,
    severity: Severity,
    count: int,
    lines: Sequence[int] | NDArray[np.int64],
    message: str,
) -> Finding:
    """A finding about rows of which the number and the first lines are known."""
    share = min(1.0, count / max(table.rows, 1))
    return Finding(rule, column, severity, count, share, message, tuple(int(line) for line in lines[:SHOWN_ROWS]))


def about_column(table: Table, rule: str, column: str, severity: Severity, message: str) -> Finding:
    """A finding about a column as a whole, which no single row is to blame for."""
    return Finding(rule, column, severity, table.rows, 1.0, message)


def as_row(finding: Finding) -> dict[str, Any]:
    """A finding as plain data, for JSON."""
    extra = {"values": list(finding.values), "name": finding.name, "note": finding.note}
    return {
        "rule": finding.rule,
        "column": finding.column,
        "severity": finding.severity,
        "count": finding.count,
        "share": round(finding.share, 6),
        "message": finding.message,
        "rows": list(finding.rows),
        **{key: value for key, value in extra.items() if value},
    }


def number(value: float) -> str:
    """A number for a sentence: four digits, thousands separated."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def counted(count: int, noun: str, does: str = "") -> str:
    """A count with its noun and verb: ``counted(2, "row", "repeats/repeat it")`` is ``"2 rows repeat it"``."""
    nouns = f"{count:,} {noun}" + ("" if count == 1 else "s")
    if not does:
        return nouns
    verbs, _, rest = does.partition(" ")
    singular, _, plural = verbs.partition("/")
    return f"{nouns} {singular if count == 1 else plural} {rest}".rstrip()


def percent(count: int, of: int) -> str:
    """A share as people write it: ``"12%"``, ``"0.67%"``; never ``"100%"`` of what is not all."""
    share = 100.0 * count / max(of, 1)
    if share in (0.0, 100.0):
        return f"{share:.0f}%"
    if share >= 99.5:  # would be rounded to all
        return "more than 99%"
    return f"{share:.0f}%" if share >= 9.95 else f"{share:.2g}%"
