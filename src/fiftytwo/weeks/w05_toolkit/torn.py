"""Writers that are killed at random moments, and what a reader finds afterwards.

A *nursery* process imports the libraries once and then forks one writer after another, which takes a few
milliseconds instead of a second. A writer writes one version of a small file after the other and says so, until it
is killed with SIGKILL, which nothing can catch. The moment is drawn in units of the time that a version takes,
so a busy machine does not move all kills to the start. Then the file is read: it must be whole (every value
of one version, none missing), and it must not be lost or fall behind a version that was read before.

Run as ``python -m fiftytwo.weeks.w05_toolkit.torn`` this module is the nursery.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from mltoolkit import io
from mltoolkit.errors import CannotRead

FORMATS = ("csv", "parquet", "json", "joblib", "delta")
PLAIN = "plain"  # written in place, without a temporary file: the control, which has to fail
_ROWS = 1500
_FINISHED = 3  # a writer finishes up to two versions, at random, before its last moment is drawn
_SLOWEST = 0.1  # seconds; a version that takes longer was held up by the machine
_PATIENCE = 20.0  # seconds that a writer may take for what it has to finish
_KILLS_PER_TABLE = 10  # then a new Delta table, since each version of one stays on the disk


@dataclass(frozen=True)
class Outcome:
    """What kills did to the files of one format.

    ``torn`` counts files that could not be read or mixed two versions, ``lost`` those that had gone or
    had fallen back behind an earlier version, ``interrupted`` the kills that left an unfinished file or
    version behind, and ``versions`` how many different versions were read.
    """

    format: str
    kills: int
    torn: int
    lost: int
    interrupted: int
    versions: int


def kill_writers(
    folder: Path,
    formats: Sequence[str],
    kills: int,
    rng: np.random.Generator,
    progress: Callable[[Sequence[int], str], Iterable[int]] = lambda numbers, _: numbers,
) -> list[Outcome]:
    """Kill ``kills`` writers of each format and read what they leave.

    Parameters
    ----------
    folder : Path
        The files are made in a temporary folder in it.
    formats : sequence of str
        Out of ``FORMATS`` and ``PLAIN``.
    kills : int
    rng : Generator
        Draws the moments.
    progress : function (numbers, label) -> numbers, optional
        Such as ``lab.progress``.

    Raises
    ------
    CannotRead
        On a system without ``fork``.
    """
    if not hasattr(os, "fork"):
        raise CannotRead("killing writers needs os.fork, which this system does not have")
    with tempfile.TemporaryDirectory(dir=folder, prefix="torn-") as scratch, _nursery() as nursery:
        return [
            _of_format(Path(scratch), nursery, name, rng, progress(range(1, kills + 1), f"killing writers of {name}"))
            for name in formats
        ]


def _of_format(
    folder: Path, nursery: subprocess.Popen[str], name: str, rng: np.random.Generator, numbers: Iterable[int]
) -> Outcome:
    torn = lost = interrupted = number = 0
    seen: set[int] = set()
    latest = unfinished = 0
    pace = 0.005  # seconds that a version takes; measured from the first writer on
    path = folder / name
    for number in numbers:
        if name == "delta" and number % _KILLS_PER_TABLE == 0:
            path, latest, unfinished = folder / f"{name}-{number}", 0, 0
        pace = _one_kill(nursery, name, path, max(seen, default=0) + 1, rng, pace)
        left = _unfinished(path)
        interrupted += left > unfinished
        unfinished = 0 if io.remove_leftovers(folder, older_than=0.0) else left
        if not path.exists():
            lost += latest > 0
            continue
        version = _version_in(name, path)
        if version is None:
            torn += name != "delta" or latest > 0 or _has_commit(path)
            path.unlink() if path.is_file() else None
            latest = 0
            continue
        lost += version < latest
        latest = version
        seen.add(version)
    return Outcome(name, number, torn, lost, interrupted, len(seen))


def _one_kill(
    nursery: subprocess.Popen[str], name: str, path: Path, first: int, rng: np.random.Generator, pace: float
) -> float:
    """Start a writer, kill it, and return the seconds that a version took it."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    print(name, first, path, sep="\t", file=nursery.stdin, flush=True)
    pid = int(nursery.stdout.readline())
    watch = threading.Timer(_PATIENCE, _kill, [pid])  # should a writer hang, it is killed where it is
    watch.start()
    finished = int(rng.integers(0, _FINISHED))
    begun = time.monotonic()
    told = list(itertools.islice(_words(nursery.stdout), finished))
    if told == ["written"] * max(finished, 1):
        pace = (time.monotonic() - begun) / finished
    if told[-1:] not in (["ended"], ["killed"]):
        time.sleep(rng.uniform(0.0, 1.5) * min(pace, _SLOWEST))
        _kill(pid)
        told += _words(nursery.stdout)
    watch.cancel()
    if told[-1] != "killed":
        raise RuntimeError(f"a writer of {name} ended by itself")
    return pace


def _words(stream: IO[str]) -> Iterator[str]:
    """What a writer and the nursery say, up to the writer's end."""
    word = ""
    while word not in ("killed", "ended"):
        word = stream.readline().strip() or "ended"  # nothing at all: the nursery itself is gone
        yield word


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _unfinished(path: Path) -> int:
    """Traces of writes that did not come to their end."""
    if not path.is_dir():
        return len(list(path.parent.glob(f".{path.name}.*.part")))
    files = sum(file.is_file() for file in path.rglob("*"))
    return files - 2 * len(list((path / "_delta_log").glob("*.json")))  # a version is a data file and a commit


def _has_commit(path: Path) -> bool:
    return any((path / "_delta_log").glob("*.json"))


def _version_in(name: str, path: Path) -> int | None:
    """The one version that a file holds; None when it is torn."""
    readers: dict[str, Callable[[Path], Any]] = {
        "csv": lambda p: io.read_csv(p)["version"],
        PLAIN: lambda p: io.read_csv(p)["version"],
        "parquet": lambda p: io.read_parquet(p)["version"],
        "delta": lambda p: io.read_delta(p)["version"],
        "json": io.read_json,
        "joblib": io.read_joblib,
    }
    try:
        values = np.asarray(readers[name](path), dtype=float)
    except (CannotRead, KeyError, ValueError):
        return None
    whole = values.shape == (_ROWS,) and bool(np.all(values == values[0]))
    return int(values[0]) if whole else None


def _write(name: str, path: Path, version: int) -> None:
    import pandas as pd

    values = np.full(_ROWS, version)
    if name == "json":
        io.write_json(values, path)
    elif name == "joblib":
        io.write_joblib(values, path)
    else:
        frame = pd.DataFrame({"version": values})
        writers: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
            "csv": io.write_csv,
            "parquet": io.write_parquet,
            "delta": io.write_delta,
            PLAIN: lambda frame, path: frame.to_csv(path, index=False),
        }
        writers[name](frame, path)


@contextmanager
def _nursery() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "ignore", "-m", __name__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.stdin.close() if process.stdin else None
            try:
                process.wait(timeout=10.0)
            except subprocess.TimeoutExpired:
                process.kill()


def _raise_writers() -> None:
    """Fork a writer for each line of format, first version and path and say when it was killed."""
    with tempfile.TemporaryDirectory() as scratch:
        for warm in FORMATS:
            if warm != "delta":  # its threads start with the first write and do not live through a fork
                _write(warm, Path(scratch) / warm, 0)
    with suppress(ImportError):
        import deltalake  # noqa: F401 - so that no writer has to load it
    for line in sys.stdin:
        name, first, path = line.rstrip("\n").split("\t")
        pid = os.fork()
        if pid == 0:
            _write_without_end(name, Path(path), int(first))
        _, status = os.waitpid(pid, 0)
        print("killed" if os.WIFSIGNALED(status) else "ended", flush=True)  # noqa: T201 - to the parent process


def _write_without_end(name: str, path: Path, version: int) -> None:
    try:
        if name == "delta":  # starts its threads, so that the kill falls into a write and not into that
            _write(name, path.with_name("warm"), 0)
        os.write(1, f"{os.getpid()}\n".encode())
        while True:
            _write(name, path, version)
            os.write(1, b"written\n")
            version += 1
    finally:
        os._exit(1)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    _raise_writers()
