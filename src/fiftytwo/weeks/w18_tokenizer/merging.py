"""Checks of byte-pair encoding: merges, ids, files, special tokens, and the way back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear
from fiftytwo.weeks.w18_tokenizer.library import merges_of, through_a_file, trained
from fiftytwo.weeks.w18_tokenizer.sample import AWKWARD, random_texts, sample

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

SPECIAL = "<|endoftext|>"
_LINE = "low low lower lowest newer newest wider widest"
_HINT = ("Look at the checks of the merges first.",)


def equal(got: Any, expected: Any, call: str, **inputs: Any) -> Measurement:
    """Whether two results are the same, with the first place where they are not."""
    same = bool(got == expected)
    if not same and isinstance(got, list | tuple) and isinstance(expected, list | tuple):
        at = next(
            (i for i, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b), min(len(got), len(expected))
        )
        window = slice(max(at - 1, 0), at + 4)
        got = f"{len(got)} entries, from {window.start} on: {list(got[window])}"
        expected = f"{len(expected)} entries, from {window.start} on: {list(expected[window])}"
    return Measurement(float(same), call=call, got=str(got), expected=str(expected), inputs=inputs)


def english(lab: Lab, characters: int) -> list[str]:
    """Paragraphs from the middle of the Python documentation."""
    text: str = lab.data("python-docs").text
    return text[100_000 : 100_000 + characters].split("\n\n")


def merges(lab: Lab) -> Iterator[Check]:
    """What is learned, from a line by hand to many scripts."""

    def compared(texts: Sequence[str], size: int, name: str, **options: Any) -> Measurement:
        ours = lab.solution.BPETokenizer.train(texts, vocab_size=size, special_tokens=[SPECIAL], **options)
        theirs = trained("BPE", texts, size, [SPECIAL], **options)
        return equal(tuple(map(tuple, ours.merges)), merges_of(theirs),
                     f"BPETokenizer.train({name}, vocab_size={size}, special_tokens=['{SPECIAL}']).merges",
                     texts=list(texts))  # fmt: skip

    def by_hand() -> Measurement:
        ours = lab.solution.BPETokenizer.train(_LINE, vocab_size=262)
        expected = ((b"l", b"o"), (b"w", b"e"), (b"s", b"t"), (b" ", b"lo"), (b"d", b"e"), (b"e", b"we"))
        return equal(tuple(map(tuple, ours.merges)), expected, f"BPETokenizer.train({_LINE!r}, vocab_size=262).merges")

    yield Check(
        "merges of a line, by hand",
        by_hand,
        equals=True,
        why="The most frequent pair is joined first; of equally frequent ones, the pair with the lower ids.",
        hint=(
            "Count pairs of neighbours within pieces, join the most frequent one everywhere, count again.",
            "Ids: special tokens, then bytes in the order of BYTE_ORDER, then merges. Ties go to the lower pair.",
            "max(counts, key=lambda pair: (counts[pair], -pair[0], -pair[1]))",
        ),
    )
    yield Check(
        "merges are the library's on English",
        lambda: compared(english(lab, 10_000), 450, "texts"),
        equals=True,
        why="A vocabulary is a stored decision; who trains again on the same text should get the same one.",
        hint=(
            "Cut texts by pre_tokenize before you count, one text at a time.",
            "'aaa' has the pair (a, a) twice when it is counted; joined from left to right it becomes 'aa' and 'a'.",
        ),
    )
    yield Check(
        "merges are the library's on many scripts",
        lambda: compared([one.text for one in sample()], 420, "one sentence in twenty languages"),
        equals=True,
        why="On bytes, a script is learned like any other text: first its lead bytes, then its characters, then words.",
        hint=("Encode pieces as UTF-8 first; tokens are bytes, and a merge may end within a character.",),
    )
    yield Check(
        "merges that occur too seldom are left out",
        lambda: compared(english(lab, 4_000), 2_000, "texts", min_frequency=6),
        equals=True,
        why="A token that was seen a few times in training has a vector that was hardly trained.",
        hint=("Stop when the best pair's count is below min_frequency.",),
    )

    def nothing() -> Measurement:
        def one(texts: Any, call: str) -> Measurement:
            ours = lab.solution.BPETokenizer.train(texts, vocab_size=1_000)
            return equal([ours.vocab_size, len(ours), list(ours.merges)], [256, 256, []], call)

        return first_unclear(
            one(texts, f"BPETokenizer.train({texts!r}, vocab_size=1_000)") for texts in ([], "", ["a", "b"])
        )

    yield Check(
        "texts with nothing to join",
        nothing,
        equals=True,
        why="Every byte is a token from the start, so that a tokenizer of nothing still encodes everything.",
        hint=("All 256 bytes are in the vocabulary, seen or not. No pair reaches from one text into the next.",),
    )


def encodings(lab: Lab) -> Iterator[Check]:
    """Ids, and the way back."""

    @cache
    def tokenizer() -> Any:
        texts = [*english(lab, 10_000), *(one.text for one in sample())]
        return lab.solution.BPETokenizer.train(texts, vocab_size=600, special_tokens=[SPECIAL, "<|end|>"])

    def texts() -> list[str]:
        return [*AWKWARD, *(one.text for one in sample()), *random_texts(lab.rng, 40), f"a{SPECIAL}b<|end|> {SPECIAL}"]

    def as_the_library() -> Measurement:
        ours = tokenizer()
        theirs = through_a_file(ours)
        return first_unclear(
            equal(list(ours.encode(text)), theirs.encode(text).ids, "BPETokenizer.train(...).encode(text)", text=text)
            for text in texts()
        )

    yield Check(
        "ids are those that the library reads from the file",
        as_the_library,
        equals=True,
        why="A model is useless with other ids than it was trained with; the file is how others get them.",
        hint=(
            "Within a piece, join the pair that was learned first; repeat until none is left.",
            "The lowest rank first, not the longest token, and not from the left as far as it goes.",
            "In the file: spell(token) for every token, [left, right] for every merge, write_tokenizer around it.",
        ),
    )

    def back() -> Measurement:
        ours = tokenizer()
        return first_unclear(
            equal(ours.decode(ours.encode(text)), text, "tokenizer.decode(tokenizer.encode(text))", text=text)
            for text in texts()
        )

    yield Check(
        "every text comes back",
        back,
        equals=True,
        why="Nothing is outside the vocabulary: what has no token of its own is written in bytes.",
        hint=(
            "Join the bytes of all tokens first, then decode them once: a character may be spread over several tokens.",
        ),
    )

    def half_characters() -> Measurement:
        ours = tokenizer()
        ids = list(ours.encode_ordinary("é😀x"))
        start = [token for number, token in enumerate(ids) if number != len(ids) - 2]
        found = b"".join(bytes(ours.token_to_bytes(token)) for token in start)
        return first_unclear(
            (
                equal(found, bytes(ours.decode_bytes(start)), "tokenizer.decode_bytes(ids)"),
                equal(ours.decode(start), found.decode("utf-8", "replace"), "tokenizer.decode(ids without one)"),
                equal(
                    ours.decode(start, errors="ignore"),
                    found.decode("utf-8", "ignore"),
                    "tokenizer.decode(ids, errors='ignore')",
                ),
            )
        )

    yield Check(
        "half a character is decoded, too",
        half_characters,
        equals=True,
        why="A model emits tokens one by one; the text so far may end within a character.",
        hint=("b''.join(tokens).decode('utf-8', errors=errors)",),
    )

    def loaded() -> Measurement:
        ours = tokenizer()
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "tokenizer.json")
            ours.save(path)
            again = lab.solution.BPETokenizer.load(path)
        return first_unclear(
            (
                equal([*map(tuple, again.merges)], [*map(tuple, ours.merges)], "BPETokenizer.load(path).merges"),
                equal(dict(again.special_tokens), dict(ours.special_tokens), "BPETokenizer.load(path).special_tokens"),
                *(equal([*again.encode(text)], [*ours.encode(text)], "BPETokenizer.load(path).encode(text)", text=text)
                  for text in texts()[::3]),
            )
        )  # fmt: skip

    yield Check(
        "a file gives the tokenizer back",
        loaded,
        equals=True,
        why="Training happens once; every later week reads the file.",
        hint=("read_tokenizer gives the model and the special tokens; unspell undoes spell.",),
    )

    def one_long_piece() -> Measurement:
        ours = tokenizer()
        text = "".join(lab.rng.choice(list("aaeinrst"), 20_000).tolist())
        return equal(list(ours.encode_ordinary(text)), through_a_file(ours).encode(text).ids,
                     "tokenizer.encode_ordinary(20,000 letters without a blank)")  # fmt: skip

    yield Check(
        "a piece of 20,000 letters",
        one_long_piece,
        equals=True,
        why="Encoded binaries and scripts without blanks make pieces without end; a search through all pairs for each "
        "join takes quadratic time.",
        hint=("A heap of (rank, position) with neighbours in a linked list takes n log n.",
              "Entries whose pair is gone by the time they come up are dropped."),
    )  # fmt: skip


def special_tokens(lab: Lab) -> Iterator[Check]:
    """Names that are one id, or not."""

    @cache
    def tokenizer() -> Any:
        names = [SPECIAL, "<|end|>", "<|end|>!"]
        return lab.solution.BPETokenizer.train(english(lab, 4_000), vocab_size=300, special_tokens=names)

    def found() -> Measurement:
        ours, text = tokenizer(), f"the{SPECIAL}<|end|>!<|end|> ({SPECIAL})"
        plain = list(ours.encode_ordinary(text))
        alone = list(ours.encode("<|end|>", allowed_special=[SPECIAL]))
        the, bracket = list(ours.encode_ordinary("the")), list(ours.encode_ordinary(" ("))
        rest = list(ours.encode_ordinary(")"))
        return first_unclear(
            (
                equal(dict(ours.special_tokens), {SPECIAL: 0, "<|end|>": 1, "<|end|>!": 2}, "tokenizer.special_tokens"),
                equal(list(ours.encode(text)), [*the, 0, 2, 1, *bracket, 0, *rest], f"tokenizer.encode({text!r})"),
                equal(list(ours.encode(text, allowed_special="none")), plain,
                      f"tokenizer.encode({text!r}, allowed_special='none')"),
                equal(alone, list(ours.encode_ordinary("<|end|>")),
                      f"tokenizer.encode('<|end|>', allowed_special=['{SPECIAL}'])"),
                equal(min(plain) > 2, True, "no special token in encode_ordinary(text)"),
                equal(ours.decode([0, 2, 1]), f"{SPECIAL}<|end|>!<|end|>", "tokenizer.decode([0, 2, 1])"),
                equal([list(ids) for ids in ours.encode_batch(["the", SPECIAL, ""])], [the, [0], []],
                      f"tokenizer.encode_batch(['the', '{SPECIAL}', ''])"),
            )
        )  # fmt: skip

    yield Check(
        "special tokens, where they are allowed",
        found,
        equals=True,
        why="The name of a special token in a user's question must not end the document; in a training file it must.",
        hint=("Split the text at the names first, and encode what lies between.",
              "re.split with the names in one group, the longest first, re.escape around each."),
    )  # fmt: skip
