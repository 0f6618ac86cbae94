"""Processes that end when they should: limits, a watch over the whole tree, and a kill that misses none.

Three layers, because each alone has a hole:

- limits that the kernel holds (address space, file size, core dumps; on Linux a system-call filter that
  lets no new process begin), set by the process on itself before it runs foreign code;
- a watch that adds up memory and counts processes over the whole tree, since a limit per process does
  not stop a crowd, and RLIMIT_NPROC does not bind the superuser;
- a kill that stops every process before it kills any, so that nothing forks its way out. On Linux the
  parent is made a *subreaper*, so that a grandchild whose parent died stays below it, and every process
  inherits a marker in its environment by which stragglers are found.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

MARKER = "FIFTYTWO_RUN"  # environment variable that every process of a run inherits

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_WATCH_SECONDS = 0.05


def limit_self(*, memory_bytes: int | None, file_bytes: int | None = None) -> None:
    """Bound this process and its children to come; a limit that the system does not know is left out."""
    try:
        import resource
    except ImportError:  # not a POSIX system: the watch alone bounds the process
        return
    wanted = {"RLIMIT_AS": memory_bytes, "RLIMIT_FSIZE": file_bytes, "RLIMIT_CORE": 0}
    for name, value in wanted.items():
        if value is not None:
            with contextlib.suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (value, value))


def forbid_new_processes() -> None:
    """Make every attempt to start a process fail with EAGAIN from now on; threads stay allowed (Linux).

    A filter rather than RLIMIT_NPROC: that limit counts all processes of the user, threads included, and
    does not bind the superuser. libseccomp would be a shared library to ship for nine instructions.
    """
    numbers = {"x86_64": (0xC000003E, 56, (57, 58)), "aarch64": (0xC00000B7, 220, ())}.get(platform.machine())
    if sys.platform != "linux" or numbers is None:
        return
    architecture, clone, forks = numbers
    load, equal, bits, give = 0x20, 0x15, 0x45, 0x06  # LD word, JEQ, JSET, RET
    allow, refuse = 0x7FFF0000, 0x00050000
    rules = [
        (load, 0, 0, 4),  # seccomp_data.arch
        (equal, 1, 0, architecture),
        (give, 0, 0, allow),  # a foreign architecture's numbers mean something else
        (load, 0, 0, 0),  # seccomp_data.nr
        *((equal, 6 + len(forks) - i, 0, fork) for i, fork in enumerate(forks)),
        (equal, 4, 0, 435),  # clone3: flags lie behind a pointer, so have the C library fall back to clone
        (equal, 0, 2, clone),
        (load, 0, 0, 16),  # low word of the first argument: the flags
        (bits, 0, 3, 0x10000),  # CLONE_THREAD
        (give, 0, 0, allow),
        (give, 0, 0, refuse | errno.ENOSYS),
        (give, 0, 0, allow),
        (give, 0, 0, refuse | errno.EAGAIN),
    ]
    code = b"".join(struct.pack("HBBI", *rule) for rule in rules)
    program = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rules), ctypes.addressof(program)))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(header))


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends (Linux)."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ended (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int, pointer: int = 0) -> None:
    if sys.platform == "linux":
        words = (ctypes.c_ulong(word) for word in (value, pointer, 0, 0))
        ctypes.CDLL(None, use_errno=True).prctl(option, *words)


def descendants(pid: int) -> list[psutil.Process]:
    """Every living process below ``pid``; zombies are left out."""
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [process for process in below if _alive(process)]


def marked(run: str) -> list[psutil.Process]:
    """Every living process that inherited the marker of ``run``, wherever it hangs in the tree."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARKER) == run and process.pid != os.getpid() and _alive(process):
                found.append(process)
    return found


def kill_all(find: Callable[[], Iterable[psutil.Process]]) -> None:
    """Kill whatever ``find`` returns until it returns nothing; gives up after five seconds."""
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        stopped: dict[int, psutil.Process] = {}
        while new := [process for process in find() if process.pid not in stopped]:
            for process in new:  # stop first: a stopped process forks no more
                _signal(process, signal.SIGSTOP)
                stopped[process.pid] = process
            if time.monotonic() > deadline:
                break
        if not stopped:
            return
        for process in stopped.values():
            _signal(process, signal.SIGKILL)
        for pid in stopped:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # an adopted orphan is ours to bury
        time.sleep(0.01)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error, ProcessLookupError):
        process.send_signal(number)


@dataclass(frozen=True)
class Limits:
    """What a tree of processes may take: seconds in all (None: no bound), bytes of memory, processes."""

    seconds: float | None
    memory_bytes: int
    processes: int


class Watch:
    """A thread that looks after a tree of processes and calls ``stop(reason)`` once a limit is passed.

    Parameters
    ----------
    root : int
        Process id; the tree is everything below it, and itself when ``with_root``.
    limits : Limits
    stop : function (reason)
        Called at most once, from the watching thread.
    """

    def __init__(self, root: int, limits: Limits, stop: Callable[[str], None], *, with_root: bool = True) -> None:
        self.peak_bytes = 0
        self._root = root
        self._limits = limits
        self._stop = stop
        self._with_root = with_root
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        started = time.monotonic()
        while not self._ended.wait(_WATCH_SECONDS):
            reason = self._fault(time.monotonic() - started)
            if reason and not self._ended.is_set():
                self._stop(reason)
                return

    def _fault(self, elapsed: float) -> str:
        limits = self._limits
        if limits.seconds is not None and elapsed > limits.seconds:
            return f"still running after {limits.seconds:g} s, its time limit"
        tree = descendants(self._root)
        if len(tree) > limits.processes:
            return f"started {len(tree)} processes; the limit is {limits.processes}"
        if self._with_root:
            with contextlib.suppress(psutil.NoSuchProcess):
                tree.append(psutil.Process(self._root))
        total = 0
        for process in tree:
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        self.peak_bytes = max(self.peak_bytes, total)
        if total > limits.memory_bytes:
            return f"used {total / 2**30:.1f} GiB of memory; the limit is {limits.memory_bytes / 2**30:.1f} GiB"
        return ""


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a session of its own and all that stayed in its group.

    One signal reaches the whole group, and a fork that is under way fails on it: thousands of
    processes go as fast as one. What has left the group is for :func:`kill_all`.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-process.pid, os.WNOHANG)[0]:  # bury the orphans that we adopted
            pass


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that we started in a session of its own, with everything below it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGSTOP)  # the whole group at once: no fork slips through
    kill_all(lambda: descendants(process.pid))
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
