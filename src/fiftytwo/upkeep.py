"""Keep a home in order: bring an older one up to date, and clear away what killed commands left behind.

The format of a home is a number in ``.fiftytwo/version``. Homes made before there was such a file are of
format 1. Before anything is changed, what the learner wrote and what happened is packed into one archive.
"""

from __future__ import annotations

import contextlib
import platform
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fiftytwo.home import FORMAT, Home
from mltoolkit.errors import CannotRead
from mltoolkit.io import atomic_path, remove_leftovers

_STALE_SECONDS = 86_400.0  # a run's folder without an owner is old after a day


def prepare(home: Home) -> str:
    """Bring a home up to date before a command uses it; nothing is done where there is none.

    Returns a warning for the user, empty when all is well.

    Raises
    ------
    CannotRead
        When a later version of this software made the home.
    """
    if not (home.root / "events.jsonl").exists():
        return ""
    version = home.version()
    if version > FORMAT:
        raise CannotRead(
            f"{home.root} was made by a later version of fiftytwo (format {version}; this one knows up to {FORMAT}); "
            "update fiftytwo"
        )
    if version < FORMAT:
        try:
            migrate(home)
        except OSError as error:  # a full or read-only disk: what is there can be read all the same
            return f"{home.root} is of an older format and could not be brought up to date: {error}"
    return ""


def migrate(home: Home) -> Path:
    """Take a home to the present format, one step after another; returns the archive of what it was."""
    with home.lock():
        version = home.version()
        archive = home.memory / f"before-format-{FORMAT}.zip"
        if version < FORMAT:
            _pack(home, archive)
            for step in range(version, FORMAT):
                _STEPS[step](home)
            home.mark()
            home.log("migrated", None, before=version, after=FORMAT)
    return archive


def _pack(home: Home, archive: Path) -> None:
    with atomic_path(archive) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in _written(home):
            packed.write(file, file.relative_to(home.root))


def _written(home: Home) -> Iterator[Path]:
    """What cannot be made again: events, pace, the learner's files, starters as handed out, what was measured."""
    yield from (file for file in home.root.iterdir() if file.is_file() and file.suffix in (".jsonl", ".toml"))
    for pattern in ("week[0-9][0-9]/**/*", ".fiftytwo/starters/**/*", "evidence/week[0-9][0-9]/*/evidence.json"):
        yield from (file for file in sorted(home.root.glob(pattern)) if file.is_file() and not file.is_symlink())


def _index_anew(home: Home) -> None:
    """From format 1: the index has other columns, and is made again from the evidence when it is next opened."""
    (home.root / "fiftytwo.db").unlink(missing_ok=True)


_STEPS: Mapping[int, Callable[[Home], None]] = {1: _index_anew}


def tidy(home: Home) -> None:
    """Remove what killed commands left: temporary files of an hour ago, and runs whose process is gone."""
    for folder in (home.root, home.memory, *home.root.glob("week[0-9][0-9]")):
        with contextlib.suppress(OSError):
            remove_leftovers(folder)
    running = home.root / "evidence" / ".running"
    for folder in running.iterdir() if running.is_dir() else ():
        if folder.is_dir() and _abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
            owner(folder).unlink(missing_ok=True)
    for folder in home.memory.glob("cold.*"):
        if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def owner(folder: Path) -> Path:
    """The file beside a run's folder that names the process it belongs to."""
    return folder.with_name(folder.name + ".owner")


def claim(folder: Path) -> None:
    """Write down that this process works in a run's folder."""
    import psutil

    process = psutil.Process()
    owner(folder).write_text(f"{process.pid} {process.create_time()} {platform.node()}", "utf-8")


def _abandoned(folder: Path) -> bool:
    import psutil

    try:
        pid, born, machine = owner(folder).read_text("utf-8").split(" ", 2)
        if machine != platform.node():  # a cluster's: whether it lives cannot be seen from here
            raise ValueError(machine)
        return bool(abs(psutil.Process(int(pid)).create_time() - float(born)) > 1.0)
    except psutil.NoSuchProcess:
        return True
    except (OSError, ValueError, psutil.Error):
        with contextlib.suppress(OSError):
            return time.time() - folder.stat().st_mtime > _STALE_SECONDS
        return False
