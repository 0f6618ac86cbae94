"""Each metric by hand, then on a thousand random cases beside scikit-learn or the definition."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w05_toolkit.fuzz import FAMILIES, SECOND, Case, cases, run_batch
from fiftytwo.weeks.w05_toolkit.topics import Topic

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

EXACT = 1e-10  # sums of a few dozen float64 terms, added up in any order
_IN_WORDS = {"plain": "without ties or weights", "ties": "with ties", "weights": "with weights"}


def by_hand(lab: Lab, topic: Topic) -> Check:
    """A case that can be checked on paper."""

    def measure() -> Measurement:
        first, second = (np.asarray(value) for value in topic.by_hand)
        second_name = SECOND[topic.metric]
        options = "".join(f", {name}={value!r}" for name, value in topic.options.items())
        got = getattr(lab.solution, topic.metric)(first, second, **topic.options)
        return difference(
            got,
            topic.value,
            inputs={"y_true": first, second_name: second},
            call=f"{topic.metric}(y_true, {second_name}{options})",
        )

    return Check(f"{topic.metric} by hand", measure, at_most=EXACT, why=topic.why, hint=topic.hint)


def at_random(lab: Lab, topic: Topic, family: str, count: int) -> Check:
    """A family of random cases; of those that fail, the smallest is shown."""
    why, hint = {
        "plain": (topic.why, topic.hint),
        "ties": (topic.ties_why, topic.ties_hint),
        "weights": (
            "A weight of 2 counts like two rows and a weight of 0 like none.",
            (
                "Weights belong into every sum and every mean, also into the one that you divide by.",
                "Replace counts of rows by sums of weights.",
                "Compare with the same call on np.repeat(rows, weights).",
            ),
        ),
    }[family]

    def measure() -> Measurement:
        _worst(lab, cases(topic.metric, family, 1, lab.seed))  # a starter says so here, before a thousand are made
        return _worst(lab, cases(topic.metric, family, count, lab.seed))

    return Check(f"{topic.metric} {_IN_WORDS[family]}", measure, at_most=EXACT, why=why, hint=hint)


def shares_of(count: int) -> dict[str, int]:
    """How many cases each family gets, ``count`` together."""
    each = count // len(FAMILIES)
    return {**dict.fromkeys(FAMILIES, each), FAMILIES[-1]: count - (len(FAMILIES) - 1) * each}


def _worst(lab: Lab, batch: tuple[Case, ...]) -> Measurement:
    """The largest difference in a batch, or the smallest case that differs too much."""
    answers = lab.solution.apply(run_batch, batch[0].metric, [dict(case.arguments) for case in batch])
    measured = [_measured(case, got) for case, got in zip(batch, answers, strict=True)]
    wrong = [i for i, m in enumerate(measured) if m.gate or not m.value <= EXACT]
    if not wrong:
        return max(measured, key=lambda m: m.value)
    smallest = min(wrong, key=lambda i: batch[i].size)
    shown = f"{batch[smallest].expected:.10g} ({len(wrong)} of {len(batch)} random cases differ; this is the smallest)"
    return replace(measured[smallest], expected=shown)


def _measured(case: Case, got: Any) -> Measurement:
    scale = max(1.0, abs(case.expected))
    measured = difference(got, case.expected, call=case.call, inputs=case.inputs)
    return replace(measured, value=measured.value / scale)
