"""Carry out one job: start its process, watch it, and make a run of what it leaves, however it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from fiftytwo import plan, processes, upkeep
from fiftytwo.evidence import Run, Status, Verdict
from fiftytwo.home import Home
from fiftytwo.job import JOB, OUTPUT, PROGRESS, RESULT, Job
from fiftytwo.machine import installed, versions
from fiftytwo.store import Store, from_json

FULL_FACTOR = 20.0  # a full run may take this many times the seconds of a quick one
_WEEK_PROCESSES = 256  # below one week: its own workers and the learner's


def execute(job: Job, home: Home, *, keep: bool = True) -> Run:
    """Run a job in a process of its own, wait for it, and keep its evidence.

    The run ends early, as failed and with its reason, when the process passes a limit or dies.
    """
    week = plan.load(job.week, job.catalogue).week
    missing = _missing_extras(week)
    folder = running_folder(home, job)
    folder.mkdir(parents=True)
    upkeep.claim(folder)
    try:
        run = empty_run(job, "could not run here", missing) if missing else _watched(job, folder, week)
        if keep:
            Store(home).save(run, folder)
        return run
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        upkeep.owner(folder).unlink(missing_ok=True)


def _watched(job: Job, folder: Path, week: plan.Week) -> Run:
    job.write(folder)
    started = datetime.now(UTC)
    reason: list[str] = []
    seconds = week.seconds * (FULL_FACTOR if job.profile == "full" else 1.0)
    with (folder / OUTPUT).open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "fiftytwo.worker", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, processes.MARKER: job.id, "MPLBACKEND": "Agg", "PYTHONUNBUFFERED": "1"},
        )

    def stop(why: str) -> None:
        reason.append(why)
        processes.end(process)

    limits = processes.Limits(seconds, job.memory_bytes, _WEEK_PROCESSES)
    try:
        with processes.Watch(process.pid, limits, stop) as watch:
            process.wait()
    finally:
        processes.end(process)
        processes.kill_all(lambda: processes.marked(job.id))
    run = _collect(job, folder, reason[0] if reason else "", process.returncode)
    ended = datetime.now(UTC)
    printed = (folder / OUTPUT).stat().st_size > 0
    if not printed:
        (folder / OUTPUT).unlink()
    return replace(
        run,
        started=started.isoformat(),
        source_hash=job.source_hash,
        seconds=(ended - started).total_seconds(),
        peak_memory_bytes=watch.peak_bytes,
        output=OUTPUT if printed else "",
    )


def _collect(job: Job, folder: Path, reason: str, code: int) -> Run:
    """What the process left: its result, or what can be told of how it ended."""
    if (folder / RESULT).exists() and not reason:
        run = from_json((folder / RESULT).read_bytes())
    else:
        if not reason:
            lines = (folder / OUTPUT).read_text("utf-8", errors="replace").strip().splitlines()
            how = signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else f"exit status {code}"
            reason = f"the run's process ended early ({how})" + (f": {lines[-1][:300]}" if lines else "")
        run = empty_run(job, "failed", reason)
        run = replace(run, verdicts=tuple(_finished_checks(folder)))
    for name in (JOB, RESULT, PROGRESS):
        (folder / name).unlink(missing_ok=True)
    return run


def _finished_checks(folder: Path) -> Iterator[Verdict]:
    """Checks that were judged before the process ended, from its progress file."""
    for row in follow(folder / PROGRESS)[0]:
        if "verdict" in row:
            yield Verdict(measured=None, bound="", **row["verdict"])


def empty_run(job: Job, status: Status, reason: str) -> Run:
    """A run that measured nothing, and why."""
    return Run(
        id=job.id,
        week=job.week,
        who=job.who,
        profile=job.profile,
        status=status,
        started=datetime.now(UTC).isoformat(),
        seconds=0.0,
        seed=job.seed,
        reason=reason,
        versions=versions(),
    )


def running_folder(home: Home, job: Job) -> Path:
    """Where a run's files lie until it has ended."""
    return home.root / "evidence" / ".running" / job.id


def _missing_extras(week: plan.Week) -> str:
    """One line on the extras that a week needs and that are not installed; empty when there is none."""
    from packaging.requirements import Requirement

    lines = []
    for extra in week.extras:
        wanted = [Requirement(text) for text in metadata.requires("fiftytwo") or ()]
        names = [
            r.name
            for r in wanted
            if r.marker and not r.marker.evaluate({"extra": ""}) and r.marker.evaluate({"extra": extra})
        ]
        absent = [name for name in names if not installed(name)]
        if absent or not names:
            lines.append(f"needs the extra {extra!r} ({', '.join(absent)}): pip install 'fiftytwo[{extra}]'")
    return "; ".join(lines)


def follow(file: Path, position: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Whole JSON lines of a growing file from a position on, and the position after them."""
    try:
        with file.open("rb") as stream:
            stream.seek(position)
            data = stream.read()
    except OSError:
        return [], position
    whole = data[: data.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines()], position + len(whole)
