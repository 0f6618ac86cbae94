"""What becomes of a gradient on its way back through time, and what clipping saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mltoolkit.deep import GRU, LSTM, RNN, CharModel, as_streams, torch_threads

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

STEPS = 100  # how far back the gradient is followed
OPEN = 4.0  # added to the forget gates' bias, so that they begin open
_HIDDEN, _INPUT, _ROWS = 64, 16, 32
CELLS: Mapping[
    str, tuple[str, float, float]
] = {  # name of the cell, forget bias, scale of a rotation as W_hh (0: none)
    "RNN": ("RNNCell", 0.0, 0.0),
    "LSTM": ("LSTMCell", 0.0, 0.0),
    "GRU": ("GRUCell", 0.0, 0.0),
    "LSTM, forget gates open": ("LSTMCell", OPEN, 0.0),
    "RNN, rotation times 2": ("RNNCell", 0.0, 2.0),
}


def norms_through_time(solution: Any, name: str, forget_bias: float, scale: float, seed: int) -> NDArray[np.float64]:
    """Length of the gradient of the last step's output with respect to h, 0 to ``STEPS - 1`` steps before.

    Means over rows of random input, relative to the last step's.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x = torch.randn(STEPS, _ROWS, _INPUT, generator=generator)
    direction = torch.randn(_ROWS, _HIDDEN, generator=generator)
    cell = getattr(solution, name)(_INPUT, _HIDDEN)
    with torch.no_grad():
        if forget_bias:
            cell.bias_ih[_HIDDEN : 2 * _HIDDEN] += forget_bias
        if scale:
            rotation, _ = torch.linalg.qr(torch.randn(_HIDDEN, _HIDDEN, generator=generator))
            cell.weight_hh.copy_(scale * rotation)
    states, state = [], None
    with torch_threads(1):
        for t in range(STEPS):
            state = cell(x[t], state)
            h = state[0] if isinstance(state, tuple) else state
            h.retain_grad()
            states.append(h)
        (states[-1] * direction).sum().backward()
    lengths = np.array([float(h.grad.norm(dim=1).mean()) for h in reversed(states)])
    relative: NDArray[np.float64] = lengths / lengths[0]
    return relative


def exploding(solution: Any, text: str, clip_norm: float | None, seed: int) -> tuple[list[float], list[float]]:
    """Loss and length of the gradient, step by step, of an Elman network whose W_hh is twice a rotation."""
    torch.manual_seed(seed)
    model = CharModel(CharModel.vocabulary_of(text), core="rnn", hidden_size=_HIDDEN)
    with torch.no_grad():
        rotation, _ = torch.linalg.qr(torch.randn(_HIDDEN, _HIDDEN))
        model.core.weight_hh_l0.copy_(2.0 * rotation)
    x, y = as_streams(model.encode(text), 16)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    losses, lengths, state = [], [], None
    with torch_threads(1):
        for start in range(0, x.shape[1] - 64, 64):
            logits, state = model(x[:, start : start + 64], state)
            state = state.detach()
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), y[:, start : start + 64].flatten())
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            lengths.append(float(solution.clip_grad_norm(model.parameters(), clip_norm or 1e30)))
            optimizer.step()
            losses.append(loss.item())
    return losses, lengths


# --- how far back a planted signal can be used -------------------------------------------------------------

CLASSES = 4
_RECALLERS: Mapping[str, tuple[Any, float]] = {
    "RNN": (RNN, 0.0),
    "LSTM": (LSTM, 0.0),
    "GRU": (GRU, 0.0),
    "LSTM, forget gates open": (LSTM, OPEN),
}


def recalled(lab: Lab, distances: tuple[int, ...], seeds: int, steps: int) -> dict[str, NDArray[np.float64]]:
    """Share of signals that are recalled, by cell; an array (seeds, distances)."""
    found = {name: np.empty((seeds, len(distances))) for name in _RECALLERS}
    rounds = [(name, i, j) for name in found for i in range(seeds) for j in range(len(distances))]
    with torch_threads(1):
        for name, seed, j in lab.progress(rounds, "a signal at growing distance"):
            found[name][seed, j] = _recall(*_RECALLERS[name], distances[j], steps, lab.seed + seed)
    return found


def planted(generator: torch.Generator, distance: int, rows: int) -> tuple[Tensor, Tensor]:
    """One of four signals, then so many steps of noise: x of shape (distance + 1, rows, 8), classes (rows,)."""
    classes = torch.randint(CLASSES, (rows,), generator=generator)
    x = torch.zeros(distance + 1, rows, CLASSES + 4)
    x[0, torch.arange(rows), classes] = 1.0
    x[1:, :, CLASSES:] = torch.randn(distance, rows, 4, generator=generator)
    return x, classes


def _recall(core: Any, forget_bias: float, distance: int, steps: int, seed: int) -> float:
    """Share of 512 new signals that a model names after training on ``steps`` batches."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    layer, head = core(CLASSES + 4, 32), nn.Linear(32, CLASSES)
    if forget_bias:
        with torch.no_grad():
            layer.bias_ih_l0[32:64] += forget_bias
    parameters = [*layer.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=5e-3)
    for _ in range(steps):
        x, classes = planted(generator, distance, 32)
        loss = nn.functional.cross_entropy(head(layer(x)[0][-1]), classes)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    x, classes = planted(generator, distance, 512)
    with torch.no_grad():
        return float((head(layer(x)[0][-1]).argmax(1) == classes).double().mean())


def stepwise(solution: Any, name: str, weights: Mapping[str, Tensor], ids: Tensor, V: int) -> Tensor:
    """Hidden states of a cell with a layer's weights, going through one-hot characters one by one: (T, H)."""
    cell = getattr(solution, name)(V, weights["weight_hh_l0"].shape[1])
    cell.load_state_dict({key.removesuffix("_l0"): weight for key, weight in weights.items()})
    state, states = None, []
    for x in nn.functional.one_hot(ids, V).to(weights["weight_hh_l0"]):
        state = cell(x[None], state)
        states.append((state[0] if isinstance(state, tuple) else state).detach())
    return torch.cat(states)
