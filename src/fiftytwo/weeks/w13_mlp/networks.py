"""Small networks with known weights, and what PyTorch's automatic differentiation says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from fiftytwo.evidence import Measurement
from fiftytwo.measure import describe_type, difference, worst

ACTIVATIONS = ("relu", "tanh", "gelu")
CLOSE = 1e-10  # float64 against float64, some hundred operations deep
_PHI: Mapping[str, Any] = {"relu": torch.relu, "tanh": torch.tanh, "gelu": functional.gelu}


@dataclass(frozen=True, eq=False)
class Network:
    """Weights (fan_in, fan_out) and biases of each layer, samples X (n, d), and classes y (n,) from 0 to K - 1."""

    activation: str
    weights: tuple[NDArray[np.float64], ...]
    biases: tuple[NDArray[np.float64], ...]
    X: NDArray[np.float64]
    y: NDArray[np.int64]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Width of each hidden layer."""
        return tuple(b.size for b in self.biases[:-1])

    @property
    def inputs(self) -> dict[str, Any]:
        """What a call depends on, for the counter-example."""
        return {"weights": list(self.weights), "biases": list(self.biases), "X": self.X, "y": self.y}


@dataclass(frozen=True)
class Truth:
    """Logits, mean loss and gradients."""

    logits: NDArray[np.float64]
    loss: float
    weight_gradients: tuple[NDArray[np.float64], ...]
    bias_gradients: tuple[NDArray[np.float64], ...]


def network(
    rng: np.random.Generator,
    activation: str = "relu",
    *,
    n: int = 9,
    hidden: Sequence[int] = (7, 6),
    scale: float = 1.0,
) -> Network:
    """Five columns, four classes, and biases that are not 0; ``scale`` multiplies the last layer."""
    sizes = [5, *hidden, 4]
    weights = [rng.normal(0.0, np.sqrt(2.0 / a), (a, b)) for a, b in pairwise(sizes)]
    biases = [rng.normal(0.0, 0.5, b) for b in sizes[1:]]
    weights[-1], biases[-1] = weights[-1] * scale, biases[-1] * scale
    X, y = rng.standard_normal((n, 5)), np.concatenate([np.arange(4), rng.integers(0, 4, max(0, n - 4))])[:n]
    return Network(activation, tuple(weights), tuple(biases), X, y)


@cache
def truth(net: Network) -> Truth:
    """By automatic differentiation in double precision."""
    weights = [torch.tensor(w, requires_grad=True) for w in net.weights]
    biases = [torch.tensor(b, requires_grad=True) for b in net.biases]
    logits = _logits(net, weights, biases)
    loss = functional.cross_entropy(logits, torch.tensor(net.y))
    found = [g.numpy() for g in torch.autograd.grad(loss, [*weights, *biases])]
    half = len(weights)
    return Truth(logits.detach().numpy(), loss.item(), tuple(found[:half]), tuple(found[half:]))


def _logits(net: Network, weights: Sequence[Any], biases: Sequence[Any]) -> Any:
    h = torch.tensor(net.X)
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        h = _PHI[net.activation](h @ W + b)
    return h @ weights[-1] + biases[-1]


def trained(net: Network, optimizer: str, steps: int, **options: Any) -> list[NDArray[np.float64]]:
    """Weights, then biases, after steps of ``torch.optim`` on all samples at once."""
    parameters = [torch.tensor(a, requires_grad=True) for a in (*net.weights, *net.biases)]
    method = getattr(torch.optim, optimizer)(parameters, **options)
    for _ in range(steps):
        method.zero_grad()
        logits = _logits(net, parameters[: len(net.weights)], parameters[len(net.weights) :])
        functional.cross_entropy(logits, torch.tensor(net.y)).backward()  # type: ignore[no-untyped-call]
        method.step()
    return [p.detach().numpy() for p in parameters]


def made(lab: Any, net: Network, **options: Any) -> Any:
    """The solution's network with these weights."""
    return lab.solution.NumpyMLP(net.hidden, activation=net.activation, **options).set_weights(
        list(net.weights), list(net.biases)
    )


def shifted(net: Network, step: float, direction: Sequence[NDArray[np.float64]]) -> Network:
    """The network a step along a direction: one array for each weight, then for each bias."""
    moved = [a + step * d for a, d in zip((*net.weights, *net.biases), direction, strict=True)]
    return replace(net, weights=tuple(moved[: len(net.weights)]), biases=tuple(moved[len(net.weights) :]))


def listed(got: Any, expected: Sequence[Any], bound: float, *, call: str, inputs: Mapping[str, Any]) -> Measurement:
    """The largest difference between two lists of arrays or tensors; a gate when there is no such list."""
    if not isinstance(got, list | tuple):
        return Measurement(float("nan"), gate=f"expected a list of {len(expected)} arrays, got {describe_type(got)}",
                           call=call, inputs=dict(inputs))  # fmt: skip
    if len(got) != len(expected):
        return Measurement(float("nan"), gate=f"expected {len(expected)} arrays, got {len(got)}", call=call,
                           inputs=dict(inputs))  # fmt: skip
    return worst(
        (
            difference(one, known, call=f"{call}[{i}]", inputs=inputs)
            for i, (one, known) in enumerate(zip(got, expected, strict=True))
        ),
        bound,
    )


def parts(found: Any, call: str) -> tuple[Any, Any, Any] | Measurement:
    """What ``loss_and_gradients`` gave, taken apart; a gate when there are not three parts."""
    if isinstance(found, list | tuple) and len(found) == 3:
        return found[0], found[1], found[2]
    gate = f"expected loss, weight gradients and bias gradients, got {describe_type(found)}"
    return Measurement(float("nan"), gate=gate, call=call)
