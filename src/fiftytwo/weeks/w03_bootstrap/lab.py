"""Week 3: what an interval and a p-value promise, read off simulations whose truth is known.

The build counts: intervals that contain the truth, by method, population and size; experiments that find
an effect, and those that find one where there is none, with one look or with a hundred. The assessment
holds the code behind the counts against all resamples of small samples, SciPy, integrals and theory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w03_bootstrap import figures, oracles
from fiftytwo.weeks.w03_bootstrap.coverage import (
    CONFIDENCE,
    SIZES,
    TRUTH,
    Beside,
    Coverage,
    beside_scipy,
    coverage_checks,
    measure_coverage,
    record,
    samples_of,
)
from fiftytwo.weeks.w03_bootstrap.edges import edges, like_its_law
from fiftytwo.weeks.w03_bootstrap.experiments import experiments
from fiftytwo.weeks.w03_bootstrap.intervals import METHODS, intervals
from fiftytwo.weeks.w03_bootstrap.laws import laws
from fiftytwo.weeks.w03_bootstrap.refusals import refusals
from fiftytwo.weeks.w03_bootstrap.trials import (
    ALPHA,
    EFFECTS,
    LARGE,
    LOOKS,
    REAL,
    SD,
    SMALL,
    SPLITS,
    TAU,
    UNITS,
    WATCHED,
    Trials,
    power_at,
    record_trials,
    run_trials,
    trial_checks,
)

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    3,
    exercise=Exercise(
        "mltoolkit.stats.inference",
        ("bootstrap_ci", "simulate_ab", "ABTest"),
        hours=9.0,
        peers={"bootstrap_ci": "fiftytwo.weeks.w03_bootstrap.peers:bootstrap_ci"},
        brief="""\
Write `bootstrap_ci`, `ABTest` and `simulate_ab`. The docstrings give every formula; what the functions
take and return (`Interval`, `Moments`, `Binary` ...) is imported at the top of your file and needs no work.
Read `mltoolkit/stats/results.py` once. A good order:

1. `bootstrap_ci` for the mean of one sample: draw positions, take means, sort, read off the ends. First
   *percentile*, then *basic*, *bca* and *studentized*; each is one check.
2. The median and any function; then many samples as rows, and the edges: no spread, two observations,
   values of 1e150.
3. The median of 200,000 observations. A resample's middle value is the data's at a random rank, and the
   rank is a Beta variate: draw that, not the resample.
4. `ABTest`: moments of each arm first, then three p-values and three intervals from them. Arrays of
   moments go through the same formulas.
5. `simulate_ab`: draw what each look adds, add it up with `cumsum`, hand the moments to the test.
6. Refuse what makes no sense, all faults in one `ValueError`.

NumPy, `scipy.special` and the distributions in `scipy.stats` are yours to use; `scipy.stats.bootstrap` and
finished tests are not the exercise. Randomness comes from `numpy.random.default_rng(random_state)` alone.
Your random stream may differ from the reference's: checks compare laws, or cases in which no seed matters.
""",
    ),
    seconds=600.0,  # a learner's loops over resamples take their time, and so does naming their mistakes
)


_CAPTIONS = {
    "mean": "50 lognormal observations, four intervals for the mean. Those that know of the skew reach further right.",
    "median": "The same observations and their median. Resampled medians are data values, or half-way between two.",
}


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    coverage: Sequence[Coverage]
    beside: Sequence[Beside]
    trials: Trials


def build(lab: Lab) -> Built:
    """Intervals on populations with a known truth, then experiments by the thousand."""
    _one_sample(lab)
    _hundred(lab)
    counts = {20: 20_000, 200: 20_000} if lab.full else {20: 1_000, 200: 500}
    found = measure_coverage(lab, counts, 1999 if lab.full else 999)
    beside = beside_scipy(lab, {20: 4_000, 200: 2_000} if lab.full else {20: 400, 200: 150}, 999)
    record(lab, found, beside)
    lab.figure(
        figures.coverage(found, CONFIDENCE),
        "Coverage by method",
        "Share of 95% intervals that contain the truth, with twice its binomial error. The dashed line is the promise.",
    )
    trials = run_trials(lab, 200_000 if lab.full else 10_000)
    record_trials(lab, trials)
    _draw_trials(lab, trials)
    lab.document(
        "promises.md.jinja",
        "What a p-value and an interval promise",
        effects=EFFECTS,
        small=SMALL,
        large=LARGE,
        sd=SD,
        units=UNITS,
        tau=TAU,
        real=f"{REAL:.0%}",
        level=f"{ALPHA:.0%}",
        confidence=f"{CONFIDENCE:.0%}",
        experiments=trials.count,
        ratio_trials=trials.ratio_trials,
        few=SIZES[0],
        many=SIZES[1],
        watched=WATCHED,
    )
    return Built(found, beside, trials)


def _one_sample(lab: Lab) -> None:
    """Four intervals for the mean and three for the median of one skewed sample."""
    import pandas as pd

    x = samples_of("lognormal", (1, 50), lab.rng)[0]
    rows: list[dict[str, Any]] = []
    for statistic in ("mean", "median"):
        found = [
            (method, lab.solution.bootstrap_ci(x, statistic, method=method, n_resamples=1999, random_state=lab.seed))
            for method in METHODS
        ]
        truth = TRUTH["lognormal", statistic]
        rows += [
            {
                "statistic": statistic,
                "method": method,
                "low": round(ci.low, 4),
                "estimate": round(ci.estimate, 4),
                "high": round(ci.high, 4),
                "contains the truth": bool(ci.low <= truth <= ci.high),
            }
            for method, ci in found
        ]
        lab.figure(
            figures.methods(found, truth, f"{statistic} of a lognormal population"),
            f"Four intervals for a {statistic}",
            _CAPTIONS[statistic],
        )
    lab.table(
        pd.DataFrame(rows),
        "One sample",
        "Intervals from 50 lognormal observations; the true mean is the root of e, the true median 1.",
    )


def _hundred(lab: Lab) -> None:
    """A hundred samples, a hundred intervals."""
    x = samples_of("lognormal", (100, 20), lab.rng)
    found = lab.solution.bootstrap_ci(x, n_resamples=1999, random_state=lab.seed)
    truth = TRUTH["lognormal", "mean"]
    missed = int(np.sum((truth < found.low) | (found.high < truth)))
    lab.metric("intervals of a hundred that miss the truth", missed)
    lab.figure(
        figures.hundred(found.low, found.high, truth),
        "A hundred intervals",
        "BCa intervals for the mean from a hundred samples of 20 lognormal observations each. The line is the truth. "
        "Most that miss it lie below: a sample without large values looks less spread than its population is.",
    )


def _draw_trials(lab: Lab, found: Trials) -> None:
    names = ("no effect", f"effect {SMALL:g}", f"effect {LARGE:g}")
    lab.figure(
        figures.p_values(found.p_null, found.p_small, found.p_large, names),
        "How p-values are spread",
        "Without an effect the share of p-values up to p is p itself, a straight line. An effect bends the curve up; "
        "its height at 0.05 is the power.",
    )
    lab.figure(
        figures.peeking(LOOKS, found.fixed, np.array([oracles.false_alarms(k) for k in LOOKS]), found.always, ALPHA),
        "The cost of peeking",
        "Share of experiments without an effect that were called significant at any of their looks.",
    )
    effects, splits = np.linspace(EFFECTS[0], EFFECTS[-1], 61), np.linspace(SPLITS[-1], SPLITS[0], 46)
    lab.figure(
        figures.power(
            figures.Curve(effects, np.array([power_at(effect, 0.5) for effect in effects]), EFFECTS, found.power),
            figures.Curve(splits, np.array([power_at(LARGE, s) for s in splits]), SPLITS, found.power_by_split),
        ),
        "Power",
        f"Left: by the size of the effect, {UNITS:,} units in all and a standard deviation of {SD:g}. "
        f"Right: an effect of {LARGE:g} by the share that is treated.",
    )


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """Hold the solution against exact answers and laws, then the counts of the build against theory."""
    yield from intervals(lab)
    yield from edges(lab)
    yield from like_its_law(lab)
    yield from experiments(lab)
    yield from laws(lab)
    yield from refusals(lab)
    yield from coverage_checks(lambda: built.coverage, lambda: built.beside)
    yield from trial_checks(lambda: built.trials)
