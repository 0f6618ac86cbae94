"""ruff, mypy and the tests with coverage, run for real on the checkout that this code lies in.

All three run at once as processes of their own, the first time that one of them is asked for. Whatever they
write (caches, coverage data, temporary files) goes into a folder of this run; of the checkout nothing is changed.
Where there is no checkout (an installed wheel) or a tool is missing, asking for its result raises ``CannotRead`` or
``MissingExtra``: it could not be measured here, which is no failure.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import mltoolkit
from mltoolkit.errors import CannotRead, MissingExtra

_MEASURING = re.compile("COV_CORE_|COVERAGE_|PYTEST_")  # variables of a run of pytest or coverage around this one


@dataclass(frozen=True)
class ModuleCoverage:
    """How much of a module the tests run."""

    module: str
    statements: int
    share: float  # of statements and branches


class Quality:
    """What the three tools say about the checkout.

    Parameters
    ----------
    folder : Path
        Takes everything that the tools write; it exists.
    tests : sequence of str
        What pytest runs, relative to the checkout.
    measured : sequence of str
        Modules whose coverage is measured.
    slow_tests : bool
        Whether tests that are marked as slow run too.
    """

    def __init__(self, folder: Path, tests: Sequence[str], measured: Sequence[str], *, slow_tests: bool) -> None:
        self.folder = folder
        self.tests = tests
        self.measured = measured
        self.slow_tests = slow_tests

    @cached_property
    def root(self) -> Path:
        """The checkout."""
        file = mltoolkit.__file__
        assert file is not None
        root = Path(file).parents[2]
        if not (root / "pyproject.toml").is_file() or not (root / "tests").is_dir():
            raise CannotRead("there is no checkout of the project here to measure: it runs from an installed package")
        return root

    def begin(self) -> None:
        """Start the tools now, so that they work while something else is measured."""
        with contextlib.suppress(CannotRead):
            self._running  # noqa: B018 - asking for it starts them

    def ruff_findings(self) -> int:
        """Lint findings in the whole checkout, and files that the formatter would change."""
        lint = json.loads(self._output("ruff check", good=(0, 1)))
        unformatted = self._output("ruff format", good=(0, 1)).count("Would reformat")
        return len(lint) + unformatted

    def mypy_findings(self) -> tuple[int, int]:
        """Errors, and files that were checked."""
        last = self._output("mypy", good=(0, 1)).strip().splitlines()[-1]
        found = re.search(r"Found (\d+) errors?", last)
        checked = re.search(r"(\d+) source files?", last)
        if checked is None:
            raise RuntimeError(f"mypy said: {last}")
        return int(found[1]) if found else 0, int(checked[1])

    def tests_passed(self) -> int:
        """How many tests ran, all of them passing."""
        lines = self._output("pytest", good=(0,)).strip().splitlines()
        passed = re.search(r"(\d+) passed", lines[-1])
        return int(passed[1]) if passed else 0

    def coverage(self) -> tuple[ModuleCoverage, ...]:
        """Coverage of each module that was measured, in order."""
        self.tests_passed()
        report = json.loads((self.folder / "coverage.json").read_text("utf-8"))
        rows = []
        for file, entry in sorted(report["files"].items()):
            module = ".".join(Path(file).with_suffix("").parts[1:]).removesuffix(".__init__")
            summary = entry["summary"]
            rows.append(ModuleCoverage(module, summary["num_statements"], summary["percent_covered"] / 100.0))
        return tuple(rows)

    def total_coverage(self) -> float:
        """Share of all statements and branches of the measured modules that the tests run."""
        self.tests_passed()
        report = json.loads((self.folder / "coverage.json").read_text("utf-8"))
        return float(report["totals"]["percent_covered"]) / 100.0

    def close(self) -> None:
        """End what still runs."""
        for process in self.__dict__.get("_running", {}).values():
            if process.poll() is None:
                process.kill()
            process.wait()

    def _commands(self) -> Mapping[str, list[str]]:
        """Each tool's command; those whose module is missing are left out."""
        folder = self.folder
        marks = [] if self.slow_tests else ["-m", "not slow"]
        basetemp, report = f"--basetemp={folder / 'tests'}", f"--cov-report=json:{folder / 'coverage.json'}"
        coverage = ["--cov", f"--cov-config={self._coverage_settings()}", report, "--cov-fail-under=0"]
        commands = {
            "ruff check": ["ruff", "check", "--no-cache", "--output-format=json", "."],
            "ruff format": ["ruff", "format", "--no-cache", "--check", "."],
            "mypy": ["mypy", f"--cache-dir={self._mypy_cache()}"],
            "pytest": ["pytest", "-q", "-p", "no:cacheprovider", basetemp, *marks, *coverage, *self.tests],
        }
        return {name: [sys.executable, "-m", *command] for name, command in commands.items()}

    def _coverage_settings(self) -> Path:
        """A settings file that measures the wanted modules alone, with the project's own exclusions."""
        project = tomllib.loads((self.root / "pyproject.toml").read_text("utf-8"))
        excluded = project.get("tool", {}).get("coverage", {}).get("report", {}).get("exclude_also", [])
        lines = ["[run]", "branch = true", "source_pkgs =", *(f"    {module}" for module in self.measured)]
        lines += ["[report]", "exclude_also =", *(f"    {pattern}" for pattern in excluded)]
        file = self.folder / "coverage.ini"
        file.write_text("\n".join(lines) + "\n", "utf-8")
        return file

    def _mypy_cache(self) -> Path:
        """A copy of the checkout's own cache, so that only changed files are checked anew."""
        cache, own = self.folder / "mypy", self.root / ".mypy_cache"
        if own.is_dir() and not cache.exists():
            with contextlib.suppress(OSError):  # another run may be writing to it; then mypy checks more anew
                shutil.copytree(own, cache)
        return cache

    @cached_property
    def _running(self) -> dict[str, subprocess.Popen[bytes]]:
        """The tools that are installed, started all at once; their output goes to files."""
        environment = {name: value for name, value in os.environ.items() if not _MEASURING.match(name)}
        environment |= {
            "COVERAGE_FILE": str(self.folder / ".coverage"),
            "CI": "1",  # Hypothesis then repeats itself and keeps no database
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        running = {}
        for name, command in self._commands().items():
            if _missing(name):
                continue
            with (self.folder / f"{name}.out").open("wb") as out, (self.folder / f"{name}.err").open("wb") as err:
                running[name] = subprocess.Popen(
                    command, cwd=self.root, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
                )
        return running

    def _output(self, name: str, *, good: tuple[int, ...]) -> str:
        root = self.root
        if _missing(name):
            raise MissingExtra(_missing(name), "dev")
        status = self._running[name].wait()
        text = (self.folder / f"{name}.out").read_text("utf-8", errors="replace")
        if status not in good:
            errors = (self.folder / f"{name}.err").read_text("utf-8", errors="replace")
            last = (text.strip() or errors.strip()).splitlines()[-1:]
            raise RuntimeError(f"{name} in {root.name} ended with status {status}: {' '.join(last)[:300]}")
        return text


def _missing(name: str) -> str:
    """The distribution that a tool needs and that is not installed; empty when all are."""
    modules = {"pytest": {"pytest": "pytest", "pytest_cov": "pytest-cov", "hypothesis": "hypothesis"}}
    needed = modules.get(name, {name.split()[0]: name.split()[0]})
    return next((wanted for module, wanted in needed.items() if importlib.util.find_spec(module) is None), "")
