"""Write and read ``tokenizer.json``, the file by which the libraries share tokenizers.

Only what this package's tokenizers do is read: a byte-level model behind this package's pattern. Whatever else a
file asks for (a normalizer, another pattern, dropout, an unknown token) would change ids in silence, so it is refused
by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.io import atomic_write
from mltoolkit.llm.pieces import PATTERN, pre_tokenize, unspell

_SPLIT = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
_PLAIN = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
_NOT_OURS = {
    "dropout": None, "unk_token": None, "unk_id": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
    "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
}  # fmt: skip


def write_tokenizer(path: str | Path, model: Mapping[str, Any], special_tokens: Mapping[str, int]) -> None:
    """Write a model between this package's pre-tokenizer and decoder, whole or not at all.

    Parameters
    ----------
    path : path
        The file, by custom ``tokenizer.json``.
    model : mapping
        For byte-pair encoding ``{"type": "BPE", "vocab": {letters: id}, "merges": [[left, right], ...]}``, for a
        unigram model ``{"type": "Unigram", "vocab": [[letters, log probability], ...]}`` by id. Tokens are spelled
        (`mltoolkit.llm.spell`), special tokens stand as they are.
    special_tokens : mapping of str to int
    """
    settings = {"BPE": ("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                        "byte_fallback", "ignore_merges"), "Unigram": ("unk_id", "byte_fallback")}  # fmt: skip
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": token, "content": text, **_PLAIN}
            for text, token in sorted(special_tokens.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [_SPLIT, _BYTES]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": model["type"], **{name: _NOT_OURS[name] for name in settings[model["type"]]}, **model},
    }
    atomic_write(Path(path), json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def read_tokenizer(path: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Read a model of a kind (``"BPE"`` or ``"Unigram"``) and its special tokens.

    Raises
    ------
    CannotRead
        When there is no such file, it is no ``tokenizer.json``, or asks for what this package does not do; the message
        lists all of it.
    """
    try:
        document = json.loads(Path(path).read_text("utf-8"))
        model, added = dict(document["model"]), document["added_tokens"]
        special_tokens = {str(token["content"]): int(token["id"]) for token in added}
        pre_tokenizer = document["pre_tokenizer"]
    except OSError as error:
        raise CannotRead(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CannotRead(f"{path} is no tokenizer.json: {type(error).__name__} {error}") from error
    faults = [f"a {model.get('type', 'nameless')} model, not {kind}"] if model.get("type") != kind else []
    if not isinstance(pre_tokenizer, dict) or not _cuts_as_we_do(pre_tokenizer):
        faults.append("another pre-tokenizer than this package's pattern on bytes")
    if document.get("normalizer"):
        faults.append("a normalizer")
    faults += [f"{name} = {model[name]!r}" for name, usual in _NOT_OURS.items() if model.get(name, usual) != usual]
    faults += [f"added token {token['content']!r} with {name} = {token[name]!r}" for token in added
               for name, usual in _PLAIN.items() if name != "special" and token.get(name, usual) != usual]  # fmt: skip
    if faults:
        raise CannotRead(f"{path} asks for " + "; ".join(faults) + "; read it with the library tokenizers instead")
    return model, special_tokens


def _cuts_as_we_do(pre_tokenizer: Mapping[str, Any]) -> bool:
    steps = pre_tokenizer.get("pretokenizers", [])
    return (
        pre_tokenizer.get("type") == "Sequence"
        and len(steps) == 2
        and all(steps[0].get(name) == value for name, value in _SPLIT.items())
        and all(steps[1].get(name) == _BYTES[name] for name in ("type", "add_prefix_space", "use_regex"))
    )


def check_special_tokens(names: object) -> tuple[str, ...]:
    """Names of special tokens, held against what would make them ambiguous; all faults at once.

    Raises
    ------
    BadInput
        When a name is empty, no str, there twice, or one piece to the pre-tokenizer: merges could then make it of
        ordinary text.
    """
    if isinstance(names, str | bytes) or not hasattr(names, "__iter__"):
        raise BadInput(f"special_tokens has to be a sequence of str, such as ['<|endoftext|>'], got {names!r:.80}")
    names, faults = tuple(names), []
    for name in names:
        if not isinstance(name, str) or not name:
            faults.append(f"{name!r} is no text")
        elif names.count(name) > 1:
            faults.append(f"{name!r} is there twice")
        elif len(pre_tokenize(name)) == 1 or _may_be_spelled(name):
            faults.append(f"{name!r} is one piece of text that merges could make; put it in brackets: <|{name}|>")
    if faults:
        raise BadInput("special_tokens: " + "; ".join(dict.fromkeys(faults)))
    return names


def _may_be_spelled(name: str) -> bool:
    """Whether the name is also how the bytes of one piece are spelled."""
    try:
        return len(pre_tokenize(unspell(name).decode("utf-8", errors="replace"))) == 1
    except BadInput:
        return False
