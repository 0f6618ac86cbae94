"""Week 1's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE

_SHOWN = 40  # components on the scree plot; the rest is too small to be seen


def scree(shares: NDArray[np.float64]) -> Figure:
    """Share of each component as bars, added up as a line."""
    figure, axes = plt.subplots()
    count = min(_SHOWN, len(shares))
    number = np.arange(1, count + 1)
    axes.bar(number, 100 * shares[:count], color=PALETTE[0], label="each component")
    axes.set_xlabel("component")
    axes.set_ylabel("share of variance (%)")
    axes.grid(visible=False, axis="x")
    added = axes.twinx()
    added.plot(number, 100 * np.cumsum(shares)[:count], color=PALETTE[1], marker=".", label="added up")
    added.set_ylim(0, 104)
    added.set_ylabel("added up (%)")
    added.spines["right"].set_visible(True)
    added.grid(visible=False)
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def digit_map(plane: NDArray[np.float64], labels: NDArray[Any]) -> Figure:
    """Each image as its digit, at its first two coordinates."""
    figure, axes = plt.subplots(figsize=(7.0, 5.4))
    colours = plt.get_cmap("tab10")
    low, high = np.percentile(plane, [0.2, 99.8], axis=0)
    for digit in range(10):
        mine = plane[labels == digit]
        axes.scatter(
            mine[:, 0], mine[:, 1], s=34, marker=f"${digit}$", color=colours(digit), linewidths=0.2, alpha=0.75
        )
    margin = 0.05 * (high - low)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
    axes.set_xlabel("first component")
    axes.set_ylabel("second component")
    return figure


def reconstructions(rows: Sequence[NDArray[np.float64]], titles: Sequence[str], side: int) -> Figure:
    """A row of images for the originals and one for each number of components."""
    figure, axes = plt.subplots(len(rows), len(rows[0]), figsize=(6.4, 5.0))
    brightest = float(rows[0].max())
    for line, title, images in zip(axes, titles, rows, strict=True):
        for cell, image in zip(line, images, strict=True):
            cell.imshow(image.reshape(side, side), cmap="gray_r", vmin=0.0, vmax=brightest)
            cell.set_xticks([])
            cell.set_yticks([])
            cell.grid(visible=False)
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
    return figure


def two_maps(maps: Sequence[NDArray[np.float64]], labels: NDArray[Any], names: Sequence[str]) -> Figure:
    """The same data as it is and with every column scaled, side by side."""
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.9))
    for panel, plane, title in zip(axes, maps, ("as measured", "each column at variance one"), strict=True):
        for i, name in enumerate(names):
            mine = plane[labels == i]
            panel.scatter(mine[:, 0], mine[:, 1], s=16, color=PALETTE[i], marker="os^"[i], label=name.replace("_", " "))
        panel.set_title(title)
        panel.set_xlabel("first component")
    axes[0].set_ylabel("second component")
    handles, texts = axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(names))
    return figure
