"""Week 14's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE

Array = NDArray[np.float64]
_MARKERS = ("o", "s", "^", "D")


def learning_curves(epochs: Array, losses: Mapping[str, Array], accuracies: Mapping[str, Array]) -> Figure:
    """Training loss and validation accuracy by arm: means over seeds, the range of the seeds shaded.

    Each array has shape (seeds, looks).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.6))
    for axes, curves in ((left, losses), (right, accuracies)):
        for i, (name, runs) in enumerate(curves.items()):
            axes.fill_between(epochs, runs.min(axis=0), runs.max(axis=0), color=PALETTE[i], alpha=0.15, linewidth=0)
            axes.plot(epochs, runs.mean(axis=0), color=PALETTE[i], marker=_MARKERS[i], markersize=3, label=name)
        axes.set_xlabel("epochs")
    left.set_ylim(bottom=0)
    left.set_ylabel("training loss, nats")
    right.set_ylabel("validation accuracy")
    right.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def gains(differences: Mapping[str, Sequence[float]], means: Mapping[str, tuple[float, float, float]]) -> Figure:
    """Difference in test accuracy from the plain arm: each seed a point, the mean with its interval."""
    figure, axes = plt.subplots(figsize=(7.0, 0.7 * len(differences) + 1.3))
    for i, (name, points) in enumerate(differences.items()):
        mean, low, high = (100.0 * value for value in means[name])
        axes.errorbar(mean, i, xerr=[[mean - low], [high - mean]], color=PALETTE[i + 1], marker="s", capsize=4)
        axes.scatter(100.0 * np.asarray(points), np.full(len(points), i + 0.2), color=PALETTE[i + 1], s=14, alpha=0.7)
    axes.axvline(0.0, color="#888888", linewidth=0.9, linestyle="--")
    axes.set_yticks(range(len(differences)), list(differences))
    axes.set_ylim(len(differences) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("test accuracy beyond the plain run's, percentage points")
    return figure


def stopped(epochs: Array, curves: Sequence[tuple[Array, Array, int]]) -> Figure:
    """A panel a seed: training and validation loss to the end, and the epoch that the early stop kept."""
    figure, panels = plt.subplots(1, len(curves), figsize=(2.7 * len(curves), 3.2), sharey=True, squeeze=False)
    for axes, (training, validation, kept) in zip(panels[0], curves, strict=True):
        axes.plot(epochs, training, color=PALETTE[0], label="training")
        axes.plot(epochs, validation, color=PALETTE[1], label="validation")
        axes.axvline(epochs[kept], color="#444444", linestyle="--", linewidth=1.0, label="kept by the early stop")
        axes.set_xlabel("epochs")
    panels[0, 0].set_ylabel("loss, nats")
    panels[0, 0].set_ylim(0.0, 1.1 * max(float(np.max(validation[1:])) for _, validation, _ in curves))
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def batch(rows: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """Pictures of one batch, a row for each treatment; each entry has shape (n, H, W, 3)."""
    count = len(next(iter(rows.values())))
    figure, axes = plt.subplots(len(rows), count, figsize=(0.8 * count, 0.95 * len(rows)), squeeze=False)
    for line, (name, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(line, images, strict=True):
            axis.imshow(image)
            _bare(axis)
        line[0].set_title(name, fontsize=9)
    return figure


def filters(weights: NDArray[np.float32]) -> Figure:
    """First-layer filters as colours, shape (w, 3, kh, kw): grey is 0."""
    count = len(weights)
    figure, axes = plt.subplots(1, count, figsize=(0.55 * count + 0.4, 0.9), squeeze=False)
    scale = float(np.max(np.abs(weights)))
    for axis, one in zip(axes[0], weights, strict=True):
        axis.imshow(0.5 + 0.5 * one.transpose(1, 2, 0) / scale)
        _bare(axis)
    return figure


def errors(images: NDArray[np.uint8], titles: Sequence[str]) -> Figure:
    """Pictures that were confidently taken for something else."""
    figure, axes = plt.subplots(2, 5, figsize=(7.0, 3.6))
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image)
        axis.set_title(title, fontsize=8, loc="center")
    return figure


def confusion(counts: NDArray[np.int64], classes: Sequence[str]) -> Figure:
    """Rows are the right class, columns the answer; shade is the share of the row."""
    figure, axes = plt.subplots(figsize=(5.6, 5.2))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for i in range(len(classes)):
        for j in range(len(classes)):
            if counts[i, j]:
                axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=7,
                          color="white" if shares[i, j] > 0.5 else "black")  # fmt: skip
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(classes)), classes, fontsize=8)
    axes.set_xlabel("answer")
    axes.set_ylabel("right class")
    axes.grid(visible=False)
    return figure


def _bare(axis: Any) -> None:
    axis.set_xticks([])
    axis.set_yticks([])
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
