"""Checks of ``ABTest``: against SciPy's tests, the delta method by matrices, and integrals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w03_bootstrap import oracles
from fiftytwo.weeks.w03_bootstrap.intervals import EXACT, worst
from mltoolkit.stats import Moments

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

FIELDS = ("effect", "low", "high", "p_value", "standard_error")


def experiments(lab: Lab) -> Iterator[Check]:
    """The three tests on raw data and on moments, one at a time and many at once."""
    yield from _fixed(lab)
    yield from _always_valid(lab)
    yield from _many(lab)


def _compare(
    lab: Lab,
    method: str,
    c: Any,
    t: Any,
    expected: tuple[float, ...],
    options: Mapping[str, Any] | None = None,
    *,
    inputs: Mapping[str, Any],
) -> Measurement:
    """All five numbers of a comparison, the p-value alone as well."""
    options = dict(options or {})
    given = "".join(f", {key}={value!r}" for key, value in options.items())
    test = lab.solution.ABTest(method, **options)
    found = test.compare(c, t)
    names = ", ".join(inputs)
    rows = [
        difference(
            getattr(found, name), value, call=f"ABTest({method!r}{given}).compare({names}).{name}", inputs=inputs
        )
        for name, value in zip(FIELDS, expected, strict=True)
    ]
    alone = difference(
        test.p_value(c, t), expected[3], call=f"ABTest({method!r}{given}).p_value({names})", inputs=inputs
    )
    return worst([*rows, alone], EXACT)


def _fixed(lab: Lab) -> Iterator[Check]:
    def proportions() -> Measurement:
        def one(hits_c: int, n_c: int, hits_t: int, n_t: int, confidence: float, moments: bool) -> Measurement:
            p, q = hits_c / n_c, hits_t / n_t
            table = [[hits_c, n_c - hits_c], [hits_t, n_t - hits_t]]
            error = np.sqrt(p * (1 - p) / n_c + q * (1 - q) / n_t)
            reach = stats.norm.ppf((1 + confidence) / 2) * error
            expected = (
                q - p,
                q - p - reach,
                q - p + reach,
                float(stats.chi2_contingency(table, correction=False).pvalue),
                float(error),
            )
            c, t = (np.repeat([0, 1], [n - hits, hits]) for hits, n in ((hits_c, n_c), (hits_t, n_t)))
            if moments:  # with a variance that must not be believed
                c, t = Moments(n_c, p, 9.0), Moments(n_t, q, 9.0)
                return _compare(
                    lab,
                    "proportions",
                    c,
                    t,
                    expected,
                    {"confidence": confidence},
                    inputs={"control": f"Moments({n_c}, {p}, 9.0)", "treatment": f"Moments({n_t}, {q}, 9.0)"},
                )
            return _compare(
                lab, "proportions", c, t, expected, {"confidence": confidence}, inputs={"control": c, "treatment": t}
            )

        return worst(
            (
                one(*row)
                for row in (
                    (10, 100, 30, 100, 0.95, False),
                    (40, 90, 11, 30, 0.95, False),
                    (3, 50, 0, 20, 0.8, False),
                    (512, 2048, 300, 1000, 0.9, True),
                )
            ),
            EXACT,
        )

    yield Check(
        "two proportions",
        proportions,
        at_most=EXACT,
        why="The squared z of two proportions is the chi-squared of their two by two table.",
        hint=(
            "Which variance belongs into the test, and which into the interval?",
            "For the test both arms share one p: all conversions over all units.",
            "For the interval each arm has its own p (1 - p) / n.",
        ),
    )

    def welch() -> Measurement:
        def one(n_c: int, n_t: int, confidence: float) -> Measurement:
            rng = lab.rng
            c, t = rng.normal(10.0, 1.0, n_c), rng.normal(11.0, 4.0, n_t)
            peer = stats.ttest_ind(t, c, equal_var=False)
            low, high = peer.confidence_interval(confidence)
            error = np.sqrt(c.var(ddof=1) / n_c + t.var(ddof=1) / n_t)
            effect = t.mean() - c.mean()
            expected = (float(effect), float(low), float(high), float(peer.pvalue), float(error))
            return _compare(
                lab, "welch", c, t, expected, {"confidence": confidence}, inputs={"control": c, "treatment": t}
            )

        return worst((one(*row) for row in ((12, 5, 0.95), (3, 40, 0.8), (2, 2, 0.99))), EXACT)

    yield Check(
        "Welch's t",
        welch,
        at_most=EXACT,
        why="Two arms seldom have the same variance, and a pooled one answers for the larger arm.",
        hint=(
            "Each arm's variance is divided by its own n.",
            "The degrees of freedom are not n_c + n_t - 2; the formula is in the docstring.",
            "Divide by n - 1 in the variance, and once more in the degrees of freedom.",
        ),
    )

    def ratio() -> Measurement:
        rng = lab.rng
        views = rng.poisson(4.0, (2, 60)) + 1.0
        clicks = rng.binomial(views.astype(int), [[0.2], [0.3]]).astype(float)
        arms = [np.column_stack(pair) for pair in zip(clicks, views, strict=True)]
        arms[1] = arms[1][:25]
        moments = [_delta(arm) for arm in arms]
        (m_c, v_c), (m_t, v_t) = moments
        peer = stats.ttest_ind_from_stats(m_t, np.sqrt(v_t), 25, m_c, np.sqrt(v_c), 60, equal_var=False)
        error = np.sqrt(v_c / 60 + v_t / 25)
        reach = abs(m_t - m_c) / abs(peer.statistic) * stats.t.ppf(0.975, _freedom(v_c, 60, v_t, 25))
        expected = (m_t - m_c, m_t - m_c - reach, m_t - m_c + reach, float(peer.pvalue), float(error))
        return _compare(lab, "welch", arms[0], arms[1], expected, inputs={"control": arms[0], "treatment": arms[1]})

    yield Check(
        "ratio metric",
        ratio,
        at_most=EXACT,
        why="Clicks per view, tested by user: the views of one user are not independent of each other.",
        hint=(
            "The metric is the ratio of the two means, not the mean of the ratios.",
            "Its variance needs the covariance of numerator and denominator.",
            "residuals = y - r x; variance = var(residuals, ddof=1) / mean(x)²",
        ),
    )


def _delta(arm: NDArray[Any]) -> tuple[float, float]:
    """Ratio of the means and its variance per unit, as gradient, covariance matrix, gradient."""
    top, bottom = arm.mean(axis=0)
    gradient = np.array([1.0 / bottom, -top / bottom**2])
    return float(top / bottom), float(gradient @ np.cov(arm, rowvar=False) @ gradient)


def _freedom(v_c: float, n_c: int, v_t: float, n_t: int) -> float:
    a, b = v_c / n_c, v_t / n_t
    return (a + b) ** 2 / (a**2 / (n_c - 1) + b**2 / (n_t - 1))


def _always_valid(lab: Lab) -> Iterator[Check]:
    def one_look() -> Measurement:
        def one(n_c: int, n_t: int, effect: float, sd: float, tau: float, confidence: float) -> Measurement:
            c, t = Moments(n_c, 1.0, sd**2), Moments(n_t, 1.0 + effect, sd**2)
            v = sd**2 / n_c + sd**2 / n_t
            reach = oracles.mixture_reach(v, tau, 1.0 - confidence)
            expected = (effect, effect - reach, effect + reach, oracles.mixture_p(effect, v, tau), float(np.sqrt(v)))
            return _compare(
                lab,
                "sequential",
                c,
                t,
                expected,
                {"confidence": confidence, "tau": tau},
                inputs={
                    "control": f"Moments({n_c}, 1.0, {sd**2})",
                    "treatment": f"Moments({n_t}, {1.0 + effect}, {sd**2})",
                },
            )

        return worst(
            (
                one(*row)
                for row in (
                    (100, 100, 0.5, 1.0, 0.2, 0.95),
                    (400, 50, -0.75, 2.0, 1.0, 0.9),
                    (100, 100, 0.0, 1.0, 0.5, 0.95),
                    (40, 900, 1.5, 1.0, 0.3, 0.99),
                )
            ),
            EXACT,
        )

    yield Check(
        "sequential test, one look",
        one_look,
        at_most=EXACT,
        why="The likelihood ratio, averaged over the effects that were thought possible, is a fair bet against "
        "no effect.",
        hint=(
            "V is the variance of the effect: the sum of variance / n over both arms.",
            "p = min(1, 1 / L), and L has a root in front and e² in the exponent.",
            "The ends are where L would be 1/alpha: solve for the distance.",
        ),
    )

    def never_rises() -> Measurement:
        n = np.array([50, 100, 150, 200])
        effect = np.array([[0.5, 0.2, 0.45, 0.1], [0.0, 0.1, 0.0, 0.3]])
        ones = np.ones((2, 4))
        test = lab.solution.ABTest("sequential", tau=0.4)
        each = np.array([[oracles.mixture_p(e, 2.0 / m, 0.4) for e, m in zip(row, n, strict=True)] for row in effect])
        return difference(
            test.p_value(Moments(n, ones * 0.0, ones), Moments(n, effect, ones)),
            np.minimum.accumulate(each, axis=1),
            call="ABTest('sequential', tau=0.4).p_value(control, treatment)",
            inputs={
                "control": "Moments(n, zeros, ones)",
                "treatment": "Moments(n, effect, ones)",
                "n": n,
                "effect": effect,
            },
        )

    yield Check(
        "sequential test, look after look",
        never_rises,
        at_most=EXACT,
        why="What was rejected once stays rejected, so the p-value is the smallest so far.",
        hint=("np.minimum.accumulate(p, axis=-1)",),
    )


def _many(lab: Lab) -> Iterator[Check]:
    def at_once() -> Measurement:
        n_c, n_t = np.array([20, 60]), np.array([10, 15])
        mean = np.array([[1.0, 1.2], [0.0, 0.4], [0.9, 0.6]])
        variance = np.array([[1.0, 2.0], [0.5, 0.5], [3.0, 1.0]])
        c, t = Moments(n_c, mean * 0.5, variance[::-1]), Moments(n_t, mean, variance)
        peer = stats.ttest_ind_from_stats(
            t.mean, np.sqrt(t.variance), n_t, c.mean, np.sqrt(c.variance), n_c, equal_var=False
        )
        inputs = {"mean": mean, "variance": variance, "n_c": n_c, "n_t": n_t}
        call = "ABTest().{}(Moments(n_c, mean / 2, variance[::-1]), Moments(n_t, mean, variance))"
        test = lab.solution.ABTest()
        return worst(
            (
                difference(test.p_value(c, t), peer.pvalue, call=call.format("p_value"), inputs=inputs),
                difference(
                    test.compare(c, t).effect, mean * 0.5, call=call.format("compare") + ".effect", inputs=inputs
                ),
            ),
            EXACT,
        )

    yield Check(
        "many experiments at once",
        at_once,
        at_most=EXACT,
        why="A simulation hands over a million experiments as arrays; the formulas are the same.",
        hint=(
            "Use NumPy's functions and no if on a number that may be an array.",
            "scipy.special.stdtr(df, t) and ndtr(z) take arrays, and are faster than scipy.stats.",
        ),
    )

    def no_variance() -> Measurement:
        flat = [("welch", {}), ("sequential", {"tau": 1.0})]
        rows: list[tuple[str, Mapping[str, Any], Any, Any, tuple[float, ...]]] = [
            *((m, o, [2.0] * 5, [2.0] * 3, (0.0, 0.0, 0.0, 1.0, 0.0)) for m, o in flat),
            *((m, o, [2.0] * 5, [3.0] * 3, (1.0, 1.0, 1.0, 0.0, 0.0)) for m, o in flat),
            ("proportions", {}, [0] * 5, [0] * 3, (0.0, 0.0, 0.0, 1.0, 0.0)),
            ("proportions", {}, [1] * 5, [1] * 3, (0.0, 0.0, 0.0, 1.0, 0.0)),
        ]
        return worst(
            (
                _compare(lab, method, c, t, expected, options, inputs={"control": c, "treatment": t})
                for method, options, c, t, expected in rows
            ),
            EXACT,
        )

    yield Check(
        "arms without variance",
        no_variance,
        at_most=EXACT,
        why="On the first day nobody has converted; 0 / 0 is no reason to stop a dashboard.",
        hint=(
            "No difference and no variance: p is 1. A difference and no variance: p is 0.",
            "np.where(e == 0, 0, abs(e) / sqrt(V)) with the division's warning off.",
        ),
    )
