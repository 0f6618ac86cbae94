"""A small network of the solution's own layers, trained where the learner's code lives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w14_cnn.shapes import draw

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_TRAINING, _TEST = 800, 300
_EPOCHS, _BATCH, _RATE = 6, 50, 0.005


def handmade(lab: Lab) -> Iterator[Check]:
    """One check: the parts work together."""

    def accuracy() -> Measurement:
        images, labels = draw(lab.rng, _TRAINING + _TEST)
        share, losses = lab.solution.apply(train, images, labels, lab.seed)
        if not np.isfinite(losses).all():
            return difference(np.asarray(losses), np.zeros(len(losses)), call="losses of the network, batch by batch")
        return Measurement(float(share), call="accuracy on shapes that it has not seen")

    yield Check(
        "a network of these layers recognises shapes",
        accuracy,
        at_least=0.3,
        why="Guessing reaches a tenth: layers, loss and augmentations learn together.",
        hint=("Look at the gradients of each part first.",),
    )


def train(solution: Any, images: NDArray[np.uint8], labels: NDArray[np.int64], seed: int) -> tuple[float, list[float]]:
    """Accuracy on the last pictures after a few epochs on the others, and the loss of each batch."""
    draws = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    x = (x - x.mean(dim=(2, 3), keepdim=True)) / 50.0  # shapes are brighter or darker than their own ground
    y = torch.from_numpy(labels)
    weights = [_initial(shape, draws) for shape in ((12, 3, 5, 5), (12,), (24, 12, 3, 3), (24,), (10, 384), (10,))]
    with torch.no_grad():
        weights[4] *= 0.1  # scores begin small, so that the first loss is that of guessing
    optimizer = torch.optim.Adam(weights, lr=_RATE)
    losses = []
    for _ in range(_EPOCHS):
        for rows in torch.split(torch.randperm(_TRAINING, generator=draws), _BATCH):
            batch = solution.random_flip(solution.random_crop(x[rows], 1, generator=draws), generator=draws)
            loss = solution.label_smoothing_loss(_scores(solution, batch, weights), y[rows], 0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    with torch.no_grad():
        right = _scores(solution, x[_TRAINING:], weights).argmax(1) == y[_TRAINING:]
    return float(right.double().mean()), losses


def _initial(shape: tuple[int, ...], draws: torch.Generator) -> Tensor:
    """Normal with variance 2 / inputs for filters, zeros for a bias."""
    scale = math.sqrt(2.0 / math.prod(shape[1:])) if len(shape) > 1 else 0.0
    return (scale * torch.randn(shape, generator=draws)).requires_grad_()


def _scores(solution: Any, x: Tensor, weights: list[Tensor]) -> Tensor:
    hidden = solution.conv2d(x, weights[0], weights[1], stride=2, padding=2).relu()
    hidden = solution.max_pool2d(hidden, 2)
    hidden = solution.conv2d(hidden, weights[2], weights[3], padding=1).relu()
    scores: Tensor = solution.max_pool2d(hidden, 2).flatten(1) @ weights[4].T + weights[5]
    return scores
