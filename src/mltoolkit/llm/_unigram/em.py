"""The unigram model, to be read: pieces to begin with, EM for their probabilities, and which of them to give up.

A piece's score is its log probability. The M step divides expected counts by their sum after a digamma, as a Bayesian
with a sparse prior would: it takes from the rare and so makes room for fewer, better pieces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from scipy.special import digamma

SEEDS = 8  # substrings to begin with, for each token that is wanted
ROUNDS = 2  # of EM before pieces are given up
_LEAST = 0.5  # expected uses below which a piece goes at once; single bytes are counted as often at least


def seeds(counts: Mapping[bytes, int], wanted: int, longest: int) -> dict[bytes, float]:
    """The substrings of pieces that cover most bytes, from character to character, and every single byte."""
    found: Counter[bytes] = Counter()
    for piece, count in counts.items():
        borders = [at for at, byte in enumerate(piece) if byte & 0xC0 != 0x80] + [len(piece)]
        for number, start in enumerate(borders):
            for end in borders[number + 1 :]:
                if end - start > longest:
                    break
                found[piece[start:end]] += count
    often = {token: count for token, count in found.items() if len(token) > 1 and count > 1}
    ranked = sorted(often, key=lambda token: (-often[token] * len(token), token))[:wanted]
    singles = Counter({bytes([byte]): 0 for byte in range(256)})
    for piece, count in counts.items():
        for byte in piece:
            singles[bytes([byte])] += count
    return maximize({**singles, **{token: often[token] for token in ranked}})


def maximize(expected: Mapping[bytes, float]) -> dict[bytes, float]:
    """Scores from expected counts (the M step)."""
    kept = {token: max(count, _LEAST) for token, count in expected.items() if count >= _LEAST or len(token) == 1}
    values = digamma(np.array(list(kept.values()))) - digamma(sum(kept.values()))
    return dict(zip(kept, values.tolist(), strict=True))


def best_segmentation(piece: bytes, scores: Mapping[bytes, float], longest: int, without: bytes = b"") -> list[bytes]:
    """The segmentation with the highest sum of scores (Viterbi); of two as good, the one with the longer last token."""
    best = [0.0] + [-np.inf] * len(piece)
    starts = [0] * (len(piece) + 1)
    for start in range(len(piece)):
        for end in range(start + 1, min(start + longest, len(piece)) + 1):
            token = piece[start:end]
            score = scores.get(token)
            if score is not None and token != without and best[start] + score > best[end]:
                best[end], starts[end] = best[start] + score, start
    found, end = [], len(piece)
    while end:
        found.append(piece[starts[end] : end])
        end = starts[end]
    return found[::-1]


def expected_counts(scores: Mapping[bytes, float], counts: Mapping[bytes, int]) -> tuple[dict[bytes, float], float]:
    """How often each token is expected over all segmentations, and the log likelihood (the E step).

    ``forward[t]`` is the log probability of all ways to write the first t bytes, ``backward[t]`` that of the rest.
    """
    longest = max(map(len, scores))
    expected = dict.fromkeys(scores, 0.0)
    likelihood = 0.0
    for piece, count in counts.items():
        size = len(piece)
        arcs = [
            (start, end, piece[start:end], scores[piece[start:end]])
            for start in range(size)
            for end in range(start + 1, min(start + longest, size) + 1)
            if piece[start:end] in scores
        ]
        forward, backward = np.full(size + 1, -np.inf), np.full(size + 1, -np.inf)
        forward[0] = backward[size] = 0.0
        for start, end, _, score in arcs:
            forward[end] = np.logaddexp(forward[end], forward[start] + score)
        for start, end, _, score in reversed(arcs):
            backward[start] = np.logaddexp(backward[start], score + backward[end])
        for start, end, token, score in arcs:
            expected[token] += count * float(np.exp(forward[start] + score + backward[end] - forward[size]))
        likelihood += count * float(forward[size])
    return expected, likelihood


def scores_without(scores: Mapping[bytes, float]) -> dict[bytes, float]:
    """For each token of more than one byte the score of what would be written in its place."""
    longest = max(map(len, scores))
    return {
        token: sum(scores[part] for part in best_segmentation(token, scores, longest, without=token))
        for token in scores
        if len(token) > 1
    }


def prune(
    scores: Mapping[bytes, float], expected: Mapping[bytes, float], instead: Mapping[bytes, float], keep: int
) -> dict[bytes, float]:
    """The tokens without which the likelihood would fall most; single bytes always stay.

    A token that goes is written by its own best segmentation, so each of its uses costs the difference in score.
    """
    losses = {token: round(expected[token] * (scores[token] - other), 6) for token, other in instead.items()}
    ranked = sorted(losses, key=lambda token: (-losses[token], token))
    kept = set(ranked[: keep - 256])
    return {token: score for token, score in scores.items() if len(token) == 1 or token in kept}
