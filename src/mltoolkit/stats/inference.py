"""How sure are we: bootstrap intervals, A/B tests, and simulated experiments to judge both by.

A bootstrap puts the data in the place of the population: draw n of the n observations with replacement,
compute the statistic, and do that B times. How the B replicates spread around the estimate stands for how
the estimate spreads around the truth. Four intervals are read off them, each mending a fault of the one
before; ``bootstrap_ci`` says which is which.

An A/B test needs of each arm its size, its mean and the variance of one unit, whatever was measured: a
proportion's variance follows from the proportion, and a ratio of means gets one by the delta method. So a
test is arithmetic on :class:`~mltoolkit.stats.Moments`, for one experiment or for a million at once, and a
simulation needs no units either: it draws the moments themselves, which are binomial, or normal and
chi-squared. Between two looks at an experiment only what was added is drawn.

References
----------
Efron, B. (1987). Better bootstrap confidence intervals. JASA 82(397).
Davison, A. C., Hinkley, D. V. (1997). Bootstrap Methods and their Application. Cambridge, chapter 5.
Welch, B. L. (1947). The generalization of "Student's" problem. Biometrika 34(1/2).
Deng, A., Knoblich, U., Lu, J. (2018). Applying the delta method in metric analytics. KDD.
Johari, R., Koomen, P., Pekelis, L., Walsh, D. (2022). Always valid inference: continuous monitoring of A/B
tests. Operations Research 70(3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from mltoolkit.errors import BadInput
from mltoolkit.stats import _statistics
from mltoolkit.stats._arms import draw_arm
from mltoolkit.stats._input import (
    as_samples,
    as_units,
    faults_of_populations,
    is_int,
    is_positive,
    is_share,
    shares_of,
)
from mltoolkit.stats.results import (
    ABResult,
    ABSimulation,
    Binary,
    Interval,
    Moments,
    Population,
)

Array = NDArray[np.float64]

_EQUAL = 1e-12  # of the range of the replicates: closer ones are equal up to rounding
_NOT_A_SHARE = "{}={!r} is not strictly between 0 and 1"


def bootstrap_ci(
    data: ArrayLike,
    statistic: str | Callable[..., Any] = "mean",
    *,
    method: str = "bca",
    confidence: float = 0.95,
    n_resamples: int = 9999,
    random_state: Any = None,
) -> Interval:
    """Confidence interval of a statistic by the bootstrap.

    Parameters
    ----------
    data : array-like of shape (n,) or (m, n), n >= 2
        Finite numbers: one sample of n observations, or m samples as rows, which get one interval each.
        All rows may share their random draws, as in SciPy: each interval by itself is a bootstrap.
    statistic : {"mean", "median"} or callable, default "mean"
        A function of an array. One with a parameter ``axis`` is called as ``f(x, axis=-1)`` with x of
        any shape; any other as ``f(sample)`` with a sample of shape (n,). It must give a finite number
        for every resample and every leave-one-out sample.
    method : {"bca", "percentile", "basic", "studentized"}, default "bca"
        See the notes.
    confidence : float, default 0.95
        Strictly between 0 and 1. With alpha = 1 - confidence, each side leaves out alpha / 2.
    n_resamples : int, default 9999
        B, at least 2 / alpha, so that at least one replicate lies in each tail. One below a power of ten
        makes the ranks of the usual levels whole numbers on both sides.
    random_state : int, Generator or None, default None
        Goes to ``numpy.random.default_rng``. The same int gives the same interval again on the same
        installation; with and without the extra that brings numba the random stream may differ.

    Returns
    -------
    Interval
        ``low``, ``high``, ``estimate`` and ``standard_error`` are floats for one sample and arrays (m,) for
        m samples. Where all replicates are equal, as for constant data, both ends are the estimate.

    Raises
    ------
    BadInput
        A ``ValueError`` that names every fault at once: data of another shape, empty, with a single
        observation, not numeric, with NaN or infinity; a parameter out of its range. Also when the
        statistic gives something other than one finite number a sample.

    Notes
    -----
    Let t be the estimate, t* the B replicates, q(p) their p-quantile: the replicate of rank ceil(p B)
    among the sorted ones, counted from 1, and of rank 1 for p = 0. Let a = alpha / 2.

    - *percentile*: q(a) to q(1 - a).
    - *basic*: 2 t - q(1 - a) to 2 t - q(a). The errors t* - t, not the replicates, are carried over.
    - *studentized*: t - s Q(1 - a) to t - s Q(a). Q are quantiles of (t* - t) / s*, where s is the standard
      error of the estimate and s* that of the resample by the same formula: for the mean the standard
      deviation (divisor n - 1) over the root of n; for the median Maritz and Jarrett's
      s² = sum w x² - (sum w x)², where x are the sorted values, w_i = I(i/n) - I((i-1)/n), and I is the
      distribution function of Beta((n + 1)/2, (n + 1)/2); for any other function the jackknife's
      s² = (n - 1)/n sum (t_i - mean t_i)², where t_i is the statistic without observation i, in time that
      grows with n². A resample with s* = 0 counts as -inf or inf by the sign of t* - t, and as 0 where
      t* equals t; then an end of the interval may be infinite.
    - *bca*: q(A(a)) to q(A(1 - a)) with A(p) = Phi(z0 + w / (1 - c w)), w = z0 + Phi⁻¹(p). The bias
      z0 = Phi⁻¹(share of replicates below t, those equal to t counting one half); a share of 0 or 1 is taken
      as 1/(2B) or 1 - 1/(2B). The acceleration c = sum d³ / (6 (sum d²)^1.5), d_i = mean t_i - t_i with
      the t_i of the jackknife; 0 when all d are 0. Where 1 - c w is not positive, A is 0 or 1 by the sign
      of w.

    Replicates closer to t than 1e-12 of the range of the replicates (largest minus smallest) are equal to t.

    Examples
    --------
    >>> waits = [1.2, 0.4, 3.1, 0.9, 7.5, 2.2, 0.3, 1.8, 4.4, 0.7]
    >>> interval = bootstrap_ci(waits, "median", random_state=0)
    >>> interval.estimate
    1.5
    >>> interval.covers(1.5)
    True
    """
    samples, faults = as_samples(data)
    faults += _faults_of_options(statistic, method, confidence, n_resamples)
    if faults:
        raise BadInput("bootstrap_ci: " + "; ".join(faults))
    rng = np.random.default_rng(random_state)
    about = _statistics.of(statistic)
    estimate = about.value(samples)
    a = (1.0 - confidence) / 2.0
    if method == "studentized":
        replicates, errors = about.replicates_with_errors(samples, n_resamples, rng)
        high, low = _studentized(estimate, about.error(samples), replicates, errors, np.array([a, 1.0 - a])).T
    else:
        replicates = about.replicates(samples, n_resamples, rng)
        levels = np.array([a, 1.0 - a])
        if method == "bca":
            levels = _bca_levels(estimate, replicates, about.leave_one_out(samples), levels)
        low, high = _quantiles(replicates, levels).T
        if method == "basic":
            low, high = 2.0 * estimate - high, 2.0 * estimate - low
    found: Any = (low, high, estimate, _deviation(replicates))
    low, high, estimate, error = (values[0].item() for values in found) if np.ndim(data) == 1 else found
    return Interval(low, high, estimate, error, float(confidence), method, int(n_resamples))


def _faults_of_options(statistic: Any, method: Any, confidence: Any, n_resamples: Any) -> list[str]:
    """What is wrong with the parameters."""
    faults = []
    if not callable(statistic) and statistic not in ("mean", "median"):
        faults.append(f"statistic={statistic!r} is neither 'mean', 'median' nor a function")
    if method not in ("bca", "percentile", "basic", "studentized"):
        faults.append(f"method={method!r} is none of bca, percentile, basic, studentized")
    faults += [_NOT_A_SHARE.format("confidence", confidence)] * (not is_share(confidence))
    if not is_int(n_resamples):
        faults.append(f"n_resamples={n_resamples!r} is not an int")
    elif is_share(confidence) and n_resamples * (1.0 - confidence) < 2.0 - 1e-9:
        least = int(np.ceil(2.0 / (1.0 - confidence) - 1e-9))
        faults.append(f"n_resamples={n_resamples} leaves a tail empty at confidence={confidence}; use {least} or more")
    return faults


def _quantiles(replicates: Array, levels: Array) -> Array:
    """The replicates (m, 2) of rank ceil(p B) for levels p of shape (2,) or (m, 2)."""
    m, count = replicates.shape
    ranks = np.ceil(np.broadcast_to(levels, (m, 2)) * count * (1.0 - 1e-12)).astype(int)  # not 251 for 250 + 1e-13
    return np.take_along_axis(np.sort(replicates, axis=1), ranks.clip(1, count) - 1, axis=1)


def _slack(replicates: Array) -> Array:
    """How close to the estimate a replicate is equal to it, (m, 1)."""
    return np.asarray(_EQUAL * np.ptp(replicates, axis=1, keepdims=True))


def _deviation(replicates: Array) -> Array:
    """Standard deviations (m,), in units of the range so that no square overflows."""
    reach = np.ptp(replicates, axis=1, keepdims=True)
    shares = (replicates - replicates[:, :1]) / np.maximum(reach, np.finfo(float).tiny)
    return np.asarray(reach[:, 0] * shares.std(axis=1, ddof=1))


def _studentized(estimate: Array, error: Array, replicates: Array, errors: Array, levels: Array) -> Array:
    """The ends t - s Q(p), (m, 2)."""
    gaps = replicates - estimate[:, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        pivots = np.where((errors == 0.0) & (np.abs(gaps) <= _slack(replicates)), 0.0, gaps / errors)
        reach = error[:, np.newaxis] * _quantiles(pivots, levels)
    return estimate[:, np.newaxis] - np.where(error[:, np.newaxis] == 0.0, 0.0, reach)


def _bca_levels(estimate: Array, replicates: Array, left_out: Array, levels: Array) -> Array:
    """The levels (m, 2) at which BCa reads the replicates, for levels p of shape (2,)."""
    gaps = replicates - estimate[:, np.newaxis]
    slack = _slack(replicates)
    below = (gaps < -slack).mean(axis=1) + 0.5 * (np.abs(gaps) <= slack).mean(axis=1)
    half = 0.5 / replicates.shape[1]
    z0 = ndtri(below.clip(half, 1.0 - half))[:, np.newaxis]
    d = left_out.mean(axis=1, keepdims=True) - left_out
    d = d / np.maximum(np.abs(d).max(axis=1, keepdims=True), np.finfo(float).tiny)  # so that no cube overflows
    squares = (d**2).sum(axis=1)
    c = ((d**3).sum(axis=1) / (6.0 * np.maximum(squares, 1.0) ** 1.5))[:, np.newaxis]
    w = z0 + ndtri(levels)
    shrink = 1.0 - c * w
    return np.asarray(np.where(shrink > 0.0, ndtr(z0 + w / np.where(shrink > 0.0, shrink, 1.0)), w > 0.0))


class ABTest:
    """A two-sided test of the difference between two arms, and its confidence interval.

    Parameters
    ----------
    method : {"welch", "proportions", "sequential"}, default "welch"
        Which test; see the notes.
    confidence : float, default 0.95
        Of the interval, strictly between 0 and 1; with alpha = 1 - ``confidence``.
    tau : float or None, default None
        For the sequential test, and only for it: the standard deviation of the effects that are expected,
        in units of the metric, positive. It must not be chosen by looking at the data. A wrong one costs
        time, not validity.

    Raises
    ------
    BadInput
        A ``ValueError`` that names every fault at once: here a parameter out of its range; from the
        methods an arm with fewer than two units, NaN or infinity, another shape, a value other than 0 and
        1 where proportions are compared, a denominator whose mean is not positive, or a negative variance.

    Notes
    -----
    An arm is an array (n,) with one value a unit; an array (n, 2) with numerator and denominator of a
    ratio metric, one row a unit; or :class:`Moments`. Moments may be arrays: then so are the results, and
    the last axis is that of the looks.

    - Of values (n,): mean, and variance with divisor n - 1.
    - Of pairs (n, 2), by the delta method: the ratio of the two means r = mean y / mean x, and the sample
      variance (divisor n - 1) of the residuals y - r x, over (mean x)².

    With effect e = treatment - control and V = variance_c / n_c + variance_t / n_t:

    - *welch*: t = e / sqrt(V) against Student's distribution with V² / (sum (variance/n)² / (n - 1)) degrees
      of freedom; the interval is e ± its quantile times sqrt(V).
    - *proportions*: z = e / sqrt(p (1 - p) (1/n_c + 1/n_t)), p the share of both arms together, against the
      normal distribution. The interval is e ± z-quantile times sqrt(V), where the variance of one unit is
      p_i (1 - p_i) with the arm's own share, whatever ``Moments.variance`` says.
    - *sequential*: the mixture likelihood ratio
      L = sqrt(V / (V + tau²)) exp(tau² e² / (2 V (V + tau²))). The p-value of a look is min(1, 1/L), made
      the smallest so far along the last axis: it may be read after every look, and the chance that it
      ever falls to alpha without an effect is at most alpha (asymptotically, since V is estimated). The
      interval is e ± sqrt(V (V + tau²) / tau² (2 log(1/alpha) + log((V + tau²) / V))), the effects that
      this look does not reject.

    Where V is 0 the p-value is 1 for e = 0, else 0, and the interval is e alone.

    Examples
    --------
    >>> test = ABTest("proportions")
    >>> clicked = test.compare([0] * 90 + [1] * 10, [0] * 70 + [1] * 30)
    >>> round(clicked.effect, 3), round(clicked.p_value, 5), clicked.significant
    (0.2, 0.00041, True)
    """

    def __init__(self, method: str = "welch", *, confidence: float = 0.95, tau: float | None = None) -> None:
        faults = [_NOT_A_SHARE.format("confidence", confidence)] * (not is_share(confidence))
        if method not in ("welch", "proportions", "sequential"):
            faults.append(f"method={method!r} is none of welch, proportions, sequential")
        if method == "sequential" and not is_positive(tau):
            faults.append(f"tau={tau!r} is not a positive number; give the size of effect that you expect")
        if method != "sequential" and tau is not None:
            faults.append(f"tau={tau!r} belongs to method='sequential' alone")
        if faults:
            raise BadInput("ABTest: " + "; ".join(faults))
        self.method = method
        self.confidence = confidence
        self.tau = tau
        self._squared = np.square(tau or 0.0)

    def p_value(self, control: ArrayLike | Moments, treatment: ArrayLike | Moments) -> Any:
        """The p-value alone, which is all that a simulation needs.

        Parameters
        ----------
        control, treatment : array-like of shape (n,) or (n, 2), or Moments
            The two arms, of different sizes if they are.

        Returns
        -------
        float or ndarray
            A float for two samples; for moments that are arrays, one p-value for each.
        """
        return _plain(self._p(*self._arms("p_value", control, treatment)))

    def compare(self, control: ArrayLike | Moments, treatment: ArrayLike | Moments) -> ABResult:
        """Effect, interval and p-value.

        Parameters
        ----------
        control, treatment : array-like of shape (n,) or (n, 2), or Moments
            The two arms, of different sizes if they are.

        Returns
        -------
        ABResult
            ``standard_error`` is sqrt(V), with the arms' own shares for proportions.
        """
        c, t = self._arms("compare", control, treatment)
        effect, v, df = t.mean - c.mean, *_spread(c, t)
        alpha = 1.0 - self.confidence
        if self.method == "sequential":
            squared = self._squared
            reach = np.sqrt(v * (v + squared) / squared * (2.0 * np.log(1.0 / alpha) + _log_ratio(v, squared)))
        else:
            quantile = stdtrit(df, 1.0 - alpha / 2.0) if self.method == "welch" else ndtri(1.0 - alpha / 2.0)
            reach = quantile * np.sqrt(v)
        found = (effect, effect - reach, effect + reach, self._p(c, t), np.sqrt(v))
        effect, low, high, p, error = map(_plain, found)
        return ABResult(effect, low, high, p, error, self.confidence)

    def _arms(self, operation: str, control: Any, treatment: Any) -> tuple[Moments, Moments]:
        """Both arms as moments."""
        binary = self.method == "proportions"
        (c, first), (t, second) = (
            _as_moments(v, name, binary) for v, name in ((control, "control"), (treatment, "treatment"))
        )
        if first + second:
            raise BadInput(f"ABTest.{operation}: " + "; ".join(first + second))
        return c, t

    def _p(self, c: Moments, t: Moments) -> Array:
        effect = t.mean - c.mean
        v, df = _spread(c, t)
        if self.method == "proportions":
            share = (c.n * c.mean + t.n * t.mean) / (c.n + t.n)
            return np.asarray(2.0 * ndtr(-_over(np.abs(effect), share * (1.0 - share) * (1.0 / c.n + 1.0 / t.n))))
        distance = _over(np.abs(effect), v)
        if self.method == "welch":
            return np.asarray(2.0 * stdtr(df, -distance))
        evidence = 0.5 * (distance**2 * (self._squared / (v + self._squared)) - _log_ratio(v, self._squared))
        p = np.exp(-np.maximum(evidence, 0.0))
        return np.minimum.accumulate(p, axis=-1) if np.ndim(p) else p


def _as_moments(arm: Any, name: str, binary: bool) -> tuple[Moments, list[str]]:
    """An arm's moments, and what is wrong with it; of proportions the variance follows from the mean."""
    if isinstance(arm, Moments):
        n, mean, variance = (np.asarray(v, dtype=float) for v in (arm.n, arm.mean, arm.variance))
    else:
        values, faults = as_units(arm, name, binary)
        if faults:
            return Moments(2, 0.0, 0.0), faults
        n, mean, variance = _moments_of(values)
    if binary:
        variance = mean * (1.0 - mean)
    faults = []
    if not (n >= 2).all():
        faults.append(f"{name} has n={n.min():g} units; expected at least 2")
    if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
        faults.append(f"{name} has moments with NaN or infinity")
    elif not (variance >= 0.0).all():
        faults.append(
            f"{name} has a variance of {variance.min():g}; expected "
            + ("shares from 0 to 1" if binary else "0 or more")
        )
    return Moments(n, mean, variance), faults


def _moments_of(values: Array) -> tuple[Any, Any, Any]:
    """Size, mean and variance of one unit; of pairs by the delta method."""
    if values.ndim == 1:
        return np.asarray(len(values)), values.mean(), values.var(ddof=1)
    top, bottom = values.mean(axis=0)
    residuals = values[:, 0] - top / bottom * values[:, 1]
    return np.asarray(len(values)), np.asarray(top / bottom), residuals.var(ddof=1) / bottom**2


def _spread(c: Moments, t: Moments) -> tuple[Array, Array]:
    """V, the variance of the effect, and Welch's degrees of freedom."""
    of_control, of_treatment = c.variance / c.n, t.variance / t.n
    v = of_control + of_treatment
    share = np.where(v > 0.0, of_control / np.where(v > 0.0, v, 1.0), 0.5)
    return v, 1.0 / (share**2 / (c.n - 1.0) + (1.0 - share) ** 2 / (t.n - 1.0))


def _over(distance: Array, v: Array) -> Array:
    """Distance over sqrt(v): 0 where there is no distance and inf where there is one but no variance."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distance > 0.0, distance / np.sqrt(v), 0.0)


def _log_ratio(v: Array, squared: Array) -> Array:
    """log((V + tau²) / V), large and finite where V is 0."""
    return np.asarray(np.log(v + squared) - np.log(np.maximum(v, np.finfo(float).tiny)))


def _plain(value: Array) -> Any:
    """A float where there is a single number."""
    return float(value) if np.ndim(value) == 0 else value


def simulate_ab(
    control: Population,
    treatment: Population,
    *,
    n: int,
    looks: int | Sequence[float] = 1,
    split: float = 0.5,
    test: ABTest | None = None,
    n_simulations: int = 10_000,
    random_state: Any = None,
) -> ABSimulation:
    """Many two-arm experiments, each looked at once or several times on the way.

    Parameters
    ----------
    control, treatment : Binary, Continuous or Ratio
        The populations that the arms are drawn from, both of one kind.
    n : int
        Units in both arms together at the last look.
    looks : int or sequence of float, default 1
        L looks at equal distances, the last at n; or the shares of n at which to look, rising, the last 1.
    split : float, default 0.5
        Share of the units that go to the treatment, strictly between 0 and 1.
    test : ABTest or None, default None
        Gives the p-values; None for ``ABTest("proportions")`` with binary populations and
        ``ABTest("welch")`` with all others.
    n_simulations : int, default 10000
        S, how many experiments.
    random_state : int, Generator or None, default None
        Goes to ``numpy.random.default_rng``.

    Returns
    -------
    ABSimulation
        Moments of both arms at each look, and the p-values (S, L). A look sees all units so far: at share
        f of n there are N = rint(f n) units, rint(split N) of them in the treatment and the rest in the
        control.

    Raises
    ------
    BadInput
        A ``ValueError`` that names every fault at once: populations of two kinds or with a rate outside 0 to
        1, a negative standard deviation, a correlation outside -1 to 1 or a denominator whose mean is not
        positive; a parameter out of its range; fewer than 2 units in an arm at the first look, or none
        added by a later one. Also when a simulated denominator has a mean that is not positive.

    Notes
    -----
    No unit is drawn, and nothing is drawn twice. The moments of an arm of n units follow from

    - *Binary*: the number of conversions, binomial; ``variance`` is p (1 - p) n / (n - 1), p the share.
    - *Continuous*: a mean that is normal with variance sd² / n, and, independent of it, a sum of squares
      around the mean that is sd² times chi-squared with n - 1 degrees of freedom.
    - *Ratio*: the same in two dimensions (Wishart), then the delta method as in :class:`ABTest`.

    Each look adds the moments of the units since the look before; sums of squares of two groups add up
    with (mean_1 - mean_2)² n_1 n_2 / (n_1 + n_2).

    Examples
    --------
    >>> nothing = Continuous(mean=10.0, sd=3.0)
    >>> aa = simulate_ab(nothing, nothing, n=2000, looks=10, n_simulations=4000, random_state=0)
    >>> aa.p_values.shape
    (4000, 10)
    >>> aa.share_rejected(alpha=0.05) > 0.15  # ten looks, and far more than one false alarm in twenty
    True
    """
    faults = faults_of_populations(control, treatment)
    sizes, more = _sizes(n, looks, split)
    faults += more
    if not is_int(n_simulations) or n_simulations < 1:
        faults.append(f"n_simulations={n_simulations!r} is not an int of 1 or more")
    if faults:
        raise BadInput("simulate_ab: " + "; ".join(faults))
    rng = np.random.default_rng(random_state)
    c, t = draw_arm(control, sizes[0], n_simulations, rng), draw_arm(treatment, sizes[1], n_simulations, rng)
    if test is None:
        test = ABTest("proportions" if isinstance(control, Binary) else "welch")
    return ABSimulation(c, t, test.p_value(c, t))


def _sizes(n: Any, looks: Any, split: Any) -> tuple[NDArray[np.int64], list[str]]:
    """Units of control and treatment at each look, (2, L), and what is wrong with the plan."""
    faults = []
    if not is_int(n) or n < 4:
        faults.append(f"n={n!r} is not an int of 4 or more")
    if not is_share(split):
        faults.append(_NOT_A_SHARE.format("split", split))
    at = shares_of(looks)
    if at is None:
        faults.append(f"looks={looks!r} is neither an int of 1 or more nor rising shares that end with 1")
    if faults or at is None:
        return np.empty((2, 0), dtype=int), faults
    total = np.rint(at * n)
    treated = np.rint(split * total)
    sizes = np.stack([total - treated, treated]).astype(np.int64)
    if sizes.min() < 2 or (np.diff(sizes, axis=1) < 1).any():
        faults.append(
            f"n={n}, looks={looks!r} and split={split} give arms of {sizes[0].tolist()} and {sizes[1].tolist()} units; "
            "expected 2 at the first look and at least one more at each later one"
        )
    return sizes, faults
