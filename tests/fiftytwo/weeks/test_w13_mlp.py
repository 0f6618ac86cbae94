"""Week 13's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import re

import numpy as np
import pytest

from fiftytwo import documents, judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.solution import Solution

pytest.importorskip("torch", reason="needs the extra deep")

from fiftytwo.weeks.w13_mlp import depth, networks, peers
from fiftytwo.weeks.w13_mlp.digits import digits
from fiftytwo.weeks.w13_mlp.mistakes import mistakes
from fiftytwo.weeks.w13_mlp.steps import torch_path
from mltoolkit.deep import mlp

WEEK = plan.load(13)
NAMES = WEEK.week.exercise.names
REFERENCE = {name: getattr(mlp, name) for name in NAMES}


def make_lab(folder, solution=None, **options):
    return Lab(WEEK.week, folder, Solution(WEEK.week, replaced={**REFERENCE, **(solution or {})}), **options)


def judged(solution, folder, *, exercise_only=True):
    lab = make_lab(folder, solution)
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}, lab


def test_the_reference_passes_every_check(tmp_path):
    found, lab = judged({}, tmp_path, exercise_only=False)
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 60
    assert {figure.name for figure in lab.ledger.figures} == {
        "Learning curves", "Confusion", "The worst-read digits", "Three learning rates", "Four ways to begin"
    }  # fmt: skip
    assert {table.name for table in lab.ledger.tables} == {"Networks", "Starts"}
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint
    for template, _, facts in lab.pending_documents:
        text = documents.render(
            WEEK.path / template, metrics=lab.ledger.metrics, tables=lab.ledger.tables,
            verdicts=[j.verdict for j in found.values()], data=lab.ledger.data, facts=facts,
        )  # fmt: skip
        assert len(text) > 500


@pytest.mark.parametrize("template", ["curves.md.jinja", "initialization.md.jinja"])
def test_no_number_is_typed_into_a_document(template):
    assert list(documents.typed_numbers(WEEK.path / template)) == []


def test_the_starter_fails_every_check(tmp_path):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 13), "mlp.py", "exec"), scope)
    found, _ = judged({name: scope[name] for name in NAMES}, tmp_path)
    assert {name: j.verdict.outcome for name, j in found.items() if j.verdict.outcome != "not attempted"} == {}


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: make_lab(tmp_path, solution), build=False)


def test_other_right_solutions_pass(tmp_path):
    """Other draws of the right law, steps in place, arrays in tuples: what a learner may well do differently."""

    class Uniform(mlp.NumpyMLP):
        def initialize(self, n_features, n_classes, rng):
            super().initialize(n_features, n_classes, rng)
            self.weights_ = [rng.uniform(-1.0, 1.0, w.shape) * np.sqrt(3.0 * self._gain / len(w))
                             for w in self.weights_[::-1]][::-1]  # fmt: skip
            return self

        @property
        def _gain(self):
            return 1.0 if self.activation == "tanh" else 2.0

        def loss_and_gradients(self, X, y):
            loss, by_weights, by_biases = super().loss_and_gradients(X, y)
            return np.float64(loss), tuple(by_weights), tuple(by_biases)

    class InPlace(mlp.NumpySGD):
        def step(self, parameters, gradients):
            for p, moved in zip(parameters, super().step(parameters, gradients), strict=True):
                p[...] = moved
            return list(parameters)

    lab = make_lab(tmp_path, {"NumpyMLP": Uniform, "NumpySGD": InPlace})
    unbuilt = judge.Unbuilt(RuntimeError("the build is judged elsewhere"))
    found = [j.verdict for j in judge.assess(WEEK, lab, unbuilt, exercise_only=True)]
    assert [v.name for v in found if v.outcome == "wrong"] == []


def test_the_oracle_is_the_closed_form_of_logistic_regression():
    net = networks.network(np.random.default_rng(0), hidden=())
    powers = np.exp(net.X @ net.weights[0] + net.biases[0])
    p = powers / powers.sum(axis=1, keepdims=True)
    known = networks.truth(net)
    assert known.loss == pytest.approx(-np.mean(np.log(p[np.arange(len(p)), net.y])))
    np.testing.assert_allclose(known.weight_gradients[0], net.X.T @ (p - np.eye(4)[net.y]) / len(p), atol=1e-14)


def test_a_list_that_is_none_or_too_short_is_a_gate():
    arrays = [np.zeros(2), np.zeros(3)]
    for got, words in ((None, "list of 2 arrays"), (arrays[:1], "expected 2 arrays, got 1")):
        assert re.search(words, networks.listed(got, arrays, 0.0, call="f()", inputs={}).gate)
    assert "loss, weight gradients" in networks.parts(3.0, "f()").gate


def test_the_path_of_torch_is_not_one_array_seen_many_times():
    rows = list(torch_path("SGD", [np.ones(1)], [[np.ones(1)]] * 3, lr=0.5))
    assert [float(row[0][0]) for row in rows] == [0.5, 0.0, -0.5]


def test_the_small_digits_are_split_without_overlap_and_scaled_to_one(tmp_path):
    data = digits(make_lab(tmp_path))
    assert len(data.train) + len(data.test) == 1797
    assert data.scaled(data.train).max() == 1.0
    assert not {row.tobytes() for row in data.train} & {row.tobytes() for row in data.test}
    few = data.first(10, 5)
    assert (len(few.train), len(few.train_labels), len(few.test), len(few.test_labels)) == (10, 10, 5, 5)


def test_mnist_keeps_its_own_split(tmp_path, shared_data):
    data = digits(make_lab(tmp_path, profile="full"))
    assert data.train.shape == (60_000, 784)
    assert data.test.shape == (10_000, 784)
    assert data.scaled(data.test[:10]).max() == 1.0


@pytest.mark.parametrize(("factor", "last"), [(0.0, (0.0, 0.0)), (0.5, (1e-4, 0.02)), (1.0, (0.1, 2.0))])
def test_the_signal_keeps_its_scale_under_he_alone(factor, last):
    rng = np.random.default_rng(0)
    X = rng.random((200, 64))
    found = depth.signals(X, depth.start_weights(rng, 64, 10, factor))
    assert len(found) == depth.LAYERS
    assert last[0] <= found[-1] <= last[1]


def test_the_peer_has_the_methods_that_the_build_calls_and_the_same_numbers():
    net = networks.network(np.random.default_rng(0), n=12)
    weights = [*net.weights[:-1], np.pad(net.weights[-1], ((0, 0), (0, 6)))]  # the build knows ten digits
    biases = [*net.biases[:-1], np.pad(net.biases[-1], (0, 6))]
    for optimizer in ("adam", "sgd"):
        options = {"optimizer": optimizer, "learning_rate": 0.01, "batch_size": 50, "random_state": 1}
        models = [kind(net.hidden, **options).set_weights(weights, biases) for kind in (mlp.NumpyMLP, peers.NumpyMLP)]
        ours, theirs = (model.loss_and_gradients(net.X, net.y) for model in models)
        assert theirs[0] == pytest.approx(ours[0], rel=1e-5)
        np.testing.assert_allclose(theirs[1][0], ours[1][0], atol=1e-6)
        for model in models:
            model.partial_fit(net.X, net.y).partial_fit(net.X, net.y)
        np.testing.assert_allclose(models[1].loss_curve_, models[0].loss_curve_, rtol=1e-4)
        np.testing.assert_allclose(models[1].predict_proba(net.X), models[0].predict_proba(net.X), atol=1e-4)
        assert (models[1].predict(net.X) == models[0].predict(net.X)).all()
