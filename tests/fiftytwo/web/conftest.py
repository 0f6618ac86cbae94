"""A home with evidence as runs leave it, and a dashboard that is asked without a network."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from fiftytwo.evidence import Document, Figure, Metric, Run, Verdict
from fiftytwo.home import Home
from fiftytwo.store import Store
from fiftytwo.web.app import Dashboard

PORT = 5252
BASE = f"http://127.0.0.1:{PORT}"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0L9 9" stroke="#333"/></svg>'
START = datetime(2026, 10, 5, 9, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "my52")


@pytest.fixture
def save(home, tmp_path):
    """Keep a run as the runner would; each is an hour later than the last."""
    count = 0

    def save(week=1, who="learner", status="failed", verdicts=None, files=None, **facts):
        nonlocal count
        moment = START + timedelta(hours=count)
        count += 1
        outcome = "passed" if status == "passed" else "wrong"
        if verdicts is None:
            verdicts = (
                Verdict("mean_", "passed", 0.0, "≤ 1e-08", why="Every later step works on X - mean_."),
                Verdict("components", outcome, 0.25, "≤ 1e-08", why="The directions themselves.",
                        message="" if outcome == "passed" else "measured 0.25, wanted ≤ 1e-08",
                        hint=("Look at <b>the mean</b>.", "Centre first.", "Subtract X.mean(axis=0).")),
            )  # fmt: skip
        run = Run(
            id=f"{moment:%Y%m%dT%H%M%S.%f}-w{week:02d}-{who}-quick", week=week, who=who, profile="quick",
            status=status, started=moment.isoformat(), seconds=3.2, seed=52, verdicts=verdicts, **facts,
        )  # fmt: skip
        folder = tmp_path / f"run{count}"
        folder.mkdir()
        for name, text in (files or {}).items():
            (folder / name).write_text(text, "utf-8")
        Store(home).save(run, folder)
        return run

    return save


@pytest.fixture
def reference(save):
    """The reference's run of week 1, with a figure, a number and a document."""

    def reference():
        return save(
            who="reference", status="passed", files={"scree.svg": SVG, "output.txt": "hello"}, output="output.txt",
            figures=(Figure("scree", "scree.svg", "Shares of the variance."),), metrics=(Metric("share", 0.2850936),),
            documents=(Document("eda", "What the digits are", "# Summary\n\nTwo components."),),
        )  # fmt: skip

    return reference


class Browser:
    """Asks a dashboard as a browser would that shows its pages."""

    def __init__(self, app):
        self.app = app

    def ask(self, method, path, *, host=f"127.0.0.1:{PORT}", **options):
        async def go():
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                headers = {"host": host, **options.pop("headers", {})}
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(go())

    def get(self, path, **headers):
        return self.ask("GET", path, headers=headers)

    def token(self):
        return self.app.house.token

    def post(self, path, fields=None, *, headers=None, token=None):
        given = {"token": self.token() if token is None else token, **(fields or {})}
        usual = {"origin": BASE, "sec-fetch-site": "same-origin"}
        return self.ask("POST", path, data=given, headers=usual if headers is None else headers)


@pytest.fixture
def browser(home):
    return Browser(Dashboard(home, PORT))
