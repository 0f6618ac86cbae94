"""``fiftytwo data``: which datasets there are, where each lies, and how to get it here.

Standard output carries the answer (a table, paths, or JSON for programs); progress and faults go to
standard error, so the output can be piped.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mltoolkit.datasets import Entry
    from mltoolkit.datasets.locating import Located

_WIDE = 300  # columns of the table in a pipe: nothing is cut


@dataclass(frozen=True)
class Standing:
    """A dataset and where it was found; ``fault`` says why it cannot be used."""

    entry: Entry
    located: Located | None = None
    fault: str = ""

    @property
    def where(self) -> str:
        """The source in one or two words."""
        if self.located is not None:
            return self.located.source
        return "damaged" if self.fault else "not here"


@click.group()
def data() -> None:
    """The datasets: list them, fetch them, see where they lie.

    A dataset is looked for in the folder FIFTYTWO_DATA, then in the cache (FIFTYTWO_CACHE), then downloaded.
    With FIFTYTWO_OFFLINE=1 nothing is ever downloaded.

    \b
    Examples:
      fiftytwo data list
      fiftytwo data fetch mnist titanic
      fiftytwo data where titanic
    """


@data.command("list", short_help="Every dataset, its size, where it is, its licence.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def list_datasets(as_json: bool) -> None:
    """Every dataset: its size, where it was found, and its licence.

    \b
    Examples:
      fiftytwo data list
      fiftytwo data list --json
    """
    from mltoolkit import datasets

    standings = [_look_up(entry) for entry in datasets.entries()]
    if as_json:
        _print_json(standings)
        return
    _print_table(standings)
    for standing in standings:
        if standing.fault:
            click.echo(f"warning: {standing.fault}", err=True)
    missing = [standing.entry for standing in standings if standing.where == "not here"]
    here = sum(standing.located is not None for standing in standings)
    line = f"{here} of {len(standings)} are here."
    fetchable = next((entry.name for entry in missing if entry.downloadable), "")
    click.echo(f"{line} Next: fiftytwo data fetch {fetchable}" if fetchable else line)


@data.command(short_help="Download datasets into the cache.")
@click.argument("names", nargs=-1, metavar="NAMES...")
@click.option("--all", "everything", is_flag=True, help="Everything that can be downloaded.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def fetch(names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Download datasets into the cache; an interrupted download goes on where it stopped.

    What is on this machine already is checked and left as it is. The exit status is 1 when some could not be had.

    \b
    Examples:
      fiftytwo data fetch mnist
      fiftytwo data fetch mnist titanic
      fiftytwo data fetch --all
    """
    from mltoolkit import datasets
    from mltoolkit.errors import CannotRead

    if everything == bool(names):
        raise click.UsageError("name the datasets to fetch, or give --all; see: fiftytwo data list")
    chosen = [entry for entry in datasets.entries() if entry.downloadable] if everything else _choose(names)
    standings = []
    for entry in chosen:
        try:
            with _progress(entry.name) as progress:
                standing = Standing(entry, datasets.fetch(entry.name, progress))
        except CannotRead as error:
            standing = Standing(entry, fault=str(error))
            click.echo(f"error: {error}", err=True)
        standings.append(standing)
        if not as_json and standing.located is not None:
            click.echo(_fetched(entry, standing.located))
    if as_json:
        _print_json(standings)
    sys.exit(1 if any(standing.fault for standing in standings) else 0)


@data.command(short_help="The paths of a dataset's files.")
@click.argument("names", nargs=-1, required=True, metavar="NAMES...")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def where(names: tuple[str, ...], as_json: bool) -> None:
    """The paths of a dataset's files, one a line; nothing is downloaded.

    The exit status is 1 when some are not here.

    \b
    Examples:
      fiftytwo data where titanic
      fiftytwo data where mnist --json
    """
    standings = [_look_up(entry) for entry in _choose(names)]
    if as_json:
        _print_json(standings)
    for standing in standings:
        entry = standing.entry
        if standing.fault:
            click.echo(f"error: {standing.fault}", err=True)
        elif standing.located is None:
            click.echo(f"error: dataset {entry.name!r} is not here; {_how_to_get(entry)}", err=True)
        elif entry.embedded:
            click.echo(f"{entry.name} needs no file: it comes with an installed package", err=True)
        elif not as_json:
            for path in standing.located.paths.values():
                click.echo(path)
    sys.exit(1 if any(standing.located is None for standing in standings) else 0)


def _choose(names: Sequence[str]) -> list[Entry]:
    """The entries of the names, each once; all unknown names are told at once."""
    from mltoolkit import datasets
    from mltoolkit.errors import BadInput

    found, faults = [], []
    for name in dict.fromkeys(names):
        try:
            found.append(datasets.entry(name))
        except BadInput as error:
            faults.append(str(error))
    if faults:
        raise click.UsageError("; ".join(faults))
    return found


def _look_up(entry: Entry) -> Standing:
    from mltoolkit import datasets
    from mltoolkit.errors import CannotRead

    try:
        return Standing(entry, datasets.locate(entry.name))
    except CannotRead as error:
        return Standing(entry, fault=str(error))


def _how_to_get(entry: Entry) -> str:
    if entry.downloadable:
        return f"get it with: fiftytwo data fetch {entry.name}"
    from mltoolkit.datasets.locating import cache_folder

    names = ", ".join(file.name for file in entry.files)
    return f"its original is at {entry.homepage}; put {names} into {cache_folder() / entry.name}"


def _fetched(entry: Entry, located: Located) -> str:
    from fiftytwo.report.format import format_bytes

    if entry.embedded:
        return f"{entry.name}: needs no file: it comes with an installed package"
    folder = next(iter(located.paths.values())).parent
    verb = "downloaded to" if located.source == "download" else "is already in"
    return f"{entry.name}: {format_bytes(entry.bytes)} {verb} {folder}"


def _print_table(standings: Sequence[Standing]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from fiftytwo.report.format import format_bytes

    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    longest = max(len(standing.entry.name) for standing in standings)
    left = max(console.width - longest - 36, 24)  # 36: the two short columns and what is between all five
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("size", no_wrap=True, justify="right")
    table.add_column("where", no_wrap=True)
    table.add_column("title", no_wrap=True, overflow="ellipsis", max_width=left * 3 // 5)
    table.add_column("licence", no_wrap=True, overflow="ellipsis", max_width=left * 2 // 5)
    for standing in standings:
        entry = standing.entry
        size = "" if entry.embedded else format_bytes(entry.bytes)
        style = "" if standing.located is not None else "red" if standing.fault else "dim"
        cells = (entry.name, size, standing.where, entry.title, entry.licence)
        table.add_row(*(Text(cell) for cell in cells), style=style)  # Text: brackets in a title are no markup
    console.print(table)


def _print_json(standings: Sequence[Standing]) -> None:
    rows = [
        {
            "name": standing.entry.name,
            "title": standing.entry.title,
            "task": standing.entry.task,
            "licence": standing.entry.licence,
            "homepage": standing.entry.homepage,
            "rows": standing.entry.rows,
            "columns": standing.entry.columns,
            "bytes": standing.entry.bytes,
            "sha256": standing.entry.sha256,
            "downloadable": standing.entry.downloadable,
            "source": standing.located.source if standing.located else None,
            "paths": [str(path) for path in standing.located.paths.values()] if standing.located else [],
            "fault": standing.fault,
        }
        for standing in standings
    ]
    click.echo(json.dumps(rows, indent=1, ensure_ascii=False))


@contextlib.contextmanager
def _progress(name: str) -> Iterator[Callable[[str, int, int], None] | None]:
    """A progress bar on standard error where that is a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    tasks = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:

        def show(file: str, done: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(f"{name} {file}", total=total)
            bars.update(tasks[file], completed=done)

        yield show
