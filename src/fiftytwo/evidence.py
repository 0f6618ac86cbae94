"""What a run leaves behind: checks and their verdicts, metrics, figures, tables, documents.

A week yields :class:`Check` objects. The judge turns each into a :class:`Verdict`, and everything that
one run of one week produced is a :class:`Run`, which is what the report, the dashboard, ``compare`` and
the tutor read. Nothing downstream of a ``Run`` computes a figure again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "wrong", "crashed", "not attempted", "could not run here"]
Who = Literal["reference", "learner", "mine"]
Profile = Literal["quick", "full"]
Status = Literal["passed", "failed", "could not run here"]

SCHEMA = 1  # raised when a field of Run changes its meaning


@dataclass(frozen=True)
class Measurement:
    """A measured number with the call that gave it, so that a failure can explain itself.

    Parameters
    ----------
    value : float
        The number that is held against the bound; ``nan`` when the gate was not passed.
    call : str
        The call as the learner would type it, such as ``"PCA(2).fit(X).components_"``.
    got, expected : object
        What the call gave and what it should have given (arrays, numbers or text).
    where : str
        Where the largest difference is, such as ``"[0, 3]"``.
    gate : str
        The fault of type or shape that made a comparison of values pointless; empty when there is none.
    inputs : mapping of str to object
        The arguments by the names that ``call`` uses; saved as the counter-example when the check fails.
    """

    value: float
    _: KW_ONLY
    call: str = ""
    got: Any = None
    expected: Any = None
    where: str = ""
    gate: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)


Measured = float | bool | Measurement


@dataclass(frozen=True)
class Check:
    """One statement about a build, with the bound that decides it.

    Parameters
    ----------
    name : str
        What is checked, in a few words; unique within a week.
    measured : number, Measurement, or a function without arguments that returns either
        A function is called by the judge, so that one check that crashes does not hide the next.
    at_least, at_most : float, optional
        The bound. Exactly one of ``at_least``, ``at_most``, ``equals``, ``between`` is given.
    equals : float or bool, optional
        The value to be met within ``tolerance`` (default 0).
    between : (float, float), optional
        Both ends belong to the range.
    unit : str
        Unit of ``measured``, such as ``"dB"``; empty for a bare number.
    why : str
        One sentence: what this shows about the world.
    hint : tuple of str
        Up to three steps, from a nudge to nearly the answer.
    exercise : bool
        False when the check measures the build alone and says nothing about the learner's code;
        such checks are left out of ``fiftytwo check``.

    Raises
    ------
    ValueError
        When there is not exactly one bound, when ``why`` is empty or when there are more than three hints.
    """

    name: str
    measured: Measured | Callable[[], Measured]
    _: KW_ONLY
    at_least: float | None = None
    at_most: float | None = None
    equals: float | bool | None = None
    tolerance: float = 0.0
    between: tuple[float, float] | None = None
    unit: str = ""
    why: str = ""
    hint: tuple[str, ...] = ()
    exercise: bool = True

    def __post_init__(self) -> None:
        bounds = (self.at_least, self.at_most, self.equals, self.between)
        if sum(bound is not None for bound in bounds) != 1:
            raise ValueError(f"check {self.name!r}: give exactly one of at_least, at_most, equals, between")
        if not self.why:
            raise ValueError(f"check {self.name!r}: why is empty; say in one sentence what the check shows")
        if isinstance(self.hint, str) or len(self.hint) > 3:
            raise ValueError(f"check {self.name!r}: hint is a tuple of up to three steps")

    @property
    def bound(self) -> str:
        """The bound as people write it: ``"≤ 1e-10"``, ``"= 12"``, ``"0.4 to 0.6"``."""
        # Ten digits: with the usual six, 0.9999995 would read as 1 and 1115394 as 1.11539e+06.
        if self.at_least is not None:
            return f"≥ {self.at_least:.10g}"
        if self.at_most is not None:
            return f"≤ {self.at_most:.10g}"
        if self.between is not None:
            return f"{self.between[0]:.10g} to {self.between[1]:.10g}"
        if isinstance(self.equals, bool):
            return "yes" if self.equals else "no"
        assert self.equals is not None
        return f"= {self.equals:.10g}" + (f" ± {self.tolerance:.10g}" if self.tolerance else "")

    def holds(self, value: float) -> bool:
        """Whether ``value`` lies within the bound; ``nan`` never does."""
        if math.isnan(value):
            return False
        if self.at_least is not None:
            return value >= self.at_least
        if self.at_most is not None:
            return value <= self.at_most
        if self.between is not None:
            return self.between[0] <= value <= self.between[1]
        assert self.equals is not None
        return abs(value - float(self.equals)) <= self.tolerance


@dataclass(frozen=True)
class Verdict:
    """How one check ended. All texts are ready to print; arrays are summarised."""

    name: str
    outcome: Outcome
    measured: float | None
    bound: str
    unit: str = ""
    why: str = ""
    hint: tuple[str, ...] = ()
    exercise: bool = True
    message: str = ""  # one line; empty when passed
    call: str = ""
    got: str = ""
    expected: str = ""
    where: str = ""
    frame: str = ""  # the learner's own file, line and text, for a crash
    diagnosis: str = ""  # the named mistake that gives the same result
    counterexample: str = ""  # the replay script, relative to the home
    reference: float | None = None  # the reference's number for the same check
    boolean: bool = False  # measured is a yes or a no
    seconds: float = 0.0
    parts: tuple[str, ...] = ()  # of a run on the learner's own parts: the names that this check rests on


@dataclass(frozen=True)
class Metric:
    """A named number of a run."""

    name: str
    value: float
    unit: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture; ``file`` (SVG or PNG) is relative to the run's folder."""

    name: str
    file: str
    caption: str


@dataclass(frozen=True)
class Table:
    """A small table: texts and numbers as they were handed in, formatted by whoever shows them."""

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | bool | None, ...], ...]


@dataclass(frozen=True)
class Document:
    """A written assessment as Markdown, rendered from the evidence of its run."""

    name: str
    title: str
    markdown: str


@dataclass(frozen=True)
class DataUsed:
    """A dataset that a run read, and where it came from."""

    name: str
    title: str
    source: str  # "embedded", "FIFTYTWO_DATA", "cache" or "download"
    sha256: str
    licence: str = ""


@dataclass(frozen=True)
class Machine:
    """The machine of a run, as far as its figures depend on it."""

    system: str
    processor: str
    cores: int
    memory_bytes: int
    device: str = "cpu"
    blas: str = ""  # library, kernel and threads, such as "openblas 0.3.30 Haswell, 2 threads"


@dataclass(frozen=True)
class Run:
    """One week, run once.

    ``status`` is *failed* when any check is wrong, crashed or not attempted, or when the run ended
    early (``reason`` says why); *could not run here* when the week as a whole lacks an extra or data.
    """

    id: str  # sorts by time: "20270104T091500.123456-w01-reference-quick"
    week: int
    who: Who
    profile: Profile
    status: Status
    started: str  # ISO 8601, UTC
    seconds: float
    seed: int
    build_seconds: float = 0.0  # of the build alone, without the start of the process and the checks
    verdicts: tuple[Verdict, ...] = ()
    metrics: tuple[Metric, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    documents: tuple[Document, ...] = ()
    notes: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    reason: str = ""  # why the run ended early; one line
    output: str = ""  # file with what the code printed, relative to the run's folder
    peak_memory_bytes: int = 0
    data: tuple[DataUsed, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    source_hash: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)  # solution name -> "reference" or "learner"
    machine: Machine | None = None
    schema: int = SCHEMA

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return sum(verdict.outcome == "passed" for verdict in self.verdicts)

    @property
    def counted(self) -> int:
        """How many checks count: all that could run here."""
        return sum(verdict.outcome != "could not run here" for verdict in self.verdicts)

    @property
    def first_failure(self) -> Verdict | None:
        """The first check that is wrong, crashed or not attempted."""
        failures = (v for v in self.verdicts if v.outcome not in ("passed", "could not run here"))
        return next(failures, None)
