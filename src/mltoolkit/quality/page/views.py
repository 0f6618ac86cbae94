"""What a page shows of columns and findings: words, figures and pictures, nothing left to compute.

Text from the table is foreign: it is cut to a length, and stripped of what nobody sees, before it gets here. The
templates escape it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mltoolkit.quality.figures import number, share, short, span, visible
from mltoolkit.quality.findings import Finding, counted
from mltoolkit.quality.grouping import group_findings
from mltoolkit.quality.highlights import MANY_MISSING, Highlight, highlights
from mltoolkit.quality.histograms import Histogram
from mltoolkit.quality.page.drawings import box_strip, histogram, mini_histogram
from mltoolkit.quality.profiling import ColumnProfile, TableProfile

NAME, VALUE, MESSAGE = 100, 60, 400  # characters shown
_NAMED = 12
TYPES = {
    "integer": "whole numbers",
    "float": "numbers",
    "boolean": "yes or no",
    "date": "dates",
    "text": "text",
    "empty": "empty",
    "mixed numbers": "numbers and others",
    "mixed dates": "dates and others",
}


@dataclass(frozen=True)
class Link:
    """A column's name, with the place of its card; None where it has none."""

    name: str
    place: str | None
    figure: str = ""


@dataclass(frozen=True)
class FindingView:
    """A finding, or a group of one kind."""

    severity: str
    rule: str
    columns: tuple[Link, ...]
    more: int
    message: str
    where: str
    note: str = ""


@dataclass(frozen=True)
class Bar:
    """One value of a column, its count and share."""

    label: str
    count: str
    share: str
    width: float
    rest: bool = False  # all other values together


@dataclass(frozen=True)
class HighlightView:
    """A topic with its columns."""

    topic: str
    strong: bool
    text: str
    columns: tuple[Link, ...]
    more: int


@dataclass(frozen=True)
class ColumnView:
    """A column as its line of the overview and its card show it."""

    place: str
    name: str
    kind: str
    chips: tuple[tuple[str, str], ...]
    missing: str
    missing_width: float  # percent
    distinct: str
    mini: Markup | None
    summary: str
    facts: tuple[tuple[str, str], ...]
    picture: Markup | None
    strip: Markup | None
    quantiles: tuple[tuple[str, str], ...]
    bars: tuple[Bar, ...]
    findings: tuple[FindingView, ...]


def figure(value: float | str | None) -> str:
    """A number, with a minus that is one."""
    return number(value).replace("-", "−") if isinstance(value, float) else number(value)


def name_of(name: str) -> str:
    """A column's name as shown."""
    return short(name, NAME) if name else "(no name)"


def place_of(position: int) -> str:
    """The anchor of a column's card."""
    return f"column-{position + 1}"


def column_views(found: TableProfile, findings: Sequence[Finding], most: int) -> list[ColumnView]:
    """The first columns of a table, each with the findings about it."""
    about: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.column is not None:
            about.setdefault(finding.column, []).append(finding)
    return [
        column_view(column, i, found.rows, about.get(column.name, ())) for i, column in enumerate(found.columns[:most])
    ]


def column_view(column: ColumnProfile, position: int, rows: int, findings: Iterable[Finding]) -> ColumnView:
    """One column."""
    counts = column.histogram.counts if column.histogram and column.distinct > 1 else ()
    tops = [count for _, count in column.top]
    repeats = bool(tops) and tops[0] > 1
    few = column.kind in ("integer", "float") and column.distinct <= len(column.top)  # such numbers are labels
    picture = None
    if column.histogram and counts and not few:
        picture = histogram(counts, _said(column, column.histogram), _bars_said(column.histogram))
    return ColumnView(
        place=place_of(position),
        name=name_of(column.name),
        kind=TYPES.get(column.kind, column.kind),
        chips=tuple(_chips(column, rows)),
        missing=share(column.missing, rows),
        missing_width=100.0 * column.missing / max(rows, 1),
        distinct=_about(column, "distinct", f"{column.distinct:,}"),
        mini=mini_histogram(counts) if counts else mini_histogram(tops) if repeats and column.distinct > 1 else None,
        summary=summary(column, rows),
        facts=tuple(_facts(column, rows)),
        picture=picture,
        strip=_strip(column) if picture and column.quantiles else None,
        quantiles=tuple(_quantiles(column)) if picture else (),
        bars=tuple(_bars(column, rows)) if not picture and repeats else (),
        findings=tuple(finding_view([finding], {}, "") for finding in findings),
    )


def _about(column: ColumnProfile, field: str, text: str) -> str:
    return f"≈ {text}" if field in column.approximate else text


def _chips(column: ColumnProfile, rows: int) -> Iterable[tuple[str, str]]:
    """What is remarkable about a column in two or three words, with a tone."""
    if column.kind == "empty":
        yield "no value", "strong"
    elif column.missing >= MANY_MISSING * rows and column.missing:
        yield f"{share(column.missing, rows)} missing", "strong"
    if column.strays:
        yield f"{counted(column.strays, 'value')} of another kind", "strong"
    for what, count in column.encodings:
        yield f"{what}: {count:,}", "strong"
    if column.infinite:
        yield f"{column.infinite:,} infinite", "strong"
    if column.constant and rows > 1:
        yield "constant", "plain"
    if column.near_constant:
        yield "nearly constant", "plain"
    if column.distinct >= rows - column.missing > 1 and column.kind != "float":
        yield "all different", "plain"


def summary(column: ColumnProfile, rows: int) -> str:
    """What a column holds, in a line."""
    if column.quantiles:
        return f"{figure(column.minimum)} … {figure(column.quantiles[2])} … {figure(column.maximum)}"
    if isinstance(column.minimum, str):
        return f"{column.minimum[:10]} … {str(column.maximum)[:10]}"
    if not column.top:
        return "nothing"
    if column.top[0][1] == 1 and column.distinct > 1:
        return f"all different, such as {short(column.top[0][0], 32)}"
    present = rows - column.missing
    shown = ", ".join(f"{short(value, 20)} {share(count, present)}" for value, count in column.top[:3])
    return f"{shown}, …" if column.distinct > 3 else shown


def _facts(column: ColumnProfile, rows: int) -> Iterable[tuple[str, str]]:
    yield "missing", f"{column.missing:,} ({share(column.missing, rows)})" if column.missing else "none"
    yield "distinct", _about(column, "distinct", f"{column.distinct:,}")
    if column.quantiles:
        yield "mean", figure(column.mean)
        yield "standard deviation", figure(column.std)
        if column.skewness is not None and math.isfinite(column.skewness):
            yield "skewness", f"{column.skewness:.2f}".replace("-", "−")
        yield "outliers", _counted_share(column.outliers, rows - column.missing, _about(column, "outliers", ""))
        for name, count in (("zeros", column.zeros), ("negative", column.negative)):
            if count:
                yield name, _counted_share(count, rows - column.missing)
    elif isinstance(column.minimum, str):
        yield "span", span(column.minimum, str(column.maximum))
    elif column.longest is not None:
        shortest = "" if column.shortest in (None, column.longest) else f"{column.shortest:,} to "
        yield "length", f"{shortest}{counted(column.longest, 'character')}"
        if column.mean_length is not None:
            yield "mean length", figure(round(column.mean_length, 1))
        if column.top and column.top[0][1] == 1:
            yield "such as", short(column.top[0][0], VALUE)


def _counted_share(count: int | None, of: int, about: str = "") -> str:
    return f"{about}{count:,} ({share(count, of)})" if count else "none"


def _quantiles(column: ColumnProfile) -> Iterable[tuple[str, str]]:
    """The least, quantiles and the greatest, as they stand below a histogram."""
    if isinstance(column.minimum, str):
        yield "first", column.minimum.replace("T", " ")
        yield "last", str(column.maximum).replace("T", " ")
        return
    yield "least", figure(column.minimum)
    names = ("5%", "25%", "median", "75%", "95%")
    yield from ((name, figure(value)) for name, value in zip(names, column.quantiles, strict=True))
    yield "greatest", figure(column.maximum)


def _bars(column: ColumnProfile, rows: int) -> Iterable[Bar]:
    present = rows - column.missing
    numbers = column.kind in ("integer", "float") and column.distinct <= len(column.top)
    for value, count in sorted(column.top, key=lambda pair: float(pair[0])) if numbers else column.top:
        yield Bar(short(value, VALUE), f"{count:,}", share(count, present), 100.0 * count / max(present, 1))
    others = column.distinct - len(column.top)
    rest = present - sum(count for _, count in column.top)
    if others > 0 and rest > 0:
        label = _about(column, "distinct", counted(others, "other value"))
        yield Bar(label, f"{rest:,}", share(rest, present), 100.0 * rest / max(present, 1), rest=True)


def _strip(column: ColumnProfile) -> Markup | None:
    """Quantiles below the histogram, on the same scale."""
    if column.histogram is None or not isinstance(column.minimum, float) or not isinstance(column.maximum, float):
        return None
    low, high = (float(edge) for edge in (column.histogram.edges[0], column.histogram.edges[-1]))
    half = 0.5 if column.kind == "integer" else 0.0  # a whole number has its bar from itself to the next
    shown = [value + half for value in (column.minimum, *column.quantiles, column.maximum)]
    return box_strip(shown, low, high) if 0 < high - low < math.inf else None


def _said(column: ColumnProfile, bins: Histogram) -> str:
    """A histogram in a sentence."""
    fullest = max(range(len(bins.counts)), key=lambda i: bins.counts[i])
    first, last, low, high = (figure(bins.edges[i]) for i in (0, -1, fullest, fullest + 1))
    tallest = f"the tallest, {counted(bins.counts[fullest], 'value')}, from {low} to {high}"
    return f"Histogram of {name_of(column.name)}, {len(bins.counts)} bars from {first} to {last}; {tallest}"


def _bars_said(bins: Histogram) -> list[str]:
    return [f"{figure(bins.edges[i])} to {figure(bins.edges[i + 1])}: {count:,}" for i, count in enumerate(bins.counts)]


def finding_views(found: Sequence[Finding], places: Mapping[str, str], unit: str) -> list[FindingView]:
    """Findings, worst first; many of one kind as one."""
    return [finding_view(group, places, unit) for group in group_findings(found)]


def finding_view(group: Sequence[Finding], places: Mapping[str, str], unit: str) -> FindingView:
    """A finding or a group; ``unit`` is what its rows are called, ``"line"`` or ``"row"``."""
    worst = max(group, key=lambda finding: finding.count)
    names = list(dict.fromkeys(finding.column for finding in group if finding.column is not None))
    message = visible(worst.message[:MESSAGE])
    if len(group) > 1:
        message = f"{counted(len(group), 'column')}; the most affected is {name_of(worst.column or '')}: {message}"
    shown = ", ".join(f"{line:,}" for line in worst.rows) if len(group) == 1 else ""
    where = ""
    if shown:
        plural = "s" if len(worst.rows) > 1 else ""
        where = f"{unit or 'line'}{plural} {shown}" + (", …" if worst.count > len(worst.rows) else "")
    note = " · ".join(text for text in (getattr(worst, "name", ""), getattr(worst, "note", "")) if text)
    return FindingView(
        severity=worst.severity,
        rule=worst.rule,
        columns=tuple(Link(name_of(name), places.get(name)) for name in names[:_NAMED]),
        more=max(0, len(names) - _NAMED),
        message=message[:1].upper() + message[1:],
        where=where,
        note=visible(note[:MESSAGE]),
    )


def highlight_views(found: TableProfile, most: int) -> list[HighlightView]:
    """What to look at first, with links to the cards."""
    return [_highlight_view(note, found, most) for note in highlights(found)]


def _highlight_view(note: Highlight, found: TableProfile, most: int) -> HighlightView:
    links = tuple(
        Link(name_of(found.columns[i].name), place_of(i) if i < most else None, figure)
        for i, figure in note.columns[:_NAMED]
    )
    return HighlightView(note.topic, note.weight == "strong", note.text, links, max(0, len(note.columns) - _NAMED))
