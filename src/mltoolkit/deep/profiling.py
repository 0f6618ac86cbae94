"""Where the time and the memory of a training run go, by ``torch.profiler``.

The profiler names operators; what people ask first is another question: does the model wait for its data? So the
loader is timed from outside, by the clock, while the operators are counted from inside.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.profiler import ProfilerActivity, profile

from mltoolkit.deep.batches import Batch, Loader
from mltoolkit.deep.history import Record
from mltoolkit.deep.trainer import Trainer
from mltoolkit.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Operator:
    """An operator of PyTorch over all its calls.

    ``seconds`` is its own time, without that of operators it calls, on the device where the model is; ``share`` of the
    own time of all operators; ``memory_bytes`` what its calls allocated and did not free again themselves.
    """

    name: str
    calls: int
    seconds: float
    share: float
    memory_bytes: int


@dataclass(frozen=True)
class Profile:
    """A few training steps, taken apart.

    Attributes
    ----------
    operators : tuple of Operator
        By own time, the largest first.
    steps : int
        Steps that were profiled.
    seconds : float
        Wall time of these steps, with the profiler's own cost.
    loading_share : float
        Share of the wall time in which the next batch was waited for, from 0 to 1.
    median_wait : float
        Seconds of the median wait for a batch, which a busy neighbour moves less than the share.
    peak_bytes : int
        Largest memory that PyTorch held at one time on the device, beyond what it held before the first step.
    device : str
        ``"cpu"`` or ``"cuda"``.
    """

    operators: tuple[Operator, ...]
    steps: int
    seconds: float
    loading_share: float
    median_wait: float
    peak_bytes: int
    device: str

    def frame(self, top: int = 10) -> pd.DataFrame:
        """The operators with the most time: operator, calls, milliseconds, share, memory in MiB."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "operator": operator.name,
                    "calls": operator.calls,
                    "own time, ms": 1e3 * operator.seconds,
                    "share": operator.share,
                    "memory, MiB": operator.memory_bytes / 2**20,
                }
                for operator in self.operators[:top]
            ]
        )


def profile_training(trainer: Trainer, train: Loader, *, steps: int = 20, warmup: int = 5) -> Profile:
    """Train for a few steps and see where the time and the memory go.

    Parameters
    ----------
    trainer : Trainer
        It begins a new run and its model learns; it must keep no checkpoints.
    train : Batches, Windows or another object with their interface
    steps : int, default 20
        Steps to profile.
    warmup : int, default 5
        Steps before them, in which memory is allocated and kernels are chosen.

    Returns
    -------
    Profile

    Raises
    ------
    BadInput
        When ``steps`` or ``warmup`` is below 1, or when the trainer keeps checkpoints.
    """
    if steps < 1 or warmup < 1 or trainer.checkpoints is not None:
        raise BadInput(
            f"profile_training: got steps={steps}, warmup={warmup}; expected at least 1 of each, and a trainer "
            "without checkpoints"
        )
    cuda = trainer.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    profiler = profile(activities=activities, profile_memory=True, acc_events=True)
    clock = _Clock(trainer.device)
    loader = _Timed(train, clock)

    def watch(_: Trainer, record: Record) -> None:
        if record.step == warmup:
            clock.start()
            profiler.start()
        elif record.step == warmup + steps:
            clock.stop()
            profiler.stop()

    callbacks = trainer.callbacks
    trainer.callbacks = (*callbacks, watch)
    try:
        trainer.fit(loader, steps=warmup + steps)
    finally:
        trainer.callbacks = callbacks
    return Profile(
        operators=_operators(profiler, cuda),
        steps=steps,
        seconds=clock.seconds,
        loading_share=sum(clock.waits) / clock.seconds,
        median_wait=statistics.median(clock.waits),
        peak_bytes=_peak(profiler, trainer.device),
        device=trainer.device.type,
    )


class _Clock:
    """Wall time of the profiled steps, and how much of it went into waiting for data."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._begun = 0.0
        self.running = False
        self.seconds = 0.0
        self.waits: list[float] = []

    def start(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
        self.running = True
        self._begun = time.perf_counter()

    def stop(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self.running, self.seconds = False, time.perf_counter() - self._begun


class _Timed:
    """A loader whose batches are timed."""

    def __init__(self, train: Loader, clock: _Clock) -> None:
        self._train = train
        self._clock = clock

    def __len__(self) -> int:
        return len(self._train)

    def epoch(self, number: int, **shares: int) -> Iterator[Batch]:
        batches = self._train.epoch(number, **shares)
        while True:
            begun = time.perf_counter()
            batch = next(batches, None)
            if self._clock.running:
                self._clock.waits.append(time.perf_counter() - begun)
            if batch is None:
                return
            yield batch


def _operators(profiler: Any, cuda: bool) -> tuple[Operator, ...]:
    found = []
    for event in profiler.key_averages():
        microseconds = event.self_device_time_total if cuda else event.self_cpu_time_total
        memory = event.self_device_memory_usage if cuda else event.self_cpu_memory_usage
        found.append((event.key, int(event.count), 1e-6 * float(microseconds), int(memory)))
    whole = sum(seconds for _, _, seconds, _ in found) or 1.0
    operators = [Operator(name, calls, seconds, seconds / whole, memory) for name, calls, seconds, memory in found]
    named = [operator for operator in operators if operator.name != "[memory]"]  # frees outside of any operator
    return tuple(sorted(named, key=lambda operator: (-operator.seconds, operator.name)))


def _peak(profiler: Any, device: torch.device) -> int:
    """The largest memory held at one time, beyond that of the first moment."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    held = peak = 0
    for event in sorted(profiler.events(), key=lambda event: event.time_range.start):
        held += int(event.self_cpu_memory_usage)
        peak = max(peak, held)
    return peak
