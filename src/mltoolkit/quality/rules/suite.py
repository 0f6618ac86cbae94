"""A rule and a suite of rules: values that never change, and that write themselves down as TOML."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from mltoolkit.quality.rules.vocabulary import KINDS, Kind

RuleSeverity = Literal["error", "warning"]
OWN_KEYS = ("rule", "severity", "name", "note")  # keys of a rule that are no arguments
_WIDTH = 110  # of a line of a rules file


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    rule : str
        Its name, without the leading ``expect_``.
    arguments : mapping
        Arguments by name, the columns among them.
    severity : {"error", "warning"}
    name, note : str
        What people call it, and why it is there.
    comment : tuple of str
        Lines of comment above it; ``suggest`` says there what the rule was read from.
    line : int
        Where it stands in its file, 0 when it comes from none.
    """

    rule: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    severity: RuleSeverity = "error"
    name: str = ""
    note: str = ""
    comment: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arguments", MappingProxyType(dict(self.arguments)))

    def __hash__(self) -> int:
        return hash((self.rule, self.severity, self.name, tuple(self.arguments)))

    def __reduce__(self) -> tuple[Any, ...]:
        values = (self.rule, dict(self.arguments), self.severity, self.name, self.note, self.comment, self.line)
        return (Rule, values)

    @property
    def kind(self) -> Kind:
        """Its entry in the vocabulary."""
        return KINDS[self.rule]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose values it judges; none for a rule about the table."""
        domain = self.kind.domain
        if domain == "column":
            return (self.arguments["column"],)
        if domain == "pair":
            return (self.arguments["column_A"], self.arguments["column_B"])
        return tuple(self.arguments["column_list"]) if domain == "columns" else ()

    @property
    def subject(self) -> str | None:
        """The column or columns as one text; None for the table."""
        return ", ".join(self.columns) or None

    @property
    def mostly(self) -> float:
        """The share of rows that has to be right."""
        return float(self.arguments.get("mostly", 1.0))

    def to_toml(self) -> str:
        """The rule as one table of a rules file."""
        lines = [*(f"# {line}".rstrip() for line in self.comment), "[[rule]]", f"rule = {_value(self.rule)}"]
        lines += [f"{key} = {_value(self.arguments[key])}" for key in self.kind.keys if key in self.arguments]
        if self.severity != "error":
            lines.append(f"severity = {_value(self.severity)}")
        lines += [f"{key} = {_value(text)}" for key, text in (("name", self.name), ("note", self.note)) if text]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Suite:
    """Rules in their order, and the folder that paths in them are relative to.

    Examples
    --------
    >>> from mltoolkit.quality import load_rules
    >>> suite = load_rules('''
    ... [[rule]]
    ... rule = "column_values_to_be_between"
    ... column = "age"
    ... min_value = 0
    ... max_value = 120
    ... ''')
    >>> suite.rules[0].columns
    ('age',)
    >>> suite.to_gx()["expectations"][0]["type"]
    'expect_column_values_to_be_between'
    """

    rules: tuple[Rule, ...]
    name: str = "rules"
    comment: tuple[str, ...] = ()
    folder: Path | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.rules)

    def to_toml(self) -> str:
        """The suite as a rules file; :func:`load_rules` reads the same suite from it, comments aside."""
        head = [f"# {line}".rstrip() for line in self.comment]
        if self.name != "rules":
            head.append(f"name = {_value(self.name)}")
        parts = ["\n".join(head) + "\n"] if head else []
        return "\n".join([*parts, *(rule.to_toml() for rule in self.rules)])

    def to_gx(self) -> dict[str, Any]:
        """The suite as Great Expectations takes it: ``ExpectationSuite(**suite.to_gx())``.

        What cannot be expressed there is left out and listed, each with its reason, under
        ``meta["left_out"]``; :meth:`left_out_of_gx` gives the same list.
        """
        from mltoolkit.quality.rules.gx import export

        return export(self)

    def left_out_of_gx(self) -> tuple[tuple[Rule, str], ...]:
        """The rules that Great Expectations cannot express, each with the reason."""
        from mltoolkit.quality.rules.gx import left_out

        return left_out(self)


def _value(value: Any, column: int = 20) -> str:
    """A value as TOML writes it; a long array one item or more a line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(repr(value), repr(value))
    if isinstance(value, datetime.date | datetime.time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item, _WIDTH)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        items = [_value(item, _WIDTH) for item in value]
        line = "[" + ", ".join(items) + "]"
        return line if len(line) + column <= _WIDTH or len(items) == 1 else "[\n" + _wrapped(items) + "]"
    return str(value)


def _wrapped(items: Iterable[str]) -> str:
    lines = ["   "]
    for item in items:
        if len(lines[-1]) + len(item) + 2 > _WIDTH and lines[-1].strip():
            lines.append("   ")
        lines[-1] += f" {item},"
    return "\n".join(lines) + "\n"


def _string(text: str) -> str:
    """A literal string where that spares the escapes of a regular expression, else a basic one."""
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    escaped = json.dumps(text, ensure_ascii=False)
    # TOML has no raw DEL; JSON leaves it as it is.
    return escaped.replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _string(key)
