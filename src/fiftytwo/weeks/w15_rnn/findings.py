"""Checks of what the build found: gradients through time, layers, and the models of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from fiftytwo.weeks.w15_rnn.lab import Built

BACK = 50  # steps over which a gradient is compared


def through_time(lab: Lab) -> dict[str, NDArray[np.float64]]:
    """Length of the gradient by steps back, for each of the cells."""
    from fiftytwo.weeks.w15_rnn.gradients import CELLS, norms_through_time

    return {
        name: np.asarray(lab.solution.apply(norms_through_time, *options, lab.seed)) for name, options in CELLS.items()
    }


def findings(lab: Lab, built: Built) -> Iterator[Check]:
    """Cheapest first; those that look at the build alone are no part of the exercise."""
    yield from _gradients(lab)
    yield from _layers()
    yield from _exploding(built)
    yield from _texts(lab, built)
    yield from _recalls(built)


def _gradients(lab: Lab) -> Iterator[Check]:
    from fiftytwo.weeks.w15_rnn.gradients import CELLS, norms_through_time

    def decades(name: str) -> float:
        norms = np.asarray(lab.solution.apply(norms_through_time, *CELLS[name], lab.seed))
        return float(np.log10(max(norms[BACK], 1e-300)))

    cases: tuple[tuple[str, str, dict[str, Any], str], ...] = (
        ("RNN", "vanishes in the RNN", {"at_most": -8.0},
         "Every step back multiplies by the weights and a slope below 1."),
        ("LSTM", "vanishes in an LSTM with gates half open", {"at_most": -6.0},
         "A forget gate at one half is a factor of one half a step: gates alone save nothing."),
        ("LSTM, forget gates open", "survives in an LSTM with open forget gates", {"at_least": -2.5},
         "A cell state that is kept carries its gradient along."),
        ("RNN, rotation times 2", "explodes in the RNN with large weights", {"at_least": 1.0},
         "Slopes do not make up for weights that double every step."),
    )  # fmt: skip
    for name, title, bound, why in cases:
        yield Check(
            f"a gradient {title}",
            lambda name=name: decades(name),  # type: ignore[misc]
            unit=f"powers of ten in {BACK} steps",
            why=why,
            hint=("Look at the checks of the gradients of input and state first.",),
            **bound,
        )


def _layers() -> Iterator[Check]:
    def compared(name: str) -> Measurement:
        import torch

        from mltoolkit import deep

        torch.manual_seed(0)
        ours = getattr(deep, name)(5, 7, 2, batch_first=True).double()
        peer = getattr(torch.nn, name)(5, 7, 2, batch_first=True).double()
        peer.load_state_dict(ours.state_dict())
        x, found = torch.randn(3, 40, 5).double(), []
        for layer in (ours, peer):
            given = x.clone().requires_grad_()
            output, state = layer(given)
            (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum().backward()
            last = state[1] if isinstance(state, tuple) else state
            found.append([output.detach(), last.detach(), given.grad, *(p.grad for p in layer.parameters())])
        call = f"{name}(5, 7, 2)(x): output, last state and gradients"
        return worst((difference(a, b, call=call) for a, b in zip(*found, strict=True)), 1e-10)

    for name in ("RNN", "LSTM", "GRU"):
        yield Check(
            f"layer {name} equals PyTorch's",
            lambda name=name: compared(name),  # type: ignore[misc]
            at_most=1e-10,
            why="The product that was taken out of the loop, and the gradient by hand, change no number.",
            exercise=False,
        )


def _exploding(built: Built) -> Iterator[Check]:
    yield Check(
        "longest gradient over the median, without clipping",
        lambda: max(built.lengths["without clipping"]) / float(np.median(built.lengths["without clipping"])),
        at_least=50.0,
        why="Most steps are harmless; one cliff throws the weights far away.",
        exercise=False,
    )
    yield Check(
        "loss that clipping saves",
        lambda: (
            float(np.mean(built.losses["without clipping"][-5:])) - float(np.mean(built.losses["with clipping"][-5:]))
        ),
        at_least=0.25,
        unit="nats/character",
        why="The direction is right, its length is not: a short step survives the cliff.",
        exercise=False,
    )


def _texts(lab: Lab, built: Built) -> Iterator[Check]:
    yield Check(
        "nats that five characters save beside two",
        lambda: built.levels["bigram"] - built.levels["5-gram"],
        at_least=0.4,
        unit="nats/character",
        why="The longer a context, the better counting predicts, as long as it has been seen.",
        exercise=False,
    )
    beaten = "5-gram" if lab.full else "bigram"
    yield Check(
        f"nats by which the LSTM beats the {beaten}",
        lambda: built.levels[beaten] - built.main.nats[-1],
        at_least=0.01 if lab.full else 0.3,
        unit="nats/character",
        why="A state that is learned says more about the next character than the last few characters.",
        exercise=False,
    )
    yield Check(
        "nats that gates save at equal training",
        lambda: built.trained["rnn"].nats[-1] - min(built.trained[core].nats[-1] for core in ("lstm", "gru")),
        at_least=0.0,
        unit="nats/character",
        why="The gated cells use their longer memory on real text, too.",
        exercise=False,
    )

    def windows() -> float:
        import torch

        model, ids = built.main.model.eval(), torch.as_tensor(built.text.ids(built.text.valid[:400]))[None]
        with torch.no_grad():
            whole, _ = model(ids)
            pieces, state = [], None
            for part in torch.split(ids, 37, dim=1):
                logits, state = model(part, state)
                pieces.append(logits)
        return float((torch.cat(pieces, dim=1) - whole).abs().max())

    yield Check(
        "windows with a carried state are one long run",
        windows,
        at_most=1e-4,
        unit="logits",
        why="What is cut in training is the gradient, never the memory.",
        exercise=False,
    )

    def unrolled() -> float:
        import torch

        from fiftytwo.weeks.w15_rnn.gradients import stepwise

        ids = torch.as_tensor(built.text.ids(built.text.valid[:200]))
        model = built.trained["lstm"].model.eval()
        with torch.no_grad():
            whole, _ = model(ids[None])
            state = {
                name.removeprefix("core."): w for name, w in model.state_dict().items() if name.startswith("core.")
            }
            hidden = lab.solution.apply(stepwise, "LSTMCell", state, ids, len(model.vocabulary))
            return float((model.head(hidden) - whole[0]).abs().max())

    yield Check(
        "the cell with the trained weights predicts the same",
        unrolled,
        at_most=1e-3,
        unit="logits",
        why="Layer and cell are one thing: weights trained with the one work in the other.",
        exercise=False,
    )

    def read_back() -> float:
        import torch

        from mltoolkit.deep import CharModel

        ids = torch.as_tensor(built.text.ids(built.text.valid[:2000]))
        back, kept = (float(model.nats(ids)) for model in (CharModel.load(built.kept), built.main.model))
        return abs(back - kept)

    yield Check(
        "the kept model, read back, has the same loss",
        read_back,
        at_most=1e-6,
        unit="nats/character",
        why="Week 17 is held against this file.",
        exercise=False,
    )


def _recalls(built: Built) -> Iterator[Check]:
    def at(name: str, place: int) -> float:
        return float(built.recalled[name][:, place].mean())

    yield Check(
        "share recalled by the RNN at the shortest distance",
        lambda: at("RNN", 0),
        at_least=0.8,
        why="The task itself is easy: what fails farther back fails for the distance alone.",
        exercise=False,
    )
    yield Check(
        "share recalled by the RNN at the longest distance",
        lambda: at("RNN", -1),
        at_most=0.6,
        why="A gradient that has vanished cannot say which signal it was.",
        exercise=False,
    )
    yield Check(
        "share recalled by the LSTM with open gates at the longest distance",
        lambda: at("LSTM, forget gates open", -1),
        at_least=0.8,
        why="The same cell, the same training: only the gates begin open.",
        exercise=False,
    )
