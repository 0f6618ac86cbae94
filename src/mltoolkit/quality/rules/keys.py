"""Which values come more than once, of any number of rows, in bounded memory.

Every value becomes a key of 64 bits: numbers by their own bits, so that ``1`` is ``1.0``, texts by a hash. Keys
are kept in memory up to a limit and then in temporary files, split by their leading bits, so that each part can
be sorted alone. Two texts share a key with probability n² / 2⁶⁵; where keys repeat, a second scan looks at the
values themselves (:mod:`mltoolkit.quality.rules.uniqueness`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.hashing import GOLDEN, MISSING_HASH, hash_texts, mix
from mltoolkit.quality.rules.views import ColumnView

Keys = NDArray[np.uint64]

_IN_MEMORY = 2**24  # keys, 128 MiB
_PARTS = 64
_EXACT = 2.0**53  # from here on neighbouring integers are one float


def number_keys(numbers: NDArray[Any]) -> Keys:
    """Keys of numbers, equal where the numbers are; a whole number keeps its bits where no float holds it."""
    floats = numbers.astype(np.float64) + 0.0  # -0.0 becomes 0.0
    keys = floats.view(np.uint64)
    if numbers.dtype == np.int64:
        large = np.abs(floats) >= _EXACT
        if large.any():
            keys = np.where(large, mix(numbers.view(np.uint64) + np.uint64(1)), keys)
    return keys


def _text_keys(view: ColumnView) -> Keys:
    return hash_texts(view.cells.fill_null("") if view.cells.null_count else view.cells)


def cell_keys(view: ColumnView, *, as_text: bool = False) -> Keys:
    """Keys of a column's cells; with ``as_text``, letter by letter."""
    if view.kind in ("date", "integer"):
        return (view.cell_dates if view.kind == "date" else view.cell_numbers).view(np.uint64)
    if view.kind == "text":
        if as_text:
            return _text_keys(view)
        if view.cells_are_numbers is None:
            return number_keys(view.cell_numbers)
        keys = _text_keys(view)
        numeric = view.cells_are_numbers
        if numeric.any():
            keys[numeric] = number_keys(view.cell_numbers[numeric])
        return keys
    return number_keys(view.cell_numbers)


def row_keys(views: list[ColumnView], *, as_text: list[bool]) -> Keys:
    """One key a row for the values of several columns together, missing ones included."""
    total = np.zeros(views[0].n, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for position, (view, by_text) in enumerate(zip(views, as_text, strict=True)):
            keys = mix(view.spread(cell_keys(view, as_text=by_text)))
            if view.missing is not None:
                keys = np.where(view.missing, MISSING_HASH, keys)
            total = mix(total + keys + np.uint64(position + 1) * GOLDEN)
    return total


class KeyStore:
    """Keys of all rows so far."""

    def __init__(self) -> None:
        self.total = 0
        self._chunks: list[Keys] = []
        self._held = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def add(self, keys: Keys) -> None:
        """Take in some rows' keys."""
        if len(keys) == 0:
            return
        self.total += len(keys)
        self._chunks.append(keys)
        self._held += len(keys)
        if self._held >= _IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="datasanity-")
        keys = np.concatenate(self._chunks)
        parts = (mix(keys) >> np.uint64(58)).astype(np.int64)
        order = np.argsort(parts, kind="stable")
        edges = np.searchsorted(parts[order], np.arange(_PARTS + 1))
        for part in range(_PARTS):
            with (Path(self._folder.name) / str(part)).open("ab") as file:
                keys[order[edges[part] : edges[part + 1]]].tofile(file)
        self._chunks, self._held = [], 0

    def _parts(self) -> Iterator[Keys]:
        """All keys, sorted, part by part; equal ones are in one part."""
        if self._folder is None:
            yield np.sort(np.concatenate(self._chunks)) if self._chunks else np.empty(0, np.uint64)
            return
        if self._chunks:
            self._spill()
        for part in range(_PARTS):
            yield np.sort(np.fromfile(Path(self._folder.name) / str(part), np.uint64))

    def counts(self) -> Iterator[tuple[Keys, NDArray[np.int64]]]:
        """Distinct keys with how often each comes, part by part."""
        for ordered in self._parts():
            yield _counted(ordered)

    def distinct(self) -> int:
        """How many different keys there are."""
        return sum(len(keys) for keys, _ in self.counts())

    def repeated(self) -> tuple[Keys, int]:
        """The keys that come more than once, sorted, and how many rows have one."""
        found, rows = [np.empty(0, np.uint64)], 0
        for ordered in self._parts():
            twice = ordered[1:] == ordered[:-1]
            if twice.any():
                keys, counts = _counted(ordered)
                found.append(keys[counts > 1])
                rows += int(counts[counts > 1].sum())
        return np.sort(np.concatenate(found)), rows

    def most_common(self) -> tuple[Keys, int]:
        """The keys that come most often, and how often."""
        best, most = np.empty(0, np.uint64), 0
        for keys, counts in self.counts():
            top = int(counts.max(initial=0))
            if top >= most and top:
                best = keys[counts == top] if top > most else np.concatenate([best, keys[counts == top]])
                most = top
        return best, most

    def close(self) -> None:
        """Remove the temporary files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _counted(ordered: Keys) -> tuple[Keys, NDArray[np.int64]]:
    if len(ordered) == 0:
        return ordered, np.empty(0, np.int64)
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return ordered[begins], np.diff(np.r_[begins, len(ordered)])


def contains(ordered: Keys, keys: Keys) -> NDArray[np.bool_]:
    """Which keys are among sorted ones."""
    if len(ordered) == 0:
        return np.zeros(len(keys), dtype=bool)
    places = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return np.asarray(ordered[places] == keys)
