"""Find a dataset's files on this machine, and make sure that they are what they should be.

They are looked for in ``FIFTYTWO_DATA/NAME`` and then in the user's cache. A file is only ever used when
its SHA-256 is the catalogue's. A sum that was found right is remembered with the file's identity, size
and times, so that a large set is hashed once; any write to the file changes one of these.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import platformdirs

from mltoolkit.datasets.catalogue import Entry, File, entry
from mltoolkit.errors import CannotRead
from mltoolkit.io import atomic_write

Source = Literal["embedded", "FIFTYTWO_DATA", "cache", "download"]

# A file that was written this recently may be written again within one tick of its clock, which its times
# would not show; its sum is computed again next time.
_SETTLED_NS = 2 * 10**9


@dataclass(frozen=True)
class Located:
    """Where a dataset lies: the source, and the path of each file by its name."""

    source: Source
    paths: Mapping[str, Path] = field(default_factory=dict)


def cache_folder() -> Path:
    """The user's cache of datasets: ``FIFTYTWO_CACHE``, or the system's place for caches."""
    named = os.environ.get("FIFTYTWO_CACHE")
    folder = Path(named).expanduser() if named else platformdirs.user_cache_path("fiftytwo") / "datasets"
    return folder.absolute()


def data_folder() -> Path | None:
    """The folder that ``FIFTYTWO_DATA`` names; None when it is unset or empty."""
    named = os.environ.get("FIFTYTWO_DATA")
    return Path(named).expanduser().absolute() if named else None


def locate(name: str) -> Located | None:
    """Find a dataset's files without downloading anything.

    Parameters
    ----------
    name : str

    Returns
    -------
    Located or None
        None when a file is missing from both places.

    Raises
    ------
    BadInput
        When there is no such dataset.
    CannotRead
        When a file is there with the wrong contents; all such files are named.
    """
    found = entry(name)
    if found.embedded:
        return Located("embedded")
    places: list[tuple[Source, Path | None]] = [("FIFTYTWO_DATA", data_folder()), ("cache", cache_folder())]
    for source, folder in places:
        if folder is None:
            continue
        paths = {file.name: folder / name / file.name for file in found.files}
        if all(path.is_file() for path in paths.values()):
            faults = [fault for file in found.files if (fault := fault_of(file, paths[file.name]))]
            if faults:
                raise CannotRead(f"dataset {name!r} is not used: {'; '.join(faults)}; {_remedy(found, source)}")
            return Located(source, paths)
    return None


def _remedy(found: Entry, source: Source) -> str:
    if source == "FIFTYTWO_DATA":
        return "replace what is named here in FIFTYTWO_DATA, or take it away so that the cache is looked into"
    if found.downloadable:
        return f"delete what is named here, then: fiftytwo data fetch {found.name}"
    return f"replace what is named here; the original is at {found.homepage}"


def fault_of(file: File, path: Path) -> str:
    """What is wrong with a file, with both checksums; empty when it is the catalogue's."""
    try:
        status = path.stat()
        key = str(path)
        stamp = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, file.sha256]
        if _read_notes().get(key) == stamp:
            return ""
        actual = sha256_of(path)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}"
    if actual != file.sha256:
        return (
            f"{path} has the wrong checksum: expected sha256 {file.sha256} ({file.bytes:,} bytes), "
            f"got {actual} ({status.st_size:,} bytes)"
        )
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS:
        with contextlib.suppress(OSError):  # a cache that cannot be written costs time, nothing else
            atomic_write(_notes(), json.dumps({**_read_notes(), key: stamp}, indent=1))
    return ""


def _notes() -> Path:
    return cache_folder() / "verified.json"


def _read_notes() -> dict[str, list[object]]:
    try:
        notes = json.loads(_notes().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
