"""What ``lab.solution`` answers with: the reference's names, the learner's, or a mixture.

Names are those of every landed week's exercise, so that a later week can run on the learner's own
earlier code.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fiftytwo import plan
from fiftytwo.learner.stub import is_text_starter
from fiftytwo.sandbox.remote import LearnerError, Sandbox

_TEXT_BYTES = 2**20  # of a learner's text file; nobody writes more by hand


class Solution:
    """Attribute access gives an exercise name from whoever stands for it.

    Parameters
    ----------
    week : Week
        The week that runs.
    files : mapping of int to Path, optional
        Week number -> learner's file, for the weeks whose names the learner stands for.
    replaced : mapping of str to object, optional
        Names that are given outright; a known mistake is tried like this.
    catalogue : mapping of int to str, optional
        Landed weeks; :func:`fiftytwo.plan.landed` unless a test says otherwise.
    """

    def __init__(
        self,
        week: plan.Week,
        *,
        files: Mapping[int, Path] | None = None,
        replaced: Mapping[str, Any] | None = None,
        catalogue: Mapping[int, str] | None = None,
    ) -> None:
        self._week = week
        self._files = dict(files or {})
        self._replaced = dict(replaced or {})
        self._catalogue = plan.landed() if catalogue is None else catalogue
        self._sandboxes: dict[int, Sandbox | LearnerError] = {}
        self.parts: dict[str, str] = {}  # name -> who stood for it, over the whole run
        self.touched: set[str] = set()  # names asked for since somebody emptied it

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._replaced:
            return self._replaced[name]
        week = self._owner(name)
        assert week.exercise is not None
        self.touched.add(name)
        if week.number in self._files:
            self.parts[name] = "learner"
            return self._sandbox(week).get(name)
        self.parts[name] = "reference"
        return getattr(importlib.import_module(week.exercise.module), name)

    def text(self, name: str) -> str:
        """A text file of this week's exercise, such as ``"rules.toml"``: the learner's or the reference's.

        Raises
        ------
        NotImplementedError
            When the learner's holds nothing but the starter's comment.
        LearnerError
            When the learner's is missing or is no text.
        """
        if name in self._replaced:
            return str(self._replaced[name])
        self.touched.add(name)
        number = self._week.number
        if number not in self._files:
            self.parts[name] = "reference"
            return (plan.package_folder(self._catalogue[number]) / name).read_text("utf-8")
        self.parts[name] = "learner"
        try:
            text = (self._files[number].parent / name).read_bytes()[:_TEXT_BYTES].decode("utf-8")
        except OSError as error:
            raise LearnerError(f"{name} cannot be read: {error.strerror}", "Rejected") from None
        except UnicodeDecodeError:
            raise LearnerError(f"{name} is not text in UTF-8", "Rejected") from None
        if is_text_starter(text):
            raise NotImplementedError(f"week {number}: write {name}")
        return text

    def apply(self, function: Any, *args: Any) -> Any:
        """Run ``function(solution, *args)`` where this week's solution lives and return its plain result."""
        if self._week.number in self._files:
            return self._sandbox(self._week).apply(function, *args)
        return function(self, *args)

    @property
    def output(self) -> str:
        """What learner code printed."""
        return "".join(s.output for s in self._sandboxes.values() if isinstance(s, Sandbox))

    def close(self) -> None:
        """End every learner's process."""
        for sandbox in self._sandboxes.values():
            if isinstance(sandbox, Sandbox):
                sandbox.close()

    def _owner(self, name: str) -> plan.Week:
        exercise = self._week.exercise
        if exercise is not None and name in exercise.names:
            return self._week
        for number in self._catalogue:
            with contextlib.suppress(ImportError):  # a week whose extra is missing owns nothing here
                week = plan.load(number, self._catalogue).week
                if week.exercise is not None and name in week.exercise.names:
                    return week
        raise AttributeError(f"no landed week has an exercise called {name!r}")

    def _sandbox(self, week: plan.Week) -> Sandbox:
        exercise = week.exercise
        assert exercise is not None
        if week.number not in self._sandboxes:
            try:
                self._sandboxes[week.number] = Sandbox(
                    self._files[week.number],
                    exercise.names,
                    reference=exercise.module,
                    seconds=exercise.seconds,
                    memory_bytes=exercise.memory_bytes,
                    processes=exercise.processes,
                )
            except LearnerError as error:  # a file that cannot be loaded fails every check alike
                error.ends_the_process = True
                self._sandboxes[week.number] = error
        sandbox = self._sandboxes[week.number]
        if isinstance(sandbox, LearnerError):
            raise sandbox.with_traceback(None)
        return sandbox
