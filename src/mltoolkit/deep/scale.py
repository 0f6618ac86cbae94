"""What lets a training run survive and grow: checkpoints, accumulated gradients, reduced precision.

Three pieces that :class:`~mltoolkit.deep.Trainer` is built from, each usable without it:

- :class:`Checkpoint` is everything that the next step depends on, in one file: weights, the optimizer's moments,
  scheduler, scaler, place in the data, random states. Put back, it makes a killed run give the bits of one that was
  not. The file is safetensors, with the rest as JSON in its header: reading it can run no code, as a pickle could.
- :func:`accumulate` makes the gradient of a batch that does not fit into memory from the parts that do.
- :func:`autocast` runs matrix products in half the bits; weights and losses stay in float32.

References
----------
Micikevicius et al. (2018), "Mixed precision training", ICLR.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mltoolkit.deep._states import pack, random_states, set_random_states, unpack
from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.io import atomic_write

Precision = Literal["fp32", "bf16", "fp16"]

_log = logging.getLogger(__name__)
_FORMAT = "mltoolkit checkpoint 1"
_PARTS = ("model", "optimizer", "scheduler", "scaler", "data", "extra", "random")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything that a training run's next step depends on.

    Attributes
    ----------
    step, epoch : int
        Optimizer steps and epochs that are done.
    model : mapping of str to Tensor
        The model's ``state_dict``, on the CPU.
    optimizer, scheduler, scaler : mapping or None
        Their ``state_dict``; None for what was not handed to :meth:`save`.
    data, extra : plain data or None
        As handed in: numbers, text, tensors, arrays, and lists, tuples and dictionaries of these.
    random : mapping
        States of the generators of Python, NumPy and PyTorch, taken by :meth:`save`.
    path : Path
        The file.

    Examples
    --------
    >>> import tempfile, torch
    >>> model = torch.nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Checkpoint.save(f"{folder}/step-7.safetensors", model=model, step=7)
    ...     found = Checkpoint.latest(folder)
    >>> found.step, sorted(found.model)
    (7, ['bias', 'weight'])
    >>> found.restore(model=model)
    """

    step: int
    epoch: int
    model: Mapping[str, Tensor]
    optimizer: Mapping[str, Any] | None
    scheduler: Mapping[str, Any] | None
    scaler: Mapping[str, Any] | None
    data: Any
    extra: Any
    random: Mapping[str, Any]
    path: Path

    @classmethod
    def save(
        cls,
        path: Path | str,
        *,
        model: nn.Module,
        optimizer: Any = None,
        scheduler: Any = None,
        scaler: Any = None,
        step: int = 0,
        epoch: int = 0,
        data: Any = None,
        extra: Any = None,
    ) -> Path:
        """Write a checkpoint, whole or not at all, and return its path.

        Parameters
        ----------
        path : Path or str
            The one file to write. An older file of this name stays as it is until the new one is complete.
        model : Module
        optimizer, scheduler, scaler : object with ``state_dict``, optional
        step, epoch : int, default 0
            Optimizer steps and epochs that are done.
        data, extra : plain data, optional
            Such as the place in the data, and whatever else the run needs to go on.

        Raises
        ------
        BadInput
            When a state holds something that is not plain data; every such place is named, and nothing is written.

        Notes
        -----
        A process that is killed in the middle leaves a hidden ``.NAME.XXXXXXXX.part``, which nobody reads.
        """
        owners = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "scaler": scaler}
        state = {name: None if owner is None else owner.state_dict() for name, owner in owners.items()}
        state |= {"step": step, "epoch": epoch, "data": data, "extra": extra, "random": random_states()}
        atomic_write(path, _contents(state))
        return Path(path)

    @classmethod
    def load(cls, path: Path | str) -> Checkpoint:
        """Read a checkpoint.

        Raises
        ------
        CannotRead
            When the file is missing, truncated, no checkpoint (a pickle is never opened), or was changed since it
            was written: names, shapes, values and state are held against a SHA-256.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            data = Path(path).read_bytes()
            header = _header(data)
            tensors = load(data)
            if _digest(tensors, header["state"]) != header["sha256"]:
                raise CannotRead(f"{path}: its checksum does not fit; the checkpoint was damaged or changed")
            tree = json.loads(header["state"])
            state = {name: unpack(tree[name], tensors) for name in (*_PARTS, "step", "epoch")}
        except FileNotFoundError as error:
            raise CannotRead(f"{path}: there is no such file; expected a checkpoint") from error
        except CannotRead:
            raise
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = str(error) or type(error).__name__
            raise CannotRead(f"{path}: not a whole checkpoint ({reason}); take an earlier one") from error
        return cls(path=Path(path), **state)

    @classmethod
    def latest(cls, folder: Path | str) -> Checkpoint | None:
        """The checkpoint of a folder with the most steps, among those that can be read.

        Parameters
        ----------
        folder : Path or str
            All its files named ``*.safetensors`` are looked at, whatever else their names say.

        Returns
        -------
        Checkpoint or None
            None when there is no such file, or no folder. What cannot be read is passed over with a warning in the log.

        Raises
        ------
        CannotRead
            When there are files and none of them can be read: starting anew would lose what they stood for.
        """
        best: Checkpoint | None = None
        faults: list[str] = []
        for path in sorted(Path(folder).glob("*.safetensors")):
            try:
                if path.name.startswith(".") or (best is not None and _steps(path) <= best.step):
                    continue
                best = cls.load(path)
            except CannotRead as error:
                faults.append(str(error))
                _log.warning("passed over a checkpoint: %s", error)
        if best is None and faults:
            raise CannotRead("no checkpoint can be read: " + "; ".join(faults))
        return best

    def restore(
        self,
        *,
        model: nn.Module | None = None,
        optimizer: Any = None,
        scheduler: Any = None,
        scaler: Any = None,
        random: bool = True,
    ) -> None:
        """Put the state back into what is handed in.

        Parameters
        ----------
        model : Module, optional
        optimizer, scheduler, scaler : object with ``load_state_dict``, optional
        random : bool, default True
            Continue the random streams too.

        Raises
        ------
        BadInput
            When the model's names or shapes are not the checkpoint's, or the checkpoint has no state for what was
            handed in. All faults are named, and nothing is changed.
        """
        owners = {"optimizer": optimizer, "scheduler": scheduler, "scaler": scaler}
        wanted = {name: owner for name, owner in owners.items() if owner is not None}
        faults = [] if model is None else _misfits(model.state_dict(), self.model)
        faults += [f"it holds no {name}" for name in wanted if getattr(self, name) is None]
        if faults:
            raise BadInput(f"Checkpoint.restore: {self.path.name} does not fit: " + "; ".join(faults))
        if model is not None:
            model.load_state_dict(self.model)
        for name, owner in wanted.items():
            owner.load_state_dict(getattr(self, name))
        if optimizer is not None:
            _lay_out_as_parameters(optimizer)
        if random:
            set_random_states(self.random)


def _contents(state: Mapping[str, Any]) -> bytes:
    """A checkpoint's file: tensors as safetensors, the rest as JSON in the header."""
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    faults: list[str] = []
    seen: dict[Any, str] = {}
    tree = {name: pack(value, tensors, faults, name, seen) for name, value in state.items()}
    if faults:
        raise BadInput("Checkpoint.save: " + "; ".join(faults))
    text = json.dumps(tree, separators=(",", ":"))
    return save(tensors, {"format": _FORMAT, "state": text, "sha256": _digest(tensors, text)})


def _digest(tensors: Mapping[str, Tensor], state: str) -> str:
    """SHA-256 over the state, and over name, dtype, shape and bytes of each tensor."""
    digest = hashlib.sha256(state.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _header(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: eight bytes of length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    header: dict[str, str] = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    if header.get("format") != _FORMAT:
        raise ValueError(f"its header does not say {_FORMAT!r}")
    return header


def _steps(path: Path) -> int:
    """Steps of a checkpoint, from its header alone."""
    try:
        with path.open("rb") as file:
            length = file.read(8)
            header = _header(length + file.read(int.from_bytes(length, "little")))
        return int(json.loads(header["state"])["step"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise CannotRead(f"{path}: not a whole checkpoint ({error})") from error


def _misfits(own: Mapping[str, Tensor], kept: Mapping[str, Tensor]) -> list[str]:
    """Where a model and a checkpoint differ in names and shapes."""
    faults = [f"it holds no {name}" for name in own if name not in kept]
    faults += [f"the model has no {name}" for name in kept if name not in own]
    return faults + [
        f"{name} has shape {tuple(kept[name].shape)}; the model wants {tuple(own[name].shape)}"
        for name in own
        if name in kept and own[name].shape != kept[name].shape
    ]


def _lay_out_as_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Give each moment the memory layout of its parameter (channels last, say), which a file does not keep.

    Fused optimizers walk through parameter and moments by address.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def accumulate(
    model: nn.Module,
    loss: Callable[[nn.Module, Any], Tensor],
    batches: Iterable[Any],
    *,
    counts: Sequence[int] | None = None,
    total: float | None = None,
    precision: Precision = "fp32",
    scaler: Any = None,
) -> float:
    """Add up the gradients of micro-batches so that they are those of one large batch.

    The mean over all rows is not the mean of the batches' means: when their sizes differ, a small last batch would
    weigh too much. Each loss is weighted with its batch's share of the rows, and its graph is freed before the next
    batch comes, so the memory is that of one micro-batch.

    Parameters
    ----------
    model : Module
        Its gradients are added to; clear them first. When it is wrapped in ``DistributedDataParallel``, processes
        exchange gradients once, with the last batch.
    loss : function (model, batch) -> Tensor
        Mean loss over the batch, a tensor without dimensions.
    batches : iterable of tuple of Tensor
        The micro-batches.
    counts : sequence of int, optional
        What each batch's mean is over; its rows by default. When a loss is a mean over tokens, say, their number.
    total : float, optional
        What the whole mean is over; the sum of ``counts`` by default.
    precision : {"fp32", "bf16", "fp16"}, default "fp32"
        See :func:`autocast`. The backward pass runs outside of it.
    scaler : GradScaler, optional
        Multiplies the loss so that small gradients do not vanish in float16; the gradients are then scaled too.

    Returns
    -------
    float
        Mean loss over all rows, without the scale.

    Raises
    ------
    BadInput
        When there is no batch, when their number is not that of ``counts``, or when the total is not positive.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> rows = torch.tensor([[1.0], [2.0], [6.0]])
    >>> _ = accumulate(model, lambda model, batch: model(batch[0]).mean(), [(rows[:2],), (rows[2:],)])
    >>> model.weight.grad.item()
    3.0
    """
    parts = list(batches)
    sizes = [len(batch[0]) for batch in parts] if counts is None else list(counts)
    whole = float(sum(sizes)) if total is None else total
    if not parts or len(sizes) != len(parts) or not whole > 0:
        raise BadInput(
            f"accumulate: got {len(parts)} batches, {len(sizes)} counts and a total of {whole:g}; "
            "expected at least one batch, a count for each and a positive total"
        )
    mean = 0.0
    for number, (batch, size) in enumerate(zip(parts, sizes, strict=True), 1):
        quiet: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        if number < len(parts) and isinstance(model, nn.parallel.DistributedDataParallel):
            quiet = model.no_sync()
        with quiet:
            with autocast(precision, _device_of(model)):
                share = loss(model, batch) * (size / whole)
            (share if scaler is None else scaler.scale(share)).backward()
        mean += float(share.detach())
    return mean


def _device_of(model: nn.Module) -> str:
    return next((parameter.device.type for parameter in model.parameters()), "cpu")


def autocast(precision: Precision, device: torch.device | str = "cpu") -> contextlib.AbstractContextManager[Any]:
    """Run what gains from it in reduced precision within the block.

    Parameters
    ----------
    precision : {"fp32", "bf16", "fp16"}
        ``"fp32"`` changes nothing. ``"bf16"`` has float32's range and 8 bits of precision, so it needs no scaling of
        the loss. ``"fp16"`` has 11 bits and a range that gradients fall out of, so it needs a scaler.
    device : torch.device or str, default "cpu"
        Where the model is.

    Returns
    -------
    context manager
        For the forward pass and the loss. Matrix products and convolutions take and give 16 bits; losses are computed
        in float32, and weights stay in it. What lies between keeps the type that it is given (on a GPU, softmax and
        norms go back to float32 too).

    Raises
    ------
    BadInput
        When the precision is none of the three, or is ``"fp16"`` on the CPU.

    Examples
    --------
    >>> import torch
    >>> with autocast("bf16"):
    ...     torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype
    torch.bfloat16
    """
    kind = torch.device(device).type
    if precision not in ("fp32", "bf16", "fp16"):
        raise BadInput(f"precision={precision!r} is none of fp32, bf16 and fp16")
    if precision == "fp16" and kind == "cpu":
        raise BadInput('precision="fp16" needs a GPU, and this model is on the CPU; use "bf16" or "fp32"')
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(kind, torch.bfloat16 if precision == "bf16" else torch.float16)
