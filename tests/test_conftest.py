"""The guards that every test runs under hold."""

from __future__ import annotations

import os
import socket
import warnings
from pathlib import Path

import numpy as np
import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 443)])
def test_the_network_is_refused(address: tuple[str, int]) -> None:
    with socket.socket() as client:
        for connect in (client.connect, client.connect_ex):
            with pytest.raises(AssertionError, match=f"tried to reach {address[0]}:{address[1]}"):
                connect(address)


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        accepted.close()


def test_warnings_are_errors() -> None:
    with pytest.raises(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


@pytest.mark.parametrize("fault", [lambda x: 1.0 / (x - x), lambda x: np.log(x - 2.0), lambda x: np.exp(x * 1e4)])
def test_floating_point_faults_raise(fault: object) -> None:
    with pytest.raises(FloatingPointError):
        fault(np.ones(2))  # type: ignore[operator]


def test_underflow_is_allowed() -> None:
    assert np.exp(np.array([-1e4]))[0] == 0.0


def test_folders_are_temporary(tmp_path: Path) -> None:
    base = tmp_path.parents[1]
    assert os.environ["FIFTYTWO_HOME"] == str(tmp_path / "my52")
    assert Path.home().is_relative_to(base)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "FIFTYTWO_CACHE"):
        assert Path(os.environ[name]).is_relative_to(base), name


def test_matplotlib_opens_no_window() -> None:
    import matplotlib as mpl

    assert mpl.get_backend().lower() == "agg"


def test_only_tests_that_ask_see_the_shared_data() -> None:
    assert "FIFTYTWO_DATA" not in os.environ


def test_shared_data_is_offered(shared_data: Path) -> None:
    assert os.environ["FIFTYTWO_DATA"] == str(shared_data)
