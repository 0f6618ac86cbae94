"""The mutation tool on a week of its own: what it changes, what it leaves alone, and how it counts."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from fiftytwo import plan

REFERENCE = '''
"""A reference with arithmetic, a branch, a loop and a keyword: 12 + 30."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def mean(values: Sequence[float], *, scale: int | float = 1.0) -> float | int:
    """Mean of the values, 1 + 1 times nothing."""
    total = 0.0
    count = 0
    for value in values:
        if value > 0 and count < 100:
            total = total + value * scale
            count += 1
    if count == 0:
        raise ValueError("no value above 0")
    return total / count
'''

WEEK = """
from fiftytwo import Check, Exercise, Week

week = Week(
    1, "Means", "Tests", ("a", "b", "c"), slug="sample", build="Build.", assess="Assess.",
    exercise=Exercise("mutants_reference", ("mean",)),
)


def build(lab):
    return lab.solution.mean([1.0, 2.0])


def refuses(mean):
    try:
        mean([-1.0])
    except ValueError as error:
        return "no value" in str(error)
    return False


def assess(lab, built):
    mean = lab.solution.mean
    yield Check("mean", lambda: mean([1.0, 2.0, 6.0]), equals=3.0, why="Sum over count.")
    yield Check("scaled", lambda: mean([1.0, 2.0], scale=2.0), equals=3.0, why="Every value is scaled.")
    yield Check("positive", lambda: mean([-1.0, 0.0, 4.0]), equals=4.0, why="Others are left out.")
    yield Check("refuses", lambda: refuses(mean), equals=True, why="There is no mean of nothing.")
    if THOROUGH:
        yield Check("at most 100", lambda: mean([1.0] * 100 + [900.0]), equals=1.0, why="The rest is left out.")
    yield Check("the build", lambda: 1.0 / 0.0, equals=1.0, why="Never asked of an exercise.", exercise=False)
"""


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    file = Path(__file__).parents[2] / "tools" / "mutants.py"
    spec = importlib.util.spec_from_file_location("mutants", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mutants", module)
    spec.loader.exec_module(module)
    return module


def mutants_of(tool: ModuleType, source: str) -> Any:
    return tool.sample(source, tool.places_of(source), 10_000)


@pytest.fixture
def sample_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    thorough = getattr(request, "param", True)
    reference = tmp_path / "mutants_reference.py"
    reference.write_text(REFERENCE)
    (tmp_path / "mutants_week.py").write_text(f"THOROUGH = {thorough}\n{WEEK}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan, "landed", lambda: {1: "mutants_week"})
    for name in ("mutants_reference", "mutants_week"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return reference


def test_each_mutant_is_one_change(tool: ModuleType) -> None:
    mutants = mutants_of(tool, REFERENCE)
    assert len(mutants) >= 60
    assert len({m.source for m in mutants}) == len(mutants)
    assert [m.number for m in mutants] == sorted({m.number for m in mutants})
    assert [tool.mutate(REFERENCE, tool.places_of(REFERENCE)[m.number]) for m in mutants] == mutants
    lines = REFERENCE.splitlines()
    for mutant in mutants:
        changed = mutant.source.splitlines()
        assert lines[mutant.line - 1].strip() == mutant.before
        assert changed[mutant.line - 1].strip() == mutant.after
        assert sum(a != b for a, b in zip(lines, changed, strict=True)) == 1
        compile(mutant.source, "mutant", "exec")


def test_what_has_no_effect_is_left_alone(tool: ModuleType) -> None:
    changed = {m.before for m in mutants_of(tool, REFERENCE)}
    assert "if TYPE_CHECKING:" not in changed
    assert not any('"""' in line for line in changed)
    on_signature = [m for m in mutants_of(tool, REFERENCE) if m.before.startswith("def mean")]
    assert {m.operator for m in on_signature} == {"NumberReplacer"}, "only the default value may change"
    assert all("int | float" in m.after and "float | int" in m.after for m in on_signature)


def test_annotations_count_where_they_are_evaluated(tool: ModuleType) -> None:
    source = "def f(x: int | float) -> int:\n    return x\n"
    assert any(m.after.startswith("def f(x: int &") for m in mutants_of(tool, source))
    assert mutants_of(tool, "from __future__ import annotations\n" + source) == []


def test_what_only_watches_over_the_programmer_is_left_alone(tool: ModuleType) -> None:
    source = "def f(a, b):\n    warn('late', stacklevel=2)\n    return dict(zip(a, b, strict=True), deep=True)\n"
    assert [m.after for m in mutants_of(tool, source) if m.operator == "ReplaceTrueWithFalse"] == [
        "return dict(zip(a, b, strict=True), deep=False)"
    ]
    assert not any(m.operator == "NumberReplacer" for m in mutants_of(tool, source))


def test_columns_are_counted_in_characters(tool: ModuleType) -> None:
    source = "from __future__ import annotations\ndef f(größe: int | float = 1 + 2): return größe\n"
    assert not any("int | float" not in m.after for m in mutants_of(tool, source))


def test_a_sample_is_seeded_and_even_over_the_operators(tool: ModuleType) -> None:
    places = tool.places_of(REFERENCE)
    chosen = tool.sample(REFERENCE, places, 20)
    assert chosen == tool.sample(REFERENCE, places, 20)
    assert [m.number for m in chosen] == sorted({m.number for m in chosen})
    assert {tool._family(m) for m in chosen} == {tool._family(p) for p in places}
    counts = Counter(tool._family(m) for m in chosen)
    assert all(
        counts[family] >= min(all_of_it, max(counts.values()) - 1)
        for family, all_of_it in Counter(tool._family(m) for m in mutants_of(tool, REFERENCE)).items()
    )


def test_only_what_is_drawn_is_changed_and_what_is_no_mutant_is_drawn_over(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = tool.places_of(REFERENCE)
    honest = tool.mutate
    tried: list[int] = []
    none = {m.number for m in tool.sample(REFERENCE, places, 20)[::3]}

    def mutate(source: str, place: Any) -> Any:
        tried.append(place.number)
        return None if place.number in none else honest(source, place)

    monkeypatch.setattr(tool, "mutate", mutate)
    chosen = tool.sample(REFERENCE, places, 20)
    assert len(chosen) == 20
    assert {m.number for m in chosen} == set(tried) - none
    assert len(tried) == 20 + len(none)


def test_what_does_not_parse_or_changes_nothing_is_no_mutant(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from cosmic_ray import mutating

    place = tool.places_of(REFERENCE)[0]
    for changed in (None, REFERENCE, REFERENCE + "\n# a remark\n", REFERENCE + "\nif:\n"):
        monkeypatch.setattr(mutating, "mutate_code", lambda *_, changed=changed: changed)
        assert tool.mutate(REFERENCE, place) is None


def test_a_mutant_is_a_module_that_inspection_understands(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    import inspect

    source = "class A:\n    def f(self):\n        return 2\n"
    module = tool.as_module(source, "mltoolkit.reference", 7)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert module.__package__ == "mltoolkit"
    assert inspect.getsource(module.A) == source
    assert pickle.loads(pickle.dumps(module.A())).f() == 2


def test_thorough_checks_catch_the_mutants(
    tool: ModuleType, sample_week: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = tool.main(["1", "--jobs", "2"])
    report = json.loads(Path("build/mutants-w01.json").read_text())
    out = capsys.readouterr().out
    assert status == 0, out
    assert report["share"] >= 0.9
    assert report["run"] == report["possible"] == len(report["mutants"]) >= 60
    assert f"{report['share']:.1%}" in out
    survivors = [m for m in report["mutants"] if m["outcome"] == "survived"]
    for mutant in survivors:
        assert (
            f"survived: mutants_reference.py:{mutant['line']} ({mutant['operator']}, number {mutant['number']})" in out
        )
    caught_by = {m["by"] for m in report["mutants"] if m["outcome"] == "caught"}
    assert {"mean", "positive", "refuses", "at most 100"} <= caught_by
    assert "the build" not in caught_by
    assert not any(by.startswith("build (") for by in caught_by), "the checks are cheaper and come first"


BUILDS = """
from mutants_week import *


def build(lab):
    with open("builds", "a") as file:
        file.write("built\\n")
    return SimpleNamespace(mean=lab.solution.mean([1.0, 2.0]), longest=lab.solution.mean([1.0] * 101 + [900.0]))


def assess(lab, built):
    mean = lab.solution.mean
    yield Check("mean", lambda: mean([1.0, 2.0, 6.0]), equals=3.0, why="Sum over count.")
    if ASKS:
        yield Check("of what was built", lambda: built.longest, equals=1.0, why="The rest is left out.")
"""


@pytest.mark.parametrize("asks", [True, False])
def test_the_build_waits_until_it_is_asked_for(
    tool: ModuleType, sample_week: Path, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    Path("mutants_builds.py").write_text(f"from types import SimpleNamespace\nASKS = {asks}\n{BUILDS}")
    monkeypatch.setattr(plan, "landed", lambda: {1: "mutants_builds"})
    monkeypatch.delitem(sys.modules, "mutants_builds", raising=False)
    week = plan.load(1)

    def judged(mean: object) -> tuple[str, int]:
        Path("builds").write_text("")
        return tool.first_failure(week, {"mean": mean}), Path("builds").read_text().count("built")

    def fails_at_many(values: list[float]) -> float:
        if len(values) > 100:
            raise RuntimeError("too many")
        return sum(values) / len(values)

    assert judged(lambda values: 0.0) == ("mean", 0), "caught before anything was built"
    assert judged(fails_at_many) == ("build (RuntimeError)", 1)
    assert judged(lambda values: sum(values[:100]) / len(values[:100])) == ("", 1), "built once, asked for or not"
    assert judged(lambda values: sum(values) / len(values)) == ("of what was built" if asks else "", 1)


def test_chosen_mutants_are_judged_alone(
    tool: ModuleType, sample_week: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.main(["1", "--only", "3,5", "--show"]) == 0
    out = capsys.readouterr().out
    assert "number 3)" in out
    assert "number 5)" in out
    assert "of 2 mutants caught" in out
    assert not Path("build").exists(), "the report tells of the whole sample"
    assert tool.main(["1", "--only", "3,9999"]) == 2
    assert "error: no mutant 9999 among the" in capsys.readouterr().err


@pytest.mark.parametrize("sample_week", [False], indirect=True)
def test_a_missing_check_shows_as_survivors(
    tool: ModuleType, sample_week: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool.main(["1", "--jobs", "2", "--show"])
    out = capsys.readouterr().out
    assert "- if value > 0 and count < 100:" in out
    assert "+ if value > 0 and count < 101:" in out.replace("<  ", "< ")
    assert "caught by mean: mutants_reference.py:" in out


def test_checks_that_catch_too_little_fail_the_run(
    tool: ModuleType, sample_week: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "first_failure", lambda week, solution: "")
    assert tool.main(["1", "--limit", "5"]) == 1
    out = capsys.readouterr().out
    assert "0 of 5 mutants caught (a sample of" in out
    assert "below the goal of 90%" in out


def test_a_crash_a_hang_and_an_exit_are_caught(
    tool: ModuleType, sample_week: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    week = plan.load(1)
    mutants = mutants_of(tool, REFERENCE)[:4]
    ends = ["os.kill(os.getpid(), 9)", "while True: pass", "raise SystemExit(0)", "os._exit(0)"]
    changed = [
        tool.Mutant(m.number, m.operator, m.line, m.before, m.after, f"import os\n{end}\ndef mean(values): ...\n")
        for m, end in zip(mutants, ends, strict=True)
    ]
    before = set(psutil.Process().children(recursive=True))
    results = {r.mutant.number: r for r in tool.run(week, changed, jobs=2, seconds=1.0)}
    assert [results[m.number].outcome for m in changed] == ["caught"] * 4
    assert [results[m.number].by for m in changed] == ["crash", "time limit", "crash (SystemExit)", "crash"]
    assert set(psutil.Process().children(recursive=True)) <= before


def test_a_mutant_has_workers_of_its_own_and_takes_them_along(
    tool: ModuleType, sample_week: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    week, mutants = plan.load(1), mutants_of(tool, REFERENCE)[:2]

    def starts_workers(hangs: bool) -> str:
        from joblib import Parallel, delayed

        pids = set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(4)))
        Path(f"workers-{os.getpid()}").write_text(" ".join(map(str, pids)))
        while hangs:
            time.sleep(0.1)
        return ""

    starts_workers(hangs=False)
    tool._end_workers()
    monkeypatch.setattr(tool, "first_failure", lambda week, solution: starts_workers(hangs=False))
    assert [r.outcome for r in tool.run(week, mutants, jobs=1, seconds=60.0)] == ["survived"] * 2
    monkeypatch.setattr(tool, "first_failure", lambda week, solution: starts_workers(hangs=True))
    assert [r.by for r in tool.run(week, mutants, jobs=2, seconds=8.0)] == ["time limit"] * 2
    started = {int(pid) for file in Path().glob("workers-*") for pid in file.read_text().split()}
    assert len(started) >= 5
    psutil.wait_procs(alive := [psutil.Process(pid) for pid in started if psutil.pid_exists(pid)], timeout=5.0)
    assert not [one for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_a_reference_that_fails_its_own_checks_is_reported(
    tool: ModuleType, sample_week: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample_week.write_text(REFERENCE.replace("total / count", "total / (count + 1)"))
    assert tool.main(["1"]) == 2
    assert capsys.readouterr().err == "error: the reference itself does not pass the check 'mean'\n"


def test_a_short_reference_is_refused(tool: ModuleType, sample_week: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample_week.write_text(textwrap.dedent("def mean(values, *, scale=1.0): return sum(values)\n"))
    assert tool.main(["1"]) == 2
    assert "gives 2 mutants; at least 60 are needed" in capsys.readouterr().err


def test_a_week_that_has_not_landed_is_refused(
    tool: ModuleType, sample_week: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.main(["9"]) == 2
    assert capsys.readouterr().err.startswith("error: week 9 (")
