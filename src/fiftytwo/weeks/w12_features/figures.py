"""Week 12's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE


def leakage(rows_each: Sequence[float], naive: Sequence[float], crossed: Sequence[float]) -> Figure:
    """Area under the ROC curve of an encoded noise column, as its categories grow smaller."""
    figure, axes = plt.subplots(figsize=(7.0, 3.8))
    axes.plot(rows_each, naive, marker="o", color=PALETTE[1], label="encoded by all rows")
    axes.plot(rows_each, crossed, marker="s", color=PALETTE[0], label="cross-fitted")
    axes.axhline(0.5, color="#888888", linestyle="--", linewidth=0.9, label="guessing")
    axes.set_xscale("log")
    axes.set_xticks(rows_each, [f"{size:g}" for size in rows_each])
    axes.minorticks_off()
    axes.invert_xaxis()
    axes.set_ylim(0.4, 1.02)
    axes.set_xlabel("rows in a category")
    axes.set_ylabel("ROC-AUC on the training rows")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def promises(found: Mapping[str, Mapping[str, tuple[float, float]]]) -> Figure:
    """ROC-AUC on training rows and on new rows, a pair a way to encode, a panel a table."""
    figure, axes = plt.subplots(1, len(found), figsize=(3.2 * len(found) + 2.4, 3.2), sharex=True, squeeze=False)
    for axis, (name, ways) in zip(axes[0], found.items(), strict=True):
        places = np.arange(len(ways))[::-1]
        for place, (train, new) in zip(places, ways.values(), strict=True):
            axis.plot([train, new], [place, place], color="#bbbbbb", linewidth=2, zorder=1)
        train, new = np.array(list(ways.values())).T
        axis.scatter(train, places, color=PALETTE[1], marker="o", zorder=2, label="training rows")
        axis.scatter(new, places, color=PALETTE[0], marker="s", zorder=2, label="new rows")
        axis.set_yticks(places, list(ways) if axis is axes[0, 0] else [""] * len(ways))
        axis.set_ylim(-0.6, len(ways) - 0.4)
        axis.set_title(name)
        axis.set_xlabel("ROC-AUC")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure


def before_and_after(
    offline: pd.DataFrame, online: pd.DataFrame, spoiled: pd.DataFrame, numbers: str, times: str
) -> Figure:
    """A column of numbers and one of times of day: offline, online as it should be, and as it is."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4))
    sides = (("offline", offline, "#888888", "--"), ("online, clean", online, PALETTE[0], "-"),
             ("online, as served", spoiled, PALETTE[1], "-"))  # fmt: skip
    for label, frame, color, style in sides:
        values = np.sort(frame[numbers].to_numpy(dtype=float))
        left.plot(values, _steps(values), color=color, linestyle=style, label=label)
        hours = np.sort(frame[times].dt.hour.to_numpy() + frame[times].dt.minute.to_numpy() / 60.0)
        right.plot(hours, _steps(hours), color=color, linestyle=style)
    left.set_xscale("log")
    left.set_xlabel(f"{numbers} (euros, logarithmic)")
    left.set_ylabel("share of rows up to here")
    right.set_xlabel(f"{times} (hour of the day)")
    right.set_xlim(7, 21)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def _steps(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.arange(1, len(values) + 1) / len(values)


def latency(microseconds: NDArray[np.float64]) -> Figure:
    """How long one row takes."""
    figure, axes = plt.subplots(figsize=(7.0, 3.0))
    top = float(np.percentile(microseconds, 99))
    axes.hist(microseconds[microseconds <= top], bins=30, color=PALETTE[0])
    axes.axvline(float(np.median(microseconds)), color=PALETTE[1], linewidth=1.2, label="median")
    axes.set_xlim(left=0)
    axes.set_xlabel("time for one row (µs), slowest 1% left out")
    axes.set_ylabel("rows")
    axes.legend()
    return figure
