"""Week 13's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fiftytwo.plan import Mistake
from mltoolkit.deep.mlp import MLP, NumpyAdam, NumpyMLP, NumpySGD

Array = NDArray[np.float64]
Gradients = tuple[float, list[Array], list[Array]]


class SumsTheGradient(NumpyMLP):
    """The gradient of the sum beside the loss of the mean."""

    def loss_and_gradients(self, X: ArrayLike, y: ArrayLike) -> Gradients:
        """Forget to divide by n."""
        loss, by_weights, by_biases = super().loss_and_gradients(X, y)
        n = len(np.asarray(X))
        return loss, [n * g for g in by_weights], [n * g for g in by_biases]


class ForgetsTheOneHot(NumpyMLP):
    """The softmax itself as the derivative by the logits."""

    def _loss_and_gradients(self, X: Array, codes: NDArray[np.intp]) -> Gradients:
        inputs, sums = self._forward(X)
        loss, _, _ = super()._loss_and_gradients(X, codes)
        powers = np.exp(sums[-1] - sums[-1].max(axis=1, keepdims=True))
        return loss, *self._backward(inputs, sums, powers / powers.sum(axis=1, keepdims=True) / len(X))


class ForgetsTheSlope(NumpyMLP):
    """Errors go backwards through the weights alone."""

    def _backward(self, inputs: list[Array], sums: list[Array], errors: Array) -> tuple[list[Array], list[Array]]:
        by_weights, by_biases = [], []
        for layer in range(len(sums) - 1, -1, -1):
            by_weights.append(inputs[layer].T @ errors)
            by_biases.append(errors.sum(axis=0))
            errors = errors @ self.weights_[layer].T
        return by_weights[::-1], by_biases[::-1]


class SlopeAtTheOutput(NumpyMLP):
    """The activation's slope at its output in place of its input; ReLU forgives that, tanh and GELU do not."""

    def _backward(self, inputs: list[Array], sums: list[Array], errors: Array) -> tuple[list[Array], list[Array]]:
        return super()._backward(inputs, [*inputs[1:], sums[-1]], errors)


class ForgetsTheBiasGradient(NumpyMLP):
    """Biases that never learn."""

    def _backward(self, inputs: list[Array], sums: list[Array], errors: Array) -> tuple[list[Array], list[Array]]:
        by_weights, by_biases = super()._backward(inputs, sums, errors)
        return by_weights, [np.zeros_like(g) for g in by_biases]


class OverflowingSoftmax(NumpyMLP):
    """exp of the logits as they are."""

    def predict_proba(self, X: ArrayLike) -> Array:
        """Infinity over infinity."""
        with np.errstate(all="ignore"):
            powers = np.exp(self.forward(X))
            return np.asarray(powers / powers.sum(axis=1, keepdims=True))


class StartsAtZero(NumpyMLP):
    """All weights 0, so that all units of a layer stay alike."""

    def initialize(self, n_features: int, n_classes: int, rng: np.random.Generator) -> NumpyMLP:
        """Draw nothing."""
        super().initialize(n_features, n_classes, rng)
        self.weights_ = [np.zeros_like(w) for w in self.weights_]
        return self


class StartsTooSmall(NumpyMLP):
    """A variance of 1 / fan_in whatever the activation: ReLU halves the signal's square in every layer."""

    def initialize(self, n_features: int, n_classes: int, rng: np.random.Generator) -> NumpyMLP:
        """Leave the gain out."""
        super().initialize(n_features, n_classes, rng)
        if self.activation != "tanh":
            self.weights_ = [w / math.sqrt(2.0) for w in self.weights_]
        return self


class DropsTheLastBatch(NumpyMLP):
    """Samples that do not fill a batch are left out."""

    def _epoch(self, X: Array, codes: NDArray[np.intp]) -> None:
        kept = max(len(X) // self.batch_size, 1) * self.batch_size
        super()._epoch(X[:kept], codes[:kept])


class NeverShuffles(NumpyMLP):
    """Batches in the order of the rows, epoch after epoch."""

    def _epoch(self, X: Array, codes: NDArray[np.intp]) -> None:
        drawing = self._rng
        self._rng = _AsTheyCome()  # type: ignore[assignment]
        super()._epoch(X, codes)
        self._rng = drawing


class _AsTheyCome:
    """Stands for a generator that permutes nothing."""

    def permutation(self, n: int) -> NDArray[np.intp]:
        """0 to n - 1."""
        return np.arange(n)


class AveragedMomentum(NumpySGD):
    """(1 - momentum) before the gradient: a tenth of the rate that was asked for."""

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> list[Array]:
        """Average instead of adding up."""
        pulls = [g + self.weight_decay * p for p, g in zip(parameters, gradients, strict=True)]
        before = self._velocity or [np.zeros_like(p) for p in parameters]
        self._velocity = [self.momentum * v + (1.0 - self.momentum) * g for v, g in zip(before, pulls, strict=True)]
        return [p - self.learning_rate * v for p, v in zip(parameters, self._velocity, strict=True)]


class UncorrectedAdam(NumpyAdam):
    """Both means as they are, far too small in the first steps."""

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> list[Array]:
        """Leave both corrections out."""
        rate, eps = self.learning_rate, self.eps
        step, (first, second) = self._steps + 1, self.betas
        # The reference divides by both factors; a rate and an eps that undo it give what no correction would.
        root = math.sqrt(1.0 - second**step)
        self.eps = eps / root
        moved = super().step(parameters, gradients)
        self.eps = eps
        shrunk = [(1.0 - rate * self.weight_decay) * p if self.decoupled else p for p in parameters]
        factor = (1.0 - first**step) / root
        return [s + factor * (m - s) for s, m in zip(shrunk, moved, strict=True)]


class DecayInTheMeans(NumpyAdam):
    """AdamW asked for, Adam with an L2 penalty given."""

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> list[Array]:
        """Add the decay to the gradient, always."""
        asked, self.decoupled = self.decoupled, False
        moved = super().step(parameters, gradients)
        self.decoupled = asked
        return moved


class ActivatesTheLogits(MLP):
    """An activation after the last layer too."""

    def forward(self, x: Tensor) -> Tensor:
        """No logit below 0."""
        return torch.relu(super().forward(x))


class StartsAsLinearDoes(MLP):
    """Layers as torch.nn.Linear makes them: a third of the variance of 1 / fan_in, from the global generator."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for layer in self.layers:
            layer.reset_parameters()  # type: ignore[operator]


mistakes = (
    Mistake("gradient not averaged", {"NumpyMLP": SumsTheGradient},
            "Your gradients are those of the sum over samples; the loss is their mean, so divide by n once."),
    Mistake("softmax without the one-hot", {"NumpyMLP": ForgetsTheOneHot},
            "Your derivative by the logits is the softmax; it is softmax(z) minus 1 at the true class."),
    Mistake("slope of the activation left out", {"NumpyMLP": ForgetsTheSlope},
            "Your errors pass each activation unchanged; multiply them by its slope at the sums before it."),
    Mistake("slope at the output", {"NumpyMLP": SlopeAtTheOutput},
            "Your slope is taken at the activation's output; the chain rule wants it at the sums that went in."),
    Mistake("bias gradient missing", {"NumpyMLP": ForgetsTheBiasGradient},
            "Your bias gradients are 0; a bias gets the sum of the errors over the samples."),
    Mistake("softmax overflow", {"NumpyMLP": OverflowingSoftmax},
            "Your exp overflows; subtract each row's largest logit first, which changes no probability."),
    Mistake("starts at zero", {"NumpyMLP": StartsAtZero},
            "Your weights begin at 0: all units of a layer get the same gradient and never become different."),
    Mistake("starts too small", {"NumpyMLP": StartsTooSmall},
            "Your initial variance is 1 / fan_in; ReLU and GELU need 2 / fan_in, or the signal fades layer by layer."),
    Mistake("drops the last batch", {"NumpyMLP": DropsTheLastBatch},
            "Your epoch leaves out the samples that do not fill a batch; the last batch may be smaller."),
    Mistake("never shuffles", {"NumpyMLP": NeverShuffles},
            "Your batches come in the order of the rows; draw a new permutation in every epoch."),
    Mistake("momentum as an average", {"NumpySGD": AveragedMomentum},
            "Your velocity multiplies the gradient by 1 - momentum; torch.optim.SGD adds the gradient as it is."),
    Mistake("Adam without bias correction", {"NumpyAdam": UncorrectedAdam},
            "Your means begin at 0 and are used as they are; divide them by 1 - β₁ᵗ and 1 - β₂ᵗ, with t from 1."),
    Mistake("weight decay in Adam's means", {"NumpyAdam": DecayInTheMeans},
            "Your decay is in the gradient and divided by √v̂; decoupled, it shrinks the weights beside the step."),
    Mistake("activation after the last layer", {"MLP": ActivatesTheLogits},
            "Your logits pass an activation; cross-entropy wants them as they are, negative ones too."),
    Mistake("starts as torch.nn.Linear does", {"MLP": StartsAsLinearDoes},
            "Your layers keep PyTorch's own initial weights; draw normal ones of variance gain² / fan_in, biases 0."),
)  # fmt: skip
