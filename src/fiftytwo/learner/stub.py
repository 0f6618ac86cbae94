"""Starters from the reference by its syntax tree: signatures and docstrings stay, bodies go.

What remains is cut from the source text as it stands, so that formatting and comments survive. Private
names (a leading underscore) are the reference's own way of doing it and go too, with every import that
nothing is left to use. Deriving a starter from a starter changes nothing.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class _Cut:
    """Lines ``first`` to ``last`` (from 1, both included) give way to ``text``."""

    first: int
    last: int
    text: str


def derive(source: str, names: Sequence[str], week: int) -> str:
    """The starter of a reference.

    Parameters
    ----------
    source : str
        The reference's source text.
    names : sequence of str
        The public names that the learner writes.
    week : int
        Number of the week, for the line that stands in for a body.

    Returns
    -------
    str
        A module that can be imported and whose functions raise ``NotImplementedError``.
    """
    source = source.replace("\r\n", "\n")
    tree = ast.parse(source)
    cuts = list(_cuts(tree, set(names), week, source.splitlines()))
    starter, longer = _tidy(_apply(source, cuts)), ""
    while starter != longer:  # an import may be all that used another, such as TYPE_CHECKING
        starter, longer = _tidy(_drop_unused_imports(starter)), starter
    return starter


def derive_text(source: str) -> str:
    """The starter of a text file: its leading comment, which says what to write.

    Raises
    ------
    ValueError
        When the text begins without a comment, so that nothing would be handed out.
    """
    lines = source.replace("\r\n", "\n").split("\n")
    comment = list(itertools.takewhile(_is_comment, lines))
    if not any(line.strip() for line in comment):
        raise ValueError("the text has no leading comment to make a starter of")
    return "\n".join(comment).strip("\n") + "\n"


def is_text_starter(source: str) -> bool:
    """Whether a text file holds nothing but comments yet."""
    return all(map(_is_comment, source.splitlines()))


def _is_comment(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def unwritten(source: str) -> tuple[str, ...]:
    """Names of the functions whose body is still the starter's, such as ``"PCA.fit"``."""
    return tuple(name for name, function in _functions(ast.parse(source)) if _is_starter_body(function))


def _cuts(tree: ast.Module, names: set[str], week: int, lines: Sequence[str]) -> Iterator[_Cut]:
    for node in tree.body:
        if isinstance(node, _Function | ast.ClassDef):
            if node.name not in names:
                yield _whole(node)
            elif isinstance(node, ast.ClassDef):
                yield from _cut_class(node, node.name, week, lines)
            else:
                yield _cut_body(node, node.name, week, lines)
        elif not _stays(node):
            yield _whole(node)


def _stays(node: ast.stmt) -> bool:
    """Docstring, imports, and public constants stay."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Expr):
        return True
    if isinstance(node, ast.If):  # if TYPE_CHECKING
        return all(isinstance(inner, ast.Import | ast.ImportFrom) for inner in node.body)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return all(isinstance(target, ast.Name) and not target.id.startswith("_") for target in targets) and _is_plain(node)


def _is_plain(node: ast.stmt) -> bool:
    """Whether a constant's value uses no private name."""
    return not any(isinstance(inner, ast.Name) and inner.id.startswith("_") for inner in ast.walk(node))


def _cut_class(node: ast.ClassDef, path: str, week: int, lines: Sequence[str]) -> Iterator[_Cut]:
    kept = 0
    for inner in node.body:
        if isinstance(inner, _Function):
            if inner.name.startswith("_") and inner.name != "__init__":
                yield _whole(inner)
                continue
            yield _cut_body(inner, f"{path}.{inner.name}", week, lines)
        elif isinstance(inner, ast.ClassDef):
            if inner.name.startswith("_"):
                yield _whole(inner)
                continue
            yield from _cut_class(inner, f"{path}.{inner.name}", week, lines)
        elif not _stays(inner):
            yield _whole(inner)
            continue
        kept += 1
    if not kept:
        raise ValueError(f"class {path} has neither a docstring nor a public member to keep")


def _cut_body(node: _Function, path: str, week: int, lines: Sequence[str]) -> _Cut:
    """The body after the docstring gives way to one line."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    line = f'raise NotImplementedError("week {week}: write {path}")'
    if not body:  # a docstring alone
        last = node.body[0].end_lineno or node.lineno
        indent = " " * node.body[0].col_offset
        return _Cut(last + 1, last, f"{indent}{line}")
    first, last = body[0].lineno, body[-1].end_lineno or body[-1].lineno
    indent = " " * body[0].col_offset
    if first == node.lineno or lines[first - 1][: body[0].col_offset].strip():  # def f(x): return x
        head = lines[first - 1][: body[0].col_offset].rstrip()
        return _Cut(first, last, f"{head}\n{' ' * (node.col_offset + 4)}{line}")
    while lines[first - 2].lstrip().startswith("#"):  # a comment on the body belongs to it
        first -= 1
    return _Cut(first, last, f"{indent}{line}")


def _whole(node: ast.stmt) -> _Cut:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return _Cut(first, node.end_lineno or node.lineno, "")


def _apply(source: str, cuts: Sequence[_Cut]) -> str:
    lines = source.splitlines()
    for cut in sorted(cuts, key=lambda cut: cut.first, reverse=True):
        lines[cut.first - 1 : cut.last] = cut.text.splitlines()
    return "\n".join(lines) + "\n"


def _drop_unused_imports(source: str) -> str:
    """Take out imports from this software's own packages, and private ones, that nothing uses any more."""
    tree = ast.parse(source)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    cuts = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            kept = [alias for alias in node.names if (alias.asname or alias.name) in used]
            if len(kept) == len(node.names):
                continue
            names = ", ".join(alias.name + (f" as {alias.asname}" if alias.asname else "") for alias in kept)
            cuts.append(
                _Cut(node.lineno, node.end_lineno or node.lineno, f"from {node.module} import {names}" if kept else "")
            )
        elif isinstance(node, ast.If) and not used & {name for inner in ast.walk(node) for name in _bound(inner)}:
            cuts.append(_whole(node))
    return _apply(source, cuts)


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name


def _tidy(source: str) -> str:
    """Never more than two blank lines, and none where a suite begins or ends."""
    tidy: list[str] = []
    inside = _lines_of_strings(source)
    for number, line in enumerate(source.splitlines(), 1):
        blank = not line.strip() and number not in inside
        indented = next((later for later in source.splitlines()[number:] if later.strip()), "").startswith(" ")
        if (
            blank
            and len(tidy) >= (1 if indented else 2)
            and not any(earlier.strip() for earlier in tidy[-(1 if indented else 2) :])
        ):
            continue
        tidy.append(line)
    while tidy and not tidy[-1].strip():
        tidy.pop()
    return "\n".join(tidy) + "\n"


def _lines_of_strings(source: str) -> set[int]:
    """Lines that lie within a string over several lines, where blank lines are content."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def _functions(tree: ast.Module) -> Iterator[tuple[str, _Function]]:
    def walk(nodes: Sequence[ast.stmt], path: str) -> Iterator[tuple[str, _Function]]:
        for node in nodes:
            if isinstance(node, _Function):
                yield path + node.name, node
            elif isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{path}{node.name}.")

    yield from walk(tree.body, "")


def _is_starter_body(function: _Function) -> bool:
    last = function.body[-1]
    return (
        isinstance(last, ast.Raise)
        and isinstance(last.exc, ast.Call)
        and isinstance(last.exc.func, ast.Name)
        and last.exc.func.id == "NotImplementedError"
    )
