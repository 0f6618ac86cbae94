"""The text: what is trained on, what is judged by, and the counts that a model has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from mltoolkit.deep import NGram

ORDERS: Mapping[str, int] = {"unigram": 1, "bigram": 2, "5-gram": 5}
_SLICE = 200_000  # characters of the documentation in the quick profile
_TRAIN = 0.9  # the first share is trained on, the rest is judged by


@dataclass(frozen=True)
class Corpus:
    """A text in two parts."""

    name: str
    vocabulary: str  # of the training part, with a place for what it does not have
    train: str
    valid: str

    def ids(self, text: str) -> NDArray[np.int64]:
        """A text as numbers."""
        index = {character: i for i, character in enumerate(self.vocabulary)}
        return np.array([index.get(character, 0) for character in text], dtype=np.int64)


def corpus(lab: Lab) -> Corpus:
    """Tiny Shakespeare in full, a slice of Python's documentation else."""
    from mltoolkit.deep import CharModel

    found = lab.data("tiny-shakespeare" if lab.full else "python-docs")
    text = found.text if lab.full else found.text[:_SLICE]
    cut = int(_TRAIN * len(text))
    return Corpus(found.title, CharModel.vocabulary_of(text[:cut]), text[:cut], text[cut:])


def counted(text: Corpus) -> dict[str, NGram]:
    """The baselines, by name."""
    from mltoolkit.deep import NGram

    train = text.ids(text.train)
    return {name: NGram(order).fit(train, len(text.vocabulary)) for name, order in ORDERS.items()}
