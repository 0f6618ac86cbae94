"""Numbers as people read them: one rule for the report, the documents and the command line.

Three significant digits are enough to see and few enough to compare. A zero at the end is kept when the
number was rounded and dropped when it is exact, so ``0.5`` is a half and ``1.000`` is almost one.
Python's own exponent form is used, as in the bounds of the checks.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fiftytwo.evidence import Verdict

DASH = "–"  # for a number that is not there
_LARGEST = 1e15  # from here on digits mean nothing any more
_SMALLEST = 1e-4  # where Python's :g switches to exponents too
_GROUPED = 10_000  # four digits are read at a glance, and may be a year


def format_number(value: float | int | bool | None, unit: str = "", *, digits: int = 3) -> str:
    """A number for people.

    Parameters
    ----------
    value : float, int, bool or None
        ``None`` gives a dash, ``nan`` gives ``"NaN"``.
    unit : str
        Follows the number after a space; a percent sign follows without one.
    digits : int, default 3
        Significant digits of a number that is not whole, from 1 on.

    Examples
    --------
    >>> format_number(0.96713), format_number(12345), format_number(1.2345e-15), format_number(True)
    ('0.967', '12,345', '1.23e-15', 'yes')
    >>> format_number(31.4, "dB"), format_number(99.996, "%"), format_number(None), format_number(float("inf"))
    ('31.4 dB', '100.0%', '–', '∞')
    """
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = _real(value, digits)
    if not unit:
        return text
    return f"{text}{unit}" if unit == "%" else f"{text} {unit}"


def format_seconds(seconds: float) -> str:
    """A duration: ``"38 ms"``, ``"2.3 s"``, ``"1 min 12 s"``, ``"2 h 5 min"``.

    Examples
    --------
    >>> format_seconds(0.038), format_seconds(2.31), format_seconds(72), format_seconds(7500)
    ('38 ms', '2.3 s', '1 min 12 s', '2 h 5 min')
    """
    if not math.isfinite(seconds):
        return _real(seconds, 1)
    if seconds < 0:
        return f"-{format_seconds(-seconds)}"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms" if seconds >= 0.001 or seconds == 0 else "under 1 ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return _pair(whole, 60, "min", "s")
    return _pair(round(seconds / 60), 60, "h", "min")


def format_bytes(size: float) -> str:
    """A size in binary units: ``"410 MiB"``, ``"1.5 GiB"``.

    Examples
    --------
    >>> format_bytes(512), format_bytes(429_916_160), format_bytes(1.5 * 2**30)
    ('512 B', '410 MiB', '1.5 GiB')
    """
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    amount = float(size)
    for unit in units:
        text = f"{amount:.1f}".removesuffix(".0") if amount < 9.95 and unit != "B" else f"{amount:.0f}"
        if float(text) < 1024 or unit == units[-1]:
            return f"{text} {unit}"
        amount /= 1024
    raise AssertionError("the last unit takes every size")


def format_measured(verdict: Verdict) -> str:
    """What a check measured, with as many digits as it takes to tell a miss from its bound.

    With three digits 0.94996 would read 0.950 beside a bound of at least 0.95.
    """
    value = verdict.measured
    if value is None:
        return DASH
    if verdict.boolean and not math.isnan(value):
        return format_number(bool(value))
    if verdict.outcome == "wrong" and math.isfinite(value):
        ends = _ends(verdict.bound)
        for digits in range(3, 17):
            text = format_number(value, digits=digits)
            if float(text.replace(",", "")) not in ends:
                return format_number(value, verdict.unit, digits=digits)
    return format_number(value, verdict.unit)


def _ends(bound: str) -> set[float]:
    """The numbers at which a bound begins or ends."""
    numbers = [float(text) for text in re.findall(r"-?\d[\d.]*(?:e[-+]?\d+)?", bound)]
    if "±" in bound and len(numbers) == 2:
        centre, tolerance = numbers
        return {centre, centre - tolerance, centre + tolerance}
    return set(numbers)


def _pair(count: int, base: int, large: str, small: str) -> str:
    first, second = divmod(count, base)
    return f"{first} {large}" + (f" {second} {small}" if second else "")


def _real(value: float, digits: int) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if isinstance(value, int) or (value == int(value) and size < _LARGEST):
        return f"{int(value):,}" if size >= _GROUPED else f"{int(value)}"
    if size < _SMALLEST or size >= _LARGEST:
        return f"{value:.{digits - 1}e}" if float(f"{value:.{digits - 1}e}") != value else f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}" if size >= _GROUPED else f"{value:.{decimals}f}"
    exact = "." in text and float(text.replace(",", "")) == value
    return text.rstrip("0").rstrip(".") if exact else text
