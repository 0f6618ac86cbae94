"""Checks of ``bootstrap_ci``: against every resample there is, against SciPy, and at the edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w03_bootstrap import oracles

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

METHODS = ("percentile", "basic", "bca", "studentized")
CONFIDENCES = (0.8, 0.9, 0.95)
MEANS = ((1, 1, 1, 3, 7), (0, 2, 3, 3, 3), (2, 5, 7, 7, 7))
MEDIANS = ((0, 1, 2, 2, 2, 6), (0, 3, 6, 6, 6, 7), (3, 7, 7, 7, 9, 21), (1, 2, 2, 2, 8))
MANY = 99_999  # resamples, so that hardly any level lies too near the edge of an atom
NOISE = 5.0  # standard errors; chance alone passes this once in two million
EXACT = 1e-9


def spread(x: NDArray[Any], axis: int | None = None) -> Any:
    """Largest minus smallest: a statistic that nobody has a formula for."""
    return np.max(x, axis=axis) - np.min(x, axis=axis)


def mean_square(sample: NDArray[Any]) -> float:
    """A statistic that takes one sample at a time."""
    assert sample.ndim == 1
    return float(sample @ sample) / len(sample)


def intervals(lab: Lab) -> Iterator[Check]:
    """From the first number that is returned to a million observations."""
    yield from _first(lab)
    yield from _exact(lab)
    yield from _shapes(lab)
    yield from _edges(lab)
    yield from _law(lab)


def worst(measurements: Sequence[Measurement] | Iterator[Measurement], bound: float) -> Measurement:
    """The first measurement that misses the bound or a gate, else the largest one."""
    largest: Measurement | None = None
    for found in measurements:
        if found.gate or not found.value <= bound:
            return found
        if largest is None or found.value > largest.value:
            largest = found
    assert largest is not None
    return largest


def ends_of(interval: Any) -> Any:
    """Both ends as one array, or what stands in the place of a number."""
    low, high = interval.low, interval.high
    for end in (low, high):
        if not np.isscalar(end):
            return end
    return np.array([low, high], dtype=float)


def call_of(statistic: Any, **options: Any) -> str:
    """The call as the learner would type it."""
    name = statistic.__name__ if callable(statistic) else repr(statistic)
    return f"bootstrap_ci(x, {name}" + "".join(f", {key}={value!r}" for key, value in options.items()) + ")"


def _first(lab: Lab) -> Iterator[Check]:
    x = np.array(MEANS[0], dtype=float)

    def kind() -> Measurement:
        found = lab.solution.bootstrap_ci(x, random_state=1)
        name = getattr(found, "type_name", type(found).__name__)
        return Measurement(float(name == "Interval"), call="bootstrap_ci(x)", got=name, expected="Interval")

    yield Check("returns an Interval", kind, equals=True,
                why="An interval carries its confidence and method along, so nobody has to guess them later.",
                hint=("The class is imported at the top of your file.",
                      "return Interval(low, high, estimate, standard_error, confidence, method, n_resamples)"),
                )  # fmt: skip

    def fields() -> Measurement:
        found = lab.solution.bootstrap_ci(x, "median", method="basic", confidence=0.9, n_resamples=999, random_state=1)
        call = call_of("median", method="basic", confidence=0.9, n_resamples=999)
        if found.method != "basic":
            return Measurement(np.nan, gate=f"expected method 'basic', got {found.method!r}", call=call + ".method")
        expected = {"estimate": 1.0, "confidence": 0.9, "n_resamples": 999}
        return worst(
            [difference(getattr(found, name), value, call=f"{call}.{name}", inputs={"x": x})
             for name, value in expected.items()], EXACT)  # fmt: skip

    yield Check("says what it is", fields, at_most=EXACT,
                why="The estimate is the statistic of the data itself, not the mean of the replicates.",
                hint=("What is the median of x, before any resampling?",))  # fmt: skip


@cache
def _oracle(sample: tuple[int, ...], name: str) -> oracles.Exact:
    statistic, error = {
        "mean": (np.mean, oracles.error_of_mean),
        "median": (np.median, oracles.error_of_median),
        "spread": (spread, oracles.jackknife(spread)),
    }[name]
    return oracles.exact(np.array(sample), statistic, error)


def exact_cases(name: str, method: str, samples: Sequence[tuple[int, ...]]) -> list[tuple[NDArray[Any], float, Any]]:
    """Samples and confidences whose interval no seed can change, with its ends."""
    cases = []
    for sample in samples:
        for confidence in CONFIDENCES:
            try:
                ends = _oracle(sample, name).ends(method, confidence, MANY)
            except ValueError:  # the seed would decide
                continue
            cases.append((np.array(sample, dtype=float), confidence, np.array(ends)))
    return cases


def _exact(lab: Lab) -> Iterator[Check]:
    def against(name: str, statistic: Any, samples: Sequence[tuple[int, ...]],
                methods: Sequence[str]) -> Callable[[], Measurement]:  # fmt: skip
        def measure() -> Measurement:
            return worst(
                (difference(
                    ends_of(lab.solution.bootstrap_ci(x, statistic, method=method, confidence=confidence,
                                                      n_resamples=MANY, random_state=7)),
                    ends, call=call_of(statistic, method=method, confidence=confidence, n_resamples=MANY),
                    inputs={"x": x})
                 for method in methods for x, confidence, ends in exact_cases(name, method, samples)),
                EXACT)  # fmt: skip

        return measure

    hints = {
        "percentile": ("Draw positions with rng.integers(0, n, (B, n)) and take the mean of each row.",
                       "Sort the replicates: the ends are those of rank ceil(p B), counted from 1.",
                       "Half of 1 - confidence is left out on each side, and n values are drawn, with replacement."),
        "basic": ("Which is carried over: the replicates or their errors?",
                  "low = 2 t - q(1 - a), high = 2 t - q(a)"),
        "bca": ("Count half of the replicates that equal the estimate; with whole numbers there are many.",
                "The acceleration comes from leaving out one observation at a time, n statistics of n - 1 values.",
                "Check the sign: d = mean(t_i) - t_i, and c = sum d³ / (6 (sum d²)^1.5)."),
        "studentized": ("Each resample has a standard error of its own.",
                        "The quantiles change sides: the lower end takes the upper one.",
                        "A resample whose values are all the same has s* = 0: -inf, inf or 0."),
    }  # fmt: skip
    reasons = {
        "percentile": "Five numbers have 3,125 resamples; their quantiles are known exactly.",
        "basic": "The error of a replicate stands for the error of the estimate, so the replicates are mirrored.",
        "bca": "Where the statistic is biased and its spread depends on its value, the levels are moved.",
        "studentized": "In units of each resample's own standard error the replicates vary as Student's t does.",
    }
    for method in METHODS:
        yield Check(f"{'BCa' if method == 'bca' else method} interval of a mean",
                    against("mean", "mean", MEANS, (method,)), at_most=EXACT,
                    why=reasons[method], hint=hints[method])  # fmt: skip
    yield Check("median, by all four methods", against("median", "median", MEDIANS, METHODS), at_most=EXACT,
                why="The median of a resample is one of few values, and its standard error needs a formula of its own.",
                hint=("Does your median of an even number of values average the middle two?",
                      "The jackknife and s* of the median are in the docstring: neither is that of the mean.",
                      "Maritz and Jarrett: scipy.special.betainc(a, a, np.arange(n + 1) / n), a = (n + 1) / 2"),
                )  # fmt: skip
    yield Check("a function with an axis", against("spread", spread, MEANS, METHODS), at_most=EXACT,
                why="Any statistic can be resampled; one that takes an axis does all resamples in one call.",
                hint=("'axis' in inspect.signature(statistic).parameters", "Call it as statistic(x, axis=-1).",
                      "The studentized method takes the jackknife's standard error of every resample."))  # fmt: skip


def _shapes(lab: Lab) -> Iterator[Check]:
    def one_at_a_time() -> Measurement:
        x = np.array(MEANS[0], dtype=float)
        squares = lab.solution.bootstrap_ci(x, mean_square, n_resamples=999, random_state=3)
        means = lab.solution.bootstrap_ci(x**2, _mean_of, n_resamples=999, random_state=3)
        return difference(ends_of(squares), ends_of(means), call=call_of(mean_square, n_resamples=999), inputs={"x": x})

    yield Check("a function without an axis", one_at_a_time, at_most=EXACT,
                why="Most functions people have take one sample; each resample goes in by itself.",
                hint=("np.apply_along_axis(statistic, -1, resamples)",))  # fmt: skip

    def rows() -> Measurement:
        X = np.array(MEANS, dtype=float)

        def one(method: str) -> Measurement:
            confidence = 0.8
            found = lab.solution.bootstrap_ci(X, method=method, confidence=confidence, n_resamples=MANY, random_state=7)
            cases = [_oracle(sample, "mean") for sample in MEANS]
            expected = np.array([case.ends(method, confidence, MANY) for case in cases])
            both = [found.low, found.high]
            if not all(isinstance(end, np.ndarray) and end.shape == (len(X),) for end in both):
                got = ", ".join(str(getattr(end, "shape", type(end).__name__)) for end in both)
                return Measurement(np.nan, gate=f"expected two arrays of shape ({len(X)},), got {got}",
                                   call=call_of("mean", method=method), inputs={"x": X})  # fmt: skip
            return worst(
                (difference(np.stack(both, axis=1), expected, call=call_of("mean", method=method), inputs={"x": X}),
                 difference(found.estimate, X.mean(axis=1), call=call_of("mean") + ".estimate", inputs={"x": X})),
                EXACT)  # fmt: skip

        return worst((one(method) for method in METHODS if _all_known(method)), EXACT)

    yield Check("many samples at once", rows, at_most=EXACT,
                why="Coverage is counted over thousands of samples, so each row of a matrix gets its interval.",
                hint=("Draw the positions once, and take them from all rows: x[:, positions].",
                      "A loop over the rows is right too, only slower."))  # fmt: skip

    def errors() -> Measurement:
        return worst(
            (difference(
                lab.solution.bootstrap_ci(np.array(s, dtype=float), name, n_resamples=MANY, random_state=5)
                .standard_error,
                float(_oracle(s, name).values.std()),
                call=call_of(name, n_resamples=MANY) + ".standard_error", inputs={"x": np.array(s)}, relative=True)
             for name, s in (("mean", MEANS[0]), ("median", MEDIANS[0]))), 0.02)  # fmt: skip

    yield Check("standard error", errors, at_most=0.02,
                why="It is the standard deviation of the replicates, not that of the data, and not over a root of B.",
                hint=("np.std(replicates, ddof=1)",))  # fmt: skip


def _all_known(method: str) -> bool:
    return all(any(c == 0.8 and np.array_equal(x, s) for x, c, _ in exact_cases("mean", method, (s,))) for s in MEANS)


def _mean_of(sample: NDArray[Any]) -> float:
    return float(np.mean(sample))


def _edges(lab: Lab) -> Iterator[Check]:
    x = np.array([2.0, 3.5, 3.5, 4.0, 9.0, 11.0, 30.0])

    def repeats() -> Measurement:
        first, again, other = (lab.solution.bootstrap_ci(x, n_resamples=999, random_state=seed).low
                               for seed in (3, 3, 4))  # fmt: skip
        generator = lab.solution.bootstrap_ci(x, n_resamples=999, random_state=np.random.default_rng(3)).low
        good = first == again == generator and first != other
        return Measurement(float(good), call="bootstrap_ci(x, random_state=3)", inputs={"x": x},
                           got=f"seeds 3, 3, 4 and default_rng(3) gave {first}, {again}, {other}, {generator}",
                           expected="the same, the same, another, the same as the first")  # fmt: skip

    yield Check("repeats with its seed", repeats, equals=True,
                why="A result that nobody can get again is a story, not a result.",
                hint=("rng = np.random.default_rng(random_state), once, and no other source of randomness.",
                      "default_rng takes an int, a Generator or None."))  # fmt: skip

    def still() -> Measurement:
        c = np.full(6, 0.1)
        cases = [(c, statistic, method, 0.1) for statistic in ("mean", "median", mean_square) for method in METHODS]
        return worst(
            (difference(
                ends_of(lab.solution.bootstrap_ci(data, statistic, method=method, n_resamples=199, random_state=0)),
                np.full(2, mean_square(data) if callable(statistic) else value),
                call=call_of(statistic, method=method, n_resamples=199), inputs={"x": data})
             for data, statistic, method, value in cases), 1e-15)  # fmt: skip

    yield Check("data without spread", still, at_most=1e-15,
                why="Six times the same number: every replicate equals the estimate, and 0 / 0 is no interval.",
                hint=("Which divisions can be 0 / 0 here?",
                      "The acceleration is 0 when all d are 0, and s = 0 gives the estimate at both ends."))  # fmt: skip

    def two() -> Measurement:
        pair = np.array([1.0, 3.0])
        return worst(
            (difference(
                ends_of(lab.solution.bootstrap_ci(pair, statistic, method=method, n_resamples=1999, random_state=0)),
                np.array([-np.inf, np.inf] if method == "studentized" else [1.0, 3.0]),
                call=call_of(statistic, method=method, n_resamples=1999), inputs={"x": pair})
             for statistic in ("mean", "median") for method in METHODS), EXACT)  # fmt: skip

    yield Check("two observations", two, at_most=EXACT,
                why="Half of all resamples of two numbers have no spread: the studentized interval bounds nothing.",
                hint=("A pivot with s* = 0 is infinite, and so may be the end of the interval.",))  # fmt: skip

    def units() -> Measurement:
        base = {m: ends_of(lab.solution.bootstrap_ci(x, method=m, n_resamples=999, random_state=8)) for m in METHODS}
        return worst(
            (difference(
                ends_of(lab.solution.bootstrap_ci(data, method=method, n_resamples=999, random_state=8)),
                base[method] * a + b, relative=True,
                call=call_of("mean", method=method, n_resamples=999), inputs={"x": data})
             for data, a, b in ((x * 1e150, 1e150, 0.0), (x * 1e-150, 1e-150, 0.0), (x + 1e6, 1.0, 1e6),
                                (x * 4.0 - 8.0, 4.0, -8.0))
             for method in METHODS), EXACT)  # fmt: skip

    yield Check("follows the units", units, at_most=EXACT,
                why="Metres or parsecs, the same seed gives the same interval in other units.",
                hint=("The cube of 1e150 is beyond the range of a float.",
                      "Divide d by its largest magnitude before you raise it to a power: c does not change.",
                      "Centre and scale the data before you square them."))  # fmt: skip

    def kinds() -> Measurement:
        whole = np.array([1, 0, 0, 1, 1, 1, 0, 1, 1])
        expected = ends_of(lab.solution.bootstrap_ci(whole.astype(float), n_resamples=999, random_state=2))
        return worst(
            (difference(ends_of(lab.solution.bootstrap_ci(data, n_resamples=999, random_state=2)), expected,
                        call=call_of("mean", n_resamples=999), inputs={"x": data})
             for data in (whole, whole.astype(bool), whole.astype(np.float32), whole.astype(np.uint8), whole.tolist())),
            EXACT)  # fmt: skip

    yield Check("whole numbers, yes and no, single precision", kinds, at_most=EXACT,
                why="A column of 0 and 1 is data like any other.",
                hint=("np.asarray(data) and then .astype(float)", "Booleans cannot be subtracted."))  # fmt: skip


def _law(lab: Lab) -> Iterator[Check]:
    rng = lab.rng
    x = np.round(rng.lognormal(size=40), 6)

    def like_scipy() -> Measurement:
        functions = {"mean": np.mean, "median": np.median, np.std: np.std}
        return worst(
            (_distance(lab.solution.bootstrap_ci(x, statistic, method=method, random_state=11), x, function, method,
                       call_of(statistic, method=method))
             for statistic, function in functions.items() for method in METHODS[:3]), NOISE)  # fmt: skip

    yield Check("as SciPy", like_scipy, at_most=NOISE, unit="standard errors",
                why="On data without ties the ends equal those of scipy.stats.bootstrap within the noise of resampling.",
                hint=("What is measured is how far the level of your end is from SciPy's, in Monte-Carlo noise.",
                      "Is your jackknife that of the statistic that was asked for?"))  # fmt: skip

    def big_median() -> Measurement:
        def one(n: int, method: str, confidence: float) -> Measurement:
            data = rng.permutation(n).astype(float)
            found = lab.solution.bootstrap_ci(data, "median", method=method, confidence=confidence, random_state=13)
            # its law is known: the middle rank of n draws is a Beta variate, and ranks are values here
            half, a = (n + 1) / 2, (1.0 - confidence) / 2.0
            levels = stats.beta.cdf((np.array([found.low, found.high]) + 0.5) / n, half, half)
            sigmas = np.abs(levels - [a, 1.0 - a]) / np.sqrt(a * (1.0 - a) / 9999)
            return Measurement(float(sigmas.max()), inputs={"n": n}, got=levels, expected=np.array([a, 1.0 - a]),
                               call=f"bootstrap_ci(np.random.permutation({n}), 'median', method={method!r})",
                               )  # fmt: skip

        return worst((one(n, m, c) for n, m, c in ((200_001, "percentile", 0.9), (200_000, "percentile", 0.95),
                                                   (200_000, "basic", 0.5))), NOISE)  # fmt: skip

    yield Check("the median of 200,000", big_median, at_most=NOISE, unit="standard errors",
                why="A resample's order statistic is that of the data at a random rank, a Beta variate: no resample is "
                    "needed.",
                hint=("200,000 positions in each of 9,999 resamples do not fit anywhere.",
                      "k-th smallest of n draws: sorted(x)[floor(n V)], V ~ Beta(k, n + 1 - k).",
                      "For even n the two in the middle: V = G / (G + E + H) and (G + E) / (G + E + H), with "
                      "G ~ Gamma(k), E ~ Gamma(1), H ~ Gamma(n - k)."))  # fmt: skip


def _distance(found: Any, x: NDArray[Any], function: Any, method: str, call: str) -> Measurement:
    """How far the levels of both ends are from SciPy's, in standard errors of resampling."""
    count = 9999
    peer = _scipy(tuple(x), function, method, float(found.confidence))
    sign = -1.0 if method == "basic" else 1.0  # basic ends are mirrored: read them where they came from
    centre = 2.0 * float(function(x)) if method == "basic" else 0.0
    ours, theirs = (sorted(centre + sign * np.asarray(ends)) for ends in ((found.low, found.high),
                                                                          peer.confidence_interval))  # fmt: skip
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
    return Measurement(worst_end, call=call, inputs={"x": x}, got=np.array([found.low, found.high]),
                       expected=np.array(peer.confidence_interval))  # fmt: skip


def _bias_noise(p: float, count: int) -> float:
    """Variance of a BCa level by that of z0: a share near one half has variance 1/(4B), z0 has pi/(2B)."""
    return float((2.0 * stats.norm.pdf(stats.norm.ppf(p))) ** 2 * np.pi / 2.0 / count)


@cache
def _scipy(x: tuple[float, ...], function: Any, method: str, confidence: float) -> Any:
    name = "BCa" if method == "bca" else method
    return stats.bootstrap((np.array(x),), function, method=name, confidence_level=confidence, n_resamples=19_999,
                           rng=17)  # fmt: skip
