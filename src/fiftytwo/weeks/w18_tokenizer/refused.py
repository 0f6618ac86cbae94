"""What tokenizers refuse, and say why."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear, refusal
from fiftytwo.weeks.w18_tokenizer.merging import SPECIAL
from mltoolkit.errors import CannotRead

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def refusals(lab: Lab) -> Iterator[Check]:
    """Texts and ids, then training, then files."""

    def texts_and_ids() -> Measurement:
        ours = lab.solution.BPETokenizer.train("some text", vocab_size=258, special_tokens=[SPECIAL])
        trials: list[tuple[str, Callable[[], Any], tuple[str, ...]]] = [
            ("encode('a\\ud800')", lambda: ours.encode("a\ud800"), ("surrogate",)),
            ("encode(b'bytes')", lambda: ours.encode(b"bytes"), ("str",)),
            ("encode(None)", lambda: ours.encode(None), ("str",)),
            ("decode([1, 258])", lambda: ours.decode([1, 258]), ("258",)),
            ("decode([-1])", lambda: ours.decode([-1]), ("-1",)),
            ("token_to_bytes(999)", lambda: ours.token_to_bytes(999), ("999",)),
            ("decode(ids of half a character, errors='strict')",
             lambda: ours.decode(list(ours.encode("é"))[:1], errors="strict"), ("utf-8", "utf8")),
            ("encode('a', allowed_special=['<|x|>'])", lambda: ours.encode("a", allowed_special=["<|x|>"]), ("<|x|>",)),
            ("encode('a', allowed_special='some')", lambda: ours.encode("a", allowed_special="some"), ("special",)),
        ]  # fmt: skip
        return first_unclear(
            refusal(action, call=f"tokenizer.{call}", mentions=words) for call, action, words in trials
        )

    yield Check(
        "refuses what is no text and no id",
        texts_and_ids,
        equals=True,
        why="A negative id would quietly be counted from the end, and a lone surrogate cannot be written to any file.",
        hint=("text.encode('utf-8') raises UnicodeEncodeError for a lone surrogate; say so in a ValueError.",
              "Every id has to be a whole number from 0 to vocab_size - 1."),
    )  # fmt: skip

    def training() -> Measurement:
        trials: list[tuple[dict[str, Any], tuple[str, ...]]] = [
            ({"vocab_size": 255}, ("vocab_size",)),
            ({"vocab_size": 256, "special_tokens": [SPECIAL]}, ("vocab_size",)),
            ({"vocab_size": 300.5}, ("vocab_size",)),
            ({"vocab_size": 300, "special_tokens": [SPECIAL, SPECIAL]}, ("twice", "special")),
            ({"vocab_size": 300, "special_tokens": [""]}, ("special",)),
            ({"vocab_size": 300, "special_tokens": ["word"]}, ("special",)),
            ({"vocab_size": 300, "special_tokens": SPECIAL}, ("special",)),
        ]
        kinds = ("BPETokenizer", "UnigramTokenizer")
        wrong_text = [
            refusal(lambda kind=kind: getattr(lab.solution, kind).train([b"bytes"], vocab_size=300),  # type: ignore[misc]
                    call=f"{kind}.train([b'bytes'], vocab_size=300)", mentions=("str",)) for kind in kinds
        ]  # fmt: skip
        return first_unclear(
            [
                *(refusal(lambda kind=kind, row=row: getattr(lab.solution, kind).train("some text", **row),  # type: ignore[misc]
                          call=f"{kind}.train('some text', **{row})", mentions=words)
                  for kind in kinds for row, words in trials),
                *wrong_text,
            ]
        )  # fmt: skip

    yield Check(
        "refuses a vocabulary that cannot be",
        training,
        equals=True,
        why="A special token that is an ordinary word would be found in every text that has the word.",
        hint=("mltoolkit.llm.tokenizer_json.check_special_tokens knows what is wrong with names.",
              "vocab_size is at least 256 plus the special tokens; these are different texts of more than one piece."),
    )  # fmt: skip

    def files() -> Measurement:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tokenizer.json"
            path.write_text("{}", "utf-8")
            lab.solution.BPETokenizer.train("aa", vocab_size=257).save(str(path.with_name("bpe.json")))
            trials = (
                ("missing.json", ("read", "exist", "no such")),
                ("tokenizer.json", ("json",)),
                ("bpe.json", ("Unigram",)),
            )
            return first_unclear(
                refusal(lambda name=name: lab.solution.UnigramTokenizer.load(str(path.with_name(name))),  # type: ignore[misc]
                        call=f"UnigramTokenizer.load({name!r})", error=CannotRead, mentions=words)
                for name, words in trials
            )  # fmt: skip

    yield Check(
        "refuses files that are something else",
        files,
        equals=True,
        why="A file that is half understood gives ids that are nearly right.",
        hint=("read_tokenizer(path, 'Unigram') raises CannotRead and says what it found.",),
    )
