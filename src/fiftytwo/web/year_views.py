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
    kept: dict[str, tuple[tuple[Stamp, date], bytes]] = {}

    @routes.get("/")
    async def year() -> Response:
        key = (house.shelf.stamp(), date.today())
        if "/" not in kept or kept["/"][0] != key:
            text = await run_in_threadpool(_year_page, house)
            kept["/"] = (key, text.encode())
        return HTMLResponse(kept["/"][1])

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


def _year_page(house: House) -> str:
    year = house.shelf.year()
    phases = [(name, list(group)) for name, group in itertools.groupby(year.cells, key=lambda cell: cell.week.phase)]
    return house.render("year.html.jinja", "/", year=year, phases=phases)


def _spoken(count: int, one: str) -> str:
    return f"{count or 'no'} {one}{'' if count == 1 else 's'}"
