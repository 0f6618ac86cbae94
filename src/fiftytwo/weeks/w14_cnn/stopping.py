"""Checks of the early stop: when it stops, what it keeps, and whether it survives a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear, refusal
from fiftytwo.weeks.w14_cnn.probes import watched

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_NAN, _INF = float("nan"), float("inf")


def stopping(lab: Lab) -> Iterator[Check]:
    """When, what, and whether it survives."""
    yield from _when(lab)
    yield from _what(lab)
    yield from _survives(lab)


def _shown(options: dict[str, Any]) -> str:
    return f"EarlyStopping({', '.join(f'{name}={value!r}' for name, value in options.items())})"


def _stops(lab: Lab, trials: Sequence[tuple[dict[str, Any], Sequence[float], str]]) -> Callable[[], Measurement]:
    """Compare what update returns, as a text of 0 and 1 with an entry an epoch."""

    def one(options: dict[str, Any], figures: Sequence[float], expected: str) -> Measurement:
        found = lab.solution.apply(watched, options, list(figures))["stops"]
        got = "".join(str(int(stop)) for stop in found)
        call = f"update(figure, model) of {_shown(options)} for the figures {list(figures)}"
        return Measurement(float(got == expected), call=call, got=got, expected=expected)

    return lambda: first_unclear(one(*trial) for trial in trials)


def _when(lab: Lab) -> Iterator[Check]:
    for name, trials, why, hint in (
        ("stops after patience", [({"patience": 1}, [3.0, 2.0, 2.5], "001"),
                                  ({"patience": 3}, [3.0, 2.0, 4.0, 2.5, 2.1], "00001")],
         "It waits for as many epochs in a row as it was told to, and not one more.",
         "Count updates without improvement; stop when the count reaches patience."),
        ("an improvement starts the count anew", [({"patience": 2}, [3.0, 3.5, 2.0, 2.5, 1.0, 1.5, 1.2], "0000001")],
         "Patience is about epochs in a row, not about all of them.",
         "Set the count to 0 at each improvement."),
        ("a tie is no improvement", [({"patience": 2}, [1.0, 1.0, 1.0], "001")],
         "A figure that has stopped moving would otherwise train for ever.",
         "Strictly less, not less or equal."),
        ("gains must exceed min_delta", [({"patience": 2, "min_delta": 0.3}, [2.0, 1.875, 1.75], "001"),
                                         ({"patience": 2, "min_delta": 0.3}, [2.0, 1.875, 1.5, 1.0, 0.875, 0.75],
                                          "000001"),
                                         ({"patience": 1, "min_delta": 0.25}, [2.0, 1.75], "01")],
         "Measured against the best, so that many small gains together count in the end.",
         "Improved when best - figure > min_delta, where best moves only with an improvement."),
        ("larger may be better", [({"mode": "max", "patience": 2}, [0.1, 0.3, 0.2, 0.3, 0.5], "00010"),
                                  ({"mode": "max", "patience": 1, "min_delta": 0.25}, [0.0, 0.5, 0.75], "001")],
         "Accuracy rises where loss falls.",
         "In mode 'max' the gain is figure - best."),
        ("NaN is never an improvement", [({"patience": 2}, [1.0, _NAN, _NAN], "001"),
                                         ({"patience": 3}, [_NAN, 2.0, _NAN, 1.0, _NAN], "00000"),
                                         ({"patience": 2}, [_NAN, _NAN], "01"),
                                         ({"mode": "max", "patience": 2}, [_NAN, 0.5, _NAN, 0.6], "0000"),
                                         ({"patience": 2}, [_INF, _INF], "01")],
         "A run that has diverged must stop, and must not be kept as the best.",
         "Every comparison with NaN is false: ask whether it is better, never whether it is worse."),
        ("five epochs of patience by default", [({}, [1.0, 2.0, 2.0, 2.0, 2.0, 2.0], "000001")],
         "The number of the docstring is part of the contract.",
         "Keep the signature of the starter."),
    ):  # fmt: skip
        yield Check(name, _stops(lab, trials), equals=True, why=why,  # type: ignore[arg-type]
                    hint=("The message shows update's answers, an entry an epoch.", hint))  # fmt: skip


def _kept(lab: Lab, trials: Sequence[tuple[dict[str, Any], Sequence[float], str]]) -> Callable[[], Measurement]:
    def one(options: dict[str, Any], figures: Sequence[float], expected: str) -> Measurement:
        found = lab.solution.apply(watched, options, list(figures))
        got = ", ".join(sorted({f"{value:g}" for value in found["weights"]}))
        if got == expected and found["restored"] is not (expected != "99"):
            return Measurement(0.0, call=f"restore(model) of {_shown(options)}, figures {list(figures)}",
                               got=f"returned {found['restored']}", expected=f"{expected != '99'}")  # fmt: skip
        call = (f"values of all tensors after restore(model) of {_shown(options)}, figures {list(figures)}; "
                "epoch i had i + 1 in every tensor, and the model 99 before restore")  # fmt: skip
        return Measurement(float(got == expected), call=call, got=got, expected=expected)

    return lambda: first_unclear(one(*trial) for trial in trials)


def _what(lab: Lab) -> Iterator[Check]:
    def best() -> Measurement:
        for options, figures, expected in (
            ({"patience": 9}, [_NAN, 3.0, 1.0, 2.0, 1.0], [(None, None), (3.0, 1), (1.0, 2), (1.0, 2), (1.0, 2)]),
            ({"patience": 9, "mode": "max"}, [0.5, 0.25, 0.75], [(0.5, 0), (0.5, 0), (0.75, 2)]),
        ):
            counts = lab.solution.apply(watched, options, figures)["best"]
            got = [tuple(None if value is None else float(value) for value in pair) for pair in counts]
            if got != [(a, None if b is None else float(b)) for a, b in expected]:
                return Measurement(0.0, call=f"(best, best_step) of {_shown(options)} for the figures {figures}",
                                   got=str(counts), expected=str(expected))  # fmt: skip
        return Measurement(1.0)

    yield Check(
        "best and best_step",
        best,
        equals=True,
        why="Reports quote them: the best figure, and the update that gave it, counted from 0.",
        hint=("Both are None until there is a finite figure.",),
    )
    yield Check(
        "restore gives the best epoch's weights",
        _kept(lab, [({"patience": 9}, [3.0, 1.0, 2.0, 4.0], "2"), ({"patience": 2}, [1.0, 2.0, 3.0], "1"),
                    ({"patience": 9, "mode": "max"}, [0.1, 0.2, 0.9, 0.3], "3"),
                    ({"patience": 9}, [2.0, 1.0, 1.0, _NAN], "2")]),
        equals=True,
        why="Who stops three epochs late has to go back three epochs, weights and running means alike.",
        hint=("state_dict() holds the live tensors: copy them.",
              "parameters() leaves out the running means of a batch norm; state_dict() has them.",
              "copy.deepcopy(model.state_dict()) at each improvement, load_state_dict in restore."),
    )  # fmt: skip
    yield Check(
        "keeps nothing when told so",
        _kept(lab, [({"patience": 9, "restore_best": False}, [3.0, 1.0, 2.0], "99"), ({"patience": 9}, [_NAN], "99")]),
        equals=True,
        why="A copy of a large model is memory; and where nothing was ever good, nothing is restored.",
        hint=("restore leaves the model as it is when there are no kept weights, and returns False.",),
    )


def _survives(lab: Lab) -> Iterator[Check]:
    def carried() -> Measurement:
        for options, figures in (({"patience": 3}, [3.0, 1.0, 2.0, 2.0, 2.0]),
                                 ({"patience": 2, "mode": "max"}, [0.5, 0.75, 0.5, 0.5])):  # fmt: skip
            whole = lab.solution.apply(watched, options, figures)
            for at in range(1, len(figures)):
                parts = lab.solution.apply(watched, options, figures, at)
                if parts != whole:
                    differs = next(name for name in whole if parts[name] != whole[name])
                    return Measurement(0.0, call=f"{_shown(options)} handed over before update {at} by state_dict and "
                                       f"load_state_dict: {differs}", got=str(parts[differs]),
                                       expected=str(whole[differs]))  # fmt: skip
        return Measurement(1.0)

    yield Check(
        "goes on from a checkpoint",
        carried,
        equals=True,
        why="A killed run that resumes must stop in the same epoch and keep the same weights as one that was not.",
        hint=("The state has the best figure and its step, the counts, and the kept weights.",),
    )

    def refused() -> Measurement:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"mode": "most"}, "mode"), ({"patience": 0}, "patience"), ({"patience": 1.5}, "patience"),
            ({"min_delta": -0.1}, "min_delta"), ({"min_delta": _NAN}, "min_delta"),
            ({"mode": "most", "patience": 0}, "mode"), ({"mode": "most", "patience": 0}, "patience"),
        ]  # fmt: skip
        trials = [
            refusal(lambda o=o: lab.solution.EarlyStopping(**o), call=_shown(o), mentions=(word,))  # type: ignore[misc]
            for o, word in cases
        ]
        empty = refusal(lambda: lab.solution.EarlyStopping().load_state_dict({}), mentions=("missing", "best", "state"),
                        call="EarlyStopping().load_state_dict({})")  # fmt: skip
        return first_unclear([*trials, empty])

    yield Check(
        "an early stop refuses what cannot be",
        refused,
        equals=True,
        why="A patience of 0 would stop before it has compared anything.",
        hint=("Collect the faults, then raise one ValueError that names them all.",),
    )
