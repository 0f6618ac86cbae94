"""Tables, figures and metrics of the build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fiftytwo.weeks.w14_cnn import figures
from fiftytwo.weeks.w14_cnn.experiments import ARMS, SEEDS, Interval, accuracy, confidence, log_loss, paired
from fiftytwo.weeks.w14_cnn.pictures import Pictures
from fiftytwo.weeks.w14_cnn.probes import augmented
from fiftytwo.weeks.w14_cnn.training import Outcome, Recipe

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_SHOWN = 10  # pictures of a batch
_WORST = 10


def ablation(lab: Lab, pictures: Pictures, found: dict[str, list[Outcome]], recipe: Recipe) -> None:
    """The table of the arms, their differences and their curves."""
    labels, epochs = pictures.parts["test"][1], _epochs(recipe)
    scores = {arm: [accuracy(outcome, labels) for outcome in outcomes] for arm, outcomes in found.items()}
    gains: dict[str, Interval] = {arm: paired(scores[arm], scores["plain"]) for arm in ARMS if arm != "plain"}
    rows = []
    for arm, outcomes in found.items():
        row: dict[str, Any] = {
            "arm": arm,
            "test accuracy": float(np.mean(scores[arm])),
            "beyond plain": gains[arm].mean if arm in gains else None,
            "from": gains[arm].low if arm in gains else None,
            "to": gains[arm].high if arm in gains else None,
            "test log loss": float(np.mean([log_loss(outcome, labels) for outcome in outcomes])),
            "confidence": float(np.mean([confidence(outcome) for outcome in outcomes])),
            "training loss": float(np.mean([outcome.training_loss[-1] for outcome in outcomes])),
        }
        rows.append(row)
        lab.metric(f"test accuracy, {arm}", row["test accuracy"])
        lab.metric(f"confidence, {arm}", row["confidence"])
        lab.metric(f"test log loss, {arm}", row["test log loss"])
        if arm in gains:
            for name, value in (("gain", gains[arm].mean), ("gain from", gains[arm].low), ("gain to", gains[arm].high)):
                lab.metric(f"{name}, {arm}", value)
    lab.table(pd.DataFrame(rows), "Ablation",
              f"Means over {SEEDS} seeds on pictures that took no part in training. Beyond plain: paired by seed, with "
              "the ends of its 95% interval by Student's t. Confidence: mean of the largest probability.")  # fmt: skip
    lab.figure(
        figures.gains(
            {arm: np.subtract(scores[arm], scores["plain"]).tolist() for arm in gains},
            {arm: (gain.mean, gain.low, gain.high) for arm, gain in gains.items()},
        ),
        "What each part adds",
        "Test accuracy beyond the plain run with the same seed: each seed a point, the mean with its 95% interval.",
    )
    lab.figure(
        figures.learning_curves(
            epochs,
            {arm: np.array([outcome.training_loss for outcome in outcomes]) for arm, outcomes in found.items()},
            {arm: np.array([outcome.validation_accuracy for outcome in outcomes]) for arm, outcomes in found.items()},
        ),
        "Learning curves",
        f"Means over {SEEDS} seeds, their range shaded. Augmentation and smoothing make training harder on purpose: "
        "compare the right-hand picture, not the left.",
    )


def early_stops(lab: Lab, pictures: Pictures, found: dict[str, list[Outcome]], recipe: Recipe) -> None:
    """What the early stop kept, and what training to the end made of it."""
    labels, epochs = pictures.parts["test"][1], _epochs(recipe)
    rows = []
    for i, (whole, short) in enumerate(zip(found["to the end"], found["early stop"], strict=True)):
        assert short.best_epoch is not None
        rows.append({
            "seed": lab.seed + i,
            "epochs, to the end": int(epochs[-1]),
            "epochs, early stop": int(epochs[len(short.validation_loss) - 1]),
            "epoch kept": int(epochs[short.best_epoch]),
            "log loss, to the end": log_loss(whole, labels),
            "log loss, early stop": log_loss(short, labels),
            "accuracy, to the end": accuracy(whole, labels),
            "accuracy, early stop": accuracy(short, labels),
        })  # fmt: skip
    frame = pd.DataFrame(rows)
    lab.table(
        frame,
        "Early stopping",
        "The plain arm at a rate that does not fall, judged on the test pictures.",
    )
    for name, measure in (("log loss", log_loss), ("accuracy", accuracy)):
        gap = paired(*([measure(outcome, labels) for outcome in found[arm]] for arm in ("early stop", "to the end")))
        for end, value in (("", gap.mean), (" from", gap.low), (" to", gap.high)):
            lab.metric(f"{name}, early stop minus to the end{end}", value)
    saved = 1.0 - frame["epochs, early stop"].sum() / frame["epochs, to the end"].sum()
    lab.metric("share of the epochs saved", float(saved))
    lab.figure(
        figures.stopped(
            epochs,
            [
                (whole.training_loss, whole.validation_loss, int(short.best_epoch or 0))
                for whole, short in zip(found["to the end"], found["early stop"], strict=True)
            ],
        ),
        "Where it stopped",
        "Loss of runs that went to the end, a panel a seed, and the epoch whose weights the early stop gave back.",
    )


def _epochs(recipe: Recipe) -> NDArray[np.float64]:
    """Epochs that are done at each validation."""
    return np.arange(recipe.look_every, recipe.epochs + 1, recipe.look_every, dtype=float)


def treatments(lab: Lab, pictures: Pictures, recipe: Recipe) -> None:
    """One batch before and after each augmentation."""
    shown = pictures.parts["training"][0][:_SHOWN]
    centre = torch.from_numpy(shown).permute(0, 3, 1, 2).float() - 128.0
    rows: dict[str, NDArray[np.uint8]] = {"as it is": shown}
    together = centre
    for name, part, options in (
        ("crop", "random_crop", {"padding": recipe.padding}),
        ("flip", "random_flip", {}),
        ("cutout", "cutout", {"size": recipe.hole}),
    ):
        rows[name] = _as_pictures(lab.solution.apply(augmented, part, centre, options, lab.seed))
        together = lab.solution.apply(augmented, part, together, options, lab.seed + 1)
    rows["all three"] = _as_pictures(together)
    lab.figure(
        figures.batch(rows),
        "Augmentations",
        "One batch before and after: every picture has draws of its own. Grey is 0 after centring.",
    )


def _as_pictures(images: torch.Tensor) -> NDArray[np.uint8]:
    return np.clip(images.permute(0, 2, 3, 1).numpy() + 128.0, 0, 255).astype(np.uint8)


def inside(lab: Lab, pictures: Pictures, outcome: Outcome) -> None:
    """First-layer filters, confusion, and the errors that were made most confidently."""
    images, labels = pictures.parts["test"]
    answers = np.argmax(outcome.probabilities, axis=1)
    lab.figure(
        figures.filters(outcome.filters),
        "First-layer filters",
        "Filters of the first layer of one run: grey is 0, colours are what a filter answers to.",
    )
    counts = np.zeros((len(pictures.classes),) * 2, dtype=np.int64)
    np.add.at(counts, (labels, answers), 1)
    lab.figure(
        figures.confusion(counts, pictures.classes),
        "Confusion",
        "Test pictures of one run by right class and answer.",
    )
    wrong = np.flatnonzero(answers != labels)
    sure = outcome.probabilities[wrong, answers[wrong]]
    chosen = wrong[np.argsort(-sure, kind="stable")[:_WORST]]
    titles = [f"{pictures.classes[labels[i]]}\ntaken for {pictures.classes[answers[i]]}, "
              f"{outcome.probabilities[i, answers[i]]:.0%}" for i in chosen]  # fmt: skip
    lab.figure(
        figures.errors(images[chosen], titles),
        "Worst errors",
        "Test pictures that the same run was surest about and wrong: the right class, the answer, its probability.",
    )
    off_diagonal = counts - np.diag(np.diag(counts))
    i, j = np.unravel_index(int(np.argmax(off_diagonal)), counts.shape)
    lab.metric("most frequent confusion", int(off_diagonal[i, j]), "pictures")
    lab.note(f"The most frequent confusion: {pictures.classes[i]} taken for {pictures.classes[j]}.")
