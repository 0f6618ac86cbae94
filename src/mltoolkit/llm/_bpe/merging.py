"""Byte-pair encoding, to be read: count pieces, learn merges, apply them."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from mltoolkit.llm.pieces import BYTE_ORDER, pre_tokenize

Pair = tuple[int, int]


def count_pieces(texts: Iterable[bytes]) -> Counter[bytes]:
    """How often each piece occurs in texts."""
    return Counter(piece.encode("utf-8") for text in texts for piece in pre_tokenize(text.decode("utf-8")))


def learn_merges(counts: Mapping[bytes, int], n_tokens: int, min_frequency: int) -> tuple[list[bytes], list[Pair]]:
    """Tokens by id, single bytes first, and the pairs of ids to merge, in order.

    ``heap`` has an entry for each batch of words in which a pair came into being. Its count may be out of date by the
    time it comes up; then it goes back with the right one. Two pairs can make one token, as ``ab + c`` and ``a + bc``.
    Then that token has one id, and a pair with it may come into being twice, in two batches that are merged apart.
    """
    tokens = [bytes([byte]) for byte in BYTE_ORDER]
    ids = {token: number for number, token in enumerate(tokens)}
    words = [[ids[bytes([byte])] for byte in piece] for piece in counts]
    weights = list(counts.values())
    pair_counts: defaultdict[Pair, int] = defaultdict(int)
    fresh: defaultdict[Pair, set[int]] = defaultdict(set)
    for number, word in enumerate(words):
        for pair in pairwise(word):
            pair_counts[pair] += weights[number]
            fresh[pair].add(number)
    heap: list[tuple[int, Pair, int, set[int]]] = []
    merges: dict[Pair, None] = {}
    batches = 0
    while True:
        for pair, where in fresh.items():
            batches += 1  # so that the heap never compares two sets
            heapq.heappush(heap, (-pair_counts[pair], pair, batches, where))
        while heap and -heap[0][0] != pair_counts[heap[0][1]]:
            _, pair, batch, where = heap[0]
            heapq.heapreplace(heap, (-pair_counts[pair], pair, batch, where))
        if not heap or len(tokens) >= n_tokens or -heap[0][0] < max(min_frequency, 1):
            return tokens, list(merges)
        _, pair, _, where = heapq.heappop(heap)
        token = tokens[pair[0]] + tokens[pair[1]]
        new = ids.setdefault(token, len(tokens))
        if new == len(tokens):
            tokens.append(token)
        merges.pop(pair, None)  # a pair that is merged in two batches has the rank of the second
        merges[pair] = None
        fresh = defaultdict(set)
        for number in where:
            words[number], gone, come = merge_in_word(words[number], pair, new)
            for other in gone:
                pair_counts[other] -= weights[number]
            for other in come:
                pair_counts[other] += weights[number]
                fresh[other].add(number)


def merge_in_word(word: Sequence[int], pair: Pair, new: int) -> tuple[list[int], list[Pair], list[Pair]]:
    """The word with the pair joined from left to right, and the pairs of neighbours that are gone and that came."""
    merged: list[int] = []
    gone, come = [], []
    at = 0
    while at < len(word):
        if tuple(word[at : at + 2]) != pair:
            merged.append(word[at])
            at += 1
            continue
        if merged:
            gone.append((merged[-1], pair[0]))
            come.append((merged[-1], new))
        at += 2
        if at < len(word):
            gone.append((pair[1], word[at]))
            come.append((new, word[at]))
        merged.append(new)
    return merged, gone, come


def apply_merges(ids: list[int], ranks: Mapping[Pair, Pair]) -> list[int]:
    """Join pairs by rank, the leftmost first, until none is left; n bytes cost n log n."""
    following = list(range(1, len(ids) + 1))
    before = list(range(-1, len(ids) - 1))
    alive = [True] * len(ids)
    heap = [(*ranks[pair], at, pair) for at, pair in enumerate(pairwise(ids)) if pair in ranks]
    heapq.heapify(heap)  # of (rank, id made, position, pair)
    while heap:
        _, new, at, pair = heapq.heappop(heap)
        after = following[at]
        if not alive[at] or after == len(ids) or (ids[at], ids[after]) != pair:
            continue  # one of the two was joined to another before
        ids[at], alive[after], following[at] = new, False, following[after]
        if following[at] < len(ids):
            before[following[at]] = at
        for left in (before[at], at):
            right = following[left]
            if left >= 0 and right < len(ids) and (ids[left], ids[right]) in ranks:
                pair = (ids[left], ids[right])
                heapq.heappush(heap, (*ranks[pair], left, pair))
    return [token for token, stays in zip(ids, alive, strict=True) if stays]
