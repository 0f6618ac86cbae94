"""Which files a week's result depends on: its own and everything below them in the import graph."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import grimp

_PACKAGES = ("fiftytwo", "mltoolkit")
_JUDGING = ("fiftytwo.judge", "fiftytwo.worker", "fiftytwo.documents", "fiftytwo.lab", "fiftytwo.measure")
_NOT_MEASURED = {".md", ".pyc"}  # study notes and byte code do not change a result


def fingerprint(module: str, extra_files: Iterable[Path] = ()) -> str:
    """SHA-256 over the sources that a week's ``lab`` module depends on.

    Parameters
    ----------
    module : str
        The week's lab module.
    extra_files : iterable of Path
        Files beyond the import graph, such as the learner's.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    files = _files(module)
    digest = hashlib.sha256()
    for file in [*files, *sorted(extra_files)]:
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*_PACKAGES, cache_dir=None)


def _files(module: str) -> list[Path]:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module}")
    own = Path(spec.origin).parent
    files = {file for file in own.iterdir() if file.is_file() and file.suffix not in _NOT_MEASURED}
    files |= {_origin(name) for name in _closure(module)}
    return sorted(files)


def _closure(module: str) -> set[str]:
    """Every module that the week's folder imports, through however many others.

    A package that shows its names lazily hides from the graph which submodule a name comes from, so a
    package stands for all that is in it.
    """
    graph = _graph()
    found: set[str] = set()
    week = module.rpartition(".")[0]
    waiting = {name for name in (module, *_JUDGING) if name in graph.modules}
    if week in graph.modules:
        waiting |= graph.find_descendants(week)
    while waiting:
        name = waiting.pop()
        found.add(name)
        below = graph.find_modules_directly_imported_by(name)
        if name not in _PACKAGES and not name.startswith("fiftytwo.weeks"):
            below = below | graph.find_descendants(name)
        waiting |= below - found
    return found


def _origin(module: str) -> Path:
    package, _, rest = module.partition(".")
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent.joinpath(*rest.split(".")) if rest else Path(spec.origin).parent
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
