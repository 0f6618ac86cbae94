"""Delimited text as it lies on the disk: encoding, delimiter and header are found, and every line counted.

Nothing is converted here: cells stay text, so that a later step can tell ``007`` from ``7`` and ``N/A``
from nothing. What is wrong with the file's form (ragged rows, NUL bytes, a quote that is never closed) is
reported with line numbers; only a file that cannot be a table at all is refused.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from mltoolkit.errors import CannotRead

_DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SAMPLE_ROWS = 100
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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
    encoding, delimiter : str
        What was found.
    has_header : bool
    ragged : list of int
        Lines whose number of cells is not the header's.
    nul_lines : list of int
        Lines that hold NUL bytes; the bytes are dropped from the cells.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    encoding: str
    delimiter: str
    has_header: bool
    ragged: list[int] = field(default_factory=list)
    nul_lines: list[int] = field(default_factory=list)

    @property
    def form(self) -> str:
        """What was found, in a few words: ``"comma, utf-8, with header"``."""
        header = "with header" if self.has_header else "without header"
        return f"{_DELIMITER_NAMES[self.delimiter]}-separated, {self.encoding}, {header}"


def read_delimited(path: Path) -> Delimited:
    """Read CSV, TSV and their cousins, plain or gzipped.

    Raises
    ------
    CannotRead
        When the file is empty, binary, or not a table of text.
    """
    text, encoding = _decode(path, _read_bytes(path))
    if not text.strip():
        raise CannotRead(f"{path}: the file holds nothing but white space; expected a table")
    return _parse(path, text, encoding)


def _read_bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotRead(f"{path}: cannot be read: {reason}") from error
    if not raw:
        raise CannotRead(f"{path}: the file is empty (0 bytes); expected a table")
    return raw


def _decode(path: Path, raw: bytes) -> tuple[str, str]:
    """The text and its encoding: by its mark, as UTF-8, as UTF-16 without a mark, or as Windows-1252."""
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            try:
                return raw.decode(encoding), encoding
            except UnicodeDecodeError as error:
                raise CannotRead(f"{path}: begins as {encoding} but byte {error.start} does not fit it") from error
    head = raw[:4096]
    if head.count(0) > len(head) // 4:  # Latin text in UTF-16: every other byte is 0
        encoding = "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            raise CannotRead(f"{path}: is binary, not text; datasanity reads CSV, TSV and Parquet") from None
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    strange = sum(c < " " and c not in "\r\n\t\f" for c in text[:4096])
    if strange > len(text[:4096]) // 20:
        raise CannotRead(f"{path}: is binary, not text; datasanity reads CSV, TSV and Parquet")
    return text, "windows-1252"


def _parse(path: Path, text: str, encoding: str) -> Delimited:
    delimiter = _find_delimiter(text)
    nul_lines = [i for i, line in enumerate(text.split("\n"), 1) if "\0" in line] if "\0" in text else []
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    begins = 1
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        what = "a quote that is opened here is never closed" if "end of data" in str(error) else str(error)
        raise CannotRead(f"{path}: line {begins}: {what}") from error
    if not rows:
        raise CannotRead(f"{path}: the file holds no rows; expected a table")
    has_header = _looks_like_header(rows)
    width = len(rows[0]) if has_header else Counter(map(len, rows)).most_common(1)[0][0]
    header = rows[0] if has_header else [f"column_{i}" for i in range(1, width + 1)]
    body, starts = (rows[1:], lines[1:]) if has_header else (rows, lines)
    ragged = [line for row, line in zip(body, starts, strict=True) if len(row) != width]
    even = [row if len(row) == width else (row + [""] * width)[:width] for row in body] if ragged else body
    return Delimited(header, even, starts, encoding, delimiter, has_header, ragged, nul_lines)


def _find_delimiter(text: str) -> str:
    """The delimiter under which the most rows of the file's beginning have the same number of cells, above one."""
    sample = text[: 2**16]
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        widths: list[int] = []
        try:
            for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
                widths.append(len(row))
                if len(widths) == _SAMPLE_ROWS:
                    break
        except csv.Error:
            continue
        if len(widths) > 1 and len(sample) == 2**16:
            widths.pop()  # the last row of the sample may be cut
        if not widths:
            continue
        width, count = Counter(widths).most_common(1)[0]
        score = (count / len(widths), width) if width > 1 else (0.0, 0)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _looks_like_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: none of its cells is a number, or no other row is like it."""
    first = rows[0]
    return not any(_is_number(cell) for cell in first) or (len(rows) == 1 and not all(map(_is_number, first)))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
