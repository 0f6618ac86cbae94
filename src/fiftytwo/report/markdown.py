"""Markdown to HTML for the pages: formulas as MathML, headings that fit under the page's own, nothing raw.

HTML inside Markdown is escaped. Pictures are replaced by their description, since a page loads nothing
that the report did not copy itself. Wide tables and formulas get boxes of their own to scroll in.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_LIMITS = {"max", "min", "sup", "inf", "lim", "limsup", "liminf", "argmax", "argmin"}


def to_html(text: str, *, top: int = 3) -> str:
    """Render Markdown.

    Parameters
    ----------
    text : str
        CommonMark with tables and with formulas between dollars.
    top : int, default 3
        Level of the highest heading in the result. Deeper ones follow without a gap.
    """
    parser = _parser()
    tokens = parser.parse(text)
    _fit_headings(tokens, top)
    rendered: str = parser.renderer.render(tokens, parser.options, {})
    return rendered


def formula(latex: str, *, display: bool = False) -> str:
    r"""A formula as MathML; one that cannot be read is shown as it was written.

    The converter does not know ``\arg`` and sets the limits of ``\max`` and its like beside the word in
    a displayed formula, where TeX sets them below; both are put right here.
    """
    from latex2mathml.converter import convert

    source = re.sub(r"\\arg\s*\\(max|min)(?![A-Za-z])", r"\\operatorname*{arg\1}", latex.strip())
    try:
        mathml: str = convert(source, display="block" if display else "inline")
    except Exception:  # the library's errors have no common base
        return _as_written(latex)
    if re.search(r"<m[a-z]+[^>]*>\\[A-Za-z]", mathml):  # a command that the converter passed through
        return _as_written(latex)
    if display:
        mathml = _limits_below(mathml)
    return re.sub(r"(<mo[^>]*>)arg(max|min)</mo>", r"\1arg&#x2009;\2</mo>", mathml)


def _limits_below(mathml: str) -> str:
    from xml.etree import ElementTree

    namespace = "http://www.w3.org/1998/Math/MathML"
    ElementTree.register_namespace("", namespace)
    root = ElementTree.fromstring(mathml)  # noqa: S314 - written by the converter a line above
    for element in root.iter(f"{{{namespace}}}msub"):
        if element[0].text in _LIMITS:
            element.tag = f"{{{namespace}}}munder"
    return ElementTree.tostring(root, encoding="unicode")


def _as_written(latex: str) -> str:
    return f"<code>{html.escape(latex)}</code>"


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable(["table", "strikethrough"])
    dollarmath_plugin(parser, allow_space=False, allow_digits=False, double_inline=True)
    rules: dict[str, Any] = {
        "math_inline": _inline,
        "math_inline_double": _block,
        "math_block": _block,
        "math_block_label": _block,
        "image": _image,
        "table_open": _table_open,
        "table_close": _table_close,
        "th_open": _cell_open,
        "td_open": _cell_open,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


def _fit_headings(tokens: Sequence[Token], top: int) -> None:
    """Move headings under ``top`` and close gaps, so that no level is skipped."""
    above: list[int] = []
    for token in tokens:
        if token.type not in ("heading_open", "heading_close"):
            continue
        if token.type == "heading_open":
            level = int(token.tag[1])
            while above and above[-1] >= level:
                above.pop()
            above.append(level)
        token.tag = f"h{min(6, top + len(above) - 1)}"


def _inline(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Mapping[str, Any]) -> str:  # noqa: ARG001
    return formula(tokens[index].content)


def _block(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Mapping[str, Any]) -> str:  # noqa: ARG001
    tag = "span" if tokens[index].type == "math_inline_double" else "div"  # a paragraph can hold no div
    return f'<{tag} class="formula">{formula(tokens[index].content, display=True)}</{tag}>\n'


def _image(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Mapping[str, Any]) -> str:  # noqa: ARG001
    return f"<em>{html.escape(tokens[index].content)}</em>"


def _table_open(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Mapping[str, Any]) -> str:  # noqa: ARG001
    return '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>\n'


def _table_close(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Mapping[str, Any]) -> str:  # noqa: ARG001
    return "</table></div>\n"


def _cell_open(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Mapping[str, Any]) -> str:
    token = tokens[index]
    if token.attrs.pop("style", "") == "text-align:right":  # looks belong to the style sheet
        token.attrSet("class", "right")
    if token.tag == "th":
        token.attrSet("scope", "col")
    rendered: str = renderer.renderToken(tokens, index, options, env)
    return rendered
