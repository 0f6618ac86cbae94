"""Rules about values that come more than once, in one column or in several together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.rules.comparing import present_rows
from mltoolkit.quality.rules.keys import Keys, KeyStore, cell_keys, contains, row_keys
from mltoolkit.quality.rules.suite import Rule
from mltoolkit.quality.rules.verdicts import Gathered, Offenders, Rescan, Verdict, Views, holds_mostly
from mltoolkit.quality.rules.views import ColumnView, Mask
from mltoolkit.quality.rules.wording import about_rows

_LOOKED_AT = 1_000_000  # rows with a repeated key whose values themselves are compared
_KEPT = 1_000  # rows among which the first wrong ones are sought


class Distinct:
    """The keys of one or more columns.

    Whether a column's values are numbers (``1`` is ``1.0``) or texts (they differ) is known at the end only: it is
    one of texts as soon as one value is no number, or is a code such as ``007``. Keys are made as for numbers,
    and once more when that was wrong.
    """

    def __init__(self, columns: Sequence[str], gaps: str = "any_value_is_missing") -> None:
        self.columns = tuple(columns)
        self.store = KeyStore()
        self.as_text = [False] * len(columns)
        self._gaps = gaps
        self._numbers = [False] * len(columns)
        self._texts = [False] * len(columns)
        self._settled = False

    def update(self, views: Views, _: NDArray[np.int64]) -> None:
        """Take in a batch."""
        for i, name in enumerate(self.columns):
            self._note(i, views[name])
        self.store.add(self.keys(views)[0])

    def _note(self, i: int, view: ColumnView) -> None:
        if view.kind != "text" or not view.present:
            return
        number = view.cells_are_numbers
        codes = view.cells_are_codes
        self._texts[i] = self._texts[i] or number is not None or bool(codes.any())
        self._numbers[i] = self._numbers[i] or number is None or bool(number.any())

    def keys(self, views: Views) -> tuple[Keys, Mask | None]:
        """The keys of the rows that count, and which rows these are (None for all)."""
        asked = [views[name] for name in self.columns]
        if len(asked) == 1:
            view = asked[0]
            keys = view.spread(cell_keys(view, as_text=self.as_text[0]))
            considered = None if view.missing is None else ~view.missing
        else:
            keys = row_keys(asked, as_text=self.as_text)
            every = self._gaps == "never"
            considered = present_rows(asked, "any" if self._gaps == "any_value_is_missing" else "all", every)
        return (keys if considered is None else keys[considered]), considered

    def settle(self, rescan: Rescan) -> None:
        """Make the keys anew where a column turned out to be one of texts with numbers among them."""
        if self._settled:
            return
        self._settled = True
        self.as_text = [numbers and texts for numbers, texts in zip(self._numbers, self._texts, strict=True)]
        if not any(self.as_text):
            return
        self.store.close()
        self.store = KeyStore()
        for views, _ in rescan(self.columns):
            self.store.add(self.keys(views)[0])


class Unique(Gathered):
    """No value, or no combination of values, comes twice; every row of a repeated one is wrong."""

    def __init__(self, rule: Rule, distinct: Distinct) -> None:
        self.rule = rule
        self._distinct = distinct

    def verdict(self, _: int, rescan: Rescan) -> Verdict:
        """Judge by the keys; where some repeat, by the values."""
        self._distinct.settle(rescan)
        considered = self._distinct.store.total
        repeated, wrong = self._distinct.store.repeated()
        if not wrong:
            return Verdict(self.rule, True, considered=considered)
        lines, values, wrong = self._look_at(repeated, wrong, rescan)
        passed = holds_mostly(wrong, considered, self.rule.mostly)
        message = "" if passed else about_rows(self.rule, wrong, considered, values)
        return Verdict(self.rule, passed, wrong, considered, None, message, tuple(lines), tuple(values))

    def _look_at(self, repeated: Keys, wrong: int, rescan: Rescan) -> tuple[list[int], list[str], int]:
        """The first repeated rows, what stands there, and how many rows repeat when values are compared."""
        exact = wrong <= _LOOKED_AT
        offenders = Offenders(self.rule.columns, _KEPT if exact else 5)
        tally: Counter[Hashable] = Counter()
        first: list[Hashable] = []
        for views, lines in rescan(self.rule.columns):
            keys, considered = self._distinct.keys(views)
            hit = contains(repeated, keys)
            if considered is None:
                mask = hit
            else:
                mask = np.zeros(len(lines), dtype=bool)
                mask[considered] = hit
            if not mask.any():
                continue
            offenders.add(views, lines, mask)
            if exact:
                rows = self._values(views, mask)
                tally.update(rows)
                first += rows[: _KEPT - len(first)]
            elif offenders.full:
                break
        if not exact:
            return offenders.rows, offenders.values, wrong
        shown = [i for i, row in enumerate(first) if tally[row] > 1][:5]
        wrong = sum(count for count in tally.values() if count > 1)
        return [offenders.rows[i] for i in shown], [offenders.values[i] for i in shown], wrong

    def _values(self, views: Views, mask: Mask) -> list[Hashable]:
        columns = []
        for name, as_text in zip(self.rule.columns, self._distinct.as_text, strict=True):
            columns.append(_plain_values(views[name], mask, as_text=as_text))
        return list(zip(*columns, strict=True))


def _plain_values(view: ColumnView, mask: Mask, *, as_text: bool) -> list[Any]:
    """The values of some rows as they are told apart; None for a missing one."""
    rows = np.flatnonzero(mask)
    if view.kind == "date":
        values: list[Any] = view.dates[rows].tolist()
    elif view.kind == "text" and (as_text or view.cells_are_numbers is not None):
        values = [view.example(int(row)) for row in rows]
        if not as_text and view.is_number is not None:
            numeric = view.is_number[rows]
            values = [
                float(number) if is_number else text
                for number, is_number, text in zip(view.numbers[rows], numeric, values, strict=True)
            ]
    else:
        values = view.numbers[rows].tolist()
    if view.missing is None:
        return values
    return [None if gone else value for gone, value in zip(view.missing[rows], values, strict=True)]
