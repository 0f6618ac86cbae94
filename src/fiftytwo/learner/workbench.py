"""The learner's files of a week: hand out a starter, put it back, merge a newer one. Nothing is overwritten."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from fiftytwo import plan
from fiftytwo.home import Home
from fiftytwo.learner.stub import derive
from mltoolkit.io import atomic_write


class Refused(Exception):
    """What was asked for would lose something; exit status 1."""


@dataclass(frozen=True)
class Bench:
    """A week's exercise and where its files lie."""

    week: plan.Week
    home: Home

    @classmethod
    def of(cls, number: int, home: Home) -> Bench:
        """The bench of a landed week.

        Raises
        ------
        LookupError
            When the week has not landed.
        """
        return cls(plan.load(number).week, home)

    @property
    def exercise(self) -> plan.Exercise:
        """The week's exercise."""
        assert self.week.exercise is not None
        return self.week.exercise

    @property
    def folder(self) -> Path:
        """Where the learner works."""
        return self.home.week(self.week.number)

    @property
    def file(self) -> Path:
        """The learner's file."""
        return self.folder / self.exercise.file

    @property
    def handed_out(self) -> Path:
        """The starter as it was handed out, for a later merge."""
        return self.home.memory / "starters" / self.folder.name / self.exercise.file

    def reference(self) -> str:
        """The reference's source text."""
        spec = importlib.util.find_spec(self.exercise.module)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).read_text("utf-8")

    def starter(self) -> str:
        """The starter, derived from the reference."""
        return derive(self.reference(), self.exercise.names, self.week.number)

    def brief(self) -> str:
        """The week's brief as Markdown."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        loader = PackageLoader("fiftytwo.learner", "templates")
        environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - Markdown
        return environment.get_template("BRIEF.md.jinja").render(week=self.week, exercise=self.exercise)

    def start(self) -> list[Path]:
        """Write the brief and the starter; return what was written.

        Raises
        ------
        Refused
            When the learner's file is there; nothing is touched then.
        """
        if self.file.exists():
            raise Refused(
                f"{self.file.name} is there already and stays as it is; "
                f"for a fresh starter: fiftytwo reset {self.week.number}"
            )
        written = [self.file]
        if not (self.folder / "BRIEF.md").exists():
            atomic_write(self.folder / "BRIEF.md", self.brief())
            written.insert(0, self.folder / "BRIEF.md")
        self._hand_out(self.starter())
        self.home.log("start", self.week.number)
        return written

    def reset(self) -> Path | None:
        """Put a fresh starter in place; return the numbered copy of what was there."""
        kept = self.keep() if self.file.exists() else None
        self._hand_out(self.starter())
        self.home.log("reset", self.week.number, kept=kept.name if kept else None)
        return kept

    def keep(self) -> Path:
        """Copy the learner's file to the next free number."""
        number = 1
        while True:
            copy = self.file.with_name(f"{self.file.stem}.{number}{self.file.suffix}")
            if not copy.exists():
                atomic_write(copy, self.file.read_bytes())
                return copy
            number += 1

    def update(self) -> Update:
        """Merge a changed starter into the learner's file, three ways.

        Raises
        ------
        Refused
            When the starter as handed out is not known, or when the two changes touch the same lines:
            the merged text with markers is then beside the learner's file, which stays as it is.
        """
        from merge3 import Merge3

        if not self.handed_out.exists():
            raise Refused(f"how {self.file.name} looked when it was handed out is not known; nothing was changed")
        base, mine, new = self.handed_out.read_text("utf-8"), self.file.read_text("utf-8"), self.starter()
        if new == base:
            return Update(changed=False)
        merge = Merge3(base.splitlines(True), mine.splitlines(True), new.splitlines(True))
        text = "".join(merge.merge_lines(name_a="yours", name_b="new starter"))
        if any(group[0] == "conflict" for group in merge.merge_groups()):
            conflict = self.file.with_name(f"{self.file.stem}.conflict{self.file.suffix}")
            atomic_write(conflict, text)
            raise Refused(
                f"the new starter and your changes touch the same lines; {self.file.name} stays as it is, "
                f"both versions are marked in {conflict.name}"
            )
        kept = self.keep()
        atomic_write(self.file, text)
        atomic_write(self.handed_out, new)
        self.home.log("update", self.week.number, kept=kept.name)
        return Update(changed=True, kept=kept)

    def _hand_out(self, starter: str) -> None:
        atomic_write(self.handed_out, starter)
        atomic_write(self.file, starter)


@dataclass(frozen=True)
class Update:
    """What an update did: whether anything changed, and the numbered copy of the file before."""

    changed: bool
    kept: Path | None = None
