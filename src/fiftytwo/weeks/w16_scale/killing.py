"""Training runs that are killed again and again, and whether they end with the bits of one that was not.

A *nursery* process imports PyTorch once and forks one attempt after another. An attempt goes on from the latest
checkpoint, trains, keeps a checkpoint after each step, and is killed by the kernel with a signal that nothing can
catch: between update and checkpoint, in the middle of writing one (at a byte that is drawn; the limit on the size of
files does it), or at any moment. Attempts follow until one comes to the end.

Run as ``python -m fiftytwo.weeks.w16_scale.killing`` this module is the nursery; it needs ``os.fork``.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import numpy as np
import torch
from torch import Tensor, nn

NAMES = ("Checkpoint", "accumulate", "autocast")
STEPS = 24  # of the whole run: three epochs
_ROWS, _BATCH, _KEPT = 128, 16, 3
_FRACTIONS = (0.02, 0.35, 0.7, 0.98)  # of a file, after which a writer is killed
_SECONDS = 120.0  # for the nursery in all


def killed(solution: Any, folder: str, kills: int, seed: int) -> dict[str, Any]:
    """Kill a training run ``kills`` times; called where the solution lives.

    Returns
    -------
    dict
        ``straight`` and ``resumed``: SHA-256 of all weights and losses of the run without kills and of the other;
        ``kills``, ``in_writes`` (how many of them in the middle of a checkpoint), ``attempts``, ``seconds``.
    """
    return _ask(solution, {"folder": folder, "kills": kills, "seed": seed})


def overwritten(solution: Any, folder: str) -> dict[str, Any]:
    """Kill writers in the middle of writing over a good checkpoint; called where the solution lives.

    The writers are forked right here: they run no backward pass, so nothing but the file is touched.

    Returns
    -------
    dict
        ``faults``: what the checkpoint had become; ``writers``: how many were killed.
    """
    path, faults, writers = Path(folder) / "best.safetensors", [], 0
    models = [nn.Linear(64, 64), nn.Linear(64, 64)]
    solution.Checkpoint.save(path, model=models[0], step=1)
    size = path.stat().st_size

    def write_the_other(byte: int) -> None:
        torch.set_num_threads(1)  # other threads did not come along
        _end_at(byte)
        solution.Checkpoint.save(path, model=models[1], step=2)

    for fraction in _FRACTIONS:
        writers += _attempt(functools.partial(write_the_other, int(fraction * size))) != 0
        try:
            found = solution.Checkpoint.load(path)
        except Exception as error:
            faults.append(f"killed at {fraction:.0%} of the file: load raised {type(error).__name__}")
            break
        if found.step != 1 or not torch.equal(found.model["weight"], models[0].weight):
            faults.append(f"killed at {fraction:.0%} of the file: load gave another state")
            break
    return {"faults": faults, "writers": writers}


def _ask(solution: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Have a nursery do a job with a solution: the learner's file, or classes that can be pickled."""
    file = getattr(solution, "__file__", None) if isinstance(solution, type(os)) else None
    job |= {"file": file, "names": None if file else {name: getattr(solution, name) for name in NAMES}}
    # Without a GPU in sight: PyTorch's backward pass then starts no threads, which would not live through a fork.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__],
        input=cloudpickle.dumps(job),
        capture_output=True,
        timeout=_SECONDS,
        env=environment,
        check=False,
    )
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode or not lines:
        raise RuntimeError(f"the process that trains ended early: {done.stderr.decode(errors='replace')[-300:]}")
    answer: dict[str, Any] = json.loads(lines[-1])
    if "error" in answer:
        raise _as_error(answer)
    return answer


def _as_error(answer: Mapping[str, Any]) -> Exception:
    if answer["kind"] == "NotImplementedError":
        return NotImplementedError(answer["error"])
    return RuntimeError(f"the training run ended with {answer['kind']}: {answer['error']}")


def main() -> None:
    """Do the job that comes on standard input and print its answer as JSON."""
    torch.set_num_threads(1)
    job = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    try:
        solution = _module(job["file"]) if job["file"] else SimpleNamespace(**job["names"])
        _warm_up()
        answer = _survive(solution, job)
    except Exception as error:
        answer = {"error": " ".join(str(error).split())[:300], "kind": type(error).__name__}
    print(json.dumps(answer), flush=True)  # noqa: T201 - to the process that asked


def _warm_up() -> None:
    """One step here, so that no attempt has to import what PyTorch imports at the first one."""
    model = nn.Linear(1, 1)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 1)).sum().backward()
    optimizer.step()


def _module(file: str) -> Any:
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _survive(solution: Any, job: Mapping[str, Any]) -> dict[str, Any]:
    begun, draws = time.perf_counter(), np.random.default_rng(job["seed"])
    calm, stormy = Path(job["folder"]) / "calm", Path(job["folder"]) / "stormy"
    _attempt(lambda: _train(solution, calm, lambda *_: None))
    size = max(path.stat().st_size for path in calm.glob("*.safetensors"))
    pace = (time.perf_counter() - begun) / STEPS
    kills = in_writes = attempts = 0
    while not (stormy / "digest").exists():
        attempts += 1
        if kills >= job["kills"]:
            _attempt(lambda: _train(solution, stormy, lambda *_: None))
            break
        kind = kills % 3
        if kind == 2:
            ended = _attempt(lambda: _train(solution, stormy, lambda *_: None), kill_after=draws.uniform(0, 4 * pace))
        else:
            steps, limit = int(draws.integers(1, 4)), int(draws.uniform(0.0, 0.999) * size)
            death = _Death(steps, limit if kind else None)
            ended = _attempt(functools.partial(_train, solution, stormy, death))
        kills += ended != 0
        in_writes += ended == signal.SIGXFSZ
        if attempts > job["kills"] + 20:
            raise RuntimeError("the run does not come to its end: does it find its latest checkpoint?")
    return {
        "straight": (calm / "digest").read_text(),
        "resumed": (stormy / "digest").read_text(),
        "kills": kills,
        "in_writes": in_writes,
        "attempts": attempts,
        "seconds": time.perf_counter() - begun,
    }


class _Death:
    """Called before each checkpoint: lets a few pass, then ends the process now or within the write."""

    def __init__(self, steps: int, byte: int | None) -> None:
        self._left = steps
        self._byte = byte

    def __call__(self) -> None:
        self._left -= 1
        if self._left:
            return
        if self._byte is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            _end_at(self._byte)


def _end_at(byte: int) -> None:
    """From now on the kernel ends this process when a file of its would grow beyond some bytes."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it and would see an error
    resource.setrlimit(resource.RLIMIT_FSIZE, (byte, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def _attempt(work: Callable[[], object], kill_after: float | None = None) -> int:
    """Do something in a forked process; returns the signal that ended it, 0 for none.

    Raises
    ------
    RuntimeError, NotImplementedError
        What the work raised.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            work()
            os._exit(0)
        except BaseException as error:
            os.write(write, json.dumps({"error": str(error)[:300], "kind": type(error).__name__}).encode())
        finally:
            os._exit(1)
    os.close(write)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)  # an ended child is still there: it was not waited for
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if told:
        raise _as_error(json.loads(told))
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _train(solution: Any, folder: Path, before_checkpoint: Callable[[], None]) -> None:
    """The run: dropout, noise from all three random streams, a schedule, unequal micro-batches.

    Raises
    ------
    RuntimeError
        When a checkpoint lacks what the run put into it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draws = torch.Generator().manual_seed(1)
    x = torch.randn(_ROWS, 20, generator=draws)
    y = (x @ torch.randn(20, 4, generator=draws)).argmax(dim=1)
    torch.manual_seed(2)
    random.seed(3)
    np.random.seed(4)  # noqa: NPY002 - the stream that a careless augmentation draws from
    model = nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=STEPS + 1)
    order, batch, losses = torch.randperm(_ROWS), 0, []
    found = solution.Checkpoint.latest(folder)
    if found is not None:
        found.restore(model=model, optimizer=optimizer, scheduler=scheduler)
        order, batch, losses = found.data["order"], found.data["batch"], list(found.extra)
    for step in range(0 if found is None else int(found.step), STEPS):
        if batch * _BATCH >= _ROWS:
            order, batch = torch.randperm(_ROWS), 0
        rows = order[batch * _BATCH : (batch + 1) * _BATCH]
        noisy = x[rows] + 0.05 * torch.from_numpy(np.random.standard_normal((_BATCH, 20))).float()  # noqa: NPY002
        cut = random.randrange(4, 12)  # noqa: S311 - a stream to be restored
        optimizer.zero_grad()
        parts = [(noisy[:cut], y[rows[:cut]]), (noisy[cut:], y[rows[cut:]])]
        losses.append(float(solution.accumulate(model, _loss, parts)))
        optimizer.step()
        scheduler.step()
        batch += 1
        before_checkpoint()
        solution.Checkpoint.save(
            folder / f"step-{step + 1:03d}.safetensors",
            model=model,
            optimizer=optimizer,
            scheduler=scheduler,
            step=step + 1,
            data={"order": order, "batch": batch},
            extra=losses,
        )
        for old in sorted(folder.glob("step-*"))[:-_KEPT]:
            old.unlink()
    (folder / "digest").write_text(_digest(model, losses))


def _loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def _digest(model: nn.Module, losses: list[float]) -> str:
    digest = hashlib.sha256(repr(losses).encode())
    for tensor in model.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
