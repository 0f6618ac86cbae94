"""What the build finds out about A/B tests: null, power, peeking, uneven splits, ratio metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fiftytwo.evidence import Check
from fiftytwo.weeks.w03_bootstrap import oracles
from fiftytwo.weeks.w03_bootstrap.laws import WITHIN, off
from mltoolkit.stats import Continuous, Moments

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Array = NDArray[np.float64]

ALPHA = 0.05
SD = 3.0
UNITS = 2_000
LOOKS = (1, 2, 3, 5, 10, 20, 50, 100)
EFFECTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
SPLITS = (0.5, 0.3, 0.2, 0.1, 0.05)
WATCHED = 40  # looks at the experiment that may end early
TAU = 0.2  # of the sequential tests: effects of about this size were expected
SMALL, LARGE = 0.15, 0.4  # effects that few and most of the experiments find
REAL = 0.1  # share of the ideas that have any effect
_BASE = Continuous(10.0, SD)


@dataclass(frozen=True)
class Trials:
    """Everything that was simulated; shares are of experiments."""

    count: int
    p_null: Array  # p-values without an effect
    p_small: Array  # with one that few experiments find
    p_large: Array  # with one that most find
    power: Array  # by EFFECTS
    power_by_split: Array  # by SPLITS, at the large effect
    fixed: Array  # false alarms of the fixed test, by LOOKS
    always: Array  # of the sequential test, by LOOKS
    found_small: Array  # estimates of the small effect where it was significant
    false_discoveries: float  # share of significant results without an effect, when few ideas are real
    naive_ratio: float  # false alarms of a test that takes views for units
    delta_ratio: float  # of the delta method
    ratio_trials: int
    power_sequential: float
    units_sequential: float  # mean units until the sequential test ended


def run_trials(lab: Lab, count: int) -> Trials:
    """Simulate."""
    simulate, test = lab.solution.simulate_ab, lab.solution.ABTest
    seeds = iter(range(lab.seed * 1000, lab.seed * 1000 + 1000))

    def p_of(effect: float, split: float = 0.5) -> Any:
        return simulate(
            _BASE, Continuous(10.0 + effect, SD), n=UNITS, split=split, n_simulations=count, random_state=next(seeds)
        )

    null, small, large = (p_of(effect) for effect in (0.0, SMALL, LARGE))
    p_null, p_small, p_large = (np.asarray(found.p_values)[:, 0] for found in (null, small, large))
    power = [_share(p_of(effect)) for effect in lab.progress(EFFECTS, "power")]
    by_split = [_share(p_of(LARGE, split)) for split in SPLITS]
    always_valid = test("sequential", tau=TAU)
    fixed, always = [], []
    for looks in lab.progress(LOOKS, "looks"):
        plan = {"n": 20_000, "looks": looks, "n_simulations": count, "random_state": next(seeds)}
        found = simulate(_BASE, _BASE, **plan)
        fixed.append(_share(found))
        always.append(_share_of(np.asarray(always_valid.p_value(found.control, found.treatment))))
    watched = simulate(
        _BASE,
        Continuous(10.0 + LARGE, SD),
        n=2 * UNITS,
        looks=WATCHED,
        test=always_valid,
        n_simulations=count,
        random_state=next(seeds),
    )
    naive, delta, ratio_trials = _ratio_trials(lab, count)
    hits = np.mean(p_null <= ALPHA) * (1.0 - REAL), np.mean(p_large <= ALPHA) * REAL
    effects = np.asarray(small.treatment.mean)[:, 0] - np.asarray(small.control.mean)[:, 0]
    return Trials(
        count=count,
        p_null=p_null,
        p_small=p_small,
        p_large=p_large,
        power=np.array(power),
        power_by_split=np.array(by_split),
        fixed=np.array(fixed),
        always=np.array(always),
        found_small=effects[p_small <= ALPHA],
        false_discoveries=float(hits[0] / (hits[0] + hits[1])),
        naive_ratio=naive,
        delta_ratio=delta,
        ratio_trials=ratio_trials,
        power_sequential=_share(watched),
        units_sequential=_mean_units(np.asarray(watched.p_values), 2 * UNITS),
    )


def _share(found: Any) -> float:
    return _share_of(np.asarray(found.p_values))


def _share_of(p_values: Array) -> float:
    return float(np.mean(p_values.min(axis=1) <= ALPHA))


def _mean_units(p_values: Array, n: int) -> float:
    """Units that the experiments took when each ended at its first significant look."""
    hits = p_values <= ALPHA
    looks = hits.shape[1]
    at = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, looks)
    return float(at.mean() * n / looks)


def _ratio_trials(lab: Lab, count: int) -> tuple[float, float, int]:
    """False alarms for clicks per view of 400 users, with views and with users as the units.

    Users differ in how often they click and in how many pages they view, and nothing differs between the arms.
    """
    trials, users = min(count // 20, 2000), 400
    rng = np.random.default_rng([lab.seed, 7])
    views = rng.negative_binomial(1, 0.1, (2, trials, users)) + 1
    clicks = rng.binomial(views, rng.beta(0.5, 4.5, views.shape))
    all_views, all_clicks = views.sum(axis=2), clicks.sum(axis=2)
    control, treatment = (Moments(n, k / n, 0.0) for n, k in zip(all_views, all_clicks, strict=True))
    naive = np.asarray(lab.solution.ABTest("proportions").p_value(control, treatment))
    test = lab.solution.ABTest("welch")
    delta = [
        test.p_value(*(np.stack([clicks[arm, i], views[arm, i]], axis=1) for arm in (0, 1)))
        for i in lab.progress(range(trials), "ratio metrics")
    ]
    return float(np.mean(naive <= ALPHA)), float(np.mean(np.array(delta) <= ALPHA)), trials


def record_trials(lab: Lab, found: Trials) -> None:
    """Tables, and the numbers that the document quotes."""
    import pandas as pd

    exact = [oracles.false_alarms(looks) for looks in LOOKS]
    lab.table(
        pd.DataFrame(
            {"looks": LOOKS, "false alarms": found.fixed, "exact": np.round(exact, 4), "sequential": found.always}
        ),
        "Peeking",
        f"Share of {found.count:,} experiments without an effect in which some look was significant at {ALPHA:.0%}; "
        "the exact figure by numerical integration, and the share of the always-valid test.",
    )
    formula = [power_at(effect, 0.5) for effect in EFFECTS]
    lab.table(
        pd.DataFrame({"effect": EFFECTS, "power": found.power, "formula": np.round(formula, 4)}),
        "Power",
        f"Share of {found.count:,} experiments with {UNITS:,} units that were significant, by the size of the effect.",
    )
    by_split = [power_at(LARGE, split) for split in SPLITS]
    lab.table(
        pd.DataFrame({"share treated": SPLITS, "power": found.power_by_split, "formula": np.round(by_split, 4)}),
        "Uneven splits",
        f"The same for an effect of {LARGE:g}, by the share of the units in the treatment.",
    )
    percents = {
        "false alarms with one look": found.fixed[LOOKS.index(1)],
        "false alarms with ten looks": found.fixed[LOOKS.index(10)],
        "false alarms with a hundred looks": found.fixed[LOOKS.index(100)],
        "exact false alarms with ten looks": oracles.false_alarms(10),
        "false alarms of the sequential test, a hundred looks": found.always[LOOKS.index(100)],
        "power at the small effect": float(np.mean(found.p_small <= ALPHA)),
        "power at the large effect": float(np.mean(found.p_large <= ALPHA)),
        "power of the sequential test at the large effect": found.power_sequential,
        "power with a tenth treated": found.power_by_split[SPLITS.index(0.1)],
        "power with half treated": found.power_by_split[SPLITS.index(0.5)],
        "significant results without an effect": found.false_discoveries,
        "false alarms when views are the units": found.naive_ratio,
        "false alarms by the delta method": found.delta_ratio,
        "wrong sign among significant small effects": float(np.mean(found.found_small < 0.0)),
    }
    for name, value in percents.items():
        lab.metric(name, round(100.0 * float(value), 2), "%")
    lab.metric("exaggeration of significant small effects", round(float(found.found_small.mean()) / SMALL, 3))
    lab.metric("units until the sequential test ends", round(found.units_sequential), "units")


def power_at(effect: float, split: float) -> float:
    """Power of the fixed test by formula."""
    treated = round(UNITS * split)
    return oracles.power_of_welch(effect, SD, UNITS - treated, treated)


def trial_checks(found: Callable[[], Trials]) -> Iterator[Check]:
    """The counts against what is known of them."""
    yield Check(
        "p-values under the null",
        lambda: float(stats.kstest(found().p_null, "uniform").pvalue),
        at_least=1e-3,
        exercise=False,
        why="Uniform: each level holds what it says, not only 5%.",
    )
    yield Check(
        "power by effect",
        lambda: _worst(found().power, [power_at(effect, 0.5) for effect in EFFECTS], found().count),
        at_most=WITHIN,
        unit="standard errors",
        exercise=False,
        why="Simulated power is the noncentral t distribution's at every effect, 0 included.",
    )
    yield Check(
        "power by split",
        lambda: _worst(found().power_by_split, [power_at(LARGE, split) for split in SPLITS], found().count),
        at_most=WITHIN,
        unit="standard errors",
        exercise=False,
        why="An uneven split is a smaller experiment, by the formula.",
    )
    yield Check(
        "false alarms by looks",
        lambda: _worst(found().fixed, [oracles.false_alarms(looks) for looks in LOOKS], found().count),
        at_most=WITHIN,
        unit="standard errors",
        exercise=False,
        why="Peeking inflates false alarms to the figure that numerical integration gives, from one look to a hundred.",
    )
    yield Check(
        "false alarms of the sequential test",
        lambda: float(found().always.max()),
        at_most=ALPHA,
        exercise=False,
        why="However often one looks, the promise holds.",
    )
    yield Check(
        "false alarms of the delta method",
        lambda: off(found().delta_ratio, ALPHA, found().ratio_trials),
        at_most=WITHIN,
        unit="standard errors",
        exercise=False,
        why="Clicks per view, tested by user, alarms falsely as often as promised, on data that are neither normal "
        "nor independent within a user.",
    )
    yield Check(
        "false alarms when views are the units",
        lambda: found().naive_ratio,
        at_least=2.0 * ALPHA,
        exercise=False,
        why="Views of one user are alike, so a test that takes them for independent alarms more than twice too often.",
    )


def _worst(shares: Array, expected: Sequence[float], count: int) -> float:
    return max(off(share, wanted, count) for share, wanted in zip(shares, expected, strict=True))
