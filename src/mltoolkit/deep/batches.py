"""Batches straight from tensors in memory.

A ``DataLoader`` fetches one row after another, collates them and may ship them between processes; for data that fits
into memory one indexing operation gives the same batch in a tenth of the time. The order of an epoch depends on the
seed and the epoch's number alone, so a run that was killed in the middle of one finds its place again.

Both classes follow one small protocol, which :class:`~mltoolkit.deep.Trainer` iterates::

    len(batches)                                        batches an epoch
    batches.order                                       what decides the order, as plain data
    batches.epoch(number, start=0, rank=0, world=1)     batches from the start-th on; of each, this rank's share
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mltoolkit.errors import BadInput

Batch = tuple[Tensor, ...]


class Loader(Protocol):
    """What the trainer iterates. ``order`` may be missing; a resumed run then cannot tell other data from its own."""

    def __len__(self) -> int:
        """Batches an epoch."""
        ...

    def epoch(self, number: int, *, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """The batches of an epoch."""
        ...


class Batches:
    """Shuffled batches of rows from tensors of equal length.

    Parameters
    ----------
    *tensors : Tensor of shape (n, ...)
        Such as images and labels. They may live on any device; batches are cut there.
    batch_size : int
        Rows of a batch.
    shuffle : bool, default True
        Draw a new order for each epoch; False keeps the rows as they are.
    seed : int, default 0
        Decides all orders, and the random numbers of ``transform``.
    transform : function (*batch, generator) -> tuple of Tensor, optional
        Applied to each batch, such as an augmentation. ``generator`` is a ``torch.Generator`` on the CPU whose state
        depends on the seed, the epoch, the batch and the rank alone, and is passed by keyword.
    drop_last : bool, default False
        Leave out a last batch that is smaller than the others.

    Raises
    ------
    BadInput
        When there is no tensor, when lengths differ or are 0, or when ``batch_size`` or ``seed`` is out of range.

    Examples
    --------
    >>> import torch
    >>> batches = Batches(torch.arange(5), batch_size=2, shuffle=False)
    >>> [rows.tolist() for (rows,) in batches.epoch(0)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        *tensors: Tensor,
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        transform: Callable[..., Batch] | None = None,
        drop_last: bool = False,
    ) -> None:
        faults = _faults(batch_size, seed)
        lengths = sorted({len(tensor) for tensor in tensors})
        if not tensors:
            faults.append("no tensor was given")
        elif len(lengths) > 1:
            faults.append(f"the tensors have {' and '.join(map(str, lengths))} rows; expected the same number")
        elif lengths[0] < (batch_size if drop_last else 1):
            faults.append(f"{lengths[0]} rows give no batch of {batch_size}")
        if faults:
            raise BadInput("Batches: " + "; ".join(faults))
        self.tensors = tensors
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.transform = transform
        self.drop_last = drop_last

    def __len__(self) -> int:
        rows = len(self.tensors[0])
        return rows // self.batch_size if self.drop_last else -(-rows // self.batch_size)

    @property
    def order(self) -> dict[str, Any]:
        """What the order of rows depends on; two runs with the same see the same batches."""
        return {
            "rows": len(self.tensors[0]),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "seed": self.seed,
            "drop_last": self.drop_last,
        }

    def epoch(self, number: int, *, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """The batches of an epoch.

        Parameters
        ----------
        number : int
            Epoch, from 0.
        start : int, default 0
            First batch to give; those before it cost nothing.
        rank, world : int, default 0 and 1
            Of each batch give every ``world``-th row from ``rank`` on. Together the ranks see each row once; the
            shares of a batch differ by at most one row, so the last may be empty.

        Yields
        ------
        tuple of Tensor
        """
        rows = len(self.tensors[0])
        order = torch.randperm(rows, generator=generator(self.seed, number)) if self.shuffle else torch.arange(rows)
        for index in range(start, len(self)):
            chosen = order[index * self.batch_size : (index + 1) * self.batch_size][rank::world]
            batch = tuple(tensor[chosen.to(tensor.device)] for tensor in self.tensors)
            if self.transform is not None:
                batch = self.transform(*batch, generator=generator(self.seed, number, index, rank))
            yield batch


class Windows:
    """Windows of one long sequence, for models that predict the next token.

    Each epoch cuts the sequence at another random place into windows without overlap, and gives them in random
    order; so every token is learnt from in each epoch, save for a few at the ends, with other neighbours each time.

    Parameters
    ----------
    ids : Tensor of shape (n,)
        Token ids of any integer dtype; small ones save memory.
    length : int
        Tokens of a window, T; ``n`` must be larger.
    batch_size : int
        Windows of a batch, B.
    seed : int, default 0
    shuffle : bool, default True
        False cuts from the first token on and keeps the order, as for a validation loss.

    Raises
    ------
    BadInput
        When ``ids`` is not one sequence of more than ``length`` integers, or a number is out of range.

    Examples
    --------
    >>> import torch
    >>> (x, y), = Windows(torch.arange(7), length=3, batch_size=8, shuffle=False).epoch(0)
    >>> x.tolist(), y.tolist()
    ([[0, 1, 2], [3, 4, 5]], [[1, 2, 3], [4, 5, 6]])
    """

    def __init__(self, ids: Tensor, length: int, batch_size: int, seed: int = 0, *, shuffle: bool = True) -> None:
        faults = _faults(batch_size, seed)
        if length < 1:
            faults.append(f"length={length} is below 1")
        if ids.ndim != 1 or ids.is_floating_point() or ids.is_complex():
            faults.append(f"ids has shape {tuple(ids.shape)} and dtype {ids.dtype}; expected (n,) and integers")
        elif len(ids) <= length:
            faults.append(f"{len(ids)} ids are too few for a window of {length} and the token after it")
        if faults:
            raise BadInput("Windows: " + "; ".join(faults))
        self.ids = ids
        self.length = length
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle

    @property
    def _count(self) -> int:
        """Windows an epoch; when shuffled, one fewer than fit, which leaves room to move the cuts."""
        fit = (len(self.ids) - 1) // self.length
        return max(fit - 1, 1) if self.shuffle else fit

    def __len__(self) -> int:
        return -(-self._count // self.batch_size)

    @property
    def order(self) -> dict[str, Any]:
        """What the order of windows depends on."""
        return {
            "ids": len(self.ids),
            "length": self.length,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "seed": self.seed,
        }

    def epoch(self, number: int, *, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """The batches of an epoch: x and y of shape (B, T), y one token ahead; parameters as for :class:`Batches`."""
        order, offset = torch.arange(self._count), 0
        if self.shuffle:
            draws = generator(self.seed, number)
            order = torch.randperm(self._count, generator=draws)
            room = len(self.ids) - 1 - self._count * self.length
            offset = int(torch.randint(room + 1, (), generator=draws))
        steps = torch.arange(self.length + 1)
        for index in range(start, len(self)):
            chosen = order[index * self.batch_size : (index + 1) * self.batch_size][rank::world]
            places = offset + chosen[:, None] * self.length + steps
            tokens = self.ids[places.to(self.ids.device)].long()
            yield tokens[:, :-1], tokens[:, 1:]


def generator(*key: int) -> torch.Generator:
    """A generator on the CPU whose stream belongs to a few numbers, such as seed, epoch and batch."""
    # SeedSequence mixes the numbers well; seed + epoch would give run 0's epoch 1 and run 1's epoch 0 the same order.
    (state,) = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state))


def _faults(batch_size: int, seed: int) -> list[str]:
    faults = [f"batch_size={batch_size} is below 1"] if batch_size < 1 else []
    return [*faults, f"seed={seed} is negative"] if seed < 0 else faults
