"""The pages of one week: the work with its live checks, the study note, the quiz, the figures, yours beside."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from fiftytwo.evidence import Run, Verdict
from fiftytwo.learner import quiz
from fiftytwo.learner.workbench import Bench, Refused
from fiftytwo.report.gather import Entry, check_rows, failure_groups
from fiftytwo.report.markdown import to_html
from fiftytwo.web.beside import read_beside, read_comparison
from fiftytwo.web.evidence_views import shown_pictures
from fiftytwo.web.guard import prove
from fiftytwo.web.house import House
from fiftytwo.web.shelf import Cell, Missing

_ATTEMPTS = 8
_BACK = re.compile(r"/today|/week/\d{1,2}/quiz")


def router(house: House) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/week/{number}")
    _add_pages(routes, house)
    _add_actions(routes, house)
    _add_stream(routes, house)
    return routes


def _add_pages(routes: APIRouter, house: House) -> None:
    @routes.get("")
    def work(number: int) -> Response:
        week = _Week(house, number)
        return house.page("work.html.jinja", "/", **week.frame("work"), **week.work())

    @routes.get("/study")
    def study(number: int) -> Response:
        week = _Week(house, number)
        note = Markup(_note(week.loaded().path / "study.md"))  # noqa: S704 - to_html escapes
        return house.page("study.html.jinja", "/", **week.frame("study"), note=note)

    @routes.get("/quiz")
    def questions(number: int) -> Response:
        week = _Week(house, number)
        week.loaded()
        now = _now()
        items = [item for item in house.shelf.items(now) if item.week == number]
        marks = {name: marked for name, marked in house.marks.items() if marked.due > now.date()}
        return house.page(
            "quiz.html.jinja",
            "/",
            **week.frame("quiz"),
            items=items,
            marked=marks,
            faults=house.faults,
            back=f"/week/{number}/quiz",
        )

    @routes.get("/figures")
    def figures(number: int) -> Response:
        week = _Week(house, number)
        week.loaded()
        run = house.shelf.latest(number, "reference")
        return house.page(
            "figures.html.jinja", "/", **week.frame("figures"), run=run, pictures=shown_pictures(house.shelf, run)
        )

    @routes.get("/beside")
    def beside(number: int) -> Response:
        week = _Week(house, number)
        bench = Bench(week.loaded().week, house.home)
        asked = len(house.shelf.events("solution", number))
        shown = week.cell.mark == "passed" or asked > 1  # as on the command line: who asks twice means it
        return house.page(
            "beside.html.jinja",
            "/",
            **week.frame("beside"),
            shown=shown,
            asked=asked,
            started=bench.file.is_file(),
            sheets=[read_beside(house.home, sheet) for sheet in bench.sheets()] if shown else [],
            comparison=read_comparison(house.home, number),
            busy=house.desk.busy(number),
        )


def _add_actions(routes: APIRouter, house: House) -> None:
    @routes.post("/start")
    async def start(number: int, request: Request) -> Response:
        await house.form(request)
        await run_in_threadpool(_start, house, number)
        return _to(f"/week/{number}#work")

    @routes.post("/check")
    async def check(number: int, request: Request) -> Response:
        await house.form(request)
        await _begin(house, number, "check")
        return _to(f"/week/{number}#work")

    @routes.post("/compare")
    async def compare(number: int, request: Request) -> Response:
        await house.form(request)
        await _begin(house, number, "compare")
        return _to(f"/week/{number}/beside#measured")

    @routes.post("/stop")
    async def stop(number: int, request: Request) -> Response:
        await house.form(request)
        await house.desk.stop(number)
        return _to(f"/week/{number}#work")

    @routes.post("/hint")
    async def hint(number: int, request: Request) -> Response:
        form = await house.form(request)
        await run_in_threadpool(_hint, house, number, form.get("check"))
        return _to(f"/week/{number}#hints")

    @routes.post("/reveal")
    async def reveal(number: int, request: Request) -> Response:
        await house.form(request)
        await run_in_threadpool(_reveal, house, number)
        return _to(f"/week/{number}/beside#code")

    @routes.post("/quiz")
    async def answer(number: int, request: Request) -> Response:
        form = await house.form(request)
        name, back = form.get("question"), form.get("back")
        if not _BACK.fullmatch(back):
            raise Missing("there is no such question")
        await run_in_threadpool(_answer, house, number, name, " ".join(form.all("answer")))
        return _to(f"{back}?answered={name}#{name}")


def _start(house: House, number: int) -> None:
    with suppress(Refused):  # the files are there already, which is what was wanted
        Bench(house.shelf.landed(number).week, house.home).start()


def _hint(house: House, number: int, name: str) -> None:
    run = house.shelf.latest(number, "learner")
    verdict = next((v for v in run.verdicts if v.name == name), None) if run else None
    if verdict is None:
        raise Missing("there is no such check in your last run")
    step = _hints_shown(house, number, name) + 1
    if step <= len(verdict.hint):
        house.home.log("hint", number, check=name, step=step)


def _reveal(house: House, number: int) -> None:
    house.home.log("solution", number, passed=house.shelf.year().cell(number).mark == "passed")


def _answer(house: House, number: int, name: str, text: str) -> None:
    now = _now()
    item = next((i for i in house.shelf.items(now) if i.week == number and i.question.id == name), None)
    if item is None:
        raise Missing("there is no such question")
    house.faults.pop(name, None)
    try:
        given = quiz.read_answer(item.question, text)
    except ValueError as error:
        house.faults[name] = str(error)
    else:
        house.marks[name] = quiz.mark(house.home, item, given, now)


def _add_stream(routes: APIRouter, house: House) -> None:
    @routes.get("/live")
    async def live(number: int, request: Request, token: str = "") -> Response:
        """What happens at a week, as server-sent events; as long as one page listens, saves are checked."""
        prove(request.headers, token, house.token)
        house.shelf.year().cell(number)

        async def lines() -> AsyncIterator[str]:
            async for news in house.desk.news(number):
                if news is None:
                    yield ": still here\n\n"
                else:
                    yield f"event: {'hello' if news['kind'] == 'hello' else 'news'}\ndata: {json.dumps(news)}\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _begin(house: House, number: int, kind: Any) -> None:
    files = await run_in_threadpool(house.shelf.files, number)
    if not files or not files[0].is_file():
        raise Missing(f"there is no file to check yet; start week {number} first")
    await house.desk.begin(number, kind)


class _Week:
    """One week for its pages."""

    def __init__(self, house: House, number: int) -> None:
        self.house = house
        self.number = number
        self.year = house.shelf.year()
        self.cell: Cell = self.year.cell(number)

    def loaded(self) -> Any:
        """The week with its code; one that has not landed is not here."""
        return self.house.shelf.landed(self.number)

    def frame(self, tab: str) -> dict[str, Any]:
        """What every page of a week shows around its content."""
        cells, place = self.year.cells, self.number - 1
        return {
            "cell": self.cell,
            "week": self.cell.week,
            "tab": tab,
            "before": cells[place - 1].week if place else None,
            "after": cells[place + 1].week if place + 1 < len(cells) else None,
        }

    def work(self) -> dict[str, Any]:
        """What the page of the work shows."""
        found: dict[str, Any] = {"exercise": None, "trouble": "", "learner": None, "rows": [], "groups": []}
        found |= {"started": False, "attempts": [], "changed": False, "busy": False, "failure": None, "files": []}
        if not self.cell.landed:
            return found
        try:
            week = self.loaded().week
        except Exception as error:  # a week that lacks an extra here must not take the page down
            return found | {"trouble": " ".join(f"{type(error).__name__}: {error}".split())}
        shelf = self.house.shelf
        bench = Bench(week, self.house.home)
        learner, reference = shelf.latest(self.number, "learner"), shelf.latest(self.number, "reference")
        rows = check_rows(Entry(week, True, reference=reference, learner=learner))
        failure = learner.first_failure if learner else None
        return found | {
            "exercise": week.exercise,
            "needs": [n for n in week.needs if self.year.cell(n).mark != "passed"],
            "started": bench.file.is_file(),
            "files": [self._shown(file) for file in bench.files],
            "learner": learner,
            "rows": [row for row in rows if (row.learner or row.reference).exercise],  # type: ignore[union-attr]
            "groups": failure_groups(learner),
            "failure": failure,
            "hints": self._hints(failure),
            "changed": learner is not None and _changed_since(bench.files, learner),
            "attempts": shelf.ask(lambda store: store.history(self.number, "learner", limit=_ATTEMPTS)),
            "busy": self.house.desk.busy(self.number),
        }

    def _hints(self, failure: Verdict | None) -> tuple[str, ...]:
        """The hints for the first failing check that were asked for so far."""
        if failure is None:
            return ()
        return failure.hint[: _hints_shown(self.house, self.number, failure.name)]

    def _shown(self, file: Path) -> str:
        return f"{self.house.home.root.name}/{file.relative_to(self.house.home.root)}"


def _hints_shown(house: House, week: int, check: str) -> int:
    return sum(event.facts.get("check") == check for event in house.shelf.events("hint", week))


def _changed_since(files: tuple[Path, ...], run: Run) -> bool:
    """Whether a file was saved after the run began."""
    with suppress(OSError, ValueError):
        began = datetime.fromisoformat(run.started).timestamp()
        return any(file.stat().st_mtime > began for file in files if file.exists())
    return False


def _note(file: Path) -> str:
    try:
        return _rendered(file.read_text("utf-8"))
    except FileNotFoundError:
        return ""


@cache
def _rendered(text: str) -> str:
    """A study note as HTML, without its title, which the page has already."""
    return to_html(re.sub(r"\A\s*# [^\n]*\n", "", text), top=2)


def _to(address: str) -> Response:
    return RedirectResponse(address, 303)


def _now() -> datetime:
    return datetime.now().astimezone()
