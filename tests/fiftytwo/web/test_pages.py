"""What the pages say of a home, and what they say when something in it is missing or broken."""

import html
import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from fiftytwo import plan
from fiftytwo.evidence import Verdict
from fiftytwo.learner.pace import FILE
from fiftytwo.learner.workbench import Sheet
from fiftytwo.web import peers
from fiftytwo.web.app import Dashboard
from fiftytwo.web.beside import read_beside
from fiftytwo.web.shelf import MARKS

LANDED = len(plan.landed())


def text_of(response):
    """What a page says, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def cell(response, number):
    """The map's entry of a week."""
    start = response.text.index(f'href="/week/{number}"><span class="number">')
    return response.text[response.text.rindex("<a ", 0, start) : response.text.index("</a>", start)]


def test_an_empty_home_has_a_map_and_a_beginning(browser, home):
    page = browser.get("/")
    assert page.text.count('<a class="cell ') == 52
    assert page.text.count('class="cell landed"') == LANDED
    assert "Begin with week 1" in text_of(page)
    for words in (words for _, words in MARKS.values()):
        assert words in text_of(page)
    assert not home.root.exists()


def test_the_map_shows_what_the_home_says(browser, home, save):
    for week in (1, 2, 3, 5):
        home.log("start", week)
    home.log("skip", 4, why="known from work")
    save(week=1, status="passed")
    save(week=2, status="failed")
    passed = save(week=3, status="passed")
    home.log("reopened", 3, run=passed.id)
    page = browser.get("/")
    for number, mark in {1: "passed", 2: "started", 3: "regressed", 4: "skipped", 5: "started", 6: "landed"}.items():
        assert f'class="cell {mark}"' in cell(page, number), number
        assert MARKS[mark][1] in cell(page, number), "the mark is said in words too"
    assert "passed 5 Oct 2026" in cell(page, 1)
    assert "1 of 2 checks" in cell(page, 2)
    assert "skipped: known from work" in cell(page, 4)
    assert "Go on with week 5" in text_of(page)


def test_the_map_follows_a_change(browser, home, save):
    assert 'class="cell landed"' in cell(browser.get("/"), 1)
    browser.post("/week/1/start")
    assert 'class="cell started"' in cell(browser.get("/"), 1)
    save(status="passed")
    assert 'class="cell passed"' in cell(browser.get("/"), 1)


def test_dates_are_shown_where_a_pace_is_kept(browser, home):
    home.root.mkdir()
    (home.root / FILE).write_text('start = 2099-01-05\nhours = 8.0\nholidays = []\nid = "x"\nrevision = 1\n[spent]\n')
    assert "Jan" in cell(browser.get("/"), 1)
    assert "to be done by" in text_of(browser.get("/today"))
    (home.root / FILE).write_text("hours = lots")
    page = browser.get("/")
    assert page.status_code == 200
    assert "cannot be read" in text_of(page)


def test_starting_a_week_writes_its_files_once(browser, home):
    answer = browser.post("/week/1/start")
    assert (answer.status_code, answer.headers["location"]) == (303, "/week/1#work")
    file = home.week(1) / "pca.py"
    assert "NotImplementedError" in file.read_text()
    file.write_text("mine")
    assert browser.post("/week/1/start").status_code == 303
    assert file.read_text() == "mine"
    assert "Check now" in browser.get("/week/1").text


def test_a_week_shows_the_check_as_it_ended(browser, home, save, reference):
    browser.post("/week/1/start")
    reference()
    save()
    page = browser.get("/week/1")
    text = text_of(page)
    assert "failed 1 of 2" in text
    assert "First to mend ✕ wrong components measured 0.25, wanted ≤ 1e-08" in text
    assert "Saved since; not checked yet." in text
    assert 'data-check="components"' in page.text


def test_hints_come_one_by_one_and_are_kept(browser, home, save):
    browser.post("/week/1/start")
    save()
    assert "Look at" not in browser.get("/week/1").text
    for step, words in enumerate(("Look at &lt;b&gt;the mean", "Centre first.", "Subtract X.mean"), 1):
        assert browser.post("/week/1/hint", {"check": "components"}).headers["location"] == "/week/1#hints"
        assert words in browser.get("/week/1").text
        assert len(list(home.events("hint", 1))) == step
    assert "These are all the hints." in browser.get("/week/1").text
    browser.post("/week/1/hint", {"check": "components"})
    assert len(list(home.events("hint", 1))) == 3
    assert browser.post("/week/1/hint", {"check": "made up"}).status_code == 404


def test_the_reference_is_shown_after_a_pass_or_on_request(browser, home, save):
    assert "worth more once you have" in text_of(browser.get("/week/1/beside"))
    assert "def fit" not in browser.get("/week/1/beside").text
    browser.post("/week/1/reveal")
    (event,) = home.events("solution", 1)
    assert event.facts == {"passed": False}
    page = browser.get("/week/1/beside")
    assert "You have asked for it once" in text_of(page)
    assert "def fit" not in page.text
    browser.post("/week/1/reveal")
    assert "def fit" in browser.get("/week/1/beside").text
    save(week=2, status="passed")
    assert "Marked lines" in browser.get("/week/2/beside").text


def test_the_study_note_has_real_mathematics(browser):
    page = browser.get("/week/1/study")
    assert page.text.count("<math") > 10
    assert "$" not in text_of(page)


def test_figures_numbers_and_documents_are_shown(browser, reference):
    run = reference()
    page = browser.get("/week/1/figures")
    assert f'<img src="/evidence/{run.id}/scree.svg" alt="scree"' in page.text
    assert "0.285" in text_of(page)
    assert "0.2850936" not in page.text
    assert "Two components." in page.text
    assert "has not been run here yet" in text_of(browser.get("/week/2/figures"))


def test_a_quiz_is_answered_and_comes_again(browser, home):
    question = {"question": "w01-units", "back": "/week/1/quiz"}
    answer = browser.post("/week/1/quiz", {**question, "answer": ["1", "3"]})
    assert answer.headers["location"] == "/week/1/quiz?answered=w01-units#w01-units"
    text = text_of(browser.get("/week/1/quiz"))
    assert "✓ Right." in text
    assert "A new unit changes one column" in text
    assert "It comes again on" in text
    (event,) = home.events("quiz", 1)
    assert event.facts["right"] is True


@pytest.mark.parametrize("given", ["seven", "", "inf"])
def test_what_is_no_answer_is_not_counted(browser, home, given):
    browser.post("/week/1/quiz", {"question": "w01-rank", "back": "/week/1/quiz", "answer": given})
    assert "Expected a" in text_of(browser.get("/week/1/quiz"))
    assert list(home.events("quiz")) == []


@pytest.mark.parametrize("back", ["https://rebound.example/", "//rebound.example", "/week/1/quiz\r\nx: y", ""])
def test_an_answer_leads_back_to_our_own_pages_alone(browser, back):
    fields = {"question": "w01-rank", "answer": "7", "back": back}
    assert browser.post("/week/1/quiz", fields).status_code == 404


def test_today_asks_what_is_due(browser, home):
    assert "Nothing is due" in text_of(browser.get("/today"))
    home.log("quiz", 1, time="2026-01-05T09:00:00+00:00", question="w01-rank", right=True)
    page = browser.get("/today")
    assert "1 question due today" in text_of(page)
    assert "X has 8 rows" in page.text
    browser.post("/week/1/quiz", {"question": "w01-rank", "answer": "6", "back": "/today"})
    text = text_of(browser.get("/today?answered=w01-rank"))
    assert "Not right. The answer: 7" in text
    assert "Nothing more is due today" in text


def test_evidence_is_listed_in_pages(browser, save):
    runs = [save(verdicts=()) for _ in range(45)]
    first = browser.get("/evidence")
    assert runs[-1].id in first.text
    assert runs[4].id not in first.text
    older = browser.get(f"/evidence?before={runs[5].id}")
    assert runs[4].id in older.text
    assert runs[5].id not in older.text
    assert "No runs yet" in text_of(browser.get("/evidence?week=2"))
    assert browser.get("/evidence?week=x&before='--").status_code == 200


def test_a_run_has_a_page(browser, save, reference):
    for run in (save(), reference()):
        page = browser.get(f"/evidence/{run.id}")
        assert page.status_code == 200
        assert "components" in page.text
        assert "seed 52" in text_of(page)


def test_the_portfolio_shows_what_was_passed(browser, home, save):
    assert "Nothing is passed yet" in text_of(browser.get("/portfolio"))
    run = save(status="passed")
    save(status="failed")
    page = browser.get("/portfolio")
    assert run.id in page.text
    assert "passed, 2 of 2 checks" in text_of(page)
    assert "no hints read before the pass; the reference was not looked at before it" in text_of(page)
    assert "fiftytwo check 1" in text_of(page)


def test_texts_of_the_evidence_are_escaped(browser, save):
    bad = "<script>alert(1)</script>"
    run = save(
        verdicts=(Verdict(bad, "wrong", 1.0, bad, why=bad, message=bad, diagnosis=bad, hint=(bad,)),), reason=bad
    )
    browser.post("/week/1/start")
    browser.post("/week/1/hint", {"check": bad})
    for path in ("/week/1", f"/evidence/{run.id}", "/portfolio"):
        assert bad not in browser.get(path).text


# What is missing or broken


def test_a_week_to_come_is_shown_in_words(browser):
    page = browser.get("/week/52")
    assert page.status_code == 200
    assert "has not landed yet" in text_of(page)
    for path in ("study", "quiz", "figures", "beside"):
        assert browser.get(f"/week/52/{path}").status_code == 404
    assert browser.post("/week/52/start").status_code == 404


@pytest.mark.parametrize(
    "path", ["/week/0", "/week/53", "/week/x", "/week/1/other", "/week/-1", "/nothing", "/week/1/live/x"]
)
def test_an_address_that_is_none_has_a_page(browser, path):
    page = browser.get(path)
    assert page.status_code == 404
    assert "<h1>Not here</h1>" in page.text


def test_a_check_needs_a_file(browser):
    page = browser.post("/week/1/check")
    assert page.status_code == 404
    assert "start week 1 first" in page.text


@pytest.mark.parametrize("damage", [b"", b"{", b'{"id": 1}', b"\xff\xfe", b'{"schema": 99}'])
def test_broken_evidence_has_a_page_of_its_own(browser, home, save, damage):
    good, broken = save(), save()
    (home.evidence(1) / broken.id / "evidence.json").write_bytes(damage)
    page = browser.get(f"/evidence/{broken.id}")
    assert page.status_code == 500
    assert "This evidence cannot be read" in page.text
    assert "fiftytwo check 1" in page.text
    assert "Traceback" not in page.text
    assert "failed 1 of 2" in text_of(browser.get("/week/1")), "the one before is shown"
    assert browser.get("/evidence").status_code == browser.get("/").status_code == 200
    assert good.id in browser.get("/evidence").text


@pytest.mark.parametrize("damage", [None, b"this is no database", b""])
def test_a_lost_database_is_made_again_while_the_dashboard_runs(browser, home, save, damage):
    save(status="passed")
    assert 'class="cell passed"' in cell(browser.get("/"), 1)
    database = home.root / "fiftytwo.db"
    database.unlink()
    if damage is not None:
        database.write_bytes(damage)
    assert 'class="cell passed"' in cell(browser.get("/"), 1)
    assert browser.get("/evidence").text.count("/evidence/2026") == 1


def test_a_home_that_vanishes_is_an_empty_one(browser, home, save):
    save(status="passed")
    browser.get("/")
    shutil.rmtree(home.root)
    assert 'class="cell landed"' in cell(browser.get("/"), 1)
    assert browser.get("/week/1").status_code == 200
    assert "No runs yet" in text_of(browser.get("/evidence"))


def test_a_week_that_cannot_be_loaded_says_why(browser, home, tmp_path, monkeypatch):
    (tmp_path / "w01_broken_here").mkdir()
    (tmp_path / "w01_broken_here" / "lab.py").write_text("import not_installed_anywhere")
    monkeypatch.syspath_prepend(str(tmp_path))
    page = type(browser)(Dashboard(home, 5252, {1: "w01_broken_here.lab"})).get("/week/1")
    assert page.status_code == 200
    assert "No module named 'not_installed_anywhere'" in text_of(page)


def test_an_unforeseen_error_is_a_page_with_the_name_of_a_file(browser, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(browser.app.house.shelf, "year", lambda: 1 / 0)
    page = browser.get("/")
    assert page.status_code == 500
    assert "ZeroDivisionError: division by zero" in page.text
    assert "Traceback" not in page.text
    (details,) = tmp_path.glob("fiftytwo-*.txt")
    assert "Traceback" in Path(details).read_text()


def test_benchmarks_are_drawn_to_scale(browser, monkeypatch, tmp_path):
    row = {"name": "fast", "workload": "n = 1", "peer": "f(x)", "goal": 2.0, "difference": "", "ratio_median": 12.345,
           "ratio_least": 11.0}  # fmt: skip
    bad = {**row, "name": "odd", "difference": "0.5 at [1]", "ratio_median": None, "ratio_least": None}
    why = {**row, "name": "why", "goal": None, "ratio_median": 0.5}
    record = {"benchmark": "pca", "date": "2026-11-24T11:50:40+00:00", "machine": {"processor": "CPU", "cores": 2}}
    (tmp_path / "pca.json").write_text(json.dumps({**record, "rows": [row, bad, why]}))
    (tmp_path / "torn.json").write_text('{"benchmark":')
    found, faults = peers.read_results(tmp_path)
    monkeypatch.setattr(peers, "read_results", lambda: (found, faults))
    text = text_of(browser.get("/benchmarks"))
    assert "PCA" in text
    assert "12.3× goal 2×, met" in text
    assert [bar.met for bar in found[0].bars] == [True, False, False]
    assert "why n = 1 beside f(x) 0.5×" in text
    assert "not equal 0.5 at [1]" in text
    assert "torn.json cannot be read" in text
    scale = peers.scale(found)
    assert (scale.low, scale.high) == (-1, 2)
    assert (scale.at(0.1), scale.at(1.0), scale.at(100.0), scale.at(1e9)) == (0.0, 33.33, 100.0, 100.0)
    monkeypatch.setattr(peers, "read_results", lambda: ([], []))
    assert "make bench" in text_of(browser.get("/benchmarks"))


def test_two_texts_are_set_level(home, tmp_path):
    home.week(1).mkdir(parents=True)
    mine, reference = "a\nmine\nb\n", "a\nb\nc\nd\n"
    (home.week(1) / "x.py").write_text(mine)
    beside = read_beside(home, Sheet(home.week(1) / "x.py", tmp_path / "x", reference, ""))
    assert beside.mine == (("a", False), ("mine", True), ("b", False), (None, False), (None, False))
    assert beside.reference == (("a", False), (None, False), ("b", False), ("c", True), ("d", True))


def test_a_comparison_is_shown_where_there_is_one(browser, home):
    side = {"seconds": [1.0], "median": 1.0, "peak_memory_bytes": 2**20, "metrics": {"share": 0.12345}, "units": {}}
    found = {"learner": {**side, "median": 2.0, "fault": ""}, "reference": {**side, "fault": ""},
             "peer": {**side, "fault": "crashed: no such library"}}  # fmt: skip
    file = home.memory / "compare" / "week01.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(found))
    text = text_of(browser.get("/week/1/beside"))
    assert "time (median) 2.0 s 1.0 s –" in text
    assert "beside the reference 2× 1× –" in text
    assert "share 0.123" in text
    assert "library: crashed: no such library" in text
    file.write_text("{")
    assert "time (median)" not in text_of(browser.get("/week/1/beside"))
