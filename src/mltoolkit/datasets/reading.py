"""Read the files of a dataset, or what an installed package carries; one function for each form.

Every function takes the entry and its files by name and gives :class:`Contents`. Nothing is cleaned: a
messy table comes out as messy as it was published.
"""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.datasets.catalogue import Entry
from mltoolkit.errors import CannotRead

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Contents:
    """What a reader makes of a set's files; it fills in what its kind of set has."""

    data: NDArray[Any] | None = None
    target: NDArray[Any] | None = None
    feature_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    images: NDArray[Any] | None = None
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    text: str = ""
    train: int = 0


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
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise CannotRead("this Python comes without pydoc_data; install its full standard library") from error
    return Contents(text="\n".join(topics[name] for name in sorted(topics)))


def _python_docstrings(_: Entry, __: Mapping[str, Path]) -> Contents:
    import ast

    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = (node for source in _standard_library() for node in ast.walk(ast.parse(source)))
    texts = (ast.get_docstring(node) for node in nodes if isinstance(node, kinds))
    return Contents(text="\n\n".join(filter(None, texts)) + "\n")


def _python_sources(_: Entry, __: Mapping[str, Path]) -> Contents:
    return Contents(text="\n".join(_standard_library()))


def _standard_library() -> list[str]:
    """Sources of the top level of the standard library, by name."""
    import ast

    folder = Path(ast.__file__).parent
    sources = [path.read_text("utf-8") for path in sorted(folder.glob("[a-z]*.py"))]
    if not sources:
        raise CannotRead(f"this Python comes without the sources of its standard library in {folder}")
    return sources


def _mnist(_: Entry, paths: Mapping[str, Path]) -> Contents:
    images = np.concatenate([_idx(paths[f"{part}-images-idx3-ubyte.gz"]) for part in ("train", "t10k")])
    labels = np.concatenate([_idx(paths[f"{part}-labels-idx1-ubyte.gz"]) for part in ("train", "t10k")])
    return Contents(
        data=images.reshape(len(images), -1),
        target=labels,
        feature_names=tuple(f"pixel_{row}_{column}" for row in range(28) for column in range(28)),
        target_names=tuple("0123456789"),
        images=images,
        train=60_000,
    )


def _idx(path: Path) -> NDArray[np.uint8]:
    """Read an array of bytes in the IDX format: a magic number whose last byte is the rank, the shape, the bytes."""
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
    data = images.reshape(len(images), -1)
    return Contents(data=data, target=labels, target_names=names, images=images, train=count)


def _table(_: Entry, paths: Mapping[str, Path]) -> Contents:
    tables = {name: path for name, path in paths.items() if name.endswith((".csv", ".csv.gz", ".parquet"))}
    return Contents(frames={_part(name): _read_table(path) for name, path in tables.items()})


def _text_table(_: Entry, paths: Mapping[str, Path]) -> Contents:
    """Tables whose faults are the point: every cell is the text that stands in the file."""
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False}
    return Contents(frames={_part(name): _read_table(path, **options) for name, path in paths.items()})


def _news(_: Entry, paths: Mapping[str, Path]) -> Contents:
    """Column ``class`` counts from 1: class 1 is ``target_names[0]``."""
    frame = _read_table(paths["test-shared.csv.gz"], keep_default_na=False)
    return Contents(frames={"test": frame}, target_names=tuple(paths["classes.txt"].read_text("utf-8").split()))


def _sms(_: Entry, paths: Mapping[str, Path]) -> Contents:
    (path,) = paths.values()
    # A message may hold a lone quotation mark or be the word "null": no quoting (3), no missing values.
    frame = _read_table(path, sep="\t", header=None, names=["label", "text"], quoting=3, keep_default_na=False)
    return Contents(frames={"sms": frame})


def _text(_: Entry, paths: Mapping[str, Path]) -> Contents:
    (path,) = paths.values()
    return Contents(text=path.read_text("utf-8"))


def _part(name: str) -> str:
    return name.partition(".")[0].removesuffix("-shared")


def _read_table(path: Path, **options: Any) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
    else:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        frame = pd.read_csv(io.BytesIO(raw), **options)
    return frame


LOADERS: Mapping[str, Callable[[Entry, Mapping[str, Path]], Contents]] = {
    "sklearn": _sklearn,
    "photographs": _photographs,
    "python_docs": _python_docs,
    "python_docstrings": _python_docstrings,
    "python_sources": _python_sources,
    "mnist": _mnist,
    "cifar": _cifar,
    "table": _table,
    "text_table": _text_table,
    "news": _news,
    "sms": _sms,
    "text": _text,
}
