"""Arguments of tokenizers, held against what they may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from mltoolkit.errors import BadInput
from mltoolkit.llm.tokenizer_json import check_special_tokens


def check_count(name: str, value: Any, least: int) -> None:
    """A whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise BadInput(f"{name} has to be a whole number of at least {least}, got {value!r}")


def check_training(vocab_size: Any, special_tokens: Any) -> tuple[str, ...]:
    """Names of special tokens, and room for them and for the 256 bytes."""
    names = check_special_tokens(special_tokens)
    check_count("vocab_size", vocab_size, 0)
    if vocab_size < 256 + len(names):
        raise BadInput(
            f"vocab_size is {vocab_size}, and 256 bytes and {len(names)} special tokens need {256 + len(names)}; "
            "without every byte some text could not be encoded"
        )
    return names


def by_id(vocab: Mapping[bytes, int], special_tokens: Mapping[str, int]) -> Sequence[bytes]:
    """Tokens in the order of their ids; every byte has to be there, and every id once."""
    rows = [(token, text) for text, token in vocab.items()]
    rows += [(token, text.encode("utf-8")) for text, token in special_tokens.items()]
    rows.sort()
    faults = []
    if [token for token, _ in rows] != list(range(len(rows))):
        faults.append(f"its {len(rows)} ids are not 0 to {len(rows) - 1}, each once")
    lacking = [byte for byte in range(256) if bytes([byte]) not in vocab]
    if lacking:
        faults.append(f"it lacks the bytes {lacking[:5]}{' ...' if len(lacking) > 5 else ''}")
    if faults:
        raise BadInput("the vocabulary cannot be used: " + "; ".join(faults))
    return [text for _, text in rows]
