"""What this machine has and lacks: each finding with what it costs and the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from fiftytwo import plan
from fiftytwo.home import FORMAT, Home
from fiftytwo.machine import installed
from fiftytwo.report.format import format_bytes

State = Literal["good", "lacking", "broken"]

_NEWEST = (3, 13)  # the last Python that requirements.lock was resolved for
_HOME_BYTES = 2**30
_MEMORY_BYTES = 4 * 2**30
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox", "microsoft-edge", "safari", "open")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    *lacking* costs something and hinders nobody; *broken* ends commands. ``cost`` says what goes without it,
    ``mend`` is the command or the words that help; both are empty when all is good.
    """

    what: str
    state: State
    found: str
    cost: str = ""
    mend: str = ""


def examine(home: Home) -> Iterator[Finding]:
    """Look at everything, one after the other; what cannot be looked at is a finding too."""
    looks: list[Callable[[Home], Iterator[Finding]]] = [
        _interpreter, _install, _home, _disk, _memory, _threads, _gpu, _browser, _data, _extras,
    ]  # fmt: skip
    for look in looks:
        try:
            yield from look(home)
        except Exception as error:  # a broken machine must not break its doctor
            text = " ".join(str(error).split())
            yield Finding(look.__name__.strip("_"), "broken", f"{type(error).__name__}: {text}")


def _interpreter(_: Home) -> Iterator[Finding]:
    here = f"{platform.python_version()} ({platform.machine()}, {platform.system()})"
    if sys.version_info[:2] > _NEWEST:
        newest = ".".join(map(str, _NEWEST))
        yield Finding("python", "lacking", here, f"the versions in the lock file were tried up to {newest}",
                      f"make clean run PYTHON=python{newest}")  # fmt: skip
    else:
        yield Finding("python", "good", here)


def _install(_: Home) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in metadata.requires("fiftytwo") or ()]
    core = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    absent = [r.name for r in core if not installed(r.name)]
    wrong = [
        f"{r.name} {v}" for r in core if (v := installed(r.name)) and not r.specifier.contains(v, prereleases=True)
    ]
    if absent or wrong:
        found = "; ".join(
            [f"missing: {', '.join(absent)}"] * bool(absent) + [f"too old: {', '.join(wrong)}"] * bool(wrong)
        )
        yield Finding("fiftytwo", "broken", found, "commands end with import errors", "pip install -U fiftytwo")
    else:
        yield Finding("fiftytwo", "good", f"{installed('fiftytwo')}, {len(core)} libraries, {len(plan.landed())} weeks")


def _home(home: Home) -> Iterator[Finding]:
    place = home.root
    if not (place / "events.jsonl").exists():
        yield Finding("home", "good", f"none yet; it will be {place}")
    elif not os.access(place, os.W_OK):
        yield Finding("home", "broken", f"{place} cannot be written", "nothing is kept", f"chmod u+w {place}")
    else:
        yield Finding("home", "good", f"{place} (format {home.version()} of {FORMAT})")


def _disk(home: Home) -> Iterator[Finding]:
    place = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    found = f"{format_bytes(free)} free at {place}"
    if free < 16 * 2**20:
        yield Finding("disk", "broken", found, "evidence cannot be written", f"make room on the disk of {place}")
    elif free < _HOME_BYTES:
        yield Finding("disk", "lacking", found, "a full run and the larger datasets need about 1 GiB",
                      f"make room, or move the home: export FIFTYTWO_HOME=/elsewhere/{home.root.name}")  # fmt: skip
    else:
        yield Finding("disk", "good", found)


def _memory(_: Home) -> Iterator[Finding]:
    import psutil

    total = psutil.virtual_memory().total
    state: State = "lacking" if total < _MEMORY_BYTES else "good"
    cost = "some full profiles will pass their memory limit" if state == "lacking" else ""
    yield Finding("memory", state, format_bytes(total), cost, "stay with the quick profile" if cost else "")


def _threads(_: Home) -> Iterator[Finding]:
    import numpy  # noqa: F401 - the BLAS that it loads is what is asked about
    from threadpoolctl import threadpool_info

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    set_by = [f"{name}={os.environ[name]}" for name in _THREADS if os.environ.get(name)]
    most = max((int(pool["num_threads"]) for pool in threadpool_info()), default=1)
    found = f"{cores} core{'s' if cores != 1 else ''}, BLAS uses {most}" + (f" ({', '.join(set_by)})" if set_by else "")
    if most > cores:
        yield Finding("threads", "lacking", found, "threads wait for each other", f"export OMP_NUM_THREADS={cores}")
    elif most < cores and set_by:
        names = " ".join(word.partition("=")[0] for word in set_by)
        yield Finding("threads", "lacking", found, "linear algebra leaves cores idle", f"unset {names}")
    else:
        yield Finding("threads", "good", found)


def _gpu(_: Home) -> Iterator[Finding]:
    card = shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists()
    torch = installed("torch")
    if not torch:
        said = "a card is here, PyTorch is not" if card else "none needed; no week requires one"
        state: State = "lacking" if card else "good"
        cost, mend = ("the card is not used", "pip install 'fiftytwo[deep]'") if card else ("", "")
        yield Finding("gpu", state, said, cost, mend)
        return
    import torch as library

    if library.cuda.is_available():
        yield Finding("gpu", "good", str(library.cuda.get_device_name(0)))
    elif library.backends.mps.is_available():
        yield Finding("gpu", "good", "Apple (MPS)")
    elif card:
        yield Finding("gpu", "lacking", f"a card, but PyTorch {torch} cannot use it", "training runs on the CPU",
                      "install a CUDA build of PyTorch: https://pytorch.org/get-started")  # fmt: skip
    else:
        yield Finding("gpu", "good", "none; every week runs on the CPU")


def _browser(_: Home) -> Iterator[Finding]:
    named = os.environ.get("BROWSER", "")
    found = next((name for name in (named, *_BROWSERS) if name and shutil.which(name)), "")
    if found:
        yield Finding("browser", "good", found)
    else:
        yield Finding("browser", "lacking", "none found", "pages do not open by themselves",
                      "open them by hand: fiftytwo report says where; or set BROWSER")  # fmt: skip


def _data(_: Home) -> Iterator[Finding]:
    from mltoolkit import datasets
    from mltoolkit.errors import ToolkitError

    here: list[str] = []
    away: list[str] = []
    damaged: list[str] = []
    for entry in datasets.entries():
        try:
            (here if datasets.locate(entry.name) is not None else away).append(entry.name)
        except ToolkitError:
            damaged.append(entry.name)
    found = f"{len(here)} of {len(here) + len(away) + len(damaged)} datasets are here"
    if damaged:
        yield Finding("data", "broken", f"{found}; damaged: {', '.join(damaged)}", "these cannot be loaded",
                      f"fiftytwo data where {damaged[0]}")  # fmt: skip
    elif away:
        yield Finding("data", "lacking", f"{found}; away: {', '.join(away[:4])}{', …' if len(away) > 4 else ''}",
                      "full profiles that use these cannot run; quick can", "fiftytwo data fetch --all")  # fmt: skip
    else:
        yield Finding("data", "good", found)


def _extras(_: Home) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    needed: dict[str, list[int]] = {}
    for number in plan.landed():
        try:
            week = plan.load(number).week
        except Exception as error:
            text = " ".join(str(error).split())
            yield Finding(f"week {number}", "broken", f"{type(error).__name__}: {text}", "the week cannot be run",
                          f"fiftytwo run {number}")  # fmt: skip
            continue
        for extra in week.extras:
            needed.setdefault(extra, []).append(number)
    wanted = [Requirement(text) for text in metadata.requires("fiftytwo") or ()]
    for extra in metadata.metadata("fiftytwo").get_all("Provides-Extra") or ():
        names = [r.name for r in wanted if r.marker and not r.marker.evaluate({"extra": ""})
                 and r.marker.evaluate({"extra": extra})]  # fmt: skip
        absent = [name for name in names if name != "fiftytwo" and not installed(name)]
        if absent and extra in needed:
            weeks = ", ".join(map(str, needed[extra]))
            cost = f"{'weeks' if len(needed[extra]) > 1 else 'week'} {weeks} cannot run here"
            mend = f"pip install 'fiftytwo[{extra}]'"
            yield Finding(f"extra {extra}", "lacking", f"missing: {', '.join(absent)}", cost, mend)
        elif not absent and extra in needed:
            yield Finding(f"extra {extra}", "good", f"installed, for week {', '.join(map(str, needed[extra]))}")
