"""Checks that run while somebody looks on: one at a time for each week, told to every open page of it.

A page that is open has the week's files watched; each save starts a check, and ends the one that it made
pointless. When the last page of a week closes, its check is ended too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fiftytwo import processes
from fiftytwo.home import Home
from fiftytwo.web.errand import Kind

News = dict[str, Any]
Signature = tuple[tuple[int, int, int] | None, ...]

_GRACE_SECONDS = 5.0  # for a check to put its own things away before it is killed
_BREATH_SECONDS = 15.0  # a line now and then, so that nothing on the way takes the stream for dead
_LONGEST_LINE = 2**20
_LAST_WORDS = ("ended", "stopped", "trouble")
_COMMAND = (sys.executable, "-m", "fiftytwo.web.errand")


@dataclass
class _Place:
    """What goes on at one week."""

    listeners: set[asyncio.Queue[News | None]] = field(default_factory=set)
    said: list[News] = field(default_factory=list)  # since the errand began, for a page that comes late
    errand: asyncio.Task[None] | None = None
    watch: asyncio.Task[None] | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # a save and a click may come at once

    def tell(self, news: News) -> None:
        """Tell every page, and keep it for those that come while the errand is under way."""
        self.said.append(news)
        for listener in self.listeners:
            listener.put_nowait(news)

    @property
    def busy(self) -> bool:
        """Whether an errand is under way; one that has said its last word is not, though its process may still end."""
        over = bool(self.said) and self.said[-1]["kind"] in _LAST_WORDS
        return self.errand is not None and not self.errand.done() and not over


class Desk:
    """Runs errands and tells of them.

    Parameters
    ----------
    home : Home
    files : function (week)
        The learner's files of a week, whose change starts a check; empty where there is none yet.
    """

    def __init__(self, home: Home, files: Callable[[int], Sequence[Path]]) -> None:
        self.home = home
        self._files = files
        self._places: dict[int, _Place] = {}
        self._closed = False
        self._chores: set[asyncio.Task[None]] = set()

    def busy(self, week: int) -> bool:
        """Whether a check or a comparison of the week is under way."""
        return week in self._places and self._places[week].busy

    async def begin(self, week: int, kind: Kind = "check") -> None:
        """Begin an errand; one that is under way for the week is ended first."""
        place = self._places.setdefault(week, _Place())
        async with place.turn:
            await _ended(place.errand)
            if self._closed:
                return
            place.said.clear()
            place.tell({"kind": "begun", "errand": kind})
            place.errand = asyncio.create_task(self._carry_out(place, week, kind), name=f"{kind} {week}")

    async def stop(self, week: int) -> None:
        """End the week's errand, if one is under way, with every process below it."""
        place = self._places.get(week)
        if place is not None:
            async with place.turn:
                await _ended(place.errand)

    async def news(self, week: int) -> AsyncIterator[News | None]:
        """What happens at a week from now on; ``None`` now and then, when nothing does.

        The first news is a *hello*: a save after it is not missed.
        """
        place = self._places.setdefault(week, _Place())
        files = await asyncio.to_thread(self._files, week)
        queue: asyncio.Queue[News | None] = asyncio.Queue()
        for earlier in place.said if place.busy else ():
            queue.put_nowait(earlier)
        place.listeners.add(queue)
        if place.watch is None or place.watch.done():
            watching = self._watch(place, week, files, _signature(files))
            place.watch = asyncio.create_task(watching, name=f"watch {week}")
        try:
            yield {"kind": "hello", "busy": place.busy}
            while not self._closed:
                try:
                    async with asyncio.timeout(_BREATH_SECONDS):
                        news = await queue.get()
                except TimeoutError:
                    yield None
                    continue
                if news is None:
                    return
                yield news
        finally:
            place.listeners.discard(queue)
            # In a task of its own: the one that runs this may be cancelled already, as its page has closed.
            chore = asyncio.create_task(self._leave(place, week), name=f"leave {week}")
            self._chores.add(chore)
            chore.add_done_callback(self._chores.discard)

    async def close(self) -> None:
        """End every stream and every process."""
        self.hang_up()
        for week, place in list(self._places.items()):
            place.listeners.clear()
            await self._leave(place, week)

    def hang_up(self) -> None:
        """End every stream, so that the server need not wait for open pages."""
        self._closed = True
        for place in self._places.values():
            for listener in place.listeners:
                listener.put_nowait(None)

    async def _leave(self, place: _Place, week: int) -> None:
        if place.listeners:
            return
        if place.watch is not None:
            watch, place.watch = place.watch, None
            await _ended(watch)
        await self.stop(week)

    async def _watch(self, place: _Place, week: int, files: Sequence[Path], seen: Signature) -> None:
        from watchfiles import awatch

        folder = self.home.week(week)
        if not files or not folder.is_dir():
            return
        try:
            # The files are looked at once a second as well: some file systems tell nobody of a change.
            async for _ in awatch(folder, recursive=False, debounce=400, rust_timeout=1000, yield_on_timeout=True):
                now = _signature(files)
                if now != seen and None not in now:
                    seen = now
                    await self.begin(week)
        except (OSError, RuntimeError) as error:
            place.tell({"kind": "trouble", "text": f"Saves are not noticed any more ({error}); use the button."})

    async def _carry_out(self, place: _Place, week: int, kind: Kind) -> None:
        try:
            process = await _start(kind, str(self.home.root), str(week))
            try:
                await _pass_on(process, place)
            finally:
                await asyncio.shield(_end(process))
        except asyncio.CancelledError:
            place.tell({"kind": "stopped", "text": "Stopped."})
            raise
        except (OSError, ValueError) as error:  # no process to be had, or a line that is none of ours
            place.tell({"kind": "trouble", "text": f"The check could not be followed: {error}"})


def _signature(files: Sequence[Path]) -> Signature:
    """What changes with a save; ``None`` for a file that is not there, as for a moment while it is replaced."""
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            status = file.stat()
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append(None)
    return tuple(found)


async def _pass_on(process: asyncio.subprocess.Process, place: _Place) -> None:
    """Tell what the errand says until it ends."""
    assert process.stdout is not None
    last = ""
    async for line in process.stdout:
        news = json.loads(line)
        last = news["kind"]
        place.tell(news)
    await process.wait()
    if last not in _LAST_WORDS:
        place.tell({"kind": "trouble", "text": f"The check ended early (exit status {process.returncode})."})


async def _ended(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it has put its things away."""
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    """Start an errand; one that is called off while it starts leaves no process behind."""
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *_COMMAND, *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True, limit=_LONGEST_LINE,
        )
    )  # fmt: skip
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """End an errand with all below it: first by a request that lets it tidy up, then by force."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
    if process.returncode is None:
        await asyncio.to_thread(processes.kill_all, lambda: processes.descendants(process.pid))
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
