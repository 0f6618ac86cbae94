"""The profile adds up, finds the loader, and leaves the trainer as it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - needs torch

from mltoolkit.deep import Batches, Trainer, profile_training  # noqa: E402
from mltoolkit.errors import BadInput  # noqa: E402


def trainer(**options: Any) -> Trainer:
    model = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 3))
    return Trainer(
        model,
        lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1]),
        torch.optim.SGD(model.parameters(), lr=0.01),
        **options,
    )


class Slow(Batches):
    """A loader that sleeps."""

    def epoch(self, number: int, **shares: int) -> Iterator[tuple[torch.Tensor, ...]]:
        for batch in super().epoch(number, **shares):
            time.sleep(0.02)
            yield batch


def test_the_profile_adds_up_and_finds_a_slow_loader() -> None:
    x, y = torch.rand(200, 40), torch.arange(200) % 3
    working = trainer()
    found = profile_training(working, Batches(x, y, batch_size=50), steps=6, warmup=2)
    assert working.callbacks == ()
    assert sum(operator.share for operator in found.operators) == pytest.approx(1.0)
    assert all(a.seconds >= b.seconds for a, b in zip(found.operators, found.operators[1:], strict=False))
    calls = {operator.name: operator.calls for operator in found.operators}
    assert calls["aten::addmm"] == 12
    assert found.peak_bytes >= 50 * 64 * 4
    assert list(found.frame(3).columns) == ["operator", "calls", "own time, ms", "share", "memory, MiB"]
    assert len(found.frame(3)) == 3
    slow = profile_training(trainer(), Slow(x, y, batch_size=50), steps=6, warmup=2)
    assert slow.median_wait >= 0.02
    assert slow.loading_share > found.loading_share


def test_faulty_options_are_refused(tmp_path: Any) -> None:
    batches = Batches(torch.rand(8, 40), torch.zeros(8, dtype=torch.int64), batch_size=4)
    with pytest.raises(BadInput, match="got steps=0, warmup=5"):
        profile_training(trainer(), batches, steps=0)
    with pytest.raises(BadInput, match="a trainer without checkpoints"):
        profile_training(trainer(checkpoints=tmp_path), batches)
