"""Week 5's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fiftytwo.weeks.w05_toolkit.quality import ModuleCoverage
from mltoolkit.plots import PALETTE

BOUND = 0.8  # the least coverage that the week asks for


def rounding(decimals: Sequence[int], fair: Sequence[float], best: Sequence[float], worst: Sequence[float]) -> Figure:
    """ROC-AUC of scores that are rounded, with ties as halves, all won and all lost."""
    figure, axes = plt.subplots()
    axes.fill_between(decimals, worst, best, color=PALETTE[5], alpha=0.35, linewidth=0, label="any order of tied rows")
    axes.plot(decimals, fair, color=PALETTE[0], marker="o", label="a tie counts one half")
    axes.set_xticks(list(decimals))
    axes.invert_xaxis()
    axes.set_xlabel("decimals kept of the score")
    axes.set_ylabel("ROC-AUC")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def calibration(bins: Sequence[int], errors: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Calibration error of each model by number of bins, for both ways to place their edges."""
    figure, axes = plt.subplots()
    for i, (model, by_strategy) in enumerate(errors.items()):
        for strategy, line in zip(by_strategy, ("-", "--"), strict=True):
            axes.plot(
                bins,
                by_strategy[strategy],
                line,
                color=PALETTE[i],
                marker="os^"[i],
                markersize=4,
                label=f"{model}, {strategy}",
            )
    axes.set_xscale("log")
    axes.set_xticks(list(bins), [str(b) for b in bins], minor=False)
    axes.minorticks_off()
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("number of bins")
    axes.set_ylabel("expected calibration error")
    figure.legend(loc="outside lower center", ncols=3, fontsize="small")
    return figure


def coverage(rows: Sequence[ModuleCoverage]) -> Figure:
    """Coverage of each module as a bar."""
    figure, axes = plt.subplots(figsize=(7.0, 1.0 + 0.26 * len(rows)))
    place: NDArray[np.int_] = np.arange(len(rows))[::-1]
    axes.barh(place, [100.0 * row.share for row in rows], color=PALETTE[0], height=0.7)
    axes.axvline(100.0 * BOUND, color=PALETTE[1], linewidth=1.5)
    axes.set_yticks(place, [row.module for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("statements and branches that the tests ran (%)")
    axes.grid(visible=False, axis="y")
    return figure
