"""Week 18: from bytes to tokens and back.

The build learns a vocabulary by merges and others by likelihood, saves the one that the language model of the later
weeks reads, draws how a sentence is built up, and measures what the vocabulary does to scripts, digits, code and emoji.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w18_tokenizer import figures
from fiftytwo.weeks.w18_tokenizer.corpora import Corpus, corpus, foreign
from fiftytwo.weeks.w18_tokenizer.fertility import Fertility, bytes_per_token, fertility
from fiftytwo.weeks.w18_tokenizer.joins import build_up
from fiftytwo.weeks.w18_tokenizer.likelihood import unigram
from fiftytwo.weeks.w18_tokenizer.merging import SPECIAL, encodings, merges, special_tokens
from fiftytwo.weeks.w18_tokenizer.refused import refusals
from fiftytwo.weeks.w18_tokenizer.sample import AWKWARD, random_texts, sample

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    18,
    extras=("llm",),
    seconds=600.0,
    exercise=Exercise(
        "mltoolkit.llm.tokenizer",
        ("Tokenizer", "BPETokenizer", "UnigramTokenizer"),
        hours=12.0,
        seconds=90.0,
        peers={
            "BPETokenizer": "fiftytwo.weeks.w18_tokenizer.peers:BPETokenizer",
            "UnigramTokenizer": "fiftytwo.weeks.w18_tokenizer.peers:UnigramTokenizer",
        },
        brief="""\
Write two tokenizers that lose nothing, and that the library `tokenizers` agrees with id for id. Given to you, from
`mltoolkit.llm`: `pre_tokenize` cuts text into pieces; `spell` and `unspell` write bytes as letters for the file;
`BYTE_ORDER` is the order of the single bytes; `write_tokenizer` and `read_tokenizer` write and read what stands around
a model in `tokenizer.json`. `mltoolkit.llm.tokenizer_json.check_special_tokens` says what is wrong with names. A good
order:

1. `Tokenizer`: a token for each id, `decode_bytes`, `decode`, `token_to_bytes`. Join bytes first, decode once.
2. `BPETokenizer.train` on one short line, by counting all pairs anew for each merge. Ids: special tokens, the bytes in
   `BYTE_ORDER`, merges. Ties go to the pair with the lower ids. Then make it faster: keep counts, and the words of each
   pair, and change only what a merge touches.
3. `encode_ordinary`: in each piece join the pair of the lowest rank until none is left. A heap keeps long pieces quick.
4. `save` and `load`, then the library on your file. `encode` with special tokens, allowed or not; `encode_batch`.
5. `UnigramTokenizer`: the best segmentation (Viterbi) first, with scores that you are given. Then expected counts by
   forward and backward sums, and EM; then give up the pieces whose loss is smallest until `vocab_size` is reached.
   Scores are log probabilities, rounded to ten decimals; bytes always stay.

Bad input gets a `ValueError` that says what was wrong. Python and NumPy are fast enough for every check. A finished
tokenizer from a library is not the exercise.
""",
    ),
)

SENTENCE = "Tokenizers learn the most common words first; naïve 語 stays bytes."


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    tokenizer: Any
    corpus: Corpus
    rows: tuple[Fertility, ...]
    same_merges: bool
    other_ids: int  # texts whose ids differ from the library's
    lost: int  # texts that do not come back
    by_size: tuple[float, ...]  # bytes per token as the vocabulary grows
    unused: float  # share of merges that no held-out text uses


def build(lab: Lab) -> Built:
    """Learn, save, compare with the library, and measure."""
    texts = corpus(lab)
    size = 8192 if lab.full else 4096
    started = time.perf_counter()
    tokenizer = lab.solution.BPETokenizer.train(list(texts.train), vocab_size=size, special_tokens=[SPECIAL])
    lab.metric("seconds to train", time.perf_counter() - started, "s")
    tokenizer.save(str(lab.artifact("tokenizer.json")))
    lab.metric("vocabulary size", tokenizer.vocab_size)
    lab.metric("megabytes to learn from", texts.size / 1e6, "MB")
    learned = [(bytes(left), bytes(right)) for left, right in tokenizer.merges]
    lab.figure(
        figures.merge_picture(build_up(SENTENCE, learned)),
        "How a sentence is built up",
        "Each byte stands below, ␣ for a blank and two hexadecimal digits for a byte of a longer character. Two parts "
        "are joined at the height of the merge that joins them: low is early, and common. A dot is a finished token.",
    )
    same_merges, other_ids, lost = _beside_the_library(lab, tokenizer, texts, learned)
    rows = _by_script(lab, tokenizer)
    unused = _growth(lab, tokenizer, texts, learned)
    by_size = _by_size(lab, tokenizer, texts, learned)
    lab.document("vocabulary.md.jinja", "What is outside the vocabulary", corpus=texts.name)
    return Built(tokenizer, texts, rows, same_merges, other_ids, lost, by_size, unused)


def _beside_the_library(
    lab: Lab, tokenizer: Any, texts: Corpus, learned: list[tuple[bytes, bytes]]
) -> tuple[bool, int, int]:
    """Train the library on the same texts; then encode with it what was held out, the sample, and texts at random."""
    from fiftytwo.weeks.w18_tokenizer.library import merges_of, through_a_file, trained

    started = time.perf_counter()
    theirs = trained("BPE", texts.train, tokenizer.vocab_size, [SPECIAL])
    lab.metric("seconds to train, library", time.perf_counter() - started, "s")
    reader = through_a_file(tokenizer)
    everything = [*AWKWARD, *(one.text for one in sample()), *random_texts(lab.rng, 1500, 60), "".join(texts.held)]
    other_ids = lost = 0
    for text in lab.progress(everything, "encoding beside the library"):
        ids = list(tokenizer.encode(text))
        other_ids += ids != reader.encode(text).ids
        lost += tokenizer.decode(ids) != text
    whole = "".join(texts.held)
    started = time.perf_counter()
    tokenizer.encode_ordinary(whole)
    lab.metric("encoding", len(whole.encode()) / 1e6 / (time.perf_counter() - started), "MB/s")
    lab.metric("texts encoded beside the library", len(everything))
    return merges_of(theirs) == tuple(learned), other_ids, lost


def _by_script(lab: Lab, tokenizer: Any) -> tuple[Fertility, ...]:
    import pandas as pd

    rows = fertility(tokenizer, sample())
    sentences = [row for row in rows if row.script]
    english = sentences[0]
    frame = pd.DataFrame(
        [{"text": row.name, "script": row.script, "characters": row.characters, "bytes": row.utf8, "tokens": row.tokens,
          "tokens per character": round(row.tokens / row.characters, 3), "tokens per byte": round(row.per_byte, 3),
          "tokens that are no whole characters": round(row.broken / row.tokens, 3)} for row in rows]
    )  # fmt: skip
    lab.table(frame, "Fertility", "Article 1 of the Universal Declaration of Human Rights, and what is no prose.")
    words = pd.DataFrame(
        [{"language": row.name, "tokens": row.tokens, "English = 1": round(row.tokens / english.tokens, 2),
          "tokens per word": round(row.tokens / row.words, 2)} for row in sentences if row.script == "Latin"]
    )  # fmt: skip
    lab.table(words, "Latin scripts", "Languages that share the letters: what differs is how common their words were.")
    lab.figure(
        figures.premium(sentences),
        "The same sentence",
        "Tokens for one sentence in twenty languages. Where the bar reaches the end of the grey one, every byte is a "
        "token.",
    )
    for row in rows:
        lab.metric(f"tokens per byte, {row.name}", row.per_byte)
    for row in sentences:
        lab.metric(f"tokens over English, {row.name}", row.tokens / english.tokens)
    return rows


def _growth(lab: Lab, tokenizer: Any, texts: Corpus, learned: list[tuple[bytes, bytes]]) -> float:
    first = tokenizer.vocab_size - len(learned)
    uses = Counter(tokenizer.encode_ordinary("".join(texts.held)))
    counts = [uses[first + number] for number in range(len(learned))]
    lengths = [len(left + right) for left, right in learned]
    lab.figure(
        figures.growth(range(1, len(learned) + 1), lengths, counts),
        "What the merges make",
        "Left: how long the token is that a merge makes. Right: its uses in text that nothing learned from. "
        "Early merges are often steps on the way to longer tokens and then seldom seen alone.",
    )
    unused = sum(count == 0 for count in counts) / len(counts)
    lab.metric("merges never used in held-out text", 100 * unused, "%")
    lab.metric("longest token", max(lengths), "bytes")
    return unused


def _by_size(lab: Lab, tokenizer: Any, texts: Corpus, learned: list[tuple[bytes, bytes]]) -> tuple[float, ...]:
    """A smaller vocabulary by merges is the start of a larger one; one by likelihood is learned anew."""
    first = tokenizer.vocab_size - len(learned)
    tokens = [bytes(tokenizer.token_to_bytes(token)) for token in range(tokenizer.vocab_size)]
    sizes = [size for size in (512, 1024, 2048, 4096, 8192) if size <= tokenizer.vocab_size]
    others, prose = foreign(lab), [one.text for one in sample() if one.script]
    tried: Mapping[str, list[str]] = {
        "merges, held-out text": ["".join(texts.held)],
        "unigram, held-out text": ["".join(texts.held)],
        "merges, Python sources": [others],
        "merges, twenty languages": prose,
    }
    found: dict[str, list[float]] = {name: [] for name in tried}
    share = list(texts.train)[::6]  # looking for pieces takes longer than merging
    for size in lab.progress(sizes, "vocabulary sizes"):
        vocab = {token: number for number, token in enumerate(tokens[1:size], 1)}
        smaller = lab.solution.BPETokenizer(vocab, learned[: size - first], {SPECIAL: 0})
        pieces = lab.solution.UnigramTokenizer.train(share, vocab_size=size, special_tokens=[SPECIAL])
        for name, on in tried.items():
            found[name].append(bytes_per_token(pieces if name.startswith("unigram") else smaller, on))
    lab.figure(
        figures.compression(sizes, found),
        "Compression",
        "How much text a token holds, as the vocabulary grows. Both learn from the documentation; the gain is for text "
        "like it.",
    )
    for name, values in found.items():
        for size, value in zip(sizes, values, strict=True):
            lab.metric(f"bytes per token, {name}, {size}", value)
    return tuple(found["merges, held-out text"])


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's tokenizers first, then what the corpus shows."""
    yield from merges(lab)
    yield from encodings(lab)
    yield from special_tokens(lab)
    yield from unigram(lab)
    yield from refusals(lab)
    yield from _on_the_corpus(built)


def _on_the_corpus(built: Built) -> Iterator[Check]:
    hint = ("Look at the checks of merges and ids first.",)

    def tokens(name: str) -> Fertility:
        return next(row for row in built.rows if row.name == name)

    yield Check(
        "all merges of the corpus are the library's", lambda: built.same_merges, equals=True, exercise=False,
        why="Thousands of merges, each a decision that depends on all before it.", hint=hint,
    )  # fmt: skip
    yield Check(
        "texts with other ids than the library's", lambda: built.other_ids, equals=0, exercise=False,
        why="Held-out text, every script, emoji, control characters and unassigned code points.", hint=hint,
    )  # fmt: skip
    yield Check(
        "texts that do not come back", lambda: built.lost, equals=0, exercise=False,
        why="On bytes nothing is unknown.", hint=hint,
    )  # fmt: skip
    yield Check(
        "bytes per token, largest vocabulary over smallest", lambda: built.by_size[-1] / built.by_size[0], at_least=1.4,
        exercise=False, why="Each doubling of the vocabulary buys less context than the one before.", hint=hint,
    )  # fmt: skip
    yield Check(
        "tokens for the sentence in Hindi over English",
        lambda: tokens("Hindi").tokens / tokens("English").tokens, at_least=3.0, exercise=False,
        why="A vocabulary without a script charges its users by the byte, and three bytes make a character.", hint=hint,
    )  # fmt: skip
    yield Check(
        "share of bytes of emoji that are tokens", lambda: tokens("emoji").per_byte, at_least=0.8, exercise=False,
        why="What training never saw falls back to bytes: it costs, and it is not lost.", hint=hint,
    )  # fmt: skip
