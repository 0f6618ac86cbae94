"""Sources whose columns have types: frames of pandas, polars and Arrow, and Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mltoolkit.errors import CannotRead
from mltoolkit.quality.source import BATCH_ROWS, Batch, Faults, Source, numbered

if TYPE_CHECKING:
    import pandas as pd

_BYTES_A_CODE = 3  # more, and the dictionary is nearly as long as the column


def frame_source(frame: Any) -> Source:
    """A frame as a source.

    Raises
    ------
    TypeError
        When it is no frame of a known library.
    """
    import pandas as pd

    if isinstance(frame, pd.DataFrame):
        return PandasSource(frame)
    if hasattr(frame, "collect") and type(frame).__module__.partition(".")[0] == "polars":
        frame = frame.collect()  # a lazy frame
    if hasattr(frame, "to_arrow"):
        frame = frame.to_arrow()
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if isinstance(frame, pa.Table):
        return ArrowSource(frame)
    raise TypeError(
        f"a table of type {type(frame).__name__} is not known here; "
        "expected a path, '-', a database URL, or a DataFrame of pandas or polars"
    )


class ArrowSource(Source):
    """An Arrow table in memory; a frame of polars becomes one without a copy."""

    def __init__(self, table: pa.Table) -> None:
        self.name, self.form = "the table", "DataFrame"
        self.table = table
        self.header = tuple(table.column_names)
        self.rows = table.num_rows
        self.faults = Faults()

    def batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning."""
        yield from numbered(iter(self.table.select(self.positions(columns)).to_batches(BATCH_ROWS)))


class PandasSource(Source):
    """A frame of pandas, turned into Arrow batch by batch.

    A column of objects that Arrow has no type for, such as numbers and texts mixed, is given as text.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.name, self.form = "the table", "DataFrame"
        self.frame = frame
        self.header = tuple(map(str, frame.columns))
        self.rows = len(frame)
        self.faults = Faults()

    def batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning."""
        positions = self.positions(columns)
        types = [_arrow_type(self.frame.iloc[:, i]) for i in positions]
        for start in range(0, len(self.frame), BATCH_ROWS):
            part = self.frame.iloc[start : start + BATCH_ROWS]
            arrays = [_arrow_array(part.iloc[:, i], kind) for i, kind in zip(positions, types, strict=True)]
            data = pa.RecordBatch.from_arrays(arrays, names=[self.header[i] for i in positions])
            yield Batch(data, np.arange(start + 1, start + len(part) + 1))


def _arrow_type(series: pd.Series) -> pa.DataType | None:
    """The type of a whole column, so that all its batches agree; None where it has to be text."""
    try:
        kind = pa.array(series, from_pandas=True).type
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return None
    return None if pa.types.is_nested(kind) or pa.types.is_binary(kind) else kind


def _arrow_array(series: pd.Series, kind: pa.DataType | None) -> pa.Array:
    if kind is not None:
        # A categorical column's type holds the index type of its dictionary, which a shorter part need not share.
        array = pa.array(series, from_pandas=True)
        if isinstance(array, pa.ChunkedArray):  # a column put together of several
            array = array.combine_chunks()
        return array.cast(kind) if array.type != kind else array
    missing = series.isna().tolist()
    # A lone surrogate cannot be written anywhere, so it is shown as what it is: no character.
    texts = [str(value).encode("utf-8", "replace").decode() for value in series.tolist()]
    return pa.array([None if gone else text for gone, text in zip(missing, texts, strict=True)], type=pa.string())


class ParquetSource(Source):
    """A Parquet file, read one group of rows after the other."""

    def __init__(self, path: Path, name: str = "") -> None:
        import pyarrow.parquet as pq

        self.path, self.name, self.form = path, name or str(path), "Parquet"
        self.bytes = path.stat().st_size
        if self.bytes == 0:
            raise CannotRead(f"{self.name}: the file is empty (0 bytes); expected a table")
        try:
            with pq.ParquetFile(path) as file:
                self.header = tuple(file.schema_arrow.names)
                self.rows = int(file.metadata.num_rows)
                self._encoded = _kept_as_dictionaries(file)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._broken(error) from error
        self.faults = Faults()

    def batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning."""
        return self._batches(columns, [], BATCH_ROWS)

    def encoded_batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning; texts that the file keeps as a dictionary are left so."""
        return self._batches(columns, self._encoded, 4 * BATCH_ROWS)

    def _batches(self, columns: Sequence[int | str] | None, encoded: list[str], rows: int) -> Iterator[Batch]:
        import pyarrow.parquet as pq

        positions = self.positions(columns)
        try:
            with pq.ParquetFile(self.path, read_dictionary=encoded) as file:
                wanted = list(dict.fromkeys(self.header[i] for i in positions))
                yield from numbered(
                    _in_order(batch, self.header, positions) for batch in file.iter_batches(rows, columns=wanted)
                )
        except (pa.ArrowException, OSError, ValueError) as error:
            if isinstance(error, CannotRead):
                raise
            raise self._broken(error) from error

    def _broken(self, error: BaseException) -> CannotRead:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return CannotRead(f"{self.name}: is named or marked as Parquet but cannot be read as such: {reason}")


def _kept_as_dictionaries(file: Any) -> list[str]:
    """Columns of texts of which each group of rows has a dictionary, and takes few bytes for a value."""
    texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
    places = {file.metadata.schema.column(i).path: i for i in range(file.metadata.num_columns)}
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    return [
        name
        for name in texts
        if name in places
        and all(
            chunk.has_dictionary_page and chunk.total_uncompressed_size <= _BYTES_A_CODE * max(chunk.num_values, 1)
            for chunk in (group.column(places[name]) for group in groups)
        )
    ]


def _in_order(batch: pa.RecordBatch, header: tuple[str, ...], positions: list[int]) -> pa.RecordBatch:
    """A batch with exactly the wanted columns; a reader gives every column of a wanted name."""
    if not positions:
        return batch
    arrays = []
    for i in positions:
        namesakes = batch.schema.get_all_field_indices(header[i])
        arrays.append(batch.column(namesakes[header[:i].count(header[i])]))
    return pa.RecordBatch.from_arrays(arrays, names=[header[i] for i in positions])
