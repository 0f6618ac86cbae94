"""Checks of what a value can be in the world: numbers out of range, dates that cannot be meant.

Both go by the rest of the column and, where a name leaves no doubt, by the column's name. A name alone
never condemns a column: when more than a twentieth of it breaks the range, the name meant something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.findings import Finding, about_rows, counted, number
from mltoolkit.quality.numbers import OUTER_FENCE, countable, quantile
from mltoolkit.quality.table import Column, Table

_RARE = 0.05
# What data entry and old file formats write for "unknown".
_SENTINELS = (-999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0, 999999.0)
_POSSIBLE = (
    (frozenset({"age"}), 0.0, 130.0),
    (frozenset({"latitude", "lat"}), -90.0, 90.0),
    (frozenset({"longitude", "lon", "lng"}), -180.0, 180.0),
    (frozenset({"percent", "percentage", "pct"}), -100.0, 100.0),
    (frozenset({"probability", "prob"}), 0.0, 1.0),
)
# Dates that are meant to lie ahead.
_PLANNED = {"deadline", "delivery", "due", "end", "ends", "expires", "expiration", "expiry"} | {
    *("next", "planned", "renewal", "scheduled", "until", "valid")
}
_EARLIEST = np.datetime64("1900-01-01", "us")


def ranges(table: Table, _: Column | None) -> Iterator[Finding]:
    """Numbers that cannot be meant: infinite or rare negative ones, codes for "unknown", ages, degrees."""
    for column in table.columns:
        if column.infinite.any():
            message = counted(column.count(column.infinite), "value", "is/are infinite")
            yield about_rows(table, "ranges", column, "warning", column.infinite, message)
        if not countable(column) or column.moments.count < 10:
            continue
        explained = np.zeros(len(column.numbers), dtype=bool)
        for where, message in _impossible(column):
            if (where & ~explained).any():
                yield about_rows(table, "ranges", column, "warning", where, message)
            explained |= where


def _impossible(column: Column) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Masks of impossible numbers with what is wrong; the most telling reason first."""
    values = column.numbers
    present, weights = column.finite
    n = column.moments.count
    for code in _SENTINELS:
        marked = values == code
        others = present[present != code]
        if marked.any() and len(others):
            spread = np.ptp(others)
            if not others.min() - spread <= code <= others.max() + spread:
                yield (
                    marked,
                    f"{counted(column.count(marked), 'value', 'is/are')} {code:.0f}: a code for a missing value?",
                )
    low, high = quantile(present, (0.25, 0.75), weights)
    negative = values < 0
    stands_off = column.kind != "float" or present.min() < low - OUTER_FENCE * (high - low)
    if column.count(negative) <= max(1, 0.01 * n) and low > 0 and stands_off:
        count = counted(column.count(negative), "value", "is/are negative")
        yield negative, f"{count}, such as {number(present.min())}, where all others are not"
    words = set(re.split(r"[^a-z]+", column.name.lower()))
    for names, least, most in _POSSIBLE:
        beyond = (values < least) | (values > most)
        if names & words and 0 < column.count(beyond) <= max(1, _RARE * n):
            count = counted(column.count(beyond), "value", "lies/lie beyond")
            word = min(names & words)
            yield beyond, f"{count} {least:g} to {most:g}, which {word} cannot, such as {number(values[beyond][0])}"


def dates(table: Table, _: Column | None) -> Iterator[Finding]:
    """Values among dates that are none, a few dates to come, dates before 1900."""
    tomorrow = np.datetime64((datetime.now(UTC) + timedelta(days=1)).replace(tzinfo=None), "us")
    for column in table.columns:
        if column.kind not in ("date", "mixed dates"):
            continue
        if column.strays.any():
            example = column.texts[np.flatnonzero(column.strays)[0]]
            what = counted(column.count(column.strays), "value")
            message = f"{what} among dates that cannot be read as one, such as {example!r:.60}"
            yield about_rows(table, "dates", column, "error", column.strays, message)
        ahead, early = column.dates > tomorrow, column.dates < _EARLIEST
        present = column.count(~np.isnat(column.dates))
        planned = _PLANNED & set(re.split(r"[^a-z]+", column.name.lower()))
        for where, what in (
            (
                ahead if column.count(ahead) <= present / 2 and not planned else np.zeros_like(ahead),
                "lies/lie in the future",
            ),
            (early if column.count(early) <= present / 2 else np.zeros_like(early), "lies/lie before 1900"),
        ):
            if where.any():
                count = counted(column.count(where), "date", what)
                message = f"{count}, such as {str(column.dates[where][0])[:10]}"
                yield about_rows(table, "dates", column, "warning", where, message)
