"""The few things about a profile that a person should see first, gathered from all columns by topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mltoolkit.quality.figures import number, share
from mltoolkit.quality.findings import counted
from mltoolkit.quality.profiling import ColumnProfile, TableProfile

MANY_MISSING = 0.05
_LONG_TAIL = 2.0  # skewness of the exponential distribution
_MANY_OUTLIERS = 0.03  # 0.7% of a normal sample lies beyond the inner fences, 5% of an exponential one
_LEAST_ROWS = 20


@dataclass(frozen=True)
class Highlight:
    """One topic.

    Attributes
    ----------
    topic : str
        Such as ``"missing"``.
    weight : {"strong", "plain"}
        Whether it may make the table unfit for use, or is worth knowing.
    columns : tuple of (int, str)
        Positions of the columns concerned with a figure for each, the most affected first; empty where the
        whole table is concerned.
    text : str
        What is said of the whole table.
    """

    topic: str
    weight: str
    columns: tuple[tuple[int, str], ...] = ()
    text: str = ""


def highlights(found: TableProfile) -> tuple[Highlight, ...]:
    """What to look at first, topic by topic; none where there is nothing."""
    return tuple(_highlights(found))


def _highlights(found: TableProfile) -> Iterator[Highlight]:
    rows = found.rows
    if found.duplicates:
        what = f"{counted(found.duplicates, 'row', 'repeats/repeat an earlier one')} ({share(found.duplicates, rows)})"
        about = "about " if "duplicates" in found.approximate else ""
        yield Highlight("repeated rows", "strong", text=about + what)
    for topic, weight, measure, told in _TOPICS:
        ranked = sorted(
            ((measure(column, rows), i) for i, column in enumerate(found.columns)), key=lambda pair: (-pair[0], pair[1])
        )
        concerned = tuple((i, told(found.columns[i], rows)) for size, i in ranked if size > 0)
        if concerned:
            yield Highlight(topic, weight, concerned)


def _present(column: ColumnProfile, rows: int) -> int:
    return rows - column.missing


def _missing(column: ColumnProfile, rows: int) -> float:
    many = column.kind != "empty" and column.missing >= MANY_MISSING * rows
    return column.missing / max(rows, 1) if many else 0.0


def _outliers(column: ColumnProfile, rows: int) -> float:
    part = (column.outliers or 0) / max(_present(column, rows), 1)
    return part if part >= _MANY_OUTLIERS else 0.0


def _tail(column: ColumnProfile, rows: int) -> float:
    size = abs(column.skewness or 0.0)
    return size if size > _LONG_TAIL and column.distinct > 2 and _present(column, rows) >= _LEAST_ROWS else 0.0


def _all_different(column: ColumnProfile, rows: int) -> float:
    present = _present(column, rows)
    return float(present >= _LEAST_ROWS and column.distinct >= present and column.kind != "float")


def _broken(column: ColumnProfile, _: int) -> float:
    return float(sum(count for _, count in column.encodings))


Measure = Callable[[ColumnProfile, int], float]
Told = Callable[[ColumnProfile, int], str]

# Topic, weight, how much a column is concerned (0: not), the figure beside its name.
_TOPICS: tuple[tuple[str, str, Measure, Told], ...] = (
    ("empty", "strong", lambda c, rows: float(c.kind == "empty" and rows > 0), lambda _c, _rows: ""),
    ("missing", "strong", _missing, lambda c, rows: share(c.missing, rows)),
    ("mixed types", "strong", lambda c, _: float(c.strays), lambda c, _: f"{c.strays:,}"),
    ("broken text", "strong", _broken, lambda c, _: ", ".join(f"{what} {n:,}" for what, n in c.encodings)),
    ("infinite", "strong", lambda c, _: float(c.infinite), lambda c, _: f"{c.infinite:,}"),
    ("constant", "plain", lambda c, rows: float(c.constant and rows > 1), lambda _c, _rows: ""),
    (
        "nearly constant",
        "plain",
        lambda c, _: float(c.near_constant),
        lambda c, rows: share(c.top[0][1], rows) if c.top else "",
    ),
    ("all different", "plain", _all_different, lambda _c, _rows: ""),
    ("skew", "plain", _tail, lambda c, _: number(round(c.skewness or 0.0, 1))),
    ("outliers", "plain", _outliers, lambda c, rows: share(c.outliers or 0, _present(c, rows))),
)
