"""Information against SciPy and scikit-learn, against its identities, and at the edges."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import mutual_info_score

from mltoolkit.errors import BadInput
from mltoolkit.stats import cross_entropy, entropy, js_divergence, kl_divergence, mutual_information

EXACT = 1e-12
TWO = (cross_entropy, kl_divergence, js_divergence)
RNG = np.random.default_rng(4)

CASES = {
    "counts": ([3, 5, 2, 7], [1, 1, 4, 4]),
    "probabilities": ([0.1, 0.2, 0.7], [0.3, 0.3, 0.4]),
    "zeros in both": ([3, 0, 2, 0], [1, 4, 2, 0]),
    "one outcome": ([4.0], [9.0]),
    "certain": ([0, 1, 0], [0.2, 0.5, 0.3]),
    "tiny": ([1e-300, 3e-300], [2e-300, 1e-300]),
    "huge": ([1e300, 3e300], [2e300, 1e300]),
    "smallest double": ([5e-324, 5e-324], [5e-324, 1e-323]),
    "rare": ([1 - 1e-15, 1e-15], [1 - 1e-12, 1e-12]),
    "whole numbers of any size": (np.array([2**62, 2**62, 1]), np.array([1, 2**62, 2**62])),
    "unsigned": (np.array([200, 100], np.uint8), np.array([255, 255], np.uint8)),
    "truth values": (np.array([True, False, True]), np.array([True, True, True])),
    "single precision": (np.array([0.1, 0.9], np.float32), np.array([0.5, 0.5], np.float32)),
    "many": (RNG.gamma(0.3, size=10_000), RNG.gamma(0.3, size=10_000)),
}


def shares(weights):
    weights = np.asarray(weights, dtype=float)
    return weights / weights.max() / np.sum(weights / weights.max())


@pytest.mark.parametrize("base", [None, 2, 10, 1.5])
@pytest.mark.parametrize("name", CASES)
def test_equals_scipy(name, base):
    p, q = CASES[name]
    unit = math.log(base or math.e)
    kl = np.sum(scipy.special.rel_entr(shares(p), shares(q))) / unit
    assert entropy(p, base=base) == pytest.approx(scipy.stats.entropy(shares(p), base=base), rel=EXACT, abs=EXACT)
    assert kl_divergence(p, q, base=base) == pytest.approx(max(kl, 0.0), rel=EXACT, abs=EXACT)
    assert cross_entropy(p, q, base=base) == pytest.approx(entropy(p, base=base) + kl, rel=EXACT, abs=EXACT)
    expected = jensenshannon(shares(p), shares(q), base=base) ** 2
    assert js_divergence(p, q, base=base) == pytest.approx(expected, rel=EXACT, abs=EXACT)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, None])
def test_an_axis_runs_over_the_outcomes(axis):
    p, q = RNG.integers(0, 9, (3, 4, 5)) + 1, RNG.integers(0, 9, (3, 4, 5)) + 1
    np.testing.assert_allclose(entropy(p, axis=axis), scipy.stats.entropy(p, axis=axis), rtol=EXACT)
    np.testing.assert_allclose(kl_divergence(p, q, axis=axis), scipy.stats.entropy(p, q, axis=axis), rtol=EXACT)
    for function in TWO:
        found = function(p, q, axis=axis)
        if axis is None:
            assert isinstance(found, float)
            assert found == function(p.ravel(), q.ravel())
        else:
            rows = zip(np.moveaxis(p, axis, -1).reshape(-1, p.shape[axis]),
                       np.moveaxis(q, axis, -1).reshape(-1, p.shape[axis]), strict=True)  # fmt: skip
            np.testing.assert_allclose(found.ravel(), [function(*row) for row in rows], rtol=EXACT)


def test_an_axis_is_along_rows_unless_told():
    np.testing.assert_allclose(entropy([[1, 1, 1], [1, 0, 3]], base=2), [1.0, 0.0, entropy([1, 3], base=2)])


SIZES = st.integers(1, 12)


def weights(count=SIZES):
    """Counts with zeros, from the smallest to the largest double, never all zero."""
    one = st.one_of(
        st.just(0.0), st.integers(0, 10**6).map(float), st.floats(1e-9, 1.0), st.floats(1e-300, 1e300)
    )  # fmt: skip
    return count.flatmap(lambda k: hnp.arrays(np.float64, k, elements=one).filter(np.any))


pairs = SIZES.flatmap(lambda k: st.tuples(weights(st.just(k)), weights(st.just(k))))


@given(weights())
def test_entropy_lies_between_certain_and_all_alike(p):
    assert 0.0 <= entropy(p) <= math.log(len(p)) + EXACT
    assert entropy(np.full(len(p), p.max()), base=2) == pytest.approx(math.log2(len(p)), abs=EXACT)


@given(pairs)
@example((np.array([1.0, 1.0]), np.array([1e-300, 1e300])))
def test_cross_entropy_is_entropy_and_divergence(pair):
    p, q = pair
    kl = kl_divergence(p, q)
    assert kl >= 0.0
    assert math.isinf(kl) == bool(np.any((shares(p) > 0) & (q == 0)))
    assert cross_entropy(p, q) == pytest.approx(entropy(p) + kl, abs=EXACT, rel=EXACT)


@given(pairs)
def test_the_js_divergence_is_symmetric_and_at_most_one_bit(pair):
    p, q = pair
    js = js_divergence(p, q, base=2)
    assert 0.0 <= js <= 1.0 + EXACT
    assert js == pytest.approx(js_divergence(q, p, base=2), abs=EXACT)
    halfway = (shares(p) + shares(q)) / 2
    assert js == pytest.approx(entropy(halfway, base=2) - (entropy(p, base=2) + entropy(q, base=2)) / 2, abs=EXACT)


@given(weights(), st.floats(1.1, 100.0))
def test_a_distribution_is_at_no_distance_from_itself(p, factor):
    with np.errstate(all="ignore"):
        scaled = p / p.max() * factor
    for function in (kl_divergence, js_divergence):
        assert function(p, p) == pytest.approx(0.0, abs=1e-15)
        if np.all((scaled > 0) == (p > 0)):
            assert function(p, scaled) == pytest.approx(0.0, abs=EXACT)


@given(pairs, st.floats(1.01, 1e6))
def test_a_base_is_a_unit(pair, base):
    p, q = pair
    for function in TWO:
        assert function(p, q, base=base) == pytest.approx(function(p, q) / math.log(base), rel=1e-12)


tables = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1)).map(
    lambda t: np.random.default_rng(t[2]).poisson(2.0, t[:2]) + np.eye(*t[:2], dtype=int)
)


@given(tables)
def test_mutual_information_is_a_divergence_from_independence(table):
    product = np.outer(table.sum(axis=1), table.sum(axis=0))
    found = mutual_information(table)
    assert found == pytest.approx(kl_divergence(table, product, axis=None), abs=EXACT)
    by_entropies = entropy(table.sum(axis=1)) + entropy(table.sum(axis=0)) - entropy(table, axis=None)
    assert found == pytest.approx(by_entropies, abs=EXACT)
    assert found == pytest.approx(mutual_information(table.T), abs=EXACT)
    assert found == pytest.approx(max(mutual_info_score(None, None, contingency=table), 0.0), abs=EXACT)
    assert found <= min(entropy(table.sum(axis=1)), entropy(table.sum(axis=0))) + EXACT


@given(st.lists(st.tuples(st.sampled_from("abcé"), st.integers(0, 3)), min_size=1, max_size=60))
def test_labels_give_what_their_table_gives(rows):
    x, y = zip(*rows, strict=True)
    assert mutual_information(x, y, base=2) == pytest.approx(mutual_info_score(x, y) / math.log(2), abs=EXACT)
    table = pd.crosstab(pd.Series(x), pd.Series(y))
    assert mutual_information(x, y) == pytest.approx(mutual_information(table), abs=EXACT)
    assert mutual_information(x, x) == pytest.approx(entropy(list(pd.Series(x).value_counts())), abs=EXACT)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_mutual_information_of_any_size_of_weight(scale):
    assert mutual_information(np.eye(4) * scale, base=2) == 2.0
    assert mutual_information(np.ones((3, 5)) * scale) == pytest.approx(0.0, abs=EXACT)


def test_a_row_too_rare_for_a_double_counts_for_nothing():
    assert mutual_information([[1e-320, 0], [0, 1e300]]) == 0.0


def test_labels_that_are_all_different_need_no_table_of_all_pairs():
    n = 50_000
    x = np.arange(n)
    assert mutual_information(x, x[::-1]) == pytest.approx(math.log(n), rel=EXACT)


def test_labels_of_mixed_kinds():
    assert mutual_information([1, "1", 2.5, ("a", 1)], ["w", "x", "y", "z"], base=2) == 2.0


def test_what_never_happens_costs_nothing_and_the_impossible_everything():
    assert entropy([1, 0], base=2) == 0.0
    assert cross_entropy([1, 0], [1, 0]) == 0.0
    assert kl_divergence([0, 1], [1, 1], base=2) == 1.0
    assert kl_divergence([1, 1], [0, 1]) == math.inf
    assert cross_entropy([1, 1], [0, 1]) == math.inf
    assert js_divergence([1, 0], [0, 1]) == math.log(2)


def test_a_belief_too_small_for_a_double_is_not_never():
    q = [1e-300, 1e300]
    assert kl_divergence([1, 1], q) == pytest.approx(600 * math.log(10) / 2 - math.log(2), rel=EXACT)
    assert cross_entropy([1, 1], q) == pytest.approx(600 * math.log(10) / 2, rel=EXACT)


def test_inputs_of_any_layout_are_left_as_they_are():
    wide = np.arange(1.0, 25.0).reshape(4, 6)
    expected = entropy(wide[::2, ::-1].copy(), axis=1)
    view = wide[::2, ::-1]
    view.flags.writeable = False
    np.testing.assert_array_equal(entropy(view, axis=1), expected)
    np.testing.assert_array_equal(entropy(np.asfortranarray(view), axis=1), expected)
    np.testing.assert_array_equal(entropy(pd.DataFrame(view), axis=1), expected)
    np.testing.assert_array_equal(wide, np.arange(1.0, 25.0).reshape(4, 6))


@pytest.mark.parametrize(
    ("p", "mentions"),
    [
        ([0.5, -0.5], "a negative number (1 of 2 values, the first at [1])"),
        ([0.5, math.nan], "NaN (1 of 2 values, the first at [1])"),
        ([[1, 2], [math.inf, 1]], "infinity (1 of 4 values, the first at [1, 0])"),
        ([], "is empty: shape (0,)"),
        (np.ones((3, 0)), "is empty: shape (3, 0)"),
        ([0, 0], "is all zero in 1 of 1 distributions"),
        ([[0, 1, 0], [0, 1, 0]], "is all zero in 2 of 3 distributions"),
        (3.0, "is a single number"),
        (["a", "b"], "is not an array of real numbers"),
        (["0.5", "0.5"], "is not an array of real numbers"),
        ([None, 1], "NaN"),
        ([1j, 1], "is not an array of real numbers"),
        ([[1], [1, 2]], "is not an array of real numbers"),
        ([10**400, 1], "is not an array of real numbers"),
        (np.array(["2024-01-01"], dtype="datetime64[D]"), "is not an array of real numbers"),
    ],
)  # fmt: skip
def test_refuses_what_is_no_distribution(p, mentions):
    good = [1.0, 1.0]
    with pytest.raises(BadInput) as error:
        entropy(p)
    assert str(error.value).startswith("entropy: p ")
    assert mentions in str(error.value)
    for function in TWO:
        for pair in ((p, good), (good, p)):
            with pytest.raises(BadInput, match=rf"^{function.__name__}: ") as error:
                function(*pair)
            assert mentions in str(error.value)
    whole = [0, 0] if "all zero" in mentions else p  # a joint table may have columns that never occur
    with pytest.raises(BadInput, match=r"^mutual_information: x "):
        mutual_information(whole)


def test_names_all_faults_at_once():
    with pytest.raises(BadInput) as error:
        kl_divergence([-1.0, math.nan], [0, 0, 0], base=1)
    text = str(error.value)
    assert text == (
        "kl_divergence: p holds NaN (1 of 2 values, the first at [1]); "
        "p holds a negative number (1 of 2 values, the first at [0]); "
        "q is all zero in 1 of 1 distributions; p and q have shapes (2,) and (3,); "
        "base=1 is not a finite number greater than 1; "
        "expected finite counts or probabilities, none negative, not all zero, and a base greater than 1"
    )
    with pytest.raises(BadInput) as error:
        mutual_information([1, -2], base=0)
    assert "negative" in str(error.value)
    assert "two dimensions" in str(error.value)
    assert "base=0" in str(error.value)


@pytest.mark.parametrize("base", [1, 0, -2, 0.5, math.nan, math.inf, True, "2", 2 + 0j])
def test_refuses_a_base_that_is_none(base):
    for call in (
        lambda: entropy([1, 1], base=base),
        lambda: mutual_information([[1, 1]], base=base),
        lambda: mutual_information([1, 1], [1, 2], base=base),
        *(lambda function=function: function([1], [1], base=base) for function in TWO),
    ):
        with pytest.raises(BadInput, match=r"base=.* is not a finite number greater than 1"):
            call()


@pytest.mark.parametrize("axis", [1, -2, 0.5, "rows"])
def test_refuses_an_axis_that_is_not_there(axis):
    with pytest.raises(BadInput, match="has 1 dimensions and no axis"):
        entropy([1, 1], axis=axis)


@pytest.mark.parametrize(
    ("x", "y", "mentions"),
    [
        (["a", None], ["b", "c"], r"x holds 1 missing labels \(NaN or None\), the first at \[1\]"),
        (["a", "b"], [math.nan, 1.0], r"y holds 1 missing labels \(NaN or None\), the first at \[0\]"),
        (["a"], ["b", "c"], r"x and y have shapes \(1,\) and \(2,\)"),
        ([["a", "b"]], ["b", "c"], r"x has shape \(1, 2\), not one dimension"),
        ([], [], "x is empty; y is empty"),
        ([{}, []], ["b", "c"], "x holds a label that cannot be compared"),
        ("ab", ["b", "c"], r"x has shape \(\), not one dimension"),
    ],
)
def test_refuses_labels_that_are_none(x, y, mentions):
    with pytest.raises(BadInput, match=mentions):
        mutual_information(x, y)
