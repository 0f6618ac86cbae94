"""``fiftytwo data``: the table, the paths, the downloads and the exit status, against a server on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fiftytwo.cli import cli
from fiftytwo.data_command import data
from mltoolkit import datasets
from mltoolkit.datasets import catalogue
from mltoolkit.datasets.catalogue import Entry, File

TEXT = "one\ntwo\n"


def ask(*arguments: str) -> Result:
    result = CliRunner().invoke(data, list(arguments), prog_name="data")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server of the folder ``web``."""
    for name in ("FIFTYTWO_DATA", "FIFTYTWO_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "web").mkdir()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "web")))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def sets(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Entry]:
    """Four datasets: embedded, on the server, missing on the server, and only by hand."""
    (tmp_path / "web" / "text.txt").write_text(TEXT)
    size, sha256 = len(TEXT), hashlib.sha256(TEXT.encode()).hexdigest()
    common = {"task": "task", "licence": "free [of charge]", "homepage": "https://example.org", "rows": 2, "columns": 0}

    def entry(name: str, *urls: str) -> Entry:
        return Entry(name, f"The set {name}", **common, loader="text", files=(File("text.txt", size, sha256, urls),))

    entries = {
        "iris": datasets.entry("iris"),
        "alpha": entry("alpha", f"{server}/text.txt"),
        "beta": entry("beta", f"{server}/gone.txt"),
        "gamma": entry("gamma"),
    }
    monkeypatch.setattr(catalogue, "_catalogue", lambda: entries)
    return entries


def cached(tmp_path: Path, name: str) -> Path:
    return tmp_path / "cache" / name / "text.txt"


def test_the_list_says_what_is_here(sets: dict[str, Entry], tmp_path: Path) -> None:
    result = ask("list")
    assert result.exit_code == 0
    rows = [re.split(r"\s{2,}", line.strip()) for line in result.stdout.splitlines()]
    assert rows[0] == ["name", "size", "where", "title", "licence"]
    assert rows[2:6] == [
        ["iris", "embedded", "Iris flowers, three species", "CC BY 4.0 (UCI)"],
        ["alpha", "8 B", "not here", "The set alpha", "free [of charge]"],
        ["beta", "8 B", "not here", "The set beta", "free [of charge]"],
        ["gamma", "8 B", "not here", "The set gamma", "free [of charge]"],
    ]
    assert result.stdout.splitlines()[-1] == "1 of 4 are here. Next: fiftytwo data fetch alpha"
    assert result.stderr == ""
    ask("fetch", "alpha")
    result = ask("list")
    assert re.search(r"^alpha +8 B +cache +The set alpha", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines()[-1] == "2 of 4 are here. Next: fiftytwo data fetch beta"


def test_a_damaged_file_is_shown_and_explained(sets: dict[str, Entry], tmp_path: Path) -> None:
    cached(tmp_path, "alpha").parent.mkdir(parents=True)
    cached(tmp_path, "alpha").write_text("other")
    result = ask("list")
    assert result.exit_code == 0
    assert re.search(r"^alpha +8 B +damaged ", result.stdout, re.MULTILINE)
    assert result.stderr.startswith("warning: dataset 'alpha' is not used: ")
    assert "has the wrong checksum: expected sha256" in result.stderr
    assert "then: fiftytwo data fetch alpha" in result.stderr
    result = ask("fetch", "alpha")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: dataset 'alpha' is not used: ")
    assert cached(tmp_path, "alpha").read_text() == "other"  # nothing of the user's is thrown away


def test_the_list_for_programs(sets: dict[str, Entry], tmp_path: Path) -> None:
    ask("fetch", "alpha")
    rows = {row["name"]: row for row in json.loads(ask("list", "--json").stdout)}
    assert list(rows) == ["iris", "alpha", "beta", "gamma"]
    assert {name: row["source"] for name, row in rows.items()} == {
        "iris": "embedded", "alpha": "cache", "beta": None, "gamma": None,
    }  # fmt: skip
    assert rows["alpha"] == {
        "name": "alpha",
        "title": "The set alpha",
        "task": "task",
        "licence": "free [of charge]",
        "homepage": "https://example.org",
        "rows": 2,
        "columns": 0,
        "bytes": 8,
        "sha256": hashlib.sha256(TEXT.encode()).hexdigest(),
        "downloadable": True,
        "source": "cache",
        "paths": [str(cached(tmp_path, "alpha"))],
        "fault": "",
    }


def test_fetch_downloads_and_says_where_to(sets: dict[str, Entry], tmp_path: Path) -> None:
    folder = cached(tmp_path, "alpha").parent
    result = ask("fetch", "alpha", "iris", "alpha")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"alpha: 8 B downloaded to {folder}\niris: needs no file: it comes with an installed package\n"
    )
    assert cached(tmp_path, "alpha").read_text() == TEXT
    result = ask("fetch", "alpha")
    assert (result.exit_code, result.stdout) == (0, f"alpha: 8 B is already in {folder}\n")
    assert datasets.load("alpha").text == TEXT


def test_what_cannot_be_fetched_does_not_stop_the_rest(sets: dict[str, Entry], server: str, tmp_path: Path) -> None:
    result = ask("fetch", "beta", "gamma", "alpha")
    assert result.exit_code == 1
    assert result.stdout == f"alpha: 8 B downloaded to {cached(tmp_path, 'alpha').parent}\n"
    beta, gamma = result.stderr.splitlines()
    assert beta.startswith(f"error: dataset 'beta': text.txt could not be downloaded: {server}/gone.txt answered 404")
    assert gamma.startswith("error: dataset 'gamma' (The set gamma) is not on this machine; its original is at https:")


def test_fetch_for_programs(sets: dict[str, Entry], tmp_path: Path) -> None:
    result = ask("fetch", "alpha", "beta", "--json")
    assert result.exit_code == 1
    alpha, beta = json.loads(result.stdout)
    assert (alpha["source"], alpha["paths"], alpha["fault"]) == ("download", [str(cached(tmp_path, "alpha"))], "")
    assert (beta["source"], beta["paths"]) == (None, [])
    assert "answered 404" in beta["fault"]


def test_all_is_what_can_be_downloaded(sets: dict[str, Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    result = ask("fetch", "--all", "--json")
    assert [row["name"] for row in json.loads(result.stdout)] == ["alpha", "beta"]
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"alpha": sets["alpha"]})
    assert ask("fetch", "--all").exit_code == 0


def test_offline_nothing_is_fetched(sets: dict[str, Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIFTYTWO_OFFLINE", "1")
    result = ask("fetch", "alpha")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("(FIFTYTWO_OFFLINE is set, so nothing was downloaded)\n")
    assert not cached(tmp_path, "alpha").exists()


def test_where_prints_paths_and_nothing_else(sets: dict[str, Entry], tmp_path: Path) -> None:
    ask("fetch", "alpha")
    result = ask("where", "alpha")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{cached(tmp_path, 'alpha')}\n", "")
    result = ask("where", "iris")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "iris needs no file: it comes with an installed package\n"
    (row,) = json.loads(ask("where", "alpha", "--json").stdout)
    assert row["paths"] == [str(cached(tmp_path, "alpha"))]


def test_where_says_how_to_get_what_is_not_here(sets: dict[str, Entry], tmp_path: Path) -> None:
    result = ask("where", "alpha", "gamma")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "error: dataset 'alpha' is not here; get it with: fiftytwo data fetch alpha\n"
        f"error: dataset 'gamma' is not here; its original is at https://example.org; put text.txt into "
        f"{tmp_path / 'cache' / 'gamma'}\n"
    )
    assert not (tmp_path / "cache").exists()  # looking leaves no trace


@pytest.mark.parametrize("command", ["fetch", "where"])
def test_unknown_names_are_told_all_at_once_before_anything_is_done(
    sets: dict[str, Entry], tmp_path: Path, command: str
) -> None:
    result = ask(command, "alpah", "alpha", "iri")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no dataset 'alpah'; did you mean alpha?; there is no dataset 'iri'; did you mean iris?" in (
        " ".join(result.stderr.split())
    )
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("arguments", [["fetch"], ["fetch", "alpha", "--all"]])
def test_fetch_wants_names_or_all(sets: dict[str, Entry], arguments: list[str]) -> None:
    result = ask(*arguments)
    assert result.exit_code == 2
    assert "name the datasets to fetch, or give --all; see: fiftytwo data list" in result.stderr
    assert ask("where").exit_code == 2


@pytest.mark.parametrize("arguments", [[], ["list"], ["fetch"], ["where"]])
def test_the_help_shows_examples_one_a_line(arguments: list[str]) -> None:
    output = ask(*arguments, "--help").output
    assert re.search(
        rf"^  Examples:\n    fiftytwo data {arguments[0] if arguments else 'list'}\b", output, re.MULTILINE
    )
    assert "\\b" not in output


def test_the_command_is_reached_through_fiftytwo(sets: dict[str, Entry]) -> None:
    result = CliRunner().invoke(cli, ["data", "list", "--json"])
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)) == 4


def test_the_module_costs_nothing_until_it_is_used() -> None:
    script = "import sys, fiftytwo.data_command; print([m for m in ('rich', 'httpx', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


_CHILD = """
import sys
from mltoolkit.datasets import catalogue
from mltoolkit.datasets.catalogue import Entry, File
file = File("text.txt", int(sys.argv[3]), sys.argv[2], (sys.argv[1],))
entry = Entry("alpha", "The set alpha", "task", "free", "https://example.org", 0, 0, "text", files=(file,))
catalogue._catalogue = lambda: {"alpha": entry}
from fiftytwo.cli import main
sys.argv = ["fiftytwo", "data", *sys.argv[4:]]
main()
"""


@pytest.fixture
def command(server: str, tmp_path: Path) -> list[str]:
    """The command in a process of its own, over a dataset of 3 MB."""
    body = os.urandom(3_000_000)
    (tmp_path / "web" / "text.txt").write_bytes(body)
    url, sha256 = f"{server}/text.txt", hashlib.sha256(body).hexdigest()
    return [sys.executable, "-c", _CHILD, url, sha256, str(len(body))]


def test_in_a_pipe_there_is_no_progress_bar(command: list[str], tmp_path: Path) -> None:
    result = subprocess.run([*command, "fetch", "alpha"], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"alpha: 2.9 MiB downloaded to {tmp_path / 'cache' / 'alpha'}\n"


def test_on_a_terminal_there_is_one(command: list[str], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [*command, "fetch", "alpha"], stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True
    ) as child:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        output, _ = child.communicate(timeout=60)
    os.close(ours)
    assert child.returncode == 0
    assert output == f"alpha: 2.9 MiB downloaded to {tmp_path / 'cache' / 'alpha'}\n"
    assert "alpha text.txt" in shown.decode()
    assert "2.9 MiB" in shown.decode() or "2.9/2.9" in shown.decode()


def test_a_title_of_brackets_is_no_markup(sets: dict[str, Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    odd = replace(sets["alpha"], title="[bold]as it is[/bold]")
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"alpha": odd})
    assert "[bold]as it is[/bold]" in ask("list").stdout


def test_the_real_folder_has_every_set(shared_data: Path) -> None:
    result = ask("list", "--json")
    assert result.exit_code == 0
    assert {row["source"] for row in json.loads(result.stdout)} == {"embedded", "FIFTYTWO_DATA"}
    paths = ask("where", "titanic").stdout.splitlines()
    assert paths == [str(shared_data / "titanic" / "train.csv"), str(shared_data / "titanic" / "test.csv")]
