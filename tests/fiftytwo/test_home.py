"""The home: where it is found, and an event log that no crash and no second writer can spoil."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiftytwo.home import Event, Home

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def kinds(home: Home) -> list[str]:
    return [event.kind for event in home.events()]


def log_file(home: Home) -> Path:
    return home.root / "events.jsonl"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with no home in the environment."""
    monkeypatch.delenv("FIFTYTWO_HOME")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_environment_names_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Home(tmp_path / "my52").log("start")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for named, root in [(str(tmp_path / "a"), "a"), ("b", "b"), ("~/c", "c")]:
        monkeypatch.setenv("FIFTYTWO_HOME", named)
        assert Home.find().root == tmp_path / root
        assert Home.find(tmp_path / "elsewhere").root == tmp_path / root


def test_without_a_home_it_will_be_here_and_nothing_is_made(nowhere: Path) -> None:
    assert Home.find().root == nowhere / "my52"
    assert Home.find(nowhere / "deeper").root == nowhere / "deeper" / "my52"
    assert list(nowhere.iterdir()) == []


def test_the_nearest_home_at_or_above_is_found(nowhere: Path) -> None:
    outer, inner = Home(nowhere / "my52"), Home(nowhere / "project" / "my52")
    outer.log("start")
    inner.log("start")
    deep = nowhere / "project" / "src" / "deep"
    deep.mkdir(parents=True)
    assert Home.find(deep) == Home.find(nowhere / "project") == inner
    assert Home.find(inner.week(1)) == Home.find(inner.root) == inner
    assert Home.find(nowhere) == outer


def test_a_folder_of_that_name_without_a_log_is_no_home(nowhere: Path) -> None:
    Home(nowhere / "my52").log("start")
    (nowhere / "project" / "my52").mkdir(parents=True)
    assert Home.find(nowhere / "project").root == nowhere / "my52"


def test_where_everything_lies(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    root = home.root
    assert home.week(7) == root / "week07"
    assert home.evidence(12) == root / "evidence" / "week12"
    assert (home.report, home.memory) == (root / "report", root / ".fiftytwo")
    monkeypatch.delenv("FIFTYTWO_DATABASE", raising=False)
    assert home.database_url == f"sqlite:///{root / 'fiftytwo.db'}"
    monkeypatch.setenv("FIFTYTWO_DATABASE", "postgresql://cohort/year")
    assert home.database_url == "postgresql://cohort/year"


def test_events_come_back_in_order_with_their_facts(home: Home) -> None:
    before = datetime.now(UTC)
    home.log("start", 1)
    home.log("check", 1, passed=3, names=["a", "b"])
    home.log("check", 2, passed=0)
    first, second, third = home.events()
    assert (first.kind, first.week, first.facts) == ("start", 1, {})
    assert second == Event(second.time, "check", 1, {"passed": 3, "names": ["a", "b"]})
    assert before <= datetime.fromisoformat(first.time) <= datetime.fromisoformat(third.time) <= datetime.now(UTC)
    assert [event.week for event in home.events("check")] == [1, 2]
    assert [event.kind for event in home.events(week=1)] == ["start", "check"]
    assert list(home.events("check", 3)) == []


def test_a_home_without_a_log_has_no_events_and_stays_unmade(home: Home) -> None:
    assert list(home.events()) == []
    assert not home.root.exists()


@given(
    facts=st.dictionaries(
        st.text(min_size=1).filter(lambda key: key not in Event.__annotations__ and key != "self"), JSON
    )
)
def test_any_facts_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, facts: dict[str, object]) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    home.log("fact", None, **facts)
    home.log("next")
    event, _ = home.events()
    assert (event.facts, event.week) == (facts, None)
    assert log_file(home).read_bytes().count(b"\n") == 2


@pytest.mark.parametrize("text", ["\u2028", "\u2029", "\x85", "\x0b\x0c\x1c\x1d\x1e", "a\r\nb", "\udcff", "😀"])
def test_no_character_splits_or_stops_a_line(home: Home, text: str) -> None:
    """Line separators that JSON does not escape, and file names that are not valid text."""
    home.log("odd", 1, path=text)
    home.log("next")
    assert [event.facts for event in home.events("odd")] == [{"path": text}]
    assert kinds(home) == ["odd", "next"]


@pytest.mark.parametrize("torn", [b'{"time": "2027-01-04", "kind": "che', b"{", b'{"a": "\xe2\x82'])
def test_a_torn_last_line_is_passed_over_and_swallows_nothing(home: Home, torn: bytes) -> None:
    home.log("start", 1)
    with log_file(home).open("ab") as file:
        file.write(torn)
    assert kinds(home) == ["start"]
    home.log("check", 1)
    home.log("hint", 1)
    assert kinds(home) == ["start", "check", "hint"]


@pytest.mark.parametrize(
    "line", ["", "[]", "[1]", "3", "null", '"text"', "{}", '{"kind": "a"}', '{"time": "t", "kind": "k"}', "\x00"]
)
def test_a_line_that_is_no_event_is_passed_over(home: Home, line: str) -> None:
    home.log("start")
    with log_file(home).open("a") as file:
        file.write(line + "\n")
    home.log("check")
    assert kinds(home) == ["start", "check"]


def test_logging_only_ever_appends(home: Home) -> None:
    home.log("start")
    before = log_file(home).read_bytes()
    inode = log_file(home).stat().st_ino
    home.log("check")
    assert log_file(home).read_bytes().startswith(before)
    assert log_file(home).stat().st_ino == inode


def test_a_full_disk_is_an_error_and_the_next_event_is_whole(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.log("start")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:20]))
    with pytest.raises(OSError, match="No space left on device") as caught:
        home.log("lost")
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    home.log("check")
    assert kinds(home) == ["start", "check"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_disk_without_a_byte_left_is_an_error(home: Home) -> None:
    home.root.mkdir(parents=True)
    log_file(home).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        home.log("lost")


_WRITER = """
import sys
from pathlib import Path
from fiftytwo.home import Home
home = Home(Path(sys.argv[1]))
sys.stdin.readline()
for i in range(150):
    home.log("check", i, writer=sys.argv[2], padding="é" * (i * 37 % 5000))
"""


def test_events_of_several_processes_never_mix(home: Home) -> None:
    command = [sys.executable, "-c", _WRITER, str(home.root)]
    writers = [subprocess.Popen([*command, name], stdin=subprocess.PIPE) for name in "abcd"]
    for writer in writers:  # all are waiting: now they start together
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.close()
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    lines = [line for line in log_file(home).read_text("utf-8").split("\n") if line]
    assert len([json.loads(line) for line in lines]) == 600
    events = list(home.events())
    assert all(len(event.facts["padding"]) == (event.week or 0) * 37 % 5000 for event in events)
    for name in "abcd":
        assert [event.week for event in events if event.facts["writer"] == name] == list(range(150))
