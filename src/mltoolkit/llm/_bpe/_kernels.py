"""Byte-pair encoding, compiled: equal to `tokenizer.learn_merges` and `tokenizer.merge_bytes`, made for megabytes.

Training keeps all words in one array of symbols and changes it in place. A pair is a place in a hash table; each batch
of words in which a pair came into being is an entry of a heap, with the words in a linked list. Encoding looks a
piece up among those it has met and merges it only when it is new.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from mltoolkit.llm._pieces._kernels import key_of, piece_end, same_bytes, slot_of

_MIX = np.uint64(0x9E3779B97F4A7C15)
_FEW = 48  # symbols up to which searching them all for the best pair is faster than a heap


@numba.njit
def pair_slot(pair: Any, mask: Any) -> Any:
    """Where the search for a pair of ids, packed into one word, begins."""
    mixed = pair * _MIX
    return (mixed ^ (mixed >> np.uint64(32))) & mask


@numba.njit
def _packed(a: Any, b: Any) -> Any:
    return (np.uint64(a) << np.uint64(32)) | np.uint64(b)


@numba.njit
def find_pair(pairs: Any, a: Any, b: Any) -> Any:
    """Slot of a pair in a table of packed pairs, or the empty slot where it belongs; empty is all ones."""
    mask = np.uint64(len(pairs) - 1)
    pair = _packed(a, b)
    slot = pair_slot(pair, mask)
    while pairs[slot] != pair and pairs[slot] != np.uint64(0xFFFFFFFFFFFFFFFF):
        slot = (slot + np.uint64(1)) & mask
    return slot


@numba.njit
def _larger(array: Any) -> Any:
    out = np.empty(2 * len(array), array.dtype)
    out[: len(array)] = array
    return out


@numba.njit
def _before(count: Any, pair: Any, other_count: Any, other_pair: Any) -> bool:
    """Whether the first comes out of the heap before the second: more often, then the lower ids."""
    return bool(count > other_count or (count == other_count and pair < other_pair))


@numba.njit
def _sift_down(heap: Any, size: int, at: int, count: Any, pair: Any, entry: Any) -> None:
    """Put an entry where it belongs at or below ``at``; ``heap`` has a row (count, pair, entry) each."""
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and _before(heap[child + 1, 0], heap[child + 1, 1], heap[child, 0], heap[child, 1]):
            child += 1
        if not _before(heap[child, 0], heap[child, 1], count, pair):
            break
        heap[at, 0], heap[at, 1], heap[at, 2] = heap[child, 0], heap[child, 1], heap[child, 2]
        at = child
    heap[at, 0], heap[at, 1], heap[at, 2] = count, pair, entry


@numba.njit
def _sift_up(heap: Any, at: int, count: Any, pair: Any, entry: Any) -> None:
    while at > 0:
        parent = (at - 1) // 2
        if not _before(count, pair, heap[parent, 0], heap[parent, 1]):
            break
        heap[at, 0], heap[at, 1], heap[at, 2] = heap[parent, 0], heap[parent, 1], heap[parent, 2]
        at = parent
    heap[at, 0], heap[at, 1], heap[at, 2] = count, pair, entry


@numba.njit
def _empty_pairs(slots: int) -> Any:
    table = np.empty((slots, 4), np.int64)
    table[:, 0] = -1
    return table


@numba.njit
def _find_row(table: Any, a: Any, b: Any) -> Any:
    """Slot of a pair, or the empty one where it belongs."""
    mask = np.uint64(len(table) - 1)
    pair = (np.int64(a) << 32) | np.int64(b)
    slot = pair_slot(np.uint64(pair), mask)
    while table[slot, 0] != pair and table[slot, 0] >= 0:
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)


@numba.njit
def _more_pairs(table: Any, entry_pair: Any, entry_slot: Any, n_entries: int) -> Any:
    """The same pairs in a table of four times the size; entries learn their new slots."""
    larger = _empty_pairs(4 * len(table))
    for row in range(len(table)):
        pair = table[row, 0]
        if pair >= 0:
            slot = _find_row(larger, pair >> 32, pair & 0xFFFFFFFF)
            for column in range(4):
                larger[slot, column] = table[row, column]
    for entry in range(n_entries):
        entry_slot[entry] = _find_row(larger, entry_pair[entry] >> 32, entry_pair[entry] & 0xFFFFFFFF)
    return larger


@numba.njit(cache=True)
def learn(symbols: Any, starts: Any, counts: Any, n_tokens: int, least: int) -> Any:
    """Merges of words, each a run of ``symbols`` (ids below 256) from one of ``starts`` to the next, ``counts`` times.

    Returns the merged pairs in order, shape (merges, 2), and what each makes; an id may be made more than once.
    """
    n_words = len(counts)
    lengths = np.diff(starts)
    # Pairs: a row a slot, (pair, count, latest entry, its last node), so that a change touches one line of memory.
    table = _empty_pairs(1 << 16)
    n_pairs = 0
    # Entries: a batch of words in which a pair came into being; nodes: their linked lists, (word, next node).
    entry_pair = np.empty(1 << 15, np.int64)
    entry_slot = np.empty(1 << 15, np.int64)
    entry_head = np.empty(1 << 15, np.int32)
    n_entries = first_entry = 0
    nodes = np.empty((max(len(symbols), 16), 2), np.int32)
    n_nodes = 0
    heap = np.empty((1 << 15, 3), np.int64)  # count, pair, entry
    n_heap = 0
    # Tokens: their bytes one after another, and a table to find the same bytes again.
    token_start = np.zeros(n_tokens + 2, np.int64)
    token_bytes = np.empty(1 << 16, np.uint8)
    token_hash = np.empty(n_tokens + 1, np.uint64)
    token_size = np.ones(n_tokens + 1, np.int64)
    known = np.full(1 << int(np.ceil(np.log2(2 * n_tokens + 2))), -1, np.int32)
    known_mask = np.uint64(len(known) - 1)
    for token in range(256):
        token_bytes[token] = token
        token_start[token + 1] = token + 1
    n_known = 256
    merged = np.empty((1024, 2), np.int32)
    made = np.empty(1024, np.int32)
    n_merged = 0

    a: Any = -1
    b: Any = -1
    new: Any = -1
    words = np.arange(n_words).astype(np.int32)  # of this round: all of them in the first
    n_round = n_words
    while True:
        for at_word in range(n_round):
            word = words[at_word]
            start, length, count = starts[word], lengths[word], counts[word]
            # Room for every pair that may come: two bytes each at first, then one beside the token that is made.
            room = min(4 * length, (1 << 16) if a < 0 else 2 * n_known + 2)
            while 2 * (n_pairs + room) >= len(table):
                table = _more_pairs(table, entry_pair, entry_slot, n_entries)
            i = j = 0
            while i < length:
                symbol = symbols[start + i]
                hit = symbol == a and i + 1 < length and symbols[start + i + 1] == b
                # Up to four pairs change beside a merge; in the first round each pair of neighbours is new.
                for change in range(4 if hit else (1 if a < 0 and i > 0 else 0)):
                    if change == 0:
                        if j == 0:
                            continue
                        left, right, sign = symbols[start + j - 1], symbol, -1 if hit else 1
                    elif change == 1:
                        if j == 0:
                            continue
                        left, right, sign = symbols[start + j - 1], np.int32(new), 1
                    else:
                        if i + 2 >= length:
                            continue
                        left, right, sign = np.int32(b if change == 2 else new), symbols[start + i + 2], 2 * change - 5
                    slot = _find_row(table, left, right)
                    if table[slot, 0] < 0:
                        table[slot, 0], table[slot, 1], table[slot, 2] = (np.int64(left) << 32) | right, 0, -1
                        n_pairs += 1
                    table[slot, 1] += sign * count
                    if sign < 0:
                        continue
                    if table[slot, 2] < first_entry:
                        if n_entries == len(entry_pair):
                            entry_pair, entry_slot = _larger(entry_pair), _larger(entry_slot)
                            entry_head = _larger(entry_head)
                        entry_pair[n_entries], entry_slot[n_entries] = table[slot, 0], slot
                        table[slot, 2], table[slot, 3] = n_entries, -1
                        n_entries += 1
                    head = table[slot, 3]
                    if head < 0 or nodes[head, 0] != word:
                        if n_nodes == len(nodes):
                            longer = np.empty((2 * n_nodes, 2), np.int32)
                            longer[:n_nodes] = nodes
                            nodes = longer
                        nodes[n_nodes, 0], nodes[n_nodes, 1] = word, head
                        table[slot, 3] = n_nodes
                        n_nodes += 1
                symbols[start + j] = np.int32(new) if hit else symbol
                i += 2 if hit else 1
                j += 1
            lengths[word] = j
        if n_heap + n_entries - first_entry >= len(heap):
            longer_heap = np.empty((2 * (n_heap + n_entries), 3), np.int64)
            longer_heap[:n_heap] = heap[:n_heap]
            heap = longer_heap
        for entry in range(first_entry, n_entries):
            slot = entry_slot[entry]
            entry_head[entry] = table[slot, 3]
            if table[slot, 1] > 0:
                _sift_up(heap, n_heap, table[slot, 1], entry_pair[entry], entry)
                n_heap += 1
        first_entry = n_entries

        # The most frequent pair whose count is not out of date.
        found = False
        while n_heap > 0 and n_known < n_tokens:
            frequency, entry = heap[0, 0], heap[0, 2]
            now = table[entry_slot[entry], 1]
            if frequency == now:
                found = now >= max(least, 1)
                break
            _sift_down(heap, n_heap, 0, now, entry_pair[entry], entry)
        if not found:
            break
        n_heap -= 1
        if n_heap:
            _sift_down(heap, n_heap, 0, heap[n_heap, 0], heap[n_heap, 1], heap[n_heap, 2])
        a, b = np.int32(entry_pair[entry] >> 32), np.int32(entry_pair[entry] & 0xFFFFFFFF)

        # Its bytes, which another pair may have made before.
        size = token_size[a] + token_size[b]
        at = token_start[n_known]
        while at + size > len(token_bytes):
            token_bytes = _larger(token_bytes)
        token_bytes[at : at + token_size[a]] = token_bytes[token_start[a] : token_start[a] + token_size[a]]
        token_bytes[at + token_size[a] : at + size] = token_bytes[token_start[b] : token_start[b] + token_size[b]]
        hashed = np.uint64(size)
        for i in range(at, at + size):
            hashed = (hashed ^ np.uint64(token_bytes[i])) * _MIX
            hashed ^= hashed >> np.uint64(32)
        slot = hashed & known_mask
        new = -1
        while known[slot] >= 0:
            token = known[slot]
            if token_hash[token] == hashed and token_size[token] == size:
                new = token
                for i in range(size):
                    if token_bytes[token_start[token] + i] != token_bytes[at + i]:
                        new = -1
                        break
                if new >= 0:
                    break
            slot = (slot + np.uint64(1)) & known_mask
        if new < 0:
            new = n_known
            known[slot], token_hash[new], token_size[new] = new, hashed, size
            n_known += 1
            token_start[n_known] = at + size
        if n_merged == len(made):
            made = _larger(made)
            more = np.empty((2 * n_merged, 2), np.int32)
            more[:n_merged] = merged
            merged = more
        merged[n_merged, 0], merged[n_merged, 1], made[n_merged] = a, b, new
        n_merged += 1

        n_round = 0
        node = entry_head[entry]
        while node >= 0:
            words[n_round] = nodes[node, 0]
            n_round += 1
            node = nodes[node, 1]
    return merged[:n_merged].copy(), made[:n_merged].copy()


@numba.njit(cache=True)
def pair_table(left: Any, right: Any, made: Any, size: int) -> Any:
    """A table of merges by pair: packed pairs, and a row (rank, id made) each."""
    pairs = np.full(size, np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64)
    values = np.empty((size, 2), np.int32)
    for rank in range(len(left)):
        slot = find_pair(pairs, left[rank], right[rank])
        pairs[slot] = _packed(left[rank], right[rank])
        values[slot, 0], values[slot, 1] = rank, made[rank]
    return pairs, values


_NONE = np.int32(0x7FFFFFFF)  # the rank of a pair that is no merge


@numba.njit
def _rank(pairs: Any, values: Any, a: Any, b: Any) -> Any:
    slot = find_pair(pairs, a, b)
    return _NONE if pairs[slot] == np.uint64(0xFFFFFFFFFFFFFFFF) else values[slot, 0]


@numba.njit
def _merge_few(symbols: Any, ranks: Any, size: int, pairs: Any, values: Any) -> Any:
    """Merge in place by searching all pairs for the lowest rank; gives how many symbols are left."""
    for i in range(size - 1):
        ranks[i] = _rank(pairs, values, symbols[i], symbols[i + 1])
    while size > 1:
        best = 0
        for i in range(1, size - 1):
            if ranks[i] < ranks[best]:
                best = i
        if ranks[best] == _NONE:
            break
        symbols[best] = values[find_pair(pairs, symbols[best], symbols[best + 1]), 1]
        size -= 1
        for i in range(best + 1, size):
            symbols[i] = symbols[i + 1]
            ranks[i - 1] = ranks[i]
        if best < size - 1:
            ranks[best] = _rank(pairs, values, symbols[best], symbols[best + 1])
        if best:
            ranks[best - 1] = _rank(pairs, values, symbols[best - 1], symbols[best])
    return size


@numba.njit
def _push(heap: Any, size: int, key: Any) -> None:
    at = size
    while at > 0 and key < heap[(at - 1) // 2]:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = key


@numba.njit
def _pop(heap: Any, size: int) -> Any:
    top, key, at = heap[0], heap[size - 1], 0
    while 2 * at + 1 < size - 1:
        child = 2 * at + 1
        if child + 1 < size - 1 and heap[child + 1] < heap[child]:
            child += 1
        if key <= heap[child]:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = key
    return top


@numba.njit
def _merge_many(symbols: Any, size: int, pairs: Any, values: Any) -> Any:
    """Merge in place with a heap of (rank, position); entries that no longer hold are dropped when they come up."""
    following, before = np.arange(1, size + 1), np.arange(-1, size - 1)
    ranks = np.empty(size, np.int32)
    heap = np.empty(3 * size, np.int64)
    waiting = 0
    for i in range(size):
        ranks[i] = _NONE if i + 1 == size else _rank(pairs, values, symbols[i], symbols[i + 1])
        if ranks[i] != _NONE:
            _push(heap, waiting, (np.int64(ranks[i]) << 32) | i)
            waiting += 1
    while waiting:
        key = _pop(heap, waiting)
        waiting -= 1
        i = key & 0xFFFFFFFF
        if ranks[i] != key >> 32:
            continue
        after = following[i]
        symbols[i] = values[find_pair(pairs, symbols[i], symbols[after]), 1]
        ranks[after] = _NONE
        following[i] = following[after]
        if following[i] < size:
            before[following[i]] = i
        for at in (before[i], i):
            if at >= 0:
                right = following[at]
                ranks[at] = _NONE if right >= size else _rank(pairs, values, symbols[at], symbols[right])
                if ranks[at] != _NONE:
                    _push(heap, waiting, (np.int64(ranks[at]) << 32) | at)
                    waiting += 1
    i = left = 0
    while i < size:
        symbols[left] = symbols[i]
        left += 1
        i = following[i]
    return left


@numba.njit(cache=True)
def encode(
    data: Any, end: int, kinds: Any, state: Any, table: Any, texts: Any, pool: Any, byte_ids: Any, pairs: Any,
    values: Any, out: Any,
) -> None:  # fmt: skip
    """Ids of a text into ``out``; goes on at ``state``: position, ids so far, pieces met, their bytes and their ids.

    A row of ``table`` is a slot: key; size, and the number of ids in the high half; the ids themselves where there are
    one or two, else where they begin in ``pool``; of a piece longer than eight bytes, where its bytes lie in ``texts``.
    Stops before the end when a table is full. ``out`` has room for one id more than the text has bytes.
    """
    i, n_out, met, n_texts, n_pool = state[0], state[1], state[2], state[3], state[4]
    mask = np.uint64(len(table) - 1)
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    symbols, ranks = np.empty(_FEW, np.int32), np.empty(_FEW, np.int32)
    while i < end:
        after = piece_end(data, i, end, kinds)
        size = after - i
        key = key_of(data, i, size)
        slot = slot_of(key, size, mask)
        while table[slot, 1] != np.uint64(0) and not (
            table[slot, 0] == key
            and table[slot, 1] & low == np.uint64(size)
            and (size <= 8 or same_bytes(texts, np.int64(table[slot, 3]), data, i, size))
        ):
            slot = (slot + np.uint64(1)) & mask
        if table[slot, 1] == np.uint64(0):
            if 2 * met >= len(table) or n_texts + size + 8 > len(texts) or n_pool + size > len(pool):
                break
            many = symbols if size <= _FEW else np.empty(size, np.int32)
            for j in range(size):
                many[j] = byte_ids[data[i + j]]
            left = (
                _merge_few(many, ranks, size, pairs, values) if size <= _FEW else _merge_many(many, size, pairs, values)
            )
            table[slot, 0], table[slot, 1] = key, np.uint64(size) | (np.uint64(left) << half)
            if left > 2:
                table[slot, 2] = np.uint64(n_pool)
                for j in range(left):
                    pool[n_pool + j] = many[j]
                n_pool += left
            else:
                second = np.uint64(many[1]) << half if left == 2 else np.uint64(0)
                table[slot, 2] = np.uint64(many[0]) | second
            if size > 8:
                table[slot, 3] = np.uint64(n_texts)
                for j in range(size):
                    texts[n_texts + j] = data[i + j]
                n_texts += size
            met += 1
        count, ids = np.int64(table[slot, 1] >> half), table[slot, 2]
        if count <= 2:
            out[n_out], out[n_out + 1] = np.int32(ids & low), np.int32(ids >> half)
        else:
            first = np.int64(ids)
            for j in range(count):
                out[n_out + j] = pool[first + j]
        n_out += count
        i = after
    state[0], state[1], state[2], state[3], state[4] = i, n_out, met, n_texts, n_pool
