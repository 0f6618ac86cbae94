"""What a checkpoint must keep, refuse and find; these functions run where the solution lives.

Each takes the solution and a folder for its files, and returns plain data: most often a list of faults in words.
"""

from __future__ import annotations

import functools
import io
import logging
import math
import os
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

DATA = {"order": torch.tensor([3, 1, 2]), "batch": 2, "epoch": (1, "train")}
EXTRA = {
    "losses": [0.5, math.inf, -0.0, 1e-300, 0.1 + 0.2],
    "seen": {7: None, 8: True},
    "bits": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "mask": torch.tensor([[True, False]]),
    "count": torch.tensor(5),
    "column": torch.arange(12.0).reshape(3, 4)[:, 1],
    "none": torch.zeros(0, 3),
    "name": "März\n\u2713",
}


class Tied(nn.Module):
    """An embedding whose weights are those of the output, as in many language models."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 4)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 11, bias=False)
        self.head.weight = self.embed.weight


def network() -> nn.Module:
    """A small network with dropout; the same each time."""
    with torch.random.fork_rng([]):
        torch.manual_seed(9)
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))


def trained(steps: int = 3) -> tuple[nn.Module, torch.optim.Optimizer, Any]:
    """A network, its optimizer with moments, and a scheduler in the middle of its way."""
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=20)
    for _ in range(steps):
        step(model, optimizer, scheduler)
    return model, optimizer, scheduler


def step(model: nn.Module, optimizer: Any, scheduler: Any) -> None:
    """One step on the rows that the random stream gives."""
    optimizer.zero_grad()
    model(torch.randn(5, 6)).square().mean().backward()
    optimizer.step()
    scheduler.step()


def same(left: Any, right: Any) -> bool:
    """Equal to the bit and in type, through containers; NaN equals itself, and -0.0 is not 0.0."""
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        alike = isinstance(left, Tensor) and isinstance(right, Tensor) and left.dtype == right.dtype
        return alike and left.shape == right.shape and _bits(left) == _bits(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and repr(left) == repr(right)


def _bits(tensor: Tensor) -> bytes:
    return bytes(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def comes_back(solution: Any, folder: str) -> list[str]:
    """What :meth:`load` does not give as it was handed to :meth:`save`."""
    torch.manual_seed(0)
    model, optimizer, scheduler = trained()
    path = Path(folder) / "all.safetensors"
    solution.Checkpoint.save(
        path, model=model, optimizer=optimizer, scheduler=scheduler, step=3, epoch=1, data=DATA, extra=EXTRA
    )
    found = solution.Checkpoint.load(path)
    expected = {
        "model": dict(model.state_dict()),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "scaler": None,
        "step": 3,
        "epoch": 1,
        "data": DATA,
        "extra": EXTRA,
    }
    faults = []
    for name, value in expected.items():
        got = getattr(found, name)
        got = dict(got) if name == "model" else got
        if isinstance(got, dict) and isinstance(value, dict):
            faults += [
                f"{name}[{key!r}]" for key in value if key not in got or not same(_plain(got[key]), _plain(value[key]))
            ]
        elif not same(got, value):
            faults.append(name)
    return faults


def _plain(value: Any) -> Any:
    """Dictionaries of PyTorch's own kinds as plain ones; bound methods, which no scheduler needs again, left out."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if not callable(item)}
    return value


def tied(solution: Any, folder: str) -> list[str]:
    """What is lost of a model with shared weights and buffers."""
    torch.manual_seed(0)
    model, other, path = Tied(), Tied(), Path(folder) / "tied.safetensors"
    model.norm(torch.randn(8, 4))  # moves the buffers
    solution.Checkpoint.save(path, model=model)
    solution.Checkpoint.load(path).restore(model=other)
    wanted = dict(model.state_dict())
    faults = [name for name, value in other.state_dict().items() if not same(value, wanted[name])]
    return faults + ([] if other.head.weight is other.embed.weight else ["the tie between embed and head"])


def goes_on(solution: Any, folder: str) -> list[float]:
    """Distance of a resumed run from one that went on: the weights' largest difference after each of five steps."""
    torch.manual_seed(1)
    model, optimizer, scheduler = trained()
    path = Path(folder) / "on.safetensors"
    solution.Checkpoint.save(path, model=model, optimizer=optimizer, scheduler=scheduler, step=3)
    straight = []
    for _ in range(5):
        step(model, optimizer, scheduler)
        straight.append([p.detach().clone() for p in model.parameters()])
    torch.manual_seed(99)
    other = network()
    new = torch.optim.AdamW(other.parameters(), lr=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(new, 0.1, total_steps=20)
    solution.Checkpoint.load(path).restore(model=other, optimizer=new, scheduler=plan)
    gaps = []
    for weights in straight:
        step(other, new, plan)
        gaps.append(max(float((p.detach() - w).abs().max()) for p, w in zip(other.parameters(), weights, strict=True)))
    return gaps


def streams(solution: Any, folder: str) -> list[str]:
    """Random streams that do not go on where they were."""

    def draw() -> dict[str, Any]:
        return {"Python": random.random(), "NumPy": float(np.random.rand()), "PyTorch": float(torch.rand(()))}  # noqa: NPY002, S311

    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    path = Path(folder) / "streams.safetensors"
    try:
        _seed_all(1)
        draw()
        solution.Checkpoint.save(path, model=network())
        expected = draw()
        found = solution.Checkpoint.load(path)
        _seed_all(4)
        found.restore()
        got = draw()
        return [name for name in expected if got[name] != expected[name]]
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        torch.set_rng_state(kept[2])


def _seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


def misfits(solution: Any, folder: str) -> list[str]:
    """Checkpoints that are put into what they do not fit."""
    path = Path(folder) / "small.safetensors"
    solution.Checkpoint.save(path, model=nn.Linear(3, 2), step=1)
    found, faults = solution.Checkpoint.load(path), []
    target = nn.Linear(4, 2)
    before = target.weight.detach().clone()
    if not _refused(lambda: found.restore(model=target)):
        faults.append("another shape is taken")
    elif not torch.equal(before, target.weight):
        faults.append("a model that does not fit is changed")
    if not _refused(lambda: found.restore(model=nn.Linear(3, 2, bias=False))):
        faults.append("a tensor too many is taken")
    model = nn.Linear(3, 2)
    if not _refused(lambda: found.restore(model=model, optimizer=torch.optim.SGD(model.parameters()))):
        faults.append("an optimizer is restored from nothing")
    return faults


def damaged(solution: Any, folder: str, cuts: int) -> list[str]:
    """Damage that is not noticed: files cut short at ``cuts`` lengths, and single bits turned at as many places."""
    model = nn.Linear(64, 64)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 64)).square().mean().backward()
    optimizer.step()  # moments: most of the file is numbers
    path = Path(folder) / "whole.safetensors"
    solution.Checkpoint.save(path, model=model, optimizer=optimizer, step=4, extra={"note": "whole"})
    whole, faults, draws = path.read_bytes(), [], random.Random(16)  # noqa: S311
    good = solution.Checkpoint.load(path)
    hurt = Path(folder) / "hurt.safetensors"
    for length in [0, 1, 7, 8, 9, len(whole) - 1, *(draws.randrange(len(whole)) for _ in range(cuts))]:
        hurt.write_bytes(whole[:length])
        if not _refused(lambda: solution.Checkpoint.load(hurt)):
            faults.append("a file cut short")
            break
    for _ in range(cuts):
        at, bit = draws.randrange(len(whole)), draws.randrange(8)
        hurt.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        if not _refused(lambda: solution.Checkpoint.load(hurt), unless=good):
            faults.append("a bit that was turned")
            break
    hurt.unlink()
    return faults


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (self.mark,))


def foreign(solution: Any, folder: str) -> list[str]:
    """Foreign files that are taken for a checkpoint, and code in them that is run."""
    from safetensors.torch import save

    mark = Path(folder) / "it-ran"
    archive = io.BytesIO()
    torch.save({"model": Bomb(str(mark)), "step": 1}, archive)
    files = {
        "an empty file": b"",
        "a text": b"step 7\n" * 40,
        "a pickle": pickle.dumps({"model": Bomb(str(mark)), "step": 1}),
        "an archive of torch.save with code in it": archive.getvalue(),
        "weights without a state": save({"weight": torch.ones(3)}),
    }
    faults = []
    for name, content in files.items():
        path = Path(folder) / "foreign.safetensors"
        path.write_bytes(content)
        if not _refused(functools.partial(solution.Checkpoint.load, path)):
            faults.append(f"{name} is taken for a checkpoint")
        if mark.exists():
            mark.rmdir()
            faults.append(f"{name} runs its code")
        path.unlink()
    missing = Path(folder) / "missing.safetensors"
    return faults + ([] if _refused(lambda: solution.Checkpoint.load(missing)) else ["a missing file is taken"])


def _refused(action: Callable[[], Any], unless: Any = None) -> bool:
    """Whether something is refused by an error; with ``unless``, or gives a checkpoint that equals it."""
    try:
        found = action()
    except NotImplementedError:
        raise
    except Exception:
        return True
    parts = ("step", "epoch", "model", "optimizer", "extra", "random")
    return unless is not None and all(same(getattr(found, part), getattr(unless, part)) for part in parts)


def latest(solution: Any, folder: str) -> dict[str, str]:
    """What :meth:`latest` finds in folders of several kinds, in words."""
    top = Path(folder)

    def found(name: str) -> str:
        try:
            checkpoint = solution.Checkpoint.latest(top / name)
        except NotImplementedError:
            raise
        except Exception:
            return "refused"
        return "nothing" if checkpoint is None else f"step {int(checkpoint.step)}"

    def keep(name: str, file: str, number: int) -> Path:
        (top / name).mkdir(exist_ok=True)
        model = nn.Linear(2, 1)
        return Path(solution.Checkpoint.save(top / name / file, model=model, step=number))

    answers = {"no folder": found("absent")}
    (top / "empty").mkdir()
    answers["an empty folder"] = found("empty")
    for file, number in (("step-9.safetensors", 9), ("step-100.safetensors", 100), ("step-20.safetensors", 20)):
        keep("numbers", file, number)
    answers["steps 9, 100 and 20, written in this order"] = found("numbers")
    keep("names", "b.safetensors", 3)
    keep("names", "a.safetensors", 5)
    answers["step 3 in b, step 5 in a"] = found("names")
    keep("torn", "step-1.safetensors", 1)
    whole = keep("torn", "step-2.safetensors", 2).read_bytes()
    (top / "torn" / "step-3.safetensors").write_bytes(whole[:-20])
    (top / "torn" / "step-4.safetensors").write_bytes(b"")
    (top / "torn" / "notes.txt").write_text("nothing to read here")
    logging.disable(logging.WARNING)  # that files are passed over is what is asked for here
    answers["steps 1 and 2, two torn files and a note"] = found("torn")
    (top / "lost").mkdir()
    (top / "lost" / "step-3.safetensors").write_bytes(whole[:-20])
    answers["a torn file alone"] = found("lost")
    logging.disable(logging.NOTSET)
    return answers


LATEST = {
    "no folder": "nothing",
    "an empty folder": "nothing",
    "steps 9, 100 and 20, written in this order": "step 100",
    "step 3 in b, step 5 in a": "step 5",
    "steps 1 and 2, two torn files and a note": "step 2",
    "a torn file alone": "refused",
}
