"""``fiftytwo report`` on the command line."""

import pytest
from click.testing import CliRunner

from fiftytwo.cli import COMMANDS
from fiftytwo.report.command import report


@pytest.fixture
def run():
    return lambda *words: CliRunner().invoke(report, list(words))


def test_help_agrees_with_the_overview(run):
    text = run("--help").output
    assert COMMANDS["report"].summary in text
    assert "fiftytwo report --output site" in text
    assert report.help.splitlines()[0] == COMMANDS["report"].summary


def test_says_where_the_page_is(run, home):
    result = run()
    assert result.exit_code == 0
    assert result.output == f"report: {home.report / 'index.html'}\n"
    assert (home.report / "week52.html").is_file()


def test_output_and_markdown(run, tmp_path):
    folder = tmp_path / "site"
    result = run("--output", str(folder), "--markdown", "--profile", "full")
    assert result.output == f"report: {folder / 'index.html'}\nin short: {folder / 'REPORT.md'}\n"
    text = (folder / "REPORT.md").read_text("utf-8")
    assert "No run of the full profile yet." in text
    assert "Next: `fiftytwo " in text


def test_open(run, home, monkeypatch):
    opened = []
    monkeypatch.setattr("click.launch", opened.append)
    run("--open")
    assert opened == [(home.report / "index.html").as_uri()]


def test_a_file_is_no_folder(run, tmp_path):
    (tmp_path / "file").write_text("x", "utf-8")
    result = run("--output", str(tmp_path / "file"))
    assert result.exit_code == 2
    assert "is a file" in result.output


def test_unknown_profile(run):
    assert run("--profile", "fast").exit_code == 2
