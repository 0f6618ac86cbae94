"""Tests of how a value is written: by regular expressions, as JSON, as a date."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from mltoolkit.quality.rules.expressions import searcher
from mltoolkit.quality.rules.views import ColumnView, Mask, matches

CellTest = Callable[[ColumnView], Mask]


def regex(arguments: Mapping[str, Any]) -> CellTest:
    """The expression is found in the text."""
    found = searcher(arguments["regex"])
    return lambda view: found(view.cells)


def not_regex(arguments: Mapping[str, Any]) -> CellTest:
    """The expression is not found in the text."""
    found = searcher(arguments["regex"])
    return lambda view: ~found(view.cells)


def regex_list(arguments: Mapping[str, Any]) -> CellTest:
    """Any, or all, of the expressions are found in the text."""
    tests = [searcher(expression) for expression in arguments["regex_list"]]
    together = np.logical_and if arguments.get("match_on") == "all" else np.logical_or
    return lambda view: together.reduce([found(view.cells) for found in tests])


def not_regex_list(arguments: Mapping[str, Any]) -> CellTest:
    """None of the expressions is found in the text."""
    tests = [searcher(expression) for expression in arguments["regex_list"]]
    return lambda view: ~np.logical_or.reduce([found(view.cells) for found in tests])


def _each(right: Callable[[str], bool]) -> Callable[[pa.Array], Mask]:
    """A test of texts, one by one."""
    return lambda texts: np.fromiter(
        (text is not None and right(text) for text in texts.to_pylist()), dtype=bool, count=len(texts)
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def json_text(_: Mapping[str, Any]) -> CellTest:
    """The text is JSON."""
    test = _each(_is_json)
    return lambda view: test(view.cells)


def _dates_by(view: ColumnView, known: Mask, slow: Callable[[pa.Array], Mask]) -> Mask:
    """Which cells are dates: those that are known to be one, and of the others those that a slow test accepts."""
    answer = known.copy()
    others = np.flatnonzero(~known)
    if len(others):
        answer[others] = slow(view.cells.take(pa.array(others)))
    return answer


_ISO = {"%Y-%m-%d": r"^\d{4}-\d{2}-\d{2}$", "%Y-%m-%d %H:%M:%S": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"}


def strftime(arguments: Mapping[str, Any]) -> CellTest:
    """The text is a date in a given format."""
    form = arguments["strftime_format"]

    def is_readable(text: str) -> bool:
        try:
            datetime.datetime.strptime(text, form)
        except ValueError:
            return False
        return True

    slow = _each(is_readable)

    def right(view: ColumnView) -> Mask:
        if view.kind == "date":
            return np.ones(view.n, dtype=bool)
        if form not in _ISO:
            return slow(view.cells)
        known = matches(view.cells, _ISO[form])
        return _dates_by(view, known & ~np.isnat(view.cell_dates) if known.any() else known, slow)

    return right


def dateutil(_: Mapping[str, Any]) -> CellTest:
    """The text is a date in any wording that dateutil reads."""
    from dateutil.parser import parse  # type: ignore[import-untyped]

    def is_readable(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, OverflowError):
            return False
        return True

    slow = _each(is_readable)
    return lambda view: _dates_by(view, ~np.isnat(view.cell_dates), slow)
