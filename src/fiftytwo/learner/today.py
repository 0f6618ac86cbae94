"""``fiftytwo`` alone: where the learner is, what is due, what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import click

from fiftytwo import plan, progress
from fiftytwo.console import console
from fiftytwo.home import Home
from fiftytwo.learner import pace, pace_showing, quiz, showing


@dataclass(frozen=True)
class Overview:
    """Today: the learner's standing, the schedule if a pace is kept, and how many questions are due."""

    where: progress.Standing
    schedule: pace.Schedule | None
    reviews: int


def overview(home: Home, now: datetime) -> Overview:
    """Gather what today's view shows."""
    ways = progress.ways(home)
    where = progress.standing(home, ways)
    kept = pace.read(home)
    found = None if kept is None else pace.schedule(kept, ways, now.date())
    answered = any(True for _ in home.events(quiz.KIND))
    reviews = sum(quiz.is_due(item, now) for item in quiz.items(home, now)) if answered else 0
    return Overview(where, found, reviews)


@click.command("today")
def command() -> None:
    """Show where you are in the year and what comes next."""
    now = datetime.now().astimezone()
    out = console()
    for line in lines(overview(Home.find(), now), now):
        out.print(line, markup=False)


def lines(seen: Overview, now: datetime) -> Iterator[str]:
    """What the overview says, line by line."""
    where = seen.where
    if not where.started and not where.passed:
        yield from _welcome(seen, now)
        return
    counts = f"Passed {len(where.passed)} of {len(plan.landed())} landed weeks ({len(plan.year())} in the year)"
    skipped = f"; skipped: week {', '.join(map(str, where.skipped))}" if where.skipped else ""
    yield f"{counts}{skipped}."
    if where.current is not None:
        week = plan.year()[where.current - 1]
        said = showing.summary(where.last) if where.last else "not checked yet"
        again = ", reopened" if week.number in where.reopened else ""
        yield f"Now: week {week.number}, {week.title}: {said}{again}"
        yield f"  go on: fiftytwo check {week.number}      a hint: fiftytwo hint {week.number}"
    yield from _due(seen, now)
    if where.following is not None:
        title = plan.year()[where.following - 1].title
        yield f"Then: week {where.following}, {title}: fiftytwo start {where.following}"
    elif where.current is None:
        yield "Every week that has landed is yours. The evidence as pages: fiftytwo report"


def _welcome(seen: Overview, now: datetime) -> Iterator[str]:
    yield "Fifty-Two: a year of AI engineering that runs.\n"
    yield "Each week you get a brief and a starter file; your code is measured against"
    yield "stated bounds. Nothing is sent anywhere: your files are in my52/, yours to keep"
    yield "under git.\n"
    yield "  Begin            fiftytwo start 1"
    yield "  The plan         fiftytwo plan"
    yield "  Dates for it     fiftytwo plan --hours 8"
    yield "  All commands     fiftytwo --help"
    due = list(_due(seen, now))
    if due:
        yield ""
        yield from due


def _due(seen: Overview, now: datetime) -> Iterator[str]:
    if seen.schedule is not None:
        line = pace_showing.due_line(seen.schedule, now.date())
        if line:
            yield line
    if seen.reviews:
        yield f"Review: {seen.reviews} question{'s' if seen.reviews != 1 else ''} due: fiftytwo quiz"
