"""Byte-pair encoding of large texts, through compiled code; the same results as the functions of `tokenizer`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.llm._pieces.pace import kinds
from mltoolkit.llm.pieces import BYTE_ORDER

_PADDING = bytes(16)  # the compiled code reads eight bytes at a time
_SLOTS = 1 << 16
_SHARE = 1 << 21  # bytes from which one more thread counts, up to
_MOST_WORKERS = 4
_MOST_SLOTS = 1 << 21  # beyond these an encoder forgets what it has met and starts anew


def count(texts: Sequence[bytes]) -> dict[bytes, int]:
    """How often each piece occurs in texts, by first occurrence."""
    data, starts, sizes, counts = _unique_pieces(texts)
    raw = data.tobytes()
    rows = zip(starts.tolist(), sizes.tolist(), counts.tolist(), strict=True)
    return {raw[start : start + size]: number for start, size, number in rows}


def learn(texts: Sequence[bytes], n_tokens: int, min_frequency: int) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Tokens by id and pairs of ids to merge."""
    from mltoolkit.llm._bpe import _kernels

    data, starts, sizes, counts = _unique_pieces(texts)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    places = np.arange(ends[-1]) + np.repeat(starts - ends[:-1], sizes)
    id_of = np.empty(256, dtype=np.int32)
    id_of[list(BYTE_ORDER)] = np.arange(256)
    found, made = _kernels.learn(id_of[data[places]], ends, counts, n_tokens, int(min_frequency))
    tokens = [bytes([byte]) for byte in BYTE_ORDER]
    merges: dict[tuple[int, int], None] = {}
    for (left, right), new in zip(found.tolist(), made.tolist(), strict=True):
        if new == len(tokens):
            tokens.append(tokens[left] + tokens[right])
        merges.pop((left, right), None)  # merged in two batches: the rank of the second
        merges[left, right] = None
    return tokens, list(merges)


def _unique_pieces(texts: Sequence[bytes]) -> tuple[NDArray[Any], ...]:
    """All texts in one array; where each unique piece lies in it, its size and its count."""
    from mltoolkit.llm._pieces import _kernels

    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    data = np.frombuffer(b"".join([*texts, _PADDING]), dtype=np.uint8)
    workers = min(os.cpu_count() or 1, _MOST_WORKERS, 1 + int(ends[-1] if len(ends) else 0) // _SHARE)
    shares = np.array_split(ends, workers)
    firsts = [0, *(int(share[-1]) if len(share) else 0 for share in shares[:-1])]
    with ThreadPoolExecutor(workers) as pool:  # the compiled loop lets go of the interpreter's lock
        tables = list(pool.map(partial(_count, data), np.maximum.accumulate(firsts), shares))
    table, unique = tables[0]
    for other, more in tables[1:]:
        while 2 * (unique + more) > len(table):
            table = _larger(table)
        unique = _kernels.absorb(data, table, unique, other)
    rows = table[table[:, 1] > 0].astype(np.int64)[:, 1:]
    rows = rows[np.argsort(rows[:, 1])]  # by first occurrence
    return data, rows[:, 1].copy(), rows[:, 0].copy(), rows[:, 2].copy()


def _count(data: NDArray[np.uint8], first: int, ends: NDArray[np.int64]) -> tuple[NDArray[np.uint64], int]:
    """The table of the texts from ``first`` on that end at ``ends``, and how many pieces it has."""
    from mltoolkit.llm._pieces import _kernels

    count_pieces: Any = _kernels.count_pieces
    table = np.zeros((_SLOTS, 4), dtype=np.uint64)
    state = np.array([0, first, 0], dtype=np.int64)  # text, position, unique pieces so far
    while True:
        count_pieces(data, ends, state, kinds(), table)
        if state[0] == len(ends):
            return table, int(state[2])
        table = _larger(table)


class Encoder:
    """Encodes texts by merges, and remembers the pieces that it has met.

    Parameters
    ----------
    byte_ids : sequence of 256 int
        Id of each byte.
    ranks : mapping of (int, int) to (int, int)
        Pair of ids -> rank and id of what it makes.
    """

    def __init__(self, byte_ids: Sequence[int], ranks: Mapping[tuple[int, int], tuple[int, int]]) -> None:
        from mltoolkit.llm._bpe import _kernels

        rows = np.array([(*pair, new) for pair, (_, new) in ranks.items()], dtype=np.int32).reshape(-1, 3)
        order = np.argsort([rank for rank, _ in ranks.values()], kind="stable")
        size = 1 << (4 * len(rows) + 16).bit_length()
        self._byte_ids = np.array(byte_ids, dtype=np.int32)
        pair_table: Any = _kernels.pair_table
        self._merges = pair_table(*rows[order].T.copy(), size)
        self.forget()

    def forget(self) -> None:
        """Forget all pieces."""
        self._met = np.zeros(3, dtype=np.int64)  # pieces, their bytes and their ids so far
        self._table = np.zeros((_SLOTS, 4), dtype=np.uint64)
        self._texts, self._pool = np.empty(1 << 18, dtype=np.uint8), np.empty(1 << 18, dtype=np.int32)

    def encode(self, text: bytes) -> NDArray[np.int32]:
        """Ids of a text in UTF-8, shape (number of ids,)."""
        from mltoolkit.llm._bpe import _kernels

        encode: Any = _kernels.encode
        data = np.frombuffer(text + _PADDING, dtype=np.uint8)
        out = np.empty(len(text) + 1, dtype=np.int32)
        state = np.concatenate([np.zeros(2, dtype=np.int64), self._met])
        while True:
            encode(
                data,
                len(text),
                kinds(),
                state,
                self._table,
                self._texts,
                self._pool,
                self._byte_ids,
                *self._merges,
                out,
            )
            self._met = state[2:].copy()
            if state[0] == len(text):
                return out[: state[1]].copy()
            self._make_room()
            state[2:] = self._met

    def _make_room(self) -> None:
        """Larger tables, or empty ones when they would grow without end."""
        if len(self._table) >= _MOST_SLOTS:
            self.forget()
        elif 2 * self._met[0] >= len(self._table):
            self._table = _larger(self._table)
        else:
            self._texts, self._pool = _longer(self._texts), _longer(self._pool)


def _larger(table: NDArray[np.uint64]) -> NDArray[np.uint64]:
    from mltoolkit.llm._pieces import _kernels

    larger = np.zeros((4 * len(table), 4), dtype=np.uint64)
    _kernels.spread(table, larger)
    return larger


def _longer(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([array, np.empty_like(array)])
