"""A web server on this machine that can be told to misbehave, and a catalogue with one dataset on it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tenacity import wait_none

from mltoolkit.datasets import catalogue, fetching
from mltoolkit.datasets.catalogue import Entry, File

BODY = bytes(i * i % 251 for i in range(300_000))


@dataclass
class Resource:
    """What the server answers for one path. Lists are used up, one item a request."""

    body: bytes = BODY
    etag: str = '"v1"'
    ranges: bool = True
    length: bool = True
    shift: int = 0  # by how much the start of a range is announced wrongly
    statuses: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)  # the connection ends after so many bytes
    hold: threading.Event | None = None  # waited for in the middle of the body


@dataclass
class Web:
    """The server's address, what it serves and what it was asked: (path, Range header, If-Range header)."""

    address: str
    resources: dict[str, Resource] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    @property
    def ranges(self) -> list[str | None]:
        return [span for _, span, _ in self.asked]


class _Handler(BaseHTTPRequestHandler):
    web: Web

    def do_GET(self) -> None:
        span, condition = self.headers.get("Range"), self.headers.get("If-Range")
        self.web.asked.append((self.path, span, condition))
        resource = self.web.resources.get(self.path)
        if resource is None:
            self.send_error(404)
            return
        if resource.statuses:
            self.send_error(resource.statuses.pop(0))
            return
        start = 0
        if span and resource.ranges and condition in (None, resource.etag):
            start = int(span.removeprefix("bytes=").removesuffix("-"))
            if start >= len(resource.body):
                self.send_error(416)
                return
            self.send_response(206)
            total = len(resource.body)
            self.send_header("Content-Range", f"bytes {start + resource.shift}-{total - 1}/{total}")
        else:
            self.send_response(200)
        body = resource.body[start:]
        if resource.etag:
            self.send_header("ETag", resource.etag)
        if resource.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if resource.cuts:
            body = body[: resource.cuts.pop(0)]
        if resource.hold is not None:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            resource.hold.wait(20)
            body = body[len(body) // 2 :]
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of these tests."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server on the loopback interface; retries do not wait."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("FIFTYTWO_OFFLINE", raising=False)
    monkeypatch.setattr(fetching, "_WAIT", wait_none())
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
    running = Web(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass.web = running  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    for resource in running.resources.values():
        if resource.hold is not None:
            resource.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def file_of(name: str, body: bytes, *urls: str) -> File:
    return File(name, len(body), hashlib.sha256(body).hexdigest(), urls)


@pytest.fixture
def sample(web: Web, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """A dataset of one text file, on the server and in the catalogue."""
    web.resources["/input.txt"] = Resource()
    sample = Entry(
        "sample",
        "A sample",
        "language modelling",
        "none",
        "https://example.org/sample",
        rows=0,
        columns=0,
        loader="text",
        files=(file_of("input.txt", BODY, web.url("input.txt")),),
    )
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": sample})
    return sample


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the sample in the user's cache."""
    monkeypatch.setenv("FIFTYTWO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FIFTYTWO_DATA", raising=False)
    return tmp_path / "cache" / "sample"
