"""The unigram model, compiled: equal to the functions of `em`, made for megabytes.

The tokens are a trie in a hash table: (node, byte) -> next node. A walk from each start of a piece meets every token
that begins there, the shortest first.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from mltoolkit.llm._bpe._kernels import find_pair
from mltoolkit.llm._pieces._kernels import piece_end

_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(cache=True)
def trie(texts: Any, ends: Any, slots: int) -> Any:
    """Edges as packed (node, byte), the node that each leads to, and the token that ends at a node, or -1."""
    edges = np.full(slots, _EMPTY, np.uint64)
    targets = np.empty(slots, np.int32)
    token_at = np.full(len(texts) + 1, -1, np.int32)
    nodes = 1
    start = 0
    for token in range(len(ends)):
        node = 0
        for i in range(start, ends[token]):
            slot = find_pair(edges, node, texts[i])
            if edges[slot] == _EMPTY:
                edges[slot] = (np.uint64(node) << np.uint64(32)) | np.uint64(texts[i])
                targets[slot] = nodes
                nodes += 1
            node = targets[slot]
        token_at[node] = token
        start = ends[token]
    return edges, targets, token_at


@numba.njit
def _step(edges: Any, targets: Any, node: int, byte: Any) -> Any:
    slot = find_pair(edges, node, byte)
    return -1 if edges[slot] == _EMPTY else targets[slot]


@numba.njit
def _best_paths(
    text: Any,
    edges: Any,
    targets: Any,
    token_at: Any,
    scores: Any,
    without: int,
    best: Any,
    token_to: Any,
    start_of: Any,
) -> None:
    """Viterbi: for each end in a text the best score up to it, its last token and where that begins.

    ``without`` is a token that may not be used, -1 for none.
    """
    size = len(text)
    best[0] = 0.0
    best[1 : size + 1] = -np.inf
    for start in range(size):
        node = 0
        for at in range(start, size):
            node = _step(edges, targets, node, text[at])
            if node < 0:
                break
            token = token_at[node]
            if token >= 0 and token != without and best[start] + scores[token] > best[at + 1]:
                best[at + 1] = best[start] + scores[token]
                token_to[at + 1], start_of[at + 1] = token, start


@numba.njit(cache=True)
def segment(data: Any, end: int, kinds: Any, edges: Any, targets: Any, token_at: Any, scores: Any, out: Any) -> Any:
    """Tokens of the best segmentation of each piece of a text into ``out``; gives how many there are."""
    best, token_to = np.empty(64), np.empty(64, np.int32)
    start_of = np.empty(64, np.int64)
    i = count = 0
    while i < end:
        after = piece_end(data, i, end, kinds)
        size = after - i
        if size + 1 > len(best):
            best, token_to = np.empty(2 * size), np.empty(2 * size, np.int32)
            start_of = np.empty(2 * size, np.int64)
        _best_paths(data[i:after], edges, targets, token_at, scores, -1, best, token_to, start_of)
        tokens, at = 0, size
        while at:
            tokens += 1
            at = start_of[at]
        at = size
        for place in range(count + tokens - 1, count - 1, -1):
            out[place] = token_to[at]
            at = start_of[at]
        count += tokens
        i = after
    return count


@numba.njit
def _log_add(a: Any, b: Any) -> Any:
    high, low = (a, b) if a > b else (b, a)
    return high if low == -np.inf else high + np.log1p(np.exp(low - high))


@numba.njit(cache=True)
def expect(texts: Any, ends: Any, counts: Any, edges: Any, targets: Any, token_at: Any, scores: Any, out: Any) -> float:
    """Expected uses of each token over all segmentations, added to ``out``; gives the log likelihood."""
    likelihood = 0.0
    start_of_piece = 0
    arcs_start, arcs_end = np.empty(1024, np.int64), np.empty(1024, np.int64)
    arcs_token = np.empty(1024, np.int32)
    for piece in range(len(ends)):
        size = ends[piece] - start_of_piece
        forward, backward = np.full(size + 1, -np.inf), np.full(size + 1, -np.inf)
        forward[0] = backward[size] = 0.0
        n_arcs = 0
        for start in range(size):
            node = 0
            for at in range(start, size):
                node = _step(edges, targets, node, texts[start_of_piece + at])
                if node < 0:
                    break
                token = token_at[node]
                if token < 0:
                    continue
                if n_arcs == len(arcs_start):
                    more = np.empty(2 * n_arcs, np.int64)
                    more[:n_arcs] = arcs_start
                    arcs_start = more
                    more = np.empty(2 * n_arcs, np.int64)
                    more[:n_arcs] = arcs_end
                    arcs_end = more
                    tokens = np.empty(2 * n_arcs, np.int32)
                    tokens[:n_arcs] = arcs_token
                    arcs_token = tokens
                arcs_start[n_arcs], arcs_end[n_arcs], arcs_token[n_arcs] = start, at + 1, token
                n_arcs += 1
                forward[at + 1] = _log_add(forward[at + 1], forward[start] + scores[token])
        for arc in range(n_arcs - 1, -1, -1):
            start, score = arcs_start[arc], scores[arcs_token[arc]]
            backward[start] = _log_add(backward[start], score + backward[arcs_end[arc]])
        for arc in range(n_arcs):
            token = arcs_token[arc]
            path = forward[arcs_start[arc]] + scores[token] + backward[arcs_end[arc]] - forward[size]
            out[token] += counts[piece] * np.exp(path)
        likelihood += counts[piece] * forward[size]
        start_of_piece = ends[piece]
    return likelihood


@numba.njit(cache=True)
def instead(texts: Any, ends: Any, edges: Any, targets: Any, token_at: Any, scores: Any, out: Any) -> None:
    """For each token the score of its best segmentation into others, ``-inf`` where there is none."""
    start_of_token = 0
    best, token_to, start_of = np.empty(256), np.empty(256, np.int32), np.empty(256, np.int64)
    for token in range(len(ends)):
        size = ends[token] - start_of_token
        if size + 1 > len(best):
            best, token_to = np.empty(2 * size), np.empty(2 * size, np.int32)
            start_of = np.empty(2 * size, np.int64)
        text = texts[start_of_token : ends[token]]
        _best_paths(text, edges, targets, token_at, scores, token, best, token_to, start_of)
        out[token] = best[size]
        start_of_token = ends[token]
