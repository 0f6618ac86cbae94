"""Checks of ``simulate_ab``: the sizes exactly, everything else by the law it has to follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w03_bootstrap import oracles
from fiftytwo.weeks.w03_bootstrap.intervals import EXACT, NOISE, worst
from mltoolkit.stats import Binary, Continuous, Ratio
from mltoolkit.stats.results import Population

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

WITHIN = 3.5  # binomial standard errors: thirty such checks all hold in 98 runs of 100
COUNT = 20_000  # experiments in a simulation whose law is measured
NOTHING = Continuous(10.0, 3.0)
TEN_LOOKS = 10


def laws(lab: Lab) -> Iterator[Check]:
    """Bookkeeping, the law of what a look sees, and the four figures that a plan rests on."""
    yield from _bookkeeping(lab)
    yield from _moments(lab)
    yield from _plans(lab)


def off(share: float, expected: float, count: int) -> float:
    """Distance of a simulated share from what it should be, in binomial standard errors."""
    return float(abs(share - expected) / np.sqrt(expected * (1.0 - expected) / count))


def _bookkeeping(lab: Lab) -> Iterator[Check]:
    def sizes() -> Measurement:
        def one(call: str, expected: Any, **options: Any) -> Measurement:
            found = lab.solution.simulate_ab(Continuous(1.0, 0.0), Continuous(4.0, 0.0), n_simulations=3, **options)
            parts = {
                "control.n": expected[0],
                "treatment.n": expected[1],
                "control.mean": np.ones((3, len(expected[0]))),
                "treatment.mean": np.full((3, len(expected[0])), 4.0),
                "control.variance": np.zeros((3, len(expected[0]))),
                "p_values": np.zeros((3, len(expected[0]))),
            }
            return worst(
                [
                    difference(_reach(found, name), np.asarray(value), call=f"{call}.{name}")
                    for name, value in parts.items()
                ],
                EXACT,
            )

        flat = "simulate_ab(Continuous(1, 0), Continuous(4, 0), {})"
        return worst(
            (
                one(flat.format("n=101"), ([51], [50]), n=101),
                one(flat.format("n=100, looks=3"), ([17, 33, 50], [16, 34, 50]), n=100, looks=3),
                one(
                    flat.format("n=1000, looks=[0.1, 0.15, 1.0], split=0.2"),
                    ([80, 120, 800], [20, 30, 200]),
                    n=1000,
                    looks=[0.1, 0.15, 1.0],
                    split=0.2,
                ),
            ),
            EXACT,
        )

    yield Check(
        "sizes of the arms",
        sizes,
        at_most=EXACT,
        why="Where nothing varies, what a look sees is known: which units, how many, and their mean.",
        hint=(
            "N = rint(f n) units at share f; rint(split N) of them are treated, the rest is the control.",
            "np.rint rounds a half to the even number.",
            "Control comes first.",
        ),
    )

    def sure() -> Measurement:
        found = lab.solution.simulate_ab(Binary(0.0), Binary(1.0), n=40, looks=2, n_simulations=2)
        same = lab.solution.simulate_ab(Binary(1.0), Binary(1.0), n=40, looks=2, n_simulations=2)
        call = "simulate_ab(Binary({}), Binary(1.0), n=40, looks=2).{}"
        z = np.array([stats.chi2_contingency([[0, k], [k, 0]], correction=False).pvalue for k in (10, 20)])
        return worst(
            (
                difference(found.treatment.mean, np.ones((2, 2)), call=call.format(0.0, "treatment.mean")),
                difference(found.control.variance, np.zeros((2, 2)), call=call.format(0.0, "control.variance")),
                difference(found.p_values, np.stack([z, z]), call=call.format(0.0, "p_values")),
                difference(same.p_values, np.ones((2, 2)), call=call.format(1.0, "p_values")),
            ),
            EXACT,
        )

    yield Check(
        "sure conversions",
        sure,
        at_most=EXACT,
        why="With rates of 0 and 1 nothing is left to chance, not even the p-value.",
        hint=("Binary populations are tested with two proportions unless another test is given.",),
    )

    def repeats() -> Measurement:
        pair = Ratio((1.0, 5.0), (1.0, 2.0), 0.5)
        runs = [
            lab.solution.simulate_ab(pair, pair, n=400, looks=2, n_simulations=5, random_state=seed).p_values
            for seed in (1, np.random.default_rng(1), 2)
        ]
        good = np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])
        return Measurement(
            float(good),
            call="simulate_ab(..., random_state=1)",
            got="seeds 1, default_rng(1) and 2",
            expected="the same, the same, another",
        )

    yield Check(
        "simulations repeat with their seed",
        repeats,
        equals=True,
        why="A simulation is an argument, and an argument can be checked only if it can be repeated.",
        hint=("rng = np.random.default_rng(random_state), once.",),
    )

    def uses_the_test() -> Measurement:
        test = lab.solution.ABTest("sequential", tau=0.5)
        found = lab.solution.simulate_ab(NOTHING, Continuous(10.5, 3.0), n=400, looks=4, test=test, n_simulations=6)
        given = lab.solution.ABTest("sequential", tau=0.5).p_value(found.control, found.treatment)
        return difference(
            found.p_values, given, inputs={}, call="simulate_ab(..., test=ABTest('sequential', tau=0.5)).p_values"
        )

    yield Check(
        "the test that was asked for",
        uses_the_test,
        at_most=EXACT,
        why="The p-values are those of the given test on the moments of each look.",
        hint=("test.p_value(control, treatment), all looks of all experiments in one call.",),
    )


def _reach(found: Any, path: str) -> Any:
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _moments(lab: Lab) -> Iterator[Check]:
    pair = Ratio((2.0, 8.0), (1.5, 2.0), 0.7)
    slope = pair.value
    residual = (1.5**2 - 2 * slope * 0.7 * 1.5 * 2.0 + slope**2 * 2.0**2) / 8.0**2  # of y - r x, over mean(x)²
    cases: tuple[tuple[str, Population, float, float, str], ...] = (
        (
            "binary",
            Binary(0.3),
            0.3,
            0.21,
            "Conversions of n units are binomial; those of a look are added to the ones before.",
        ),
        (
            "continuous",
            Continuous(-2.0, 3.0),
            -2.0,
            9.0,
            "A mean of n normal units is normal, its sample variance chi-squared, and the two are independent.",
        ),
        (
            "ratio",
            pair,
            slope,
            residual,
            "A ratio of two means varies as the delta method says, once there are enough units.",
        ),
    )
    for name, population, mean, variance, why in cases:
        yield Check(
            f"what a look sees: {name}",
            _seen(lab, population, mean, variance),
            at_most=NOISE,
            unit="standard errors",
            why=why,
            hint=(
                "Five things are compared with their law: mean and variance of the mean at both looks, the "
                "correlation between the looks, and the mean and spread of the variance.",
                "The second look sees the units of the first too: correlation sqrt(n_1 / n_2).",
                "Sums of squares of two groups add up with n_1 n_2 / (n_1 + n_2) times the squared distance of "
                "their means.",
            ),
        )


def _seen(lab: Lab, population: Population, mean: float, variance: float) -> Any:
    """Distances of simulated moments from their law, in standard errors of the simulation."""

    def measure() -> Measurement:
        n = 400
        found = lab.solution.simulate_ab(
            population, population, n=2 * n, looks=[0.25, 1.0], n_simulations=COUNT, random_state=21
        )
        sizes = np.array([n // 4, n])
        call = f"simulate_ab({population!r}, ..., n={2 * n}, looks=[0.25, 1.0])"
        return worst(
            [
                row
                for arm in ("control", "treatment")
                for row in _rows(
                    np.asarray(_reach(found, f"{arm}.mean")),
                    np.asarray(_reach(found, f"{arm}.variance")),
                    sizes,
                    mean,
                    variance,
                    f"{call}.{arm}",
                    isinstance(population, Ratio),
                )
            ],
            NOISE,
        )

    return measure


def _rows(
    means: NDArray[Any],
    variances: NDArray[Any],
    sizes: NDArray[Any],
    mean: float,
    variance: float,
    call: str,
    approximate: bool,
) -> Iterator[Measurement]:
    """One measurement for each thing that has a law; rounded values, so that a mistake can be recognised."""
    count = len(means)
    if means.shape != (count, 2) or variances.shape != (count, 2):
        yield Measurement(
            np.nan, gate=f"expected shape ({COUNT}, 2), got {means.shape} and {variances.shape}", call=call
        )
        return
    slack = 0.02 if approximate else 0.0  # the delta method is exact for many units only
    theory = np.sqrt(variance / sizes)
    shift = (means.mean(axis=0) - mean) / (theory / np.sqrt(count))
    spread = means.var(axis=0, ddof=1) / theory**2
    together = np.corrcoef(means.T)[0, 1]
    inner = variances.mean(axis=0) / variance
    expected = np.sqrt(sizes[0] / sizes[1])
    noise = np.sqrt(2.0 / count)
    rows = (
        ("mean of .mean", np.abs(shift) * (1.0 - 0.5 * approximate), np.round(shift, 0), 0.0),
        ("variance of .mean over its law", _beyond(spread, 1.0, slack) / noise, np.round(spread, 1), 1.0),
        (
            "correlation of .mean between the looks",
            _beyond(together, expected, 0.0) / ((1 - expected**2) / np.sqrt(count)),
            np.round(together, 1),
            expected,
        ),
        (
            "mean of .variance over its law",
            _beyond(inner, 1.0, slack) / (np.sqrt(2.0 / sizes) / np.sqrt(count)),
            np.round(inner, 2),
            1.0,
        ),
    )
    for name, sigmas, got, wanted in rows:
        yield Measurement(float(np.max(sigmas)), call=f"{call}: {name}", got=got, expected=wanted)


def _beyond(value: Any, expected: float, slack: float) -> Any:
    return np.maximum(np.abs(np.asarray(value) - expected) - slack, 0.0)


def _plans(lab: Lab) -> Iterator[Check]:
    def uniform() -> Measurement:
        found = lab.solution.simulate_ab(NOTHING, NOTHING, n=200, split=0.3, n_simulations=COUNT, random_state=31)
        p = np.asarray(found.p_values)[:, 0]
        return Measurement(
            float(stats.kstest(p, "uniform").pvalue),
            expected="p-values spread evenly over 0 to 1",
            call="simulate_ab(nothing, nothing, n=200, split=0.3).p_values",
            got=np.quantile(p, [0.05, 0.5, 0.95]).round(1),
        )

    yield Check(
        "uniform p-values",
        uniform,
        at_least=1e-4,
        why="That is all a p-value promises: without an effect it is below 0.05 in one experiment out of twenty.",
        hint=("Two-sided: twice the tail beyond |t|.",),
    )

    def power() -> Measurement:
        def one(split: float) -> Measurement:
            found = lab.solution.simulate_ab(
                NOTHING, Continuous(10.4, 3.0), n=2000, split=split, n_simulations=COUNT, random_state=33
            )
            share = float(np.mean(np.asarray(found.p_values)[:, -1] <= 0.05))
            treated = round(2000 * split)
            expected = oracles.power_of_welch(0.4, 3.0, 2000 - treated, treated)
            return Measurement(
                off(share, expected, COUNT),
                got=round(share, 2),
                expected=round(expected, 4),
                call=f"simulate_ab(Continuous(10, 3), Continuous(10.4, 3), n=2000, split={split})",
            )

        return worst((one(split) for split in (0.5, 0.2)), NOISE)

    yield Check(
        "power as the formula says",
        power,
        at_most=NOISE,
        unit="standard errors",
        why="The share of real effects that are found is the noncentral t distribution's; an uneven split costs.",
        hint=("With half the units in each arm the power is highest: is your split the share of the treatment?",),
    )

    def peeking() -> Measurement:
        found = lab.solution.simulate_ab(
            NOTHING, NOTHING, n=20_000, looks=TEN_LOOKS, n_simulations=COUNT, random_state=35
        )
        share = float(np.mean(np.min(np.asarray(found.p_values), axis=1) <= 0.05))
        return Measurement(
            off(share, oracles.false_alarms(TEN_LOOKS), COUNT),
            got=round(share, 1),
            expected=round(oracles.false_alarms(TEN_LOOKS), 4),
            call=f"simulate_ab(nothing, nothing, n=20000, looks={TEN_LOOKS})",
        )

    yield Check(
        "ten looks",
        peeking,
        at_most=NOISE,
        unit="standard errors",
        why="Each look is one more chance to be wrong; the looks share their data, so the chances do not multiply.",
        hint=(
            "Without the earlier units each look is independent, and too many are significant.",
            "Every look sees all units so far.",
        ),
    )

    def sequential() -> Measurement:
        test = lab.solution.ABTest("sequential", tau=0.1)
        found = lab.solution.simulate_ab(
            NOTHING, NOTHING, n=20_000, looks=100, test=test, n_simulations=COUNT // 4, random_state=37
        )
        share = float(np.mean(np.min(np.asarray(found.p_values), axis=1) <= 0.05))
        return Measurement(
            share,
            call="simulate_ab(nothing, nothing, n=20000, looks=100, test=ABTest('sequential', tau=0.1))",
            got=round(share, 2),
            expected="at most 0.05",
        )

    yield Check(
        "a hundred looks, sequentially",
        sequential,
        at_most=0.05,
        why="An always-valid p-value may be read as often as one likes.",
        hint=("Is V the variance of the effect at that look, which shrinks as units come in?",),
    )
