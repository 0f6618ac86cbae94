"""The notebook runs from top to bottom without a browser or a network, and follows its sliders."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "profiling.py"


@pytest.fixture(scope="module")
def notebook():
    pytest.importorskip("marimo")
    spec = importlib.util.spec_from_file_location("profiling_notebook", NOTEBOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settings(rows, rank, solver):
    return {name: SimpleNamespace(value=value) for name, value in zip(("rows", "rank", "solver"), (rows, rank, solver),
                                                                      strict=True)}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_it_measures_what_its_sliders_say(notebook):
    _, found = notebook.app.run(defs=settings(120, 5, "randomized"))
    assert [tuple(row) for row in found["here"][["height", "width", "rank", "solver"]].to_numpy()] == [
        (120, 180, 5, solver) for solver in notebook.SOLVERS
    ]
    assert set(found["by_size"]["height"]) == {60, 120}
    assert set(found["by_rank"]["rank"]) == set(notebook.RANKS)
    memory = found["here"].set_index("solver")["MiB"]
    assert memory["randomized"] < memory["gram"] < memory["svd"]
    assert "_by_projection" in set(found["spent"]["function"])
    assert found["spent"]["% of the time"].sum() == pytest.approx(100)


@pytest.mark.filterwarnings("ignore")
def test_a_rank_that_a_size_does_not_have_is_left_out(notebook):
    _, found = notebook.app.run(defs=settings(60, 60, "gram"))
    assert found["by_size"].groupby("height").size().to_dict() == {60: 3}
    assert found["by_rank"]["rank"].max() == 60


def test_marimo_finds_no_fault_with_it():
    pytest.importorskip("marimo")
    done = subprocess.run(
        [sys.executable, "-m", "marimo", "check", "--strict", str(NOTEBOOK)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
