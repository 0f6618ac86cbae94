"""Checks of ``bootstrap_ci`` at the edges of what comes in, and of its law on data of common size."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w03_bootstrap.intervals import EXACT, METHODS, NOISE, call_of, ends_of, mean_square, worst

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def edges(lab: Lab) -> Iterator[Check]:
    """Seeds, no spread, two observations, units, types."""
    x = np.array([2.0, 3.5, 3.5, 4.0, 9.0, 11.0, 30.0])

    def repeats() -> Measurement:
        first, again, other = (
            lab.solution.bootstrap_ci(x, n_resamples=999, random_state=seed).low for seed in (3, 3, 4)
        )
        generator = lab.solution.bootstrap_ci(x, n_resamples=999, random_state=np.random.default_rng(3)).low
        good = first == again == generator and first != other
        return Measurement(
            float(good),
            call="bootstrap_ci(x, random_state=3)",
            inputs={"x": x},
            got=f"seeds 3, 3, 4 and default_rng(3) gave {first}, {again}, {other}, {generator}",
            expected="the same, the same, another, the same as the first",
        )

    yield Check(
        "repeats with its seed",
        repeats,
        equals=True,
        why="A result that nobody can get again is a story, not a result.",
        hint=(
            "rng = np.random.default_rng(random_state), once, and no other source of randomness.",
            "default_rng takes an int, a Generator or None.",
        ),
    )

    def still() -> Measurement:
        c = np.full(6, 0.1)
        cases = [(c, statistic, method, 0.1) for statistic in ("mean", "median", mean_square) for method in METHODS]
        return worst(
            (
                difference(
                    ends_of(lab.solution.bootstrap_ci(data, statistic, method=method, n_resamples=199, random_state=0)),
                    np.full(2, mean_square(data) if callable(statistic) else value),
                    call=call_of(statistic, method=method, n_resamples=199),
                    inputs={"x": data},
                )
                for data, statistic, method, value in cases
            ),
            1e-15,
        )

    yield Check(
        "data without spread",
        still,
        at_most=1e-15,
        why="Six times the same number: every replicate equals the estimate, and 0 / 0 is no interval.",
        hint=(
            "Which divisions can be 0 / 0 here?",
            "The acceleration is 0 when all d are 0, and s = 0 gives the estimate at both ends.",
        ),
    )

    def two() -> Measurement:
        pair = np.array([1.0, 3.0])
        return worst(
            (
                difference(
                    ends_of(
                        lab.solution.bootstrap_ci(pair, statistic, method=method, n_resamples=1999, random_state=0)
                    ),
                    np.array([-np.inf, np.inf] if method == "studentized" else [1.0, 3.0]),
                    call=call_of(statistic, method=method, n_resamples=1999),
                    inputs={"x": pair},
                )
                for statistic in ("mean", "median")
                for method in METHODS
            ),
            EXACT,
        )

    yield Check(
        "two observations",
        two,
        at_most=EXACT,
        why="Half of all resamples of two numbers have no spread: the studentized interval bounds nothing.",
        hint=("A pivot with s* = 0 is infinite, and so may be the end of the interval.",),
    )

    def pole() -> Measurement:
        rare = np.append(np.arange(39.0) * 1e-3, 1.0)
        found = lab.solution.bootstrap_ci(rare, _repeats_count, confidence=0.999, n_resamples=9999, random_state=0)
        return difference(float(found.high), float(found.low), inputs={"x": rare},
                          call="bootstrap_ci(x, f, confidence=0.999).high against .low, f = mean(x) - 9 (values that "
                          "are repeats)")  # fmt: skip

    yield Check(
        "BCa beyond its pole",
        pole,
        at_most=EXACT,
        why="All replicates lie below the estimate, and one observation leans on it: both levels are 1, both ends the "
        "largest replicate.",
        hint=(
            "Where 1 - c w is not positive, A is 1 if w is above 0, and 0 if not.",
            "All replicates below the estimate: take the share as 1 - 1/(2B), or z0 is infinite.",
        ),
    )

    def units() -> Measurement:
        base = {m: ends_of(lab.solution.bootstrap_ci(x, method=m, n_resamples=999, random_state=8)) for m in METHODS}
        return worst(
            (
                difference(
                    ends_of(lab.solution.bootstrap_ci(data, method=method, n_resamples=999, random_state=8)),
                    base[method] * a + b,
                    relative=True,
                    call=call_of("mean", method=method, n_resamples=999),
                    inputs={"x": data},
                )
                for data, a, b in (
                    (x * 1e150, 1e150, 0.0),
                    (x * 1e-150, 1e-150, 0.0),
                    (x + 1e6, 1.0, 1e6),
                    (x * 4.0 - 8.0, 4.0, -8.0),
                )
                for method in METHODS
            ),
            EXACT,
        )

    yield Check(
        "follows the units",
        units,
        at_most=EXACT,
        why="Metres or parsecs, the same seed gives the same interval in other units.",
        hint=(
            "The cube of 1e150 is beyond the range of a float.",
            "Divide d by its largest magnitude before you raise it to a power: c does not change.",
            "Centre and scale the data before you square them.",
        ),
    )

    def kinds() -> Measurement:
        whole = np.array([1, 0, 0, 1, 1, 1, 0, 1, 1])
        expected = ends_of(lab.solution.bootstrap_ci(whole.astype(float), n_resamples=999, random_state=2))
        return worst(
            (
                difference(
                    ends_of(lab.solution.bootstrap_ci(data, n_resamples=999, random_state=2)),
                    expected,
                    call=call_of("mean", n_resamples=999),
                    inputs={"x": data},
                )
                for data in (
                    whole,
                    whole.astype(bool),
                    whole.astype(np.float32),
                    whole.astype(np.uint8),
                    whole.tolist(),
                )
            ),
            EXACT,
        )

    yield Check(
        "whole numbers and booleans",
        kinds,
        at_most=EXACT,
        why="A column of 0 and 1 is data like any other.",
        hint=("np.asarray(data) and then .astype(float)", "Booleans cannot be subtracted."),
    )


def _repeats_count(sample: NDArray[Any]) -> float:
    """A statistic that no resample reaches, since each repeats a value."""
    return float(np.mean(sample)) + 9.0 * len(np.unique(sample)) - 9.0 * len(sample)


def like_its_law(lab: Lab) -> Iterator[Check]:
    """Beside SciPy, and where no resample fits into memory."""
    rng = lab.rng
    x = np.round(rng.lognormal(size=40), 6)

    def like_scipy() -> Measurement:
        functions = {"mean": np.mean, "median": np.median, np.std: np.std}
        return worst(
            (
                _distance(
                    lab.solution.bootstrap_ci(x, statistic, method=method, random_state=11),
                    x,
                    function,
                    method,
                    call_of(statistic, method=method),
                )
                for statistic, function in functions.items()
                for method in METHODS[:3]
            ),
            NOISE,
        )

    yield Check(
        "as SciPy",
        like_scipy,
        at_most=NOISE,
        unit="standard errors",
        why="On data without ties the ends equal those of scipy.stats.bootstrap within the noise of resampling.",
        hint=(
            "What is measured is how far the level of your end is from SciPy's, in Monte-Carlo noise.",
            "Is your jackknife that of the statistic that was asked for?",
        ),
    )

    def big_median() -> Measurement:
        def one(n: int, method: str, confidence: float) -> Measurement:
            data = rng.permutation(n).astype(float)
            found = lab.solution.bootstrap_ci(data, "median", method=method, confidence=confidence, random_state=13)
            # its law is known: the middle rank of n draws is a Beta variate, and ranks are values here
            half, a = (n + 1) / 2, (1.0 - confidence) / 2.0
            levels = stats.beta.cdf((np.array([found.low, found.high]) + 0.5) / n, half, half)
            sigmas = np.abs(levels - [a, 1.0 - a]) / np.sqrt(a * (1.0 - a) / 9999)
            return Measurement(
                float(sigmas.max()),
                inputs={"n": n},
                got=levels,
                expected=np.array([a, 1.0 - a]),
                call=f"bootstrap_ci(np.random.permutation({n}), 'median', method={method!r})",
            )

        return worst(
            (
                one(n, m, c)
                for n, m, c in ((200_001, "percentile", 0.9), (200_000, "percentile", 0.95), (200_000, "basic", 0.5))
            ),
            NOISE,
        )

    yield Check(
        "the median of 200,000",
        big_median,
        at_most=NOISE,
        unit="standard errors",
        why="A resample's order statistic is that of the data at a random rank, a Beta variate: no resample is needed.",
        hint=(
            "200,000 positions in each of 9,999 resamples do not fit anywhere.",
            "k-th smallest of n draws: sorted(x)[floor(n V)], V ~ Beta(k, n + 1 - k).",
            "For even n the two in the middle: V = G / (G + E + H) and (G + E) / (G + E + H), with "
            "G ~ Gamma(k), E ~ Gamma(1), H ~ Gamma(n - k).",
        ),
    )


def _distance(found: Any, x: NDArray[Any], function: Any, method: str, call: str) -> Measurement:
    """How far the levels of both ends are from SciPy's, in standard errors of resampling."""
    count = 9999
    peer = _scipy(tuple(x), function, method, float(found.confidence))
    sign = -1.0 if method == "basic" else 1.0  # basic ends are mirrored: read them where they came from
    centre = 2.0 * float(function(x)) if method == "basic" else 0.0
    ours, theirs = (
        sorted(centre + sign * np.asarray(ends)) for ends in ((found.low, found.high), peer.confidence_interval)
    )
    replicates = np.sort(peer.bootstrap_distribution)
    sigmas = []
    for end, wanted in zip(ours, theirs, strict=True):
        # with ties an end stands for a range of levels; the nearest of them counts
        level = [np.searchsorted(replicates, wanted, side) / len(replicates) for side in ("left", "right")]
        mine = [np.searchsorted(replicates, end, side) / len(replicates) for side in ("left", "right")]
        gap = max(level[0] - mine[1], mine[0] - level[1], 0.0)
        p = float(np.clip(np.mean(level), 0.5 / count, 1 - 0.5 / count))
        noise = p * (1.0 - p) * (1.0 / count + 1.0 / len(replicates))
        if method == "bca":  # the bias is counted from replicates too, and moves the level twice as far
            noise += _bias_noise(p, count) + _bias_noise(p, len(replicates))
        sigmas.append(gap / np.sqrt(noise))
    worst_end = float(np.max(sigmas))
    return Measurement(
        worst_end,
        call=call,
        inputs={"x": x},
        got=np.array([found.low, found.high]),
        expected=np.array(peer.confidence_interval),
    )


def _bias_noise(p: float, count: int) -> float:
    """Variance of a BCa level by that of z0: a share near one half has variance 1/(4B), z0 has pi/(2B)."""
    return float((2.0 * stats.norm.pdf(stats.norm.ppf(p))) ** 2 * np.pi / 2.0 / count)


@cache
def _scipy(x: tuple[float, ...], function: Any, method: str, confidence: float) -> Any:
    name = "BCa" if method == "bca" else method
    return stats.bootstrap(
        (np.array(x),), function, method=name, confidence_level=confidence, n_resamples=19_999, rng=17
    )
