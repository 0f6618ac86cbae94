"""JSON lines as a source: one object a line, every value as text.

A value's text is its JSON without quotes around it; null, and a key that a line does not have, is a missing
value; objects and arrays inside are given as JSON text, and the source's form says so. The columns are the keys
of all lines, by first appearance, so there is one pass over the file before the first scan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mltoolkit.errors import CannotRead
from mltoolkit.quality.encoding import Written, utf8_chunks
from mltoolkit.quality.source import BATCH_ROWS, Batch, Faults, Source

SUFFIXES = (".jsonl", ".ndjson", ".json")
_BATCH_CELLS = 2**21


def looks_like_json_lines(head: str) -> bool:
    """Whether the first line that is not blank is a JSON object."""
    line = next((line for line in head.splitlines() if line.strip()), "")
    return line.lstrip().startswith("{") and _parsed(line) is not None


class JsonLinesSource(Source):
    """A file with one JSON object a line."""

    def __init__(self, path: Path, name: str, written: Written) -> None:
        self.path, self.name, self.by_row, self.faults = path, name, False, Faults()
        self.bytes, self.written, self.encoding = path.stat().st_size, written, written.encoding
        keys: dict[str, None] = {}
        nested = False
        for _, found in self._objects():
            keys.update(dict.fromkeys(found or ()))
            nested = nested or any(isinstance(value, dict | list) for value in (found or {}).values())
        if not keys:
            raise CannotRead(
                f"{name}: no line of it is a JSON object with a key; expected JSON lines, one object a line"
            )
        self.header = tuple(map(_writable, keys))
        self._keys = list(keys)
        self.form = f"JSON lines, {self.encoding}" + (", nested values as JSON text" if nested else "")
        self.form += f", {written.compression}" if written.compression else ""

    def batches(self, columns: Sequence[int | str] | None = None) -> Iterator[Batch]:
        """Scan from the beginning."""
        positions = self.positions(columns)
        self.faults = Faults()
        most = max(1, min(BATCH_ROWS, _BATCH_CELLS // len(self.header)))
        objects: list[dict[str, Any]] = []
        lines: list[int] = []
        for line, found in self._objects():
            if found is None:
                self.faults.not_json.add(line)
                continue
            objects.append(found)
            lines.append(line)
            if len(objects) == most:
                yield self._batch(objects, lines, positions)
                objects, lines = [], []
        if objects:
            yield self._batch(objects, lines, positions)

    def _batch(self, objects: list[dict[str, Any]], lines: list[int], positions: list[int]) -> Batch:
        arrays = []
        for i in positions:
            key = self._keys[i]
            arrays.append(pa.array([_as_text(found.get(key)) for found in objects], type=pa.string()))
        data = pa.RecordBatch.from_arrays(arrays, names=[self.header[i] for i in positions])
        return Batch(data, np.array(lines, dtype=np.int64))

    def _objects(self) -> Iterator[tuple[int, dict[str, Any] | None]]:
        """Each line that is not blank, with its object; None where it is none."""
        line, rest = 0, b""
        for chunk in utf8_chunks(self.path, self.name, self.written, self.faults):
            parts = (rest + chunk).split(b"\n")
            rest = parts.pop()
            for text in parts:
                line += 1
                if text.strip():
                    yield line, _parsed(text)
        if rest.strip():
            yield line + 1, _parsed(rest)


def _parsed(text: str | bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else _writable(value)
    if isinstance(value, float):
        return repr(value)
    return _writable(json.dumps(value, ensure_ascii=False))


def _writable(text: str) -> str:
    """Text with every lone surrogate, which cannot be written anywhere, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
