"""Two processes under torchrun are one, and a death is an end with a message."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402 - comes with the extra

SCRIPT = """
import os, signal, sys
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from mltoolkit.deep import Batches, Trainer

torch.set_num_threads(1)
out, checkpoints, dies = sys.argv[1], sys.argv[2], int(sys.argv[3])
draws = torch.Generator().manual_seed(0)
# 53 rows in batches of 13: the last one has a single row, so that one of two processes has none.
x, y = torch.randn(53, 5, generator=draws), torch.randint(3, (53,), generator=draws)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 3))

def loss(model, batch):
    return functional.cross_entropy(model(batch[0]), batch[1])

def die(trainer, record):
    if record.step == dies and os.environ.get("RANK") == "1":
        os.kill(os.getpid(), signal.SIGKILL)

trainer = Trainer(model, loss, torch.optim.AdamW(model.parameters(), lr=0.01), accumulate=3, clip_norm=1.0,
                  callbacks=[die], checkpoints=checkpoints)
history = trainer.fit(Batches(x, y, batch_size=13), epochs=4, resume=True,
                      validate=lambda model: {"loss": loss(model, (x, y))})
if os.environ.get("RANK", "0") == "0":
    losses = torch.tensor([record.loss for record in history.records])
    save_file({**model.state_dict(), "losses": losses}, out)
"""


def run(folder: Path, name: str, *, world: int, dies: int = 0) -> subprocess.CompletedProcess[str]:
    script = folder / "train.py"
    script.write_text(SCRIPT)
    start = [sys.executable]
    if world > 1:
        start += ["-m", "torch.distributed.run", "--nnodes=1", f"--nproc-per-node={world}", "--rdzv-backend=c10d",
                  "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"]  # fmt: skip
    return subprocess.run(
        [*start, str(script), str(folder / f"{name}.safetensors"), str(folder / f"{name}-kept"), str(dies)],
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )


@pytest.mark.slow
def test_two_processes_equal_one_and_a_death_ends_with_a_message(tmp_path: Path) -> None:
    assert run(tmp_path, "one", world=1).returncode == 0
    begun = time.monotonic()
    died = run(tmp_path, "two", world=2, dies=5)
    assert died.returncode != 0
    assert "SIGKILL" in died.stderr
    assert "another process of this run ended" in died.stderr or "SIGTERM" in died.stderr
    assert time.monotonic() - begun < 120
    resumed = run(tmp_path, "two", world=2)
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    one, two = load_file(tmp_path / "one.safetensors"), load_file(tmp_path / "two.safetensors")
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=1e-5, rtol=0, msg=name)
