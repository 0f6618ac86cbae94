"""Week 18: training and applying byte-pair encoding beside ``tokenizers`` and ``tiktoken``.

The corpus is 10 MB of the sources, docstrings and help topics of Python, tiny Shakespeare where it is at hand, and the
week's sentences in twenty languages over and over; Unicode text is these sentences alone. The library trains with all
threads; its merges have to be ours, one by one. tiktoken gets our merges as its ranks and the same pattern, and has to
give the same ids. Our encoder starts each time with nothing remembered. Loading compiled code is part of the cold time.
"""

from __future__ import annotations

import os
from typing import Any

import tiktoken

from fiftytwo.weeks.w18_tokenizer.library import merges_of, trained
from fiftytwo.weeks.w18_tokenizer.sample import sample
from harness import Row, main
from mltoolkit import datasets
from mltoolkit.errors import CannotRead
from mltoolkit.llm import PATTERN, BPETokenizer

SIZE, TEXT, DOCUMENT = 8192, 10_000_000, 20_000
SENTENCES = "\n".join(one.text for one in sample() if one.script) + "\n"


def corpus() -> str:
    """10 million characters; what runs out is taken again from the start."""
    parts = []
    for name in ("python-sources", "python-docstrings", "python-docs", "tiny-shakespeare"):
        try:
            parts.append(datasets.load(name).text)
        except (CannotRead, OSError):
            print(f"without {name}")
    text = "".join(parts) + SENTENCES * 40
    return (text * (1 + TEXT // len(text)))[:TEXT]


CORPUS = corpus()
UNICODE = SENTENCES * (TEXT // 2 // len(SENTENCES.encode()))
TEXTS = [CORPUS[at : at + DOCUMENT] for at in range(0, len(CORPUS), DOCUMENT)]
ASCII = CORPUS.encode("ascii", "ignore").decode()
tokenizer = BPETokenizer.train(TEXTS, vocab_size=SIZE)
peer = tiktoken.Encoding(
    "ours",
    pat_str=PATTERN,
    mergeable_ranks={token: number for number, token in enumerate(tokenizer.tokens)},
    special_tokens={},
)


def train() -> Any:
    """Ours."""
    return BPETokenizer.train(TEXTS, vocab_size=SIZE)


def library_train() -> Any:
    """The library, on all threads."""
    return trained("BPE", TEXTS, SIZE)


def same_merges(mine: Any, theirs: Any) -> str:
    """Whether all merges are the same, in the same order."""
    found = merges_of(theirs)
    same = sum(a == b for a, b in zip(mine.merges, found, strict=False))
    return "" if mine.merges == found else f"{same} of {len(found)} merges are the same"


def encode(text: str) -> Any:
    """Ours, with nothing remembered."""

    def work() -> Any:
        tokenizer._encoder = None
        return tokenizer.encode_ordinary(text)

    return work


def same_ids(mine: list[int], theirs: list[int]) -> str:
    """Whether all ids are the same."""
    return "" if mine == theirs else f"ids differ; {len(mine)} and {len(theirs)} of them"


if __name__ == "__main__":
    main(
        "tokenizer",
        [
            Row("BPE training", f"{TEXT / 1e6:.0f} MB, vocabulary of {SIZE:,}",
                "Tokenizer.train_from_iterator(texts, BpeTrainer(...)), all threads",
                train, library_train, same_merges, goal=5.0),
            Row("BPE encoding, ASCII", f"{len(ASCII) / 1e6:.1f} MB", "Encoding.encode_ordinary(text)",
                encode(ASCII), lambda: peer.encode_ordinary(ASCII), same_ids, goal=3.0),
            Row("BPE encoding, twenty languages", f"{len(UNICODE.encode()) / 1e6:.1f} MB",
                "Encoding.encode_ordinary(text)",
                encode(UNICODE), lambda: peer.encode_ordinary(UNICODE), same_ids, goal=3.0),
        ],
        ("fiftytwo", "numpy", "numba", "tokenizers", "tiktoken"),
        pairs=int(os.environ.get("PAIRS", "5")),
        threads=1,
    )  # fmt: skip
