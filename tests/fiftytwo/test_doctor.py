"""The doctor finds what is missing, says what it costs and how to mend it; notebooks and completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from fiftytwo import doctor, notebooks, plan
from fiftytwo.cli import COMMANDS, cli
from mltoolkit.errors import MissingExtra


def found(home, what):
    return next(finding for finding in doctor.examine(home) if finding.what == what)


def invoke(*words):
    return CliRunner().invoke(cli, list(words))


def test_everything_is_looked_at_and_nothing_is_made(home):
    seen = {finding.what: finding for finding in doctor.examine(home)}
    assert {"python", "fiftytwo", "home", "disk", "memory", "threads", "gpu", "browser", "data"} <= set(seen)
    for finding in seen.values():
        assert finding.found
        assert (finding.state == "good") == (not finding.cost)
        assert bool(finding.cost) == bool(finding.mend), finding
    assert not home.root.exists()


def test_the_command_shows_a_line_each_within_eighty_columns(home, monkeypatch):
    monkeypatch.setattr(doctor, "_extras", lambda home: iter(()))
    shown = invoke("doctor")
    assert shown.exit_code in (0, 1)
    assert "python" in shown.output
    rows = json.loads(invoke("doctor", "--json").stdout)
    assert rows[0]["what"] == "python"


@pytest.mark.parametrize(
    ("what", "patch", "state", "mend"),
    [
        ("disk", ("shutil.disk_usage", lambda place: SimpleNamespace(free=2**20)), "broken", "make room"),
        (
            "disk",
            ("shutil.disk_usage", lambda place: SimpleNamespace(free=2**28)),
            "lacking",
            "FIFTYTWO_HOME",
        ),
        ("browser", ("shutil.which", lambda name: None), "lacking", "BROWSER"),
        ("fiftytwo", ("fiftytwo.doctor.installed", lambda name: ""), "broken", "pip install -U fiftytwo"),
        ("fiftytwo", ("fiftytwo.doctor.installed", lambda name: "0.0.1"), "broken", "pip install -U fiftytwo"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_found(home, monkeypatch, what, patch, state, mend):
    monkeypatch.setattr(*patch)
    for name in ("_threads", "_gpu", "_data", "_extras"):
        monkeypatch.setattr(doctor, name, lambda home: iter(()))
    finding = found(home, what)
    assert finding.state == state
    assert mend in finding.mend


def test_a_missing_extra_names_its_weeks_and_its_command(home, monkeypatch, catalogue):
    monkeypatch.setattr(plan, "landed", lambda: {8: plan_module(8)})
    real = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda name: "" if name == "shap" else real(name))
    finding = next(doctor._extras(home))
    assert (finding.what, finding.state) == ("extra tabular", "lacking")
    assert finding.cost == "week 8 cannot run here"
    assert finding.mend == "pip install 'fiftytwo[tabular]'"
    assert "shap" in finding.found


def plan_module(number):
    folder = next((Path(plan.__file__).parent / "weeks").glob(f"w{number:02d}_*"))
    return f"fiftytwo.weeks.{folder.name}.lab"


def test_a_week_that_cannot_be_imported_is_broken_not_the_doctor(home, monkeypatch):
    monkeypatch.setattr(plan, "landed", lambda: {1: "no.such.lab"})
    finding = next(doctor._extras(home))
    assert (finding.what, finding.state) == ("week 1", "broken")

    def fails(home):
        raise RuntimeError("a\nfault")
        yield

    monkeypatch.setattr(doctor, "_disk", fails)
    assert found(home, "fails").found == "RuntimeError: a fault"


def test_threads_that_are_too_many_or_too_few(home, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"num_threads": 16}])
    (finding,) = doctor._threads(home)
    assert finding.mend == "export OMP_NUM_THREADS=4"
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"num_threads": 1}])
    for name in doctor._THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (finding,) = doctor._threads(home)
    assert (finding.state, finding.mend) == ("lacking", "unset OMP_NUM_THREADS")


def test_damaged_and_missing_datasets(home, monkeypatch):
    from mltoolkit import datasets
    from mltoolkit.errors import CannotRead

    def locate(name):
        if name == "mnist":
            raise CannotRead("damaged")

    monkeypatch.setattr("mltoolkit.datasets.locate", locate, raising=False)
    (finding,) = doctor._data(home)
    assert finding.state == "broken"
    assert "damaged: mnist" in finding.found
    monkeypatch.setattr("mltoolkit.datasets.locate", lambda name: None)
    (finding,) = doctor._data(home)
    assert finding.found.startswith(f"0 of {len(datasets.entries())} datasets are here; away: ")


def test_a_notebook_belongs_to_the_week_whose_code_it_imports(home):
    assert notebooks.notebooks()[2].name == "profiling.py"


def test_a_notebook_is_copied_once_and_opened_offline(home, monkeypatch):
    called = []
    monkeypatch.setattr(subprocess, "call", lambda words, env: called.append((words, env)) or 0)
    shown = invoke("notebook", "2", "--headless", "--port", "2718")
    assert shown.exit_code == 0, shown.output
    file = home.week(2) / "notebook.py"
    words, env = called[0]
    assert words[1:5] == ["-m", "marimo", "edit", str(file)]
    assert {"--skip-update-check", "--no-sandbox", "--headless"} <= set(words)
    assert env["MARIMO_SKIP_UPDATE_CHECK"] == "1"
    file.write_text("mine")
    invoke("notebook", "2")
    assert file.read_text() == "mine"


def test_a_week_without_a_notebook_and_a_machine_without_marimo(home, monkeypatch):
    shown = invoke("notebook", "1")
    assert shown.exit_code == 2
    assert "week 1 has no notebook; weeks that have one: 2" in shown.stderr
    assert "no week 60" in invoke("notebook", "60").stderr
    found = notebooks.importlib.util.find_spec
    monkeypatch.setattr(notebooks.importlib.util, "find_spec", lambda name: None if name == "marimo" else found(name))
    assert isinstance(invoke("notebook", "2").exception, MissingExtra)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_of_each_shell(shell):
    shown = invoke("completion", shell)
    assert shown.exit_code == 0
    assert "_FIFTYTWO_COMPLETE" in shown.output


def test_a_command_is_completed_without_importing_any():
    script = (
        "import sys\nfrom fiftytwo.cli import main\n"
        "try: main()\nfinally: print(sorted(m for m in sys.modules if m.startswith('fiftytwo.')), file=sys.stderr)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "_FIFTYTWO_COMPLETE": "bash_complete", "COMP_WORDS": "fiftytwo re", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
    )
    assert [line.partition(",")[2] for line in said.stdout.split()] == [n for n in COMMANDS if n.startswith("re")]
    assert said.stderr.strip() == "['fiftytwo.cli']"


def test_the_metadata_that_the_doctor_reads_is_there():
    assert metadata.requires("fiftytwo")
