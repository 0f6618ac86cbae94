"""What became of a column of labels or texts: which are new, which are gone, and how all are written.

Where new labels are old ones in another spelling (case, spaces, accents, a wrong decoding), that is said
rather than a list of labels. Texts that hardly ever repeat have no labels to compare; of them the form is
compared: length, letters, case, spaces, the pattern of digits and letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.distances import (
    ks_by_chance,
    ks_distance,
    one_sided_by_chance,
    proportions_by_chance,
    psi,
    shares_by_chance,
)
from mltoolkit.quality.findings import Finding, Severity, counted, percent
from mltoolkit.quality.labels import looks_wrongly_decoded
from mltoolkit.quality.pairs import Counted, Pair, count_values, severity_of
from mltoolkit.quality.value_changes import NOTICED, OF_NOTE

_REPEATED = 0.5  # labels are values of which there are at most half as many as rows
_SHOWN = 3
_PATTERNS = 10
_LEAST_OF_A_PATTERN = 10  # rows, and a fiftieth: a pattern of one row is the row
_MOST_ROWS = 10_000
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")


def label_changes(pair: Pair) -> Iterator[Finding]:
    """What became of labels or texts."""
    found = pair.labels
    n, m = found.sizes
    if n == 0 or m == 0:
        return
    spelled = _spelled_anew(pair, found)
    if spelled:
        yield spelled
        return
    told = [*_appeared(pair, found), *_vanished(pair, found)]
    yield from told
    if is_labels(found):
        # Of labels on one side only enough has been said.
        common = found.part((found.before > 0) & (found.after > 0)) if told else found
        distance, seen = psi(common.before, common.after), common.looked_at
        if distance >= NOTICED and shares_by_chance(seen.before, seen.after) <= pair.level:
            severity: Severity = "warning" if distance >= OF_NOTE else "info"
            yield pair.finding("distribution", severity, f"{_moved(common)} (PSI {distance:.2f})")
    elif not told:
        yield from _form(pair, found)


def is_labels(found: Counted) -> bool:
    """Whether values repeat often enough on both sides to be labels."""
    sides = (found.before, found.after)
    return all(0 < np.count_nonzero(side) <= max(2, _REPEATED * side.sum()) for side in sides)


def _moved(found: Counted) -> str:
    """The label whose share has changed most."""
    before, after = found.before / found.before.sum(), found.after / found.after.sum()
    at = int(np.argmax(np.abs(after - before)))
    shares = [percent(int(side[at]), int(side.sum())) for side in (found.before, found.after)]
    way = "up" if after[at] > before[at] else "down"
    return f"shares have moved, most that of {found.values[at]!r:.40}: {way} from {shares[0]} to {shares[1]}"


def _appeared(pair: Pair, found: Counted) -> Iterator[Finding]:
    m, seen = found.sizes[1], found.looked_at
    chosen = found.only_after & _more_than_chance(seen.after, *seen.sizes, pair.level)
    if chosen.any():
        count = int(found.after[chosen].sum())
        message = f"{_listed(found, found.after, chosen)} ({percent(count, m)} of the values) {_is_are(chosen)} new"
        where = np.isin(pair.after.texts, found.values[chosen].tolist()) & ~pair.after.missing
        yield pair.finding("new values", "warning", message, where)


def _vanished(pair: Pair, found: Counted) -> Iterator[Finding]:
    n, seen = found.sizes[0], found.looked_at
    chosen = found.only_before & _more_than_chance(seen.before, *seen.sizes[::-1], pair.level)
    if chosen.any():
        count = int(found.before[chosen].sum())
        message = f"{_listed(found, found.before, chosen)} ({percent(count, n)} of the values) {_is_are(chosen)} gone"
        yield pair.finding("gone values", "warning", message)


def _more_than_chance(counts: NDArray[np.int64], elsewhere: int, here: int, level: float) -> NDArray[np.bool_]:
    """Which labels of one side are too frequent for the other to have missed them by chance."""
    level = level / max(int(np.count_nonzero(counts)), 1)
    # The probability falls as the count rises, so one search over counts answers for all labels.
    least = next((k for k in range(1, _MOST_ROWS) if one_sided_by_chance(k, elsewhere, here) <= level), None)
    return np.asarray(counts >= least) if least else np.zeros(len(counts), dtype=bool)


def _listed(found: Counted, counts: NDArray[np.int64], chosen: NDArray[np.bool_]) -> str:
    order = [at for at in np.argsort(-counts, kind="stable") if chosen[at]]
    shown = ", ".join(f"{found.values[at]!r:.40}" for at in order[:_SHOWN])
    return f"{counted(len(order), 'label')}, {shown}, …" if len(order) > _SHOWN else shown


def _is_are(chosen: NDArray[np.bool_]) -> str:
    return "is" if chosen.sum() == 1 else "are"


def _spelled_anew(pair: Pair, found: Counted) -> Finding | None:
    """That most labels only one side has are each other in another spelling."""
    m = found.sizes[1]
    gone, new = found.part(found.only_before), found.part(found.only_after)
    if not len(new.values) or not len(gone.values):
        return None
    for what, written in _SPELLINGS:
        old = {written(str(label)): label for label in gone.values.tolist()}
        hits = np.array([written(str(label)) in old for label in new.values.tolist()], dtype=bool)
        count = int(new.after[hits].sum())
        enough = count >= 0.5 * new.after.sum() and severity_of(0.0, count / m) == "warning"
        seen = round(count * found.seen[1])
        if enough and one_sided_by_chance(seen, *found.looked_at.sizes) <= pair.level:
            example = new.values[hits][int(np.argmax(new.after[hits]))]
            was = old[written(str(example))]
            message = f"{counted(count, 'value', 'is/are')} written {what}, such as {was!r:.30} as {example!r:.30}"
            where = np.isin(pair.after.texts, new.values[hits].tolist()) & ~pair.after.missing
            return pair.finding("spelling", "warning", message, where)
    return None


def _decoded(text: str) -> str:
    """A text that was decoded as Windows-1252 though it was UTF-8, decoded again."""
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


def _bare(text: str) -> str:
    """Letters without their accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


_SPELLINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("in another case", str.casefold),
    ("with other spaces", lambda text: " ".join(text.split())),
    ("in a wrongly decoded way", _decoded),
    ("in another normal form of Unicode", lambda text: unicodedata.normalize("NFC", text)),
    ("without accents", _bare),
    ("with other punctuation", lambda text: re.sub(r"[\W_]+", "", text.casefold())),
)

_FORMS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("look decoded with the wrong encoding", looks_wrongly_decoded),
    ("hold a lost character (U+FFFD)", lambda text: "\ufffd" in text),
    ("have white space at an end", lambda text: text != text.strip()),
    ("are in capitals throughout", str.isupper),
    ("are without capitals", str.islower),
    ("hold letters beyond ASCII", lambda text: not text.isascii()),
)


def _form(pair: Pair, found: Counted) -> Iterator[Finding]:
    """How texts that hardly repeat are written."""
    seen = found.looked_at
    n, m = seen.sizes
    texts = [str(text) for text in found.values.tolist()]
    told = False
    for what, holds in _FORMS:
        hits = np.fromiter((holds(text) for text in texts), dtype=bool, count=len(texts))
        old, new = int(seen.before[hits].sum()), int(seen.after[hits].sum())
        severity = severity_of(old / n, new / m)
        if told or not severity or proportions_by_chance(old, n, new, m) > pair.level / len(_FORMS):
            continue
        told = severity == "warning"
        where = np.isin(pair.after.texts, found.values[hits].tolist()) & ~pair.after.missing
        message = f"{percent(new, m)} of the values {what}, {percent(old, n)} before"
        yield pair.finding("form of texts", severity, message, where if new > old else None)
    if not told:
        yield from _length_and_pattern(pair, seen, texts)


def _length_and_pattern(pair: Pair, found: Counted, texts: list[str]) -> Iterator[Finding]:
    lengths = np.array([len(text) for text in texts])
    long = count_values(lengths, lengths, (found.before.astype(float), found.after.astype(float)))
    distance = ks_distance(long.before, long.after)
    if distance >= OF_NOTE and ks_by_chance(distance, *long.sizes) <= pair.level:
        old, new = (np.average(lengths, weights=side) for side in (found.before, found.after))
        message = (
            f"texts are {old:.1f} characters long on average before, {new:.1f} now (KS of the lengths {distance:.2f})"
        )
        yield pair.finding("form of texts", "warning", message)
        return
    patterns = [_DIGITS.sub("9", _LETTERS.sub("a", text)) for text in texts]
    totals: Counter[str] = Counter()
    for pattern, count in zip(patterns, (found.before + found.after).tolist(), strict=True):
        totals[pattern] += count
    least = max(_LEAST_OF_A_PATTERN, sum(totals.values()) / 50)
    place = {pattern: i for i, (pattern, count) in enumerate(totals.most_common(_PATTERNS)) if count >= least}
    where = np.array([place.get(pattern, len(place)) for pattern in patterns])
    before, after = (
        np.bincount(where, weights=side, minlength=len(place) + 1).astype(np.int64)
        for side in (found.before, found.after)
    )
    if psi(before, after) >= OF_NOTE and shares_by_chance(before, after) <= pair.level:
        gain = after / after.sum() - before / before.sum()
        names = [*(f"the pattern {pattern!r:.30}" for pattern in place), "another pattern"]
        at = int(np.argmax(gain))
        shares = percent(int(after[at]), int(after.sum())), percent(int(before[at]), int(before.sum()))
        yield pair.finding(
            "form of texts", "warning", f"{shares[0]} of the values have {names[at]}, {shares[1]} before"
        )
