"""Week 18's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

from itertools import pairwise
from types import SimpleNamespace

import pytest

pytest.importorskip("tokenizers")

from fiftytwo import judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.weeks.w18_tokenizer import figures
from fiftytwo.weeks.w18_tokenizer import mistakes as module
from fiftytwo.weeks.w18_tokenizer.joins import build_up
from fiftytwo.weeks.w18_tokenizer.likelihood import by_enumeration
from fiftytwo.weeks.w18_tokenizer.mistakes import mistakes
from fiftytwo.weeks.w18_tokenizer.sample import sample
from mltoolkit.llm import tokenizer

WEEK = plan.load(18)
NAMES = WEEK.week.exercise.names
REFERENCE = {name: getattr(tokenizer, name) for name in NAMES}


def lab_of(solution, folder):
    return Lab(WEEK.week, folder, SimpleNamespace(**{**REFERENCE, **solution}))


def judged(solution, folder, *, exercise_only=True):
    lab = lab_of(solution, folder)
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    yield from judge.assess(WEEK, lab, built, exercise_only=exercise_only)


def test_the_reference_passes_every_check(tmp_path):
    lab = lab_of({}, tmp_path)
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    found = {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=False)}
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 24
    assert {figure.name for figure in lab.ledger.figures} == {
        "How a sentence is built up", "The same sentence", "What the merges make", "Compression"
    }  # fmt: skip
    assert lab.ledger.artifacts == ["tokenizer.json"]
    assert tokenizer.BPETokenizer.load(tmp_path / "artifacts" / "tokenizer.json").vocab_size == 4096
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint


def test_the_starter_fails_every_check(tmp_path):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 18), "tokenizer.py", "exec"), scope)
    found = list(judged({name: scope[name] for name in NAMES}, tmp_path))
    assert {j.verdict.outcome for j in found} == {"not attempted"}


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: lab_of(solution, tmp_path))


class CountsAnew(module.Trained):
    """A right answer that is not ours: all pairs counted anew for each merge, merges applied one rank at a time."""

    @classmethod
    def learned(cls, words, size, least):
        return module.recounted(words, size, least, sign=-1)

    def encode_ordinary(self, text):
        super().encode_ordinary(text[:1])
        ids = []
        for piece in module.pre_tokenize(text):
            word = [self._byte_ids[byte] for byte in piece.encode()]
            while True:
                ranked = [(self._ranks[pair], pair) for pair in pairwise(word) if pair in self._ranks]
                if not ranked:
                    break
                (_, new), pair = min(ranked)
                word = module.joined(word, pair, new)
            ids += word
        return ids


def test_a_plain_solution_passes(tmp_path):
    found = [j.verdict for j in judged({"BPETokenizer": CountsAnew}, tmp_path) if "unigram" not in j.verdict.name]
    assert [(v.name, v.message) for v in found if v.outcome != "passed"] == []


def test_a_sentence_is_built_up_from_its_bytes_to_its_tokens():
    learned = tokenizer.BPETokenizer.train("low low lower lowest", vocab_size=260)
    built = build_up("low lower é", learned.merges)
    assert [built.text.encode()[a:b] for a, b in built.tokens] == [
        learned.token_to_bytes(token) for token in learned.encode(built.text)
    ]
    assert len(built.text.encode()) - len(built.joins) == len(built.tokens)
    figures.plt.close(figures.merge_picture(built))


def test_enumeration_tries_every_cut():
    assert by_enumeration(b"ab", {b"a": -1.0, b"b": -1.0, b"ab": -2.5}) == -2.0
    assert by_enumeration(b"ab", {b"a": -1.0, b"b": -1.0, b"ab": -1.5}) == -1.5


def test_the_sample_has_many_scripts_and_no_text_twice():
    texts = [one.text for one in sample()]
    assert len(set(texts)) == len(texts)
    assert len({one.script for one in sample() if one.script}) >= 14
    assert sample()[0].name == "English"
