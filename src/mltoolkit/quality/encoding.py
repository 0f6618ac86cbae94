"""From the bytes of a file to clean UTF-8, chunk by chunk: compression, encoding, NUL bytes and lost characters.

One pass over the bytes (:func:`survey`) finds out how they are written, since a single byte near the end can
show that a file is not UTF-8. Later passes (:func:`utf8_chunks`) give UTF-8 whatever the file is in, and note
the lines on which a byte had to be dropped or replaced.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mltoolkit.errors import CannotRead
from mltoolkit.quality.source import Faults, Lines

CHUNK = 1 << 24
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What people hand to a reader of tables by mistake: first bytes, and what to do about it.
_OTHER_FORMATS = (
    (b"PK\x03\x04", "is a ZIP archive or an Excel workbook; export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook; export the sheet as CSV"),
    (b"SQLite format 3", "is an SQLite database; name a table of it: sqlite:///FILE?table=NAME"),
    (b"%PDF-", "is a PDF document; datasanity reads CSV, TSV, JSON lines and Parquet"),
    (b"ARROW1", "is an Arrow or Feather file; write it as Parquet"),
)
_REPLACED = "\ufffd"
_REPLACED_UTF8 = _REPLACED.encode()
# A byte of UTF-8 that is more than ASCII, in its whole sequence.
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_NOT_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True)
class Written:
    """How a text file is written.

    Attributes
    ----------
    encoding : str
        Its name, for people.
    codec : str
        What decodes the bytes after the mark.
    mark : int
        Length of the byte-order mark.
    compression : str
        ``"gzip"``, ``"zstd"`` or nothing.
    plain : bool
        Whether the bytes are clean UTF-8 as they are.
    losing : bool
        Whether U+FFFD in the text stands for a byte that was lost in decoding.
    """

    encoding: str
    codec: str
    mark: int
    compression: str
    plain: bool
    losing: bool


def raw_chunks(path: Path, name: str, size: int = CHUNK) -> Iterator[bytes]:
    """The bytes of a file, decompressed.

    Raises
    ------
    CannotRead
        When the file cannot be opened, or its compression is broken.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
        with _decompressed(path, magic) as stream:
            while chunk := stream.read(size):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotRead(f"{name}: cannot be read: {reason}") from error


def _decompressed(path: Path, magic: bytes) -> Any:
    if magic.startswith(_GZIP):
        return gzip.open(path, "rb")
    if magic.startswith(_ZSTD):
        import pyarrow as pa

        return pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd")
    return path.open("rb")


def survey(path: Path, name: str, size: int = CHUNK) -> Written:
    """Find out how a file is written.

    Raises
    ------
    CannotRead
        When it is empty, binary or of a format that is not read here.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise CannotRead(f"{name}: cannot be read: {error.strerror}") from error
    compression = "gzip" if magic.startswith(_GZIP) else "zstd" if magic.startswith(_ZSTD) else ""
    chunks = raw_chunks(path, name, size)
    head = next(chunks, b"")
    if not head:
        raise CannotRead(f"{name}: the file is empty (0 bytes); expected a table")
    for start, advice in _OTHER_FORMATS:
        if head.startswith(start):
            raise CannotRead(f"{name}: {advice}")
    for mark, codec in _BOMS:
        if head.startswith(mark):
            if codec != "utf-8":
                return Written(codec[:6], codec, len(mark), compression, plain=False, losing=True)
            return _surveyed(name, head[len(mark) :], chunks, compression, len(mark))
    if head[:4096].count(0) > len(head[:4096]) // 4:  # Latin text in UTF-16: every other byte is 0
        codec = "utf-16-le" if head[1:4096:2].count(0) >= head[:4096:2].count(0) else "utf-16-be"
        _insist_on_text(name, head[:16384].decode(codec, errors="replace"))
        return Written(codec, codec, 0, compression, plain=False, losing=True)
    return _surveyed(name, head, chunks, compression, 0)


def _surveyed(name: str, head: bytes, chunks: Iterator[bytes], compression: str, mark: int) -> Written:
    """Tell UTF-8, UTF-8 in which a few bytes are wrong, Windows-1252 and Latin-1 apart."""
    marks = _Marks()
    marks.look_at(head)
    for chunk in chunks:
        marks.look_at(chunk)
    marks.look_at(b"", last=True)
    if mark or not marks.invalid or marks.sequences > marks.replaced:
        encoding = codec = "utf-8"
    else:
        encoding, codec = ("latin-1", "latin-1") if marks.undefined else ("windows-1252", "cp1252")
    if not mark:
        _insist_on_text(name, head[:16384].decode(codec, errors="replace"))
    clean = codec == "utf-8" and not marks.invalid
    return Written(encoding, codec, mark, compression, clean and not marks.nul, not clean and not marks.genuine)


class _Marks:
    """What tells encodings apart, counted over the chunks of a file."""

    def __init__(self) -> None:
        self.sequences = self.replaced = 0
        self.nul = self.genuine = self.undefined = self.invalid = False
        self._rest = b""

    def look_at(self, chunk: bytes, last: bool = False) -> None:
        """Count in one chunk; a sequence that it cuts is left for the next."""
        self.nul = self.nul or b"\0" in chunk
        if not self._rest and chunk.isascii():
            return
        chunk = self._rest + chunk
        # The last byte that begins a character is within the last four; what follows it may be cut.
        cut = len(chunk) if last else max(len(chunk) - 4, 0)
        while not last and cut < len(chunk) and chunk[cut] & 0xC0 == 0x80:
            cut += 1
        chunk, self._rest = chunk[:cut], chunk[cut:]
        self.undefined = self.undefined or _NOT_IN_CP1252.search(chunk) is not None
        self.genuine = self.genuine or _REPLACED_UTF8 in chunk
        try:
            chunk.decode("utf-8")
            self.sequences += int((np.frombuffer(chunk, np.uint8) >= 0xC0).sum())
            self.replaced += chunk.count(_REPLACED_UTF8)
        except UnicodeDecodeError:
            self.sequences += len(_SEQUENCE.findall(chunk))
            self.replaced += chunk.decode("utf-8", errors="replace").count(_REPLACED)
            self.invalid = True


def _insist_on_text(name: str, text: str) -> None:
    head = text[:4096]
    strange = sum((c < " " and c not in "\0\r\n\t\f") or c == _REPLACED for c in head) + head.count("\0") / 4
    if strange > max(1, len(head) // 20):
        raise CannotRead(f"{name}: is binary, not text; datasanity reads CSV, TSV, JSON lines and Parquet")


def utf8_chunks(path: Path, name: str, written: Written, faults: Faults, size: int = CHUNK) -> Iterator[bytes]:
    """The text of a file as UTF-8 without NUL bytes; lines that hold NUL or lost bytes are noted.

    A chunk may end anywhere but inside a character or between a carriage return and a line feed.
    """
    skip = written.mark
    chunks = raw_chunks(path, name, size)
    if written.plain:
        for chunk in chunks:
            yield chunk[skip:] if skip else chunk
            skip = 0
        return
    decoder = codecs.getincrementaldecoder(written.codec)(errors="replace")
    lines, held = 0, ""
    for chunk in chunks:
        text = held + decoder.decode(chunk[skip:])
        skip = 0
        held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r") if held else text
        yield _noted(text, lines, written.losing, faults)
        lines += text.count("\n") + text.count("\r") - text.count("\r\n")
    yield _noted(held + decoder.decode(b"", final=True), lines, written.losing, faults)


def text_head(path: Path, name: str, written: Written, size: int = 1 << 16) -> str:
    """The beginning of a file's text."""
    chunks = utf8_chunks(path, name, written, Faults(), size)
    return next(chunks, b"").decode("utf-8", errors="replace")


def _noted(text: str, lines: int, losing: bool, faults: Faults) -> bytes:
    if losing and _REPLACED in text:
        _note(faults.lost, text, _REPLACED, lines)
    if "\0" in text:
        _note(faults.nul, text, "\0", lines)
        text = text.replace("\0", "")
    return text.encode("utf-8", errors="replace")


def _note(found: Lines, text: str, mark: str, before: int) -> None:
    for i, line in enumerate(io.StringIO(text, newline=""), before + 1):
        if mark in line and found.last != i:
            found.add(i)
