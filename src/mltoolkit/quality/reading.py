"""Delimited text as it lies on the disk: encoding, delimiter and header are found, and every line counted.

Nothing is converted here: cells stay text, so that a later step can tell ``007`` from ``7`` and ``N/A``
from nothing. What is wrong with the file's form (ragged rows, NUL bytes, bytes of another encoding, text
after a closing quote) is noted with line numbers; only a file that cannot be a table at all, or whose quotes
leave open where a row ends, is refused.

Quotes are read as spreadsheets read them, and a strict reader says where that was generous.

There are two ways through a file. Blocks of whole rows whose quotes are in order go to Arrow's parser, which
uses all cores. A block in which a row is ragged is parsed again by the standard library, row by row; where a
quote is out of order nobody but a careful reader knows where rows end, so from there on it reads the rest.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltoolkit.errors import CannotRead
from mltoolkit.quality.encoding import CHUNK, Written, survey, utf8_chunks
from mltoolkit.quality.source import BATCH_ROWS, LARGE_FILE, Batch, Faults, Source
from mltoolkit.quality.splitting import split_block

_DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SAMPLE = 2**16  # characters from which the delimiter is found
_SAMPLE_ROWS = 100
_WIDTH_ROWS = 10_000  # rows whose most common width is that of a file without a header
_LARGEST_CELL = 2**28  # characters; a quote that is never closed makes one cell of the rest of a file
_BATCH_CELLS = 2**21
_END = "the line after the last"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_YEAR = re.compile(r"(1[89]|20|21)\d\d")
_QUOTE, _LF, _CR = ord('"'), ord("\n"), ord("\r")


@dataclass(frozen=True)
class Delimited:
    """A delimited text file, read whole.

    Attributes
    ----------
    header : list of str
        Column names; ``column_1`` and so on when the file has none.
    rows : list of list of str
        Cells, each row as long as the header: short rows are filled up with ``""``, long ones cut.
    lines : list of int
        The line of the file, from 1, on which each row begins.
    form : str
        What was found, in a few words: ``"comma-separated, utf-8, with header"``.
    has_header : bool
    ragged, nul_lines, lost_lines, quote_lines : list of int
        The first lines whose number of cells is not the header's; that hold NUL bytes (dropped from the cells);
        that hold bytes of another encoding (U+FFFD in the cells); with text after a closing quote.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    form: str
    has_header: bool
    ragged: list[int]
    nul_lines: list[int]
    lost_lines: list[int]
    quote_lines: list[int]


def read_delimited(path: Path) -> Delimited:
    """Read CSV, TSV and their cousins, plain or compressed with gzip or Zstandard, into lists.

    Raises
    ------
    CannotRead
        When the file is empty, binary, not a table of text, or ends inside a quoted cell.
    """
    source = DelimitedSource(path)
    rows: list[list[str]] = []
    lines: list[int] = []
    for data, numbers in source.batches():
        rows.extend(map(list, zip(*(column.to_pylist() for column in data.columns), strict=True)))
        lines.extend(numbers.tolist())
    faults = source.faults
    return Delimited(
        list(source.header),
        rows,
        lines,
        source.form,
        source.has_header,
        faults.ragged.first,
        faults.nul.first,
        faults.lost.first,
        faults.quotes.first,
    )


class DelimitedSource(Source):
    """CSV, TSV and their cousins, plain or compressed.

    Parameters
    ----------
    path : Path
    name : str
        What it is called in messages; the path by default.
    written : Written, optional
        What a survey of the file has found.
    careful : bool
        Read everything row by row, as if no block were well-formed: slower, with the same result.
    compiled : bool, optional
        Whether a compiled loop cuts the blocks that are plain; by default where numba is there and the file large
        enough to pay for it.
    """

    def __init__(
        self,
        path: Path,
        name: str = "",
        written: Written | None = None,
        *,
        careful: bool = False,
        chunk: int = CHUNK,
        compiled: bool | None = None,
    ) -> None:
        self.path, self.name, self.by_row, self.faults = path, name or str(path), False, Faults()
        self._careful, self._chunk = careful, chunk
        self.bytes = path.stat().st_size
        self.compiled = self.bytes >= LARGE_FILE if compiled is None else compiled
        self.written = written or survey(path, self.name)
        self.encoding = self.written.encoding
        sample, whole = self._sample()
        if not sample.strip():
            raise CannotRead(f"{self.name}: the file holds nothing but white space; expected a table")
        self.delimiter = _find_delimiter(sample)
        rows = self._first_rows(sample, whole)
        self.has_header = _has_header(rows)
        width = len(rows[0]) if self.has_header else Counter(map(len, rows)).most_common(1)[0][0]
        self.header = tuple(rows[0]) if self.has_header else tuple(f"column_{i}" for i in range(1, width + 1))
        form = f"{_DELIMITER_NAMES[self.delimiter]}-separated" if width > 1 else "one column"
        form += f", {self.encoding}, {'with' if self.has_header else 'without'} header"
        self.form = form + (f", {self.written.compression}" if self.written.compression else "")

    def _sample(self) -> tuple[str, bool]:
        """The beginning of the text, from its first chunk that is not blank, and whether that is all of it."""
        found = b""
        chunks = utf8_chunks(self.path, self.name, self.written, Faults(), self._chunk)
        for chunk in chunks:
            found = chunk if not found.strip() else found + chunk
            if found.strip() and (len(found) > _SAMPLE or b"\n" in found):
                break
        return found.decode("utf-8", errors="replace"), not any(chunks)

    def _first_rows(self, sample: str, whole: bool) -> list[list[str]]:
        lines: Iterable[str] = io.StringIO(f"{sample}\n{_END}" if whole else sample, newline="")
        rows = []
        for row, begins in _records(self.name, lines, self.delimiter):
            if row:
                rows.append(row)
            if len(rows) > _WIDTH_ROWS:
                return rows
            if not whole and len(rows) == 1:
                last = begins
        if not whole:
            if len(rows) < 2:
                raise CannotRead(
                    f"{self.name}: line {last}: the first row is longer than {self._chunk:,} bytes; "
                    "is a quote that is opened here never closed?"
                )
            return rows[:-1]  # the last one may be cut
        rows.pop()  # the line put after the end, or the cell that has swallowed it
        return rows or [[""]]

    def batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning."""
        positions = self.positions(columns)
        self.faults = Faults()
        chunks = utf8_chunks(self.path, self.name, self.written, self.faults, self._chunk)
        waiting = self.has_header
        size = 4 * BATCH_ROWS if self.compiled else BATCH_ROWS  # whole blocks: while one is gathered the next is cut
        for rows, lines in _Parser(self, chunks, positions).rows():
            if waiting and len(lines):
                rows, lines, waiting = rows.slice(1), lines[1:], False
            for start in range(0, len(lines), size):
                yield Batch(rows.slice(start, size), lines[start : start + size])


class _Parser:
    """One way through a file; gives all its rows, a header among them, as text."""

    def __init__(self, source: DelimitedSource, chunks: Iterator[bytes], positions: list[int]) -> None:
        self.source, self.chunks, self.positions = source, chunks, positions
        self.careful = source._careful
        self.line = 1  # of the file, on which the next row begins

    def rows(self) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64]]]:
        """Rows with their lines, block by block."""
        rest = b""
        while not self.careful:
            chunk = next(self.chunks, None)
            buffer = rest + chunk if chunk is not None else rest if rest.endswith(b"\n") or not rest else rest + b"\n"
            plain = self._split(buffer) if self.source.compiled else None
            if plain is not None:
                rest = buffer[buffer.rfind(b"\n") + 1 :]
                yield plain
                if chunk is None:
                    return
                continue
            layout = _layout(buffer, self.source.delimiter) if len(buffer) < _LARGEST_CELL else None
            if layout is None:
                rest = rest + (chunk or b"")
                break
            ends, breaks = layout
            cut = int(ends[-1]) + 1 if len(ends) else 0
            if chunk is None and cut < len(buffer):
                break  # a quote is open at the end: the careful reader says where
            block, rest = buffer[:cut], buffer[cut:]
            if block:
                yield from self._block(block, ends, breaks)
                self.line += int(np.searchsorted(breaks, cut))
            if chunk is None:
                return
        yield from self._carefully(rest)

    def _split(self, buffer: bytes) -> tuple[pa.RecordBatch, NDArray[np.int64]] | None:
        """The whole rows of a buffer, where a compiled loop can cut them."""
        cut = buffer.rfind(b"\n") + 1
        if not 0 < cut < _LARGEST_CELL:
            return None
        found = split_block(buffer, cut, self.source.delimiter, self.source.header, self.positions, self.line)
        if found is None:
            return None
        rows, lines, n_lines = found
        self.line += n_lines
        return rows, lines

    def _block(
        self, block: bytes, ends: NDArray[np.int64], breaks: NDArray[np.int64]
    ) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64]]]:
        """Whole rows whose quotes are in order."""
        begins = np.r_[0, ends[:-1] + 1]
        size = ends - begins
        data = np.frombuffer(block, np.uint8)
        blank = (size == 0) | ((size == 1) & (data[begins] == _CR))
        lines = self.line + np.searchsorted(breaks, begins[~blank])
        if not len(lines):
            return
        rows = self._with_arrow(block)
        if rows is not None and rows.num_rows == len(lines):
            yield rows, lines
            return
        text = io.StringIO(block.decode("utf-8"), newline="")
        yield from self._gathered(_records(self.source.name, text, self.source.delimiter, self.line))

    def _with_arrow(self, block: bytes) -> pa.RecordBatch | None:
        """The rows as Arrow's parser sees them; None where one has another number of cells than the header."""
        from pyarrow import csv as arrow_csv

        names = [str(i) for i in range(len(self.source.header))]
        wanted = [names[i] for i in self.positions]
        try:
            table = arrow_csv.read_csv(
                pa.py_buffer(block),
                read_options=arrow_csv.ReadOptions(column_names=names, block_size=max(len(block) // 4, 1 << 20)),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.source.delimiter, newlines_in_values=b'"' in block, ignore_empty_lines=True
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=wanted or names[:1],
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        batches = table.combine_chunks().to_batches()
        if len(batches) != 1:
            return None
        arrays = batches[0].columns if wanted else []
        return pa.RecordBatch.from_arrays(arrays, names=[self.source.header[i] for i in self.positions])

    def _carefully(self, rest: bytes) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64]]]:
        """Everything from here on, row by row."""
        records = _records(self.source.name, self._lines(rest), self.source.delimiter, self.line, self.source.faults)
        yield from self._gathered(_ended(self.source.name, records))

    def _lines(self, rest: bytes) -> Iterator[str]:
        """The lines of the rest of the file, and one more."""
        held = rest
        for chunk in self.chunks:
            held += chunk
            cut = max(held.rfind(b"\n"), held.rfind(b"\r")) + 1
            if cut == len(held) and held.endswith(b"\r"):  # a line feed may follow
                cut = max(held.rfind(b"\n"), held.rfind(b"\r", 0, -1)) + 1
            yield from io.StringIO(held[:cut].decode("utf-8", errors="replace"), newline="")
            held = held[cut:]
        yield from io.StringIO(held.decode("utf-8", errors="replace") + f"\n{_END}", newline="")

    def _gathered(self, records: Iterator[tuple[list[str], int]]) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64]]]:
        """Rows put together to batches; those that are not as wide as the header are filled up or cut."""
        width, ragged = len(self.source.header), self.source.faults.ragged
        most = max(1, min(BATCH_ROWS, _BATCH_CELLS // width))
        rows: list[list[str]] = []
        lines: list[int] = []
        for row, line in records:
            if not row:
                continue
            if len(row) != width:
                ragged.add(line)
                row = (row + [""] * width)[:width]
            rows.append(row)
            lines.append(line)
            if len(rows) == most:
                yield self._batch(rows), np.array(lines, dtype=np.int64)
                rows, lines = [], []
        if rows:
            yield self._batch(rows), np.array(lines, dtype=np.int64)

    def _batch(self, rows: list[list[str]]) -> pa.RecordBatch:
        names = [self.source.header[i] for i in self.positions]
        return pa.RecordBatch.from_arrays(
            [pa.array([row[i] for row in rows], type=pa.string()) for i in self.positions], names=names
        )


def _layout(block: bytes, delimiter: str) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Where rows end and where lines do; None where only a careful reader can tell.

    That is where a carriage return stands alone, or a quote neither opens nor closes a cell nor is doubled.
    """
    if block.count(b"\r") != block.count(b"\r\n"):
        return None
    data = np.frombuffer(block, np.uint8)
    breaks = np.flatnonzero(data == _LF)
    if b'"' not in block:
        return breaks, breaks
    quotes = np.flatnonzero(data == _QUOTE)
    ends = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    cut = int(ends[-1]) + 1 if len(ends) else 0
    quotes = quotes[: np.searchsorted(quotes, cut)]
    opening, closing = quotes[::2], quotes[1::2]
    before = data[np.maximum(opening - 1, 0)]
    before = np.where(opening == 0, _LF, before)
    after = data[closing + 1]  # the block ends with a line feed
    after = np.where((after == _CR) & (data[np.minimum(closing + 2, len(data) - 1)] == _LF), _LF, after)
    mark = ord(delimiter)
    in_order = np.isin(before, (mark, _LF, _QUOTE)).all() and np.isin(after, (mark, _LF, _QUOTE)).all()
    # A cell that opens right behind a closing quote is one with a doubled quote in it; three in a row end a cell.
    return (ends, breaks) if in_order else None


def _records(
    name: str, lines: Iterable[str], delimiter: str, first: int = 1, faults: Faults | None = None
) -> Iterator[tuple[list[str], int]]:
    """Rows, each with the line on which it begins; the first one whose quotes are wrong is noted."""
    csv.field_size_limit(_LARGEST_CELL)
    taken: list[str] = []

    def kept() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    reader = csv.reader(kept(), delimiter=delimiter)
    while True:
        begins = first + reader.line_num
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise CannotRead(f"{name}: line {begins}: {error}; is a quote that is opened here never closed?") from error
        if row is None:
            return
        if faults is not None and not faults.quotes.count and any('"' in line for line in taken):
            try:
                list(csv.reader(taken, delimiter=delimiter, strict=True))
            except csv.Error:  # behind it a strict reader is lost
                faults.quotes.add(begins)
        taken.clear()
        yield row, begins


def _ended(name: str, records: Iterator[tuple[list[str], int]]) -> Iterator[tuple[list[str], int]]:
    """All rows but the one put after the end.

    Raises
    ------
    CannotRead
        When it was taken for a part of the last cell, because a quote is never closed.
    """
    held: tuple[list[str], int] | None = None
    for record in records:
        if not record[0]:
            continue
        if held is not None:
            yield held
        held = record
    if held is None or held[0] != [_END]:
        line = held[1] if held else 1
        raise CannotRead(f"{name}: line {line}: a quote that is opened here is never closed")


def _find_delimiter(text: str) -> str:
    """The delimiter under which most rows of the file's beginning have the first row's number of cells.

    Among equals, the one that gives more cells; a comma when none splits anything.
    """
    sample = text[:_SAMPLE]
    best, best_score = ",", (0.0, 0.0, 0)
    for delimiter in _DELIMITERS:
        widths = list(_widths(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)))
        if len(widths) > 1 and len(text) > _SAMPLE:
            widths.pop()  # the last row of the sample may be cut
        width, count = Counter(widths).most_common(1)[0] if widths else (0, 0)
        score = (float(widths[0] == width), count / len(widths), width) if width > 1 else (0.0, 0.0, 0)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _widths(rows: Iterable[list[str]]) -> Iterator[int]:
    seen = 0
    try:
        for row in rows:
            if row:
                yield len(row)
                seen += 1
            if seen == _SAMPLE_ROWS:
                return
    except csv.Error:  # a cell beyond the size limit that another reader of this process has set
        return


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns.

    It does when a text stands over numbers, or when none of its cells is a number or comes back further
    down; years in a row name columns too.
    """
    first, body = rows[0], [row for row in rows[1 : _SAMPLE_ROWS + 1] if row != rows[0]]
    numbers = [i for i, cell in enumerate(first) if _NUMBER.fullmatch(cell.strip())]
    comes_back = False
    for i, cell in enumerate(first):
        below = [row[i].strip() for row in body if i < len(row) and row[i].strip()]
        if i not in numbers and cell.strip():
            if below and all(map(_NUMBER.fullmatch, below)):
                return True
            comes_back = comes_back or below.count(cell.strip()) > 1
    if not numbers:
        return not comes_back
    names = [first[i].strip() for i in numbers]
    years = len(names) > 1 and len(set(names)) == len(names) and all(map(_YEAR.fullmatch, names))
    return years or (not body and len(numbers) < len(first))
