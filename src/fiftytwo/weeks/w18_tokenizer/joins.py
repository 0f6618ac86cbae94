"""How a sentence is built up, merge by merge: a tree over each of its tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mltoolkit.llm.pieces import pre_tokenize


@dataclass(frozen=True)
class Join:
    """Two neighbours that became one: spans of bytes of the sentence, and the number of the merge, from 1 on."""

    start: int
    middle: int
    end: int
    rank: int


@dataclass(frozen=True)
class Built:
    """A sentence with its joins, and the spans of its tokens."""

    text: str
    joins: tuple[Join, ...]
    tokens: tuple[tuple[int, int], ...]


def build_up(text: str, merges: Sequence[tuple[bytes, bytes]]) -> Built:
    """Apply merges to a sentence and keep every step."""
    ranks = {(bytes(left), bytes(right)): rank for rank, (left, right) in enumerate(merges, 1)}
    joins: list[Join] = []
    tokens: list[tuple[int, int]] = []
    start = 0
    for piece in pre_tokenize(text):
        raw = piece.encode()
        tokens += _join(raw, start, ranks, joins)
        start += len(raw)
    return Built(text, tuple(joins), tuple(tokens))


def _join(raw: bytes, start: int, ranks: Mapping[tuple[bytes, bytes], int], joins: list[Join]) -> list[tuple[int, int]]:
    spans = [(at, at + 1) for at in range(len(raw))]
    while True:
        pairs = [(ranks.get((raw[a:b], raw[b:c])), i) for i, ((a, b), (_, c)) in enumerate(pairwise(spans))]
        found = [(rank, i) for rank, i in pairs if rank is not None]
        if not found:
            return [(start + a, start + b) for a, b in spans]
        rank, i = min(found)
        (a, b), (_, c) = spans[i], spans[i + 1]
        joins.append(Join(start + a, start + b, start + c, rank))
        spans[i : i + 2] = [(a, c)]
