"""Small experiments that run where the learner's code lives: each takes the solution first and returns plain data."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def gradients(
    solution: Any, name: str, tensors: Sequence[Tensor], options: Mapping[str, Any], weights: Tensor | None = None
) -> list[Tensor]:
    """Gradients of the weighted sum of a result with respect to each tensor in floating point."""
    given = [tensor.clone().requires_grad_(tensor.is_floating_point()) for tensor in tensors]
    result = getattr(solution, name)(*given, **options)
    (result if weights is None else (result * weights).sum()).backward()
    return [torch.zeros_like(one) if one.grad is None else one.grad for one in given if one.requires_grad]


def seconds(solution: Any, x: Tensor, weight: Tensor) -> list[float]:
    """Best time of five for the solution's convolution and for PyTorch's, in turn."""
    pairs = []
    for _ in range(5):
        started = time.perf_counter()
        solution.conv2d(x, weight, padding=1)
        between = time.perf_counter()
        nn.functional.conv2d(x, weight, padding=1)
        pairs.append((between - started, time.perf_counter() - between))
    return [min(pair[i] for pair in pairs) for i in (0, 1)]


def augmented(solution: Any, name: str, images: Tensor, options: Mapping[str, Any], seed: int = 0) -> Tensor:
    """What an augmentation makes of a batch with a fresh generator."""
    generator = torch.Generator().manual_seed(seed)
    found: Tensor = getattr(solution, name)(images, **options, generator=generator)
    return found


def manners(solution: Any, name: str, images: Tensor, options: Mapping[str, Any]) -> str:
    """What an augmentation does besides: text of what is wrong, empty when nothing is."""
    before, state = images.clone(), torch.get_rng_state()
    first, second = (augmented(solution, name, images, options, seed) for seed in (1, 1))
    other = augmented(solution, name, images, options, 2)
    faults = []
    if not torch.equal(images, before):
        faults.append("the given images were changed")
    if not torch.equal(torch.get_rng_state(), state):
        faults.append("draws were taken from torch's own generator")
    if not torch.equal(first, second):
        faults.append("the same seed gave two results")
    if torch.equal(first, other):
        faults.append("two seeds gave the same result")
    return "; ".join(faults)


def _watched() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def _fill(model: nn.Module, value: float) -> None:
    """Change every weight and buffer in place, as an optimizer does."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.fill_(value)


def _contents(model: nn.Module) -> list[float]:
    """The single value of each tensor of a model; NaN where it holds more than one."""
    flat = [tensor.double().flatten() for tensor in model.state_dict().values()]
    return [float(one[0]) if bool((one == one[0]).all()) else float("nan") for one in flat]


def watched(
    solution: Any, options: Mapping[str, Any], figures: Sequence[float], handover: int | None = None
) -> dict[str, Any]:
    """Give an early stop one figure after the other, of a model whose tensors all hold the number of the epoch.

    At ``handover`` a new object goes on from the old one's state. Afterwards the model is overwritten and restored.
    """
    stopping, model = solution.EarlyStopping(**options), _watched()
    stops, counts = [], []
    for epoch, figure in enumerate(figures):
        if epoch == handover:
            state = copy.deepcopy(stopping.state_dict())
            stopping = solution.EarlyStopping(**options)
            stopping.load_state_dict(state)
        _fill(model, float(epoch + 1))
        stops.append(bool(stopping.update(figure, model)))
        counts.append((stopping.best, stopping.best_step))
    _fill(model, 99.0)
    restored = stopping.restore(model)
    return {"stops": stops, "best": counts, "weights": _contents(model), "restored": restored}
