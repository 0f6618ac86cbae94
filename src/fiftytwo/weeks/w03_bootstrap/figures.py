"""Week 3's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE

Array = NDArray[np.float64]


class Curve(NamedTuple):
    """A formula as a line, and what was simulated as dots."""

    line_at: Array
    line: Array
    dots_at: Sequence[float]
    dots: Array


def methods(intervals: Sequence[tuple[str, Any]], truth: float, name: str) -> Figure:
    """The same sample, one interval a method, with the truth as a line."""
    figure, axes = plt.subplots(figsize=(7.0, 2.6))
    for i, (_, found) in enumerate(reversed(intervals)):
        axes.plot([found.low, found.high], [i, i], color=PALETTE[0], linewidth=2.2, solid_capstyle="butt")
        axes.plot(found.estimate, i, "o", color=PALETTE[0], markersize=6)
    axes.axvline(truth, color=PALETTE[1], linestyle="--")
    axes.annotate("truth", (truth, len(intervals) - 0.45), color=PALETTE[1], ha="center", annotation_clip=False)
    axes.set_yticks(range(len(intervals)), [_title(method) for method, _ in reversed(intervals)])
    axes.set_ylim(-0.6, len(intervals) - 0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(name)
    return figure


def hundred(low: Array, high: Array, truth: float) -> Figure:
    """A hundred intervals side by side; those that miss the truth stand out by colour and weight."""
    figure, axes = plt.subplots(figsize=(7.0, 3.8))
    misses = (truth < low) | (high < truth)
    order = np.argsort(low + high)
    at = np.arange(len(low))
    for missed, colour, width in ((False, PALETTE[0], 1.2), (True, PALETTE[1], 2.4)):
        shown = misses[order] == missed
        axes.vlines(
            at[shown],
            low[order][shown],
            high[order][shown],
            color=colour,
            linewidth=width,
            label=f"{'misses' if missed else 'contains'} the truth: {int(shown.sum())}",
        )
    axes.axhline(truth, color="black", linewidth=0.9)
    axes.set_yscale("log")
    axes.set_xlabel("sample, by the middle of its interval")
    axes.set_ylabel("mean")
    ticks = [0.5, 1, 2, 4, 8, 16]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def coverage(rows: Sequence[Any], promised: float) -> Figure:
    """Coverage with its binomial error, a panel a population and size, a row a method."""
    panels = list(dict.fromkeys((row.population, row.n) for row in rows))
    names = list(dict.fromkeys(row.method for row in rows))
    figure, grid = plt.subplots(2, (len(panels) + 1) // 2, figsize=(7.0, 4.6), sharex=True, sharey=True)
    axes = grid.ravel()
    for panel, (population, n) in zip(axes, panels, strict=True):
        for statistic, colour, shift in (("mean", PALETTE[0], 0.12), ("median", PALETTE[1], -0.12)):
            mine = [row for row in rows if (row.population, row.n, row.statistic) == (population, n, statistic)]
            if not mine:
                continue
            shares = np.array([row.share for row in mine])
            errors = 2.0 * np.sqrt(shares * (1.0 - shares) / len(mine[0].covered))
            heights = [len(names) - 1 - names.index(row.method) + shift for row in mine]
            panel.errorbar(
                shares,
                heights,
                xerr=errors,
                fmt="o" if statistic == "mean" else "s",
                color=colour,
                markersize=5,
                linewidth=1.4,
                label=statistic,
            )
        panel.axvline(promised, color="black", linewidth=0.9, linestyle="--")
        panel.set_title(f"{population}, n = {n}")
        panel.set_yticks(range(len(names)), [_title(name) for name in reversed(names)])
        panel.set_ylim(-0.5, len(names) - 0.5)
        panel.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        panel.grid(visible=False, axis="y")
    figure.supxlabel("intervals that contain the truth", fontsize="medium")
    handles, texts = axes[-1].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper right", ncols=2)
    return figure


def p_values(null: Array, small: Array, large: Array, names: Sequence[str]) -> Figure:
    """How many experiments have a p-value of at most p: a diagonal without an effect."""
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    at = np.linspace(0.0, 1.0, 401)
    for values, colour, style, name in zip(
        (null, small, large), (PALETTE[0], PALETTE[1], PALETTE[2]), ("-", "--", "-."), names, strict=True
    ):
        share = np.searchsorted(np.sort(values), at, side="right") / len(values)
        axes.plot(at, share, color=colour, linestyle=style, linewidth=2.0, label=name)
    axes.axvline(0.05, color="black", linewidth=0.8, linestyle=":")
    axes.annotate("0.05", (0.06, 0.01), fontsize=9)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.01)
    axes.set_xlabel("p")
    axes.set_ylabel("experiments with a p-value of at most p")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def peeking(looks: Sequence[int], fixed: Array, exact: Array, always: Array, alpha: float) -> Figure:
    """False alarms by the number of looks."""
    figure, axes = plt.subplots(figsize=(6.8, 4.0))
    axes.plot(looks, exact, color=PALETTE[1], label="fixed test, exact")
    axes.plot(looks, fixed, "o", color=PALETTE[1], label="fixed test, simulated")
    axes.plot(looks, always, "s-", color=PALETTE[0], label="sequential test, simulated")
    axes.axhline(alpha, color="black", linewidth=0.9, linestyle="--")
    axes.annotate("promised", (looks[-1], alpha), xytext=(0, 4), textcoords="offset points", ha="right", fontsize=9)
    axes.set_xscale("log")
    axes.set_xticks(looks, [str(look) for look in looks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0.0)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("looks at equal distances")
    axes.set_ylabel("experiments with a false alarm")
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def power(by_effect: Curve, by_split: Curve) -> Figure:
    """Power by effect and by split: dots are simulated, lines the formula."""
    figure, axes = plt.subplots(1, 2, figsize=(8.0, 3.6), sharey=True)
    for panel, curve in zip(axes, (by_effect, by_split), strict=True):
        panel.plot(curve.line_at, curve.line, color=PALETTE[0], label="formula")
        panel.plot(curve.dots_at, curve.dots, "o", color=PALETTE[1], label="simulated")
    axes[0].set_xlabel("effect (in units of the metric)")
    axes[0].set_ylabel("experiments that find it")
    axes[1].set_xlabel("share of the units that are treated")
    axes[1].xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes[0].set_ylim(0.0, 1.02)
    axes[0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    handles, texts = axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper right", ncols=2)
    return figure


def _title(method: str) -> str:
    return "BCa" if method == "bca" else method
