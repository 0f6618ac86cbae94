"""Foreign keys: every value has to come in a column of another file."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltoolkit.errors import BadInput
from mltoolkit.quality.rules.keys import contains, number_keys
from mltoolkit.quality.rules.loading import nearest_name
from mltoolkit.quality.rules.suite import Rule
from mltoolkit.quality.rules.verdicts import Views
from mltoolkit.quality.rules.views import ColumnView, Mask, read_dates
from mltoolkit.quality.source import open_source


class KeyValues:
    """The values of a key column: texts, and numbers by their value."""

    def __init__(self, rule: Rule, folder: Path | None) -> None:
        self.texts, self._numbers = _read_keys(rule, folder)

    @cached_property
    def _dates(self) -> NDArray[np.datetime64]:
        return read_dates(self.texts)

    def contains(self, view: ColumnView) -> Mask:
        """Which cells are among the keys."""
        text = view.kind == "text"
        inside = np.zeros(len(view.cells) if text else view.n, dtype=bool)
        if text and len(self.texts):
            inside |= np.asarray(pc.is_in(view.cells, value_set=self.texts).to_numpy(zero_copy_only=False), dtype=bool)
        if len(self._numbers) and view.kind not in ("date", "boolean"):
            equal = contains(self._numbers, number_keys(view.cell_numbers)) & ~view.cells_are_codes
            inside |= equal if view.cells_are_numbers is None else equal & view.cells_are_numbers
        if view.kind == "date" and len(self.texts):
            inside |= np.isin(view.cell_dates, self._dates)
        return inside


def file_of(rule: Rule, folder: Path | None) -> Path:
    """The file that a foreign key points to: relative to the rules file."""
    path = Path(rule.arguments["file"])
    return path if path.is_absolute() or folder is None else folder / path


def key_texts(rule: Rule, folder: Path | None, most: int) -> tuple[list[Any], bool]:
    """The distinct keys, numbers as numbers, and whether there are more than ``most`` of them."""
    texts, _ = _read_keys(rule, folder)
    if len(texts) > most:
        return [], True
    view = ColumnView(texts, split=False)
    numeric = view.cells_are_numbers is None and not view.cells_are_codes.any()
    return (view.cell_numbers.tolist() if numeric else texts.to_pylist()), False


def _read_keys(rule: Rule, folder: Path | None) -> tuple[pa.Array, NDArray[np.uint64]]:
    where = f"line {rule.line}: " if rule.line else ""
    source = open_source(file_of(rule, folder))
    key = rule.arguments["key"]
    if key not in source.header:
        near = nearest_name(key, source.header)
        guess = f"; the nearest is {near!r}" if near else f"; its columns are {', '.join(source.header[:20])}"
        raise BadInput(f"{where}key: {source.name} has no column {key!r}{guess}")
    texts: list[pa.Array] = []
    numbers: list[NDArray[np.uint64]] = []
    for batch in source.batches([key]):
        view = ColumnView(batch.data.column(0))
        filled = np.ones(len(view.cells), dtype=bool) if view.empty_cells is None else ~view.empty_cells
        texts.append(view.cells.filter(pa.array(filled)))
        numeric = filled & ~view.cells_are_codes
        if view.cells_are_numbers is not None:
            numeric &= view.cells_are_numbers
        numbers.append(number_keys(view.cell_numbers[numeric]))
    distinct = pc.unique(pa.chunked_array(texts, pa.string()))
    return distinct, np.unique(np.concatenate(numbers)) if numbers else np.empty(0, np.uint64)


def foreign_key(rule: Rule, folder: Path | None) -> Callable[[Views], tuple[int, Mask | None]]:
    """The judge of a foreign key."""
    keys = KeyValues(rule, folder)

    def judge(views: Views) -> tuple[int, Mask | None]:
        view = views[rule.columns[0]]
        return view.present, view.wrong_rows(keys.contains)

    return judge
