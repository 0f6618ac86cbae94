"""The file that a pipeline is kept in: three lines that say what it is, and then its bytes.

    fiftytwo feature pipeline 1
    SHA-256 of all that follows, in hexadecimal
    {"format": ..., "schema": ..., "versions": ...}
    the payload: skops (a zip archive of data) or joblib (a pickle)

Everything is checked before the payload is touched: the first line, the checksum, the versions, the columns, and who
may be trusted. The checksum in the file finds accidents; an attacker would write a fitting one. So what can run code
is read only with a checksum that came another way, and what cannot is read with named classes alone.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from mltoolkit.errors import BadInput, CannotRead, MissingExtra
from mltoolkit.io import atomic_write
from mltoolkit.tabular.columns import Table, frame_kind, missing_columns

MAGIC = b"fiftytwo feature pipeline 1\n"
FORMATS = ("skops", "joblib")
# Splitters are plain parameters, and no estimators, which is all that skops trusts of scikit-learn.
_SPLITTERS = [
    f"sklearn.model_selection._split.{name}"
    for name in ("KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold")
]


def write_pipeline(pipeline: Any, path: Path | str, format: str) -> str:
    """Write the file; returns its SHA-256."""
    if format not in FORMATS:
        raise BadInput(f"save_pipeline: format={format!r} is none of {', '.join(FORMATS)}")
    try:
        payload = _skops().dumps(pipeline) if format == "skops" else _joblib_bytes(pipeline)
    except MissingExtra:
        raise
    except Exception as error:  # what cannot be pickled raises anything
        raise BadInput(f"save_pipeline: {format} cannot hold the pipeline ({_one_line(error)})") from error
    facts = {"format": format, "schema": dict(pipeline.schema_), "versions": versions(pipeline, format)}
    content = pack(facts, payload)
    atomic_write(path, content)
    return hashlib.sha256(content).hexdigest()


def pack(facts: Mapping[str, Any], payload: bytes) -> bytes:
    """The file's bytes."""
    rest = json.dumps(facts, ensure_ascii=True, sort_keys=True).encode() + b"\n" + payload
    return MAGIC + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def unpack(path: Path | str, content: bytes) -> tuple[dict[str, Any], bytes]:
    """What the file says of itself, and the payload; refuses what is torn, changed or foreign."""
    if not content.startswith(MAGIC):
        if content[:24] == MAGIC[:24]:
            raise CannotRead(f"{path}: is a pipeline file of another version; this software reads {MAGIC.decode()!r}")
        what = "a bare pickle, which could run anything" if content[:1] == b"\x80" else "something else"
        raise CannotRead(f"{path}: is no pipeline file but {what}; expected what save_pipeline writes")
    digest, _, rest = content[len(MAGIC) :].partition(b"\n")
    if hashlib.sha256(rest).hexdigest().encode() != digest:
        raise CannotRead(f"{path}: its checksum does not fit: it was changed or cut short since it was written")
    head, _, payload = rest.partition(b"\n")
    try:
        facts = json.loads(head)
        faults = [key for key in ("schema", "versions") if not isinstance(facts[key], dict)]
    except (ValueError, TypeError, KeyError) as error:
        raise CannotRead(f"{path}: its description cannot be read ({_one_line(error)})") from None
    if faults or facts.get("format") not in FORMATS:
        raise CannotRead(f"{path}: its description is not one that save_pipeline writes")
    return facts, payload


def read_pipeline(path: Path | str, columns: Any, sha256: str | None, own: list[type], trusted: list[str]) -> Any:
    """Check everything that can be checked from outside, then read the payload."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise CannotRead(f"{path}: there is no such file; expected a pipeline file") from error
    except OSError as error:
        raise CannotRead(f"{path}: cannot be read ({error.strerror})") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256.lower():
        raise CannotRead(f"{path}: its SHA-256 is not {sha256}; it is not the file that was saved")
    facts, payload = unpack(path, content)
    _check_versions(path, facts["versions"])
    if columns is not None:
        _check_schema(facts["schema"], columns)
    if facts["format"] == "joblib" and sha256 is None:
        raise CannotRead(
            f"{path}: is a pickle, and reading it runs what it names; pass sha256, which save_pipeline returned, "
            "or save with format='skops'"
        )
    loaded = _from_skops(path, payload, own, trusted) if facts["format"] == "skops" else _from_joblib(path, payload)
    if not isinstance(loaded, own[0]):
        raise CannotRead(f"{path}: holds a {type(loaded).__name__}; expected a {own[0].__name__}")
    return loaded


def versions(pipeline: Any, format: str) -> dict[str, str]:
    """Versions that matter to whoever reads the file.

    These are the libraries whose objects it holds: those of the steps' transformers. A pickle depends on Python and
    NumPy too.
    """
    packages = {type(fitted).__module__.partition(".")[0] for _, fitted, _ in pipeline.steps_}
    names = {_distribution(package) for package in packages - {"mltoolkit", "builtins", "__main__"}}
    found = {name: _version(name) for name in sorted(names | ({"numpy"} if format == "joblib" else set()))}
    found = {name: text for name, text in found.items() if text}
    return {**found, "python": platform.python_version()} if format == "joblib" else found


@cache
def _distribution(package: str) -> str:
    """The distribution that brings a package: mostly one of the same name, and looking further takes a second."""
    return package if _version(package) else (packages_distributions().get(package) or [package])[0]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""  # a module of the user's own has no version


def _check_versions(path: Path | str, written: Mapping[str, Any]) -> None:
    """Refuse another major or minor version; the third number is for repairs."""
    faults = []
    for name, text in written.items():
        here = platform.python_version() if name == "python" else _version(name)
        if str(text).split(".")[:2] != here.split(".")[:2]:
            faults.append(f"{name} {text} wrote it, {here or 'none'} is here")
    if faults:
        raise CannotRead(f"{path}: {'; '.join(faults)}; install the versions that wrote it, or fit and save again")


def _check_schema(schema: Mapping[str, str], columns: Any) -> None:
    """Hold the columns that will be handed over against those that are needed."""
    given: Mapping[str, str] | Sequence[str]
    if frame_kind(columns) != "array":
        table = Table(columns)
        given = {name: table.type_of(name) for name in table.names}
    else:
        given = columns if isinstance(columns, Mapping) else list(columns)
    faults = [f"column {name!r} is missing" for name in missing_columns(list(schema), given)]
    if isinstance(given, Mapping):
        faults += [
            f"column {name!r} is a {given[name]}, the pipeline was fitted on a {kind}"
            for name, kind in schema.items()
            if name in given and given[name] != kind
        ]
    if faults:
        raise BadInput(f"load_pipeline: another schema: {'; '.join(faults)}")


def _from_skops(path: Path | str, payload: bytes, own: list[type], trusted: list[str]) -> Any:
    skops = _skops()
    names = [f"{cls.__module__}.{cls.__qualname__}" for cls in own]
    try:
        unknown = set(skops.get_untrusted_types(data=payload)) - {*names, *_SPLITTERS, *trusted}
        if not unknown:
            return skops.loads(payload, trusted=[*names, *_SPLITTERS, *trusted])
    except Exception as error:  # a foreign archive can make the reader raise anything
        raise CannotRead(f"{path}: skops cannot read it ({_one_line(error)})") from error
    raise CannotRead(
        f"{path}: holds classes that are not trusted: {', '.join(sorted(unknown))}; look at them, and name them in "
        "trusted if they are yours"
    )


def _from_joblib(path: Path | str, payload: bytes) -> Any:
    import joblib

    try:
        return joblib.load(io.BytesIO(payload))
    except Exception as error:  # so can a pickle
        raise CannotRead(f"{path}: joblib cannot read it ({_one_line(error)})") from error


def _joblib_bytes(pipeline: Any) -> bytes:
    import joblib

    sink = io.BytesIO()
    joblib.dump(pipeline, sink)
    return sink.getvalue()


def _skops() -> Any:
    try:
        return importlib.import_module("skops.io")
    except ImportError:
        raise MissingExtra("skops", "tabular") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
