"""One check or comparison for the dashboard, as a process: ``python -m fiftytwo.web.errand KIND HOME WEEK``.

It does what ``fiftytwo check`` and ``fiftytwo compare`` do, and says how far it is in JSON lines on standard
output. A process of its own, so that the server imports no week's libraries and can end it at any moment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

from fiftytwo import processes
from fiftytwo.home import Home
from fiftytwo.learner import checking
from fiftytwo.learner.workbench import Bench
from fiftytwo.report.format import format_seconds
from fiftytwo.runner import Update
from mltoolkit.io import atomic_write

Kind = Literal["check", "compare"]


def comparison_file(home: Home, week: int) -> Path:
    """Where the last comparison of a week is kept."""
    return home.memory / "compare" / f"week{week:02d}.json"


def main() -> None:
    """Carry out the errand that the command line names; exit status 1 when it could not be done."""
    processes.die_with_parent()
    kind, root, number = sys.argv[1:4]
    home = Home(Path(root))
    try:
        bench = Bench.of(int(number), home)
        if kind == "compare":
            _compare(bench)
        else:
            _check(bench)
    except KeyboardInterrupt:
        _say("stopped", text="Stopped.")
        sys.exit(1)
    except Exception as error:  # whatever it is, the page says it in one line
        _say("trouble", text=" ".join(str(error).split()) or type(error).__name__)
        sys.exit(1)


def _check(bench: Bench) -> None:
    _say("step", text="getting ready")
    run, _ = checking.check_once(bench, listener=_listen)
    failure = run.first_failure
    text = f"{run.passed} of {run.counted} checks passed in {format_seconds(run.seconds)}."
    if run.status == "passed":
        text += f" Week {run.week} is yours."
    elif run.reason:
        text += f" {run.reason}"
    elif failure is not None:
        text += f" First to mend: {failure.name}."
    _say("ended", text=text, status=run.status)


def _compare(bench: Bench) -> None:
    from fiftytwo.learner.comparing import compare_sides

    _say("step", text="running the build with each side in turn, three times")
    found = compare_sides(bench, 3, quiet=True)
    atomic_write(comparison_file(bench.home, bench.week.number), json.dumps(found, ensure_ascii=False))
    _say("ended", text="The comparison is there.", status="passed")


def _listen(update: Update) -> None:
    if update.kind == "started":
        _say("step", text="building with your code")
    elif update.kind == "progress":
        _say("step", text=update.label + (f", {update.done} of {update.total}" if update.total else ""))
    elif update.kind == "verdict":
        _say("verdict", name=update.label, outcome=update.outcome)


def _say(kind: str, **facts: Any) -> None:
    print(json.dumps({"kind": kind, **facts}), flush=True)  # noqa: T201 - the server reads it


if __name__ == "__main__":
    main()
