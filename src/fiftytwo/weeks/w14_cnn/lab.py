"""Week 14: an image classifier out of parts of one's own, and what each part is worth.

The build trains a small residual network with augmentation and smoothing switched on one by one, over several seeds,
then to the end and with an early stop. The layers are judged against PyTorch's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week

if TYPE_CHECKING:
    from fiftytwo.lab import Lab
    from fiftytwo.weeks.w14_cnn.training import Outcome

week = Week.planned(
    14,
    extras=("deep",),
    seconds=900.0,
    exercise=Exercise(
        "mltoolkit.deep.cnn",
        (
            "conv2d",
            "max_pool2d",
            "label_smoothing_loss",
            "random_crop",
            "random_flip",
            "cutout",
            "EarlyStopping",
        ),
        hours=10.0,
        seconds=300.0,
        memory_bytes=16 * 2**30,
        peers={
            "conv2d": "torch.nn.functional:conv2d",
            "max_pool2d": "torch.nn.functional:max_pool2d",
            "label_smoothing_loss": "fiftytwo.weeks.w14_cnn.peers:label_smoothing_loss",
        },
        brief="""\
Write what an image classifier is made of, on tensors of shape (B, C, H, W). A good order:

1. `conv2d` without options: gather the windows as columns, one slice of the picture for each place in the filter, then
   one product of matrices. The filter is not turned round. Stay with tensors, so that autograd can follow.
2. Stride, padding, dilation, groups, bias; one number or a pair each. NumPy arrays go in and come back too.
3. `max_pool2d`: the same windows, the largest value of each. The border is minus infinity.
4. `label_smoothing_loss`: the right class is wanted with 1 - ε + ε / K. It must survive scores far apart.
5. `random_crop`, `random_flip`, `cutout`: the whole batch at once, a draw of its own for each picture, from the
   generator that is handed in.
6. `EarlyStopping`: when to stop is counting; what to keep is a copy. NaN is never an improvement. The state goes into a
   checkpoint and comes back.

Bad input gets a `ValueError` that says what was wrong. PyTorch's tensors are yours: slicing, `stack`, `pad`, `@`,
`log_softmax`. A finished convolution, `unfold`, pooling, smoothed loss or augmentation from a library is not the
exercise. The training loop is the toolkit's `Trainer`.
""",
    ),
)


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    labels: NDArray[np.int64]  # of the test pictures
    arms: Mapping[str, list[Outcome]]
    stops: Mapping[str, list[Outcome]]
    budget: Outcome | None  # the widest network that the time allows, in full


def build(lab: Lab) -> Built:
    """Train with and without each part, stop early and late, and look inside."""
    from fiftytwo.weeks.w14_cnn import experiments, showing
    from fiftytwo.weeks.w14_cnn.pictures import pictures

    data = pictures(lab)
    recipe = experiments.recipe(lab)
    showing.treatments(lab, data, recipe)
    arms = experiments.ablation(lab, data)
    showing.ablation(lab, data, arms, recipe)
    stops = experiments.stops(lab, data)
    showing.early_stops(lab, data, stops, experiments.stopping_recipe(lab))
    budget = experiments.budget(lab, data)
    showing.inside(lab, data, budget or arms["both"][0])
    if budget is not None:
        lab.metric("test accuracy within the CPU budget", experiments.accuracy(budget, data.parts["test"][1]))
        lab.note(
            f"What hours of a GPU reach on all of CIFAR-10 is not measured: this run was on {lab.device}, with the "
            f"{len(data.parts['training'][1]):,} training pictures of the subset."
        )
    for part, (_, labels) in data.parts.items():
        lab.metric(f"pictures, {part}", len(labels))
    lab.document("ablation.md.jinja", "What augmentation, smoothing and an early stop are worth", pictures=data.name,
                 seeds=experiments.SEEDS)  # fmt: skip
    return Built(data.parts["test"][1], arms, stops, budget)


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """The learner's parts first, then what they did together."""
    from fiftytwo.weeks.w14_cnn.augmenting import augmenting
    from fiftytwo.weeks.w14_cnn.handmade import handmade
    from fiftytwo.weeks.w14_cnn.layers import layers
    from fiftytwo.weeks.w14_cnn.softening import softening
    from fiftytwo.weeks.w14_cnn.stopping import stopping

    yield from layers(lab)
    yield from softening(lab)
    yield from augmenting(lab)
    yield from stopping(lab)
    yield from handmade(lab)
    yield from _early_stop(built)
    yield from _arms(lab, built)
    if lab.full:
        yield from _real_pictures(built)


def _early_stop(built: Built) -> Iterator[Check]:
    def kept() -> float:
        """Seeds in which the kept weights are, to the bit, those of the epoch with the lowest validation loss."""
        pairs = zip(built.stops["early stop"], built.stops["to the end"], strict=True)
        return sum(
            short.kept == short.fingerprints[int(np.argmin(short.validation_loss))]
            and short.kept == whole.fingerprints[int(np.argmin(short.validation_loss))]
            for short, whole in pairs
        )

    yield Check(
        "kept models that are the best epoch's, to the bit",
        kept,
        equals=3,
        unit="of 3",
        why="The same run without a stop passed through the same weights in that epoch, and did not keep them.",
        hint=("Look at the checks of restore first.", "Copy state_dict(), buffers included."),
    )


def _arms(lab: Lab, built: Built) -> Iterator[Check]:
    from fiftytwo.weeks.w14_cnn.experiments import accuracy, confidence

    def added() -> float:
        """Over all seeds, with and without smoothing: twice as many pairs as either alone."""
        scores = {arm: [accuracy(one, built.labels) for one in outcomes] for arm, outcomes in built.arms.items()}
        return float(np.mean(scores["augmentation"] + scores["both"]) - np.mean(scores["plain"] + scores["smoothing"]))

    yield Check(
        "test accuracy that augmentation adds",
        added,
        at_least=-0.02 if lab.full else 0.02,
        why="With few pictures, what is known about them (a shifted shape is the same shape) is worth many more. With "
        "many and little time it must at least do no harm.",
        hint=("Look at the checks of the augmentations first.",),
    )
    yield Check(
        "confidence that smoothing takes",
        lambda: float(
            np.mean([confidence(o) for o in built.arms["plain"]])
            - np.mean([confidence(o) for o in built.arms["smoothing"]])
        ),
        at_least=0.03,
        exercise=False,
        why="Wanting less than certainty, the network says less than certainty.",
        hint=("Look at the checks of the loss first.",),
    )
    yield Check(
        "training loss under augmentation over the plain one",
        lambda: float(
            np.mean([o.training_loss[-1] for o in built.arms["augmentation"]])
            / np.mean([o.training_loss[-1] for o in built.arms["plain"]])
        ),
        at_least=1.1,
        exercise=False,
        why="Pictures that change each time cannot be learned by heart.",
        hint=("Look at the checks of the augmentations first.",),
    )


def _real_pictures(built: Built) -> Iterator[Check]:
    from fiftytwo.weeks.w14_cnn.experiments import accuracy

    yield Check(
        "test accuracy on the CIFAR-10 subset, within the CPU budget",
        lambda: np.nan if built.budget is None else accuracy(built.budget, built.labels),
        at_least=0.65,
        exercise=False,
        why="A fifth of the training pictures and minutes on a processor: a floor for what a GPU's hours are worth.",
        hint=("Look at the checks of the parts first.",),
    )

    yield Check(
        "epochs trained, early stop over to the end",
        lambda: (
            sum(len(o.validation_loss) for o in built.stops["early stop"])
            / sum(len(o.validation_loss) for o in built.stops["to the end"])
        ),
        at_most=0.95,
        exercise=False,
        why="Where nothing more is gained the time is saved.",
        hint=("Look at the checks of patience first.",),
    )
