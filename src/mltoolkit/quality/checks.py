"""The sanity checks that hold for any table, without a rule being written.

Each check is a function from a table, and the column to be predicted if one was named, to findings. What
the severities mean stands in :mod:`mltoolkit.quality.findings`; each limit is stated beside its check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mltoolkit.quality.duplicates import duplicates
from mltoolkit.quality.findings import (
    SEVERITIES,
    Finding,
    Severity,
    about_column,
    about_lines,
    about_rows,
    counted,
    number,
    percent,
)
from mltoolkit.quality.labels import cardinality, encodings
from mltoolkit.quality.numbers import outliers, skew
from mltoolkit.quality.plausible import dates, ranges
from mltoolkit.quality.scanning import look_at
from mltoolkit.quality.source import Source
from mltoolkit.quality.table import Column, Table
from mltoolkit.quality.targets import class_balance, leakage

if TYPE_CHECKING:
    import pandas as pd

    from mltoolkit.quality.rules.suite import Suite

_MANY_MISSING = 0.05
NEARLY_CONSTANT = 0.995


def check(
    source: Path | str | pd.DataFrame | Source | Table,
    target: str | None = None,
    *,
    rules: Suite | Path | str | None = None,
) -> tuple[Finding, ...]:
    """Run every sanity check, or hold the table against a suite of rules.

    Parameters
    ----------
    source : path, "-", DataFrame, database URL, Source or Table
    target : str, optional
        The column to be predicted; class balance and leakage suspects need it.
    rules : Suite, path of a rules file, or its text, optional
        With rules, these are checked and nothing else: each finding is a rule that does not hold.

    Returns
    -------
    tuple of Finding
        Errors first, then warnings, then infos; within these in the order of the checks.

    Raises
    ------
    CannotRead
        When the file is no table.
    BadInput
        When there is no column called ``target``, or something in the rules is wrong.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"city": ["Bergen", "Turin", "Turin"], "age": [31, 58, 58]})
    >>> [(finding.rule, finding.rows) for finding in check(frame)]
    [('duplicates', (3,))]
    """
    if rules is not None:
        from mltoolkit.quality.rules.evaluation import findings_of, validate

        return findings_of(validate(source, rules))
    table = look_at(source)
    goal = table.column(target) if target is not None else None
    # Values near the largest float overflow to an infinite spread, beyond which nothing lies: no fault of theirs.
    with np.errstate(over="ignore", invalid="ignore"):
        found = [finding for rule in RULES.values() for finding in rule(table, goal)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def _form(table: Table, _: Column | None) -> Iterator[Finding]:
    """Ragged rows, wrong quotes and bytes, column names that are missing or used twice."""
    width = len(table.columns)
    faults = table.faults
    for rule, lines, what in (
        ("ragged rows", faults.ragged, f"has/have another number of cells than the {width} of the header"),
        ("quotes", faults.quotes, "goes/go on after a closing quote: the first of them, if there are more"),
        ("not JSON", faults.not_json, "is/are no JSON object and was/were passed over"),
        ("encodings", faults.nul, "holds/hold NUL bytes"),
        ("encodings", faults.lost, "holds/hold bytes that are not of the file's encoding"),
    ):
        if lines.count:
            yield about_lines(table, rule, None, "error", lines.count, lines.first, counted(lines.count, "line", what))
    names = [name.strip() for name in table.header]
    counts = Counter(names)
    for name in counts:
        times = counts[name]
        if name and times > 1:
            yield Finding("header", name, "error", times, times / width, f"{times} columns are called {name!r:.60}")
    nameless = names.count("")
    if nameless:
        message = counted(nameless, "column", "has/have no name")
        yield Finding("header", None, "warning", nameless, nameless / width, message)
    if table.rows == 0:
        yield Finding("no rows", None, "warning", 0, 0.0, "the table has a header and no rows")


def _missing(table: Table, _: Column | None) -> Iterator[Finding]:
    """A column without a value, or without a twentieth of them, is a warning; fewer missing cells an info."""
    if table.rows == 0:
        return
    for column in table.columns:
        count = column.n_missing
        if not count:
            continue
        message = f"{counted(count, 'cell', 'is/are missing')} ({percent(count, table.rows)})"
        message = "every cell is empty" if column.kind == "empty" else message
        severity: Severity = "warning" if count >= _MANY_MISSING * table.rows else "info"
        lines = table.lines[column.missing] if column.facts is None else column.facts.missing.first
        yield about_lines(table, "missing", column.name, severity, count, lines, message)


def _constants(table: Table, _: Column | None) -> Iterator[Finding]:
    """One value throughout, or in 99.5% of at least 200 rows: it tells no rows apart, but may well be right."""
    for column in table.columns:
        present = column.n_present
        if present < 2:
            continue
        largest = int(column.counts.max())
        if largest == present:
            value = number(column.numbers[~column.missing][0]) if column.numeric else f"{column.labels[0]!r:.60}"
            yield about_column(table, "constants", column.name, "info", f"every value is {value}")
        elif nearly_constant(column):
            message = f"one value makes up all but {counted(present - largest, 'row')}"
            yield about_rows(
                table,
                "constants",
                column,
                "info",
                ~column.missing & (column.codes != int(np.argmax(column.counts))),
                message,
            )


def nearly_constant(column: Column) -> bool:
    """Whether one value makes up nearly a whole column that holds others too."""
    present = column.n_present
    return present >= 200 and NEARLY_CONSTANT * present <= int(column.counts.max()) < present


def _mixed(table: Table, _: Column | None) -> Iterator[Finding]:
    """Values of another kind than most of their column; among dates, the check of dates says so."""
    for column in table.columns:
        if not column.strays.any() or column.kind == "mixed dates":
            continue
        main = "numbers" if column.numeric else "text"
        example = column.texts[np.flatnonzero(column.strays)[0]]
        count = column.count(column.strays)
        message = f"{counted(count, 'value')} among {main} of another kind, such as {example!r:.60}"
        yield about_rows(table, "mixed types", column, "error", column.strays, message)


Rule = Callable[[Table, Column | None], Iterator[Finding]]

RULES: dict[str, Rule] = {
    "form": _form,
    "missing": _missing,
    "duplicates": duplicates,
    "constants": _constants,
    "outliers": outliers,
    "mixed types": _mixed,
    "cardinality": cardinality,
    "skew": skew,
    "class balance": class_balance,
    "leakage suspects": leakage,
    "ranges": ranges,
    "dates": dates,
    "encodings": encodings,
}
