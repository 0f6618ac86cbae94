"""Evidence: what a check accepts, how its bound reads, and what a run counts."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiftytwo.evidence import SCHEMA, Check, Measurement, Outcome, Run, Verdict

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def check(**bound: Any) -> Check:
    return Check("it", 1.0, why="So.", **bound)


def run(*outcomes: Outcome) -> Run:
    verdicts = tuple(Verdict(f"check {i}", outcome, None, "= 1") for i, outcome in enumerate(outcomes))
    return Run(
        id="20270104T091500.000000-w01-reference-quick",
        week=1,
        who="reference",
        profile="quick",
        status="passed",
        started="2027-01-04T09:15:00+00:00",
        seconds=1.0,
        seed=52,
        verdicts=verdicts,
    )


@given(value=NUMBERS, bound=NUMBERS)
def test_one_sided_bounds_are_pythons_own_comparisons(value: float, bound: float) -> None:
    assert check(at_least=bound).holds(value) == (value >= bound)
    assert check(at_most=bound).holds(value) == (value <= bound)
    assert check(at_least=bound).holds(value) or check(at_most=bound).holds(value)


@given(value=NUMBERS, ends=st.tuples(NUMBERS, NUMBERS).map(sorted))
def test_between_takes_both_ends(value: float, ends: list[float]) -> None:
    low, high = ends
    within = check(between=(low, high))
    assert within.holds(value) == (low <= value <= high)
    assert within.holds(low)
    assert within.holds(high)


@given(value=st.floats(-1e9, 1e9), centre=st.floats(-1e9, 1e9), tolerance=st.floats(0, 1e9))
def test_equals_is_met_within_its_tolerance(value: float, centre: float, tolerance: float) -> None:
    near = check(equals=centre, tolerance=tolerance)
    assert near.holds(value) == (abs(value - centre) <= tolerance)
    assert near.holds(centre)
    assert check(equals=centre).holds(value) == (value == centre)


@pytest.mark.parametrize("bound", [{"at_least": -math.inf}, {"at_most": math.inf}, {"equals": 0.0, "tolerance": 9.0},
                                   {"between": (-math.inf, math.inf)}])  # fmt: skip
def test_nan_meets_no_bound(bound: dict[str, Any]) -> None:
    assert not check(**bound).holds(math.nan)


def test_yes_and_no() -> None:
    assert check(equals=True).holds(1.0)
    assert not check(equals=True).holds(0.0)
    assert check(equals=False).holds(0.0)
    assert not check(equals=False).holds(1.0)


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        ({"at_least": 0.95}, "≥ 0.95"),
        ({"at_most": 1e-10}, "≤ 1e-10"),
        ({"equals": 12}, "= 12"),
        ({"equals": 0.5, "tolerance": 0.01}, "= 0.5 ± 0.01"),
        ({"between": (0.4, 0.6)}, "0.4 to 0.6"),
        ({"equals": True}, "yes"),
        ({"equals": False}, "no"),
        ({"equals": 0}, "= 0"),
        ({"equals": 1_115_394}, "= 1115394"),  # every digit counts in an exact count
        ({"at_least": 0.9999995}, "≥ 0.9999995"),  # and at the edge of a bound
        ({"at_least": 0.1 + 0.2}, "≥ 0.3"),  # but no digits that are only rounding
    ],
)
def test_a_bound_as_people_write_it(bound: dict[str, Any], text: str) -> None:
    assert check(**bound).bound == text


@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"at_least": 0.0, "at_most": 1.0},
        {"equals": 0, "at_least": 0},
        {"equals": False, "between": (0, 1)},
        {"at_least": 0, "at_most": 0, "equals": 0, "between": (0, 0)},
        {"tolerance": 0.1},
    ],
)
def test_exactly_one_bound(bounds: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^check 'it': give exactly one of at_least, at_most, equals, between$"):
        check(**bounds)


def test_a_check_says_why_and_hints_at_most_three_times() -> None:
    with pytest.raises(ValueError, match=r"^check 'it': why is empty; say in one sentence what the check shows$"):
        Check("it", 1.0, equals=1)
    for hint in ("one text", ("a", "b", "c", "d")):
        with pytest.raises(ValueError, match=r"^check 'it': hint is a tuple of up to three steps$"):
            check(equals=1, hint=hint)
    assert check(equals=1, hint=("a", "b", "c")).hint == ("a", "b", "c")


def test_evidence_is_never_changed_after_the_fact() -> None:
    verdict = run("passed").verdicts[0]
    for thing in (check(equals=1), Measurement(1.0), verdict, run()):
        field = dataclasses.fields(thing)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field, "other")


@pytest.mark.parametrize(
    ("outcomes", "passed", "counted", "first"),
    [
        ((), 0, 0, None),
        (("passed", "passed"), 2, 2, None),
        (("passed", "could not run here"), 1, 1, None),
        (("could not run here",), 0, 0, None),
        (("could not run here", "passed", "wrong", "crashed"), 1, 3, "check 2"),
        (("passed", "not attempted", "wrong"), 1, 3, "check 1"),
        (("crashed", "passed"), 1, 2, "check 0"),
    ],
)
def test_what_cannot_run_here_counts_against_nobody(
    outcomes: tuple[Outcome, ...], passed: int, counted: int, first: str | None
) -> None:
    found = run(*outcomes)
    assert (found.passed, found.counted) == (passed, counted)
    assert (found.first_failure.name if found.first_failure else None) == first


def test_a_run_states_its_schema() -> None:
    assert run().schema == SCHEMA


def test_a_measurement_takes_only_its_value_by_place() -> None:
    with pytest.raises(TypeError):
        Measurement(1.0, "f(x)")  # type: ignore[misc]
    assert Measurement(1.0, call="f(x)").inputs == {}
