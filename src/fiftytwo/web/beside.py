"""Yours beside the reference: two texts whose lines are set against each other, and the last comparison."""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fiftytwo.home import Home
from fiftytwo.learner.workbench import Sheet
from fiftytwo.web.errand import comparison_file
from fiftytwo.web.files import Outside, read_inside

Line = tuple[str | None, bool]  # the text, None for a gap, and whether this side alone has it


@dataclass(frozen=True)
class Beside:
    """A file on both sides; the two have equally many lines, since each has gaps where the other has more."""

    name: str
    mine: tuple[Line, ...]
    reference: tuple[Line, ...]


def read_beside(home: Home, sheet: Sheet) -> Beside:
    """The learner's file beside the reference; what lies outside the home is not read."""
    try:
        text = read_inside(home.root, sheet.file.relative_to(home.root).as_posix()).decode("utf-8", "replace")
    except (OSError, Outside):
        text = ""
    pairs = list(_paired(text.splitlines(), sheet.reference.splitlines()))
    return Beside(sheet.file.name, tuple(mine for mine, _ in pairs), tuple(reference for _, reference in pairs))


def _paired(mine: list[str], reference: list[str]) -> Iterator[tuple[Line, Line]]:
    matcher = difflib.SequenceMatcher(None, mine, reference, autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        for left, right in itertools.zip_longest(mine[i:j], reference[k:m]):
            differs = kind != "equal"
            yield (left, differs and left is not None), (right, differs and right is not None)


def read_comparison(home: Home, week: int) -> dict[str, Any] | None:
    """What ``compare`` last measured from the dashboard; ``None`` where it has not, or where that is damaged."""
    try:
        found = json.loads(comparison_file(home, week).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "reference" in found else None
