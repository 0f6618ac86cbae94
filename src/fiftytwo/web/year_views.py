"""The pages of the year as a whole: the map, today, the portfolio, the benchmarks."""

from __future__ import annotations

import itertools
from datetime import date, datetime

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from fiftytwo.learner import quiz
from fiftytwo.web import peers
from fiftytwo.web.house import House
from fiftytwo.web.shelf import Stamp

_RECENT = 6


def router(house: House) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.get("/")
    async def year() -> Response:
        kept = house.first_page
        if kept is None or kept[0] != first_key(house):
            kept = await run_in_threadpool(make_first_page, house)
        return HTMLResponse(kept[1])

    @routes.get("/today")
    def today(answered: str = "") -> Response:
        now = datetime.now().astimezone()
        items = house.shelf.items(now)
        return house.page(
            "today.html.jinja",
            "/today",
            year=house.shelf.year(),
            today=now.date(),
            due=quiz.sitting(items, now, due_only=True),
            next_due=quiz.next_due(items, now),
            marked=house.marks.get(answered),
            faults=house.faults,
            recent=house.shelf.ask(lambda store: store.history(who="learner", limit=_RECENT)),
            back="/today",
        )

    @routes.get("/portfolio")
    def portfolio() -> Response:
        return house.page(
            "proof.html.jinja", "/portfolio", pieces=house.shelf.pieces(), year=house.shelf.year(), spoken=_spoken
        )

    @routes.get("/benchmarks")
    def benchmarks() -> Response:
        found, faults = peers.read_results()
        return house.page(
            "benchmarks.html.jinja", "/benchmarks", benchmarks=found, faults=faults, scale=peers.scale(found)
        )

    return routes


def first_key(house: House) -> tuple[Stamp, date]:
    """Changes with everything that the first page shows."""
    return house.shelf.stamp(), date.today()


def make_first_page(house: House) -> tuple[tuple[Stamp, date], bytes]:
    """The map of the year, kept for those who ask next."""
    key = first_key(house)
    year = house.shelf.year()
    phases = [(name, list(group)) for name, group in itertools.groupby(year.cells, key=lambda cell: cell.week.phase)]
    house.first_page = (key, house.render("year.html.jinja", "/", year=year, phases=phases).encode())
    return house.first_page


def _spoken(count: int, one: str) -> str:
    return f"{count or 'no'} {one}{'' if count == 1 else 's'}"
