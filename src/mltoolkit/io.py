"""Files that are whole or not there: every write goes to a temporary file beside the target and is renamed.

A rename within one folder is atomic on every system that the toolkit runs on, so a reader sees the old
file or the new one, and a crash in mid-write leaves the old one. What a killed writer leaves behind is a
hidden ``.NAME.XXXXXXXX.part`` that nobody reads; :func:`remove_leftovers` takes such files away.

A Delta table is a folder, and a rename cannot replace a folder that is in use. There the same promise is
kept by its log: data files are written first, and one small file in the log, put there whole or not at all,
makes them the table's next version.

Each format is written and read by a pair of functions, and what comes back is what was handed in:

==============================  ==================================================================
:func:`write_csv`               tables for people and other programs; types are inferred on reading
:func:`write_parquet`           tables with their types
:func:`write_delta`             tables with their types and every earlier version
:func:`write_json`              plain data; NaN and keys that are no text are refused
:func:`write_joblib`            any Python object; to be read from trusted sources alone
==============================  ==================================================================

A file that is missing, torn or of another format is refused with ``CannotRead``, which names it; a value
that its format cannot hold with ``BadInput``, before anything is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mltoolkit.errors import BadInput, CannotRead, MissingExtra

if TYPE_CHECKING:
    import pandas as pd


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Hand out a temporary path that takes the place of ``path`` when the block ends well.

    Parameters
    ----------
    path : Path or str
        The file to write; its folder is made when it is missing.

    Yields
    ------
    Path
        A path in the same folder. When the block raises it is removed and ``path`` stays as it was.

    Notes
    -----
    A file that was there keeps its permissions. The contents are flushed to the disk before the
    rename, so that a power cut cannot leave an empty file under the final name.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(_mode_for(target))
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def atomic_write(path: Path | str, data: bytes | str) -> None:
    """Write bytes, or text as UTF-8, in one step."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def _mode_for(target: Path) -> int:
    """Permissions of the file that is replaced, else what a new file would get."""
    try:
        return target.stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def remove_leftovers(folder: Path | str, *, older_than: float = 3600.0) -> list[Path]:
    """Remove the temporary files that killed writers left in a folder.

    Parameters
    ----------
    folder : Path or str
        Looked at itself; folders in it are not.
    older_than : float, default 3600.0
        Seconds since the last change of a file. A younger one may belong to a writer that is at work.

    Returns
    -------
    list of Path
        What was removed.
    """
    now = time.time()
    old = [path for path in sorted(Path(folder).glob(".*.????????.part")) if now - path.stat().st_mtime >= older_than]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def write_csv(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a table as CSV: UTF-8, one header line, floats with every digit that they need.

    The index is not written. A missing value becomes an empty field.

    Parameters
    ----------
    frame : DataFrame
        Its column names are texts, each of them once.
    path : Path or str

    Raises
    ------
    BadInput
        When the index carries something (it has a name, or is no plain numbering), or when column names
        are no texts or not distinct.
    """
    _check_columns(frame, "write_csv")
    if frame.index.nlevels > 1 or frame.index.name is not None or frame.index.dtype.kind not in "iu":
        raise BadInput("write_csv: the index of the frame would be lost; call reset_index() first")
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")


def read_csv(path: Path | str) -> pd.DataFrame:
    """Read a table that :func:`write_csv` wrote.

    Types are inferred column by column. Only an empty field is missing: the text ``NA`` stays a text. Floats
    come back to the last bit.

    Raises
    ------
    CannotRead
        When the file is missing, empty, not UTF-8 or not CSV.
    """
    import pandas as pd

    with _reading(path, "CSV", pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as file:
        return pd.read_csv(file, encoding="utf-8", keep_default_na=False, na_values=[""], float_precision="round_trip")


def write_parquet(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a table as Parquet with the types of its columns and its index.

    Raises
    ------
    BadInput
        When a column mixes types that Parquet cannot hold, or when column names are no texts or not distinct.
    """
    import pyarrow as pa

    _check_columns(frame, "write_parquet")
    try:
        with atomic_path(path) as temporary:
            frame.to_parquet(temporary)
    except pa.ArrowException as error:
        raise BadInput(f"write_parquet: {_one_line(error)}; give each column one type") from error


def read_parquet(path: Path | str) -> pd.DataFrame:
    """Read a table that :func:`write_parquet` wrote.

    Raises
    ------
    CannotRead
        When the file is missing or is not Parquet.
    """
    import pandas as pd
    import pyarrow as pa

    with _reading(path, "Parquet", pa.ArrowException) as file:
        return pd.read_parquet(file)


def write_delta(frame: pd.DataFrame, path: Path | str, *, mode: Literal["overwrite", "append"] = "overwrite") -> int:
    """Write a table as the next version of a Delta table (extra ``quality``).

    Earlier versions stay readable until they are vacuumed, and take up their space. The index is not written.

    Parameters
    ----------
    frame : DataFrame
    path : Path or str
        Folder of the Delta table; it is made when it is missing.
    mode : {"overwrite", "append"}, default "overwrite"
        ``"overwrite"`` replaces rows and columns; ``"append"`` adds rows with the same columns.

    Returns
    -------
    int
        The version that was written, from 0 on.

    Raises
    ------
    MissingExtra
        When deltalake is not installed.
    BadInput
        When Delta cannot hold the columns, or rows to append have other columns than the table.
    """
    deltalake = _deltalake()
    import pyarrow as pa

    _check_columns(frame, "write_delta")
    if mode not in ("overwrite", "append"):
        raise BadInput(f"write_delta: mode={mode!r} is neither overwrite nor append")
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        deltalake.write_deltalake(str(path), table, mode=mode, schema_mode="overwrite" if mode == "overwrite" else None)
    except (pa.ArrowException, deltalake.exceptions.SchemaMismatchError) as error:
        raise BadInput(f"write_delta: {_one_line(error)}") from error
    return int(deltalake.DeltaTable(str(path)).version())


def read_delta(path: Path | str, *, version: int | None = None) -> pd.DataFrame:
    """Read a Delta table: its latest version, or an earlier one.

    Raises
    ------
    MissingExtra
        When deltalake is not installed.
    CannotRead
        When there is no Delta table, or no such version of it.
    """
    deltalake = _deltalake()
    wanted = "Delta table" if version is None else f"version {version} of a Delta table"
    with _reading(path, wanted, deltalake.exceptions.DeltaError) as folder:
        frame: pd.DataFrame = deltalake.DeltaTable(str(folder), version=version).to_pandas()
    return frame


def write_json(value: Any, path: Path | str) -> None:
    """Write plain data as JSON: UTF-8, indented by two.

    Parameters
    ----------
    value : None, bool, number, text, or a list, tuple or mapping of these
        NumPy scalars and arrays are written as numbers and lists. Tuples come back as lists.
    path : Path or str

    Raises
    ------
    BadInput
        When JSON cannot hold a value (NaN, infinity, a key that is no text, any other object); every such
        place is named.
    """
    faults: list[str] = []
    plain = _plain(value, "$", faults)
    if faults:
        raise BadInput("write_json: " + "; ".join(faults))
    atomic_write(path, json.dumps(plain, ensure_ascii=False, indent=2) + "\n")


def read_json(path: Path | str) -> Any:
    """Read JSON.

    Raises
    ------
    CannotRead
        When the file is missing, not UTF-8 or not JSON; the message gives line and column.
    """
    with _reading(path, "JSON", UnicodeDecodeError) as file:
        text = file.read_text("utf-8")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise CannotRead(f"{path}, line {error.lineno}, column {error.colno}: not JSON ({error.msg})") from error
    except ValueError as error:
        raise CannotRead(f"{path}: not JSON ({error})") from error


def write_joblib(value: Any, path: Path | str) -> str:
    """Write any object that can be pickled, NumPy arrays efficiently.

    Returns
    -------
    str
        SHA-256 of the file; keep it somewhere safe and hand it to :func:`read_joblib`.
    """
    import joblib

    with atomic_path(path) as temporary:
        joblib.dump(value, temporary)
        return _sha256(temporary)


def read_joblib(path: Path | str, *, sha256: str | None = None) -> Any:
    """Read an object that :func:`write_joblib` wrote. Reading runs code that the file names.

    Parameters
    ----------
    path : Path or str
    sha256 : str, optional
        What :func:`write_joblib` returned. With it, a file that was changed since is refused before any of it
        is run. Without it, read only files that nobody else can have written.

    Raises
    ------
    CannotRead
        When the file is missing, torn, no pickle, or has another checksum.
    """
    import joblib

    with _reading(path, "joblib", Exception) as file:  # torn or foreign bytes can make a pickle raise anything
        if sha256 is not None and _sha256(file) != sha256:
            raise CannotRead(f"{path}: its SHA-256 is not {sha256}; it was changed since it was written")
        return joblib.load(file)


@contextlib.contextmanager
def _reading(path: Path | str, wanted: str, *errors: type[Exception]) -> Iterator[Path]:
    """Turn what a reader raises into CannotRead with the file's name."""
    unreadable: tuple[type[Exception], ...] = (OSError, *errors)
    try:
        yield Path(path)
    except CannotRead:
        raise
    except FileNotFoundError as error:
        raise CannotRead(f"{path}: there is no such file; expected {wanted}") from error
    except unreadable as error:
        raise CannotRead(f"{path}: cannot be read as {wanted} ({_one_line(error)})") from error


def _check_columns(frame: pd.DataFrame, function: str) -> None:
    names = list(frame.columns)
    faults = [f"column name {name!r} is no text" for name in names if not isinstance(name, str)]
    twice = sorted({name for name in names if isinstance(name, str) and names.count(name) > 1})
    faults += [f"column name {name!r} occurs {names.count(name)} times" for name in twice]
    faults += [] if names else ["the frame has no columns"]
    if faults:
        raise BadInput(f"{function}: " + "; ".join(faults))


def _plain(value: Any, place: str, faults: list[str]) -> Any:
    """The value as JSON holds it; what it cannot hold is added to the faults with its place."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        if not _is_text(value):
            faults.append(f"{place} holds half a surrogate pair, which UTF-8 does not have")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            faults.append(f"{place} is {value}, which JSON does not have; write None or a text")
        return value
    if isinstance(value, Mapping):
        faults += [f"{place} has the key {key!r}, which is no text" for key in value if not isinstance(key, str)]
        return {str(key): _plain(item, f"{place}.{key}", faults) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{place}[{i}]", faults) for i, item in enumerate(value)]
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return _plain(value.tolist(), place, faults)
    faults.append(f"{place} is of type {type(value).__name__}; expected plain data")
    return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}")


def _deltalake() -> Any:
    try:
        import deltalake
        import deltalake.exceptions
    except ImportError:
        raise MissingExtra("deltalake", "quality") from None
    return deltalake


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
