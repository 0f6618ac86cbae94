"""How findings look on a terminal and in a pipe, and a profile as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from mltoolkit.quality.figures import visible
from mltoolkit.quality.findings import Finding, counted
from mltoolkit.quality.grouping import group_findings
from mltoolkit.quality.profiling import TableProfile
from mltoolkit.quality.table import Table
from mltoolkit.quality.terminal import STYLES, make_console, make_grid, print_grid, print_heading

_GRID_WIDTH = 76  # below it, findings stand under each other


@dataclass(frozen=True)
class Described:
    """A table as a heading names it; ``by_row`` says whether places in it are rows, because there are no lines."""

    name: str
    form: str
    rows: int
    columns: int
    by_row: bool


def print_findings(table: Table, found: Sequence[Finding], bad: int) -> None:
    """Print what was found, worst first, and a line that sums it up."""
    console = make_console()
    print_heading(console, table.name, [counted(table.rows, "row"), counted(len(table.columns), "column"), table.form])
    where = "row" if table.by_row else "line"
    groups = group_findings(found)
    if groups and console.width >= _GRID_WIDTH:
        print_grid(console, _grid_of_findings(groups, where))
    for group in groups if console.width < _GRID_WIDTH else ():
        column, message, rows = _told(group)
        console.print()
        console.print(_severity(group).append(f" {group[0].rule} · {visible(column)}", style="not bold default"))
        at = "" if rows == "–" else f" ({where} {rows})"
        console.print(Padding(Text(visible(message) + at), (0, 0, 0, 2)))
    console.print()
    counts = [(severity, sum(f.severity == severity for f in found)) for severity in STYLES]
    tally = ", ".join(counted(count, severity) for severity, count in counts if count)
    verdict = Text("Not clean", style="bold red") if bad else Text("Clean", style="bold green")
    console.print(verdict.append(f": {tally or 'nothing was found'}", style="not bold default"))


def print_broken_rules(about: Described, found: Sequence[Finding], rules: int, bad: int) -> None:
    """Print the rules of a suite that do not hold, one under the other, and a line that sums it up."""
    console = make_console()
    print_heading(console, about.name, [counted(about.rows, "row"), counted(about.columns, "column"), about.form])
    for finding in found:
        console.print()
        title = Text(finding.severity, style=STYLES[finding.severity])
        title.append(f" {visible(finding.column or 'the table')} · {finding.rule}", style="not bold default")
        console.print(title)
        console.print(Padding(Text(visible(finding.message)), (0, 0, 0, 2)))
        if finding.rows:
            where = counted(len(finding.rows), "row" if about.by_row else "line").split()[1]
            places = ", ".join(f"{line:,}" for line in finding.rows) + (
                ", …" if finding.count > len(finding.rows) else ""
            )
            console.print(Padding(Text(f"{where} {places}", style="dim"), (0, 0, 0, 2)))
        for told in (finding.name, finding.note):
            if told:
                console.print(Padding(Text(visible(told), style="italic"), (0, 0, 0, 2)))
    console.print()
    verdict = Text("Not clean", style="bold red") if bad else Text("Clean", style="bold green")
    tally = f"{rules - len(found):,} of {counted(rules, 'rule')} hold" if found else f"{counted(rules, 'rule')} hold"
    counts = [(severity, sum(f.severity == severity for f in found)) for severity in STYLES]
    broken = ", ".join(counted(count, severity) for severity, count in counts if count)
    console.print(verdict.append(f": {broken}; {tally}" if broken else f": {tally}", style="not bold default"))


def _grid_of_findings(groups: Sequence[Sequence[Finding]], where: str) -> Grid:
    grid = make_grid()
    grid.add_column("severity", no_wrap=True)
    grid.add_column("rule", overflow="fold", max_width=11)
    grid.add_column("column", overflow="fold", max_width=22)
    grid.add_column("what was found", overflow="fold")
    grid.add_column(f"first {where}s", overflow="fold", min_width=11)
    for group in groups:
        grid.add_row(_severity(group), Text(group[0].rule), *(Text(visible(cell)) for cell in _told(group)))
    return grid


def _severity(group: Sequence[Finding]) -> Text:
    return Text(group[0].severity, style=STYLES[group[0].severity])


def _told(group: Sequence[Finding]) -> tuple[str, str, str]:
    """Column, message and lines of a finding; for a group, how many, the most affected, and which."""
    if len(group) == 1:
        finding = group[0]
        lines = ", ".join(f"{line:,}" for line in finding.rows[:2]) + (", …" if finding.count > 2 else "")
        return finding.column or "–", finding.message, lines if finding.rows else "–"
    worst = max(group, key=lambda finding: finding.count)
    names = ", ".join(dict.fromkeys(f.column or "–" for f in group[:6])) + (", …" if len(group) > 6 else "")
    return counted(len(group), "column"), f"{names}; {worst.column}: {worst.message}", "–"


def profile_as_data(found: TableProfile) -> dict[str, Any]:
    """A profile as plain data; a number that JSON does not have becomes None."""
    data: dict[str, Any] = finite(asdict(found))
    return data


def finite(value: Any) -> Any:
    """Plain data in which a number that JSON does not have is None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
