"""The learner's commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from fiftytwo import plan, progress
from fiftytwo.console import fail, here
from fiftytwo.home import Home
from fiftytwo.learner import checking, pace, showing
from fiftytwo.learner.workbench import Bench, Refused

_Number = click.argument("week", type=int)
_Current = click.argument("week", type=int, required=False)


def _bench(number: int | None, home: Home, *, started: bool = True) -> Bench:
    """The bench of a week, or of the current one; one clear line when there is none."""
    if number is None:
        where = progress.standing(home)
        number = where.current or where.latest
        if number is None:
            fail("no week is under way; begin one: fiftytwo start 1")
    try:
        bench = Bench.of(number, home)
    except LookupError as error:
        fail(str(error))
    if started and not bench.file.is_file():
        fail(f"there is no {here(bench.file)}; make it with: fiftytwo start {number}")
    return bench


def _or_refusal(action: Callable[[], Any]) -> Any:
    """What an action returns; a refusal is one line and exit status 1."""
    try:
        return action()
    except Refused as refusal:
        click.echo(str(refusal), err=True)
        sys.exit(1)


@click.command()
@_Number
def start(week: int) -> None:
    """Begin a week: its brief and its starter file.

    Nothing that is there already is touched.

    \b
    Example:
      fiftytwo start 1
    """
    home = Home.find()
    bench = _bench(week, home, started=False)
    written = _or_refusal(bench.start)
    missing = [n for n in bench.week.needs if n not in progress.standing(home).passed]
    click.echo(f"Week {week}: {bench.week.title}")
    for path in written:
        click.echo(f"  {here(path)}")
    if missing:
        click.echo(f"It helps to have passed week {', '.join(map(str, missing))} first; nothing stops you.")
    names = " and ".join(file.name for file in bench.files)
    click.echo(f"\nRead the brief, write {names}, then: fiftytwo check {week}")


@click.command()
@_Current
@click.option("--watch", is_flag=True, help="Check again on every save, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.option("--show-output", is_flag=True, help="Show what your code printed.")
@click.option("--profile", type=click.Choice(["quick", "full"]), default="quick", show_default=True,
              help="Size of the data.")  # fmt: skip
@click.option("--cold", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Test out of a week that you never started: check FILE, and keep it if it passes.")  # fmt: skip
def check(week: int | None, watch: bool, as_json: bool, show_output: bool, profile: str, cold: Path | None) -> None:
    """Measure your code against the week's bounds.

    The exit status is 0 when every check passed, 1 when one did not, 2 when there is nothing to check.
    WEEK may be left out: then it is the one under way.

    \b
    Examples:
      fiftytwo check 1
      fiftytwo check 1 --watch
      fiftytwo check 6 --cold ~/code/regression.py
    """
    home = Home.find()
    bench = _bench(week, home, started=cold is None)
    if cold is not None:
        sys.exit(_check_cold(bench, cold, profile, as_json))
    if not watch:
        sys.exit(_check(bench, profile, as_json, show_output))
    for _ in checking.on_every_save(bench):
        _check(bench, profile, as_json, show_output)
        if not as_json:
            click.echo(f"Watching {here(bench.file)}; Ctrl-C ends. By hand: fiftytwo check {bench.week.number}")


def _check(bench: Bench, profile: str, as_json: bool, show_output: bool) -> int:
    run, replay = checking.check_once(bench, profile)
    status = 0 if run.status == "passed" else 1
    if as_json:
        click.echo(json.dumps(showing.as_data(run, status), ensure_ascii=False))
        return status
    showing.print_run(run, bench.file, replay=replay)
    said = checking.printed(run, bench.home)
    if said is not None:
        file, lines = said
        if show_output:
            click.echo("".join(f"│ {line}\n" for line in lines), nl=False)
        else:
            noun = "line" if len(lines) == 1 else "lines"
            click.echo(f"Your code printed {len(lines):,} {noun}: {here(file)} (or add --show-output)")
    if status == 0 and (kept := pace.read(bench.home)) is not None and run.week not in kept.spent:
        click.echo(f"How many hours did it take? The plan learns from it: fiftytwo plan --spent {run.week}=HOURS")
    return status


def _check_cold(bench: Bench, file: Path, profile: str, as_json: bool) -> int:
    run = _or_refusal(lambda: checking.check_cold(bench, file, profile))
    status = 0 if run.status == "passed" else 1
    if as_json:
        click.echo(json.dumps(showing.as_data(run, status), ensure_ascii=False))
        return status
    showing.print_run(run, file, cold=True)
    if status == 0:
        click.echo(f"Tested out: your file is {here(bench.file)}.")
    else:
        click.echo(f"Nothing was kept but the evidence. To work on it: fiftytwo start {bench.week.number}")
    return status


@click.command()
@_Number
@click.option("--why", default="", metavar="TEXT", help="Your reason, kept for yourself.")
@click.option("--undo", is_flag=True, help="Take the week back into the plan.")
def skip(week: int, why: str, undo: bool) -> None:
    """Leave a week out; it stays visible.

    A skipped week takes no time in the plan. If you know it already, earn it instead: write its names from
    the brief in the report and check them cold, before any start.

    \b
    Examples:
      fiftytwo skip 9 --why "did this at work"
      fiftytwo skip 9 --undo
      fiftytwo check 9 --cold clusters.py
    """
    home = Home.find()
    if not 1 <= week <= plan.LAST_WEEK:
        fail(plan.unknown_week(week, plan.landed()))
    way = progress.ways(home).get(week)
    if undo:
        if way is None or way.state != "skipped":
            fail(f"week {week} is not skipped")
        home.log("unskip", week)
        click.echo(f"Week {week} is back in the plan.")
        return
    if way is not None and way.passed is not None:
        fail(f"week {week} is {way.state} already; there is nothing to skip")
    home.log("skip", week, why=why)
    title = plan.year()[week - 1].title
    click.echo(f"Skipped: week {week}, {title}. It stays visible: fiftytwo plan")
    click.echo(f"  take it back      fiftytwo skip {week} --undo")
    click.echo(f"  earn it instead   fiftytwo check {week} --cold FILE")


@click.command()
@_Current
def hint(week: int | None) -> None:
    """The next hint for the first failing check.

    Each check has up to three, from a nudge to nearly the answer.

    \b
    Example:
      fiftytwo hint 1
    """
    from fiftytwo.store import Store

    home = Home.find()
    bench = _bench(week, home)
    number = bench.week.number
    run = Store(home).latest(number, who="learner")
    if run is None:
        click.echo(f"Check first, so that the hint fits: fiftytwo check {number}")
        return
    failure = run.first_failure
    if failure is None:
        click.echo(run.reason or f"The last check found nothing to mend. Next: fiftytwo solution {number}")
        return
    click.echo(f"{failure.name} ({failure.outcome}): {failure.message}")
    if not failure.hint:
        click.echo(f"There is no hint for this one. {failure.why} The study note may help: fiftytwo report")
        return
    shown = min(progress.hints_shown(home, number, failure.name), len(failure.hint) - 1)
    click.echo(f"\nHint {shown + 1} of {len(failure.hint)}: {failure.hint[shown]}")
    home.log("hint", number, check=failure.name, step=shown + 1)
    if shown + 1 < len(failure.hint):
        click.echo(f"The next one: fiftytwo hint {number}")


@click.command()
@_Current
def solution(week: int | None) -> None:
    """Your code beside the reference.

    Shown once you pass; before that, when you ask a second time.

    \b
    Example:
      fiftytwo solution 1
    """
    from fiftytwo.learner.beside import print_beside

    home = Home.find()
    bench = _bench(week, home)
    number = bench.week.number
    passed = number in progress.standing(home).passed
    asked = any(True for _ in home.events("solution", number))
    home.log("solution", number, passed=passed)
    if not passed and not asked:
        click.echo(
            f"You have not passed week {number} yet, and the reference is worth more once you have.\n"
            f"A hint gets you on: fiftytwo hint {number}. To see it all the same, ask again."
        )
        return
    for sheet in bench.sheets():
        mine = sheet.file.read_text("utf-8", errors="replace") if sheet.file.exists() else ""
        print_beside(mine, sheet.reference, sheet.file.name)


@click.command()
@_Current
@click.option("--repeats", type=click.IntRange(3), default=3, show_default=True, help="How often each side is run.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def compare(week: int | None, repeats: int, as_json: bool) -> None:
    """Yours, the reference, the library: time, memory, result.

    The week's build is run with each in turn, round after round, so that a busy moment hits all alike.

    \b
    Example:
      fiftytwo compare 1
    """
    from fiftytwo.learner.comparing import compare_sides, print_comparison

    bench = _bench(week, Home.find())
    found = compare_sides(bench, repeats, quiet=as_json)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        print_comparison(bench, found)
    sys.exit(1 if found["learner"]["fault"] else 0)


@click.command()
@_Current
def reset(week: int | None) -> None:
    """Put a week back to its starter; your file is kept.

    \b
    Example:
      fiftytwo reset 1
    """
    bench = _bench(week, Home.find(), started=False)
    kept = bench.reset()
    names = _listed(bench.files)
    fresh = f"{names} is the starter again" if len(bench.files) == 1 else f"{names} are the starters again"
    click.echo(fresh + (f"; what you had is {_listed(kept)}" if kept else ""))


@click.command()
@_Current
def update(week: int | None) -> None:
    """Merge a changed starter into your edited file.

    Your file is changed only when the two changes do not touch each other, and a copy is kept.

    \b
    Example:
      fiftytwo update 1
    """
    bench = _bench(week, Home.find())
    kept = _or_refusal(bench.update)
    if not kept:
        click.echo(f"The starter of week {bench.week.number} has not changed since you began.")
    else:
        click.echo(f"Your week {bench.week.number} has the new starter's changes; what you had is {_listed(kept)}")


def _listed(files: Sequence[Path]) -> str:
    return " and ".join(map(here, files))
