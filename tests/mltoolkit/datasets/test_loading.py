"""Every dataset loads as its entry says, and holds the numbers that it is known by."""

from __future__ import annotations

import ast
import gzip
import hashlib
import inspect
import io
import struct
import sys
from dataclasses import replace
from functools import cache as cache_calls
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mltoolkit import datasets
from mltoolkit.datasets import catalogue, loading
from mltoolkit.datasets.catalogue import Entry
from mltoolkit.datasets.reading import LOADERS
from mltoolkit.errors import CannotRead

embedded = cache_calls(datasets.load)  # the docstrings of the standard library take seconds to parse
EMBEDDED = [entry.name for entry in datasets.entries() if entry.embedded]
FILES = [entry.name for entry in datasets.entries() if not entry.embedded]


def holds(loaded: datasets.Dataset) -> None:
    """What is true of every dataset: its shape is the entry's, and its parts agree."""
    entry = datasets.entry(loaded.name)
    assert (loaded.title, loaded.licence, loaded.task) == (entry.title, entry.licence, entry.task)
    assert len(loaded.sha256) == 64
    assert set(loaded.paths) == {file.name for file in entry.files}
    contents = loaded.contents
    if loaded.frames:
        assert sum(map(len, loaded.frames.values())) == entry.rows
        assert {frame.shape[1] for frame in loaded.frames.values()} <= {entry.columns, entry.columns - 1}
        assert loaded.frame is next(iter(loaded.frames.values()))
    elif contents.data is not None:
        assert loaded.data.ndim == 2
        assert len(loaded.data) == len(loaded.target) == entry.rows
        assert loaded.frame.shape == (entry.rows, entry.columns)
        assert list(loaded.frame.columns)[-1] == "target"
        assert len(loaded.feature_names) in (0, loaded.data.shape[1])
        if loaded.target_names:
            assert set(np.unique(loaded.target)) == set(range(len(loaded.target_names)))
    if contents.images is not None and contents.data is not None:
        np.testing.assert_array_equal(loaded.images.reshape(len(loaded.images), -1), loaded.data)


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_sets_need_no_file(name: str) -> None:
    loaded = embedded(name)
    assert loaded.source == "embedded"
    holds(loaded)


@pytest.mark.parametrize("name", ["wine", "photographs", "python-docs"])
def test_the_fingerprint_of_an_embedded_set_is_that_of_its_contents(name: str) -> None:
    again = datasets.load(name)
    assert again.sha256 == embedded(name).sha256
    assert len({embedded(other).sha256 for other in EMBEDDED}) == len(EMBEDDED)


@pytest.mark.parametrize("name", FILES)
def test_real_sets_are_as_their_entry_says(shared_data: Path, name: str) -> None:
    loaded = datasets.load(name)
    assert loaded.source == "FIFTYTWO_DATA"
    assert loaded.sha256 == datasets.entry(name).sha256
    assert all(path.is_relative_to(shared_data / name) for path in loaded.paths.values())
    holds(loaded)


@pytest.mark.parametrize("name", ["digits", "wine", "iris", "breast_cancer", "diabetes"])
def test_scikit_learns_own_sets_come_unchanged(name: str) -> None:
    loaded, bunch = datasets.load(name.replace("_", "-")), getattr(sklearn.datasets, f"load_{name}")()
    np.testing.assert_array_equal(loaded.data, bunch.data)
    np.testing.assert_array_equal(loaded.target, bunch.target)
    assert list(loaded.feature_names) == list(bunch.feature_names)
    assert list(loaded.target_names) == [str(label) for label in bunch.get("target_names", [])]


def test_the_photographs() -> None:
    loaded = datasets.load("photographs")
    assert loaded.images.shape == (2, 427, 640, 3)
    assert loaded.images.dtype == np.uint8
    assert loaded.target_names == ("china", "flower")
    np.testing.assert_array_equal(loaded.images[0], sklearn.datasets.load_sample_image("china.jpg"))


def test_pythons_own_texts() -> None:
    import pydoc_data.topics

    docs, docstrings, sources = (embedded(f"python-{kind}").text for kind in ("docs", "docstrings", "sources"))
    assert all(topic in docs for topic in pydoc_data.topics.topics.values())
    assert Path(gzip.__file__).read_text("utf-8") in sources
    for documented in (gzip, gzip.open, gzip.GzipFile, gzip.GzipFile.__init__):
        assert str(inspect.getdoc(documented)) in docstrings
    assert "def open(filename" not in docstrings
    assert min(len(docs), len(docstrings), len(sources)) > 200_000


def test_mnist_as_published(shared_data: Path) -> None:
    mnist = datasets.load("mnist")
    assert mnist.images.shape == (70_000, 28, 28)
    assert (mnist.data.shape, mnist.data.dtype, mnist.train) == ((70_000, 784), np.uint8, 60_000)
    counts = np.bincount(mnist.target[:60_000])
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.target[60_000:]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert mnist.data[:60_000].mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert mnist.data[:60_000].std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_the_cifar_subset_is_stratified(shared_data: Path) -> None:
    cifar = datasets.load("cifar10-subset")
    assert cifar.images.shape == (12_000, 32, 32, 3)
    assert cifar.train == 10_000
    assert np.bincount(cifar.target[:10_000]).tolist() == [1000] * 10
    assert np.bincount(cifar.target[10_000:]).tolist() == [200] * 10
    assert cifar.target_names[0] == "airplane"


def test_tables_as_published(shared_data: Path) -> None:
    missing = {name: int(datasets.load(name).frame.isna().sum().sum()) for name in ("credit-default", "mall-customers")}
    assert missing == {"credit-default": 0, "mall-customers": 0}
    assert datasets.load("california-housing").frame["total_bedrooms"].isna().sum() == 207
    assert datasets.load("credit-default").frame["default.payment.next.month"].sum() == 6636
    assert datasets.load("wholesale-customers").frame["Channel"].value_counts().tolist() == [298, 142]
    retail = datasets.load("online-retail").frame
    assert retail["InvoiceNo"].nunique() == 25_900
    assert retail[["Description", "CustomerID"]].isna().sum().tolist() == [1454, 135_080]
    assert datasets.load("electricity-elec2").frame["class"].value_counts().tolist() == [26_075, 19_237]
    assert datasets.load("melbourne-housing").frame["BuildingArea"].isna().sum() == 6450


def test_titanic_has_two_parts(shared_data: Path) -> None:
    frames = datasets.load("titanic").frames
    assert list(frames) == ["train", "test"]
    assert (frames["train"].shape, frames["test"].shape) == ((891, 12), (418, 11))
    assert frames["train"].isna().sum().sum() == 866
    assert frames["test"].isna().sum().sum() == 414


@pytest.mark.parametrize(("name", "wrong"), [("dirty-hospital", 509), ("dirty-beers", 4362)])
def test_dirty_tables_keep_every_fault(shared_data: Path, name: str, wrong: int) -> None:
    frames = datasets.load(name).frames
    assert list(frames) == ["dirty", "clean"]
    assert (frames["dirty"].to_numpy() != frames["clean"].to_numpy()).sum() == wrong
    assert all(isinstance(value, str) for value in frames["dirty"].to_numpy().ravel())


def test_texts_as_published(shared_data: Path) -> None:
    text = datasets.load("tiny-shakespeare").text
    assert (len(text), len(set(text)), text.count("\n")) == (1_115_394, 65, 40_000)
    sms = datasets.load("sms-spam").frame
    assert set(sms["label"]) == {"ham", "spam"}
    assert sms.notna().all(axis=None)
    news = datasets.load("ag-news-test")
    assert news.target_names == ("World", "Sports", "Business", "Sci/Tech")
    assert sorted(news.frame["class"].unique()) == [1, 2, 3, 4]
    assert news.frame.notna().all(axis=None)


@pytest.mark.parametrize(
    ("name", "what", "has"),
    [
        ("python-docs", "data", "text"),
        ("python-docs", "frame", "text"),
        ("wine", "text", "data, target"),
        ("wine", "images", "data, target"),
        ("photographs", "target", "images"),
    ],
)
def test_what_a_set_does_not_have_is_said_with_what_it_has(name: str, what: str, has: str) -> None:
    loaded = embedded(name)
    with pytest.raises(AttributeError) as caught:
        getattr(loaded, what)
    assert str(caught.value) == f"dataset {name!r} ({loaded.task}) has no {what}; it has {has}"
    assert not hasattr(loaded, what)


def test_a_table_names_its_parts(shared_data: Path) -> None:
    with pytest.raises(AttributeError, match=r"has no data; it has frames\['train'\], frames\['test'\]$"):
        _ = datasets.load("titanic").data


def test_a_dataset_prints_in_one_line() -> None:
    text = repr(datasets.load("digits"))
    assert "\n" not in text
    assert len(text) < 400


def test_a_set_of_another_shape_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    iris = replace(datasets.entry("iris"), rows=151)
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"iris": iris})
    with pytest.raises(CannotRead, match="'iris' has 150 rows and 5 columns where the catalogue says 151 and 5"):
        datasets.load("iris")


def test_a_python_without_its_texts_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)  # importing it now fails, as on a cut-down system
    with pytest.raises(CannotRead, match="comes without pydoc_data; install its full standard library"):
        datasets.load("python-docs")
    monkeypatch.setattr(ast, "__file__", str(tmp_path / "ast.pyc"))
    for name in ("python-sources", "python-docstrings"):
        with pytest.raises(CannotRead, match="comes without the sources of its standard library"):
            datasets.load(name)


def test_a_file_that_goes_away_while_it_is_read_is_an_error_in_one_line(
    web, sample: Entry, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    located = datasets.fetch("sample")
    (cache / "input.txt").unlink()
    monkeypatch.setattr(loading, "fetch", lambda *_: located)
    with pytest.raises(CannotRead, match=r"^dataset 'sample' cannot be read: .*No such file or directory"):
        datasets.load("sample")


def test_load_downloads_what_is_missing(web, sample: Entry, cache: Path, monkeypatch) -> None:
    seen: list[int] = []
    text = "zwölf\n" * 1000
    file = replace(sample.files[0], bytes=len(text.encode()), sha256=_sha256(text))
    monkeypatch.setattr(catalogue, "_catalogue", lambda: {"sample": replace(sample, files=(file,), rows=1000)})
    web.resources["/input.txt"].body = text.encode()
    loaded = datasets.load("sample", lambda _, done, __: seen.append(done))
    assert (loaded.source, loaded.text) == ("download", text)
    assert datasets.load("sample").source == "cache"
    assert seen[-1] == file.bytes


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@given(array=arrays.arrays(np.uint8, arrays.array_shapes(max_dims=4, max_side=5)))
def test_idx_files_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, array) -> None:
    from mltoolkit.datasets.reading import _idx

    path = tmp_path_factory.mktemp("idx") / "a.gz"
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))
    np.testing.assert_array_equal(_idx(path), array)


@given(
    messages=st.lists(
        st.tuples(st.sampled_from(["ham", "spam"]), st.text("ab\"' ,NAnull", min_size=1, max_size=12)), min_size=1
    )
)
def test_messages_are_taken_as_they_stand(tmp_path_factory: pytest.TempPathFactory, messages) -> None:
    """Lone quotation marks, and the words that pandas takes for missing values."""
    path = tmp_path_factory.mktemp("sms") / "sms.tsv"
    path.write_text("".join(f"{label}\t{text}\n" for label, text in messages), "utf-8")
    frame = LOADERS["sms"](datasets.entry("sms-spam"), {"sms.tsv": path}).frames["sms"]
    assert list(frame.itertuples(index=False, name=None)) == messages


def test_tables_are_read_packed_or_not(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    text = frame.to_csv(index=False).encode()
    (tmp_path / "plain.csv").write_bytes(text)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(text))
    frame.to_parquet(tmp_path / "columns.parquet")
    paths = {name: tmp_path / name for name in ("plain.csv", "packed.csv.gz", "columns.parquet")}
    frames = LOADERS["table"](datasets.entry("titanic"), {**paths, "labels.json": tmp_path / "labels.json"}).frames
    assert list(frames) == ["plain", "packed", "columns"]
    for part in frames.values():
        pd.testing.assert_frame_equal(part, pd.read_csv(io.BytesIO(text)), check_dtype=False)
