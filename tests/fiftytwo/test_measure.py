"""Measurements: NumPy is the oracle where values compare, and the gate speaks where they cannot."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fiftytwo.evidence import Measurement
from fiftytwo.measure import describe_type, difference, first_unclear, refusal, worst
from mltoolkit.errors import BadInput, CannotRead

FINITE = st.floats(-1e6, 1e6)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def measured(got: Any, expected: Any, **options: Any) -> Measurement:
    return difference(got, expected, call="f(x)", **options)


@given(pair=SHAPES.flatmap(lambda shape: st.tuples(*[arrays.arrays(float, shape, elements=FINITE)] * 2)))
def test_the_value_is_the_largest_absolute_difference(pair: tuple[np.ndarray, np.ndarray]) -> None:
    got, expected = pair
    found = measured(got, expected)
    assert found.value == np.max(np.abs(got - expected), initial=0.0)
    assert found.gate == ""
    if found.where:
        place = tuple(int(i) for i in found.where.strip("[]").split(","))
        assert abs(got[place] - expected[place]) == found.value
    else:
        assert found.value == 0 or got.ndim == 0


@given(array=arrays.arrays(float, SHAPES))
def test_anything_equals_itself_nan_and_infinities_too(array: np.ndarray) -> None:
    assert measured(array.copy(), array).value == 0.0
    assert measured(array.copy(), array, relative=True).value == 0.0


@given(array=arrays.arrays(float, st.integers(1, 5), elements=FINITE), bad=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_a_value_that_is_not_finite_is_infinitely_wrong(array: np.ndarray, bad: float) -> None:
    got = array.copy()
    got[-1] = bad
    for relative in (False, True):
        found = measured(got, array, relative=relative)
        assert found.value == math.inf
        assert found.where == f"[{len(array) - 1}]"
        assert measured(array, got, relative=relative).value == math.inf


@given(scale=st.floats(1e-3, 1e3), array=arrays.arrays(float, 4, elements=st.floats(-10, 10)), noise=FINITE)
def test_a_relative_difference_does_not_depend_on_the_unit(scale: float, array: np.ndarray, noise: float) -> None:
    assume(np.max(np.abs(array)) > 1e-3)
    one = measured(array + noise, array, relative=True).value
    other = measured((array + noise) * scale, array * scale, relative=True).value
    assert one == pytest.approx(other, rel=1e-6, abs=1e-9)


def test_relative_divides_by_the_largest_expected_magnitude() -> None:
    assert measured(np.array([1.0, -3.0]), np.array([1.0, -4.0]), relative=True).value == 0.25
    assert measured(np.array([1.0, np.inf]), np.array([2.0, np.inf]), relative=True).value == 0.5
    assert measured(np.array([0.5]), np.array([0.0]), relative=True).value == 0.5  # nothing to divide by
    assert measured(2.2, 2.0, relative=True).value == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("got", "expected", "value"),
    [
        (2, 2.5, 0.5),
        (2.5, 2, 0.5),
        (True, 1, 0.0),
        (np.float32(0.5), 0.25, 0.25),
        (np.int64(3), 1.0, 2.0),
        (np.array(3.0), 1.0, 2.0),
        (Fraction(1, 2), 0.5, 0.0),
        (math.nan, math.nan, 0.0),
        (math.inf, math.inf, 0.0),
        (-math.inf, math.inf, math.inf),
        (math.nan, 1.0, math.inf),
        (10**400, 1.0, math.inf),
        (-(10**400), -math.inf, 0.0),
        (1.7e308, -1.7e308, math.inf),
    ],
)
def test_numbers(got: Any, expected: float, value: float) -> None:
    found = measured(got, expected)
    assert (found.value, found.gate, found.where) == (value, "", "")


def test_far_beyond_the_range_of_floats_is_infinite_and_no_crash() -> None:
    assert measured(np.array([1e300]), np.array([1e-300]), relative=True).value == math.inf


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_every_numeric_dtype_passes_the_gate(dtype: type) -> None:
    array = np.array([[0, 1], [1, 1]], dtype=dtype)
    assert measured(array, array.astype(float)).value == 0.0


def test_small_unsigned_numbers_do_not_wrap_around() -> None:
    assert measured(np.array([1], dtype=np.uint8), np.array([2], dtype=np.uint8)).value == 1.0


@pytest.mark.parametrize(
    ("got", "expected", "gate"),
    [
        (None, 1.0, "expected a number, got None (is a return missing?)"),
        ("0.5", 1.0, "expected a number, got str '0.5'"),
        ([1.0], 1.0, "expected a number, got list"),
        (np.ones(2), 1.0, "expected a number, got ndarray"),
        (1j, 1.0, "expected a number, got complex 1j"),
        (np.array("a"), 1.0, "expected a number, got str 'a'"),
        (None, np.ones(2), "expected an array of shape (2,), got None (is a return missing?)"),
        (1.0, np.ones(2), "expected an array of shape (2,), got float 1.0"),
        ([1.0, 1.0], np.ones(2), "expected an array of shape (2,), got list"),
        (pd.DataFrame({"a": [1.0]}), np.ones((1, 1)), "expected an array of shape (1, 1), got DataFrame"),
        (np.array(["a", "b"]), np.ones(2), "expected numbers, got an array of dtype <U1"),
        (np.array([1, None]), np.ones(2), "expected numbers, got an array of dtype object"),
        (np.ones(2) * 1j, np.ones(2), "expected numbers, got an array of dtype complex128"),
        (np.ones((2, 1)), np.ones(2), "expected shape (2,), got (2, 1)"),
        (np.ones(3), [1, 2], "expected shape (2,), got (3,)"),
        (np.ones(0), np.ones(2), "expected shape (2,), got (0,)"),
    ],
)
def test_the_gate_speaks_before_values_are_compared(got: Any, expected: Any, gate: str) -> None:
    found = measured(got, expected)
    assert math.isnan(found.value)
    assert found.gate == gate


def test_what_explains_a_failure_is_kept() -> None:
    got, expected, x = np.array([1.0, 2.0]), np.array([1.0, 4.0]), np.eye(2)
    found = difference(got, expected, call="f(X)", inputs={"X": x})
    assert (found.call, found.got, found.expected, found.where) == ("f(X)", got, expected, "[1]")
    assert found.inputs["X"] is x


def test_an_object_that_claims_to_equal_everything_is_not_believed() -> None:
    class Equal(float):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = float.__hash__

        def __sub__(self, other: object) -> float:
            return 0.0

    assert measured(Equal(3.0), 1.0).value == 2.0

    class EqualArray(np.ndarray):
        def __eq__(self, other: object) -> Any:
            return np.ones(self.shape, bool)

        def __sub__(self, other: object) -> Any:
            return np.zeros(self.shape)

    assert measured(np.array([3.0]).view(EqualArray), np.array([1.0])).value == 2.0


def refuse(error: BaseException) -> Any:
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(
    ("action", "options", "value", "got"),
    [
        (refuse(ValueError("x has NaN")), {}, 1.0, "ValueError: x has NaN"),
        (refuse(ValueError("x has NaN")), {"mentions": ("nan",)}, 1.0, "ValueError: x has NaN"),
        (refuse(ValueError("x has NaN")), {"mentions": ("missing", "nan")}, 1.0, "ValueError: x has NaN"),
        (refuse(ValueError("no")), {"mentions": ("missing", "nan")}, 0.0, "ValueError: no"),
        (refuse(TypeError("no")), {}, 0.0, "TypeError: no"),
        (refuse(TypeError("no")), {"error": TypeError}, 1.0, "TypeError: no"),
        (lambda: 3, {}, 0.0, "returned without an error"),
    ],
)
def test_a_refusal_is_the_right_error_with_a_clear_message(action: Any, options: Any, value: float, got: str) -> None:
    found = refusal(action, call="f(x)", inputs={"x": 1}, **options)
    assert (found.value, found.got, found.call, found.inputs) == (value, got, "f(x)", {"x": 1})


def test_an_error_of_a_narrower_type_is_a_refusal_too() -> None:
    assert refusal(refuse(BadInput("x is empty")), call="f([])", mentions=("empty",)).value == 1.0


def test_what_was_wanted_is_said() -> None:
    assert refusal(lambda: None, call="f").expected == "ValueError"
    wanted = refusal(lambda: None, call="f", error=TypeError, mentions=("nan", "missing")).expected
    assert wanted == "TypeError that mentions 'nan' or 'missing'"


def test_a_stub_stays_a_stub_and_the_end_of_the_process_is_not_a_refusal() -> None:
    with pytest.raises(NotImplementedError):
        refusal(refuse(NotImplementedError("your turn")), call="f", error=RuntimeError)

    class Gone(Exception):
        ends_the_process = True

    with pytest.raises(Gone):
        refusal(refuse(Gone()), call="f")
    with pytest.raises(KeyboardInterrupt):
        refusal(refuse(KeyboardInterrupt()), call="f")


def test_types_in_the_words_of_a_message() -> None:
    class Handle:
        type_name = "PCA"

    assert describe_type(None) == "None (is a return missing?)"
    assert describe_type(Handle()) == "an object of type PCA"
    assert describe_type((1, 2)) == "tuple"
    assert describe_type(np.float64(1.5)) == "float64 np.float64(1.5)"
    assert len(describe_type("x" * 1000)) < 80


def test_an_error_of_ours_counts_by_its_name_when_it_comes_from_the_learners_process() -> None:
    class FromAfar(Exception):
        type_name = "CannotRead"

    def attempt(type_name: str) -> Measurement:
        def action() -> None:
            FromAfar.type_name = type_name
            raise FromAfar("the file is cut short")

        return refusal(action, call="f()", error=CannotRead, mentions=("short",))

    assert (attempt("CannotRead").value, attempt("CannotRead").got) == (1.0, "CannotRead: the file is cut short")
    assert (attempt("KeyError").value, attempt("KeyError").got) == (0.0, "KeyError: the file is cut short")


def test_the_worst_is_the_first_beyond_the_bound_or_the_largest() -> None:
    good, better, bad, worse = (Measurement(value) for value in (0.5, 0.1, 2.0, 3.0))
    shapeless = Measurement(math.nan, gate="expected a number")
    assert worst([better, good], 1.0) is good
    assert worst([better, bad, worse], 1.0) is bad
    assert worst([better, shapeless, worse], 1.0) is shapeless
    assert worst([Measurement(math.nan), worse], 1.0).value is not worse.value


def test_the_first_unclear_refusal_is_the_one_to_explain() -> None:
    clear, unclear, last = Measurement(1.0), Measurement(0.0), Measurement(1.0)
    assert first_unclear([clear, unclear, last]) is unclear
    assert first_unclear([clear, last]) is last


def test_tensors_are_compared_as_their_values_and_wanted_where_one_is_expected() -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'fiftytwo[deep]'")
    expected = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.bfloat16, requires_grad=True)
    got = torch.tensor([[1.0, 2.0], [3.5, 4.0]])
    found = difference(got, expected, call="f(x)")
    assert (found.value, found.where, found.gate) == (0.5, "[1, 0]", "")
    assert difference(got[0], expected, call="f(x)").gate == "expected shape (2, 2), got (2,)"
    fault = "expected a tensor of shape (2, 2), got ndarray"
    assert difference(got.numpy(), expected, call="f(x)").gate == fault
    assert difference(torch.nn.Parameter(got), got.numpy(), call="f(x)").value == 0.0
