"""One suite of rules, two engines: what datasanity finds, and what Great Expectations makes of the same rules.

A verdict belongs to a rule's name and its columns. Two rules of one name on the same columns share one: it is
good when both are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiftytwo.weeks.w04_validation.orders import Messy
from mltoolkit.errors import MissingExtra
from mltoolkit.quality import Finding

if TYPE_CHECKING:
    from mltoolkit.quality import Suite

Key = tuple[str, str]  # a rule's name and its columns, joined by a comma; no columns for a rule of the table
_HEADER_LINES = 1


@dataclass(frozen=True)
class Verdict:
    """What an engine says about a rule: how many rows are wrong, and the first lines; 1 and none for the table."""

    good: bool
    count: int = 0
    lines: tuple[int, ...] = ()
    observed: float | None = None


def key_of(finding: Finding) -> Key:
    """The rule and the columns that a finding is about."""
    return finding.rule, finding.column or ""


def verdicts_of(suite: Suite, findings: Iterable[Finding]) -> dict[Key, Verdict]:
    """What the findings say about each rule of a suite."""
    found = {key_of(finding): Verdict(False, finding.count, finding.rows) for finding in findings}
    return {key: found.get(key, Verdict(True)) for key in keys_of(suite)}


def keys_of(suite: Suite) -> list[Key]:
    """The rules of a suite, each once."""
    return list(dict.fromkeys((rule.rule, rule.subject or "") for rule in suite.rules))


def by_great_expectations(path: Path, suite: Suite) -> dict[Key, Verdict]:
    """Run what a suite shares with Great Expectations on a CSV file, in memory and without any network.

    Raises
    ------
    MissingExtra
        When Great Expectations is not installed.
    """
    frame = pd.read_csv(path)
    with _great_expectations() as gx:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset = context.data_sources.add_pandas("files").add_dataframe_asset(path.stem)
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
        export = suite.to_gx()
        results = batch.validate(gx.ExpectationSuite(**export), result_format="COMPLETE").results
    verdicts: dict[Key, Verdict] = {}
    for result in results:
        config = result.expectation_config
        key = config.type.removeprefix("expect_"), _subject(config.kwargs)
        verdict = _verdict(result)
        if key not in verdicts or verdicts[key].good:
            verdicts[key] = verdict
    return verdicts


def run_command(folder: Path, table: str, rules: str = "rules.toml") -> tuple[int, list[dict[str, Any]]]:
    """``datasanity check TABLE --rules RULES --json`` in a process of its own: exit status and findings."""
    command = [sys.executable, "-m", "mltoolkit.quality.cli", "check", table, "--rules", rules, "--json"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    try:
        return done.returncode, json.loads(done.stdout)["findings"]
    except (json.JSONDecodeError, KeyError):
        return done.returncode, []


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


def _subject(arguments: Mapping[str, Any]) -> str:
    if "column_A" in arguments:
        return f"{arguments['column_A']}, {arguments['column_B']}"
    if "column" in arguments:
        return str(arguments["column"])
    return ", ".join(arguments.get("column_list", ())) if "sum_total" in arguments else ""


def _verdict(result: Any) -> Verdict:
    details = result.result
    if result.success:
        return Verdict(True, observed=_number(details.get("observed_value")))
    rows = sorted(details.get("unexpected_index_list") or ())
    lines = tuple(int(row) + 1 + _HEADER_LINES for row in rows)
    return Verdict(False, int(details.get("unexpected_count", 1)), lines, _number(details.get("observed_value")))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


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
