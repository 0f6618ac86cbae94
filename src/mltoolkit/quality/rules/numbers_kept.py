"""The numbers of a column, kept so that exact order statistics can be read off at the end, in bounded memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_IN_MEMORY = 2**24  # numbers, 128 MiB
_PLACE_OF_MINUS_INFINITY = 2**52 - 1
_PLACE_OF_INFINITY = 2**63 + 0x7FF0_0000_0000_0000


class KeptNumbers:
    """Numbers, in memory up to a limit and then as sorted runs in temporary files."""

    def __init__(self) -> None:
        self.total = 0
        self._chunks: list[NDArray[np.float64]] = []
        self._held = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._runs: list[NDArray[np.float64]] = []

    def add(self, numbers: NDArray[np.float64]) -> None:
        """Take in some numbers."""
        self.total += len(numbers)
        self._held += len(numbers)
        self._chunks.append(numbers)
        if self._held >= _IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="datasanity-")
        path = Path(self._folder.name) / str(len(self._runs))
        np.sort(np.concatenate(self._chunks)).tofile(path)
        self._runs.append(np.memmap(path, dtype=np.float64, mode="r"))
        self._chunks, self._held = [], 0

    def smallest(self, ranks: NDArray[np.int64]) -> NDArray[np.float64]:
        """The numbers of given ranks, from 0, in rising order."""
        runs = [*self._runs, np.sort(np.concatenate(self._chunks))] if self._chunks else self._runs
        if len(runs) == 1:
            return np.asarray(runs[0][ranks])
        return np.array([_ranked(runs, int(rank)) for rank in ranks])

    def quantiles(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest value to each quantile, halves to the even rank, as pandas' ``"nearest"``."""
        return self.smallest(np.rint(shares * (self.total - 1)).astype(np.int64))

    def median(self) -> float:
        """The middle value, or the mean of the middle two."""
        middle = np.array([(self.total - 1) // 2, self.total // 2])
        low, high = self.smallest(middle)
        return float(low) if low == high else float(low + (high - low) / 2 if np.isfinite(high - low) else low + high)

    def close(self) -> None:
        """Remove the temporary files."""
        if self._folder is not None:
            self._runs = []
            self._folder.cleanup()
            self._folder = None


def _ranked(runs: list[NDArray[np.float64]], rank: int) -> float:
    """The number of a rank among sorted runs, by halving the interval of the floats' own order."""
    low, high = _PLACE_OF_MINUS_INFINITY, _PLACE_OF_INFINITY
    while low < high:
        middle = (low + high) // 2
        value = _float_at(middle)
        if sum(int(np.searchsorted(run, value, side="right")) for run in runs) > rank:
            high = middle
        else:
            low = middle + 1
    return _float_at(low)


def _float_at(place: int) -> float:
    """The float at a place of the floats' order: negative ones run backwards in their bits."""
    bits = place - 2**63 if place >= 2**63 else (2**64 - 1) - place
    return float(np.array([bits], dtype=np.uint64).view(np.float64)[0])
