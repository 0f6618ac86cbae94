"""How far a rule may be drawn from what a sample shows, so that the next sample seldom breaks it."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

_CAREFUL = 3.0  # standard deviations


def share_to_allow(rare: int, rows: int) -> float:
    """The share of rows that has to be right where ``rare`` of ``rows`` were not: 1 when none was.

    What was seen ``rare`` times may well come a few times more often in another sample: Poisson's law, three
    standard deviations; rounded down to a share that people write.
    """
    if rare == 0:
        return 1.0
    expected = (rare + _CAREFUL + _CAREFUL * math.sqrt(rare + 1.0)) / max(rows, 1)
    digits = 2 if expected > 0.01 else 3
    return max(0.0, math.floor((1.0 - expected) * 10.0**digits) / 10.0**digits)


def unseen(counts: Counter[Any]) -> int:
    """About how many rows of another sample of the same size will hold a value that this one does not.

    Good (1953): the values seen once stand for those not seen at all. Values seen twice are counted too where
    none was seen once, since that may be luck.
    """
    tally = Counter(counts.values())
    return tally[1] or (tally[2] + 1) // 2


def nice_below(value: float, span: float) -> float:
    """A round number not above a value; how round depends on the span of the values."""
    return _rounded(value, span, math.floor)


def nice_above(value: float, span: float) -> float:
    """A round number not below a value."""
    return _rounded(value, span, math.ceil)


def _rounded(value: float, span: float, towards: Any) -> float:
    if value == 0.0 or not math.isfinite(value) or span <= 0.0:
        return value
    exponent = math.floor(math.log10(max(span / 2, abs(value) * 1e-6)))
    # Through integers where possible, so that 0.3 is not written as 0.30000000000000004.
    if exponent >= 0:
        return float(towards(value / 10**exponent) * 10**exponent)
    return float(round(towards(value * 10**-exponent) / 10**-exponent, -exponent))
