"""Checks of the optimizers: step for step what ``torch.optim`` does with the same gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear, refusal, worst
from fiftytwo.weeks.w13_mlp.networks import listed

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_EXACT = 1e-11
_SHAPES = ((3, 2), (2,), (1, 4))
_STEPS = 15


def steps(lab: Lab) -> Iterator[Check]:
    """Descent, Adam, and what both refuse."""
    yield from _sgd(lab)
    yield from _adam(lab)
    yield from _defaults(lab)
    yield from _refusals(lab)


def _start(rng: np.random.Generator) -> tuple[list[NDArray[np.float64]], list[list[NDArray[np.float64]]]]:
    """Parameters, and the gradients of each step: of all scales, so that no constant hides."""
    parameters = [rng.standard_normal(shape) for shape in _SHAPES]
    scales = [np.geomspace(1e-3, 10.0, int(np.prod(shape))).reshape(shape) for shape in _SHAPES]
    return parameters, [[s * rng.standard_normal(s.shape) for s in scales] for _ in range(_STEPS)]


def torch_path(
    name: str, start: Sequence[NDArray[Any]], pulls: Sequence[Sequence[NDArray[Any]]], **options: Any
) -> Iterator[list[NDArray[np.float64]]]:
    """The parameters after each step of ``torch.optim``."""
    parameters = [torch.tensor(p, requires_grad=True) for p in start]
    method = getattr(torch.optim, name)(parameters, **options)
    for gradients in pulls:
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = torch.tensor(g)
        method.step()
        yield [p.detach().numpy().copy() for p in parameters]


def _beside(
    lab: Lab, ours: str, options: dict[str, Any], peer: str, theirs: dict[str, Any], *, zero: bool = False
) -> Measurement:
    start, pulls = _start(lab.rng)
    if zero:
        pulls = [[np.zeros_like(g) for g in gradients] for gradients in pulls]
    optimizer = getattr(lab.solution, ours)(**options)
    shown = ", ".join(f"{name}={value!r}" for name, value in options.items())

    def each() -> Iterator[Measurement]:
        now = start
        for count, expected in enumerate(torch_path(peer, start, pulls, **theirs)):
            got = optimizer.step(now, pulls[count])
            call = f"{ours}({shown}): step {count + 1}"
            inputs = {f"parameter_{i}": p for i, p in enumerate(now)}
            inputs |= {f"gradient_{i}": g for i, g in enumerate(pulls[count])}
            measurement = listed(got, expected, _EXACT, call=call, inputs=inputs)
            yield measurement
            if measurement.gate:
                return
            now = list(got)

    return worst(each(), _EXACT)


def _sgd(lab: Lab) -> Iterator[Check]:
    rows: list[tuple[str, dict[str, float], str, tuple[str, ...]]] = [
        ("plain", {}, "One line, and most of deep learning rests on it.", ("θ - learning_rate · gradient",)),
        ("momentum", {"momentum": 0.9}, "A velocity averages out what the batches disagree on.",
         ("v = momentum · v + g, with no (1 - momentum) before g.", "At the first step v is g.")),
        ("momentum and decay", {"momentum": 0.8, "weight_decay": 0.1}, "A penalty on θ²/2 pulls by θ.",
         ("g + weight_decay · θ comes before the velocity.",)),
    ]  # fmt: skip
    for name, options, why, hint in rows:
        yield Check(
            f"SGD, {name}",
            lambda options=options: _beside(  # type: ignore[misc]
                lab, "NumpySGD", {"learning_rate": 0.05, **options}, "SGD", {"lr": 0.05, **options}
            ),
            at_most=_EXACT,
            why=why,
            hint=hint,
        )


def _adam(lab: Lab) -> Iterator[Check]:
    decay = {"weight_decay": 0.2}
    rows: list[tuple[str, dict[str, Any], str, bool, str, tuple[str, ...]]] = [
        ("Adam", {}, "AdamW", False, "Each coordinate moves by about the learning rate, whatever its gradient's scale.",
         ("Two running means, of g and of g², both begun at 0.",
          "Divide them by 1 - β₁ᵗ and 1 - β₂ᵗ; t counts from 1.", "eps is added after the root.")),
        ("Adam, other constants", {"betas": (0.7, 0.95), "eps": 0.1}, "AdamW", False,
         "With a large eps it shows where eps is added.", ("√v̂ + eps: outside the root, after the correction.",)),
        ("AdamW", decay, "AdamW", False, "Decay beside the means shrinks all weights alike.",
         ("θ ← (1 - learning_rate · weight_decay) · θ before the step; the gradient does not see it.",)),
        ("Adam with an L2 penalty", {**decay, "decoupled": False}, "Adam", False,
         "Decay inside the means is divided by √v̂: where gradients are large it hardly acts.",
         ("With decoupled=False, g + weight_decay · θ stands for g.",)),
        ("Adam without a gradient", {}, "AdamW", True, "A unit that never fires has a gradient of exactly 0.",
         ("eps keeps 0 / 0 away.",)),
    ]  # fmt: skip
    for name, options, peer, zero, why, hint in rows:
        theirs = {"lr": 0.02, "weight_decay": 0.0, **{k: v for k, v in options.items() if k != "decoupled"}}
        yield Check(
            name,
            lambda options=options, peer=peer, theirs=theirs, zero=zero: _beside(  # type: ignore[misc]
                lab, "NumpyAdam", {"learning_rate": 0.02, **options}, peer, theirs, zero=zero
            ),
            at_most=_EXACT,
            why=why,
            hint=hint,
        )


def _defaults(lab: Lab) -> Iterator[Check]:
    yield Check(
        "optimizers' defaults as documented",
        lambda: worst(
            (
                _beside(lab, "NumpySGD", {}, "SGD", {"lr": 0.1}),
                _beside(lab, "NumpyAdam", {}, "AdamW", {"lr": 0.001, "weight_decay": 0.0}),
            ),
            _EXACT,
        ),
        at_most=_EXACT,
        why="Who writes NumpyAdam() relies on what the page says: the numbers are part of the contract.",
        hint=("The signatures of your starter have them; keep them.",),
    )


def _refusals(lab: Lab) -> Iterator[Check]:
    bad: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
        ("NumpySGD", {"learning_rate": -0.1, "momentum": 1.0}, ("learning_rate",)),
        ("NumpySGD", {"learning_rate": -0.1, "momentum": 1.0}, ("momentum",)),
        ("NumpySGD", {"weight_decay": float("nan")}, ("weight_decay",)),
        ("NumpyAdam", {"learning_rate": float("inf")}, ("learning_rate",)),
        ("NumpyAdam", {"betas": (0.9, 1.0)}, ("betas",)),
        ("NumpyAdam", {"betas": (-0.1, 0.9)}, ("betas",)),
        ("NumpyAdam", {"eps": -1.0}, ("eps",)),
        ("NumpyAdam", {"weight_decay": -1.0}, ("weight_decay",)),
    ]
    yield Check(
        "optimizers refuse bad numbers",
        lambda: first_unclear(
            refusal(lambda name=name, options=options: getattr(lab.solution, name)(**options),  # type: ignore[misc]
                    call=f"{name}(**{options})", mentions=words)
            for name, options, words in bad
        ),
        equals=True,
        why="A negative rate climbs, and a momentum of 1 never forgets; all faults are told at once.",
        hint=("Collect the faults in a list and raise one ValueError that names each parameter.",
              "NaN fails every comparison: ask whether the value lies inside the range."),
    )  # fmt: skip

    def shapes() -> Measurement:
        one, other = [np.zeros((2, 3))], [np.zeros((3, 2))]
        trials: list[tuple[str, str, Callable[[], Any]]] = []
        for name in ("NumpySGD", "NumpyAdam"):
            make = getattr(lab.solution, name)
            trials += [
                (name, "[zeros((2, 3))], [zeros((3, 2))]", lambda make=make: make().step(one, other)),  # type: ignore[misc]
                (name, "[zeros((2, 3))], []", lambda make=make: make().step(one, [])),  # type: ignore[misc]
            ]
        return first_unclear(
            refusal(action, call=f"{name}().step({given})", mentions=("shape", "gradient"))
            for name, given, action in trials
        )

    yield Check(
        "optimizers refuse gradients of another shape",
        shapes,
        equals=True,
        why="NumPy would stretch a row over a matrix and go on with nonsense.",
        hint=("Compare the lists of shapes before anything moves; mention both.",),
    )
