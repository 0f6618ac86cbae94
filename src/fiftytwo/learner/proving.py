"""Do the claims hold? ``recheck`` runs one's own passed weeks again, ``verify`` somebody else's, on a copy.

A claim is a run of the learner's that passed and was not taken back. Claims are read from the evidence as
files; nothing in a folder that is verified is opened for writing, its database included.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from fiftytwo import plan, progress
from fiftytwo.evidence import Run
from fiftytwo.home import FOLDER, FULL, Home
from fiftytwo.job import EVIDENCE
from fiftytwo.learner import checking
from fiftytwo.learner.workbench import Bench
from fiftytwo.store import RunRow, Store, from_json
from mltoolkit.errors import CannotRead

_LARGEST_FILE = 16 * 2**20  # of a learner's file or of evidence that is read from somebody's folder
_MOST_FILES = 500  # in one week's folder

Outcome = Literal["confirmed", "refuted", "could not run here"]


@dataclass(frozen=True)
class Rechecked:
    """A passed week, run again; ``run`` is ``None`` when there was no file left to run."""

    week: int
    outcome: Literal["still passes", "reopened", "could not run here"]
    reason: str
    run: Run | None


@dataclass(frozen=True)
class Claim:
    """What a folder says of one week."""

    week: int
    run: str
    when: str
    profile: Literal["quick", "full"]
    passed: int
    counted: int


@dataclass(frozen=True)
class Verified:
    """A claim and what came of it here; ``changed`` says that the code is not the one of the claim."""

    claim: Claim
    outcome: Outcome
    reason: str
    passed: int
    counted: int
    changed: bool


def _quietly(_: int) -> None:
    """Tell nobody which week is about to be run."""


def recheck(
    home: Home, weeks: Sequence[int] = (), profile: str = "quick", *, begin: Callable[[int], None] = _quietly
) -> Iterator[Rechecked]:
    """Run passed weeks again; what passes no longer is reopened.

    Parameters
    ----------
    home : Home
    weeks : sequence of int
        Only these; every passed week when it is empty.
    profile : {"quick", "full"}
        Size of the data.
    begin : function of int
        Called with each week before it runs, which may take a while.
    """
    for number, way in progress.ways(home).items():
        if way.passed is None or (weeks and number not in weeks):
            continue
        begin(number)
        try:
            bench = Bench.of(number, home)
        except (LookupError, ImportError) as error:
            yield Rechecked(number, "could not run here", " ".join(str(error).split()), None)
            continue
        if not bench.file.is_file():
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")  # as the names of runs begin
            home.log("reopened", number, run=stamp, reason="no file")
            yield Rechecked(number, "reopened", f"{bench.file.name} is not there any more", None)
            continue
        run, _ = checking.check_once(bench, profile, kind="recheck")
        if run.status == "failed" and any(sign in run.reason for sign in FULL):
            yield Rechecked(number, "could not run here", run.reason, run)
        elif run.status == "failed":
            home.log("reopened", number, run=run.id, reason=_reason(run))
            yield Rechecked(number, "reopened", _reason(run), run)
        else:
            outcome: Literal["still passes", "could not run here"] = (
                "still passes" if run.status == "passed" else "could not run here"
            )
            yield Rechecked(number, outcome, run.reason, run)


def _reason(run: Run) -> str:
    failure = run.first_failure
    return f"{failure.name} ({failure.outcome}): {failure.message}" if failure is not None else run.reason


def find_home(folder: Path) -> Home:
    """The home in a folder that somebody handed over: the folder itself, or the ``my52`` in it.

    Raises
    ------
    CannotRead
        When there is none.
    """
    for place in (folder, folder / FOLDER):
        if (place / "events.jsonl").is_file():
            return Home(place.absolute())
    raise CannotRead(f"{folder} is no learner's home: neither it nor {folder / FOLDER} holds an events.jsonl")


def claims(home: Home) -> list[Claim]:
    """The passes that a home claims, by week: the newest of each that was not taken back."""
    runs: dict[str, Run] = {}
    for file in sorted((home.root / "evidence").glob(f"week[0-9][0-9]/*-learner-*/{EVIDENCE}")):
        with contextlib.suppress(OSError, ValueError):
            if stat.S_ISREG(file.lstat().st_mode) and file.stat().st_size <= _LARGEST_FILE:
                run = from_json(file.read_bytes())
                if run.who == "learner" and run.id == file.parent.name:
                    runs[run.id] = run
    ways = progress.ways(home, [_row(run) for run in runs.values()])
    taken_back = {e.week: str(e.facts.get("run", "")) for e in home.events("reopened") if e.week is not None}
    found = {}
    for name in sorted(runs):  # names sort by time
        run = runs[name]
        way = ways.get(run.week)
        if run.status == "passed" and way and way.passed is not None and name > taken_back.get(run.week, ""):
            found[run.week] = Claim(run.week, name, run.started, run.profile, run.passed, run.counted)
    return [found[week] for week in sorted(found)]


def _row(run: Run) -> RunRow:
    return RunRow(**{column.name: getattr(run, column.name) for column in fields(RunRow)})


def verify(home: Home, mine: Home | None = None, *, begin: Callable[[int], None] = _quietly) -> Iterator[Verified]:
    """Run every claim of a home again, in a temporary home that holds copies of its files.

    Parameters
    ----------
    home : Home
        Somebody's; nothing in it is written.
    mine : Home, optional
        The reference's evidence is copied from there where it still holds, which spares running it again.
    begin : function of int
        Called with each week before it runs, which may take a while.
    """
    with tempfile.TemporaryDirectory(prefix="fiftytwo-verify-") as scratch:
        apart = Home(Path(scratch) / FOLDER, apart=True)
        for claim in claims(home):
            begin(claim.week)
            yield _verified(claim, home, apart, mine)


def _verified(claim: Claim, home: Home, apart: Home, mine: Home | None) -> Verified:
    def ended(outcome: Outcome, reason: str, run: Run | None = None, changed: bool = False) -> Verified:
        return Verified(claim, outcome, reason, run.passed if run else 0, run.counted if run else 0, changed)

    try:
        bench = Bench.of(claim.week, apart)
    except (LookupError, ImportError) as error:
        return ended("could not run here", " ".join(str(error).split()))
    try:
        copy_code(home.week(claim.week), bench.folder)
    except OSError as error:
        return ended("could not run here", f"the files cannot be read: {error}")
    if not bench.file.is_file():
        return ended("refuted", f"there is no {bench.file.name} in {home.week(claim.week).name}/")
    if mine is not None:
        _lend_references([claim.week, *bench.week.needs], mine, apart)
    known = _claimed_files(home, claim)
    changed = bool(known) and known != checking.fingerprints(bench.files)
    run, _ = checking.check_once(bench, claim.profile)
    if run.status == "passed":
        return ended("confirmed", "", run, changed)
    if run.status == "failed":
        return ended("refuted", _reason(run), run, changed)
    return ended("could not run here", run.reason, run, changed)


def copy_code(source: Path, target: Path) -> None:
    """Copy the regular files of a week's folder: no links, nothing below it, nothing that is not code-sized."""
    target.mkdir(parents=True, exist_ok=True)
    there = source.is_dir() and not source.is_symlink()
    for entry in sorted(source.iterdir())[:_MOST_FILES] if there else ():
        seen = entry.lstat()
        if stat.S_ISREG(seen.st_mode) and seen.st_size <= _LARGEST_FILE:
            shutil.copyfile(entry, target / entry.name)


def _lend_references(weeks: Sequence[int], mine: Home, apart: Home) -> None:
    """Copy the newest good reference runs, so that they need not be run for each claim."""
    store, there = Store(mine), Store(apart)
    for week in weeks:
        run = store.latest(week, who="reference", status="passed")
        if run is None:
            continue
        place = apart.evidence(week) / run.id
        if not place.exists():
            with contextlib.suppress(OSError):
                shutil.copytree(store.folder(run), place)
    there.rebuild()


def _claimed_files(home: Home, claim: Claim) -> dict[str, str]:
    """The fingerprints of the files that the claim was made with; empty where none were kept."""
    for event in home.events(week=claim.week):
        if event.facts.get("run") == claim.run and isinstance(event.facts.get("files"), dict):
            return dict(event.facts["files"])
    return {}


def exit_status(found: Sequence[Verified]) -> int:
    """0 when every claim was confirmed, 1 when one was refuted, 3 when none was but some could not be run."""
    outcomes = {one.outcome for one in found}
    return 1 if "refuted" in outcomes else 3 if "could not run here" in outcomes else 0


def as_json(found: Sequence[Verified]) -> str:
    """The report of ``verify`` for programs."""
    rows = [
        {
            "week": one.claim.week,
            "title": plan.year()[one.claim.week - 1].title,
            "claimed": {"passed": one.claim.passed, "counted": one.claim.counted, "when": one.claim.when,
                        "run": one.claim.run, "profile": one.claim.profile},
            "measured": {"passed": one.passed, "counted": one.counted},
            "outcome": one.outcome,
            "reason": one.reason,
            "changed": one.changed,
        }
        for one in found
    ]  # fmt: skip
    return json.dumps({"claims": rows, "exit": exit_status(found)}, ensure_ascii=False)
