"""Checks of one step: gradients that are accumulated, and reduced precision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_EQUAL = 1e-10  # in float64; rounding alone makes about 1e-15


def steps(lab: Lab) -> Iterator[Check]:
    """The checks of ``accumulate`` and ``autocast``."""
    yield from _gradients(lab)
    yield from _around_the_gradient(lab)
    yield from _precision(lab)


def _gradients(lab: Lab) -> Iterator[Check]:
    from fiftytwo.weeks.w16_scale import gradients

    def of_sizes(sizes: tuple[int, ...], index: int) -> Measurement:
        return difference(
            lab.solution.apply(gradients.accumulated, sizes)[index],
            gradients.one_batch(sizes)[index],
            call=f"accumulate(model, loss, batches)  # batches of {', '.join(map(str, sizes))} rows",
        )

    yield Check(
        "equal micro-batches give the gradient of one batch",
        lambda: of_sizes((8, 8, 8), 0),
        at_most=_EQUAL,
        why="A batch that does not fit into memory is cut, and the step must be the same.",
        hint=(
            "Each loss is a mean; the backward pass adds up what it is given.",
            "Multiply each loss by its batch's share of the rows before backward().",
        ),
    )
    yield Check(
        "unequal micro-batches too",
        lambda: worst((of_sizes(sizes, 0) for sizes in gradients.SIZES[1:]), _EQUAL),
        at_most=_EQUAL,
        why="The last batch of an epoch is smaller; a mean of means would give its rows too much weight.",
        hint=("Dividing by the number of batches is right only while they are equal.", "Weigh with rows / all rows."),
    )
    yield Check(
        "the loss is the mean over all rows",
        lambda: worst((of_sizes(sizes, 1) for sizes in gradients.SIZES), _EQUAL),
        at_most=_EQUAL,
        why="A curve of losses can be compared between runs only when every row counts once.",
        hint=("The weighted losses add up to it.", "Return a float: float(loss.detach()), added up."),
    )
    yield Check(
        "counts and a stated total",
        lambda: worst(
            (
                difference(
                    got, wanted, call="accumulate(model, loss, batches, counts=[3, 9], total=24)  # gradient, then loss"
                )
                for got, wanted in zip(lab.solution.apply(gradients.counted), gradients.counted_oracle(), strict=True)
            ),
            _EQUAL,
        ),
        at_most=_EQUAL,
        why="A language model's mean is over tokens, and a process that shares a batch knows only a part of it.",
        hint=("Each weight is count / total.", "The total is sum(counts) only when none is given."),
    )


def _around_the_gradient(lab: Lab) -> Iterator[Check]:
    from fiftytwo.weeks.w16_scale import gradients

    yield Check(
        "gradients are added to what is there",
        lambda: difference(
            lab.solution.apply(gradients.added),
            2.0 * gradients.one_batch((8, 8))[0],
            call="accumulate(model, loss, batches)  # twice, without clearing",
        ),
        at_most=_EQUAL,
        why="Who calls decides when a step begins; a function that clears behind their back cannot be composed.",
        hint=("Leave zero_grad to the caller.",),
    )
    yield Check(
        "one graph at a time",
        lambda: _count(lab.solution.apply(gradients.graphs_alive), "graphs that live when the next loss is computed"),
        at_most=1.0,
        why="Memory is the reason to accumulate: a graph that waits for the others keeps its activations.",
        hint=("Call backward() for each batch, inside the loop.",),
    )
    yield Check(
        "a scaler scales the gradient and not the loss",
        lambda: worst(
            (
                difference(got, wanted, call="accumulate(model, loss, batches, scaler=scaler)  # gradient, then loss")
                for got, wanted in zip(
                    lab.solution.apply(gradients.scaled),
                    (1024.0 * gradients.one_batch((5, 9))[0], gradients.one_batch((5, 9))[1]),
                    strict=True,
                )
            ),
            1e-7,
        ),
        at_most=1e-7,
        why="In float16 a small gradient is zero unless the loss was multiplied first.",
        hint=("scaler.scale(loss).backward()", "Add up the loss before it is scaled."),
    )
    yield Check(
        "processes speak once a step",
        lambda: _flags(lab.solution.apply(gradients.exchanges)),
        equals=True,
        why="Averaging gradients over the network for each micro-batch would cost four times the talk of one step.",
        hint=(
            "DistributedDataParallel has a context manager for this.",
            "Put forward and backward of all but the last batch into model.no_sync().",
        ),
    )
    yield Check(
        "no batch at all is refused",
        lambda: first_unclear(
            [
                refusal(lambda: lab.solution.apply(_nothing), call="accumulate(model, loss, [])"),
                refusal(
                    lambda: lab.solution.apply(_too_few_counts), call="accumulate(model, loss, batches, counts=[8])"
                ),
            ]
        ),
        equals=True,
        why="A step without rows has no mean, and an optimizer would go on with old gradients.",
        hint=("Raise a ValueError when there is no batch, or not one count for each.",),
    )


def _nothing(solution: Any) -> Any:
    from fiftytwo.weeks.w16_scale import gradients

    return solution.accumulate(gradients.network(), gradients.mean_square, [])


def _too_few_counts(solution: Any) -> Any:
    from fiftytwo.weeks.w16_scale import gradients

    batches = gradients.cut((8, 8), *gradients.data())
    return solution.accumulate(gradients.network(), gradients.mean_square, batches, counts=[8])


def _precision(lab: Lab) -> Iterator[Check]:
    from fiftytwo.weeks.w16_scale import gradients

    yield Check(
        "autocast changes products alone",
        lambda: in_words(lab.solution.apply(gradients.contexts), gradients.CONTEXTS, 'with autocast("bf16"): ...'),
        equals=0.0,
        unit="differences",
        why="Products are where the time goes and bear eight bits of precision; sums over many terms do not.",
        hint=(
            "torch.autocast does this.",
            'It needs the type of the device, such as "cpu", and the dtype; "fp32" is a context that does nothing.',
        ),
    )
    yield Check(
        "weights and gradients stay in float32",
        lambda: in_words(
            lab.solution.apply(gradients.precisions),
            gradients.PRECISIONS,
            "accumulate(model, loss, batches, precision=...)",
        ),
        equals=0.0,
        unit="differences",
        why="An update is often a thousandth of its weight: added in bfloat16, it would be rounded away.",
        hint=("Compute the loss within autocast(precision, device).", "Never convert the model itself."),
    )
    yield Check(
        "a precision that is not there is refused",
        lambda: first_unclear(
            [
                refusal(
                    lambda: lab.solution.apply(_enter, "fp16"), call='autocast("fp16", "cpu")', mentions=("GPU", "CPU")
                ),
                refusal(
                    lambda: lab.solution.apply(_enter, "fp8"), call='autocast("fp8")', mentions=("fp8", "precision")
                ),
            ]
        ),
        equals=True,
        why="Half precision without a scaler, or in silence none at all, costs days before somebody notices.",
        hint=("Raise a ValueError that names the precision, before any context is entered.",),
    )


def _enter(solution: Any, precision: str) -> None:
    with solution.autocast(precision, "cpu"):
        pass


def in_words(got: Mapping[str, str], wanted: Mapping[str, str], call: str) -> Measurement:
    """How many answers differ from what is wanted, and which."""
    wrong = [f"{name}: {got.get(name, 'missing')}" for name in wanted if got.get(name) != wanted[name]]
    right = [f"{name}: {wanted[name]}" for name in wanted if got.get(name) != wanted[name]]
    return Measurement(float(len(wrong)), call=call, got="; ".join(wrong) or "as expected", expected="; ".join(right))


def _count(number: Any, what: str) -> Measurement:
    return Measurement(float(number), call="accumulate(model, loss, batches)", got=f"{number} {what}", expected="1")


def _flags(flags: list[bool]) -> Measurement:
    words = ["with" if flag else "without" for flag in flags]
    return Measurement(
        float(flags == [False, False, False, True]),
        call="accumulate(DistributedDataParallel(model), loss, batches)  # four batches",
        got=", ".join(words) + " an exchange",
        expected="without, without, without, with an exchange",
    )
