"""Checks of ``Checkpoint``: what it keeps, what it refuses, and whether a killed run comes through."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w16_scale.steps import in_words

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def checkpoints(lab: Lab) -> Iterator[Check]:
    """The checks, cheapest first."""
    yield from _kept(lab)
    yield from _restored(lab)
    yield from _refused(lab)
    yield from _killed(lab)


def faults(lab: Lab, work: Callable[..., Any], call: str, *arguments: Any) -> Measurement:
    """How many faults a piece of work finds in the solution, and which."""
    found = list(_in_folder(lab, work, *arguments))
    return Measurement(float(len(found)), call=call, got="; ".join(found[:8]) or "no fault", expected="no fault")


def _in_folder(lab: Lab, work: Callable[..., Any], *arguments: Any) -> Any:
    with tempfile.TemporaryDirectory(dir=lab.folder, prefix="checkpoints-") as folder:
        return lab.solution.apply(work, folder, *arguments)


def _kept(lab: Lab) -> Iterator[Check]:
    from fiftytwo.weeks.w16_scale import files

    yield Check(
        "everything comes back to the bit",
        lambda: faults(lab, files.comes_back, "Checkpoint.load(Checkpoint.save(path, model=model, ...))"),
        equals=0.0,
        unit="faults",
        why="What the file leaves out, a resumed run makes up.",
        hint=(
            "Look at the names in the message: these came back changed or not at all.",
            "JSON turns integer keys into text and tuples into lists; write down which was which.",
        ),
    )
    yield Check(
        "shared weights stay shared",
        lambda: faults(lab, files.tied, "checkpoint.restore(model=model)"),
        equals=0.0,
        unit="faults",
        why="Many language models use one matrix twice; buffers such as running means belong to the state too.",
        hint=("Save state_dict(), not parameters().", "Keep a tensor that has two names once, under the first."),
    )


def _restored(lab: Lab) -> Iterator[Check]:
    from fiftytwo.weeks.w16_scale import files

    yield Check(
        "a resumed run is the one that went on",
        lambda: difference(
            _array(_in_folder(lab, files.goes_on)),
            _array([0.0] * 5),
            call="checkpoint.restore(model=model, optimizer=optimizer, scheduler=scheduler)  # then five steps",
        ),
        equals=0.0,
        why="Weights alone are not a run: moments, the place in the schedule and the next dropout mask count too.",
        hint=(
            "After which step do the two part? At once: the optimizer or the random state is missing.",
            "Restore optimizer.state_dict(), scheduler.state_dict() and torch.get_rng_state().",
        ),
    )
    yield Check(
        "three random streams go on",
        lambda: faults(lab, files.streams, "checkpoint.restore()"),
        equals=0.0,
        unit="streams lost",
        why="Dropout draws from PyTorch's, old augmentations from NumPy's, somebody's shuffle from Python's.",
        hint=("random.getstate(), numpy.random.get_state(), torch.get_rng_state(): saved by save, set by restore.",),
    )
    yield Check(
        "what does not fit is refused, and nothing is changed",
        lambda: faults(lab, files.misfits, "checkpoint.restore(model=other)"),
        equals=0.0,
        unit="faults",
        why="Half a checkpoint in a model gives numbers that look like training.",
        hint=("Compare names and shapes before anything is loaded.", "Raise a ValueError that names the misfits."),
    )


def _refused(lab: Lab) -> Iterator[Check]:
    from fiftytwo.weeks.w16_scale import files

    yield Check(
        "damage is noticed",
        lambda: faults(lab, files.damaged, "Checkpoint.load(damaged)", 400 if lab.full else 60),
        equals=0.0,
        unit="kinds unnoticed",
        why="A disk that was full, a copy that broke off, a bit that turned: the file is there and is not the state.",
        hint=(
            "A format notices when its end is missing, and not when a weight has changed.",
            "Write a checksum over everything (hashlib.sha256) into the file, and compare it before anything is used.",
        ),
    )
    yield Check(
        "foreign files are refused and run nothing",
        lambda: faults(lab, files.foreign, "Checkpoint.load(foreign)"),
        equals=0.0,
        unit="faults",
        why="A pickle is a program. A checkpoint from somewhere else must not get to run one.",
        hint=(
            "Never unpickle: safetensors for the tensors, JSON for the rest.",
            "With torch.load, weights_only=True; and look for a mark of your own format.",
        ),
    )
    yield Check(
        "the latest good one is found",
        lambda: in_words(_in_folder(lab, files.latest), files.LATEST, "Checkpoint.latest(folder)"),
        equals=0.0,
        unit="differences",
        why="After a crash nobody looks through a folder; and the newest file is the one that the crash met.",
        hint=(
            "Neither names nor times tell the steps: the file does.",
            "Pass over what cannot be read; give None for no file, and an error when no file is good.",
        ),
    )


def _killed(lab: Lab) -> Iterator[Check]:
    yield Check(
        "a writer that is killed leaves the old checkpoint",
        lambda: _overwritten(lab),
        equals=0.0,
        unit="faults",
        why="Between the first byte and the last the name must still mean the old file.",
        hint=("Write to another name in the same folder.", "mltoolkit.io.atomic_write, or os.replace at the end."),
    )
    yield Check(
        "killed again and again, the same bits",
        lambda: _survived(lab),
        equals=True,
        why="Machines are taken away in the middle of a step; what was computed must not depend on when.",
        hint=(
            "Look at the checks before this one.",
            "The run keeps its order of rows, its place in it and its losses in data and extra.",
        ),
    )


def _overwritten(lab: Lab) -> Measurement:
    from fiftytwo.weeks.w16_scale import killing

    found = _in_folder(lab, killing.overwritten)
    lab.metric("writers killed over a good checkpoint", found["writers"])
    return _words(found["faults"], "Checkpoint.save(path, ...)  # over a good one, killed in the middle")


def _survived(lab: Lab) -> Measurement:
    """Kill and compare; a run that parts from itself without a kill is not worth the wait."""
    from fiftytwo.weeks.w16_scale import files, killing

    if max(_in_folder(lab, files.goes_on)) > 0.0 or _in_folder(lab, files.streams):
        raise RuntimeError("not tried: a resumed run is another one even without a kill, as the checks above say")
    found = _in_folder(lab, killing.killed, 120 if lab.full else 18, lab.seed)
    lab.metric("kills", found["kills"])
    lab.metric("kills within a write", found["in_writes"])
    lab.metric("steps of the killed run", killing.STEPS)
    return Measurement(
        float(found["straight"] == found["resumed"]),
        call="Checkpoint.latest(folder).restore(...)  # after each kill -9",
        got=f"SHA-256 {found['resumed'][:16]}",
        expected=f"SHA-256 {found['straight'][:16]}",
    )


def _words(found: list[str], call: str) -> Measurement:
    return Measurement(float(len(found)), call=call, got="; ".join(found) or "no fault", expected="no fault")


def _array(values: list[float]) -> Any:
    import numpy as np

    return np.asarray(values, dtype=float)
