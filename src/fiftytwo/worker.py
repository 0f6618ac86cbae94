"""One run of one week, in a process of its own: ``python -m fiftytwo.worker FOLDER``.

Reads ``job.json`` in the folder, writes ``progress.jsonl`` as it goes and ``result.json`` at the end.
The runner that started it adds what only an observer knows (time, memory, a sudden death).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast

from fiftytwo import judge, plan, processes
from fiftytwo.evidence import Measurement, Run, Status, Verdict
from fiftytwo.job import EVIDENCE, PROGRESS, RESULT, Job
from fiftytwo.lab import Lab
from fiftytwo.machine import machine, versions
from fiftytwo.measure import as_array, is_tensor
from fiftytwo.solution import Solution
from mltoolkit.errors import CannotRead, MissingExtra
from mltoolkit.plots import house_style

COUNTEREXAMPLE = "counterexample"
_DIAGNOSED = 4  # failures that are held against every known mistake; the first to mend is among them
_FILE_BYTES = 4 * 2**30  # the largest file that a week may write


class Session:
    """Does the job and keeps what has come of it, so that a late failure loses nothing."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.folder = folder
        self.job = job
        self.week = plan.load(job.week, job.catalogue)
        self.verdicts: list[Verdict] = []
        self.reason = ""
        self.status: Status | None = None
        self._failures: dict[str, Measurement] = {}
        self._build_seconds = 0.0
        self._build_parts: set[str] = set()
        self._progress = (folder / PROGRESS).open("a", encoding="utf-8")
        files = {number: Path(file) for number, file in job.files.items()}
        replaced = {name: _resolve(address) for name, address in job.peers.items()}
        self.solution = Solution(self.week.week, files=files, replaced=replaced, catalogue=job.catalogue)
        self.lab = self._make_lab()

    def _make_lab(self) -> Lab:
        return Lab(
            self.week.week,
            self.folder,
            self.solution,
            profile=self.job.profile,
            seed=self.job.seed,
            needed={number: Path(path) for number, path in self.job.needed.items()},
            report_progress=self._say_progress,
            draw=not self.job.build_only,
        )

    def run(self) -> Run:
        """Build, assess, explain, write the documents."""
        started = datetime.now(UTC).isoformat()
        try:
            self._build_and_assess()
            if self.job.who == "learner":
                self._explain_failures()
            elif self.lab.pending_documents and not self.reason and not self.job.build_only:
                self._write_documents()
        except (MissingExtra, CannotRead) as error:
            self.status, self.reason = "could not run here", " ".join(str(error).split())
        except Exception as error:
            traceback.print_exc()
            self.status, self.reason = "failed", f"{type(error).__name__}: {' '.join(str(error).split())}"
        finally:
            if self.solution.output:
                print(self.solution.output, end="")  # noqa: T201 - into the run's own output file
            self.solution.close()
            self._progress.close()
        return self._as_run(started)

    def _build_and_assess(self) -> None:
        learner = self.job.who == "learner"
        try:
            if self.job.build_only:  # what is timed is the work, not the first import of a library
                self.week.build(self._make_lab())
            started = time.perf_counter()
            built = self.week.build(self.lab)
            self._build_seconds = time.perf_counter() - started
            self._build_parts = set(self.solution.touched)
        except (MissingExtra, CannotRead):
            raise
        except Exception as error:
            if not learner:
                traceback.print_exc()
                self.reason = f"the build ended with {type(error).__name__}: {' '.join(str(error).split())}"
            self._assess(judge.Unbuilt(error))
            if not learner or all(verdict.outcome == "passed" for verdict in self.verdicts):
                # Else a learner's failed checks say it better, and the count stays that of the checks.
                self._add(judge.Judged(judge.failure("the week's build", error), None))
        else:
            self._assess(built)

    def _assess(self, built: Any) -> None:
        if self.job.build_only:
            return
        self.solution.touched.clear()
        for judged in judge.assess(self.week, self.lab, built, exercise_only=self.job.who == "learner"):
            self._add(judged)
            self.solution.touched.clear()

    def _add(self, judged: judge.Judged) -> None:
        verdict = replace(judged.verdict, reference=self.job.reference.get(judged.verdict.name))
        if self.job.who == "mine":  # a check that calls nothing itself rests on what the build called
            verdict = replace(verdict, parts=tuple(sorted(self.solution.touched or self._build_parts)))
        if verdict.outcome == "wrong" and judged.measurement is not None:
            self._failures[verdict.name] = judged.measurement
        self.verdicts.append(verdict)
        self._say({"verdict": {"name": verdict.name, "outcome": verdict.outcome, "message": verdict.message}})

    def _explain_failures(self) -> None:
        """Name the known mistakes and save the first failing input."""
        if not self._failures:
            return

        def scratch_lab(solution: Mapping[str, Any]) -> Lab:
            replaced = Solution(self.week.week, replaced=solution, catalogue=self.job.catalogue)
            folder = Path(tempfile.mkdtemp(dir=scratch))
            return Lab(self.week.week, folder, replaced, profile=self.job.profile, seed=self.job.seed)

        with tempfile.TemporaryDirectory() as scratch:
            first = dict(islice(self._failures.items(), _DIAGNOSED))
            named = judge.diagnose(self.week, first, scratch_lab)
        saved = ""
        for i, verdict in enumerate(self.verdicts):
            if verdict.name not in self._failures:
                continue
            replay = "" if saved else self._save_counterexample(self._failures[verdict.name])
            saved = saved or replay
            self.verdicts[i] = replace(verdict, diagnosis=named.get(verdict.name, ""), counterexample=replay)

    def _save_counterexample(self, measurement: Measurement) -> str:
        """Write the failing input and a three-line script that replays it; empty when there is no input."""
        import numpy as np

        exercise = self.week.week.exercise
        tensors = {k for k, v in measurement.inputs.items() if is_tensor(v)}
        given = {k: as_array(v) for k, v in measurement.inputs.items()}
        arrays = {k: v for k, v in given.items() if isinstance(v, np.ndarray) and v.dtype != object}
        plain = {k: v for k, v in measurement.inputs.items() if isinstance(v, bool | int | float | str | list | None)}
        if exercise is None or not measurement.call or len(arrays) + len(plain) < len(measurement.inputs):
            return ""
        folder = self.folder / COUNTEREXAMPLE
        folder.mkdir(exist_ok=True)
        np.savez(folder / "inputs.npz", **cast(Any, arrays))
        read = 'np.load(here / "inputs.npz")["{}"]'
        loads = [f"{k} = " + (f"torch.from_numpy({read})" if k in tensors else read).format(k) for k in arrays]
        names = "; ".join([*loads, *(f"{name} = {value!r}" for name, value in plain.items())])
        module = exercise.file.removesuffix(".py")
        expected = judge.summary(measurement.expected)
        script = (
            f"import pathlib, sys; import numpy as np; {'import torch; ' if tensors else ''}"
            "here = pathlib.Path(__file__).parent; sys.path.insert(0, str(here.parent))\n"
            f"from {module} import {', '.join(exercise.names)}{'; ' + names if names else ''}\n"
            f"print({measurement.call})" + (f"  # expected: {expected}" if expected else "") + "\n"
        )
        (folder / "replay.py").write_text(script, "utf-8")
        return f"{COUNTEREXAMPLE}/replay.py"

    def _write_documents(self) -> None:
        from fiftytwo import documents
        from fiftytwo.evidence import Document

        ledger = self.lab.ledger
        for template, title, facts in self.lab.pending_documents:
            markdown = documents.render(
                self.week.path / template,
                metrics=ledger.metrics,
                tables=ledger.tables,
                verdicts=self.verdicts,
                data=ledger.data,
                facts=facts,
            )
            ledger.documents.append(Document(template.partition(".")[0], title, markdown))

    def _as_run(self, started: str) -> Run:
        status = self.status
        if status is None:
            outcomes = {verdict.outcome for verdict in self.verdicts}
            absent = outcomes == {"could not run here"}  # nothing was measured: nothing is passed
            good = outcomes <= {"passed", "could not run here"}
            status = "could not run here" if absent else "passed" if good else "failed"
        ledger = self.lab.ledger
        return Run(
            id=self.job.id,
            week=self.job.week,
            who=self.job.who,
            profile=self.job.profile,
            status=status,
            started=started,
            seconds=0.0,
            seed=self.job.seed,
            build_seconds=self._build_seconds,
            verdicts=tuple(self.verdicts),
            metrics=tuple(ledger.metrics),
            figures=tuple(ledger.figures),
            tables=tuple(ledger.tables),
            documents=tuple(ledger.documents),
            notes=tuple(ledger.notes),
            artifacts=tuple(ledger.artifacts),
            reason=self.reason,
            data=tuple(ledger.data),
            versions=versions(),
            parts={**self.solution.parts, **self._handed_on()},
            machine=machine(self.lab.device if "torch" in sys.modules else "cpu"),
        )

    def _handed_on(self) -> dict[str, str]:
        """Of a run on the learner's own parts: whose parts the artifacts came from that it read."""
        if self.job.who != "mine":
            return {}
        found = {}
        for number, folder in self.job.needed.items():
            parts = json.loads(Path(folder, EVIDENCE).read_text("utf-8")).get("parts", {})
            found[f"artifacts of week {number}"] = "learner" if "learner" in parts.values() else "reference"
        return found

    def _say_progress(self, label: str, done: int, total: int | None) -> None:
        self._say({"progress": {"label": label, "done": done, "total": total}})

    def _say(self, row: Mapping[str, Any]) -> None:
        self._progress.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._progress.flush()


def _resolve(address: str) -> Any:
    import importlib

    module, _, attribute = address.partition(":")
    return getattr(importlib.import_module(module), attribute)


def main(folder: Path) -> None:
    """Do the job in a folder."""
    processes.die_with_parent()
    job = Job.read(folder)
    processes.limit_self(memory_bytes=None, file_bytes=_FILE_BYTES)
    from fiftytwo.store import to_json

    with house_style():
        run = Session(folder, job).run()
    partial = folder / (RESULT + ".part")
    partial.write_text(to_json(run), "utf-8")
    partial.replace(folder / RESULT)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
