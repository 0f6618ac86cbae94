"""One suite of rules, two engines: what datasanity finds, and what Great Expectations makes of the same rules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiftytwo.weeks.w04_validation.orders import Messy
from mltoolkit.errors import CannotRead, MissingExtra

if TYPE_CHECKING:
    from mltoolkit.quality import Finding, Suite, Verdict

_HEADER_LINES = 1


@dataclass(frozen=True)
class Second:
    """Great Expectations' verdict on a rule.

    ``count`` and ``lines`` say which rows are wrong, where the rule judges rows; ``observed`` is the value that
    a rule about a whole was judged by; ``fault`` why it could not judge at all.
    """

    passed: bool
    count: int | None = None
    lines: tuple[int, ...] = ()
    observed: float | None = None
    fault: str = ""


@dataclass(frozen=True)
class Beside:
    """A rule with both verdicts on it."""

    ours: Verdict
    theirs: Second

    @property
    def agree(self) -> bool:
        """The same verdict, and where the rule judges rows the same number of rows and the same first ones."""
        ours, theirs = self.ours, self.theirs
        if theirs.fault or ours.passed != theirs.passed:
            return False
        if not ours.rule.kind.by_row:
            return theirs.observed is None or bool(abs(theirs.observed - float(ours.observed)) <= 1e-9)
        return bool(ours.count == theirs.count and ours.rows == theirs.lines[: len(ours.rows)])


def side_by_side(path: Path, suite: Suite) -> tuple[list[Beside], int]:
    """Judge a CSV file by every rule that both engines know, in memory and without any network.

    Returns
    -------
    rules : list of Beside
    left_out : int
        How many rules Great Expectations cannot express.

    Raises
    ------
    MissingExtra
        When Great Expectations is not installed.
    """
    import pandas as pd

    from mltoolkit.quality import validate

    left_out = [rule for rule, _ in suite.left_out_of_gx()]
    shared = [verdict for verdict in validate(path, suite) if verdict.rule not in left_out]
    export = suite.to_gx()
    for i, expectation in enumerate(export["expectations"]):
        expectation["meta"] = {"place": i}
    frame = pd.read_csv(path)
    with _great_expectations() as gx:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset = context.data_sources.add_pandas("files").add_dataframe_asset(path.stem)
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
        results = batch.validate(gx.ExpectationSuite(**export), result_format="COMPLETE").results
    placed = {result.expectation_config.meta["place"]: _second(result) for result in results}
    return [Beside(verdict, placed[i]) for i, verdict in enumerate(shared)], len(left_out)


def run_command(folder: Path, table: str, rules: str) -> tuple[int, tuple[Finding, ...]]:
    """``datasanity check TABLE --rules RULES`` in a process of its own: exit status and findings.

    Raises
    ------
    CannotRead
        When the command says that it cannot use the table or the rules, with what it said.
    """
    from mltoolkit.quality import Finding

    command = [sys.executable, "-m", "mltoolkit.quality.cli", "check", table, "--rules", rules, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=60, check=False)
    if done.returncode not in (0, 1):
        raise CannotRead(f"datasanity check {table} --rules {rules}: {done.stderr.strip()}")
    rows = json.loads(done.stdout)["findings"]
    return done.returncode, tuple(
        Finding(**{**row, "rows": tuple(row["rows"]), "values": tuple(row.get("values", ()))}) for row in rows
    )


@dataclass(frozen=True)
class Score:
    """How findings and planted faults meet, counted in cells; a fault of the whole table counts as one."""

    found: int
    planted: int
    right: int
    named: int

    @property
    def recall(self) -> float:
        """Share of what was planted that is named."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """Share of what is named that was planted; 1 when nothing is named."""
        return self.right / self.named if self.named else 1.0


def score(findings: Sequence[Finding], messy: Messy) -> Score:
    """Hold findings against what was planted: by column and line, whichever rule it was that found them.

    Faults lie in so few rows each that a finding's first lines are all of its lines.
    """
    found = planted = 0
    for fault in messy.faults:
        mine = [finding for finding in findings if _meets(finding, fault.columns)]
        if fault.lines:
            planted += len(fault.lines)
            found += len(set(fault.lines) & {line for finding in mine for line in finding.rows})
        else:
            planted += 1
            found += bool(mine)
    right = named = 0
    for finding in findings:
        faults = [fault for fault in messy.faults if _meets(finding, fault.columns)]
        if finding.rows:
            named += finding.count
            right += len(set(finding.rows) & {line for fault in faults for line in (*fault.lines, *fault.partners)})
        else:
            named += 1
            right += bool(faults)
    return Score(found, planted, right, named)


def add(scores: Iterable[Score]) -> Score:
    """Several tables as one."""
    rows = [(s.found, s.planted, s.right, s.named) for s in scores]
    return Score(*(sum(column) for column in zip(*rows, strict=True)))


def _meets(finding: Finding, columns: tuple[str, ...]) -> bool:
    """Whether a finding is about one of the columns; a finding about the table meets a fault of the table."""
    if finding.column is None:
        return not columns
    return bool(set(finding.column.split(", ")) & set(columns))


def _second(result: Any) -> Second:
    trouble = result.exception_info or {}
    for details in (trouble, *(value for value in trouble.values() if isinstance(value, dict))):
        if details.get("raised_exception"):
            return Second(False, fault=str(details.get("exception_message")))
    details = result.result
    observed = details.get("observed_value")
    return Second(
        bool(result.success),
        details.get("unexpected_count"),
        tuple(sorted(int(row) + 1 + _HEADER_LINES for row in details.get("unexpected_index_list") or ())),
        float(observed) if isinstance(observed, int | float) else None,
    )


@contextmanager
def _great_expectations() -> Iterator[Any]:
    """The library, told to send nothing anywhere and to keep its warnings about its own insides to itself."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import great_expectations
        except ImportError:
            raise MissingExtra("great-expectations", "quality") from None
        yield great_expectations
