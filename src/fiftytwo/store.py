"""The evidence store: one folder a run, and one database that indexes them.

The folders are the truth. The database holds what lists and pages need to be quick, and is made again
from the folders whenever it is missing or cannot be read.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fiftytwo.evidence import SCHEMA, Profile, Run, Status, Who
from fiftytwo.home import Home
from fiftytwo.job import EVIDENCE
from mltoolkit.io import atomic_write

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LOG = logging.getLogger(__name__)
_KEPT = 5  # runs of one kind whose figures and artifacts are kept; evidence.json always stays

_metadata = sa.MetaData()
_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("week", sa.Integer, nullable=False, index=True),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("profile", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("passed", sa.Integer, nullable=False),
    sa.Column("counted", sa.Integer, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
)
# Ids sort by time, so the newest run of a kind is the last entry of its stretch.
_by_kind = sa.Index("runs_by_kind", _runs.c.week, _runs.c.who, _runs.c.id)


@dataclass(frozen=True)
class RunRow:
    """What the index knows of a run."""

    id: str
    week: int
    who: Who
    profile: Profile
    status: Status
    started: str
    seconds: float
    passed: int
    counted: int
    reason: str


def to_json(run: Run) -> str:
    """A run as JSON text; infinities are written as strings, since JSON has none."""
    return json.dumps(_finite(asdict(run)), indent=1, ensure_ascii=False, allow_nan=False)


def from_json(text: str | bytes) -> Run:
    """A run from JSON text.

    Raises
    ------
    ValueError
        When the text is not evidence, or evidence of a later version of this software.
    """
    data = json.loads(text)
    if isinstance(data, dict) and data.get("schema", 0) > SCHEMA:
        raise ValueError(f"evidence of schema {data['schema']}; this version reads up to {SCHEMA}: update fiftytwo")
    return _adapter().validate_python(data)  # type: ignore[no-any-return]


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Run)


def _make_tables(engine: sa.Engine) -> None:
    """Make what is missing; an index that an older version did not have is added to its table."""
    _metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateIndex(_by_kind, if_not_exists=True))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0.0:
        return str(value)
    return value


def _read_runs(folders: Iterable[Path]) -> Iterator[Run]:
    """The runs in folders; one that is damaged is passed over."""
    for folder in folders:
        with contextlib.suppress(OSError, ValueError):
            yield from_json((folder / EVIDENCE).read_bytes())


class Store:
    """Evidence of one home.

    Parameters
    ----------
    home : Home
        A ``postgresql://`` address in ``FIFTYTWO_DATABASE`` indexes a cohort in one database.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self._opened: sa.Engine | None = None
        self._lock: BaseFileLock | None = None

    def save(self, run: Run, folder: Path) -> Path:
        """Write ``evidence.json`` into the run's folder, move that into its place and index it.

        The move is one rename, so a run is there as a whole or not at all. An index that cannot be written
        (a full disk) is no loss: it is brought in line with the folders when it is next opened.
        """
        atomic_write(folder / EVIDENCE, to_json(run))
        place = self.home.evidence(run.week) / run.id
        place.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            folder.replace(place)
            try:
                self._index([run])
            except sa.exc.OperationalError as error:
                _LOG.warning("the index was not written, which the next command makes good: %s", error.orig)
                return place
            self._prune(run)
        return place

    def folder(self, run: Run | RunRow) -> Path:
        """The run's folder."""
        return self.home.evidence(run.week) / run.id

    def latest(
        self, week: int, *, who: Who, profile: Profile | None = None, status: Status | None = None
    ) -> Run | None:
        """The newest run of a week by ``who``, of any profile unless one is named."""
        for row in self._rows(week=week, who=who, profile=profile, status=status):
            with contextlib.suppress(OSError, ValueError):  # a folder that was deleted or damaged by hand
                return from_json((self.folder(row) / EVIDENCE).read_bytes())
        return None

    def history(
        self,
        week: int | None = None,
        who: Who | None = None,
        *,
        status: Status | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        """Past runs, newest first: at most ``limit`` of them, all older than the run ``before``."""
        return list(self._rows(before=before, limit=limit, week=week, who=who, status=status))

    def newest(self) -> list[RunRow]:
        """The newest run of each week by each author, whatever came of it."""
        if not self._anything():
            return []
        last = sa.select(sa.func.max(_runs.c.id)).group_by(_runs.c.week, _runs.c.who)
        with self._engine().connect() as connection:
            return [RunRow(**row._mapping) for row in connection.execute(sa.select(_runs).where(_runs.c.id.in_(last)))]

    def rebuild(self) -> int:
        """Make the index again from the folders; returns how many runs it holds."""
        with self._alone():
            runs = list(_read_runs(sorted((self.home.root / "evidence").glob("week*/*"))))
            if not self.home.shared:  # else what other homes put there stays
                with self._engine().begin() as connection:
                    connection.execute(sa.delete(_runs))
            self._index(runs)
        return len(runs)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep folders and index in step: nobody adds a run while the index is made again."""
        from filelock import FileLock

        folder = self.home.root / "evidence"
        folder.mkdir(parents=True, exist_ok=True)
        with self._lock or FileLock(folder / ".lock") as lock:
            self._lock = lock  # one object, so that the same store may hold it twice
            yield

    def _reconcile(self, engine: sa.Engine) -> None:
        """Index what a killed command moved into place and did not index, and drop what was deleted by hand."""
        there = {
            place.name: place
            for folder in (self.home.root / "evidence").glob("week[0-9][0-9]")
            for place in folder.iterdir()
        }
        with engine.connect() as connection:
            known = set(connection.execute(sa.select(_runs.c.id)).scalars())
        gone, new = known - set(there), set(there) - known
        if not gone and not new:
            return
        with self._alone():
            self._index(list(_read_runs([there[name] for name in sorted(new)])))
            with engine.begin() as connection:
                if gone:  # one by one: a list of thousands is more than a statement may name
                    one = sa.delete(_runs).where(_runs.c.id == sa.bindparam("gone"))
                    connection.execute(one, [{"gone": name} for name in gone])

    def _rows(self, before: str | None = None, limit: int | None = None, **wanted: Any) -> Iterator[RunRow]:
        if not self._anything():
            return
        query = sa.select(_runs).order_by(_runs.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(_runs.c.id < before)
        for column, value in wanted.items():
            if value is not None:
                query = query.where(_runs.c[column] == value)
        with self._engine().connect() as connection:
            for row in connection.execute(query):
                yield RunRow(**row._mapping)

    def _anything(self) -> bool:
        return (self.home.root / "evidence").exists() or self.home.shared

    def _index(self, runs: list[Run]) -> None:
        columns = [column.name for column in _runs.c]
        rows = [{name: getattr(run, name) for name in columns} for run in runs]
        if not rows:
            return
        with self._engine().begin() as connection:
            connection.execute(sa.delete(_runs).where(_runs.c.id.in_([row["id"] for row in rows])))
            connection.execute(sa.insert(_runs), rows)

    def _engine(self) -> sa.Engine:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> sa.Engine:
        url = self.home.database_url
        if not url.startswith("sqlite"):
            engine = sa.create_engine(url)
            _make_tables(engine)
            return engine
        file = self.home.root / "fiftytwo.db"
        file.parent.mkdir(parents=True, exist_ok=True)
        missing = not file.exists() or not file.stat().st_size
        engine = sa.create_engine(url, connect_args={"timeout": 30.0}, poolclass=sa.NullPool)
        try:
            _make_tables(engine)
            with engine.connect() as connection:
                connection.execute(sa.select(_runs).limit(1))
        except sa.exc.DatabaseError:
            missing = True
            file.replace(file.with_suffix(".db.unreadable"))
            _make_tables(engine)
        self._opened = engine
        if missing:
            self.rebuild()
        elif not self.home.shared:  # else it holds other homes' runs as well
            self._reconcile(engine)
        return engine

    def _prune(self, run: Run) -> None:
        """Drop figures and artifacts of old runs of the same kind; what they measured stays."""
        rows = list(self._rows(week=run.week, who=run.who, profile=run.profile))
        good = next((row.id for row in rows if row.status == "passed"), "")  # later weeks read its artifacts
        for row in rows[_KEPT:]:
            if row.id == good:
                continue
            for entry in self.folder(row).glob("*"):
                if entry.name != EVIDENCE:
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
