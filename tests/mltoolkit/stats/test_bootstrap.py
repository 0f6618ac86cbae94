"""bootstrap_ci against every resample, against SciPy, against its definition, and at the edges."""

import warnings
from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mltoolkit.errors import BadInput
from mltoolkit.stats import Interval, _resampling, _statistics, bootstrap_ci

RNG = np.random.default_rng(3)
DATA = {
    "normal": RNG.standard_normal(60),
    "lognormal": RNG.lognormal(size=45),
    "ties": RNG.integers(0, 6, 50).astype(float),
    "binary": (RNG.random(80) < 0.2).astype(float),
    "heavy tails": RNG.standard_t(2, 70),
    "far away": RNG.standard_normal(40) + 1e6,
}
STATISTICS = {"mean": np.mean, "median": np.median, np.std: np.std}
METHODS = ("percentile", "basic", "bca", "studentized")


def std_of_one(sample):
    """A statistic without an axis."""
    assert sample.ndim == 1
    return float(np.std(sample))


def levels_of(replicates, value):
    """The levels that a value stands for among sorted replicates: a range where it is tied."""
    slack = 1e-9 * np.ptp(replicates)
    return np.searchsorted(replicates, [value - slack, value + slack]) / len(replicates)


@pytest.mark.parametrize("method", METHODS[:3])
@pytest.mark.parametrize("statistic", STATISTICS, ids=str)
@pytest.mark.parametrize("name", DATA)
def test_equals_scipy_within_the_noise_of_resampling(name, statistic, method):
    # An end is a quantile of random replicates. Its level errs by sqrt(p (1 - p) / B), SciPy's likewise; BCa's level
    # errs by that of the bias as well, translated by the density of the normal. Five sigmas are allowed.
    x, confidence, count = DATA[name], 0.9, 9999
    ours = bootstrap_ci(x, statistic, method=method, confidence=confidence, random_state=1)
    name = "BCa" if method == "bca" else method
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # SciPy's, where all leave-one-out values are equal
        peer = stats.bootstrap((x,), STATISTICS[statistic], method=name, confidence_level=confidence, rng=2)
    replicates = np.sort(peer.bootstrap_distribution)
    centre, sign = (2 * STATISTICS[statistic](x), -1) if method == "basic" else (0.0, 1)
    if np.isnan(peer.confidence_interval).any():  # leaving one out changes nothing, and SciPy divides 0 by 0
        assert method == "bca"
        assert len(np.unique(_statistics.Median().leave_one_out(x[np.newaxis]))) == 1
        assert ours.low <= ours.estimate <= ours.high
        return
    for mine, theirs in zip((ours.low, ours.high), peer.confidence_interval, strict=True):
        (a, b), (c, d) = levels_of(replicates, centre + sign * mine), levels_of(replicates, centre + sign * theirs)
        p = np.clip((c + d) / 2, 0.001, 0.999)
        variance = 2 * p * (1 - p) / count
        if method == "bca":
            variance += 2 * (2 * stats.norm.pdf(stats.norm.ppf(p))) ** 2 * np.pi / 2 / count
        assert max(a - d, c - b, 0.0) <= 5 * np.sqrt(variance) + 1 / count
    assert ours.standard_error == pytest.approx(peer.standard_error, rel=0.06)
    assert ours.estimate == pytest.approx(STATISTICS[statistic](x), rel=1e-14)


def every_resample(x):
    return x[np.array(list(product(range(len(x)), repeat=len(x))))]


def test_replicates_of_the_mean_follow_the_exact_law():
    x = np.array([0.0, 1.0, 5.0, 7.0])
    exact, counts = np.unique(every_resample(x).mean(axis=1), return_counts=True)
    found = _statistics.Mean().replicates(x[np.newaxis], 50_000, np.random.default_rng(0))[0]
    observed = [(np.abs(found - value) < 1e-9).sum() for value in exact]
    assert stats.chisquare(observed, counts / counts.sum() * 50_000).pvalue > 1e-3


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_replicates_of_the_median_follow_the_exact_law(n):
    x = np.array([0.0, 1.0, 3.0, 7.0, 15.0, 31.0])[:n]
    exact, counts = np.unique(np.median(every_resample(x), axis=1), return_counts=True)
    found = _statistics.Median().replicates(x[np.newaxis], 50_000, np.random.default_rng(n))[0]
    observed = np.array([(found == value).sum() for value in exact])
    assert observed.sum() == 50_000
    expected = counts / counts.sum() * 50_000
    big = expected >= 5
    observed = np.append(observed[big], observed[~big].sum() + 1e-9)
    expected = np.append(expected[big], expected[~big].sum() + 1e-9)
    assert stats.chisquare(observed, expected).pvalue > 1e-3


@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_leaving_one_out_is_what_it_says(n, seed):
    x = np.random.default_rng(seed).integers(0, 9, (2, n)).astype(float)
    for statistic, function in ((_statistics.Mean(), np.mean), (_statistics.Median(), np.median)):
        expected = np.stack([function(np.delete(x, i, axis=1), axis=1) for i in range(n)], axis=1)
        found = statistic.leave_one_out(x)
        np.testing.assert_allclose(np.sort(found, axis=1), np.sort(expected, axis=1), atol=1e-12)
        by_function = _statistics.Function(function).leave_one_out(x)
        np.testing.assert_allclose(by_function, expected, atol=1e-12)


@pytest.mark.parametrize("statistic", ["mean", "median", np.std], ids=str)
@pytest.mark.parametrize("name", ["normal", "lognormal", "ties"])
def test_studentized_against_brute_force(name, statistic):
    # The definition, resample by resample, with random draws of its own; ends compared by their level as above.
    x, count = DATA[name][:20], 1500
    function = STATISTICS[statistic]
    rng = np.random.default_rng(5)
    pivots = []
    for _ in range(count):
        sample = x[rng.integers(0, len(x), len(x))]
        gap, error = function(sample) - function(x), error_of(sample, statistic)
        pivots.append(gap / error if error > 0 else np.sign(gap) * np.inf if gap else 0.0)
    pivots = np.sort(pivots)
    found = bootstrap_ci(x, statistic, method="studentized", n_resamples=1499, confidence=0.9, random_state=6)
    scale = error_of(x, statistic)
    for end, p in ((found.low, 0.95), (found.high, 0.05)):
        value = (function(x) - end) / scale
        level = np.searchsorted(pivots, [value - 1e-9, value + 1e-9]) / count
        assert max(level[0] - p, p - level[1], 0.0) <= 5 * np.sqrt(2 * 0.05 * 0.95 / count)


def error_of(sample, statistic):
    n = len(sample)
    if statistic == "mean":
        return np.std(sample, ddof=1) / np.sqrt(n)
    if statistic == "median":
        w = np.diff(stats.beta.cdf(np.arange(n + 1) / n, (n + 1) / 2, (n + 1) / 2))
        ordered = np.sort(sample)
        return np.sqrt(max(w @ ordered**2 - (w @ ordered) ** 2, 0.0))
    left_out = np.array([np.std(np.delete(sample, i)) for i in range(n)])
    return np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))


def test_the_error_of_a_median_is_the_exact_bootstraps_for_odd_n():
    x = np.array([[0.0, 1.0, 4.0, 5.0, 11.0]])
    exact = np.median(every_resample(x[0]), axis=1).std()
    assert _statistics.Median().error(x)[0] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("statistic", ["mean", "median", np.std, std_of_one], ids=str)
def test_rows_are_samples_of_their_own(statistic, method):
    X = np.stack([DATA["normal"][:12], DATA["lognormal"][:12], np.full(12, 2.5)])
    found = bootstrap_ci(X, statistic, method=method, n_resamples=399, confidence=0.8, random_state=0)
    assert found.low.shape == found.high.shape == found.estimate.shape == found.standard_error.shape == (3,)
    for i in range(2):  # the same law, not the same draws
        alone = bootstrap_ci(X[i], statistic, method=method, n_resamples=1999, confidence=0.8, random_state=1)
        assert abs(found.low[i] - alone.low) < 0.6 * alone.standard_error
        assert abs(found.high[i] - alone.high) < 0.9 * alone.standard_error
    assert found.low[2] == found.high[2] == found.estimate[2]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("statistic", ["mean", "median", np.var, std_of_one], ids=str)
def test_constant_data_give_the_point(statistic, method):
    for value in (0.1, 3.0, -1e200, 0.0):
        if callable(statistic) and abs(value) > 1e100:  # whose squares overflow in NumPy
            continue
        x = np.full(7, value)
        found = bootstrap_ci(x, statistic, method=method, n_resamples=99, random_state=0)
        assert found.low == found.high == found.estimate
        assert found.standard_error == 0.0
    assert bootstrap_ci([0.1] * 7, method=method, n_resamples=99).estimate == 0.1


def test_two_observations():
    pair = [1.0, 3.0]
    for statistic in ("mean", "median"):
        for method in METHODS[:3]:
            found = bootstrap_ci(pair, statistic, method=method, random_state=0)
            assert (found.low, found.high) == (1.0, 3.0)
        unbounded = bootstrap_ci(pair, statistic, method="studentized", random_state=0)
        assert (unbounded.low, unbounded.high) == (-np.inf, np.inf)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("statistic", ["mean", "median"])
@pytest.mark.parametrize(("a", "b"), [(1e300, 0.0), (1e-300, 0.0), (-2.0, 5.0), (1.0, 1e9)])
def test_the_interval_follows_the_units(statistic, method, a, b):
    x = DATA["lognormal"]
    base = bootstrap_ci(x, statistic, method=method, n_resamples=399, random_state=4)
    moved = bootstrap_ci(a * x + b, statistic, method=method, n_resamples=399, random_state=4)
    ends = sorted((a * base.low + b, a * base.high + b))
    if a > 0:
        np.testing.assert_allclose([moved.low, moved.high], ends, rtol=1e-9 if b < 1e6 else 1e-12)
        assert moved.standard_error == pytest.approx(a * base.standard_error, rel=1e-5)
    else:  # a mirror turns upper ranks into lower ones: the same law, other draws
        np.testing.assert_allclose([moved.low, moved.high], ends, atol=2 * base.standard_error)


@pytest.mark.parametrize(
    "x",
    [
        [1, 0, 0, 1, 1, 1, 0, 1, 1],
        np.array([1, 0, 0, 1, 1, 1, 0, 1, 1], dtype=bool),
        np.array([1, 0, 0, 1, 1, 1, 0, 1, 1], dtype=np.float32),
        np.array([1, 9, 0, 9, 0, 9, 1, 9, 1, 9, 1, 9, 0, 9, 1, 9, 1])[::2],
        pd.Series([1, 0, 0, 1, 1, 1, 0, 1, 1]),
        (1.0, 0, False, True, 1, 1.0, 0, 1, 1),
    ],
    ids=["whole numbers", "booleans", "float32", "a view", "a series", "a tuple"],
)
def test_any_numbers_are_taken(x):
    expected = bootstrap_ci([1.0, 0, 0, 1, 1, 1, 0, 1, 1], n_resamples=199, random_state=0)
    assert bootstrap_ci(x, n_resamples=199, random_state=0) == expected


@pytest.mark.parametrize("statistic", ["mean", "median", np.std], ids=str)
def test_read_only_data_are_left_as_they_were(statistic):
    x = DATA["normal"].copy()
    x.flags.writeable = False
    for method in METHODS:
        bootstrap_ci(x, statistic, method=method, n_resamples=99)
    np.testing.assert_array_equal(x, DATA["normal"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("statistic", ["mean", "median", np.std], ids=str)
def test_repeats_with_its_seed(statistic, method):
    x = DATA["normal"]
    first, again, other = (bootstrap_ci(x, statistic, method=method, n_resamples=99, random_state=s) for s in (0, 0, 1))
    assert first == again
    assert first != other
    generator = np.random.default_rng(0)
    assert bootstrap_ci(x, statistic, method=method, n_resamples=99, random_state=generator) == first
    assert bootstrap_ci(x, statistic, method=method, n_resamples=99, random_state=generator) != first
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global generator is left alone
    bootstrap_ci(x, statistic, method=method, n_resamples=99)
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002


def test_levels_nest():
    x = DATA["lognormal"]
    for method in METHODS:
        found = [bootstrap_ci(x, method=method, confidence=c, random_state=0) for c in (0.5, 0.8, 0.95, 0.99)]
        assert all(outer.low <= inner.low and inner.high <= outer.high for inner, outer in pairwise(found))


@pytest.mark.parametrize("method", ["percentile", "bca", "studentized"])
def test_coverage_on_normal_data(method):
    # Theory: percentile intervals of 10 normal numbers cover P(|t_9| < 1.645 sqrt(9/10)) at 90%; studentized ones 90%.
    rng = np.random.default_rng(8)
    covered = np.concatenate(
        [
            bootstrap_ci(
                rng.standard_normal((100, 10)), method=method, confidence=0.9, n_resamples=499, random_state=rng
            ).covers(0.0)
            for _ in range(20)
        ]
    )
    short = 2 * stats.t.cdf(stats.norm.ppf(0.95) * np.sqrt(0.9), 9) - 1
    expected = 0.9 if method == "studentized" else short
    assert covered.mean() == pytest.approx(expected, abs=4 * np.sqrt(0.1 * 0.9 / 2000))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([1.0, np.nan, np.nan], "2 NaN and 0 infinite"),
        ([1.0, np.inf, -np.inf], "0 NaN and 2 infinite"),
        ([], "at least 2 observations"),
        ([3.0], "1 observation a sample"),
        (np.empty((3, 0)), "0 observations a sample"),
        (np.empty((0, 3)), r"shape \(0, 3\)"),
        (np.ones((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (5.0, r"shape \(\)"),
        (["1", "2"], "dtype"),
        ([1.0, None], "dtype object"),
        ([[1.0, 2.0], [1.0]], "different lengths"),
        (np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), "dtype"),
        (np.array([1.0, 2j]), "dtype complex128"),
    ],
)
def test_bad_data_are_refused(data, words):
    with pytest.raises(BadInput, match=words):
        bootstrap_ci(data)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"statistic": "mode"}, "statistic='mode' is neither 'mean', 'median' nor a function"),
        ({"statistic": None}, "statistic=None"),
        ({"statistic": ["mean"]}, "statistic="),
        ({"method": "BCa"}, "method='BCa' is none of bca, percentile, basic, studentized"),
        ({"confidence": 95}, "confidence=95 is not strictly between 0 and 1"),
        ({"confidence": np.nan}, "confidence=nan"),
        ({"confidence": True}, "confidence=True"),
        ({"confidence": "high"}, "confidence='high'"),
        ({"n_resamples": 9999.0}, "n_resamples=9999.0 is not an int"),
        ({"n_resamples": True}, "n_resamples=True is not an int"),
        ({"n_resamples": 39}, "leaves a tail empty at confidence=0.95; use 40 or more"),
        ({"n_resamples": 100, "confidence": 0.999}, "use 2000 or more"),
        ({"statistic": lambda x: x}, "expected one finite number a sample"),
        ({"statistic": lambda _: np.nan}, "not a finite number"),
        ({"statistic": lambda _: "text"}, "not a finite number"),
        ({"statistic": lambda x, axis: np.log(np.ptp(x, axis=axis))}, "also for resamples in which values repeat"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_bad_options_are_refused(options, words):
    with pytest.raises(BadInput, match=words), np.errstate(all="ignore"):
        bootstrap_ci([1.0, 2.0, 4.0], **options)


def test_all_faults_are_told_at_once():
    with pytest.raises(BadInput) as caught:
        bootstrap_ci([np.nan], "mode", method="magic", confidence=2, n_resamples="many")
    for words in ("1 NaN", "1 observation", "'mode'", "'magic'", "confidence=2", "n_resamples='many'"):
        assert words in str(caught.value)


@pytest.mark.parametrize(("count", "confidence"), [(40, 0.95), (20, 0.9), (20_000, 0.9999), (4, 0.5)])
def test_just_enough_resamples_are_enough(count, confidence):
    assert bootstrap_ci([1.0, 2.0, 4.0], n_resamples=count, confidence=confidence).n_resamples == count


def test_an_interval_says_what_it_is():
    one = Interval(1.0, 3.0, 2.0, 0.5, 0.95, "bca", 9999)
    assert str(one) == "2 [1, 3] at 0.95 (bca)"
    assert one.width == 2.0
    assert one.covers(1.0)
    assert not one.covers(3.1)
    many = Interval(np.zeros(3), np.ones(3), np.ones(3), np.ones(3), 0.9, "basic", 99)
    assert str(many) == "3 intervals at 0.9 (basic)"
    np.testing.assert_array_equal(many.covers([0.5, 1.0, 2.0]), [True, True, False])
    np.testing.assert_array_equal(one.covers([0.0, 2.0]), [False, True])


@pytest.mark.parametrize("statistic", ["mean", "median", np.std], ids=str)
def test_blocks_do_not_change_the_law(statistic, monkeypatch):
    x = DATA["normal"][:20]
    whole = bootstrap_ci(x, statistic, random_state=0)
    monkeypatch.setattr(_resampling, "_DRAWS", 100)
    monkeypatch.setattr(_statistics, "_CELLS", 100)
    blocks = bootstrap_ci(x, statistic, n_resamples=999, random_state=0)
    assert abs(whole.low - blocks.low) < 0.6 * whole.standard_error
    assert abs(whole.high - blocks.high) < 0.6 * whole.standard_error
    studentized = bootstrap_ci(x, statistic, method="studentized", n_resamples=99, random_state=0)
    assert studentized.low < studentized.estimate < studentized.high
