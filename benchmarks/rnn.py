"""Week 15: training steps of recurrent layers and character models, beside PyTorch's, in single precision.

A step is forward, loss and backward; what is compared is every gradient, which may differ by 1e-5 of the largest. The
layers see dense input of width 64. The character models have an embedding of width 256, one layer of 256 and a linear
head, as a working engineer would put them together: nn.Embedding, nn.LSTM or nn.GRU, nn.Linear. The optimizer is left
out, since it is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from harness import Row, main
from mltoolkit.deep import GRU, LSTM, CharModel

B, T, INPUT, HIDDEN, V = 64, 64, 64, 256, 65

torch.manual_seed(0)
X = torch.randn(T, B, INPUT)
WEIGHTS = torch.randn(T, B, HIDDEN) / (T * B)
IDS = torch.randint(0, V, (B, T))
TARGETS = torch.randint(0, V, (B, T))


class Composed(nn.Module):
    """A character model of PyTorch's parts."""

    def __init__(self, core: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(V, HIDDEN)
        self.core = getattr(nn, core.upper())(HIDDEN, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, V)

    def forward(self, ids: Tensor) -> tuple[Tensor, Any]:
        """Logits, and the state."""
        hidden, state = self.core(self.embedding(ids))
        return self.head(hidden), state


def layer_step(layer: nn.Module) -> Callable[[], list[Tensor]]:
    """Gradients of a step through a layer."""

    def step() -> list[Tensor]:
        layer.zero_grad()
        (layer(X)[0] * WEIGHTS).sum().backward()
        return [p.grad for p in layer.parameters() if p.grad is not None]

    return step


def model_step(model: nn.Module) -> Callable[[], list[Tensor]]:
    """Gradients of a step of a character model."""

    def step() -> list[Tensor]:
        model.zero_grad()
        nn.functional.cross_entropy(model(IDS)[0].flatten(0, 1), TARGETS.flatten()).backward()
        return [p.grad for p in model.parameters() if p.grad is not None]

    return step


def same(mine: list[Tensor], theirs: list[Tensor]) -> str:
    """Whether all gradients agree."""
    gap = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(mine, theirs, strict=True))
    return "" if gap <= 1e-5 else f"a gradient differs by {gap:.2g} of the largest"


def layers(ours: type[nn.Module], peer: type[nn.Module], goal: float) -> Row:
    """A row of two layers with the same weights."""
    mine, theirs = ours(INPUT, HIDDEN), peer(INPUT, HIDDEN)
    theirs.load_state_dict(mine.state_dict())
    name = ours.__name__
    workload = f"B {B}, T {T}, input {INPUT}, hidden {HIDDEN}: forward and backward"
    return Row(
        f"{name} layer", workload, f"nn.{name}({INPUT}, {HIDDEN})", layer_step(mine), layer_step(theirs), same, goal
    )


def models(core: str, goal: float) -> Row:
    """A row of two character models with the same weights."""
    mine = CharModel("".join(map(chr, range(40, 40 + V))), core=core, embedding_size=HIDDEN, hidden_size=HIDDEN)
    theirs = Composed(core)
    theirs.load_state_dict(mine.state_dict())
    workload = f"B {B}, T {T}, vocabulary {V}, embedding and hidden {HIDDEN}: a training step without the optimizer"
    peer = f"nn.Embedding, nn.{core.upper()}, nn.Linear"
    return Row(f"character model, {core.upper()}", workload, peer, model_step(mine), model_step(theirs), same, goal)


if __name__ == "__main__":
    torch.set_num_threads(1)
    rows = [layers(LSTM, nn.LSTM, 0.8), layers(GRU, nn.GRU, 1.5), models("lstm", 0.8), models("gru", 1.5)]
    main("rnn", rows, ("torch", "numpy"), pairs=5)
