"""The library ``tokenizers`` with this week's pre-tokenizer: what ours is held against."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mltoolkit.llm.pieces import PATTERN, unspell


def trained(
    kind: str, texts: Sequence[str], vocab_size: int, special_tokens: Sequence[str] = (), **options: Any
) -> Any:
    """A ``tokenizers.Tokenizer`` of a kind (``"BPE"`` or ``"Unigram"``), trained by the library itself."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE() if kind == "BPE" else models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    make: Any = trainers.BpeTrainer if kind == "BPE" else trainers.UnigramTrainer
    trainer = make(
        vocab_size=vocab_size,
        special_tokens=list(special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        **options,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def model_of(tokenizer: Any) -> dict[str, Any]:
    """The model of a library's tokenizer, as its file holds it."""
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    return model


def merges_of(tokenizer: Any) -> tuple[tuple[bytes, bytes], ...]:
    """Merges of a library's byte-level BPE tokenizer."""
    return tuple((unspell(left), unspell(right)) for left, right in model_of(tokenizer)["merges"])


def through_a_file(ours: Any) -> Any:
    """What the library reads from the file that ours saves."""
    from tokenizers import Tokenizer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        ours.save(str(path))
        return Tokenizer.from_file(str(path))
