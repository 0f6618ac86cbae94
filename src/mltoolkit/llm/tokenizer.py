"""Tokenizers: text to a sequence of ids and back, learned by merging pairs of bytes or by weeding out pieces.

Both work on bytes. Every one of the 256 bytes is a token, so there is no unknown: any text is encoded, and comes back
unchanged. What is learned are longer tokens, which stay within the pieces that `mltoolkit.llm.pre_tokenize` cuts.

**Byte-pair encoding** starts from bytes and joins the most frequent pair of neighbours, again and again. The list of
merges is the tokenizer: encoding a piece applies them in the order in which they were learned. Ties go to the pair
with the lower ids, and words are updated in the batches in which a pair came into being; that is how the library
``tokenizers`` trains, so that merges and ids equal its own.

**The unigram model** starts from very many pieces and takes away. Each piece has a probability, a text has the
probability of its best segmentation, EM finds the probabilities, and the pieces that are missed least go.

Both save a ``tokenizer.json`` that the library ``tokenizers`` reads and encodes by, id for id. Large texts go through
compiled twins of the functions here where numba is installed.

References
----------
Sennrich, R., Haddow, B., Birch, A. (2016). Neural machine translation of rare words with subword units. ACL.
Kudo, T. (2018). Subword regularization: improving neural network translation models with multiple subword
    candidates. ACL.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.llm._bpe import compiled as compiled_bpe
from mltoolkit.llm._bpe.merging import apply_merges, count_pieces, learn_merges
from mltoolkit.llm._pieces.arguments import by_id, check_count, check_training
from mltoolkit.llm._pieces.pace import Encoder, worth_compiling
from mltoolkit.llm._unigram import compiled as compiled_unigram
from mltoolkit.llm._unigram import em
from mltoolkit.llm.pieces import as_utf8, documents, pre_tokenize, spell, unspell
from mltoolkit.llm.tokenizer_json import read_tokenizer, write_tokenizer

Allowed = Literal["all", "none"] | Collection[str]

_REMEMBERED = 100_000  # pieces whose ids are kept
_DECIMALS = 10  # of a score: few enough for every reader of the file to find the same double


class Tokenizer:
    """What both tokenizers share: a token for every id, special tokens, the way back from ids to text.

    Parameters
    ----------
    tokens : sequence of bytes
        Token of each id; that of a special token is its name in UTF-8.
    special_tokens : mapping of str to int
        Name -> id of the tokens that stand for no text of their own, such as ``"<|endoftext|>"``.

    Attributes
    ----------
    tokens : tuple of bytes
    special_tokens : dict of str to int
    vocab_size : int
        Number of ids, special tokens included; also ``len(tokenizer)``.
    """

    def __init__(self, tokens: Sequence[bytes], special_tokens: Mapping[str, int]) -> None:
        self.tokens = tuple(tokens)
        self.special_tokens = dict(special_tokens)
        self._remembered: dict[str, list[int]] = {}
        self._integers = np.arange(len(self.tokens)).astype(object)  # made once, so that a long list shares them
        self._encoder: Encoder | None = None

    @property
    def vocab_size(self) -> int:
        """Number of ids, special tokens included."""
        return len(self.tokens)

    def __len__(self) -> int:
        """Number of ids, special tokens included."""
        return len(self.tokens)

    def token_to_bytes(self, token: int) -> bytes:
        """The bytes of one id.

        Raises
        ------
        BadInput
            When the id is not in the vocabulary.
        """
        return self.decode_bytes([token])

    def encode(self, text: str, *, allowed_special: Allowed = "all") -> list[int]:
        """Ids of a text.

        Parameters
        ----------
        text : str
        allowed_special : {"all", "none"} or collection of str, default "all"
            Special tokens whose name in the text becomes their one id; the longest name wins where several fit. The
            names of all others are text like any other. Text that comes from outside, such as a user's question,
            should be encoded with ``"none"``: else it could end the document or begin somebody else's turn.

        Returns
        -------
        list of int

        Raises
        ------
        BadInput
            When ``text`` is no str or holds a lone surrogate, or when a name is no special token.
        """
        names = self._allowed(allowed_special)
        if not names:
            return self.encode_ordinary(text)
        as_utf8(text)
        longest_first = sorted(names, key=len, reverse=True)
        parts = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text)
        ids: list[int] = []
        for number, part in enumerate(parts):
            if number % 2:
                ids.append(self.special_tokens[part])
            elif part:
                ids += self.encode_ordinary(part)
        return ids

    def encode_ordinary(self, text: str) -> list[int]:
        """Ids of a text in which no special token is looked for."""
        if worth_compiling(text):
            found: list[int] = self._integers[self._compiled(text)].tolist()
            return found
        ids: list[int] = []
        for piece in pre_tokenize(text):
            known = self._remembered.get(piece)
            if known is None:
                known = self._encode_piece(piece.encode("utf-8"))
                if len(self._remembered) < _REMEMBERED:
                    self._remembered[piece] = known
            ids += known
        return ids

    def encode_to_numpy(self, text: str) -> NDArray[np.int32]:
        """As `encode_ordinary`, as an array of int32, shape (number of ids,): what megabytes are best held in."""
        return self._compiled(text) if worth_compiling(text) else np.array(self.encode_ordinary(text), dtype=np.int32)

    def encode_batch(self, texts: Iterable[str], *, allowed_special: Allowed = "all") -> list[list[int]]:
        """Ids of each text."""
        return [self.encode(text, allowed_special=allowed_special) for text in texts]

    def decode(self, ids: Iterable[int], *, errors: str = "replace") -> str:
        """Text of ids; special tokens come back as their names.

        Parameters
        ----------
        ids : iterable of int
        errors : {"replace", "strict", "ignore"}, default "replace"
            What becomes of bytes that are no UTF-8, as in ``bytes.decode``. A model may emit half a character.

        Raises
        ------
        BadInput
            When an id is not in the vocabulary, or the bytes are no UTF-8 and ``errors`` is ``"strict"``.
        """
        found = self.decode_bytes(ids)
        try:
            return found.decode("utf-8", errors=errors)
        except UnicodeDecodeError as error:
            raise BadInput(
                f"decode: the bytes of these ids are no UTF-8 from byte {error.start} on ({error.reason}); "
                "take errors='replace', or decode_bytes"
            ) from None

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Bytes of ids, whatever they are."""
        ids = list(ids)
        strange = [
            token for token in ids if not (isinstance(token, int | np.integer) and 0 <= token < len(self.tokens))
        ]
        if strange:
            raise BadInput(
                f"{strange[:5]} are no ids of this tokenizer, whose ids go from 0 to {len(self.tokens) - 1}; "
                "were they encoded by another one?"
            )
        return b"".join([self.tokens[token] for token in ids])

    def _encode_piece(self, piece: bytes) -> list[int]:
        raise NotImplementedError

    def _make_encoder(self) -> Encoder:
        raise NotImplementedError

    def _compiled(self, text: str) -> NDArray[np.int32]:
        if self._encoder is None:
            self._encoder = self._make_encoder()
        return self._encoder.encode(as_utf8(text))

    def _allowed(self, allowed_special: Allowed) -> list[str]:
        if isinstance(allowed_special, str):
            if allowed_special not in ("all", "none"):
                raise BadInput(f"allowed_special is 'all', 'none' or a collection of names, got {allowed_special!r}")
            return list(self.special_tokens) if allowed_special == "all" else []
        unknown = sorted(set(allowed_special) - set(self.special_tokens))
        if unknown:
            raise BadInput(
                f"allowed_special has {unknown}, which are no special tokens; {list(self.special_tokens)} are"
            )
        return list(allowed_special)


class BPETokenizer(Tokenizer):
    """Byte-pair encoding on bytes.

    Parameters
    ----------
    vocab : mapping of bytes to int
        Every token that is no special one, and its id.
    merges : sequence of (bytes, bytes)
        Pairs in the order in which they are applied.
    special_tokens : mapping of str to int, optional

    Attributes
    ----------
    merges : tuple of (bytes, bytes)
    tokens, special_tokens, vocab_size : see `Tokenizer`

    Examples
    --------
    >>> tokenizer = BPETokenizer.train("low low lower lowest", vocab_size=260)
    >>> tokenizer.merges
    ((b'l', b'o'), (b'lo', b'w'), (b' ', b'low'), (b' low', b'e'))
    >>> [tokenizer.token_to_bytes(token) for token in tokenizer.encode("low lower")]
    [b'low', b' lowe', b'r']
    """

    def __init__(
        self,
        vocab: Mapping[bytes, int],
        merges: Sequence[tuple[bytes, bytes]],
        special_tokens: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(by_id(vocab, special_tokens or {}), special_tokens or {})
        self.merges = tuple((bytes(left), bytes(right)) for left, right in merges)
        lacking = [pair for pair in self.merges if not {*pair, pair[0] + pair[1]} <= vocab.keys()]
        if lacking:
            raise BadInput(f"merges {lacking[:3]} join or make tokens that the vocabulary lacks")
        self._byte_ids = [vocab[bytes([byte])] for byte in range(256)]
        self._ranks = {
            (vocab[left], vocab[right]): (rank, vocab[left + right]) for rank, (left, right) in enumerate(self.merges)
        }

    @classmethod
    def train(
        cls,
        texts: str | Iterable[str],
        *,
        vocab_size: int,
        special_tokens: Sequence[str] = (),
        min_frequency: int = 0,
    ) -> BPETokenizer:
        """Learn merges from texts.

        Parameters
        ----------
        texts : str or iterable of str
            One text, or many; no token crosses from one into the next. Special tokens are not looked for here.
        vocab_size : int
            Number of ids: special tokens, 256 bytes, merges. Fewer come out when no pair is left to join.
        special_tokens : sequence of str, default ()
            They get the ids from 0 on, the bytes follow, in the order of `BYTE_ORDER`, then the merges.
        min_frequency : int, default 0
            The least number of times that a pair has to occur to be joined.

        Raises
        ------
        BadInput
            When a text is no str or holds a lone surrogate; when ``vocab_size`` leaves no room for special tokens and
            bytes; when a special token is one piece of text, so that merges could make it of ordinary text.
        """
        names = check_training(vocab_size, special_tokens)
        check_count("min_frequency", min_frequency, 0)
        found, n_tokens = documents(texts), int(vocab_size) - len(names)
        if worth_compiling(*found):
            tokens, pairs = compiled_bpe.learn(found, n_tokens, min_frequency)
        else:
            tokens, pairs = learn_merges(count_pieces(found), n_tokens, min_frequency)
        vocab = {token: len(names) + number for number, token in enumerate(tokens)}
        merges = [(tokens[left], tokens[right]) for left, right in pairs]
        return cls(vocab, merges, {name: number for number, name in enumerate(names)})

    def save(self, path: str | Path) -> None:
        """Write ``tokenizer.json``, whole or not at all.

        The library reads it with ``tokenizers.Tokenizer.from_file(path)``.
        """
        vocab = dict(self.special_tokens)
        special = set(self.special_tokens.values())
        vocab |= {spell(text): token for token, text in enumerate(self.tokens) if token not in special}
        merges = [[spell(left), spell(right)] for left, right in self.merges]
        write_tokenizer(path, {"type": "BPE", "vocab": vocab, "merges": merges}, self.special_tokens)

    @classmethod
    def load(cls, path: str | Path) -> BPETokenizer:
        """Read a byte-level BPE ``tokenizer.json`` that has this package's pattern, whoever wrote it.

        Raises
        ------
        CannotRead
            When the file cannot be read or asks for what this class does not do; the message lists all of it.
        """
        model, special_tokens = read_tokenizer(path, "BPE")
        pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
        vocab = {unspell(text): token for text, token in model["vocab"].items() if text not in special_tokens}
        return cls(vocab, [(unspell(left), unspell(right)) for left, right in pairs], special_tokens)

    def _encode_piece(self, piece: bytes) -> list[int]:
        return apply_merges([self._byte_ids[byte] for byte in piece], self._ranks)

    def _make_encoder(self) -> Encoder:
        return compiled_bpe.Encoder(self._byte_ids, self._ranks)


class UnigramTokenizer(Tokenizer):
    """A unigram model on bytes: the most probable segmentation of each piece.

    Parameters
    ----------
    pieces : sequence of (bytes, float)
        Tokens and their natural log probabilities, by id after the special tokens; every single byte is among them.
    special_tokens : sequence of str, optional
        Names; their ids go from 0 on.

    Attributes
    ----------
    scores : ndarray of shape (vocab_size,)
        Log probability of each id, rounded to ten decimals so that a file keeps it; 0 for special tokens.
    tokens, special_tokens, vocab_size : see `Tokenizer`
    """

    def __init__(self, pieces: Sequence[tuple[bytes, float]], special_tokens: Sequence[str] = ()) -> None:
        names = list(special_tokens)
        tokens = [bytes(piece) for piece, _ in pieces]
        vocab = {token: len(names) + number for number, token in enumerate(tokens)}
        if len(vocab) < len(tokens):
            raise BadInput("pieces: some token is there twice")
        super().__init__(
            by_id(vocab, {name: number for number, name in enumerate(names)}),
            {name: number for number, name in enumerate(names)},
        )
        self.scores = np.round(np.array([0.0] * len(names) + [score for _, score in pieces]), _DECIMALS)
        self._ids = vocab
        self._score_of = dict(zip(tokens, self.scores[len(names) :].tolist(), strict=True))
        self._longest = max(map(len, tokens))

    @classmethod
    def train(
        cls,
        texts: str | Iterable[str],
        *,
        vocab_size: int,
        special_tokens: Sequence[str] = (),
        max_piece_length: int = 16,
        shrinking_factor: float = 0.75,
    ) -> UnigramTokenizer:
        """Learn pieces and their probabilities from texts; ids go by falling probability, after the special tokens.

        Parameters
        ----------
        texts : str or iterable of str
        vocab_size : int
            Number of ids: special tokens, 256 bytes, pieces. Fewer come out when the texts hold too few.
        special_tokens : sequence of str, default ()
        max_piece_length : int, default 16
            Bytes of the longest piece.
        shrinking_factor : float in (0, 1), default 0.75
            Share of the pieces that stays each time the least useful ones go.

        Raises
        ------
        BadInput
            As for `BPETokenizer.train`.
        """
        names = check_training(vocab_size, special_tokens)
        check_count("max_piece_length", max_piece_length, 1)
        if not 0.0 < shrinking_factor < 1.0:
            raise BadInput(f"shrinking_factor has to lie between 0 and 1, got {shrinking_factor!r}")
        found, wanted = documents(texts), int(vocab_size) - len(names)
        steps: ModuleType = em
        if worth_compiling(*found):
            counts, steps = compiled_bpe.count(found), compiled_unigram
        else:
            counts = count_pieces(found)
        scores = em.seeds(counts, em.SEEDS * wanted, max_piece_length)
        while True:
            for _ in range(em.ROUNDS):
                expected, _ = steps.expected_counts(scores, counts)
                scores = em.maximize(expected)
            if len(scores) <= wanted:
                break
            keep = max(wanted, int(shrinking_factor * len(scores)))
            scores = em.prune(scores, expected, steps.scores_without(scores), keep)
        return cls(sorted(scores.items(), key=lambda item: (-round(item[1], _DECIMALS), item[0])), names)

    def save(self, path: str | Path) -> None:
        """Write ``tokenizer.json``, whole or not at all; the library ``tokenizers`` reads it."""
        special = set(self.special_tokens.values())
        names = [text.decode("utf-8") if token in special else spell(text) for token, text in enumerate(self.tokens)]
        vocab = [[name, score] for name, score in zip(names, self.scores.tolist(), strict=True)]
        write_tokenizer(path, {"type": "Unigram", "vocab": vocab}, self.special_tokens)

    @classmethod
    def load(cls, path: str | Path) -> UnigramTokenizer:
        """Read a byte-level unigram ``tokenizer.json`` that has this package's pattern.

        Raises
        ------
        CannotRead
            When the file cannot be read or asks for what this class does not do; the message lists all of it.
        """
        model, special_tokens = read_tokenizer(path, "Unigram")
        names = sorted(special_tokens, key=lambda name: special_tokens[name])
        if [special_tokens[name] for name in names] != list(range(len(names))):
            raise CannotRead(
                f"{path}: special tokens have the ids {sorted(special_tokens.values())}, not the first ones"
            )
        return cls([(unspell(text), float(score)) for text, score in model["vocab"][len(names) :]], names)

    def _encode_piece(self, piece: bytes) -> list[int]:
        return [self._ids[token] for token in em.best_segmentation(piece, self._score_of, self._longest)]

    def _make_encoder(self) -> Encoder:
        first = len(self.special_tokens)
        return compiled_unigram.Encoder(self.tokens[first:], self.scores[first:], first)
