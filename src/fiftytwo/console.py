"""How the command line speaks: one console, one set of symbols, one kind of refusal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from fiftytwo.evidence import Outcome

if TYPE_CHECKING:
    from rich.console import Console

_SYMBOLS: dict[Outcome, tuple[str, str]] = {
    "passed": ("✓", "+"),
    "wrong": ("✗", "x"),
    "crashed": ("!", "!"),
    "not attempted": ("·", "."),
    "could not run here": ("–", "-"),
}
STYLES: dict[Outcome, str] = {
    "passed": "green",
    "wrong": "red",
    "crashed": "red",
    "not attempted": "yellow",
    "could not run here": "dim",
}


class Trouble(click.ClickException):
    """The command cannot be carried out; exit status 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        """One line on standard error."""
        click.echo(f"error: {self.message}", err=True)


def fail(message: str) -> NoReturn:
    """End the command with one clear line."""
    raise Trouble(" ".join(message.split()))


def console() -> Console:
    """The console of standard output; lines are never cut in a pipe."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def symbol(outcome: Outcome) -> str:
    """One character for an outcome, in ASCII where the terminal knows no other."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    fancy, plain = _SYMBOLS[outcome]
    try:
        fancy.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return plain
    return fancy


def here(path: Path) -> str:
    """A path as one would type it from the current folder."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return str(path) if relative.startswith(os.path.join("..", "..")) else relative  # noqa: PTH118
