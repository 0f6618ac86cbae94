"""The home survives: a kill at any write, two commands at once, a full disk, a lost index, an older format."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from fiftytwo import plan, processes, progress, upkeep
from fiftytwo.cli import cli, main
from fiftytwo.home import FORMAT, Busy, Home
from fiftytwo.learner import proving
from fiftytwo.learner.workbench import Bench
from fiftytwo.runner import run_one
from fiftytwo.store import Store
from mltoolkit.errors import CannotRead

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")


@pytest.fixture(autouse=True)
def _weeks(catalogue, monkeypatch):
    monkeypatch.setattr(plan, "landed", lambda: catalogue)


def invoke(*words, answers=""):
    return CliRunner().invoke(cli, list(words), input=answers)


def in_a_child(action):
    """Run something in a forked process; returns the status that waitpid gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads: the child only runs our code
        pid = os.fork()
    if pid == 0:
        status = 70
        with contextlib.suppress(BaseException):
            status = action() or 0
        os._exit(status)
    return os.waitpid(pid, 0)[1]


def command(words):
    """The whole command, as the console script runs it."""
    sys.argv = ["fiftytwo", *words]
    devnull = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(devnull, descriptor)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def killed_before(number, words):
    """Run a command and kill it before its write number so-and-so; whether it was killed."""

    def action():
        left = [number]

        def counted(original):
            def write(*args, **kwargs):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return original(*args, **kwargs)

            return write

        Path.replace = counted(Path.replace)
        Path.write_bytes = counted(Path.write_bytes)
        Path.unlink = counted(Path.unlink)
        os.write = counted(os.write)
        return command(words)

    return os.WIFSIGNALED(in_a_child(action))


def whole(home):
    """Every line of the log is an event, and every file of ours is readable."""
    lines = (home.root / "events.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == [event.kind for event in home.events()]
    assert home.version() == FORMAT


COMMANDS = {
    "start": ("start", "2"),
    "reset": ("reset", "1"),
    "update": ("update", "1"),
    "plan": ("plan", "--start", "2027-01-04", "--hours", "8", "--ics", "year.ics"),
    "skip": ("skip", "2"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_kill_before_any_write_loses_nothing_and_the_next_call_goes_through(
    name, home, monkeypatch, tmp_path, reference
):
    monkeypatch.chdir(tmp_path)
    invoke("start", "1")
    file = home.week(1) / "reference.py"
    original = Bench.starter
    if name == "update":
        monkeypatch.setattr(Bench, "starter", lambda self: original(self).replace("that is small", "that is tiny"))
    own = original(Bench.of(1, home)) + "\nmine = 1\n"
    kills = 0
    for number in range(1, 40):
        file.write_text(own)
        if not killed_before(number, COMMANDS[name]):
            break
        kills += 1
        texts = [path.read_text("utf-8") for path in home.week(1).glob("*.py")]
        assert any("mine = 1" in text for text in texts), number
        assert all(path.stat().st_size for path in home.root.rglob("*.py")), number
        whole(home)
    assert kills >= 1
    if name == "start":
        assert (home.week(2) / "limits.toml").exists()
        assert (home.week(2) / "reference.py").exists()
        assert 2 in progress.standing(home).started
    if name == "plan":
        from fiftytwo.learner import pace

        assert pace.read(home).hours == 8.0
    with home.lock():
        whole(home)


def test_a_kill_in_the_middle_of_a_quiz_keeps_what_was_answered(home, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("FIFTYTWO_HOME", str(home.root))
    process = subprocess.Popen(
        [sys.executable, "-m", "fiftytwo", "quiz", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.stdin.write("1\n")
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not list(home.events("quiz")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    whole(home)
    assert len(list(home.events("quiz"))) == 1


def test_a_killed_check_leaves_no_process_and_is_cleared_away(home, catalogue, monkeypatch, reference):
    invoke("start", "1")
    file = home.week(1) / "reference.py"
    file.write_text(reference)
    run_one(1, home, catalogue=catalogue)
    monkeypatch.setenv("SAMPLE_MODE", "hang")
    script = f"from fiftytwo import plan\nplan.landed = lambda: {catalogue!r}\nfrom fiftytwo.cli import main\nmain()\n"
    process = subprocess.Popen([sys.executable, "-c", script, "check", "1"], stdout=subprocess.DEVNULL)
    running = home.root / "evidence" / ".running"
    deadline = time.monotonic() + 90
    while not list(running.glob("*learner*/progress.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    (folder,) = running.glob("*learner*/")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while processes.marked(folder.name) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes.marked(folder.name)
    monkeypatch.delenv("SAMPLE_MODE")
    assert file.read_text() == reference
    whole(home)
    shown = invoke("check", "1")
    assert shown.exit_code == 0, shown.output
    assert list(running.iterdir()) == []


def test_two_commands_at_once_take_turns(home):
    invoke("start", "1")
    file = home.week(1) / "reference.py"
    file.write_text("mine = 1\n")
    read, write = os.pipe()
    children = []
    for _ in range(6):
        pid = os.fork()
        if pid == 0:
            os.close(write)
            os.read(read, 1)  # until the parent closes its end: all begin together
            os._exit(command(["reset", "1"]))
        children.append(pid)
    os.close(read)
    os.close(write)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 6
    copies = sorted(home.week(1).glob("reference.?.py"))
    assert len(copies) == 6
    assert [copy.read_text() for copy in copies].count("mine = 1\n") == 1
    whole(home)


def test_two_starts_at_once_hand_out_one_starter(home):
    statuses = []
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            os._exit(command(["start", "1"]))
        children.append(pid)
    statuses = sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)
    assert statuses == [0, 1, 1, 1]
    assert [event.kind for event in home.events()].count("start") == 1


def test_two_checks_at_once_are_both_kept(home, catalogue, reference):
    invoke("start", "1")
    (home.week(1) / "reference.py").write_text(reference.replace("x.std(ddof=1)", "x.std()"))
    run_one(1, home, catalogue=catalogue)
    children = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            os._exit(command(["check", "1"]))
        children.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [1, 1]
    assert len(Store(home).history(1, "learner")) == 2
    assert (home.week(1) / "counterexample" / "replay.py").exists()


def test_a_lock_that_is_held_is_told(home, monkeypatch):
    monkeypatch.setattr("fiftytwo.home._PATIENCE_SECONDS", 0.05)
    invoke("start", "1")
    with home.lock():
        status = in_a_child(lambda: busy(home))
    assert os.waitstatus_to_exitcode(status) == 3


def busy(home):
    with pytest.raises(Busy, match="another fiftytwo command is at work"), home.lock():
        pass
    return 3


def full(words):
    """Run a command on a disk that takes not one byte more; its exit status and what it said."""
    import resource

    read, write = os.pipe()

    def action():
        os.dup2(write, 2)
        sys.stderr = os.fdopen(2, "w")
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        return command(words)

    status = in_a_child(action)
    os.close(write)
    with os.fdopen(read) as said:
        return os.waitstatus_to_exitcode(status), said.read()


@pytest.mark.parametrize(
    "words",
    [("start", "2"), ("reset", "1"), ("update", "1"), ("plan", "--hours", "8"), ("skip", "2"), ("check", "1")],
    ids=lambda words: words[0],
)
def test_a_full_disk_is_one_line_and_loses_nothing(words, home, monkeypatch, catalogue, reference):
    invoke("start", "1")
    file = home.week(1) / "reference.py"
    original = Bench.starter
    if words[0] == "update":
        monkeypatch.setattr(Bench, "starter", lambda self: original(self).replace("that is small", "that is tiny"))
    own = original(Bench.of(1, home)) + "\nmine = 1\n"
    file.write_text(own)
    before = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file() and path.name != "lock"}
    status, said = full(words)
    assert status == 2
    assert said.startswith("error: the disk is full")
    assert said.count("\n") == 1
    after = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file() and path.stat().st_size}
    assert {path: after.get(path) for path in before} == before
    assert progress.standing(home).started == (1,)


def test_what_only_reads_works_on_a_full_disk(home):
    invoke("start", "1")
    assert full(()) == (0, "")
    assert full(("plan",)) == (0, "")


def test_a_small_disk_that_fills_up(tmp_path, monkeypatch):
    place = tmp_path / "small"
    place.mkdir()
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "small", str(place)]).returncode:
        pytest.skip("needs leave to mount a small file system")
    try:
        home = Home(place / "my52")
        monkeypatch.setenv("FIFTYTWO_HOME", str(home.root))
        assert invoke("start", "1").exit_code == 0
        own = (home.week(1) / "reference.py").read_text() + "\nmine = 1\n"
        (home.week(1) / "reference.py").write_text(own)
        with contextlib.suppress(OSError), (place / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"\0" * 1024)
        shown = invoke("reset", "1")
        assert isinstance(shown.exception, OSError)
        assert shown.exception.errno == errno.ENOSPC
        assert (home.week(1) / "reference.py").read_text() == own
        (place / "ballast").unlink()
        assert invoke("reset", "1").exit_code == 0
        whole(home)
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_recheck_on_a_full_disk_reopens_nothing(home, reference, monkeypatch):
    invoke("start", "1")
    (home.week(1) / "reference.py").write_text(reference)
    run, _ = proving.checking.check_once(Bench.of(1, home))
    from dataclasses import replace

    short = replace(run, status="failed", verdicts=(), reason="OSError: [Errno 28] No space left on device")
    monkeypatch.setattr(proving.checking, "check_once", lambda *args, **kwargs: (short, None))
    (one,) = proving.recheck(home)
    assert one.outcome == "could not run here"
    assert progress.standing(home).passed == (1,)


@pytest.fixture
def passed(home, catalogue, reference):
    invoke("start", "1")
    (home.week(1) / "reference.py").write_text(reference)
    assert run_one(1, home, who="learner", catalogue=catalogue).status == "passed"


def test_a_deleted_or_damaged_database_is_made_again(home, passed):
    index = home.root / "fiftytwo.db"
    expected = Store(home).history()
    index.unlink()
    assert Store(home).history() == expected
    index.write_bytes(b"not a database at all, but long enough to be looked at as one" * 20)
    assert Store(home).history() == expected
    with sqlite3.connect(index) as connection:
        connection.execute("DROP TABLE runs")
        connection.execute("CREATE TABLE runs (id TEXT PRIMARY KEY, week INTEGER)")  # an older shape
    connection.close()
    assert Store(home).history() == expected
    assert progress.standing(home).passed == (1,)


def test_the_index_follows_the_folders(home, passed):
    expected = Store(home).history()
    with sqlite3.connect(home.root / "fiftytwo.db") as connection:  # a kill between the rename and the index
        connection.execute("DELETE FROM runs WHERE who = 'learner'")
    connection.close()
    assert Store(home).history() == expected
    lost = expected[0]
    import shutil

    shutil.rmtree(Store(home).folder(lost))  # deleted by hand
    assert Store(home).history() == expected[1:]
    (home.evidence(1) / "damaged").mkdir()
    assert Store(home).history() == expected[1:]


def test_a_home_of_an_older_version_is_brought_up_to_date_and_a_copy_kept(home, passed):
    (home.memory / "version").unlink()  # as homes were before there was a version
    events = (home.root / "events.jsonl").read_bytes()
    code = (home.week(1) / "reference.py").read_bytes()
    with sqlite3.connect(home.root / "fiftytwo.db") as connection:
        connection.execute("DROP TABLE runs")
        connection.execute("CREATE TABLE runs (id TEXT PRIMARY KEY, week INTEGER)")
    connection.close()
    shown = invoke()
    assert shown.exit_code == 0
    assert "Passed 1 of 2 landed weeks" in shown.output
    assert home.version() == FORMAT
    with zipfile.ZipFile(home.memory / "before-format-2.zip") as archive:
        assert archive.read("events.jsonl") == events
        assert archive.read("week01/reference.py") == code
        assert any(name.endswith("evidence.json") for name in archive.namelist())
    assert [event.kind for event in home.events()].count("migrated") == 1
    invoke()
    assert [event.kind for event in home.events()].count("migrated") == 1


def test_a_migration_that_was_killed_is_done_again(home):
    invoke("start", "1")
    for number in range(1, 20):
        (home.memory / "version").unlink(missing_ok=True)
        if not killed_before(number, ()):
            break
        assert next(home.events()).kind == "start"
    assert home.version() == FORMAT
    with zipfile.ZipFile(home.memory / "before-format-2.zip") as archive:
        assert archive.testzip() is None


def test_a_home_of_a_later_version_is_left_alone(home):
    invoke("start", "1")
    (home.memory / "version").write_text("99")
    before = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    shown = invoke("reset", "1")
    assert isinstance(shown.exception, CannotRead)
    assert "was made by a later version of fiftytwo (format 99" in str(shown.exception)
    assert {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()} == before


def test_an_older_home_on_a_disk_that_takes_nothing_can_be_read(home):
    invoke("start", "1")
    (home.memory / "version").unlink()
    status, said = full(())
    assert status == 0
    assert "could not be brought up to date" in said
    assert home.version() == 1


def test_leftovers_of_killed_commands_are_cleared_and_others_stay(home):
    running = home.root / "evidence" / ".running"
    here = platform.node()
    owners = {
        "dead": f"{2**22 - 3} 1.0 {here}",
        "reused": f"{os.getpid()} 1.0 {here}",
        "elsewhere": f"{2**22 - 3} 1.0 {here}-not",
        "unknown": "x",
        "mine": None,
    }
    for name, text in owners.items():
        folder = running / name
        folder.mkdir(parents=True)
        if text is None:
            upkeep.claim(folder)
        else:
            upkeep.owner(folder).write_text(text)
    part = home.root / ".pace.toml.abcdefgh.part"
    part.write_text("torn")
    os.utime(part, (1, 1))
    upkeep.tidy(home)
    assert sorted(path.name for path in running.iterdir() if path.is_dir()) == ["elsewhere", "mine", "unknown"]
    assert not part.exists()
    for name in ("unknown", "elsewhere"):
        os.utime(running / name, (1, 1))
    upkeep.tidy(home)
    assert sorted(path.name for path in running.iterdir() if path.is_dir()) == ["mine"]
    assert psutil.pid_exists(os.getpid())
