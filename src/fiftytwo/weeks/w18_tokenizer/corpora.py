"""What the build learns from, and what it is tried on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_HELD = 10  # every tenth block of lines is held out
_LINES = 40


@dataclass(frozen=True)
class Corpus:
    """Texts to learn from, and texts of the same kind that nothing learned from."""

    name: str
    train: tuple[str, ...]
    held: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes to learn from."""
        return sum(len(text.encode()) for text in self.train)


def corpus(lab: Lab) -> Corpus:
    """Python's help topics and docstrings; tiny Shakespeare and the library's sources too in full."""
    names = ["python-docs", "python-docstrings"]
    if lab.full:
        names += ["tiny-shakespeare", "python-sources"]
    blocks: list[str] = []
    for name in names:
        lines = lab.data(name).text.splitlines(keepends=True)
        blocks += ["".join(lines[at : at + _LINES]) for at in range(0, len(lines), _LINES)]
    held = tuple(block for at, block in enumerate(blocks) if at % _HELD == _HELD - 1)
    train = tuple(block for at, block in enumerate(blocks) if at % _HELD != _HELD - 1)
    titles = "help topics and docstrings of Python" + (", its sources, and tiny Shakespeare" if lab.full else "")
    return Corpus(titles, train, held)


def foreign(lab: Lab) -> str:
    """Text of another kind: the sources of Python in quick, of which the corpus has only the docstrings."""
    text: str = lab.data("python-sources").text
    return text[:200_000]
