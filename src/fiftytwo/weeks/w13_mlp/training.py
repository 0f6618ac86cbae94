"""The week's work where the networks live: these functions run beside the solution and give back plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from fiftytwo.weeks.w13_mlp.digits import Digits
from mltoolkit.deep import Batches, Trainer, torch_threads, warmup_cosine

Curve = list[float]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the same numbers serve both."""

    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    rate: float
    decay: float
    precision: Literal["fp32", "bf16"]  # of the network in PyTorch
    threads: int = 0  # of PyTorch; 0 is its own choice


@dataclass(frozen=True)
class Learned:
    """Mean training loss and test accuracy after each epoch, and the probabilities of the test rows at the end."""

    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    probabilities: NDArray[np.float64]


def by_hand(solution: Any, digits: Digits, recipe: Recipe, seed: int) -> tuple[Curve, Curve, NDArray[np.float64]]:
    """Train the NumPy network, an epoch at a time."""
    train, test = digits.scaled(digits.train), digits.scaled(digits.test)
    model = solution.NumpyMLP(
        recipe.hidden, learning_rate=recipe.rate, weight_decay=recipe.decay, batch_size=recipe.batch_size,
        random_state=seed,
    )  # fmt: skip
    accuracies = []
    for _ in range(recipe.epochs):
        model.partial_fit(train, digits.train_labels)
        accuracies.append(float(np.mean(model.predict(test) == digits.test_labels)))
    return [float(x) for x in model.loss_curve_], accuracies, np.asarray(model.predict_proba(test))


def cross_entropy(model: Any, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The loss that the trainer minimises."""
    x, y = batch
    return functional.cross_entropy(model(x), y)


def by_torch(solution: Any, digits: Digits, recipe: Recipe, seed: int) -> tuple[Curve, Curve, NDArray[np.float64]]:
    """Train the network in PyTorch with the year's trainer."""
    train, test = (torch.tensor(digits.scaled(x), dtype=torch.float32) for x in (digits.train, digits.test))
    labels, known = torch.tensor(digits.train_labels), torch.tensor(digits.test_labels)
    model = solution.MLP(train.shape[1], recipe.hidden, 10, generator=torch.Generator().manual_seed(seed))
    batches = Batches(train, labels, batch_size=recipe.batch_size, seed=seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=recipe.decay, fused=True)
    total = recipe.epochs * len(batches)
    trainer = Trainer(
        model, cross_entropy, optimizer, schedule=warmup_cosine(total // 20, total), precision=recipe.precision,
        device="cpu", seed=seed,
    )  # fmt: skip

    def validate(module: Any) -> dict[str, float]:
        with torch.no_grad():
            logits = module(test)
        return {"loss": float(functional.cross_entropy(logits, known)),
                "accuracy": float((logits.argmax(1) == known).float().mean())}  # fmt: skip

    with torch_threads(recipe.threads):
        history = trainer.fit(batches, epochs=recipe.epochs, validate=validate)
    with torch.no_grad():
        probabilities = torch.softmax(model(test).double(), dim=1).numpy()
    records = [record for record in history.records if "accuracy" in record.metrics]
    return [float(r.loss) for r in records], [float(r.metrics["accuracy"]) for r in records], probabilities


def rate_curves(
    solution: Any, digits: Digits, rates: Sequence[float], epochs: int, seed: int
) -> tuple[list[Curve], list[Curve]]:
    """Training and validation losses of plain descent at each learning rate; a curve ends where it is not finite."""
    train, test = digits.scaled(digits.train), digits.scaled(digits.test)
    curves: tuple[list[Curve], list[Curve]] = ([], [])
    for rate in rates:
        model = solution.NumpyMLP((64, 32), optimizer="sgd", momentum=0.0, learning_rate=rate, random_state=seed)
        held: Curve = []
        for _ in range(epochs):
            try:
                model.partial_fit(train, digits.train_labels)
            except ArithmeticError:
                break
            held.append(float(model.loss_and_gradients(test, digits.test_labels)[0]))
        curves[0].append([float(x) for x in model.loss_curve_][: len(held)])
        curves[1].append(held)
    return curves


def from_start(
    solution: Any, digits: Digits, weights: Sequence[NDArray[np.float64]], epochs: int, seed: int
) -> tuple[list[float], list[float]]:
    """The norm of each layer's weight gradient at a start, and the losses of training from there."""
    train, y = digits.scaled(digits.train), digits.train_labels
    biases = [np.zeros(w.shape[1]) for w in weights]
    hidden = tuple(w.shape[1] for w in weights[:-1])
    model = solution.NumpyMLP(hidden, batch_size=64, random_state=seed).set_weights(list(weights), biases)
    norms = [float(np.sqrt(np.mean(np.square(g)))) for g in model.loss_and_gradients(train, y)[1]]
    for _ in range(epochs):
        try:
            model.partial_fit(train, y)
        except ArithmeticError:
            break
    return norms, [float(x) for x in model.loss_curve_]
