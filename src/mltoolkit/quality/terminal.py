"""What pages of text share: a console that fits the terminal, grids that fit the console, small pictures.

On a terminal the width is the terminal's and colours are used; in a pipe the width is fixed, so that output
can be compared, and there are no colours. Where the output cannot show Unicode, signs become ASCII and foreign
letters escapes: a name that cannot be printed is no reason to fail.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from mltoolkit.quality.figures import visible

STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}
LEAST_WIDTH = 40
PIPE_WIDTH = 100
BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = "_.-=+*#@"
_ASCII = str.maketrans(
    {
        **dict(zip(BLOCKS, _ASCII_BLOCKS, strict=True)),
        "–": "-",
        "−": "-",
        "…": "...",
        "·": "|",
        "∞": "inf",
        "→": "->",
        "\ufffd": "?",
        "✓": "+",
        "✗": "x",
        "×": "x",
        "─": "-",
        "≤": "<=",
        "≥": ">=",
        "◌": "o",
        "░": ".",
        "│": "|",
        "↔": "~",
    }
)


class _PlainStream:
    """A stream that gets ASCII for signs it could not encode, and escapes for letters."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """Write text; what the encoding lacks is replaced."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            text = text.translate(_ASCII).encode(self.encoding, "backslashreplace").decode(self.encoding)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def make_console() -> Console:
    """A console of the terminal's width; of a fixed one in a pipe."""
    stream: Any = sys.stdout if _encodes_all(sys.stdout) else _PlainStream(sys.stdout)
    console = Console(file=stream, highlight=False)
    width = max(console.width, LEAST_WIDTH) if console.is_terminal else PIPE_WIDTH
    return Console(file=stream, highlight=False, width=width)


def _encodes_all(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def print_heading(console: Console, name: str, facts: Sequence[str]) -> None:
    """Print what the page is about, and facts about it."""
    console.print(Text(visible(name), style="bold", overflow="fold"))
    console.print(Text(" · ".join(facts)))


def make_grid() -> Grid:
    """A table without lines but the one below its titles."""
    return Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")


def print_grid(console: Console, grid: Grid) -> None:
    """Print a grid below an empty line, without white space at the ends of lines."""
    with console.capture() as capture:
        console.print(grid)
    console.print()
    console.file.write("\n".join(line.rstrip() for line in capture.get().split("\n")))


def name_width(names: Sequence[str], width: int) -> int:
    """How wide a column of names is: as the longest, but no more than a third of the page."""
    return min(max(map(cell_len, names), default=0), max(12, width // 3))


def fitting_blocks(cells: Mapping[str, Sequence[str]], important: Sequence[str], width: int) -> Iterator[list[str]]:
    """Titles of the columns that fit side by side, block by block, the important ones first.

    Parameters
    ----------
    cells : mapping of str to sequence of str
        The columns by title, in the order in which they would stand if all had room.
    important : sequence of str
        Titles in the order in which they should get a place; all others follow.
    width : int
        Room beside the names.
    """
    order = [*(title for title in important if title in cells), *(t for t in cells if t not in important)]
    while order:
        room = width
        taken: list[str] = []
        for title in order:
            need = max(map(cell_len, [title, *cells[title]])) + 2
            if need <= room or not taken:
                room -= need
                taken.append(title)
        yield [title for title in cells if title in taken]
        order = [title for title in order if title not in taken]


def spark(counts: Sequence[float], width: int) -> str:
    """A histogram in one line, the tallest bar full; a bar that is not empty shows at least a line."""
    if not counts or sum(counts) <= 0:
        return ""
    bars = [0.0] * min(width, len(counts))
    step = len(counts) / len(bars)
    for i, count in enumerate(counts):
        # A bin that lies across two bars goes to both, by its share in each.
        first, last = int(i / step), min(int((i + 1) / step), len(bars) - 1)
        inside = 1.0 if last == first else (last * step - i) if last > first else 0.0
        bars[first] += count * min(inside, 1.0)
        if last > first and inside < 1.0:
            bars[last] += count * (1.0 - inside)
    tallest = max(bars)
    levels = len(BLOCKS) - 1
    return "".join(BLOCKS[max(0, min(levels, round(bar / tallest * (levels + 1)) - 1))] if bar else " " for bar in bars)


def fill(parts: Sequence[str], width: int, between: str = ", ", *, more: bool = False, tally: bool = False) -> str:
    """As many parts as fit into a line, at least the first, cut if need be.

    Where parts are left out the line ends in a sign of it, or with ``tally`` in how many they are; with ``more``
    the parts themselves are known to be the first of more.
    """
    best, line = "", ""
    if not more and sum(cell_len(part) + len(between) for part in parts) - len(between) <= width:
        return between.join(parts)
    for i, part in enumerate(parts):
        line = f"{line}{between}{part}" if i else part
        left = len(parts) - i - 1
        tail = f"{between}and {left:,} more" if tally and left else f"{between}…" if left or more else ""
        if cell_len(line) + len(tail) > width:
            if not i:
                best = set_cell_size(part, max(width - len(tail) - 1, 1)).rstrip() + "…" + tail
            # With its tail this part is too long; a later one may be the last and need no tail.
            if cell_len(line) > width or tally:
                break
            continue
        best = line + tail
    return best
