"""Week 9's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mltoolkit.plots import PALETTE
from mltoolkit.tabular.cluster_validation import Gap, Stability

_MARKERS = ("o", "s", "^", "D")


def criteria(
    numbers: Sequence[int],
    silhouette: NDArray[np.float64],
    bic: Mapping[str, NDArray[np.float64]],
    gap: Gap,
    proposals: Mapping[str, int],
) -> Figure:
    """A panel a criterion over the number of segments; its proposal is the dashed line."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 3.4))
    left.plot(numbers, silhouette, marker="o", color=PALETTE[0])
    left.set_title("silhouette (high is good)")
    for i, (kind, values) in enumerate(bic.items()):
        middle.plot(numbers, values / 1000.0, marker=_MARKERS[i], markersize=4, color=PALETTE[i], label=kind)
    middle.set_title("BIC in thousands (low is good)")
    middle.legend(fontsize="small")
    right.errorbar(gap.n_clusters, gap.gap, yerr=gap.error, marker="o", color=PALETTE[2], capsize=2)
    right.set_title("gap (first that holds)")
    for axes, name in zip((left, middle, right), ("silhouette", "BIC", "gap"), strict=True):
        axes.axvline(proposals[name], color="#888888", linestyle="--", linewidth=0.9)
        axes.set_xticks(numbers)
        axes.set_xlim(numbers[0] - 0.4, numbers[-1] + 0.4)
        axes.set_xlabel("segments")
    return figure


def stability(found: Mapping[int, Stability], least: float) -> Figure:
    """Agreement of resamples and seeds for each proposal, and how far each segment comes back."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4))
    numbers = list(found)
    for i, (of, label) in enumerate((("seeds", "other seeds"), ("resamples", "bootstrap resamples"))):
        values = [getattr(found[k], of) for k in numbers]
        means = np.array([v.mean() for v in values])
        ends = np.array([found[k].interval(of) for k in numbers]).T
        where = np.arange(len(numbers)) + (i - 0.5) * 0.2
        spread = np.abs(ends - means)  # a mean of equal values may lie a rounding beside them
        left.errorbar(where, means, yerr=spread, fmt=_MARKERS[i], color=PALETTE[i], capsize=3, label=label)
    left.set_xticks(np.arange(len(numbers)), [str(k) for k in numbers])
    left.set_xlim(-0.6, len(numbers) - 0.4)
    left.set_ylim(min(0.0, *(float(found[k].resamples.min()) for k in numbers)), 1.02)
    left.set_xlabel("segments")
    left.set_ylabel("adjusted Rand index, 95% of runs")
    left.legend(loc="lower left", fontsize="small")
    for i, k in enumerate(numbers):
        overlap = np.sort(found[k].per_cluster)
        right.scatter(np.full(k, i), overlap, color=PALETTE[3], s=22)
    right.axhline(least, color="#888888", linestyle="--", linewidth=0.9)
    right.set_xticks(np.arange(len(numbers)), [str(k) for k in numbers])
    right.set_xlim(-0.6, len(numbers) - 0.4)
    right.set_ylim(0.0, 1.02)
    right.set_xlabel("segments")
    right.set_ylabel("mean overlap, a point a segment")
    return figure


def profiles(columns: Sequence[str], centers: NDArray[np.float64], titles: Sequence[str]) -> Figure:
    """How far each segment's mean is from that of all customers, in standard deviations: a row a segment."""
    figure, axes = plt.subplots(figsize=(2.4 + 1.1 * len(columns), 1.3 + 0.52 * len(centers)))
    top = float(np.abs(centers).max())
    image = axes.imshow(centers, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto")
    axes.grid(visible=False)
    axes.set_xticks(range(len(columns)), [c.replace(" ", "\n", 1) for c in columns])
    axes.set_yticks(range(len(titles)), titles)
    axes.tick_params(length=0)
    for (i, j), value in np.ndenumerate(centers):
        axes.text(j, i, f"{value:+.1f}", ha="center", va="center", color="white" if abs(value) > 0.6 * top else "black")
    figure.colorbar(image, label="standard deviations", shrink=0.9)
    return figure


def scatter(x: NDArray[np.float64], y: NDArray[np.float64], labels: NDArray[np.intp], names: Sequence[str],
            axis_labels: tuple[str, str]) -> Figure:  # fmt: skip
    """Customers by two features on logarithmic axes, coloured by segment."""
    figure, axes = plt.subplots()
    for s, name in enumerate(names):
        inside = labels == s
        axes.scatter(x[inside], y[inside], s=9, alpha=0.55, linewidths=0, color=PALETTE[s % len(PALETTE)],
                     marker=_MARKERS[s % len(_MARKERS)], label=name, rasterized=True)  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(axis_labels[0])
    axes.set_ylabel(axis_labels[1])
    figure.legend(loc="outside upper center", ncols=2, fontsize="small", markerscale=2)
    return figure
