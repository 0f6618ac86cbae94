"""Run weeks: in the order that their needs imply, each in a process of its own, with a cache.

A crash, a hang or a memory bomb ends one week, as a failed run with its reason; the rest of the year
goes on. A week whose sources, data, seed and versions are those of its last good run is not run again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from fiftytwo import plan, processes, sources, upkeep
from fiftytwo.evidence import SCHEMA, Profile, Run, Who
from fiftytwo.execution import empty_run, execute, follow, running_folder
from fiftytwo.home import Home
from fiftytwo.job import PROGRESS, Job
from fiftytwo.machine import same_versions
from fiftytwo.progress import ways
from fiftytwo.store import Store

Backend = Literal["loky", "dask", "ray"]
Side = Literal["learner", "reference", "peer"]

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Update:
    """News of a run: *started*, *progress*, *verdict*, *cached* or *ended*."""

    kind: Literal["started", "progress", "verdict", "cached", "ended"]
    week: int
    label: str = ""
    done: int = 0
    total: int | None = None
    outcome: str = ""
    run: Run | None = None


Listener = Callable[[Update], None]


@dataclass(frozen=True)
class Options:
    """How weeks are run; the defaults are those of ``fiftytwo run``."""

    profile: Profile = "quick"
    seed: int = 52
    force: bool = False
    mine: bool = False
    jobs: int = 1
    backend: Backend = "loky"


class NoStarter(FileNotFoundError):
    """There is no learner's file to check yet."""


def run_one(
    number: int,
    home: Home,
    *,
    who: Who = "reference",
    profile: Profile = "quick",
    seed: int = 52,
    force: bool = False,
    listener: Listener | None = None,
    catalogue: Mapping[int, str] | None = None,
    file: Path | None = None,
) -> Run:
    """Run one week and keep its evidence.

    A learner's run has only the exercise's checks, is never cached, and carries the reference's numbers
    beside its own. ``file`` is checked in place of the learner's file in the home.

    Raises
    ------
    LookupError
        When the week has not landed.
    NoStarter
        When ``who`` is the learner and there is no file to check.
    """
    options = Options(profile=profile, seed=seed, force=force, mine=who == "mine")
    planner = _Planner(home, options, catalogue)
    if who == "learner":
        reference = run_one(number, home, profile=profile, seed=seed, catalogue=catalogue)
        job = planner.learner_job(number, reference, file)
    else:
        cached = planner.cached(number)
        if cached is not None:
            _tell(listener, Update("cached", number, run=cached))
            return cached
        job = planner.job(number)
    _tell(listener, Update("started", number))
    with _Follower(home, [job], listener):
        run = execute(job, home)
    _tell(listener, Update("ended", number, run=run))
    return run


def run_build(number: int, home: Home, *, side: Side, profile: Profile = "quick", seed: int = 52) -> Run:
    """Run a week's build alone with one side's solution, for ``compare``; nothing is kept.

    ``side`` is the learner's file, the reference, or the libraries that ``Exercise.peers`` names.
    """
    planner = _Planner(home, Options(profile=profile, seed=seed), None)
    week = plan.load(number).week
    assert week.exercise is not None
    job = replace(planner.job(number), build_only=True)
    if side == "learner":
        job = replace(job, who="learner", files={number: str(planner.starter(number))})
    elif side == "peer":
        job = replace(job, peers=dict(week.exercise.peers))
    return execute(job, home, keep=False)


def run_many(
    numbers: Iterable[int],
    home: Home,
    options: Options | None = None,
    *,
    listener: Listener | None = None,
    catalogue: Mapping[int, str] | None = None,
) -> Iterator[Run]:
    """Run weeks and yield each run as it ends.

    Weeks that a chosen week needs and that have no good run yet are run first. Weeks that do not need
    each other run ``jobs`` at once.

    Raises
    ------
    LookupError
        When a week has not landed.
    """
    options = options or Options()
    planner = _Planner(home, options, catalogue)
    bad: set[int] = set()
    for wave in planner.waves(numbers):
        jobs = []
        for number in wave:
            stuck = sorted(bad.intersection(plan.load(number, planner.catalogue).week.needs))
            run = planner.blocked(number, stuck) if stuck else planner.cached(number)
            if run is None:
                jobs.append(planner.job(number))
                _tell(listener, Update("started", number))
                continue
            if run.status != "passed":
                bad.add(number)
            _tell(listener, Update("ended" if stuck else "cached", number, run=run))
            yield run
        with _Follower(home, jobs, listener):
            for run in _parallel(jobs, home, options):
                if run.status != "passed":
                    bad.add(run.week)
                _tell(listener, Update("ended", run.week, run=run))
                yield run


def _parallel(jobs: Sequence[Job], home: Home, options: Options) -> Iterator[Run]:
    import joblib

    if not jobs:
        return
    count = min(options.jobs, len(jobs)) if options.backend == "loky" else options.jobs
    try:
        with _backend(options.backend, count):
            results = joblib.Parallel(n_jobs=count, return_as="generator_unordered")(
                joblib.delayed(execute)(job, home) for job in jobs
            )
            yield from results
    except BaseException:  # Ctrl-C above all: what has ended is kept, what still runs is ended
        for job in jobs:
            processes.kill_all(partial(processes.marked, job.id))
            shutil.rmtree(running_folder(home, job), ignore_errors=True)
        raise


@contextlib.contextmanager
def _backend(name: Backend, jobs: int) -> Iterator[None]:
    """Enter a joblib backend; a missing cluster library says how to get it."""
    import joblib

    from mltoolkit.errors import MissingExtra

    if name == "loky":
        yield
        return
    try:
        if name == "dask":
            from distributed import Client

            address = os.environ.get("DASK_SCHEDULER_ADDRESS")
            here = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
            with Client(address) if address else Client(**here), joblib.parallel_config("dask"):
                yield
        else:
            from ray.util.joblib import register_ray

            register_ray()
            with joblib.parallel_config("ray"):
                yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("distributed", "dask", "ray"):
            raise
        raise MissingExtra(name, "cluster") from error


class _Planner:
    """Decides what has to be run, with what, and in which order."""

    def __init__(self, home: Home, options: Options, catalogue: Mapping[int, str] | None) -> None:
        self.home = home
        self.options = options
        if not (home.root / "events.jsonl").exists():
            home.log("home")  # marks the folder as a home, so that it is found from below
        upkeep.tidy(home)
        self.catalogue = dict(plan.landed() if catalogue is None else catalogue)
        self.store = Store(home)

    def waves(self, numbers: Iterable[int]) -> list[list[int]]:
        """The weeks in groups; each needs only earlier groups."""
        waiting = list(numbers)
        needs: dict[int, tuple[int, ...]] = {}
        while waiting:
            number = waiting.pop()
            week = plan.load(number, self.catalogue).week
            needs[number] = week.needs
            waiting += [n for n in week.needs if n not in needs and self._folder_of(n) is None]
        waves: list[list[int]] = []
        left = dict(needs)
        while left:
            ready = sorted(n for n, needed in left.items() if not any(other in left for other in needed))
            if not ready:
                raise ValueError(f"weeks {sorted(left)} need each other in a circle")
            waves.append(ready)
            for number in ready:
                del left[number]
        return waves

    def job(self, number: int) -> Job:
        """The job of a reference run, or of one on the learner's own earlier parts."""
        week = plan.load(number, self.catalogue).week
        needed = {n: folder for n in week.needs if (folder := self._folder_of(n)) is not None}
        return Job(
            id=_run_id(number, self.who, self.options.profile),
            week=number,
            who=self.who,
            profile=self.options.profile,
            seed=self.options.seed,
            catalogue=self.catalogue,
            memory_bytes=week.memory_bytes,
            source_hash=self.source_hash(number),
            files={n: str(file) for n, file in self._own_files().items()},
            needed={n: str(folder) for n, folder in needed.items()},
        )

    def learner_job(self, number: int, reference: Run, file: Path | None = None) -> Job:
        """The job of a learner's run, on a file of theirs or on the one in the home."""
        figures = {v.name: v.measured for v in reference.verdicts if v.measured is not None}
        return replace(
            self.job(number),
            id=_run_id(number, "learner", self.options.profile),
            who="learner",
            files={number: str(file or self.starter(number))},
            reference=figures,
        )

    def starter(self, number: int) -> Path:
        """The learner's file of a week."""
        exercise = plan.load(number, self.catalogue).week.exercise
        assert exercise is not None
        file = self.home.week(number) / exercise.file
        if not file.is_file():
            raise NoStarter(f"there is no {file}; make it with: fiftytwo start {number}")
        return file

    @property
    def who(self) -> Who:
        """Whose parts a run is made of."""
        return "mine" if self.options.mine else "reference"

    def source_hash(self, number: int) -> str:
        """What the sources of a run amount to."""
        own = []
        for week, module in self._own_files().items():
            exercise = plan.load(week, self.catalogue).week.exercise
            assert exercise is not None
            own += [file for name in (module.name, *exercise.texts) if (file := module.parent / name).is_file()]
        return sources.fingerprint(self.catalogue[number], own)

    def cached(self, number: int) -> Run | None:
        """The last run, when doing it again would change nothing."""
        week = plan.load(number, self.catalogue).week
        if self.options.force or any(os.environ.get(name) for name in week.reads):
            return None
        run = self.store.latest(number, who=self.who, profile=self.options.profile)
        if run is None or run.status != "passed" or run.schema != SCHEMA or run.seed != self.options.seed:
            return None
        same = run.source_hash == self.source_hash(number) and same_versions(run.versions) and _same_data(run)
        return run if same else None

    def blocked(self, number: int, stuck: Sequence[int]) -> Run:
        """The run of a week whose needs were not met."""
        names = ", ".join(map(str, stuck))
        reason = f"needs week {names}, which did not pass; see: fiftytwo run {stuck[0]}"
        job = self.job(number)
        run = empty_run(job, "could not run here", reason)
        folder = running_folder(self.home, job)
        folder.mkdir(parents=True)
        self.store.save(run, folder)
        return run

    def _folder_of(self, number: int) -> Path | None:
        """The run whose artifacts a later week reads; with ``mine``, one on the learner's own parts where there is."""
        for who in ("mine", "reference") if self.options.mine else ("reference",):
            run = self.store.latest(number, who=who, profile=self.options.profile, status="passed")
            if run is not None:
                return self.store.folder(run)
        return None

    def _own_files(self) -> dict[int, Path]:
        """With ``mine``: the learner's files of the weeks that they passed and that were not reopened since."""
        files: dict[int, Path] = {}
        if self.options.mine:
            for number, way in ways(self.home).items():
                if way.passed is not None and number in self.catalogue:
                    with contextlib.suppress(NoStarter, ImportError):
                        files[number] = self.starter(number)
        return files


def _run_id(number: int, who: str, profile: str) -> str:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    return f"{stamp}-w{number:02d}-{who}-{profile}"


def _same_data(run: Run) -> bool:
    from mltoolkit import datasets
    from mltoolkit.errors import ToolkitError

    try:
        return all(datasets.entry(used.name).sha256 in ("", used.sha256) for used in run.data)
    except ToolkitError:
        return False


def _tell(listener: Listener | None, update: Update) -> None:
    if listener is not None:
        listener(update)


class _Follower:
    """A thread that reads the progress of running jobs and tells the listener, at most five times a second."""

    def __init__(self, home: Home, jobs: Sequence[Job], listener: Listener | None) -> None:
        self._files = {job.week: running_folder(home, job) / PROGRESS for job in jobs}
        self._positions = dict.fromkeys(self._files, 0)
        self._listener = listener
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> None:
        if self._listener is not None:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._listener is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            for week, file in self._files.items():
                rows, self._positions[week] = follow(file, self._positions[week])
                for row in rows:
                    self._tell(week, row)

    def _tell(self, week: int, row: Mapping[str, Any]) -> None:
        if "progress" in row:
            p = row["progress"]
            _tell(self._listener, Update("progress", week, p["label"], p["done"], p["total"]))
        elif "verdict" in row:
            _tell(self._listener, Update("verdict", week, row["verdict"]["name"], outcome=row["verdict"]["outcome"]))
