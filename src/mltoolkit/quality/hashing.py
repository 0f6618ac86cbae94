"""64-bit hashes of many values at once, for telling rows and values apart without keeping them.

Every value has one hash, whatever batch it comes in. Numbers are mixed by SplitMix64; texts are taken eight bytes at
a time. Two different values collide with probability 2⁻⁶⁴; that is an estimate for data, not a guard against
somebody who looks for collisions.

References
----------
Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators. OOPSLA.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
MISSING_HASH = np.uint64(0x2545F4914F6CDD1D)
LONG = 1024  # bytes from which a text is hashed by itself


def mix(z: Hashes) -> Hashes:
    """The finaliser of SplitMix64: each bit of the input changes about half of the output's."""
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * _FIRST
        z = (z ^ (z >> np.uint64(27))) * _SECOND
        return np.asarray(z ^ (z >> np.uint64(31)))


def hash_numbers(values: NDArray[np.float64] | NDArray[np.int64]) -> Hashes:
    """Hashes of numbers, shape (n,); a whole number has that of the equal float, up to 2⁵³."""
    floats = values.astype(np.float64, copy=False) + 0.0  # -0.0 becomes 0.0
    bits = floats.view(np.uint64)
    if values.dtype.kind == "i":  # value by value, so that no hash depends on the others of its batch
        bits = np.where(np.abs(floats) < 2.0**53, bits, values.view(np.uint64))
    with np.errstate(over="ignore"):
        return mix(bits + GOLDEN)


def hash_texts(texts: pa.Array) -> Hashes:
    """Hashes of texts of an Arrow array of type string or large_string without gaps."""
    n = len(texts)
    kind = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, kind, n + 1, texts.offset * kind().itemsize).astype(np.int64)
    starts, sizes = ends[:-1], np.diff(ends)
    hashes = mix(sizes.astype(np.uint64) + GOLDEN)
    if data is None or not sizes.any():
        return hashes
    padded = np.zeros(int(ends[-1]) + 8, np.uint8)
    padded[: int(ends[-1])] = np.frombuffer(data, np.uint8, int(ends[-1]))
    words = np.ndarray((len(padded) - 7,), np.dtype("<u8"), buffer=padded, strides=(1,))  # a word at every byte
    active = np.flatnonzero((sizes > 0) & (sizes <= LONG))
    done = 0
    while len(active):
        left = sizes[active] - done
        word = words[starts[active] + done]
        short = left < 8
        if short.any():
            word[short] &= (np.uint64(1) << (8 * left[short]).astype(np.uint64)) - np.uint64(1)
        hashes[active] = mix(hashes[active] ^ word)
        done += 8
        active = active[left > 8]
    for i in np.flatnonzero(sizes > LONG):
        digest = hashlib.blake2b(padded[starts[i] : starts[i] + sizes[i]].tobytes(), digest_size=8).digest()
        hashes[i] = np.frombuffer(digest, "<u8")[0]
    return hashes


def salted(hashes: Hashes, position: int) -> Hashes:
    """Hashes of a column's cells as they enter a row's: salted, so that equal cells cannot change places."""
    with np.errstate(over="ignore"):
        return mix(hashes + np.uint64(position + 1) * GOLDEN)


def repeated(parts: list[Hashes]) -> Hashes:
    """Hashes that have come before, once for each time; ascending."""
    ordered = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
    return np.asarray(ordered[1:][ordered[1:] == ordered[:-1]])
