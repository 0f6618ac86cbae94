"""Two texts beside each other: in two columns where there is room, else as a unified diff."""

from __future__ import annotations

import difflib

from fiftytwo.console import console

_ROOM = 140


def print_beside(mine: str, reference: str, name: str) -> None:
    """Print the learner's file beside the reference."""
    out = console()
    if out.is_terminal and out.width >= _ROOM:
        _print_columns(mine, reference, name)
        return
    lines = difflib.unified_diff(
        mine.splitlines(), reference.splitlines(), f"yours/{name}", f"reference/{name}", lineterm=""
    )
    shown = list(lines)
    for line in shown or ["Yours is the reference, line for line."]:
        out.print(line, style=_style(line), markup=False)


def _style(line: str) -> str:
    if line.startswith("+"):
        return "green"
    return "red" if line.startswith("-") else ""


def _print_columns(mine: str, reference: str, name: str) -> None:
    from rich.console import Console
    from rich.syntax import Syntax
    from rich.table import Table

    table = Table(expand=True, show_lines=False, pad_edge=False)
    table.add_column(f"yours: {name}", ratio=1)
    table.add_column("reference", ratio=1)
    theme = "ansi_dark"
    table.add_row(*(Syntax(text, "python", theme=theme, word_wrap=True) for text in (mine, reference)))
    Console().print(table)
