"""Check a learner's file once or on every save, and keep what came of it."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fiftytwo.evidence import Run
from fiftytwo.home import Home
from fiftytwo.learner.workbench import Bench, Refused
from fiftytwo.progress import Way, ways
from fiftytwo.store import Store

if TYPE_CHECKING:
    from fiftytwo.evidence import Profile
    from fiftytwo.runner import Listener

_COUNTEREXAMPLE = "counterexample"


def check_once(
    bench: Bench, profile: str = "quick", kind: str = "check", listener: Listener | None = None
) -> tuple[Run, Path | None]:
    """Check the learner's file; returns the run and the replay script of its first failure.

    ``listener`` is told of the run as it goes on.

    Raises
    ------
    NoStarter
        When there is no file to check.
    """
    from fiftytwo.runner import run_one

    before = ways(bench.home).get(bench.week.number)
    hashes = fingerprints(bench.files)  # before the run: an editor may save while it goes on
    size: Profile = "full" if profile == "full" else "quick"
    run = run_one(bench.week.number, bench.home, who="learner", profile=size, listener=listener)
    _keep(bench.home, run, before, hashes, kind)
    with bench.home.lock():  # another check of the same week lays its own out before or after
        return run, _lay_out_counterexample(run, bench)


def check_cold(bench: Bench, file: Path, profile: str = "quick") -> Run:
    """Check a file for a week that was never started; a pass counts as tested out and takes the file in.

    A file that does not pass leaves nothing behind but its evidence.

    Raises
    ------
    Refused
        When the week was started, or has files of the learner's already.
    """
    from fiftytwo.runner import run_one

    number, home = bench.week.number, bench.home
    before = ways(home).get(number)
    if (before is not None and before.started is not None) or any(mine.exists() for mine in bench.files):
        raise Refused(f"week {number} was begun, so it cannot be passed cold; check it: fiftytwo check {number}")
    home.memory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cold.", dir=home.memory) as scratch:
        copies = [Path(scratch, mine.name) for mine in bench.files]
        for copy in copies:
            source = file if copy == copies[0] else file.with_name(copy.name)
            if source.is_file():
                shutil.copyfile(source, copy)
        run = run_one(number, home, who="learner", profile="full" if profile == "full" else "quick", file=copies[0])
        if run.status == "passed":
            with home.lock():
                bench.take_in([copy for copy in copies if copy.is_file()])
        _keep(home, run, before, fingerprints(copies), "cold")
    return run


def _keep(home: Home, run: Run, before: Way | None, hashes: dict[str, str], kind: str) -> None:
    """Log what a check came to, and the pass if it is one that did not hold before."""
    facts = {"status": run.status, "passed": run.passed, "counted": run.counted, "run": run.id}
    home.log(kind, run.week, **facts, seconds=run.seconds, files=hashes)
    if run.status == "passed" and (before is None or before.passed is None):
        cold = before is None or (before.started is None and not before.reopened)
        home.log("passed", run.week, run=run.id, cold=cold)


def fingerprints(files: Sequence[Path]) -> dict[str, str]:
    """Name -> SHA-256 of the files that are there."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


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
