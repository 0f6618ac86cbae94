"""The portfolio: what one learner passed, with the evidence, the code, and how to see it again.

It is made to be handed to somebody who trusts nothing on the page: every week names the bounds and what
was measured, says what help was used, holds the code itself, and gives the command that measures it anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fiftytwo import plan, progress
from fiftytwo.evidence import Run
from fiftytwo.home import Home
from fiftytwo.learner import checking, pace, pace_showing
from fiftytwo.report.pages import fill, page_name, when
from fiftytwo.report.site import refuse_to_destroy, replace_folder
from fiftytwo.store import Store

GENERATOR = "fiftytwo portfolio"
_LARGEST_TEXT = 2**20


@dataclass(frozen=True)
class Code:
    """A file of the learner's: its text, its fingerprint, and where the portfolio keeps a copy."""

    name: str
    text: str
    sha256: str
    address: str


@dataclass(frozen=True)
class Piece:
    """One passed week as others will see it.

    ``hints`` counts the different hints that were read before the pass, ``asked`` whether the reference was looked
    at before it, ``changed`` whether the code is still the one that passed.
    """

    week: plan.Week
    way: progress.Way
    run: Run
    took: str
    hints: int
    asked: bool
    changed: bool
    code: tuple[Code, ...]


def pieces(home: Home) -> list[Piece]:
    """The passed weeks of a home, in the order of the year."""
    store = Store(home)
    kept = pace.read(home)
    told = kept.spent if kept else {}
    found = []
    for number, way in progress.ways(home).items():
        run = store.latest(number, who="learner", status="passed")
        if way.passed is None or run is None:
            continue
        week = _week(number)
        names = (week.exercise.file, *week.exercise.texts) if week.exercise else ()
        files = [home.week(number) / name for name in names]
        hashes = checking.fingerprints(files)
        before = [event for event in home.events(week=number) if event.time < run.started]
        known = next((e.facts["files"] for e in home.events(week=number) if e.facts.get("run") == run.id
                      and "files" in e.facts), hashes)  # fmt: skip
        found.append(
            Piece(
                week=week,
                way=way,
                run=run,
                took=_took(way, told.get(number)),
                hints=len({(e.facts.get("check"), e.facts.get("step")) for e in before if e.kind == "hint"}),
                asked=sum(event.kind == "solution" for event in before) > 1,
                changed=known != hashes,
                code=tuple(_code(file, hashes) for file in files if file.name in hashes),
            )
        )
    return found


def _week(number: int) -> plan.Week:
    try:
        return plan.load(number).week
    except (LookupError, ImportError):  # passed elsewhere, with an extra that is not here
        return plan.year()[number - 1]


def _took(way: progress.Way, told: float | None) -> str:
    """The hours that were told, else the days from start to pass, named for what they are."""
    if told is not None:
        return f"{told:g} hours, as told"
    if way.started is None or way.passed is None or way.passed < way.started:  # a clock was put back
        return ""
    days = (way.passed.astimezone().date() - way.started.astimezone().date()).days + 1
    return f"{pace_showing.took(pace.Took(way.week, 0.0, 0.0, days))} elapsed from start to pass"


def _code(file: Path, hashes: dict[str, str]) -> Code:
    text = file.read_bytes()[:_LARGEST_TEXT].decode("utf-8", "replace")
    return Code(file.name, text, hashes[file.name], f"code/{file.parent.name}/{file.name}")


def write_portfolio(
    home: Home, output: Path | None = None, *, name: str = "", now: datetime | None = None
) -> tuple[Path, int]:
    """Write the portfolio as a static site.

    Parameters
    ----------
    home : Home
    output : Path, optional
        The site's folder; ``portfolio`` in the home when it is not given.
    name : str
        Whose it is, for the title; nobody's when empty.
    now : datetime, optional
        The moment that the pages name as theirs.

    Returns
    -------
    (Path, int)
        The ``index.html``, and how many weeks are shown.

    Raises
    ------
    CannotRead
        When ``output`` is there already and is not a portfolio.
    """
    place = (output or home.root / "portfolio").expanduser().absolute()
    refuse_to_destroy(place, GENERATOR)
    shown = pieces(home)
    made = when((now or datetime.now(UTC)).astimezone(UTC).isoformat())

    def build(folder: Path) -> None:
        shutil.copyfile(Path(__file__).parent / "templates" / "style.css", folder / "style.css")
        (folder / "index.html").write_text(_index(shown, name, made), "utf-8")
        for piece in shown:
            page = fill("portfolio_week.html.jinja", piece=piece, name=name, made=made, generator=GENERATOR)
            (folder / page_name(piece.week.number)).write_text(page, "utf-8")
            for code in piece.code:
                target = folder / code.address
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(code.text, "utf-8")

    replace_folder(place, build)
    return place / "index.html", len(shown)


def _index(shown: Sequence[Piece], name: str, made: str) -> str:
    checks = sum(piece.run.passed for piece in shown)
    return fill("portfolio.html.jinja", pieces=shown, name=name, made=made, checks=checks, generator=GENERATOR)
