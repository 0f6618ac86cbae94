"""Week 10's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fiftytwo.weeks.w10_embeddings.mapping import Drawn
from fiftytwo.weeks.w10_embeddings.truths import Shown
from mltoolkit.plots import PALETTE

Floats = NDArray[np.float64]

# Ten colours that stay apart for most eyes: Petroff, M. A. (2021), Accessible color sequences for data visualization.
TEN = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")


def _bare(axes: Axes) -> None:
    """A map has no scale and no axes, so it is given no ticks."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_aspect("equal", adjustable="datalim")
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#cccccc")


def _points(axes: Axes, Y: Floats, codes: NDArray[np.int64], colours: Sequence[str]) -> None:
    size = float(np.clip(6000.0 / len(Y), 3.0, 12.0))
    order = np.random.default_rng(0).permutation(len(Y))  # no class is drawn on top of all others
    axes.scatter(Y[order, 0], Y[order, 1], s=size, c=[colours[c] for c in codes[order]], alpha=0.65, linewidths=0,
                 rasterized=True)  # fmt: skip


def maps(shown: Sequence[tuple[str, Floats]], digits: NDArray[np.int64]) -> Figure:
    """Maps side by side, coloured by digit; each digit stands above its median as well."""
    figure, panels = plt.subplots(1, len(shown), figsize=(3.4 * len(shown), 4.0))
    for axes, (title, Y) in zip(np.atleast_1d(panels), shown, strict=True):
        _points(axes, Y, digits, TEN)
        for digit in range(10):
            x, y = np.median(Y[digits == digit], axis=0)
            axes.annotate(str(digit), (x, y), xytext=(0, 12), textcoords="offset points", ha="center", va="center",
                          fontsize=9, fontweight="bold",
                          bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": TEN[digit], "alpha": 0.8},
                          )  # fmt: skip
        axes.set_title(title)
        _bare(axes)
    marks = [Line2D([], [], marker="o", linestyle="", color=colour) for colour in TEN]
    figure.legend(marks, [str(digit) for digit in range(10)], loc="outside lower center", ncols=10,
                  handletextpad=0.1, columnspacing=1.0, title="digit")  # fmt: skip
    return figure


def scores(drawn: Sequence[Drawn]) -> Figure:
    """Trustworthiness and continuity over the setting, a point a seed; PCA is the dashed line."""
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.4), sharey=True)
    for axes, score in zip(panels, ("trustworthiness", "continuity"), strict=True):
        for method, colour, marker in (("t-SNE", PALETTE[0], "o"), ("UMAP", PALETTE[1], "s")):
            mine = [one for one in drawn if one.method == method and one.setting is not None]
            places = np.array([one.setting for one in mine], dtype=float)
            values = np.array([getattr(one, score) for one in mine])
            levels = np.unique(places)
            axes.plot(levels, [values[places == level].mean() for level in levels], color=colour, linewidth=1.2)
            axes.scatter(places, values, s=20, color=colour, marker=marker, alpha=0.7, label=method)
        flat = next(one for one in drawn if one.method == "PCA")
        axes.axhline(getattr(flat, score), color="#666666", linestyle="--", linewidth=1.0, label="PCA")
        axes.set_xscale("log")
        axes.set_xticks([5, 15, 30, 50, 100], ["5", "15", "30", "50", "100"])
        axes.minorticks_off()
        axes.set_xlabel("perplexity, or UMAP's neighbours")
        axes.set_title(score)
    panels[0].legend(fontsize="small", loc="center")
    return figure


def truths(shown: Sequence[Shown], titles: Sequence[tuple[str, str]]) -> Figure:
    """Above the data by its first two principal components, below the map: a column a claim."""
    figure, panels = plt.subplots(2, len(shown), figsize=(2.3 * len(shown), 5.0))
    colours = [PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[3], PALETTE[4]]
    for column, one, (above, below) in zip(panels.T, shown, titles, strict=True):
        for axes, Y, title in ((column[0], one.flat, above), (column[1], one.map, below)):
            _points(axes, Y, one.case.groups, colours)
            axes.set_title(title, fontsize=9)
            _bare(axes)
    panels[0, 0].set_ylabel("data, two principal components", fontsize=9)
    panels[1, 0].set_ylabel("map by t-SNE", fontsize=9)
    return figure
