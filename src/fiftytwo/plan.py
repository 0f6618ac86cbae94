"""The plan: fifty-two weeks, and the contract that each landed week fills in.

``year.toml`` holds every week in words from the first day. A week has *landed* when its folder under
``fiftytwo/weeks`` has a ``lab.py`` with three things in it: ``week``, ``build`` and ``assess``.
"""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from fiftytwo.evidence import Check
    from fiftytwo.lab import Lab

LAST_WEEK = 52


@dataclass(frozen=True)
class Exercise:
    """What the learner writes in a week.

    Parameters
    ----------
    module : str
        The reference's module, such as ``"mltoolkit.linalg.pca"``; the learner's file is named after it.
    names : tuple of str
        The public names that the learner implements, reached as ``lab.solution.NAME``.
    brief : str
        The task in Markdown: what to write, in which order, and where to stop.
    hours : float, default 6.0
        An honest guess of the hours from start to pass.
    peers : mapping of str to str
        For ``compare``: solution name -> ``"package.module:attribute"`` that a working engineer would use.
    seconds : float, default 20.0
        The longest that one call into the learner's code may take.
    memory_bytes : int, default 4 GiB
        Address space of the learner's process.
    processes : int, default 0
        How many processes the learner's code may have started at once; on Linux none at all can begin at 0.
    texts : tuple of str
        Text files that the learner writes beside the module, such as ``"rules.toml"``, reached as
        ``lab.solution.text(NAME)``. The reference's lie in the week's folder; the starter is their leading comment.
    """

    module: str
    names: tuple[str, ...]
    _: KW_ONLY
    brief: str = ""
    hours: float = 6.0
    peers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 20.0
    memory_bytes: int = 4 * 2**30
    processes: int = 0
    texts: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Name of the learner's file, such as ``"pca.py"``."""
        return self.module.rpartition(".")[2].lstrip("_") + ".py"


@dataclass(frozen=True)
class Week:
    """One week of the year: its words from ``year.toml``, and its exercise once it has landed.

    ``slug`` names the week's folder; ``build`` and ``assess`` say in words what is built and measured;
    ``needs`` are the numbers of the weeks whose artifacts this one reads; ``extras`` the optional
    dependencies it imports; ``reads`` the environment variables that may name a file of the user's, see
    ``Lab.file``; ``seconds`` and ``memory_bytes`` bound one run in the quick profile.
    """

    number: int
    title: str
    phase: str
    targets: tuple[str, ...]
    _: KW_ONLY
    slug: str = ""
    build: str = ""
    assess: str = ""
    exercise: Exercise | None = None
    needs: tuple[int, ...] = ()
    extras: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    seconds: float = 300.0
    memory_bytes: int = 8 * 2**30

    @classmethod
    def planned(
        cls,
        number: int,
        *,
        exercise: Exercise,
        needs: tuple[int, ...] = (),
        extras: tuple[str, ...] = (),
        reads: tuple[str, ...] = (),
        seconds: float = 300.0,
        memory_bytes: int = 8 * 2**30,
    ) -> Week:
        """The planned week with what its ``lab.py`` adds; the words stay in ``year.toml`` alone."""
        return replace(
            year()[number - 1],
            exercise=exercise,
            needs=needs,
            extras=extras,
            reads=reads,
            seconds=seconds,
            memory_bytes=memory_bytes,
        )

    @property
    def folder(self) -> str:
        """Name of the week's folder in the package: ``"w01_pca"``."""
        return f"w{self.number:02d}_{self.slug}"


@dataclass(frozen=True)
class Mistake:
    """A well-known wrong answer: it proves that the checks bite, and names a learner's mistake.

    ``solution`` maps exercise names to the wrong variants (names left out keep the reference);
    ``diagnosis`` is one sentence to the learner.
    """

    name: str
    solution: Mapping[str, Any]
    diagnosis: str


@dataclass(frozen=True)
class Question:
    """A question of a week's quiz, read from its ``quiz.toml``.

    ``kind`` decides what ``answer`` is: the index (from 0) of the right option for *single*, a tuple
    of indices for *multiple*, a number met within ``tolerance`` for *numeric*, and for *code* the text
    that running ``code`` prints.
    """

    id: str
    kind: Literal["single", "multiple", "numeric", "code"]
    prompt: str
    answer: int | float | str | tuple[int, ...]
    explanation: str
    options: tuple[str, ...] = ()
    tolerance: float = 0.0
    code: str = ""

    def __post_init__(self) -> None:
        faults = []
        if not self.explanation.strip():
            faults.append("has no explanation")
        if self.kind in ("single", "multiple"):
            chosen = self.answer if isinstance(self.answer, tuple) else (self.answer,)
            if len(self.options) < 2:
                faults.append("needs at least two options")
            elif not chosen or not all(isinstance(i, int) and 0 <= i < len(self.options) for i in chosen):
                faults.append(f"answer {self.answer!r} names no option")
        if self.kind == "numeric" and not isinstance(self.answer, int | float):
            faults.append(f"answer {self.answer!r} is not a number")
        if self.kind == "code" and not (self.code and isinstance(self.answer, str)):
            faults.append("needs code and the text that it prints")
        if faults:
            raise ValueError(f"question {self.id!r} " + "; ".join(faults))


@dataclass(frozen=True)
class LandedWeek:
    """A week whose code is here: its contract, its two functions and its module."""

    week: Week
    build: Callable[[Lab], Any]
    assess: Callable[[Lab, Any], Iterator[Check]]
    module: str

    @property
    def path(self) -> Path:
        """The week's folder on disk."""
        return package_folder(self.module)

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The week's well-known wrong answers."""
        return tuple(_import(self.module.rpartition(".")[0] + ".mistakes").mistakes)


@cache
def year() -> tuple[Week, ...]:
    """All 52 weeks in order, in words only."""
    with resources.files("fiftytwo").joinpath("year.toml").open("rb") as file:
        rows = tomllib.load(file)["week"]
    weeks = tuple(Week(**{**row, "targets": tuple(row["targets"])}) for row in rows)
    if [week.number for week in weeks] != list(range(1, LAST_WEEK + 1)):
        raise ValueError(f"year.toml: expected weeks 1 to {LAST_WEEK} in order")
    return weeks


@cache
def landed() -> Mapping[int, str]:
    """Week number -> module of its ``lab.py``, for every week whose code is here; imports none of them."""
    folder = resources.files("fiftytwo").joinpath("weeks")
    names = (entry.name for entry in folder.iterdir() if entry.joinpath("lab.py").is_file())
    numbered = ((re.fullmatch(r"w(\d\d)_\w+", name), name) for name in names)
    return dict(sorted((int(match[1]), f"fiftytwo.weeks.{name}.lab") for match, name in numbered if match))


def load(number: int, catalogue: Mapping[int, str] | None = None) -> LandedWeek:
    """Import a landed week.

    Raises
    ------
    LookupError
        When the week has not landed or is not a week of the year.
    """
    modules = landed() if catalogue is None else catalogue
    if number not in modules:
        raise LookupError(unknown_week(number, modules))
    lab = _import(modules[number])
    return LandedWeek(lab.week, lab.build, lab.assess, modules[number])


def unknown_week(number: int, modules: Mapping[int, str]) -> str:
    """One line on why a week cannot be run."""
    here = ", ".join(map(str, modules)) or "none"
    if 1 <= number <= LAST_WEEK:
        return f"week {number} ({year()[number - 1].title}) is planned but has not landed; landed: {here}"
    return f"there is no week {number}; the year has weeks 1 to {LAST_WEEK}"


def questions(landed_week: LandedWeek) -> tuple[Question, ...]:
    """The week's quiz."""
    from pydantic import TypeAdapter

    with (landed_week.path / "quiz.toml").open("rb") as file:
        rows = tomllib.load(file)["question"]
    return TypeAdapter(tuple[Question, ...]).validate_python(rows)


def package_folder(module: str) -> Path:
    """The folder that holds a module's file, found without importing it again."""
    file = _import(module).__file__
    assert file is not None
    return Path(file).parent


def _import(module: str) -> ModuleType:
    return sys.modules.get(module) or importlib.import_module(module)
