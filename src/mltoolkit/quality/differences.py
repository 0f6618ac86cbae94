"""Two tables compared: what became of the columns, the rows, and the values in them.

The question is whether the second table could be more of what the first one is. Two random halves of a table
differ in every figure, so a difference is told only when a statistical test says that chance does not make
it: at most once in 1,000 comparisons of two samples of one population (:data:`FALSE_ALARMS`) does chance
alone give a finding at all. The probability is shared out over columns and tests (Bonferroni), so a wide
table cries wolf no more often than a narrow one. Whether a certain difference *matters* is asked apart, and
makes it an error, a warning or an info:

*error*
    what reads the table will break: columns gone or of another kind, no rows, no values
*warning*
    someone should look: PSI or Kolmogorov-Smirnov distance of at least 0.1, five points more or fewer missing
    cells, labels new or gone, another unit, spelling or time zone, a column more
*info*
    certain, and small: or what a next month's file does, such as dates that go on
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mltoolkit.quality.distances import ks_distance, proportions_by_chance, psi, quantile_bins
from mltoolkit.quality.findings import SEVERITIES, Finding, counted, percent
from mltoolkit.quality.label_changes import is_labels, label_changes
from mltoolkit.quality.pairs import Counted, Pair, severity_of
from mltoolkit.quality.profiling import ColumnProfile, profile
from mltoolkit.quality.scanning import look_at
from mltoolkit.quality.schema_changes import find_renamed, match_columns, retyped, schema_findings
from mltoolkit.quality.source import Source
from mltoolkit.quality.table import Table
from mltoolkit.quality.value_changes import date_changes, mean_shift, number_changes

if TYPE_CHECKING:
    import pandas as pd

FALSE_ALARMS = 0.001
_TESTS = 10  # a column is put to at most this many
_HALF_OR_DOUBLE, _A_TENTH = 2.0, 1.1  # ratios of row counts
_LISTED = 10
_BARS = 24
_LEAST_KEYS = 20


@dataclass(frozen=True)
class ColumnDiff:
    """One column in both tables.

    Attributes
    ----------
    name : str
        Its name; ``"old → new"`` where it seems to be renamed.
    before, after : ColumnProfile
    missing_change : float
        Share of missing cells after less that before, -1 to 1.
    mean_shift : float or None
        By how many standard deviations of the first table the mean has moved (numbers).
    psi : float or None
        Population stability index over ten bins (numbers, dates) or over the labels.
    ks : float or None
        Kolmogorov-Smirnov distance (numbers, dates).
    new, gone : tuple of (str, int)
        Labels that only one table has, with their counts, the ten most frequent; by chance or not.
    edges, bars_before, bars_after : tuple
        Shares of either table's values in 24 bins of one width, for a picture (numbers, dates).
    """

    name: str
    before: ColumnProfile
    after: ColumnProfile
    missing_change: float = 0.0
    mean_shift: float | None = None
    psi: float | None = None
    ks: float | None = None
    new: tuple[tuple[str, int], ...] = ()
    gone: tuple[tuple[str, int], ...] = ()
    edges: tuple[float, ...] = ()
    bars_before: tuple[float, ...] = ()
    bars_after: tuple[float, ...] = ()


@dataclass(frozen=True)
class TableDiff:
    """Two tables compared.

    Attributes
    ----------
    before, after : str
        What the tables are called.
    form : tuple of (str, str)
        How they are written.
    rows : tuple of (int, int)
    added, removed : tuple of str
        Columns of one table only.
    renamed : tuple of (str, str)
        Old and new names of columns whose contents are alike; they are part of neither list above.
    columns : tuple of ColumnDiff
        The common columns, and the renamed, in the order of the first table.
    findings : tuple of Finding
        Errors first, then warnings, then infos; lines are those of the second table.
    """

    before: str
    after: str
    form: tuple[str, str]
    rows: tuple[int, int]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    columns: tuple[ColumnDiff, ...]
    findings: tuple[Finding, ...]


def diff(
    before: Path | str | pd.DataFrame | Source | Table, after: Path | str | pd.DataFrame | Source | Table
) -> TableDiff:
    """Compare two tables.

    Parameters
    ----------
    before, after : path, "-", DataFrame, database URL, Source or Table
        The table as it was, and as it is.

    Returns
    -------
    TableDiff

    Raises
    ------
    CannotRead
        When either file is no table.

    Examples
    --------
    >>> import pandas as pd
    >>> before = pd.DataFrame({"grams": range(100, 600), "shop": ["north", "south"] * 250})
    >>> after = pd.DataFrame({"shop": ["north", "south"] * 250, "grams": [g / 1000 for g in range(100, 600)]})
    >>> [(finding.rule, finding.column) for finding in diff(before, after).findings]
    [('retyped', 'grams'), ('distribution', 'grams'), ('reordered', None)]
    >>> diff(before, after).findings[1].message[:44]
    'the values are 1/1000 of what they were: ano'
    """
    one, other = look_at(before), look_at(after)
    both, gone, new = match_columns(one, other)
    renamed = find_renamed(gone, new)
    order = {id(column): i for i, column in enumerate(one.columns)}
    both = sorted([*both, *((old, name) for old, name, _ in renamed)], key=lambda pair: order[id(pair[0])])
    level = FALSE_ALARMS / (_TESTS * max(len(both), 1))
    pairs = [Pair(old, name, other, level) for old, name in both]
    profiles = tuple(
        {id(column): found for column, found in zip(table.columns, profile(table).columns, strict=True)}
        for table in (one, other)
    )
    found = [*_form(one, other), *_rows(one, other), *schema_findings(one, other, gone, new, renamed)]
    # Values near the largest float overflow to an infinite spread: no fault of theirs.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if one.rows and other.rows:
            found += [finding for pair in pairs for finding in _column(pair)]
        columns = tuple(_facts(pair, profiles[0][id(pair.before)], profiles[1][id(pair.after)]) for pair in pairs)
    return TableDiff(
        before=one.name,
        after=other.name,
        form=(one.form, other.form),
        rows=(one.rows, other.rows),
        added=tuple(c.name for c in new if not any(c is name for _, name, _ in renamed)),
        removed=tuple(c.name for c in gone if not any(c is old for old, _, _ in renamed)),
        renamed=tuple((old.name, name.name) for old, name, _ in renamed),
        columns=columns,
        findings=tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))),
    )


def _form(before: Table, after: Table) -> Iterator[Finding]:
    """Another delimiter or encoding than before."""
    if before.form != after.form and not {"DataFrame", "Parquet"} & {before.form, after.form}:
        yield Finding("form", None, "info", 1, 1.0, f"was {before.form}; is {after.form}")


def _rows(before: Table, after: Table) -> Iterator[Finding]:
    n, m = before.rows, after.rows
    if n == m:
        return
    change = f"{counted(n, 'row')} before, {m:,} now"
    if not n or not m:
        yield Finding("rows", None, "error", m, 1.0, f"{change}: nothing to compare")
    elif not 1 / _HALF_OR_DOUBLE < m / n < _HALF_OR_DOUBLE:
        yield Finding("rows", None, "warning", m, 1.0, f"{change} ({m / n:.2g} times as many)")
    elif not 1 / _A_TENTH < m / n < _A_TENTH:
        yield Finding("rows", None, "info", m, 1.0, f"{change} ({m / n - 1:+.0%})")


def _column(pair: Pair) -> Iterator[Finding]:
    yield from _missing(pair)
    if not all(pair.present):
        return
    other_kind = retyped(pair)
    if other_kind:
        yield other_kind
    if pair.numeric:
        yield from number_changes(pair)
    elif pair.dated:
        yield from date_changes(pair)
    elif not other_kind:
        yield from label_changes(pair)
    yield from _repeats(pair)


def _missing(pair: Pair) -> Iterator[Finding]:
    old, new = pair.before.n_missing, pair.after.n_missing
    n, m = old + pair.present[0], new + pair.present[1]
    severity = severity_of(old / n, new / m)
    if not severity or proportions_by_chance(old, n, new, m) > pair.level:
        return
    message = f"{percent(new, m)} of the cells are missing, {percent(old, n)} before"
    if new == m:
        severity, message = "error", f"every cell is missing, {percent(old, n)} before"
    yield pair.finding_of_missing(severity, message)


def _repeats(pair: Pair) -> Iterator[Finding]:
    """A column of all different values, such as a key, in which values repeat now."""
    (n, m), column = pair.present, pair.after
    sampled = pair.before.sampled or column.sampled  # distinct is then an estimate, and a few repeats are its noise
    if column.kind not in ("integer", "text", "date") or n < _LEAST_KEYS or pair.before.distinct < n or sampled:
        return
    repeats = m - column.distinct
    # Of two equal values dealt out at random both fall into the second table this often, if both fall into one.
    if not repeats or (m * m / (n * n + m * m)) ** repeats > pair.level:
        return
    where = ~column.missing
    where[column.first_entries] = False
    message = f"{counted(repeats, 'value', 'repeats/repeat')} an earlier one; before, all were different"
    yield pair.finding("uniqueness", "warning", message, where)


def _facts(pair: Pair, before: ColumnProfile, after: ColumnProfile) -> ColumnDiff:
    shares = [column.n_missing / max(column.n_missing + column.n_present, 1) for column in (pair.before, pair.after)]
    facts = ColumnDiff(pair.name, before, after, shares[1] - shares[0])
    if pair.numeric or pair.dated:
        return _facts_of_numbers(facts, pair.numbers if pair.numeric else pair.moments, pair.numeric)
    if pair.before.numeric or pair.after.numeric or not all(pair.present):
        return facts
    found = pair.labels
    return replace(
        facts,
        psi=psi(found.before, found.after) if is_labels(found) else None,
        new=_most(found.after, found, found.only_after),
        gone=_most(found.before, found, found.only_before),
    )


def _facts_of_numbers(facts: ColumnDiff, found: Counted, numeric: bool) -> ColumnDiff:
    if 0 in found.sizes:
        return facts
    edges, before, after = _bars(found)
    return replace(
        facts,
        mean_shift=mean_shift(found) if numeric else None,
        psi=psi(*quantile_bins(found.before, found.after)),
        ks=ks_distance(found.before, found.after),
        edges=edges,
        bars_before=before,
        bars_after=after,
    )


def _bars(found: Counted) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Shares of both samples in bins of one width over the middle 99% of both; the ends hold the rest."""
    running = np.cumsum(found.before / found.sizes[0] + found.after / found.sizes[1]) / 2
    ends = np.minimum(np.searchsorted(running, [0.005, 0.995]), len(running) - 1)
    low, high = (float(end) for end in found.values[ends])
    if not 0 < high - low < np.inf:
        return (low, high), (1.0,), (1.0,)
    edges = np.linspace(low, high, _BARS + 1)
    at = np.clip(((found.values - low) / (high - low) * _BARS).astype(np.int64), 0, _BARS - 1)
    shares = [
        np.bincount(at, weights=side / size, minlength=_BARS)
        for side, size in zip((found.before, found.after), found.sizes, strict=True)
    ]
    return tuple(edges.tolist()), tuple(shares[0].tolist()), tuple(shares[1].tolist())


def _most(counts: np.ndarray, found: Counted, chosen: np.ndarray) -> tuple[tuple[str, int], ...]:
    order = [int(at) for at in np.argsort(-counts, kind="stable") if chosen[at]][:_LISTED]
    return tuple((str(found.values[at]), int(counts[at])) for at in order)
