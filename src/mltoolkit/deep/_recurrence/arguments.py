"""What cells, layers and streams are handed, checked; every fault in one message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mltoolkit.errors import BadInput


def check_sizes(**sizes: Any) -> None:
    """Every size is a whole number of at least 1."""
    faults = [
        f"{name}={size!r} must be a whole number of at least 1"
        for name, size in sizes.items()
        if isinstance(size, bool) or not isinstance(size, int) or size < 1
    ]
    if faults:
        raise BadInput("; ".join(faults))


def check_cell(cell: Any, x: Tensor, state: Sequence[Tensor], *, parts: int) -> tuple[Tensor, ...]:
    """The parts of a cell's state, zeros when there are none, each of the shape that x asks for."""
    name = type(cell).__name__
    if x.ndim != 2 or x.shape[1] != cell.input_size:
        raise BadInput(f"{name}: x has shape {tuple(x.shape)}, expected (B, {cell.input_size})")
    wanted = (x.shape[0], cell.hidden_size)
    if not state:
        return tuple(torch.zeros(wanted, dtype=x.dtype, device=x.device) for _ in range(parts))
    _check_state(name, state, wanted, parts)
    return tuple(state)


def check_layer(layer: Any, batch: int, like: Tensor, state: Sequence[Tensor], *, parts: int) -> tuple[Tensor, ...]:
    """The same for a layer, whose state has an axis of layers in front."""
    wanted = (layer.num_layers, batch, layer.hidden_size)
    if not state:
        return tuple(torch.zeros(wanted, dtype=like.dtype, device=like.device) for _ in range(parts))
    _check_state(type(layer).__name__, state, wanted, parts)
    return tuple(state)


def _check_state(name: str, state: Sequence[Tensor], wanted: tuple[int, ...], parts: int) -> None:
    letters = ("h", "c")[:parts]
    if len(state) != parts:
        raise BadInput(f"{name}: the state has {len(state)} tensors, expected {parts}: {' and '.join(letters)}")
    faults = [
        f"{letter} has shape {tuple(part.shape)}, expected {wanted}"
        for letter, part in zip(letters, state, strict=True)
        if tuple(part.shape) != wanted
    ]
    if faults:
        raise BadInput(f"{name}: " + "; ".join(faults))


def check_streams(x: Tensor, y: Tensor, window: Any) -> None:
    """Streams and what follows them, and the window that cuts them."""
    faults = []
    if x.ndim != 2 or x.shape != y.shape or x.numel() == 0:
        faults.append(f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}, expected the same (B, T) with T >= 1")
    if isinstance(window, bool) or not isinstance(window, int) or window < 1:
        faults.append(f"window={window!r} must be a whole number of at least 1")
    if faults:
        raise BadInput("truncated_bptt: " + "; ".join(faults))
