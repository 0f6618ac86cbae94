"""A comparison as a page of text: verdict and findings first, then the columns before and after, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mltoolkit.quality.differences import ColumnDiff, TableDiff
from mltoolkit.quality.figures import number, share, short, visible
from mltoolkit.quality.findings import Finding, as_row, counted
from mltoolkit.quality.grouping import group_findings
from mltoolkit.quality.profiling import ColumnProfile
from mltoolkit.quality.terminal import (
    STYLES,
    fill,
    make_console,
    make_grid,
    name_width,
    print_grid,
    spark,
)
from mltoolkit.quality.text import finite

_MOST_COLUMNS = 60
_BARS = 10
_ROOM_FOR_SPREAD = 70


def print_diff(found: TableDiff, bad: int, *, every_column: bool = False) -> None:
    """Print what has changed."""
    console = make_console()
    same = found.form[0] == found.form[1]
    for i, (what, name) in enumerate((("from", found.before), ("to  ", found.after))):
        facts = [
            counted(found.rows[i], "row"),
            counted(_widths(found)[i], "column"),
            *([] if same else [found.form[i]]),
        ]
        console.print(
            Text.assemble((what, "dim"), " ", (visible(name), "bold"), "  ", " · ".join(facts)), overflow="fold"
        )
    for group in group_findings(found.findings):
        _print_finding(console, group)
    concerned = {finding.column for finding in found.findings}
    columns = found.columns if every_column else [column for column in found.columns if column.name in concerned]
    if columns:
        _print_columns(console, columns[: None if every_column else _MOST_COLUMNS], found.rows)
    _print_unsure(console, found, concerned)
    console.print()
    counts = [(severity, sum(f.severity == severity for f in found.findings)) for severity in STYLES]
    tally = ", ".join(counted(count, severity) for severity, count in counts if count)
    verdict = Text("Changed", style="bold red") if bad else Text("No change of note", style="bold green")
    plain = "not bold default"
    console.print(
        verdict.append(f": {tally}" if tally else f" in {counted(len(found.columns), 'column')}", style=plain)
    )


def _widths(found: TableDiff) -> tuple[int, int]:
    both = len(found.columns)
    return both + len(found.removed), both + len(found.added)


def _print_finding(console: Console, group: Sequence[Finding]) -> None:
    worst = max(group, key=lambda finding: finding.count)
    columns = list(dict.fromkeys(finding.column for finding in group if finding.column))
    about = fill([short(column, 60) for column in columns], max(console.width - 24, 20), tally=True) or "the table"
    message = worst.message if len(group) == 1 else f"{counted(len(group), 'column')}; the first: {group[0].message}"
    console.print()
    title = Text(f"{worst.severity} ", style=STYLES[worst.severity])
    console.print(title.append(f"{visible(about)} · {worst.rule}", style="not bold not dim default"))
    console.print(Padding(Text(visible(message)), (0, 0, 0, 2), expand=False))
    if worst.rows and len(group) == 1:
        lines = ", ".join(f"{line:,}" for line in worst.rows) + (", …" if worst.count > len(worst.rows) else "")
        console.print(Padding(Text(f"first at {lines}", style="dim"), (0, 0, 0, 2), expand=False))


def _print_columns(console: Console, columns: Sequence[ColumnDiff], rows: tuple[int, int]) -> None:
    """Two lines a column, before above now, so that a change is seen where it is."""
    names = max(8, name_width([visible(column.name) for column in columns], console.width))
    wide = console.width >= _ROOM_FOR_SPREAD
    pictured = wide and any(column.bars_before for column in columns)
    grid = make_grid()
    grid.add_column("columns", overflow="fold", min_width=names, max_width=names)
    grid.add_column("", no_wrap=True)
    if pictured:
        grid.add_column("spread", no_wrap=True, style="cyan")
    grid.add_column("missing", justify="right", no_wrap=True)
    grid.add_column("distinct", justify="right", no_wrap=True)
    grid.add_column("middle half, or most frequent", overflow="ellipsis", no_wrap=True)
    for place, column in enumerate(columns):
        sides = (("was", column.before, column.bars_before), ("is", column.after, column.bars_after))
        for i, (when, side, bars) in enumerate(sides):
            about = Text(_measures(column), style="dim") if i else Text(visible(column.name) or "(no name)")
            figures = [
                share(side.missing, rows[i]) if side.missing else "–",
                f"{side.distinct:,}",
                holds(side, rows[i]),
            ]
            cells = [Text(when, style="dim"), *([Text(spark(bars, _BARS))] if pictured else []), *map(Text, figures)]
            grid.add_row(about, *cells, end_section=i == 1 and place + 1 < len(columns))
    print_grid(console, grid)


def _measures(column: ColumnDiff) -> str:
    return f"PSI {column.psi:.2f}" if column.psi is not None else ""


def holds(column: ColumnProfile, rows: int, room: int = 24) -> str:
    """What a column holds, in a few words: median and middle half, first and last, or the most frequent value."""
    if column.quantiles:
        low, middle, high = (number(value) for value in column.quantiles[1:4])
        return f"{middle} ({low} … {high})"
    if isinstance(column.minimum, str):
        return f"{column.minimum[:10]} … {str(column.maximum)[:10]}"
    if not column.top:
        return "nothing"
    if column.top[0][1] == 1 and column.distinct > 1:
        return "all different"
    present = rows - column.missing
    return fill([f"{short(value, 14)} {share(count, present)}" for value, count in column.top[:3]], room)


def _print_unsure(console: Console, found: TableDiff, concerned: set[str | None]) -> None:
    """Labels of one table only, too few to be more than chance: no finding, and yet worth a line."""
    lines = []
    for what, side in (("only now", "new"), ("only before", "gone")):
        parts = [
            f"{short(column.name, 20)} {', '.join(f'{short(label, 16)!s} ({count:,})' for label, count in labels[:2])}"
            for column in found.columns
            if column.psi is not None and column.name not in concerned and (labels := getattr(column, side))
        ]
        if parts:
            lines.append((what, parts))
    if lines:
        console.print()
        console.print(Text("Labels of one table only, not more than chance makes:", style="dim"))
    for what, parts in lines:
        text = fill(parts, console.width - 14, " · ", tally=True)
        console.print(Text(f"{what:<12}  {text}", style="dim"), overflow="fold")


def diff_as_data(found: TableDiff, bad: int) -> dict[str, Any]:
    """A comparison as plain data; a number that JSON does not have becomes None."""
    data: dict[str, Any] = finite(asdict(found))
    data["findings"] = [as_row(finding) for finding in found.findings]
    return {"changed": bool(bad), **data}
