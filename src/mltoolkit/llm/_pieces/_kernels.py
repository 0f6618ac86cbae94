"""Cutting and counting pieces, compiled: equal to `pieces.pre_tokenize` and a `Counter` over what it gives.

The scanner is the pattern's alternatives as a hand-written automaton over UTF-8; it looks at each byte about once.
A table finds a piece again by one 64-bit key: its own bytes where there are at most eight, a hash of them otherwise.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

OTHER, LETTER, NUMBER, BLANK, NEWLINE, SPACE = range(6)


def _eight_bytes(_context: Any, data: Any, _at: Any) -> Any:
    """Eight bytes from ``at`` on as one little-endian word; the array must go on that far."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(array.data, [arguments[1]])
        word = builder.load(builder.bitcast(pointer, ir.IntType(64).as_pointer()))
        word.align = 1
        return word

    return types.uint64(data, types.int64), codegen


eight_bytes: Any = intrinsic(_eight_bytes)


def _trailing_zeros(_context: Any, word: Any) -> Any:
    """How many bits below the lowest one of a word that is not 0."""

    def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(word), codegen


trailing_zeros: Any = intrinsic(_trailing_zeros)


@numba.njit
def kind_at(data: Any, i: int, kinds: Any) -> Any:
    """Kind of the character at ``i``, and how many bytes it has."""
    byte = data[i]
    if byte < 0x80:
        return kinds[byte], 1
    if byte < 0xE0:
        return kinds[((byte & 0x1F) << 6) | (data[i + 1] & 0x3F)], 2
    if byte < 0xF0:
        return kinds[((byte & 0x0F) << 12) | ((data[i + 1] & 0x3F) << 6) | (data[i + 2] & 0x3F)], 3
    point = ((byte & 0x07) << 18) | ((data[i + 1] & 0x3F) << 12) | ((data[i + 2] & 0x3F) << 6) | (data[i + 3] & 0x3F)
    return kinds[point], 4


@numba.njit
def _run(data: Any, i: Any, end: int, kinds: Any, kind: int) -> Any:
    """End of the run of characters of one kind that begins at ``i``."""
    while i < end:
        found, width = kind_at(data, i, kinds)
        if found != kind:
            break
        i += width
    return i


@numba.njit
def _word(data: Any, i: Any, end: int, kinds: Any) -> Any:
    """End of the run of letters that begins at ``i``; ASCII is tested eight bytes at a time."""
    while i < end:
        word = eight_bytes(data, i)
        lower = (word | np.uint64(0x2020202020202020)) & np.uint64(0x7F7F7F7F7F7F7F7F)
        from_a = lower + np.uint64(0x1F1F1F1F1F1F1F1F)  # the high bit of a byte says: a or later
        beyond_z = lower + np.uint64(0x0505050505050505)
        others = (~(from_a & ~beyond_z) | word) & np.uint64(0x8080808080808080)
        if others == 0:
            i += 8
            continue
        i += np.int64(trailing_zeros(others) >> np.uint64(3))
        if i >= end or data[i] < 0x80:
            break
        while i < end and data[i] >= 0x80:
            found, width = kind_at(data, i, kinds)
            if found != LETTER:
                return i
            i += width
    return min(i, end)


@numba.njit
def _contraction(data: Any, i: Any, end: int) -> Any:
    """Bytes of 's, 't, 're, 've, 'm, 'll or 'd at an apostrophe, in any case; 0 where there is none."""
    if i + 1 >= end:
        return 0
    first = data[i + 1] | 0x20
    if data[i + 1] < 0x80 and (first == 0x73 or first == 0x74 or first == 0x6D or first == 0x64):
        return 2
    if i + 2 >= end:
        return 0
    second = data[i + 2] | 0x20
    if (
        data[i + 1] < 0x80
        and data[i + 2] < 0x80
        and (((first == 0x72 or first == 0x76) and second == 0x65) or (first == 0x6C and second == 0x6C))
    ):
        return 3
    return 3 if data[i + 1] == 0xC5 and data[i + 2] == 0xBF else 0  # the long s is an s, too


@numba.njit
def _white_space(data: Any, i: Any, end: int, kinds: Any) -> Any:
    """End of the piece that begins with white space which no word follows at once."""
    last, newline = i, 0
    while i < end:
        kind, width = kind_at(data, i, kinds)
        if kind < BLANK:
            break
        last = i
        i += width
        if kind == NEWLINE:
            newline = i
    if newline:
        return newline
    return i if i == end else last


@numba.njit
def piece_end(data: Any, i: Any, end: int, kinds: Any) -> Any:
    """End of the piece that begins at ``i``, before ``end``."""
    kind, width = kind_at(data, i, kinds)
    after = i + width
    if kind == LETTER:
        return _word(data, after, end, kinds)
    if kind == NUMBER:
        for _ in range(2):
            if after < end:
                following, width = kind_at(data, after, kinds)
                if following == NUMBER:
                    after += width
                else:
                    break
        return after
    following = NEWLINE
    if after < end:
        following, width = kind_at(data, after, kinds)
    if data[i] == 0x27:
        short = _contraction(data, i, end)
        if short:
            return i + short
    if kind != NEWLINE and following == LETTER:
        return _word(data, after + width, end, kinds)
    if kind == OTHER or (kind == BLANK and after < end and following == OTHER):
        return _run(data, _run(data, after, end, kinds, OTHER), end, kinds, NEWLINE)
    first = _white_space(data, i, end, kinds)
    return first if first > i else after


@numba.njit
def key_of(data: Any, start: int, size: int) -> Any:
    """A piece's 64-bit key; two pieces of one size up to eight bytes share it only when they are equal."""
    if size <= 8:
        return eight_bytes(data, start) & (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(8 * (8 - size)))
    key = np.uint64(size)
    for i in range(0, size - 8, 8):
        key = (key ^ eight_bytes(data, start + i)) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    key = (key ^ eight_bytes(data, start + size - 8)) * np.uint64(0x9E3779B97F4A7C15)
    return key ^ (key >> np.uint64(29))


@numba.njit
def slot_of(key: Any, size: int, mask: Any) -> Any:
    """Where the search for a key begins."""
    mixed = (key ^ (np.uint64(size) << np.uint64(56))) * np.uint64(0xD6E8FEB86659FD93)
    return (mixed ^ (mixed >> np.uint64(32))) & mask


@numba.njit
def same_bytes(a: Any, i: int, b: Any, j: int, size: int) -> bool:
    """Whether ``size`` bytes, at least eight, are equal in two arrays."""
    for step in range(0, size - 8, 8):
        if eight_bytes(a, i + step) != eight_bytes(b, j + step):
            return False
    return bool(eight_bytes(a, i + size - 8) == eight_bytes(b, j + size - 8))


@numba.njit(cache=True)
def piece_ends(data: Any, end: int, kinds: Any, out: Any) -> Any:
    """All pieces of one text: fills ``out`` with their ends and gives how many there are."""
    i = count = 0
    while i < end:
        i = piece_end(data, i, end, kinds)
        out[count] = i
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def count_pieces(data: Any, ends: Any, state: Any, kinds: Any, table: Any) -> None:
    """Count the pieces of texts that end at ``ends``; goes on at ``state`` (text, position, unique pieces so far).

    A row of ``table`` is a slot: key, size (0 where it is empty), start and count of a piece. Stops when it is half
    full, so that the caller can make it larger.
    """
    text, i, unique = state[0], state[1], state[2]
    mask = np.uint64(len(table) - 1)
    while text < len(ends):
        end = ends[text]
        while i < end:
            if 2 * unique >= len(table):
                state[0], state[1], state[2] = text, i, unique
                return
            after = piece_end(data, i, end, kinds)
            size = after - i
            key = key_of(data, i, size)
            slot = slot_of(key, size, mask)
            while True:
                if table[slot, 0] == key and table[slot, 1] == np.uint64(size):
                    if size <= 8 or same_bytes(data, np.int64(table[slot, 2]), data, i, size):
                        table[slot, 3] += np.uint64(1)
                        break
                elif table[slot, 1] == np.uint64(0):
                    table[slot, 0], table[slot, 1] = key, np.uint64(size)
                    table[slot, 2], table[slot, 3] = np.uint64(i), np.uint64(1)
                    unique += 1
                    break
                slot = (slot + np.uint64(1)) & mask
            i = after
        text += 1
    state[0], state[1], state[2] = text, i, unique


@numba.njit(cache=True)
def spread(table: Any, larger: Any) -> None:
    """Put the rows of a table into a larger, empty one; the low half of the second column is a piece's size."""
    mask = np.uint64(len(larger) - 1)
    for row in range(len(table)):
        size = np.int64(table[row, 1] & np.uint64(0xFFFFFFFF))
        if size:
            slot = slot_of(table[row, 0], size, mask)
            while larger[slot, 1] != np.uint64(0):
                slot = (slot + np.uint64(1)) & mask
            for column in range(4):
                larger[slot, column] = table[row, column]


@numba.njit(cache=True)
def absorb(data: Any, table: Any, unique: int, other: Any) -> Any:
    """Add the counts of another table on the same data, which has room; gives how many pieces there are then."""
    mask = np.uint64(len(table) - 1)
    for row in range(len(other)):
        key, size = other[row, 0], np.int64(other[row, 1])
        if size == 0:
            continue
        slot = slot_of(key, size, mask)
        while table[slot, 1] != np.uint64(0) and not (
            table[slot, 0] == key
            and table[slot, 1] == other[row, 1]
            and (size <= 8 or same_bytes(data, np.int64(table[slot, 2]), data, np.int64(other[row, 2]), size))
        ):
            slot = (slot + np.uint64(1)) & mask
        if table[slot, 1] == np.uint64(0):
            unique += 1
            table[slot, 0], table[slot, 1], table[slot, 2], table[slot, 3] = key, other[row, 1], other[row, 2], 0
        table[slot, 3] += other[row, 3]
    return unique
