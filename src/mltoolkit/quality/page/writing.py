"""From facts to a file: the template filled in, and the page written in one step over nothing but an older page."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, PackageLoader, StrictUndefined

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.io import atomic_write

GENERATOR = "datasanity"
_MARK = f'<meta name="generator" content="{GENERATOR}">'
_HEAD = 2048  # bytes within which the mark of a page stands


def render(template: str, *, now: datetime | None = None, **facts: Any) -> str:
    """Fill in a template of the package; every value is escaped, and a name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader("mltoolkit.quality.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    moment = now or datetime.now().astimezone()
    made = f"{moment.day} {moment:%B %Y, %H:%M}"
    return environment.get_template(template).render(generator=GENERATOR, made=made, **facts)


def default_name(file: str, kind: str) -> str:
    """What a page about a file is called: ``customers-profile.html`` in the current folder."""
    stem = re.sub(r"(\.(csv|tsv|txt|jsonl|ndjson|json|parquet|pq|gz|zst))+$", "", Path(file).name, flags=re.IGNORECASE)
    stem = re.sub(r"[^\w.-]+", "-", stem).strip("-.")
    return f"{stem or 'table'}-{kind}.html"


def write_page(page: str, output: str, *, force: bool = False) -> None:
    """Write a page to a file, in one step, or to standard output for ``-``; say where it went.

    Raises
    ------
    BadInput
        When there is a file of that name that is no page of ours, and ``force`` is not set.
    CannotRead
        When the file cannot be written.
    """
    if output == "-":
        sys.stdout.buffer.write(page.encode())
        return
    insist_on_own(output, force=force)
    try:
        atomic_write(output, page)
    except OSError as error:
        raise CannotRead(f"{output}: cannot be written: {error.strerror or error}") from error
    click.echo(f"open {output}", err=True)


def insist_on_own(output: str, *, force: bool) -> None:
    """Refuse to overwrite what no page of ours stands in; asked before the work, and again before the writing.

    Raises
    ------
    BadInput
    """
    path = Path(output)
    if path.is_dir():
        raise BadInput(f"{output}: is a folder; expected the name of a page, such as {path / 'page.html'}")
    if force or output == "-" or not path.exists():
        return
    with path.open("rb") as stream:
        if _MARK.encode() not in stream.read(_HEAD):
            raise BadInput(f"{output}: is there already and is no page of datasanity; --force overwrites it")
