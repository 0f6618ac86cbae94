"""Rules that judge row by row: from the views of a batch, which rows are wrong.

A judge is made once from a rule, and asked once a batch. It answers with how many rows it considered (rows
without a value are none of a value rule's business) and a mask of those that are wrong, or None when none is.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltoolkit.quality.rules import spelling
from mltoolkit.quality.rules.arguments import comparable
from mltoolkit.quality.rules.comparing import equal_rows, order, present_rows, rows_in_order
from mltoolkit.quality.rules.spelling import CellTest
from mltoolkit.quality.rules.suite import Rule
from mltoolkit.quality.rules.views import ColumnView, Mask, matches
from mltoolkit.quality.rules.vocabulary import TYPE_NAMES

Views = Mapping[str, ColumnView]
Judge = Callable[[Views], tuple[int, Mask | None]]


def judge_of(rule: Rule) -> Judge:
    """The judge of a rule that judges rows."""
    return JUDGES[rule.rule](rule)


def _by_cell(test: CellTest, column: str) -> Judge:
    """A judge from a test of a column's cells that says which are right."""

    def judge(views: Views) -> tuple[int, Mask | None]:
        view = views[column]
        return view.present, view.wrong_rows(test)

    return judge


def _cells(make: Callable[[Mapping[str, Any]], CellTest]) -> Callable[[Rule], Judge]:
    return lambda rule: _by_cell(make(rule.arguments), rule.arguments["column"])


# -- nulls and types ---------------------------------------------------------------------------------------


def _not_null(rule: Rule) -> Judge:
    return lambda views: (views[rule.columns[0]].n, views[rule.columns[0]].missing)


def _null(rule: Rule) -> Judge:
    def judge(views: Views) -> tuple[int, Mask | None]:
        view = views[rule.columns[0]]
        missing = np.zeros(view.n, dtype=bool) if view.missing is None else view.missing
        return view.n, ~missing if view.present else None

    return judge


def _of_types(names: Sequence[str]) -> CellTest:
    wanted = {TYPE_NAMES[name] for name in names}

    def right(view: ColumnView) -> Mask:
        answer = np.zeros(len(view.cells) if view.kind == "text" else view.n, dtype=bool)
        number = np.ones(len(answer), dtype=bool) if view.cells_are_numbers is None else view.cells_are_numbers
        if "float" in wanted:
            answer |= number
        elif "integer" in wanted:
            answer |= number & view.cells_are_whole
        if "boolean" in wanted:
            answer |= view.cells_are_booleans
        if "date" in wanted:
            answer |= ~np.isnat(view.cell_dates)
        if "text" in wanted and view.kind == "text":
            answer |= ~number | view.cells_are_codes
        return answer

    return right


# -- ranges, sets, lengths ---------------------------------------------------------------------------------


def within(values: Any, low: Any, high: Any, strict_low: bool, strict_high: bool) -> Any:
    """Which values lie between two bounds, of which one may be None."""
    right: Any = True
    if low is not None:
        right = (values > low) if strict_low else (values >= low)
    if high is not None:
        right = right & ((values < high) if strict_high else (values <= high))
    return right


def strictness(arguments: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the bounds themselves lie outside."""
    return bool(arguments.get("strict_min")), bool(arguments.get("strict_max"))


def as_moment(bound: Any) -> np.datetime64 | None:
    """A date, or a text that is one, as NumPy's; None for none."""
    if bound is None:
        return None
    if isinstance(bound, str):
        from dateutil.parser import ParserError, parse  # type: ignore[import-untyped]

        try:
            bound = parse(bound)
        except (ParserError, OverflowError):
            return np.datetime64("NaT", "us")
    return np.datetime64(comparable(bound), "us")


def _between(arguments: Mapping[str, Any]) -> CellTest:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    strict = strictness(arguments)
    bound = low if low is not None else high
    numeric = not isinstance(bound, str | datetime.date)
    moments = (None, None) if numeric else (as_moment(low), as_moment(high))

    def right(view: ColumnView) -> Mask:
        if isinstance(bound, datetime.date) or (isinstance(bound, str) and view.kind == "date"):
            return np.asarray(within(view.cell_dates, *moments, *strict))
        if isinstance(bound, str):
            return _texts_within(view, low, high, strict)
        answer = np.asarray(within(view.cell_numbers, low, high, *strict))
        return answer if view.cells_are_numbers is None else answer & view.cells_are_numbers

    return right


def _texts_within(view: ColumnView, low: str | None, high: str | None, strict: tuple[bool, bool]) -> Mask:
    if view.kind != "text":
        return np.zeros(view.n, dtype=bool)
    right = np.ones(len(view.cells), dtype=bool)
    for bound, beyond in (
        (low, pc.greater if strict[0] else pc.greater_equal),
        (high, pc.less if strict[1] else pc.less_equal),
    ):
        if bound is not None:
            right &= np.asarray(beyond(view.cells, bound).fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
    return right


class Members:
    """A set of values, and which cells are in it.

    A text is a member letter by letter, a number or a date by its value. In a column that is typed as numbers a
    text is never equal, as in pandas.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.texts = pa.array([value for value in values if isinstance(value, str)], pa.string())
        self.booleans = {value for value in values if isinstance(value, bool)}
        self.numbers = np.array([v for v in values if isinstance(v, int | float) and not isinstance(v, bool)])
        self.moments = _moments([value for value in values if isinstance(value, datetime.date)])

    def __call__(self, view: ColumnView) -> Mask:
        """Which cells are members."""
        text = view.kind == "text"
        inside = np.zeros(len(view.cells) if text else view.n, dtype=bool)
        if len(self.texts) and text:
            inside |= np.asarray(pc.is_in(view.cells, value_set=self.texts).to_numpy(zero_copy_only=False), dtype=bool)
        if len(self.texts) and view.kind == "date":
            inside |= np.isin(view.cell_dates, _moments(self.texts.to_pylist()))
        if len(self.numbers) and view.kind != "date":
            equal = np.isin(view.cell_numbers, self.numbers)
            inside |= equal if view.cells_are_numbers is None else equal & view.cells_are_numbers
        if self.booleans and (text or view.kind == "boolean"):
            words = "|".join(str(value).lower() for value in self.booleans)
            inside |= matches(view.cells, f"(?i)^\\s*({words})\\s*$")
        if len(self.moments):
            inside |= np.isin(view.cell_dates, self.moments)
        return inside


def _moments(values: Sequence[Any]) -> NDArray[np.datetime64]:
    return np.array([as_moment(value) for value in values], dtype="datetime64[us]")


def _in_set(arguments: Mapping[str, Any]) -> CellTest:
    return Members(arguments["value_set"])


def _not_in_set(arguments: Mapping[str, Any]) -> CellTest:
    members = Members(arguments["value_set"])
    return lambda view: ~members(view)


def _lengths(arguments: Mapping[str, Any]) -> CellTest:
    if "value" in arguments:
        return lambda view: view.cell_lengths == arguments["value"]
    low, high = arguments.get("min_value"), arguments.get("max_value")
    return lambda view: within(view.cell_lengths, low, high, *strictness(arguments))


# -- across columns ----------------------------------------------------------------------------------------


def _pair(rule: Rule, right: Callable[[ColumnView, ColumnView], Mask]) -> Judge:
    name_a, name_b = rule.columns
    gaps = rule.arguments.get("ignore_row_if", "both_values_are_missing")

    def judge(views: Views) -> tuple[int, Mask | None]:
        a, b = views[name_a], views[name_b]
        considered = present_rows([a, b], "any" if gaps == "either_value_is_missing" else "all", gaps == "neither")
        wrong = ~right(a, b)
        return _counted(a.n, considered, wrong)

    return judge


def _counted(n: int, considered: Mask | None, wrong: Mask) -> tuple[int, Mask | None]:
    if considered is not None:
        wrong = wrong & considered
        n = int(np.count_nonzero(considered))
    return n, wrong if wrong.any() else None


def _greater(rule: Rule) -> Judge:
    least = 0 if rule.arguments.get("or_equal") else 1

    def right(a: ColumnView, b: ColumnView) -> Mask:
        signs = order(a, b)
        return (signs >= least) & (signs <= 1)

    return _pair(rule, right)


def _equal(rule: Rule) -> Judge:
    return _pair(rule, lambda a, b: order(a, b) == 0)


def _pair_in_set(rule: Rule) -> Judge:
    partners: dict[Any, list[Any]] = {}
    for first, second in rule.arguments["value_pairs_set"]:
        partners.setdefault((type(first), first), []).append(second)
    tests = [(Members([first]), Members(seconds)) for (_, first), seconds in partners.items()]

    def right(a: ColumnView, b: ColumnView) -> Mask:
        inside = np.zeros(a.n, dtype=bool)
        for is_first, is_second in tests:
            inside |= a.spread(is_first(a)) & b.spread(is_second(b))
        for view in (a, b):
            if view.missing is not None:
                inside &= ~view.missing
        return inside

    return _pair(rule, right)


def _rows_of(rule: Rule, right: Callable[[Sequence[ColumnView]], Mask]) -> Judge:
    gaps = rule.arguments.get("ignore_row_if", "all_values_are_missing")

    def judge(views: Views) -> tuple[int, Mask | None]:
        asked = [views[name] for name in rule.columns]
        considered = present_rows(asked, "any" if gaps == "any_value_is_missing" else "all", gaps == "never")
        return _counted(asked[0].n, considered, ~right(asked))

    return judge


def _sum(rule: Rule) -> Judge:
    total = rule.arguments["sum_total"]

    def right(asked: Sequence[ColumnView]) -> Mask:
        sums: Any = 0
        usable = np.ones(asked[0].n, dtype=bool)
        for view in asked:
            if view.is_number is not None:
                usable &= view.is_number
            if view.missing is not None:
                usable &= ~view.missing
            sums = sums + np.where(usable, view.numbers, view.numbers.dtype.type(0))
        return np.asarray(usable & (sums == total))

    return _rows_of(rule, right)


def _different(rule: Rule) -> Judge:
    def right(asked: Sequence[ColumnView]) -> Mask:
        answer = np.ones(asked[0].n, dtype=bool)
        for i, a in enumerate(asked):
            for b in asked[i + 1 :]:
                answer &= ~equal_rows(a, b)
        return answer

    return _rows_of(rule, right)


def _sorted(sign: int) -> Callable[[Rule], Judge]:
    return lambda rule: rows_in_order(rule.columns[0], sign, bool(rule.arguments.get("strictly")))


JUDGES: dict[str, Callable[[Rule], Judge]] = {
    "column_values_to_be_of_type": _cells(lambda arguments: _of_types([arguments["type_"]])),
    "column_values_to_be_in_type_list": _cells(lambda arguments: _of_types(arguments["type_list"])),
    "column_values_to_not_be_null": _not_null,
    "column_values_to_be_null": _null,
    "column_values_to_be_between": _cells(_between),
    "column_values_to_be_in_set": _cells(_in_set),
    "column_values_to_not_be_in_set": _cells(_not_in_set),
    "column_values_to_match_regex": _cells(spelling.regex),
    "column_values_to_not_match_regex": _cells(spelling.not_regex),
    "column_values_to_match_regex_list": _cells(spelling.regex_list),
    "column_values_to_not_match_regex_list": _cells(spelling.not_regex_list),
    "column_values_to_be_json_parseable": _cells(spelling.json_text),
    "column_value_lengths_to_be_between": _cells(_lengths),
    "column_value_lengths_to_equal": _cells(_lengths),
    "column_values_to_match_strftime_format": _cells(spelling.strftime),
    "column_values_to_be_dateutil_parseable": _cells(spelling.dateutil),
    "column_values_to_be_increasing": _sorted(1),
    "column_values_to_be_decreasing": _sorted(-1),
    "column_pair_values_a_to_be_greater_than_b": _greater,
    "column_pair_values_to_be_equal": _equal,
    "column_pair_values_to_be_in_set": _pair_in_set,
    "multicolumn_sum_to_equal": _sum,
    "select_column_values_to_be_unique_within_record": _different,
}
