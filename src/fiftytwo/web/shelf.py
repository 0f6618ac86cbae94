"""What the pages show of a home: read once, kept until something in the home has changed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import sqlalchemy as sa

from fiftytwo import plan, progress
from fiftytwo.evidence import Run
from fiftytwo.home import Event, Home
from fiftytwo.job import EVIDENCE
from fiftytwo.learner import pace, quiz
from fiftytwo.learner.workbench import Bench
from fiftytwo.progress import Way
from fiftytwo.report.pages import when
from fiftytwo.report.portfolio import Piece, pieces
from fiftytwo.store import RunRow, Store, from_json
from fiftytwo.web.files import Outside, read_inside
from mltoolkit.errors import CannotRead

if TYPE_CHECKING:
    from fiftytwo.evidence import Who

Value = TypeVar("Value")
Mark = Literal["planned", "landed", "started", "passed", "skipped", "regressed"]
Stamp = tuple[tuple[int, int, int], ...]

# What a mark is called and the sign that says the same without colour.
MARKS: dict[Mark, tuple[str, str]] = {
    "passed": ("✓", "passed"),
    "started": ("◐", "under way"),
    "regressed": ("↺", "passed once, fails now"),
    "skipped": ("»", "skipped"),
    "landed": ("○", "open to you"),
    "planned": ("·", "planned, not landed yet"),
}
_OF_STATE: dict[str, Mark] = {
    "under way": "started",
    "passed": "passed",
    "tested out": "passed",
    "skipped": "skipped",
    "reopened": "regressed",
}


class Missing(Exception):
    """What was asked for is not here; the text says what, in one line."""


class Unreadable(Exception):
    """Evidence that is there and cannot be shown; the text says why and what to do."""


@dataclass(frozen=True)
class Cell:
    """A week on the map: its mark, and a few words on how far the learner is."""

    week: plan.Week
    mark: Mark
    said: str
    due: date | None  # the last day for it, where a pace is kept

    @property
    def landed(self) -> bool:
        """Whether the week's code is here."""
        return self.mark != "planned"


@dataclass(frozen=True)
class Year:
    """All weeks, and where the learner stands among them."""

    cells: tuple[Cell, ...]
    current: Cell | None  # the week under way
    following: Cell | None  # the next one that is open
    trouble: str = ""  # one line about a file of the home that cannot be read

    @property
    def counts(self) -> Counter[Mark]:
        """How many weeks have each mark."""
        return Counter(cell.mark for cell in self.cells)

    def cell(self, number: int) -> Cell:
        """A week of the year.

        Raises
        ------
        Missing
            When there is none of this number.
        """
        if not 1 <= number <= len(self.cells):
            raise Missing(f"there is no week {number}; the year has weeks 1 to {len(self.cells)}")
        return self.cells[number - 1]


class Shelf:
    """Reads a home for the pages. All methods may be called from several threads.

    Parameters
    ----------
    home : Home
        Need not exist yet.
    catalogue : mapping of int to str, optional
        Landed weeks; :func:`fiftytwo.plan.landed` unless a test says otherwise.
    """

    def __init__(self, home: Home, catalogue: Mapping[int, str] | None = None) -> None:
        self.home = home
        self.catalogue = plan.landed() if catalogue is None else catalogue
        # A lock for each thing that is read, so that what is slow holds up no page that does without it.
        self._asking = threading.Lock()
        self._loading = threading.Lock()
        self._loaded: dict[int, plan.LandedWeek] = {}
        self._making: dict[str, threading.Lock] = {}
        self._closed = threading.Event()
        self._store: Store | None = None
        self._kept: dict[str, tuple[Any, Any]] = {}

    def warm(self) -> None:
        """Read what further pages need, in a thread of its own; ends early once :meth:`close` was called."""

        def work() -> None:
            with contextlib.suppress(Exception):  # the page that needs it will say what is wrong
                self.items(datetime.now().astimezone())
            for number in self.catalogue:
                if self._closed.is_set():
                    return
                self.files(number)

        threading.Thread(target=work, name="warm", daemon=True).start()

    def close(self) -> None:
        """Have :meth:`warm` end after the week that it is at."""
        self._closed.set()

    def stamp(self) -> Stamp:
        """Changes whenever an event was logged or a run was indexed."""
        files = tuple(_stat(self.home.root / name) for name in ("events.jsonl", "fiftytwo.db", pace.FILE))
        # A database that several homes share is not seen to change, so what it says is kept for a second.
        return (*files, (int(time.time()), 0, 0)) if self.home.shared else files

    def year(self) -> Year:
        """The map of the year."""
        today = date.today()
        return self._keep("year", (self.stamp(), today), lambda: self._year(today))

    def pieces(self) -> list[Piece]:
        """The passed weeks as the portfolio shows them."""
        weeks = [cell.week.number for cell in self.year().cells if cell.mark == "passed"]
        files = tuple(_stat(file) for number in weeks for file in self.files(number))
        return self._keep("pieces", (self.stamp(), files), lambda: pieces(self.home))

    def items(self, now: datetime) -> list[quiz.Item]:
        """Every question of every landed week with what is known of it."""
        day = now.date()
        return self._keep("items", (self.stamp(), day), lambda: quiz.items(self.home, now, self.catalogue))

    def events(self, kind: str, week: int | None = None) -> list[Event]:
        """What the log says of one kind, oldest first."""
        return list(self.home.events(kind, week))

    def ask(self, question: Callable[[Store], Value]) -> Value:
        """What the store answers; an index that was deleted or damaged meanwhile is made again first."""
        with self._asking:
            local = not self.home.shared
            if self._store is None or (local and not (self.home.root / "fiftytwo.db").exists()):
                self._store = Store(self.home)
            try:
                return question(self._store)
            except sa.exc.DatabaseError:
                if not local:
                    raise
                self._store = Store(self.home)
                return question(self._store)

    def latest(self, week: int, who: Who) -> Run | None:
        """The newest run of a week that can be read."""
        return self._keep(
            f"latest {week} {who}", self.stamp(), lambda: self.ask(lambda store: store.latest(week, who=who))
        )

    def run(self, name: str) -> Run:
        """A run by its id.

        Raises
        ------
        Missing
            When there is none.
        Unreadable
            When its evidence is damaged.
        """
        week = name.partition("-w")[2][:2]
        place = f"evidence/week{week}/{name}"
        try:
            return from_json(read_inside(self.home.root, f"{place}/{EVIDENCE}"))
        except (FileNotFoundError, Outside):
            raise Missing(f"there is no run {name} in this home") from None
        except (OSError, ValueError) as error:
            first = next(iter(str(error).splitlines()), type(error).__name__)
            raise Unreadable(
                f"{place}/{EVIDENCE} cannot be read ({first}). Nothing else depends on it: "
                f"delete its folder, and measure again with fiftytwo check {int(week)} or fiftytwo run {int(week)}."
            ) from error

    def landed(self, number: int) -> plan.LandedWeek:
        """A landed week with its code.

        Raises
        ------
        Missing
            When the week has not landed.
        """
        if number not in self.catalogue:
            raise Missing(plan.unknown_week(number, self.catalogue))
        if number not in self._loaded:
            with self._loading:  # a first import takes a while and is done once
                self._loaded[number] = plan.load(number, self.catalogue)
        return self._loaded[number]

    def files(self, number: int) -> tuple[Path, ...]:
        """The learner's files of a week, whether or not they are there; none where the week cannot be loaded."""
        try:
            return Bench(self.landed(number).week, self.home).files
        except Exception:  # a week that lacks an extra here must not take the page down
            return ()

    def _keep(self, name: str, key: Any, make: Callable[[], Value]) -> Value:
        with self._making.setdefault(name, threading.Lock()):
            kept = self._kept.get(name)
            if kept is None or kept[0] != key:
                kept = (key, make())
                self._kept[name] = kept
            value: Value = kept[1]
            return value

    def _year(self, today: date) -> Year:
        newest = {(row.week, row.who): row for row in self.ask(lambda store: store.newest())}
        ways = progress.ways(self.home, self.ask(lambda store: store.history(who="learner", status="passed")))
        due, trouble = self._due(ways, today)
        cells = []
        for week in plan.year():
            way, run = ways.get(week.number), newest.get((week.number, "learner"))
            mark = self._mark(week.number, way, run)
            cells.append(Cell(week, mark, _said(mark, way, run), due.get(week.number)))
        begun = [event.week for event in self.home.events("start")]
        under_way = [cells[n - 1] for n in reversed(begun) if n and cells[n - 1].mark in ("started", "regressed")]
        under_way += [cell for cell in cells if cell.mark in ("started", "regressed")]
        following = next((cell for cell in cells if cell.mark == "landed"), None)
        return Year(tuple(cells), under_way[0] if under_way else None, following, trouble)

    def _mark(self, number: int, way: Way | None, run: RunRow | None) -> Mark:
        if number not in self.catalogue:
            return "planned"
        return _OF_STATE.get(way.state if way else "", "landed" if run is None else "started")

    def _due(self, ways: Mapping[int, Way], today: date) -> tuple[dict[int, date], str]:
        """The last day of each open week, where a pace is kept; and what is wrong with it, if anything."""
        try:
            kept = pace.read(self.home)
        except CannotRead as error:
            return {}, str(error)
        if kept is None:
            return {}, ""
        slots = pace.schedule(kept, ways, today).slots
        return {slot.week: slot.end for slot in slots if slot.standing not in ("passed", "skipped")}, ""


def _said(mark: Mark, way: Way | None, learner: RunRow | None) -> str:
    if mark == "passed" and way is not None and way.passed is not None:
        return f"{'tested out' if way.cold else 'passed'} {day(way.passed.astimezone().date())}"
    if mark == "skipped" and way is not None and way.why:
        return f"skipped: {way.why}"
    if mark in ("started", "regressed") and learner is not None and learner.counted:
        return f"{learner.passed} of {learner.counted} checks"
    return ""


def day(moment: date) -> str:
    """A day as people write it: ``"4 Jan 2027"``."""
    return f"{moment.day} {moment:%b} {moment.year}"


def local(moment: str) -> str:
    """An ISO moment in the reader's own time: ``"4 Jan 2027, 09:15"``."""
    try:
        here = datetime.fromisoformat(moment).astimezone()
    except ValueError:
        return when(moment)
    return f"{day(here)}, {here:%H:%M}"


def _stat(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
