"""Week 15's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE

_MARKERS = ("o", "s", "^", "D", "v")
_DASHES = ((0, (1, 1.5)), (0, (4, 2)), (0, (6, 2, 1, 2)))


def learning_curves(curves: Mapping[str, tuple[Sequence[int], Sequence[float]]], levels: Mapping[str, float]) -> Figure:
    """Validation perplexity over characters read, and what counting reaches as horizontal lines."""
    figure, axes = plt.subplots(figsize=(7.0, 4.4))
    for i, (name, (read, nats)) in enumerate(curves.items()):
        axes.plot(np.array(read) / 1000, np.exp(nats), color=PALETTE[i], marker=_MARKERS[i], markersize=4, label=name)
    for (name, level), dashes in zip(levels.items(), _DASHES, strict=True):
        axes.axhline(float(np.exp(level)), color="#555555", linewidth=1.1, linestyle=dashes, label=name)
    axes.set_yscale("log")
    ticks = [t for t in (3, 4, 5, 6, 8, 10, 15, 20, 30, 40) if axes.get_ylim()[0] <= t <= axes.get_ylim()[1]]
    axes.set_yticks(ticks, [str(t) for t in ticks])
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    longest = max(max(read) for read, _ in curves.values())
    if longest > 20 * min(max(read) for read, _ in curves.values()) or longest > 5_000_000:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("characters read in training, thousands")
    axes.set_ylabel("perplexity of unseen text")
    figure.legend(loc="outside upper center", ncols=4)
    return figure


def norms_through_time(norms: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Length of the gradient over steps back, on a logarithmic axis."""
    figure, axes = plt.subplots(figsize=(7.0, 4.4))
    for i, (name, lengths) in enumerate(norms.items()):
        shown = np.where(lengths > 1e-16, lengths, np.nan)  # below, single precision has nothing left to say
        axes.plot(np.arange(len(lengths)), shown, color=PALETTE[i], marker=_MARKERS[i], markevery=12, markersize=4,
                  label=name)  # fmt: skip
    axes.axhline(1.0, color="#888888", linewidth=0.8, linestyle="--")
    axes.set_yscale("log")
    axes.set_ylim(1e-16, None)
    axes.set_xlabel("steps back from the loss")
    axes.set_ylabel("length of the gradient, last step = 1")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def exploding_run(losses: Mapping[str, Sequence[float]], lengths: Mapping[str, Sequence[float]]) -> Figure:
    """Loss above, length of the gradient below, over training steps."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(7.0, 5.2), sharex=True)
    for i, name in enumerate(losses):
        steps = np.arange(1, len(losses[name]) + 1)
        color, style = PALETTE[1 - i], ("-", "--")[i]
        above.plot(steps, losses[name], color=color, linestyle=style, label=name)
        below.plot(steps, np.maximum(lengths[name], 1e-12), color=color, linestyle=style)
    below.axhline(1.0, color="#888888", linewidth=0.8, linestyle=":")
    below.set_yscale("log")
    above.set_ylabel("loss, nats a character")
    below.set_ylabel("length of the gradient")
    below.set_xlabel("training step")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def recall(distances: Sequence[int], found: Mapping[str, NDArray[np.float64]], chance: float) -> Figure:
    """Share recalled over distance: single seeds as points, means as lines."""
    figure, axes = plt.subplots()
    places = np.arange(len(distances), dtype=float)
    for i, (name, shares) in enumerate(found.items()):
        at = places + 0.06 * (i - 1.5)  # side by side, since several cells are at 0% or 100%
        axes.plot(at, shares.mean(axis=0), color=PALETTE[i], label=name)
        for row in shares:
            axes.scatter(at, row, color=PALETTE[i], marker=_MARKERS[i], s=22, linewidths=0, zorder=3)
    axes.axhline(chance, color="#888888", linewidth=0.9, linestyle="--")
    axes.set_xticks(places, [str(d) for d in distances])
    axes.set_ylim(0, 1.05)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("steps of noise after the signal")
    axes.set_ylabel("signals recalled")
    figure.legend(loc="outside upper center", ncols=4)
    return figure
