"""Checks of ``bootstrap_ci`` against every resample that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w03_bootstrap import oracles

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

METHODS = ("percentile", "basic", "bca", "studentized")
CONFIDENCES = (0.95, 0.9, 0.8)
MEANS = ((0, 2, 3, 3, 3), (1, 1, 1, 3, 7), (2, 5, 7, 7, 7))
MEDIANS = ((0, 1, 2, 2, 2, 6), (1, 2, 2, 2, 8), (3, 7, 7, 7, 9, 21))
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
    """From the first number that is returned to a matrix of samples."""
    yield from _first(lab)
    yield from _exact(lab)
    yield from _shapes(lab)


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

    yield Check(
        "returns an Interval",
        kind,
        equals=True,
        why="An interval carries its confidence and method along, so nobody has to guess them later.",
        hint=(
            "The class is imported at the top of your file.",
            "return Interval(low, high, estimate, standard_error, confidence, method, n_resamples)",
        ),
    )

    def fields() -> Measurement:
        found = lab.solution.bootstrap_ci(x, "median", method="basic", confidence=0.9, n_resamples=999, random_state=1)
        call = call_of("median", method="basic", confidence=0.9, n_resamples=999)
        if found.method != "basic":
            return Measurement(np.nan, gate=f"expected method 'basic', got {found.method!r}", call=call + ".method")
        expected = {"estimate": 3.0, "confidence": 0.9, "n_resamples": 999}
        return worst(
            [
                difference(getattr(found, name), value, call=f"{call}.{name}", inputs={"x": x})
                for name, value in expected.items()
            ],
            EXACT,
        )

    yield Check(
        "says what it is",
        fields,
        at_most=EXACT,
        why="The estimate is the statistic of the data itself, not the mean of the replicates.",
        hint=("What is the median of x, before any resampling?",),
    )


@cache
def _oracle(sample: tuple[int, ...], name: str) -> oracles.Exact:
    known: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
        "mean": (np.mean, oracles.error_of_mean),
        "median": (np.median, oracles.error_of_median),
        "spread": (spread, oracles.jackknife(spread)),
    }
    statistic, error = known[name]
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
    def against(
        name: str, statistic: Any, samples: Sequence[tuple[int, ...]], methods: Sequence[str]
    ) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return worst(
                (
                    difference(
                        ends_of(
                            lab.solution.bootstrap_ci(
                                x, statistic, method=method, confidence=confidence, n_resamples=MANY, random_state=7
                            )
                        ),
                        ends,
                        call=call_of(statistic, method=method, confidence=confidence, n_resamples=MANY),
                        inputs={"x": x},
                    )
                    for method in methods
                    for x, confidence, ends in exact_cases(name, method, samples)
                ),
                EXACT,
            )

        return measure

    hints = {
        "percentile": (
            "Draw positions with rng.integers(0, n, (B, n)) and take the mean of each row.",
            "Sort the replicates: the ends are those of rank ceil(p B), counted from 1.",
            "Half of 1 - confidence is left out on each side, and n values are drawn, with replacement.",
        ),
        "basic": ("Which is carried over: the replicates or their errors?", "low = 2 t - q(1 - a), high = 2 t - q(a)"),
        "bca": (
            "Count half of the replicates that equal the estimate; with whole numbers there are many.",
            "The acceleration comes from leaving out one observation at a time, n statistics of n - 1 values.",
            "Check the sign: d = mean(t_i) - t_i, and c = sum d³ / (6 (sum d²)^1.5).",
        ),
        "studentized": (
            "Each resample has a standard error of its own.",
            "The quantiles change sides: the lower end takes the upper one.",
            "A resample whose values are all the same has s* = 0: -inf, inf or 0.",
        ),
    }
    reasons = {
        "percentile": "Five numbers have 3,125 resamples; their quantiles are known exactly.",
        "basic": "The error of a replicate stands for the error of the estimate, so the replicates are mirrored.",
        "bca": "Where the statistic is biased and its spread depends on its value, the levels are moved.",
        "studentized": "In units of each resample's own standard error the replicates vary as Student's t does.",
    }
    for method in METHODS:
        yield Check(
            f"{'BCa' if method == 'bca' else method} interval of a mean",
            against("mean", "mean", MEANS, (method,)),
            at_most=EXACT,
            why=reasons[method],
            hint=hints[method],
        )
    yield Check(
        "median, by all four methods",
        against("median", "median", MEDIANS, METHODS),
        at_most=EXACT,
        why="The median of a resample is one of few values, and its standard error needs a formula of its own.",
        hint=(
            "Does your median of an even number of values average the middle two?",
            "The jackknife and s* of the median are in the docstring: neither is that of the mean.",
            "Maritz and Jarrett: scipy.special.betainc(a, a, np.arange(n + 1) / n), a = (n + 1) / 2",
        ),
    )
    yield Check(
        "a function with an axis",
        against("spread", spread, MEANS[:2], ("bca", "studentized")),
        at_most=EXACT,
        why="Any statistic can be resampled; one that takes an axis does all resamples in one call.",
        hint=(
            "'axis' in inspect.signature(statistic).parameters",
            "Call it as statistic(x, axis=-1).",
            "The studentized method takes the jackknife's standard error of every resample.",
        ),
    )


def _shapes(lab: Lab) -> Iterator[Check]:
    def one_at_a_time() -> Measurement:
        x = np.array(MEANS[0], dtype=float)
        squares = lab.solution.bootstrap_ci(x, mean_square, n_resamples=999, random_state=3)
        means = lab.solution.bootstrap_ci(x**2, _mean_of, n_resamples=999, random_state=3)
        return difference(ends_of(squares), ends_of(means), call=call_of(mean_square, n_resamples=999), inputs={"x": x})

    yield Check(
        "a function without an axis",
        one_at_a_time,
        at_most=EXACT,
        why="Most functions people have take one sample; each resample goes in by itself.",
        hint=("np.apply_along_axis(statistic, -1, resamples)",),
    )

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
                return Measurement(
                    np.nan,
                    gate=f"expected two arrays of shape ({len(X)},), got {got}",
                    call=call_of("mean", method=method),
                    inputs={"x": X},
                )
            return worst(
                (
                    difference(np.stack(both, axis=1), expected, call=call_of("mean", method=method), inputs={"x": X}),
                    difference(found.estimate, X.mean(axis=1), call=call_of("mean") + ".estimate", inputs={"x": X}),
                ),
                EXACT,
            )

        return worst((one(method) for method in METHODS if _all_known(method)), EXACT)

    yield Check(
        "many samples at once",
        rows,
        at_most=EXACT,
        why="Coverage is counted over thousands of samples, so each row of a matrix gets its interval.",
        hint=(
            "Draw the positions once, and take them from all rows: x[:, positions].",
            "A loop over the rows is right too, only slower.",
        ),
    )

    def errors() -> Measurement:
        return worst(
            (
                difference(
                    lab.solution.bootstrap_ci(
                        np.array(s, dtype=float), name, n_resamples=MANY, random_state=5
                    ).standard_error,
                    float(_oracle(s, name).values.std()),
                    call=call_of(name, n_resamples=MANY) + ".standard_error",
                    inputs={"x": np.array(s)},
                    relative=True,
                )
                for name, s in (("mean", MEANS[0]), ("median", MEDIANS[0]))
            ),
            0.02,
        )

    yield Check(
        "standard error",
        errors,
        at_most=0.02,
        why="It is the standard deviation of the replicates, not that of the data, and not over a root of B.",
        hint=("np.std(replicates, ddof=1)",),
    )


def _all_known(method: str) -> bool:
    return all(any(c == 0.8 and np.array_equal(x, s) for x, c, _ in exact_cases("mean", method, (s,))) for s in MEANS)


def _mean_of(sample: NDArray[Any]) -> float:
    return float(np.mean(sample))
