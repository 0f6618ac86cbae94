"""Rules about the table as a whole: its columns and the number of its rows."""

from __future__ import annotations

from collections.abc import Sequence

from mltoolkit.quality.findings import counted
from mltoolkit.quality.rules.distribution import judged
from mltoolkit.quality.rules.loading import nearest_name
from mltoolkit.quality.rules.rowwise import strictness, within
from mltoolkit.quality.rules.suite import Rule
from mltoolkit.quality.rules.verdicts import Verdict
from mltoolkit.quality.rules.wording import listing


def judge_table(rule: Rule, header: Sequence[str], rows: int) -> Verdict:
    """The verdict of a rule about the table."""
    arguments = rule.arguments
    if rule.rule.startswith(("table_row_count", "table_column_count")):
        observed = rows if "row_count" in rule.rule else len(header)
        if "value" in arguments:
            return judged(rule, observed, rows, observed == arguments["value"])
        low, high = arguments.get("min_value"), arguments.get("max_value")
        return judged(rule, observed, rows, bool(within(observed, low, high, *strictness(arguments))))
    if rule.rule == "column_to_exist":
        return _exists(rule, header, rows)
    if rule.rule == "table_columns_to_match_ordered_list":
        return judged(rule, list(header), rows, list(header) == list(arguments["column_list"]), _order(rule, header))
    wrong = _differences(arguments["column_set"], header, exact=arguments.get("exact_match", True))
    return judged(rule, list(header), rows, not wrong, "; ".join(wrong))


def _exists(rule: Rule, header: Sequence[str], rows: int) -> Verdict:
    name, index = rule.arguments["column"], rule.arguments.get("column_index")
    if name not in header:
        near = nearest_name(name, header)
        message = "there is no such column" + (f"; the nearest is {near!r}" if near else "")
        return judged(rule, None, rows, False, message)
    place = list(header).index(name)
    return judged(rule, place, rows, index is None or place == index, f"is column {place}, from 0, and not {index}")


def _order(rule: Rule, header: Sequence[str]) -> str:
    expected = list(rule.arguments["column_list"])
    wrong = _differences(expected, header, exact=True)
    if wrong:
        return "; ".join(wrong)
    place = next((i for i, (a, b) in enumerate(zip(expected, header, strict=False)) if a != b), None)
    if place is None:
        return f"there are {counted(len(header), 'column')} and not {len(expected)}"
    return f"column {place + 1} is {header[place]!r} where {expected[place]!r} was expected"


def _differences(expected: Sequence[str], header: Sequence[str], *, exact: bool) -> list[str]:
    absent = [name for name in expected if name not in header]
    extra = [name for name in header if name not in expected]
    wrong = []
    if absent:
        wrong.append(f"{'columns are' if len(absent) > 1 else 'a column is'} missing: {listing(absent)}")
    if extra and exact:
        wrong.append(f"{'columns are' if len(extra) > 1 else 'a column is'} not expected: {listing(extra)}")
    return wrong
