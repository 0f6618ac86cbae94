"""One training run, written so that it can happen where the learner's code lives and send back plain data alone.

Batches, loop and schedule are the trainer's; augmentations, the loss and the early stop are those of the solution.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fiftytwo.weeks.w14_cnn.pictures import Pictures
from mltoolkit.deep import Batches, ConvNet, Trainer, torch_threads, warmup_cosine

Array = NDArray[np.float64]
_MOMENTUM = 0.9
_DECAY = 5e-4
_EVALUATE = 500  # pictures at a time


@dataclass(frozen=True)
class Recipe:
    """How to train: all that makes a run, so that the same recipe gives the same run."""

    epochs: int
    seed: int
    look_every: int = 1  # epochs between two validations
    augment: bool = False
    smoothing: float = 0.0
    patience: int = 0  # epochs without improvement before a stop; 0 trains to the end
    falling: bool = True  # the rate falls to 0 along a cosine; False keeps it
    width: int = 8
    stem_stride: int = 1
    batch_size: int = 64
    rate: float = 0.1
    padding: int = 4
    hole: int = 8
    precision: str = "fp32"
    threads: int = 0  # of PyTorch; 0 is its own choice


@dataclass(frozen=True)
class Outcome:
    """What a run found out; curves have an entry an epoch."""

    training_loss: Array
    validation_loss: Array  # nats, against unsoftened classes
    validation_accuracy: Array
    fingerprints: tuple[str, ...]  # of the weights after each epoch
    kept: str  # fingerprint of the weights that the run ended with
    best_epoch: int | None  # by the early stop, counted from 0
    probabilities: NDArray[np.float32]  # of the test pictures, shape (n, K)
    filters: NDArray[np.float32]  # of the first layer, shape (w, 3, 3, 3)


def run(solution: Any, pictures: Pictures, recipe: Recipe) -> dict[str, Any]:
    """Train by a recipe and judge by the test pictures; returns the fields of an ``Outcome``."""
    with torch_threads(recipe.threads):
        return _trained(solution, pictures, recipe)


def _trained(solution: Any, pictures: Pictures, recipe: Recipe) -> dict[str, Any]:
    torch.manual_seed(recipe.seed)
    model = ConvNet(recipe.width, len(pictures.classes), stem_stride=recipe.stem_stride)
    model = model.to(memory_format=torch.channels_last)
    parts = {part: (_tensor(pictures, x), torch.from_numpy(y)) for part, (x, y) in pictures.parts.items()}
    batches = Batches(*parts["training"], batch_size=recipe.batch_size, seed=recipe.seed, drop_last=True,
                      transform=_augmentation(solution, recipe) if recipe.augment else None)  # fmt: skip
    losses: list[list[float]] = [[]]

    def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        images, labels = batch
        value: Tensor = solution.label_smoothing_loss(model(images).float(), labels, recipe.smoothing)
        losses[-1].append(float(value.detach()))
        return value

    curve: list[tuple[float, float, str]] = []

    def validate(model: nn.Module) -> dict[str, float]:
        logits = _logits(model, parts["validation"][0])
        labels = parts["validation"][1]
        surprise = float(nn.functional.cross_entropy(logits, labels))
        accuracy = float((logits.argmax(1) == labels).double().mean())
        curve.append((surprise, accuracy, fingerprint(model)))
        losses.append([])
        return {"loss": surprise, "accuracy": accuracy}

    stopping = solution.EarlyStopping(patience=recipe.patience) if recipe.patience else None
    optimizer = torch.optim.SGD(model.parameters(), recipe.rate, _MOMENTUM, weight_decay=_DECAY, nesterov=True)
    steps = recipe.epochs * len(batches)
    schedule = warmup_cosine(max(1, steps // 10), steps, floor=0.0) if recipe.falling else None
    trainer = Trainer(model, loss, optimizer, schedule=schedule, precision=recipe.precision, early_stopping=stopping,
                      seed=recipe.seed)  # fmt: skip
    trainer.fit(batches, epochs=recipe.epochs, validate=validate, validate_every=recipe.look_every * len(batches))
    return {
        "training_loss": np.array([np.mean(epoch) for epoch in losses[: len(curve)]]),
        "validation_loss": np.array([row[0] for row in curve]),
        "validation_accuracy": np.array([row[1] for row in curve]),
        "fingerprints": tuple(row[2] for row in curve),
        "kept": fingerprint(model),
        "best_epoch": None if stopping is None else stopping.best_step,
        "probabilities": _logits(model, parts["test"][0]).softmax(1).numpy(),
        "filters": model.body[0][0].weight.detach().contiguous().numpy(),
    }


def _augmentation(solution: Any, recipe: Recipe) -> Callable[..., tuple[Tensor, ...]]:
    def transform(images: Tensor, labels: Tensor, *, generator: torch.Generator) -> tuple[Tensor, ...]:
        images = solution.random_crop(images, recipe.padding, generator=generator)
        images = solution.random_flip(images, generator=generator)
        images = solution.cutout(images, recipe.hole, generator=generator)
        return images.contiguous(memory_format=torch.channels_last), labels

    return transform


def _tensor(pictures: Pictures, images: NDArray[np.uint8]) -> Tensor:
    """Pictures in floating point, centred and scaled by the training part, shape (n, 3, 32, 32)."""
    mean, scale = (torch.tensor(values, dtype=torch.float32)[:, None, None] for values in pictures.moments)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    return ((pixels - mean) / scale).contiguous(memory_format=torch.channels_last)


def _logits(model: nn.Module, images: Tensor) -> Tensor:
    """Scores in use, not in training: running means of the norms, no gradient."""
    training = model.training
    model.eval()
    with torch.inference_mode():
        scores = torch.cat([model(part).float() for part in torch.split(images, _EVALUATE)])
    model.train(training)
    return scores


def fingerprint(model: nn.Module) -> str:
    """Hash over every bit of the weights and buffers."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
