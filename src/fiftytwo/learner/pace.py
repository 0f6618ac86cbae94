"""Pace: a date for every week, from the hours that the learner has and the hours that weeks really took.

The learner's days are all alike: a week's hours are spread evenly over its seven days, and a holiday has
none. Weeks follow each other without a gap. A week that was passed keeps its real dates; one that should
be done by now and is not is due today, and everything after it moves.

How long the rest will take is learned. Where the learner told the hours of a week (``--spent 7=6.5``) they
are believed. Elsewhere only the days from start to pass are known, which is *elapsed* time and not work: each
such day is counted as a day's share of the week's hours, since that is what the plan allots to it.
"""

from __future__ import annotations

import ast
import importlib.util
import math
import tomllib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from fiftytwo import plan
from fiftytwo.home import Home
from fiftytwo.progress import Way
from mltoolkit.errors import CannotRead
from mltoolkit.io import atomic_write

FILE = "pace.toml"
_PRIOR_HOURS = 12.0  # how much the stated hours weigh against those that were seen: about two weeks' worth
_EXTREME = 4.0  # one week counts for at most so many times its hours, and for at least that part of them

Standing = Literal["passed", "skipped", "under way", "late", "ahead"]


@dataclass(frozen=True)
class Pace:
    """What the learner said: kept in the home as ``pace.toml``.

    ``holidays`` are pairs of first and last day; ``spent`` maps weeks to the hours that the learner told; ``id`` and
    ``revision`` let a calendar update what it imported before.
    """

    start: date
    hours: float
    holidays: tuple[tuple[date, date], ...] = ()
    spent: Mapping[int, float] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    revision: int = 0

    @property
    def hours_a_day(self) -> float:
        """The share of a day that is no holiday."""
        return self.hours / 7

    def is_holiday(self, day: date) -> bool:
        """Whether nothing is planned for a day."""
        return any(first <= day <= last for first, last in self.holidays)


@dataclass(frozen=True)
class Took:
    """What a passed week really took."""

    week: int
    stated: float  # hours
    hours: float  # what it counts for
    elapsed_days: int | None  # from start to pass, both included; None where the hours were told


@dataclass(frozen=True)
class Slot:
    """A week and its days; ``first_due`` is when the first plan wanted it done."""

    week: int
    begin: date
    end: date
    standing: Standing
    hours: float
    first_due: date
    took: Took | None = None


@dataclass(frozen=True)
class Schedule:
    """The year with dates."""

    slots: tuple[Slot, ...]
    factor: float  # real hours for each stated hour
    took: tuple[Took, ...]

    @property
    def end(self) -> date:
        """The last day of the last week."""
        return max(slot.end for slot in self.slots)

    @property
    def behind(self) -> int:
        """Days behind the first plan; negative when ahead of it."""
        return (self.end - max(slot.first_due for slot in self.slots)).days

    @property
    def current(self) -> Slot | None:
        """The first week that is not done."""
        open_slots = (slot for slot in self.slots if slot.standing not in ("passed", "skipped"))
        return min(open_slots, key=lambda slot: (slot.end, slot.week), default=None)


def stated_hours(number: int, catalogue: Mapping[int, str] | None = None) -> float:
    """The hours that a week's exercise states, read from its source so that no week's code is imported."""
    modules = plan.landed() if catalogue is None else catalogue
    spec = importlib.util.find_spec(modules[number]) if number in modules else None
    found = _hours_in(Path(spec.origin)) if spec and spec.origin else None
    return plan.Exercise.hours if found is None else found


@cache
def _hours_in(lab: Path) -> float | None:
    for node in ast.walk(ast.parse(lab.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Exercise":
            for word in node.keywords:
                if word.arg == "hours" and isinstance(word.value, ast.Constant):
                    return float(word.value.value)  # type: ignore[arg-type]
    return None


def read(home: Home) -> Pace | None:
    """The pace that is kept in a home, or ``None``.

    Raises
    ------
    CannotRead
        When the file was edited into something else.
    """
    file = home.root / FILE
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CannotRead(f"{file} cannot be read: {error}; mend it, or delete it and plan again") from None
    try:
        holidays = tuple((_day(first), _day(last)) for first, last in data.get("holidays", ()))
        spent = {int(week): float(hours) for week, hours in data.get("spent", {}).items()}
        kept = Pace(_day(data["start"]), float(data["hours"]), holidays, spent, str(data["id"]), int(data["revision"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CannotRead(f"{file} is no pace ({error!r}); delete it and plan again: fiftytwo plan --hours 8") from None
    if not 0.5 <= kept.hours <= 168:
        raise CannotRead(f"{file} says {kept.hours:g} hours a week; expected 0.5 to 168")
    return kept


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise TypeError(f"expected a date such as 2027-01-04, got {value}")


def keep(home: Home, pace: Pace) -> None:
    """Write the pace into the home, whole or not at all."""
    holidays = ", ".join(f"[{first}, {last}]" for first, last in pace.holidays)
    lines = [
        "# The learner's pace, written by: fiftytwo plan --start ... --hours ...",
        f"start = {pace.start}",
        f"hours = {pace.hours!r}  # a week",
        f"holidays = [{holidays}]  # first and last day",
        f'id = "{pace.id}"  # with it a calendar updates what it imported before',
        f"revision = {pace.revision}",
        "",
        "[spent]  # week = hours that you told",
        *(f"{week} = {hours!r}" for week, hours in sorted(pace.spent.items())),
    ]
    atomic_write(home.root / FILE, "\n".join(lines) + "\n")
    home.log("plan", None, start=pace.start.isoformat(), hours=pace.hours)


def with_changes(
    old: Pace | None,
    *,
    today: date,
    start: date | None = None,
    hours: float | None = None,
    holidays: Sequence[tuple[date, date]] = (),
    spent: Mapping[int, float] | None = None,
    forget_holidays: bool = False,
) -> Pace:
    """The pace with what the learner said now; without an old one, it starts today at six hours a week."""
    base = old or Pace(today, plan.Exercise.hours)
    kept = () if forget_holidays else base.holidays
    return replace(
        base,
        start=start or base.start,
        hours=hours or base.hours,
        holidays=tuple(sorted({*kept, *holidays})),
        spent={**base.spent, **(spent or {})},
    )


def schedule(
    pace: Pace,
    ways: Mapping[int, Way],
    today: date,
    stated: Mapping[int, float] | None = None,
) -> Schedule:
    """A date for every week of the year.

    Parameters
    ----------
    pace : Pace
    ways : mapping of int to Way
        From :func:`fiftytwo.progress.ways`; moments are taken in their own time zone's local day.
    today : date
        Nothing that is open can be due before it.
    stated : mapping of int to float, optional
        Hours of each week; of every week of the year, unless a test says otherwise.
    """
    hours = stated or {week.number: stated_hours(week.number) for week in plan.year()}
    took = tuple(_took(pace, ways, hours))
    factor = _factor(took)
    first = _Days(pace, pace.start)
    first_due = {week: first.take(hours[week])[1] for week in hours}
    slots: dict[int, Slot] = {}
    cursor = pace.start
    for week, way in ways.items():
        if week not in hours or not way.done:
            continue
        end = _local(way.passed) or first_due[week]
        begin = min(_local(way.started) or end, end)
        mine = next((one for one in took if one.week == week), None)
        if way.passed is not None:
            cursor = max(cursor, end + timedelta(days=1))
        standing: Standing = "passed" if way.passed is not None else "skipped"
        slots[week] = Slot(week, begin, end, standing, hours[week], first_due[week], mine)
    days = _Days(pace, cursor)
    for week in _open(hours, ways):
        started = _local(ways[week].started) if week in ways else None
        days.not_before(started or today)
        begin, end = days.take(hours[week] * factor)
        standing = "late" if started and end < today else "under way" if started else "ahead"
        if end < today:
            end = today
            days.not_before(today + timedelta(days=1))
        slots[week] = Slot(week, started or begin, end, standing, hours[week] * factor, first_due[week])
    return Schedule(tuple(slots[week] for week in sorted(slots)), factor, took)


def _open(hours: Mapping[int, float], ways: Mapping[int, Way]) -> list[int]:
    """The weeks to come: those under way first, then the rest of the year in order."""
    left = [week for week in sorted(hours) if week not in ways or not ways[week].done]
    return sorted(left, key=lambda week: (week not in ways or ways[week].started is None, week))


def _took(pace: Pace, ways: Mapping[int, Way], hours: Mapping[int, float]) -> Iterator[Took]:
    for week, way in ways.items():
        if week not in hours or way.passed is None or way.cold:
            continue
        if week in pace.spent:
            yield Took(week, hours[week], pace.spent[week], None)
        elif way.started is not None:
            begin, end = _local(way.started), _local(way.passed)
            assert begin is not None
            assert end is not None
            span = [begin + timedelta(days=i) for i in range((end - begin).days + 1)]
            worked = max(1, sum(not pace.is_holiday(day) for day in span))
            yield Took(week, hours[week], worked * pace.hours_a_day, worked)


def _factor(took: Sequence[Took]) -> float:
    """Real hours for each stated one, drawn towards one while little is known."""
    real = sum(min(max(one.hours, one.stated / _EXTREME), one.stated * _EXTREME) for one in took)
    return (_PRIOR_HOURS + real) / (_PRIOR_HOURS + sum(one.stated for one in took))


def _local(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone().date()


class _Days:
    """Days with hours in them, used up from the front."""

    def __init__(self, pace: Pace, begin: date) -> None:
        self._pace = pace
        self._day = begin
        self._left = pace.hours_a_day

    def not_before(self, day: date) -> None:
        """Leave out the days before one."""
        if day > self._day:
            self._day, self._left = day, self._pace.hours_a_day

    def take(self, hours: float) -> tuple[date, date]:
        """The first and the last day of so many hours."""
        share = self._pace.hours_a_day
        while self._pace.is_holiday(self._day) or self._left < 1e-9 * share:
            self._next()
        begin = self._day
        while hours > self._left + 1e-9 * share:
            hours -= self._left
            self._next()
            while self._pace.is_holiday(self._day):
                self._next()
        self._left -= hours
        return begin, self._day

    def _next(self) -> None:
        self._day += timedelta(days=1)
        self._left = self._pace.hours_a_day


def parse_holiday(text: str) -> tuple[date, date]:
    """``"2027-07-01..2027-07-14"``, or one day alone.

    Raises
    ------
    ValueError
        When it is neither.
    """
    first, dots, last = text.partition("..")
    try:
        pair = date.fromisoformat(first.strip()), date.fromisoformat((last if dots else first).strip())
    except ValueError:
        raise ValueError(f"expected a day or two such as 2027-07-01..2027-07-14, got {text!r}") from None
    if pair[1] < pair[0]:
        raise ValueError(f"the last day of {text!r} is before the first")
    return pair


def parse_spent(text: str) -> tuple[int, float]:
    """``"7=6.5"``: week 7 took six and a half hours.

    Raises
    ------
    ValueError
        When it is something else, or no week of the year.
    """
    week, _, hours = text.partition("=")
    try:
        number, spent = int(week), float(hours)
    except ValueError:
        raise ValueError(f"expected WEEK=HOURS such as 7=6.5, got {text!r}") from None
    if not 1 <= number <= plan.LAST_WEEK or not (math.isfinite(spent) and 0 < spent <= 1000):
        raise ValueError(f"expected a week from 1 to {plan.LAST_WEEK} and hours from 0 to 1000, got {text!r}")
    return number, spent
