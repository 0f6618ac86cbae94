"""Week 16's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE


def operators(names: Sequence[str], shares: Sequence[float]) -> Figure:
    """Share of the operators' time, the largest on top."""
    figure, axes = plt.subplots(figsize=(7.0, 0.6 + 0.32 * len(names)))
    places = np.arange(len(names))[::-1]
    axes.barh(places, 100.0 * np.asarray(shares), color=PALETTE[0], height=0.7)
    for place, share in zip(places, shares, strict=True):
        axes.text(100.0 * share + 0.6, place, f"{100.0 * share:.1f}", va="center", fontsize=9)
    axes.set_yticks(places, [name if len(name) <= 46 else name[:45] + "…" for name in names], fontsize=8)
    axes.set_xlabel("own time, % of all operators")
    axes.set_xlim(0.0, 112.0 * max(shares))
    axes.grid(visible=False, axis="y")
    return figure


def speed_by_width(widths: Sequence[int], ratios: Mapping[int, NDArray[np.float64]]) -> Figure:
    """Speed-up of bfloat16 over float32 by width: median and range of the pairs."""
    figure, axes = plt.subplots(figsize=(6.0, 3.6))
    middle = np.array([np.median(ratios[width]) for width in widths])
    low, high = (np.array([function(ratios[width]) for width in widths]) for function in (np.min, np.max))
    axes.errorbar(widths, middle, yerr=(middle - low, high - middle), marker="o", capsize=3, color=PALETTE[0])
    axes.axhline(1.0, color="0.4", linestyle="--", linewidth=1.0)
    axes.set_xscale("log", base=2)
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("width of the hidden layers, units")
    axes.set_ylabel("time in float32 / time in bfloat16")
    axes.set_ylim(bottom=0.0)
    return figure
