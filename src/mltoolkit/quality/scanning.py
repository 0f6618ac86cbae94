"""A table of any size in one scan: its columns, its repeated rows, and a sample of its rows.

A table within a budget of cells is kept whole, row by row. A larger one is scanned: each column goes to a
collector (:mod:`mltoolkit.quality.collecting`), rows are told apart by a hash, and a uniform sample of rows is
kept for what takes whole rows, such as a column that gives the target away. Columns are gathered side by side on
all cores. What comes out is a :class:`Table` either way, and the checks and the profile take both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltoolkit.quality.collecting import Texts, Typed, as_text_array, collector
from mltoolkit.quality.hashing import Hashes, repeated, salted
from mltoolkit.quality.sketches import RowSample, Winners, winners
from mltoolkit.quality.source import LARGE_FILE, Batch, Lines, Source, open_source
from mltoolkit.quality.table import Column, Repeats, SampledRows, Table, table_of

if TYPE_CHECKING:
    import pandas as pd

WHOLE = 1_000_000  # cells of a table that is kept row by row
SAMPLE_ROWS = 1 << 15
_SAMPLE_CELLS = 1 << 22
_REMEMBERED = 1 << 25  # rows whose hashes are kept
_LARGE_TABLE = 1 << 24  # cells from which compiled loops pay


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
    if (source.rows or 0) * len(source.header) > whole:
        return scan(source)
    rows, kept = 0, []
    batches = source.batches()
    for batch in batches:
        kept.append(batch)
        rows += batch.data.num_rows
        if rows * len(source.header) > whole:
            return scan(source, chain(kept, batches))
    return table_of(source, kept)


def scan(source: Source, batches: Iterator[Batch] | None = None, *, compiled: bool | None = None) -> Table:
    """Scan a table of any size.

    Parameters
    ----------
    source : Source
    batches : iterator of Batch, optional
        All batches of the source, where a scan has begun already.
    compiled : bool, optional
        Whether to go through the compiled loops, which gather the same; by default where numba is there and the
        table large enough to pay for them.
    """
    batches = batches if batches is not None else source.encoded_batches()
    loops = _loops(_is_large(source) if compiled is None else compiled)
    gathered: list[Typed | Texts] = []
    sample = _Sample(len(source.header), loops.winners)
    repeats = _Repeats()
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        for data, lines in _read_ahead(pool, batches):
            gathered = gathered or [
                loops.collector(name, field.type) for name, field in zip(source.header, data.schema, strict=True)
            ]
            data = _prepared(data, gathered)
            jobs = ((i, gathered[i], data.column(i), lines, loops.salted) for i in range(len(gathered)))
            hashed = pool.map(_gather, jobs)
            sample.add(data, lines)
            total = np.zeros(len(lines), dtype=np.uint64)
            for hashes in hashed:
                total += hashes
            repeats.add(total, lines)
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
        repeats=repeats.found(loops.repeated),
        sample=rows,
    )


class _Loops(NamedTuple):
    """The loops over rows, readable or compiled."""

    collector: Callable[[str, pa.DataType], Typed | Texts]
    salted: Callable[[Hashes, int], Hashes]
    repeated: Callable[[list[Hashes]], Hashes]
    winners: Winners


def _loops(compiled: bool) -> _Loops:
    if compiled:
        try:
            from mltoolkit.quality import compiled as them
        except ImportError:
            pass
        else:
            return _Loops(them.compiled_collector, them.salted, them.repeated, them.winners)
    return _Loops(collector, salted, repeated, winners)


def _is_large(source: Source) -> bool:
    return source.bytes >= LARGE_FILE or (source.rows or 0) * len(source.header) >= _LARGE_TABLE


def _read_ahead(pool: ThreadPoolExecutor, batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches; while one is gathered the next is read."""
    coming = pool.submit(next, batches, None)
    while (batch := coming.result()) is not None:
        coming = pool.submit(next, batches, None)
        yield batch


def _prepared(data: pa.RecordBatch, gathered: list[Typed | Texts]) -> pa.RecordBatch:
    arrays = [
        as_text_array(array) if isinstance(part, Texts) else array
        for array, part in zip(data.columns, gathered, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=data.schema.names)


def _gather(
    job: tuple[int, Typed | Texts, pa.Array, NDArray[np.int64], Callable[[Hashes, int], Hashes]],
) -> Hashes:
    position, part, array, lines, salt = job
    with np.errstate(over="ignore", invalid="ignore"):  # a thread has settings of its own
        return salt(part.add(array, lines), position)


def _finish(part: Typed | Texts, sample: pa.Table, position: int) -> Column:
    with np.errstate(over="ignore", invalid="ignore"):
        column = sample.column(position).combine_chunks()
        array = column if isinstance(column, pa.Array) else pa.concat_arrays(column.chunks)
        return part.finish(array)


class _Sample:
    """A uniform sample of rows."""

    def __init__(self, width: int, winners: Winners) -> None:
        self._chosen = RowSample(max(256, min(SAMPLE_ROWS, _SAMPLE_CELLS // max(width, 1))), winners)
        self._parts: list[pa.RecordBatch] = []
        self._numbers, self._lines = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)

    @property
    def rows(self) -> int:
        """How many rows there have been."""
        return self._chosen.seen

    def add(self, data: pa.RecordBatch, lines: NDArray[np.int64]) -> None:
        """Take some of the rows; those that others have taken the place of go when there are many."""
        before = self._chosen.seen
        at = self._chosen.choose(len(lines))
        self._parts.append(_decoded(data.take(pa.array(at))))
        self._numbers = np.concatenate([self._numbers, before + at])
        self._lines = np.concatenate([self._lines, lines[at]])
        if len(self._numbers) > 4 * self._chosen.size:
            self._clear()

    def _clear(self) -> None:
        kept = np.isin(self._numbers, self._chosen.numbers)
        self._parts = pa.Table.from_batches(self._parts).filter(pa.array(kept)).combine_chunks().to_batches()
        self._numbers, self._lines = self._numbers[kept], self._lines[kept]

    def table(self) -> pa.Table:
        """The rows."""
        self._clear()
        return pa.Table.from_batches(self._parts)

    def lines(self) -> NDArray[np.int64]:
        """Their lines."""
        return self._lines


def _decoded(data: pa.RecordBatch) -> pa.RecordBatch:
    """Dictionaries differ from batch to batch, so a sample holds their values."""
    arrays = [array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array for array in data.columns]
    return pa.RecordBatch.from_arrays(arrays, names=data.schema.names)


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

    def found(self, repeated: Callable[[list[Hashes]], Hashes]) -> Repeats:
        """How many there are, and the first of them."""
        again = repeated([hashes for hashes, _ in self._parts])
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
