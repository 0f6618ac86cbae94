"""Nested state, such as an optimizer's, as a tree of plain data beside named tensors; and the random states.

JSON alone loses what a state is made of: keys that are integers, tuples, infinities, tensors. Each of these is written
as an object with one key that says what it is, and a dictionary as a list of pairs.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor


def pack(value: Any, tensors: dict[str, Tensor], faults: list[str], place: str, seen: dict[Any, str]) -> Any:
    """The value as JSON can hold it; its tensors go to ``tensors``, what cannot be kept to ``faults``.

    ``place`` names the value and, below it, its tensors. ``seen`` maps a tensor's memory to the name that it has
    already, so that weights used in two places are kept once.
    """
    if isinstance(value, Tensor):
        return {"tensor": _keep(value.detach(), tensors, place, seen)}
    if isinstance(value, np.ndarray):
        return {"array": _keep(torch.from_numpy(value.copy()), tensors, place, seen)}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, list | tuple):
        items = [pack(item, tensors, faults, f"{place}.{i}", seen) for i, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, Mapping):
        faults += [
            f"{place} has the key {key!r}; expected text or an integer" for key in value if type(key) not in (str, int)
        ]
        return {"dict": [[key, pack(item, tensors, faults, f"{place}.{key}", seen)] for key, item in value.items()]}
    faults.append(f"{place} is of type {type(value).__name__}; expected numbers, text, tensors or containers of these")
    return None


def _keep(tensor: Tensor, tensors: dict[str, Tensor], name: str, seen: dict[Any, str]) -> str:
    memory = (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
    if tensor.numel() and memory in seen:
        return seen[memory]
    while name in tensors:  # a key with a dot in it can look like two keys
        name += "'"
    seen[memory] = name
    # A copy of its own: a view would be written with all the memory that it looks into.
    tensors[name] = tensor.cpu().contiguous().clone()
    return name


def unpack(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The value that :func:`pack` wrote."""
    if isinstance(tree, list):
        return [unpack(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, body),) = tree.items()
    if kind == "tensor":
        return tensors[body]
    if kind == "array":
        return tensors[body].numpy()
    if kind == "float":
        return float(body)
    if kind == "tuple":
        return tuple(unpack(item, tensors) for item in body)
    if kind == "dict":
        return {key: unpack(item, tensors) for key, item in body}
    raise ValueError(f"unknown kind {kind!r}")


def random_states() -> dict[str, Any]:
    """The states of all generators that a training step may draw from without being handed one."""
    states = {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state()}  # noqa: NPY002
    if cast("Callable[[], bool]", torch.cuda.is_initialized)():  # PyTorch left it without types
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def set_random_states(states: Mapping[str, Any]) -> None:
    """Continue the streams of :func:`random_states`; a device that is not here keeps its own."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])  # noqa: NPY002
    torch.set_rng_state(states["torch"])
    for device, state in enumerate(states.get("cuda", ())[: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(state, device)
