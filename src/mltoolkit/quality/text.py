"""How a profile and findings look on a terminal and in a pipe, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from mltoolkit.quality.checks import Finding
from mltoolkit.quality.profiling import ColumnProfile, TableProfile
from mltoolkit.quality.table import Table

_STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}
_LEAST_WIDTH = 72
_PIPE_WIDTH = 100


def _console() -> Console:
    """A console of the terminal's width; of a fixed one in a pipe, so that output can be compared."""
    console = Console(highlight=False)
    if not console.is_terminal:
        return Console(highlight=False, width=_PIPE_WIDTH)
    return Console(highlight=False, width=max(console.width, _LEAST_WIDTH))


def print_profile(found: TableProfile) -> None:
    """Print a page about a table."""
    console = _console()
    console.print(Text(found.name, style="bold"))
    facts = [f"{found.rows:,} rows", f"{len(found.columns):,} columns", found.form]
    if found.bytes:
        facts.append(_size(found.bytes))
    if found.duplicates:
        facts.append(f"{found.duplicates:,} repeated rows")
    console.print(Text(", ".join(facts)))
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    grid.add_column("column", overflow="fold", max_width=28)
    grid.add_column("kind", overflow="fold", max_width=9)
    for title in ("missing", "distinct"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column("what it holds", overflow="fold", ratio=1)
    for column in found.columns:
        missing = _share(column.missing, found.rows) if column.missing else "–"
        grid.add_row(
            Text(column.name), Text(column.kind), Text(missing), Text(f"{column.distinct:,}"), Text(_holds(column))
        )
    console.print(grid)


def _holds(column: ColumnProfile) -> str:
    """The middle and the ends of a column, or its most frequent values."""
    if column.quantiles:
        low, _, middle, _, high = column.quantiles
        spread = f", sd {number(column.std)}" if column.std is not None else ""
        return (
            f"{number(column.minimum)} to {number(column.maximum)}, median {number(middle)}, "
            f"90% in {number(low)} to {number(high)}, mean {number(column.mean)}{spread}"
        )
    if isinstance(column.minimum, str):
        return f"{column.minimum} to {column.maximum}"
    if column.kind == "text" and column.top and column.top[0][1] == 1:
        return f"all different, such as {_short(column.top[0][0])}"
    return ", ".join(f"{_short(value)} ({count:,})" for value, count in column.top[:3])


def print_findings(table: Table, found: Sequence[Finding], bad: int) -> None:
    """Print what was found, worst first, and a line that sums it up."""
    console = _console()
    console.print(Text(table.name, style="bold"))
    console.print(Text(f"{table.rows:,} rows, {len(table.columns):,} columns, {table.form}"))
    if found:
        grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
        grid.add_column("severity", no_wrap=True)
        grid.add_column("rule", overflow="fold", max_width=11)
        grid.add_column("column", overflow="fold", max_width=22)
        grid.add_column("what was found", overflow="fold", ratio=1)
        grid.add_column("first lines", no_wrap=True)
        for finding in found:
            style = _STYLES[finding.severity]
            lines = ", ".join(map(str, finding.rows[:2])) + (", …" if finding.count > 2 else "")
            grid.add_row(
                Text(finding.severity, style=style),
                Text(finding.rule),
                Text(finding.column or "–"),
                Text(finding.message),
                Text(lines or "–"),
            )
        console.print(grid)
    counts = [(severity, sum(f.severity == severity for f in found)) for severity in _STYLES]
    tally = ", ".join(f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts if count)
    console.print(Text(f"{'Not clean' if bad else 'Clean'}" + (f": {tally}" if tally else ": nothing was found")))


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
    if value == int(value) if math.isfinite(value) else False:
        return f"{int(value):,}" if abs(value) < 1e15 else f"{value:.3g}"
    if 1e3 <= abs(value) < 1e15:
        return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.1f}"
    return f"{value:.4g}"


def _share(count: int, rows: int) -> str:
    share = 100.0 * count / max(rows, 1)
    return f"{share:.0f}%" if share >= 9.95 else f"{share:.1f}%" if share >= 0.05 else "<0.1%"


def _short(text: str) -> str:
    shown = text if len(text) <= 24 else text[:23] + "…"
    return (
        f"'{shown}'" if shown != shown.strip() or not shown else "".join(c if c.isprintable() else "�" for c in shown)
    )


def _size(count: int) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            break
        count /= 1024  # type: ignore[assignment]
    return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
