"""Evaluate a suite in one pass: every batch is read once, every column of it once, whatever rules ask for it.

A second scan, of the columns concerned alone, follows only where values repeat that should not (to say which
rows) or where a column of texts turned out to hold numbers too (to tell ``1`` from ``1.0``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.databases import DatabaseSource
from mltoolkit.quality.findings import SEVERITIES, Finding
from mltoolkit.quality.rules import distribution as whole
from mltoolkit.quality.rules import values
from mltoolkit.quality.rules.foreign import foreign_key
from mltoolkit.quality.rules.loading import load_rules, nearest_name
from mltoolkit.quality.rules.rowwise import Judge, judge_of
from mltoolkit.quality.rules.suite import Rule, Suite
from mltoolkit.quality.rules.tables import judge_table
from mltoolkit.quality.rules.uniqueness import Distinct, Unique
from mltoolkit.quality.rules.verdicts import Evaluator, Offenders, Rescan, Verdict, Views, holds_mostly
from mltoolkit.quality.rules.views import ColumnView
from mltoolkit.quality.rules.wording import about_rows
from mltoolkit.quality.source import Source, open_source


class _ByRow:
    """A rule that judges row by row."""

    def __init__(self, rule: Rule, judge: Judge) -> None:
        self.rule = rule
        self._judge = judge
        self._wrong = self._considered = 0
        self._offenders = Offenders(rule.columns)

    def update(self, views: Views, lines: NDArray[np.int64]) -> None:
        """Count the wrong rows of a batch and keep the first."""
        considered, wrong = self._judge(views)
        self._considered += considered
        if wrong is not None:
            self._wrong += int(np.count_nonzero(wrong))
            self._offenders.add(views, lines, wrong)

    def verdict(self, _: int, __: Rescan) -> Verdict:
        """Judge by the share of wrong rows."""
        offenders = self._offenders
        passed = holds_mostly(self._wrong, self._considered, self.rule.mostly)
        message = "" if passed else about_rows(self.rule, self._wrong, self._considered, offenders.values)
        rows_and_values = tuple(offenders.rows), tuple(offenders.values)
        return Verdict(self.rule, passed, self._wrong, self._considered, None, message, *rows_and_values)


class _Shared:
    """What rules gather together: the moments and the distinct values of a column."""

    def __init__(self) -> None:
        self.moments: dict[str, whole.Moments] = {}
        self.distinct: dict[tuple[tuple[str, ...], str], Distinct] = {}

    def moments_of(self, column: str) -> whole.Moments:
        """The moments of a column."""
        return self.moments.setdefault(column, whole.Moments(column))

    def distinct_of(self, columns: Sequence[str], gaps: str = "any_value_is_missing") -> Distinct:
        """The keys of some columns together."""
        return self.distinct.setdefault((tuple(columns), gaps), Distinct(columns, gaps))

    def update(self, views: Views, lines: NDArray[np.int64]) -> None:
        """Take in a batch."""
        for moments in self.moments.values():
            moments.update(views, lines)
        for distinct in self.distinct.values():
            distinct.update(views, lines)

    def close(self) -> None:
        """Remove temporary files."""
        for distinct in self.distinct.values():
            distinct.store.close()
        for moments in self.moments.values():
            if moments.kept is not None:
                moments.kept.close()


def _evaluator(rule: Rule, shared: _Shared, folder: Path | None) -> Evaluator:
    name, column = rule.rule, rule.columns[0]
    if name == "column_values_to_be_unique":
        return Unique(rule, shared.distinct_of(rule.columns))
    if name == "compound_columns_to_be_unique":
        return Unique(
            rule, shared.distinct_of(rule.columns, rule.arguments.get("ignore_row_if", "all_values_are_missing"))
        )
    if name == "column_values_to_exist_in_file":
        return _ByRow(rule, foreign_key(rule, folder))
    if rule.kind.by_row:
        return _ByRow(rule, judge_of(rule))
    if name in ("column_min_to_be_between", "column_max_to_be_between"):
        return whole.Extreme(rule)
    if name in ("column_unique_value_count_to_be_between", "column_proportion_of_unique_values_to_be_between"):
        return whole.DistinctCount(rule, shared.distinct_of([column]))
    if name == "column_proportion_of_non_null_values_to_be_between":
        return whole.Present(rule)
    if name.startswith("column_distinct_values_to"):
        return values.DistinctSet(rule, shared.distinct_of([column]))
    if name == "column_most_common_value_to_be_in_set":
        return values.MostCommon(rule, shared.distinct_of([column]))
    if name == "column_kl_divergence_to_be_less_than":
        by_value = "values" in rule.arguments["partition_object"]
        return values.Divergence(rule, shared.distinct_of([column]) if by_value else None)
    if name == "column_quantile_values_to_be_between":
        return whole.Quantiles(rule, shared.moments_of(column))
    return whole.Moment(rule, shared.moments_of(column))


class _Scanner:
    """Batches of a source as views; remembers which columns are worth splitting into distinct texts."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._split: dict[str, bool] = {}

    def scan(self, columns: Sequence[str]) -> Iterator[tuple[Views, NDArray[np.int64]]]:
        """All batches of some columns."""
        names = list(dict.fromkeys(columns))
        views: dict[str, ColumnView] = {}
        for batch in self._source.encoded_batches(names):
            views = {
                name: ColumnView(batch.data.column(i), split=self._split.get(name, True), previous=views.get(name))
                for i, name in enumerate(names)
            }
            for name, view in views.items():
                if view.kind == "text" and name not in self._split:
                    self._split[name] = view.worth_splitting
            yield views, batch.lines

    def count(self) -> int:
        """The number of rows, when no column is asked for."""
        if self._source.rows is not None:
            return self._source.rows
        return sum(len(batch.lines) for batch in self._source.batches([0] if self._source.header else []))


def validate(source: Any, rules: Suite | Path | str) -> tuple[Verdict, ...]:
    """Judge a table by every rule of a suite.

    Parameters
    ----------
    source : path, "-", DataFrame, database URL, or Source
    rules : Suite, path of a rules file, or its text

    Returns
    -------
    tuple of Verdict
        One for each rule, in the suite's order, whether it holds or not.

    Raises
    ------
    CannotRead
        When the table, the rules file or a file that a foreign key names cannot be read.
    BadInput
        When something in the rules file is wrong.

    Examples
    --------
    >>> import pandas as pd
    >>> rules = '[[rule]]\\nrule = "column_values_to_be_between"\\ncolumn = "age"\\nmin_value = 0'
    >>> [(v.passed, v.count, v.rows) for v in validate(pd.DataFrame({"age": [31, -4, None]}), rules)]
    [(False, 1, (2,))]
    """
    suite = rules if isinstance(rules, Suite) else load_rules(rules)
    return evaluate(open_source(source), suite)[0]


def evaluate(opened: Source, suite: Suite) -> tuple[tuple[Verdict, ...], int]:
    """The verdicts of a suite on an opened source, and the number of its rows."""
    found, counted = _asked(opened, suite)
    evaluators: dict[int, Evaluator] = {}
    shared = _Shared()
    with ExitStack() as stack:
        stack.callback(shared.close)
        for i, rule in enumerate(suite.rules):
            about_table = rule.kind.family in ("rows", "columns")
            if i not in found and not about_table and set(rule.columns) <= set(opened.header):
                evaluators[i] = _evaluator(rule, shared, suite.folder)
        scanner = _Scanner(opened)
        scanned = bool(evaluators) or counted is None
        rows = _run(scanner, list(evaluators.values()), shared) if scanned else counted or 0
        for i, evaluator in evaluators.items():
            found[i] = evaluator.verdict(rows, scanner.scan)
    for i, rule in enumerate(suite.rules):
        if rule.kind.family in ("rows", "columns"):
            found[i] = judge_table(rule, opened.header, rows)
        elif i not in found:
            found[i] = _without_column(rule, opened, rows)
    return tuple(found[i] for i in range(len(suite.rules))), rows


def _asked(source: Source, suite: Suite) -> tuple[dict[int, Verdict], int | None]:
    """What a database answers by itself, and its number of rows."""
    if not isinstance(source, DatabaseSource):
        return {}, None
    from mltoolkit.quality.rules.pushdown import judge_by_query

    return judge_by_query(source, suite)


def _run(scanner: _Scanner, evaluators: list[Evaluator], shared: _Shared) -> int:
    """The one pass; how many rows there were."""
    columns = [name for evaluator in evaluators for name in evaluator.rule.columns]
    if not columns:
        return scanner.count()
    rows = 0
    for views, lines in scanner.scan(columns):
        rows += len(lines)
        shared.update(views, lines)
        for evaluator in evaluators:
            evaluator.update(views, lines)
    return rows


def _without_column(rule: Rule, source: Source, rows: int) -> Verdict:
    """A column that is not there breaks its rule: the file may have lost it, or the rule may have misspelt it."""
    parts = []
    for name in (name for name in rule.columns if name not in source.header):
        near = nearest_name(name, source.header)
        parts.append(f"there is no column {name!r}" + (f"; the nearest is {near!r}" if near else ""))
    where = f" (line {rule.line} of the rules)" if rule.line else ""
    return Verdict(rule, False, rows, rows, None, "; ".join(parts) + where)


def findings_of(verdicts: Sequence[Verdict]) -> tuple[Finding, ...]:
    """The rules that do not hold, as findings: errors first, then in the suite's order."""
    return tuple(sorted(map(_finding, (v for v in verdicts if not v.passed)), key=_rank))


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _finding(verdict: Verdict) -> Finding:
    rule = verdict.rule
    share = verdict.count / verdict.considered if verdict.considered else 1.0
    return Finding(
        rule=rule.rule,
        column=rule.subject,
        severity=rule.severity,
        count=verdict.count,
        share=share,
        message=verdict.message,
        rows=verdict.rows,
        values=verdict.values,
        name=rule.name,
        note=rule.note,
    )
