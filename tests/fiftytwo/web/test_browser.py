"""The dashboard in a real Chromium: a week from its start to its pass, a quiz, both themes, a phone, an audit."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fiftytwo.evidence import Figure, Run, Verdict
from fiftytwo.home import Home
from fiftytwo.learner.workbench import Bench
from fiftytwo.store import Store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 40"><path d="M0 0L90 40" stroke="#333"/></svg>'
PAGES = {
    "year": "/", "today": "/today", "work": "/week/2", "not started": "/week/4", "study": "/week/1/study",
    "quiz": "/week/2/quiz", "figures": "/week/2/figures", "beside": "/week/3/beside", "planned": "/week/52",
    "evidence": "/evidence", "run": "/evidence/20261005T090000.000000-w02-learner-quick",
    "passed run": "/evidence/20261005T090000.000000-w03-reference-quick", "benchmarks": "/benchmarks",
    "portfolio": "/portfolio",
}  # fmt: skip

WRONG = """
class PCA:
    def __init__(self, n_components=None):
        self.n_components = n_components

    def fit(self, X):
        self.mean_ = X.mean(axis=0) + 1.0
        return self
"""
A_CHECK = 240_000  # milliseconds: the machine may be busy

pytestmark = [pytest.mark.slow]
if CHROMIUM is None:
    pytestmark.append(pytest.mark.skip(reason="needs Chromium: apt-get install chromium"))
sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: make .venv/.dev")


def made(week, who, status):
    """A run with something of everything that a page shows."""
    wrong = Verdict(
        "components", "wrong", 0.25, "≤ 1e-08", why="The directions themselves.", reference=1e-15,
        message="measured 0.25, wanted ≤ 1e-08; the largest difference is at [0, 3]", call="PCA(2).fit(X).components_",
        got="array of shape (2, 64): [0.1, 0.2]", expected="array of shape (2, 64): [0.3, 0.4]",
        diagnosis="You divide by n.", hint=("Look at the mean.", "Centre first."),
    )  # fmt: skip
    good = Verdict("mean_", "passed", 3e-16, "≤ 1e-08", why="Every later step works on X - mean_.", reference=0.0)
    away = Verdict("on a GPU", "could not run here", None, "≤ 1e-05", message="needs a GPU", why="Devices agree.")
    return Run(
        id=f"20261005T090000.000000-w{week:02d}-{who}-quick", week=week, who=who, profile="quick", status=status,
        started="2026-10-05T09:00:00+00:00", seconds=3.25, seed=52, versions={"numpy": "2.4.6"},
        verdicts=(good, away) if status == "passed" else (good, wrong, away),
        figures=(Figure("shares", "shares.svg", "Shares of the variance, component by component."),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home in which one week is passed, one under way and one begun."""
    root = tmp_path_factory.mktemp("browser")
    home = Home(root / "my52")
    for week, who, status in [(2, "learner", "failed"), (3, "learner", "passed"), (2, "reference", "passed"),
                              (3, "reference", "passed")]:  # fmt: skip
        if who == "learner":
            Bench.of(week, home).start()
        folder = root / f"{week}{who}"
        folder.mkdir()
        (folder / "shares.svg").write_text(SVG)
        Store(home).save(made(week, who, status), folder)
    return home


@pytest.fixture(scope="module")
def address(place):
    """A dashboard on a free port; ended as a user would end it."""
    server = subprocess.Popen(
        [sys.executable, "-m", "fiftytwo", "serve", "--port", "0", "--home", str(place.root)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    line = server.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line + server.stdout.read()
    yield found[0]
    server.send_signal(signal.SIGINT)
    said, _ = server.communicate(timeout=30)
    assert "Traceback" not in said
    assert said.endswith("ended\n")
    assert server.returncode == 0


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, address):
    """Open pages in a window of one's own; whatever the browser complains of fails the test."""
    contexts, complaints = [], []

    def visit(path, width=1280, scheme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=address)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: complaints.append(f"{page.url}: {message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_week_from_its_start_to_its_pass(visit, place):
    page = visit("/week/1")
    page.get_by_role("button", name="Start week 1").click()
    page.get_by_text("Each save is checked.").wait_for()
    file = place.week(1) / "pca.py"

    file.write_text(WRONG)
    page.get_by_text("First to mend", exact=True).wait_for(timeout=A_CHECK)
    status = page.locator("p.verdict")
    assert "failed" in status.inner_text()
    assert page.locator(".checks .outcome.crashed").count() > 0
    assert "First to mend: " in page.locator("#announce").inner_text()

    page.get_by_role("button", name=re.compile("Show a hint")).click()
    page.locator("#hints li").wait_for()
    assert page.evaluate("document.activeElement.id") == "hints"
    assert page.get_by_text("Each save is checked.").is_visible()
    assert not page.locator("#running").is_visible()

    file.write_text(Bench.of(1, place).reference())
    page.get_by_text("Week 1 is yours.", exact=True).wait_for(timeout=A_CHECK)
    assert "passed" in status.inner_text()
    assert re.search(r"passed \d", page.locator("#state").inner_text())
    assert page.locator(".checks .outcome.crashed").count() == 0
    page.goto("/")
    assert "passed" in page.locator("a.cell.passed", has_text="Principal components").inner_text()


def test_a_check_ends_with_its_page(visit, place, address):
    if not (place.week(1) / "pca.py").exists():
        Bench.of(1, place).start()
    page = visit("/week/1")
    page.get_by_text("Each save is checked.").wait_for()
    page.get_by_role("button", name="Check now").click()
    page.get_by_role("button", name="Stop").wait_for()
    page.close()
    running = place.root / "evidence" / ".running"
    other = visit("/today")
    for _ in range(100):
        if not running.exists() or not any(running.iterdir()):
            break
        other.wait_for_timeout(100)
    assert not running.exists() or not any(running.iterdir())


def test_a_quiz_is_answered_in_the_page(visit):
    page = visit("/week/1/quiz")
    first = page.locator("#w01-divisor")
    first.get_by_label("1.25").check()
    first.get_by_role("button", name="Answer").click()
    page.locator("#w01-divisor .answer").wait_for()
    text = page.locator("#w01-divisor .answer").inner_text()
    assert "Not right" in text
    assert "It comes again on" in text
    number = page.locator("#w01-rank")
    number.get_by_label("Your number").fill("seven")
    number.get_by_role("button", name="Answer").click()
    page.locator("#w01-rank .complaint").wait_for()
    assert "Expected a number" in page.locator("#w01-rank .complaint").inner_text()
    number.get_by_label("Your number").fill("7")
    page.keyboard.press("Enter")
    page.locator("#w01-rank .answer").wait_for()
    assert "Right." in page.locator("#w01-rank .answer").inner_text()
    assert page.evaluate("document.activeElement.id") == "title-w01-rank"


def test_the_theme_is_a_choice_and_remembered(visit):
    page = visit("/")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(paper)
    button = page.get_by_role("button", name=re.compile("Theme"))
    button.click()
    dark = page.evaluate(paper)
    assert dark != light
    page.goto("/portfolio")
    assert page.evaluate(paper) == dark
    assert "dark" in page.get_by_role("button", name=re.compile("Theme")).inner_text()
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name=re.compile("Theme")).click()
    assert page.evaluate(paper) == light, "light is a choice on a dark system too"


@pytest.mark.parametrize("width", [375, 1280])
def test_no_page_scrolls_sideways(visit, width):
    page = visit("/", width)
    for name, path in PAGES.items():
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_the_map_can_be_walked_with_the_keyboard(visit):
    page = visit("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.getAttribute('href')"))
    assert "/week/1" in seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_audit_finds_nothing_serious(visit, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit("/", 1280, scheme)
    found = []
    # The pages differ in nothing but colours.
    options = {"runOnly": ["color-contrast"]} if scheme == "dark" else None
    for name, path in PAGES.items():
        page.goto(path)
        violations = axe.run(page, options=options).response["violations"]
        bad = [violation for violation in violations if violation["impact"] in ("serious", "critical")]
        found += [(name, one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in bad]
    assert found == []


def test_a_page_works_without_scripts(chromium, address):
    context = chromium.new_context(java_script_enabled=False, base_url=address)
    page = context.new_page()
    page.goto("/week/1/quiz")
    page.locator("#w01-units").get_by_label("Swapping two columns").check()
    page.locator("#w01-units").get_by_role("button", name="Answer").click()
    page.locator("#w01-units .answer").wait_for()
    context.close()


def test_the_script_is_short():
    from fiftytwo import web

    lines = (Path(web.__file__).parent / "static" / "dashboard.js").read_text("utf-8").splitlines()
    assert len(lines) <= 200
