"""Blocks of delimited text cut into columns by a compiled loop, where their form is plain enough for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MOST_COLUMNS = 64  # each takes room for the whole block, of which it touches what it needs


@cache
def compiled_split() -> Callable[..., tuple[int, int]] | None:
    """The compiled loop, or None where numba is not installed."""
    try:
        from mltoolkit.quality._kernels import split_rows
    except ImportError:
        return None
    split: Callable[..., tuple[int, int]] = split_rows
    return split


def split_block(
    buffer: bytes, cut: int, delimiter: str, header: Sequence[str], positions: Sequence[int], line: int
) -> tuple[pa.RecordBatch, NDArray[np.int64], int] | None:
    """The rows of ``buffer[:cut]``, the lines on which they begin, and how many lines there are.

    None where a row has another number of cells than the header, or where a quote or a carriage return makes it
    a case for a reader that takes more time.
    """
    split = compiled_split()
    if split is None or len(header) > MOST_COLUMNS:
        return None
    most = cut // len(header) + 1  # a row has at least a mark or a line feed for each cell
    ends = np.zeros((len(header), most + 1), dtype=np.int32)
    cells = np.empty((len(header), cut + 8), dtype=np.uint8)
    lines = np.empty(most, dtype=np.int64)
    block = np.frombuffer(buffer if len(buffer) >= cut + 8 else buffer + bytes(8), np.uint8)
    n, n_lines = split(block, cut, ord(delimiter), line, ends, cells, lines)
    if n < 0:
        return None
    arrays = [_texts(ends[i, : n + 1], cells[i]) for i in positions]
    return pa.RecordBatch.from_arrays(arrays, names=[header[i] for i in positions]), lines[:n], n_lines


def _texts(ends: NDArray[np.int32], data: NDArray[np.uint8]) -> Any:
    room = int(ends[-1]) + 8  # words are read from it, and what lies behind a text is cut off
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(data[:room]))
