"""Nobody but the pages themselves can make the dashboard do anything, and nobody reads it from elsewhere."""

import pytest

from fiftytwo.web.guard import hosts

ACTIONS = [
    "/week/1/start", "/week/1/check", "/week/1/compare", "/week/1/stop", "/week/1/hint", "/week/1/reveal",
    "/week/1/quiz",
]  # fmt: skip
PAGES = ["/", "/today", "/week/1", "/week/1/study", "/week/1/quiz", "/evidence", "/benchmarks", "/portfolio"]


@pytest.mark.parametrize("host", ["127.0.0.1:5252", "localhost:5252", "LOCALHOST:5252", "[::1]:5252"])
def test_its_own_names_are_answered(browser, host):
    assert browser.ask("GET", "/", host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example", "rebound.example:5252", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:5253", "localhost",
        "127.0.0.1.rebound.example:5252", "localhost:5252.rebound.example", "0.0.0.0:5252", "127.1:5252", "",
        "user@127.0.0.1:5252", "127.0.0.1:5252,rebound.example",
    ],
)  # fmt: skip
def test_other_names_are_refused(browser, host):
    answer = browser.ask("GET", "/", host=host)
    assert answer.status_code == 421
    assert answer.text.startswith("refused: this server answers to its own address only")


def test_the_usual_port_may_be_left_out():
    assert "localhost" in hosts(80)
    assert "localhost" not in hosts(8080)


def test_two_host_headers_are_refused(browser):
    async def app_answers():
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1",
                 "headers": [(b"host", b"127.0.0.1:5252"), (b"host", b"rebound.example")]}  # fmt: skip
        await browser.app(scope, None, send)
        return sent[0]["status"]

    import asyncio

    assert asyncio.run(app_answers()) == 421


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(browser, method):
    assert browser.ask(method, "/").status_code == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("dest", ["image", "script", "iframe", "empty"])
def test_other_sites_cannot_embed_or_fetch(browser, site, dest):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": dest}
    assert browser.ask("GET", "/evidence", headers=headers).status_code == 403


def test_a_frame_on_another_site_is_refused_though_it_navigates(browser):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    assert browser.ask("GET", "/", headers=headers).status_code == 403


def test_a_link_on_another_site_can_be_followed(browser):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert browser.ask("GET", "/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://rebound.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:5252"},
        {"origin": "http://localhost:5252"},
        {"origin": "http://127.0.0.1:5253", "sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
        {"origin": "http://127.0.0.1:5252", "sec-fetch-site": "cross-site"},
        {"origin": "http://rebound.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_actions_from_elsewhere_are_refused(browser, home, headers):
    assert [browser.post(path, headers=headers).status_code for path in ACTIONS] == [403] * len(ACTIONS)
    assert not home.root.exists()


@pytest.mark.parametrize("token", ["", "guess", "ö", "x" * 4000])
def test_actions_without_the_token_are_refused(browser, home, token):
    for path in ACTIONS:
        answer = browser.post(path, token=token)
        assert answer.status_code == 403
        assert "load it again" in answer.text
    assert not home.root.exists()


def test_a_token_of_an_earlier_start_is_of_no_use(browser, home):
    from fiftytwo.web.app import Dashboard

    earlier = Dashboard(home, 5252).house.token
    assert earlier != browser.token()
    assert browser.post("/week/1/start", token=earlier).status_code == 403


def test_nothing_is_changed_by_reading(browser, home):
    for path in [*PAGES, *ACTIONS]:
        browser.get(path)
    assert not home.root.exists()


def test_the_stream_needs_the_token_too(browser):
    own = {"sec-fetch-site": "same-origin"}
    assert browser.get("/week/1/live").status_code == 403
    assert browser.get("/week/1/live", **own).status_code == 403
    assert browser.get("/week/1/live?token=guess", **own).status_code == 403
    assert browser.get(f"/week/1/live?token={browser.token()}").status_code == 403


def test_a_form_must_be_a_form(browser):
    usual = {"origin": "http://127.0.0.1:5252"}
    assert browser.ask("POST", "/week/1/start", json={"token": browser.token()}, headers=usual).status_code == 415
    odd = {**usual, "content-type": "application/x-www-form-urlencoded"}
    assert browser.ask("POST", "/week/1/start", content=b"\xff=\xff", headers=odd).status_code == 400
    assert browser.ask("POST", "/week/1/start", content=b"a=" + b"x" * 70_000, headers=odd).status_code == 413
    assert browser.ask("POST", "/week/1/start", content=b"a=1&" * 200, headers=odd).status_code == 400


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/static/dashboard.js", "/week/40"])
def test_every_answer_has_its_walls(browser, path):
    headers = browser.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_nothing_from_elsewhere_and_hold_no_script_of_their_own(browser, path):
    import re

    text = browser.get(path).text
    assert re.findall(r"<script(?! src=\"/static/dashboard\.js)", text) == []
    assert re.findall(r"<(?:iframe|object|embed|base)\b", text) == []
    assert re.findall(r"\s(?:on\w+|style)=\"", text) == []
    assert re.findall(r"<(?:link|img|script|source)[^>]+(?:src|href)=\"(?:\w+:|//)", text) == []


def test_the_pages_about_the_interface_are_off(browser):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert browser.get(path).status_code == 404
