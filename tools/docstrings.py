"""Docstrings, which are reStructuredText for terminals and editors, as the Markdown that the site is made of.

griffe hands over each object that it has read (``extensions`` in mkdocs.yml). What is changed is what our docstrings
use and Markdown does not know: roles, literal blocks after ``::`` and simple tables; and parameters that share one
description are taken apart, since griffe would give all of them the default of the first.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import griffe

_ROLE = re.compile(r":[a-z]+:`(?:~[\w.]*\.)?([^`]+)`")
_SHARED = re.compile(r"^(\s*)(\*{0,2}\w+(?:, \*{0,2}\w+)+)( : .*)?$")
_RULE = re.compile(r"^(\s*)=+(?:\s+=+)+\s*$")


class Markdown(griffe.Extension):
    """Changes every docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Griffe: an object and all that it holds was read."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """A docstring's text with roles as code, literal blocks as blocks of code and simple tables as tables."""
    lines = _ROLE.sub(r"`\1`", text).split("\n")
    return "\n".join(_with_literal_blocks(_with_tables(_with_single_parameters(_with_plain_types(lines)))))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _below(lines: list[str], number: int, margin: int) -> int:
    """Where the lines from ``number`` on that are indented by more than ``margin`` end."""
    end = number
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > margin):
        end += 1
    return end


def _with_plain_types(lines: list[str]) -> list[str]:
    """Types of parameters and results without marks of code, since a type is shown as code as a whole."""
    return [
        line.replace("``", "")
        if below.strip() and _indent(below) > _indent(line) and line.rstrip()[-1:] != ":"
        else line
        for line, below in zip(lines, [*lines[1:], ""], strict=True)
    ]


def _with_single_parameters(lines: list[str]) -> list[str]:
    """``a, b : type`` and its description once for each of the names."""
    made: list[str] = []
    number = 0
    while number < len(lines):
        match = _SHARED.match(lines[number])
        end = _below(lines, number + 1, len(match[1])) if match else number + 1
        described = [line for line in lines[number + 1 : end] if line.strip()]
        if match and described:
            for name in match[2].split(", "):
                made += [f"{match[1]}{name}{match[3] or ''}", *described]
            made += [""] * (len(lines[number + 1 : end]) - len(described))
        else:
            made += lines[number:end]
        number = end
    return made


def _with_tables(lines: list[str]) -> list[str]:
    """Simple tables: a rule, the titles, a rule, the rows, a rule."""
    rules = [number for number, line in enumerate(lines) if _RULE.match(line)]
    if len(rules) < 3:
        return lines
    first, second, last = rules[:3]
    starts = [match.start() for match in re.finditer(r"=+", lines[first])]
    spans = [*pairwise(starts), (starts[-1], None)]
    indent = " " * starts[0]

    def row(line: str) -> str:
        return indent + "| " + " | ".join(line[a:b].strip().replace("|", "&#124;") for a, b in spans) + " |"

    table = [row(line) for line in lines[first + 1 : second]]
    table += [indent + "| " + " | ".join("---" for _ in spans) + " |"]
    table += [row(line) for line in lines[second + 1 : last]]
    return [*lines[:first], *table, *_with_tables(lines[last + 1 :])]


def _with_literal_blocks(lines: list[str]) -> list[str]:
    """The indented lines after a line that ends with ``::`` become a block of code."""
    made: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line.rstrip().endswith("::"):
            made.append(line)
            continue
        margin = _indent(line)
        end = _below(lines, number, margin)
        block = [text[margin:] for text in lines[number:end]]
        while block and not block[-1].strip():
            block.pop()
        while block and not block[0].strip():
            block.pop(0)
        least = min((_indent(text) for text in block if text.strip()), default=0)
        pad = " " * margin
        made += [line.rstrip()[:-1], "", f"{pad}```text", *(pad + text[least:] for text in block), f"{pad}```", ""]
        number = end
    return made
