"""Turn a check into a verdict, and a wrong result into the name of the mistake behind it.

The judge never runs learner code itself: what a check measures reaches it through ``lab.solution``,
which in a learner's run answers from another process.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fiftytwo.evidence import Check, Measurement, Outcome, Verdict
from fiftytwo.plan import LandedWeek, Mistake
from fiftytwo.sandbox.remote import LearnerError, Remote
from mltoolkit.errors import CannotRead, MissingExtra

_CLOSE = 1e-6  # two results are the same mistake when they agree to this share of their size


class Unbuilt:
    """Stands for what ``build`` would have returned: every use of it raises the reason why it did not."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


class BuiltOnDemand:
    """What ``build`` returns, made at the first use; checks that do not touch it cost no build."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make: Callable[[], Any] | None = make
        self._value: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._make is not None:
            try:
                self._value = self._make()
            except Exception as error:
                self._value = Unbuilt(error)
            self._make = None
        return getattr(self._value, name)


@dataclass(frozen=True)
class Judged:
    """A verdict with the measurement behind it (None when measuring raised)."""

    verdict: Verdict
    measurement: Measurement | None


def assess(week: LandedWeek, lab: Any, built: Any, *, exercise_only: bool) -> Iterator[Judged]:
    """Judge the week's checks one after another; a check generator that breaks is a verdict of its own."""
    checks = week.assess(lab, built)
    names: set[str] = set()
    while True:
        try:
            check = next(checks)
        except StopIteration:
            return
        except Exception as error:
            yield Judged(failure("the assessment", error), None)
            return
        if check.name in names:
            yield Judged(failure(check.name, ValueError("this name is used by two checks of the week")), None)
            continue
        names.add(check.name)
        if check.exercise or not exercise_only:
            yield judge(check)


def judge(check: Check) -> Judged:
    """Measure one check and hold it against its bound."""
    started = time.perf_counter()
    plain = Verdict(
        check.name, "passed", None, check.bound, check.unit, check.why, check.hint, check.exercise,
        boolean=isinstance(check.equals, bool),
    )  # fmt: skip
    try:
        measured = check.measured() if callable(check.measured) else check.measured
        measurement = _as_measurement(measured)
    except Exception as error:
        verdict = _with_failure(plain, error)
        return Judged(replace(verdict, seconds=time.perf_counter() - started), None)
    verdict = replace(
        plain,
        measured=None if math.isnan(measurement.value) else measurement.value,
        seconds=time.perf_counter() - started,
        call=measurement.call,
    )
    if not check.holds(measurement.value):
        verdict = replace(
            verdict,
            outcome="wrong",
            message=_explain(check, measurement),
            got=summary(measurement.got),
            expected=summary(measurement.expected),
            where=measurement.where,
        )
    return Judged(verdict, measurement)


def failure(name: str, error: Exception) -> Verdict:
    """The verdict on something that raised instead of being measured."""
    return _with_failure(
        Verdict(name, "crashed", None, "runs to its end", why="Nothing can be measured before it runs."), error
    )


def _with_failure(verdict: Verdict, error: Exception) -> Verdict:
    """What an exception says about a check."""
    outcome: Outcome = "crashed"
    kind = getattr(error, "type_name", "") or type(error).__name__
    text = " ".join(str(error).split())
    message = text if not text or text.startswith("your code") or kind == "Rejected" else f"{kind}: {text}"
    if isinstance(error, NotImplementedError):
        outcome, message = "not attempted", text or "the starter's body is still there"
    elif isinstance(error, MissingExtra | CannotRead):
        outcome, message = "could not run here", text
    frame = getattr(error, "frame", "")
    if not isinstance(error, LearnerError) and outcome == "crashed":
        frame = _own_frame(error)
    return replace(verdict, outcome=outcome, message=message or kind, frame=frame)


def _own_frame(error: Exception) -> str:
    """Where our own code raised; used when it is not the learner's line that did."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    last = frames[-1]
    return f"{last.filename.rpartition('/')[2]}, line {last.lineno}, in {last.name}"


def _as_measurement(measured: Any) -> Measurement:
    if isinstance(measured, Measurement):
        return measured
    if isinstance(measured, bool | int | float | np.bool_ | np.integer | np.floating):
        return Measurement(float(measured))
    name = measured.type_name if isinstance(measured, Remote) else type(measured).__name__
    return Measurement(math.nan, gate=f"expected a number, got an object of type {name}", got=measured)


def _explain(check: Check, measurement: Measurement) -> str:
    """One line on why a measured value is not good enough."""
    if measurement.gate:
        return measurement.gate
    if isinstance(check.equals, bool):
        return "not so" if check.equals else "it should not be so"
    value = f"{measurement.value:.4g}"
    text = f"measured {value}{' ' + check.unit if check.unit else ''}, wanted {check.bound}"
    if measurement.where:
        got, expected = _at(measurement.got, measurement.where), _at(measurement.expected, measurement.where)
        text += f"; the largest difference is at {measurement.where}: got {got:.6g}, expected {expected:.6g}"
    return text


def _at(value: Any, where: str) -> float:
    index = tuple(int(i) for i in where.strip("[]").split(","))
    return float(np.asarray(value)[index])


def summary(value: Any) -> str:
    """A value in one short line: numbers with six digits, arrays by shape and first entries."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value if len(value) <= 300 else value[:297] + "..."
    if isinstance(value, Remote):
        return f"an object of type {value.type_name}"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        head = ", ".join(f"{x:.6g}" if isinstance(x, float | int) else str(x) for x in value.ravel()[:6].tolist())
        more = ", ..." if value.size > 6 else ""
        return f"array of shape {value.shape}, {value.dtype}: [{head}{more}]"
    text = repr(value)
    return text if len(text) <= 300 else text[:297] + "..."


def diagnose(
    week: LandedWeek,
    failures: Mapping[str, Measurement],
    make_lab: Callable[[Mapping[str, Any]], Any],
) -> dict[str, str]:
    """Name the known mistake that gives the same result, check by check.

    Parameters
    ----------
    week : LandedWeek
    failures : mapping of check name to Measurement
        What the learner's code gave where it was wrong.
    make_lab : function (solution mapping) -> Lab
        A scratch lab in which the given names replace the reference's.

    Returns
    -------
    dict
        Check name -> diagnosis. Of several mistakes that fit a check, the one that fits the most
        failed checks is named.
    """
    if not failures:
        return {}
    fits: list[tuple[Mistake, set[str]]] = []
    for mistake in week.mistakes:
        lab = make_lab(mistake.solution)
        results = _measure(week, lab, failures)
        same = {name for name, result in results if _same(failures[name], result)}
        fits.append((mistake, same))
    fits.sort(key=lambda fit: -len(fit[1]))  # stable: the order of mistakes.py decides a draw
    named: dict[str, str] = {}
    for name in failures:
        best = next((mistake for mistake, same in fits if name in same), None)
        if best is not None:
            named[name] = f"{best.name}: {best.diagnosis}"
    return named


def _measure(week: LandedWeek, lab: Any, names: Iterable[str]) -> list[tuple[str, Measurement]]:
    """What the week's checks of these names give in a lab; those that raise are left out."""
    wanted = set(names)
    results: list[tuple[str, Measurement]] = []
    checks = week.assess(lab, BuiltOnDemand(lambda: week.build(lab)))
    while wanted:
        try:
            check = next(checks)
        except Exception:  # StopIteration, or a generator that this mistake breaks
            break
        if check.name not in wanted:
            continue
        wanted.discard(check.name)
        measurement = judge(check).measurement
        if measurement is not None and not check.holds(measurement.value):
            results.append((check.name, measurement))
    return results


def _same(learner: Measurement, mistake: Measurement) -> bool:
    """Whether two wrong measurements come from the same mistake."""
    if learner.gate or mistake.gate:
        return learner.gate == mistake.gate
    if isinstance(learner.got, str) or isinstance(mistake.got, str):
        return bool(learner.got == mistake.got)
    if learner.got is None or mistake.got is None:
        return math.isclose(learner.value, mistake.value, rel_tol=_CLOSE)
    try:
        left, right = np.asarray(learner.got, dtype=float), np.asarray(mistake.got, dtype=float)
    except (TypeError, ValueError):
        return False
    if left.shape != right.shape or left.size == 0:
        return False
    scale = float(np.max(np.abs(right[np.isfinite(right)]), initial=0.0))
    return bool(np.allclose(left, right, rtol=_CLOSE, atol=_CLOSE * scale, equal_nan=True))
