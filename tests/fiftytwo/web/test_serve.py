"""The command: what it says, what it refuses, and that nothing is left when it ends."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlencode

import psutil
import pytest
from click.testing import CliRunner

from fiftytwo.web import errand
from fiftytwo.web.command import PORT, serve


class Served:
    """A dashboard in a process of its own."""

    def __init__(self, home):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fiftytwo", "serve", "--port", "0", "--home", str(home.root)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.said = self.process.stdout.readline()
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", self.said)[1])

    def ask(self, method, path, body=None, **headers):
        """Send a request as it is: no client mends its path."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_accept_encoding=True)
        data = urlencode(body).encode() if body else b""
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body:
            connection.putheader("content-type", "application/x-www-form-urlencoded")
            connection.putheader("content-length", str(len(data)))
        connection.endheaders(data or None)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=60)
        return rest


@pytest.fixture
def served(home):
    home.root.mkdir()
    server = Served(home)
    yield server
    if server.process.poll() is None:
        server.process.kill()
    server.process.communicate()


def test_paths_that_climb_get_nowhere(served, home):
    (home.root.parent / "secret.txt").write_text("a secret")
    for path in (
        "/../secret.txt", "/evidence/../../secret.txt", "/static/../../secret.txt", "/static/..%2f..%2fsecret.txt",
        "/%2e%2e/secret.txt", "//secret.txt", "/evidence/%2e%2e%2f%2e%2e%2fsecret.txt/x", "/static/%00",
        f"/static/{home.root.parent}/secret.txt", "/week/1/%2e%2e/%2e%2e/secret.txt", "/evidence/x/" + "../" * 20,
    ):  # fmt: skip
        status, text = served.ask("GET", path)
        assert status == 404, path
        assert "a secret" not in text, path
    assert served.ask("GET", "/", Host="rebound.example")[0] in (400, 421)  # with two hosts, or with another one


def test_another_machine_cannot_connect(served):
    addresses = {a.address for many in psutil.net_if_addrs().values() for a in many if a.family == socket.AF_INET}
    listening = [c for c in psutil.Process(served.process.pid).net_connections() if c.status == "LISTEN"]
    assert [c.laddr.ip for c in listening] == ["127.0.0.1"]
    assert addresses


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_server_is_the_end_of_its_checks(served, home, number):
    own = {"Origin": f"http://127.0.0.1:{served.port}"}
    token = re.search(r'name="token" value="([^"]+)"', served.ask("GET", "/week/1")[1])[1]
    assert served.ask("POST", "/week/1/start", {"token": token}, **own)[0] == 303
    stream = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    stream.request("GET", f"/week/1/live?token={token}", headers={"Sec-Fetch-Site": "same-origin"})
    listening = stream.getresponse()
    assert listening.readline() == b"event: hello\n"
    assert served.ask("POST", "/week/1/check", {"token": token}, **own)[0] == 303
    deadline = time.monotonic() + 60
    while not (below := psutil.Process(served.process.pid).children(recursive=True)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert below
    time.sleep(1)
    below = psutil.Process(served.process.pid).children(recursive=True)
    started = time.monotonic()
    rest = served.end(number)
    assert time.monotonic() - started < 20
    assert "Traceback" not in rest
    _, alive = psutil.wait_procs(below, timeout=20)
    assert alive == []
    stream.close()
    if number != signal.SIGKILL:
        running = home.root / "evidence" / ".running"
        assert not running.exists() or not any(running.iterdir())


def test_a_taken_port_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(serve, ["--port", str(port)])
    assert done.exit_code == 2
    assert f"error: port {port} is taken" in done.output
    assert "--port 0" in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_a_home_that_is_not_there_is_one_line(tmp_path):
    done = CliRunner().invoke(serve, ["--home", str(tmp_path / "nowhere")])
    assert done.exit_code == 2
    assert done.output.startswith(f"error: there is no folder {tmp_path / 'nowhere'}")
    (tmp_path / "file").touch()
    done = CliRunner().invoke(serve, ["--home", str(tmp_path / "file")])
    assert done.exit_code == 2
    assert "error: " in done.output


def test_without_a_home_it_says_when_one_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr("fiftytwo.web.command._serve", lambda app, listener: listener.close())
    done = CliRunner().invoke(serve, ["--port", "0"])
    assert done.exit_code == 0
    assert "(made when you start a week)" in done.output
    assert not (tmp_path / "my52").exists()


def test_a_port_that_needs_rights_is_one_line(monkeypatch):
    def refuse(self, address):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    done = CliRunner().invoke(serve, ["--port", "80"])
    assert done.exit_code == 2
    assert f"choose one from 1024 on: fiftytwo serve --port {PORT}" in done.output


# The process that does a check


def test_an_errand_says_what_is_missing(home, capsys, monkeypatch):
    monkeypatch.setattr("fiftytwo.processes.die_with_parent", lambda: None)  # this one is pytest's
    monkeypatch.setattr(sys, "argv", ["errand", "check", str(home.root), "52"])
    with pytest.raises(SystemExit) as ended:
        errand.main()
    assert ended.value.code == 1
    assert '"kind": "trouble", "text": "week 52' in capsys.readouterr().out


@pytest.mark.slow
def test_an_errand_checks_as_the_command_does(home):
    env = {**os.environ, "FIFTYTWO_HOME": str(home.root)}
    subprocess.run([sys.executable, "-m", "fiftytwo", "start", "1"], env=env, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-m", "fiftytwo.web.errand", "check", str(home.root), "1"],
        env=env, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert '"outcome": "not attempted"' in done.stdout
    assert '"kind": "ended"' in lines[-1]
    assert '"status": "failed"' in lines[-1]
    (event,) = home.events("check", 1)
    assert event.facts["status"] == "failed"
