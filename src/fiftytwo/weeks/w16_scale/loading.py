"""The same training fed by a ``DataLoader`` and by indexed tensors, taken apart by the profiler."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from fiftytwo.weeks.w16_scale.digits import Digits, convolutions, cross_entropy
from mltoolkit.deep import Batches, Profile, Trainer, profile_training

if TYPE_CHECKING:
    from mltoolkit.deep.batches import Loader

BATCH = 64


class RowByRow:
    """PyTorch's ``DataLoader`` behind the interface that the trainer iterates."""

    def __init__(self, *tensors: Tensor) -> None:
        self._loader = DataLoader(TensorDataset(*tensors), batch_size=BATCH, shuffle=True)

    def __len__(self) -> int:
        return len(self._loader)

    def epoch(self, number: int, **_: int) -> Iterator[tuple[Tensor, ...]]:
        """An epoch; it cannot begin in the middle."""
        torch.manual_seed(number)
        for batch in self._loader:
            yield tuple(batch)


def profiles(data: Digits, steps: int, device: str) -> dict[str, Profile]:
    """Profile a few steps of a small convolutional network with either loader."""
    loaders: dict[str, Loader] = {
        "Batches": Batches(data.x, data.y, batch_size=BATCH),
        "DataLoader": RowByRow(data.x, data.y),
    }
    found = {}
    for name, loader in loaders.items():
        model = convolutions(seed=0)
        trainer = Trainer(model, cross_entropy, torch.optim.AdamW(model.parameters(), lr=1e-3), device=device)
        with _silent():
            found[name] = profile_training(trainer, loader, steps=steps, warmup=3)
    return found


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what the profiler's C++ code says on its start and stop out of the run's output."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nothing:  # noqa: PTH123 - a device, not a path
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
