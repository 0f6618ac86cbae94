"""Find a dataset's files on this machine, and make sure that they are what they should be.

They are looked for in ``FIFTYTWO_DATA/NAME`` and then in the user's cache. A file is only ever used when
its SHA-256 is the catalogue's; a sum that was found right is remembered with the file's size and time,
so that a large set is hashed once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from mltoolkit.datasets.catalogue import Entry, File, entry
from mltoolkit.errors import CannotRead
from mltoolkit.io import atomic_write

Source = Literal["embedded", "FIFTYTWO_DATA", "cache", "download"]


@dataclass(frozen=True)
class Located:
    """Where a dataset lies: the source, and the path of each file by its name."""

    source: Source
    paths: dict[str, Path]


def cache_folder() -> Path:
    """The user's cache of datasets: ``FIFTYTWO_CACHE``, or the system's place for caches."""
    named = os.environ.get("FIFTYTWO_CACHE")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("fiftytwo")) / "datasets"


def data_folder() -> Path | None:
    """The folder that ``FIFTYTWO_DATA`` names."""
    named = os.environ.get("FIFTYTWO_DATA")
    return Path(named).expanduser() if named else None


def locate(name: str) -> Located | None:
    """Find a dataset's files without downloading anything.

    Returns
    -------
    Located or None
        None when a file is missing from both places.

    Raises
    ------
    BadInput
        When there is no such dataset.
    CannotRead
        When a file is there with the wrong contents.
    """
    found = entry(name)
    if found.embedded:
        return Located("embedded", {})
    places: list[tuple[Source, Path | None]] = [("FIFTYTWO_DATA", data_folder()), ("cache", cache_folder())]
    for source, folder in places:
        if folder is None:
            continue
        paths = {file.name: folder / name / file.name for file in found.files}
        if all(path.is_file() for path in paths.values()):
            for file in found.files:
                verify(found, file, paths[file.name])
            return Located(source, paths)
    return None


def verify(found: Entry, file: File, path: Path) -> None:
    """Make sure that a file has the catalogue's checksum.

    Raises
    ------
    CannotRead
        With both sums and what to do.
    """
    status = path.stat()
    key, stamp = str(path.absolute()), [status.st_size, status.st_mtime_ns, file.sha256]
    notes = cache_folder() / "verified.json"
    seen = _read_notes(notes)
    if seen.get(key) == stamp:
        return
    actual = sha256_of(path)
    if actual != file.sha256:
        raise CannotRead(
            f"dataset {found.name!r}: {path} is not the file of the catalogue: expected sha256 {file.sha256} "
            f"({file.bytes:,} bytes), got {actual} ({status.st_size:,} bytes); delete it, then: fiftytwo data fetch {found.name}"
        )
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time, nothing else
        atomic_write(notes, json.dumps({**_read_notes(notes), key: stamp}))


def _read_notes(path: Path) -> dict[str, list[object]]:
    try:
        notes = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
