"""``fiftytwo plan``: the fifty-two weeks by phase, and where each stands; with a pace, their dates.

The words come from ``year.toml``, what has landed from the folders under ``fiftytwo.weeks``, and the two
last columns from the newest evidence in the home, if there is any. No week's code is imported.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fiftytwo import plan as year_plan
from fiftytwo import progress
from fiftytwo.console import fail, here
from fiftytwo.home import Home
from fiftytwo.learner import pace, pace_showing
from mltoolkit.io import atomic_write

if TYPE_CHECKING:
    from fiftytwo.evidence import Status, Who
    from fiftytwo.store import RunRow

_TITLE = 54  # with the two columns of evidence the table is 79 wide


@dataclass(frozen=True)
class Standing:
    """Where one week stands: its newest runs, ``None`` where there is none."""

    week: year_plan.Week
    landed: bool
    reference: RunRow | None
    learner: RunRow | None
    way: progress.Way | None


@click.command()
@click.option("--phase", metavar="TEXT", help="Only phases whose name contains TEXT, in any case.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="First day, such as 2027-01-04.")
@click.option("--hours", type=click.FloatRange(0.5, 168), metavar="N", help="Hours that you have a week.")
@click.option("--holiday", "holidays", multiple=True, metavar="DAY[..DAY]", help="Days off; may be repeated.")
@click.option("--no-holidays", is_flag=True, help="Forget the days off that were told before.")
@click.option("--spent", multiple=True, metavar="WEEK=HOURS", help="What a week really took, such as 7=6.5.")
@click.option("--dates", is_flag=True, help="Show the dates of the pace that you chose.")
@click.option("--ics", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a calendar file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list of all weeks, for programs.")
def plan(phase: str | None, as_json: bool, dates: bool, ics: Path | None, **said: Any) -> None:
    """The fifty-two weeks and where each stands.

    A week is planned until its code has landed; from then on the newest evidence says whether the
    reference passed and how far you are. With --start and --hours every week gets its dates. They are kept,
    follow what you really pass and when, and learn from the time that weeks take you.

    \b
    Examples:
      fiftytwo plan
      fiftytwo plan --phase deep
      fiftytwo plan --start 2027-01-04 --hours 8 --holiday 2027-07-01..2027-07-14
      fiftytwo plan --spent 7=6.5 --ics year.ics
    """
    weeks = _choose(phase)
    home = Home.find()
    rows = _history(home)
    ways = progress.ways(home, [row for row in rows if row.who == "learner"])
    paced = _paced(home, ways, said, ics)
    standings = list(_standings(weeks, rows, ways))
    if as_json:
        found = None if paced is None else pace_showing.dates(paced[1])
        told = [_as_row(standing) | (found or {}).get(standing.week.number, {}) for standing in standings]
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    if paced is not None and (dates or ics or any(said.values())):
        for line in pace_showing.table(*paced, [week.number for week in weeks]):
            click.echo(line)
        return
    if dates:
        fail("no pace is kept yet; choose one: fiftytwo plan --start 2027-01-04 --hours 8")
    for line in _table(standings):
        click.echo(line)
    if paced is not None:
        click.echo(pace_showing.in_a_line(*paced))


def _paced(
    home: Home, ways: Mapping[int, progress.Way], said: Mapping[str, Any], ics: Path | None
) -> tuple[pace.Pace, pace.Schedule] | None:
    """The pace with what was said now, kept if anything was; ``None`` where there is none."""
    today = datetime.now().astimezone()
    new = any(said.values())
    with home.lock() if new or ics else contextlib.nullcontext():
        kept = pace.read(home)
        if not new and kept is None:
            if ics:
                fail("no pace is kept yet; choose one: fiftytwo plan --start 2027-01-04 --hours 8")
            return None
        if new or kept is None:
            kept = _said(kept, said, today.date())
        if ics:
            kept = replace(kept, revision=kept.revision + 1)
        found = pace.schedule(kept, ways, today.date())  # refuses before anything is written
        if ics:
            from fiftytwo.learner.calendar import to_ics

            atomic_write(ics, to_ics(kept, found, today))
            click.echo(f"Calendar: {here(ics)}; import it again after a change, and it is updated.\n", err=True)
        if new or ics:
            pace.keep(home, kept)
    return kept, found


def _said(old: pace.Pace | None, said: Mapping[str, Any], today: date) -> pace.Pace:
    if old is None and not said["hours"]:
        fail("say how many hours you have a week: fiftytwo plan --start 2027-01-04 --hours 8")
    faults: list[str] = []

    def read(words: Sequence[str], parse: Callable[[str], Any]) -> list[Any]:
        found = []
        for word in words:
            try:
                found.append(parse(word))
            except ValueError as error:
                faults.append(str(error))
        return found

    holidays = read(said["holidays"], pace.parse_holiday)
    spent = dict(read(said["spent"], pace.parse_spent))
    if faults:
        raise click.UsageError("; ".join(faults))
    return pace.with_changes(
        old,
        today=today,
        start=said["start"].date() if said["start"] else None,
        hours=said["hours"],
        holidays=holidays,
        spent=spent,
        forget_holidays=said["no_holidays"],
    )


def _choose(phase: str | None) -> list[year_plan.Week]:
    weeks = [week for week in year_plan.year() if phase is None or phase.lower() in week.phase.lower()]
    if not weeks:
        names = "; ".join(dict.fromkeys(week.phase for week in year_plan.year()))
        raise click.BadParameter(f"no phase contains {phase!r}; the phases are: {names}", param_hint="--phase")
    return weeks


def _history(home: Home) -> list[RunRow]:
    """Past runs, newest first; nothing is created where nothing was run."""
    if not (home.root / "evidence").is_dir() and not os.environ.get("FIFTYTWO_DATABASE"):
        return []
    from sqlalchemy.exc import SQLAlchemyError

    from fiftytwo.store import Store

    try:
        return Store(home).history()
    except (OSError, SQLAlchemyError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        click.echo(f"warning: the evidence in {home.root} cannot be read, so it is not shown: {first}", err=True)
        return []


def _standings(
    weeks: Sequence[year_plan.Week], rows: Sequence[RunRow], ways: Mapping[int, progress.Way]
) -> Iterator[Standing]:
    landed = year_plan.landed()
    newest: dict[tuple[int, Who], RunRow] = {(row.week, row.who): row for row in reversed(rows)}
    for week in weeks:
        number = week.number
        reference, learner = newest.get((number, "reference")), newest.get((number, "learner"))
        yield Standing(week, number in landed, reference, learner, ways.get(number))


def _table(standings: Sequence[Standing]) -> Iterator[str]:
    for phase, group in itertools.groupby(standings, key=lambda standing: standing.week.phase):
        yield click.style(f"{phase:<{_TITLE + 4}}  {'reference':<9}  you", bold=True)
        for standing in group:
            week = standing.week
            line = f"{week.number:>4}  {week.title:<{_TITLE - 2}}  {_reference(standing):<9}  {_you(standing)}".rstrip()
            yield line if standing.landed else click.style(line, dim=True)
        yield ""
    yield _closing(standings)


def _reference(standing: Standing) -> str:
    if not standing.landed:
        return "planned"
    return _word(standing.reference.status) if standing.reference else "landed"


def _you(standing: Standing) -> str:
    run, way = standing.learner, standing.way
    if way is not None and way.state in ("skipped", "reopened", "tested out"):
        return way.state
    if run is None:
        return ""
    return f"{run.passed} of {run.counted}" if run.status == "failed" else _word(run.status)


def _word(status: Status) -> str:
    return "not here" if status == "could not run here" else status


def _closing(standings: Sequence[Standing]) -> str:
    """Counts, and the first landed week that the learner has not passed."""
    landed = [standing for standing in standings if standing.landed]
    yours = [s for s in landed if s.way and s.way.passed is not None]
    line = f"{len(landed)} of {len(standings)} landed, {len(yours)} passed by you."
    ahead = next((s for s in landed if not (s.way and s.way.done)), None)
    if ahead is None:
        return line
    verb = "check" if ahead.learner else "start"
    return f"{line} Next: fiftytwo {verb} {ahead.week.number}"


def _as_row(standing: Standing) -> dict[str, object]:
    week = standing.week
    return {
        "number": week.number,
        "slug": week.slug,
        "title": week.title,
        "phase": week.phase,
        "targets": week.targets,
        "build": week.build,
        "assess": week.assess,
        "landed": standing.landed,
        "reference": standing.reference.status if standing.reference else None,
        "you": standing.learner.status if standing.learner else None,
        "state": standing.way.state if standing.way else "untouched",
        "passed": standing.learner.passed if standing.learner else None,
        "counted": standing.learner.counted if standing.learner else None,
    }
