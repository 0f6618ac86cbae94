"""Week 17's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE

_STYLES = ("-", "--", "-.", ":")


def learning(curves: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]], goal: float) -> Figure:
    """Validation loss over tokens and over operations; ``curves`` maps a model to tokens, operations and losses."""
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 4.2), sharey=True)
    for i, (name, (tokens, flops, loss)) in enumerate(curves.items()):
        for panel, x, unit in ((axes[0], tokens, 1e3), (axes[1], flops, 1e12)):
            panel.plot(np.asarray(x)[1:] / unit, np.asarray(loss)[1:], _STYLES[i % 4], color=PALETTE[i], label=name,
                       marker="o", markersize=3)  # fmt: skip
    for panel in axes:
        panel.axhline(goal, color="#888888", linewidth=0.9)
        panel.set_xlim(left=0)
    axes[0].annotate("plain GPT at its end", (0.99, goal), xycoords=("axes fraction", "data"), xytext=(0, -4),
                     textcoords="offset points", ha="right", va="top", color="#666666", fontsize=8)  # fmt: skip
    axes[0].set_xlabel("characters learned from, thousands")
    axes[1].set_xlabel("training operations, 10¹²")
    axes[0].set_ylabel("validation loss, nats per character")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def heads(weights: NDArray[np.float64], text: str, reaches: NDArray[np.float64]) -> Figure:
    """A map a head: rows are the tokens that look, columns those that are looked at. ``weights``: (layers, H, T, T)."""
    layers, H, T, _ = weights.shape
    figure, axes = plt.subplots(layers, H, figsize=(2.5 * H + 0.5, 2.6 * layers), squeeze=False)
    marks = [{" ": "·", "\n": "¶"}.get(character, character) for character in text]
    for (layer, head), panel in np.ndenumerate(axes):
        panel.imshow(np.sqrt(weights[layer, head]), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        panel.set_title(f"layer {layer + 1}, head {head + 1}: {reaches[layer, head]:.1f} back", fontsize=8)
        panel.grid(visible=False)
        panel.set_xticks(range(T), marks, fontsize=6)
        panel.set_yticks(range(T), marks, fontsize=6)
        panel.tick_params(length=0, pad=1)
    return figure


def where_it_goes(
    parameters: Mapping[str, float], operations: Mapping[int, Mapping[str, float]], colours: Mapping[str, str]
) -> Figure:
    """Bars of shares: the parameters by part, and the operations of a token by part at several lengths."""
    rows: list[tuple[str, Mapping[str, float], str]] = [("parameters", parameters, _count(sum(parameters.values())))]
    for length, parts in operations.items():
        rows.append((f"operations a token,\n{length:,} tokens long", parts, _count(sum(parts.values()))))
    figure, axes = plt.subplots(figsize=(8.5, 0.75 * len(rows) + 1.4))
    shown: set[str] = set()
    for y, (_, parts, total) in enumerate(rows):
        left, whole = 0.0, sum(parts.values())
        for part, amount in parts.items():
            share = amount / whole
            axes.barh(y, share, left=left, color=colours[part], edgecolor="white",
                      label=part if part not in shown else None)  # fmt: skip
            shown.add(part)
            if share > 0.06:
                axes.text(
                    left + share / 2, y, f"{100 * share:.0f}%", ha="center", va="center", color="white", fontsize=9
                )
            left += share
        axes.text(1.01, y, total, va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.tick_params(length=0)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def colours_of(parts: Sequence[str]) -> dict[str, str]:
    """A colour a part, the same in every bar."""
    return {part: (*PALETTE, "#666666", "#999999")[i] for i, part in enumerate(dict.fromkeys(parts))}


def _count(number: float) -> str:
    """A count in thousands or millions."""
    return f"{number / 1e6:.2f} M" if number >= 1e6 else f"{number / 1e3:.0f} k"
