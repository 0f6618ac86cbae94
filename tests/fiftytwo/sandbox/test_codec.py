"""What leaves the learner's process: plain data to the bit, handles for the rest, and nothing that runs."""

import contextlib
import json
import math
import pickle
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fiftytwo.sandbox.codec import Malformed, decode, encode


def keep(value):
    return {"number": 1, "type": type(value).__name__}


def there_and_back(value):
    return decode(encode(value, keep), lambda description: ("handle", description["type"]))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    | st.tuples(inner, inner),
    max_leaves=12,
)  # fmt: skip


@given(plain)
def test_plain_data_comes_back_equal_and_of_the_same_type(value):
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


@given(hnp.arrays(
    st.one_of(hnp.floating_dtypes(), hnp.integer_dtypes(), hnp.boolean_dtypes(), hnp.complex_number_dtypes()),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
))  # fmt: skip
def test_arrays_come_back_to_the_bit(array):
    back = there_and_back(array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_non_finite_numbers_scalars_and_texts():
    assert math.isnan(there_and_back(math.nan))
    assert there_and_back(-math.inf) == -math.inf
    assert there_and_back(np.float32(0.5)) == np.float32(0.5)
    assert isinstance(there_and_back(np.float32(0.5)), np.float32)
    assert there_and_back(np.array(["a", "é"])).tolist() == ["a", "é"]
    assert there_and_back(np.array(["a", None], dtype=object)).tolist() == ["a", None]
    assert there_and_back({1, 2}) == {1, 2}
    assert there_and_back(1 + 2j) == 1 + 2j


def test_frames_come_back():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    pd.testing.assert_frame_equal(there_and_back(frame), frame)
    pd.testing.assert_series_equal(there_and_back(frame["b"]), frame["b"])


def test_an_array_that_is_not_contiguous_comes_back():
    array = np.arange(12.0).reshape(3, 4)[:, ::2]
    np.testing.assert_array_equal(there_and_back(array), array)


class EqualsEverything(np.ndarray):
    def __eq__(self, other):
        return True

    __hash__ = None


class Text(str):
    pass


@pytest.mark.parametrize(
    "value",
    [object(), np.zeros(3).view(EqualsEverything), Text("x"), open, np.ma.array([1.0])],
    ids=lambda v: type(v).__name__,
)
def test_what_may_override_anything_stays_where_it_is(value):
    assert there_and_back(value) == ("handle", type(value).__name__)


@given(st.binary(max_size=200))
def test_noise_is_malformed_and_never_anything_else(noise):
    with contextlib.suppress(Malformed):
        decode(noise, lambda description: None)


@pytest.mark.parametrize(
    "tree",
    [
        {"pickle": 0},
        {"array": {"dtype": "O", "shape": [1], "data": 0}},
        {"bytes": 5},
        {"a": 1, "b": 2},
        [1],
        {"array": {}},
    ],
)
def test_trees_that_lie_are_malformed(tree):
    text = json.dumps(tree).encode()
    data = struct.pack(">QI", len(text), 1) + text + struct.pack(">Q", 4) + b"abcd"
    with pytest.raises(Malformed):
        decode(data, lambda description: None)


def test_a_pickle_is_malformed_and_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    with pytest.raises(Malformed):
        decode(pickle.dumps(Trap()), lambda description: None)
    assert not (tmp_path / "sprung").exists()


def test_a_buffer_that_is_cut_short_is_malformed():
    with pytest.raises(Malformed, match="cut short"):
        decode(encode(np.arange(5.0), keep)[:-3], lambda description: None)
