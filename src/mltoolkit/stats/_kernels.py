"""Means of resamples, drawn and added up in one go: the compiled twin of ``readable_means``.

Drawing positions is what takes the time, so one 64-bit random word pays for four of them. The high half
of ``word * n`` (128 bits) is a position; the low half is again a random word, with less randomness left in
it. When the last low half falls below 2**64 mod n**4 the word is dropped, which makes all n**4 combinations
equally likely. Words come from xoshiro256++.

References
----------
Brackett-Rozinsky, N., Lemire, D. (2024). Batched ranged random integer generation. Software: Practice and
Experience 55(1).
Blackman, D., Vigna, S. (2021). Scrambled linear pseudorandom number generators. ACM TOMS 47(4).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

FOUR_UP_TO = 2**15  # the largest n for which one word pays for four positions: at most n**4 / 2**64 = 1/16 dropped


def _wide_product(_context: Any, a: Any, b: Any) -> Any:
    """High and low half of a 128-bit product, as one instruction; NumPy's integers stop at 64 bits."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        narrow, wide = ir.IntType(64), ir.IntType(128)
        both = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        high = builder.trunc(builder.lshr(both, ir.Constant(wide, 64)), narrow)
        return context.make_tuple(builder, signature.return_type, (high, builder.trunc(both, narrow)))

    pair: Any = types.UniTuple
    return pair(types.uint64, 2)(a, b), codegen


_product: Any = intrinsic(_wide_product)


@numba.njit(cache=True)
def _next(s: Any) -> Any:
    """One word of xoshiro256++, and the state after it."""
    a, b, c, d = s
    total = a + d
    word = ((total << np.uint64(23)) | (total >> np.uint64(41))) + a
    shifted = b << np.uint64(17)
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << np.uint64(45)) | (d >> np.uint64(19))
    return word, (a, b, c, d)


@numba.njit(cache=True)
def _add_fours(x: Any, count: int, dropped: Any, state: Any) -> Any:
    """Sum of 4 * count values drawn from x; four sums, so that no addition waits for the one before."""
    n = np.uint64(len(x))
    p = q = r = s = 0.0
    while count > 0:
        word, state = _next(state)
        i, word = _product(word, n)
        j, word = _product(word, n)
        k, word = _product(word, n)
        m, word = _product(word, n)
        if word < dropped:
            continue
        p += x[i]
        q += x[j]
        r += x[k]
        s += x[m]
        count -= 1
    return (p + q) + (r + s), state


@numba.njit(cache=True)
def _add_ones(x: Any, count: int, dropped: Any, state: Any) -> Any:
    """Sum of count values drawn from x, each with a word of its own."""
    n = np.uint64(len(x))
    total = 0.0
    while count > 0:
        word, state = _next(state)
        i, word = _product(word, n)
        if word < dropped:
            continue
        total += x[i]
        count -= 1
    return total, state


@numba.njit(cache=True)
def fused_means(x: Any, n_resamples: int, words: Any) -> Any:
    """Means (B,) of B resamples of x (n,); ``words`` are four random 64-bit words, not all zero."""
    n, zero = np.uint64(len(x)), np.uint64(0)
    fours = len(x) // 4 if len(x) <= FOUR_UP_TO else 0
    combinations = n * n * n * n if fours else n  # above the limit the product would not fit into a word
    dropped_four, dropped_one = (zero - combinations) % combinations, (zero - n) % n  # 2**64 mod n**4 and mod n
    state = (words[0], words[1], words[2], words[3])
    means = np.empty(n_resamples)
    for b in range(n_resamples):
        most, state = _add_fours(x, fours, dropped_four, state)
        rest, state = _add_ones(x, len(x) - 4 * fours, dropped_one, state)
        means[b] = (most + rest) / len(x)
    return means
