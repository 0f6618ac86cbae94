"""The schedule as a calendar file (RFC 5545) that any calendar imports, and updates when it is imported again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fiftytwo import plan
from fiftytwo.learner.pace import Pace, Schedule, Slot

if TYPE_CHECKING:
    from icalendar import Event


def to_ics(pace: Pace, schedule: Schedule, now: datetime) -> bytes:
    """The schedule as iCalendar.

    Each week has one name for good (``UID``), and a revision that rises with each export (``SEQUENCE``), so
    that a second import moves what is there. A skipped week is cancelled rather than left out, since leaving it
    out would leave it standing.
    """
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//Fifty-Two//fiftytwo plan//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Fifty-Two")
    for slot in schedule.slots:
        calendar.add_component(_event(pace, slot, now))
    return bytes(calendar.to_ical())


def _event(pace: Pace, slot: Slot, now: datetime) -> Event:
    import icalendar

    week = plan.year()[slot.week - 1]
    event = icalendar.Event()
    event.add("uid", f"week{slot.week:02d}-{pace.id}@fiftytwo")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("sequence", pace.revision)
    event.add("summary", f"Week {slot.week}{' (passed)' if slot.standing == 'passed' else ''}: {week.title}")
    event.add("description", f"{week.build}\nAbout {slot.hours:.1f} hours.\nfiftytwo start {slot.week}")
    event.add("categories", [week.phase])
    event.add("dtstart", slot.begin)
    event.add("dtend", slot.end + timedelta(days=1))  # the end of a whole day is the next one
    event.add("status", "CANCELLED" if slot.standing == "skipped" else "CONFIRMED")
    event.add("transp", "TRANSPARENT")  # a week of study keeps nobody from a meeting
    return event
