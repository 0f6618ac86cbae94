"""Delimited text as it lies on the disk: encoding, delimiter and header are found, and every line counted.

Nothing is converted here: cells stay text, so that a later step can tell ``007`` from ``7`` and ``N/A``
from nothing. What is wrong with the file's form (ragged rows, NUL bytes, bytes of another encoding, text
after a closing quote) is noted with line numbers; only a file that cannot be a table at all, or whose quotes
leave open where a row ends, is refused.

Quotes are read as spreadsheets read them. A second, strict pass says where that was generous.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mltoolkit.errors import CannotRead

_DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SAMPLE = 2**16  # characters from which the delimiter is found
_SAMPLE_ROWS = 100
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What people hand to a reader of tables by mistake: first bytes, and what to do about it.
_OTHER_FORMATS = (
    (b"PK\x03\x04", "is a ZIP archive or an Excel workbook; export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook; export the sheet as CSV"),
    (b"SQLite format 3", "is an SQLite database; export the table as CSV"),
    (b"%PDF-", "is a PDF document; datasanity reads CSV, TSV and Parquet"),
    (b"ARROW1", "is an Arrow or Feather file; write it as Parquet"),
)
_END = "the line after the last"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_YEAR = re.compile(r"(1[89]|20|21)\d\d")
# A byte of UTF-8 that is more than ASCII, in its whole sequence.
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@dataclass(frozen=True)
class Delimited:
    """A delimited text file, read.

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
        Lines whose number of cells is not the header's; that hold NUL bytes (dropped from the cells); that
        hold bytes of another encoding (U+FFFD in the cells); the first with text after a closing quote.
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
    """Read CSV, TSV and their cousins, plain or compressed with gzip or Zstandard.

    Raises
    ------
    CannotRead
        When the file is empty, binary, not a table of text, or ends inside a quoted cell.
    """
    raw, compression = _read_bytes(path)
    text, encoding = _decode(path, raw)
    lost = [] if "\ufffd" not in text or b"\xef\xbf\xbd" in raw else _lines_with(text, "\ufffd")
    nul = _lines_with(text, "\0") if "\0" in text else []
    text = text.replace("\0", "") if nul else text
    if not text.strip():
        raise CannotRead(f"{path}: the file holds nothing but white space; expected a table")
    delimiter = _find_delimiter(text)
    rows, lines, quote_lines = _parse(path, text, delimiter)
    has_header = _has_header(rows)
    width = len(rows[0]) if has_header else Counter(map(len, rows)).most_common(1)[0][0]
    header = rows[0] if has_header else [f"column_{i}" for i in range(1, width + 1)]
    body, starts = (rows[1:], lines[1:]) if has_header else (rows, lines)
    ragged = [line for row, line in zip(body, starts, strict=True) if len(row) != width]
    even = [row if len(row) == width else (row + [""] * width)[:width] for row in body] if ragged else body
    form = f"{_DELIMITER_NAMES[delimiter]}-separated" if width > 1 else "one column"
    form += f", {encoding}, {'with' if has_header else 'without'} header" + (f", {compression}" if compression else "")
    return Delimited(header, even, starts, form, has_header, ragged, nul, lost, quote_lines)


def _read_bytes(path: Path) -> tuple[bytes, str]:
    """The bytes, decompressed, and the name of the compression."""
    compression = ""
    try:
        raw = path.read_bytes()
        if raw.startswith(_GZIP):
            raw, compression = gzip.decompress(raw), "gzip"
        elif raw.startswith(_ZSTD):
            import pyarrow as pa

            with pa.CompressedInputStream(pa.BufferReader(raw), "zstd") as stream:
                raw, compression = stream.read(), "zstd"
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotRead(f"{path}: cannot be read: {reason}") from error
    if not raw:
        raise CannotRead(f"{path}: the file is empty (0 bytes); expected a table")
    for magic, advice in _OTHER_FORMATS:
        if raw.startswith(magic):
            raise CannotRead(f"{path}: {advice}")
    return raw, compression


def _decode(path: Path, raw: bytes) -> tuple[str, str]:
    """The text and its encoding: by its mark, as UTF-16 without a mark, as UTF-8, or as one byte a letter."""
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace"), encoding.removesuffix("-sig")
    head = raw[:4096]
    if head.count(0) > len(head) // 4:  # Latin text in UTF-16: every other byte is 0
        encoding = "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
        return _only_text(path, raw.decode(encoding, errors="replace")), encoding
    try:
        return _only_text(path, raw.decode("utf-8")), "utf-8"
    except UnicodeDecodeError:
        pass
    text = raw.decode("utf-8", errors="replace")
    if len(_SEQUENCE.findall(raw)) > text.count("\ufffd"):  # UTF-8 in which a few bytes are wrong
        return _only_text(path, text), "utf-8"
    try:
        return _only_text(path, raw.decode("cp1252")), "windows-1252"
    except UnicodeDecodeError:  # five bytes mean nothing in Windows-1252
        return _only_text(path, raw.decode("latin-1")), "latin-1"


def _only_text(path: Path, text: str) -> str:
    head = text[:4096]
    strange = sum((c < " " and c not in "\0\r\n\t\f") or c == "\ufffd" for c in head) + head.count("\0") / 4
    if strange > max(1, len(head) // 20):
        raise CannotRead(f"{path}: is binary, not text; datasanity reads CSV, TSV and Parquet")
    return text


def _lines_with(text: str, mark: str) -> list[int]:
    return [i for i, line in enumerate(io.StringIO(text, newline=""), 1) if mark in line]


def _parse(path: Path, text: str, delimiter: str) -> tuple[list[list[str]], list[int], list[int]]:
    """Rows, the line on which each begins, and the first line whose quotes are wrong, if any.

    Raises
    ------
    CannotRead
        When a quote is never closed: everything after it would be one cell.
    """
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(f"{text}\n{_END}", newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    lines: list[int] = []
    begins = 1
    for row in reader:
        if row:
            rows.append(row)
            lines.append(begins)
        begins = reader.line_num + 1
    if rows.pop() != [_END]:  # the line put after the end was taken for a part of the last cell
        raise CannotRead(f"{path}: line {lines[-1]}: a quote that is opened here is never closed")
    lines.pop()
    return rows, lines, _wrong_quotes(text, delimiter) if '"' in text else []


def _wrong_quotes(text: str, delimiter: str) -> list[int]:
    """The line of the first row that goes on after a closing quote; behind it a strict reader is lost."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for _ in reader:
            begins = reader.line_num + 1
    except csv.Error:
        return [begins]
    return []


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
