"""Week 2's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE

Curve = Sequence[tuple[float, float]]


def spectra(singular: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Singular values beside the largest one, on two logarithmic axes, each curve named at its end."""
    figure, axes = plt.subplots()
    for i, (name, s) in enumerate(singular.items()):
        axes.loglog(np.arange(1, len(s) + 1), s / s[0], color=PALETTE[i], label=name, linestyle=("-", "--", ":")[i % 3])
    axes.set_xlabel("number of the singular value")
    axes.set_ylabel("share of the largest one")
    figure.legend(loc="outside upper right", ncols=len(singular))
    return figure


def quality(curves: Mapping[str, Curve], jpeg: Mapping[str, Curve]) -> Figure:
    """Decibels over bits for each pixel; what JPEG makes of the same images is dashed."""
    figure, axes = plt.subplots()
    for i, (name, curve) in enumerate(curves.items()):
        axes.plot(*zip(*curve, strict=True), color=PALETTE[i], marker="os^D"[i % 4], markersize=4, label=name)
        if name in jpeg:
            axes.plot(*zip(*jpeg[name], strict=True), color=PALETTE[i], linestyle="--", label=f"{name}, by JPEG")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("bits stored for each pixel")
    axes.set_ylabel("peak signal-to-noise ratio (dB)")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def gallery(rows: Mapping[str, Sequence[NDArray[Any]]], titles: Sequence[str]) -> Figure:
    """A row of pictures for each image: from few terms to the original."""
    height = sum(2.0 * row[0].shape[0] / row[0].shape[1] for row in rows.values()) + 0.5 * len(rows)
    figure, grid = plt.subplots(len(rows), len(titles), figsize=(8.4, height), squeeze=False)
    for line, (name, pictures) in zip(grid, rows.items(), strict=True):
        for cell, picture, title in zip(line, pictures, titles, strict=True):
            cell.imshow(picture, cmap="gray", vmin=0, vmax=255, aspect="equal")
            cell.set_xticks([])
            cell.set_yticks([])
            cell.grid(visible=False)
            for spine in cell.spines.values():
                spine.set_visible(False)
            if line is grid[0]:
                cell.set_title(title, loc="center")
        line[0].set_ylabel(name)
    return figure


def costs(table: pd.DataFrame) -> Figure:
    """Processor time and peak memory over the number of entries: a colour a solver, a line style a rank."""
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 4.0))
    ranks = sorted(set(table["rank"]))
    for panel, column, label in zip(panels, ("ms", "MiB"), ("processor time (ms)", "peak memory (MiB)"), strict=True):
        for i, solver in enumerate(dict.fromkeys(table["solver"])):
            for j, rank in enumerate(ranks):
                mine = table[(table["solver"] == solver) & (table["rank"] == rank)]
                panel.loglog(
                    mine["height"] * mine["width"], mine[column], color=PALETTE[i], marker="os^"[i], markersize=4,
                    linestyle=("-", "--")[j % 2], label=f"{solver}, rank {rank}",
                )  # fmt: skip
        panel.set_xlabel("entries of the matrix")
        panel.set_title(label)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure
