"""Markdown to HTML for the pages: formulas as MathML, headings that fit under the page's own, nothing raw.

HTML inside Markdown is escaped. Pictures are replaced by their description, since a page loads nothing
that the report did not copy itself. Wide tables and formulas get boxes of their own to scroll in.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MATHML = "{http://www.w3.org/1998/Math/MathML}"
_OPENING = set("([{,;=<>≤≥≈∈→|∥")  # a minus after one of these is a sign, not a difference
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
    # A browser may break the line after a formula, and leave its full stop alone on the next one.
    return re.sub(
        r"(<math [^>]*inline(?:(?!</math>).)*</math>)([.,;:!?)]+)", r'<span class="nowrap">\1\2</span>', rendered
    )


def formula(latex: str, *, display: bool = False) -> str:
    r"""A formula as MathML; one that cannot be read is shown as it was written.

    Three things of the converter are put right: it does not know ``\arg``, it sets the limits of ``\max``
    and its like beside the word even in a displayed formula, and its minus signs are all set like the
    one between two terms, even after a bracket.
    """
    from latex2mathml.converter import convert

    # The converter copies the text of \text as it is, so no tag may get there.
    source = latex.strip().replace("<", r"\lt ").replace(">", r"\gt ")
    source = re.sub(r"\\arg\s*\\(max|min)(?![A-Za-z])", r"\\operatorname*{arg\1}", source)
    try:
        mathml = _put_right(convert(source, display="block" if display else "inline"), display)
    except Exception:  # the library's errors have no common base
        return f"<code>{html.escape(latex)}</code>"
    return re.sub(r"(<mo[^>]*>)arg(max|min)</mo>", r"\1arg&#x2009;\2</mo>", mathml)


def _put_right(mathml: str, display: bool) -> str:
    from xml.etree import ElementTree

    ElementTree.register_namespace("", _MATHML[1:-1])
    root = ElementTree.fromstring(mathml)  # noqa: S314 - written by the converter
    for element in root.iter():
        if re.search(r"\\[A-Za-z]", element.text or ""):
            raise ValueError("a command that the converter does not know")
        if display and element.tag == f"{_MATHML}msub" and element[0].text in _LIMITS:
            element.tag = f"{_MATHML}munder"
        for before, sign in itertools.pairwise([None, *element]):
            if sign is not None and sign.text == "−" and (before is None or before.text in _OPENING):
                sign.set("form", "prefix")
    return ElementTree.tostring(root, encoding="unicode")


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
