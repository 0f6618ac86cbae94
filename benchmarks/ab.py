"""Week 3: simulated A/B tests, beside a loop over scipy.stats.ttest_ind.

The loop draws the units of both arms and tests them, as one does; ours draws the means and variances, whose laws
are known, and tests all experiments in one call. Both give as many p-values. Their shares below 0.05, the power
and the rate of false alarms, are equal when they differ by at most four binomial standard errors, from each
other and from the noncentral t distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from harness import Row, main
from mltoolkit.stats import Continuous, simulate_ab

EXPERIMENTS, ARM = 5_000, 1_000
MEAN, SD, EFFECT, ALPHA = 10.0, 3.0, 0.3, 0.05


def ours(effect: float) -> Callable[[], Any]:
    """All experiments at once."""
    return lambda: simulate_ab(
        Continuous(MEAN, SD), Continuous(MEAN + effect, SD), n=2 * ARM, n_simulations=EXPERIMENTS, random_state=1
    ).p_values[:, 0]


def loop(effect: float) -> Callable[[], Any]:
    """One experiment after another."""

    def run() -> Any:
        rng = np.random.default_rng(2)
        return np.array(
            [
                stats.ttest_ind(rng.normal(MEAN + effect, SD, ARM), rng.normal(MEAN, SD, ARM), equal_var=False).pvalue
                for _ in range(EXPERIMENTS)
            ]
        )

    return run


def same(effect: float) -> Callable[[Any, Any], str]:
    """Whether both find the effect as often as the formula says."""
    freedom, shift = 2 * ARM - 2, effect / (SD * np.sqrt(2 / ARM))
    critical = stats.t.ppf(1 - ALPHA / 2, freedom)
    expected = stats.nct.sf(critical, freedom, shift) + stats.nct.cdf(-critical, freedom, shift)
    error = np.sqrt(expected * (1 - expected) / EXPERIMENTS)

    def compare(mine: Any, theirs: Any) -> str:
        a, b = (float(np.mean(p <= ALPHA)) for p in (mine, theirs))
        gaps = (abs(a - b) / np.sqrt(2), abs(a - expected), abs(b - expected))
        return "" if max(gaps) <= 4 * error else f"shares {a:.4f} and {b:.4f}, expected {expected:.4f} ± {error:.4f}"

    return compare


if __name__ == "__main__":
    main(
        "ab",
        [
            Row(
                f"A/B simulator, {name}",
                f"{EXPERIMENTS:,} experiments, 2 x {ARM:,} units",
                "scipy.stats.ttest_ind(rng.normal(...), rng.normal(...), equal_var=False) in a loop",
                ours(effect),
                loop(effect),
                same(effect),
                goal=1000.0,
            )
            for name, effect in (("power", EFFECT), ("false alarms", 0.0))
        ],
        ("fiftytwo", "numpy", "scipy"),
    )
