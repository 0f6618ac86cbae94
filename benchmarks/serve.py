"""The dashboard under load: fifty readers at once, over a year of history.

Not a comparison with a peer: a measurement against the goal that the first page comes within 100 ms at the
95th percentile. A home with 20,000 runs is made in a temporary folder (their figures left out), the dashboard
is started on it as ``fiftytwo serve`` would be, and readers open pages one after another.

    python benchmarks/serve.py                 first page and a mix of pages, with and without pauses
    python benchmarks/serve.py --runs 200      a smaller history
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx
import psutil

from fiftytwo import plan
from fiftytwo.evidence import Run, Verdict
from fiftytwo.home import Home
from fiftytwo.store import Store

READERS = 50
GOAL_MS = 100.0
SECONDS = 10.0
WHY = "The components are what the definition asks for, on tall, wide and rank-deficient data."


def main() -> None:
    """Make the history, start the server, read, and print what was measured."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--runs", type=int, default=20_000)
    options.add_argument("--seconds", type=float, default=SECONDS)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "my52")
        started = time.perf_counter()
        newest = write_history(home, chosen.runs)
        print(f"{chosen.runs:,} runs written in {time.perf_counter() - started:.0f} s")
        server, address = serve(home)
        try:
            anyio.run(measure, address, newest, chosen.seconds, psutil.Process(server.pid))
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def write_history(home: Home, count: int) -> str:
    """A year of checks and hints over the landed weeks; the id of the newest run."""
    weeks = list(plan.landed())
    moment = datetime(2026, 1, 5, 8, tzinfo=UTC)
    step = timedelta(days=360) / count
    rows, events = [], []
    for i in range(count):
        moment += step
        week = weeks[i * len(weeks) // count]
        run = _run(week, moment, passed=i % 40 == 39)
        rows.append(run)
        event = {"time": moment.isoformat(), "kind": "check", "week": week, "status": run.status, "run": run.id}
        events.append(json.dumps(event))
        if i % 7 == 0:
            hint = {"time": moment.isoformat(), "kind": "hint", "week": week, "check": "check 3", "step": 1}
            events.append(json.dumps(hint))
    store = Store(home)
    for run in rows:
        place = store.folder(run)
        place.mkdir(parents=True)
        (place / "evidence.json").write_text(_text(run), "utf-8")
    (home.root / "events.jsonl").write_text("\n".join(events) + "\n", "utf-8")
    store.rebuild()
    return rows[-1].id


def _run(week: int, moment: datetime, *, passed: bool) -> Run:
    good = Verdict("check 3", "passed", 1.2e-13, "≤ 1e-08", why=WHY, reference=1e-15)
    verdicts = tuple(
        Verdict(
            f"check number {i}", "passed" if passed or i < 8 else "wrong", 0.5, "≤ 1e-08", why=WHY, hint=("A hint.",)
        )
        for i in range(12)
    )
    return Run(
        id=f"{moment:%Y%m%dT%H%M%S.%f}-w{week:02d}-learner-quick", week=week, who="learner", profile="quick",
        status="passed" if passed else "failed", started=moment.isoformat(), seconds=3.0, seed=52,
        verdicts=(good, *verdicts),
    )  # fmt: skip


def _text(run: Run) -> str:
    from fiftytwo.store import to_json

    return to_json(run)


def serve(home: Home) -> tuple[subprocess.Popen[str], str]:
    """The dashboard in a process of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fiftytwo", "serve", "--port", "0", "--home", str(home.root)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    found = re.search(r"http://[\d.:]+", process.stdout.readline())
    assert found
    return process, found[0]


async def measure(address: str, newest: str, seconds: float, server: psutil.Process) -> None:
    """Read with fifty readers: the first page, then a mix.

    The server's processor time for each page is told as well: it depends less on what else the machine does.
    """
    week = int(newest.partition("-w")[2][:2])
    first = ["/"]
    mix = ["/", "/today", f"/week/{week}", "/week/1/study", "/evidence", f"/evidence?week={week}", "/portfolio"]
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        for path in {*first, *mix}:
            began = time.perf_counter()
            (await client.get(path)).raise_for_status()
            print(f"  first visit of {path:<22} {1000 * (time.perf_counter() - began):7.1f} ms")
    for title, pages, pause in (
        ("first page, a page a second each", first, 1.0),
        ("first page, no pause", first, 0.0),
        ("mixed pages, a page every two seconds each", mix, 2.0),
    ):
        before = sum(server.cpu_times()[:2])
        times = await read(address, pages, pause, seconds)
        spent = 1000 * (sum(server.cpu_times()[:2]) - before) / len(times)
        print(f"{title}: {summary(times, seconds)}, {spent:.2f} ms of processor time a page")


async def read(address: str, pages: Sequence[str], pause: float, seconds: float) -> list[float]:
    """Milliseconds of every page that fifty readers opened."""
    times: list[float] = []
    # Loading certificates takes 20 ms for each client, all of it time that the others would seem to wait.
    clients = [httpx.AsyncClient(base_url=address, timeout=60, verify=False) for _ in range(READERS)]  # noqa: S501 - no TLS here

    async def reader(seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311 - which page comes next
        async with clients[seed] as client:
            await anyio.sleep(rng.random() * pause)
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                began = time.perf_counter()
                answer = await client.get(rng.choice(pages))
                times.append(1000 * (time.perf_counter() - began))
                answer.raise_for_status()
                await anyio.sleep(pause * (0.5 + rng.random()))

    async with anyio.create_task_group() as group:
        for seed in range(READERS):
            group.start_soon(reader, seed)
    return times


def summary(times: Sequence[float], seconds: float) -> str:
    """Median and 95th percentile beside the goal."""
    p95 = statistics.quantiles(times, n=20)[-1]
    met = "met" if p95 <= GOAL_MS else "missed"
    return (
        f"{len(times) / seconds:.0f} pages/s, median {statistics.median(times):.1f} ms, "
        f"p95 {p95:.1f} ms (goal {GOAL_MS:g} ms, {met})"
    )


if __name__ == "__main__":
    main()
