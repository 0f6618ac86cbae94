"""Atomic writes: the new file or the old one, whatever happens in between."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltoolkit.io import atomic_path, atomic_write


@given(data=st.binary(max_size=2000) | st.text(max_size=500).filter(lambda text: text.isprintable()))
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, data: bytes | str) -> None:
    path = tmp_path_factory.mktemp("io") / "file"
    atomic_write(path, data)
    assert path.read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert list(path.parent.iterdir()) == [path]


def test_missing_folders_are_made_and_text_paths_are_taken(tmp_path: Path) -> None:
    atomic_write(str(tmp_path / "a" / "b" / "file.txt"), "Grüße")
    assert (tmp_path / "a" / "b" / "file.txt").read_text("utf-8") == "Grüße"


def test_the_block_gets_a_path_in_the_same_folder(tmp_path: Path) -> None:
    target = tmp_path / "file.csv"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary != target
        temporary.write_text("a,b\n")
        assert not target.exists()
    assert target.read_text() == "a,b\n"
    assert not temporary.exists()


@pytest.mark.parametrize("error", [RuntimeError("in the middle"), KeyboardInterrupt(), SystemExit(3)])
def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(type(error)), atomic_path(target) as temporary:  # noqa: PT012 - the block is what is tested
        temporary.write_text("half of the new")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX systems")
def test_a_replaced_file_keeps_its_permissions_and_a_new_one_gets_the_usual(tmp_path: Path) -> None:
    script, usual, ours = tmp_path / "run.sh", tmp_path / "usual", tmp_path / "ours"
    script.write_text("old")
    script.chmod(0o750)
    atomic_write(script, "new")
    assert stat.S_IMODE(script.stat().st_mode) == 0o750
    usual.write_text("")
    atomic_write(ours, "")
    assert stat.S_IMODE(ours.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(OSError, match="No space left") as caught, atomic_path(target) as temporary:  # noqa: PT012
        temporary.unlink()
        temporary.symlink_to("/dev/full")
        temporary.write_bytes(b"new")
    assert caught.value.errno == errno.ENOSPC
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_contents_reach_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    flush, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("flush"), flush(descriptor))[1])
    monkeypatch.setattr(Path, "replace", lambda self, target: (order.append("rename"), rename(self, target))[1])
    atomic_write(tmp_path / "file", b"x")
    assert order == ["flush", "rename"]


def test_writers_in_threads_never_mix(tmp_path: Path) -> None:
    target = tmp_path / "file"
    versions = [bytes([48 + i]) * 50_000 for i in range(8)]
    seen: set[bytes] = set()
    writers = [threading.Thread(target=lambda v=v: [atomic_write(target, v) for _ in range(5)]) for v in versions]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if target.exists():
            seen.add(target.read_bytes())
    for writer in writers:
        writer.join()
    assert seen | {target.read_bytes()} <= set(versions)
    assert list(tmp_path.iterdir()) == [target]


_WRITER = """
import itertools, sys
from mltoolkit.io import atomic_write
print("ready", flush=True)
for i in itertools.count(1):
    atomic_write(sys.argv[1], (b"%08d" % i) * 40_000)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a kill that cannot be caught")
def test_fifty_kills_in_mid_write_leave_a_whole_file(tmp_path: Path) -> None:
    """Each kill falls at another moment of a write of 320 kB; a plain write would be torn many times."""
    target = tmp_path / "file"
    torn, caught_in_the_act, numbers = [], 0, set()
    for kill in range(50):
        with subprocess.Popen([sys.executable, "-c", _WRITER, str(target)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(0.002 + 0.0007 * kill)
            child.kill()
        parts = list(tmp_path.glob(".file.*.part"))
        caught_in_the_act += bool(parts)
        for part in parts:
            part.unlink()
        if target.exists():
            data = target.read_bytes()
            numbers.add(data[:8])
            if len(data) != 320_000 or data != data[:8] * 40_000:
                torn.append(kill)
    assert torn == []
    assert numbers  # some writes did end
    assert caught_in_the_act >= 10  # and many kills came while a temporary file was open
