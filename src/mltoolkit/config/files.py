"""TOML and YAML files as plain trees, with the line on which each key stands.

tomllib tells no positions. But a TOML file is a sequence of statements that end with a line, so each is parsed by
itself: the shortest run of lines that tomllib takes is one statement, and its tree names the keys that it sets.
YAML is read by its 1.2 rules (``no`` is a text, not false) into a tree of nodes, which know their lines.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltoolkit.errors import CannotRead

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

Key = tuple[Any, ...]  # names and list indices from the top to a value
_MOST_ENTRIES = 100_000  # YAML aliases can make a short file stand for a tree that fills the memory


@dataclass
class Tree:
    """Settings as nested dicts and lists; ``lines`` holds the line of each key, from 1."""

    values: dict[Any, Any] = field(default_factory=dict)
    lines: dict[Key, int] = field(default_factory=dict)


def read_tree(path: Path) -> Tree:
    """Read a ``.toml``, ``.yaml`` or ``.yml`` file.

    Raises
    ------
    CannotRead
        When there is no such file, its ending is another, or it breaks the rules of its format; the message
        gives the line and never quotes a value.
    """
    readers = {".toml": _read_toml, ".yaml": _read_yaml, ".yml": _read_yaml}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise CannotRead(f"{path}: expected a file that ends in {', '.join(readers)}")
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise CannotRead(f"{path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise CannotRead(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise CannotRead(f"{path}: {error.strerror}") from error
    return reader(path, text)


def _read_toml(path: Path, text: str) -> Tree:
    try:
        tree = Tree(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        at = re.match(r"line (\d+)", place)  # else: at the end of the document
        where = int(at[1]) if at else max(len(text.splitlines()), 1)
        raise CannotRead(f"{path}, line {where}: not TOML ({reason})") from None
    table: Key = ()
    sizes: dict[Key, int] = {}  # tables so far in each array of tables
    for line, statement in _statements(text):
        entry = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = ()
            *outer, last = _names(entry)
            for name in outer:
                table = _last_of(sizes, (*table, name))
                tree.lines.setdefault(table, line)
            table = (*table, last)
            if statement.lstrip().startswith("[["):
                tree.lines.setdefault(table, line)
                sizes[table] = sizes.get(table, 0) + 1
                table = _last_of(sizes, table)
            tree.lines[table] = line
        else:
            for key in _keys(entry):
                tree.lines.setdefault(table + key, line)
    return tree


def _last_of(sizes: dict[Key, int], table: Key) -> Key:
    """The table itself, or the last one so far when it is an array of tables."""
    return (*table, sizes[table] - 1) if table in sizes else table


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with its first line; the whole text is known to be TOML."""
    lines = text.splitlines(keepends=True)
    start = 0
    while start < len(lines):
        for end in range(start + 1, len(lines) + 1):
            statement = "".join(lines[start:end])
            try:
                tomllib.loads(statement)
            except tomllib.TOMLDecodeError:
                continue
            break
        yield start + 1, statement
        start = end


def _names(entry: Any) -> Iterator[str]:
    """The names of a table's header."""
    while entry:
        ((name, entry),) = entry.items()
        yield name
        if isinstance(entry, list):
            return


def _keys(value: Any, above: Key = ()) -> Iterator[Key]:
    """Every key below a value, outermost first."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*above, name)
        yield from _keys(inner, (*above, name))


def _read_yaml(path: Path, text: str) -> Tree:
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    tree = Tree()
    try:
        node = yaml.compose(text)
        if node is None:
            return tree
        if node.tag != "tag:yaml.org,2002:map":
            raise CannotRead(f"{path}, line {node.start_mark.line + 1}: expected keys with values at the top level")
        entries = _positions(path, yaml, node, (), ())
        tree.lines = dict(itertools.islice(entries, _MOST_ENTRIES))
        if next(entries, None) is not None:
            raise CannotRead(f"{path}: more than {_MOST_ENTRIES} entries once its aliases are followed")
        tree.values = yaml.constructor.construct_document(node)
    except DuplicateKeyError as error:  # whose own message quotes both values
        name = re.findall(r'duplicate key "(.*?)"', str(error.problem))
        raise CannotRead(f"{path}, line {_line(error)}: the key {'.'.join(name[:1])} is given twice") from None
    except MarkedYAMLError as error:
        raise CannotRead(f"{path}, line {_line(error)}: not YAML ({error.problem})") from None
    except (YAMLError, ValueError) as error:
        raise CannotRead(f"{path}: not YAML ({type(error).__name__})") from None
    return tree


def _line(error: Any) -> int:
    mark = error.problem_mark or error.context_mark
    return int(mark.line) + 1 if mark else 1


def _positions(path: Path, yaml: Any, node: Node, above: Key, open_nodes: tuple[int, ...]) -> Iterator[tuple[Key, int]]:
    """Key and line of everything below a node, aliases followed."""
    if id(node) in open_nodes:
        raise CannotRead(f"{path}, line {node.start_mark.line + 1}: an anchor that contains itself")
    if isinstance(node.value, str):
        return
    inside = (*open_nodes, id(node))
    for i, entry in enumerate(node.value):  # pairs of nodes in a mapping, nodes in a sequence
        first, value = entry if isinstance(entry, tuple) else (entry, entry)
        name = yaml.constructor.construct_object(first, deep=True) if isinstance(entry, tuple) else i
        yield (*above, name), first.start_mark.line + 1
        yield from _positions(path, yaml, value, (*above, name), inside)
