"""Download a dataset's files into the user's cache: resumed, checked, and put in place in one step."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

import httpx
from filelock import FileLock
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from mltoolkit.datasets.catalogue import Entry, File, entry
from mltoolkit.datasets.locating import Located, cache_folder, locate, sha256_of
from mltoolkit.errors import CannotRead

Progress = Callable[[str, int, int], None]

_ATTEMPTS = 4
_WAIT = wait_exponential(multiplier=0.5, max=8)
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


def fetch(name: str, progress: Progress | None = None) -> Located:
    """Make sure that a dataset is on this machine; download what is missing.

    Parameters
    ----------
    name : str
    progress : function (file name, bytes so far, bytes in all), optional
        Called as each piece arrives.

    Returns
    -------
    Located

    Raises
    ------
    BadInput
        When there is no such dataset.
    CannotRead
        When the set cannot be had from here; the message says where its original is and where the
        files have to be put.
    """
    here = locate(name)
    if here is not None:
        return here
    found = entry(name)
    folder = cache_folder() / name
    if os.environ.get("FIFTYTWO_OFFLINE"):
        raise CannotRead(f"{_missing(found)} (FIFTYTWO_OFFLINE is set, so nothing was downloaded)")
    if not found.downloadable:
        raise CannotRead(_missing(found))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            for file in found.files:
                if not (folder / file.name).is_file():  # another process may have been faster
                    _download(found, file, folder, progress)
    except OSError as error:
        if isinstance(error, CannotRead):
            raise
        raise CannotRead(_disk_fault(found, folder, error)) from error
    return Located("download", {file.name: folder / file.name for file in found.files})


def _missing(found: Entry) -> str:
    folders = [f"{os.environ['FIFTYTWO_DATA']}/{found.name}"] if os.environ.get("FIFTYTWO_DATA") else []
    folders.append(str(cache_folder() / found.name))
    names = ", ".join(file.name for file in found.files)
    return (
        f"dataset {found.name!r} ({found.title}) is not on this machine; its original is at {found.homepage}; "
        f"put {names} into {' or '.join(folders)}"
    )


def _disk_fault(found: Entry, folder: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return (
            f"dataset {found.name!r}: the disk of {folder} is full; the set needs {found.bytes:,} bytes; what has "
            f"arrived is kept: free some space, then: fiftytwo data fetch {found.name}"
        )
    return f"dataset {found.name!r}: {folder} cannot be written: {error.strerror or error}"


def _download(found: Entry, file: File, folder: Path, progress: Progress | None) -> None:
    """Download one file; its final name appears only once its checksum is right."""
    partial = folder / f".{file.name}.part"
    fault = ""
    for url in file.urls:
        try:
            for attempt in Retrying(
                stop=stop_after_attempt(_ATTEMPTS), wait=_WAIT, retry=retry_if_exception(_passing), reraise=True
            ):
                with attempt:
                    _transfer(url, file, partial, progress)
        except httpx.HTTPError as error:
            status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
            fault = f"{url} answered {status}" if status else f"{url}: {str(error) or type(error).__name__}"
            continue
        actual = sha256_of(partial)
        if actual == file.sha256:
            partial.replace(folder / file.name)
            _tag(partial).unlink(missing_ok=True)
            return
        size = partial.stat().st_size
        partial.unlink()
        fault = f"{url} served {size:,} bytes with sha256 {actual}; expected {file.bytes:,} with {file.sha256}"
    raise CannotRead(
        f"dataset {found.name!r}: {file.name} could not be downloaded: {fault}; {_by_hand(found, file, folder)}"
    )


def _by_hand(found: Entry, file: File, folder: Path) -> str:
    return f"its original is at {found.homepage}; put {file.name} into {folder}, or try again later"


def _passing(error: BaseException) -> bool:
    """Whether a fault may pass when the request is made again."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code == 429
    return isinstance(error, httpx.TransportError)


def _transfer(url: str, file: File, partial: Path, progress: Progress | None) -> None:
    """Append to the partial file what is missing from it, or start over when the server cannot resume."""
    have = partial.stat().st_size if partial.exists() else 0
    tag = _tag(partial).read_text("utf-8") if have and _tag(partial).exists() else ""
    headers = {"Accept-Encoding": "identity"}
    if have >= file.bytes or not tag:
        have = 0
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": tag}
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT) as response:
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        with contextlib.suppress(OSError):
            _tag(partial).write_text(validator, "utf-8")
        with partial.open("ab" if resumed else "wb") as stream:
            done = stream.tell()
            for piece in response.iter_bytes(2**16):
                stream.write(piece)
                done += len(piece)
                if progress is not None:
                    progress(file.name, done, file.bytes)
                if done > file.bytes:  # it is not our file; the checksum will say so
                    return


def _tag(partial: Path) -> Path:
    """Where the server's validator of a partial file is kept."""
    return partial.with_suffix(".tag")
