"""``fiftytwo recheck`` and ``fiftytwo verify``: show what :mod:`fiftytwo.learner.proving` found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from fiftytwo import plan, progress
from fiftytwo.console import fail, here, symbol
from fiftytwo.evidence import Outcome
from fiftytwo.home import Home
from fiftytwo.learner import proving

_TITLE = 40
_SIGNS: dict[str, Outcome] = {
    "still passes": "passed",
    "confirmed": "passed",
    "reopened": "wrong",
    "refuted": "wrong",
    "could not run here": "could not run here",
}


@click.command()
@click.argument("weeks", nargs=-1, type=int, metavar="[WEEKS]...")
@click.option("--profile", type=click.Choice(["quick", "full"]), default="quick", show_default=True,
              help="Size of the data.")  # fmt: skip
def recheck(weeks: tuple[int, ...], profile: str) -> None:
    """Run your passed weeks again; what fails is reopened.

    A changed library or a later edit can undo a pass. The exit status is 1 when a week was reopened.

    \b
    Examples:
      fiftytwo recheck
      fiftytwo recheck 3 7
    """
    home = Home.find()
    passed = progress.standing(home).passed
    strangers = [week for week in weeks if week not in passed]
    if strangers:
        fail(f"week {', '.join(map(str, strangers))}: not passed, so there is nothing to check again")
    if not passed:
        click.echo("No week is passed yet. Go on: fiftytwo")
        return
    reopened = []
    for one in proving.recheck(home, weeks, profile, begin=_begin):
        count = f"{one.run.passed} of {one.run.counted}" if one.run else ""
        for line in _lines(one.week, one.outcome, count, one.reason):
            click.echo(line)
        if one.outcome == "reopened":
            reopened.append(one.week)
    if reopened:
        click.echo(f"\nReopened: week {', '.join(map(str, reopened))}. Go on: fiftytwo check {reopened[0]}")
        sys.exit(1)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def verify(folder: Path, as_json: bool) -> None:
    """Run the claims in somebody's folder again.

    Every week that FOLDER claims to have passed is checked here, on a copy; nothing in FOLDER is
    written. The exit status is 0 when every claim was confirmed, 1 when one was refuted, 3 when
    none was but some could not be run here, 2 when FOLDER is no learner's home.

    It runs their code, in a child process within limits of time and memory; that keeps accidents
    away, not malice. Verify strangers in a container.

    \b
    Examples:
      fiftytwo verify ~/students/ada/my52
      fiftytwo verify my52 --json
    """
    theirs = proving.find_home(folder)
    found = []
    for one in proving.verify(theirs, Home.find(), begin=_begin):
        found.append(one)
        if not as_json:
            count = f"{one.claim.passed} of {one.claim.counted} claimed, {one.passed} of {one.counted} measured"
            note = "; the code was changed after the claim" if one.changed else ""
            for line in _lines(one.claim.week, one.outcome, count + note, one.reason):
                click.echo(line)
    if as_json:
        click.echo(proving.as_json(found))
    elif not found:
        click.echo(f"{here(theirs.root)} claims no passed week.")
    else:
        counts = [(word, sum(one.outcome == word for one in found)) for word in ("confirmed", "refuted")]
        away = len(found) - sum(count for _, count in counts)
        said = ", ".join(f"{count} {word}" for word, count in counts)
        click.echo(f"\n{len(found)} claimed: {said}" + (f", {away} could not run here." if away else "."))
    sys.exit(proving.exit_status(found))


def _begin(week: int) -> None:
    """On a terminal, say which week is at work; the line gives way to its result."""
    if sys.stderr.isatty():
        click.echo(f"  week {week} is running ...\r", nl=False, err=True)


def _lines(week: int, outcome: str, count: str, reason: str) -> Iterator[str]:
    title = plan.year()[week - 1].title
    short = title if len(title) <= _TITLE else title[: _TITLE - 1].rstrip() + "…"
    colour = {"passed": "green", "wrong": "red"}.get(_SIGNS[outcome], "bright_black")
    yield click.style(f"{symbol(_SIGNS[outcome])} week {week:>2}  {short:<{_TITLE}}  {outcome}", fg=colour)
    if count:
        yield f"    {count}"
    if reason:
        yield f"    {reason}"
