"""Tokenizers: held against the library, the compiled twins, and any text at all."""

import json
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.llm import (
    BYTE_ORDER,
    PATTERN,
    BPETokenizer,
    UnigramTokenizer,
    pre_tokenize,
    read_tokenizer,
    spell,
    unspell,
)
from mltoolkit.llm._bpe import merging
from mltoolkit.llm._pieces import pace, unicode
from mltoolkit.llm._unigram import em

library = pytest.importorskip("tokenizers")

TEXT = (
    "It's 12,345 low, lower, lowest; naïve façade\n\n\tdef f(x):\n        return x  # don't\n"
    "日本語 テキスト ελληνικά 한국어 😀👩‍👧 हिन्दी  " * 3
)
SPECIAL = ["<|endoftext|>", "<|end|>"]
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def trained_by_the_library(texts, size, special=(), least=0):
    tokenizer = library.Tokenizer(library.models.BPE())
    tokenizer.pre_tokenizer = library.pre_tokenizers.Sequence(
        [
            library.pre_tokenizers.Split(library.Regex(PATTERN), "isolated"),
            library.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = library.decoders.ByteLevel()
    trainer = library.trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=least,
        special_tokens=list(special),
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


@pytest.fixture
def compiled(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(pace, "_LARGE", 1)


@pytest.fixture
def readable(monkeypatch):
    monkeypatch.setattr(pace, "_LARGE", 10**12)


def small_texts():
    """Texts over few letters: many ties, runs, and tokens that are made in two ways."""
    rng = random.Random(18)
    for _ in range(60):
        letters = rng.choice(["ab", "abc", "aab b", "é日a ", "abcde  \n"])
        yield ["".join(rng.choice(letters) for _ in range(rng.randint(0, 120))) for _ in range(rng.randint(1, 4))]


# Pieces


@given(any_text)
def test_pieces_join_to_the_text_and_are_the_library_s(text):
    split = library.pre_tokenizers.Split(library.Regex(PATTERN), "isolated")
    pieces = pre_tokenize(text)
    assert "".join(pieces) == text
    assert pieces == [piece for piece, _ in split.pre_tokenize_str(text)]


@settings(max_examples=300)
@given(st.text("aSsTlLvVeErRmMdD'\u017f \t\n\r\x0b\x85\u3000.,!1²٣日é😀\0", max_size=14))
def test_contractions_white_space_and_digits_are_cut_as_by_the_library(text):
    split = library.pre_tokenizers.Split(library.Regex(PATTERN), "isolated")
    assert pre_tokenize(text) == [piece for piece, _ in split.pre_tokenize_str(text)]


def test_classes_are_the_library_s_for_every_code_point():
    points = np.array([point for point in range(unicode.CODE_POINTS) if not 0xD800 <= point < 0xE000])
    text = "".join(map(chr, points))
    for runs, pattern in (("LETTERS", r"\p{L}+"), ("NUMBERS", r"\p{N}+"), ("SPACES", r"\s+")):
        outside = np.zeros(len(points), dtype=bool)
        for _, (start, end) in library.pre_tokenizers.Split(library.Regex(pattern), "removed").pre_tokenize_str(text):
            outside[start:end] = True
        assert (unicode.members(getattr(unicode, runs))[points] == ~outside).all()


@given(st.text("aSsTlLvVeErRmMdD'\u017f \t\n\r\x0b\x85\u3000.,!1²٣日é😀\0", max_size=20), any_text)
def test_the_compiled_scanner_cuts_alike(first, second):
    pytest.importorskip("numba")
    from mltoolkit.llm._pieces import _kernels

    raw = (first + second).encode()
    out = np.empty(len(raw) + 1, dtype=np.int64)
    count = _kernels.piece_ends(np.frombuffer(raw + bytes(16), dtype=np.uint8), len(raw), pace.kinds(), out)
    ends = [0, *out[:count].tolist()]
    assert [raw[a:b].decode() for a, b in pairwise(ends)] == pre_tokenize(first + second)


@given(st.binary(max_size=50))
def test_bytes_spelled_as_letters_come_back(data):
    assert unspell(spell(data)) == data


def test_bytes_are_spelled_as_the_library_spells_them():
    assert sorted(spell(bytes(range(256)))) == sorted(library.pre_tokenizers.ByteLevel.alphabet())
    assert list(spell(bytes(BYTE_ORDER))) == sorted(spell(bytes(range(256))))
    with pytest.raises(BadInput, match="stand for no byte"):
        unspell("日")


# Merges


@pytest.mark.parametrize("way", ["readable", "compiled"])
def test_merges_and_ids_are_the_library_s(way, request, tmp_path):
    request.getfixturevalue(way)
    for number, texts in enumerate(small_texts()):
        size = 258 + number % 50
        ours, theirs = BPETokenizer.train(texts, vocab_size=size, special_tokens=SPECIAL), None
        theirs = trained_by_the_library(texts, size, SPECIAL)
        theirs.save(str(tmp_path / "theirs.json"))
        again = BPETokenizer.load(tmp_path / "theirs.json")
        assert (again.merges, again.tokens) == (ours.merges, ours.tokens)
        text = "".join(texts) + "<|end|>abé"
        assert ours.encode(text) == theirs.encode(text).ids


@pytest.mark.parametrize("least", [0, 2, 5])
def test_both_ways_learn_the_same_merges(least, request):
    request.getfixturevalue("compiled")
    found = [BPETokenizer.train([TEXT, "", TEXT[:40]], vocab_size=360, min_frequency=least)]
    request.getfixturevalue("readable")
    found.append(BPETokenizer.train([TEXT, "", TEXT[:40]], vocab_size=360, min_frequency=least))
    assert found[0].merges == found[1].merges
    assert found[0].tokens == found[1].tokens


def test_pieces_are_counted_alike_when_the_table_grows(monkeypatch):
    pytest.importorskip("numba")
    from mltoolkit.llm._bpe import compiled

    monkeypatch.setattr(compiled, "_SLOTS", 8)
    texts = [f"{TEXT} {number} extraordinarily{number}".encode() for number in range(40)]
    expected = merging.count_pieces(texts)
    assert compiled.count(texts) == expected
    monkeypatch.setattr(compiled, "_SHARE", 1000)
    monkeypatch.setattr(compiled.os, "cpu_count", lambda: 3)
    assert list(compiled.count(texts).items()) == list(expected.items())
    assert compiled.count([]) == compiled.count([b"", b""]) == {}


def test_the_encoder_makes_room_and_forgets(monkeypatch):
    pytest.importorskip("numba")
    from mltoolkit.llm._bpe import compiled

    tokenizer = BPETokenizer.train(TEXT, vocab_size=320)
    monkeypatch.setattr(compiled, "_SLOTS", 8)
    monkeypatch.setattr(compiled, "_MOST_SLOTS", 64)
    encoder = compiled.Encoder(tokenizer._byte_ids, tokenizer._ranks)
    text = " ".join(f"{TEXT[number % 90 :]}{number * 7919}" for number in range(60)) + "q" * 400_000
    assert encoder.encode(text.encode()).tolist() == tokenizer.encode_ordinary(text)
    assert encoder.encode(b"").tolist() == []


@settings(max_examples=60)
@given(any_text)
def test_both_ways_encode_alike_and_every_text_comes_back(text):
    tokenizer = TOKENIZER
    ids = tokenizer.encode_ordinary(text)
    assert tokenizer.decode(ids) == text
    if pace._has_numba():
        assert tokenizer._compiled(text).tolist() == ids


TOKENIZER = BPETokenizer.train([TEXT], vocab_size=330, special_tokens=SPECIAL)
UNIGRAM = UnigramTokenizer.train([TEXT], vocab_size=330, special_tokens=SPECIAL)


@pytest.mark.parametrize("text", ["a" * 500, "low" * 200, "", "\0", "é" * 300, "x" + " " * 300])
def test_long_pieces_are_encoded_as_by_the_library(text, tmp_path):
    TOKENIZER.save(tmp_path / "tokenizer.json")
    theirs = library.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert TOKENIZER.encode(text) == theirs.encode(text).ids
    assert TOKENIZER._compiled(text).tolist() == theirs.encode(text).ids


@given(st.lists(st.integers(0, TOKENIZER.vocab_size - 1), max_size=30))
def test_any_ids_are_decoded_as_by_the_library(ids):
    theirs = library.Tokenizer.from_str(json.dumps(document(TOKENIZER)))
    assert TOKENIZER.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


def document(tokenizer):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(Path(folder) / "tokenizer.json")
        return json.loads((Path(folder) / "tokenizer.json").read_text("utf-8"))


@pytest.mark.parametrize("tokenizer", [TOKENIZER, UNIGRAM], ids=["merges", "unigram"])
def test_special_tokens_are_found_where_they_are_allowed(tokenizer):
    text = "low<|end|><|endoftext|>"
    assert tokenizer.encode(text)[-2:] == [1, 0]
    assert not {0, 1} & set(tokenizer.encode(text, allowed_special="none"))
    assert tokenizer.encode(text, allowed_special=["<|end|>"]).count(1) == 1
    assert tokenizer.encode(text, allowed_special=[]) == tokenizer.encode_ordinary(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.encode_batch(["", text]) == [[], tokenizer.encode(text)]
    assert tokenizer.encode_to_numpy("low").tolist() == tokenizer.encode("low")
    assert tokenizer.token_to_bytes(0) == b"<|endoftext|>"
    assert len(tokenizer) == tokenizer.vocab_size == len(tokenizer.tokens)


@pytest.mark.parametrize("tokenizer", [TOKENIZER, UNIGRAM], ids=["merges", "unigram"])
def test_what_is_no_text_and_no_id_is_refused(tokenizer):
    with pytest.raises(BadInput, match="lone surrogate, '\\\\ud800' at position 1"):
        tokenizer.encode("a\ud800")
    with pytest.raises(BadInput, match="has to be a str, got bytes"):
        tokenizer.encode(b"a")
    with pytest.raises(BadInput, match=f"ids go from 0 to {len(tokenizer) - 1}"):
        tokenizer.decode([len(tokenizer)])
    with pytest.raises(BadInput, match=r"\[-1\] are no ids"):
        tokenizer.decode([-1])
    with pytest.raises(BadInput, match="no UTF-8"):
        tokenizer.decode(tokenizer.encode("\U00010ffd")[:1], errors="strict")
    with pytest.raises(BadInput, match="no special tokens"):
        tokenizer.encode("a", allowed_special=["<|x|>"])
    with pytest.raises(BadInput, match="allowed_special"):
        tokenizer.encode("a", allowed_special="some")


@pytest.mark.parametrize("kind", [BPETokenizer, UnigramTokenizer])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocab_size": 255}, "256 bytes"),
        ({"vocab_size": 300.0}, "whole number"),
        ({"vocab_size": True}, "whole number"),
        ({"vocab_size": 300, "special_tokens": "<|a|>"}, "sequence of str"),
        ({"vocab_size": 300, "special_tokens": ["<|a|>", "<|a|>", "", "word", "Ġ"]}, "twice.*no text.*word.*Ġ"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(kind, options, message):
    with pytest.raises(BadInput, match=message):
        kind.train("some text", **options)


def test_texts_that_are_none_are_refused():
    for texts in (b"bytes", [b"bytes"], 7, ["a\ud800"]):
        with pytest.raises(BadInput):
            BPETokenizer.train(texts, vocab_size=300)
    for options in ({"max_piece_length": 0}, {"shrinking_factor": 1.0}):
        with pytest.raises(BadInput):
            UnigramTokenizer.train("a", vocab_size=300, **options)


def test_a_vocabulary_with_holes_is_refused():
    vocab = {bytes([byte]): byte for byte in range(256)}
    with pytest.raises(BadInput, match="lacks the bytes"):
        BPETokenizer({token: number for token, number in vocab.items() if number}, [])
    with pytest.raises(BadInput, match="each once"):
        BPETokenizer({**vocab, b"ab": 300}, [])
    with pytest.raises(BadInput, match="vocabulary lacks"):
        BPETokenizer(vocab, [(b"a", b"b")])
    with pytest.raises(BadInput, match="twice"):
        UnigramTokenizer([*((token, -5.0) for token in vocab), (b"a", -1.0)])


# Files


@pytest.mark.parametrize("tokenizer", [TOKENIZER, UNIGRAM], ids=["merges", "unigram"])
def test_a_file_gives_the_tokenizer_back(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    again = type(tokenizer).load(tmp_path / "tokenizer.json")
    assert again.tokens == tokenizer.tokens
    assert again.special_tokens == tokenizer.special_tokens
    assert again.encode(TEXT) == tokenizer.encode(TEXT)
    theirs = library.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.encode(TEXT).ids == tokenizer.encode(TEXT)
    assert theirs.get_vocab_size() == len(tokenizer)


def test_a_file_that_asks_for_more_is_refused_and_says_all_of_it(tmp_path):
    asked = document(TOKENIZER)
    asked["normalizer"] = {"type": "NFC"}
    asked["model"]["dropout"] = 0.1
    asked["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"\w+"
    asked["added_tokens"][0]["lstrip"] = True
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(asked), "utf-8")
    with pytest.raises(CannotRead, match=r"pre-tokenizer.*normalizer.*dropout = 0\.1.*lstrip = True"):
        BPETokenizer.load(path)
    with pytest.raises(CannotRead, match="a BPE model, not Unigram"):
        UnigramTokenizer.load(path)
    for text in ("{}", "[]", "{", '{"model": {}, "added_tokens": [{}]}'):
        path.write_text(text, "utf-8")
        with pytest.raises(CannotRead, match=r"no tokenizer\.json"):
            read_tokenizer(path, "BPE")
    with pytest.raises(CannotRead, match="cannot read"):
        BPETokenizer.load(tmp_path / "missing.json")


# The unigram model


def test_scores_are_what_the_library_computes_with(tmp_path):
    UNIGRAM.save(tmp_path / "tokenizer.json")
    theirs = library.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    vocab = json.loads(theirs.to_str())["model"]["vocab"]
    assert [score for _, score in vocab] == UNIGRAM.scores.tolist()


@settings(max_examples=60)
@given(any_text)
def test_unigram_texts_come_back_and_both_ways_segment_alike(text):
    ids = UNIGRAM.encode_ordinary(text)
    assert UNIGRAM.decode(ids) == text
    if pace._has_numba():
        assert UNIGRAM._compiled(text).tolist() == ids


def test_expected_counts_are_those_of_all_segmentations():
    scores = {b"a": -1.0, b"b": -1.5, b"ab": -2.0, b"ba": -3.0}
    ways = {(b"a", b"b", b"a"): -3.5, (b"ab", b"a"): -3.0, (b"a", b"ba"): -4.0}
    total = np.logaddexp.reduce(list(ways.values()))
    expected, likelihood = em.expected_counts(scores, {b"aba": 2})
    assert likelihood == pytest.approx(2 * total)
    for token in scores:
        by_hand = sum(2 * way.count(token) * np.exp(score - total) for way, score in ways.items())
        assert expected[token] == pytest.approx(by_hand)


def test_both_ways_expect_and_prune_alike():
    pytest.importorskip("numba")
    from mltoolkit.llm._unigram import compiled

    counts = dict(merging.count_pieces([TEXT.encode(), b"y" * 300]))
    scores = em.seeds(counts, 400, 12)
    (mine, likelihood), (theirs, other) = em.expected_counts(scores, counts), compiled.expected_counts(scores, counts)
    assert likelihood == pytest.approx(other)
    assert mine == pytest.approx(theirs, abs=1e-9)
    assert em.scores_without(scores) == pytest.approx(compiled.scores_without(scores))


def test_likelihood_rises_with_every_round_of_plain_em():
    counts = dict(merging.count_pieces([TEXT.encode()]))
    scores, last = em.seeds(counts, 200, 8), -np.inf
    for _ in range(4):
        expected, likelihood = em.expected_counts(scores, counts)
        assert likelihood >= last - 1e-6
        total = sum(expected.values())
        scores = {token: float(np.log(max(count, 1e-12) / total)) for token, count in expected.items()}
        last = likelihood


def test_both_ways_learn_the_same_pieces(request):
    request.getfixturevalue("readable")
    mine = UnigramTokenizer.train([TEXT], vocab_size=330)
    request.getfixturevalue("compiled")
    theirs = UnigramTokenizer.train([TEXT], vocab_size=330)
    assert set(mine.tokens) == set(theirs.tokens)
    assert mine.scores == pytest.approx(theirs.scores, abs=1e-8)


def test_without_numba_everything_still_works(monkeypatch):
    monkeypatch.setattr(pace, "_has_numba", lambda: False)
    monkeypatch.setattr(pace, "_LARGE", 1)
    tokenizer = BPETokenizer.train([TEXT], vocab_size=330, special_tokens=SPECIAL)
    assert tokenizer.tokens == TOKENIZER.tokens
    assert tokenizer.encode_to_numpy(TEXT).tolist() == TOKENIZER.encode(TEXT)
