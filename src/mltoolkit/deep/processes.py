"""One training run on several processes, as ``torchrun`` starts them.

``torchrun --nproc-per-node 2 train.py`` starts the script twice and tells each copy its rank. The trainer joins them:
every process works on its share of each batch, and ``DistributedDataParallel`` averages the gradients, so all hold
the same weights. Without ``torchrun`` there is one process, and everything here does nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from mltoolkit.errors import ToolkitError

_PATIENCE = timedelta(seconds=120)  # for a process that is silent; one that died is noticed at once


class ProcessLost(ToolkitError, RuntimeError):
    """Another process of the run ended or fell silent, so no gradient can be averaged any more."""


@dataclass(frozen=True)
class Processes:
    """A process among those of its run: ``rank`` from 0, ``world`` in all."""

    rank: int = 0
    world: int = 1

    def sum(self, value: float) -> float:
        """A number, added up over all processes."""
        if self.world == 1:
            return value
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        # Double precision: a count of rows must come out whole.
        total = torch.tensor(value, dtype=torch.float64, device=device)
        dist.all_reduce(total)
        return float(total)

    def first(self, value: Any) -> Any:
        """Rank 0's value, in every process."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def all(self, value: Any) -> list[Any]:
        """The values of all processes, by rank."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started; within the block a lost one is named.

    Yields
    ------
    Processes
        Rank 0 of 1 without ``torchrun``.

    Raises
    ------
    ProcessLost
        When another process ends or does not answer within two minutes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 and not dist.is_initialized():
        yield Processes()
        return
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
        # Not at the end of the block: a second group on the same store would meet the first one's addresses and hang.
        atexit.register(_part)
    rank, world = dist.get_rank(), dist.get_world_size()
    try:
        yield Processes(rank, world)
    except RuntimeError as error:
        if isinstance(error, ToolkitError) or not _is_lost(error):
            raise
        raise ProcessLost(
            f"process {rank} of {world}: another process of this run ended or did not answer. Start the run again "
            "with resume=True: it goes on from the last checkpoint"
        ) from error


def _part() -> None:
    with contextlib.suppress(RuntimeError):  # a group with a dead member may not part in peace
        dist.destroy_process_group()


def _is_lost(error: RuntimeError) -> bool:
    """Whether an error came from the connection, and not from the model."""
    return isinstance(error, dist.DistError) or any(word in str(error) for word in ("gloo", "NCCL", "Connection "))


def own_device(device: torch.device) -> torch.device:
    """The GPU that belongs to this process, when there is one for each; else the device as it is."""
    if device.type != "cuda" or "LOCAL_RANK" not in os.environ:
        return device
    return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
