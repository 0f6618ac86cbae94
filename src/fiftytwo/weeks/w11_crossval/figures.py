"""Week 11's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from fiftytwo.weeks.w11_crossval.experiments import Alarms, Leak, Optimism
from mltoolkit.plots import PALETTE

_COLOURS = ("#f2f2f2", "#a9c9e0", PALETTE[1])  # left out, training, test


def split_maps(found: Mapping[str, Sequence[tuple[Any, Any]]], n: int) -> Figure:
    """A panel a splitter: a line a split, a cell a row, coloured by what the row is for."""
    figure, axes = plt.subplots(len(found), 1, figsize=(7.0, 1.15 * len(found) + 0.7), sharex=True)
    for axis, (name, pairs) in zip(axes, found.items(), strict=True):
        cells = np.zeros((len(pairs), n))
        for fold, (train, test) in enumerate(pairs):
            cells[fold, np.asarray(train)], cells[fold, np.asarray(test)] = 1, 2
        axis.pcolormesh(cells, cmap=ListedColormap(_COLOURS), vmin=0, vmax=2, edgecolors="white", linewidth=0.4)
        axis.invert_yaxis()
        axis.set_yticks(np.arange(len(pairs)) + 0.5, [str(i) for i in range(len(pairs))])
        axis.set_title(name)
        axis.grid(False)
    axes[len(found) // 2].set_ylabel("split")
    axes[-1].set_xlabel("row")
    names = ("left out", "training", "test")
    handles = [Patch(facecolor=c, edgecolor="#bbbbbb", label=t) for c, t in zip(_COLOURS, names, strict=True)]
    figure.legend(handles=handles, loc="outside upper right", ncols=3)
    return figure


def promises(leaks: Sequence[Leak]) -> Figure:
    """What each splitter promised, beside what new rows gave."""
    figure, axes = plt.subplots(1, len(leaks), figsize=(3.7 * len(leaks), 3.0), squeeze=False)
    for axis, leak in zip(axes[0], leaks, strict=True):
        names = list(leak.promised)
        at = np.arange(len(names))
        axis.barh(at, list(leak.promised.values()), color=PALETTE[: len(names)], height=0.6)
        axis.axvline(leak.truth, color="#222222", linewidth=1.2, linestyle="--", label="on new rows")
        axis.set_yticks(at, [name.replace(", ", ",\n") for name in names])
        axis.invert_yaxis()
        axis.set_xlim(0, 1)
        axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axis.set_xlabel("accuracy that was promised")
        axis.set_title(leak.world)
        axis.grid(axis="y", visible=False)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right")
    return figure


def optimism(sizes: Sequence[int], found: Optimism) -> Figure:
    """Flat best and nested accuracy in noise over the size of the grid, with 95% intervals of their means."""
    figure, axes = plt.subplots()
    for i, (name, values) in enumerate((("best of a flat search", found.flat), ("nested", found.nested))):
        mean = values.mean(axis=0)
        half = 1.96 * values.std(axis=0, ddof=1) / np.sqrt(len(values))
        marker = "os"[i]
        axes.errorbar(sizes, mean, yerr=half, marker=marker, capsize=3, color=PALETTE[1 - i], label=name)
    axes.axhline(0.5, color="#888888", linestyle="--", linewidth=0.9, label="what the rules are worth")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("configurations that were tried")
    axes.set_ylabel("accuracy")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def false_alarms(found: Alarms, alpha: float) -> Figure:
    """How often a p-value of two equal models is below each level."""
    figure, axes = plt.subplots(figsize=(5.2, 4.2))
    levels = np.linspace(0.0, 1.0, 201)
    for i, (name, p) in enumerate((("naive t-test", found.naive), ("corrected t-test", found.corrected))):
        share = np.mean(p[:, np.newaxis] <= levels, axis=0)
        axes.step(levels, share, where="post", color=PALETTE[1 - i], label=name, linestyle=("-", "-.")[i])
    axes.plot([0, 1], [0, 1], color="#888888", linestyle="--", linewidth=0.9, label="an exact test")
    axes.axvline(alpha, color="#bbbbbb", linewidth=0.9)
    axes.annotate(f"p = {alpha:g}", (alpha, 0.97), xytext=(4, 0), textcoords="offset points", va="top")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("level")
    axes.set_ylabel("share of data sets with p below it")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def contributions(names: Sequence[str], values: NDArray[np.float64], unit: str) -> Figure:
    """Mean differences with their intervals, shape (parts, 3): mean, low, high."""
    figure, axes = plt.subplots(figsize=(6.4, 0.42 * len(names) + 1.2))
    at = np.arange(len(names))
    spread = np.array([values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]])
    clear = (values[:, 1] > 0) | (values[:, 2] < 0)
    for chosen, colour, label in ((clear, PALETTE[0], "interval without 0"), (~clear, "#999999", "interval holds 0")):
        if chosen.any():
            axes.errorbar(
                values[chosen, 0], at[chosen], xerr=spread[:, chosen], fmt="o", capsize=3, color=colour, label=label
            )
    axes.axvline(0.0, color="#444444", linewidth=0.9)
    axes.set_yticks(at, list(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(unit)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper right", ncols=2)
    return figure
