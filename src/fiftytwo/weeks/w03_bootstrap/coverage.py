"""How often an interval contains the truth: counted on populations whose truth is known.

Thousands of samples are drawn, each gets its intervals, and the share that contains the truth is held
against what theory says, against SciPy on the same samples, and against the 95% that were promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fiftytwo.evidence import Check
from fiftytwo.weeks.w03_bootstrap import oracles
from fiftytwo.weeks.w03_bootstrap.intervals import METHODS
from fiftytwo.weeks.w03_bootstrap.laws import WITHIN, off

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Array = NDArray[np.float64]

CONFIDENCE = 0.95
POPULATIONS = ("normal", "lognormal")
SIZES = (20, 200)
TRUTH = {
    ("normal", "mean"): 0.0,
    ("lognormal", "mean"): float(np.exp(0.5)),
    ("lognormal", "median"): 1.0,
}
_AT_ONCE = 100  # samples that share their draws; a new seed for the next ones, so that shares err as coins do


@dataclass(frozen=True)
class Coverage:
    """The share of intervals that contain the truth, for one population, size, statistic and method."""

    population: str
    n: int
    statistic: str
    method: str
    covered: NDArray[np.bool_]  # (m,), sample by sample
    below: float  # share of intervals that lie below the truth as a whole
    above: float
    width: float  # median

    @property
    def share(self) -> float:
        """The coverage."""
        return float(self.covered.mean())


@dataclass(frozen=True)
class Beside:
    """Our BCa and SciPy's on the same samples."""

    population: str
    n: int
    ours: NDArray[np.bool_]
    theirs: NDArray[np.bool_]

    @property
    def sigmas(self) -> float:
        """Difference of the two coverages in standard errors of a paired comparison (McNemar)."""
        only_ours, only_theirs = np.sum(self.ours & ~self.theirs), np.sum(~self.ours & self.theirs)
        return float(abs(int(only_ours) - int(only_theirs)) / max(1.0, np.sqrt(only_ours + only_theirs)))


def samples_of(population: str, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Samples as rows: standard normal, or its exponential."""
    z = rng.standard_normal(shape)
    return z if population == "normal" else np.exp(z)


def measure_coverage(lab: Lab, counts: Mapping[int, int], n_resamples: int) -> list[Coverage]:
    """Every population and size: the mean by all methods, the median of the skewed one by three."""
    cases = [
        (population, n, statistic, method)
        for population in POPULATIONS
        for n in SIZES
        for statistic, methods in (("mean", METHODS), ("median", METHODS[:3]))
        for method in methods
        if (population, statistic) != ("normal", "median")  # where it is the mean that is of interest
    ]
    return [
        _cover(lab, population, n, statistic, method, counts[n], n_resamples)
        for population, n, statistic, method in lab.progress(cases, "coverage")
    ]


def _cover(lab: Lab, population: str, n: int, statistic: str, method: str, count: int, n_resamples: int) -> Coverage:
    rng = np.random.default_rng([lab.seed, n])  # all methods and statistics see the same samples
    truth = TRUTH[population, statistic]
    lows, highs = [], []
    for i in range(count // _AT_ONCE):
        found = lab.solution.bootstrap_ci(
            samples_of(population, (_AT_ONCE, n), rng),
            statistic,
            method=method,
            confidence=CONFIDENCE,
            n_resamples=n_resamples,
            random_state=lab.seed + i,
        )
        lows.append(found.low)
        highs.append(found.high)
    low, high = np.concatenate(lows), np.concatenate(highs)
    covered = (low <= truth) & (truth <= high)
    return Coverage(
        population,
        n,
        statistic,
        method,
        covered,
        float(np.mean(high < truth)),
        float(np.mean(low > truth)),
        float(np.median(high - low)),
    )


def beside_scipy(lab: Lab, counts: Mapping[int, int], n_resamples: int) -> list[Beside]:
    """BCa intervals of the mean by ours and by SciPy, on the same samples."""
    found = []
    for population in POPULATIONS:
        for n, count in counts.items():
            x = samples_of(population, (count, n), np.random.default_rng([lab.seed, n, 1]))
            truth = TRUTH[population, "mean"]
            ours = lab.solution.bootstrap_ci(x, n_resamples=n_resamples, random_state=lab.seed)
            peer = stats.bootstrap(
                (x,),
                np.mean,
                axis=1,
                method="BCa",
                n_resamples=n_resamples,
                rng=lab.seed,
                batch=max(1, 2**22 // x.size),
            ).confidence_interval
            found.append(
                Beside(
                    population,
                    n,
                    *((low <= truth) & (truth <= high) for low, high in ((ours.low, ours.high), (peer.low, peer.high))),
                )
            )
    return found


def record(lab: Lab, found: Sequence[Coverage], beside: Sequence[Beside]) -> None:
    """The table, and the numbers that documents quote."""
    import pandas as pd

    rows = [
        {
            "statistic": c.statistic,
            "population": c.population,
            "n": c.n,
            "method": c.method,
            "samples": len(c.covered),
            "coverage": round(c.share, 4),
            "± (binomial)": round(float(np.sqrt(c.share * (1 - c.share) / len(c.covered))), 4),
            "truth above": round(c.below, 4),
            "truth below": round(c.above, 4),
            "median width": round(c.width, 4),
        }
        for c in found
    ]
    lab.table(
        pd.DataFrame(rows),
        "Coverage",
        f"Share of intervals at {CONFIDENCE:.0%} that contain the truth, with its standard error, the shares that miss "
        "it on either side, and the median width.",
    )
    for c in found:
        lab.metric(f"coverage: {c.statistic}, {c.population}, n = {c.n}, {c.method}", round(100 * c.share, 2), "%")
    for n in SIZES:
        lab.metric(
            f"expected coverage of a percentile interval, normal, n = {n}",
            round(100 * oracles.expected_coverage(n), 2),
            "%",
        )
    peers = pd.DataFrame(
        [
            {
                "population": b.population,
                "n": b.n,
                "samples": len(b.ours),
                "ours": float(b.ours.mean()),
                "SciPy": float(b.theirs.mean()),
                "same verdict": float((b.ours == b.theirs).mean()),
            }
            for b in beside
        ]
    )
    lab.table(
        peers,
        "BCa beside SciPy",
        "Coverage of the mean by our BCa intervals and SciPy's on the same samples, and the share of samples on which "
        "both contain the truth or both miss it.",
    )


def coverage_checks(found: Callable[[], Sequence[Coverage]], beside: Callable[[], Sequence[Beside]]) -> Iterator[Check]:
    """What theory says of the normal; what nobody should hide of the lognormal."""

    def one(population: str, n: int, method: str) -> Coverage:
        return next(c for c in found() if (c.population, c.n, c.statistic, c.method) == (population, n, "mean", method))

    def sigmas(c: Coverage, expected: float) -> float:
        return off(c.share, expected, len(c.covered))

    def skewed(method: str, n: int = 20) -> float:
        return one("lognormal", n, method).share

    def from_theory(n: int) -> float:
        return max(sigmas(one("normal", n, method), oracles.expected_coverage(n)) for method in METHODS[:3])

    def from_promise(n: int) -> float:
        return sigmas(one("normal", n, "studentized"), CONFIDENCE)

    for n in SIZES:
        yield Check(
            f"coverage on normal data, n = {n}: percentile, basic, BCa",
            partial(from_theory, n),
            at_most=WITHIN,
            unit="standard errors",
            exercise=False,
            why="They cover what theory says: less than was promised, by Student's quantile and a factor of n.",
        )
        yield Check(
            f"coverage on normal data, n = {n}: studentized",
            partial(from_promise, n),
            at_most=WITHIN,
            unit="standard errors",
            exercise=False,
            why="In units of each resample's own error the promise is kept, also with twenty observations.",
        )

    def lacking() -> float:
        error = np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / len(one("lognormal", 20, "bca").covered))
        return float((CONFIDENCE - max(map(skewed, METHODS))) / error)

    yield Check(
        "coverage on lognormal data, n = 20: what the best method lacks",
        lacking,
        at_least=2.0,
        unit="standard errors",
        exercise=False,
        why="No method keeps its promise on twenty skewed observations, and that is no noise of the simulation.",
    )
    yield Check(
        "coverage on lognormal data, n = 20: the order",
        lambda: skewed("studentized") >= skewed("bca") >= skewed("percentile") >= skewed("basic"),
        equals=True,
        exercise=False,
        why="Studentized before BCa before percentile before basic: each correction is worth something on skewed data.",
    )
    yield Check(
        "coverage of BCa on lognormal data rises with n",
        lambda: skewed("bca", 200) - skewed("bca"),
        at_least=0.0,
        exercise=False,
        why="What is missing is missing because of n, not because of a mistake.",
    )
    yield Check(
        "coverage beside SciPy's BCa",
        lambda: max(b.sigmas for b in beside()),
        at_most=WITHIN,
        unit="standard errors",
        exercise=False,
        why="On the same samples, normal and lognormal, our BCa covers as often as SciPy's.",
    )
    yield Check(
        "same verdict as SciPy's BCa",
        lambda: min(float((b.ours == b.theirs).mean()) for b in beside()),
        at_least=0.97,
        exercise=False,
        why="Two BCa intervals from different random draws part only where an end falls on the truth.",
    )
