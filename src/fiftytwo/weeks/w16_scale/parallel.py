"""The same training on one process and on two, and what happens when one of the two dies.

``torchrun`` starts the script at the end of this module twice. First both train to the end: their weights are held
against one process with the same batches. Then they train again, with checkpoints, and one of them kills itself in
the middle; the other must notice and end with a clear message. What is left goes on from the last checkpoint: here
one process, since the place in the data does not depend on how many there are.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

from fiftytwo import processes
from fiftytwo.weeks.w16_scale.digits import Digits, convolutions, cross_entropy
from mltoolkit.deep import Batches, ProcessLost, Record, Trainer, warmup_cosine

WORLD = 2
STEPS = 16
DIES_AFTER = 9  # steps
ACCUMULATE = 2
_SECONDS = 120.0


@dataclass(frozen=True)
class Parallel:
    """What two processes gave beside one.

    ``gap`` is the largest difference of a weight after all steps, ``scale`` the largest weight; ``loss_gap`` of the
    losses on the way; ``resumed_gap`` that of the run in which one process died; ``message`` what the other said and
    ``seconds`` how long after the death it ended; ``resumed_at`` the step from which one process went on.
    """

    gap: float
    scale: float
    loss_gap: float
    resumed_gap: float
    message: str
    seconds: float
    resumed_at: int
    rows: int


def side_by_side(data: Digits, folder: Path) -> Parallel:
    """Train on one process here and on two under ``torchrun``."""
    from safetensors.torch import load_file, save_file

    save_file({"x": data.x[:997], "y": data.y[:997]}, folder / "rows.safetensors")  # batches do not come out even
    launch(folder)
    losses, weights = train(folder)
    both, begun = load_file(folder / "both.safetensors"), []
    said = json.loads((folder / "survivor.json").read_text())
    _, again = train(folder, checkpoints=folder / "kept", callbacks=[lambda _, record: begun.append(record.step)])
    return Parallel(
        gap=_gap(weights, both),
        scale=max(float(w.abs().max()) for w in weights.values()),
        loss_gap=float((torch.tensor(losses, dtype=torch.float64) - both["losses"]).abs().max()),
        resumed_gap=_gap(weights, again),
        message=said["message"],
        seconds=said["ended"] - float((folder / "died").read_text()),
        resumed_at=begun[0] - 1,
        rows=997,
    )


def _gap(left: dict[str, Tensor], right: dict[str, Tensor]) -> float:
    return max(float((left[name] - right[name]).abs().max()) for name in left)


def launch(folder: Path) -> None:
    """Run this module under ``torchrun``, which is left no time to hang.

    Raises
    ------
    RuntimeError
        When the run ended otherwise than by the death that was planned; the end of its log is in the message.
    """
    log = folder / "torchrun.log"
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=1", f"--nproc-per-node={WORLD}",
               "--max-restarts=0", "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1",
               "-m", __name__, str(folder)]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **_loopback()}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
        )
        try:
            code = process.wait(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            processes.end(process)
    if not (folder / "survivor.json").exists():
        lines = log.read_text(errors="replace").strip().splitlines()[-8:]
        how = f"took more than {_SECONDS:g} s" if code is None else f"ended with status {code}"
        raise RuntimeError(f"the run on {WORLD} processes {how}: {' | '.join(lines)}")


def _loopback() -> dict[str, str]:
    """Have the processes talk over this machine's own interface, also where no network is up."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == "127.0.0.1" for address in addresses):
            return {"GLOO_SOCKET_IFNAME": name}
    return {}


def train(folder: Path, **options: Any) -> tuple[list[float], dict[str, Tensor]]:
    """Losses of all steps, and the weights at the end."""
    from safetensors.torch import load_file

    rows = load_file(folder / "rows.safetensors")
    model = convolutions(seed=1, width=8)
    losses: list[float] = []
    callbacks = [lambda _, record: losses.append(record.loss), *options.pop("callbacks", ())]
    resume = "checkpoints" in options
    trainer = Trainer(
        model,
        cross_entropy,
        torch.optim.AdamW(model.parameters(), lr=2e-3),
        schedule=warmup_cosine(2, STEPS),
        accumulate=ACCUMULATE,
        clip_norm=1.0,
        callbacks=callbacks,
        **options,
    )
    trainer.fit(Batches(rows["x"], rows["y"], batch_size=64, seed=1), steps=STEPS, resume=resume)
    return losses, {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def main(folder: Path) -> None:
    """One of the processes that ``torchrun`` starts."""
    from safetensors.torch import save_file

    torch.set_num_threads(1)
    first = os.environ["RANK"] == "0"
    if first:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the survivor ends by what it notices itself
    losses, weights = train(folder)
    if first:
        save_file({**weights, "losses": torch.tensor(losses, dtype=torch.float64)}, folder / "both.safetensors")

    def die(_: Trainer, record: Record) -> None:
        if record.step == DIES_AFTER and not first:
            (folder / "died").write_text(repr(time.time()))
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        train(folder, checkpoints=folder / "kept", checkpoint_every=2, callbacks=[die])
    except ProcessLost as error:
        (folder / "survivor.json").write_text(json.dumps({"message": str(error), "ended": time.time()}))
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]))
