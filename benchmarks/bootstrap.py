"""Week 3: bootstrap intervals of a mean and a median, beside scipy.stats.bootstrap.

Both resample 10,000 observations 9,999 times. SciPy draws a matrix of positions, gathers and reduces; its
``batch`` is set to what was fastest here, since its default takes all resamples at once and is several times
slower. Ours draws and adds in one go, and a median needs one Beta variate a resample.

The ends are quantiles of random replicates, so they are equal when their levels are: both ends are looked up
among SciPy's replicates and may differ by five standard errors of resampling, sqrt(p (1 - p) (1/B + 1/B)), for
BCa with the noise of the bias on top (its variance is pi / (2 B) in z, twice the density of the level).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from harness import Row, main
from mltoolkit.stats import bootstrap_ci

N, B = 10_000, 9_999
X = np.random.default_rng(0).lognormal(size=N)
STATISTICS = {"mean": np.mean, "median": np.median}
METHODS = {"percentile": "percentile", "bca": "BCa"}
BATCH = {("mean", "percentile"): 10, ("mean", "bca"): 100, ("median", "percentile"): 100, ("median", "bca"): 100}
GOALS = {"mean": 10.0, "median": 1000.0}


def ours(statistic: str, method: str) -> Callable[[], Any]:
    """Our interval."""
    return lambda: bootstrap_ci(X, statistic, method=method, n_resamples=B, random_state=1)


def peers(statistic: str, method: str) -> Callable[[], Any]:
    """SciPy's."""
    return lambda: stats.bootstrap(
        (X,), STATISTICS[statistic], method=METHODS[method], n_resamples=B, batch=BATCH[statistic, method], rng=2
    )


def same(method: str) -> Callable[[Any, Any], str]:
    """Whether both ends agree within the noise of resampling."""

    def compare(mine: Any, theirs: Any) -> str:
        replicates = np.sort(theirs.bootstrap_distribution)
        for end, other in zip((mine.low, mine.high), theirs.confidence_interval, strict=True):
            a, b = np.searchsorted(replicates, [end, other]) / B
            variance = 2 * b * (1 - b) / B
            if method == "bca":
                variance += 2 * (2 * stats.norm.pdf(stats.norm.ppf(b))) ** 2 * np.pi / 2 / B
            sigmas = abs(a - b) / np.sqrt(variance)
            if sigmas > 5:
                return f"{end:.6g} and {other:.6g} are {sigmas:.1f} standard errors apart"
        return ""

    return compare


if __name__ == "__main__":
    main(
        "bootstrap",
        [
            Row(
                f"bootstrap {statistic}, {METHODS[method]}",
                f"{N:,} lognormal observations, {B:,} resamples, 95%",
                f"scipy.stats.bootstrap((x,), np.{statistic}, method={METHODS[method]!r}, n_resamples={B}, "
                f"batch={BATCH[statistic, method]})",
                ours(statistic, method),
                peers(statistic, method),
                same(method),
                goal=GOALS[statistic],
            )
            for statistic in STATISTICS
            for method in METHODS
        ],
        ("fiftytwo", "numpy", "scipy", "numba"),
    )
