"""What bfloat16 gains and what it costs, with the learner's own step; these functions run where the solution lives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fiftytwo.weeks.w16_scale.digits import cross_entropy, perceptron

PRECISIONS = ("fp32", "bf16")


def support() -> str:
    """How this processor multiplies bfloat16: in tiles, in vectors, or by way of float32."""
    if torch.cpu._is_amx_tile_supported():
        return "AMX tiles"
    if torch.cpu._is_avx512_bf16_supported():
        return "AVX-512 vectors"
    return "no instructions of its own"


def learn(solution: Any, data: Sequence[Tensor], width: int, epochs: int, seeds: int, device: str) -> dict[str, Tensor]:
    """Which test rows are right, by precision: a row of 0 and 1 for each seed, shape (seeds, rows)."""
    x, y, test_x, test_y = (tensor.to(device) for tensor in data)
    right: dict[str, list[Tensor]] = {precision: [] for precision in PRECISIONS}
    for seed in range(seeds):
        for precision in PRECISIONS:
            model = perceptron(x.shape[1], width, seed).to(device)
            optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, fused=True)
            draws = torch.Generator().manual_seed(seed)
            for _ in range(epochs):
                for rows in torch.split(torch.randperm(len(x), generator=draws), 128):
                    _step(solution, model, optimizer, [(x[part], y[part]) for part in torch.split(rows, 64)], precision)
            with torch.no_grad():
                right[precision].append((model(test_x).argmax(dim=1) == test_y).float().cpu())
    return {precision: torch.stack(rows) for precision, rows in right.items()}


def paces(
    solution: Any, widths: Sequence[int], rows: int, steps: int, pairs: int, device: str
) -> dict[int, list[list[float]]]:
    """Seconds of a step by width: for each pair of runs, one after the other, ``[fp32, bf16]``."""
    draws = torch.Generator().manual_seed(0)
    found: dict[int, list[list[float]]] = {}
    for width in widths:
        x, y = torch.rand(rows, width, generator=draws), torch.randint(10, (rows,), generator=draws)
        runs = [_runner(solution, width, (x.to(device), y.to(device)), precision) for precision in PRECISIONS]
        for run in runs:
            run(1)  # warm
        many = steps * (max(widths) // width)  # small steps are soon done: more of them, for the same certainty
        found[width] = [[run(many) / many for run in runs] for _ in range(pairs)]
    return found


def _runner(solution: Any, width: int, batch: tuple[Tensor, Tensor], precision: str) -> Any:
    model = perceptron(width, width, 0).to(batch[0].device)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def run(steps: int) -> float:
        begun = time.perf_counter()
        for _ in range(steps):
            _step(solution, model, optimizer, [batch], precision)  # gives a float, so a GPU has finished
        return time.perf_counter() - begun

    return run


def _step(solution: Any, model: nn.Module, optimizer: Any, parts: list[Any], precision: str) -> None:
    optimizer.zero_grad(set_to_none=True)
    solution.accumulate(model, cross_entropy, parts, precision=precision)
    optimizer.step()
