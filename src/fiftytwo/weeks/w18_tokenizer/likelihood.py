"""Checks of the unigram model: the best segmentation, likelihood, files, and the way back."""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear
from fiftytwo.weeks.w18_tokenizer.library import model_of, through_a_file, trained
from fiftytwo.weeks.w18_tokenizer.merging import SPECIAL, english, equal
from fiftytwo.weeks.w18_tokenizer.sample import AWKWARD, random_texts, sample
from mltoolkit.llm.pieces import pre_tokenize, unspell

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_PARTS = {b"a": -3.0, b"b": -3.2, b"c": -3.1, b"d": -4.0, b"ab": -4.5, b"bc": -4.9, b"cd": -5.3, b"abc": -6.9,
          b"bcd": -7.3, b"dd": -7.9, b"abcd": -9.0}  # fmt: skip
SIZE = 420


def by_enumeration(piece: bytes, scores: Mapping[bytes, float]) -> float:
    """The score of the best segmentation, found by trying every way to cut a short piece."""
    best = -math.inf
    for cuts in itertools.product((False, True), repeat=len(piece) - 1):
        borders = [0, *(at for at, cut in enumerate(cuts, 1) if cut), len(piece)]
        parts = [piece[start:end] for start, end in itertools.pairwise(borders)]
        if all(part in scores for part in parts):
            best = max(best, math.fsum(scores[part] for part in parts))
    return best


def bits_per_byte(texts: Sequence[str], scores: Mapping[bytes, float]) -> float:
    """Negative log likelihood of texts under their best segmentation, in bits for each byte of text."""
    from mltoolkit.llm._unigram.em import best_segmentation

    longest, total, size = max(map(len, scores)), 0.0, 0
    for piece in itertools.chain.from_iterable(map(pre_tokenize, texts)):
        raw = piece.encode()
        total -= sum(scores[part] for part in best_segmentation(raw, scores, longest))
        size += len(raw)
    return total / size / math.log(2.0)


def unigram(lab: Lab) -> Iterator[Check]:
    """Segmentation first, then what is learned."""
    scores = {bytes([byte]): -12.0 for byte in range(256)} | _PARTS

    def segmentations() -> Measurement:
        ours = lab.solution.UnigramTokenizer(list(scores.items()))

        def one(text: str) -> Measurement:
            got = [bytes(ours.token_to_bytes(token)) for token in ours.encode_ordinary(text)]
            call = f"UnigramTokenizer(scores).encode_ordinary({text!r})"
            if b"".join(got) != text.encode():
                return equal(b"".join(got), text.encode(), call, scores=_PARTS)
            score, best = sum(scores[part] for part in got), by_enumeration(text.encode(), scores)
            return Measurement(
                float(abs(score - best) < 1e-9),
                call=call,
                got=f"{got}, score {score:.6g}",
                expected=f"a segmentation with score {best:.6g}",
                inputs={"scores": _PARTS},
            )

        words = ["".join(lab.rng.choice(list("abcd"), 7).tolist()) for _ in range(12)]
        return first_unclear(map(one, ["a", "abcd", "abcdabcd", "ddddd", *words]))

    yield Check(
        "the best segmentation",
        segmentations,
        equals=True,
        why="Of all ways to cut a word, the most probable one; taking the longest token at each step is another.",
        hint=(
            "best[end] = max over start of best[start] + score(text[start:end]), from left to right.",
            "Remember for each end where its last token began, and walk back from the end.",
        ),
    )

    @cache
    def learned(**options: Any) -> Any:
        return lab.solution.UnigramTokenizer.train(
            english(lab, 12_000), vocab_size=SIZE, special_tokens=[SPECIAL], **options
        )

    def as_the_library() -> Measurement:
        ours = learned()
        theirs = through_a_file(ours)
        texts = [*AWKWARD, *(one.text for one in sample()), *random_texts(lab.rng, 20), f"a{SPECIAL}b"]
        return first_unclear(
            m
            for text in texts
            for m in (
                equal(
                    list(ours.encode(text)),
                    theirs.encode(text).ids,
                    "UnigramTokenizer.train(...).encode(text)",
                    text=text,
                ),
                equal(ours.decode(ours.encode(text)), text, "tokenizer.decode(tokenizer.encode(text))", text=text),
            )
        )

    yield Check(
        "unigram ids are the library's, and every text comes back",
        as_the_library,
        equals=True,
        why="All 256 bytes are pieces, so that no text is unknown, and no other fallback is needed.",
        hint=(
            "In the file the vocabulary is a list of [spell(token), score] by id, special tokens first with score 0.",
            "Round scores to ten decimals before you encode: then the file holds what you computed with.",
        ),
    )

    def fit() -> Measurement:
        texts = english(lab, 12_000)
        ours = learned()
        own = {bytes(ours.token_to_bytes(token)): float(ours.scores[token]) for token in range(1, len(ours))}
        theirs = {unspell(text): score for text, score in model_of(trained("Unigram", texts, SIZE - 1))["vocab"]}
        mine, peer = bits_per_byte(texts, own), bits_per_byte(texts, theirs)
        return Measurement(
            mine / peer,
            call=f"bits per byte, UnigramTokenizer.train(texts, vocab_size={SIZE})",
            got=mine,
            expected=peer,
        )

    yield Check(
        "bits per byte over the library's",
        fit,
        at_most=1.05,
        why="Both look for the pieces under which the text is most probable; pruning by count ends elsewhere.",
        hint=(
            "Expected counts come from all segmentations (forward and backward), not from the best one alone.",
            "Give up the pieces whose loss is smallest: expected count times the score that is lost without them.",
        ),
    )

    def distribution() -> Measurement:
        ours = learned()
        size = equal([len(ours), ours.vocab_size], [SIZE, SIZE], "len(UnigramTokenizer.train(texts, vocab_size=420))")
        total = float(sum(math.exp(float(ours.scores[token])) for token in range(1, len(ours))))
        short = learned(max_piece_length=4)
        longest = max(len(bytes(short.token_to_bytes(token))) for token in range(1, len(short)))
        found = [float(score) for score in ours.scores[1:]]
        return first_unclear(
            (
                size,
                equal(found == sorted(found, reverse=True), True, "scores fall from id to id"),
                Measurement(
                    float(0.8 <= total <= 1.0 + 1e-6), call="sum of exp(scores)", got=total, expected="0.8 to 1"
                ),
                equal(longest <= 4, True, "no token of more than 4 bytes with max_piece_length=4"),
            )
        )

    yield Check(
        "probabilities, and as many pieces as asked for",
        distribution,
        equals=True,
        why="Scores are log probabilities: they add up to one at most, and their differences mean something.",
        hint=("Divide expected counts by their sum, after the digamma of both where you follow Kudo.",
              "Single bytes stay, with a small count, however rare they are. Ids go by falling score."),
    )  # fmt: skip

    def loaded() -> Measurement:
        ours = learned()
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "tokenizer.json")
            ours.save(path)
            again = lab.solution.UnigramTokenizer.load(path)
        text = " ".join(english(lab, 2_000)) + SPECIAL
        return equal(list(again.encode(text)), list(ours.encode(text)), "UnigramTokenizer.load(path).encode(text)")

    yield Check(
        "a file gives the unigram model back",
        loaded,
        equals=True,
        why="Training happens once; every later week reads the file.",
        hint=("The special tokens are the first rows of the vocabulary, and no pieces.",),
    )
