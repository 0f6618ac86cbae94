"""Week 13: backpropagation by hand, held against automatic differentiation, and what training looks like.

The build trains a network in NumPy and its twin in PyTorch on handwritten digits, draws the loss at three learning
rates, and begins a deep network in four ways. The checks hand in weights and compare gradients, steps and losses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from fiftytwo.weeks.w13_mlp.depth import Start
    from fiftytwo.weeks.w13_mlp.digits import Digits
    from fiftytwo.weeks.w13_mlp.training import Learned, Recipe

week = Week.planned(
    13,
    extras=("deep",),
    seconds=900.0,
    memory_bytes=16 * 2**30,
    exercise=Exercise(
        "mltoolkit.deep.mlp",
        ("NumpySGD", "NumpyAdam", "NumpyMLP", "MLP"),
        hours=12.0,
        seconds=600.0,
        memory_bytes=12 * 2**30,
        peers={"NumpyMLP": "fiftytwo.weeks.w13_mlp.peers:NumpyMLP"},
        brief="""\
Write a multilayer perceptron twice: in NumPy with its gradients by hand, and in PyTorch. A good order:

1. `NumpyMLP.set_weights` and `forward`: a loop over layers, H @ W + b, then the activation, except after the last.
2. The loss in `loss_and_gradients`, from the logits: logsumexp(z) - z[y], as a mean. Then the gradients, from the last
   layer to the first. Begin with (softmax(Z) - onehot(y)) / n. ReLU first, tanh and GELU after.
3. `NumpySGD.step` and `NumpyAdam.step`: parameters and gradients in, new parameters out, state in `self`.
4. `initialize`, then `partial_fit` (one epoch: a new permutation, slices, a step each) and `fit` (all epochs).
5. `predict_proba`, `predict`, and the refusals.
6. `MLP`, a `torch.nn.Module` with the same start and the same numbers.

NumPy, SciPy's special functions, scikit-learn's base classes and validation helpers are yours for the NumPy part, and
PyTorch for `MLP`. A finished network or optimizer from a library is not the exercise.
""",
    ),
)

RATES: Mapping[str, float] = {"too low": 0.003, "about right": 0.1, "too high": 2.0}
GUESSING = math.log(10)  # the loss of saying one tenth for every digit
_SHOWN = 12  # worst-read digits


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    digits: Digits
    learned: Mapping[str, Learned]  # by hand, and by PyTorch
    rates: Mapping[str, tuple[list[float], list[float]]]  # training and held-out losses
    starts: Mapping[str, Start]


def build(lab: Lab) -> Built:
    """Train both networks, three learning rates, and four starts."""
    from fiftytwo.weeks.w13_mlp.digits import digits

    data = digits(lab)
    learned = _train(lab, data)
    _pictures(lab, data, learned)
    few = data.first(1500, 400)
    rates, starts = _rates(lab, few), _starts(lab, few)
    lab.metric("training rows", len(data.train))
    lab.metric("test rows", len(data.test))
    lab.metric("loss of guessing", GUESSING, "nats")
    lab.document("curves.md.jinja", "How to read a loss curve", digits=data.name)
    lab.document("initialization.md.jinja", "How a deep network should begin", digits=data.name)
    return Built(data, learned, rates, starts)


def _train(lab: Lab, data: Digits) -> dict[str, Learned]:
    import pandas as pd

    from fiftytwo.weeks.w13_mlp import figures
    from fiftytwo.weeks.w13_mlp.training import Learned, Recipe, by_hand, by_torch

    quick = Recipe((128, 64), 15, 32, 0.002, 0.01, "fp32"), Recipe((256, 128), 15, 64, 0.003, 0.1, "fp32", 1)
    full = Recipe((256, 128), 10, 128, 0.001, 0.01, "fp32"), Recipe((512, 256), 15, 128, 0.002, 0.05, "bf16")
    recipes = full if lab.full else quick
    work: list[tuple[str, Any, Recipe]] = [("NumPy", by_hand, recipes[0]), ("PyTorch", by_torch, recipes[1])]
    learned = {}
    for name, function, recipe in lab.progress(work, "training"):
        losses, accuracies, probabilities = lab.solution.apply(function, data, recipe, lab.seed)
        learned[name] = Learned(tuple(losses), tuple(accuracies), np.asarray(probabilities))
        lab.metric(f"test accuracy, {name}", accuracies[-1])
        lab.metric(f"training loss at the end, {name}", losses[-1], "nats")
    rows = [
        {"network": name, "hidden layers": " - ".join(map(str, recipe.hidden)), "epochs": recipe.epochs,
         "batch": recipe.batch_size, "learning rate": recipe.rate, "precision": recipe.precision if i else "fp64",
         "test accuracy": learned[name].accuracies[-1]}
        for i, (name, _, recipe) in enumerate(work)
    ]  # fmt: skip
    lab.table(pd.DataFrame(rows), "Networks", f"Both networks on {data.name}, AdamW, on rows that neither has seen.")
    lab.figure(
        figures.learning_curves({name: (one.losses, one.accuracies) for name, one in learned.items()}),
        "Learning curves",
        "Left, the loss that is minimised; right, the share of test rows read wrongly. The loss goes on falling long "
        "after the reading has stopped to improve: from there on rows are learned by heart.",
    )
    return learned


def _pictures(lab: Lab, data: Digits, learned: Mapping[str, Learned]) -> None:
    from fiftytwo.weeks.w13_mlp import figures

    p, labels = learned["PyTorch"].probabilities, data.test_labels
    read = np.argmax(p, axis=1)
    counts = np.zeros((10, 10), dtype=np.int64)
    np.add.at(counts, (labels, read), 1)
    lab.figure(
        figures.confusion(counts, f"{np.sum(read != labels):,} of {len(labels):,} read wrongly"),
        "Confusion",
        f"What the network in PyTorch reads on the test rows of {data.name}. A row is a true digit, a column what it "
        "was taken for; colour counts the mistakes alone.",
    )
    own = p[np.arange(len(labels)), labels]
    worst = np.argsort(own, kind="stable")[:_SHOWN]
    lab.figure(
        figures.worst_read(
            data.test[worst], data.side, labels[worst].tolist(), read[worst].tolist(), own[worst].tolist()
        ),
        "The worst-read digits",
        "The test rows with the largest loss: their label, what was read, and the probability p that the label got. "
        "Look at them before you change the model: some nobody could read.",
    )


def _rates(lab: Lab, few: Digits) -> dict[str, tuple[list[float], list[float]]]:
    from fiftytwo.weeks.w13_mlp import figures
    from fiftytwo.weeks.w13_mlp.training import rate_curves

    train, held = lab.solution.apply(rate_curves, few, tuple(RATES.values()), 20, lab.seed)
    found = {name: (list(a), list(b)) for name, a, b in zip(RATES, train, held, strict=True)}
    titled = {f"{name}: {RATES[name]:g}": curves for name, curves in found.items()}
    lab.figure(
        figures.rates(titled, GUESSING),
        "Three learning rates",
        "Plain descent on the same network, data and order, at three rates. Dashed: the loss of guessing.",
    )
    for name, curves in found.items():
        lab.metric(f"rate, {name}", RATES[name])
        lab.metric(f"training loss, {name}", curves[0][-1] if curves[0] else math.inf, "nats")
        lab.metric(f"held-out loss, {name}", curves[1][-1] if curves[1] else math.inf, "nats")
    lab.metric("epochs at each rate", 20)
    return found


def _starts(lab: Lab, few: Digits) -> dict[str, Start]:
    import pandas as pd

    from fiftytwo.weeks.w13_mlp import depth, figures
    from fiftytwo.weeks.w13_mlp.training import from_start

    found = {}
    for name, factor in lab.progress(list(depth.FACTORS.items()), "beginning in four ways"):
        weights = depth.start_weights(lab.rng, few.side**2, 10, factor)
        gradients, losses = lab.solution.apply(from_start, few, weights, 8, lab.seed)
        signals = depth.signals(few.scaled(few.train), weights)
        found[name] = depth.Start(name, signals, tuple(gradients), tuple(losses))
    rows = [
        {"start": one.name, "output of layer 1": one.signals[0], f"output of layer {depth.LAYERS}": one.signals[-1],
         "gradient of layer 1": one.gradients[0], f"gradient of layer {depth.LAYERS + 1}": one.gradients[-1],
         "loss after the first epoch": one.losses[0], "loss at the end": one.losses[-1]}
        for one in found.values()
    ]  # fmt: skip
    lab.table(pd.DataFrame(rows), "Starts", "Root mean squares before the first step, and mean losses of training.")
    lab.figure(
        figures.starts(list(found.values()), GUESSING),
        "Four ways to begin",
        f"{depth.LAYERS} hidden layers of {depth.WIDTH} ReLUs. Left, the size of what each layer gives out; middle, of "
        "its gradient, both before the first step; right, training from there with Adam. All-zero weights give out 0 "
        "and get 0 back, so they have no line on the left.",
    )
    lab.metric("hidden layers of the deep network", depth.LAYERS)
    lab.metric("epochs from each start", 8)
    return found


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's parts first, then what training shows."""
    from fiftytwo.weeks.w13_mlp.fitting import fitting
    from fiftytwo.weeks.w13_mlp.gradients import gradients
    from fiftytwo.weeks.w13_mlp.steps import steps
    from fiftytwo.weeks.w13_mlp.twins import twins

    yield from gradients(lab)
    yield from steps(lab)
    yield from fitting(lab)
    yield from twins(lab)
    yield from _on_the_digits(lab, built)


def _on_the_digits(lab: Lab, built: Built) -> Iterator[Check]:
    floors = {"NumPy": 0.97, "PyTorch": 0.98} if lab.full else {"NumPy": 0.96, "PyTorch": 0.96}
    for name, floor in floors.items():
        yield Check(
            f"test accuracy, {name}",
            lambda name=name: built.learned[name].accuracies[-1],  # type: ignore[misc]
            at_least=floor,
            why="The share of pictures read rightly that the network has not seen.",
            hint=("Look at the checks of the gradients and of the optimizers first.",),
        )
    yield Check(
        "a rate about right learns",
        lambda: built.rates["about right"][0][-1],
        at_most=0.25,
        unit="nats",
        why="A good curve falls fast, bends, and goes on falling slowly.",
        hint=("Look at the checks of an epoch first.",),
    )
    yield Check(
        "a rate too low has far to go",
        lambda: built.rates["too low"][0][-1] / built.rates["about right"][0][-1],
        at_least=3.0,
        why="Its curve is nearly straight where the other has long bent.",
        hint=("Look at the checks of an epoch first.",),
    )
    yield Check(
        "a rate too high learns nothing",
        lambda: min(built.rates["too high"][1][-3:], default=math.inf),
        at_least=1.0,
        unit="nats",
        why="Steps longer than the valley is wide throw the units where ReLU is flat, and there they stay.",
        hint=("Look at the checks of an epoch first.",),
    )
    yield Check(
        "zero weights stay at guessing",
        lambda: built.starts["all zero"].losses[-1],
        between=(GUESSING - 0.1, GUESSING + 0.1),
        unit="nats",
        why="Units that begin alike get the same gradient and stay alike; here it is 0 for all but the last bias.",
        hint=("Look at the checks of the gradients first.",),
    )
    yield Check(
        "gradient of the first layer, He over a third of He",
        lambda: built.starts["He"].gradients[0] / built.starts["a third of He"].gradients[0],
        at_least=100.0,
        why="A weight's gradient is a signal times an error, and with weights too small one or the other has faded.",
        hint=("Look at the checks of the gradients first.",),
    )
    yield Check(
        "He ends below the others",
        lambda: min(s.losses[-1] for s in built.starts.values() if s.name != "He") / built.starts["He"].losses[-1],
        at_least=1.2,
        why="The same network, data, order and optimizer: the start alone makes the difference.",
        hint=("Look at the checks of the gradients first.",),
    )
