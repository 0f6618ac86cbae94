"""What every route needs: the home, what is kept of it, the checks under way, and the pages' frame."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from fiftytwo.home import Home
from fiftytwo.learner import quiz
from fiftytwo.report.pages import environment
from fiftytwo.web.guard import Form, read_form
from fiftytwo.web.live import Desk
from fiftytwo.web.shelf import MARKS, Shelf, Stamp, day, local

STATIC = {
    "style.css": (("fiftytwo.report", "templates/style.css"), ("fiftytwo.web", "static/dashboard.css")),
    "dashboard.js": (("fiftytwo.web", "static/dashboard.js"),),
    "icon.svg": (("fiftytwo.web", "static/icon.svg"),),
}
_NAV = (
    ("/", "Year"),
    ("/today", "Today"),
    ("/evidence", "Evidence"),
    ("/benchmarks", "Benchmarks"),
    ("/portfolio", "Portfolio"),
)


@dataclass
class House:
    """One running dashboard."""

    home: Home
    shelf: Shelf
    desk: Desk
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    marks: dict[str, quiz.Marked] = field(default_factory=dict)  # question -> its last answer since the start
    faults: dict[str, str] = field(default_factory=dict)  # question -> why what was given is no answer

    first_page: tuple[tuple[Stamp, date], bytes] | None = None  # with the key of what it shows

    @classmethod
    def of(cls, home: Home, catalogue: Mapping[int, str] | None = None) -> House:
        """The dashboard of a home."""
        shelf = Shelf(home, catalogue)
        return cls(home, shelf, Desk(home, shelf.files))

    def page(self, template: str, here: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A page from its template; ``here`` is the entry of the navigation that it belongs to."""
        return HTMLResponse(self.render(template, here, **context), status)

    def render(self, template: str, here: str, **context: Any) -> str:
        """The text of a page."""
        frame = {"here": here, "nav": _NAV, "token": self.token, "version": static_version(), "place": self.home.root}
        text: str = _environment().get_template(template).render({**frame, **context})
        return text

    async def form(self, request: Request) -> Form:
        """A form that one of our own pages has sent."""
        return await read_form(request, self.token)


@cache
def static(name: str) -> bytes:
    """A file that the pages share; the style sheet is the report's with the dashboard's own behind it."""
    return b"\n".join(resources.files(package).joinpath(file).read_bytes() for package, file in STATIC[name])


@cache
def static_version() -> str:
    """Changes with the shared files, so that a browser can keep them."""
    return hashlib.sha256(b"".join(map(static, STATIC))).hexdigest()[:12]


@cache
def _environment() -> Any:
    found = environment("fiftytwo.web").overlay()
    found.globals = {**found.globals, "marks": MARKS, "answer_text": quiz.answer_text}
    found.filters = {**found.filters, "local": local, "day": day, "short": lambda when: f"{when.day} {when:%b}"}
    return found
