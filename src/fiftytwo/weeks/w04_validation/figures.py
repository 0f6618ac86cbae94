"""Week 4's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE


def shifts(columns: Sequence[str], found: Sequence[float], usual: Sequence[float], names: tuple[str, str]) -> Figure:
    """How far each column has moved, beside how far it moves between two good tables; in millibits."""
    order = np.argsort(found)
    figure, axes = plt.subplots(figsize=(6.4, 0.9 + 0.36 * len(columns)))
    places = np.arange(len(columns))
    axes.barh(places + 0.2, 1000 * np.asarray(found)[order], height=0.38, color=PALETTE[1], label=names[0])
    axes.barh(places - 0.2, 1000 * np.asarray(usual)[order], height=0.38, color=PALETTE[0], label=names[1])
    axes.set_yticks(places, [columns[i] for i in order])
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("Jensen-Shannon divergence (millibits)")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def what_tells_what(columns: Sequence[str], tables: Sequence[NDArray[Any]], titles: Sequence[str]) -> Figure:
    """For each pair of columns, the share of one's entropy that the other takes away; a panel a table."""
    figure, axes = plt.subplots(1, len(tables), figsize=(7.8, 4.1), sharey=True)
    for panel, table, title in zip(axes, tables, titles, strict=True):
        panel.imshow(table, cmap="Blues", vmin=0.0, vmax=1.0)
        panel.set_xticks(range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor")
        panel.set_yticks(range(len(columns)), columns)
        panel.grid(visible=False)
        panel.set_title(title)
        panel.set_xlabel("is told about this column")
        for (i, j), share in np.ndenumerate(table):
            panel.text(j, i, f"{share:.2f}", ha="center", va="center", fontsize=8,
                       color="white" if share > 0.6 else "black")  # fmt: skip
    axes[0].set_ylabel("by this column")
    return figure
