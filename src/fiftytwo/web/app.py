"""The dashboard as an ASGI application: routes behind the guard, and a page for everything that goes wrong."""

from __future__ import annotations

import contextlib
import tempfile
import traceback
from collections.abc import AsyncIterator, Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fiftytwo.home import Busy, Home
from fiftytwo.web import evidence_views, week_views, year_views
from fiftytwo.web.guard import Guard, Refusal
from fiftytwo.web.house import STATIC, House, static
from fiftytwo.web.shelf import Missing, Unreadable

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}  # addresses carry a version


class Dashboard:
    """The application, and the house it shows.

    Parameters
    ----------
    home : Home
        Whose year; it need not exist yet.
    port : int
        Where the server listens, as the guard accepts requests to that address alone.
    catalogue : mapping of int to str, optional
        Landed weeks; :func:`fiftytwo.plan.landed` unless a test says otherwise.
    """

    def __init__(self, home: Home, port: int, catalogue: Mapping[int, str] | None = None) -> None:
        self.house = House.of(home, catalogue)
        self._guarded = Guard(_application(self.house), port)

    def prepare(self) -> None:
        """Make the first page, so that whoever opens the address need not wait; what is wrong, the page will say."""
        with contextlib.suppress(Exception):
            year_views.make_first_page(self.house)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing that goes wrong with one reaches the server."""
        # The page that says so has been sent; the framework raises the error again for a log of its own.
        with contextlib.suppress(Exception):
            await self._guarded(scope, receive, send)


def _application(house: House) -> FastAPI:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        house.shelf.warm()
        try:
            yield
        finally:
            house.shelf.close()
            await house.desk.close()

    # No pages about the interface: they would load scripts from elsewhere.
    app = FastAPI(title="Fifty-Two", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    for views in (year_views, week_views, evidence_views):
        app.include_router(views.router(house))

    @app.get("/static/{name}")
    async def shared(name: str) -> Response:
        if name not in STATIC:
            raise HTTPException(404)
        return Response(static(name), headers=_FOR_GOOD, media_type=_KINDS[name.rpartition(".")[2]])

    _add_error_pages(app, house)
    return app


def _add_error_pages(app: FastAPI, house: House) -> None:
    def page(status: int, title: str, text: str) -> Response:
        return house.page("trouble.html.jinja", "", status, title=title, text=text)

    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> Response:
        return page(error.status, "Not done", f"{error.why[0].upper()}{error.why[1:]}.")

    @app.exception_handler(Unreadable)
    async def unreadable(_: Request, error: Unreadable) -> Response:
        return page(500, "This evidence cannot be read", str(error))

    @app.exception_handler(Busy)
    async def busy(_: Request, error: Busy) -> Response:
        return page(503, "Not now", str(error))

    @app.exception_handler(Missing)
    async def missing(_: Request, error: Missing) -> Response:
        text = str(error)
        return page(404, "Not here", f"{text[0].upper()}{text[1:]}.")

    @app.exception_handler(RequestValidationError)
    async def unknown(_: Request, __: RequestValidationError) -> Response:
        return page(404, "Not here", "There is no page at this address.")

    @app.exception_handler(HTTPException)
    async def refused_by_routing(_: Request, error: HTTPException) -> Response:
        return page(error.status_code, "Not here", "There is no page at this address.")

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> Response:
        text = " ".join(str(error).split()) or type(error).__name__
        return page(500, "Something went wrong", f"{type(error).__name__}: {text} (details: {_keep(error)})")


def _keep(error: Exception) -> str:
    """Write the traceback to a file and say which."""
    with tempfile.NamedTemporaryFile("w", prefix="fiftytwo-", suffix=".txt", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return file.name
