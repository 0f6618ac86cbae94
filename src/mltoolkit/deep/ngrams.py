"""Counting as a language model: n-grams with interpolated Kneser-Ney smoothing.

What a model of text has to beat. An n-gram is one whole number, its symbols the digits in base V, so that counting is
sorting, and a look-up in all contexts at once is a binary search: there is no loop over the text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mltoolkit.errors import BadInput


@dataclass(frozen=True)
class _Level:
    """Counts of the n-grams of one length, in order of their numbers."""

    grams: NDArray[np.int64]
    counts: NDArray[np.int64]
    contexts: NDArray[np.int64]
    totals: NDArray[np.int64]  # of the counts in a context
    kinds: NDArray[np.int64]  # different symbols in a context
    discount: float


class NGram:
    """The probability of a symbol from the ``order - 1`` before it.

    Parameters
    ----------
    order : int, default 5
        1 for unigrams, 2 for bigrams, and so on.

    Attributes
    ----------
    vocabulary_size_ : int
        V, after ``fit``.
    discounts_ : tuple of float
        What is taken from each count, from unigrams up: n₁ / (n₁ + 2 n₂) of the n-grams that are seen once and twice.

    Raises
    ------
    ValueError
        When ``order`` is not a whole number of at least 1.

    Notes
    -----
    A level takes the discount from each count and hands what it took to the level below, where the context is shorter;
    below unigrams all symbols are equally likely, so that nothing has probability 0. Below the highest level a symbol
    counts once for each different symbol in front of it (Kneser and Ney): "Francisco" is frequent and yet follows one
    word alone, so it is unlikely where its own context is unknown.

    References
    ----------
    Kneser, R., Ney, H. (1995). Improved backing-off for m-gram language modeling. *ICASSP*.
    Chen, S. F., Goodman, J. (1999). An empirical study of smoothing techniques for language modeling. *Computer Speech
    and Language* 13(4), 359-394.

    Examples
    --------
    >>> model = NGram(2).fit([0, 1, 0, 1, 0, 2, 0, 1], vocabulary_size=3)
    >>> model.probabilities([0]).round(3)
    array([0.125, 0.688, 0.188])
    """

    def __init__(self, order: int = 5) -> None:
        if isinstance(order, bool) or not isinstance(order, int) or order < 1:
            raise BadInput(f"NGram: order={order!r} must be a whole number of at least 1")
        self.order = order

    def fit(self, ids: ArrayLike, vocabulary_size: int) -> NGram:
        """Count.

        Parameters
        ----------
        ids : array-like of int, shape (N,)
            The text, symbols from 0 to below ``vocabulary_size``; N at least ``order``.
        vocabulary_size : int
            V; ``V ** order`` must stay below 2⁶³.

        Returns
        -------
        NGram
            Itself.

        Raises
        ------
        ValueError
            When the text is too short or has symbols out of range, or V is too large.
        """
        text = _text(ids, vocabulary_size, self.order)
        if vocabulary_size**self.order >= 2**63:
            raise BadInput(
                f"NGram: {vocabulary_size} symbols in {self.order}-grams have no 64-bit numbers; lower order"
            )
        self.vocabulary_size_ = vocabulary_size
        levels = []
        grams, counts = np.unique(_numbers(text, vocabulary_size, self.order), return_counts=True)
        for length in range(self.order, 0, -1):
            levels.append(_level(grams, counts, vocabulary_size))
            # One for each different symbol in front: a gram without its first digit, counted over different grams.
            grams, counts = np.unique(grams % vocabulary_size ** (length - 1), return_counts=True)
        self._levels = levels[::-1]
        self.discounts_ = tuple(level.discount for level in self._levels)
        return self

    def log_probabilities(self, ids: ArrayLike) -> NDArray[np.float64]:
        """Logarithm (natural) of the probability of each symbol after those before it, shape (N,).

        The first symbols have shorter contexts.
        """
        text = _text(ids, self.vocabulary_size_, 1)
        p = np.full(len(text), 1.0 / self.vocabulary_size_)
        for length, level in enumerate(self._levels[: len(text)], 1):
            numbers = _numbers(text, self.vocabulary_size_, length)
            p[length - 1 :] = self._mixed(level, numbers, p[length - 1 :])
        logs: NDArray[np.float64] = np.log(p)
        return logs

    def nats(self, ids: ArrayLike) -> float:
        """Mean cross-entropy in nats a symbol, of all but the first; its exponential is the perplexity."""
        return -float(np.mean(self.log_probabilities(ids)[1:]))

    def probabilities(self, context: ArrayLike) -> NDArray[np.float64]:
        """Probabilities of all V symbols after a context, of which the last ``order - 1`` symbols count."""
        V = self.vocabulary_size_
        before = _text(context, V, 0)[-(self.order - 1) :] if self.order > 1 else np.empty(0, np.int64)
        p = np.full(V, 1.0 / V)
        for length, level in enumerate(self._levels[: len(before) + 1], 1):
            start = before[len(before) - length + 1 :]
            number = int(_numbers(start, V, len(start))[0]) if len(start) else 0
            p = self._mixed(level, number * V + np.arange(V), p)
        return p

    def _mixed(self, level: _Level, numbers: NDArray[np.int64], below: NDArray[np.float64]) -> NDArray[np.float64]:
        """A level's probabilities of n-grams by number, from those of the level below."""
        count = _look_up(level.grams, level.counts, numbers)
        context = numbers // self.vocabulary_size_
        total = _look_up(level.contexts, level.totals, context)
        kinds = _look_up(level.contexts, level.kinds, context)
        seen = total > 0
        total = np.where(seen, total, 1)
        mixed = (np.maximum(count - level.discount, 0.0) + level.discount * kinds * below) / total
        return np.where(seen, mixed, below)


def _level(grams: NDArray[np.int64], counts: NDArray[np.int64], V: int) -> _Level:
    contexts, starts = np.unique(grams // V, return_index=True)
    kinds = np.diff(starts, append=len(grams))
    once, twice = int(np.sum(counts == 1)), int(np.sum(counts == 2))
    # Without n-grams seen once or twice the estimate is 0 or 0 / 0, and a new symbol would have no probability.
    discount = once / (once + 2 * twice) if once and twice else 0.5
    return _Level(grams, counts, contexts, np.add.reduceat(counts, starts), kinds, discount)


def _numbers(text: NDArray[np.int64], V: int, length: int) -> NDArray[np.int64]:
    """The number of the n-gram that starts at each place, shape (N - length + 1,)."""
    count = len(text) - length + 1
    numbers = np.zeros(count, dtype=np.int64)
    for k in range(length):
        numbers = numbers * V + text[k : k + count]
    return numbers


def _look_up(keys: NDArray[np.int64], values: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Values by sorted keys; 0 for a key that is not there."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


def _text(ids: ArrayLike, V: int, least: int) -> NDArray[np.int64]:
    text = np.asarray(ids)
    if text.size == 0:
        text = text.astype(np.int64)
    faults = []
    if text.ndim != 1 or text.dtype.kind not in "iu":
        faults.append(f"ids have shape {text.shape} and dtype {text.dtype}, expected whole numbers of shape (N,)")
    elif text.size and not 0 <= text.min() <= text.max() < V:
        faults.append(f"ids go from {text.min()} to {text.max()}, expected 0 to {V - 1}")
    if text.size < least:
        faults.append(f"there are {text.size} symbols, at least {least} are needed")
    if faults:
        raise BadInput("NGram: " + "; ".join(faults))
    return text.astype(np.int64)
