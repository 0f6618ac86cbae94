"""Checks that bad input is refused, clearly, with all faults at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import refusal
from mltoolkit.stats import Binary, Continuous, Moments, Ratio

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Case = tuple[tuple[Any, ...], Mapping[str, Any], tuple[str, ...]]  # arguments, options, words of which one must be told
WHY_DATA = "Bad data that goes in quietly comes out as a confident number."
WHY_ALL = "Whoever has made two errors wants to hear of both."


def refusals(lab: Lab) -> Iterator[Check]:
    """Data, options, arms, plans."""
    yield from _of_intervals(lab)
    yield from _of_tests(lab)
    yield from _of_simulations(lab)


def _first_unclear(lab: Lab, name: str, cases: Iterable[Case]) -> Measurement:
    """The first of some calls that is not refused clearly, else the last one."""
    found: Measurement | None = None
    for arguments, options, mentions in cases:
        given = [_short(value) for value in arguments] + [f"{key}={_short(value)}" for key, value in options.items()]
        found = refusal(
            partial(getattr(lab.solution, name), *arguments, **options),
            call=f"{name}({', '.join(given)})",
            mentions=mentions,
        )
        if found.value != 1.0:
            break
    assert found is not None
    return found


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _of_intervals(lab: Lab) -> Iterator[Check]:
    x = np.array([1.0, 2.0, 4.0])
    data: list[Case] = [
        ((np.array([1.0, np.nan, 3.0]),), {}, ("NaN", "missing")),
        ((np.array([1.0, np.inf, 3.0]),), {}, ("inf",)),
        ((np.array([]),), {}, ("0 observations", "empty", "at least 2", "2 observations")),
        ((np.array([5.0]),), {}, ("1 observation", "at least 2", "fewer than 2")),
        ((np.ones((3, 1)),), {}, ("1 observation", "at least 2", "fewer than 2")),
        ((np.ones((0, 3)),), {}, ("shape", "empty")),
        ((np.ones((2, 2, 2)),), {}, ("shape", "dimension")),
        ((7.0,), {}, ("shape", "dimension")),
        ((["a", "b"],), {}, ("dtype", "number")),
        (([1.0, None, 2.0],), {}, ("dtype", "number")),
        ((np.array([1j, 2.0]),), {}, ("dtype", "number")),
    ]
    yield Check(
        "refuses bad data",
        lambda: _first_unclear(lab, "bootstrap_ci", data),
        equals=True,
        why=WHY_DATA,
        hint=(
            "np.isnan, np.isinf, ndim, and dtype.kind in 'biuf' tell you all you need.",
            "One observation has no spread: refuse fewer than 2.",
        ),
    )
    options: list[Case] = [
        ((x, "mode"), {}, ("statistic='mode'",)),
        ((x, None), {}, ("statistic=None",)),
        ((x,), {"method": "magic"}, ("method='magic'",)),
        *(((x,), {"confidence": c}, ("confidence",)) for c in (0.0, 1.0, 95, -0.1, "high", True, np.nan)),
        *(((x,), {"n_resamples": b}, ("n_resamples",)) for b in (0, -5, 39, 99.5, True)),
        ((x,), {"n_resamples": 1999, "confidence": 0.9999}, ("n_resamples=1999",)),
        ((x, "mode"), {"method": "magic", "confidence": 3}, ("method='magic'",)),
        ((x, "mode"), {"method": "magic", "confidence": 3}, ("confidence=3",)),
        ((np.array([1.0]), "mode"), {}, ("statistic='mode'",)),
        ((x, _nothing), {"n_resamples": 99}, ("finite", "number")),
        ((x, _everything), {"n_resamples": 99}, ("shape", "number")),
    ]
    yield Check(
        "refuses bad options",
        lambda: _first_unclear(lab, "bootstrap_ci", options),
        equals=True,
        why=WHY_ALL,
        hint=(
            "Collect the faults in a list, name each as name=value, and raise one ValueError at the end.",
            "True is an int to Python; it is no number of resamples.",
            "B (1 - confidence) must be at least 2.",
        ),
    )

    def limits() -> Measurement:
        good = [
            lab.solution.bootstrap_ci(x, n_resamples=40).n_resamples == 40,
            lab.solution.bootstrap_ci(x, n_resamples=np.int64(20), confidence=0.9).n_resamples == 20,
            lab.solution.bootstrap_ci(x, n_resamples=20_000, confidence=0.9999).confidence == 0.9999,
            lab.solution.simulate_ab(*[Continuous(0.0, 1.0)] * 2, n=4, n_simulations=1).p_values.shape == (1, 1),
        ]
        return Measurement(float(all(good)), call="bootstrap_ci(x, n_resamples=40), simulate_ab(a, b, n=4)",
                           got=str(good), expected="accepted")  # fmt: skip

    yield Check(
        "takes what is just enough",
        limits,
        equals=True,
        why="A limit that is off by one refuses what the documentation promises.",
        hint=("(1 - 0.95) * 40 is a hair above 2 or below it; leave rounding some room.",),
    )


def _nothing(sample: Any) -> float:
    return float("nan") * len(sample)


def _everything(sample: Any) -> Any:
    return sample


def _of_tests(lab: Lab) -> Iterator[Check]:
    construct: list[Case] = [
        (("magic",), {}, ("method='magic'",)),
        *((("welch",), {"confidence": c}, ("confidence",)) for c in (0.0, 1.0, 95, True)),
        *((("sequential",), {"tau": tau}, ("tau",)) for tau in (None, 0.0, -1.0, np.inf, True, "big")),
        *(((method,), {"tau": 1.0}, ("tau",)) for method in ("welch", "proportions")),
        (("magic",), {"confidence": 7}, ("method='magic'",)),
        (("magic",), {"confidence": 7}, ("confidence=7",)),
    ]
    yield Check(
        "refuses a bad test",
        lambda: _first_unclear(lab, "ABTest", construct),
        equals=True,
        why=WHY_ALL,
        hint=("tau belongs to the sequential test, which cannot do without it.",),
    )

    good = np.array([0.0, 1.0, 1.0])
    pairs = np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 4.0]])
    arms: list[tuple[str, Any, Any, tuple[str, ...]]] = [
        ("welch", [1.0], good, ("control",)),
        ("welch", good, [], ("treatment",)),
        ("welch", good, [1.0, np.nan], ("treatment",)),
        ("welch", [np.inf, 1.0], good, ("control",)),
        ("welch", good, np.ones((3, 3)), ("treatment",)),
        ("welch", ["a", "b"], good, ("control",)),
        ("welch", pairs * [1.0, -1.0], pairs, ("denominator",)),
        ("proportions", good, [0, 1, 2], ("treatment",)),
        ("proportions", pairs, good, ("control",)),
        ("welch", Moments(1, 0.0, 1.0), good, ("control",)),
        ("welch", good, Moments(5, np.nan, 1.0), ("treatment",)),
        ("welch", good, Moments(5, 0.0, -1.0), ("variance",)),
        ("proportions", Moments(5, 1.5, 0.0), good, ("control",)),
        ("welch", [1.0], [np.nan, 1.0], ("control",)),
        ("welch", [1.0], [np.nan, 1.0], ("treatment",)),
    ]

    def bad_arms() -> Measurement:
        found: Measurement | None = None
        for method, c, t, mentions in arms:
            test = lab.solution.ABTest(method)
            for name in ("p_value", "compare"):
                call = f"ABTest({method!r}).{name}({_short(c)}, {_short(t)})"
                found = refusal(partial(getattr(test, name), c, t), call=call, mentions=mentions)
                if found.value != 1.0:
                    return found
        assert found is not None
        return found

    yield Check(
        "refuses bad arms",
        bad_arms,
        equals=True,
        why=WHY_DATA,
        hint=(
            "Say which arm it is: control or treatment.",
            "Two units at least, and all of them finite.",
            "Shares lie between 0 and 1, variances are not negative.",
        ),
    )


def _of_simulations(lab: Lab) -> Iterator[Check]:
    a, b, r = Binary(0.1), Continuous(0.0, 1.0), Ratio((1.0, 2.0), (0.1, 0.1))
    cases: list[Case] = [
        ((a, b), {"n": 100}, ("Binary",)),
        ((0.1, a), {"n": 100}, ("control",)),
        ((Binary(1.5), a), {"n": 100}, ("rate",)),
        ((a, Binary(-0.1)), {"n": 100}, ("rate",)),
        ((Continuous(0.0, -1.0), b), {"n": 100}, ("sd",)),
        ((r, Ratio((1.0, -2.0), (1.0, 1.0))), {"n": 100}, ("denominator",)),
        ((r, Ratio((1.0, 2.0), (1.0, 1.0), 1.5)), {"n": 100}, ("correlation",)),
        *(((b, b), {"n": n}, ("n=",)) for n in (3, 10.5, True, "many")),
        *(((b, b), {"n": 100, "split": s}, ("split",)) for s in (0.0, 1.0, 50, True)),
        *(
            ((b, b), {"n": 100, "looks": k}, ("looks",))
            for k in (0, -1, True, [], [0.5], [0.5, 0.5, 1.0], [0.0, 1.0], 1.5)
        ),
        *(((b, b), {"n": 100, "n_simulations": s}, ("n_simulations",)) for s in (0, 10.5, True)),
        ((b, b), {"n": 20, "looks": 10}, ("units", "look")),
        ((b, b), {"n": 100, "split": 0.01}, ("units", "split")),
        ((b, b), {"n": 10, "looks": [0.8, 0.9, 1.0]}, ("units", "look")),
        ((r, Ratio((1.0, 0.1), (1.0, 5.0))), {"n": 8, "n_simulations": 500}, ("denominator",)),
        ((b, b), {"n": 3, "split": 2.0}, ("n=3",)),
        ((b, b), {"n": 3, "split": 2.0}, ("split=2.0",)),
        ((Binary(1.5), a), {"n": 3}, ("n=3",)),
    ]
    yield Check(
        "refuses a bad plan",
        lambda: _first_unclear(lab, "simulate_ab", cases),
        equals=True,
        why="A plan that cannot be carried out is better refused than simulated.",
        hint=(
            "Two units in each arm at the first look, and at least one more in each at every later look.",
            "Both populations are of one kind.",
            "All faults at once, each with the name of its argument.",
        ),
    )
