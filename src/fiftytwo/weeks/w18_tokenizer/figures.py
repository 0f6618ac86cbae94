"""Week 18's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from fiftytwo.weeks.w18_tokenizer.fertility import Fertility
from fiftytwo.weeks.w18_tokenizer.joins import Built
from mltoolkit.plots import PALETTE

_GREY = "#555555"


def merge_picture(built: Built) -> Figure:
    """The sentence below, a letter a byte; each join of two at the height of the merge that made it."""
    raw = built.text.encode()
    figure, axes = plt.subplots(figsize=(11.0, 5.2))
    top = max((join.rank for join in built.joins), default=1)
    floor = 0.55
    color = {at: PALETTE[number % len(PALETTE)] for number, (a, b) in enumerate(built.tokens) for at in range(a, b)}
    centre, height = (
        {(at, at + 1): float(at) for at in range(len(raw))},
        {(at, at + 1): floor for at in range(len(raw))},
    )
    for join in built.joins:
        left, right, whole = (join.start, join.middle), (join.middle, join.end), (join.start, join.end)
        x, y = (centre[left], centre[right]), (height[left], height[right])
        shade = color[join.start]
        axes.plot([x[0], x[0], x[1], x[1]], [y[0], join.rank, join.rank, y[1]], color=shade, linewidth=1.6,
                  solid_joinstyle="round")  # fmt: skip
        centre[whole], height[whole] = sum(x) / 2, float(join.rank)
    for span in built.tokens:
        axes.plot([centre[span]], [height[span]], marker="o", markersize=4.5, color=color[span[0]])
    for at, label in enumerate(_labels(built.text)):
        place: Any = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "center", "va": "top"}
        axes.annotate(label, (at, 0), (0, -4), color=color[at], family="monospace", fontsize=11, **place)
    axes.set_yscale("log")
    axes.set_ylim(floor, top * 1.6)
    axes.set_xlim(-0.8, len(raw) - 0.2)
    axes.set_ylabel("number of the merge")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_major_locator(NullLocator())
    axes.spines["bottom"].set_visible(False)
    axes.set_title(f"{len(raw)} bytes become {len(built.tokens)} tokens; a dot is a token")
    return figure


def _labels(text: str) -> list[str]:
    """A letter for each byte: the character where it is one byte, a box of its byte value otherwise."""
    labels: list[str] = []
    for character in text:
        raw = character.encode()
        labels += (
            ["␣" if character == " " else character]
            if len(raw) == 1
            else [f"{byte:02x}"[0] + "\n" + f"{byte:02x}"[1] for byte in raw]
        )
    return labels


def premium(rows: Sequence[Fertility]) -> Figure:
    """Tokens for the same sentence over those for the English one, beside its bytes over the English bytes."""
    base = rows[0]
    rows = sorted(rows, key=lambda row: row.tokens)
    figure, axes = plt.subplots(figsize=(7.5, 0.27 * len(rows) + 1.3))
    y = np.arange(len(rows))
    tokens = np.array([row.tokens / base.tokens for row in rows])
    if_bytes = np.array([row.utf8 / base.tokens for row in rows])
    axes.barh(y, if_bytes, color="#dddddd", height=0.72, label="one token a byte")
    axes.barh(y, tokens, color=PALETTE[0], height=0.72, label="tokens")
    for at, value in zip(y, tokens, strict=True):
        axes.annotate(f"{value:.1f}", (value, at), (-3, 0), textcoords="offset points", va="center", ha="right",
                      color="white", fontsize=8)  # fmt: skip
    axes.set_yticks(
        y, [row.name if row.script == "Latin" else f"{row.name} ({row.script})" for row in rows], fontsize=9
    )
    axes.set_xlabel("tokens for the same sentence, English = 1")
    axes.grid(visible=False, axis="y")
    axes.set_ylim(-0.6, len(rows) - 0.4)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def compression(sizes: Sequence[int], found: Mapping[str, Sequence[float]]) -> Figure:
    """Bytes per token over the size of the vocabulary."""
    figure, axes = plt.subplots()
    for i, (name, values) in enumerate(found.items()):
        style: Any = {"linestyle": "--"} if name.startswith("unigram") else {}
        axes.plot(
            sizes, values, marker="os^Dv"[i % 5], markersize=5, color=PALETTE[i % len(PALETTE)], label=name, **style
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_xlabel("vocabulary size")
    axes.set_ylabel("bytes per token")
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def growth(ranks: Sequence[int], lengths: Sequence[int], counts: Sequence[int]) -> Figure:
    """Bytes of each token over the merge that made it, and how often it is used on text that nothing learned from."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6))
    left.scatter(ranks, lengths, s=5, color=PALETTE[0], linewidths=0, alpha=0.5, rasterized=True)
    for axis in (left, right):
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    left.set_xlabel("number of the merge")
    left.set_ylabel("bytes of the token it makes")
    right.scatter(ranks, np.maximum(counts, 0.5), s=5, color=PALETTE[1], linewidths=0, alpha=0.5, rasterized=True)
    right.set_yscale("log")
    right.set_yticks([0.5, 1, 10, 100, 1000], ["never", "1", "10", "100", "1,000"])
    right.yaxis.set_minor_locator(NullLocator())
    right.set_xlabel("number of the merge")
    right.set_ylabel("uses in held-out text")
    return figure
