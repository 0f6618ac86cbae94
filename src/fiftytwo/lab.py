"""The lab: everything a week's code is handed, and all that it may touch.

A week prints nothing, opens no window and writes nowhere else than through its lab.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fiftytwo.evidence import DataUsed, Document, Figure, Metric, Profile, Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as MatplotlibFigure

    from fiftytwo.plan import Week
    from mltoolkit.datasets import Dataset

Item = TypeVar("Item")
Cell = str | float | int | bool | None


@dataclass
class Ledger:
    """What a lab has collected so far; the worker turns it into a ``Run``."""

    metrics: list[Metric] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    data: list[DataUsed] = field(default_factory=list)


@dataclass(frozen=True)
class Needed:
    """What an earlier week left for this one."""

    week: int
    folder: Path

    def artifact(self, name: str) -> Path:
        """Path of an artifact that the earlier week's last good run left.

        Raises
        ------
        FileNotFoundError
            When that run left no artifact of this name.
        """
        path = self.folder / "artifacts" / name
        if not path.exists():
            raise FileNotFoundError(
                f"week {self.week} left no artifact {name!r}; run it again: fiftytwo run {self.week}"
            )
        return path


class Lab:
    """Everything a week's code is handed.

    Parameters
    ----------
    week : Week
    folder : Path
        The run's own folder; figures, artifacts and evidence end up in it.
    solution : object
        Attribute access gives the exercise names of every week: the reference's or the learner's.
    profile : {"quick", "full"}, default "quick"
    seed : int, default 52
    needed : mapping of int to Path, optional
        Run folders of the weeks that this one needs.
    report_progress : function (label, done, total or None), optional
        Called as the work goes on, at most a few times a second.
    draw : bool, default True
        False when a build is timed: figures are then taken and not written.
    """

    def __init__(
        self,
        week: Week,
        folder: Path,
        solution: Any,
        *,
        profile: Profile = "quick",
        seed: int = 52,
        needed: Mapping[int, Path] | None = None,
        report_progress: Callable[[str, int, int | None], None] | None = None,
        draw: bool = True,
    ) -> None:
        self.week = week
        self.folder = folder
        self.solution = solution
        self.profile: Profile = profile
        self.seed = seed
        self.ledger = Ledger()
        self.pending_documents: list[tuple[str, str, dict[str, Any]]] = []  # rendered after the last check
        self._needed = dict(needed or {})
        self._report_progress = report_progress
        self._draw = draw

    @property
    def rng(self) -> np.random.Generator:
        """A fresh generator from the run's seed: the same stream wherever it is asked for."""
        return np.random.default_rng(self.seed)

    @property
    def full(self) -> bool:
        """Whether this is a full-size run on the real datasets."""
        return self.profile == "full"

    @property
    def device(self) -> str:
        """``"cuda"``, ``"mps"`` or ``"cpu"``; ``"cpu"`` where PyTorch is not installed."""
        try:
            import torch
        except ImportError:
            return "cpu"
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"

    def data(self, name: str) -> Dataset:
        """Load a dataset by name and record in the evidence which bytes were used."""
        from mltoolkit import datasets

        loaded = datasets.load(name)
        used = DataUsed(name, loaded.title, loaded.source, loaded.sha256, loaded.licence)
        if used not in self.ledger.data:
            self.ledger.data.append(used)
        return loaded

    def file(self, variable: str) -> Path | None:
        """A file of the user's own, named by an environment variable that the week lists in ``reads``.

        Returns
        -------
        Path or None
            None when the variable is not set. The evidence records the file's name and fingerprint, and
            nothing of where it lies.

        Raises
        ------
        CannotRead
            When there is no such file or it cannot be read.
        """
        from mltoolkit.errors import CannotRead

        if variable not in self.week.reads:
            raise LookupError(f"week {self.week.number} does not list {variable} in its reads")
        name = os.environ.get(variable, "")
        if not name:
            return None
        path = Path(name).expanduser()
        if not path.is_file():  # a pipe or a device would never end
            raise CannotRead(f"{variable} names {name!r}, which is not a file here; correct or unset it")
        try:
            with path.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise CannotRead(f"{variable} names {name!r}, which cannot be read: {error.strerror}") from error
        self.ledger.data.append(DataUsed(variable, path.name, "the user's own", sha256))
        return path

    def figure(self, figure: MatplotlibFigure, name: str, caption: str) -> None:
        """Keep a figure as SVG and close it."""
        import matplotlib.pyplot as plt

        file = f"{_slug(name)}.svg"
        if self._draw:
            figure.savefig(self.folder / file, metadata={"Date": None})
        plt.close(figure)
        self.ledger.figures.append(Figure(name, file, caption))

    def table(self, frame: pd.DataFrame, name: str, caption: str) -> None:
        """Keep a small table (at most 200 rows)."""
        if len(frame) > 200:
            raise ValueError(f"table {name!r} has {len(frame)} rows; a table in the evidence has at most 200")
        rows = tuple(tuple(_cell(value) for value in row) for row in frame.itertuples(index=False))
        self.ledger.tables.append(Table(name, caption, tuple(map(str, frame.columns)), rows))

    def metric(self, name: str, value: float, unit: str = "") -> None:
        """Keep a named number; documents look it up by this name."""
        if any(metric.name == name for metric in self.ledger.metrics):
            raise ValueError(f"metric {name!r} is recorded twice in one run")
        self.ledger.metrics.append(Metric(name, float(value), unit))

    def note(self, text: str) -> None:
        """Keep a remark of one or two sentences."""
        self.ledger.notes.append(text)

    def document(self, template: str, name: str, **facts: Any) -> None:
        """Render a written assessment from this run's evidence.

        Parameters
        ----------
        template : str
            File name of a Jinja template in the week's folder, such as ``"eda.md.jinja"``. It may use
            ``metric(name)``, ``table(name)``, ``check(name)``, ``data(name)`` and the given facts.
        name : str
            Title of the document.
        facts : object
            Further values, computed by this run.

        Notes
        -----
        The document is rendered after the last check, so it may quote any of them. A name without
        evidence ends the run with an error.
        """
        self.pending_documents.append((template, name, facts))

    def progress(self, iterable: Iterable[Item], label: str) -> Iterator[Item]:
        """Iterate and report progress."""
        total = len(iterable) if isinstance(iterable, Sized) else None
        last = 0.0
        done = 0
        for done, item in enumerate(iterable, 1):
            yield item
            now = time.monotonic()
            if self._report_progress and now - last > 0.2:
                self._report_progress(label, done, total)
                last = now
        if self._report_progress:
            self._report_progress(label, done, total)

    def artifact(self, name: str) -> Path:
        """A path for something that later weeks read; its parent folder exists."""
        path = self.folder / "artifacts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name not in self.ledger.artifacts:
            self.ledger.artifacts.append(name)
        return path

    def needs(self, week: int) -> Needed:
        """What an earlier week left; the week must be named in ``Week.needs``."""
        if week not in self._needed:
            raise LookupError(f"week {self.week.number} does not list week {week} in its needs")
        return Needed(week, self._needed[week])


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _cell(value: Any) -> Cell:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return str(value)
