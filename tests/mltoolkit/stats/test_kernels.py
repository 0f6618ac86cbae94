"""The compiled kernel against the readable version, exactly where that is possible and in law elsewhere."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from mltoolkit.stats import _resampling, bootstrap_ci

pytest.importorskip("numba")

from mltoolkit.stats import _kernels

MASK = 2**64 - 1


def words_of(seed):
    return np.random.default_rng(seed).integers(0, 2**64, 4, dtype=np.uint64)


def xoshiro(state):
    """The generator in Python's own integers, after Blackman and Vigna's C."""
    s = [int(w) for w in state]

    def rotate(x, k):
        return (x << k | x >> (64 - k)) & MASK

    while True:
        yield (rotate((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)


def positions(words, n, k):
    """k positions from one word, by exact arithmetic; words that would favour some positions are dropped."""
    for word in words:
        drawn = []
        for _ in range(k):
            word *= n
            drawn.append(word >> 64)
            word &= MASK
        if word >= 2**64 % n**k:
            yield drawn


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 100, 1021, 32_768, 32_769, 65_536])
def test_it_draws_what_exact_arithmetic_draws(n):
    x = np.random.default_rng(n).standard_normal(n)
    found = _kernels.fused_means(x, 3, words_of(n))
    words = xoshiro(words_of(n))
    fours = n // 4 if n <= _kernels.FOUR_UP_TO else 0
    four, one = positions(words, n, 4), positions(words, n, 1)
    for mean in found:
        drawn = [i for _ in range(fours) for i in next(four)] + [next(one)[0] for _ in range(n - 4 * fours)]
        assert mean == pytest.approx(x[drawn].mean(), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("n", [3, 50, 6_000])
def test_it_follows_the_law_of_the_readable_version(n):
    z = np.random.default_rng(n).lognormal(size=(1, n))
    count = 4000
    compiled = _kernels.fused_means(z[0], count, words_of(1))
    readable = _resampling.readable_means(z, count, np.random.default_rng(2))[0]
    assert stats.ks_2samp(np.round(compiled, 9), np.round(readable, 9)).pvalue > 1e-3
    assert compiled.mean() == pytest.approx(z.mean(), abs=5 * z.std() / np.sqrt(n * count))
    assert compiled.std() == pytest.approx(z.std() / np.sqrt(n), rel=5 * np.sqrt(1 / count))


def test_every_position_is_as_likely_as_any_other():
    n = 7
    sums = _kernels.fused_means(8.0 ** np.arange(n), 20_000, words_of(3)) * n
    digits = np.rint(sums).astype(np.int64)[:, np.newaxis] // 8 ** np.arange(n) % 8  # how often each was drawn
    digits = digits[digits.sum(axis=1) == n]  # all but those in which one position was drawn 8 times, which cannot be
    assert len(digits) == 20_000
    assert stats.chisquare(digits.sum(axis=0)).pvalue > 1e-3


def test_large_samples_go_through_it_and_small_ones_do_not(monkeypatch):
    calls = []

    def spy():
        calls.append(1)
        return _kernels.fused_means

    monkeypatch.setattr(_resampling, "compiled_means", spy)
    bootstrap_ci(np.arange(50.0), n_resamples=99)
    bootstrap_ci(np.ones((2, 300_000)), n_resamples=40)
    assert not calls
    large = bootstrap_ci(np.arange(250_000.0), n_resamples=40, random_state=0)
    assert calls
    assert large.low < large.estimate < large.high
    assert large == bootstrap_ci(np.arange(250_000.0), n_resamples=40, random_state=0)


def test_without_numba_the_readable_version_answers():
    code = """
import sys
sys.modules["numba"] = None
import numpy as np
from mltoolkit.stats import _resampling, bootstrap_ci
found = bootstrap_ci(np.arange(250_000.0), n_resamples=40, random_state=0)
assert _resampling.compiled_means() is None
print(found.low < found.estimate < found.high)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
