"""From a check to its verdict: the five outcomes, the one-line reasons, and the names of mistakes."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from fiftytwo import judge, plan
from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.sandbox.remote import LearnerError
from mltoolkit.errors import CannotRead, MissingExtra


def verdict(measured, **bound):
    return judge.judge(Check("it", measured, why="So.", **(bound or {"at_most": 1.0}))).verdict


def raises(error):
    def measure():
        raise error

    return measure


@pytest.mark.parametrize("measured", [0.5, np.float64(0.5), lambda: 0.5, Measurement(0.5), lambda: Measurement(0.5)])
def test_a_value_within_its_bound_passes(measured):
    found = verdict(measured)
    assert (found.outcome, found.measured, found.bound, found.message) == ("passed", 0.5, "≤ 1", "")


@pytest.mark.parametrize(
    ("measured", "bound", "outcome"),
    [
        (2.0, {"at_most": 1.0}, "wrong"),
        (math.nan, {"at_most": 1.0}, "wrong"),
        (-math.inf, {"at_least": 0.0}, "wrong"),
        (3.0, {"between": (1.0, 3.0)}, "passed"),
        (3.1, {"equals": 3.0, "tolerance": 0.2}, "passed"),
        (3.1, {"equals": 3.0}, "wrong"),
        (np.True_, {"equals": True}, "passed"),
        (False, {"equals": True}, "wrong"),
        ("text", {"equals": True}, "wrong"),
        (None, {"at_most": 1.0}, "wrong"),
        (raises(ValueError("no")), {"at_most": 1.0}, "crashed"),
        (raises(NotImplementedError()), {"at_most": 1.0}, "not attempted"),
        (raises(MissingExtra("torch", "deep")), {"at_most": 1.0}, "could not run here"),
        (raises(CannotRead("gone")), {"at_most": 1.0}, "could not run here"),
    ],
)
def test_each_way_to_end(measured, bound, outcome):
    assert verdict(measured, **bound).outcome == outcome


def test_a_wrong_number_says_where_and_by_how_much():
    measured = difference(np.array([1.0, 2.5]), np.array([1.0, 2.0]), call="f(X)")
    found = verdict(measured, at_most=0.1)
    assert found.message == "measured 0.5, wanted ≤ 0.1; the largest difference is at [1]: got 2.5, expected 2"
    assert (found.call, found.got, found.expected) == (
        "f(X)", "array of shape (2,), float64: [1, 2.5]", "array of shape (2,), float64: [1, 2]",
    )  # fmt: skip


def test_an_error_in_our_own_code_names_our_line_and_a_learners_its_own():
    assert verdict(raises(ValueError("a\nb"))).message == "ValueError: a b"
    assert "test_judge.py, line" in verdict(raises(ValueError("x"))).frame
    found = verdict(raises(LearnerError("boom", "KeyError", "pca.py, line 3")))
    assert (found.message, found.frame) == ("KeyError: boom", "pca.py, line 3")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (True, "yes"), (0.1 + 0.2, "0.3"), ("x" * 400, "x" * 297 + "..."), ([1, 2], "[1, 2]"),
        (np.arange(9), "array of shape (9,), int64: [0, 1, 2, 3, 4, 5, ...]"),
        (np.array(["a"]), "array of shape (1,), <U1: [a]"),
        (list(range(500)), repr(list(range(500)))[:297] + "..."),
    ],
)  # fmt: skip
def test_values_are_summarised_in_a_line(value, text):
    assert judge.summary(value) == text


def landed(assess, build=lambda lab: None, mistakes=()):
    return SimpleNamespace(assess=assess, build=build, mistakes=mistakes)


def test_a_generator_that_breaks_is_a_verdict_and_so_is_a_name_used_twice():
    def assess(lab, built):
        yield Check("a", 1.0, at_most=1, why="So.")
        yield Check("a", 1.0, at_most=1, why="So.")
        raise KeyError("oops")

    found = [j.verdict for j in judge.assess(landed(assess), None, None, exercise_only=False)]
    assert [(v.name, v.outcome) for v in found] == [("a", "passed"), ("a", "crashed"), ("the assessment", "crashed")]
    assert "used by two checks" in found[1].message


def test_a_failed_build_shows_in_each_check_that_needs_it_and_in_no_other():
    def assess(lab, built):
        yield Check("needs it", lambda: built.value, at_most=1, why="So.")
        yield Check("does not", 1.0, at_most=1, why="So.")
        yield Check("not the learner's", 1.0, at_most=1, why="So.", exercise=False)

    built = judge.Unbuilt(NotImplementedError("write fit"))
    found = [j.verdict for j in judge.assess(landed(assess), None, built, exercise_only=True)]
    assert [(v.outcome, v.message) for v in found] == [("not attempted", "write fit"), ("passed", "")]


def test_the_mistake_that_fits_most_failures_is_named():
    def assess(lab, built):
        yield Check("x", lambda: difference(lab.solution["f"](1.0), 0.0, call="f(1)"), at_most=0, why="So.")
        yield Check("y", lambda: difference(lab.solution["f"](2.0), 0.0, call="f(2)"), at_most=0, why="So.")
        yield Check("z", lambda: built.value, at_most=0, why="So.")

    mistakes = (
        plan.Mistake("one", {"f": lambda x: 1.0}, "It is one."),
        plan.Mistake("same", {"f": lambda x: x}, "It is x."),
        plan.Mistake("broken", {"f": raises(ValueError())}, "It breaks."),
    )
    week = landed(assess, build=lambda lab: SimpleNamespace(value=lab.solution["f"](3.0)), mistakes=mistakes)

    def fails(f):
        solution = SimpleNamespace(solution={"f": f})
        built = judge.BuiltOnDemand(lambda: week.build(solution))
        judged = judge.assess(week, solution, built, exercise_only=True)
        return {j.verdict.name: j.measurement for j in judged if j.verdict.outcome == "wrong"}

    def make_lab(solution):
        return SimpleNamespace(solution=solution)

    assert judge.diagnose(week, fails(lambda x: x), make_lab) == dict.fromkeys("xyz", "same: It is x.")
    assert judge.diagnose(week, fails(lambda x: 7.0 * x), make_lab) == {}
    assert judge.diagnose(week, {}, make_lab) == {}


def test_built_on_demand_is_made_once_and_keeps_its_error():
    made = []

    def make():
        made.append(1)
        raise ValueError("no")

    built = judge.BuiltOnDemand(make)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            _ = built.value
    assert made == [1]
