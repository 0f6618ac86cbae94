"""Check a learner's file once or on every save, and keep what came of it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fiftytwo.evidence import Run
from fiftytwo.home import Home
from fiftytwo.learner.workbench import Bench
from fiftytwo.store import Store

if TYPE_CHECKING:
    from fiftytwo.runner import Listener

_COUNTEREXAMPLE = "counterexample"


def check_once(bench: Bench, profile: str = "quick", listener: Listener | None = None) -> tuple[Run, Path | None]:
    """Check the learner's file; returns the run and the replay script of its first failure.

    ``listener`` is told of the run as it goes on.

    Raises
    ------
    NoStarter
        When there is no file to check.
    """
    from fiftytwo.runner import run_one

    number, home = bench.week.number, bench.home
    run = run_one(number, home, who="learner", profile="full" if profile == "full" else "quick", listener=listener)
    earlier = any(row.status == "passed" and row.id != run.id for row in Store(home).history(number, who="learner"))
    home.log(
        "check", number, status=run.status, passed=run.passed, counted=run.counted, run=run.id, seconds=run.seconds
    )
    if run.status == "passed" and not earlier:
        home.log("passed", number, run=run.id)
    return run, _lay_out_counterexample(run, bench)


def _lay_out_counterexample(run: Run, bench: Bench) -> Path | None:
    """Put the saved input and its script beside the learner's file, in place of an older one of ours."""
    target = bench.folder / _COUNTEREXAMPLE
    failing = next((verdict.counterexample for verdict in run.verdicts if verdict.counterexample), "")
    if (target / "replay.py").exists():
        shutil.rmtree(target)
    if not failing:
        return None
    source = Store(bench.home).folder(run) / failing
    shutil.copytree(source.parent, target)
    return target / source.name


def printed(run: Run, home: Home) -> tuple[Path, list[str]] | None:
    """The file with what the learner's code printed, and its lines."""
    if not run.output:
        return None
    file = Store(home).folder(run) / run.output
    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return (file, lines) if lines else None


def on_every_save(bench: Bench) -> Iterator[None]:
    """Yield once now and then after each change of the learner's file, until Ctrl-C."""
    from watchfiles import watch

    yield
    for changes in watch(bench.folder, raise_interrupt=False, debounce=400, recursive=False):
        if any(Path(path) in bench.files for _, path in changes) and bench.file.exists():
            if sys.stdout.isatty():
                print("\033[2J\033[H", end="")  # noqa: T201 - clears the terminal
            yield
