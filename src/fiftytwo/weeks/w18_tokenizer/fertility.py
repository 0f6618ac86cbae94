"""What a vocabulary does to a text: tokens by character, byte and word, and tokens that are pieces of characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fiftytwo.weeks.w18_tokenizer.sample import Sample


@dataclass(frozen=True)
class Fertility:
    """Counts of one text."""

    name: str
    script: str
    characters: int
    utf8: int  # bytes
    words: int  # by blanks; scripts without blanks have few
    tokens: int
    broken: int  # tokens that are no whole characters

    @property
    def per_byte(self) -> float:
        """1 where every byte is a token: the vocabulary has nothing for this text."""
        return self.tokens / self.utf8


def fertility(tokenizer: Any, texts: Sequence[Sample]) -> tuple[Fertility, ...]:
    """Counts for each text."""
    rows = []
    for one in texts:
        ids = list(tokenizer.encode_ordinary(one.text))
        broken = sum(not _is_whole(bytes(tokenizer.token_to_bytes(token))) for token in ids)
        words, size = len(one.text.split()), len(one.text.encode())
        rows.append(Fertility(one.name, one.script, len(one.text), size, words, len(ids), broken))
    return tuple(rows)


def bytes_per_token(tokenizer: Any, texts: Sequence[str]) -> float:
    """Bytes of text for each token: how much a context of so many tokens holds."""
    tokens = sum(len(tokenizer.encode_ordinary(text)) for text in texts)
    return sum(len(text.encode()) for text in texts) / tokens


def _is_whole(token: bytes) -> bool:
    try:
        token.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
