"""Read a rules file and say everything that is wrong with it, line by line.

``tomllib`` gives values without their places, so a small scanner finds the line of each key; only a file that
is no TOML at all ends at its first fault.
"""

from __future__ import annotations

import datetime
import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.quality.rules.arguments import fault_between, fault_of
from mltoolkit.quality.rules.suite import OWN_KEYS, Rule, Suite
from mltoolkit.quality.rules.vocabulary import KINDS

_TOP_KEYS = ("rule", "name", "note")
_KEY = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*(?:=|\.)""")
_HEADER = re.compile(r"\s*\[\[\s*rule\s*\]\]")
_TABLE = re.compile(r"\s*\[")


class BadRules(BadInput):
    """A rules file in which something is wrong; its message has a line for each fault."""


@dataclass
class _Faults:
    """What is wrong, each with its line, in the order of the file."""

    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        self.found.append((line, message))

    def raise_if_any(self, name: str) -> None:
        if not self.found:
            return
        count = len(self.found)
        head = f"{name}: {'one thing is' if count == 1 else f'{count} things are'} wrong"
        lines = [f"  line {line}: {message}" for line, message in sorted(self.found, key=lambda fault: fault[0])]
        raise BadRules("\n".join([head, *lines]))


def load_rules(path_or_text: Path | str) -> Suite:
    """Read a suite of rules.

    Parameters
    ----------
    path_or_text : path, or the text of a rules file
        Text is told by a line end or ``=`` in it.

    Returns
    -------
    Suite
        Paths in it are relative to the file's folder, or to the working folder when text was given.

    Raises
    ------
    CannotRead
        When the file cannot be read, or is no TOML.
    BadRules
        When something in it is wrong, a BadInput: every fault with its line, its key, and the nearest that is right.

    Examples
    --------
    >>> load_rules('[[rule]]\\nrule = "column_values_to_be_uniqe"\\ncolumn = "id"')
    Traceback (most recent call last):
    mltoolkit.quality.rules.loading.BadRules: rules: one thing is wrong
      line 2: rule: there is no rule 'column_values_to_be_uniqe'; the nearest is 'column_values_to_be_unique'
    """
    name, text, folder = _text_of(path_or_text)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CannotRead(f"{name}: is no TOML: {error}") from error
    places, top = _places(text)
    faults = _Faults()
    for key in data:
        if key not in _TOP_KEYS:
            line = top.get(key, 1)
            faults.add(line, f"{key}: is no key of a rules file{_nearest(key, _TOP_KEYS)}; a rule begins with [[rule]]")
    tables = data.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        faults.add(top.get("rule", 1), "rule: a rule is a table of its own, which begins with [[rule]]")
        tables = []
    for key in ("name", "note"):
        if not isinstance(data.get(key, ""), str):
            faults.add(top.get(key, 1), f"{key}: expected text")
    places += [{"": top.get("rule", 1)}] * (len(tables) - len(places))
    rules = [_rule(table, place, faults) for table, place in zip(tables, places, strict=False)]
    faults.raise_if_any(name)
    return Suite(tuple(rule for rule in rules if rule is not None), data.get("name", "rules"), (), folder)


def _text_of(path_or_text: Path | str) -> tuple[str, str, Path | None]:
    """The name by which faults are reported, the text, and the folder of the file."""
    if isinstance(path_or_text, str) and ("\n" in path_or_text or "=" in path_or_text or not path_or_text.strip()):
        return "rules", path_or_text, None
    path = Path(path_or_text)
    try:
        return str(path), path.read_text(encoding="utf-8-sig"), path.parent
    except UnicodeDecodeError as error:
        raise CannotRead(f"{path}: is not UTF-8, which a rules file has to be: byte {error.start}") from error
    except IsADirectoryError as error:
        raise CannotRead(f"{path}: is a folder; expected a rules file") from error
    except FileNotFoundError as error:
        raise CannotRead(f"{path}: there is no such rules file") from error
    except OSError as error:
        raise CannotRead(f"{path}: cannot be read: {error.strerror}") from error


def _rule(table: Mapping[str, Any], place: Mapping[str, int], faults: _Faults) -> Rule | None:
    """One rule; None when it is wrong, with all its faults noted."""
    line = place[""]

    def wrong(key: str, message: str) -> None:
        faults.add(place.get(key, line), f"{key}: {message}")

    name = table.get("rule")
    if not isinstance(name, str):
        wrong("rule", "has to be given" if name is None else "expected the name of a rule, as text")
        return None
    name = name.removeprefix("expect_")
    if name not in KINDS:
        wrong("rule", f"there is no rule {name!r}{_nearest(name, KINDS)}")
        return None
    before = len(faults.found)
    _own_keys(table, wrong)
    arguments = {key: value for key, value in table.items() if key not in OWN_KEYS}
    _arguments(name, arguments, wrong)
    if len(faults.found) > before:
        return None
    # Arguments are kept in the order of the vocabulary, so that two files that say the same give equal suites.
    ordered = {key: arguments[key] for key in KINDS[name].keys if key in arguments}
    return Rule(name, ordered, table.get("severity", "error"), table.get("name", ""), table.get("note", ""), (), line)


def _own_keys(table: Mapping[str, Any], wrong: Callable[[str, str], None]) -> None:
    severity = table.get("severity", "error")
    if severity not in ("error", "warning"):
        wrong("severity", f'expected "error" or "warning", got {severity!r}')
    for key in ("name", "note"):
        if not isinstance(table.get(key, ""), str):
            wrong(key, f"expected text, got {table[key]!r}")


def _arguments(name: str, arguments: Mapping[str, Any], wrong: Callable[[str, str], None]) -> None:
    kind = KINDS[name]
    sound = True
    for key, value in arguments.items():
        argument = kind.argument(key)
        if argument is None:
            known = (*kind.keys, *OWN_KEYS)
            wrong(key, f"{name} has no such key{_nearest(key, known, 'keys')}")
            sound = False
            continue
        fault = fault_of(argument, value)
        if fault:
            wrong(key, f"{fault}, got {_shown(value)}")
            sound = False
    for key in kind.required:
        if key not in arguments:
            wrong(key, f"{name} needs it")
    if kind.bounded and not {"min_value", "max_value"} & set(arguments):
        wrong("rule", f"{name} needs min_value, max_value or both")
    elif sound:
        key, fault = fault_between(kind, arguments)
        if fault:
            wrong(key, fault)


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names, if any is similar."""
    known = list(known)
    by_case = {candidate.lower().strip(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower().strip(), by_case, n=1, cutoff=0.6)
    return by_case[close[0]] if close else None


def _nearest(name: str, known: Iterable[str], what: str = "") -> str:
    known = list(known)
    near = nearest_name(name, known)
    if near:
        return f"; the nearest is {near!r}"
    return f"; its {what} are {', '.join(known)}" if what else ""


def _shown(value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime.date | datetime.time) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _places(text: str) -> tuple[list[dict[str, int]], dict[str, int]]:
    """Lines of the keys: of each ``[[rule]]``, with that of its header under ``""``, and of the top level."""
    rules: list[dict[str, int]] = []
    top: dict[str, int] = {}
    current: dict[str, int] = top
    for number, line in _statements(text):
        if _HEADER.match(line):
            current = {"": number}
            rules.append(current)
        elif _TABLE.match(line):
            name = line.strip().strip("[]").strip()
            if name.startswith("rule."):
                current.setdefault(name.removeprefix("rule.").strip("\"'"), number)
            else:
                current = top
                top.setdefault(name.strip("\"'"), number)
        elif match := _KEY.match(line):
            current.setdefault(_unquoted(match[1]), number)
    return rules, top


def _unquoted(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0"))) if key[0] in "\"'" else key


def _statements(text: str) -> Iterable[tuple[int, str]]:
    """Lines on which a statement begins, with their numbers: not inside an array or a string of many lines."""
    depth, fence = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not depth and not fence:
            yield number, line
        depth, fence = _left_open(line, depth, fence)


_TOKEN = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*|[\[\]{}]')


def _left_open(line: str, depth: int, fence: str) -> tuple[int, str]:
    """How many brackets, and which kind of long string, are still open at the end of a line."""
    position = 0
    while position < len(line):
        if fence:
            end = line.find(fence, position)
            if end < 0:
                return depth, fence
            position, fence = end + 3, ""
            continue
        token = _TOKEN.search(line, position)
        if token is None:
            break
        position = token.end()
        if token[0] in ('"""', "'''"):
            fence = token[0]
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
    return depth, fence
