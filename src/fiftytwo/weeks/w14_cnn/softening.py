"""Checks of the softened loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w14_cnn.layers import EXACT
from fiftytwo.weeks.w14_cnn.probes import gradients

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_SHARES = (0.0, 0.1, 0.3, 1.0)


def softening(lab: Lab) -> Iterator[Check]:
    """Values, gradient, extremes, bad input."""
    draws = torch.Generator().manual_seed(lab.seed)
    logits = 3.0 * torch.randn(7, 5, generator=draws, dtype=torch.float64)
    target = torch.randint(5, (7,), generator=draws)
    inputs = {"logits": logits, "target": target}

    def values() -> Measurement:
        return worst(
            (
                difference(lab.solution.label_smoothing_loss(logits, target, share),
                           cross_entropy(logits, target, label_smoothing=share),
                           call=f"label_smoothing_loss(logits, target, {share})", inputs=inputs)
                for share in _SHARES
            ),
            EXACT,
        )  # fmt: skip

    yield Check(
        "smoothing equals PyTorch's",
        values,
        at_most=EXACT,
        why="The share is spread over all classes, the right one included, so it is wanted with 1 - ε + ε / K.",
        hint=("(1 - ε) · mean of -log p(right) + ε · mean of -log p over all classes.",
              "Without smoothing it is the cross-entropy: check that first."),
    )  # fmt: skip
    yield Check(
        "a tenth by default",
        lambda: difference(lab.solution.label_smoothing_loss(logits, target),
                           cross_entropy(logits, target, label_smoothing=0.1),
                           call="label_smoothing_loss(logits, target)", inputs=inputs),
        at_most=EXACT,
        why="The number of the docstring is part of the contract.",
        hint=("Keep the signature of the starter.",),
    )  # fmt: skip

    def slopes() -> Measurement:
        (got,) = lab.solution.apply(gradients, "label_smoothing_loss", [logits, target], {"smoothing": 0.2})
        wanted = (1.0 - 0.2) * torch.eye(5, dtype=torch.float64)[target] + 0.2 / 5.0
        return difference(got, (logits.softmax(1) - wanted) / len(logits), inputs=inputs,
                          call="gradient of label_smoothing_loss(logits, target, 0.2)")  # fmt: skip

    yield Check(
        "gradient of the loss",
        slopes,
        at_most=EXACT,
        why="It is what the model says minus what is wanted: with smoothing no score has to grow for ever.",
        hint=("Stay with tensors, and take the mean over the rows.",),
    )

    def extremes() -> Measurement:
        far = torch.tensor([[1e4, 0.0, -1e4], [0.0, 800.0, 0.0]], dtype=torch.float64)
        right = torch.tensor([2, 1])
        return difference(lab.solution.label_smoothing_loss(far, right, 0.1),
                          cross_entropy(far, right, label_smoothing=0.1), relative=True,
                          call="label_smoothing_loss(logits of ±10000, target, 0.1)",
                          inputs={"logits": far, "target": right})  # fmt: skip

    yield Check(
        "scores far apart",
        extremes,
        at_most=EXACT,
        why="log(softmax) is minus infinity where the probability rounds to 0; the logarithm of a softmax is not.",
        hint=("logits.log_softmax(dim=1), or subtract logsumexp.",),
    )

    def refused() -> Measurement:
        loss = lab.solution.label_smoothing_loss
        trials = [
            ("label_smoothing_loss(logits, classes up to 5 of 5)", (logits, target + 5 - int(target.max())), ("target",
                                                                                                       "class")),
            ("label_smoothing_loss(logits, a class of -1)", (logits, target - target.min() - 1), ("target", "class")),
            ("label_smoothing_loss(logits, 6 classes for 7 rows)", (logits, target[:6]), ("target", "rows", "shape")),
            ("label_smoothing_loss(logits, target, 1.5)", (logits, target, 1.5), ("smoothing",)),
            ("label_smoothing_loss(logits, target, -0.1)", (logits, target, -0.1), ("smoothing",)),
            ("label_smoothing_loss(logits, target, '0.1')", (logits, target, "0.1"), ("smoothing",)),
            ("label_smoothing_loss(logits, target in floating point)", (logits, target.double()), ("target",)),
            ("label_smoothing_loss(logits of whole numbers, target)", (logits.long(), target), ("logits",)),
            ("label_smoothing_loss(logits of one row, target)", (logits[0], target), ("logits",)),
        ]  # fmt: skip
        return first_unclear(
            refusal(lambda given=given: loss(*given), call=call, mentions=words)  # type: ignore[misc]
            for call, given, words in trials
        )

    yield Check(
        "the loss refuses what does not fit",
        refused,
        equals=True,
        why="A class of -1 picks the last column without a word.",
        hint=("A ValueError whose text names the argument: logits, target or smoothing.",),
    )
