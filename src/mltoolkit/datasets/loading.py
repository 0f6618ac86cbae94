"""Load a dataset by its name: find or fetch its files, read them, and hold them against the catalogue.

One class serves every kind of set, because a week should be able to swap digits for MNIST without a change:

============  ==========================================  =======================================
kind          examples                                    what it has
============  ==========================================  =======================================
arrays        wine, diabetes                              data, target, feature_names, frame
images        digits, mnist, cifar10-subset, photographs  images; data and target where labelled
tables        credit-default, titanic, dirty-hospital     frames by part; frame is the first part
text          tiny-shakespeare, python-docs               text
============  ==========================================  =======================================

To ask a set for what it does not have raises ``AttributeError`` with the name of what it does have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mltoolkit.datasets.catalogue import Entry, entry
from mltoolkit.datasets.fetching import Progress, fetch
from mltoolkit.datasets.locating import Source
from mltoolkit.datasets.reading import LOADERS, Contents
from mltoolkit.errors import CannotRead

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Dataset:
    """A loaded dataset of ``n`` samples.

    Attributes
    ----------
    name, title, task, licence : str
    source : {"embedded", "FIFTYTWO_DATA", "cache", "download"}
        Where its bytes came from.
    sha256 : str
        Of its files (``Entry.sha256``), or of its contents when it is embedded.
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
    paths: Mapping[str, Path] = field(repr=False)
    contents: Contents = field(repr=False)

    @property
    def data(self) -> NDArray[Any]:
        """Features, shape (n, d); images are flattened row by row."""
        if self.contents.data is None:
            raise self._lack("data")
        return self.contents.data

    @property
    def target(self) -> NDArray[Any]:
        """Labels (an index into ``target_names``) or values to predict, shape (n,)."""
        if self.contents.target is None:
            raise self._lack("target")
        return self.contents.target

    @property
    def images(self) -> NDArray[Any]:
        """Images, shape (n, height, width) in grey or (n, height, width, 3) in colour."""
        if self.contents.images is None:
            raise self._lack("images")
        return self.contents.images

    @property
    def text(self) -> str:
        """The text of a language set."""
        if not self.contents.text:
            raise self._lack("text")
        return self.contents.text

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the ``d`` columns of ``data``; empty where there are none."""
        return self.contents.feature_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their labels; empty where there are none."""
        return self.contents.target_names

    @property
    def train(self) -> int:
        """How many leading samples of ``data`` and ``target`` are the published training part.

        The rest is the published test part. 0 where there is no such split; tables have ``frames["train"]``.
        """
        return self.contents.train

    @property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """The tables of a set by part: the file's name without its endings, such as ``"train"`` or ``"dirty"``."""
        return self.contents.frames

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The set as one table: its first table, or its features and a last column ``target``."""
        if self.frames:
            return next(iter(self.frames.values()))
        if self.contents.data is None:
            raise self._lack("frame")
        import pandas as pd

        frame = pd.DataFrame(self.data, columns=list(self.feature_names) or None)
        return frame if self.contents.target is None else frame.assign(target=self.target)

    def _lack(self, what: str) -> AttributeError:
        arrays = {"data": self.contents.data, "target": self.contents.target, "images": self.contents.images}
        have = [name for name, array in arrays.items() if array is not None]
        have += ["text"] if self.contents.text else []
        have += [f"frames[{part!r}]" for part in self.frames]
        return AttributeError(f"dataset {self.name!r} ({self.task}) has no {what}; it has {', '.join(have)}")


def load(name: str, progress: Progress | None = None) -> Dataset:
    """Load a dataset into memory.

    It is looked for in the folder ``FIFTYTWO_DATA``, then in the user's cache, then downloaded.

    Parameters
    ----------
    name : str
        One of ``entries()``, such as ``"digits"``.
    progress : function (file name, bytes so far, bytes in all), optional
        Called while a download goes on.

    Returns
    -------
    Dataset

    Raises
    ------
    BadInput
        When there is no such dataset.
    CannotRead
        When it cannot be found or downloaded, or its contents are not what the catalogue says.

    Examples
    --------
    >>> from mltoolkit import datasets
    >>> iris = datasets.load("iris")
    >>> iris.data.shape, iris.target_names
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    >>> iris.source
    'embedded'
    """
    found = entry(name)
    located = fetch(name, progress)
    try:
        contents = LOADERS[found.loader](found, located.paths)
    except CannotRead:
        raise
    except OSError as error:
        raise CannotRead(f"dataset {name!r} cannot be read: {error}") from error
    _check_shape(found, contents)
    sha256 = found.sha256 or _hash(contents)
    return Dataset(name, found.title, found.task, found.licence, located.source, sha256, located.paths, contents)


def _check_shape(found: Entry, contents: Contents) -> None:
    """A set whose shape is not the catalogue's is not the set, whatever its checksum says."""
    columns = 0
    if contents.frames:
        rows = sum(len(frame) for frame in contents.frames.values())
        columns = max(frame.shape[1] for frame in contents.frames.values())
    elif contents.data is not None:
        rows, columns = len(contents.data), contents.data.shape[1] + (contents.target is not None)
    elif contents.images is not None:
        rows = len(contents.images)
    else:
        rows = contents.text.count("\n")
    wanted = (found.rows or rows, found.columns or columns)
    if (rows, columns) != wanted:
        raise CannotRead(
            f"dataset {found.name!r} has {rows} rows and {columns} columns where the catalogue says {wanted[0]} and "
            f"{wanted[1]}; please report this with the versions of fiftytwo and scikit-learn"
        )


def _hash(contents: Contents) -> str:
    """SHA-256 over the values, shapes and types of an embedded set."""
    digest = hashlib.sha256(contents.text.encode("utf-8", errors="surrogatepass"))
    for array in (contents.data, contents.target, contents.images):
        if array is not None:
            digest.update(f"{array.shape} {array.dtype.str}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
