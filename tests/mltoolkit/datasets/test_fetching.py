"""Downloads over a real connection to a server that is cut, lies, changes or is not there."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mltoolkit import datasets
from mltoolkit.datasets import catalogue
from mltoolkit.datasets.catalogue import Entry
from mltoolkit.errors import BadInput, CannotRead


def complaint(name: str = "sample") -> str:
    with pytest.raises(CannotRead) as caught:
        datasets.fetch(name)
    return str(caught.value)


def body_of(web) -> bytes:
    return web.resources["/input.txt"].body


def test_a_download_is_checked_and_kept_for_the_next_call(web, sample: Entry, cache: Path) -> None:
    located = datasets.fetch("sample")
    assert located.source == "download"
    assert located.paths == {"input.txt": cache / "input.txt"}
    assert (cache / "input.txt").read_bytes() == body_of(web)
    assert {path.name for path in cache.iterdir()} <= {"input.txt", ".lock"}
    assert datasets.fetch("sample").source == "cache"
    assert len(web.asked) == 1


def test_progress_counts_up_to_the_size_and_the_final_name_appears_last(web, sample: Entry, cache: Path) -> None:
    seen: list[tuple[str, int, int]] = []

    def progress(file: str, done: int, total: int) -> None:
        assert not (cache / "input.txt").exists()
        seen.append((file, done, total))

    datasets.fetch("sample", progress)
    assert len(seen) > 2
    assert {(file, total) for file, _, total in seen} == {("input.txt", 300_000)}
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})
    assert seen[-1][1] == 300_000


def test_a_cut_connection_goes_on_where_it_stopped(web, sample: Entry, cache: Path) -> None:
    web.resources["/input.txt"].cuts = [100_000, 50_000]
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == body_of(web)
    assert web.ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert web.asked[1][2] == '"v1"'


def test_a_cut_is_seen_even_where_the_server_announces_no_length(web, sample: Entry, cache: Path) -> None:
    resource = web.resources["/input.txt"]
    resource.length, resource.cuts = False, [100_000]
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == resource.body
    assert web.ranges == [None, "bytes=100000-"]


def test_what_arrived_survives_giving_up_and_the_next_call_resumes(web, sample: Entry, cache: Path) -> None:
    web.resources["/input.txt"].cuts = [10_000] * 5
    message = complaint()
    assert "input.txt could not be downloaded" in message
    assert web.url("input.txt") in message
    assert "try again later" in message
    assert f"put input.txt into {cache}" in message
    assert not (cache / "input.txt").exists()
    assert (cache / ".input.txt.part").stat().st_size == 50_000
    web.asked.clear()
    datasets.fetch("sample")
    assert web.ranges == ["bytes=50000-"]
    assert (cache / "input.txt").read_bytes() == body_of(web)


def test_a_server_without_ranges_sends_it_whole_again(web, sample: Entry, cache: Path) -> None:
    resource = web.resources["/input.txt"]
    resource.ranges, resource.cuts = False, [100_000]
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == resource.body


def test_without_a_validator_nothing_is_resumed(web, sample: Entry, cache: Path) -> None:
    resource = web.resources["/input.txt"]
    resource.etag, resource.cuts = "", [100_000]
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == resource.body
    assert web.ranges == [None, None]


def test_a_weak_validator_does_not_vouch_for_bytes(web, sample: Entry, cache: Path) -> None:
    resource = web.resources["/input.txt"]
    resource.etag, resource.cuts = 'W/"v1"', [100_000]
    datasets.fetch("sample")
    assert web.ranges == [None, None]


def test_a_file_that_changed_on_the_server_is_not_mixed_with_the_old_half(web, sample: Entry, cache: Path) -> None:
    right = body_of(web)
    resource = web.resources["/input.txt"]
    resource.body, resource.etag, resource.cuts = right[::-1], '"v0"', [100_000] * 5
    resource.ranges = False
    complaint()
    resource.body, resource.etag, resource.cuts, resource.ranges = right, '"v1"', [], True
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == right
    assert web.asked[-1][1:] == ("bytes=100000-", '"v0"')  # asked to go on, was sent the whole


def test_a_range_that_starts_elsewhere_is_not_appended(web, sample: Entry, cache: Path) -> None:
    resource = web.resources["/input.txt"]
    resource.shift, resource.cuts = 7, [100_000]
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == resource.body
    assert web.ranges == [None, "bytes=100000-", None]


def test_a_damaged_leftover_costs_a_second_download_and_no_more(web, sample: Entry, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / ".input.txt.part").write_bytes(bytes(100_000))
    (cache / ".input.txt.tag").write_text('"v1"')
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == body_of(web)
    assert web.ranges == ["bytes=100000-", None]


def test_a_complete_leftover_is_used_without_a_request(web, sample: Entry, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / ".input.txt.part").write_bytes(body_of(web))
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == body_of(web)
    assert web.asked == []


def test_a_leftover_longer_than_the_servers_file_does_not_block_for_ever(web, sample: Entry, cache: Path) -> None:
    resource = web.resources["/input.txt"]
    right, resource.body = resource.body, resource.body[:50_000]
    cache.mkdir(parents=True)
    (cache / ".input.txt.part").write_bytes(right[:100_000])
    (cache / ".input.txt.tag").write_text('"v1"')
    complaint()
    assert web.ranges[:2] == ["bytes=100000-", None]
    resource.body = right
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == right


@pytest.mark.parametrize("change", ["other bytes", "more bytes"])
def test_another_file_under_the_address_is_refused(web, sample: Entry, cache: Path, change: str) -> None:
    resource = web.resources["/input.txt"]
    resource.body = resource.body[::-1] if change == "other bytes" else resource.body + b"!"
    message = complaint()
    assert f"{web.url('input.txt')} serves another file" in message
    if change == "other bytes":
        assert f"expected sha256 {sample.sha256}" in message
        assert f"got {hashlib.sha256(resource.body).hexdigest()}" in message
    else:
        assert "of more than the expected 300,000 bytes" in message
    assert not (cache / "input.txt").exists()
    assert not (cache / ".input.txt.part").exists()  # the next call starts clean
    assert len(web.asked) == 1  # the same bytes would come again


def test_a_file_without_an_end_is_not_followed_to_it(web, sample: Entry, cache: Path) -> None:
    web.resources["/input.txt"].body *= 30
    seen: list[int] = []
    with pytest.raises(CannotRead, match="of more than the expected 300,000 bytes"):
        datasets.fetch("sample", lambda _, done, __: seen.append(done))
    assert 300_000 < seen[-1] < 3_000_000


def test_a_second_address_stands_in_for_the_first(web, sample: Entry, cache: Path, monkeypatch) -> None:
    urls = (web.url("gone.txt"), web.url("input.txt"))
    both = replace(sample, files=(replace(sample.files[0], urls=urls),))
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": both})
    datasets.fetch("sample")
    assert [path for path, *_ in web.asked] == ["/gone.txt", "/input.txt"]


def test_a_missing_page_is_said_at_once(web, sample: Entry, cache: Path) -> None:
    web.resources.clear()
    message = complaint()
    assert f"{web.url('input.txt')} answered 404 Not Found" in message
    assert "its original is at https://example.org/sample" in message
    assert len(web.asked) == 1
    assert not (cache / "input.txt").exists()


def test_a_busy_server_is_asked_again(web, sample: Entry, cache: Path) -> None:
    web.resources["/input.txt"].statuses = [503, 429, 500]
    assert datasets.fetch("sample").source == "download"
    assert len(web.asked) == 4


def test_no_server_at_all(web, sample: Entry, cache: Path, monkeypatch) -> None:
    dead = replace(sample, files=(replace(sample.files[0], urls=("http://127.0.0.1:9/input.txt",)),))
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": dead})
    assert "http://127.0.0.1:9/input.txt: " in complaint()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/input.txt", "http://[::1"])
def test_an_address_that_is_none_is_an_error_in_one_line(sample: Entry, cache: Path, monkeypatch, url: str) -> None:
    odd = replace(sample, files=(replace(sample.files[0], urls=(url,)),))
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": odd})
    assert f"{url}: " in complaint()


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_offline_means_no_request(web, sample: Entry, cache: Path, monkeypatch, value: str) -> None:
    monkeypatch.setenv("FIFTYTWO_OFFLINE", value)
    message = complaint()
    assert message == (
        "dataset 'sample' (A sample) is not on this machine; its original is at https://example.org/sample; "
        f"put input.txt into {cache} (FIFTYTWO_OFFLINE is set, so nothing was downloaded)"
    )
    assert web.asked == []


@pytest.mark.parametrize("value", ["", "0", "false", "No"])
def test_offline_can_be_switched_off(web, sample: Entry, cache: Path, monkeypatch, value: str) -> None:
    monkeypatch.setenv("FIFTYTWO_OFFLINE", value)
    assert datasets.fetch("sample").source == "download"


def test_a_set_without_an_address_says_what_to_do(web, sample: Entry, cache: Path, monkeypatch, tmp_path) -> None:
    by_hand = replace(sample, files=(replace(sample.files[0], urls=()),))
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": by_hand})
    monkeypatch.setenv("FIFTYTWO_DATA", str(tmp_path / "data"))
    message = complaint()
    assert "its original is at https://example.org/sample (read here in one certain packaging" in message
    assert message.endswith(f"put input.txt into {tmp_path / 'data' / 'sample'} or {cache}")
    assert not cache.exists()


def test_an_unknown_name(sample: Entry) -> None:
    with pytest.raises(BadInput, match="there is no dataset 'simple'; did you mean sample\\?"):
        datasets.fetch("simple")


def test_a_hand_placed_file_beside_a_missing_one_is_checked_too(web, sample: Entry, cache: Path, monkeypatch) -> None:
    other = replace(sample.files[0], name="other.txt", sha256=hashlib.sha256(b"right").hexdigest(), bytes=5)
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": replace(sample, files=(other, *sample.files))})
    cache.mkdir(parents=True)
    (cache / "other.txt").write_bytes(b"wrong")
    message = complaint()
    assert f"{cache / 'other.txt'} has the wrong checksum" in message
    (cache / "other.txt").write_bytes(b"right")
    located = datasets.fetch("sample")
    assert list(located.paths) == ["other.txt", "input.txt"]
    assert [path for path, *_ in web.asked] == ["/input.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_said_and_can_be_made_good(web, sample: Entry, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / ".input.txt.part").symlink_to("/dev/full")
    assert complaint() == (
        f"dataset 'sample': the disk of {cache} is full; the set needs 300,000 bytes; what has arrived is kept: "
        "free some space, then: fiftytwo data fetch sample"
    )
    assert not (cache / "input.txt").exists()
    (cache / ".input.txt.part").unlink()  # space was freed
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == body_of(web)


def test_a_cache_that_cannot_be_written_is_said(web, sample: Entry, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FIFTYTWO_CACHE", str(tmp_path / "file"))
    message = complaint()
    assert "cannot be written: Not a directory" in message
    assert "name another folder in FIFTYTWO_CACHE" in message


_CHILD = """
import sys
from mltoolkit import datasets
from mltoolkit.datasets import catalogue, fetching
from mltoolkit.datasets.catalogue import Entry, File
look = fetching.locate
def told(name):
    found = look(name)
    print("looked", flush=True)
    return found
fetching.locate = told
url, size, sha256 = sys.argv[1:]
file = File("input.txt", int(size), sha256, (url,))
sample = Entry("sample", "A sample", "task", "none", "https://example.org", 0, 0, "text", files=(file,))
catalogue._catalogue = lambda: {"sample": sample}
print(datasets.fetch("sample", lambda *seen: print(seen[1], flush=True)).source, flush=True)
"""


def start_child(web, sample: Entry, limit: int | None = None) -> subprocess.Popen[str]:
    file = sample.files[0]
    script = (
        _CHILD
        if limit is None
        else f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit},) * 2)\n{_CHILD}"
    )
    command = [sys.executable, "-c", script, web.url("input.txt"), str(file.bytes), file.sha256]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert child.stdout is not None
    assert child.stdout.readline() == "looked\n"  # it has seen that nothing is here
    return child


def test_two_processes_at_once_download_once(web, sample: Entry, cache: Path) -> None:
    web.resources["/input.txt"].hold = threading.Event()  # no download ends before both have looked
    children = [start_child(web, sample) for _ in range(2)]
    web.resources["/input.txt"].hold.set()
    answers = [child.communicate(timeout=30) for child in children]
    assert [error for _, error in answers] == ["", ""]
    assert sorted(output.split()[-1] for output, _ in answers) == ["cache", "download"]
    assert (cache / "input.txt").read_bytes() == body_of(web)
    assert len(web.asked) == 1


def test_a_killed_download_leaves_no_file_and_is_resumed(web, sample: Entry, cache: Path) -> None:
    web.resources["/input.txt"].hold = threading.Event()
    child = start_child(web, sample)
    assert child.stdout is not None
    assert child.stdout.readline() == "looked\n"  # once more, now that it holds the lock
    assert int(child.stdout.readline()) > 0  # bytes are arriving
    child.kill()
    child.communicate(timeout=30)
    assert not (cache / "input.txt").exists()
    web.resources["/input.txt"].hold.set()
    datasets.fetch("sample")
    assert (cache / "input.txt").read_bytes() == body_of(web)
    have = int(str(web.ranges[-1]).removeprefix("bytes=").removesuffix("-"))
    assert 0 < have < 300_000


def test_a_file_size_limit_is_said(web, sample: Entry, cache: Path) -> None:
    pytest.importorskip("resource", reason="limits are those of POSIX systems")
    _, error = start_child(web, sample, limit=100_000).communicate(timeout=30)
    assert "CannotRead: dataset 'sample'" in error
    assert "cannot be written: File too large" in error
    assert not (cache / "input.txt").exists()
