"""What a rule says about a table, whether it holds or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.findings import SHOWN_ROWS
from mltoolkit.quality.rules.suite import Rule
from mltoolkit.quality.rules.views import ColumnView, Mask

Views = Mapping[str, ColumnView]
Rescan = Callable[[Sequence[str]], Iterator[tuple[Views, NDArray[np.int64]]]]


@dataclass(frozen=True)
class Verdict:
    """A rule's verdict.

    Attributes
    ----------
    rule : Rule
    passed : bool
    count : int
        How many rows are wrong, more than ``mostly`` forgives or not; for a rule about a column or a table as a
        whole, how many rows it speaks of when it failed, else 0.
    considered : int
        How many rows were judged: for most rules, those with a value.
    observed : object
        The value that a rule about a whole was judged by; None for a rule about rows.
    message : str
        One sentence; empty when the rule passed.
    rows : tuple of int
        The first lines (or rows, from 1) that are wrong.
    values : tuple of str
        What stands there; several columns separated by `` | ``.
    """

    rule: Rule
    passed: bool
    count: int = 0
    considered: int = 0
    observed: Any = None
    message: str = ""
    rows: tuple[int, ...] = ()
    values: tuple[str, ...] = ()


class Evaluator(Protocol):
    """One rule while the table streams by."""

    rule: Rule

    def update(self, views: Views, lines: NDArray[np.int64], /) -> None:
        """Take in a batch."""

    def verdict(self, rows: int, rescan: Rescan, /) -> Verdict:
        """Judge, after the last batch; ``rescan`` scans some columns once more."""


class Gathered:
    """What several rules share is gathered once, and not by each of them."""

    def update(self, _: Views, __: NDArray[np.int64]) -> None:
        """Nothing."""


class Offenders:
    """The first wrong rows of a rule: their lines, and what stands in them."""

    def __init__(self, columns: Sequence[str], most: int = SHOWN_ROWS) -> None:
        self.rows: list[int] = []
        self.values: list[str] = []
        self._columns = columns
        self._most = most

    @property
    def full(self) -> bool:
        """Whether no more are taken."""
        return len(self.rows) >= self._most

    def add(self, views: Views, lines: NDArray[np.int64], wrong: Mask) -> None:
        """Take in the wrong rows of a batch, as long as there is room."""
        if self.full:
            return
        for row in np.flatnonzero(wrong)[: self._most - len(self.rows)]:
            self.rows.append(int(lines[row]))
            self.values.append(" | ".join(views[name].example(int(row)) for name in self._columns))


def holds_mostly(wrong: int, considered: int, mostly: float) -> bool:
    """Whether enough of the rows are right, reckoned as Great Expectations does."""
    return considered == 0 or (considered - wrong) / considered >= mostly
