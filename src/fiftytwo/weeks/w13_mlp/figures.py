"""Week 13's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from fiftytwo.weeks.w13_mlp.depth import Start
from mltoolkit.plots import PALETTE

_MARKERS = ("o", "s", "^", "D")


def learning_curves(learned: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Training loss and test error after each epoch, a line a network: ``learned`` has losses and accuracies."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.4))
    for i, (name, (losses, accuracies)) in enumerate(learned.items()):
        epochs = np.arange(1, len(losses) + 1)
        style = {"color": PALETTE[i], "marker": _MARKERS[i], "markersize": 3.5, "linewidth": 1.4}
        left.plot(epochs, losses, label=name, **style)
        right.plot(epochs, 1.0 - np.asarray(accuracies), **style)
    left.set_yscale("log")
    right.set_yscale("log")
    right.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    right.yaxis.set_major_formatter(lambda share, _: f"{100.0 * share:.3g}%")
    right.yaxis.set_minor_formatter(NullFormatter())
    left.set_ylabel("mean training loss (nats)")
    right.set_ylabel("test rows read wrongly")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside upper center", ncols=len(learned))
    return figure


def confusion(counts: NDArray[np.int64], title: str) -> Figure:
    """Rows read as each digit, true digit down, read digit across; right answers are left white."""
    figure, axes = plt.subplots(figsize=(5.4, 4.8))
    wrong = counts.astype(float)
    np.fill_diagonal(wrong, np.nan)
    top = max(1.0, float(np.nanmax(wrong)))
    image = axes.imshow(wrong, cmap="Blues", vmin=0, vmax=top)
    for row in range(10):
        for column in range(10):
            if counts[row, column]:
                dark = row != column and counts[row, column] > 0.6 * top
                axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8,
                          color="white" if dark else "#222222")  # fmt: skip
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.grid(visible=False)
    axes.set_xlabel("read as")
    axes.set_ylabel("is")
    axes.set_title(title)
    bar = figure.colorbar(image, ax=axes, shrink=0.85)
    bar.set_label("rows read wrongly")
    bar.locator = MaxNLocator(integer=True)
    bar.update_ticks()
    return figure


def worst_read(
    pictures: NDArray[np.uint8], side: int, labels: Sequence[int], read: Sequence[int], share: Sequence[float]
) -> Figure:
    """The pictures, each with its label, what it was read as, and the probability that its own digit got."""
    columns = 6
    rows = -(-len(pictures) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(7.4, 1.62 * rows), squeeze=False)
    for i, axes in enumerate(grid.flat):
        axes.set_axis_off()
        if i < len(pictures):
            axes.imshow(pictures[i].reshape(side, side), cmap="gray_r", interpolation="nearest")
            axes.set_title(f"{labels[i]}, read {read[i]}\np = {share[i]:.1g}", fontsize=8.5, loc="center")
    return figure


def rates(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], guessing: float) -> Figure:
    """Training and validation loss at each learning rate, a panel a rate; ``guessing`` is the loss of not knowing."""
    figure, row = plt.subplots(1, len(curves), figsize=(2.8 * len(curves), 3.3), sharey=True)
    for axes, (name, (train, held)) in zip(row, curves.items(), strict=True):
        epochs = np.arange(1, len(train) + 1)
        axes.axhline(guessing, color="#888888", linestyle="--", linewidth=0.9)
        axes.plot(epochs, train, color=PALETTE[0], label="training")
        axes.plot(epochs, held, color=PALETTE[1], linestyle="-.", label="held out")
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    row[0].set_ylabel("mean loss (nats)")
    row[-1].annotate("guessing", (1.0, guessing), xycoords=("axes fraction", "data"), xytext=(-2, 4),
                     textcoords="offset points", ha="right", fontsize=8, color="#666666")  # fmt: skip
    handles, labels = row[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure


def starts(found: Sequence[Start], guessing: float) -> Figure:
    """Signals up the layers, gradients down them, and the losses of training, a line a start."""
    figure, (up, down, after) = plt.subplots(1, 3, figsize=(9.6, 3.5))
    for i, start in enumerate(found):
        style = {"color": PALETTE[i], "marker": _MARKERS[i], "markersize": 3.5, "linewidth": 1.4, "label": start.name}
        if max(start.signals) > 0.0:  # zero has no place on a logarithmic scale
            up.plot(np.arange(1, len(start.signals) + 1), start.signals, **style)
            down.plot(np.arange(1, len(start.gradients) + 1), start.gradients, **style)
        after.plot(np.arange(1, len(start.losses) + 1), start.losses, **style)
    after.axhline(guessing, color="#888888", linestyle="--", linewidth=0.9)
    up.set_title("output of hidden layers")
    up.set_ylabel("root mean square")
    up.set_xlabel("layer")
    down.set_title("gradient of each layer")
    down.set_ylabel("root mean square")
    down.set_xlabel("layer")
    after.set_title("training")
    after.set_ylabel("mean loss (nats)")
    after.set_xlabel("epoch")
    for axes in (up, down, after):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=7))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    handles, labels = after.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(found))
    return figure
