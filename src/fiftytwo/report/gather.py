"""What the report shows: the plan, the newest evidence of each week, and nothing computed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from fiftytwo import plan
from fiftytwo.evidence import Who

if TYPE_CHECKING:
    from fiftytwo.evidence import Profile, Run, Verdict
    from fiftytwo.store import Store

State = Literal["planned", "landed", "passed", "failed", "absent", "yours"]


@dataclass(frozen=True)
class Entry:
    """One week of the report.

    ``trouble`` is one line on why the week's code cannot be imported here, or empty.
    """

    week: plan.Week
    landed: bool
    study: str = ""
    trouble: str = ""
    reference: Run | None = None
    learner: Run | None = None
    mine: Run | None = None  # the build on the learner's own parts

    @property
    def shown(self) -> Run | None:
        """The run whose figures, tables and documents are shown: the reference's where there is one."""
        return self.reference or self.learner or self.mine

    @property
    def state(self) -> State:
        """The one word that colours the week in the year; a failed reference is never painted over."""
        if not self.landed:
            return "planned"
        if self.reference and self.reference.status == "failed":
            return "failed"
        if self.learner and self.learner.status == "passed":
            return "yours"
        if self.reference is None:
            return "landed"
        return "passed" if self.reference.status == "passed" else "absent"


@dataclass(frozen=True)
class CheckRow:
    """One check as both runs saw it; either may be missing."""

    name: str
    bound: str
    why: str
    reference: Verdict | None
    learner: Verdict | None


def gather(store: Store, profile: Profile | None = None, catalogue: Mapping[int, str] | None = None) -> list[Entry]:
    """All weeks of the year in order, with their newest runs.

    Parameters
    ----------
    store : Store
        Where the evidence is.
    profile : {"quick", "full"}, optional
        Only runs of this profile; otherwise the newest of any.
    catalogue : mapping of int to str, optional
        Week number -> module of its ``lab.py``; every landed week when it is not given.
    """
    here = plan.landed() if catalogue is None else catalogue
    history = {(row.week, row.who) for row in store.history()}
    entries = []
    for words in plan.year():
        number = words.number
        if number not in here:
            entries.append(Entry(words, landed=False))
            continue
        week, study, trouble = _words(words, here)
        reference, learner, mine = (
            store.latest(number, who=who, profile=profile) if (number, who) in history else None
            for who in get_args(Who)
        )
        entries.append(Entry(week, True, study, trouble, reference, learner, mine))
    return entries


def check_rows(entry: Entry) -> Iterator[CheckRow]:
    """The checks of both runs side by side, in the order of the reference's run."""
    sides = [
        {verdict.name: verdict for verdict in run.verdicts} if run else {} for run in (entry.reference, entry.learner)
    ]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        reference, learner = sides[0].get(name), sides[1].get(name)
        either = reference or learner
        assert either is not None
        yield CheckRow(name, either.bound, either.why, reference, learner)


def failures(run: Run | None) -> list[Verdict]:
    """The verdicts that are neither passed nor impossible here."""
    return [v for v in run.verdicts if v.outcome not in ("passed", "could not run here")] if run else []


def failure_groups(run: Run | None) -> list[list[Verdict]]:
    """The failures, with those that have one cause together, in the order in which they were met.

    An untouched starter leaves every check not attempted, and a fault at import ends all of them at one line.
    """
    groups: dict[tuple[str, ...], list[Verdict]] = {}
    for verdict in failures(run):
        cause = {"not attempted": (), "crashed": (verdict.message, verdict.frame)}.get(verdict.outcome, (verdict.name,))
        groups.setdefault((verdict.outcome, *cause), []).append(verdict)
    return list(groups.values())


def _words(words: plan.Week, here: Mapping[int, str]) -> tuple[plan.Week, str, str]:
    """The week with its exercise, its study note, and why that could not be had."""
    try:
        landed = plan.load(words.number, here)
    except Exception as error:
        # A report must not end because one of 52 weeks needs an extra or is broken; the page says so.
        return words, "", " ".join(f"{type(error).__name__}: {error}".split())
    return landed.week, _text(landed.path / "study.md"), ""


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
