"""Where a dataset is looked for, and what a wrong checksum does."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest

from mltoolkit import datasets
from mltoolkit.datasets import catalogue, locating
from mltoolkit.datasets.catalogue import Entry, File
from mltoolkit.errors import CannotRead


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Entry:
    """A dataset of two small files that no server has."""
    files = tuple(File(f"{name}.txt", 5, hashlib.sha256(name.encode() * 5).hexdigest()) for name in "ab")
    entry = Entry("sample", "A sample", "task", "none", "https://example.org", 0, 0, "text", files=files)
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": entry})
    return entry


def put(folder: Path, *names: str, wrong: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.txt").write_text(("x" if wrong else name) * 5)
    return folder


def test_an_embedded_set_needs_no_place() -> None:
    located = datasets.locate("iris")
    assert located is not None
    assert (located.source, dict(located.paths)) == ("embedded", {})


def test_fiftytwo_data_comes_before_the_cache(by_hand: Entry, cache: Path, monkeypatch, tmp_path: Path) -> None:
    assert datasets.locate("sample") is None
    put(cache, "a", "b")
    located = datasets.locate("sample")
    assert located is not None
    assert located.source == "cache"
    assert located.paths == {"a.txt": cache / "a.txt", "b.txt": cache / "b.txt"}
    put(tmp_path / "data" / "sample", "a", "b")
    monkeypatch.setenv("FIFTYTWO_DATA", str(tmp_path / "data"))
    located = datasets.locate("sample")
    assert located is not None
    assert located.source == "FIFTYTWO_DATA"
    assert located.paths["a.txt"] == tmp_path / "data" / "sample" / "a.txt"


def test_half_a_set_in_one_place_is_not_completed_from_the_other(by_hand, cache, monkeypatch, tmp_path) -> None:
    put(tmp_path / "data" / "sample", "a")
    monkeypatch.setenv("FIFTYTWO_DATA", str(tmp_path / "data"))
    put(cache, "b")
    assert datasets.locate("sample") is None
    put(cache, "a")
    located = datasets.locate("sample")
    assert located is not None
    assert located.source == "cache"


def test_a_folder_that_is_not_there_is_passed_over(by_hand: Entry, cache: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIFTYTWO_DATA", str(tmp_path / "nowhere"))
    put(cache, "a", "b")
    located = datasets.locate("sample")
    assert located is not None
    assert located.source == "cache"


def test_relative_and_home_folders(by_hand: Entry, cache: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path / "data" / "sample", "a", "b")
    for name in ("data", "~/data"):
        monkeypatch.setenv("FIFTYTWO_DATA", name)
        located = datasets.locate("sample")
        assert located is not None
        assert located.paths["a.txt"] == tmp_path / "data" / "sample" / "a.txt"


def test_the_cache_is_the_systems_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FIFTYTWO_CACHE")
    assert locating.cache_folder() == platformdirs.user_cache_path("fiftytwo") / "datasets"
    monkeypatch.setenv("FIFTYTWO_CACHE", str(tmp_path))
    assert locating.cache_folder() == tmp_path


def test_all_wrong_files_are_named_with_both_sums(by_hand, cache: Path, monkeypatch, tmp_path: Path) -> None:
    data = put(tmp_path / "data" / "sample", "a", "b", wrong=True)
    monkeypatch.setenv("FIFTYTWO_DATA", str(tmp_path / "data"))
    put(cache, "a", "b")
    with pytest.raises(CannotRead) as caught:
        datasets.locate("sample")
    got = hashlib.sha256(b"xxxxx").hexdigest()
    a, b = by_hand.files
    assert str(caught.value) == (
        f"dataset 'sample' is not used: {data}/a.txt has the wrong checksum: expected sha256 {a.sha256} (5 bytes), "
        f"got {got} (5 bytes); {data}/b.txt has the wrong checksum: expected sha256 {b.sha256} (5 bytes), "
        f"got {got} (5 bytes); replace what is named here in FIFTYTWO_DATA, or take it away so that the cache is "
        "looked into"
    )


def test_a_wrong_file_in_the_cache_says_how_to_get_the_right_one(by_hand: Entry, cache: Path, monkeypatch) -> None:
    put(cache, "a", "b")
    put(cache, "b", wrong=True)
    with pytest.raises(CannotRead, match=r"replace what is named here; the original is at https://example\.org$"):
        datasets.locate("sample")
    fetchable = replace(by_hand, files=tuple(replace(f, urls=("https://example.org/f",)) for f in by_hand.files))
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": fetchable})
    with pytest.raises(CannotRead, match=r"delete what is named here, then: fiftytwo data fetch sample$") as caught:
        datasets.locate("sample")
    assert "a.txt" not in str(caught.value)


def count_sums(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    summed: list[str] = []
    original = locating.sha256_of
    monkeypatch.setattr(locating, "sha256_of", lambda path: (summed.append(path.name), original(path))[1])
    return summed


def test_a_file_is_summed_once_until_it_changes(by_hand: Entry, cache: Path, monkeypatch) -> None:
    put(cache, "a", "b")
    monkeypatch.setattr(locating, "_SETTLED_NS", 0)
    summed = count_sums(monkeypatch)
    assert datasets.locate("sample") == datasets.locate("sample")
    assert summed == ["a.txt", "b.txt"]
    notes = json.loads((cache.parent / "verified.json").read_text())
    assert set(notes) == {str(cache / "a.txt"), str(cache / "b.txt")}
    # The same size and the same time of change: only the system's own times tell.
    before = (cache / "a.txt").stat()
    (cache / "a.txt").write_text("xxxxx")
    os.utime(cache / "a.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(CannotRead, match=r"a\.txt has the wrong checksum"):
        datasets.locate("sample")


def test_a_file_that_was_just_written_is_summed_again(by_hand: Entry, cache: Path, monkeypatch) -> None:
    put(cache, "a", "b")
    summed = count_sums(monkeypatch)
    datasets.locate("sample")
    datasets.locate("sample")
    assert summed == ["a.txt", "b.txt"] * 2


def test_a_new_checksum_in_the_catalogue_makes_the_memory_void(by_hand: Entry, cache: Path, monkeypatch) -> None:
    put(cache, "a", "b")
    monkeypatch.setattr(locating, "_SETTLED_NS", 0)
    datasets.locate("sample")
    newer = replace(by_hand, files=tuple(replace(file, sha256="0" * 64) for file in by_hand.files))
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": newer})
    with pytest.raises(CannotRead, match=f"expected sha256 {'0' * 64}"):
        datasets.locate("sample")


@pytest.mark.parametrize("text", ["", "{", "[1]", "\udcff"])
def test_a_damaged_memory_is_no_memory(by_hand: Entry, cache: Path, monkeypatch, text: str) -> None:
    put(cache, "a", "b")
    (cache.parent / "verified.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    monkeypatch.setattr(locating, "_SETTLED_NS", 0)
    assert datasets.locate("sample") is not None
    assert len(json.loads((cache.parent / "verified.json").read_text())) == 2


def test_a_cache_that_cannot_be_written_costs_only_time(by_hand: Entry, monkeypatch, tmp_path: Path) -> None:
    put(tmp_path / "data" / "sample", "a", "b")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FIFTYTWO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FIFTYTWO_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(locating, "_SETTLED_NS", 0)
    located = datasets.locate("sample")
    assert located is not None
    assert located.source == "FIFTYTWO_DATA"


def test_a_file_that_cannot_be_read_is_a_fault(by_hand: Entry, tmp_path: Path) -> None:
    assert locating.fault_of(by_hand.files[0], tmp_path / "a.txt") == (
        f"{tmp_path / 'a.txt'} cannot be read: No such file or directory"
    )
