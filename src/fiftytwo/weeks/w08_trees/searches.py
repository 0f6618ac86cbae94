"""Checks of the search for leaks: each kind is found under its name, and clean tables stay silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fiftytwo.evidence import Check, Measurement
from fiftytwo.weeks.w08_trees.planted import Suspect, findings, is_right, known, planted, simulated

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_ASKED = {
    "target copy": (
        "The score was too good because the answer stood in the table, on another scale.",
        ("How well does one column alone predict, on rows held out? A small tree per column tells.",
         "No honest column is right in 99 of 100 rows.", "A correlation misses copies that do not rise or fall."),
    ),
    "future": (
        "What is written after the outcome is not there when the prediction is made.",
        ("Look at where a column is filled in at all.", "Filled in for one outcome only is the trace that it leaves."),
    ),
    "identity": (
        "A number that means nothing predicts where rows were numbered in order of the outcome.",
        ("Whole numbers or words, nearly all different, without gaps: numbers of rows.",
         "They may predict nothing; a tenth of the way to certainty is suspicious."),
    ),
    "duplicate": (
        "A row on both sides of the split is remembered, not predicted.",
        ("Compare whole rows, without the target and without numbers of rows.",),
    ),
    "group": (
        "Rows of one branch are alike; a new branch will not be.",
        ("Which values of the group's column are on both sides?",),
    ),
}  # fmt: skip


def searches(lab: Lab) -> Iterator[Check]:
    """One check a kind, then the clean tables."""
    suspects = planted(lab.rng)

    def found(suspect: Suspect) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            got = findings(lab, suspect)
            wanted = [(suspect.kind, (suspect.column,) if suspect.column else ())]
            return Measurement(
                float(is_right(suspect, got)), got=str(got), expected=str(wanted), inputs={"train": suspect.train},
                call=_call(suspect),
            )  # fmt: skip

        return measure

    for kind, suspect in suspects.items():
        why, hint = _ASKED[kind]
        yield Check(f"finds: {suspect.name}", found(suspect), equals=True, why=why, hint=hint)

    def alarms(tables: Callable[[], list[Suspect]]) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            for suspect in tables():
                got = findings(lab, suspect)
                if got:
                    call = f"{_call(suspect)} on {suspect.name}"
                    return Measurement(float(len(got)), got=str(got), expected="[]", call=call,
                                       inputs={"train": suspect.train})  # fmt: skip
            return Measurement(0.0, got="[]", expected="[]")

        return measure

    yield Check(
        "silent on simulated clean tables",
        alarms(lambda: simulated(lab.rng)),
        equals=0,
        why="Strong columns, missing values and honest numbers are no leaks.",
        hint=("Which of your tests spoke? Ask for more evidence there: a lower bound in place of an estimate.",
              "Missing more often for one outcome is not missing for one outcome only."),
    )  # fmt: skip
    yield Check(
        "silent on tables that everybody knows",
        alarms(lambda: known(lab)),
        equals=0,
        why="One measurement of a flower predicts its species in 95 of 100 cases, and is a measurement.",
        hint=("A pair of equal rows among few coarse columns happens by chance.",
              "With a hundred rows, an estimate of 0.95 may well be 0.9 or 0.99."),
    )  # fmt: skip


def _call(suspect: Suspect) -> str:
    options = "".join(f", {name}={value!r}" for name, value in suspect.options.items())
    return f"find_leaks(train, test, target={suspect.target!r}{options})"
