"""The texts that tokenizers are tried on: one sentence in many scripts, what is no prose, and awkward strings."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One text; ``script`` is empty for what is no prose."""

    name: str
    script: str
    text: str


@cache
def sample() -> tuple[Sample, ...]:
    """All of it: sentences first, English at their head."""
    with resources.files("fiftytwo.weeks.w18_tokenizer").joinpath("sample.toml").open("rb") as file:
        rows = tomllib.load(file)
    sentences = [Sample(row["language"], row["script"], row["text"]) for row in rows["sentence"]]
    return (*sentences, *(Sample(row["name"], "", row["text"].strip("\n")) for row in rows["other"]))


AWKWARD = (
    "", " ", "\0", "\n", "\r\n", "a\0b", "  two  blanks ", "tab\tand\x0bmore\x0c", "trailing   ", "\n\n  in\n\n\n",
    "it's I'LL you've DON'T 'tis o'clock 'S '\u017f", "1234567890 12 3 \u0663\u0664\u0665 \u00bd\u00b2 \u2167",
    "...!?--- /* */ //\n", "e\u0301 \u00e9 \u1e9b\u0323", "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea", "\u200b\u200e\ufeff\u00ad", "\ue000\uf8ff\U000f0000\U0010ffff",
    "\u3000\u2028\u2029\x85\u00a0x", "\u0378\U000e0080 \U0003ffff", "a" * 300, "ab" * 150 + "a", "<|endoftext|",
    "\u0120the \u0100", "\x7f\x80\x9f\u00ff",
)  # fmt: skip


def random_texts(rng: np.random.Generator, count: int, longest: int = 40) -> list[str]:
    """Texts over all of Unicode: half of each in the range of one script, with blanks, line ends and digits between."""
    found = []
    for _ in range(count):
        first = int(rng.integers(0, 0x3000))
        points = np.where(
            rng.random(longest) < 0.5, rng.integers(first, first + 0x80, longest), rng.integers(0, 0x110000, longest)
        )
        common = rng.choice(list(map(ord, " \n'0123abcABC.\t")), longest)
        points = np.where(rng.random(longest) < 0.4, common, points)
        points = points[(points < 0xD800) | (points > 0xDFFF)][: int(rng.integers(0, longest + 1))]
        found.append("".join(map(chr, points.tolist())))
    return found
