"""Let a database judge: rules over typed columns become one aggregate query, through Ibis.

The query says of each rule how many rows it considered and how many break it. A rule that no row breaks has its
verdict; one that some row breaks, or that has no such form (an expression that only Python can read, a number in a
column of texts), is judged by streaming the columns that it needs, which also finds the rows. So a query can spare
work, and can change no verdict.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mltoolkit.quality.databases import DatabaseSource
from mltoolkit.quality.meanings import MISSING
from mltoolkit.quality.rules.arguments import comparable
from mltoolkit.quality.rules.distribution import judged
from mltoolkit.quality.rules.expressions import rewritten
from mltoolkit.quality.rules.rowwise import strictness, within
from mltoolkit.quality.rules.suite import Rule, Suite
from mltoolkit.quality.rules.verdicts import Verdict

_MOMENTS = ("mean", "sum", "min", "max")


def judge_by_query(source: DatabaseSource, suite: Suite) -> tuple[dict[int, Verdict], int | None]:
    """The verdicts that one query gives, by the rule's place in the suite, and the number of rows.

    Nothing is given where Ibis is missing or the database cannot carry out the query: streaming does it all.
    """
    table = source.relation()
    if table is None:
        return {}, None
    questions: dict[str, Any] = {"rows": table.count()}
    for i, rule in enumerate(suite.rules):
        if rule.columns and set(rule.columns) <= set(source.header):
            questions |= {f"{key}_{i}": value for key, value in _questions(table, rule).items()}
    if len(questions) == 1:
        return {}, None
    answers = source.answer(table.aggregate(**questions))
    if answers is None:
        return {}, None
    verdicts = {}
    for i, rule in enumerate(suite.rules):
        verdict = _verdict(rule, {key: answers.get(f"{key}_{i}") for key in ("present", "wrong", "odd", "value")})
        if verdict is not None and verdict.passed:
            verdicts[i] = verdict
    return verdicts, int(answers["rows"])


def _verdict(rule: Rule, answers: Mapping[str, Any]) -> Verdict | None:
    if answers["present"] is None or answers["odd"]:
        return None
    present, wrong, value = int(answers["present"]), answers["wrong"], answers["value"]
    if rule.kind.by_row:
        return Verdict(rule, True, 0, present) if not wrong else None
    if value is None:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    bounds = {key: comparable(rule.arguments.get(key)) for key in ("min_value", "max_value")}
    if any(isinstance(bound, datetime.datetime) for bound in bounds.values()):
        value = comparable(value)
    right = bool(within(value, bounds["min_value"], bounds["max_value"], *strictness(rule.arguments)))
    return judged(rule, value, present, right)


def _questions(table: Any, rule: Rule) -> dict[str, Any]:
    """What to ask for a rule: rows considered, rows wrong (or a value), and rows that are not of the column's type."""
    make = _MAKERS.get(rule.rule) or (_moment if rule.rule.startswith("column_") and not rule.kind.by_row else None)
    columns = [table[name] for name in rule.columns]
    if make is None or any(_family(column) is None for column in columns):
        return {}
    asked: dict[str, Any] = make(columns, rule.arguments, rule.rule)
    if asked and _is_sqlite(columns[0]):
        asked["odd"] = sum((_odd(column) for column in columns[1:]), _odd(columns[0]))
    return asked


def _family(column: Any) -> str | None:
    """What is told apart of a column's type: number, text, date; None for what is left to streaming."""
    kind = column.type()
    if kind.is_integer() or kind.is_floating():
        return "number"
    if kind.is_string():
        return "text"
    return "date" if kind.is_date() or (kind.is_timestamp() and kind.timezone is None) else None


def _odd(column: Any) -> Any:
    """Rows whose value is of another type than the column's, which SQLite allows."""
    wanted = {"number": ["integer", "real", "null"], "text": ["text", "null"]}.get(_family(column) or "", ["null"])
    return column.typeof().notin(wanted).sum()


def _is_sqlite(column: Any) -> bool:
    backends, _ = column._find_backends()
    return any(backend.name == "sqlite" for backend in backends)


def _missing(column: Any) -> Any:
    if column.type().is_floating() and not _is_sqlite(column):
        return column.isnull() | column.isnan()
    if _family(column) == "text":
        return column.isnull() | column.strip().lower().isin(sorted(MISSING))
    return column.isnull()


def _rows(column: Any, right: Any) -> dict[str, Any]:
    present = ~_missing(column)
    return {"present": present.sum(), "wrong": (present & ~right).sum()}


def _not_null(columns: list[Any], _: Mapping[str, Any], __: str) -> dict[str, Any]:
    return {"present": columns[0].count() + columns[0].isnull().sum(), "wrong": _missing(columns[0]).sum()}


def _between(columns: list[Any], arguments: Mapping[str, Any], _: str) -> dict[str, Any]:
    column = columns[0]
    bounds = [comparable(arguments.get(key)) for key in ("min_value", "max_value")]
    wanted = "date" if any(isinstance(bound, datetime.datetime) for bound in bounds) else "number"
    if _family(column) != wanted or any(isinstance(bound, str) for bound in bounds):
        return {}
    return _rows(column, _inside(column, bounds[0], bounds[1], strictness(arguments)))


def _inside(value: Any, low: Any, high: Any, strict: tuple[bool, bool]) -> Any:
    right = True
    if low is not None:
        right = (value > low) if strict[0] else (value >= low)
    if high is not None:
        right = right & ((value < high) if strict[1] else (value <= high))
    return right


def _in_set(columns: list[Any], arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    values = arguments["value_set"]
    texts = all(isinstance(value, str) for value in values)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not (texts and _family(columns[0]) == "text") and not (numbers and _family(columns[0]) == "number"):
        return {}
    inside = columns[0].isin(list(values))
    return _rows(columns[0], ~inside if "_not_" in name else inside)


def _lengths(columns: list[Any], arguments: Mapping[str, Any], _: str) -> dict[str, Any]:
    if _family(columns[0]) != "text":
        return {}
    length = columns[0].length()
    if "value" in arguments:
        return _rows(columns[0], length == arguments["value"])
    low, high = arguments.get("min_value"), arguments.get("max_value")
    return _rows(columns[0], _inside(length, low, high, strictness(arguments)))


def _regex(columns: list[Any], arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An expression that RE2 reads as Python does; SQLite is given Python's own engine by Ibis."""
    expression = arguments["regex"] if _is_sqlite(columns[0]) else rewritten(arguments["regex"])
    if _family(columns[0]) != "text" or expression is None:
        return {}
    found = columns[0].re_search(expression)
    return _rows(columns[0], ~found if "_not_" in name else found)


def _unique(columns: list[Any], _: Mapping[str, Any], __: str) -> dict[str, Any]:
    present = ~_missing(columns[0])
    if _family(columns[0]) == "text":
        return {}  # whether 1 is 1.0 depends on all the others
    count = present.sum()
    return {"present": count, "wrong": count - columns[0].nunique(where=present)}


def _pair(columns: list[Any], arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    a, b = columns
    if {_family(a), _family(b)} not in ({"number"}, {"date"}):
        return {}
    gaps = arguments.get("ignore_row_if", "both_values_are_missing")
    if gaps != "either_value_is_missing":
        return {}  # a comparison with no value is unknown in SQL, and wrong here
    ordered = a >= b if arguments.get("or_equal") else a > b
    right = a == b if name.endswith("equal") else ordered
    present = ~_missing(a) & ~_missing(b)
    return {"present": present.sum(), "wrong": (present & ~right).sum()}


def _moment(columns: list[Any], arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The mean, sum, least or largest number, or the largest or least date."""
    what = name.removeprefix("column_").removesuffix("_to_be_between")
    column = columns[0]
    bounds = [arguments.get(key) for key in ("min_value", "max_value")]
    dated = any(isinstance(bound, datetime.date) for bound in bounds)
    if what not in _MOMENTS or any(isinstance(bound, str) for bound in bounds):
        return {}
    if _family(column) != ("date" if dated else "number"):
        return {}
    present = ~_missing(column)
    return {"present": present.sum(), "value": getattr(column, what)(where=present)}


_MAKERS: dict[str, Callable[[list[Any], Mapping[str, Any], str], dict[str, Any]]] = {
    "column_values_to_not_be_null": _not_null,
    "column_values_to_be_between": _between,
    "column_values_to_be_in_set": _in_set,
    "column_values_to_not_be_in_set": _in_set,
    "column_value_lengths_to_be_between": _lengths,
    "column_value_lengths_to_equal": _lengths,
    "column_values_to_match_regex": _regex,
    "column_values_to_not_match_regex": _regex,
    "column_values_to_be_unique": _unique,
    "column_pair_values_a_to_be_greater_than_b": _pair,
    "column_pair_values_to_be_equal": _pair,
}
