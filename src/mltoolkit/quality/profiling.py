"""What a table holds, column by column, in numbers that fit on a page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mltoolkit.quality.checks import skewness
from mltoolkit.quality.table import Column, Kind, Table, read_table

if TYPE_CHECKING:
    import pandas as pd

_TOP = 5
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class ColumnProfile:
    """One column in numbers; what does not apply to its kind is None or empty.

    ``minimum`` and ``maximum`` are numbers, or dates as ISO 8601 text; ``quantiles`` are those at 5, 25,
    50, 75 and 95%; ``std`` has divisor n - 1; ``top`` are the most frequent values with their counts.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int
    minimum: float | str | None = None
    maximum: float | str | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float, ...] = ()
    skewness: float | None = None
    zeros: int | None = None
    longest: int | None = None
    top: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class TableProfile:
    """A table in numbers."""

    name: str
    form: str
    rows: int
    bytes: int
    duplicates: int
    columns: tuple[ColumnProfile, ...]


def profile(source: Path | str | pd.DataFrame | Table) -> TableProfile:
    """Profile a table.

    Parameters
    ----------
    source : path, DataFrame or Table

    Returns
    -------
    TableProfile

    Raises
    ------
    CannotRead
        When the file is no table.
    """
    table = source if isinstance(source, Table) else read_table(source)
    duplicates = 0
    if table.rows and table.columns:
        codes = np.column_stack([column.codes for column in table.columns])
        duplicates = table.rows - len(np.unique(codes, axis=0))
    columns = tuple(_profile_column(column) for column in table.columns)
    return TableProfile(table.name, table.form, table.rows, table.bytes, duplicates, columns)


def _profile_column(column: Column) -> ColumnProfile:
    missing = int(column.missing.sum())
    if column.numeric:
        return _profile_numbers(column, missing)
    if column.kind in ("date", "mixed dates"):
        dates = column.dates[~np.isnat(column.dates)]
        low, high = (
            str(moment).removesuffix(".000000").removesuffix("T00:00:00") for moment in (dates.min(), dates.max())
        )
        return ColumnProfile(
            column.name, column.kind, missing, column.distinct, minimum=low, maximum=high, top=_top(column)
        )
    longest = max((len(text) for text in column.texts.tolist()), default=0) if column.kind == "text" else None
    return ColumnProfile(column.name, column.kind, missing, column.distinct, longest=longest, top=_top(column))


def _profile_numbers(column: Column, missing: int) -> ColumnProfile:
    values = column.numbers[np.isfinite(column.numbers)]
    if len(values) == 0:
        return ColumnProfile(column.name, column.kind, missing, column.distinct, top=_top(column))
    with np.errstate(over="ignore", invalid="ignore"):  # the spread of values near the largest float is infinite
        std = float(values.std(ddof=1)) if len(values) > 1 else None
        mean = float(values.mean())
    return ColumnProfile(
        column.name,
        column.kind,
        missing,
        column.distinct,
        minimum=float(values.min()),
        maximum=float(values.max()),
        mean=mean,
        std=std,
        quantiles=tuple(float(q) for q in np.quantile(values, _QUANTILES)),
        skewness=skewness(values) if len(values) > 2 else None,
        zeros=int((values == 0).sum()),
        top=_top(column),
    )


def _top(column: Column) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(column.texts[~column.missing].tolist()).most_common(_TOP))
