"""Numbers as people read them."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiftytwo.evidence import Check, Verdict
from fiftytwo.report.format import format_bytes, format_measured, format_number, format_seconds

finite = st.floats(-1e300, 1e300)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (-0.0, "0"),
        (12, "12"),
        (2027, "2027"),
        (12345, "12,345"),
        (1_234_567.8, "1,234,568"),
        (10**20, "100,000,000,000,000,000,000"),
        (0.96713, "0.967"),
        (0.5, "0.5"),
        (0.99996, "1.000"),
        (2.0, "2"),
        (-31.43, "-31.4"),
        (1e-10, "1e-10"),
        (1.2345e-15, "1.23e-15"),
        (1e300, "1e+300"),
        (5e-324, "4.94e-324"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (math.nan, "NaN"),
    ],
)
def test_number(value, text):
    assert format_number(value) == text


def test_unit():
    assert format_number(31.43, "dB") == "31.4 dB"
    assert format_number(96.71, "%") == "96.7%"
    assert format_number(None, "dB") == "–"
    assert format_number(True, "dB") == "yes"


def test_digits_bring_out_a_small_miss():
    assert format_number(0.94996) == "0.950"
    assert format_number(0.94996, digits=5) == "0.94996"


@given(finite)
def test_reads_back_to_three_digits(value):
    text = format_number(value)
    assert math.isclose(float(text.replace(",", "")), value, rel_tol=5.1e-3, abs_tol=1e-323)
    assert len(re.sub(r"[-,.]|e.*", "", text).lstrip("0")) <= 16


@given(finite)
def test_sign_is_symmetric(value):
    text = format_number(-value)
    assert text == (format_number(value).removeprefix("-") if value >= 0 and not value else _flip(format_number(value)))


def _flip(text):
    return text[1:] if text.startswith("-") else f"-{text}"


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_whole_numbers_are_exact(value):
    assert int(format_number(value).replace(",", "")) == value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (1e-9, "under 1 ms"),
        (0.0384, "38 ms"),
        (0.9999, "1.0 s"),
        (2.31, "2.3 s"),
        (59.96, "1 min"),
        (72.4, "1 min 12 s"),
        (3599.7, "1 h"),
        (7500, "2 h 5 min"),
        (-2.31, "-2.3 s"),
        (math.inf, "∞"),
        (math.nan, "NaN"),
    ],
)
def test_seconds(seconds, text):
    assert format_seconds(seconds) == text


@given(st.floats(min_value=1e-3, max_value=1e7))
def test_seconds_read_back(seconds):
    parts = re.findall(r"([\d.]+) (h|min|ms|s)", format_seconds(seconds))
    total = sum(float(amount) * {"h": 3600, "min": 60, "s": 1, "ms": 1e-3}[unit] for amount, unit in parts)
    assert math.isclose(total, seconds, rel_tol=0.06) or abs(total - seconds) <= 0.5e-3 * 1.01
    assert not re.search(r"\b60 (s|min)\b", format_seconds(seconds))


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1_048_575, "1 MiB"),
        (429_916_160, "410 MiB"),
        (1.5 * 2**30, "1.5 GiB"),
        (2**70, "1048576 PiB"),
    ],
)
def test_bytes(size, text):
    assert format_bytes(size) == text


@given(st.integers(min_value=0, max_value=2**59))
def test_bytes_read_back(size):
    amount, unit = format_bytes(size).split()
    factor = 1024 ** ("B", "KiB", "MiB", "GiB", "TiB", "PiB").index(unit)
    assert math.isclose(float(amount) * factor, size, rel_tol=0.06)
    assert float(amount) < 1024


def test_measured():
    assert format_measured(Verdict("a", "passed", 1.2e-15, "≤ 1e-10")) == "1.2e-15"
    assert format_measured(Verdict("a", "passed", 1.0, "yes", boolean=True)) == "yes"
    assert format_measured(Verdict("a", "wrong", 0.0, "yes", boolean=True)) == "no"
    assert format_measured(Verdict("a", "wrong", math.nan, "≤ 1", boolean=True)) == "NaN"
    assert format_measured(Verdict("a", "crashed", None, "≤ 1e-10")) == "–"
    assert format_measured(Verdict("a", "wrong", 0.94996, "≥ 0.95", unit="dB")) == "0.94996 dB"
    assert format_measured(Verdict("a", "wrong", 12.50001, "= 12 ± 0.5")) == "12.50001"


@given(finite, st.floats(-1e6, 1e6))
def test_a_miss_never_reads_like_its_bound(value, bound):
    check = Check("a", value, at_least=bound, why="x")
    limit = float(check.bound.removeprefix("≥ "))
    if value < limit:
        text = format_measured(Verdict("a", "wrong", value, check.bound))
        assert float(text.replace(",", "")) != limit or math.isclose(value, limit, rel_tol=1e-15)
