"""Download a dataset's files into the user's cache: resumed, checked, and put in place in one step.

Bytes arrive in a hidden ``.NAME.part`` beside the final place and are renamed only once their SHA-256 is
the catalogue's, so a file under its final name is always whole. The server's validator (ETag or date) is
kept beside the part: with it, an interrupted download goes on where it stopped (``Range`` with
``If-Range``), and a server whose file has changed sends it whole instead. One process at a time works on
a set; a second one waits for the lock and then finds the files.
"""

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
from mltoolkit.datasets.locating import Located, cache_folder, data_folder, fault_of, locate, sha256_of
from mltoolkit.errors import CannotRead

Progress = Callable[[str, int, int], None]

_ATTEMPTS = 5  # waits of 0.5, 1, 2 and 4 s between them: long enough for a hiccup, short enough for a person
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
        ``source`` is ``"download"`` only when this call brought the files.

    Raises
    ------
    BadInput
        When there is no such dataset.
    CannotRead
        When the set cannot be had from here; the message says where its original is and where the
        files have to be put. With ``FIFTYTWO_OFFLINE`` set nothing is downloaded.
    """
    here = locate(name)
    if here is not None:
        return here
    found = entry(name)
    if _offline():
        raise CannotRead(f"{_missing(found)} (FIFTYTWO_OFFLINE is set, so nothing was downloaded)")
    if not found.downloadable:
        raise CannotRead(_missing(found))
    folder = cache_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            again = locate(name)  # another process may have been faster
            if again is not None:
                return again
            for file in found.files:
                if (folder / file.name).is_file():
                    _refuse_wrong(found, file, folder)
                else:
                    _download(found, file, folder, progress)
    except CannotRead:
        raise
    except OSError as error:
        raise CannotRead(_disk_fault(found, folder, error)) from error
    return Located("download", {file.name: folder / file.name for file in found.files})


def _offline() -> bool:
    return os.environ.get("FIFTYTWO_OFFLINE", "").lower() not in ("", "0", "false", "no")


def _refuse_wrong(found: Entry, file: File, folder: Path) -> None:
    """A file that lies in the cache beside missing ones was put there by hand: it is checked like the rest."""
    fault = fault_of(file, folder / file.name)
    if fault:
        raise CannotRead(
            f"dataset {found.name!r} is not used: {fault}; delete it, then: fiftytwo data fetch {found.name}"
        )


def _missing(found: Entry) -> str:
    places = [folder / found.name for folder in (data_folder(), cache_folder()) if folder is not None]
    names = ", ".join(file.name for file in found.files)
    packed = "" if found.downloadable else " (read here in one certain packaging, known by its sha256)"
    return (
        f"dataset {found.name!r} ({found.title}) is not on this machine; its original is at {found.homepage}{packed}; "
        f"put {names} into {' or '.join(map(str, places))}"
    )


def _disk_fault(found: Entry, folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"dataset {found.name!r}: the disk of {folder} is full; the set needs {found.bytes:,} bytes; what has "
            f"arrived is kept: free some space, then: fiftytwo data fetch {found.name}"
        )
    reason = error.strerror or str(error)
    return (
        f"dataset {found.name!r}: {folder} cannot be written: {reason}; "
        "make it writable, or name another folder in FIFTYTWO_CACHE"
    )


def _download(found: Entry, file: File, folder: Path, progress: Progress | None) -> None:
    """Download one file from the first address that serves the right bytes; only then its final name appears."""
    partial = folder / f".{file.name}.part"
    faults = []
    for url in file.urls:
        fault = _obtain(url, file, partial, progress)
        if not fault:
            with partial.open("rb") as stream:
                os.fsync(stream.fileno())
            partial.replace(folder / file.name)
            _tag(partial).unlink(missing_ok=True)
            return
        faults.append(fault)
    raise CannotRead(
        f"dataset {found.name!r}: {file.name} could not be downloaded: {'; '.join(faults)}; try again later, "
        f"or put {file.name} into {folder} yourself (its original is at {found.homepage})"
    )


def _obtain(url: str, file: File, partial: Path, progress: Progress | None) -> str:
    """Fill the partial file from one address; gives the fault, or an empty text when the bytes are right."""
    actual = ""
    size = 0
    for _ in range(2):
        left_over = _size(partial)
        try:
            for attempt in Retrying(
                stop=stop_after_attempt(_ATTEMPTS), wait=_WAIT, retry=retry_if_exception(_passing), reraise=True
            ):
                with attempt:
                    _transfer(url, file, partial, progress)
        except httpx.HTTPStatusError as error:
            return f"{url} answered {error.response.status_code} {error.response.reason_phrase}".rstrip()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{url}: {str(error) or type(error).__name__}"
        actual = sha256_of(partial)
        if actual == file.sha256:
            return ""
        size = _size(partial)
        _discard(partial)
        if not left_over:  # what an earlier call left may have been damaged; a fresh start tells
            break
    if size > file.bytes:
        return f"{url} serves another file, of more than the expected {file.bytes:,} bytes"
    return f"{url} serves another file: expected sha256 {file.sha256}, got {actual}"


def _passing(error: BaseException) -> bool:
    """Whether a fault may pass when the request is made again."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code in (408, 416, 429)
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)


def _transfer(url: str, file: File, partial: Path, progress: Progress | None) -> None:
    """Append to the partial file what is missing from it, or start over where that is not possible."""
    have = _size(partial)
    if have == file.bytes:  # an earlier call was stopped between the last byte and the check
        return
    tag = _read_tag(partial)
    if have > file.bytes or not tag:
        have = 0
    headers = {"Accept-Encoding": "identity"}  # ranges and sizes are those of the file itself
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": tag}
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            _discard(partial)  # the part is longer than the server's file: the next attempt asks for all of it
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            _discard(partial)
            raise httpx.RemoteProtocolError("the server sent another range than the one that was asked for")
        with partial.open("ab" if resumed else "wb") as stream:
            _write_tag(partial, response.headers)
            for piece in response.iter_raw():  # of no fixed size, which would lose what came before a cut
                stream.write(piece)
                have = stream.tell()
                if progress is not None:
                    progress(file.name, have, file.bytes)
                if have > file.bytes:  # another file; the checksum will say so
                    return
    if _size(partial) < file.bytes:  # a server that announced no length cannot be seen to have stopped early
        raise httpx.RemoteProtocolError(f"the connection ended after {_size(partial):,} of {file.bytes:,} bytes")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _tag(partial: Path) -> Path:
    """Where the server's validator of a partial file is kept."""
    return partial.with_suffix(".tag")


def _read_tag(partial: Path) -> str:
    try:
        return _tag(partial).read_text("latin-1")
    except OSError:
        return ""


def _write_tag(partial: Path, headers: httpx.Headers) -> None:
    etag = headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")
    with contextlib.suppress(OSError):  # without it the next attempt starts over
        _tag(partial).write_text(validator, "latin-1")


def _discard(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _tag(partial).unlink(missing_ok=True)
