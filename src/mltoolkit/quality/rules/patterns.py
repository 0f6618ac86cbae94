"""Regular expressions read off texts: how they are built of runs of letters, digits and signs.

Three readings, from strict to loose: all texts have one of a few shapes (``al_pn-3b``), all words have one of a
few shapes (``San Francisco``), all texts are made of a few kinds of characters. A reading counts only when what
it rests on was seen often enough that another sample of the same table will hardly bring anything new.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from mltoolkit.quality.rules.estimates import share_to_allow

_MOST_SHAPES = 6
_LONGEST_SHAPE = 12  # runs
_MOST_WORD_SHAPES = 3
_MOST_SIGNS = 12
_ENOUGH = 100  # rows
_SEEN = 3  # rows that a shape or a sign comes in before it counts as known
_CLASSES = {"a": "[a-z]", "A": "[A-Z]", "9": r"\d"}


@dataclass(frozen=True)
class Pattern:
    """An expression that texts match, the share of rows that do, and what it was read from."""

    regex: str
    mostly: float
    reason: str


def pattern_of(texts: Mapping[str, int]) -> Pattern | None:
    """The strictest expression that the texts, with their numbers of rows, give reason for."""
    rows = sum(texts.values())
    if rows < _ENOUGH:
        return None
    return _by_shape(texts, rows) or _by_word(texts, rows) or _by_character(texts)


def _kind(character: str) -> str:
    if "a" <= character <= "z":
        return "a"
    if "A" <= character <= "Z":
        return "A"
    return "9" if "0" <= character <= "9" else character


def _runs(text: str) -> tuple[tuple[str, str], ...]:
    """The runs of characters of one kind, each with its text; a sign is a run of its own."""
    return tuple((kind, "".join(run)) for kind, run in groupby(text, _kind))


def _by_shape(texts: Mapping[str, int], rows: int) -> Pattern | None:
    shapes: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    counts: Counter[tuple[str, ...]] = Counter()
    for text, count in texts.items():
        runs = _runs(text)
        if len(runs) > _LONGEST_SHAPE or text.count(" ") > 2:
            return None
        shape = tuple(kind for kind, _ in runs)
        shapes[shape].append(tuple(run for _, run in runs))
        counts[shape] += count
        if len(shapes) > 10 * _MOST_SHAPES:
            return None
    known = [shape for shape, count in counts.most_common() if count >= _SEEN]
    rare = rows - sum(counts[shape] for shape in known)
    if not known or len(known) > _MOST_SHAPES:
        return None
    if all(set(shape) <= {"a", "A"} for shape in known):
        return None  # bare words: a pattern of letters says little
    branches = [_expression(shape, shapes[shape], counts[shape]) for shape in known]
    mostly = share_to_allow(rare, rows)
    body = branches[0] if len(branches) == 1 else "(?:" + "|".join(branches) + ")"
    reason = "all values are built alike" if len(branches) == 1 else f"all values are built in {len(branches)} ways"
    return Pattern(f"^{body}$", mostly, reason if not rare else f"{reason}, but for {rare:,}")


def _expression(shape: tuple[str, ...], runs: list[tuple[str, ...]], rows: int) -> str:
    """One shape as an expression: what never varies stands as it is, lengths that never vary too."""
    parts = []
    for position, kind in enumerate(shape):
        found = {row[position] for row in runs}
        lengths = {len(run) for run in found}
        if kind not in _CLASSES:
            parts.append(_escaped(kind) + ("" if lengths == {1} else "+"))
        elif len(found) == 1 and kind != "9" and rows >= _ENOUGH // 10:
            parts.append(_escaped(next(iter(found))))
        else:
            parts.append(_CLASSES[kind] + _times(lengths, rows))
    return "".join(parts)


def _escaped(text: str, special: str = r"\.^$*+?{}[]|()") -> str:
    """A text as an expression, with no more escapes than it needs."""
    return "".join(f"\\{character}" if character in special else character for character in text)


def _times(lengths: Iterable[int], rows: int) -> str:
    lengths = set(lengths)
    if lengths == {1}:
        return "" if rows >= _ENOUGH // 2 else "+"
    return f"{{{lengths.pop()}}}" if len(lengths) == 1 and rows >= _ENOUGH // 2 else "+"


_WORD_SHAPES = {
    "Aa": "[A-Z][a-z]+",
    "a": "[a-z]+",
    "A": "[A-Z]+",
    "9": r"\d+",
}


def _by_word(texts: Mapping[str, int], rows: int) -> Pattern | None:
    """Words of a few shapes with one space between; a few rows that differ are allowed for."""
    words: Counter[str] = Counter()
    known_rows: list[tuple[int, set[str]]] = []
    for text, count in texts.items():
        shapes = {_word_shape(word) for word in text.split(" ")}
        known_rows.append((count, shapes))
        for shape in shapes:
            words[shape] += count
    chosen: set[str] = set()
    for shape, _ in words.most_common(_MOST_WORD_SHAPES):
        if shape not in _WORD_SHAPES or words[shape] < 0.02 * rows:
            break
        chosen.add(shape)
    rare = sum(count for count, shapes in known_rows if not shapes <= chosen)
    if not chosen or chosen >= {"Aa", "a", "A"} or rare > 0.03 * rows or max(map(len, texts)) > 60:
        return None
    one = "|".join(_WORD_SHAPES[shape] for shape in _WORD_SHAPES if shape in chosen)
    one = f"(?:{one})" if "|" in one else one
    many = any(" " in text for text in texts)
    reason = "words of the same form" if not rare else f"words of the same form, but for {rare:,}"
    return Pattern(f"^{one}(?: {one})*$" if many else f"^{one}$", share_to_allow(rare, rows), reason)


def _word_shape(word: str) -> str:
    kinds = "".join(kind for kind, _ in _runs(word))
    return "Aa" if kinds == "Aa" and word[1:].islower() else kinds


def _by_character(texts: Mapping[str, int]) -> Pattern | None:
    """A few kinds of characters, each of which comes in several rows."""
    signs: Counter[str] = Counter()
    for text, count in texts.items():
        for kind in set(map(_kind, text)):
            signs["é" if not kind.isascii() and kind.isalpha() else kind] += count
    rare = any(count < _SEEN for sign, count in signs.items() if sign not in _CLASSES)
    if rare or len(signs) > _MOST_SIGNS + len(_CLASSES):
        return None
    if any(not sign.isprintable() for sign in signs) or len(texts) < _ENOUGH:
        return None
    letters = r"\w" if "é" in signs else "".join(
        span for kind, span in (("a", "a-z"), ("A", "A-Z"), ("9", "0-9")) if kind in signs
    )  # fmt: skip
    others = "".join(_escaped(sign, r"\^]-") for sign in sorted(set(signs) - {"a", "A", "9", "é", "_"}))
    under = "_" if "_" in signs and "é" not in signs else ""
    what = [name for kind, name in (("a", "letters"), ("A", "capitals"), ("9", "digits")) if kind in signs]
    what += ["letters beyond ASCII"] if "é" in signs else []
    listed = " ".join(sorted(set(signs) - {"a", "A", "9", "é"})).replace(" " * 2, " ").strip()
    return Pattern(
        f"^[{letters}{under}{others}]+$", 1.0, f"made of {', '.join(what)} and {listed or 'nothing else'} only"
    )
