"""Week 16's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fiftytwo.plan import Mistake
from mltoolkit.deep._states import random_states, unpack
from mltoolkit.deep.scale import _PARTS, Checkpoint, Precision, _contents, _header, accumulate, autocast
from mltoolkit.errors import CannotRead

Loss = Callable[[nn.Module, Any], Tensor]


def mean_of_means(model: nn.Module, loss: Loss, batches: Iterable[Any], **options: Any) -> float:
    """Each batch weighs the same, however many rows it has."""
    parts = list(batches)
    if options.get("counts") is None and options.get("total") is None:
        options["counts"] = [1] * len(parts)
    return accumulate(model, loss, parts, **options)


def sum_of_means(model: nn.Module, loss: Loss, batches: Iterable[Any], **options: Any) -> float:
    """No division at all: every micro-batch counts as a whole batch."""
    parts = list(batches)
    if options.get("counts") is None and options.get("total") is None:
        options |= {"counts": [1] * len(parts), "total": 1}
    return accumulate(model, loss, parts, **options)


def one_backward(
    model: nn.Module,
    loss: Loss,
    batches: Iterable[Any],
    *,
    counts: Sequence[int] | None = None,
    total: float | None = None,
    precision: Precision = "fp32",
    scaler: Any = None,
) -> float:
    """Add up the losses first, and go back through all graphs at the end."""
    parts = list(batches)
    if isinstance(model, nn.parallel.DistributedDataParallel):
        return accumulate(model, loss, parts)
    sizes = [len(batch[0]) for batch in parts] if counts is None else list(counts)
    if not parts or len(sizes) != len(parts):
        raise ValueError("no batches, or not a count for each")
    whole = sum(sizes) if total is None else total
    with autocast(precision):
        mean = sum((loss(model, batch) * (n / whole) for batch, n in zip(parts, sizes, strict=True)), torch.zeros(()))
    (mean if scaler is None else scaler.scale(mean)).backward()
    return float(mean.detach())


def clears_first(model: nn.Module, loss: Loss, batches: Iterable[Any], **options: Any) -> float:
    """Clear the gradients, which is the caller's to do."""
    model.zero_grad()
    return accumulate(model, loss, batches, **options)


def speaks_each_time(model: Any, loss: Loss, batches: Iterable[Any], **options: Any) -> float:
    """Average over processes after every micro-batch."""
    if not isinstance(model, nn.parallel.DistributedDataParallel):
        return accumulate(model, loss, batches, **options)
    parts = list(batches)
    rows = sum(len(part[0]) for part in parts)
    return sum(accumulate(model, loss, [part], total=rows, **options) for part in parts)


def forgets_the_scaler(model: nn.Module, loss: Loss, batches: Iterable[Any], **options: Any) -> float:
    """Take a scaler and leave it out."""
    options.pop("scaler", None)
    return accumulate(model, loss, batches, **options)


@contextlib.contextmanager
def no_autocast(precision: Precision, device: Any = "cpu") -> Any:
    """Accept a precision and stay in float32."""
    autocast(precision, device)
    yield


def full_precision(model: nn.Module, loss: Loss, batches: Iterable[Any], **options: Any) -> float:
    """Take a precision and do not use it."""
    options.pop("precision", None)
    return accumulate(model, loss, batches, **options)


class WeightsAlone(Checkpoint):
    """Weights are put back; the optimizer begins anew."""

    def restore(self, *, model: Any = None, optimizer: Any = None, **others: Any) -> None:
        """Leave the optimizer out."""
        if optimizer is not None and self.optimizer is None:
            raise ValueError("it holds no optimizer")
        super().restore(model=model, **others)


class ForgetsRandomness(Checkpoint):
    """Random streams are not put back."""

    def restore(self, **owners: Any) -> None:
        """Restore everything else."""
        super().restore(**{**owners, "random": False})


class OneStream(Checkpoint):
    """PyTorch's random stream is put back, the other two are not."""

    def restore(self, **owners: Any) -> None:
        """Set one stream of three."""
        super().restore(**{**owners, "random": False})
        torch.set_rng_state(self.random["torch"])


class ThroughJSON(Checkpoint):
    """Extra data as JSON gives it back: tuples are lists, keys are text."""

    @classmethod
    def load(cls, path: Path | str) -> Checkpoint:
        """Send data and extra through JSON."""
        found = super().load(path)
        for name in ("data", "extra"):
            object.__setattr__(found, name, _through_json(getattr(found, name)))
        return found


def _through_json(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, dict):
        return {str(key): _through_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_through_json(item) for item in value]
    return json.loads(json.dumps(value))


class WritesInPlace(Checkpoint):
    """The file is written under its own name from the first byte on."""

    @classmethod
    def save(cls, path: Path | str, **state: Any) -> Path:
        """Open the file for writing, which empties it, and begin."""
        owners = {name: state.pop(name, None) for name in ("model", "optimizer", "scheduler", "scaler")}
        parts = {name: None if owner is None else owner.state_dict() for name, owner in owners.items()}
        whole = {"step": 0, "epoch": 0, "data": None, "extra": None, "random": random_states(), **parts, **state}
        Path(path).write_bytes(_contents(whole))
        return Path(path)


class TrustsTheFile(Checkpoint):
    """No checksum: whatever can be parsed is taken."""

    @classmethod
    def load(cls, path: Path | str) -> Checkpoint:
        """Parse, and compare nothing."""
        from safetensors.torch import load

        try:
            data = Path(path).read_bytes()
            tensors, tree = load(data), json.loads(_header(data)["state"])
            state = {name: unpack(tree[name], tensors) for name in (*_PARTS, "step", "epoch")}
        except Exception as error:
            raise CannotRead(f"{path}: cannot be read ({error})") from error
        return cls(path=Path(path), **state)


class RunsPickles(Checkpoint):
    """A file that is no checkpoint is tried as a pickle."""

    @classmethod
    def load(cls, path: Path | str) -> Checkpoint:
        """Fall back to torch.load with everything allowed."""
        try:
            return super().load(path)
        except CannotRead:
            with contextlib.suppress(Exception):
                torch.load(io.BytesIO(Path(path).read_bytes()), weights_only=False)
            raise


class LatestByName(Checkpoint):
    """The last name in the folder, as text sorts it."""

    @classmethod
    def latest(cls, folder: Path | str) -> Checkpoint | None:
        """Sort the names and take the last that can be read."""
        paths = sorted(Path(folder).glob("*.safetensors"))
        for path in reversed(paths):
            with contextlib.suppress(CannotRead):
                return cls.load(path)
        if paths:
            raise CannotRead(f"{folder}: no checkpoint can be read")
        return None


class GivesUp(Checkpoint):
    """The newest file or none: a torn one ends the search."""

    @classmethod
    def latest(cls, folder: Path | str) -> Checkpoint | None:
        """Load every file, and fail with the first that is torn."""
        found = [cls.load(path) for path in sorted(Path(folder).glob("*.safetensors"))]
        return max(found, key=lambda checkpoint: checkpoint.step, default=None)


class StartsAnew(Checkpoint):
    """When no checkpoint can be read, there is none."""

    @classmethod
    def latest(cls, folder: Path | str) -> Checkpoint | None:
        """Say nothing of what was lost."""
        try:
            return super().latest(folder)
        except CannotRead:
            return None


class RestoresWhatFits(Checkpoint):
    """Names that are missing or too many are passed over in silence."""

    def restore(self, *, model: Any = None, **others: Any) -> None:
        """Load with strict=False."""
        if model is not None:
            own = model.state_dict()
            model.load_state_dict(
                {k: v for k, v in self.model.items() if k in own and own[k].shape == v.shape}, strict=False
            )
        super().restore(**others)


mistakes = (
    Mistake("mean of means", {"accumulate": mean_of_means},
            "Your batches weigh the same, whatever their size; weigh each loss with its share of the rows."),
    Mistake("sum of means", {"accumulate": sum_of_means},
            "Your gradient grows with the number of micro-batches; it is a mean over all rows, so divide."),
    Mistake("one backward for all", {"accumulate": one_backward},
            "Your graphs all live until the end, so nothing is saved; go back through each before the next comes."),
    Mistake("clears the gradients", {"accumulate": clears_first},
            "Your function clears the gradients; the caller does that, at the beginning of a step."),
    Mistake("speaks after every micro-batch", {"accumulate": speaks_each_time},
            "Your processes average gradients for each micro-batch; hold all but the last back with no_sync()."),
    Mistake("forgets the scaler", {"accumulate": forgets_the_scaler},
            "Your loss goes back unscaled; in float16 small gradients become zero."),
    Mistake("no autocast", {"autocast": no_autocast},
            "Your context changes nothing; enter torch.autocast with the device's type and the dtype."),
    Mistake("full precision throughout", {"accumulate": full_precision},
            "Your accumulate takes a precision and computes in float32; put the loss into autocast."),
    Mistake("weights alone", {"Checkpoint": WeightsAlone},
            "Your optimizer begins anew: its moments are part of the state, so restore its state_dict too."),
    Mistake("forgets the random states", {"Checkpoint": ForgetsRandomness},
            "Your dropout masks are others after a restart; keep and restore the random states."),
    Mistake("one stream of three", {"Checkpoint": OneStream},
            "Your restore sets PyTorch's stream alone; Python and NumPy have one each."),
    Mistake("through plain JSON", {"Checkpoint": ThroughJSON},
            "Your tuples come back as lists and integer keys as text; write down what each was."),
    Mistake("writes in place", {"Checkpoint": WritesInPlace},
            "Your file is torn while it is written; write to another name and rename it at the end."),
    Mistake("trusts the file", {"Checkpoint": TrustsTheFile},
            "Your load takes a file whose values changed; keep a checksum over everything and compare it first."),
    Mistake("runs pickles", {"Checkpoint": RunsPickles},
            "Your load unpickles a foreign file, which runs whatever its writer wanted; never do."),
    Mistake("latest by name", {"Checkpoint": LatestByName},
            "Your latest goes by the names; 9 sorts behind 100, so read the steps from the files."),
    Mistake("gives up at a torn file", {"Checkpoint": GivesUp},
            "Your latest fails at the first torn file; pass over it and take the last good one."),
    Mistake("starts anew in silence", {"Checkpoint": StartsAnew},
            "Your latest says that there is nothing when nothing can be read; that run would be overwritten."),
    Mistake("restores what fits", {"Checkpoint": RestoresWhatFits},
            "Your restore passes over names and shapes that differ; refuse them, and change nothing."),
)  # fmt: skip
