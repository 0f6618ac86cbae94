"""What ``fiftytwo plan`` says of the dates: the table, one line, and rows for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import click

from fiftytwo import plan
from fiftytwo.learner.pace import Pace, Schedule, Slot, Took

_TITLE = 36
_STYLES = {"passed": "green", "late": "red", "under way": "yellow", "skipped": "bright_black", "ahead": None}


def table(pace: Pace, schedule: Schedule, weeks: Sequence[int]) -> Iterator[str]:
    """A line a week: begin, end, where it stands, what it took."""
    yield click.style(f"{'week':>4}  {'':<{_TITLE}}  {'begin':<10}  {'done by':<10}  standing", bold=True)
    for slot in schedule.slots:
        if slot.week in weeks:
            title = plan.year()[slot.week - 1].title
            short = title if len(title) <= _TITLE else title[: _TITLE - 1].rstrip() + "…"
            line = f"{slot.week:>4}  {short:<{_TITLE}}  {slot.begin}  {slot.end}  {_standing(slot)}"
            yield click.style(line.rstrip(), fg=_STYLES[slot.standing])
    yield ""
    yield from summary(pace, schedule)


def _standing(slot: Slot) -> str:
    if slot.took is not None:
        return f"took {took(slot.took)}"
    return "" if slot.standing == "ahead" else slot.standing


def took(one: Took) -> str:
    """What a week took: hours that were told, else the days that elapsed."""
    if one.elapsed_days is None:
        return f"{one.hours:g} h"
    return f"{one.elapsed_days} day{'s' if one.elapsed_days != 1 else ''}"


def summary(pace: Pace, schedule: Schedule) -> Iterator[str]:
    """The pace in words: how much, until when, how far behind, and what was learned."""
    yield in_a_line(pace, schedule)
    if pace.holidays:
        days = ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in pace.holidays)
        yield f"Days off: {days}."
    if not schedule.took:
        yield "The stated hours count until you pass some weeks; then yours are learned."
        return
    told = sum(one.elapsed_days is None for one in schedule.took)
    elapsed = len(schedule.took) - told
    words = [f"{told} told" if told else "", f"{elapsed} by elapsed days" if elapsed else ""]
    yield (f"You take {schedule.factor:.2f} times the stated hours (weeks: {', '.join(filter(None, words))}).")
    if elapsed:
        yield "Elapsed is start to pass, not hours at the desk; better: fiftytwo plan --spent 7=6.5"


def in_a_line(pace: Pace, schedule: Schedule) -> str:
    """Hours a week, the last day, and how far behind or ahead of the first plan."""
    behind = schedule.behind
    drift = (
        f", {abs(behind)} day{'s' if abs(behind) != 1 else ''} {'behind' if behind > 0 else 'ahead of'} the first plan"
    )
    return f"At {pace.hours:g} h a week from {pace.start} the year ends {schedule.end}{drift if behind else ''}."


def due_line(schedule: Schedule, today: date) -> str:
    """What is due next, for the overview; empty when the year is done."""
    slot = schedule.current
    if slot is None:
        return ""
    title = plan.year()[slot.week - 1].title
    if slot.standing == "late":
        return f"Late: week {slot.week}, {title}; what follows has moved: fiftytwo plan --dates"
    left = (slot.end - today).days
    when = "today" if left == 0 else "tomorrow" if left == 1 else f"in {left} days"
    return f"Due: week {slot.week} by {slot.end} ({when})"


def dates(schedule: Schedule) -> dict[int, dict[str, Any]]:
    """Week -> its dates, for programs."""
    return {
        slot.week: {
            "begin": slot.begin.isoformat(),
            "due": slot.end.isoformat(),
            "pace": slot.standing,
            "hours": round(slot.hours, 2),
        }
        for slot in schedule.slots
    }
