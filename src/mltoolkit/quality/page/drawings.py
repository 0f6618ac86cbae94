"""The pictures of a page, as inline SVG: they take their colours from the page, and say in words what they show.

All are drawn in a box that the page stretches (``preserveAspectRatio="none"``), so numbers beside them are text of
the page, in its own size on every screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_TALL = 60.0
_STEP = 10.0
_GAP = 1.0
_LEAST = 1.5  # a bar that is not empty is seen


def histogram(counts: Sequence[float], said: str, bars: Sequence[str] = ()) -> Markup:
    """Bars side by side.

    Parameters
    ----------
    counts : sequence of float
    said : str
        What the picture shows, for those who do not see it.
    bars : sequence of str, optional
        What each bar says when it is pointed at.
    """
    tallest = max(counts, default=0)
    drawn = []
    for i, count in enumerate(counts):
        if count:
            said_here = Markup("<title>{}</title>").format(bars[i]) if bars else ""
            drawn.append(_bar(i, max(_LEAST, _TALL * count / tallest), said_here))
    return _svg("hist", len(counts) * _STEP, said, Markup("").join(drawn))


def _bar(i: int, height: float, inside: str = "") -> Markup:
    return Markup('<rect x="{}" y="{}" width="{}" height="{}">{}</rect>').format(
        f"{i * _STEP + _GAP / 2:g}", f"{_TALL - height:.1f}", f"{_STEP - _GAP:g}", f"{height:.1f}", inside
    )


def mini_histogram(counts: Sequence[float]) -> Markup:
    """The same as a small shape without words, for a line of a table that has the figures beside it."""
    tallest = max(counts, default=0)
    tops = [_TALL - (max(2 * _LEAST, _TALL * count / tallest) if count else 0.0) for count in counts]
    path = "".join(f"V{top:.0f}H{(i + 1) * _STEP:g}" for i, top in enumerate(tops))
    return Markup(
        '<svg class="mini" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true"><path d="{}"/></svg>'
    ).format(f"{len(counts) * _STEP:g}", f"{_TALL:g}", f"M0 {_TALL:g}{path}V{_TALL:g}Z")


def overlay(before: Sequence[float], after: Sequence[float], said: str) -> Markup:
    """Two histograms over the same bins: what was as an outline, what is as bars."""
    tallest = max([*before, *after], default=0.0) or 1.0
    bars = Markup("").join(_bar(i, _TALL * share / tallest) for i, share in enumerate(after) if share)
    steps = "".join(f"V{_TALL - _TALL * share / tallest:.1f}H{(i + 1) * _STEP:g}" for i, share in enumerate(before))
    line = Markup('<path class="was" d="{}"/>').format(f"M0 {_TALL:g}{steps}V{_TALL:g}")
    return _svg("hist over", len(before) * _STEP, said, bars + line)


def box_strip(quantiles: Sequence[float], low: float, high: float) -> Markup:
    """Quantiles at 0, 5, 25, 50, 75, 95 and 100% on a line that stands for the range of the histogram above it."""
    least, few, quarter, median, three, most, greatest = (
        f"{min(max(100.0 * (value - low) / (high - low), 0.0), 100.0):.2f}" for value in quantiles
    )
    return Markup(
        '<svg class="strip" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="range" d="M{} 5H{}"/><path class="most" d="M{} 5H{}"/>'
        '<path class="half" d="M{} 5H{}"/><path class="median" d="M{} 0V10"/></svg>'
    ).format(least, greatest, few, most, quarter, three, median)


def _svg(kind: str, width: float, said: str, inside: Markup) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(kind, f"{width:g}", f"{_TALL:g}", said, inside)
