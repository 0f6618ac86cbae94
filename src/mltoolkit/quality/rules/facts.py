"""What one scan of a good table tells about each column: the facts that rules are suggested from.

Everything is held in bounded memory: values are counted up to a number of different ones, numbers are sampled
(and their extremes kept), spellings are looked at in the first cells of each batch.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltoolkit.quality.rules.keys import KeyStore, cell_keys
from mltoolkit.quality.rules.views import ColumnView

_MOST_COUNTED = 2_000  # different values up to which each is counted
_SPELLINGS = 20_000  # texts of which the spelling is looked at
_SAMPLE = 50_000
_EXTREMES = 32

FactKind = Literal["empty", "boolean", "integer", "float", "date", "text"]


class Sample:
    """A uniform sample of numbers, and the smallest and largest few of all."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._numbers = np.empty(0)
        self._places = np.empty(0)
        self.low = np.empty(0)
        self.high = np.empty(0)

    def add(self, numbers: NDArray[np.float64]) -> None:
        """Take in some numbers."""
        places = self._rng.random(len(numbers))
        self._numbers = np.concatenate([self._numbers, numbers])
        self._places = np.concatenate([self._places, places])
        if len(self._places) > _SAMPLE:
            kept = np.argpartition(self._places, _SAMPLE)[:_SAMPLE]
            self._numbers, self._places = self._numbers[kept], self._places[kept]
        ends = np.concatenate([self.low, numbers])
        self.low = np.sort(np.partition(ends, _EXTREMES)[:_EXTREMES] if len(ends) > _EXTREMES else ends)
        ends = -np.concatenate([self.high, numbers])
        self.high = -np.sort(np.partition(ends, _EXTREMES)[:_EXTREMES] if len(ends) > _EXTREMES else ends)

    def median(self) -> float:
        """The middle of the sample."""
        return float(np.median(self._numbers))


class ColumnFacts:
    """One column's facts; complete when every batch was taken in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.missing = 0
        self.numbers = self.whole = self.codes = self.booleans = self.dates = 0
        self.typed = ""
        self.counts: Counter[Any] | None = Counter()
        self.sample = Sample(0)
        self.shortest, self.longest = 10**9, 0
        self.lengths = Sample(1)
        self.first_date, self.last_date = np.datetime64("NaT", "us"), np.datetime64("NaT", "us")
        self.texts: dict[str, int] = {}
        self.keys: KeyStore | None = KeyStore()

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def kind(self) -> FactKind:
        """What all values are; text when they are not all of one other kind."""
        if not self.present:
            return "empty"
        if self.booleans == self.present and self.numbers == 0:
            return "boolean"
        if self.numbers == self.present and not self.codes:
            return "integer" if self.whole == self.present else "float"
        return "date" if self.dates == self.present else "text"

    def update(self, view: ColumnView) -> None:
        """Take in a batch."""
        self.rows += view.n
        self.missing += view.n - view.present
        self.typed = view.kind if view.kind != "text" else ""
        if not view.present:
            return
        weights = view.cell_weights
        number = np.ones(len(weights), dtype=bool) if view.cells_are_numbers is None else view.cells_are_numbers
        self.numbers += int(weights[number].sum())
        self.whole += int(weights[number & view.cells_are_whole].sum())
        self.codes += int(weights[view.cells_are_codes].sum())
        self.booleans += int(weights[view.cells_are_booleans].sum())
        self._numbers(view)
        self._dates(view, weights, number)
        self._count(view, weights)
        self._keep_keys(view)
        if view.kind == "text":
            self._spell(view, weights)

    def _numbers(self, view: ColumnView) -> None:
        if self.numbers < self.rows - self.missing:
            return  # a text among them: no column of numbers
        values = view.numbers if view.missing is None else view.numbers[~view.missing]
        values = values.astype(np.float64)
        self.sample.add(values[np.isfinite(values)])

    def _dates(self, view: ColumnView, weights: NDArray[np.int64], number: NDArray[np.bool_]) -> None:
        if view.kind not in ("text", "date") or (view.kind == "text" and number[weights > 0].any()):
            return
        dated = ~np.isnat(view.cell_dates) & (weights > 0)
        if dated.any():
            self.dates += int(weights[dated].sum())
            self.first_date = np.fmin(self.first_date, view.cell_dates[dated].min())
            self.last_date = np.fmax(self.last_date, view.cell_dates[dated].max())

    def _count(self, view: ColumnView, weights: NDArray[np.int64]) -> None:
        if self.counts is None or view.kind == "date":
            return
        if view.kind == "text":
            values, tally = view.cells.to_pylist(), weights
        else:
            present = view.numbers if view.missing is None else view.numbers[~view.missing]
            found, tally = np.unique(present, return_counts=True)
            values = found.tolist()
        if len(values) > _MOST_COUNTED and len(set(values)) > _MOST_COUNTED:
            self.counts = None
            return
        for value, count in zip(values, tally.tolist(), strict=True):
            if count:
                self.counts[value] += count
        if len(self.counts) > _MOST_COUNTED:
            self.counts = None

    def _keep_keys(self, view: ColumnView) -> None:
        """Keys, for as long as no value came twice."""
        if self.keys is None:
            return
        keys = view.spread(cell_keys(view, as_text=view.kind == "text"))
        keys = keys if view.missing is None else keys[~view.missing]
        if view.kind == "float" or len(np.unique(keys)) < len(keys):
            self.keys.close()
            self.keys = None
        else:
            self.keys.add(keys)

    def _spell(self, view: ColumnView, weights: NDArray[np.int64]) -> None:
        lengths = view.cell_lengths[weights > 0]
        self.shortest, self.longest = min(self.shortest, int(lengths.min())), max(self.longest, int(lengths.max()))
        self.lengths.add(lengths.astype(np.float64))
        room = _SPELLINGS - len(self.texts)
        if room > 0:
            some = np.flatnonzero(weights > 0)[:room]
            for text, count in zip(view.cells.take(pa.array(some)).to_pylist(), weights[some].tolist(), strict=True):
                self.texts[text] = self.texts.get(text, 0) + count

    def unique(self) -> bool:
        """Whether no value came twice."""
        if self.keys is None or not self.present:
            return False
        return self.keys.distinct() == self.keys.total

    def close(self) -> None:
        """Remove temporary files."""
        if self.keys is not None:
            self.keys.close()
