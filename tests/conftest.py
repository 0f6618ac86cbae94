"""An unforgiving test run: no network, no user folders, no quiet floating-point faults, no unseeded search.

pytest turns warnings into errors (pyproject.toml). What is set here holds for every test and for the
processes that tests start.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SHARED_DATA = os.environ.pop("FIFTYTWO_DATA", "")  # only the tests that ask for shared_data see it

# Before the first import of matplotlib. Its font cache takes seconds to build, so it is kept between runs.
os.environ["MPLBACKEND"] = "Agg"
os.environ["MPLCONFIGDIR"] = str(ROOT / ".cache" / "matplotlib")

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session", autouse=True)
def _user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody's home is read or written."""
    home = tmp_path_factory.mktemp("home")
    folders = {
        "HOME": home,
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
        "FIFTYTWO_HOME": home / "my52",
        "FIFTYTWO_CACHE": home / ".cache" / "fiftytwo",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in folders.items():
            patch.setenv(name, str(folder))
        patch.delenv("FIFTYTWO_DATABASE", raising=False)
        yield


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a learner's home and a data cache of its own."""
    monkeypatch.setenv("FIFTYTWO_HOME", str(tmp_path / "my52"))
    monkeypatch.setenv("FIFTYTWO_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""

    def guard(name: str) -> None:
        original = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, *rest: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(str(address[0])):
                raise AssertionError(f"a test tried to reach {address[0]}:{address[1]}; tests never touch the network")
            return original(self, address, *rest)

        monkeypatch.setattr(socket.socket, name, guarded)

    guard("connect")
    guard("connect_ex")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by the loopback interface."""
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _floating_point_faults_raise() -> Iterator[None]:
    """A division by zero, an overflow or an invalid operation is an error; underflow to zero is not."""
    with np.errstate(divide="raise", over="raise", invalid="raise", under="ignore"):
        yield


@pytest.fixture
def shared_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the real datasets; the test is skipped where there is none."""
    if not SHARED_DATA:
        pytest.skip("needs the shared datasets: FIFTYTWO_DATA is not set")
    folder = Path(SHARED_DATA)
    if not (folder / "MANIFEST.toml").is_file():
        pytest.skip(f"needs the shared datasets: FIFTYTWO_DATA has no MANIFEST.toml in {folder}")
    monkeypatch.setenv("FIFTYTWO_DATA", str(folder))
    return folder
