"""Checks of the build around the metrics: settings, files that survive a kill, lint, types and coverage."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fiftytwo.evidence import Check
from fiftytwo.weeks.w05_toolkit import figures
from fiftytwo.weeks.w05_toolkit.quality import Quality
from fiftytwo.weeks.w05_toolkit.settings import Sizes
from fiftytwo.weeks.w05_toolkit.torn import FORMATS, PLAIN, Outcome, kill_writers
from mltoolkit.errors import MissingExtra

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_ALWAYS = tuple(name for name in FORMATS if name != "delta")  # the formats that need no extra


def files_and_code(lab: Lab, sizes: Sizes) -> Iterator[Check]:
    """Files that survive a kill; then ruff, mypy and coverage, which work while the writers are killed."""
    with tempfile.TemporaryDirectory(dir=lab.folder, prefix="quality-") as folder:
        quality = Quality(Path(folder), sizes.tests, sizes.measured, slow_tests=sizes.slow_tests)
        try:
            yield from _torn_writes(lab, sizes, quality)
            yield from _three_tools(lab, quality)
        finally:
            quality.close()


def _torn_writes(lab: Lab, sizes: Sizes, quality: Quality) -> Iterator[Check]:
    """Writers killed in mid-write, of each format and of a control that writes in place."""
    outcomes: list[Outcome] = []

    def kill(*formats: str) -> list[Outcome]:
        found = kill_writers(lab.folder, formats, sizes.kills, lab.rng, lab.progress)
        outcomes.extend(found)
        return found

    def bad(*formats: str) -> float:
        quality.begin()
        return float(sum(outcome.torn + outcome.lost for outcome in kill(*formats)))

    def delta() -> float:
        if importlib.util.find_spec("deltalake") is None:
            raise MissingExtra("deltalake", "quality")
        return bad("delta")

    def control() -> float:
        torn = sum(outcome.torn for outcome in kill(PLAIN))
        table = pd.DataFrame([asdict(outcome) for outcome in outcomes])
        lab.table(
            table,
            "Killed writers",
            "Writers of a small file, each killed at a random moment. 'Interrupted' are kills that left an unfinished "
            "file or version behind; 'plain' is CSV written in place.",
        )
        lab.metric("writers killed", float(table["kills"].sum()))
        return float(torn)

    yield Check(
        "torn or lost files",
        lambda: bad(*_ALWAYS),
        equals=0,
        exercise=False,
        why="A reader finds the old file or the new one, whenever the writer died.",
    )
    yield Check(
        "torn or lost versions of a Delta table",
        delta,
        equals=0,
        exercise=False,
        why="A table of many files is as whole as its log, which grows by one file at a time.",
    )
    yield Check(
        "torn files of a plain writer",
        control,
        at_least=1,
        exercise=False,
        why="The same kills do tear a file that is written in place, so the two checks above can fail.",
    )


def _three_tools(lab: Lab, quality: Quality) -> Iterator[Check]:
    """ruff, mypy and coverage, run on this checkout."""

    def types() -> float:
        errors, files = quality.mypy_findings()
        lab.metric("files that mypy checked", files)
        return float(errors)

    def covered() -> float:
        rows = quality.coverage()
        lab.metric("tests that passed", quality.tests_passed())
        lab.metric("modules measured", len(rows))
        lab.metric("statements measured", sum(row.statements for row in rows))
        lab.metric("coverage", 100.0 * quality.total_coverage(), "%")
        shown = sorted((row for row in rows if row.statements), key=lambda row: row.share)[:40]
        rows_shown = [(row.module, row.statements, round(100.0 * row.share, 1)) for row in shown]
        table = pd.DataFrame(rows_shown, columns=["module", "statements", "covered (%)"])
        lab.table(
            table, "Coverage", "Share of statements and branches that the tests ran, the least covered module first."
        )
        lab.figure(
            figures.coverage(shown),
            "Coverage by module",
            f"Of {len(rows)} modules measured, least covered first; the line is the bound.",
        )
        return quality.total_coverage()

    yield Check(
        "findings of ruff",
        lambda: float(quality.ruff_findings()),
        equals=0,
        exercise=False,
        why="Lint finds unused names, shadowed builtins and unreadable layout before a person has to.",
    )
    yield Check(
        "findings of mypy",
        types,
        equals=0,
        exercise=False,
        why="Strict types catch the wrong argument in the branch that no test takes.",
    )
    yield Check(
        "coverage of the tests",
        covered,
        at_least=0.8,
        exercise=False,
        why="A line that no test runs is a line that nobody knows to work; the converse does not hold.",
    )
