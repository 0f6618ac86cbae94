"""Week 8's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE

Floats = NDArray[np.float64]


def overfitting(train: Floats, validation: Floats, stop: int, patience: int, unit: str) -> Figure:
    """Loss on both parts over the rounds, with the round that is kept and the one at which fitting would end."""
    figure, axes = plt.subplots()
    rounds = np.arange(len(train))
    axes.plot(rounds, train, color=PALETTE[0], label="training rows")
    axes.plot(rounds, validation, color=PALETTE[1], label="validation rows")
    axes.axvline(stop, color="#555555", linewidth=0.9, linestyle="--")
    axes.axvspan(stop, min(stop + patience, len(train) - 1), color="#999999", alpha=0.2, linewidth=0, label="waiting")
    axes.plot(stop, validation[stop], "o", color=PALETTE[1], markersize=5)
    axes.annotate(f"kept: {stop} rounds", (stop, axes.get_ylim()[1]), xytext=(4, -4), textcoords="offset points",
                  va="top", color="#333333")  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, len(train) - 1)
    axes.set_xlabel("rounds")
    axes.set_ylabel(unit)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def leaning(values: Floats, columns: Sequence[str], most: int = 10) -> Figure:
    """Mean size of the Shapley values, and each row's own, for the columns that matter most."""
    size = np.mean(np.abs(values), axis=0)
    order = np.argsort(-size)[:most][::-1]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 0.34 * len(order) + 1.4), sharey=True)
    places = np.arange(len(order))
    left.barh(places, size[order], color=PALETTE[0], height=0.65)
    left.set_yticks(places, [columns[j] for j in order])
    left.set_xlabel("mean size, in log-odds")
    spread = np.random.default_rng(0).uniform(-0.28, 0.28, len(values))  # so that dots do not hide each other
    for place, j in zip(places, order, strict=True):
        right.scatter(values[:, j], place + spread, s=3, color=PALETTE[0], alpha=0.25, linewidths=0, rasterized=True)
    right.axvline(0.0, color="#555555", linewidth=0.9)
    right.set_xlabel("of each row, in log-odds")
    for axes in (left, right):
        axes.grid(visible=False, axis="y")
    return figure


def dependence(x: Floats, values: Floats, column: str) -> Figure:
    """One column's Shapley value over the column itself, a point a row; rows without a value at the left edge."""
    figure, axes = plt.subplots(figsize=(6.0, 3.6))
    seen = ~np.isnan(x)
    axes.scatter(x[seen], values[seen], s=7, color=PALETTE[0], alpha=0.4, linewidths=0, rasterized=True, label="known")
    if not seen.all():
        axes.axhline(float(values[~seen].mean()), color=PALETTE[1], linewidth=1.2, label="missing, on average")
        figure.legend(loc="outside upper center", ncols=2)
    axes.axhline(0.0, color="#555555", linewidth=0.9)
    axes.set_xlabel(column)
    axes.set_ylabel("Shapley value, log-odds")
    return figure
