"""Cut text into pieces, and write any bytes as letters: what byte-level tokenizers share before they learn anything.

No token crosses a border between pieces, so a merge never joins the end of one word to the start of the next. The
pattern is the one of GPT-4 (``cl100k_base``) as Llama 3 spells it: a word takes along the blank before it, digits come
in threes, punctuation in runs, line ends with the blanks before them. Its ``\\p{L}`` and ``\\p{N}`` are Unicode's
letters and numbers, which the standard library's `re` does not know: here each character is replaced by the byte of
its class, and an ordinary `re` pattern runs over the classes.

A ``tokenizer.json`` holds text, and tokens are bytes. So each byte is written as a letter of its own: the 188
printable ones of Latin-1 as themselves, the others as letters from U+0100 on; a blank becomes ``Ġ``.

References
----------
Radford, A. et al. (2019). Language models are unsupervised multitask learners (GPT-2's byte-level encoding).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mltoolkit.errors import BadInput
from mltoolkit.llm._pieces import unicode

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)

# Classes: L letter, N number, blank, newline (and carriage return), tab for other white space, dot for the rest. The
# apostrophe and the letters of contractions stand for themselves, in lower case.
_LETTERS = rb"Lsdmtlver"
_CLASSES = re.compile(
    rb"'(?:[sdmt]|ll|ve|re)|[ \t.']?[%b]+|N{1,3}| ?[.']+\n*|[ \t\n]*\n+|[ \t\n]+(?![%bN.'])|[ \t\n]+"
    % (_LETTERS, _LETTERS)
)

_PRINTABLE = (*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1))
_OTHERS = tuple(sorted(set(range(256)) - set(_PRINTABLE)))

BYTE_ORDER: tuple[int, ...] = _PRINTABLE + _OTHERS
"""The 256 bytes in the order of their letters: their ids in a vocabulary, after its special tokens."""

_LETTER_OF = dict(zip(BYTE_ORDER, [*map(chr, _PRINTABLE), *map(chr, range(256, 256 + len(_OTHERS)))], strict=True))
_BYTE_OF = {letter: byte for byte, letter in _LETTER_OF.items()}


def spell(token: bytes) -> str:
    """A token's bytes as letters, the way ``tokenizer.json`` holds them.

    Examples
    --------
    >>> spell(b" caf\\xc3\\xa9")
    'ĠcafÃ©'
    """
    return "".join(_LETTER_OF[byte] for byte in token)


def unspell(letters: str) -> bytes:
    """The bytes that letters stand for; undoes `spell`.

    Raises
    ------
    BadInput
        When a letter stands for no byte.
    """
    strange = sorted(set(letters) - set(_BYTE_OF))
    if strange:
        raise BadInput(f"unspell got {letters!r}: {strange} stand for no byte; spell() writes bytes as letters")
    return bytes(_BYTE_OF[letter] for letter in letters)


def pre_tokenize(text: str) -> list[str]:
    """Cut a text into the pieces that tokens stay within; joined they are the text.

    Parameters
    ----------
    text : str
        Any length; a lone surrogate is no character and is refused.

    Returns
    -------
    list of str

    Raises
    ------
    BadInput
        When ``text`` is no str or holds a lone surrogate.

    Examples
    --------
    >>> pre_tokenize("Don't count 12345  sheep!")
    ['Don', "'t", ' count', ' ', '123', '45', ' ', ' sheep', '!']
    """
    as_utf8(text)
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    classes = class_bytes()[points].tobytes()
    return [text[match.start() : match.end()] for match in _CLASSES.finditer(classes)]


def as_utf8(text: str) -> bytes:
    """A text as UTF-8, or the clear refusal that its callers owe their users."""
    if not isinstance(text, str):
        raise BadInput(f"a text has to be a str, got {type(text).__name__}; decode bytes first: data.decode('utf-8')")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInput(
            f"the text has a lone surrogate, {text[error.start]!r} at position {error.start}, which is no character; "
            "drop it, or replace it: text.encode('utf-8', 'replace').decode('utf-8')"
        ) from None


def documents(texts: str | Iterable[str]) -> list[bytes]:
    """Texts to learn from as UTF-8; a single str is one text and not many of one letter each."""
    if isinstance(texts, str):
        texts = [texts]
    if isinstance(texts, bytes) or not isinstance(texts, Iterable):
        raise BadInput(f"texts has to be a str or an iterable of str, got {type(texts).__name__}")
    return [as_utf8(text) for text in texts]


@cache
def class_bytes() -> NDArray[np.uint8]:
    """The class of every code point, as the byte that stands for it in the pattern over classes."""
    table = np.full(unicode.CODE_POINTS, ord("."), dtype=np.uint8)
    for runs, byte in ((unicode.LETTERS, b"L"), (unicode.NUMBERS, b"N"), (unicode.SPACES, b"\t")):
        table[unicode.members(runs)] = byte[0]
    for letter in _LETTERS.decode()[1:]:
        table[[ord(letter), ord(letter.upper())]] = ord(letter)
    table[0x17F] = ord("s")  # case folding makes the long s an s
    table[[ord("\r"), ord("\n")]] = ord("\n")
    table[ord(" ")] = ord(" ")
    table[ord("'")] = ord("'")
    table.setflags(write=False)
    return table
