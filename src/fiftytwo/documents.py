"""Written assessments: Markdown from a template whose every figure is looked up in the evidence.

A template is Jinja and names what it quotes: ``{{ metric("rank for 30 dB") }}``, ``{{ table("scree") }}``,
``{{ check("components") }}``, ``{{ data("digits").licence }}``, and facts that the run computed. A name
without evidence is an error that says where and what was meant; nothing is ever left blank. Numbers that
somebody typed into the prose go stale, so :func:`typed_numbers` finds them.
"""

from __future__ import annotations

import dataclasses
import difflib
import numbers
import re
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fiftytwo.report.format import DASH, format_measured, format_number

if TYPE_CHECKING:
    from jinja2 import Environment

    from fiftytwo.evidence import DataUsed, Metric, Table, Verdict

Item = TypeVar("Item", bound="Metric | Table | Verdict | DataUsed")


class UnknownEvidence(LookupError):
    """A template names something that its run did not record."""


class Quoted(Generic[Item]):
    """A piece of evidence inside a template: prints itself for people, and has the fields of what it quotes."""

    def __init__(self, item: Item, text: str) -> None:
        self._item = item
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked by Python and Jinja, never by a template
            raise AttributeError(name)
        fields = [field.name for field in dataclasses.fields(self._item)]
        if name not in fields:
            raise UnknownEvidence(f"{self._item.name!r} has no field {name!r}; {_nearest(name, fields)}")
        return getattr(self._item, name)


def render(
    template: Path,
    *,
    metrics: Sequence[Metric],
    tables: Sequence[Table],
    verdicts: Sequence[Verdict],
    data: Sequence[DataUsed],
    facts: Mapping[str, object],
) -> str:
    """Render a template from one run's evidence.

    Parameters
    ----------
    template : Path
        A Jinja template; others beside it can be included.
    metrics, tables, verdicts, data : sequences
        What ``metric(name)``, ``table(name)``, ``check(name)`` and ``data(name)`` find. Printed, they
        give the number with its unit, a Markdown table, the measured number with its bound and outcome,
        and the title; their fields (``.value``, ``.rows``, ``.outcome``, ``.licence`` …) are there too.
    facts : mapping of str to object
        Further values by name. Numbers among them are printed by the same rule as all others.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    UnknownEvidence
        When the template uses a name that the run did not record; the message gives the file, the
        line, the name and the nearest names that are known.
    """
    from jinja2 import UndefinedError

    page = _environment(template.parent).get_template(template.name)
    functions = {
        "metric": _lookup("metric", metrics, lambda m: format_number(m.value, m.unit)),
        "table": _lookup("table", tables, markdown_table),
        "check": _lookup("check", verdicts, _sentence),
        "data": _lookup("data", data, lambda d: d.title),
    }
    try:
        return page.render({**facts, **functions})
    except UnknownEvidence as error:
        raise UnknownEvidence(f"{_place(error, template)}: {error}") from None
    except UndefinedError as error:
        raise UnknownEvidence(f"{_place(error, template)}: {_undefined(error, facts)}") from None


def markdown_table(table: Table) -> str:
    """A table as Markdown; columns of numbers are set to the right."""
    columns = range(len(table.columns))
    numeric = [all(_is_number(row[i]) for row in table.rows) for i in columns]
    lines = [
        [_cell(name) for name in table.columns],
        ["---:" if right and table.rows else "---" for right in numeric],
        *([_cell(value) for value in row] for row in table.rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown_text(text: str) -> str:
    """A text as Markdown that shows it as it is, within one line: a star stays a star and a bar a bar."""
    escaped = re.sub(r"[\\`*<$|]|~~|&(?=#?\w+;)|(?<=\])\(", r"\\\g<0>", text)
    opening = re.sub(r"(?<![^\W_])_", r"\\_", escaped)  # within a word it opens no emphasis
    return " ".join(opening.split())


def typed_numbers(template: Path) -> list[str]:
    """Numbers that stand in a template's prose instead of being looked up.

    Left alone are Jinja's own expressions, the numbering of headings and lists, code, formulas, link
    targets, and digits inside a word such as ``float64``.

    Returns
    -------
    list of str
        Such as ``"95% (line 12)"``, in order.
    """
    found = []
    fenced = False
    for line_number, line in _prose(template):
        if re.match(r"\s*(```|~~~)", line):
            fenced = not fenced
            continue
        if fenced:
            continue
        text = re.sub(r"^\s*(?:#+\s+\d+(?:\.\d+)*\.?|\d+[.)])\s", "", line)
        text = re.sub(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)|https?://\S+|<[^>]*>", " ", text)
        hits = re.finditer(r"(?<![\w.])[-+−]?\d[\d,]*(?:\.\d+)*(?:e[-+]?\d+)?\s?%?(?!\w)", text)
        found += [f"{hit[0].strip().rstrip(',')} (line {line_number})" for hit in hits]
    return found


def _environment(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        finalize=_printed,
        autoescape=False,  # noqa: S701 - Markdown comes out; whoever turns it into HTML escapes it
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _printed(value: Any) -> Any:
    """A number that a template prints, by the one rule for numbers; anything else as it is."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return format_number(value)
    if isinstance(value, numbers.Integral):
        return format_number(int(value))
    return format_number(float(value)) if isinstance(value, numbers.Real) else value


def _lookup(kind: str, items: Iterable[Item], show: Callable[[Item], str]) -> Callable[[str], Quoted[Item]]:
    known = {item.name: item for item in items}

    def find(name: str) -> Quoted[Item]:
        if name not in known:
            raise UnknownEvidence(f"there is no {kind} {name!r} in this run; {_nearest(name, known)}")
        return Quoted(known[name], show(known[name]))

    return find


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(map(str, known))
    if not names:
        return "none is recorded"
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(map(repr, near)) + "?"
    return "known: " + ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _undefined(error: Exception, facts: Mapping[str, object]) -> str:
    text = str(error)
    named = re.fullmatch(r"'(\w+)' is undefined", text)
    if not named:
        return text  # of something within a fact; Jinja's sentence says which
    return f"there is no fact {named[1]!r} in this run; {_nearest(named[1], facts)}"


def _place(error: Exception, template: Path) -> str:
    """The file and line of the template in which an error was raised; Jinja maps its frames back to them."""
    lines = [
        (Path(frame.filename), frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).parent == template.parent and frame.filename.endswith(template.suffix)
    ]
    file, line = lines[-1] if lines else (template, None)
    return file.name if line is None else f"{file.name}, line {line}"


def _sentence(verdict: Verdict) -> str:
    bound = f"expected {verdict.bound}" if verdict.boolean else f"bound {verdict.bound}"
    return f"{format_measured(verdict)} ({bound}, {verdict.outcome})"


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: str | float | int | bool | None) -> str:
    return markdown_text(value) if isinstance(value, str) else format_number(value)


def _prose(template: Path) -> list[tuple[int, str]]:
    """The template's lines with everything that Jinja reads replaced by one neutral letter."""
    text = ""
    depth_names = {"variable_begin", "block_begin", "comment_begin", "raw_begin", "linestatement_begin"}
    inside = False
    for _, kind, value in _environment(template.parent).lex(template.read_text("utf-8")):
        if kind == "data" and not inside:
            text += value
            continue
        inside = (inside or kind in depth_names) and not kind.endswith("_end")
        text += "x" * (kind == "variable_begin") + "\n" * value.count("\n")
    return list(enumerate(text.split("\n"), 1))
