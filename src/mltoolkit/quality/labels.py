"""Checks of texts: how many different ones there are, how they are spelled, how they were decoded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.findings import Finding, Severity, about_column, about_rows, counted
from mltoolkit.quality.table import Column, Table

_LEAST_VALUES = 20
_NEARLY_ALL = 0.95
_PROSE = 5  # words in a value, on average
# UTF-8 that was read as Windows-1252: a lead byte's letter and the signs that stand for the bytes after it.
# Two signs suffice only after the letters that begin Western accents; genuine words hold no such pair.
_AFTER = "[" + "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xC0)) + "]"
_MOJIBAKE = re.compile(f"[ÂÃÄÅ]{_AFTER}|[ÐÑ]{_AFTER}[ÐÑ]{_AFTER}|[à-ï]{_AFTER}{{2}}|ðŸ{_AFTER}{{2}}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNSEEN = re.compile("[\u200b\u2060\ufeff]")  # the joiners U+200C and U+200D have their place in many scripts


def cardinality(table: Table, _: Column | None) -> Iterator[Finding]:
    """Labels that differ in case or white space only are a warning; identifiers written as text an info."""
    for column in table.columns:
        if column.kind != "text":
            continue
        present = column.n_present
        if column.distinct <= present / 2:
            yield from _spellings(table, column)
        elif present >= _LEAST_VALUES and column.distinct >= _NEARLY_ALL * present and _like_identifiers(column):
            message = f"{column.distinct:,} different values in {counted(present, 'row')}: an identifier, not a label"
            yield about_column(table, "cardinality", column.name, "info", message)


def _like_identifiers(column: Column) -> bool:
    """Whether nearly all values are single words with a digit in them, or of one length."""
    labels = column.labels
    single = sum(len(label.split()) == 1 for label in labels)
    digits = sum(any(c.isdigit() for c in label) for label in labels)
    one_length = len(set(map(len, labels))) == 1 and len(labels[0]) >= 4
    return single >= _NEARLY_ALL * len(labels) and (digits >= _NEARLY_ALL * len(labels) or one_length)


def _spellings(table: Table, column: Column) -> Iterator[Finding]:
    groups: dict[str, list[int]] = {}
    for code, label in enumerate(column.labels):
        groups.setdefault(" ".join(label.casefold().split()), []).append(code)
    variants = [sorted(group, key=lambda code: -column.counts[code]) for group in groups.values() if len(group) > 1]
    if variants:
        rare = np.array([code for group in variants for code in group[1:]])
        usual, other = (column.labels[code] for code in variants[0][:2])
        message = f"labels differ in case or spaces only, such as {usual!r:.40} and {other!r:.40}"
        yield about_rows(table, "cardinality", column, "warning", np.isin(column.codes, rare), message)


def _is_prose(column: Column) -> bool:
    return sum(len(label.split()) for label in column.labels) > _PROSE * len(column.labels)


def is_odd(text: str) -> bool:
    """Whether any of the checks of encodings has something to say of a text."""
    if text.isascii() and text.isprintable():
        return text != text.strip()
    return text != text.strip() or "\ufffd" in text or any(p.search(text) for p in (_MOJIBAKE, _CONTROL, _UNSEEN))


_BROKEN: tuple[tuple[str, Severity, str, Callable[[str], object]], ...] = (
    ("wrong encoding", "error", "was/were decoded with the wrong encoding", _MOJIBAKE.search),
    ("lost characters", "error", "holds/hold U+FFFD, which stands for a lost character", lambda text: "\ufffd" in text),
    ("control characters", "warning", "holds/hold control characters", _CONTROL.search),
    ("unseen characters", "warning", "holds/hold characters that nobody sees", _UNSEEN.search),
    ("white space at an end", "warning", "has/have white space at an end", lambda text: text != text.strip()),
)


def broken_texts(column: Column) -> Iterator[tuple[str, NDArray[np.bool_], int]]:
    """What is wrong with the characters of a column's texts: its name, which labels are meant, and how many rows."""
    if column.kind in ("integer", "float", "boolean", "date", "empty"):
        return
    labels = column.labels
    odd = [i for i, label in enumerate(labels) if is_odd(label)]
    for name, _, _, broken in _BROKEN if odd else ():
        hits = np.zeros(len(labels), dtype=bool)
        hits[odd] = [bool(broken(labels[i])) for i in odd]
        if hits.any():
            yield name, hits, column.count(hits[column.codes] & ~column.missing)


def encodings(table: Table, _: Column | None) -> Iterator[Finding]:
    """Text that was decoded wrongly somewhere, control characters, white space at the ends."""
    told = {name: (severity, what) for name, severity, what, _ in _BROKEN}
    for column in table.columns:
        for name, hits, count in broken_texts(column):
            severity, what = told[name]
            # White space around every value is how the file is written, and at the end of prose it harms nothing.
            habit = name == "white space at an end" and (count == column.n_present or _is_prose(column))
            message = f"{counted(count, 'value', what)}, such as {column.labels[int(np.argmax(hits))]!r:.60}"
            where = hits[column.codes] & ~column.missing
            yield about_rows(table, "encodings", column, "info" if habit else severity, where, message)
