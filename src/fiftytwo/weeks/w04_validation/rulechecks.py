"""Checks of the rules: held against planted faults kind by kind, all at once, and against a second engine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fiftytwo.evidence import Check, Measurement
from fiftytwo.sandbox.remote import LearnerError
from fiftytwo.weeks.w04_validation.orders import KINDS, Messy, clean_orders, customers, planted
from fiftytwo.weeks.w04_validation.suites import Score, add, score, side_by_side
from mltoolkit.errors import ToolkitError

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from fiftytwo.weeks.w04_validation.suites import Beside
    from mltoolkit.quality import Finding, Suite

_SENTENCES = 15  # of the contract
_MONTHS = 3  # whose faults lie elsewhere: rules that only fit one file are no rules
_CALL = "datasanity check orders.csv --rules rules.toml"

_HINTS = {
    "missing value": ("email", "column_values_to_not_be_null"),
    "unknown customer": ("customer_id", "column_values_to_exist_in_file, with file and key"),
    "unknown category": ("status", "column_values_to_be_in_set: a text is in it letter by letter"),
    "wrong pair": ("country and currency", "column_pair_values_to_be_in_set, with the five pairs that belong together"),
    "wrong format": ("postcode", "column_values_to_match_regex, from ^ to $: without them it may match a part"),
    "broken encoding": ("city", "column_values_to_be_in_set with the names, or not_match_regex on what is broken"),
    "cut off": ("sku", "column_value_lengths_to_equal"),
    "number in words": ("quantity", "column_values_to_match_regex: digits alone"),
    "out of range": ("unit_price", "column_values_to_be_between, with both ends"),
    "wrong unit": ("weight_kg", "column_values_to_be_between: a kilogram of coffee in grams is far outside"),
    "wrong order of dates": ("shipped_on", "column_pair_values_a_to_be_greater_than_b, A later, or_equal = true"),
    "impossible date": ("invoiced_on", "column_values_to_match_strftime_format: not every 31st exists"),
    "sent twice": ("order_id", "column_values_to_be_unique"),
    "rows lost": ("the table", "table_row_count_to_be_between"),
    "distribution shift": ("channel", "column_kl_divergence_to_be_less_than, with partition_object and threshold"),
}  # fmt: skip


@dataclass(frozen=True)
class _Desk:
    """A folder with the rules and the other file, in which tables are checked."""

    folder: Path
    suite: Suite

    def check(self, frame: pd.DataFrame) -> tuple[Finding, ...]:
        from mltoolkit.quality import check

        found: tuple[Finding, ...] = check(self.file(frame), rules=self.suite)
        return found

    def file(self, frame: pd.DataFrame, name: str = "orders.csv") -> Path:
        """A table as the command would be given it."""
        path = self.folder / name
        frame.to_csv(path, index=False)
        return path


@contextmanager
def _desk(lab: Lab) -> Iterator[_Desk]:
    from mltoolkit.quality import load_rules

    text = lab.solution.text("rules.toml")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.toml"
        path.write_text(text, "utf-8")
        customers().to_csv(Path(folder) / "customers.csv", index=False)
        try:
            suite = load_rules(path)
        except ToolkitError as error:  # what the learner wrote is at fault, and the message has its line
            raise LearnerError(str(error).replace(f"{folder}/", ""), "Rejected") from None
        yield _Desk(Path(folder), suite)


def rule_checks(lab: Lab) -> Iterator[Check]:
    """From a file that can be read to one that names every planted fault and nothing else."""

    def readable() -> Measurement:
        with _desk(lab) as desk:
            return Measurement(len(desk.suite), call="load_rules('rules.toml')", got=f"{len(desk.suite)} rules")

    yield Check("rules.toml can be read", readable, at_least=_SENTENCES, unit="rules",
                why="Each sentence of the contract becomes a rule that a machine can check.",
                hint=("Fifteen sentences, fifteen tables that begin with [[rule]].",
                      "datasanity check FILE --rules rules.toml names every fault with its line."))  # fmt: skip

    def silent() -> Measurement:
        months = [clean_orders(np.random.default_rng([lab.seed, month])) for month in range(_MONTHS)]
        with _desk(lab) as desk:
            findings = [finding for month in months for finding in desk.check(month)]
        said = f"{findings[0].column or 'the table'}: {findings[0].message}" if findings else "nothing found"
        return Measurement(len(findings), call=_CALL, got=said, expected="nothing found")

    yield Check("clean months pass", silent, equals=0,
                why="A rule that cries out at good data is switched off within a week, and finds nothing then.",
                hint=("What is allowed is allowed: are the ends of a range, or the same day, within your rule?",
                      "or_equal = true; min_value and max_value are within the range."))  # fmt: skip
    for kind in KINDS:
        yield Check(f"finds: {kind}", lambda kind=kind: _finds(lab, kind), at_least=1.0,  # type: ignore[misc]
                    why=f"One sentence of the contract is about {_HINTS[kind][0]}, and this fault breaks it.",
                    hint=(f"Which of your rules looks at {_HINTS[kind][0]}?", _HINTS[kind][1]))  # fmt: skip
    yield from _together(lab)


def _finds(lab: Lab, kind: str) -> Measurement:
    """Recall of one kind of fault, planted alone."""
    rng = np.random.default_rng([lab.seed, KINDS.index(kind)])
    messy = planted(clean_orders(rng), rng, [kind])
    fault = messy.faults[0]
    with _desk(lab) as desk:
        findings = desk.check(messy.frame)
    named = sorted({line for finding in findings for line in finding.rows})
    wanted = f"lines {', '.join(map(str, fault.lines))}" if fault.lines else "a finding about the whole"
    got = f"lines {', '.join(map(str, named))}" if named else f"{len(findings)} findings about the whole"
    return Measurement(score(findings, messy).recall, call=_CALL, got=got, expected=wanted)


def _months(lab: Lab) -> list[Messy]:
    generators = [np.random.default_rng([lab.seed, 100 + month]) for month in range(_MONTHS)]
    return [planted(clean_orders(rng), rng) for rng in generators]


def _scores(lab: Lab) -> Score:
    with _desk(lab) as desk:
        return add(score(desk.check(month.frame), month) for month in _months(lab))


def _together(lab: Lab) -> Iterator[Check]:
    def recall() -> Measurement:
        total = _scores(lab)
        return Measurement(total.recall, call=_CALL, got=f"{total.found} found", expected=f"{total.planted} planted")

    yield Check("planted faults found", recall, at_least=1.0,
                why="All faults at once, in three other months: none hides another.",
                hint=("Every kind has a check of its own above.",))  # fmt: skip

    def precision() -> Measurement:
        total = _scores(lab)
        return Measurement(total.precision, call=_CALL, got=f"{total.right} of {total.named} named were planted")

    yield Check("what is named was planted", precision, at_least=0.95,
                why="Each false alarm costs somebody an hour, and the next true one its credit.",
                hint=("Check the messy table and look at the first lines of each finding.",))  # fmt: skip

    def commanded() -> Measurement:
        from click.testing import CliRunner

        from mltoolkit.quality.cli import cli

        with _desk(lab) as desk:
            tables = [
                desk.file(clean_orders(np.random.default_rng([lab.seed, 0])), "clean.csv"),
                desk.file(_months(lab)[0].frame, "messy.csv"),
            ]
            rules = ["--rules", str(desk.folder / "rules.toml")]
            ended = [CliRunner().invoke(cli, ["check", str(table), *rules]).exit_code for table in tables]
        got = f"exit status {ended[0]} for a clean month, {ended[1]} for a messy one"
        return Measurement(float(ended == [0, 1]), call=_CALL, got=got, expected="0 and 1")

    yield Check("the command's exit status", commanded, equals=True,
                why="A pipeline stops on an exit status; nobody reads its output at night.",
                hint=("Try it: datasanity check FILE --rules rules.toml; echo $?",))  # fmt: skip

    def agreed() -> Measurement:
        month = _months(lab)[0]
        clean = clean_orders(np.random.default_rng([lab.seed, 0]))
        with _desk(lab) as desk:
            tables = [desk.file(clean, "clean.csv"), desk.file(month.frame, "messy.csv")]
            judged = [rule for table in tables for rule in side_by_side(table, desk.suite)[0]]
        apart = [rule for rule in judged if not rule.agree]
        return Measurement(len(apart), call=_CALL, got=_described(apart), expected=f"{len(judged)} verdicts alike")

    yield Check("Great Expectations agrees", agreed, equals=0, unit="verdicts apart",
                why="Two engines that share no code and give one verdict: the rule says what it seems to say.",
                hint=("A rule about numbers on a column with texts in it cannot be judged there.",))  # fmt: skip


def _described(apart: Sequence[Beside]) -> str:
    if not apart:
        return "all verdicts alike"
    ours, theirs = apart[0].ours, apart[0].theirs
    said = theirs.fault or ("holds" if theirs.passed else f"broken in {theirs.count} rows")
    mine = "holds" if ours.passed else f"broken in {ours.count} rows"
    return f"{ours.rule.rule} on {ours.rule.subject or 'the table'}: here {mine}, there {said}"
