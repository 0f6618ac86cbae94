"""Who may ask the dashboard for what: the walls between it and every other page in the same browser.

Any page that the browser has open can send requests to 127.0.0.1. Four rules keep it from using them:

- the ``Host`` header must name this server by its loopback address and port, so that a foreign name that was
  made to point here (DNS rebinding) is refused;
- a request that the browser marks as coming from another site is refused, unless it is somebody following a
  link to a page;
- what changes anything or runs anything must come from our own pages and carry this process's token (CSRF);
- the pages themselves load nothing from elsewhere, run no script but ours, and go into no frame.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "token"  # noqa: S105 - the name of a field
_LARGEST_FORM = 64 * 1024
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that, a browser sends its own forms with the origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Refusal(Exception):
    """A request that is not carried out: its status and one line on why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class TooManyFields(Refusal):
    """A form larger than any of ours."""

    def __init__(self) -> None:
        super().__init__(413, "this form is larger than any of the dashboard's")


@dataclass(frozen=True)
class Form:
    """The fields of a form that proved where it comes from."""

    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """The first value of a field, or an empty text."""
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self.fields if key == name]


def hosts(port: int) -> frozenset[str]:
    """What the ``Host`` header may say."""
    names = ("127.0.0.1", "localhost", "[::1]")
    plain = names if port == 80 else ()  # a browser leaves the usual port out
    return frozenset((*plain, *(f"{name}:{port}" for name in names)))


class Guard:
    """ASGI middleware that refuses foreign hosts and foreign pages, and sets the headers of every answer.

    Parameters
    ----------
    app : ASGI application
    port : int
        Where the server listens; part of every name that is accepted.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = hosts(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with why not."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            if scope["type"] != "http":
                raise Refusal(403, "the dashboard speaks HTTP alone")
            _check_host(scope, self.hosts)
            _check_site(scope)
        except Refusal as refusal:
            answer = PlainTextResponse(f"refused: {refusal.why}\n", refusal.status)
            await answer(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)


def _check_host(scope: Scope, allowed: frozenset[str]) -> None:
    named = Headers(scope=scope).getlist("host")
    if len(named) != 1 or named[0].lower() not in allowed:
        raise Refusal(421, "this server answers to its own address only; open the one that fiftytwo serve printed")


def _check_site(scope: Scope) -> None:
    headers = Headers(scope=scope)
    if scope["method"] not in ("GET", "HEAD", "POST"):
        raise Refusal(405, f"{scope['method']} is not used here")
    if headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none"):
        return
    follows_a_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if scope["method"] == "POST" or not follows_a_link:
        raise Refusal(403, "the request comes from another site's page")


async def read_form(request: Request, token: str) -> Form:
    """The fields of a form of ours.

    Raises
    ------
    Refusal
        When the request does not prove that it was sent from a page of this server.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise TooManyFields
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal(415, "expected a form")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise Refusal(400, "the form cannot be read") from None
    form = Form(tuple(pairs))
    prove(request.headers, form.get(TOKEN), token)
    return form


def prove(headers: Mapping[str, str], given: str, token: str) -> None:
    """Refuse what does not come from our own pages, or does not carry their token.

    A browser says where a request comes from in ``Sec-Fetch-Site``, ``Origin`` or both. One of them has to be
    there, and neither may name another place.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    ours = {f"http://{headers.get('host', '')}"}
    if site is None and origin is None:
        raise Refusal(403, "the request does not say which page it comes from")
    if (site is not None and site != "same-origin") or (origin is not None and origin not in ours):
        raise Refusal(403, "the request comes from another page")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        raise Refusal(403, "the page is from an earlier start of the dashboard; load it again")
