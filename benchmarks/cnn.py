"""One training step of ResNet-9: the toolkit's trainer in channels_last and bf16 beside a plain loop in fp32 and NCHW.

Workload: width 32, batches of 128 pictures of 32 × 32, SGD with momentum. Both sides start from the same weights and
see the same batches, three steps a call, on the same number of threads.

Equality: the mean loss over the steps differs by less than 2%. bf16 has eight bits of mantissa, so losses
agree in two digits and not in more.

Rows without a goal say where a gain comes from, or does not: the layout alone, the precision alone, the norm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from harness import Row, main
from mltoolkit.deep import Batches, ConvNet, Trainer

WIDTH, BATCH, STEPS = 32, 128, 3
_CLOSE = 0.02
_PICTURES = torch.randn(BATCH * STEPS, 3, 32, 32, generator=torch.Generator().manual_seed(0))
_CLASSES = torch.randint(10, (BATCH * STEPS,), generator=torch.Generator().manual_seed(1))


def _network(norm: str = "batch") -> ConvNet:
    torch.manual_seed(0)
    return ConvNet(WIDTH, norm=norm)


def _optimizer(model: nn.Module) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, nesterov=True)


def plain(norm: str = "batch") -> float:
    """The loop of the PyTorch tutorials: fp32, NCHW; returns the mean loss."""
    model = _network(norm)
    optimizer, total = _optimizer(model), 0.0
    for x, y in zip(_PICTURES.split(BATCH), _CLASSES.split(BATCH), strict=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += float(loss.detach())
    return total / STEPS


def ours(*, precision: str = "bf16", layout: torch.memory_format = torch.channels_last, norm: str = "batch") -> float:
    """The same through the trainer; returns the mean loss."""
    model = _network(norm).to(memory_format=layout)
    batches = Batches(_PICTURES.contiguous(memory_format=layout), _CLASSES, batch_size=BATCH, shuffle=False)

    def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        return nn.functional.cross_entropy(model(batch[0]).float(), batch[1])

    history = Trainer(model, loss, _optimizer(model), precision=precision).fit(batches, epochs=1)
    return float(history.records[-1].loss)


def close(mine: float, theirs: float) -> str:
    """What differs, or nothing."""
    gap = abs(mine - theirs) / theirs
    return "" if gap < _CLOSE else f"mean losses {mine:.4f} and {theirs:.4f} differ by {gap:.1%}"


def row(name: str, work: Callable[[], Any], goal: float | None = None, peer: Callable[[], Any] = plain) -> Row:
    """One comparison with the plain loop."""
    workload = f"ResNet-9, width {WIDTH}, {STEPS} steps of {BATCH} pictures"
    return Row(name, workload, "PyTorch loop, fp32, NCHW", work, peer, close, goal)


if __name__ == "__main__":
    nchw = torch.contiguous_format
    main(
        "cnn",
        [
            row("channels_last and bf16", ours, 2.0),
            row("channels_last alone", lambda: ours(precision="fp32")),
            row("bf16 alone", lambda: ours(layout=nchw)),
            row("the trainer alone", lambda: ours(precision="fp32", layout=nchw)),
            row("group norm, channels_last and bf16", lambda: ours(norm="group"), peer=lambda: plain("group")),
        ],
        ("torch",),
        pairs=5,
    )
