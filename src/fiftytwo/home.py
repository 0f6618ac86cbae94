"""The learner's home: plain files, an append-only event log, and where everything lies.

::

    my52/                       FIFTYTWO_HOME, or my52 in this folder or in one above it
      week01/                   BRIEF.md and the learner's file; nothing in it is ever overwritten
      evidence/week01/RUN/      evidence.json beside its figures and artifacts, one folder a run
      report/                   the static site
      events.jsonl              what happened, one JSON line each, only ever appended to
      fiftytwo.db               an index that can be rebuilt from the files above
      pace.toml                 the dates that the learner chose, once there are any
      .fiftytwo/                starter files as handed out, the home's format, and the lock that commands hold
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from mltoolkit.errors import CannotRead
from mltoolkit.io import atomic_write

FOLDER = "my52"
FORMAT = 2  # of a home; upkeep.py takes older ones to it
FULL = ("No space left on device", "File too large", "Disk quota exceeded", "disk is full")  # what a full disk says
_PATIENCE_SECONDS = 20.0


class Busy(CannotRead):
    """Another command is changing the same home."""


@dataclass(frozen=True)
class Event:
    """Something that happened: ``kind`` is a short name such as ``"start"``, ``"check"`` or ``"hint"``."""

    time: str
    kind: str
    week: int | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Home:
    """Where one learner's year lies.

    ``apart`` keeps the index in the home itself, whatever ``FIFTYTWO_DATABASE`` says: for a copy that must not
    show in a cohort's database.
    """

    root: Path
    apart: bool = False

    @classmethod
    def find(cls, start: Path | None = None) -> Home:
        """``FIFTYTWO_HOME``, else the nearest ``my52`` at or above ``start``, else ``start/my52``.

        The folder need not exist yet; it is made by the first command that writes.
        """
        named = os.environ.get("FIFTYTWO_HOME")
        if named:
            return cls(Path(named).expanduser().absolute())
        here = (start or Path.cwd()).absolute()
        for folder in (here, *here.parents):
            if folder.name == FOLDER and (folder / "events.jsonl").exists():
                return cls(folder)
            if (folder / FOLDER / "events.jsonl").exists():
                return cls(folder / FOLDER)
        return cls(here / FOLDER)

    def week(self, number: int) -> Path:
        """Folder of the learner's files for a week."""
        return self.root / f"week{number:02d}"

    def evidence(self, number: int) -> Path:
        """Folder of a week's runs."""
        return self.root / "evidence" / f"week{number:02d}"

    @property
    def report(self) -> Path:
        """Folder of the static site."""
        return self.root / "report"

    @property
    def memory(self) -> Path:
        """Folder of what the commands remember between calls."""
        return self.root / ".fiftytwo"

    @property
    def database_url(self) -> str:
        """``FIFTYTWO_DATABASE``, or the SQLite file in the home."""
        return os.environ["FIFTYTWO_DATABASE"] if self.shared else f"sqlite:///{self.root / 'fiftytwo.db'}"

    @property
    def shared(self) -> bool:
        """Whether the index lies in a database that other homes use as well."""
        return not self.apart and bool(os.environ.get("FIFTYTWO_DATABASE"))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home against other commands while files of the learner's change.

        The system lets go of the lock when the process ends, however it ends.

        Raises
        ------
        Busy
            When another command holds it for longer than commands do.
        """
        from filelock import FileLock, Timeout

        self.memory.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.memory / "lock", timeout=_PATIENCE_SECONDS):
                yield
        except Timeout:
            raise Busy(f"another fiftytwo command is at work in {self.root}; try again when it has ended") from None

    def version(self) -> int:
        """The format of this home; 1 where none is written down."""
        try:
            return int((self.memory / "version").read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return 1

    def mark(self) -> None:
        """Write down that this home is of the present format."""
        atomic_write(self.memory / "version", f"{FORMAT}\n")

    def log(self, kind: str, week: int | None = None, **facts: Any) -> None:
        """Append one event; concurrent writers never mix their lines."""
        if not (self.root / "events.jsonl").exists():
            self.mark()  # before the log: a home is where a log is
        row = {"time": datetime.now(UTC).isoformat(), "kind": kind, "week": week, **facts}
        # A name that is no valid text (a lone surrogate) becomes its JSON escape and comes back as it was.
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
        descriptor = os.open(self.root / "events.jsonl", os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if os.lseek(descriptor, 0, os.SEEK_END) > 0:
                os.lseek(descriptor, -1, os.SEEK_END)
                if os.read(descriptor, 1) != b"\n":  # a torn line must not swallow this one
                    line = b"\n" + line
            written = os.write(descriptor, line)  # one write to an O_APPEND file is one line, whoever else writes
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.root / "events.jsonl"))
        finally:
            os.close(descriptor)

    def events(self, kind: str | None = None, week: int | None = None) -> Iterator[Event]:
        """Past events, oldest first; a torn line (a full disk, a kill) is passed over."""
        try:
            seen = (self.root / "events.jsonl").stat()
        except FileNotFoundError:
            return
        for event in _read_events(self.root / "events.jsonl", seen.st_size, seen.st_mtime_ns):
            if (kind is None or event.kind == kind) and (week is None or event.week == week):
                yield event


@lru_cache(maxsize=8)
def _read_events(file: Path, size: int, changed: int) -> tuple[Event, ...]:  # noqa: ARG001 - what tells two states apart
    """The events of a log, read once for each state of it: a year's log is asked for many times a command."""
    found = []
    # Not splitlines(): JSON leaves some of the characters that it splits at as they are.
    for line in file.read_text("utf-8", errors="replace").split("\n"):
        try:
            row = json.loads(line)
            found.append(Event(row.pop("time"), row.pop("kind"), row.pop("week"), row))
        except (ValueError, KeyError, AttributeError, TypeError):  # TypeError: JSON, but no object
            continue
    return tuple(found)
