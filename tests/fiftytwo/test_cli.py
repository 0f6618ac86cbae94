"""The command as a whole: the overview tells the truth, errors are one line, nothing is a traceback."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from fiftytwo import cli


def fiftytwo(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "fiftytwo", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options
    )


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_overview_says_what_the_command_says_of_itself(name):
    command = cli.cli.get_command(click.Context(cli.cli), name)
    assert (command.help or "").replace("\b", "").strip().splitlines()[0] == cli.COMMANDS[name].summary


def test_every_command_stands_in_the_overview():
    shown = CliRunner().invoke(cli.cli, ["--help"]).output
    assert all(f"  {name} " in shown for name in cli.COMMANDS)
    assert max(map(len, shown.splitlines())) <= 80
    assert sorted(name for names in cli._GROUPS.values() for name in names) == sorted(cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_with_an_example(name):
    shown = CliRunner().invoke(cli.cli, [name, "--help"])
    assert shown.exit_code == 0
    assert f"fiftytwo {name}" in shown.output


def test_an_unknown_command_is_answered_with_the_nearest(home):
    shown = fiftytwo("chekc", "1")
    assert shown.returncode == 2
    assert "there is no command 'chekc'. Did you mean 'check'?" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_version():
    assert fiftytwo("--version").stdout.startswith("fiftytwo ")


def test_an_error_that_nobody_foresaw_is_one_line_with_a_file(monkeypatch, capsys):
    def broken(**_):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(cli.cli, "main", broken)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    line = capsys.readouterr().err
    assert line.startswith("error: RuntimeError: two lines (details: ")
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (click.Abort(), 130), (BrokenPipeError(), 141)]
)
def test_interruptions_have_their_exit_status(monkeypatch, error, code):
    def broken(**_):
        raise error

    monkeypatch.setattr(cli.cli, "main", broken)
    monkeypatch.setattr(sys.stderr, "close", lambda: None)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == code
