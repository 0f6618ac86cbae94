"""The evidence: every run in a list, each run as a page, and the files that its page shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from fiftytwo.evidence import Run
from fiftytwo.report.gather import CheckRow, failure_groups
from fiftytwo.report.pages import Picture, pictures
from fiftytwo.store import Store
from fiftytwo.web.files import TYPES, Outside, read_inside
from fiftytwo.web.house import House
from fiftytwo.web.shelf import Missing, Shelf

_A_PAGE = 40
_RUN = re.compile(r"\d{8}T\d{6}\.\d{6}-w\d\d-(reference|learner|mine)-(quick|full)")
_FILE_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",  # a run never changes
    # Seen on its own, a picture may look like itself and do nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
}


def router(house: House) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.get("/evidence")
    def runs(week: str = "", before: str = "") -> Response:
        number = int(week) if re.fullmatch(r"\d\d?", week) else None
        older = before if _RUN.fullmatch(before) else None
        found = house.shelf.ask(lambda store: store.history(number, before=older, limit=_A_PAGE + 1))
        return house.page(
            "evidence.html.jinja",
            "/evidence",
            runs=found[:_A_PAGE],
            more=len(found) > _A_PAGE,
            chosen=number,
            older=older,
            cells=[cell for cell in house.shelf.year().cells if cell.landed],
        )

    @routes.get("/evidence/{name}")
    def run(name: str) -> Response:
        found = house.shelf.run(_known(name))
        rows = [
            CheckRow(v.name, v.bound, v.why, *((None, v) if found.who == "learner" else (v, None)))
            for v in found.verdicts
        ]
        return house.page(
            "run.html.jinja",
            "/evidence",
            run=found,
            cell=house.shelf.year().cell(found.week),
            rows=rows,
            groups=failure_groups(found),
            pictures=shown_pictures(house.shelf, found),
        )

    @routes.get("/evidence/{name}/{file:path}")
    def file_of_run(name: str, file: str) -> Response:
        found = house.shelf.run(_known(name))
        suffix = PurePosixPath(file).suffix
        if file not in {found.output, *(figure.file for figure in found.figures)} - {""} or suffix not in TYPES:
            raise Missing("this run has no such file")
        try:
            data = read_inside(house.home.root, f"evidence/week{found.week:02d}/{name}/{file}")
        except (FileNotFoundError, Outside):
            raise Missing("the file of this run is no longer kept") from None
        return Response(data, headers=_FILE_HEADERS, media_type=TYPES[suffix])

    return routes


def shown_pictures(shelf: Shelf, run: Run | None) -> Sequence[Picture]:
    """The figures of a run under the addresses that the dashboard serves them at."""
    if run is None:
        return []
    folder = Store(shelf.home).folder(run)
    return [
        replace(picture, address=f"/evidence/{run.id}/{quote(figure.file)}")
        for picture, figure in zip(pictures(run, folder), run.figures, strict=True)
    ]


def _known(name: str) -> str:
    """The id of a run as the runner makes them, so that nothing else gets into a path."""
    if not _RUN.fullmatch(name):
        raise Missing("there is no such run in this home")
    return name
