"""``fiftytwo run``: choose weeks, run them, and say in a line per week how they ended."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from fiftytwo import plan
from fiftytwo.home import Home
from fiftytwo.runner import Options, Update, run_many

if TYPE_CHECKING:
    from fiftytwo.evidence import Run


@click.command()
@click.argument("weeks", nargs=-1, metavar="WEEKS...")
@click.option("--profile", type=click.Choice(["quick", "full"]), default="quick", show_default=True,
              help="Embedded data in minutes, or the real datasets at full size.")  # fmt: skip
@click.option("--jobs", "-j", type=click.IntRange(1), default=1, show_default=True, help="Weeks at once.")
@click.option("--backend", type=click.Choice(["loky", "dask", "ray"]), default="loky", show_default=True,
              help="Where the weeks run: this machine, or a cluster (extra: cluster).")  # fmt: skip
@click.option("--seed", type=int, default=52, show_default=True, help="Seed of every random number.")
@click.option("--force", is_flag=True, help="Run again what has not changed since its last good run.")
@click.option(
    "--mine",
    is_flag=True,
    help="Use your own code for every exercise that you passed; says which parts carry the result.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def run(weeks: tuple[str, ...], as_json: bool, **chosen: Any) -> None:
    """Run the reference builds and keep their evidence.

    WEEKS are numbers, ranges or "all". The exit status is 0 when every week passed, 1 when one did
    not, 2 when the command cannot be carried out.

    \b
    Examples:
      fiftytwo run 1
      fiftytwo run 1-4 7 --jobs 2
      fiftytwo run all --profile full
      fiftytwo run 2 --mine
    """
    numbers = _select(weeks)
    home = Home.find()
    options = Options(**chosen)
    show = _json_lines() if as_json else _shown()
    bad = 0
    with show as listener:
        for result in run_many(numbers, home, options, listener=listener):
            bad += result.status != "passed"
    if not as_json:
        _closing(home, bad)
    sys.exit(1 if bad else 0)


def _select(words: tuple[str, ...]) -> list[int]:
    """The weeks that the words name; every fault of the words is told at once."""
    landed = plan.landed()
    chosen: set[int] = set()
    faults: list[str] = []
    for word in words:
        if word == "all":
            chosen |= set(landed)
            continue
        first, dash, last = word.partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True)):
            faults.append(f"{word!r} is no week: expected a number, a range such as 1-4, or all")
            continue
        numbers = range(int(first), int(last if dash else first) + 1)
        here = [n for n in numbers if n in landed]
        if not here:
            faults.append(plan.unknown_week(int(first), landed) if not dash else f"no week of {word} has landed")
        elif len(here) < len(numbers):
            away = [n for n in numbers if n not in landed]
            click.echo(f"not landed yet, passed over: week {', '.join(map(str, away))}", err=True)
        chosen |= set(here)
    if not words:
        faults.append("name the weeks to run: a number, a range such as 1-4, or all")
    if faults:
        raise click.UsageError("; ".join(faults))
    return sorted(chosen)


def _closing(home: Home, bad: int) -> None:
    where = os.path.relpath(home.root)
    click.echo(f"\nEvidence: {where}/evidence   Report: fiftytwo report   Learn: fiftytwo start 1")
    if bad:
        click.echo(f"{bad} {'week' if bad == 1 else 'weeks'} did not pass.", err=True)


Show = Callable[[Update], None]


@contextmanager
def _json_lines() -> Iterator[Show]:
    def show(update: Update) -> None:
        row: dict[str, Any] = {"event": update.kind, "week": update.week}
        if update.kind == "progress":
            row |= {"label": update.label, "done": update.done, "total": update.total}
        elif update.kind == "verdict":
            row |= {"check": update.label, "outcome": update.outcome}
        elif update.run is not None:
            run = update.run
            row |= {
                "id": run.id,
                "status": run.status,
                "reason": run.reason,
                "passed": run.passed,
                "counted": run.counted,
                "seconds": round(run.seconds, 3),
                "peak_memory_bytes": run.peak_memory_bytes,
                "checks": [
                    {
                        k: v
                        for k, v in asdict(verdict).items()
                        if k in ("name", "outcome", "measured", "bound", "unit", "message")
                    }
                    for verdict in run.verdicts
                ],
                "metrics": {metric.name: metric.value for metric in run.metrics},
            }
        click.echo(json.dumps(_finite(row), ensure_ascii=False))

    yield show


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and value - value != 0.0 else value


@contextmanager
def _shown() -> Iterator[Show]:
    """A line per week that ended; on a terminal also a bar per week that runs."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(highlight=False)
    columns = (SpinnerColumn(), TextColumn("week {task.fields[week]:02d}"), BarColumn(20),
               TextColumn("{task.description}"), TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[int, Any] = {}

        def show(update: Update) -> None:
            if update.kind == "started":
                tasks[update.week] = bars.add_task("building", total=None, week=update.week)
            elif update.kind == "progress" and update.week in tasks:
                bars.update(tasks[update.week], description=update.label, completed=update.done, total=update.total)
            elif update.kind == "verdict" and update.week in tasks:
                bars.update(tasks[update.week], description=f"check: {update.label}", completed=0, total=None)
            elif update.run is not None:
                if update.week in tasks:
                    bars.remove_task(tasks.pop(update.week))
                console.print(_line(update), style=None if update.run.status == "passed" else "bold", soft_wrap=True)
                for detail in _details(update):
                    console.print(f"         {detail}", soft_wrap=True, markup=False)

        yield show


def _line(update: Update) -> str:
    from rich.markup import escape

    from fiftytwo.report.format import format_bytes, format_seconds

    run = update.run
    assert run is not None
    title = plan.year()[update.week - 1].title
    took = (
        "unchanged"
        if update.kind == "cached"
        else f"{format_seconds(run.seconds)}, {format_bytes(run.peak_memory_bytes)}"
    )
    checks = f"{run.passed}/{run.counted} checks" if run.verdicts else ""
    return f"week {update.week:02d}  {escape(title):<44} {run.status:<8} {checks:<13} {took}"


def _details(update: Update) -> Iterator[str]:
    """Whose parts a run on one's own was made of, and what did not pass, a line each."""
    run = update.run
    assert run is not None
    if run.who == "mine":
        yield whose(run)
    if run.reason:
        yield run.reason
    for verdict in run.verdicts:
        if verdict.outcome != "passed":
            where = f" ({verdict.frame})" if verdict.frame else ""
            yield f"{verdict.outcome}: {verdict.name}: {verdict.message}{where}"


def whose(run: Run) -> str:
    """Which parts carry a run: ``"yours: Scaler; reference: double"``."""
    sides = {
        "yours": [name for name, who in run.parts.items() if who == "learner"],
        "reference": [name for name, who in run.parts.items() if who != "learner"],
    }
    return "; ".join(f"{side}: {', '.join(names) or 'none'}" for side, names in sides.items())
