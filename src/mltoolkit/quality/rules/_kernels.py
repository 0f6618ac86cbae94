"""Compiled loops of the rules; :mod:`mltoolkit.quality.rules.keys` does without where numba is missing."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def hash_bytes(starts: NDArray[np.int32], data: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash of 64 bits for each text: eight bytes at a time, mixed as SplitMix64 does.

    Parameters
    ----------
    starts : shape (n + 1,)
        Where each text begins in ``data``, and where the last one ends.
    """
    n = len(starts) - 1
    keys = np.empty(n, dtype=np.uint64)
    for i in range(n):
        begin, end = starts[i], starts[i + 1]
        total = np.uint64(end - begin) * np.uint64(0x9E3779B97F4A7C15)
        position = begin
        while position < end:
            word = np.uint64(0)
            for byte in range(min(8, end - position)):
                word |= np.uint64(data[position + byte]) << np.uint64(8 * byte)
            total ^= word
            total = (total ^ (total >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            total = (total ^ (total >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            total ^= total >> np.uint64(31)
            total += np.uint64(0x9E3779B97F4A7C15)
            position += 8
        keys[i] = total
    return keys
