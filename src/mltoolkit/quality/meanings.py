"""What texts mean: no value, a number, a code, a date, or a text.

Looked at once for each different text. The kind of a column is what most of its values turn out to be.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# What pandas and most exports write for "no value"; compared in lower case, without white space around.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", "nat"})
BOOLEANS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})
CODE = r"^0[0-9]+$"  # a number would lose the zero in front: post codes, article numbers
POINTED = r"[.eE]"  # in the text of a number that is no whole one
_CODE, _POINTED, _YEAR = re.compile(r"0[0-9]+"), re.compile(POINTED), re.compile(r"[0-9]{4}")
_DATE_FORMATS = (
    (re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"), "ISO8601"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), "%d/%m/%Y"),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), "%d.%m.%Y"),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}"), "%Y/%m/%d"),
    (re.compile(r"\d{1,2} [A-Za-z]{3} \d{4}"), "%d %b %Y"),
)


class Meanings:
    """What texts mean, each looked at by itself.

    Attributes
    ----------
    values : list of str
        The texts without white space around them; ``""`` where they stand for no value.
    missing : ndarray of bool, shape (n,)
    numbers : ndarray of float, shape (n,)
        NaN where a text is no number; codes are numbers here too.
    codes : ndarray of bool, shape (n,)
    """

    def __init__(self, texts: Sequence[str]) -> None:
        stripped = [text.strip() for text in texts]
        self.missing = np.array([text.lower() in MISSING for text in stripped], dtype=bool)
        self.values = ["" if gone else text for text, gone in zip(stripped, self.missing, strict=True)]
        self.numbers = _numbers(self.values)
        self.codes = np.array([_CODE.fullmatch(text) is not None for text in self.values], dtype=bool)

    @cached_property
    def dates(self) -> NDArray[np.datetime64]:
        """Dates, shape (n,); NaT where a text is none."""
        return parse_dates(self.values)

    def all_boolean(self) -> bool:
        """Whether every value is yes or no, true or false."""
        return all(text.lower() in BOOLEANS for text in self.values if text)

    def whole(self, where: NDArray[np.bool_]) -> bool:
        """Whether the numbers that a mask selects are whole, and written so."""
        return bool(np.isfinite(self.numbers[where]).any()) and not self.pointed(where)

    def pointed(self, where: NDArray[np.bool_]) -> bool:
        """Whether one of the numbers that a mask selects is no whole one, or is written with a point or exponent."""
        finite = self.numbers[where & np.isfinite(self.numbers)]
        return bool(np.any(finite % 1)) or any(_POINTED.search(self.values[i]) for i in np.flatnonzero(where))

    def with_digits(self) -> NDArray[np.bool_]:
        """Which texts, shape (n,), have a digit in them."""
        return np.array([any(map(str.isdigit, text)) for text in self.values], dtype=bool)


def _numbers(values: list[str]) -> NDArray[np.float64]:
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return np.asarray(pd.to_numeric(cells, errors="coerce"), dtype=float) if len(values) else np.empty(0)


def parse_dates(values: Sequence[str]) -> NDArray[np.datetime64]:
    """Dates in the formats that exports use; NaT for the rest. Day comes before month, unless it cannot."""
    found = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[us]")
    maybe = [i for i, text in enumerate(values) if _YEAR.search(text)]
    for pattern, form in _DATE_FORMATS if maybe else ():
        fits = [i for i in maybe if pattern.fullmatch(values[i])]
        if not fits:
            continue
        texts = pd.Series([values[i] for i in fits], dtype="str")
        parsed = _to_moments(texts, form)
        if form == "%d/%m/%Y" and parsed.isna().any():
            american = _to_moments(texts, "%m/%d/%Y")
            parsed = american if american.notna().sum() > parsed.notna().sum() else parsed
        found[fits] = parsed.to_numpy(dtype="datetime64[us]")
    return found


def _to_moments(values: pd.Series, form: str) -> pd.Series:
    return pd.to_datetime(values, format=form, errors="coerce", utc=True).dt.tz_localize(None)
