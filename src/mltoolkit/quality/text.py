"""How a profile and findings look on a terminal and in a pipe, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from mltoolkit.quality.findings import Finding
from mltoolkit.quality.profiling import ColumnProfile, TableProfile, TargetProfile
from mltoolkit.quality.table import Table

_STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}
_LEAST_WIDTH = 40
_PIPE_WIDTH = 100
_MOST_COLUMNS = 60  # a page of a profile holds no more; the JSON has all
_GRID_WIDTH = 76  # below it, findings stand under each other
_NAME_WIDTH = 24
_TOGETHER = 5  # findings of one kind from which they share a line


@dataclass(frozen=True)
class Described:
    """A table as a heading names it; ``by_row`` says whether places in it are rows, because there are no lines."""

    name: str
    form: str
    rows: int
    columns: int
    by_row: bool


def _console() -> Console:
    """A console of the terminal's width; of a fixed one in a pipe, so that output can be compared."""
    console = Console(highlight=False)
    if not console.is_terminal:
        return Console(highlight=False, width=_PIPE_WIDTH)
    return Console(highlight=False, width=max(console.width, _LEAST_WIDTH))


def print_profile(found: TableProfile) -> None:
    """Print a page about a table: its numbers, its dates, its labels and texts."""
    console = _console()
    facts = [_plural(found.rows, "row"), _plural(len(found.columns), "column"), found.form]
    if found.bytes:
        facts.append(_size(found.bytes))
    facts.append(f"{_plural(found.duplicates, 'row')} repeated" if found.duplicates else "no row repeated")
    _print_heading(console, found.name, facts)
    shown = found.columns[:_MOST_COLUMNS]
    numbers = [column for column in shown if column.quantiles]
    dates = [column for column in shown if isinstance(column.minimum, str)]
    others = [column for column in shown if column not in numbers and column not in dates]
    if numbers:
        _print_grid(console, _grid_of_numbers(numbers, found.rows, console.width))
    if dates:
        _print_grid(console, _grid_of_dates(dates, found.rows))
    if others:
        _print_grid(console, _grid_of_texts(others, found.rows))
    if len(found.columns) > len(shown):
        console.print()
        console.print(Text(f"… and {_plural(len(found.columns) - len(shown), 'column')} more: --json has all"))
    if found.target:
        _print_target(console, found.target)


def _print_heading(console: Console, name: str, facts: Sequence[str]) -> None:
    console.print(Text(_visible(name), style="bold"))
    console.print(Text(" · ".join(facts)))


def _grid() -> Grid:
    return Grid(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1), header_style="bold")


def _print_grid(console: Console, grid: Grid) -> None:
    console.print()
    console.print(grid)


def _grid_of_numbers(columns: Sequence[ColumnProfile], rows: int, width: int) -> Grid:
    """The numbers; titles are left out from the end until no figure has to be broken."""
    cells: dict[str, list[str]] = {
        "missing": [_missing(column, rows) for column in columns],
        "min": [number(column.minimum) for column in columns],
        "median": [number(column.quantiles[2]) for column in columns],
        "max": [number(column.maximum) for column in columns],
        "mean": [number(column.mean) for column in columns],
        "sd": [number(column.std) for column in columns],
        "distinct": [f"{column.distinct:,}" for column in columns],
        "outliers": [f"{column.outliers:,}" if column.outliers else "–" for column in columns],
        "skew": [_skewness(column.skewness) for column in columns],
    }
    room = width - min(_NAME_WIDTH, max(len(_name(column)) for column in columns)) - 1
    fitting = []
    for title, texts in cells.items():
        room -= max(map(len, [title, *texts])) + 3  # the space between two columns
        if room >= 0:
            fitting.append(title)
    grid = _grid()
    grid.add_column("numbers", overflow="fold", max_width=_NAME_WIDTH)
    for title in fitting:
        grid.add_column(title, justify="right", no_wrap=True)
    for i, column in enumerate(columns):
        grid.add_row(_name(column), *(Text(cells[title][i]) for title in fitting))
    return grid


def _skewness(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.1f}"


def _grid_of_dates(columns: Sequence[ColumnProfile], rows: int) -> Grid:
    grid = _grid()
    grid.add_column("dates", overflow="fold", max_width=_NAME_WIDTH)
    for title in ("missing", "distinct"):
        grid.add_column(title, justify="right")
    for title in ("first", "last"):
        grid.add_column(title, overflow="fold")
    for column in columns:
        grid.add_row(*_beginning(column, rows), Text(str(column.minimum)), Text(str(column.maximum)))
    return grid


def _grid_of_texts(columns: Sequence[ColumnProfile], rows: int) -> Grid:
    grid = _grid()
    grid.add_column("labels and texts", overflow="fold", max_width=_NAME_WIDTH)
    for title in ("missing", "distinct"):
        grid.add_column(title, justify="right")
    grid.add_column("most frequent", overflow="fold")
    for column in columns:
        grid.add_row(*_beginning(column, rows), Text(_holds(column)))
    return grid


def _beginning(column: ColumnProfile, rows: int) -> tuple[Text, Text, Text]:
    return _name(column), Text(_missing(column, rows)), Text(f"{column.distinct:,}")


def _name(column: ColumnProfile) -> Text:
    name = Text(_visible(column.name) or "(no name)")
    return name.append(f" ({_plural(column.strays, 'stray')})", style="yellow") if column.strays else name


def _missing(column: ColumnProfile, rows: int) -> str:
    return _share(column.missing, rows) if column.missing else "–"


def _holds(column: ColumnProfile) -> str:
    if not column.top:
        return "nothing"
    if column.top[0][1] == 1 and column.distinct > 1:
        return f"all different, such as {_short(column.top[0][0])}"
    shown = ", ".join(f"{_short(value)} ({count:,})" for value, count in column.top[:3])
    return f"{shown}, …" if column.distinct > 3 else shown


def _print_target(console: Console, target: TargetProfile) -> None:
    console.print()
    total = sum(count for _, count in target.classes)
    classes = ", ".join(f"{_short(label)} {_share(count, total)}" for label, count in target.classes[:8])
    more = f" and {len(target.classes) - 8} more" if len(target.classes) > 8 else ""
    what = f"classes {classes}{more}" if target.classes else "a number, or labels too many to be classes"
    console.print(Text.assemble(("target ", "bold"), (_visible(target.name), "bold"), f": {what}"))
    for finding in target.findings:
        about = "" if finding.rule == "class balance" else f"{_visible(finding.column or '')}: "
        line = f"{finding.rule}: {about}{finding.message}"
        console.print(Text.assemble((finding.severity, _STYLES[finding.severity]), f" {_visible(line)}"))
    if not target.findings:
        console.print(Text("no class is rare, and no column gives the target away"))


def print_findings(table: Table, found: Sequence[Finding], bad: int) -> None:
    """Print what was found, worst first, and a line that sums it up."""
    console = _console()
    _print_heading(console, table.name, [_plural(table.rows, "row"), _plural(len(table.columns), "column"), table.form])
    where = "row" if table.by_row else "line"
    groups = _together(found)
    if groups and console.width >= _GRID_WIDTH:
        _print_grid(console, _grid_of_findings(groups, where))
    for group in groups if console.width < _GRID_WIDTH else ():
        column, message, rows = _told(group)
        console.print()
        console.print(_severity(group).append(f" {group[0].rule} · {_visible(column)}", style="not bold default"))
        at = "" if rows == "–" else f" ({where} {rows})"
        console.print(Padding(Text(_visible(message) + at), (0, 0, 0, 2)))
    console.print()
    counts = [(severity, sum(f.severity == severity for f in found)) for severity in _STYLES]
    tally = ", ".join(_plural(count, severity) for severity, count in counts if count)
    verdict = Text("Not clean", style="bold red") if bad else Text("Clean", style="bold green")
    console.print(verdict.append(f": {tally or 'nothing was found'}", style="not bold default"))


def print_broken_rules(about: Described, found: Sequence[Finding], rules: int, bad: int) -> None:
    """Print the rules of a suite that do not hold, one under the other, and a line that sums it up."""
    console = _console()
    _print_heading(console, about.name, [_plural(about.rows, "row"), _plural(about.columns, "column"), about.form])
    for finding in found:
        console.print()
        title = Text(finding.severity, style=_STYLES[finding.severity])
        title.append(f" {_visible(finding.column or 'the table')} · {finding.rule}", style="not bold default")
        console.print(title)
        console.print(Padding(Text(_visible(finding.message)), (0, 0, 0, 2)))
        if finding.rows:
            where = _plural(len(finding.rows), "row" if about.by_row else "line").split()[1]
            places = ", ".join(f"{line:,}" for line in finding.rows) + (
                ", …" if finding.count > len(finding.rows) else ""
            )
            console.print(Padding(Text(f"{where} {places}", style="dim"), (0, 0, 0, 2)))
        for told in (finding.name, finding.note):
            if told:
                console.print(Padding(Text(_visible(told), style="italic"), (0, 0, 0, 2)))
    console.print()
    verdict = Text("Not clean", style="bold red") if bad else Text("Clean", style="bold green")
    tally = f"{rules - len(found):,} of {_plural(rules, 'rule')} hold" if found else f"{_plural(rules, 'rule')} hold"
    counts = [(severity, sum(f.severity == severity for f in found)) for severity in _STYLES]
    broken = ", ".join(_plural(count, severity) for severity, count in counts if count)
    console.print(verdict.append(f": {broken}; {tally}" if broken else f": {tally}", style="not bold default"))


def _grid_of_findings(groups: Sequence[Sequence[Finding]], where: str) -> Grid:
    grid = _grid()
    grid.add_column("severity", no_wrap=True)
    grid.add_column("rule", overflow="fold", max_width=11)
    grid.add_column("column", overflow="fold", max_width=22)
    grid.add_column("what was found", overflow="fold")
    grid.add_column(f"first {where}s", overflow="fold", min_width=11)
    for group in groups:
        grid.add_row(_severity(group), Text(group[0].rule), *(Text(_visible(cell)) for cell in _told(group)))
    return grid


def _severity(group: Sequence[Finding]) -> Text:
    return Text(group[0].severity, style=_STYLES[group[0].severity])


def _together(found: Sequence[Finding]) -> list[list[Finding]]:
    """Findings in their order; many of one severity and rule as one group, at the place of the first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        groups.setdefault((finding.severity, finding.rule), []).append(finding)
    return [
        part
        for group in groups.values()
        for part in ([group] if len(group) > _TOGETHER else [[finding] for finding in group])
    ]


def _told(group: Sequence[Finding]) -> tuple[str, str, str]:
    """Column, message and lines of a finding; for a group, how many, the most affected, and which."""
    if len(group) == 1:
        finding = group[0]
        lines = ", ".join(f"{line:,}" for line in finding.rows[:2]) + (", …" if finding.count > 2 else "")
        return finding.column or "–", finding.message, lines if finding.rows else "–"
    worst = max(group, key=lambda finding: finding.count)
    names = ", ".join(dict.fromkeys(f.column or "–" for f in group[:6])) + (", …" if len(group) > 6 else "")
    return _plural(len(group), "column"), f"{names}; {worst.column}: {worst.message}", "–"


def profile_as_data(found: TableProfile) -> dict[str, Any]:
    """A profile as plain data; a number that JSON does not have becomes None."""
    data: dict[str, Any] = _finite(asdict(found))
    return data


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number(value: float | str | None) -> str:
    """A number of four digits, thousands separated: ``0.05664``, ``1,284``, ``3.1e+21``."""
    if value is None or isinstance(value, str):
        return value or "–"
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "–"
    size = abs(value)
    if value == int(value) and size < 1e12:
        return f"{int(value):,}"
    if 1e3 <= size < 1e12:
        return f"{value:,.0f}" if size >= 1e4 else f"{value:,.1f}"
    return f"{value:.4g}" if 1e-4 <= size < 1e12 else f"{value:.3g}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _share(count: int, rows: int) -> str:
    share = 100.0 * count / max(rows, 1)
    if count == rows:
        return "100%"
    return f"{min(share, 99.0):.0f}%" if share >= 9.95 else f"{share:.1f}%" if share >= 0.05 else "<0.1%"


def _short(text: str) -> str:
    shown = _visible(text if len(text) <= 24 else text[:23] + "…")
    return f"'{shown}'" if shown != shown.strip() or not shown else shown


def _visible(text: str) -> str:
    """Text without what a terminal would obey instead of showing."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _size(count: float) -> str:
    if count < 1024:
        return _plural(int(count), "byte")
    unit = "KiB"
    for larger in ("MiB", "GiB"):
        if count >= 1024 * 1024:
            unit, count = larger, count / 1024
    return f"{count / 1024:,.1f} {unit}"
