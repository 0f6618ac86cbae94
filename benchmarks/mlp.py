"""Week 13: one epoch of a multilayer perceptron beside the usual PyTorch loop.

60,000 x 784 float32 in memory, a network 784-512-512-10 of ReLUs (that of PyTorch's quick start), batches of 128,
AdamW. The peer is the loop of the tutorials: TensorDataset, DataLoader(shuffle=True) in its own process, ``zero_grad``,
``backward``, ``step``, float32. Ours is Trainer with Batches: one indexing operation a batch, fused AdamW, matrix
products in bfloat16.

Equal: both begin with the same weights, take the same number of steps at the same rate, each in its own random order;
at the end ours is no worse on 10,000 other rows: by 1.5 points of accuracy, and by 15% of the mean loss or 0.02 nats,
which is what two orders differ by. Ours counts the mean training loss besides, the peer's loop counts nothing.

The second row is the same without bfloat16: what is gained on a processor that has no instructions for it.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from harness import Row, main
from mltoolkit.deep import MLP, Batches, Trainer

ROWS, HELD_OUT, BATCH, RATE = 60_000, 10_000, 128, 1e-3


def digits(rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows like MNIST's: ten classes of six shapes each, blotched, mostly blank, from 0 to 1."""
    shapes = torch.rand(60, 784, generator=torch.Generator().manual_seed(0)).pow(6)
    generator = torch.Generator().manual_seed(seed)
    which = torch.randint(60, (rows,), generator=generator)
    blots = torch.randn(rows, 784, generator=generator).mul_(0.5)
    return (shapes[which] + blots).clamp_(0.0, 1.0), which % 10


TRAIN, TEST = digits(ROWS, 1), digits(HELD_OUT, 2)
START = MLP(784, (512, 512), 10, generator=torch.Generator().manual_seed(0))


def ours(precision: Any) -> nn.Module:
    """An epoch of the toolkit's trainer."""
    model = copy.deepcopy(START)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    trainer = Trainer(model, _loss, optimizer, precision=precision)
    trainer.fit(Batches(*TRAIN, batch_size=BATCH), epochs=1)
    return model


def _loss(model: nn.Module, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return functional.cross_entropy(model(batch[0]), batch[1])


def peer() -> nn.Module:
    """An epoch as the tutorials write it."""
    model = copy.deepcopy(START)
    loader = DataLoader(TensorDataset(*TRAIN), batch_size=BATCH, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return model


def same(mine: nn.Module, theirs: nn.Module) -> str:
    """Whether ours learned as well."""
    found = []
    for model in (mine, theirs):
        with torch.no_grad():
            logits = model(TEST[0])
        found.append(
            (float((logits.argmax(1) == TEST[1]).float().mean()), float(functional.cross_entropy(logits, TEST[1])))
        )
    (accuracy, loss), (known, theirs_loss) = found
    if known - accuracy > 0.015:
        return f"accuracies {accuracy:.3f} and {known:.3f}"
    if loss - theirs_loss > max(0.02, 0.15 * theirs_loss):
        return f"losses {loss:.3f} and {theirs_loss:.3f}"
    return ""


def rows() -> list[Row]:
    """With bfloat16, and without."""
    workload = f"{ROWS:,} x 784, 784-512-512-10, batches of {BATCH}, one epoch"
    call = f"DataLoader(TensorDataset(x, y), batch_size={BATCH}, shuffle=True), AdamW, float32"
    return [
        Row(f"MLP epoch, {name}", workload, call, lambda precision=precision: ours(precision), peer, same, goal)
        for name, precision, goal in (("bf16", "bf16", 2.0), ("fp32", "fp32", 1.2))
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main("mlp", rows(), ("fiftytwo", "torch", "numpy"), pairs=5)
