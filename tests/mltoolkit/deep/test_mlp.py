"""Networks by hand and in PyTorch: held against autograd, torch.optim, their definitions, and every awkward input."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("torch", reason="needs the extra deep")

import torch
from torch.nn import functional

from mltoolkit.deep import MLP, NumpyAdam, NumpyMLP, NumpySGD
from mltoolkit.errors import BadInput, NotConverged

ACTIVATIONS = ("relu", "tanh", "gelu")


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([NumpyMLP(epochs=30), NumpyMLP((), optimizer="sgd", learning_rate=0.1, epochs=30)])
def test_scikit_learns_own_checks(estimator, check):
    with np.errstate(all="ignore"):
        check(estimator)


def small(seed, activation="relu", hidden=(6, 5), n=8, d=4, classes=3, scale=1.0):
    rng = np.random.default_rng(seed)
    model = NumpyMLP(hidden, activation=activation).initialize(d, classes, rng)
    weights = [w * (scale if i == len(hidden) else 1.0) for i, w in enumerate(model.weights_)]
    biases = [rng.normal(0.0, 0.3, b.shape) for b in model.biases_]
    X, y = rng.standard_normal((n, d)), rng.integers(0, classes, n)
    return model.set_weights(weights, biases), X, y


def twin(model):
    sizes = model.n_features_in_, model.hidden, len(model.classes_)
    module = MLP(*sizes, activation=model.activation, dtype=torch.float64)
    return module.set_weights(model.weights_, model.biases_)


@settings(max_examples=40)
@given(
    st.integers(0, 10_000),
    st.sampled_from(ACTIVATIONS),
    st.lists(st.integers(1, 7), max_size=3),
    st.integers(1, 9),
    st.integers(2, 5),
    st.sampled_from([1.0, 1e-3, 1e4]),
)
def test_gradients_are_those_of_autograd(seed, activation, hidden, n, classes, scale):
    model, X, y = small(seed, activation, tuple(hidden), n=n, classes=classes, scale=scale)
    loss, by_weights, by_biases = model.loss_and_gradients(X, y)
    known, their_weights, their_biases = twin(model).loss_and_gradients(torch.tensor(X), torch.tensor(y))
    assert loss == pytest.approx(known, rel=1e-12, abs=1e-12)
    size = max(1.0, scale)
    for ours, theirs in zip([*by_weights, *by_biases], [*their_weights, *their_biases], strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-13 * size, rtol=1e-9)
    np.testing.assert_allclose(model.forward(X), twin(model)(torch.tensor(X)).detach().numpy(), atol=1e-12 * size)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_central_finite_differences(activation):
    model, X, y = small(1, activation)
    _, by_weights, by_biases = model.loss_and_gradients(X, y)
    step = 1e-6
    for arrays, gradients in ((model.weights_, by_weights), (model.biases_, by_biases)):
        for array, gradient in zip(arrays, gradients, strict=True):
            for place in np.ndindex(array.shape):
                kept, ends = array[place], []
                for move in (step, -step):
                    array[place] = kept + move
                    ends.append(model.loss_and_gradients(X, y)[0])
                array[place] = kept
                assert gradient[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from(ACTIVATIONS))
def test_a_batch_twice_is_the_batch_and_the_order_does_not_matter(seed, activation):
    model, X, y = small(seed, activation)
    loss, by_weights, _ = model.loss_and_gradients(X, y)
    order = np.random.default_rng(seed).permutation(len(X))
    for rows in (order, np.tile(np.arange(len(X)), 2)):
        again, gradients, _ = model.loss_and_gradients(X[rows], y[rows])
        assert again == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(gradients[0], by_weights[0], atol=1e-14)


def test_logits_far_apart_give_exact_losses_and_no_nan():
    model = NumpyMLP(()).set_weights([np.diag([1e4, -1e4])], [np.zeros(2)])
    X = np.array([[1.0, 1.0], [-1.0, -1.0]])
    assert model.loss_and_gradients(X, [0, 1])[0] == 0.0
    assert model.loss_and_gradients(X, [1, 0])[0] == 20_000.0
    assert model.predict_proba(X).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert np.isfinite(model.loss_and_gradients(X, [1, 0])[1][0]).all()


def test_gelu_is_flat_far_below_zero_and_the_identity_far_above():
    model = NumpyMLP((2,), activation="gelu").set_weights([np.eye(2), np.eye(2)], [np.zeros(2)] * 2)
    assert model.forward([[1e200, -1e200]]).tolist() == [[1e200, 0.0]]
    loss, by_weights, _ = model.loss_and_gradients([[50.0, -50.0]], [0])
    assert loss == pytest.approx(0.0)
    assert np.isfinite(by_weights[0]).all()


def path(optimizer, start, pulls):
    for gradients in pulls:
        start = optimizer.step(start, gradients)
        yield start


@settings(max_examples=30)
@given(
    st.integers(0, 10_000),
    st.floats(0.0, 0.95),
    st.floats(0.0, 0.99),
    st.floats(0.0, 0.5),
    st.sampled_from([1e-8, 0.1]),
)
def test_optimizers_are_torchs_step_for_step(seed, momentum, second, decay, eps):
    rng = np.random.default_rng(seed)
    start = [rng.standard_normal((2, 3)), rng.standard_normal(4)]
    pulls = [[rng.standard_normal(p.shape) * 10.0 ** rng.integers(-3, 3) for p in start] for _ in range(8)]
    adam = {"betas": (momentum, second), "eps": eps, "weight_decay": decay}
    cases = [
        (NumpySGD(0.1, momentum=momentum, weight_decay=decay), torch.optim.SGD,
         {"lr": 0.1, "momentum": momentum, "weight_decay": decay}),
        (NumpyAdam(0.1, **adam), torch.optim.AdamW, {"lr": 0.1, **adam}),
        (NumpyAdam(0.1, **adam, decoupled=False), torch.optim.Adam, {"lr": 0.1, **adam}),
    ]  # fmt: skip
    for ours, peer, options in cases:
        parameters = [torch.tensor(p, requires_grad=True) for p in start]
        method = peer(parameters, **options)
        for gradients, got in zip(pulls, path(ours, start, pulls), strict=True):
            for p, g in zip(parameters, gradients, strict=True):
                p.grad = torch.tensor(g)
            method.step()
            for mine, theirs in zip(got, parameters, strict=True):
                np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-9, atol=1e-9)


def test_a_step_changes_nothing_that_it_was_given():
    for optimizer in (NumpySGD(momentum=0.9, weight_decay=0.1), NumpyAdam(weight_decay=0.1)):
        p, g = np.ones(3), np.full(3, 2.0)
        p.setflags(write=False)
        g.setflags(write=False)
        first = optimizer.step([p], [g])[0]
        assert not np.shares_memory(first, p)
        optimizer.step([first], [g])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NumpySGD(-1.0, momentum=1.0, weight_decay=-1.0), r"learning_rate=-1.0 .*; weight_decay=.*; momentum"),
        (lambda: NumpySGD(True), "learning_rate=True"),
        (lambda: NumpyAdam(math.nan, betas=(1.0, -1.0), eps=-1.0), r"rate=nan .*; betas\[0\].*; betas\[1\].*; eps"),
        (lambda: NumpyAdam(math.inf), "learning_rate=inf is not a finite number of at least 0"),
        (lambda: NumpySGD().step([np.zeros(2)], [np.zeros(3)]), "gradient of each parameter's shape"),
        (lambda: NumpyAdam().step([np.zeros(2)], []), "gradient of each parameter's shape"),
    ],
)  # fmt: skip
def test_optimizers_refuse_in_words(make, words):
    with pytest.raises(BadInput, match=words):
        make()


@pytest.mark.parametrize("optimizer", [NumpySGD(momentum=0.5), NumpyAdam()])
def test_an_optimizer_belongs_to_one_network(optimizer):
    optimizer.step([np.zeros(2)], [np.ones(2)])
    with pytest.raises(BadInput, match="make a new optimizer"):
        optimizer.step([np.zeros(3)], [np.ones(3)])


@pytest.fixture(scope="module")
def pictures():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order] / 16.0, y[order]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_digits_are_read(pictures, activation):
    X, y = pictures
    model = NumpyMLP((64,), activation=activation, learning_rate=0.003, epochs=12, random_state=0).fit(
        X[:1400], y[:1400]
    )
    assert model.score(X[1400:], y[1400:]) >= 0.95
    assert len(model.loss_curve_) == 12
    assert model.loss_curve_[-1] < 0.2 * model.loss_curve_[0]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_an_epoch_is_pytorchs_epoch_on_the_same_batches(pictures, optimizer):
    X, y = pictures[0][:100], pictures[1][:100]
    model = NumpyMLP((16,), optimizer=optimizer, learning_rate=0.01, weight_decay=0.02, batch_size=30, random_state=3)
    model.initialize(64, 10, np.random.default_rng(1))
    module = twin(model)
    options = {"lr": 0.01, "weight_decay": 0.02}
    method = (torch.optim.AdamW(module.parameters(), **options) if optimizer == "adam"
              else torch.optim.SGD(module.parameters(), momentum=0.9, **options))  # fmt: skip
    rng, losses = np.random.default_rng(3), []
    for _ in range(3):
        model.partial_fit(X, y)
        order, total = rng.permutation(100), 0.0
        for rows in np.split(order, [30, 60, 90]):
            method.zero_grad()
            loss = functional.cross_entropy(module(torch.tensor(X[rows])), torch.tensor(y[rows]))
            loss.backward()
            method.step()
            total += float(loss.detach()) * len(rows)
        losses.append(total / 100)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-9)
    for w, layer in zip(model.weights_, module.layers, strict=True):
        np.testing.assert_allclose(w, layer.weight.detach().numpy().T, atol=1e-9)


def test_ten_samples_are_learned_by_heart(pictures):
    X, y = pictures[0][:10], pictures[1][:10]
    model = NumpyMLP((32,), learning_rate=0.01, epochs=200, random_state=0).fit(X, y)
    assert model.loss_curve_[-1] < 1e-3
    assert (model.predict(X) == y).all()


def test_the_same_random_state_gives_the_same_bits_and_a_generator_is_used_up(pictures):
    X, y = pictures[0][:60], pictures[1][:60]
    one, same, other = (NumpyMLP((8,), epochs=2, random_state=s).fit(X, y).weights_[0] for s in (1, 1, 2))
    assert (one == same).all()
    assert not np.allclose(one, other)
    rng = np.random.default_rng(1)
    model = NumpyMLP((8,), epochs=2, random_state=rng)
    assert (model.fit(X, y).weights_[0] == one).all()
    assert not np.allclose(model.fit(X, y).weights_[0], one)


def test_fit_is_partial_fits_and_begins_anew(pictures):
    X, y = pictures[0][:60], pictures[1][:60]
    whole = NumpyMLP((8,), epochs=3, random_state=0).fit(X, y)
    bits = NumpyMLP((8,), random_state=0)
    for _ in range(3):
        bits.partial_fit(X, y)
    assert (bits.weights_[0] == whole.weights_[0]).all()
    assert bits.loss_curve_ == whole.loss_curve_ == whole.fit(X, y).loss_curve_


def test_classes_to_come_are_known_and_others_refused():
    X = np.eye(3)
    model = NumpyMLP((4,), random_state=0).partial_fit(X, ["b", "b", "a"], classes=["c", "a", "b"])
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.predict_proba(X).shape == (3, 3)
    with pytest.raises(BadInput, match=r"y holds \['d'\]; expected members of classes_"):
        model.partial_fit(X, ["a", "b", "d"])
    with pytest.raises(ValueError, match="4 features"):
        model.partial_fit(np.zeros((3, 4)), ["a", "b", "c"])


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        ([[np.nan], [1.0]], [0, 1], "NaN"),
        ([[np.inf], [1.0]], [0, 1], "infinity"),
        ([[0.0], [1.0]], [1, 1], "one class"),
        ([[0.0], [1.0]], [0.5, 1.7], "(?i)continuous|label type"),
        (np.empty((0, 1)), [], "0 sample"),
        ([["x"], ["y"]], [0, 1], "could not convert"),
    ],
)
def test_bad_data_is_refused_clearly(X, y, words):
    with pytest.raises(ValueError, match=words):
        NumpyMLP().fit(X, y)


def test_all_faults_of_the_parameters_are_told_at_once():
    bad = NumpyMLP((0,), activation="step", optimizer="lion", learning_rate=-1, momentum=1, weight_decay=math.nan,
                   batch_size=0, epochs=1.5)  # fmt: skip
    with pytest.raises(BadInput) as refused:
        bad.fit([[0.0], [1.0]], [0, 1])
    for name in bad.get_params():
        assert (f"{name}=" in str(refused.value)) == (name != "random_state")
    for hidden in ("12", 12, None, (True,), (2.0,)):
        with pytest.raises(BadInput, match="hidden="):
            NumpyMLP(hidden).fit([[0.0], [1.0]], [0, 1])


def test_use_before_fit_is_refused():
    for call in (lambda m: m.predict([[0.0]]), lambda m: m.forward([[0.0]]),
                 lambda m: m.loss_and_gradients([[0.0]], [0])):  # fmt: skip
        with pytest.raises(NotFittedError):
            call(NumpyMLP())


@pytest.mark.parametrize(
    ("weights", "biases", "words"),
    [
        ([np.zeros((2, 3))], [np.zeros(3)], r"hidden=\(3,\) makes 2 layers; got 1 weights and 1 biases"),
        ([np.zeros((2, 3)), np.zeros(3)], [np.zeros(3), np.zeros(2)], "weights are"),
        ([np.zeros((2, 4)), np.zeros((4, 2))], [np.zeros(4), np.zeros(2)], "expected shapes"),
        ([np.zeros((2, 3)), np.zeros((3, 2))], [np.zeros(3), np.zeros(4)], "expected shapes"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, biases, words):
    with pytest.raises(BadInput, match=words):
        NumpyMLP((3,)).set_weights(weights, biases)
    with pytest.raises(BadInput, match="expected weights of shapes"):
        MLP(2, (3,), 2).set_weights(weights, biases)


def test_a_rate_that_is_far_too_high_is_told_in_words():
    X, y = np.random.default_rng(0).standard_normal((20, 3)), np.arange(20) % 2
    with pytest.raises(NotConverged, match=r"no longer finite in epoch \d+; lower learning_rate \(1e\+200\)"):
        NumpyMLP((4,), optimizer="sgd", learning_rate=1e200, random_state=0).fit(X, y)


def test_a_rate_of_zero_keeps_the_weights_and_the_curve_is_the_loss(pictures):
    X, y = pictures[0][:50], pictures[1][:50]
    model = NumpyMLP((8,), optimizer="sgd", learning_rate=0.0, batch_size=7).initialize(
        64, 10, np.random.default_rng(0)
    )
    before, loss = model.weights_[0].copy(), model.loss_and_gradients(X, y)[0]
    model.partial_fit(X, y)
    assert (model.weights_[0] == before).all()
    assert model.loss_curve_[0] == pytest.approx(loss, rel=1e-12)


def test_frames_read_only_and_other_orders_and_types_are_the_same():
    rng = np.random.default_rng(4)
    X, y = rng.integers(0, 5, (40, 3)).astype(float), np.array(["nein", "ja"])[np.arange(40) % 2]
    expected = NumpyMLP((4,), epochs=2, random_state=0).fit(X, y)
    locked = X.copy()
    locked.setflags(write=False)
    for same in (locked, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], X.astype(np.float32), X.astype(int),
                 X.tolist()):  # fmt: skip
        np.testing.assert_allclose(NumpyMLP((4,), epochs=2, random_state=0).fit(same, y).weights_[0],
                                   expected.weights_[0], atol=1e-12)  # fmt: skip
    frame = pd.DataFrame(X, columns=["größe", "b", "c"])
    model = clone(expected).fit(frame, y)
    assert model.feature_names_in_.tolist() == ["größe", "b", "c"]
    assert model.predict(frame).tolist() == expected.predict(X).tolist()


def test_given_weights_are_copied():
    W, b = np.ones((2, 2)), np.zeros(2)
    model = NumpyMLP(()).set_weights([W], [b])
    W[:] = 5.0
    assert model.weights_[0].tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize(("activation", "gain"), [("relu", 2.0), ("tanh", 1.0), ("gelu", 2.0)])
def test_initial_weights_have_the_stated_spread_in_both(activation, gain):
    ours = NumpyMLP((300,), activation=activation).initialize(400, 200, np.random.default_rng(0))
    module = MLP(400, (300,), 200, activation=activation, generator=torch.Generator().manual_seed(0))
    for i, fan_in in enumerate((400, 300)):
        for W in (ours.weights_[i], module.layers[i].weight.detach().numpy()):
            assert np.var(W) * fan_in == pytest.approx(gain, rel=0.03)
            assert abs(np.mean(W)) < 0.002
        assert not ours.biases_[i].any()
        assert not module.layers[i].bias.any()


def test_the_networks_weights_come_from_its_own_generator():
    before = torch.get_rng_state()
    one, same, other = (MLP(6, (5,), 3, generator=torch.Generator().manual_seed(s)).layers[0].weight for s in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one, same)
    assert not torch.allclose(one, other)


def test_the_network_reads_pictures_and_keeps_its_type():
    module = MLP(12, (5,), 3, dtype=torch.bfloat16)
    assert module(torch.zeros(2, 1, 3, 4, dtype=torch.bfloat16)).shape == (2, 3)
    assert {p.dtype for p in module.parameters()} == {torch.bfloat16}
    assert MLP(12, (), 3).layers[0].weight.dtype == torch.get_default_dtype()
    again = MLP(12, (5,), 3, dtype=torch.bfloat16)
    again.load_state_dict(module.state_dict())
    assert torch.equal(again.layers[1].weight, module.layers[1].weight)


def test_the_network_refuses_in_words():
    with pytest.raises(BadInput, match=r"hidden=.*; n_features=0 .*; n_classes=2.5 .*; activation='step'"):
        MLP(0, (0,), 2.5, activation="step")


def test_gradients_leave_grad_alone_and_nothing_warns():
    module = MLP(3, (4,), 2, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module.loss_and_gradients(torch.ones(5, 3), torch.tensor([0, 1, 0, 1, 0]))
    assert all(p.grad is None for p in module.parameters())
