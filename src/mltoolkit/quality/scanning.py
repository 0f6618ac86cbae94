"""A table of any size in one scan: its columns, its repeated rows, and a sample of its rows.

A table within a budget of cells is kept whole, row by row. A larger one is scanned: each column goes to a
collector (:mod:`mltoolkit.quality.collecting`), rows are told apart by a hash, and a uniform sample of rows is
kept for what takes whole rows, such as a column that gives the target away. Columns are gathered side by side on
all cores. What comes out is a :class:`Table` either way, and the checks and the profile take both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltoolkit.quality.collecting import Texts, Typed, as_text_array, collector
from mltoolkit.quality.hashing import Hashes, salted
from mltoolkit.quality.sketches import RowSample
from mltoolkit.quality.source import Batch, Lines, Source, open_source
from mltoolkit.quality.table import Column, Repeats, SampledRows, Table, table_of

if TYPE_CHECKING:
    import pandas as pd

WHOLE = 1_000_000  # cells of a table that is kept row by row
SAMPLE_ROWS = 1 << 15
_SAMPLE_CELLS = 1 << 22
_REMEMBERED = 1 << 25  # rows whose hashes are kept


def look_at(where: Path | str | pd.DataFrame | Source | Table, *, whole: int = WHOLE) -> Table:
    """A table to be profiled and checked, whole where it is small and scanned where it is not.

    Parameters
    ----------
    where : path, "-", DataFrame, database URL, Source or Table
    whole : int
        How many cells a table may have to be kept row by row.

    Raises
    ------
    CannotRead
        When it is missing, or no table.
    """
    if isinstance(where, Table):
        return where
    source = open_source(where)
    rows, kept = 0, []
    batches = source.batches()
    for batch in batches:
        kept.append(batch)
        rows += batch.data.num_rows
        if rows * len(source.header) > whole:
            return scan(source, chain(kept, batches))
    return table_of(source, kept)


def scan(source: Source, batches: Iterator[Batch] | None = None) -> Table:
    """Scan a table of any size.

    Parameters
    ----------
    source : Source
    batches : iterator of Batch, optional
        All batches of the source, where a scan has begun already.
    """
    gathered: list[Typed | Texts] = []
    sample = _Sample(len(source.header))
    repeats = _Repeats()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for data, lines in batches if batches is not None else source.batches():
            gathered = gathered or [
                collector(name, field.type) for name, field in zip(source.header, data.schema, strict=True)
            ]
            data = _prepared(data, gathered)
            jobs = ((i, gathered[i], data.column(i), lines) for i in range(len(gathered)))
            total = np.zeros(len(lines), dtype=np.uint64)
            for hashes in pool.map(_gather, jobs):
                total += hashes
            repeats.add(total, lines)
            sample.add(data, lines)
        if not gathered:
            return table_of(source, [])
        taken = sample.table()
        columns = tuple(pool.map(lambda i: _finish(gathered[i], taken, i), range(len(gathered))))
    rows = SampledRows(source.header, taken.combine_chunks().to_batches()[0], sample.lines())
    return Table(
        name=source.name,
        form=source.form,
        columns=columns,
        rows=sample.rows,
        lines=np.empty(0, dtype=np.int64),
        bytes=source.bytes,
        header=source.header,
        faults=source.faults,
        by_row=source.by_row,
        encoding=source.encoding,
        repeats=repeats.found(),
        sample=rows,
    )


def _prepared(data: pa.RecordBatch, gathered: list[Typed | Texts]) -> pa.RecordBatch:
    arrays = [
        as_text_array(array) if isinstance(part, Texts) else array
        for array, part in zip(data.columns, gathered, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=data.schema.names)


def _gather(job: tuple[int, Typed | Texts, pa.Array, NDArray[np.int64]]) -> Hashes:
    position, part, array, lines = job
    with np.errstate(over="ignore", invalid="ignore"):  # a thread has settings of its own
        return salted(part.add(array, lines), position)


def _finish(part: Typed | Texts, sample: pa.Table, position: int) -> Column:
    with np.errstate(over="ignore", invalid="ignore"):
        column = sample.column(position).combine_chunks()
        array = column if isinstance(column, pa.Array) else pa.concat_arrays(column.chunks)
        return part.finish(array)


class _Sample:
    """A uniform sample of rows."""

    def __init__(self, width: int) -> None:
        self._chosen = RowSample(max(256, min(SAMPLE_ROWS, _SAMPLE_CELLS // max(width, 1))))
        self._parts: list[pa.RecordBatch] = []
        self._lines = np.empty(0, dtype=np.int64)

    @property
    def rows(self) -> int:
        """How many rows there have been."""
        return self._chosen.seen

    def add(self, data: pa.RecordBatch, lines: NDArray[np.int64]) -> None:
        """Take some of the rows."""
        at, kept = self._chosen.choose(len(lines))
        self._parts.append(data.take(pa.array(at)))
        self._lines = np.concatenate([self._lines, lines[at]])
        if not kept.all():
            whole = pa.Table.from_batches(self._parts).filter(pa.array(kept)).combine_chunks()
            self._parts = whole.to_batches()
            self._lines = self._lines[kept]

    def table(self) -> pa.Table:
        """The rows."""
        return pa.Table.from_batches(self._parts)

    def lines(self) -> NDArray[np.int64]:
        """Their lines."""
        return self._lines


class _Repeats:
    """Rows equal to an earlier one, by their hashes; beyond 33 million rows by those of a part of the contents."""

    def __init__(self) -> None:
        self._parts: list[tuple[Hashes, NDArray[np.int64] | int]] = []
        self._size, self._halvings = 0, 0

    def add(self, hashes: Hashes, lines: NDArray[np.int64]) -> None:
        """Remember rows."""
        at: NDArray[np.int64] | int = lines
        if self._halvings:
            kept = hashes < self._limit
            hashes, at = hashes[kept], lines[kept]
        elif len(lines) and lines[-1] - lines[0] == len(lines) - 1:
            at = int(lines[0])  # one after the other
        self._parts.append((hashes, at))
        self._size += len(hashes)
        while self._size > _REMEMBERED:
            self._halvings += 1
            self._parts = [self._thinned(*part) for part in self._parts]
            self._size = sum(len(hashes) for hashes, _ in self._parts)

    @property
    def _limit(self) -> np.uint64:
        return np.uint64((2**64 - 1) >> self._halvings)

    def _thinned(self, hashes: Hashes, at: NDArray[np.int64] | int) -> tuple[Hashes, NDArray[np.int64]]:
        kept = hashes < self._limit
        lines = np.arange(at, at + len(hashes)) if isinstance(at, int) else at
        return hashes[kept], lines[kept]

    def found(self) -> Repeats:
        """How many there are, and the first of them."""
        ordered = (
            np.sort(np.concatenate([hashes for hashes, _ in self._parts])) if self._parts else np.empty(0, np.uint64)
        )
        again = ordered[1:][ordered[1:] == ordered[:-1]]
        found = Lines(len(again) << self._halvings)
        if len(again):
            several = np.unique(again)
            seen: set[int] = set()
            for hashes, at in self._parts:
                for i in np.flatnonzero(np.isin(hashes, several)):
                    if int(hashes[i]) in seen and len(found.first) < 5:
                        found.first.append(at + int(i) if isinstance(at, int) else int(at[i]))
                    seen.add(int(hashes[i]))
                if len(found.first) == 5:
                    break
        return Repeats(found, self._halvings == 0)
