"""The learner's side of the sandbox: load a file, then answer calls until the judge hangs up.

Run as ``python -m fiftytwo.sandbox.child SETTINGS``, where SETTINGS is a JSON object: ``fd`` (the
socket), ``trace_fd`` (where a stack is written on SIGUSR1), ``memory_bytes``, ``file_bytes`` and
``processes`` (how many the code may start; none at 0).
"""

from __future__ import annotations

import errno
import faulthandler
import importlib.util
import io
import json
import linecache
import os
import pickle
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from fiftytwo.processes import die_with_parent, forbid_new_processes, limit_self
from fiftytwo.sandbox.codec import encode, receive, send


class Rejected(Exception):
    """Something about the learner's file that makes calling it pointless; the message is for the learner."""


class _Requests(pickle.Unpickler):
    """Reads a request; a handle in it becomes the object that it stands for."""

    def __init__(self, data: bytes, objects: dict[int, Any]) -> None:
        super().__init__(io.BytesIO(data))
        self._objects = objects

    def persistent_load(self, pid: Any) -> Any:
        return self._objects[pid]


class Server:
    """Answers one request after another."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}  # id(object) -> handle, so that `fit` returns the same handle
        self._next = 1
        self._module: Any = None
        self._folder = ""

    def serve(self) -> None:
        """Answer until the judge hangs up."""
        while True:
            try:
                data = receive(self._connection)
            except EOFError:
                return
            send(self._connection, self._answer(data))

    def _answer(self, data: bytes) -> bytes:
        try:
            request = _Requests(data, self._objects).load()
            for number in request.pop("freed"):
                self._numbers.pop(id(self._objects.pop(number, None)), None)
            operation = getattr(self, "do_" + request.pop("do"))
            return encode({"value": operation(**request)}, self._keep)
        except BaseException as error:  # sys.exit and friends are the learner's doing: report them
            return encode({"error": self._describe(error)}, self._keep)

    def _keep(self, value: Any) -> dict[str, Any]:
        number = self._numbers.get(id(value))
        if number is None:
            number, self._next = self._next, self._next + 1
            self._objects[number] = value
            self._numbers[id(value)] = number
        return {"number": number, "type": type(value).__qualname__}

    def do_load(self, file: str, forbidden: str, names: list[str]) -> None:
        """Run the learner's file as a module; later requests reach its names."""
        path = Path(file)
        self._folder = str(path.parent)
        sys.path.append(self._folder)  # last, so that a file called random.py does not hide the library's
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        self._module = module
        missing = [name for name in names if not hasattr(module, name)]
        if missing:
            raise Rejected(f"{path.name} defines no {' and no '.join(missing)}; the checks look for this name")
        for name in names:
            value = getattr(module, name)
            origins = [getattr(owner, "__module__", "") for owner in getattr(value, "__mro__", (value,))]
            if forbidden in origins or not self._is_own(origins[0]):
                origin = forbidden if forbidden in origins else origins[0]
                raise NotImplementedError(f"{name} in {path.name} comes from {origin}; write your own")

    def _is_own(self, module: str) -> bool:
        file = getattr(sys.modules.get(module), "__file__", None)
        return file is not None and str(Path(file)).startswith(self._folder + os.sep)

    def do_get(self, target: Any, name: str) -> Any:
        """Read an attribute of an object, or a name of the module when there is no object."""
        return getattr(self._module if target is None else target, name)

    def do_set(self, target: Any, name: str, value: Any) -> None:
        """Set an attribute."""
        setattr(target, name, value)

    def do_call(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call an object."""
        return target(*args, **kwargs)

    def do_apply(self, function: Any, args: tuple[Any, ...]) -> Any:
        """Call the judge's own function here, with the learner's module as its first argument."""
        return function(self._module, *args)

    def do_next(self, target: Any) -> Any:
        """The next item of an iterator in a list, or an empty list at its end."""
        for item in target:
            return [item]
        return []

    def do_iterate(self, target: Any) -> Any:
        """An iterator over an object; kept, never sent as data."""
        return iter(target)

    def do_length(self, target: Any) -> int:
        """Length of an object."""
        return len(target)

    def do_item(self, target: Any, key: Any) -> Any:
        """Item of an object."""
        return target[key]

    def _describe(self, error: BaseException) -> dict[str, Any]:
        frame = self._frame(error.__traceback__)
        if isinstance(error, SyntaxError) and error.filename and error.filename.startswith(self._folder or "\0"):
            text = (error.text or "").strip()
            frame = {"file": Path(error.filename).name, "line": error.lineno or 0, "function": "", "text": text}
        text = _text(error)
        if isinstance(error, BlockingIOError) and error.errno == errno.EAGAIN:
            text += " (code under check may start no process)"
        return {
            "types": [kind.__name__ for kind in type(error).__mro__],
            "text": text,
            "frame": frame,
        }

    def _frame(self, traceback: TracebackType | None) -> dict[str, Any] | None:
        """The innermost line of the learner's own files."""
        found = None
        while traceback is not None:
            file = traceback.tb_frame.f_code.co_filename
            if self._folder and file.startswith(self._folder + os.sep):
                line = traceback.tb_lineno
                found = {
                    "file": os.path.relpath(file, self._folder),
                    "line": line,
                    "function": traceback.tb_frame.f_code.co_name,
                    "text": linecache.getline(file, line).strip(),
                }
            traceback = traceback.tb_next
        return found


def _text(error: BaseException) -> str:
    try:
        return str(error.msg if isinstance(error, SyntaxError) else error)[:2000]
    except BaseException as inner:  # an exception whose own __str__ fails
        return f"(its message cannot be read: {type(inner).__name__})"


def main() -> None:
    """Set the limits, then serve."""
    settings = json.loads(sys.argv[1])
    del sys.argv[1:]
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the judge, which ends us
    with open(os.devnull) as nothing:  # noqa: PTH123 - a device, not a path
        os.dup2(nothing.fileno(), 0)
    faulthandler.register(signal.SIGUSR1, file=settings["trace_fd"], all_threads=False)
    os.nice(5)  # should it fork without end, the watch still gets its turn
    limit_self(memory_bytes=settings["memory_bytes"], file_bytes=settings["file_bytes"])
    if not settings["processes"]:
        forbid_new_processes()
    Server(socket.socket(fileno=settings["fd"])).serve()
    os._exit(0)  # threads or exit handlers that the learner left behind do not hold us up


if __name__ == "__main__":
    main()
