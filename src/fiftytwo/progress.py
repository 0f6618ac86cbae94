"""Where a learner stands: read off the runs in the store and the event log, kept nowhere else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from fiftytwo import plan
from fiftytwo.evidence import Run
from fiftytwo.home import Event, Home
from fiftytwo.store import RunRow, Store

State = Literal["untouched", "under way", "passed", "tested out", "skipped", "reopened"]


@dataclass(frozen=True)
class Way:
    """How far the learner came in one week.

    ``started`` and ``passed`` are the first start and the pass that holds; ``cold`` says that the checks were
    passed before any start; ``reopened`` that a pass was taken back, since the code passes no longer.
    """

    week: int
    started: datetime | None = None
    passed: datetime | None = None
    cold: bool = False
    skipped: bool = False
    why: str = ""  # the learner's own reason for skipping
    reopened: bool = False

    @property
    def state(self) -> State:
        """The one word for it."""
        if self.passed is not None:
            return "tested out" if self.cold else "passed"
        if self.reopened:
            return "reopened"
        if self.skipped:
            return "skipped"
        return "under way" if self.started is not None else "untouched"

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.passed is not None or (self.skipped and not self.reopened)


@dataclass(frozen=True)
class Standing:
    """The state of the learner's year."""

    started: tuple[int, ...]
    passed: tuple[int, ...]
    current: int | None  # the week to go on with; None before the first start and after the last pass
    latest: int | None  # the week that was started last, passed or not
    following: int | None  # the next landed week that was not started
    last: Run | None  # the last check of the current week
    skipped: tuple[int, ...] = ()
    tested_out: tuple[int, ...] = ()
    reopened: tuple[int, ...] = ()


def standing(home: Home, known: Mapping[int, Way] | None = None) -> Standing:
    """Where the learner stands; ``known`` spares reading the ways again."""
    store = Store(home)
    known = ways(home, _passes(store)) if known is None else known
    begun = list(dict.fromkeys(event.week for event in home.events("start") if event.week is not None))
    passed = sorted(n for n, way in known.items() if way.passed is not None)
    reopened = [n for n, way in known.items() if way.state == "reopened"]
    open_weeks = [n for n in begun if n in known and not known[n].done]
    current = open_weeks[-1] if open_weeks else next(iter(reopened), None)
    untouched = (n for n in plan.landed() if n not in begun and not (n in known and known[n].done))
    return Standing(
        started=tuple(begun),
        passed=tuple(passed),
        current=current,
        latest=begun[-1] if begun else None,
        following=next(untouched, None),
        last=store.latest(current, who="learner") if current is not None else None,
        skipped=tuple(n for n, way in known.items() if way.state == "skipped"),
        tested_out=tuple(n for n, way in known.items() if way.state == "tested out"),
        reopened=tuple(reopened),
    )


def ways(home: Home, rows: Iterable[RunRow] | None = None) -> dict[int, Way]:
    """Week -> how far the learner came, for every week that left a trace, by number."""
    found: dict[int, Way] = {}
    taken_back: dict[int, str] = {}  # week -> the run that no longer passed
    for event in home.events():
        if event.week is not None:
            found[event.week] = _after(found.get(event.week, Way(event.week)), event, taken_back)
    history = _passes(Store(home)) if rows is None else rows
    for row in sorted(history, key=lambda row: row.id):
        way = found.get(row.week, Way(row.week))
        if row.status == "passed" and row.id > taken_back.get(row.week, "") and way.passed is None:
            found[row.week] = replace(way, passed=_ended(row))
    return {n: way for n, way in sorted(found.items()) if way != Way(n)}


def _passes(store: Store) -> list[RunRow]:
    return store.history(who="learner", status="passed")


def _after(way: Way, event: Event, taken_back: dict[int, str]) -> Way:
    """What an event makes of a week; the passes themselves are read off the runs."""
    if event.kind == "start":
        return replace(way, started=way.started or _moment(event.time), skipped=False, why="")
    if event.kind == "skip":
        return replace(way, skipped=True, why=str(event.facts.get("why", "")))
    if event.kind == "unskip":
        return replace(way, skipped=False, why="")
    if event.kind == "passed":
        return replace(way, cold=bool(event.facts.get("cold")), reopened=False)
    if event.kind == "reopened":
        taken_back[way.week] = str(event.facts.get("run", ""))
        return replace(way, reopened=True)
    return way


def _moment(text: str) -> datetime | None:
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.astimezone()
    return None


def _ended(row: RunRow) -> datetime | None:
    moment = _moment(row.started)
    return None if moment is None else moment + timedelta(seconds=row.seconds)


def hints_shown(home: Home, week: int, check: str) -> int:
    """How many hints for a check were shown so far."""
    return sum(event.facts.get("check") == check for event in home.events("hint", week))
