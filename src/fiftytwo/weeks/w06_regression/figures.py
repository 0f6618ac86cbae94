"""Week 6's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE

_GREY = "#9a9a9a"


def two_paths(
    paths: Sequence[tuple[str, NDArray[np.float64], NDArray[np.float64], float]], real: int, unit: str
) -> Figure:
    """Coefficients over alpha, one panel a model: (title, alphas, coefs (d, A), chosen alpha); junk in grey."""
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 4.0), sharey=True)
    for panel, (title, alphas, coefs, chosen) in zip(axes, paths, strict=True):
        panel.plot(alphas, coefs[real:].T, color=_GREY, linewidth=0.8)
        panel.plot(alphas, coefs[:real].T, color=PALETTE[0], linewidth=1.6)
        panel.axvline(chosen, color=PALETTE[1], linestyle="--", linewidth=1.2)
        panel.set_xscale("log")
        panel.set_xlabel("alpha")
        panel.set_title(title)
    axes[0].set_ylabel(f"coefficient ({unit} per standard deviation)")
    handles = [
        Line2D([], [], color=PALETTE[0], linewidth=1.6, label="column that sets the price"),
        Line2D([], [], color=_GREY, linewidth=0.8, label="junk"),
        Line2D([], [], color=PALETTE[1], linestyle="--", linewidth=1.2, label="alpha by cross-validation"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def named_path(alphas: NDArray[np.float64], coefs: NDArray[np.float64], names: Sequence[str], unit: str) -> Figure:
    """A lasso path of few columns, each with its name."""
    figure, axes = plt.subplots(figsize=(7.4, 4.4))
    styles = ("-", "--", ":")
    for j, name in enumerate(names):
        axes.plot(alphas, coefs[j], color=PALETTE[j % 6], linestyle=styles[j // 6], linewidth=1.6, label=name)
    axes.axhline(0.0, color="#444444", linewidth=0.7)
    axes.set_xscale("log")
    axes.set_xlabel("alpha")
    axes.set_ylabel(f"coefficient ({unit} per standard deviation)")
    figure.legend(loc="outside right upper")
    return figure


def tradeoff(
    panels: Sequence[tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]], unit: str
) -> Figure:
    """Squared bias, variance and their sum over alpha: (title, alphas, bias2, variance) a panel."""
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 4.0), sharey=True)
    for panel, (title, alphas, bias2, variance) in zip(axes, panels, strict=True):
        total = bias2 + variance
        best = int(np.argmin(total))
        panel.plot(alphas, bias2, color=PALETTE[0], label="squared bias")
        panel.plot(alphas, variance, color=PALETTE[1], linestyle="--", label="variance")
        panel.plot(alphas, total, color="#222222", linewidth=2.0, label="sum")
        panel.plot(alphas[best], total[best], "o", color="#222222", label="least sum")
        panel.set_xscale("log")
        panel.set_xlabel("alpha")
        panel.set_title(title)
    axes[0].set_ylabel(f"squared error, {unit}")
    axes[0].set_ylim(bottom=0.0)
    handles, texts = axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=4)
    return figure


def gains(rows: Sequence[tuple[str, float, float, float]], unit: str) -> Figure:
    """How much lower an error is than that of least squares, with its interval: (label, gain, low, high)."""
    figure, axes = plt.subplots(figsize=(7.0, 0.55 * len(rows) + 1.3))
    for i, (_, gain, low, high) in enumerate(rows):
        axes.plot([low, high], [i, i], color=PALETTE[0], linewidth=2.0)
        axes.plot(gain, i, "o", color=PALETTE[0])
    axes.axvline(0.0, color="#444444", linewidth=0.9)
    axes.set_yticks(range(len(rows)), [label for label, *_ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(unit)
    return figure
