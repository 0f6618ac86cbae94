"""What a table holds, column by column, in numbers that fit on a page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.checks import nearly_constant
from mltoolkit.quality.correlating import Correlation, correlations_of_note
from mltoolkit.quality.duplicates import repeats_of
from mltoolkit.quality.findings import Finding
from mltoolkit.quality.histograms import Histogram, histogram_of_dates, histogram_of_numbers, moment_text
from mltoolkit.quality.labels import broken_texts
from mltoolkit.quality.numbers import INNER_FENCE, beyond_fences, quantile, skewness
from mltoolkit.quality.scanning import look_at
from mltoolkit.quality.source import Source
from mltoolkit.quality.table import Column, Kind, Table
from mltoolkit.quality.targets import class_balance, is_label, leakage

if TYPE_CHECKING:
    import pandas as pd

_TOP = 5
_LEAST_SEEN = 8  # times that a value has to be in a sample before its count is estimated from it
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


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

    ``approximate`` names the fields that are estimates, because the column holds more than the 16,384 different
    values that are kept: ``distinct`` then has a standard error of 0.8% (it is within 3%), ``quantiles``,
    ``outliers`` and ``histogram`` are read off a sample of at least 32,768 rows, so that ranks have a standard
    error of at most 0.3% (they are within 1%), and a count in ``top`` has one of at most a third of itself;
    values that are rarer than one row in 2,000 or so are shown with a count of 1. Everything else is exact.
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


def profile(source: Path | str | pd.DataFrame | Source | Table, target: str | None = None) -> TableProfile:
    """Profile a table.

    Parameters
    ----------
    source : path, "-", DataFrame, database URL, Source or Table
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
    table = look_at(source)
    goal = _profile_target(table, table.column(target)) if target is not None else None
    duplicates, _ = repeats_of(table)
    columns = tuple(_profile_column(column) for column in table.columns)
    partial = table.sample is not None and table.sample.rows < table.rows
    estimated = {
        "duplicates": table.repeats is not None and not table.repeats.exact,
        "correlations": partial,
        "target": partial and goal is not None,
    }
    return TableProfile(
        table.name,
        table.form,
        table.rows,
        table.bytes,
        duplicates,
        columns,
        goal,
        correlations_of_note(table),
        table.encoding,
        tuple(name for name, so in estimated.items() if so),
    )


def _profile_target(table: Table, target: Column) -> TargetProfile:
    findings = (*class_balance(table, target), *leakage(table, target))
    return TargetProfile(target.name, _most_frequent(target, None) if is_label(target) else (), findings)


def _profile_column(column: Column) -> ColumnProfile:
    basics = ColumnProfile(
        name=column.name,
        kind=column.kind,
        missing=column.n_missing,
        distinct=column.distinct,
        constant=column.distinct == 1,
        near_constant=nearly_constant(column) if column.distinct > 1 else False,
        strays=column.count(column.strays),
        top=_most_frequent(column, _TOP),
        infinite=column.count(column.infinite),
        encodings=tuple((name, count) for name, _, count in broken_texts(column)),
    )
    if column.numeric:
        return _estimated(_with_numbers(basics, column), column)
    if column.kind in ("date", "mixed dates"):
        return _estimated(_with_dates(basics, column), column)
    return _estimated(_with_texts(basics, column), column) if column.kind == "text" else basics


def _estimated(found: ColumnProfile, column: Column) -> ColumnProfile:
    """The profile with the names of those fields that a sample stands for."""
    names = ("distinct", "quantiles", "outliers", "histogram", "top") if column.sampled else ()
    return replace(found, approximate=tuple(name for name in names if getattr(found, name) not in (None, ())))


def _with_numbers(basics: ColumnProfile, column: Column) -> ColumnProfile:
    values, weights = column.finite
    if len(values) == 0:
        return basics
    found, n = column.moments, column.moments.count
    with np.errstate(over="ignore", invalid="ignore"):  # the spread of values near the largest float is infinite
        return replace(
            basics,
            minimum=float(values.min()),
            maximum=float(values.max()),
            mean=found.mean,
            std=float(np.sqrt(found.m2 / (n - 1))) if n > 1 else None,
            quantiles=tuple(float(q) for q in quantile(values, _QUANTILES, weights)),
            skewness=_skewness(column) if n > 2 else None,
            outliers=column.count(beyond_fences(column.numbers, INNER_FENCE, weights=column.weights)),
            zeros=found.zeros,
            negative=found.negative,
            histogram=histogram_of_numbers(values, weights, whole=column.kind == "integer"),
        )


def _skewness(column: Column) -> float:
    found = column.moments
    if column.sampled and 0 < found.m2 < np.inf and np.isfinite(found.m3):
        return float(found.m3 / found.count / (found.m2 / found.count) ** 1.5)
    return skewness(*column.finite)


def _with_dates(basics: ColumnProfile, column: Column) -> ColumnProfile:
    there = ~np.isnat(column.dates)
    dates = column.dates[there]
    if len(dates) == 0:
        return basics
    weights = None if column.weights is None else column.weights[there]
    return replace(
        basics,
        minimum=moment_text(dates.min()),
        maximum=moment_text(dates.max()),
        histogram=histogram_of_dates(dates, weights),
    )


def _with_texts(basics: ColumnProfile, column: Column) -> ColumnProfile:
    if column.facts is not None and column.facts.lengths is not None:
        shortest, longest, total = column.facts.lengths
    else:
        lengths = np.fromiter(map(len, column.labels), dtype=np.int64, count=len(column.labels))
        shortest, longest, total = int(lengths.min()), int(lengths.max()), int((lengths * column.counts).sum())
    return replace(basics, shortest=shortest, longest=longest, mean_length=total / column.n_present)


def _most_frequent(column: Column, limit: int | None) -> tuple[tuple[str, int], ...]:
    """Values with their counts, the most frequent first; among equals the one that appears first."""
    counts = column.counts
    if column.sampled:  # what is seen a few times in the sample may be there no more often than that
        counts = np.where(column.appearances >= _LEAST_SEEN, counts, 1)
    order = np.argsort(-counts, kind="stable") if limit is None or len(counts) < 1000 else _largest(counts, limit)
    first = column.first_entries[order[:limit]]
    return tuple(
        (str(text), int(count)) for text, count in zip(column.texts_at(first), counts[order[:limit]], strict=True)
    )


def _largest(counts: NDArray[np.int64], limit: int) -> NDArray[np.intp]:
    """Positions of the largest counts, in order; among equals the first."""
    least = np.partition(counts, len(counts) - limit)[len(counts) - limit]
    above = np.flatnonzero(counts > least)
    kept = np.concatenate([above, np.flatnonzero(counts == least)[:limit]])
    return kept[np.argsort(-counts[kept], kind="stable")]
