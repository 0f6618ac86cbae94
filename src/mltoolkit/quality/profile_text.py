"""A profile as a page of text: what to look at first, then the columns by what they hold.

Every kind of column has its own grid, one line a column, so that a figure can be compared down the page. Where
a grid is wider than the terminal its less important figures follow in a second one below. A table of hundreds of
columns shows the first sixty, and of each what has room in one line; what matters about the others stands at the
top all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from mltoolkit.quality.correlating import Correlation
from mltoolkit.quality.figures import number, share, short, size, span, visible
from mltoolkit.quality.findings import counted
from mltoolkit.quality.highlights import MANY_MISSING, highlights
from mltoolkit.quality.profiling import ColumnProfile, TableProfile, TargetProfile
from mltoolkit.quality.terminal import (
    STYLES,
    fill,
    fitting_blocks,
    make_console,
    make_grid,
    name_width,
    print_grid,
    print_heading,
    spark,
)

_MOST_COLUMNS = 60
_MOST_CORRELATIONS = 6
_BARS = 10
_ROOM_FOR_BARS = 60
_TYPES = {"integer": "whole", "float": "decimal", "mixed numbers": "mixed", "date": "date", "mixed dates": "mixed"}
_SPREAD = "spread"
_IMPORTANT_NUMBERS = (
    *("spread", "missing", "min", "median", "max", "mean", "sd", "type"),
    *("distinct", "25%", "75%", "5%", "95%", "outliers", "skew"),
)
_DISPENSABLE = frozenset({"zeros", "negative"})  # not worth a grid of their own
_IMPORTANT_DATES = ("first", "last", "missing", _SPREAD, "distinct", "span")
_MEASURES = {"pearson": "r", "cramers_v": "V", "eta": "η"}


def print_profile(found: TableProfile, *, every_column: bool = False) -> None:
    """Print a page about a table: what to look at, its numbers, its dates, its labels and texts."""
    console = make_console()
    print_heading(console, found.name, _facts(found))
    _print_highlights(console, found)
    shown = found.columns if every_column else found.columns[:_MOST_COLUMNS]
    numbers = [column for column in shown if column.quantiles]
    dates = [column for column in shown if isinstance(column.minimum, str)]
    others = [column for column in shown if column not in numbers and column not in dates]
    names = name_width(["numbers", *(_name(column) for column in shown)], console.width)  # the longest of the titles
    brief = len(shown) < len(found.columns)
    if numbers:
        _print_blocks(
            console, "numbers", numbers, _numbers(numbers, found.rows), _IMPORTANT_NUMBERS, names, brief=brief
        )
    if dates:
        _print_blocks(console, "dates", dates, _dates(dates, found.rows), _IMPORTANT_DATES, names, brief=brief)
    if others:
        _print_texts(console, others, found.rows, names)
    if len(found.columns) > len(shown):
        left = counted(len(found.columns) - len(shown), "column")
        console.print()
        console.print(Text(f"… and {left} more: --all shows them and every figure, as do --html and --json"))
    if any(column.approximate for column in shown):
        console.print()
        console.print(Text("~ is an estimate: too many different values to keep them all", style="dim"))
    if found.target:
        _print_target(console, found.target)


def _facts(found: TableProfile) -> list[str]:
    facts = [counted(found.rows, "row"), counted(len(found.columns), "column"), found.form]
    if found.bytes:
        facts.append(size(found.bytes))
    return facts if found.duplicates else [*facts, "no row repeated"]


def _print_highlights(console: Console, found: TableProfile) -> None:
    noted = highlights(found)
    correlations = _correlations(found.correlations, console.width)
    if not noted and not correlations:
        return
    topics = max(map(len, [*(note.topic for note in noted), *(["go together"] if correlations else [])]))
    console.print()
    for note in noted:
        parts = [f"{_clean(found.columns[i].name)} {figure}".rstrip() for i, figure in note.columns]
        text = note.text or fill(parts, console.width - topics - 2, " · ", tally=True)
        style = "bold yellow" if note.weight == "strong" else "bold"
        console.print(Text.assemble((note.topic.ljust(topics), style), "  ", text), overflow="fold")
    for i, line in enumerate(correlations):
        console.print(Text.assemble(("" if i else "go together").ljust(topics), "  ", line, style=""), overflow="fold")


def _correlations(found: Sequence[Correlation], width: int) -> list[str]:
    parts = [
        f"{short(c.left, 20)} ~ {short(c.right, 20)} {_MEASURES[c.measure]} {c.value:.2f}".replace("-", "−")
        for c in found
    ]
    lines = parts[:_MOST_CORRELATIONS]
    if len(parts) > len(lines):
        lines[-1:] = [f"and {len(parts) - len(lines) + 1:,} pairs more"]
    return [fill([line], width - 16) for line in lines]


def _clean(name: str) -> str:
    return short(name, 30) if name else "(no name)"


def _name(column: ColumnProfile) -> str:
    return visible(column.name[:200]) or "(no name)"


def _missing(column: ColumnProfile, rows: int) -> str:
    return share(column.missing, rows) if column.missing else "–"


def _about(column: ColumnProfile, field: str, text: str) -> str:
    return f"~{text}" if field in column.approximate else text


def _distinct(column: ColumnProfile) -> str:
    return _about(column, "distinct", f"{column.distinct:,}")


def _numbers(columns: Sequence[ColumnProfile], rows: int) -> dict[str, list[str]]:
    """The figures of columns of numbers by title; a title without any figure is left out."""
    cells = {
        "type": [_TYPES.get(column.kind, column.kind) for column in columns],
        _SPREAD: [_spread(column) for column in columns],
        "missing": [_missing(column, rows) for column in columns],
        "distinct": [_distinct(column) for column in columns],
        "min": [number(column.minimum) for column in columns],
        "5%": [number(column.quantiles[0]) for column in columns],
        "25%": [number(column.quantiles[1]) for column in columns],
        "median": [_about(column, "quantiles", number(column.quantiles[2])) for column in columns],
        "75%": [number(column.quantiles[3]) for column in columns],
        "95%": [number(column.quantiles[4]) for column in columns],
        "max": [number(column.maximum) for column in columns],
        "mean": [number(column.mean) for column in columns],
        "sd": [number(column.std) for column in columns],
        "zeros": [f"{column.zeros:,}" if column.zeros else "–" for column in columns],
        "negative": [f"{column.negative:,}" if column.negative else "–" for column in columns],
        "outliers": [f"{column.outliers:,}" if column.outliers else "–" for column in columns],
        "skew": [_skewness(column.skewness) for column in columns],
    }
    return {title: texts for title, texts in cells.items() if any(text not in ("–", "") for text in texts)}


def _spread(column: ColumnProfile) -> str:
    return spark(column.histogram.counts, _BARS) if column.histogram and column.distinct > 1 else ""


def _skewness(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{round(value, 1) + 0.0:.1f}"


def _dates(columns: Sequence[ColumnProfile], rows: int) -> dict[str, list[str]]:
    return {
        _SPREAD: [_spread(column) for column in columns],
        "missing": [_missing(column, rows) for column in columns],
        "distinct": [_distinct(column) for column in columns],
        "first": [str(column.minimum).replace("T", " ") for column in columns],
        "last": [str(column.maximum).replace("T", " ") for column in columns],
        "span": [span(str(column.minimum), str(column.maximum)) for column in columns],
    }


def _print_blocks(
    console: Console,
    title: str,
    columns: Sequence[ColumnProfile],
    cells: Mapping[str, Sequence[str]],
    important: Sequence[str],
    names: int,
    *,
    brief: bool,
) -> None:
    if not any(cells.get(_SPREAD, ())):
        cells = {key: texts for key, texts in cells.items() if key != _SPREAD}
    for block, titles in enumerate(fitting_blocks(cells, important, console.width - names)):
        if block and (brief or _DISPENSABLE.issuperset(titles)):
            break
        grid = make_grid()
        grid.add_column(title, overflow="fold", min_width=names, max_width=names)
        for key in titles:
            grid.add_column(key, justify="left" if key in (_SPREAD, "type", "first", "last") else "right", no_wrap=True)
        for i, column in enumerate(columns):
            grid.add_row(Text(_name(column)), *(_styled(key, cells[key][i]) for key in titles))
        print_grid(console, grid)


def _styled(title: str, text: str) -> Text:
    if text == "–":
        return Text(text, style="dim")
    if title == _SPREAD:
        return Text(text, style="cyan")
    if title == "missing" and not text.startswith("<") and float(text.rstrip("%")) >= 100 * MANY_MISSING:
        return Text(text, style="yellow")
    return Text(text, style="dim" if title == "type" else "")


def _print_texts(console: Console, columns: Sequence[ColumnProfile], rows: int, names: int) -> None:
    cells = {
        _SPREAD: [_bars(column) for column in columns],
        "missing": [_missing(column, rows) for column in columns],
        "distinct": [_distinct(column) for column in columns],
    }
    if console.width < _ROOM_FOR_BARS or not any(cells[_SPREAD]):
        del cells[_SPREAD]
    grid = make_grid()
    grid.add_column("texts", overflow="fold", min_width=names, max_width=names)
    for title in cells:
        grid.add_column(title, justify="left" if title == _SPREAD else "right", no_wrap=True)
    grid.add_column("most frequent", overflow="ellipsis", no_wrap=True)
    room = console.width - names - sum(max(map(len, [title, *texts])) + 2 for title, texts in cells.items()) - 2
    for i, column in enumerate(columns):
        figures = [_styled(title, texts[i]) for title, texts in cells.items()]
        grid.add_row(Text(_name(column)), *figures, Text(_holds(column, rows, room)))
    print_grid(console, grid)


def _bars(column: ColumnProfile) -> str:
    """The most frequent values as bars, where values repeat at all."""
    repeats = column.distinct > 1 and column.top and column.top[0][1] > 1
    return spark([count for _, count in column.top], len(column.top)) if repeats else ""


def _holds(column: ColumnProfile, rows: int, room: int) -> str:
    """What a column holds: its most frequent values with their shares, as many as there is room for."""
    if not column.top:
        return "nothing"
    present = rows - column.missing
    if column.top[0][1] == 1 and column.distinct > 1:
        return fill([f"all different, such as {short(column.top[0][0], 40)}"], room)
    # Of a value that hardly repeats, a count says more than a share.
    rare = column.top[0][1] < 0.01 * present
    shown = [f"{short(value)} {f'({count:,})' if rare else share(count, present)}" for value, count in column.top]
    return fill(shown, room, more=column.distinct > len(column.top))


def _print_target(console: Console, target: TargetProfile) -> None:
    console.print()
    total = sum(count for _, count in target.classes)
    classes = ", ".join(f"{short(label)} {share(count, total)}" for label, count in target.classes[:8])
    more = f" and {len(target.classes) - 8} more" if len(target.classes) > 8 else ""
    what = f"classes {classes}{more}" if target.classes else "a number, or labels too many to be classes"
    console.print(Text.assemble(("target ", "bold"), (visible(target.name), "bold"), f": {what}"))
    for finding in target.findings:
        about = "" if finding.rule == "class balance" else f"{visible(finding.column or '')}: "
        line = f"{finding.rule}: {about}{finding.message}"
        console.print(Text.assemble((finding.severity, STYLES[finding.severity]), f" {visible(line)}"))
    if not target.findings:
        console.print(Text("no class is rare, and no column gives the target away"))
