"""Week 18's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from fiftytwo.plan import Mistake
from mltoolkit.llm import tokenizer as reference
from mltoolkit.llm._bpe.merging import count_pieces, learn_merges
from mltoolkit.llm._unigram.em import maximize
from mltoolkit.llm.pieces import BYTE_ORDER, documents, pre_tokenize

_Pair = tuple[int, int]


def recounted(words: Mapping[bytes, int], size: int, least: int, *, sign: int) -> tuple[list[bytes], list[_Pair]]:
    """Merges by counting all pairs anew each time; ties go to the lower pair with sign -1, to the higher one with 1."""
    tokens = [bytes([byte]) for byte in BYTE_ORDER]
    number = {token: at for at, token in enumerate(tokens)}
    split = [([number[bytes([byte])] for byte in word], count) for word, count in words.items()]
    merges: list[_Pair] = []
    while len(tokens) < size:
        counts: Counter[_Pair] = Counter()
        for word, count in split:
            for pair in pairwise(word):
                counts[pair] += count
        best = max(counts, key=lambda pair: (counts[pair], sign * pair[0], sign * pair[1]), default=None)
        if best is None or counts[best] < max(least, 1):
            break
        merges.append(best)
        tokens.append(tokens[best[0]] + tokens[best[1]])
        split = [(joined(word, best, len(tokens) - 1), count) for word, count in split]
    return tokens, merges


def joined(word: Sequence[int], pair: _Pair, new: int) -> list[int]:
    """The word with the pair joined from left to right."""
    out: list[int] = []
    for token in word:
        if out and (out[-1], token) == pair:
            out[-1] = new
        else:
            out.append(token)
    return out


class Trained(reference.BPETokenizer):
    """Trains on words that a subclass cuts."""

    @classmethod
    def words(cls, texts: Iterable[str]) -> Mapping[bytes, int]:
        """What is counted."""
        return Counter(piece.encode() for text in texts for piece in pre_tokenize(text))

    @classmethod
    def learned(cls, words: Mapping[bytes, int], size: int, least: int) -> tuple[list[bytes], list[_Pair]]:
        """Tokens, and pairs to merge."""
        return learn_merges(words, size, least)

    @classmethod
    def train(cls, texts: Any, *, vocab_size: int, special_tokens: Sequence[str] = (), min_frequency: int = 0) -> Any:
        """Learn merges."""
        reference.BPETokenizer.train([], vocab_size=vocab_size, special_tokens=special_tokens)  # refuses what it should
        found = [text.decode() for text in documents(texts)]
        names = list(special_tokens)
        tokens, merges = cls.learned(cls.words(found), vocab_size - len(names), min_frequency)
        vocab = {token: len(names) + at for at, token in enumerate(tokens)}
        return cls(vocab, [(tokens[a], tokens[b]) for a, b in merges], {name: at for at, name in enumerate(names)})


class HigherPairFirst(Trained):
    """Gives ties to the higher pair."""

    @classmethod
    def learned(cls, words: Mapping[bytes, int], size: int, least: int) -> tuple[list[bytes], list[_Pair]]:
        """Tokens, and pairs to merge."""
        return recounted(words, size, least, sign=1)


class AcrossWords(Trained):
    """Forgets the pieces: words are cut at blanks, and what stands beside them is joined with them."""

    @classmethod
    def words(cls, texts: Iterable[str]) -> Mapping[bytes, int]:
        """What is counted."""
        return Counter(word.encode() for text in texts for word in text.split(" ") if word)


class CountsEachPieceOnce(Trained):
    """Forgets how often a piece occurs."""

    @classmethod
    def words(cls, texts: Iterable[str]) -> Mapping[bytes, int]:
        """What is counted."""
        return dict.fromkeys(Trained.words(texts), 1)


class AcrossTexts(Trained):
    """Joins all texts into one before it counts."""

    @classmethod
    def words(cls, texts: Iterable[str]) -> Mapping[bytes, int]:
        """What is counted."""
        return Trained.words(["".join(texts)])


class LongestFirst(reference.BPETokenizer):
    """Encodes by the longest token that fits, from the left."""

    def encode_ordinary(self, text: str) -> list[int]:
        """Ids of a text."""
        super().encode_ordinary(text[:1])  # refuses what it should
        ids = {token: number for number, token in enumerate(self.tokens) if number not in self.special_tokens.values()}
        found: list[int] = []
        for piece in pre_tokenize(text):
            raw, start = piece.encode(), 0
            while start < len(raw):
                end = next(end for end in range(len(raw), start, -1) if raw[start:end] in ids)
                found.append(ids[raw[start:end]])
                start = end
        return found


class DecodesEachToken(reference.BPETokenizer):
    """Decodes token by token, and breaks characters that are spread over two."""

    def decode(self, ids: Iterable[int], *, errors: str = "replace") -> str:
        """Text of ids."""
        return "".join(super(DecodesEachToken, self).decode([token], errors=errors) for token in ids)


class AlwaysSpecial(reference.BPETokenizer):
    """Finds special tokens even where none is allowed."""

    def encode(self, text: str, *, allowed_special: Any = "all") -> list[int]:
        """Ids of a text."""
        super().encode("", allowed_special=allowed_special)  # refuses what it should
        return super().encode(text)


class CutsFromTheEnd(reference.BPETokenizer):
    """Counts negative ids from the end of the vocabulary."""

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Bytes of ids."""
        return super().decode_bytes(token + len(self.tokens) if token < 0 else token for token in ids)


class Greedy(reference.UnigramTokenizer):
    """Takes the longest piece at each step instead of the best segmentation."""

    def _encode_piece(self, piece: bytes) -> list[int]:
        found: list[int] = []
        while piece:
            end = next(end for end in range(len(piece), 0, -1) if piece[:end] in self._ids)
            found.append(self._ids[piece[:end]])
            piece = piece[end:]
        return found


class ByFrequency(reference.UnigramTokenizer):
    """Keeps the most frequent substrings, and never asks what a piece adds."""

    @classmethod
    def train(cls, texts: Any, *, vocab_size: int, special_tokens: Sequence[str] = (), **options: Any) -> Any:
        """Learn pieces."""
        sizes: dict[str, Any] = {"vocab_size": vocab_size, "special_tokens": special_tokens}
        learned = reference.UnigramTokenizer.train(texts, **sizes, **options)

        longest = options.get("max_piece_length", 16)
        counts: Counter[bytes] = Counter()
        for piece, count in count_pieces(documents(texts)).items():
            for start in range(len(piece)):
                for end in range(start + 1, min(start + longest, len(piece)) + 1):
                    counts[piece[start:end]] += count
        single = {bytes([byte]): float(counts[bytes([byte])]) for byte in range(256)}
        wanted = len(learned) - len(special_tokens) - 256
        often = dict([(token, float(n)) for token, n in counts.most_common() if len(token) > 1][:wanted])
        scores = maximize({**single, **often})
        return cls(sorted(scores.items(), key=lambda item: (-item[1], item[0])), special_tokens)


mistakes = (
    Mistake("higher pair first", {"BPETokenizer": HigherPairFirst},
            "Your ties go to the pair with the higher ids; of equally frequent pairs the lower one is joined first."),
    Mistake("words at blanks", {"BPETokenizer": AcrossWords},
            "Your words are what stands between blanks; pre_tokenize cuts, and keeps the blank with the word."),
    Mistake("each piece once", {"BPETokenizer": CountsEachPieceOnce},
            "Your counts take each different piece once; a pair counts as often as its piece occurs."),
    Mistake("across texts", {"BPETokenizer": AcrossTexts},
            "Your texts are joined before they are cut, so the end of one and the start of the next become a piece."),
    Mistake("longest token first", {"BPETokenizer": LongestFirst},
            "Your encoder takes the longest token that fits; apply merges in the order in which they were learned."),
    Mistake("decodes each token", {"BPETokenizer": DecodesEachToken},
            "Your decoder turns each token into text alone; join the bytes of all tokens first."),
    Mistake("special tokens everywhere", {"BPETokenizer": AlwaysSpecial},
            "Your encoder finds special tokens that allowed_special leaves out; their names are then plain text."),
    Mistake("ids from the end", {"BPETokenizer": CutsFromTheEnd},
            "Your decoder counts negative ids from the end of the vocabulary; they are no ids."),
    Mistake("greedy segmentation", {"UnigramTokenizer": Greedy},
            "Your segmentation takes the longest piece at each step; search all for the highest sum of scores."),
    Mistake("the most frequent substrings", {"UnigramTokenizer": ByFrequency},
            "Your pieces are the most frequent substrings; a piece is worth what the likelihood loses without it."),
)  # fmt: skip
