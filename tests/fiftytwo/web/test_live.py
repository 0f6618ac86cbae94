"""Checks that run for open pages: one at a time, told to all, and ended with everything below them."""

import asyncio
import json
import sys
import time

import psutil
import pytest

from fiftytwo.web import live
from fiftytwo.web.live import Desk

ERRAND = """
import json, subprocess, sys, time
mode = open({mode!r}).read()
print(json.dumps({{"kind": "step", "text": " ".join(sys.argv[1:2] + sys.argv[3:])}}), flush=True)
if mode == "hang":
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", "marked-grandchild-{tag}"])
    print(json.dumps({{"kind": "step", "text": "hanging"}}), flush=True)
    time.sleep(300)
if mode == "slow":
    time.sleep(300)
if mode == "crash":
    sys.exit(7)
print(json.dumps({{"kind": "ended", "text": "done", "status": "passed"}}), flush=True)
"""


@pytest.fixture
def errand(tmp_path, monkeypatch):
    """A stand-in for the check: does as the mode file says."""
    mode, script = tmp_path / "mode", tmp_path / "errand.py"
    script.write_text(ERRAND.format(mode=str(mode), tag=tmp_path))
    monkeypatch.setattr(live, "_COMMAND", (sys.executable, str(script)))
    monkeypatch.setattr(live, "_GRACE_SECONDS", 0.3)
    mode.write_text("good")
    return mode


@pytest.fixture
def file(home):
    home.week(1).mkdir(parents=True)
    (home.week(1) / "pca.py").write_text("x = 1\n")
    return home.week(1) / "pca.py"


def run(home, scenario, seconds=60):
    """Run a scenario with a desk that is closed afterwards."""

    async def go():
        desk = Desk(home, lambda week: (home.week(week) / "pca.py",))
        try:
            return await asyncio.wait_for(scenario(desk), seconds)
        finally:
            await desk.close()

    return asyncio.run(go())


async def until(stream, kind):
    """What a page hears up to the first news of a kind."""
    heard = []
    async for news in stream:
        if news is not None:
            heard.append(news)
            if news["kind"] == kind:
                return heard
    return heard


def left(words):
    return [p for p in psutil.process_iter() if _about(p, words)]


def _about(process, words):
    try:
        return words in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def test_every_page_hears_a_check(home, file, errand):
    async def scenario(desk):
        pages = [desk.news(1), desk.news(1), desk.news(2)]
        hearing = [asyncio.create_task(until(page, "ended")) for page in pages]
        await asyncio.sleep(0.1)
        await desk.begin(1)
        first, second = await asyncio.gather(*hearing[:2])
        hearing[2].cancel()
        return first, second, hearing[2].done()

    first, second, other = run(home, scenario)
    assert first == second
    assert [news["kind"] for news in first] == ["hello", "begun", "step", "ended"]
    assert first[2]["text"] == "check 1"
    assert not other


def test_a_save_starts_a_check_and_other_files_do_not(home, file, errand):
    async def scenario(desk):
        page = desk.news(1)
        hearing = asyncio.create_task(until(page, "ended"))
        await asyncio.sleep(1.0)
        (file.parent / "notes.txt").write_text("nothing")
        await asyncio.sleep(1.0)
        quiet = not desk.busy(1)
        file.write_text("x = 2\n")
        return quiet, await hearing

    quiet, heard = run(home, scenario)
    assert quiet
    assert heard[-1]["kind"] == "ended"


def test_a_save_right_after_the_hello_is_not_missed(home, file, errand):
    async def scenario(desk):
        page = desk.news(1)
        assert (await anext(page))["kind"] == "hello"
        file.write_text("x = 3\n")
        return await until(page, "ended")

    assert run(home, scenario)[-1]["kind"] == "ended"


def test_a_file_that_is_replaced_is_checked_once_it_is_there(home, file, errand):
    async def scenario(desk):
        hearing = asyncio.create_task(until(desk.news(1), "ended"))
        await asyncio.sleep(1.0)
        file.rename(file.with_suffix(".old"))
        await asyncio.sleep(1.5)
        quiet = not desk.busy(1)
        (file.parent / "new").write_text("x = 4\n")
        (file.parent / "new").rename(file)
        return quiet, await hearing

    assert run(home, scenario)[0]


def test_a_new_check_ends_the_old_one(home, file, errand):
    errand.write_text("slow")

    async def scenario(desk):
        hearing = asyncio.create_task(until(desk.news(1), "ended"))
        await asyncio.sleep(0.1)
        await desk.begin(1)
        await asyncio.sleep(1.0)
        errand.write_text("good")
        await desk.begin(1)
        return await hearing

    kinds = [news["kind"] for news in run(home, scenario)]
    assert kinds.count("begun") == 2
    assert kinds.index("stopped") < len(kinds) - 1 - kinds[::-1].index("begun")


def test_stopping_ends_all_that_hangs_below(home, file, errand, tmp_path):
    errand.write_text("hang")

    async def scenario(desk):
        hearing = asyncio.create_task(until(desk.news(1), "stopped"))
        await asyncio.sleep(0.1)
        await desk.begin(1)
        while not left(f"marked-grandchild-{tmp_path}"):
            await asyncio.sleep(0.05)
        await desk.stop(1)
        assert not desk.busy(1)
        return await hearing

    assert run(home, scenario)[-1] == {"kind": "stopped", "text": "Stopped."}
    assert left(f"marked-grandchild-{tmp_path}") == []
    assert left(str(tmp_path / "errand.py")) == []


def test_the_check_ends_when_its_last_page_closes(home, file, errand, tmp_path):
    errand.write_text("slow")

    async def scenario(desk):
        pages = [asyncio.create_task(until(desk.news(1), "never")) for _ in range(2)]
        await asyncio.sleep(0.1)
        await desk.begin(1)
        await asyncio.sleep(0.5)
        pages[0].cancel()
        await asyncio.sleep(0.5)
        still = desk.busy(1)
        pages[1].cancel()
        for _ in range(100):
            await asyncio.sleep(0.1)
            if not desk.busy(1):
                break
        return still, desk.busy(1)

    assert run(home, scenario) == (True, False)
    assert left(str(tmp_path / "errand.py")) == []


def test_an_early_end_is_told(home, file, errand):
    errand.write_text("crash")

    async def scenario(desk):
        hearing = asyncio.create_task(until(desk.news(1), "trouble"))
        await asyncio.sleep(0.1)
        await desk.begin(1)
        return await hearing

    assert run(home, scenario)[-1]["text"] == "The check ended early (exit status 7)."


def test_a_page_that_comes_late_hears_what_was_said(home, file, errand):
    errand.write_text("slow")

    async def scenario(desk):
        await desk.begin(1)
        await asyncio.sleep(1.5)
        return await until(desk.news(1), "step")

    assert [news["kind"] for news in run(home, scenario)] == ["hello", "begun", "step"]


def test_hanging_up_ends_every_stream(home, file, errand):
    async def scenario(desk):
        hearing = [asyncio.create_task(until(desk.news(week), "never")) for week in (1, 2)]
        await asyncio.sleep(0.1)
        started = time.monotonic()
        desk.hang_up()
        await asyncio.gather(*hearing)
        await desk.begin(1)
        return time.monotonic() - started, desk.busy(1)

    seconds, busy = run(home, scenario)
    assert seconds < 2
    assert not busy


def test_the_stream_speaks_as_browsers_expect(browser, home, file, errand):
    token = browser.token()
    house = browser.app.house
    sent = []

    async def scenario():
        gone = asyncio.Event()
        scope = {
            "type": "http", "method": "GET", "path": "/week/1/live", "http_version": "1.1", "scheme": "http",
            "query_string": f"token={token}".encode(), "root_path": "", "asgi": {"spec_version": "2.3"},
            "headers": [(b"host", b"127.0.0.1:5252"), (b"sec-fetch-site", b"same-origin")],
        }  # fmt: skip

        async def receive():
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if b"ended" in message.get("body", b""):
                gone.set()

        asking = asyncio.create_task(browser.app(scope, receive, send))
        while not any(b"hello" in message.get("body", b"") for message in sent):
            await asyncio.sleep(0.05)
        await house.desk.begin(1)
        await asyncio.wait_for(asking, 60)
        await house.desk.close()

    asyncio.run(scenario())
    headers = dict(sent[0]["headers"])
    assert sent[0]["status"] == 200
    assert headers[b"content-type"].startswith(b"text/event-stream")
    text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    events = [block.split("\n") for block in text.strip().split("\n\n")]
    assert events[0] == ["event: hello", 'data: {"kind": "hello", "busy": false}']
    assert json.loads(events[-1][1].removeprefix("data: "))["kind"] == "ended"
