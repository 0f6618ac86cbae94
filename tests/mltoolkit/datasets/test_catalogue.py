"""The catalogue: every entry is whole, and agrees with the manifest of the shared datasets."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mltoolkit import datasets
from mltoolkit.datasets.reading import LOADERS
from mltoolkit.errors import BadInput

WEEKS_1_TO_20 = {
    *("digits", "wine", "iris", "diabetes", "photographs", "python-docs", "python-docstrings", "python-sources"),
    *("mnist", "cifar10-subset", "california-housing", "credit-default", "wholesale-customers", "mall-customers"),
    *("online-retail", "titanic", "melbourne-housing", "dirty-hospital", "dirty-beers", "tiny-shakespeare"),
    *("sms-spam", "ag-news-test", "electricity-elec2"),
}


@pytest.mark.parametrize("entry", datasets.entries(), ids=lambda entry: entry.name)
def test_an_entry_is_whole(entry: datasets.Entry) -> None:
    assert datasets.entry(entry.name) is entry
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9.]+)*", entry.name)
    assert entry.title
    assert entry.task
    assert entry.licence
    assert entry.homepage.startswith(("https://", "http://yann.lecun.com/"))
    assert entry.loader in LOADERS
    assert len({file.name for file in entry.files}) == len(entry.files)
    for file in entry.files:
        assert file.bytes > 0
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert Path(file.name).name == file.name
        assert not file.name.startswith(".")
        assert all(url.startswith("https://") for url in file.urls)


def test_the_weeks_find_their_sets() -> None:
    names = [entry.name for entry in datasets.entries()]
    assert set(names) >= WEEKS_1_TO_20
    assert len(set(names)) == len(names)
    embedded = [entry.embedded for entry in datasets.entries()]
    assert embedded == sorted(embedded, reverse=True)  # embedded ones first


def test_addresses_on_github_name_a_commit() -> None:
    """A branch moves; bytes under a commit do not."""
    for entry in datasets.entries():
        for file in entry.files:
            for url in file.urls:
                if "githubusercontent" in url:
                    assert re.search(r"/[0-9a-f]{40}/", url), url


def test_what_follows_from_the_files() -> None:
    titanic, digits, shakespeare = map(datasets.entry, ("titanic", "digits", "tiny-shakespeare"))
    assert titanic.downloadable
    assert not titanic.embedded
    assert titanic.bytes == 61_904 + 28_932
    joined = "".join(file.sha256 for file in titanic.files)
    assert titanic.sha256 == hashlib.sha256(joined.encode()).hexdigest()
    assert shakespeare.sha256 == shakespeare.files[0].sha256
    assert digits.embedded
    assert not digits.downloadable
    assert (digits.bytes, digits.sha256) == (0, "")
    assert not datasets.entry("cifar10-subset").downloadable


def test_every_file_is_the_manifests(shared_data: Path) -> None:
    manifest = tomllib.loads((shared_data / "MANIFEST.toml").read_text("utf-8"))["dataset"]
    known = {file["path"]: (file["bytes"], file["sha256"]) for dataset in manifest for file in dataset.get("file", ())}
    ours = {
        f"{entry.name}/{file.name}": (file.bytes, file.sha256) for entry in datasets.entries() for file in entry.files
    }
    assert ours
    assert {path: known.get(path) for path in ours} == ours


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("minst", "did you mean mnist?"),
        ("MNIST", "did you mean mnist?"),
        ("breast_cancer", "did you mean breast-cancer?"),
        ("python-doc", "did you mean python-docs or "),
        ("qqqqqq", "there are: digits, wine, iris,"),
        ("", "there are: digits,"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, guess: str) -> None:
    with pytest.raises(BadInput) as caught:
        datasets.entry(name)
    assert str(caught.value).startswith(f"there is no dataset {name!r}; {guess}")


@given(name=st.text() | st.none() | st.integers() | st.lists(st.text()))
def test_nothing_but_a_name_is_a_name(name: object) -> None:
    assume(name not in [entry.name for entry in datasets.entries()])
    with pytest.raises(BadInput, match="there is no dataset"):
        datasets.entry(name)  # type: ignore[arg-type]


def test_the_public_face() -> None:
    assert set(datasets.__all__) == {"Dataset", "Entry", "File", "entries", "entry", "fetch", "load", "locate"}
    for name in datasets.__all__:
        assert getattr(datasets, name).__module__.startswith("mltoolkit.datasets.")
