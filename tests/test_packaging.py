"""The distribution as a user gets it: what it declares, what it loads, and how fast it answers."""

from __future__ import annotations

import ast
import importlib
import itertools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PACKAGES = ("mltoolkit", "fiftytwo")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
EVERY = [Requirement(text) for text in itertools.chain(PROJECT["dependencies"], *EXTRAS.values())]
AREAS = {"tabular", "quality", "notebook", "deep", "llm", "rag", "safety", "rl", "ops", "agents", "cluster"}


def closure(names: list[str]) -> set[str]:
    """Distributions that a bare install brings, by canonical name; extras only where a requirement asks for them."""
    found: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(Requirement(text).name), extra) for text in names
               for extra in ("", *Requirement(text).extras)]  # fmt: skip
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in found:
            continue
        found.add((name, extra))
        for text in metadata.requires(name) or ():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(wanted.name), e) for e in ("", *wanted.extras)]
    return {name for name, _ in found}


def refused_modules() -> list[str]:
    """Top-level modules of every installed distribution outside the bare install."""
    bare = closure(PROJECT["dependencies"]) | {"fiftytwo"}
    return sorted(
        module
        for module, owners in metadata.packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & bare
    )


def project_modules() -> list[str]:
    """Every module of both packages that the bare install can import."""
    from fiftytwo import plan

    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    needs_extras = {
        plan.load(number).module.rpartition(".")[0] for number in plan.landed() if plan.load(number).week.extras
    }
    skipped = {*needs_extras, *(m for m in graph.modules if m.endswith(".__main__"))}  # importing one runs the command
    # What numba compiles where it is installed, and what is imported only with it.
    skipped |= {m for m in graph.modules if m.endswith(("._kernels", ".compiled"))}
    # Their face says which extra is missing, and so needs none itself; what is behind it imports PyTorch.
    skipped |= {m for m in graph.modules if m.startswith(("mltoolkit.deep.", "mltoolkit.llm."))}
    return sorted(m for m in graph.modules if not any(m == s or m.startswith(s + ".") for s in skipped))


def tracked_files() -> Iterator[Path]:
    if shutil.which("git") is None:
        pytest.skip("needs git: the tree's files are listed by it")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("needs a git checkout: the tree's files are listed by git")
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            yield ROOT / name


BARE = """
import importlib, importlib.abc, json, sys, warnings
refused, modules = json.loads(sys.argv[1])

class OnlyTheBareInstall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"not in the bare install: {name}", name=name)
        return None

sys.meta_path.insert(0, OnlyTheBareInstall())
for name in modules:
    importlib.import_module(name)
from fiftytwo.cli import main
sys.argv = ["fiftytwo", "--help"]
main()
"""


def test_the_bare_install_imports_everything_and_helps() -> None:
    refused = refused_modules()
    assert {"pytest", "hypothesis", "mypy"} <= {canonicalize_name(module) for module in refused}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BARE, json.dumps([refused, project_modules()])],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Usage: fiftytwo" in done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_loads_nothing_heavy(package: str) -> None:
    code = f"import json, sys, {package}; print(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "scipy", "pandas", "sklearn", "matplotlib", "pyarrow", "duckdb", "sqlalchemy", "pydantic", "rich"}
    assert heavy.isdisjoint(json.loads(done.stdout))


def test_help_costs_less_than_three_tenths_of_a_second() -> None:
    def seconds(*arguments: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - started

    asking = ("-c", "import sys; sys.argv = ['fiftytwo', '--help']; from fiftytwo.cli import main; main()")
    seconds(*asking)  # the first start compiles the byte code
    extra = [seconds(*asking) - seconds("-c", "pass") for _ in range(7)]  # interleaved: the machine is shared
    assert statistics.median(extra) < 0.3


def lazy_packages() -> list[str]:
    """Packages whose ``__init__`` names its public face through lazy_loader."""
    files = sorted(path for package in PACKAGES for path in (ROOT / "src" / package).rglob("__init__.py"))
    modules = (
        ".".join(file.parent.relative_to(ROOT / "src").parts) for file in files if "lazy_loader" in file.read_text()
    )
    return list(modules)


@pytest.mark.parametrize("name", lazy_packages())
def test_a_package_shows_what_it_declares(name: str) -> None:
    package = importlib.import_module(name)
    declared = list(package.__all__)
    assert declared == sorted(declared), "lazy_loader sorts them"
    assert len(set(declared)) == len(declared)
    assert set(declared) <= set(dir(package))
    for attribute in declared:
        shown = getattr(package, attribute)
        assert shown is not None
        if hasattr(shown, "__module__") and hasattr(shown, "__qualname__"):
            assert shown.__module__.startswith(name), f"{attribute} belongs to {shown.__module__}"
            assert shown.__doc__, f"{attribute} has no docstring"


def imported_libraries() -> dict[str, set[str]]:
    """Top-level third-party modules that src imports -> the files that import them."""
    found: dict[str, set[str]] = {}
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in PACKAGES:
                    found.setdefault(top, set()).add(str(file.relative_to(ROOT)))
    return found


def test_every_import_is_declared() -> None:
    declared = {
        canonicalize_name(name) for wanted in EVERY for name in (wanted.name, *wanted.extras)
    }  # dask[distributed]
    owners = metadata.packages_distributions()
    undeclared = {
        module: files
        for module, files in imported_libraries().items()
        if not {canonicalize_name(o) for o in owners.get(module, [module])} & declared
    }
    assert undeclared == {}


def test_every_core_dependency_is_imported() -> None:
    owners = metadata.packages_distributions()
    used = {canonicalize_name(o) for module in imported_libraries() for o in owners.get(module, [module])}
    unused = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]} - used
    assert unused == set(), "an unused dependency is a cost to every user"


def test_the_extras_are_the_areas() -> None:
    assert set(EXTRAS) == AREAS | {"all", "bench", "docs", "dev"}
    assert set(Requirement(EXTRAS["all"][0]).extras) == AREAS


def test_every_requirement_is_locked_within_its_range() -> None:
    locked: dict[str, list[Requirement]] = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if line and not line.startswith("#"):
            locked.setdefault(canonicalize_name(Requirement(line).name), []).append(Requirement(line))
    for wanted in EVERY:
        if wanted.name == "fiftytwo":
            continue
        pins = locked.get(canonicalize_name(wanted.name), [])
        assert pins, f"{wanted.name} is not locked; run: make lock"
        for pin in pins:
            (exact,) = pin.specifier
            assert exact.operator == "=="
            assert wanted.specifier.contains(Version(exact.version)), f"{pin} is outside {wanted}; run: make lock"


def test_the_lock_is_fit_for_every_machine() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert re.search(r"^torch==2\.13\.0$", text, re.MULTILINE)
    assert not re.search(r"^(nvidia|triton|cuda)", text, re.MULTILINE)
    assert not re.search(r"^(xgboost|evidently)==", text, re.MULTILINE)
    assert not re.search(r"https?:|file:|--|@ ", text)


def test_the_dependencies_have_reasons() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = {
        cell.strip() for line in text.splitlines() if line.startswith("| ") for cell in line.split("|")[1].split(",")
    }
    names = {Requirement(requirement).name for requirement in PROJECT["dependencies"]}
    assert names <= table, f"docs/architecture.md gives no reason for {sorted(names - table)}"


def test_no_file_names_a_machine_or_a_registry() -> None:
    # Put together here, so that this file passes its own test.
    words = [
        "/" + "work/",
        "/opt/" + "wheels",
        "/opt/" + "pypi",
        "/tmp/" + "w/",
        "pypi" + ".org",
        "files.python" + "hosted",
    ]
    pattern = re.compile("|".join(map(re.escape, words)).encode())
    found = {str(file.relative_to(ROOT)): match.group() for file in tracked_files()
             if (match := pattern.search(file.read_bytes()))}  # fmt: skip
    assert found == {}


def test_types_are_shipped() -> None:
    for package in PACKAGES:
        assert (ROOT / "src" / package / "py.typed").is_file()


def test_continuous_integration_calls_make_test() -> None:
    script = ROOT / ".ci" / "run"
    lines = script.read_text().splitlines()
    assert lines[0].endswith("bash")
    assert "set -euo pipefail" in lines
    assert lines[-1] == "make test"
    assert os.access(script, os.X_OK)


def test_make_has_its_targets() -> None:
    targets = {"run", "test", "lint", "bench", "docs", "mutants", "clean", "help"}
    makefile = (ROOT / "Makefile").read_text()
    assert targets <= set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))
    assert ".DEFAULT_GOAL := help" in makefile
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets <= set(phony.split())
