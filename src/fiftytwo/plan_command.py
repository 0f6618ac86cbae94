"""``fiftytwo plan``: the fifty-two weeks by phase, and where each stands.

The words come from ``year.toml``, what has landed from the folders under ``fiftytwo.weeks``, and the two
last columns from the newest evidence in the home, if there is any. No week's code is imported.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from fiftytwo import plan as year_plan
from fiftytwo.home import Home

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


@click.command()
@click.option("--phase", metavar="TEXT", help="Only phases whose name contains TEXT, in any case.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list of all weeks, for programs.")
def plan(phase: str | None, as_json: bool) -> None:
    """The fifty-two weeks and where each stands.

    A week is planned until its code has landed; from then on the newest evidence says whether the
    reference passed and how far you are.

    \b
    Examples:
      fiftytwo plan
      fiftytwo plan --phase deep
    """
    weeks = _choose(phase)
    standings = list(_standings(weeks, _newest(Home.find())))
    if as_json:
        click.echo(json.dumps([_as_row(standing) for standing in standings], indent=1, ensure_ascii=False))
        return
    for line in _table(standings):
        click.echo(line)


def _choose(phase: str | None) -> list[year_plan.Week]:
    weeks = [week for week in year_plan.year() if phase is None or phase.lower() in week.phase.lower()]
    if not weeks:
        names = "; ".join(dict.fromkeys(week.phase for week in year_plan.year()))
        raise click.BadParameter(f"no phase contains {phase!r}; the phases are: {names}", param_hint="--phase")
    return weeks


def _newest(home: Home) -> dict[tuple[int, Who], RunRow]:
    """The newest run of each week by each author; nothing is created where nothing was run."""
    if not (home.root / "evidence").is_dir() and not os.environ.get("FIFTYTWO_DATABASE"):
        return {}
    from sqlalchemy.exc import SQLAlchemyError

    from fiftytwo.store import Store

    try:
        rows = Store(home).history()
    except (OSError, SQLAlchemyError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        click.echo(f"warning: the evidence in {home.root} cannot be read, so it is not shown: {first}", err=True)
        return {}
    return {(row.week, row.who): row for row in reversed(rows)}  # newest first, so the newest is set last


def _standings(weeks: Sequence[year_plan.Week], newest: Mapping[tuple[int, Who], RunRow]) -> Iterator[Standing]:
    here = year_plan.landed()
    for week in weeks:
        number = week.number
        yield Standing(week, number in here, newest.get((number, "reference")), newest.get((number, "learner")))


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
    run = standing.learner
    if run is None:
        return ""
    return f"{run.passed} of {run.counted}" if run.status == "failed" else _word(run.status)


def _word(status: Status) -> str:
    return "not here" if status == "could not run here" else status


def _closing(standings: Sequence[Standing]) -> str:
    """Counts, and the first landed week that the learner has not passed."""
    landed = [standing for standing in standings if standing.landed]
    yours = [s for s in landed if s.learner and s.learner.status == "passed"]
    line = f"{len(landed)} of {len(standings)} landed, {len(yours)} passed by you."
    ahead = next((s for s in landed if s not in yours), None)
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
        "passed": standing.learner.passed if standing.learner else None,
        "counted": standing.learner.counted if standing.learner else None,
    }
