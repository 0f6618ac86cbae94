"""Two values beside each other: in one row, or in one column and consecutive rows.

Two numbers are compared as numbers, two dates as dates, any other two texts letter by letter, in the order of
Unicode; a number and a text that is none cannot be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.rules.views import ColumnView, Mask

INCOMPARABLE = 2


@dataclass(frozen=True)
class _Values:
    """Values to be compared, one a row, without missing ones; ``texts`` only where not all are numbers."""

    numbers: NDArray[Any]
    is_number: Mask | None
    dates: NDArray[np.datetime64] | None
    texts: NDArray[Any] | None

    def __len__(self) -> int:
        return len(self.numbers)

    def part(self, where: Any) -> _Values:
        """The rows that a slice or a mask selects."""
        selected: list[Any] = [None if part is None else part[where] for part in self.parts()]
        return _Values(*selected)

    def parts(self) -> tuple[Any, ...]:
        """The four arrays."""
        return self.numbers, self.is_number, self.dates, self.texts


def _values_of(view: ColumnView, where: Mask | None, *, with_texts: bool) -> _Values:
    rows = slice(None) if where is None else where
    if not with_texts:
        numbers = view.dates.view(np.int64) if view.kind == "date" else view.numbers
        return _Values(numbers[rows], None, None, None)
    texts = np.asarray(view.cells.to_numpy(zero_copy_only=False), dtype=object)
    number = np.ones(view.n, dtype=bool) if view.is_number is None else view.is_number
    return _Values(view.numbers[rows], number[rows], view.dates[rows], view.spread(texts)[rows])


def _signs(a: _Values, b: _Values) -> NDArray[np.int8]:
    """-1, 0 or 1 where a is below, equal to or above b; INCOMPARABLE where neither can be said."""
    signs = _sign(a.numbers, b.numbers)
    if a.is_number is None or b.is_number is None:
        return signs
    assert a.texts is not None
    assert b.texts is not None
    signs[a.is_number != b.is_number] = INCOMPARABLE
    neither = ~a.is_number & ~b.is_number
    if neither.any():
        assert a.dates is not None
        assert b.dates is not None
        dates = neither & ~np.isnat(a.dates) & ~np.isnat(b.dates)
        signs[dates] = _sign(a.dates[dates], b.dates[dates])
        texts = neither & ~dates
        signs[texts] = _sign(a.texts[texts], b.texts[texts])
    return signs


def _sign(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.int8]:
    return np.asarray(a > b, dtype=np.int8) - np.asarray(a < b, dtype=np.int8)


def _are_plain(*views: ColumnView) -> bool:
    """Whether all values are numbers, or all columns are typed as dates: then nothing else has to be looked at."""
    return all(view.is_number is None for view in views) or all(view.kind == "date" for view in views)


def order(a: ColumnView, b: ColumnView) -> NDArray[np.int8]:
    """How two columns compare, row by row; INCOMPARABLE where a value is missing too."""
    with_texts = not _are_plain(a, b)
    signs = _signs(*(_values_of(view, None, with_texts=with_texts) for view in (a, b)))
    for view in (a, b):
        if view.missing is not None:
            signs[view.missing] = INCOMPARABLE
    return signs


def equal_rows(a: ColumnView, b: ColumnView) -> Mask:
    """Which rows hold the same in two columns; no value is the same as no value."""
    same = order(a, b) == 0
    if a.missing is not None and b.missing is not None:
        same |= a.missing & b.missing
    return np.asarray(same)


def present_rows(views: Sequence[ColumnView], gone: Literal["any", "all"], every: bool) -> Mask | None:
    """Rows that a rule over several columns considers; None for all of them.

    A row is passed over when any, or all, of its values are missing, unless every row counts.
    """
    if every or all(view.missing is None for view in views):
        return None
    masks = [np.zeros(view.n, dtype=bool) if view.missing is None else view.missing for view in views]
    together = np.logical_or if gone == "any" else np.logical_and
    return np.asarray(~together.reduce(masks))


def rows_in_order(
    column: str, sign: int, strictly: bool
) -> Callable[[Mapping[str, ColumnView]], tuple[int, Mask | None]]:
    """A judge of rows that have to follow the one before: the last value of a batch is kept for the next."""
    last: list[_Values] = []  # the last value so far, with its text

    def judge(views: Mapping[str, ColumnView]) -> tuple[int, Mask | None]:
        view = views[column]
        where = None if view.missing is None else ~view.missing
        plain = _are_plain(view) and (not last or last[0].is_number is None or bool(last[0].is_number[0]))
        now = _values_of(view, where, with_texts=not plain)
        if not len(now):
            return 0, None
        first = last[0] if last else now.part(slice(0, 1))
        before = _shifted(_Values(first.numbers, None, None, None) if plain else first, now)
        signs = _signs(now, before)
        wrong = (signs == INCOMPARABLE) | (signs * sign < (1 if strictly else 0))
        if not last:
            wrong[0] = False
        last[:] = [_last_of(view, where)]
        if not wrong.any():
            return view.present, None
        rows = np.zeros(view.n, dtype=bool)
        rows[slice(None) if where is None else where] = wrong
        return view.present, rows

    return judge


def _last_of(view: ColumnView, where: Mask | None) -> _Values:
    row = view.n - 1 if where is None else int(np.flatnonzero(where)[-1])
    if view.kind == "date":
        return _values_of(view, None, with_texts=False).part(slice(row, row + 1))
    is_number = view.is_number is None or bool(view.is_number[row])
    text = np.empty(1, dtype=object)
    text[0] = view.example(row)
    return _Values(view.numbers[row : row + 1], np.array([is_number]), view.dates[row : row + 1], text)


def _shifted(first: _Values, now: _Values) -> _Values:
    """The values before each of the values now."""
    shifted: list[Any] = [
        None if part is None else np.concatenate([head, part[:-1]])
        for head, part in zip(first.parts(), now.parts(), strict=True)
    ]
    return _Values(*shifted)
