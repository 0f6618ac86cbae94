"""``fiftytwo notebook N``: the notebook of a week, copied into the home and opened there by marimo, offline.

A notebook belongs to the week whose code it imports first. It is ``notebook.py`` in the week's folder, or lies in
``notebooks/`` of a checkout.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from fiftytwo import plan
from fiftytwo.console import fail, here
from fiftytwo.home import Home
from mltoolkit.errors import MissingExtra
from mltoolkit.io import atomic_write

_IMPORT = re.compile(r"^\s*(?:from|import)\s+fiftytwo\.weeks\.w(\d\d)_", re.MULTILINE)


def notebooks(catalogue: Mapping[int, str] | None = None) -> dict[int, Path]:
    """Week -> its notebook, for every landed week that has one."""
    modules = plan.landed() if catalogue is None else catalogue
    found: dict[int, Path] = {}
    for number, file in _candidates(modules):
        if number in modules:
            found.setdefault(number, file)
    return dict(sorted(found.items()))


def _candidates(modules: Mapping[int, str]) -> Iterator[tuple[int, Path]]:
    for number, module in modules.items():
        spec = importlib.util.find_spec(module)
        if spec and spec.origin and (own := Path(spec.origin).with_name("notebook.py")).is_file():
            yield number, own
    checkout = Path(__file__).parents[2]
    for file in sorted((checkout / "notebooks").glob("*.py")) if (checkout / "pyproject.toml").is_file() else ():
        match = _IMPORT.search(file.read_text("utf-8"))
        if match:
            yield int(match[1]), file


def lay_out(notebook: Path, number: int, home: Home) -> Path:
    """Copy a notebook into the week's folder of the home; one that is there stays as the learner left it."""
    place = home.week(number) / "notebook.py"
    if not place.exists():
        atomic_write(place, notebook.read_bytes())
        home.log("notebook", number)
    return place


@click.command()
@click.argument("week", type=int)
@click.option("--port", type=click.IntRange(1, 65535), help="Port on this machine; by default a free one.")
@click.option("--headless", is_flag=True, help="Open no browser; print the address.")
def notebook(week: int, port: int | None, headless: bool) -> None:
    """Open a week's notebook, where there is one.

    The notebook is copied into my52/ first, so that you can change it. It runs on this machine alone
    and needs no network. Ctrl-C ends it.

    \b
    Examples:
      fiftytwo notebook 2
      fiftytwo notebook 2 --headless --port 2718
    """
    found = notebooks()
    if week not in found:
        if week not in plan.landed():
            fail(plan.unknown_week(week, plan.landed()))
        fail(f"week {week} has no notebook; weeks that have one: {', '.join(map(str, found)) or 'none yet'}")
    if importlib.util.find_spec("marimo") is None:
        raise MissingExtra("marimo", "notebook")
    file = lay_out(found[week], week, Home.find())
    click.echo(f"Opening {here(file)}; Ctrl-C ends it.", err=True)
    sys.exit(subprocess.call(_words(file, port, headless), env={**os.environ, "MARIMO_SKIP_UPDATE_CHECK": "1"}))


def _words(file: Path, port: int | None, headless: bool) -> list[str]:
    words = [sys.executable, "-m", "marimo", "edit", str(file), "--host", "127.0.0.1"]
    words += ["--skip-update-check", "--no-sandbox"]
    return words + (["--port", str(port)] if port else []) + (["--headless"] if headless else [])
