"""What is known of each dataset without touching its bytes; read from ``entries.toml``.

A dataset is data, not code: title, task, licence, where its original is, and for each file the size, the
SHA-256 and the addresses that serve exactly these bytes. Only the reader of its format is a function.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from mltoolkit.errors import BadInput


@dataclass(frozen=True)
class File:
    """One file of a dataset: its name, size, SHA-256, and the addresses that serve exactly these bytes."""

    name: str
    bytes: int
    sha256: str
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A dataset as the catalogue describes it.

    ``rows`` and ``columns`` are what loading gives (rows of all parts together, columns with the target;
    0 where the interpreter decides or a set has none); ``files`` is empty for a set that comes with an
    installed package.
    """

    name: str
    title: str
    task: str
    licence: str
    homepage: str
    rows: int
    columns: int
    loader: str
    argument: str = ""
    files: tuple[File, ...] = ()

    @property
    def embedded(self) -> bool:
        """Whether the set needs no file."""
        return not self.files

    @property
    def downloadable(self) -> bool:
        """Whether every file has an address that serves its bytes."""
        return bool(self.files) and all(file.urls for file in self.files)

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def sha256(self) -> str:
        """Fingerprint of all files; empty for an embedded set, whose contents are hashed when it is loaded.

        The checksum of the file where there is one; else that of the files' checksums in hexadecimal, joined
        in the order of the catalogue.
        """
        sums = [file.sha256 for file in self.files]
        if len(sums) < 2:
            return "".join(sums)
        return hashlib.sha256("".join(sums).encode()).hexdigest()


@cache
def _catalogue() -> dict[str, Entry]:
    with resources.files("mltoolkit.datasets").joinpath("entries.toml").open("rb") as stream:
        rows = tomllib.load(stream)["dataset"]
    found = {}
    for row in rows:
        files = tuple(File(**{**file, "urls": tuple(file["urls"])}) for file in row.pop("file", ()))
        found[row["name"]] = Entry(**row, files=files)
    return found


def entries() -> tuple[Entry, ...]:
    """Every dataset, embedded ones first."""
    return tuple(_catalogue().values())


def entry(name: str) -> Entry:
    """One dataset by its name.

    Raises
    ------
    BadInput
        When there is no such dataset; the nearest names are in the message.
    """
    found = _catalogue().get(name) if isinstance(name, str) else None
    if found is not None:
        return found
    near = difflib.get_close_matches(str(name).lower().replace("_", "-"), _catalogue(), n=3, cutoff=0.5)
    guess = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(_catalogue())}"
    raise BadInput(f"there is no dataset {name!r}; {guess}")
