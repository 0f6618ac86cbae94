"""Files that are whole or not there: every write goes to a temporary file beside the target and is renamed.

A rename within one folder is atomic on every system that the toolkit runs on, so a reader sees the old
file or the new one, and a crash in mid-write leaves the old one.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Hand out a temporary path that takes the place of ``path`` when the block ends well.

    Parameters
    ----------
    path : Path or str
        The file to write; its folder is made when it is missing.

    Yields
    ------
    Path
        A path in the same folder. When the block raises it is removed and ``path`` stays as it was.

    Notes
    -----
    A file that was there keeps its permissions. The contents are flushed to the disk before the
    rename, so that a power cut cannot leave an empty file under the final name.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(_mode_for(target))
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def atomic_write(path: Path | str, data: bytes | str) -> None:
    """Write bytes, or text as UTF-8, in one step."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def _mode_for(target: Path) -> int:
    """Permissions of the file that is replaced, else what a new file would get."""
    try:
        return target.stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
