"""Cells, layers, clipping and truncated steps: held against PyTorch's, autograd, and every awkward input."""

import doctest
import importlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mltoolkit import deep
from mltoolkit.deep import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell, clip_grad_norm, truncated_bptt

CELLS = [(RNNCell, nn.RNNCell), (LSTMCell, nn.LSTMCell), (GRUCell, nn.GRUCell)]
LAYERS = [(RNN, nn.RNN), (LSTM, nn.LSTM), (GRU, nn.GRU)]


@pytest.mark.parametrize(("ours", "peer"), CELLS)
@pytest.mark.parametrize("bias", [True, False])
def test_cells_are_pytorchs(ours, peer, bias):
    torch.manual_seed(0)
    mine, theirs = ours(3, 5, bias).double(), peer(3, 5, bias).double()
    mine.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(mine.state_dict())
    x = torch.randn(20, 4, 3).double()
    states = [None, None]
    for at in x:
        states = [cell(at, state) for cell, state in zip((mine, theirs), states, strict=True)]
    torch.testing.assert_close(states[0], states[1])
    for state in states:
        (state[0] * state[1] if isinstance(state, tuple) else state.sin()).sum().backward()
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize(("cell", "_"), CELLS)
def test_weights_are_drawn_within_one_over_the_root_of_the_width(cell, _):
    for weight in cell(30, 100).parameters():
        assert 0.095 < float(weight.detach().abs().max()) <= 0.1


@pytest.mark.parametrize(("cell", "_"), CELLS)
@pytest.mark.parametrize(
    ("x", "state", "words"),
    [
        ((2, 4), None, r"x has shape \(2, 4\), expected \(B, 3\)"),
        ((3,), None, r"x has shape \(3,\)"),
        ((2, 3), (2, 6), r"h has shape \(2, 6\), expected \(2, 5\)"),
        ((2, 3), (1, 5), r"h has shape \(1, 5\), expected \(2, 5\)"),
    ],
)
def test_cells_refuse_other_shapes(cell, _, x, state, words):
    given = None if state is None else torch.zeros(state)
    given = (given, given) if state is not None and cell is LSTMCell else given
    with pytest.raises(ValueError, match=words):
        cell(3, 5)(torch.zeros(x), given)


def test_an_lstms_state_is_a_pair_and_all_faults_are_told():
    with pytest.raises(ValueError, match="the state has 1 tensors, expected 2: h and c"):
        LSTMCell(3, 5)(torch.zeros(2, 3), (torch.zeros(2, 5),))
    with pytest.raises(ValueError, match=r"h has shape \(2, 4\), .*; c has shape \(1, 5\)"):
        LSTMCell(3, 5)(torch.zeros(2, 3), (torch.zeros(2, 4), torch.zeros(1, 5)))
    for kind in (RNNCell, LSTMCell, GRUCell):
        with pytest.raises(ValueError, match=r"input_size=0 .*; hidden_size=2.5 "):
            kind(0, 2.5)


@pytest.mark.parametrize(("ours", "peer"), LAYERS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("T", [1, 6])
def test_layers_are_pytorchs_in_values_and_gradients(ours, peer, layers, bias, batch_first, T):
    torch.manual_seed(1)
    options = {"bias": bias, "batch_first": batch_first}
    mine, theirs = ours(3, 4, layers, **options).double(), peer(3, 4, layers, **options).double()
    theirs.load_state_dict(mine.state_dict())
    x = torch.randn((2, T, 3) if batch_first else (T, 2, 3)).double()
    begun = torch.randn(2, layers, 2, 4).double()
    found = []
    for layer in (mine, theirs):
        parts = [part.clone().requires_grad_() for part in begun[: 2 if ours is LSTM else 1]]
        given = x.clone().requires_grad_()
        output, state = layer(given, tuple(parts) if ours is LSTM else parts[0])
        ends = state if isinstance(state, tuple) else (state,)
        loss = (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum()
        loss = loss + sum((end * torch.linspace(1, 2, end.numel()).view_as(end)).sum() for end in ends)
        loss.backward()
        found.append([output, *ends, given.grad, *(p.grad for p in parts), *(p.grad for p in layer.parameters())])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)


@settings(max_examples=15)
@given(st.sampled_from(LAYERS), st.integers(1, 4), st.integers(1, 9), st.integers(1, 5), st.integers(0, 10_000))
def test_pieces_with_a_carried_state_are_one_run(kinds, B, T, cut, seed):
    torch.manual_seed(seed)
    layer = kinds[0](3, 4, 2)
    x = torch.randn(T + cut, B, 3)
    whole, end = layer(x)
    first, state = layer(x[:T])
    second, state = layer(x[T:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(state, end)


@pytest.mark.parametrize(("kind", "_"), LAYERS)
def test_a_layer_without_gradient_through_input_and_state(kind, _):
    layer = kind(3, 4)
    output, _ = layer(torch.randn(5, 2, 3))
    output.sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    with torch.no_grad():
        assert not layer(torch.randn(5, 2, 3))[0].requires_grad


@pytest.mark.parametrize(("kind", "cell"), [(RNN, RNNCell), (LSTM, LSTMCell), (GRU, GRUCell)])
def test_a_layer_is_its_cell_step_by_step(kind, cell):
    torch.manual_seed(2)
    layer, one = kind(3, 4), cell(3, 4)
    one.load_state_dict({name.removesuffix("_l0"): weight for name, weight in layer.state_dict().items()})
    x, state = torch.randn(7, 2, 3), None
    for t, h in enumerate(layer(x)[0]):
        state = one(x[t], state)
        torch.testing.assert_close(state[0] if isinstance(state, tuple) else state, h)


def test_noncontiguous_and_read_only_input_is_taken_and_left_alone():
    layer = GRU(3, 4, batch_first=True)
    array = np.random.default_rng(0).standard_normal((2, 3, 6)).astype(np.float32)
    before = array.copy()
    x = torch.from_numpy(array).transpose(1, 2)
    torch.testing.assert_close(layer(x)[0], layer(x.contiguous())[0])
    np.testing.assert_array_equal(array, before)


def test_dropout_lies_between_layers_and_in_training_alone():
    torch.manual_seed(0)
    layer, x = LSTM(3, 8, 2, dropout=0.5), torch.randn(4, 2, 3)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])
    single = LSTM(3, 8, dropout=0.5)
    assert torch.equal(single(x)[0], single(x)[0])


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_layers_refuse_what_does_not_fit(kind):
    layer = kind(3, 4, 2)
    for shape in ((5, 2, 4), (5, 3), (0, 2, 3)):
        with pytest.raises(ValueError, match=rf"{kind.__name__}: x has shape .*expected \(T, B, 3\)"):
            layer(torch.zeros(shape))
    bad = torch.zeros(1, 2, 4)
    with pytest.raises(ValueError, match=r"h has shape \(1, 2, 4\), expected \(2, 2, 4\)"):
        layer(torch.zeros(5, 2, 3), (bad, bad) if kind is LSTM else bad)
    with pytest.raises(ValueError, match=r"dropout=1.0"):
        kind(3, 4, dropout=1.0)
    with pytest.raises(ValueError, match=r"num_layers=True"):
        kind(3, 4, True)
    assert "3, 4, num_layers=2" in repr(layer)


def gradients(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    found = [scale * torch.randn(shape, generator=generator) for shape in ((3, 2), (4,), ())]
    return [(torch.zeros_like(g), g) for g in found]


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([1e-8, 1e-3, 1.0, 1e6]), st.sampled_from([1e-3, 1.0, 50.0]))
def test_clipping_is_pytorchs(seed, scale, max_norm):
    sets = []
    for clip in (clip_grad_norm, nn.utils.clip_grad_norm_):
        parameters = [nn.Parameter(p) for p, _ in gradients(seed, scale)]
        for p, (_, g) in zip(parameters, gradients(seed, scale), strict=True):
            p.grad = g
        sets.append((clip(iter(parameters), max_norm), [p.grad for p in parameters]))
    torch.testing.assert_close(sets[0], sets[1])
    length = torch.sqrt(sum(g.square().sum() for g in sets[0][1]))
    assert float(length) <= max_norm * (1 + 1e-5)


def test_clipping_of_nothing_of_one_tensor_and_of_nan():
    assert float(clip_grad_norm([], 1.0)) == 0.0
    single = nn.Parameter(torch.zeros(2))
    assert float(clip_grad_norm(single, 1.0)) == 0.0
    single.grad = torch.tensor([30.0, 40.0])
    assert float(clip_grad_norm(single, 5)) == 50.0
    torch.testing.assert_close(single.grad, torch.tensor([3.0, 4.0]))
    single.grad = torch.tensor([torch.nan, 1.0])
    assert torch.isnan(clip_grad_norm(single, 1.0))
    assert torch.isnan(single.grad).all()


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), True, "1", None])
def test_clipping_refuses_a_length_that_is_none(bad):
    with pytest.raises(ValueError, match="max_norm="):
        clip_grad_norm([], bad)


class Counting(nn.Module):
    """A model that remembers how it was called."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(5))
        self.calls = []

    def forward(self, x, state=None):
        self.calls.append((x.shape[1], None if state is None else (float(state), state.requires_grad)))
        state = (torch.tensor(0.0) if state is None else state) + x.shape[1] + 0 * self.weight.sum()
        return self.weight.expand(*x.shape, 5), state


def test_windows_follow_each_other_and_the_state_goes_on_without_its_graph():
    model = Counting()
    x = torch.arange(22).view(2, 11) % 5
    losses, state = truncated_bptt(model, x, x, torch.optim.SGD(model.parameters(), lr=0.1), window=4)
    assert model.calls == [(4, None), (4, (4.0, False)), (3, (8.0, False))]
    assert (float(state), state.requires_grad) == (11.0, False)
    assert losses[0] == pytest.approx(np.log(5))
    assert len(losses) == 3
    _, state = truncated_bptt(model, x, x, torch.optim.SGD(model.parameters(), lr=0.1), window=99, state=state)
    assert model.calls[-1] == (11, (11.0, False))


def test_the_gradient_of_a_window_is_shortened_before_the_step():
    model = Counting()
    x = torch.zeros(1, 3, dtype=torch.int64)
    truncated_bptt(model, x, x, torch.optim.SGD(model.parameters(), lr=1.0), window=3, clip_norm=0.01)
    assert float(model.weight.detach().norm()) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("x", "y", "window", "words"),
    [
        ((2, 4), (2, 5), 2, r"x has shape \(2, 4\) and y \(2, 5\)"),
        ((2, 0), (2, 0), 2, "T >= 1"),
        ((4,), (4,), 2, r"\(B, T\)"),
        ((2, 4), (2, 5), 0, r"x has shape .*; window=0 "),
        ((2, 4), (2, 4), 1.5, "window=1.5"),
    ],
)
def test_streams_that_do_not_fit_are_refused(x, y, window, words):
    model = Counting()
    with pytest.raises(ValueError, match=words):
        truncated_bptt(
            model,
            torch.zeros(x, dtype=torch.int64),
            torch.zeros(y, dtype=torch.int64),
            torch.optim.SGD(model.parameters(), lr=0.1),
            window=window,
        )
    assert model.calls == []


@pytest.mark.parametrize("name", ["rnn", "charmodel", "ngrams"])
def test_the_examples_of_the_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(f"mltoolkit.deep.{name}")).failed == 0


def test_the_public_face():
    names = {"RNNCell", "LSTMCell", "GRUCell", "RNN", "LSTM", "GRU", "CharModel", "NGram", "clip_grad_norm",
             "truncated_bptt", "as_streams"}  # fmt: skip
    assert names <= set(dir(deep))
