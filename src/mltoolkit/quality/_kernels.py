"""The inner loops of a scan, compiled; each has a readable twin in NumPy or Arrow, and the tests hold the two together.

``collecting.Part`` is the twin of :func:`count_values` and :func:`sketch_values`, ``collecting.Dictionary`` of
:func:`count_codes` and :func:`count_texts`, ``collecting.Sorted`` of :func:`parse_texts`, and ``hashing`` of
:func:`hash_texts` and :func:`salt`. A hash table grows outside: a loop that finds its table full says at which row
it has stopped, and is called again from there.

Texts are given as Arrow keeps them: the bytes of all, and where each begins and ends.

References
----------
Clinger (1990), How to read floating point numbers accurately. PLDI.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

from mltoolkit.quality.hashing import GOLDEN, LONG, MISSING_HASH
from mltoolkit.quality.sketches import REGISTER_BITS, SHOWN

EMPTY, NUMBER, DATE, CODE, OTHER = 0, 1, 2, 3, 4
_EXACT = 2.0**53
_POWERS = 10.0 ** np.arange(23)  # those that a float holds exactly
_DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_LENGTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def _float_bits(_context: Any, value: Any) -> Any:
    """The 64 bits of a float."""

    def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.uint64(value), codegen


def _unaligned_word(_context: Any, data: Any, _at: Any) -> Any:
    """Eight bytes of an array of bytes as a little-endian number, wherever they begin."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(data, types.int64), codegen


def _store_word(_context: Any, data: Any, _at: Any, _word: Any) -> Any:
    """Write eight bytes into an array of bytes, wherever they begin."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        builder.store(arguments[2], builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(data, types.int64, types.uint64), codegen


def _count_trailing_zeros(_context: Any, value: Any) -> Any:
    """How many zeros a 64-bit number ends with."""

    def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(value), codegen


def _count_leading_zeros(_context: Any, value: Any) -> Any:
    """How many zeros a 64-bit number begins with."""

    def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(value), codegen


_bits: Any = intrinsic(_float_bits)
_store: Any = intrinsic(_store_word)
_trailing_zeros: Any = intrinsic(_count_trailing_zeros)
_leading_zeros: Any = intrinsic(_count_leading_zeros)
_load: Any = intrinsic(_unaligned_word)


@numba.njit(cache=True, nogil=True, inline="always")
def _mix(z: Any) -> Any:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def salt(hashes: Any, position: int) -> None:
    """``hashing.salted``, in place."""
    more = np.uint64(position + 1) * GOLDEN
    for i in range(len(hashes)):
        hashes[i] = _mix(hashes[i] + more)


@numba.njit(cache=True, nogil=True)
def look_up(codes: Any, of_code: Any, out: Any) -> None:
    """The hash of each code, -1 for a missing value."""
    for i in range(len(codes)):
        out[i] = of_code[codes[i]] if codes[i] >= 0 else MISSING_HASH


# ---- values


@numba.njit(cache=True, nogil=True, inline="always")
def _hash_of_value(value: Any, whole: bool) -> Any:
    x = np.float64(value) + 0.0  # -0.0 becomes 0.0
    if whole and abs(x) >= _EXACT:
        return _mix(np.uint64(value) + GOLDEN)
    return _mix(_bits(x) + GOLDEN)


@numba.njit(cache=True, nogil=True)
def count_values(
    values: Any, valid: Any, lines: Any, start: int, whole: bool, slots: Any, known: Any, counts: Any, first: Any,
    used: int, out: Any,
) -> tuple[int, int]:  # fmt: skip
    """Count values and note their first lines; gives the number of different ones, and the row at which it stopped.

    ``slots`` (a power of two of them, at least twice as many as ``known`` has places) hold positions in ``known``,
    or -1.
    """
    mask = np.uint64(len(slots) - 1)
    for i in range(start, len(values)):
        value = values[i]
        if (len(valid) and not valid[i]) or value != value:
            out[i] = MISSING_HASH
            continue
        hashed = _hash_of_value(value, whole)
        at = hashed & mask
        code = slots[at]
        while code >= 0 and known[code] != value:
            at = (at + np.uint64(1)) & mask
            code = slots[at]
        if code < 0:
            if used == len(known):
                return used, i
            code = used
            slots[at] = code
            known[code] = value
            used += 1
        if counts[code] < SHOWN:
            first[code, counts[code]] = lines[i]
        counts[code] += 1
        out[i] = hashed
    return used, len(values)


@numba.njit(cache=True, nogil=True)
def place_values(known: Any, used: int, whole: bool, slots: Any) -> None:
    """Fill the slots of a larger table."""
    mask = np.uint64(len(slots) - 1)
    for code in range(used):
        at = _hash_of_value(known[code], whole) & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = code


@numba.njit(cache=True, nogil=True)
def sketch_values(
    values: Any, valid: Any, start: int, whole: bool, pivot: float, registers: Any, low: Any, high: Any, out: Any,
    far: Any, sums: Any,
) -> tuple[int, int]:  # fmt: skip
    """Hash values, count the different ones, find the rows of values outside of two bounds, and add up powers.

    Gives how many are present, and how much of ``far`` is filled. ``sums`` are of the finite values less the
    pivot: their number, and the first three powers; how many are 0 and how many below.
    """
    present = n_far = 0
    count = zeros = negative = 0
    one = two = three = 0.0
    for i in range(start, len(values)):
        value = values[i]
        if (len(valid) and not valid[i]) or value != value:
            out[i] = MISSING_HASH
            continue
        present += 1
        hashed = _hash_of_value(value, whole)
        out[i] = hashed
        rest = (hashed << np.uint64(REGISTER_BITS)) | np.uint64(1 << (REGISTER_BITS - 1))
        rank = _leading_zeros(rest) + np.uint64(1)
        register = hashed >> np.uint64(64 - REGISTER_BITS)
        if rank > registers[register]:
            registers[register] = rank
        if value <= low or value >= high:
            far[n_far] = i
            n_far += 1
        d = np.float64(value) - pivot
        if d - d == 0.0:
            count += 1
            square = d * d
            one += d
            two += square
            three += square * d
            zeros += value == 0
            negative += value < 0
    sums[0], sums[1], sums[2], sums[3], sums[4], sums[5] = count, one, two, three, zeros, negative
    return present, n_far


# ---- texts


@numba.njit(cache=True, nogil=True)
def count_codes(
    codes: Any, valid: Any, mapping: Any, lines: Any, counts: Any, first: Any, hashes: Any, out: Any
) -> None:
    """Count rows given as positions in a list, and note first lines; ``mapping`` says which code a position has."""
    for i in range(len(codes)):
        if len(valid) and not valid[i]:
            out[i] = MISSING_HASH
            continue
        code = mapping[codes[i]]
        out[i] = hashes[code]
        if counts[code] < SHOWN:
            first[code, counts[code]] = lines[i]
        counts[code] += 1


@numba.njit(cache=True, nogil=True, inline="always")
def _word(data: Any, at: int, left: int) -> Any:
    """Up to eight bytes as a number; those behind the text count as 0."""
    if left >= 8:
        return _load(data, at)
    if at + 8 <= len(data):
        return _load(data, at) & ((np.uint64(1) << np.uint64(8 * left)) - np.uint64(1))
    word = np.uint64(0)
    for k in range(left):
        word |= np.uint64(data[at + k]) << np.uint64(8 * k)
    return word


@numba.njit(cache=True, nogil=True, inline="always")
def _hash_of_text(data: Any, at: int, size: int) -> Any:
    hashed = _mix(np.uint64(size) + GOLDEN)
    while size > 0:
        hashed = _mix(hashed ^ _word(data, at, size))
        at += 8
        size -= 8
    return hashed


@numba.njit(cache=True, nogil=True)
def hash_texts(ends: Any, data: Any, out: Any) -> bool:
    """``hashing.hash_texts``; False where a text is too long to be hashed here."""
    for i in range(len(out)):
        size = ends[i + 1] - ends[i]
        if size > LONG:
            return False
        out[i] = _hash_of_text(data, ends[i], size)
    return True


@numba.njit(cache=True, nogil=True, inline="always")
def _equal(data: Any, at: int, kept: Any, there: int, size: int) -> bool:
    while size > 0:
        if _word(data, at, size) != _word(kept, there, size):
            return False
        at += 8
        there += 8
        size -= 8
    return True


@numba.njit(cache=True, nogil=True)
def count_texts(
    ends: Any, data: Any, lines: Any, start: int, slots: Any, hashes: Any, kept: Any, places: Any, counts: Any,
    first: Any, used: int, out: Any,
) -> tuple[int, int]:  # fmt: skip
    """Count texts and note their first lines; gives the number of different ones, and the row at which it stopped.

    ``kept`` are the bytes of the different texts, from ``places[code]`` on, with room for all of ``data``.
    """
    mask = np.uint64(len(slots) - 1)
    for i in range(start, len(lines)):
        begin, size = ends[i], ends[i + 1] - ends[i]
        hashed = _hash_of_text(data, begin, size)
        at = hashed & mask
        code = slots[at]
        while code >= 0 and not (
            hashes[code] == hashed
            and places[code + 1] - places[code] == size
            and _equal(data, begin, kept, places[code], size)
        ):
            at = (at + np.uint64(1)) & mask
            code = slots[at]
        if code < 0:
            if used == len(hashes):
                return used, i
            code = used
            slots[at] = code
            hashes[code] = hashed
            for k in range(size):
                kept[places[code] + k] = data[begin + k]
            places[code + 1] = places[code] + size
            used += 1
        if counts[code] < SHOWN:
            first[code, counts[code]] = lines[i]
        counts[code] += 1
        out[i] = code
    return used, len(lines)


@numba.njit(cache=True, nogil=True)
def place_hashes(hashes: Any, used: int, slots: Any) -> None:
    """Fill the slots of a larger table."""
    mask = np.uint64(len(slots) - 1)
    for code in range(used):
        at = hashes[code] & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = code


@numba.njit(cache=True, nogil=True, inline="always")
def _number(data: Any, at: int, end: int) -> tuple[bool, bool, float]:
    """Whether a text is a number that is read exactly here, whether it has a point or an exponent, and the number.

    A whole number below 2⁵³ times or over a power of ten that a float holds is rounded once (Clinger).
    """
    negative = data[at] == 45
    signed = negative or data[at] == 43
    if signed:
        at += 1
    begin, mantissa, digits, scale = at, np.int64(0), 0, 0
    pointed = False
    while at < end:
        d = data[at] - 48
        if 0 <= d <= 9:
            mantissa = mantissa * 10 + d
            digits += 1
            scale -= pointed
        elif data[at] == 46 and not pointed:
            pointed = True
        else:
            break
        at += 1
        if digits > 17:
            return False, pointed, 0.0
    if digits == 0 or mantissa >= 9007199254740992:
        return False, pointed, 0.0
    if not signed and not pointed and data[begin] == 48 and at - begin > 1:
        return False, pointed, 0.0  # a code
    if at < end:
        if data[at] != 101 and data[at] != 69:
            return False, pointed, 0.0
        pointed = True
        at += 1
        sign = 1
        if at < end and (data[at] == 45 or data[at] == 43):
            sign = -1 if data[at] == 45 else 1
            at += 1
        if not 1 <= end - at <= 2:
            return False, pointed, 0.0
        exponent = 0
        while at < end:
            d = data[at] - 48
            if not 0 <= d <= 9:
                return False, pointed, 0.0
            exponent = exponent * 10 + d
            at += 1
        scale += sign * exponent
    if not -22 <= scale <= 22:
        return False, pointed, 0.0
    number = np.float64(mantissa)
    number = number / _POWERS[-scale] if scale < 0 else number * _POWERS[scale]
    return True, pointed, -number if negative else number


@numba.njit(cache=True, nogil=True, inline="always")
def _digits(data: Any, at: int, n: int) -> int:
    """A number of n digits; -1 where one is none."""
    number = 0
    for k in range(n):
        d = data[at + k] - 48
        if not 0 <= d <= 9:
            return -1
        number = number * 10 + d
    return number


@numba.njit(cache=True, nogil=True, inline="always")
def _time_of_day(data: Any, at: int, end: int) -> int:
    """Microseconds of HH:MM, HH:MM:SS or HH:MM:SS.F with up to six digits; -1 for anything else."""
    size = end - at
    if size < 5 or data[at + 2] != 58:
        return -1
    hours, minutes, seconds, micros = _digits(data, at, 2), _digits(data, at + 3, 2), 0, 0
    if size > 5:
        if size < 8 or data[at + 5] != 58:
            return -1
        seconds = _digits(data, at + 6, 2)
    if size > 8:
        if size < 10 or size > 15 or data[at + 8] != 46:
            return -1
        micros = _digits(data, at + 9, size - 9)
        if micros < 0:
            return -1
        for _ in range(15 - size):
            micros *= 10
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60):
        return -1
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros


@numba.njit(cache=True, nogil=True, inline="always")
def _moment(data: Any, at: int, end: int) -> tuple[bool, int]:
    """Whether a text is a date as ISO 8601 writes it, and the microseconds since 1970."""
    if end - at < 10 or data[at + 4] != 45 or data[at + 7] != 45:
        return False, 0
    year, month, day = _digits(data, at, 4), _digits(data, at + 5, 2), _digits(data, at + 8, 2)
    if year < 1 or not 1 <= month <= 12 or day < 1:
        return False, 0
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _LENGTHS[month - 1] + (leap and month == 2):
        return False, 0
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 + _DAYS_BEFORE[month - 1] + day - 719163
    days += leap and month > 2
    time = 0
    if end - at > 10:
        if data[at + 10] != 32 and data[at + 10] != 84:
            return False, 0
        time = _time_of_day(data, at + 11, end)
        if time < 0:
            return False, 0
    return True, days * 86_400_000_000 + time


@numba.njit(cache=True, nogil=True)
def parse_texts(ends: Any, data: Any, kinds: Any, numbers: Any, moments: Any) -> bool:
    """Tell empty texts, plain numbers, ISO dates and the rest apart; gives whether a number has a point or exponent."""
    pointed = False
    for i in range(len(kinds)):
        at, end = ends[i], ends[i + 1]
        if at == end:
            kinds[i] = EMPTY
            continue
        is_number, has_point, number = _number(data, at, end)
        if is_number:
            kinds[i] = NUMBER
            numbers[i] = number
            pointed |= has_point
            continue
        is_date, moment = _moment(data, at, end)
        kinds[i] = DATE if is_date else OTHER
        if is_date:
            moments[i] = moment
    return pointed


# ---- rows


@numba.njit(cache=True, nogil=True)
def winners(numbers: Any, power: int, found: Any) -> int:
    """Note the position of the smallest hash in each block of ascending numbers; gives how many there are."""
    blocks, block, least = 0, np.int64(-1), np.uint64(0)
    for i in range(len(numbers)):
        rank = _mix(np.uint64(numbers[i]) * GOLDEN)
        if numbers[i] >> power != block:
            block = numbers[i] >> power
            blocks += 1
        elif rank >= least:
            continue
        least = rank
        found[blocks - 1] = i
    return blocks


@numba.njit(cache=True, nogil=True)
def mark(hashes: Any, bitmap: Any, again: Any, filled: int) -> int:
    """Set the bit of each hash; note those whose bit was set before. Gives how many are noted, or -1 with no room."""
    shift = np.uint64(64) - np.uint64(np.log2(len(bitmap) * 64) + 0.5)
    for i in range(len(hashes)):
        place = hashes[i] >> shift
        word, bit = place >> np.uint64(6), np.uint64(1) << (place & np.uint64(63))
        if bitmap[word] & bit:
            if filled == len(again):
                return -1
            again[filled] = hashes[i]
            filled += 1
        bitmap[word] |= bit
    return filled


@numba.njit(cache=True, nogil=True)
def marked(hashes: Any, bitmap: Any, found: Any, filled: int) -> int:
    """Note the hashes whose bit is set. Gives how many are noted, or -1 with no room."""
    shift = np.uint64(64) - np.uint64(np.log2(len(bitmap) * 64) + 0.5)
    for i in range(len(hashes)):
        place = hashes[i] >> shift
        if bitmap[place >> np.uint64(6)] & (np.uint64(1) << (place & np.uint64(63))):
            if filled == len(found):
                return -1
            found[filled] = hashes[i]
            filled += 1
    return filled


# ---- delimited text


@numba.njit(cache=True, nogil=True, inline="always")
def _has_byte(word: Any, pattern: Any) -> Any:
    """Bit 7 of each byte that equals the pattern's, and perhaps of those behind the first one that does."""
    difference = word ^ pattern
    return (difference - np.uint64(0x0101010101010101)) & ~difference & np.uint64(0x8080808080808080)


@numba.njit(cache=True, nogil=True)
def split_rows(block: Any, size: int, delimiter: int, line: int, ends: Any, cells: Any, lines: Any) -> tuple[int, int]:
    """Cut whole rows of delimited text into columns; gives how many rows, and how many lines.

    Row ``r`` of column ``c`` ends at ``ends[c, r + 1]`` of the bytes ``cells[c]`` and stands on ``lines[r]``; a blank
    line is no row. The first figure is -1 where a row has another number of cells, where a carriage return stands
    alone, where a quoted cell holds a quote or spans lines, or where there is no more room: somebody else reads those.
    ``block`` goes on for eight bytes behind ``size``.
    """
    n_columns, most = len(ends), len(lines)
    repeat = np.uint64(0x0101010101010101)
    mark, feed = np.uint64(delimiter) * repeat, np.uint64(10) * repeat
    quote, turn = np.uint64(34) * repeat, np.uint64(13) * repeat
    at = row = column = lines_seen = 0
    row_begin = True
    while at < size:
        if row_begin:
            if block[at] == 10 or (block[at] == 13 and block[at + 1] == 10):
                at += 1 if block[at] == 10 else 2
                lines_seen += 1
                continue
            if row == most:
                return -1, 0
            lines[row] = line + lines_seen
            row_begin = False
        place = int(ends[column, row])
        if block[at] == 34:  # a quoted cell
            at += 1
            while at < size and block[at] != 34:
                if block[at] == 10 or block[at] == 13:
                    return -1, 0
                cells[column, place] = block[at]
                place += 1
                at += 1
            at += 1
        else:
            while True:
                word = _load(block, at)
                found = _has_byte(word, mark) | _has_byte(word, feed) | _has_byte(word, quote) | _has_byte(word, turn)
                _store(cells[column], place, word)
                if found:
                    step = int(_trailing_zeros(found)) >> 3
                    at += step
                    place += step
                    break
                at += 8
                place += 8
        if at >= size:
            return -1, 0
        stop = block[at]
        ends[column, row + 1] = place
        if stop == delimiter:
            column += 1
            at += 1
            if column == n_columns:
                return -1, 0
            continue
        if stop == 13 and block[at + 1] == 10:
            at += 1
            stop = block[at]
        if stop != 10 or column != n_columns - 1:
            return -1, 0
        at += 1
        row += 1
        column = 0
        lines_seen += 1
        row_begin = True
    return row, lines_seen
