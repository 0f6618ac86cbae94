"""Delimited text as a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from mltoolkit.quality.reading import read_delimited
from mltoolkit.quality.source import BATCH_ROWS, Batch, Faults, Source


def open_text(path: Path, name: str) -> Source:
    """Find out how a text file is written."""
    return DelimitedSource(path, name)


class DelimitedSource(Source):
    """CSV, TSV and their cousins."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.by_row = False
        self.bytes = path.stat().st_size
        self._file = read_delimited(path)
        self.form, self.header = self._file.form, tuple(self._file.header)
        self.faults = Faults()

    def batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning."""
        positions = self.positions(columns)
        file, self.faults = self._file, Faults()
        for lines, found in (
            (self.faults.ragged, file.ragged),
            (self.faults.nul, file.nul_lines),
            (self.faults.lost, file.lost_lines),
            (self.faults.quotes, file.quote_lines),
        ):
            lines.add(*found)
        for start in range(0, len(file.rows), BATCH_ROWS):
            rows = file.rows[start : start + BATCH_ROWS]
            arrays = [pa.array([row[i] for row in rows], type=pa.string()) for i in positions]
            data = pa.RecordBatch.from_arrays(arrays, names=[self.header[i] for i in positions])
            yield Batch(data, np.array(file.lines[start : start + len(rows)], dtype=np.int64))
