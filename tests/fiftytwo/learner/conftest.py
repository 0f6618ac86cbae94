"""A learner at the first sample week."""

import pytest
from click.testing import CliRunner

from fiftytwo import plan
from fiftytwo.cli import cli


@pytest.fixture
def invoke(home, catalogue, monkeypatch):
    """Run a command in the home, with the sample weeks as the year's."""
    monkeypatch.setattr(plan, "landed", lambda: catalogue)
    return lambda *words: CliRunner().invoke(cli, list(words))


@pytest.fixture
def mine(home):
    """The learner's file of the first sample week."""
    return home.week(1) / "reference.py"
