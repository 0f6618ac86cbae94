"""Week 7's pictures: functions from data to a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, ScalarFormatter
from numpy.typing import NDArray

from fiftytwo.weeks.w07_classification.reliability import Reliability
from mltoolkit.plots import PALETTE

_MARKERS = ("o", "s", "^", "D", "v", "P")


def reliability_diagrams(found: Mapping[str, Reliability]) -> Figure:
    """A panel a model: share of defaults over prediction with its interval, and the counts below."""
    figure, axes = plt.subplots(
        2,
        len(found),
        figsize=(2.6 * len(found) + 0.6, 4.4),
        sharex=True,
        sharey="row",
        height_ratios=(4, 1),
        squeeze=False,
    )
    top = 1.05 * max(float(max(r.high.max(), r.predicted.max())) for r in found.values())
    for i, (name, bins) in enumerate(found.items()):
        above, below = axes[0, i], axes[1, i]
        above.plot([0, top], [0, top], color="#888888", linewidth=0.9, linestyle="--")
        spread = np.array([bins.observed - bins.low, bins.high - bins.observed])
        above.errorbar(
            bins.predicted, bins.observed, yerr=spread, color=PALETTE[i], marker=_MARKERS[i], markersize=4, capsize=2,
            linewidth=1.2,
        )  # fmt: skip
        above.set_title(name)
        above.set_xlim(0, top)
        above.set_ylim(0, top)
        below.bar(bins.predicted, bins.count, width=top / 40, color=PALETTE[i])
        below.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        below.set_xlabel("predicted")
    axes[0, 0].set_ylabel("share that defaulted")
    axes[0, 0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes[1, 0].set_ylabel("loans")
    return figure


def falling_prevalence(shares: Sequence[float], roc: Sequence[float], precision: Sequence[float]) -> Figure:
    """Area under the ROC curve and average precision as defaults grow rarer."""
    figure, axes = plt.subplots()
    axes.plot(shares, roc, marker="o", color=PALETTE[0], label="area under the ROC curve")
    axes.plot(shares, precision, marker="s", color=PALETTE[1], label="average precision")
    axes.plot(shares, shares, color="#888888", linestyle="--", linewidth=0.9, label="average precision of guessing")
    axes.set_xscale("log")
    axes.set_xticks(shares, [f"{100 * share:.3g}%" for share in shares])
    axes.minorticks_off()
    axes.invert_xaxis()
    axes.set_ylim(0, 1)
    axes.set_xlabel("share of loans that default")
    axes.set_ylabel("score")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def cost_view(ratios: Sequence[float], costs: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Cost of each tactic over that of the cheapest, as a missed default grows dearer."""
    figure, axes = plt.subplots()
    best = np.min(list(costs.values()), axis=0)
    for i, (name, cost) in enumerate(costs.items()):
        axes.plot(ratios, cost / best, marker=_MARKERS[i], markersize=4, color=PALETTE[i], label=name)
    axes.set_xscale("log")
    axes.set_xticks(ratios, [f"{ratio:g}" for ratio in ratios])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.set_xlabel("what a missed default costs, in units of a good customer turned away")
    axes.set_ylabel("cost, cheapest tactic = 1")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def truth_and_prediction(truth: NDArray[np.float64], found: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Predicted over true probability, a panel a model."""
    figure, axes = plt.subplots(1, len(found), figsize=(2.6 * len(found) + 0.6, 3.0), sharex=True, sharey=True)
    for i, (axis, (name, p)) in enumerate(zip(axes, found.items(), strict=True)):
        axis.scatter(truth, p, s=4, alpha=0.25, color=PALETTE[i], linewidths=0, rasterized=True)
        axis.plot([0, 1], [0, 1], color="#444444", linewidth=0.9, linestyle="--")
        axis.set_title(name)
        axis.set_xlabel("true probability")
        axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1)
        axis.set_aspect("equal")
    axes[0].set_ylabel("predicted")
    return figure
