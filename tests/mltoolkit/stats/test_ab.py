"""ABTest against SciPy, the delta method by matrices, and integrals; simulate_ab against units drawn one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from mltoolkit.errors import BadInput
from mltoolkit.stats import ABSimulation, ABTest, Binary, Continuous, Moments, Ratio, simulate_ab

RNG = np.random.default_rng(9)
COUNT = 20_000
SAME = Continuous(10.0, 3.0)


def moments_of(values):
    return Moments(len(values), np.mean(values), np.var(values, ddof=1))


@given(st.integers(2, 60), st.integers(2, 60), st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_welch_equals_scipy(n_c, n_t, seed, confidence):
    rng = np.random.default_rng(seed)
    c, t = rng.normal(3.0, 1.0, n_c), rng.normal(rng.normal(3.0), rng.gamma(1.0) + 0.1, n_t)
    peer = stats.ttest_ind(t, c, equal_var=False)
    low, high = peer.confidence_interval(confidence)
    for arms in ((c, t), (moments_of(c), moments_of(t))):
        found = ABTest(confidence=confidence).compare(*arms)
        assert found.effect == pytest.approx(t.mean() - c.mean(), rel=1e-12)
        assert found.p_value == pytest.approx(peer.pvalue, rel=1e-9, abs=1e-300)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
        assert found.significant == (peer.pvalue <= 1 - confidence)
        assert ABTest(confidence=confidence).p_value(*arms) == found.p_value


@given(st.integers(2, 400), st.integers(2, 400), st.floats(0.01, 0.99), st.integers(0, 2**32 - 1))
def test_proportions_equal_the_chi_squared_of_their_table(n_c, n_t, rate, seed):
    a, b = np.random.default_rng(seed).binomial([n_c, n_t], rate)
    found = ABTest("proportions").compare(np.repeat([1, 0], [a, n_c - a]), np.repeat([True, False], [b, n_t - b]))
    if 0 < a + b < n_c + n_t:
        peer = stats.chi2_contingency([[a, n_c - a], [b, n_t - b]], correction=False).pvalue
        assert found.p_value == pytest.approx(peer, rel=1e-9)
    else:
        assert found.p_value == 1.0
    p, q = a / n_c, b / n_t
    reach = stats.norm.ppf(0.975) * np.sqrt(p * (1 - p) / n_c + q * (1 - q) / n_t)
    assert (found.low, found.high) == pytest.approx((q - p - reach, q - p + reach), abs=1e-12)


def test_a_ratio_metric_by_gradient_and_covariance():
    x = RNG.poisson(5.0, (2, 80)) + 1.0
    arms = [np.column_stack([RNG.binomial(v.astype(int), 0.3), v]) for v in x]
    expected = []
    for arm in arms:
        y, v = arm.mean(axis=0)
        gradient = np.array([1 / v, -y / v**2])
        expected.append(Moments(80, y / v, gradient @ np.cov(arm, rowvar=False) @ gradient))
    found, peer = ABTest().compare(*arms), ABTest().compare(*expected)
    for name in ("effect", "low", "high", "p_value", "standard_error"):
        assert getattr(found, name) == pytest.approx(getattr(peer, name), rel=1e-10)


def test_the_delta_method_is_the_variance_of_the_ratio():
    n, repeats = 200, 4000
    views = RNG.gamma(4.0, 2.0, (repeats, n))
    clicks = 0.3 * views + RNG.standard_normal((repeats, n))
    ratios = clicks.mean(axis=1) / views.mean(axis=1)
    arm = np.column_stack([clicks[0], views[0]])
    claimed = ABTest().compare(arm, arm[::-1]).standard_error / np.sqrt(2)
    assert claimed == pytest.approx(ratios.std(), rel=0.15)


@pytest.mark.parametrize(("effect", "v", "tau"), [(0.3, 0.02, 0.2), (-1.0, 0.1, 0.5), (0.0, 1.0, 3.0), (5.0, 2.0, 0.1)])
def test_the_sequential_p_value_is_an_integral_over_effects(effect, v, tau):
    def weighed(theta):
        return np.exp((theta * effect - theta**2 / 2) / v) * stats.norm.pdf(theta, scale=tau)

    ratio, _ = integrate.quad(weighed, -12 * tau, 12 * tau, epsrel=1e-12, limit=500)
    arms = Moments(100, 1.0, 50 * v), Moments(100, 1.0 + effect, 50 * v)
    test = ABTest("sequential", tau=tau)
    assert test.p_value(*arms) == pytest.approx(min(1.0, 1.0 / ratio), rel=1e-8)
    found = test.compare(*arms)  # the ends are the effects whose p-value is alpha
    for end in (found.low, found.high):
        shifted = Moments(100, 1.0, 50 * v), Moments(100, 1.0 + effect - end, 50 * v)
        assert test.p_value(*shifted) == pytest.approx(0.05, rel=1e-9)


def test_a_sequential_p_value_never_rises():
    n = np.arange(10, 210, 10)
    mean = RNG.standard_normal((50, 20)) / np.sqrt(n)
    found = ABTest("sequential", tau=0.5).p_value(
        Moments(n, 0.0 * mean, 1.0 + 0 * mean), Moments(n, mean, 1.0 + 0 * mean)
    )
    assert found.shape == (50, 20)
    assert (np.diff(found, axis=1) <= 0).all()
    single = ABTest("sequential", tau=0.5).p_value(Moments(10, 0.0, 1.0), Moments(10, mean[0, 0], 1.0))
    assert found[0, 0] == pytest.approx(single, rel=1e-12)


@pytest.mark.parametrize("method", ["welch", "proportions", "sequential"])
def test_many_experiments_are_one_by_one(method):
    test = ABTest(method, tau=0.3 if method == "sequential" else None)
    n_c, n_t = np.array([30, 80]), np.array([20, 40])
    means, variances = RNG.random((2, 5, 2)), RNG.random((2, 5, 2)) + 0.5
    c, t = Moments(n_c, means[0], variances[0]), Moments(n_t, means[1], variances[1])
    found, p = test.compare(c, t), test.p_value(c, t)
    for i, j in np.ndindex(5, 2):
        one = test.compare(*(Moments(a.n[j], a.mean[i, j], a.variance[i, j]) for a in (c, t)))
        for name in ("effect", "low", "high", "standard_error"):
            assert getattr(found, name)[i, j] == pytest.approx(getattr(one, name), rel=1e-12)
        if method != "sequential" or j == 0:
            assert p[i, j] == found.p_value[i, j] == pytest.approx(one.p_value, rel=1e-12)
    np.testing.assert_array_equal(found.significant, p <= 0.05)


def test_a_million_and_one_units():
    huge = ABTest().compare(Moments(1_000_001, 1e150, 1e290), Moments(1_000_000, 1.000001e150, 1e290))
    assert huge.p_value == 0.0
    tiny = ABTest().compare(Moments(10, 0.0, 1e-300), Moments(10, 1e-151, 1e-300))
    assert 0.0 < tiny.p_value < 1.0


@pytest.mark.parametrize("method", ["welch", "sequential"])
def test_arms_without_variance(method):
    test = ABTest(method, tau=1.0 if method == "sequential" else None)
    same, other = test.compare([2.0] * 4, [2.0] * 3), test.compare([2.0] * 4, [3.0] * 3)
    assert (same.effect, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert (other.effect, other.low, other.high, other.p_value) == (1.0, 1.0, 1.0, 0.0)
    half = test.compare([2.0] * 4, [2.0, 3.0, 4.0])
    assert 0.0 < half.p_value < 1.0


def test_nobody_or_everybody_converts():
    for value in (0, 1):
        found = ABTest("proportions").compare([value] * 9, [value] * 7)
        assert (found.effect, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert ABTest("proportions").p_value([0] * 50, [1] * 50) < 1e-20


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.float32])
def test_any_numbers_are_taken(dtype):
    c, t = np.array([0, 1, 1, 0, 0, 1], dtype=dtype), np.array([1, 1, 0, 1], dtype=dtype)
    c.flags.writeable = False
    for method in ("welch", "proportions"):
        expected = ABTest(method).compare(c.tolist(), t.tolist())
        assert ABTest(method).compare(c, t) == expected


@pytest.mark.parametrize(
    ("method", "c", "t", "words"),
    [
        ("welch", [1.0], [1.0, 2.0], "control has n=1 units"),
        ("welch", [1.0, 2.0], [], "treatment has n=0 units"),
        ("welch", [1.0, np.nan, np.inf], [1.0, 2.0], "control has 2 values that are NaN or infinite"),
        ("welch", ["a", "b"], [1.0, 2.0], "control has dtype"),
        ("welch", [[1.0], [1.0, 2.0]], [1.0, 2.0], "control has rows of different lengths"),
        ("welch", np.ones((3, 3)), [1.0, 2.0], r"control has shape \(3, 3\); expected \(n,\) or \(n, 2\)"),
        ("welch", 5.0, [1.0, 2.0], r"control has shape \(\)"),
        ("welch", [[1.0, 1.0], [1.0, -1.0]], [1.0, 2.0], "control has denominators whose mean is not positive"),
        ("proportions", [0, 1, 2], [0, 1], "control has values other than 0 and 1"),
        ("proportions", [0, 1], np.ones((3, 2)), r"treatment has shape \(3, 2\); expected \(n,\)$"),
        ("proportions", Moments(10, 1.2, 0.0), [0, 1], "control has a variance of -0.24; expected shares from 0 to 1"),
        ("welch", Moments(1, 0.0, 1.0), [1.0, 2.0], "control has n=1 units"),
        ("welch", Moments([5, 1], [0.0, 0.0], [1.0, 1.0]), [1.0, 2.0], "control has n=1 units"),
        ("welch", Moments(5, np.nan, 1.0), [1.0, 2.0], "control has moments with NaN"),
        ("welch", Moments(5, 0.0, np.inf), [1.0, 2.0], "control has moments with NaN or infinity"),
        ("welch", Moments(5, 0.0, -1.0), [1.0, 2.0], "control has a variance of -1; expected 0 or more"),
    ],
)
def test_bad_arms_are_refused(method, c, t, words):
    for name in ("p_value", "compare"):
        with pytest.raises(BadInput, match=words) as caught:
            getattr(ABTest(method), name)(c, t)
        assert str(caught.value).startswith(f"ABTest.{name}: ")
    with pytest.raises(BadInput, match=r"control.*treatment"):
        ABTest(method).p_value(c if "control" in words else [1.0], t if "treatment" in words else [np.nan])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"method": "bayes"}, "method='bayes' is none of welch, proportions, sequential"),
        ({"confidence": 95}, "confidence=95"),
        ({"method": "sequential"}, "tau=None is not a positive number; give the size of effect"),
        ({"method": "sequential", "tau": 0.0}, "tau=0.0"),
        ({"method": "sequential", "tau": True}, "tau=True"),
        ({"method": "sequential", "tau": np.inf}, "tau=inf"),
        ({"tau": 1.0}, "tau=1.0 belongs to method='sequential' alone"),
        ({"method": "bayes", "confidence": 2.0, "tau": 1.0}, "confidence=2.0.*method='bayes'.*tau=1.0"),
    ],
)
def test_a_bad_test_is_refused(arguments, words):
    with pytest.raises(BadInput, match=words):
        ABTest(**arguments)


def units(population, n, rng):
    """The units themselves, one by one: what the simulator never draws."""
    if isinstance(population, Binary):
        return (rng.random(n) < population.rate).astype(float)
    if isinstance(population, Continuous):
        return rng.normal(population.mean, population.sd, n)
    covariance = np.outer(population.sds, population.sds) * [[1, population.correlation], [population.correlation, 1]]
    return rng.multivariate_normal(population.means, covariance, n)


@pytest.mark.parametrize(
    "population", [Binary(0.2), Continuous(1.0, 2.0), Ratio((2.0, 9.0), (1.0, 2.0), -0.5)], ids=str
)
def test_moments_follow_the_law_of_units_drawn_one_by_one(population):
    n, few, repeats = 50, 10, 3000
    rng = np.random.default_rng(4)
    slow = []
    for _ in range(repeats):
        arm = units(population, n, rng)
        row = []
        for size in (few, n):
            part = arm[:size]
            if arm.ndim == 1:
                row += [part.mean(), part.var(ddof=1)]
            else:
                ratio = part[:, 0].mean() / part[:, 1].mean()
                row += [ratio, np.var(part[:, 0] - ratio * part[:, 1], ddof=1) / part[:, 1].mean() ** 2]
        slow.append(row)
    slow = np.array(slow)
    fast = simulate_ab(population, population, n=2 * n, looks=[0.2, 1.0], n_simulations=repeats, random_state=5)
    for arm in (fast.control, fast.treatment):
        mine = np.stack([arm.mean[:, 0], arm.variance[:, 0], arm.mean[:, 1], arm.variance[:, 1]], axis=1)
        for a, b in zip(mine.T, slow.T, strict=True):
            assert stats.ks_2samp(np.round(a, 9), np.round(b, 9)).pvalue > 1e-4
        np.testing.assert_allclose(np.corrcoef(mine.T), np.corrcoef(slow.T), atol=5 * np.sqrt(2 / repeats))
    for a, b in ((fast.control.mean, fast.treatment.mean), (fast.control.variance, fast.treatment.variance)):
        assert abs(np.corrcoef(a[:, 1], b[:, 1])[0, 1]) < 5 / np.sqrt(repeats)


def test_looks_of_one_unit():
    found = simulate_ab(SAME, SAME, n=8, looks=[0.5, 0.75, 1.0], n_simulations=COUNT, random_state=1)
    assert found.control.n.tolist() == [2, 3, 4]
    np.testing.assert_allclose(found.control.variance.mean(axis=0), 9.0, rtol=0.06)
    pair = Ratio((2.0, 50.0), (1.0, 2.0), 0.3)
    ratio = simulate_ab(pair, pair, n=8, looks=[0.5, 0.75, 1.0], n_simulations=COUNT, random_state=1)
    delta = (1.0 - 2 * 0.04 * 0.3 * 2.0 + 0.04**2 * 4.0) / 50.0**2
    np.testing.assert_allclose(ratio.treatment.variance.mean(axis=0), delta, rtol=0.06)


@pytest.mark.parametrize(
    ("options", "control", "treatment"),
    [
        ({"n": 101}, [51], [50]),
        ({"n": 103}, [51], [52]),
        ({"n": 1000, "split": 0.1}, [900], [100]),
        ({"n": 100, "looks": 3}, [17, 33, 50], [16, 34, 50]),
        ({"n": 1000, "looks": (0.1, 1.0), "split": 0.25}, [75, 750], [25, 250]),
        ({"n": np.int64(4)}, [2], [2]),
    ],
)
def test_sizes(options, control, treatment):
    found = simulate_ab(Binary(0.5), Binary(0.5), n_simulations=2, **options)
    assert found.control.n.tolist() == control
    assert found.treatment.n.tolist() == treatment
    assert found.p_values.shape == found.control.mean.shape == (2, len(control))


def test_p_values_are_those_of_the_test_and_repeat_with_the_seed():
    for population, default in ((Binary(0.3), ABTest("proportions")), (SAME, ABTest())):
        found = simulate_ab(population, population, n=200, looks=2, n_simulations=50, random_state=7)
        np.testing.assert_array_equal(found.p_values, default.p_value(found.control, found.treatment))
        again = simulate_ab(population, population, n=200, looks=2, n_simulations=50, random_state=7)
        np.testing.assert_array_equal(found.p_values, again.p_values)
        other = simulate_ab(population, population, n=200, looks=2, n_simulations=50, random_state=8)
        assert not np.array_equal(found.p_values, other.p_values)
        generator = np.random.default_rng(7)
        first = simulate_ab(population, population, n=200, looks=2, n_simulations=50, random_state=generator)
        np.testing.assert_array_equal(found.p_values, first.p_values)
    test = ABTest("sequential", tau=0.5)
    found = simulate_ab(SAME, SAME, n=200, looks=4, test=test, n_simulations=50)
    assert (np.diff(found.p_values, axis=1) <= 0).all()


@pytest.mark.parametrize("split", [0.5, 0.1])
def test_p_values_are_uniform_under_the_null(split):
    found = simulate_ab(SAME, SAME, n=120, split=split, n_simulations=COUNT, random_state=11)
    assert stats.kstest(found.p_values[:, 0], "uniform").pvalue > 1e-3


def test_peeking_and_the_test_that_allows_it():
    # 0.142 at five looks: Armitage, McPherson and Rowe (1969), table 2.
    looks = simulate_ab(SAME, SAME, n=5000, looks=5, n_simulations=COUNT, random_state=12)
    assert looks.share_rejected() == pytest.approx(0.142, abs=0.0005 + 4 * np.sqrt(0.142 * 0.858 / COUNT))
    always = simulate_ab(
        SAME, SAME, n=5000, looks=200, test=ABTest("sequential", tau=0.5), n_simulations=3000, random_state=13
    )
    assert 0.005 < always.share_rejected() <= 0.05


def test_a_simulation_answers_what_people_ask():
    p = np.array([[0.5, 0.04, 0.2], [0.6, 0.7, 0.8], [0.01, 0.01, 0.01], [0.9, 0.9, 0.05]])
    arms = (
        Moments(np.array([10, 20, 30]), np.zeros((4, 3)), np.ones((4, 3))),
        Moments(np.array([5, 10, 15]), np.ones((4, 3)), np.ones((4, 3))),
    )
    found = ABSimulation(*arms, p_values=p)
    assert found.rejected().tolist() == [True, False, True, True]
    assert found.rejected(0.01).tolist() == [False, False, True, False]
    assert found.share_rejected() == 0.75
    assert found.units_used().tolist() == [30, 45, 15, 45]
    np.testing.assert_array_equal(found.effect, np.ones((4, 3)))


@pytest.mark.parametrize(
    ("populations", "options", "words"),
    [
        ((Binary(0.1), SAME), {}, "control is Binary and treatment Continuous"),
        ((0.1, 0.2), {}, "control=0.1 is none of Binary, Continuous, Ratio; treatment=0.2"),
        ((Binary(1.1), Binary(0.1)), {}, "control=.*rate is not from 0 to 1"),
        ((Binary(0.1), Binary(np.nan)), {}, "treatment=.*rate"),
        ((Binary("a"), Binary(0.1)), {}, "control=.*rate"),
        ((Continuous(0.0, -1.0), SAME), {}, "sd is negative"),
        ((Continuous(np.inf, 1.0), SAME), {}, "mean and sd are not two finite numbers"),
        ((Ratio((1.0, 0.0), (1.0, 1.0)), Ratio((1.0, 1.0), (-1.0, 1.0), 2.0)), {}, "denominator.*an sd.*correlation"),
        ((Ratio((1.0,), (1.0, 1.0)), Ratio((1.0, 1.0), (1.0, 1.0))), {}, "not pairs"),
        ((Ratio(("a", 1.0), (1.0, 1.0)), Ratio((1.0, 1.0), (1.0, 1.0))), {}, "not finite numbers"),
        ((SAME, SAME), {"n": 3}, "n=3 is not an int of 4 or more"),
        ((SAME, SAME), {"n": 10.0}, "n=10.0"),
        ((SAME, SAME), {"split": 1.0}, "split=1.0"),
        ((SAME, SAME), {"looks": 0}, "looks=0 is neither"),
        ((SAME, SAME), {"looks": True}, "looks=True"),
        ((SAME, SAME), {"looks": [0.5, 0.4, 1.0]}, "rising shares that end with 1"),
        ((SAME, SAME), {"looks": "often"}, "looks='often'"),
        ((SAME, SAME), {"n_simulations": 0}, "n_simulations=0"),
        ((SAME, SAME), {"n": 12, "looks": 12}, r"arms of \[.*\] and \[.*\] units"),
        ((SAME, SAME), {"n": 100, "split": 0.01}, r"arms of \[99\] and \[1\] units"),
        (
            (SAME, SAME),
            {"n": 1, "split": 2, "looks": 0, "n_simulations": -1},
            "n=1.*split=2.*looks=0.*n_simulations=-1",
        ),
    ],
)
def test_a_bad_plan_is_refused(populations, options, words):
    with pytest.raises(BadInput, match=words):
        simulate_ab(*populations, **{"n": 100, **options})


def test_a_denominator_around_zero_is_refused():
    wild = Ratio((1.0, 0.01), (1.0, 5.0))
    with pytest.raises(BadInput, match="mean of the denominator is not positive"):
        simulate_ab(wild, wild, n=10, random_state=0)
