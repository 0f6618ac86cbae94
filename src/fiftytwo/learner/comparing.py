"""Yours, the reference and the library at work: the week's build with each, in turn."""

from __future__ import annotations

import statistics
from typing import Any, get_args

import click

from fiftytwo.console import console
from fiftytwo.evidence import Run
from fiftytwo.learner.workbench import Bench
from fiftytwo.report.format import format_bytes, format_number, format_seconds
from fiftytwo.runner import Side, run_build


def compare_sides(bench: Bench, repeats: int, *, quiet: bool) -> dict[str, Any]:
    """Run every side ``repeats`` times, round after round.

    Returns
    -------
    dict
        For each side: ``seconds`` (all rounds), ``median``, ``peak_memory_bytes``, ``metrics``, and
        ``fault`` (one line, empty when it ran).
    """
    sides: list[Side] = [side for side in get_args(Side) if side != "peer" or bench.exercise.peers]
    runs: dict[str, list[Run]] = {side: [] for side in sides}
    for i in range(repeats):
        for side in sides:
            if any(_fault(run) for run in runs[side]):
                continue
            if not quiet:
                click.echo(f"round {i + 1} of {repeats}: {side}", err=True)
            runs[side].append(run_build(bench.week.number, bench.home, side=side))
    return {side: _summary(found) for side, found in runs.items()}


def _fault(run: Run) -> str:
    failure = run.first_failure
    return run.reason or (f"{failure.outcome}: {failure.message}" if failure else "")


def _summary(runs: list[Run]) -> dict[str, Any]:
    seconds = [run.build_seconds for run in runs]
    last = runs[-1]
    return {
        "seconds": [round(s, 4) for s in seconds],
        "median": statistics.median(seconds),
        "peak_memory_bytes": max(run.peak_memory_bytes for run in runs),
        "metrics": {metric.name: metric.value for metric in last.metrics},
        "units": {metric.name: metric.unit for metric in last.metrics},
        "fault": _fault(last),
    }


def print_comparison(bench: Bench, found: dict[str, Any]) -> None:
    """Print a table: a column a side, time and memory above, the build's own numbers below."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    titles = {"learner": "yours", "reference": "reference", "peer": "library"}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(f"week {bench.week.number}'s build")
    for side in found:
        table.add_column(titles[side], justify="right")
    base = found["reference"]["median"] or 1.0
    good = {side: not row["fault"] for side, row in found.items()}
    table.add_row("time (median)", *(format_seconds(r["median"]) if good[s] else "–" for s, r in found.items()))
    table.add_row(
        "beside the reference", *(f"{r['median'] / base:.2f} x" if good[s] else "–" for s, r in found.items())
    )
    table.add_row("peak memory", *(format_bytes(r["peak_memory_bytes"]) if good[s] else "–" for s, r in found.items()))
    for name in found["reference"]["metrics"]:
        unit = found["reference"]["units"][name]
        table.add_row(name, *(format_number(row["metrics"].get(name), unit) for row in found.values()))
    out = console()
    (Console(highlight=False) if out.is_terminal else Console(highlight=False, width=100)).print(table)
    out.print("Yours runs in a process of its own: its time includes carrying the data there and back.")
    for side, row in found.items():
        if row["fault"]:
            out.print(f"{titles[side]}: {row['fault']}", markup=False)
