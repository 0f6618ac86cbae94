"""Regular expressions: Python's meaning, at RE2's speed where both mean the same.

Arrow tests a million texts in the time that Python tests a tenth of them, but its engine RE2 reads some
expressions differently. An expression is rewritten for RE2 from Python's own parse of it, as far as it is made of
literals, sets, repetition, groups and anchors; anything else, and any class such as ``\\d`` over texts beyond
ASCII, is left to Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mltoolkit.quality.rules.views import Mask, matches

_MOST_REPEATS = 1000  # RE2 refuses more
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "0-9",
    codes.CATEGORY_WORD: "0-9A-Za-z_",
    codes.CATEGORY_SPACE: r"\x09-\x0d\x1c-\x20",
}
_NEGATED = {
    codes.CATEGORY_NOT_DIGIT: codes.CATEGORY_DIGIT,
    codes.CATEGORY_NOT_WORD: codes.CATEGORY_WORD,
    codes.CATEGORY_NOT_SPACE: codes.CATEGORY_SPACE,
}


class _Unlike(Exception):
    """RE2 would read this differently, or not at all."""


def searcher(expression: str) -> Callable[[pa.Array], Mask]:
    """A test of texts: which of them ``re.search`` finds the expression in."""
    compiled = re.compile(expression)
    try:
        pattern, ascii_only = _rewrite(expression)
        pc.match_substring_regex(pa.array([""]), pattern)
    except (_Unlike, pa.ArrowInvalid):
        return lambda texts: _by_python(compiled, texts)

    def answer(texts: pa.Array) -> Mask:
        if ascii_only and not pc.all(pc.string_is_ascii(texts)).as_py():
            return _by_python(compiled, texts)
        return matches(texts, pattern)

    return answer


def rewritten(expression: str) -> str | None:
    """The expression for RE2, where it says the same of any text; else None."""
    try:
        text, ascii_only = _rewrite(expression)
    except _Unlike:
        return None
    return None if ascii_only else text


def _by_python(compiled: re.Pattern[str], texts: pa.Array) -> Mask:
    found = (text is not None and compiled.search(text) is not None for text in texts.to_pylist())
    return np.fromiter(found, dtype=bool, count=len(texts))


def _rewrite(expression: str) -> tuple[str, bool]:
    """The expression for RE2, and whether it says the same over ASCII only."""
    tree = parser.parse(expression)
    if tree.state.flags & ~re.UNICODE.value:
        raise _Unlike
    ascii_only: list[bool] = []
    return _sequence(tree, ascii_only), bool(ascii_only)


def _sequence(tree: Any, ascii_only: list[bool]) -> str:
    return "".join(_part(operation, argument, ascii_only) for operation, argument in tree)


def _part(operation: Any, argument: Any, ascii_only: list[bool]) -> str:
    if operation is codes.LITERAL:
        return _literal(argument)
    if operation is codes.NOT_LITERAL:
        return f"[^{_literal(argument)}]"
    if operation is codes.ANY:
        return "[^\\n]"
    if operation is codes.IN:
        return _set(argument, ascii_only)
    if operation is codes.BRANCH:
        return "(?:" + "|".join(_sequence(branch, ascii_only) for branch in argument[1]) + ")"
    if operation is codes.SUBPATTERN:
        _, adds, removes, inner = argument
        if adds or removes:
            raise _Unlike
        return f"(?:{_sequence(inner, ascii_only)})"
    if operation in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        least, most, inner = argument
        if least > _MOST_REPEATS or (most is not codes.MAXREPEAT and most > _MOST_REPEATS):
            raise _Unlike
        upper = "" if most is codes.MAXREPEAT else str(most)
        return f"(?:{_sequence(inner, ascii_only)}){{{least},{upper}}}"
    if operation is codes.AT and argument in (codes.AT_BEGINNING, codes.AT_BEGINNING_STRING):
        return "\\A"
    if operation is codes.AT and argument is codes.AT_END:
        return "(?:\\n?\\z)"  # the end, or before a line end that ends the text
    if operation is codes.AT and argument is codes.AT_END_STRING:
        return "\\z"
    raise _Unlike


def _set(items: Any, ascii_only: list[bool]) -> str:
    inside = ""
    negated = False
    for operation, argument in items:
        if operation is codes.NEGATE:
            negated = True
        elif operation is codes.LITERAL:
            inside += _literal(argument)
        elif operation is codes.RANGE:
            inside += f"{_literal(argument[0])}-{_literal(argument[1])}"
        elif operation is codes.CATEGORY and argument in _CATEGORIES:
            ascii_only.append(True)
            inside += _CATEGORIES[argument]
        elif operation is codes.CATEGORY and argument in _NEGATED and len(items) == 1:
            ascii_only.append(True)
            return f"[^{_CATEGORIES[_NEGATED[argument]]}]"
        else:
            raise _Unlike
    return f"[{'^' if negated else ''}{inside}]"


def _literal(code: int) -> str:
    if 0xD800 <= code < 0xE000:
        raise _Unlike
    return f"\\x{{{code:x}}}"
