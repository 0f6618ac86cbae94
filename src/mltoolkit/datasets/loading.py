"""Load a dataset by its name, whatever form its files have."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.datasets.catalogue import Entry, entry
from mltoolkit.datasets.fetching import Progress, fetch
from mltoolkit.datasets.locating import Source
from mltoolkit.errors import CannotRead

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Contents:
    """What a loader reads from a set's files; a loader fills in what its kind of set has."""

    data: NDArray[Any] | None = None
    target: NDArray[Any] | None = None
    feature_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    images: NDArray[Any] | None = None
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    text: str = ""
    train: int = 0


@dataclass(frozen=True)
class Dataset:
    """A loaded dataset.

    Attributes
    ----------
    name, title, task, licence : str
    source : {"embedded", "FIFTYTWO_DATA", "cache", "download"}
        Where its bytes came from.
    sha256 : str
        Of its files, or of its contents when it is embedded.
    paths : mapping of str to Path
        Its files by name; empty for an embedded set.
    contents : Contents
        What was read; the properties below give it out.
    """

    name: str
    title: str
    task: str
    licence: str
    source: Source
    sha256: str
    paths: Mapping[str, Path]
    contents: Contents

    @property
    def data(self) -> NDArray[Any]:
        """Features, shape (n, d); images are flattened."""
        return self._have(self.contents.data, "an array of features; use .frame, .frames or .text")

    @property
    def target(self) -> NDArray[Any]:
        """Labels or values to predict, shape (n,)."""
        return self._have(self.contents.target, "a target of its own; its table may have a column for it")

    @property
    def images(self) -> NDArray[Any]:
        """Images, shape (n, height, width) or (n, height, width, 3)."""
        return self._have(self.contents.images, "images")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of ``data``."""
        return self.contents.feature_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the classes, by label."""
        return self.contents.target_names

    @property
    def train(self) -> int:
        """How many leading samples are the published training part; 0 where there is no such split."""
        return self.contents.train

    @property
    def text(self) -> str:
        """The text of a language set."""
        return self._have(self.contents.text or None, "text")

    @property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """The tables of a set by part, such as ``"train"`` and ``"test"`` or ``"dirty"`` and ``"clean"``."""
        return self.contents.frames

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The set as one table: its first table, or its features with a column ``target``."""
        import pandas as pd

        if self.frames:
            return next(iter(self.frames.values()))
        frame = pd.DataFrame(self.data, columns=list(self.feature_names) or None)
        return frame.assign(target=self.target)

    def _have(self, value: Any, what: str) -> Any:
        if value is None:
            raise AttributeError(f"dataset {self.name!r} ({self.task}) has no {what}")
        return value


def load(name: str, progress: Progress | None = None) -> Dataset:
    """Load a dataset.

    It is looked for in ``FIFTYTWO_DATA``, then in the user's cache, then downloaded.

    Raises
    ------
    BadInput
        When there is no such dataset.
    CannotRead
        When it cannot be found or downloaded, or its contents are not what the catalogue says.
    """
    found = entry(name)
    located = fetch(name, progress)
    contents = _LOADERS[found.loader](found, located.paths)
    _check_shape(found, contents)
    sha256 = found.sha256 or _hash(contents)
    return Dataset(name, found.title, found.task, found.licence, located.source, sha256, located.paths, contents)


def _check_shape(found: Entry, contents: Contents) -> None:
    if contents.frames:
        rows = sum(len(frame) for frame in contents.frames.values())
        columns = max(frame.shape[1] for frame in contents.frames.values())
    elif contents.data is not None:
        rows, columns = len(contents.data), contents.data.shape[1] + (contents.target is not None)
    else:
        rows = contents.text.count("\n") if contents.images is None else len(contents.images)
        columns = 0
    wanted = (found.rows or rows, found.columns or columns)
    if (rows, columns) != wanted:
        raise CannotRead(
            f"dataset {found.name!r} has {rows} x {columns}, where the catalogue says {wanted[0]} x {wanted[1]}"
        )


def _hash(contents: Contents) -> str:
    digest = hashlib.sha256(contents.text.encode("utf-8", errors="surrogatepass"))
    for array in (contents.data, contents.target, contents.images):
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _sklearn(found: Entry, _: Mapping[str, Path]) -> Contents:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{found.argument}")()
    return Contents(
        data=bunch.data,
        target=bunch.target,
        feature_names=tuple(map(str, bunch.feature_names)),
        target_names=tuple(map(str, bunch.get("target_names", ()))),
        images=bunch.get("images"),
    )


def _photographs(_: Entry, __: Mapping[str, Path]) -> Contents:
    from sklearn.datasets import load_sample_images

    bunch = load_sample_images()
    names = tuple(Path(name).stem for name in bunch.filenames)
    return Contents(images=np.stack(bunch.images), target_names=names)


def _python_docs(_: Entry, __: Mapping[str, Path]) -> Contents:
    from pydoc_data.topics import topics

    return Contents(text="\n".join(topics[name] for name in sorted(topics)))


def _python_docstrings(_: Entry, __: Mapping[str, Path]) -> Contents:
    import ast

    texts = []
    for source in _standard_library():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                texts.append(ast.get_docstring(node) or "")
    return Contents(text="\n\n".join(filter(None, texts)) + "\n")


def _python_sources(_: Entry, __: Mapping[str, Path]) -> Contents:
    return Contents(text="\n".join(_standard_library()))


def _standard_library() -> list[str]:
    """Sources of the top level of the standard library, by name."""
    import ast

    folder = Path(ast.__file__).parent
    return [path.read_text("utf-8") for path in sorted(folder.glob("[a-z]*.py"))]


def _mnist(_: Entry, paths: Mapping[str, Path]) -> Contents:
    parts = [
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
    ]
    images = np.concatenate([_idx(paths[image]) for image, _ in parts])
    labels = np.concatenate([_idx(paths[label]) for _, label in parts])
    names = tuple(f"pixel_{row}_{column}" for row in range(28) for column in range(28))
    return Contents(
        data=images.reshape(len(images), -1),
        target=labels,
        feature_names=names,
        target_names=tuple("0123456789"),
        images=images,
        train=60_000,
    )


def _idx(path: Path) -> NDArray[np.uint8]:
    """An array in the IDX format: a magic number that holds the rank, then the shape, then the bytes."""
    with gzip.open(path) as stream:
        raw = stream.read()
    rank = raw[3]
    shape = struct.unpack_from(f">{rank}I", raw, 4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank).reshape(shape)


def _cifar(_: Entry, paths: Mapping[str, Path]) -> Contents:
    with np.load(paths["train.npz"]) as train, np.load(paths["test.npz"]) as test:
        images = np.concatenate([train["images"], test["images"]])
        labels = np.concatenate([train["labels"], test["labels"]])
        names = tuple(map(str, train["class_names"]))
        count = len(train["labels"])
    return Contents(
        data=images.reshape(len(images), -1), target=labels, target_names=names, images=images, train=count
    )  # fmt: skip


def _table(_: Entry, paths: Mapping[str, Path]) -> Contents:
    return Contents(frames={_part(name): _read_table(path) for name, path in paths.items() if _is_table(name)})


def _text_table(_: Entry, paths: Mapping[str, Path]) -> Contents:
    return Contents(
        frames={_part(name): _read_table(path, dtype=str, keep_default_na=False) for name, path in paths.items()}
    )


def _sms(_: Entry, paths: Mapping[str, Path]) -> Contents:
    (path,) = paths.values()
    frame = _read_table(path, sep="\t", header=None, names=["label", "text"], quoting=3)
    return Contents(frames={"sms": frame})


def _text(_: Entry, paths: Mapping[str, Path]) -> Contents:
    (path,) = paths.values()
    return Contents(text=path.read_text("utf-8"))


def _part(name: str) -> str:
    return name.partition(".")[0].removesuffix("-shared")


def _is_table(name: str) -> bool:
    return name.endswith((".csv", ".csv.gz", ".parquet"))


def _read_table(path: Path, **options: Any) -> pd.DataFrame:
    import pandas as pd

    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return pd.read_csv(io.BytesIO(raw), **options)


_LOADERS: Mapping[str, Callable[[Entry, Mapping[str, Path]], Contents]] = {
    "sklearn": _sklearn,
    "photographs": _photographs,
    "python_docs": _python_docs,
    "python_docstrings": _python_docstrings,
    "python_sources": _python_sources,
    "mnist": _mnist,
    "cifar": _cifar,
    "table": _table,
    "text_table": _text_table,
    "sms": _sms,
    "text": _text,
}
