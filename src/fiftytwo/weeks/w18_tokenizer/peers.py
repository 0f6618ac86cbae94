"""What a working engineer would use: the library ``tokenizers``, with this week's names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fiftytwo.weeks.w18_tokenizer.library import merges_of, model_of, trained
from mltoolkit.llm.pieces import unspell


class _Library:
    """A trained tokenizer of the library."""

    kind = ""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.vocab_size = int(inner.get_vocab_size())

    @classmethod
    def train(
        cls, texts: str | Iterable[str], *, vocab_size: int, special_tokens: Sequence[str] = (), **options: Any
    ) -> Any:
        """Train on texts."""
        found = [texts] if isinstance(texts, str) else list(texts)
        return cls(trained(cls.kind, found, vocab_size, special_tokens, **options))

    def encode(self, text: str) -> list[int]:
        """Ids of a text; special tokens are found."""
        return list(self.inner.encode(text).ids)

    encode_ordinary = encode

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids."""
        return str(self.inner.decode(list(ids), skip_special_tokens=False))

    def token_to_bytes(self, token: int) -> bytes:
        """The bytes of one id."""
        name = self.inner.id_to_token(token)
        return name.encode() if name in self.specials else unspell(name)

    @property
    def specials(self) -> set[str]:
        """Names of special tokens."""
        return {token.content for token in self.inner.get_added_tokens_decoder().values()}

    def save(self, path: str) -> None:
        """Write ``tokenizer.json``."""
        self.inner.save(path)


class BPETokenizer(_Library):
    """Byte-pair encoding by the library."""

    kind = "BPE"

    @property
    def merges(self) -> tuple[tuple[bytes, bytes], ...]:
        """Pairs in the order in which they are applied."""
        return merges_of(self.inner)


class UnigramTokenizer(_Library):
    """A unigram model by the library."""

    kind = "Unigram"

    @property
    def pieces(self) -> list[tuple[str, float]]:
        """Tokens as they are spelled, and their scores."""
        return [(name, score) for name, score in model_of(self.inner)["vocab"]]
