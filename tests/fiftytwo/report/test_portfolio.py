"""The portfolio: what was passed, honestly, and nothing that was not; safe to hand to anybody."""

import pytest

from fiftytwo import plan
from fiftytwo.evidence import Run, Verdict
from fiftytwo.home import Home
from fiftytwo.learner import checking
from fiftytwo.report import portfolio
from fiftytwo.store import Store
from mltoolkit.errors import CannotRead

CODE = "class PCA:\n    '''<script>alert(1)</script> & more'''\n"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "my52")


def save(home, week, status, name="20270105T100000.000000"):
    outcome = "passed" if status == "passed" else "wrong"
    verdicts = (
        Verdict("variance", outcome, 0.5, "≥ 0.4", why="It <i>is</i> spread.", reference=0.45),
        Verdict("refuses NaN", "passed", 1.0, "yes", why="Bad input is told.", reference=1.0, boolean=True),
    )
    run = Run(
        f"{name}-w{week:02d}-learner-quick", week, "learner", "quick", status, "2027-01-05T10:00:00+00:00", 3.0, 52,
        verdicts=verdicts, versions={"python": "3.11", "fiftytwo": "0.1.0"},
    )  # fmt: skip
    folder = home.root / "evidence" / ".running" / run.id
    folder.mkdir(parents=True)
    Store(home).save(run, folder)
    return run


@pytest.fixture
def passed(home):
    """Week 1 passed after two hints, week 2 failed."""
    file = home.week(1) / "pca.py"
    file.parent.mkdir(parents=True)
    file.write_text(CODE)
    home.log("start", 1, time="2027-01-04T09:00:00+00:00")
    for step in (1, 2, 2):
        home.log("hint", 1, time="2027-01-04T10:00:00+00:00", check="variance", step=step)
    run = save(home, 1, "passed")
    home.log("check", 1, run=run.id, files=checking.fingerprints([file]))
    home.log("passed", 1, run=run.id, cold=False)
    save(home, 2, "failed")
    return file


def test_a_passed_week_with_its_evidence_help_and_code(home, passed):
    (piece,) = portfolio.pieces(home)
    assert (piece.week.number, piece.hints, piece.asked, piece.changed) == (1, 2, False, False)
    assert piece.took == "2 days elapsed from start to pass"
    page, count = portfolio.write_portfolio(home, name="Ada & Co")
    assert (page, count) == (home.root / "portfolio" / "index.html", 1)
    index = page.read_text("utf-8")
    assert "<title>Ada &amp; Co: Fifty-Two portfolio</title>" in index
    assert "1 week passed · 2 checks" in index
    assert "Written by <code>fiftytwo portfolio</code>" in index
    assert not page.with_name("week02.html").exists()
    week = page.with_name("week01.html").read_text("utf-8")
    assert "2 hints read before the pass; the reference was not looked at before it" in week
    assert "fiftytwo check 1 --cold code/week01/pca.py" in week
    assert "<script>" not in week
    assert "&lt;script&gt;" in week
    assert "It &lt;i&gt;is&lt;/i&gt; spread." in week
    assert (page.parent / "code" / "week01" / "pca.py").read_text() == CODE
    assert str(home.root) not in index + week


def test_code_that_was_changed_after_the_pass_is_said_so(home, passed):
    passed.write_text(CODE + "\n")
    home.log("solution", 1, time="2027-01-04T11:00:00+00:00")
    home.log("solution", 1, time="2027-01-04T11:00:01+00:00")
    page, _ = portfolio.write_portfolio(home)
    week = page.with_name("week01.html").read_text("utf-8")
    assert "was changed after it passed" in week
    assert "the reference was looked at before it" in week


def test_a_week_whose_pass_was_taken_back_is_left_out(home, passed):
    home.log("reopened", 1, run="2099")
    page, count = portfolio.write_portfolio(home)
    assert count == 0
    assert "No week is passed yet." in page.read_text("utf-8")


def test_it_replaces_itself_and_nothing_else(home, passed, tmp_path):
    site = tmp_path / "site"
    portfolio.write_portfolio(home, site)
    portfolio.write_portfolio(home, site)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "index.html").write_text("mine")
    with pytest.raises(CannotRead, match="is there already and is not a portfolio"):
        portfolio.write_portfolio(home, tmp_path / "photos")


def test_a_week_that_cannot_be_imported_here_is_shown_in_words(home, passed, monkeypatch):
    monkeypatch.setattr(plan, "landed", dict)
    (piece,) = portfolio.pieces(home)
    assert piece.week.title == plan.year()[0].title
    assert piece.code == ()
