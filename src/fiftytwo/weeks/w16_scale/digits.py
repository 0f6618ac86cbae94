"""The data and the networks that the build trains: handwritten digits as small pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_TEST = 500
_MNIST_TEST = 10_000  # its last rows


@dataclass(frozen=True)
class Digits:
    """Pictures of shape (n, 64 or 784) from 0 to 1, and their digits; some are held out."""

    name: str
    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor


def digits(lab: Lab) -> Digits:
    """MNIST in the full profile, scikit-learn's digits in the quick one."""
    data = lab.data("mnist" if lab.full else "digits")
    held = _MNIST_TEST if lab.full else _TEST
    order = np.arange(len(data.target)) if lab.full else lab.rng.permutation(len(data.target))
    x, y = _pictures(data.data[order]), torch.from_numpy(data.target[order].astype(np.int64))
    return Digits("MNIST" if lab.full else "digits", x[:-held], y[:-held], x[-held:], y[-held:])


def _pictures(values: Any) -> Tensor:
    flat = torch.from_numpy(np.asarray(values, dtype=np.float32)).reshape(len(values), -1)
    return flat / flat.max()


def perceptron(inputs: int, width: int, seed: int) -> nn.Module:
    """Two hidden layers."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
        )


def convolutions(seed: int, width: int = 24) -> nn.Module:
    """A small convolutional network over square pictures that come as rows."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return nn.Sequential(
            _Square(),
            nn.Conv2d(1, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(16 * width, 10),
        )


class _Square(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        side = int(x.shape[1] ** 0.5)
        return x.reshape(len(x), 1, side, side)


def cross_entropy(model: Any, batch: tuple[Tensor, ...]) -> Tensor:
    """Mean cross-entropy of a batch."""
    return nn.functional.cross_entropy(model(batch[0]), batch[1])
