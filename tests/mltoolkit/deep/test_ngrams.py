"""N-grams: held against counting by hand in dictionaries."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltoolkit.deep import NGram


def by_hand(text, V, order, symbol, context):
    """Interpolated Kneser-Ney from its definition, one probability at a time."""
    grams = Counter(tuple(text[i : i + order]) for i in range(len(text) - order + 1))
    levels = [grams]
    for _ in range(order - 1):
        levels.insert(0, Counter(gram[1:] for gram in levels[0]))
    p = 1.0 / V
    for length, counts in enumerate(levels, 1):
        if length - 1 > len(context):
            break
        once, twice = (sum(count == n for count in counts.values()) for n in (1, 2))
        discount = once / (once + 2 * twice) if once and twice else 0.5
        before = tuple(context[len(context) - length + 1 :])
        here = {gram: count for gram, count in counts.items() if gram[:-1] == before}
        if here:
            total = sum(here.values())
            p = (max(here.get((*before, symbol), 0) - discount, 0.0) + discount * len(here) * p) / total
    return p


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(2, 4), st.integers(6, 60))
def test_probabilities_are_those_counted_by_hand(seed, order, V, n):
    rng = np.random.default_rng(seed)
    text = rng.integers(0, V, n).tolist()
    model = NGram(order).fit(text, V)
    held = rng.integers(0, V, 12).tolist()
    expected = [by_hand(text, V, order, s, held[max(0, i - order + 1) : i]) for i, s in enumerate(held)]
    np.testing.assert_allclose(model.log_probabilities(held), np.log(expected), rtol=1e-12)
    assert model.nats(held) == pytest.approx(-np.mean(np.log(expected[1:])))
    for i in (0, 3, 11):
        p = model.probabilities(held[:i])
        assert p.sum() == pytest.approx(1.0)
        assert (p > 0).all()
        assert p[held[i]] == pytest.approx(expected[i])


def test_francisco_follows_one_word_alone():
    # 9 stands often, but always after 8; 1 stands as often after many others.
    text = [8, 9] * 20 + [2, 1, 3, 1, 4, 1, 5, 1, 6, 1] * 4
    p = NGram(2).fit(text, 10).probabilities([9])
    unigram = NGram(1).fit(text, 10).probabilities([])
    assert unigram[9] == unigram[1]
    below = NGram(2).fit(text, 10).probabilities([7])  # a context that was never seen
    assert below[1] > 3 * below[9]
    assert p.sum() == pytest.approx(1.0)


def test_a_longer_context_predicts_a_repeating_text_better():
    text = np.tile([0, 1, 0, 2, 0, 3], 200)
    losses = [NGram(order).fit(text, 4).nats(text) for order in (1, 2, 3)]
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < 0.05
    assert len(NGram(3).fit(text, 4).discounts_) == 3


@pytest.mark.parametrize(
    ("ids", "V", "words"),
    [
        ([0, 1, 5], 3, "ids go from 0 to 5, expected 0 to 2"),
        ([-1, 0, 1], 3, "ids go from -1 to 1"),
        ([0, 1], 3, "there are 2 symbols, at least 3 are needed"),
        ([], 3, "there are 0 symbols"),
        ([[0, 1, 2]], 3, r"shape \(1, 3\)"),
        ([0.5, 1.0, 0.0], 3, "dtype float64"),
        ([0, 1, 2], 2**31, "have no 64-bit numbers; lower order"),
    ],
)
def test_bad_texts_are_refused(ids, V, words):
    with pytest.raises(ValueError, match=words):
        NGram(3).fit(ids, V)


@pytest.mark.parametrize("order", [0, -1, 2.0, True, "3"])
def test_an_order_that_is_none(order):
    with pytest.raises(ValueError, match="order="):
        NGram(order)


def test_symbols_of_any_integer_type_and_without_a_copy():
    text = np.arange(20, dtype=np.uint8) % 5
    text.setflags(write=False)
    a, b = NGram(2).fit(text, 5), NGram(2).fit(text.astype(np.int64)[::1], 5)
    assert a.nats(text) == b.nats(text.tolist())
