"""Sample weeks, small enough to run in a second, and a home of their own."""

from pathlib import Path

import pytest

from fiftytwo.home import Home


@pytest.fixture
def samples(monkeypatch):
    """The folder of the sample weeks, importable here and in every process below."""
    folder = Path(__file__).parents[1] / "samples"
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def reference(samples):
    """The source of the first sample week's reference."""
    return (samples / "w01_sample" / "reference.py").read_text("utf-8")


@pytest.fixture
def catalogue(samples):
    """Two sample weeks; the second needs the first."""
    return {1: "w01_sample.lab", 2: "w02_sample.lab"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home."""
    monkeypatch.setenv("FIFTYTWO_HOME", str(tmp_path / "my52"))
    return Home(tmp_path / "my52")
