"""What a table holds, column by column, in numbers that fit on a page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from mltoolkit.quality.checks import nearly_constant
from mltoolkit.quality.duplicates import repeated_rows
from mltoolkit.quality.findings import Finding
from mltoolkit.quality.numbers import INNER_FENCE, beyond_fences, skewness
from mltoolkit.quality.table import Column, Kind, Table, read_table
from mltoolkit.quality.targets import class_balance, is_label, leakage

if TYPE_CHECKING:
    import pandas as pd

_TOP = 5
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Histogram:
    """How the values of a column are spread: ``counts[i]`` of them lie from ``edges[i]`` to ``edges[i + 1]``.

    Bins have one width and are closed on the left, the last one on both sides. Edges are numbers, or dates
    as ISO 8601 text.
    """

    edges: tuple[float, ...] | tuple[str, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class ColumnProfile:
    """One column in numbers; what does not apply to its kind is None or empty.

    ``minimum`` and ``maximum`` are numbers, or dates as ISO 8601 text; ``quantiles`` are those at 5, 25,
    50, 75 and 95%; ``std`` has divisor n - 1; ``skewness`` is the third standardised moment; ``outliers``
    counts the values beyond Tukey's inner fences (1.5 interquartile ranges); ``strays`` the values of
    another kind than the column's; ``infinite`` those that are infinite, which are no part of the other
    figures; ``shortest``, ``longest`` and ``mean_length`` are lengths of texts in characters; ``top`` are the
    most frequent values with their counts; ``encodings`` what is wrong with the characters of texts, with
    counts. A number that no float holds is infinite here, and null in JSON.

    ``approximate`` names the fields that are estimates, because the column holds more different values than
    are kept: ``distinct`` is then within 3% (HyperLogLog, standard error 0.8%), ``quantiles``, ``outliers``
    and ``histogram`` are those of values whose rank is at most 1% off, and a count in ``top`` may be too low
    or missing for values in fewer than one row in 1,000. Everything else is exact.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int
    constant: bool = False
    near_constant: bool = False
    strays: int = 0
    minimum: float | str | None = None
    maximum: float | str | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float, ...] = ()
    skewness: float | None = None
    outliers: int | None = None
    zeros: int | None = None
    longest: int | None = None
    top: tuple[tuple[str, int], ...] = ()
    infinite: int = 0
    negative: int | None = None
    shortest: int | None = None
    mean_length: float | None = None
    histogram: Histogram | None = None
    encodings: tuple[tuple[str, int], ...] = ()
    approximate: tuple[str, ...] = ()


@dataclass(frozen=True)
class Correlation:
    """Two columns that move together.

    ``measure`` is ``"pearson"`` (two numbers or dates, -1 to 1), ``"cramers_v"`` (two labels, 0 to 1, corrected
    for bias) or ``"eta"`` (a label and a number, 0 to 1); ``rows`` is how many rows it was computed from.
    """

    left: str
    right: str
    measure: Literal["pearson", "cramers_v", "eta"]
    value: float
    rows: int


@dataclass(frozen=True)
class TargetProfile:
    """The column to be predicted: its classes (empty for a number), and what was found about it."""

    name: str
    classes: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class TableProfile:
    """A table in numbers.

    ``correlations`` are those of note: at least 0.5 in absolute value, the largest first. ``encoding`` is that
    of a text file. ``approximate`` names the fields that are estimates: ``duplicates`` where there are too many
    different rows to remember them all, ``correlations`` where they come from a sample of the rows, ``target``
    likewise.
    """

    name: str
    form: str
    rows: int
    bytes: int
    duplicates: int
    columns: tuple[ColumnProfile, ...]
    target: TargetProfile | None = None
    correlations: tuple[Correlation, ...] = ()
    encoding: str = ""
    approximate: tuple[str, ...] = ()


def profile(source: Path | str | pd.DataFrame | Table, target: str | None = None) -> TableProfile:
    """Profile a table.

    Parameters
    ----------
    source : path, DataFrame or Table
    target : str, optional
        The column to be predicted.

    Returns
    -------
    TableProfile

    Raises
    ------
    CannotRead
        When the file is no table.
    BadInput
        When there is no column called ``target``.
    """
    table = source if isinstance(source, Table) else read_table(source)
    goal = _profile_target(table, table.column(target)) if target is not None else None
    duplicates = int(repeated_rows(table).sum())
    columns = tuple(_profile_column(column) for column in table.columns)
    return TableProfile(table.name, table.form, table.rows, table.bytes, duplicates, columns, goal)


def _profile_target(table: Table, target: Column) -> TargetProfile:
    findings = (*class_balance(table, target), *leakage(table, target))
    return TargetProfile(target.name, _most_frequent(target, None) if is_label(target) else (), findings)


def _profile_column(column: Column) -> ColumnProfile:
    basics = ColumnProfile(
        name=column.name,
        kind=column.kind,
        missing=int(column.missing.sum()),
        distinct=column.distinct,
        constant=column.distinct == 1,
        near_constant=nearly_constant(column) if column.distinct > 1 else False,
        strays=int(column.strays.sum()),
        top=_most_frequent(column, _TOP),
    )
    if column.numeric:
        return _with_numbers(basics, column)
    if column.kind in ("date", "mixed dates"):
        dates = column.dates[~np.isnat(column.dates)]
        return replace(basics, minimum=_moment(dates.min()), maximum=_moment(dates.max()))
    if column.kind == "text":
        return replace(basics, longest=max(map(len, column.labels)))
    return basics


def _with_numbers(basics: ColumnProfile, column: Column) -> ColumnProfile:
    values = column.numbers[~np.isnan(column.numbers)]
    if len(values) == 0:
        return basics
    with np.errstate(over="ignore", invalid="ignore"):  # the spread of values near the largest float is infinite
        return replace(
            basics,
            minimum=float(values.min()),
            maximum=float(values.max()),
            mean=float(values.mean()),
            std=float(values.std(ddof=1)) if len(values) > 1 else None,
            quantiles=tuple(float(q) for q in np.quantile(values, _QUANTILES)),
            skewness=skewness(values) if len(values) > 2 else None,
            outliers=int(beyond_fences(values, INNER_FENCE).sum()),
            zeros=int((values == 0).sum()),
        )


def _moment(moment: np.datetime64) -> str:
    """A date without the parts that say nothing: ``2024-03-01``, ``2024-03-01T09:30:00``."""
    return str(moment).removesuffix(".000000").removesuffix("T00:00:00")


def _most_frequent(column: Column, limit: int | None) -> tuple[tuple[str, int], ...]:
    """Values with their counts, the most frequent first; among equals the one that appears first."""
    order = np.argsort(-column.counts, kind="stable")[:limit]
    return tuple((column.labels[code], int(column.counts[code])) for code in order)
