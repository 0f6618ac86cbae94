"""Week 16: a training run that survives, grows and shows where its time goes.

The build trains in two precisions and says what that gains and costs, splits a run over two processes and lets one of
them die, and takes a few steps apart with the profiler. That a killed run comes through is measured with the
learner's own checkpoints.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w16_scale import figures
from fiftytwo.weeks.w16_scale.checkpoints import checkpoints
from fiftytwo.weeks.w16_scale.steps import steps
from mltoolkit.stats import Interval, bootstrap_ci

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from fiftytwo.weeks.w16_scale.parallel import Parallel
    from mltoolkit.deep.profiling import Profile

week = Week.planned(
    16,
    extras=("deep",),
    memory_bytes=16 * 2**30,
    exercise=Exercise(
        "mltoolkit.deep.scale",
        ("Checkpoint", "accumulate", "autocast"),
        hours=8.0,
        seconds=150.0,
        memory_bytes=12 * 2**30,
        processes=24,
        brief="""\
Write the three pieces that a trainer for long runs is made of. A good order:

1. `autocast`: a context manager, mostly PyTorch's own. Refuse what the device cannot do.
2. `accumulate`: a loop with one backward pass for each micro-batch. Get the weights right for unequal batches first;
   then counts and total, the scaler, the precision, and `no_sync()` of DistributedDataParallel for all but the last.
3. `Checkpoint.save` and `load`: every `state_dict`, and the random states of Python, NumPy and PyTorch. The tensors go
   into a safetensors file; the rest is JSON in its header, or torch.save's archive if you read it with
   `weights_only=True`. One file, put there by one rename: `mltoolkit.io.atomic_write` is yours to use.
4. `restore`: compare first, then change.
5. A checksum over everything, and refusals: cut short, changed, foreign. `mltoolkit.errors` has `CannotRead` and
   `BadInput` for them. Nothing in a file may run.
6. `latest`: the most steps among the good ones.

The checks kill a training run on your checkpoints again and again and compare the bits at its end.
""",
    ),
)

WIDTHS = (128, 256, 512, 1024)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    accuracy: float  # in float32, mean over seeds
    difference: Interval  # accuracy in bfloat16 less that in float32, on the same rows and seeds
    speed: float  # time in float32 over time in bfloat16 at the largest width
    parallel: Parallel
    profiles: dict[str, Profile]


def build(lab: Lab) -> Built:
    """Train in two precisions, on two processes, and under the profiler."""
    from fiftytwo.weeks.w16_scale.digits import digits
    from mltoolkit.deep import torch_threads

    with torch_threads(1):  # two processes on two cores; and figures that a neighbour does not move as much
        data = digits(lab)
        accuracy, difference = _accuracy(lab, data)
        speed = _speed(lab)
        parallel = _parallel(lab, data)
        found = _profiles(lab, data)
    lab.document(
        "scaling.md.jinja",
        "Where the time goes, and what it takes to survive",
        subject=data.name,
        parting=parallel.message,
    )
    if lab.device == "cpu":
        lab.note("No GPU was found: fp16 with a scaler, nccl and the profile of a GPU could not run here.")
    return Built(accuracy, difference, speed, parallel, found)


def _accuracy(lab: Lab, data: Any) -> tuple[float, Interval]:
    """Accuracy in either precision, over seeds, and their difference with its interval over test rows."""
    import pandas as pd

    from fiftytwo.weeks.w16_scale import precision

    tensors = (data.x, data.y, data.test_x, data.test_y)
    seeds, epochs, width = (5, 4, 256) if lab.full else (3, 12, 64)
    right = lab.solution.apply(precision.learn, tensors, width, epochs, seeds, lab.device)
    means = {name: np.asarray(rows, dtype=float).mean(axis=1) for name, rows in right.items()}
    by_row = np.asarray(right["bf16"], dtype=float).mean(axis=0) - np.asarray(right["fp32"], dtype=float).mean(axis=0)
    difference = bootstrap_ci(by_row, "mean", method="percentile", random_state=lab.seed)
    lab.table(
        pd.DataFrame({"seed": range(seeds), "float32": means["fp32"], "bfloat16": means["bf16"]}),
        "Accuracy by precision",
        f"Share of held-out {data.name} that are read right; same weights to begin with, same batches.",
    )
    accuracy = float(means["fp32"].mean())
    lab.metric("accuracy, float32", accuracy)
    lab.metric("accuracy, bfloat16", float(means["bf16"].mean()))
    lab.metric("accuracy difference", float(by_row.mean()))
    lab.metric("accuracy difference, low", round(float(difference.low), 6) + 0.0)
    lab.metric("accuracy difference, high", round(float(difference.high), 6) + 0.0)
    return accuracy, difference


def _speed(lab: Lab) -> float:
    """Time of a step in float32 over that in bfloat16, by width."""
    import pandas as pd

    from fiftytwo.weeks.w16_scale import precision

    pairs, count = (9, 6) if lab.full else (5, 2)
    seconds = lab.solution.apply(precision.paces, WIDTHS, 256, count, pairs, lab.device)
    ratios = {width: np.array([a / b for a, b in runs]) for width, runs in seconds.items()}
    rows = [
        {
            "width": width,
            "float32, ms": 1e3 * float(np.median([a for a, _ in runs])),
            "bfloat16, ms": 1e3 * float(np.median([b for _, b in runs])),
            "speed-up": float(np.median(ratios[width])),
            "least": float(ratios[width].min()),
            "most": float(ratios[width].max()),
        }
        for width, runs in seconds.items()
    ]
    how = precision.support() if lab.device == "cpu" else lab.device
    lab.table(
        pd.DataFrame(rows),
        "Speed by precision",
        f"A training step of 256 rows, medians of {pairs} runs each, in turn; one thread. bfloat16 by {how}.",
    )
    lab.figure(
        figures.speed_by_width(WIDTHS, ratios),
        "Speed-up of bfloat16",
        "Median over pairs of runs, with their range. Small layers spend their time on the conversion.",
    )
    speed = float(np.median(ratios[WIDTHS[-1]]))
    lab.metric("speed-up of bfloat16, widest", speed)
    lab.metric("speed-up of bfloat16, narrowest", float(np.median(ratios[WIDTHS[0]])))
    return speed


def _parallel(lab: Lab, data: Any) -> Parallel:
    from fiftytwo.weeks.w16_scale.parallel import side_by_side

    with tempfile.TemporaryDirectory(dir=lab.folder, prefix="parallel-") as folder:
        found = side_by_side(data, Path(folder).absolute())
    lab.metric("gap of two processes", found.gap)
    lab.metric("gap after a death", found.resumed_gap)
    lab.metric("seconds to notice a death", found.seconds, "s")
    lab.metric("step of the checkpoint", found.resumed_at)
    lab.metric("rows of the parallel run", found.rows)
    return found


def _profiles(lab: Lab, data: Any) -> dict[str, Profile]:
    from fiftytwo.weeks.w16_scale.loading import profiles

    found = profiles(data, steps=60 if lab.full else 15, device=lab.device)
    ours = found["Batches"]
    lab.table(
        ours.frame(10),
        "Operators",
        "Own time of PyTorch's operators in training a small convolutional network. Memory: allocated less freed.",
    )
    top = ours.operators[:10]
    lab.figure(
        figures.operators([operator.name for operator in top], [operator.share for operator in top]),
        "Operators",
        "The ten operators with the most time of their own.",
    )
    lab.metric("share of the top operator", top[0].share)
    lab.metric("share of the top ten operators", sum(operator.share for operator in top))
    lab.metric("peak memory of the profiled steps", ours.peak_bytes / 2**20, "MiB")
    for name, profile in found.items():
        lab.metric(f"loading share, {name}", profile.loading_share)
        lab.metric(f"median wait, {name}", 1e3 * profile.median_wait, "ms")
        lab.metric(f"milliseconds a step, {name}", 1e3 * profile.seconds / profile.steps, "ms")
    return found


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's pieces first, then what the build shows."""
    yield from steps(lab)
    yield from checkpoints(lab)
    yield from _of_the_build(built)


def _of_the_build(built: Built) -> Iterator[Check]:
    yield Check(
        "two processes equal one",
        lambda: built.parallel.gap,
        at_most=1e-5,
        exercise=False,
        why="Split over processes, the same batches give the same weights, also where shares are unequal.",
        hint=("The mean is over the rows of all processes.",),
    )
    yield Check(
        "a death is noticed at once",
        lambda: built.parallel.seconds,
        at_most=20.0,
        unit="s",
        exercise=False,
        why="A run that hangs on a dead partner costs as much as one that works.",
        hint=("The connection breaks when the process ends.",),
    )
    yield Check(
        "the survivor says what to do",
        lambda: float("resume=True" in built.parallel.message),
        equals=True,
        exercise=False,
        why="Whoever reads the log at night needs the next step, not a page of addresses.",
        hint=("ProcessLost names it.",),
    )
    yield Check(
        "what is left goes on to the same weights",
        lambda: built.parallel.resumed_gap,
        at_most=1e-5,
        exercise=False,
        why="The place in the data does not depend on the number of processes, so one can finish what two began.",
        hint=("Rows are dealt out of each batch; the batch is the same.",),
    )
    yield Check(
        "bfloat16 costs no accuracy that can be seen",
        lambda: max(abs(built.difference.low), abs(built.difference.high)),
        at_most=0.03,
        exercise=False,
        why="Weights in float32 add up what products in bfloat16 round; the interval says how much could hide.",
        hint=("Look at the checks of the precision first.",),
    )
    yield Check(
        "the network learns",
        lambda: built.accuracy,
        at_least=0.9,
        exercise=False,
        why="A comparison of two precisions says nothing about networks that learn nothing.",
        hint=("Look at the checks of the gradient first.",),
    )
    yield Check(
        "operators add up to the whole",
        lambda: sum(operator.share for operator in built.profiles["Batches"].operators),
        between=(0.99, 1.0001),
        exercise=False,
        why="Own times leave nothing out and count nothing twice.",
        hint=("Own time leaves out the operators that are called.",),
    )
    yield Check(
        "a loader of rows makes the model wait longer",
        lambda: built.profiles["DataLoader"].median_wait / built.profiles["Batches"].median_wait,
        at_least=1.5,
        exercise=False,
        why="Sixty-four calls and a stack for a batch, in place of one.",
        hint=("Data in memory can be indexed in one call.",),
    )
