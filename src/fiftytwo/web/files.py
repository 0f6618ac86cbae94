"""Files of the home, and never one outside it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".txt": "text/plain; charset=utf-8"}
_LARGEST = 64 * 2**20


class Outside(LookupError):
    """The name leads out of the folder, or to something that is not a plain file."""


def read_inside(folder: Path, name: str) -> bytes:
    """The content of a file below a folder.

    Parameters
    ----------
    folder : Path
        Nothing outside it is read, wherever a link in it points.
    name : str
        Relative, with ``/`` between its parts.

    Raises
    ------
    Outside
        When the name is absolute, has a part ``..`` or a NUL, or leads elsewhere through a link; when it is no
        plain file; when it is larger than 64 MiB.
    FileNotFoundError
        When there is no such file.
    """
    parts = name.split("/")
    if not name or "\0" in name or "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise Outside(f"{name!r} is not a name below the folder")
    root = folder.resolve(strict=True)
    try:
        path = root.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        if isinstance(error, FileNotFoundError):
            raise
        raise Outside(f"{name!r} cannot be followed to its end") from error
    if not path.is_relative_to(root):
        raise Outside(f"{name!r} leads out of the folder")
    try:
        # The path has no links left; one that was put there since is not followed. A pipe does not block.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise
        raise Outside(f"{name!r} cannot be opened") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            raise Outside(f"{name!r} is not a plain file of a reasonable size")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)
