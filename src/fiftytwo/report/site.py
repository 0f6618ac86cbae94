"""Write the site: all of it into a folder beside the old one, then swap the two by renaming.

A reader sees the old report or the new one. When anything fails on the way, the old one stays, and a
folder that no report made is never replaced.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fiftytwo.report.gather import Entry, gather
from fiftytwo.report.pages import GENERATOR, index_page, page_name, pictures, week_page, when
from fiftytwo.report.summary import summary
from mltoolkit.errors import CannotRead

if TYPE_CHECKING:
    from fiftytwo.evidence import Profile
    from fiftytwo.home import Home
    from fiftytwo.store import Store

SUMMARY = "REPORT.md"


def write_report(
    home: Home,
    output: Path | None = None,
    *,
    profile: Profile | None = None,
    markdown: bool = False,
    catalogue: Mapping[int, str] | None = None,
    now: datetime | None = None,
) -> Path:
    """Write the evidence of a home as a static site.

    Parameters
    ----------
    home : Home
        Nothing is read from it but its evidence.
    output : Path, optional
        The site's folder; the home's ``report`` when it is not given.
    profile : {"quick", "full"}, optional
        Show runs of this profile only; otherwise the newest of any.
    markdown : bool, default False
        Write ``REPORT.md``, the report in short, as well.
    catalogue : mapping of int to str, optional
        Week number -> module of its ``lab.py``; every landed week when it is not given.
    now : datetime, optional
        The moment that the pages name as theirs.

    Returns
    -------
    Path
        The ``index.html``.

    Raises
    ------
    CannotRead
        When ``output`` is there already and is not a report, so that replacing it would destroy something.
    """
    from fiftytwo.store import Store

    place = (output or home.report).expanduser().absolute()
    refuse_to_destroy(place)
    store = Store(home)
    entries = gather(store, profile, catalogue)
    made = when((now or datetime.now(UTC)).astimezone(UTC).isoformat())

    def build(folder: Path) -> None:
        _build(folder, store, entries, made, profile)
        if markdown:
            (folder / SUMMARY).write_text(summary(entries, made, profile), "utf-8")

    replace_folder(place, build)
    return place / "index.html"


def replace_folder(place: Path, build: Callable[[Path], None]) -> None:
    """Build a folder beside ``place`` and put it there; when ``build`` raises, ``place`` stays as it was."""
    place = place.resolve()  # a link to the report keeps pointing to it
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".new", dir=place.parent))
    old = fresh.with_suffix(".old")
    try:
        build(fresh)
        mask = os.umask(0)
        os.umask(mask)
        fresh.chmod(0o777 & ~mask)  # mkdtemp makes folders for one's own eyes
        if place.exists():
            place.replace(old)
        try:
            fresh.replace(place)
        except OSError:
            if old.exists() and not place.exists():
                old.replace(place)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if place.exists():
            shutil.rmtree(old, ignore_errors=True)


def _build(folder: Path, store: Store, entries: Sequence[Entry], made: str, profile: Profile | None) -> None:
    templates = Path(__file__).parent / "templates"
    shutil.copyfile(templates / "style.css", folder / "style.css")
    (folder / "index.html").write_text(index_page(entries, made, profile), "utf-8")
    for entry in entries:
        run = entry.shown
        figures = pictures(run, store.folder(run) if run else None)
        for picture in figures:
            if picture.there:
                target = folder / picture.address
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(picture.source, target)
        page = week_page(entry, entries, figures, made, profile)
        (folder / page_name(entry.week.number)).write_text(page, "utf-8")


def refuse_to_destroy(place: Path, generator: str = GENERATOR) -> None:
    """Only an empty folder, or one that the same command wrote earlier, may be replaced.

    Raises
    ------
    CannotRead
        When it is anything else.
    """
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    try:
        head = (place / "index.html").read_text("utf-8", errors="replace")[:2000]
    except OSError:
        head = ""
    if f'content="{generator}"' not in head:
        noun = generator.rpartition(" ")[2]
        raise CannotRead(f"{place} is there already and is not a {noun}; name an empty or new folder with --output")
