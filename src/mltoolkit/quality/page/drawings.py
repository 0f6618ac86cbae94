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
            height = max(_LEAST, _TALL * count / tallest)
            rect = f'<rect x="{i * _STEP + _GAP / 2:g}" y="{_TALL - height:.1f}" width="{_STEP - _GAP:g}" height="{height:.1f}"'
            drawn.append(Markup(rect) + (Markup("><title>{}</title></rect>").format(bars[i]) if bars else Markup("/>")))
    return _svg("hist", len(counts) * _STEP, _TALL, said, Markup("").join(drawn))


def mini_histogram(counts: Sequence[float]) -> Markup:
    """The same as a small shape without words, for a line of a table that has the figures beside it."""
    tallest = max(counts, default=0)
    tops = [_TALL - (max(2 * _LEAST, _TALL * count / tallest) if count else 0.0) for count in counts]
    path = "".join(f"V{top:.0f}H{(i + 1) * _STEP:g}" for i, top in enumerate(tops))
    return Markup(
        f'<svg class="mini" viewBox="0 0 {len(counts) * _STEP:g} {_TALL:g}" preserveAspectRatio="none" '
        f'aria-hidden="true"><path d="M0 {_TALL:g}{path}V{_TALL:g}Z"/></svg>'
    )


def overlay(before: Sequence[float], after: Sequence[float], said: str) -> Markup:
    """Two histograms over the same bins: what was as an outline, what is as bars."""
    tallest = max([*before, *after], default=0.0) or 1.0
    bars = Markup("").join(
        Markup(
            f'<rect x="{i * _STEP + _GAP / 2:g}" y="{_TALL - _TALL * share / tallest:.1f}" '
            f'width="{_STEP - _GAP:g}" height="{_TALL * share / tallest:.1f}"/>'
        )
        for i, share in enumerate(after)
        if share
    )
    steps = "".join(f"V{_TALL - _TALL * share / tallest:.1f}H{(i + 1) * _STEP:g}" for i, share in enumerate(before))
    line = Markup(f'<path class="was" d="M0 {_TALL:g}{steps}V{_TALL:g}"/>')
    return _svg("hist over", len(before) * _STEP, _TALL, said, bars + line)


def box_strip(low: float, quantiles: Sequence[float], high: float) -> Markup:
    """Quantiles at 5, 25, 50, 75 and 95% on a line from the least to the greatest value."""
    width = high - low
    at = [100.0 * (value - low) / width for value in quantiles]
    return Markup(
        '<svg class="strip" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="range" d="M0 5H100"/><path class="most" d="M{at[0]:.2f} 5H{at[4]:.2f}"/>'
        f'<rect x="{at[1]:.2f}" y="1" width="{max(at[3] - at[1], 0.6):.2f}" height="8"/>'
        f'<path class="median" d="M{at[2]:.2f} 0V10"/></svg>'
    )


def _svg(kind: str, width: float, height: float, said: str, inside: Markup) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(kind, f"{width:g}", f"{height:g}", said, inside)
