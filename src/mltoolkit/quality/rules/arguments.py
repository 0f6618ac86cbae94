"""What an argument of a rule may be, and which arguments fit together."""

from __future__ import annotations

import datetime
import itertools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from mltoolkit.quality.rules.vocabulary import TYPE_NAMES, Argument, ArgumentKind, Kind

_PAIR_GAPS = ("both_values_are_missing", "either_value_is_missing", "neither")
_ROW_GAPS = ("all_values_are_missing", "any_value_is_missing", "never")
_WEIGHTS_SUM = 1e-6  # how far weights may be from one


def fault_of(argument: Argument, value: Any) -> str:
    """What was expected of an argument; empty when the value is right."""
    return _FAULTS[argument.kind](value)


def fault_between(kind: Kind, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """The key and the fault of arguments that are right alone but not together; empty when there is none."""
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if low is not None and high is not None:
        if bound_type(low) != bound_type(high):
            return (
                "max_value",
                f"is {bound_type(high)} where min_value is {bound_type(low)}: both have to be of one kind",
            )
        if comparable(low) > comparable(high):
            return "max_value", f"lies below min_value: nothing lies between {low} and {high}"
    if kind.domain == "pair" and arguments.get("column_A") == arguments.get("column_B"):
        return "column_B", "is the same column as column_A"
    if kind.domain == "columns" and len(set(arguments["column_list"])) < max(2, len(arguments["column_list"])):
        return "column_list", "expected two or more different columns"
    partition = arguments.get("partition_object")
    if partition is not None and "tail_weights" in partition and arguments.get("tail_weight_holdout"):
        return "tail_weight_holdout", "has to be 0 where the partition has tail_weights"
    if partition is not None and "values" in partition and arguments.get("internal_weight_holdout"):
        return "internal_weight_holdout", "is for partitions with bins, not with values"
    return "", ""


def bound_type(value: Any) -> str:
    """A bound's type in words."""
    if isinstance(value, datetime.date):
        return "a date"
    return "text" if isinstance(value, str) else "a number"


def comparable(value: Any) -> Any:
    """A bound that can be compared with another of its type: a day is its midnight, a zone is set to UTC."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time())
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | bool | datetime.date) or _is_number(value)


def _expect(what: str, test: Callable[[Any], bool]) -> Callable[[Any], str]:
    return lambda value: "" if test(value) else f"expected {what}"


def _list_of(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and len(value) > 0 and all(map(test, value))


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _names(value: Any) -> str:
    if not _list_of(lambda item: isinstance(item, str))(value):
        return "expected a list of column names"
    return ""


def _regex(value: Any) -> str:
    if not isinstance(value, str):
        return "expected a regular expression, as text"
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression ({error})"
    return ""


def _regexes(value: Any) -> str:
    if not _list_of(lambda item: isinstance(item, str))(value):
        return "expected a list of regular expressions"
    return next((fault for item in value if (fault := _regex(item))), "")


def _format(value: Any) -> str:
    if not isinstance(value, str) or "%" not in value:
        return "expected a date format such as '%Y-%m-%d'"
    moment = datetime.datetime(2001, 2, 3, 4, 5, 6)
    try:
        datetime.datetime.strptime(moment.strftime(value), value)
    except ValueError as error:
        return f"is no format that dates can be read by ({error})"
    return ""


def _type(value: Any) -> str:
    if isinstance(value, str) and value in TYPE_NAMES:
        return ""
    return "expected a type: int, float, bool, str, datetime64, or one of their sizes, such as int64"


def _types(value: Any) -> str:
    if not _list_of(lambda item: isinstance(item, str))(value):
        return "expected a list of types"
    return next((fault for item in value if (fault := _type(item))), "")


def _quantiles(value: Any) -> str:
    shape = "expected { quantiles = [0.5, ...], value_ranges = [[low, high], ...] }"
    if not isinstance(value, Mapping) or set(value) != {"quantiles", "value_ranges"}:
        return shape
    quantiles, ranges = value["quantiles"], value["value_ranges"]
    if not _list_of(_share)(quantiles) or not _list_of(_list_of(_is_number))(ranges):
        return f"{shape}, with quantiles between 0 and 1 and numbers as bounds (inf and -inf for none)"
    if len(quantiles) != len(ranges):
        return f"{shape}: {len(quantiles)} quantiles and {len(ranges)} ranges do not match"
    if any(len(pair) != 2 or pair[0] > pair[1] for pair in ranges):
        return f"{shape}: each range is two numbers, the lower first"
    return ""


def _partition(value: Any) -> str:
    shape = "expected { values = [...], weights = [...] } or { bins = [...], weights = [...] }"
    if not isinstance(value, Mapping) or "weights" not in value or ("bins" in value) == ("values" in value):
        return shape
    weights = value["weights"]
    if set(value) - {"bins", "values", "weights", "tail_weights"} or not _list_of(_share)(weights):
        return f"{shape}; weights lie between 0 and 1"
    if "values" in value:
        items = value["values"]
        if "tail_weights" in value or not _list_of(_is_scalar)(items) or len(items) != len(weights):
            return f"{shape}: as many values as weights, and no tail_weights"
        if len(set(map(repr, items))) < len(items):
            return f"{shape}: each value once"
        return _sums_to_one(list(weights))
    bins = value["bins"]
    if not _list_of(_is_number)(bins) or any(map(math.isinf, bins)) or len(bins) != len(weights) + 1:
        return f"{shape}: one more bin edge than weights, all finite (tail_weights are for what lies beyond)"
    if any(low >= high for low, high in itertools.pairwise(bins)):
        return f"{shape}: bin edges rise"
    tails = value.get("tail_weights", (0.0, 0.0))
    if not _list_of(_share)(tails) or len(tails) != 2:
        return f"{shape}: tail_weights are two weights, below and above the bins"
    return _sums_to_one([*weights, *tails])


def _sums_to_one(weights: list[float]) -> str:
    total = math.fsum(weights)
    return "" if abs(total - 1.0) <= _WEIGHTS_SUM else f"expected weights that sum to 1, not to {total:.6g}"


def _share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_FAULTS: dict[ArgumentKind, Callable[[Any], str]] = {
    "bound": _expect(
        "a number, a date or a text", lambda v: isinstance(v, str | datetime.date) or _is_number(v)
    ),
    "number": _expect("a number", _is_number),
    "positive": _expect("a number of 0 or more", lambda v: _is_number(v) and v >= 0),
    "count": _expect("a whole number of 0 or more", _count),
    "share": _expect("a share between 0 and 1", _share),
    "flag": _expect("true or false", lambda v: isinstance(v, bool)),
    "text": _expect("a text", lambda v: isinstance(v, str)),
    "file": _expect("the path of a file", _text),
    "regex": _regex,
    "regexes": _regexes,
    "format": _format,
    "values": _expect("a list of texts, numbers, dates or truth values", _list_of(_is_scalar)),
    "names": _names,
    "type": _type,
    "types": _types,
    "pairs": _expect(
        "a list of pairs [a, b]", _list_of(lambda v: _list_of(_is_scalar)(v) and len(v) == 2)
    ),
    "quantiles": _quantiles,
    "partition": _partition,
    "match_on": _expect('"any" or "all"', lambda v: v in ("any", "all")),
    "pair_gaps": _expect(" or ".join(f'"{name}"' for name in _PAIR_GAPS), lambda v: v in _PAIR_GAPS),
    "row_gaps": _expect(" or ".join(f'"{name}"' for name in _ROW_GAPS), lambda v: v in _ROW_GAPS),
}  # fmt: skip
