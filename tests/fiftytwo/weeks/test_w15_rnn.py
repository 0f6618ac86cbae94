"""Week 15's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fiftytwo import judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.weeks.w15_rnn import figures, gradients, probes
from fiftytwo.weeks.w15_rnn.corpus import Corpus, counted
from fiftytwo.weeks.w15_rnn.mistakes import mistakes
from fiftytwo.weeks.w15_rnn.training import Plan, trained
from mltoolkit.deep import rnn

WEEK = plan.load(15)
NAMES = WEEK.week.exercise.names
REFERENCE = {name: getattr(rnn, name) for name in NAMES}


class Solution(SimpleNamespace):
    """Names, and ``apply`` in this process."""

    def apply(self, function, *args):
        return function(self, *args)


def lab_with(solution, folder, **options):
    return Lab(WEEK.week, folder, Solution(**{**REFERENCE, **solution}), **options)


def small(name="a small text"):
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(["the cat ", "a dog ", "sat. ", "ran\n"], 1500))
    cut = int(0.9 * len(text))
    return Corpus(name, "\ufffd" + "".join(sorted(set(text))), text[:cut], text[cut:])


@pytest.mark.slow
def test_the_reference_passes_every_check(tmp_path):
    lab = lab_with({}, tmp_path)
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    found = {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=False)}
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 60
    assert {figure.name for figure in lab.ledger.figures} == {
        "Learning curves", "Gradients through time", "An exploding run", "A planted signal",
    }  # fmt: skip
    assert {table.name for table in lab.ledger.tables} == {"Models", "Temperatures", "A planted signal"}
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint or not one.verdict.exercise
    kept = lab.folder / "artifacts" / "char-model"
    assert json.loads((kept / "config.json").read_text("utf-8"))["core"] == "lstm"
    metrics = {metric.name: metric.value for metric in lab.ledger.metrics}
    assert metrics["char-model perplexity"] == pytest.approx(np.exp(metrics["char-model validation loss"]))


def test_the_starter_fails_every_check(tmp_path):
    scope = {}
    starter = derive(Bench(WEEK.week, None).reference(), NAMES, 15)
    exec(compile(starter, "rnn.py", "exec"), scope)
    lab = lab_with({name: scope[name] for name in NAMES}, tmp_path)
    verdicts = judge.assess(WEEK, lab, judge.Unbuilt(RuntimeError("not built")), exercise_only=True)
    assert {j.verdict.name: j.verdict.outcome for j in verdicts if j.verdict.outcome != "not attempted"} == {}
    assert "_recurrence" not in starter


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: lab_with(solution, tmp_path), build=False, may_crash=True)


def test_pytorchs_own_parts_pass_the_checks_of_values(tmp_path):
    """Another right answer: no refusals of its own, and sums in another order."""
    solution = {name: getattr(probes.Oracle, name) for name in NAMES}
    verdicts = judge.assess(WEEK, lab_with(solution, tmp_path), judge.Unbuilt(RuntimeError()), exercise_only=True)
    assert {
        j.verdict.name for j in verdicts if j.verdict.outcome != "passed" and "refuses" not in j.verdict.name
    } == set()


@pytest.mark.parametrize("seed", range(5))
def test_what_gradients_do_hangs_on_no_seed(seed):
    at_50 = {name: gradients.norms_through_time(rnn, *options, seed)[50] for name, options in gradients.CELLS.items()}
    assert at_50["RNN"] < 1e-8
    assert at_50["LSTM"] < 1e-6
    assert at_50["GRU"] < 1e-6
    assert at_50["LSTM, forget gates open"] > 10**-2.5
    assert at_50["RNN, rotation times 2"] > 10


def test_a_planted_signal_comes_first_and_noise_after():
    x, classes = gradients.planted(torch.Generator().manual_seed(0), 3, 50)
    assert x.shape == (4, 50, gradients.CLASSES + 4)
    assert (x[0, :, : gradients.CLASSES].argmax(1) == classes).all()
    assert (x[0].sum(1) == 1).all()
    assert (x[1:, :, : gradients.CLASSES] == 0).all()
    assert x[1:].std() > 0


def test_the_exploding_run_is_the_same_until_the_first_long_gradient():
    text = small().train
    plain, long = gradients.exploding(rnn, text, None, 0)
    clipped, _ = gradients.exploding(rnn, text, 1.0, 0)
    assert plain[0] == clipped[0]
    assert len(plain) == len(long) == len(clipped)


def test_training_reads_what_it_was_told_and_learns(tmp_path):
    text = small()
    done = trained(
        lab_with({}, tmp_path), text, Plan(40_000, streams=8), points=4, label="training", core="gru", hidden_size=24
    )
    assert len(done.characters) == len(done.nats) == 4
    assert done.characters[-1] >= 40_000
    assert done.nats[-1] < 0.6 * done.nats[0]
    assert done.nats[-1] < counted(text)["bigram"].nats(text.ids(text.valid))
    again = trained(
        lab_with({}, tmp_path), text, Plan(40_000, streams=8), points=4, label="training", core="gru", hidden_size=24
    )
    assert again.nats == done.nats


def test_unknown_characters_have_a_number():
    assert small().ids("a\u2603").tolist() == [small().vocabulary.index("a"), 0]


def test_figures_have_their_axes_named():
    curves = {"LSTM": ([1000, 2000], [3.0, 2.0]), "GRU": ([1000, 2000], [3.1, 2.2])}
    drawn = [
        figures.learning_curves(curves, {"unigram": 3.4, "bigram": 2.4, "5-gram": 1.5}),
        figures.norms_through_time({"RNN": np.geomspace(1, 1e-20, 30)}),
        figures.exploding_run({"a": [4.0, 3.0], "b": [4.0, 3.5]}, {"a": [1.0, 2.0], "b": [0.0, 9.0]}),
        figures.recall((5, 10), {"RNN": np.array([[1.0, 0.3]])}, 0.25),
    ]
    for figure in drawn:
        assert figure.axes[-1].get_xlabel()
        assert all(axes.get_ylabel() for axes in figure.axes)


def test_documents_type_in_no_result():
    for path in WEEK.path.glob("*.jinja"):
        words = re.sub(r"\{[{%].*?[%}]\}|^## .*$|5-gram", "", path.read_text("utf-8"), flags=re.MULTILINE)
        assert re.findall(r"\d", words) == [], path.name


def test_the_study_note_is_short_and_its_example_runs(capsys):
    note = (WEEK.path / "study.md").read_text("utf-8")
    assert 600 <= len(note.split()) <= 1200
    (example,) = re.findall(r"```python\n(.*?)```", note, flags=re.DOTALL)
    exec(compile(example, "study.md", "exec"), {})
    assert capsys.readouterr().out.split() == list(re.search(r"# (\S+), then (\S+)", example).groups())
