"""The judge's side of the sandbox: start the learner's process, call into it, and end it in time."""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle

from fiftytwo import processes
from fiftytwo.sandbox import codec

_FILE_BYTES = 256 * 2**20  # the largest file that learner code may write
_OUTPUT_BYTES = 256 * 2**10  # what it may print
_OWN_PROCESSES = 16  # below the judge there may also be its own workers and further sandboxes
_LOAD_SECONDS = 30.0  # importing a heavy library takes a while on a busy machine


class LearnerError(Exception):
    """An exception that learner code raised; also an instance of the builtin type that was raised.

    Attributes
    ----------
    type_name : str
        Name of the exception's own type.
    frame : str
        ``pca.py, line 41, in fit: x = a @ b``, or empty when no line of the learner's took part.
    """

    ends_the_process = False

    def __init__(self, message: str, type_name: str = "", frame: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.type_name = type_name
        self.frame = frame
        self.line = line


class SandboxEnded(LearnerError):
    """The learner's process is gone or was stopped: nothing more can be asked of it."""

    ends_the_process = True


class Sandbox:
    """A learner's file, running in a process of its own.

    Parameters
    ----------
    file : Path
        The learner's file.
    names : tuple of str
        Names that it must define.
    reference : str
        Module of the reference, whose own classes and functions do not count as an answer.
    seconds : float
        The longest that one call may take.
    memory_bytes, processes : int
        Address space of each process; how many processes there may be at once.
    """

    def __init__(
        self,
        file: Path,
        names: tuple[str, ...],
        *,
        reference: str,
        seconds: float,
        memory_bytes: int,
        processes: int,
    ) -> None:
        self.file = file.absolute()
        self.seconds = seconds
        self._limits = (memory_bytes, processes)
        self._lock = threading.RLock()
        self._freed: list[int] = []
        self._handles: weakref.WeakValueDictionary[int, Remote] = weakref.WeakValueDictionary()
        self._ended: str = ""
        self._printed = bytearray()
        self._start()
        try:
            self._ask(_LOAD_SECONDS, do="load", file=str(self.file), forbidden=reference, names=list(names))
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        memory_bytes, count = self._limits
        ours, theirs = socket.socketpair()
        self._connection = ours
        self._trace = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the sandbox
        settings = {
            "fd": theirs.fileno(),
            "trace_fd": self._trace.fileno(),
            "memory_bytes": memory_bytes,
            "file_bytes": _FILE_BYTES,
            "processes": count,
        }
        processes.adopt_orphans()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fiftytwo.sandbox.child", json.dumps(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.file.parent,
            pass_fds=(theirs.fileno(), self._trace.fileno()),
            start_new_session=True,
            env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        theirs.close()
        limits = processes.Limits(None, memory_bytes, count + _OWN_PROCESSES)
        self._watch = processes.Watch(os.getpid(), limits, self._stop, with_root=False)
        self._watch.__enter__()
        self._reader = threading.Thread(target=self._read_output, name="output", daemon=True)
        self._reader.start()

    def get(self, name: str) -> Any:
        """A name of the learner's module."""
        return self._ask(self.seconds, do="get", target=None, name=name)

    def apply(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run ``function(module, *args)`` in the learner's process and return its plain result.

        For work that belongs on the other side, such as a training loop over a learner's module: only
        its result travels. The learner's process can alter what comes back, never how it is judged.
        """
        return self._ask(self.seconds, do="apply", function=function, args=args)

    @property
    def output(self) -> str:
        """What the learner's code printed, up to the limit."""
        return self._printed.decode("utf-8", errors="replace")

    def close(self) -> None:
        """End the learner's process and everything that it started."""
        self._stop("closed")
        self._watch.__exit__()
        self._reader.join(timeout=2.0)
        if self._process.stdout:
            self._process.stdout.close()
        self._connection.close()
        self._trace.close()

    def _stop(self, reason: str) -> None:
        """End the process for a reason; the first reason stays."""
        self._ended = self._ended or reason
        processes.end_group(self._process)
        processes.kill_all(lambda: processes.descendants(os.getpid()))
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)  # wakes a call that waits for an answer

    def _read_output(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with contextlib.suppress(ValueError, OSError):
            while piece := os.read(stream.fileno(), 65536):
                self._printed += piece[: _OUTPUT_BYTES - len(self._printed)]
                if len(self._printed) >= _OUTPUT_BYTES:
                    self._stop(f"printed more than {_OUTPUT_BYTES // 1024} KiB; take the prints out of your loops")
                    return

    def _ask(self, seconds: float, **request: Any) -> Any:
        with self._lock:
            if self._ended:
                raise SandboxEnded(f"your code {self._ended}")
            freed, self._freed = self._freed, []
            payload = _pickled({**request, "freed": freed})
            answer = self._exchange(payload, seconds)
        if not isinstance(answer, dict) or len(answer) != 1:
            self._stop("sent an answer that cannot be read")
            raise SandboxEnded("your code sent an answer that cannot be read")
        if "error" in answer:
            raise _as_error(answer["error"])
        return answer.get("value")

    def _exchange(self, payload: bytes, seconds: float) -> Any:
        timer = threading.Timer(seconds, self._stop_slow, args=(seconds,))
        timer.daemon = True
        timer.start()
        try:
            codec.send(self._connection, payload)
            return codec.decode(codec.receive(self._connection), self._handle)
        except codec.Malformed as error:
            self._stop("sent an answer that cannot be read")
            raise SandboxEnded(f"your code sent an answer that cannot be read ({error})") from None
        except (EOFError, OSError):
            timer.cancel()
            if not self._ended:
                self._stop(_exit_reason(self._process))
            while self._process.returncode is None:  # another thread is about to end it
                self._process.wait()
            raise SandboxEnded(f"your code {self._ended}", frame=self._hang) from None
        finally:
            timer.cancel()

    _hang = ""

    def _stop_slow(self, seconds: float) -> None:
        self._hang = self._where()
        self._stop(f"was still running after {seconds:g} s; is there a loop without an end?")

    def _where(self) -> str:
        """The learner's line that is being run right now."""
        try:
            os.kill(self._process.pid, signal.SIGUSR1)
            self._reader.join(timeout=0.2)  # gives the other process the time to write its stack
            self._trace.seek(0)
            stack = self._trace.read().decode("utf-8", errors="replace")
        except (OSError, ValueError):
            return ""
        for file, line, function in re.findall(r'File "(.*)", line (\d+) in (\S+)', stack):
            if Path(file) == self.file:
                return _frame(self.file.name, int(line), function, _line_of(self.file, int(line)))
        return ""

    def _handle(self, description: dict[str, Any]) -> Remote:
        number = int(description["number"])
        if number in self._freed:  # it was dropped here while this answer was under way
            self._freed.remove(number)
        handle = self._handles.get(number)
        if handle is None:
            handle = self._handles[number] = Remote(self, number, str(description["type"])[:200])
        return handle


class Remote:
    """An object in the learner's process. Attributes, calls, items and iteration travel there and back."""

    def __init__(self, sandbox: Sandbox, number: int, type_name: str) -> None:
        object.__setattr__(self, "_sandbox", sandbox)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "type_name", type_name)

    def _ask(self, **request: Any) -> Any:
        sandbox: Sandbox = object.__getattribute__(self, "_sandbox")
        return sandbox._ask(sandbox.seconds, target=self, **request)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask(do="get", name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask(do="set", name=name, value=value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object over there."""
        return self._ask(do="call", args=args, kwargs=kwargs)

    def __iter__(self) -> Iterator[Any]:
        iterator = self._ask(do="iterate")
        if not isinstance(iterator, Remote):
            raise TypeError(f"an object of type {self.type_name} cannot be iterated")
        while item := iterator._ask(do="next"):
            yield item[0]

    def __len__(self) -> int:
        return int(self._ask(do="length"))

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, key: Any) -> Any:
        return self._ask(do="item", key=key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and (self._sandbox, self._number) == (other._sandbox, other._number)

    def __hash__(self) -> int:
        return hash(self._number)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"expected an array, got an object of type {self.type_name}")

    def __repr__(self) -> str:
        return f"<{self.type_name} in the learner's process>"

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            object.__getattribute__(self, "_sandbox")._freed.append(self._number)


class _Requests(cloudpickle.Pickler):
    """Writes a request; a handle in it crosses as its number."""

    def persistent_id(self, obj: Any) -> int | None:
        """The number of a handle; None for anything else."""
        return obj._number if isinstance(obj, Remote) else None


def _pickled(request: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    _Requests(sink).dump(request)
    return sink.getvalue()


def _exit_reason(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        return "closed the connection to the checks"
    if code >= 0:
        return f"ended its own process (exit status {code}) in the middle of a check"
    name = signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else f"signal {-code}"
    return f"was ended by {name} in the middle of a check"


def _as_error(description: Any) -> LearnerError:
    """The learner's exception as an instance of LearnerError and of its first builtin base."""
    try:
        types = [str(name) for name in description["types"]]
        text = str(description["text"])
        row = description["frame"]
        line = int(row["line"]) if row else 0
        frame = _frame(str(row["file"]), line, str(row["function"]), str(row["text"])) if row else ""
    except (TypeError, KeyError, ValueError, IndexError):
        return SandboxEnded("your code sent an answer that cannot be read")
    text = _plain(text)
    if types[:1] == ["SystemExit"]:
        return LearnerError(f"your code called sys.exit({text})", "SystemExit", frame, line)
    if types[:1] == ["MemoryError"]:
        text = text or "more memory was asked for than the checks allow"
    for name in types:
        base = getattr(builtins, name, None)
        if isinstance(base, type) and issubclass(base, Exception) and base not in (Exception, OSError):
            kind = type("Learner" + name, (LearnerError, base), {})
            error = kind(text, types[0], frame, line)
            assert isinstance(error, LearnerError)
            return error
    return LearnerError(text, types[0] if types else "Exception", frame, line)


def _plain(text: str) -> str:
    """One line without control characters, so that it cannot play tricks on a terminal."""
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() or c.isspace() else "?" for c in text)).strip()


def _frame(file: str, line: int, function: str, text: str) -> str:
    where = f"{file}, line {line}"
    if function and function != "<module>":
        where += f", in {function}"
    return _plain(f"{where}: {text}" if text else where)


def _line_of(file: Path, line: int) -> str:
    lines = file.read_text("utf-8", errors="replace").splitlines()
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""
