"""The learner's files of a week: hand out a starter, put it back, merge a newer one. Nothing is overwritten."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fiftytwo import plan
from fiftytwo.home import Home
from fiftytwo.learner.stub import derive, derive_text
from mltoolkit.io import atomic_write


class Refused(Exception):
    """What was asked for would lose something; exit status 1."""


@dataclass(frozen=True)
class Sheet:
    """One file of an exercise: the learner's, the reference's text, and the starter derived from it."""

    file: Path
    handed_out: Path  # the starter as it was handed out, for a later merge
    reference: str
    starter: str

    def hand_out(self) -> None:
        """Write the starter, and remember it."""
        atomic_write(self.handed_out, self.starter)
        atomic_write(self.file, self.starter)

    def keep(self) -> Path:
        """Copy the learner's file to the next free number."""
        number = 1
        while True:
            copy = self.file.with_name(f"{self.file.stem}.{number}{self.file.suffix}")
            if not copy.exists():
                atomic_write(copy, self.file.read_bytes())
                return copy
            number += 1

    def merge(self) -> tuple[str, bool]:
        """The learner's file with the new starter's changes, and whether both changed the same lines."""
        from merge3 import Merge3

        base, mine = self.handed_out.read_text("utf-8"), self.file.read_text("utf-8")
        merge = Merge3(base.splitlines(True), mine.splitlines(True), self.starter.splitlines(True))
        text = "".join(merge.merge_lines(name_a="yours", name_b="new starter"))
        return text, any(group[0] == "conflict" for group in merge.merge_groups())


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
        """The learner's module."""
        return self.folder / self.exercise.file

    @property
    def files(self) -> tuple[Path, ...]:
        """All that the learner writes: the module, and the text files if there are any."""
        return (self.file, *(self.folder / name for name in self.exercise.texts))

    def reference(self) -> str:
        """The source text of the reference's module."""
        spec = importlib.util.find_spec(self.exercise.module)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).read_text("utf-8")

    def starter(self) -> str:
        """The starter of the module, derived from the reference."""
        return derive(self.reference(), self.exercise.names, self.week.number)

    def sheets(self) -> list[Sheet]:
        """The exercise's files, the module first."""
        memory = self.home.memory / "starters" / self.folder.name
        found = [Sheet(self.file, memory / self.file.name, self.reference(), self.starter())]
        for name in self.exercise.texts:
            text = (plan.load(self.week.number).path / name).read_text("utf-8")
            found.append(Sheet(self.folder / name, memory / name, text, derive_text(text)))
        return found

    def brief(self) -> str:
        """The week's brief as Markdown."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        loader = PackageLoader("fiftytwo.learner", "templates")
        environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - Markdown
        return environment.get_template("BRIEF.md.jinja").render(week=self.week, exercise=self.exercise)

    def start(self) -> list[Path]:
        """Write the brief and the starters that are missing; return what was written.

        The start is logged first, so that a start that was cut short is finished by the next one.

        Raises
        ------
        Refused
            When every file of the learner's is there; nothing is touched then.
        """
        with self.home.lock():
            missing = [sheet for sheet in self.sheets() if not sheet.file.exists()]
            if not missing:
                several = len(self.files) > 1
                raise Refused(
                    f"{' and '.join(file.name for file in self.files)} {'are' if several else 'is'} there already and "
                    f"{'stay as they are' if several else 'stays as it is'}; "
                    f"for a fresh starter: fiftytwo reset {self.week.number}"
                )
            self.home.log("start", self.week.number)
            written = [sheet.file for sheet in missing]
            if not (self.folder / "BRIEF.md").exists():
                atomic_write(self.folder / "BRIEF.md", self.brief())
                written.insert(0, self.folder / "BRIEF.md")
            for sheet in missing:
                sheet.hand_out()
        return written

    def take_in(self, files: Sequence[Path]) -> None:
        """Lay files that passed cold into the week's folder, with the brief; what is there stays."""
        if not (self.folder / "BRIEF.md").exists():
            atomic_write(self.folder / "BRIEF.md", self.brief())
        for sheet in self.sheets():
            atomic_write(sheet.handed_out, sheet.starter)
        for file in files:
            if not (self.folder / file.name).exists():
                atomic_write(self.folder / file.name, file.read_bytes())

    def reset(self) -> list[Path]:
        """Put fresh starters in place; return the numbered copies of what was there."""
        kept = []
        with self.home.lock():
            for sheet in self.sheets():
                if sheet.file.exists():
                    kept.append(sheet.keep())
                sheet.hand_out()
            self.home.log("reset", self.week.number, kept=[file.name for file in kept])
        return kept

    def update(self) -> list[Path]:
        """Merge changed starters into the learner's files, three ways; return the numbered copies, if any.

        Raises
        ------
        Refused
            When a starter as handed out is not known, or when the two changes touch the same lines: the
            merged text with markers is then beside the learner's file. No file of the learner's is changed.
        """
        with self.home.lock():
            return self._update()

    def _update(self) -> list[Path]:
        sheets = [sheet for sheet in self.sheets() if sheet.file.exists()]
        unknown = [sheet.file.name for sheet in sheets if not sheet.handed_out.exists()]
        if unknown:
            raise Refused(f"how {' and '.join(unknown)} looked when handed out is not known; nothing was changed")
        changed = [sheet for sheet in sheets if sheet.starter != sheet.handed_out.read_text("utf-8")]
        merged = [(sheet, *sheet.merge()) for sheet in changed]
        faults = []
        for sheet, text, conflict in merged:
            if conflict:
                beside = sheet.file.with_name(f"{sheet.file.stem}.conflict{sheet.file.suffix}")
                atomic_write(beside, text)
                faults.append(
                    f"the new starter and your changes touch the same lines; {sheet.file.name} stays as it is, "
                    f"both versions are marked in {beside.name}"
                )
        if faults:
            raise Refused("; ".join(faults))
        kept = []
        for sheet, text, _ in merged:
            kept.append(sheet.keep())
            atomic_write(sheet.file, text)
            atomic_write(sheet.handed_out, sheet.starter)
        if kept:
            self.home.log("update", self.week.number, kept=[file.name for file in kept])
        return kept
