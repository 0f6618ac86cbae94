"""What ``fiftytwo check`` says: a line a check, the first failure explained, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fiftytwo.console import STYLES, console, here, symbol
from fiftytwo.evidence import Outcome, Run, Verdict
from fiftytwo.report.format import format_measured, format_number, format_seconds

_NAME_WIDTH = 38
_MANY = 3  # checks with one and the same message, from which on it is said once
_TELLING = ("message", "call", "got", "expected", "where", "frame", "diagnosis", "counterexample", "why")


def print_run(run: Run, file: Path, *, replay: Path | None = None, cold: bool = False) -> None:
    """Print a learner's run."""
    from rich.text import Text

    out = console()
    shared = _shared_failure(run.verdicts)
    for verdict in run.verdicts if shared is None else ():
        line = Text()
        line.append(f"{symbol(verdict.outcome)} {verdict.name:<{_NAME_WIDTH}} ", style=STYLES[verdict.outcome])
        line.append(_measured(verdict))
        line.rstrip()
        out.print(line)
    failure = run.first_failure
    if run.reason:
        out.print(Text(f"{symbol('crashed')} {run.reason}", style=STYLES["crashed"]))
    if shared is not None:
        _print_shared(run, shared)
    elif failure is not None:
        out.print()
        for text in _explain(failure, replay):
            out.print(Text(text))
    out.print()
    for text in _closing(run, None if cold else failure, file):
        out.print(Text(text))


def _measured(verdict: Verdict) -> str:
    """Measured beside bound beside the reference's number."""
    if verdict.outcome != "passed" and verdict.measured is None:
        return verdict.outcome
    if verdict.boolean:
        return verdict.outcome if verdict.outcome != "passed" else ""
    text = f"{format_measured(verdict)}  ({verdict.bound}"
    if verdict.reference is not None:
        text += f"; reference {format_number(verdict.reference, verdict.unit)}"
    return text + ")"


def _shared_failure(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The one failure behind all of them, such as a syntax error, when every check ended alike."""
    if len(verdicts) < _MANY or any(v.outcome in ("passed", "wrong") for v in verdicts):
        return None
    first = verdicts[0]
    alike = sum((v.outcome, v.message, v.frame) == (first.outcome, first.message, first.frame) for v in verdicts)
    return first if alike >= max(_MANY, len(verdicts) - 2) else None


def _print_shared(run: Run, verdict: Verdict) -> None:
    from rich.text import Text

    line = f"{symbol(verdict.outcome)} {verdict.outcome}: {verdict.message}"
    console().print(Text(line, style=STYLES[verdict.outcome]))
    if verdict.frame and verdict.outcome != "not attempted":
        console().print(Text(f"  {verdict.frame}"))
    console().print(Text(f"  All {len(run.verdicts)} checks end like this."))


def _explain(verdict: Verdict, replay: Path | None) -> Iterator[str]:
    """The first failure: call, got, expected, where, the learner's line, the mistake's name."""
    yield f"First to mend: {verdict.name} ({verdict.outcome})"
    rows = [
        ("", verdict.message),
        ("why it matters", verdict.why),
        ("call", verdict.call),
        ("got", verdict.got),
        ("expected", verdict.expected),
        ("your line", verdict.frame),
        ("known mistake", verdict.diagnosis),
        ("replay", f"python {here(replay)}" if replay is not None else ""),
    ]
    for title, text in rows:
        if text:
            yield f"  {title + ':':<15} {text}" if title else f"  {text}"


def _closing(run: Run, failure: Verdict | None, file: Path) -> Iterator[str]:
    away = len(run.verdicts) - run.counted
    total = f"{run.passed} of {run.counted} checks passed in {format_seconds(run.seconds)}"
    if away:
        total += f"; {away} could not run here, which does not count against you"
    yield total
    if run.status == "passed":
        yield f"Week {run.week} is yours. Next: fiftytwo solution {run.week}, fiftytwo compare {run.week}, fiftytwo"
    elif failure is not None and failure.outcome == "not attempted":
        yield f"Not attempted yet: write {here(file)}, then check again."
    elif failure is not None:
        yield f"Stuck? fiftytwo hint {run.week}"


def as_data(run: Run, exit_status: int) -> dict[str, Any]:
    """A learner's run for programs."""
    checks = []
    for verdict in run.verdicts:
        row = asdict(verdict)
        keep = ("name", "outcome", "measured", "bound", "unit", "reference", *_TELLING)
        checks.append({key: _finite(row[key]) for key in keep})
    return {
        "week": run.week,
        "status": run.status,
        "passed": run.passed,
        "counted": run.counted,
        "reason": run.reason,
        "checks": checks,
        "exit": exit_status,
    }


def _finite(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def summary(run: Run) -> str:
    """A run in a few words: ``"12 of 41 checks passed"``, or why none could."""
    outcomes: set[Outcome] = {verdict.outcome for verdict in run.verdicts}
    if outcomes == {"not attempted"}:
        return "not attempted yet"
    return f"{run.passed} of {run.counted} checks passed"
