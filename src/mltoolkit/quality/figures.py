"""Figures and foreign text as people read them, on a terminal and on a page."""

from __future__ import annotations

import math
import unicodedata
from datetime import datetime

LINES_SHOWN = 2

# What turns the direction of text around, or joins and hides characters, without being seen itself.
_UNSEEN = frozenset("\u200b\u200e\u200f\u061c\u2028\u2029\ufeff\u2060\u00ad")


def number(value: float | str | None) -> str:
    """A number of four digits, thousands separated: ``0.05664``, ``1,284``, ``3.1e+21``."""
    if value is None or isinstance(value, str):
        return value or "–"
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "–"
    size = abs(value)
    if value == int(value) and size < 1e12:
        return f"{int(value):,}"
    if 1e3 <= size < 1e12:
        return f"{value:,.0f}" if size >= 1e4 else f"{value:,.1f}"
    return f"{value:.4g}" if 1e-4 <= size < 1e12 else f"{value:.3g}"


def share(count: int, rows: int) -> str:
    """A share in few characters: ``12%``, ``0.7%``, ``<0.1%``; never ``100%`` of what is not all."""
    part = 100.0 * count / max(rows, 1)
    if count == rows:
        return "100%"
    return f"{min(part, 99.0):.0f}%" if part >= 9.95 else f"{part:.1f}%" if part >= 0.05 else "<0.1%"


def size(count: float) -> str:
    """Bytes: ``13.7 KiB``."""
    if count < 1024:
        return f"{int(count):,} byte" + ("" if count == 1 else "s")
    unit = "KiB"
    for larger in ("MiB", "GiB"):
        if count >= 1024 * 1024:
            unit, count = larger, count / 1024
    return f"{count / 1024:,.1f} {unit}"


def visible(text: str) -> str:
    """Text without what a terminal or a page would obey instead of showing."""
    if text.isprintable() and not _UNSEEN & set(text):
        return text
    return "".join(c if c.isprintable() and c not in _UNSEEN else "\ufffd" for c in text)


def short(text: str, length: int = 24) -> str:
    """Text cut to a length; in quotes where its ends could not be told otherwise."""
    # Cut first: a cell may be a megabyte.
    cut = text if len(text) <= length else text[: length - 1] + "…"
    shown = visible(cut)
    while shown and unicodedata.combining(shown[0]):
        shown = "◌" + shown
        break
    return f"'{shown}'" if shown != shown.strip() or not shown else shown


def span(first: str, last: str) -> str:
    """How long it is from one date to another: ``4.2 years``, ``36 days``, ``20 hours``."""
    try:
        seconds = (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
    except ValueError:  # a year that Python's calendar does not have
        return "–"
    for least, unit, name in (
        (2 * 365.25 * 86_400, 365.25 * 86_400, "years"),
        (2 * 86_400, 86_400, "days"),
        (2 * 3600, 3600, "hours"),
        (120, 60, "minutes"),
    ):
        if seconds >= least:
            return f"{seconds / unit:,.1f} {name}" if name == "years" else f"{seconds / unit:,.0f} {name}"
    return f"{seconds:,.0f} seconds"
