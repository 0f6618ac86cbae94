"""Regular expressions mean what Python means by them, whichever engine tests them."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltoolkit.quality.rules.expressions import searcher

FIXED = [
    r"^\d+$",
    r"\d",
    r"^[A-Z][a-z]+(?: [A-Z][a-z]+)*$",
    r"a{2,3}",
    r"(ab|c)?d$",
    r"^$",
    r"\Aab\Z",
    r"a.c",
    r"[^a-c]",
    r"\w+\s\w",
    r"^\S+$",
    r"\bab\b",
    r"(?i)AB",
    r"(a)\1",
    r"a(?=b)",
    r"a(?!b)",
    r"é+",
    r"[é-ü]",
    r"\.",
    r"[\]\\-]",
    r"a{1001}",
    r"^(?:\d{5})(?:-\d{4})?$",
    r"x*?",
    r"(?P<n>a)b",
    r"[\d_]",
    r"[^\W]",
    r"\n",
    "a\nb$",
    r"\x41",
    r"(?s).",
    r"(?m)^b",
    r"[\s]",
]
TEXTS = [
    "",
    "a",
    "ab",
    "abc",
    "ab\n",
    "a\nb",
    "AB",
    "aa",
    "aaa",
    "123",
    "١٢",
    "é",
    "ü x",
    "a b",
    "New York",
    "x\x1cy",
    "漢字",
    "12345-6789",
    "a" * 1001,
    "]\\-",
    "b",
    "\x85",
]


@pytest.mark.parametrize("expression", FIXED)
def test_a_known_expression(expression: str) -> None:
    want = [re.search(expression, text) is not None for text in TEXTS]
    assert searcher(expression)(pa.array(TEXTS)).tolist() == want
    ascii_only = [text for text in TEXTS if text.isascii()]
    assert searcher(expression)(pa.array(ascii_only)).tolist() == [bool(re.search(expression, t)) for t in ascii_only]


ATOMS = st.sampled_from(["a", "b", r"\d", r"\w", r"\s", ".", "[ab]", "[^a]", "[a-z0-9]", "é", "^", "$", r"\.", " "])


@st.composite
def expressions(draw: st.DrawFn) -> str:
    parts = []
    for atom in draw(st.lists(ATOMS, min_size=1, max_size=5)):
        times = draw(st.sampled_from(["", "", "", "*", "+", "?", "{1,2}"])) if atom not in "^$" else ""
        parts.append(f"(?:{atom}|b)" if draw(st.booleans()) else atom + times)
    return "".join(parts)


@given(expression=expressions(), texts=st.lists(st.text("ab1 .é\n_", max_size=6), min_size=1, max_size=8))
def test_any_expression(expression: str, texts: list[str]) -> None:
    want = [re.search(expression, text) is not None for text in texts]
    assert searcher(expression)(pa.array(texts)).tolist() == want


def test_a_null_matches_nothing() -> None:
    for expression in (r"^", r"(?=)"):
        assert searcher(expression)(pa.array(["a", None], pa.string())).tolist() == [True, False]
