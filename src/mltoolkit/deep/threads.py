"""How many threads PyTorch computes with, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mltoolkit.errors import BadInput


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """PyTorch with so many threads on the processor, and as before afterwards.

    Of small matrices two threads take longer than one, since each waits for the other in a loop, and far longer beside
    other work. One thread also gives the same bits on every machine.

    Parameters
    ----------
    count : int
        Threads within one operation; 0 leaves the number as it is.

    Raises
    ------
    BadInput
        When ``count`` is negative.

    Examples
    --------
    >>> import torch
    >>> before = torch.get_num_threads()
    >>> with torch_threads(1):
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    if count < 0:
        raise BadInput(f"torch_threads: count={count} is negative; 0 leaves the number of threads as it is")
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
