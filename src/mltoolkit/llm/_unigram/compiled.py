"""The unigram model on large texts, through compiled code; the same results as the functions of `em`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.llm._pieces.pace import kinds

_PADDING = bytes(16)  # the compiled code reads eight bytes at a time


def expected_counts(scores: Mapping[bytes, float], counts: Mapping[bytes, int]) -> tuple[dict[bytes, float], float]:
    """As `em.expected_counts`."""
    from mltoolkit.llm._unigram import _kernels

    tokens = list(scores)
    expected = np.zeros(len(tokens))
    expect: Any = _kernels.expect
    likelihood = expect(
        *_joined(list(counts)), np.array(list(counts.values()), dtype=np.int64), *_trie(tokens),
        np.array(list(scores.values())), expected,
    )  # fmt: skip
    return dict(zip(tokens, expected.tolist(), strict=True)), float(likelihood)


def scores_without(scores: Mapping[bytes, float]) -> dict[bytes, float]:
    """As `em.scores_without`."""
    from mltoolkit.llm._unigram import _kernels

    tokens = list(scores)
    out = np.empty(len(tokens))
    instead: Any = _kernels.instead
    instead(*_joined(tokens), *_trie(tokens), np.array(list(scores.values())), out)
    return {token: score for token, score in zip(tokens, out.tolist(), strict=True) if len(token) > 1}


class Encoder:
    """Encodes texts by the best segmentation of each piece.

    Parameters
    ----------
    tokens : sequence of bytes
    scores : ndarray of shape (tokens,)
    first_id : int
        Id of the first of them.
    """

    def __init__(self, tokens: Sequence[bytes], scores: NDArray[np.float64], first_id: int) -> None:
        self._trie = _trie(tokens)
        self._scores = scores
        self._first_id = first_id

    def encode(self, text: bytes) -> NDArray[np.int32]:
        """Ids of a text in UTF-8, shape (number of ids,)."""
        from mltoolkit.llm._unigram import _kernels

        out = np.empty(len(text), dtype=np.int32)
        data = np.frombuffer(text + _PADDING, dtype=np.uint8)
        segment: Any = _kernels.segment
        count = segment(data, len(text), kinds(), *self._trie, self._scores, out)
        return out[:count] + np.int32(self._first_id)


def _trie(tokens: Sequence[bytes]) -> Any:
    from mltoolkit.llm._unigram import _kernels

    texts, ends = _joined(tokens)
    return _kernels.trie(texts, ends, 1 << (2 * len(texts) + 16).bit_length())


def _joined(texts: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    data = np.frombuffer(b"".join([*texts, _PADDING]), dtype=np.uint8)[: -len(_PADDING)]
    return data, np.cumsum([len(text) for text in texts], dtype=np.int64)
