"""What a finding says: the rule in plain words, with the figures."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from mltoolkit.quality.findings import counted, number, percent
from mltoolkit.quality.rules.suite import Rule

_LONGEST = 60
_LISTED = 4
_TABLE_WIDE = {
    "column_min": "the smallest value",
    "column_max": "the largest value",
    "column_mean": "the mean",
    "column_median": "the median",
    "column_stdev": "the standard deviation",
    "column_sum": "the sum",
    "column_unique_value_count": "the number of different values",
    "column_proportion_of_unique_values": "the share of different values",
    "column_proportion_of_non_null_values": "the share of rows with a value",
    "table_row_count": "the number of rows",
    "table_column_count": "the number of columns",
}


def about_rows(rule: Rule, count: int, considered: int, values: Sequence[str]) -> str:
    """The message of a rule that judges rows."""
    one = len(rule.columns) == 1
    noun = "cell" if "null" in rule.rule else "value" if one else "row"
    message = f"{counted(count, noun, _fault(rule))} ({percent(count, considered)})"
    if values and noun != "cell":
        message += f", such as {shown(values[0])}"
    if rule.mostly < 1.0:
        message += f"; {100 * (1.0 - rule.mostly):.3g}% are allowed"
    return message


def about_whole(rule: Rule, observed: Any) -> str:
    """The message of a rule that judges one observed value against bounds or one number."""
    name = next((text for start, text in _TABLE_WIDE.items() if rule.rule.startswith(start + "_to")), "the value")
    if observed is None:
        return f"{name} cannot be told: there is no value; expected {_bounds(rule.arguments)}"
    wanted = figure(rule.arguments["value"]) if "value" in rule.arguments else _bounds(rule.arguments)
    return f"{name} is {figure(observed)}; expected {wanted}"


def not_comparable(rule: Rule, count: int, values: Sequence[str]) -> str:
    """The message of a rule about a column's numbers or dates, some of whose values are none."""
    kind = "date" if _has_dates(rule.arguments) else "number"
    return f"{counted(count, 'value', f'is/are no {kind}')}, such as {shown(values[0])}"


def _has_dates(arguments: Mapping[str, Any]) -> bool:
    return any(isinstance(arguments.get(key), datetime.date | str) for key in ("min_value", "max_value"))


def _fault(rule: Rule) -> str:
    """What is wrong with a row, as a verb: ``is/are below 0``."""
    arguments = rule.arguments
    name = rule.rule
    if name.endswith("to_be_between"):
        what = "has/have a length outside" if "lengths" in name else "lies/lie outside"
        return f"{what} {_bounds(arguments)}"
    if name in ("column_values_to_be_of_type", "column_values_to_be_in_type_list"):
        types = arguments.get("type_list", [arguments.get("type_")])
        return f"is/are not of type {' or '.join(types)}"
    if "in_set" in name and "pair" not in name:
        listed = listing(arguments["value_set"])
        return f"is/are {'' if '_not_' in name else 'not '}one of {listed}"
    if name in _FAULTS:
        return _FAULTS[name].format(
            *rule.columns,
            **{key: value if isinstance(value, str) else figure(value) for key, value in arguments.items()},
        )
    return "breaks/break the rule"


_FAULTS = {
    "column_values_to_not_be_null": "is/are missing",
    "column_values_to_be_null": "is/are not empty",
    "column_values_to_be_unique": "comes/come more than once",
    "compound_columns_to_be_unique": "has/have the same values as another row",
    "select_column_values_to_be_unique_within_record": "holds/hold a value twice",
    "column_values_to_match_regex": "does/do not match {regex}",
    "column_values_to_not_match_regex": "matches/match {regex}",
    "column_values_to_match_regex_list": "does/do not match {regex_list}",
    "column_values_to_not_match_regex_list": "matches/match one of {regex_list}",
    "column_values_to_be_json_parseable": "is/are no JSON",
    "column_value_lengths_to_equal": "has/have a length other than {value}",
    "column_values_to_match_strftime_format": "is/are not written as {strftime_format}",
    "column_values_to_be_dateutil_parseable": "is/are no date",
    "column_values_to_be_increasing": "lies/lie below the one before",
    "column_values_to_be_decreasing": "lies/lie above the one before",
    "column_pair_values_a_to_be_greater_than_b": "has/have a {0} that is not above {1}",
    "column_pair_values_to_be_equal": "has/have a {0} that differs from {1}",
    "column_pair_values_to_be_in_set": "holds/hold a pair that is not listed",
    "multicolumn_sum_to_equal": "does/do not sum to {sum_total}",
    "column_values_to_exist_in_file": "does/do not come in column {key} of {file}",
}


def _bounds(arguments: Mapping[str, Any]) -> str:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    above = "above" if arguments.get("strict_min") else "at least"
    below = "below" if arguments.get("strict_max") else "at most"
    if low is None:
        return f"{below} {figure(high)}"
    if high is None:
        return f"{above} {figure(low)}"
    if arguments.get("strict_min") or arguments.get("strict_max"):
        return f"{above} {figure(low)} and {below} {figure(high)}"
    return f"{figure(low)} to {figure(high)}"


def figure(value: Any) -> str:
    """A value for a sentence."""
    if isinstance(value, bool | str):
        return shown(str(value))
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, datetime.date):
        return value.isoformat().removesuffix("T00:00:00")
    if isinstance(value, list | tuple):
        return listing(value)
    return shown(str(value))


def listing(values: Sequence[Any]) -> str:
    """The first values of a list."""
    few = values if len(values) <= _LISTED + 1 else values[:_LISTED]
    texts = ", ".join(shown(value, 30) if isinstance(value, str) else figure(value) for value in few)
    return texts + (f" and {len(values) - len(few)} others" if len(few) < len(values) else "")


def shown(text: str, longest: int = _LONGEST) -> str:
    """A text in quotes, not too long."""
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return f"'{text}'"
