"""Where a learner stands: read off the runs in the store and the event log, kept nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from fiftytwo import plan
from fiftytwo.evidence import Run
from fiftytwo.home import Home
from fiftytwo.store import Store


@dataclass(frozen=True)
class Standing:
    """The state of the learner's year."""

    started: tuple[int, ...]
    passed: tuple[int, ...]
    current: int | None  # the week to go on with; None before the first start and after the last pass
    latest: int | None  # the week that was started last, passed or not
    following: int | None  # the next landed week that was not started
    last: Run | None  # the last check of the current week


def standing(home: Home) -> Standing:
    """Read where the learner stands."""
    store = Store(home)
    started: list[int] = []
    for event in home.events("start"):
        if event.week is not None and event.week not in started:
            started.append(event.week)
    rows = store.history(who="learner")
    passed = sorted({row.week for row in rows if row.status == "passed"})
    open_weeks = [week for week in started if week not in passed]
    current = open_weeks[-1] if open_weeks else None
    following = next((n for n in plan.landed() if n not in started and n not in passed), None)
    last = store.latest(current, who="learner") if current is not None else None
    return Standing(tuple(started), tuple(passed), current, started[-1] if started else None, following, last)


def hints_shown(home: Home, week: int, check: str) -> int:
    """How many hints for a check were shown so far."""
    return sum(event.facts.get("check") == check for event in home.events("hint", week))
