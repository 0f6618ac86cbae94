"""What a working engineer would use in place of the network by hand: the same interface over PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from mltoolkit.deep import MLP, Batches


class NumpyMLP:
    """The methods that the build calls, with the gradients by autograd and the steps by torch.optim."""

    def __init__(
        self,
        hidden: Sequence[int],
        *,
        optimizer: str = "adam",
        learning_rate: float = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        batch_size: int = 32,
        random_state: int = 0,
    ) -> None:
        self.hidden, self.batch_size, self.seed = tuple(hidden), batch_size, random_state
        self.optimizer: dict[str, Any] = {"lr": learning_rate, "weight_decay": weight_decay}
        self.optimizer |= {"momentum": momentum} if optimizer == "sgd" else {"fused": True}
        self.loss_curve_: list[float] = []
        self.module: MLP | None = None

    def set_weights(self, weights: Sequence[NDArray[Any]], biases: Sequence[NDArray[Any]]) -> NumpyMLP:
        """Take over weights."""
        self._begin(weights[0].shape[0]).set_weights(weights, biases)
        return self

    def loss_and_gradients(
        self, X: NDArray[Any], y: NDArray[Any]
    ) -> tuple[float, list[NDArray[Any]], list[NDArray[Any]]]:
        """By automatic differentiation."""
        loss, by_weights, by_biases = self._network(X).loss_and_gradients(*_tensors(X, y))
        return loss, [g.numpy() for g in by_weights], [g.numpy() for g in by_biases]

    def partial_fit(self, X: NDArray[Any], y: NDArray[Any]) -> NumpyMLP:
        """An epoch."""
        module, total = self._network(X), 0.0
        batches = Batches(*_tensors(X, y), batch_size=self.batch_size, seed=self.seed)
        for x, labels in batches.epoch(len(self.loss_curve_)):
            loss = functional.cross_entropy(module(x), labels)
            self.method.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.method.step()
            total += float(loss.detach()) * len(x)
        self.loss_curve_.append(total / len(X))
        return self

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities."""
        with torch.no_grad():
            logits = self._network(X)(torch.tensor(X, dtype=torch.float32)).double()
        return np.asarray(torch.softmax(logits, dim=1).numpy())

    def predict(self, X: NDArray[Any]) -> NDArray[np.intp]:
        """The likeliest class."""
        return np.asarray(np.argmax(self.predict_proba(X), axis=1))

    def _network(self, X: NDArray[Any]) -> MLP:
        return self.module or self._begin(X.shape[1])

    def _begin(self, columns: int) -> MLP:
        generator = torch.Generator().manual_seed(self.seed)
        self.module = MLP(columns, self.hidden, 10, generator=generator)
        kind = torch.optim.SGD if "momentum" in self.optimizer else torch.optim.AdamW
        self.method = kind(self.module.parameters(), **self.optimizer)
        return self.module


def _tensors(X: NDArray[Any], y: NDArray[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(X, dtype=torch.float32), torch.tensor(y)
