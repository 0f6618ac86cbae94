"""Week 3's well-known wrong answers, each a few lines over the reference.

Most mistakes lie inside a formula. So the reference runs with one of its own functions exchanged for the
time of a call, and everything around the mistake is right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from fiftytwo.plan import Mistake
from mltoolkit.stats import _arms, _statistics, inference
from mltoolkit.stats.inference import ABTest, bootstrap_ci, simulate_ab
from mltoolkit.stats.results import ABResult, Interval, Moments

Array = NDArray[np.float64]


def _exchanged(function: Callable[..., Any], owner: Any, name: str, wrong: Any) -> Callable[..., Any]:
    """The function, with one name of a module or class standing for something else while it runs."""

    def call(*args: Any, **options: Any) -> Any:
        right = getattr(owner, name)
        setattr(owner, name, wrong)
        try:
            return function(*args, **options)
        finally:
            setattr(owner, name, right)

    return call


def _without_replacement(_: Any, x: Array, n_resamples: int, __: np.random.Generator) -> Array:
    """Every resample is the sample in another order."""
    return np.repeat(x.mean(axis=1, keepdims=True), n_resamples, axis=1)


def _one_short(_: Any, x: Array, n_resamples: int, rng: np.random.Generator) -> Array:
    """Resamples of n - 1 observations."""
    n = x.shape[1]
    draws = rng.multinomial(n - 1, np.full(n, 1.0 / n), n_resamples)
    means: Array = x @ draws.T / (n - 1)
    return means


def _both_tails_whole(data: Any, *args: Any, confidence: float = 0.95, **options: Any) -> Interval:
    """The quantiles alpha and 1 - alpha."""
    found = bootstrap_ci(data, *args, confidence=max(2.0 * confidence - 1.0, 0.01), **options)
    return Interval(
        found.low, found.high, found.estimate, found.standard_error, confidence, found.method, found.n_resamples
    )


def _basic_is_percentile(data: Any, *args: Any, method: str = "bca", **options: Any) -> Interval:
    """The replicates themselves where their errors belong."""
    found = bootstrap_ci(data, *args, method="percentile" if method == "basic" else method, **options)
    return Interval(
        found.low, found.high, found.estimate, found.standard_error, found.confidence, method, found.n_resamples
    )


_levels = inference._bca_levels
_ends = inference._studentized


def _mirrored_jackknife(estimate: Array, replicates: Array, left_out: Array, levels: Array) -> Array:
    """The acceleration with the other sign."""
    return _levels(estimate, replicates, -left_out, levels)


def _no_jackknife(estimate: Array, replicates: Array, left_out: Array, levels: Array) -> Array:
    """The acceleration left at 0."""
    return _levels(estimate, replicates, np.zeros_like(left_out), levels)


def _strictly_below(estimate: Array, replicates: Array, left_out: Array, levels: Array) -> Array:
    """Replicates that equal the estimate counted as above it."""
    width = np.ptp(replicates, axis=1, keepdims=True)
    return _levels(estimate - 1e-9 * width[:, 0], replicates, left_out, levels)


def _same_error(estimate: Array, error: Array, replicates: Array, errors: Array, levels: Array) -> Array:
    """Every resample measured in the standard error of the data."""
    return _ends(estimate, error, replicates, np.broadcast_to(error[:, np.newaxis], errors.shape), levels)


def _not_swapped(estimate: Array, error: Array, replicates: Array, errors: Array, levels: Array) -> Array:
    """The quantiles of the pivots added where they have to be subtracted."""
    return 2.0 * estimate[:, np.newaxis] - _ends(estimate, error, replicates, errors, levels)[:, ::-1]


def _over_root(replicates: Array) -> Array:
    """The standard deviation of the replicates over the root of their number."""
    return np.asarray(replicates.std(axis=1, ddof=1) / np.sqrt(replicates.shape[1]))


class UnpooledTest(ABTest):
    """Two proportions tested with each arm's own variance."""

    def _p(self, c: Moments, t: Moments) -> Array:
        if self.method != "proportions":
            return super()._p(c, t)
        v, _ = inference._spread(c, t)
        return np.asarray(2.0 * ndtr(-inference._over(np.abs(t.mean - c.mean), v)))


_welch = inference._spread


def _student(c: Moments, t: Moments) -> tuple[Array, Array]:
    """V, and the degrees of freedom of a pooled variance."""
    v, _ = _welch(c, t)
    return v, np.broadcast_to(np.asarray(c.n + t.n - 2.0), np.shape(v))


class StudentsTest(ABTest):
    """Welch's statistic with Student's degrees of freedom."""

    def compare(self, control: Any, treatment: Any) -> ABResult:
        """With n_c + n_t - 2."""
        found: ABResult = _exchanged(super().compare, inference, "_spread", _student)(control, treatment)
        return found

    def p_value(self, control: Any, treatment: Any) -> Any:
        """With n_c + n_t - 2."""
        return _exchanged(super().p_value, inference, "_spread", _student)(control, treatment)


class OneSidedTest(ABTest):
    """Half of the p-value."""

    def _p(self, c: Moments, t: Moments) -> Array:
        return super()._p(c, t) / 2.0


class ForgetfulTest(ABTest):
    """A sequential p-value that knows the current look alone."""

    def p_value(self, control: Any, treatment: Any) -> Any:
        """One look at a time."""
        if self.method != "sequential" or not (isinstance(control, Moments) and np.ndim(control.mean)):
            return super().p_value(control, treatment)
        looks = [
            [np.take(np.broadcast_to(v, np.shape(arm.mean)), [i], axis=-1) for v in (arm.n, arm.mean, arm.variance)]
            for i in range(np.shape(control.mean)[-1])
            for arm in (control, treatment)
        ]
        found = [
            super(ForgetfulTest, self).p_value(Moments(*c), Moments(*t))
            for c, t in zip(looks[::2], looks[1::2], strict=True)
        ]
        return np.concatenate(found, axis=-1)


def _mean_of_ratios(values: Array) -> tuple[Any, Any, Any]:
    """Each unit's own ratio as its value."""
    units = values[:, 0] / values[:, 1] if values.ndim == 2 else values
    return np.asarray(len(units)), units.mean(), units.var(ddof=1)


def _fixed_denominator(values: Array) -> tuple[Any, Any, Any]:
    """The numerator's variance alone, as if the denominator were a constant."""
    units = values[:, 0] / values[:, 1].mean() if values.ndim == 2 else values
    return np.asarray(len(units)), units.mean(), units.var(ddof=1)


class MeanOfRatios(ABTest):
    """A ratio metric that weighs all units alike."""

    def compare(self, control: Any, treatment: Any) -> ABResult:
        """With the mean of the units' ratios."""
        found: ABResult = _exchanged(super().compare, inference, "_moments_of", _mean_of_ratios)(control, treatment)
        return found


class FixedDenominator(ABTest):
    """A ratio metric whose denominator is taken for a constant."""

    def compare(self, control: Any, treatment: Any) -> ABResult:
        """With the variance of the numerator alone."""
        found: ABResult = _exchanged(super().compare, inference, "_moments_of", _fixed_denominator)(control, treatment)
        return found


def _look_by_look(population: Any, sizes: NDArray[np.int64], count: int, rng: np.random.Generator) -> Moments:
    """Each look on the units that it added, and on none before."""
    added = np.diff(sizes, prepend=0)
    looks = [_arms.draw_arm(population, np.array([max(n, 2)]), count, rng) for n in added]
    return Moments(sizes, np.hstack([look.mean for look in looks]), np.hstack([look.variance for look in looks]))


def _treats_the_rest(control: Any, treatment: Any, *, split: float = 0.5, **options: Any) -> Any:
    """The control gets the share that was meant for the treatment."""
    is_share = isinstance(split, float) and 0.0 < split < 1.0
    return simulate_ab(control, treatment, split=1.0 - split if is_share else split, **options)


mistakes = (
    Mistake(
        "draws without replacement",
        {"bootstrap_ci": _exchanged(bootstrap_ci, _statistics.Mean, "replicates", _without_replacement)},
        "Your resamples hold every observation once, so nothing varies; draw n positions with replacement.",
    ),
    Mistake(
        "resamples are one short",
        {"bootstrap_ci": _exchanged(bootstrap_ci, _statistics.Mean, "replicates", _one_short)},
        "Your resamples have n - 1 observations; the estimate came from n, and so must each replicate.",
    ),
    Mistake(
        "leaves out alpha on both sides",
        {"bootstrap_ci": _both_tails_whole},
        "Your interval leaves out alpha on each side; it is alpha / 2 a side, so that both make alpha.",
    ),
    Mistake(
        "basic is percentile",
        {"bootstrap_ci": _basic_is_percentile},
        "Your basic interval is the percentile interval; mirror the quantiles at the estimate, 2 t - q(1 - a).",
    ),
    Mistake(
        "acceleration with the wrong sign",
        {"bootstrap_ci": _exchanged(bootstrap_ci, inference, "_bca_levels", _mirrored_jackknife)},
        "Your acceleration has the wrong sign; d is the mean of the leave-one-out values minus each of them.",
    ),
    Mistake(
        "no acceleration",
        {"bootstrap_ci": _exchanged(bootstrap_ci, inference, "_bca_levels", _no_jackknife)},
        "Your BCa corrects the bias alone; the acceleration from the jackknife is missing.",
    ),
    Mistake(
        "ties left out",
        {"bootstrap_ci": _exchanged(bootstrap_ci, inference, "_bca_levels", _strictly_below)},
        "Your bias counts only the replicates strictly below the estimate; those that equal it count one half.",
    ),
    Mistake(
        "one standard error for all",
        {"bootstrap_ci": _exchanged(bootstrap_ci, inference, "_studentized", _same_error)},
        "Your studentized interval divides by the standard error of the data; each resample has one of its own.",
    ),
    Mistake(
        "quantiles not swapped",
        {"bootstrap_ci": _exchanged(bootstrap_ci, inference, "_studentized", _not_swapped)},
        "Your studentized interval adds the quantiles; subtract them, the upper one for the lower end.",
    ),
    Mistake(
        "standard error over the root of B",
        {"bootstrap_ci": _exchanged(bootstrap_ci, inference, "_deviation", _over_root)},
        "Your standard error shrinks with the number of resamples; it is the standard deviation of the replicates.",
    ),
    Mistake(
        "two variances in the test of proportions",
        {"ABTest": UnpooledTest},
        "Your test of proportions uses each arm's own variance; without an effect both arms share one proportion.",
    ),
    Mistake(
        "one-sided",
        {"ABTest": OneSidedTest},
        "Your p-value counts one tail; an effect in the other direction is as far from 0, so count both.",
    ),
    Mistake(
        "Student's degrees of freedom",
        {"ABTest": StudentsTest},
        "Your degrees of freedom are n_c + n_t - 2; with unequal variances they are Welch's, and fewer.",
    ),
    Mistake(
        "mean of ratios",
        {"ABTest": MeanOfRatios},
        "Your ratio metric is the mean of the units' ratios; it is the ratio of the two means.",
    ),
    Mistake(
        "denominator taken for a constant",
        {"ABTest": FixedDenominator},
        "Your variance of the ratio is the numerator's alone; the denominator varies too, and together with it.",
    ),
    Mistake(
        "forgets earlier looks",
        {"ABTest": ForgetfulTest},
        "Your sequential p-value can rise again; the always-valid one is the smallest so far.",
    ),
    Mistake(
        "looks at the new units alone",
        {"simulate_ab": _exchanged(simulate_ab, inference, "draw_arm", _look_by_look)},
        "Your looks see only the units added since the look before; a look sees all units so far.",
    ),
    Mistake(
        "split is the control's",
        {"simulate_ab": _treats_the_rest},
        "Your split gives its share to the control; it is the share of the treatment.",
    ),
)
