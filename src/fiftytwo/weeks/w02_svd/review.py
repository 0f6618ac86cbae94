"""The review checklist of this project, read from the one place where it is written.

That place is CONTRIBUTING.md at the root of the repository. ``contributing.txt`` in this folder is a link to it,
which a built distribution replaces by its contents; so the text is there in a checkout and in an install.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

SOURCE = Path(__file__).parent / "contributing.txt"
_HEADING = "## Pull-request review checklist"

# An item, by words that are in it, and the checks of this week that answer it.
EVIDENCE = {
    "held against an oracle": ("singular values", "right singular vectors", "left singular vectors", "Eckart-Young"),
    "Edge cases are there": ("the smallest shapes", "huge and tiny values", "single precision"),
    "Randomness comes from a generator": ("random_state repeats", "another seed draws anew"),
    "Every error at the public edge": ("refuses bad matrices", "refuses bad parameters", "refuses what is no image"),
    "Files are written to a temporary name": ("saving is all or nothing",),
    "Foreign input": ("refuses foreign files", "refuses broken files", "refuses hostile files"),
    "Cost was thought about": ("memory of gram beside svd",),
}


@dataclass(frozen=True)
class Item:
    """One statement of the checklist, and the checks that answer it for this week."""

    text: str
    checks: tuple[str, ...]


def checklist(text: str) -> dict[str, list[Item]]:
    """The checklist's items by their headings, in order.

    Parameters
    ----------
    text : str
        CONTRIBUTING.md.

    Raises
    ------
    LookupError
        When there is no checklist in it, or an item that this week answers is no longer there.
    """
    _, found, section = text.partition(_HEADING)
    if not found:
        raise LookupError(f"there is no heading {_HEADING!r} in the text")
    section = re.split(r"^## ", section, maxsplit=1, flags=re.MULTILINE)[0]
    groups: dict[str, list[Item]] = {}
    for match in re.finditer(r"^\*\*(?P<group>.+)\*\*$|^- \[ \] (?P<item>.+(?:\n {6}.+)*)", section, re.MULTILINE):
        if match["group"]:
            groups[match["group"]] = []
        else:
            words = " ".join(match["item"].split())
            answering = next((checks for part, checks in EVIDENCE.items() if part in words), ())
            groups[next(reversed(groups))].append(Item(words, answering))
    answered = {item.checks for items in groups.values() for item in items}
    lost = [part for part, checks in EVIDENCE.items() if checks not in answered]
    if lost:
        raise LookupError(f"the checklist has no item with {', '.join(map(repr, lost))} any more")
    return groups


def report(lab: Lab) -> None:
    """Write the checklist with what this week's checks answer."""
    groups = checklist(SOURCE.read_text("utf-8"))
    items = [item for group in groups.values() for item in group]
    lab.document(
        "review.md.jinja",
        "Pull-request review",
        groups=groups,
        count=len(items),
        answered=sum(bool(item.checks) for item in items),
    )
