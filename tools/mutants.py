"""Mutate an exercise's reference and count how many of the mutants the week's checks catch.

A check that cannot fail proves nothing. So every place of the reference where one of cosmic-ray's
operators applies is changed in turn, and the week's exercise checks, as ``fiftytwo check`` would run
them, judge the changed code. A mutant is *caught* when a check is wrong or crashes, when the build
raises, when the process dies or when it passes its time limit; it *survives* when all checks pass.
The build, which is most of a week's time, waits until a check asks for it or all checks have passed:
that changes who catches a mutant first, and not whether one does.

Not counted, because no check could tell them from the reference:

- type annotations (under ``from __future__ import annotations`` they are never evaluated) and the test of
  ``if TYPE_CHECKING``;
- the bare ``*`` and ``/`` of a signature, which are no arithmetic;
- ``strict`` of ``zip``, ``frozen`` of ``dataclass`` and ``stacklevel`` of ``warn``, which watch over the programmer;
- mutants that no longer parse, or that parse to the reference's own syntax tree.

Run it as ``python tools/mutants.py WEEK``; the exit status is 1 when fewer than 90% are caught. After a
check was added, ``--only 17,203`` judges these mutants alone, by the numbers that the report gives.
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib.machinery
import itertools
import json
import linecache
import os
import random
import select
import signal
import sys
import tempfile
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from fiftytwo.plan import LandedWeek

Outcome = Literal["caught", "survived"]
GOAL = 0.90
LEAST = 60  # fewer mutants say little about the checks
GUARDS = {"strict", "frozen", "stacklevel"}
ALL_UP_TO = 400  # above this, a seeded sample of this size
SEED = 52


@dataclass(frozen=True)
class Place:
    """Where an operator applies: the ``occurrence``-th such place of the module."""

    number: int
    operator: str
    occurrence: int


@dataclass(frozen=True)
class Mutant:
    """The reference with one change: ``before`` and ``after`` are the first line that differs."""

    number: int
    operator: str
    line: int
    before: str
    after: str
    source: str


@dataclass(frozen=True)
class Result:
    """How one mutant ended, and what caught it: a check's name, ``"crash"`` or ``"time limit"``."""

    mutant: Mutant
    outcome: Outcome
    by: str


def places_of(source: str) -> list[Place]:
    """Every change of a module that could be told from it, in the order of the operators and the text.

    A few of them turn out to be no mutant once they are made: see `mutate`.
    """
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast(source)))
    silent = _silent_spans(source)
    found: list[Place] = []
    for name in operator_names():
        operator_class = get_operator(name)
        if operator_class.arguments():  # the two that need a variable's name from the user
            continue
        operator = operator_class()
        positions = [(node, start) for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, (node, start) in enumerate(positions):
            if not _is_marker(node) and not any(first <= start < last for first, last in silent):
                found.append(Place(len(found), name, occurrence))
    return found


def mutate(source: str, place: Place) -> Mutant | None:
    """Make one change; None where the result does not parse or parses to the reference's own syntax tree."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    changed = mutate_code(source, get_operator(place.operator)(), place.occurrence)
    if changed is None or _is_same(changed, source):
        return None
    line, before, after = _first_difference(source, changed)
    return Mutant(place.number, place.operator.rpartition("/")[2], line, before, after, changed)


def sample(source: str, places: Sequence[Place], limit: int) -> list[Mutant]:
    """The mutants of all places, or of a seeded sample of them that gives ``limit``, in the order of the places.

    The sample takes from each family of operators in turn. Binary operators alone make most mutants
    (each of them has eleven others) and the easiest to catch; drawn plainly, they would flatter the share.
    A change is made when it is drawn and not before: each parses the whole module anew.
    """
    draw = random.Random(SEED)  # noqa: S311 - no secret
    families: dict[str, list[Place]] = {}
    for place in places:
        families.setdefault(_family(place), []).append(place)
    shuffled = [draw.sample(family, len(family)) for family in families.values()]
    in_turn = (place for row in itertools.zip_longest(*shuffled) for place in row if place is not None)
    mutants = (mutant for place in in_turn if (mutant := mutate(source, place)) is not None)
    return sorted(itertools.islice(mutants, limit), key=lambda mutant: mutant.number)


def _is_marker(node: Any) -> bool:
    """Whether a token is the bare ``*`` or ``/`` of a signature, which cosmic-ray takes for a product or quotient."""
    return node.type == "operator" and node.parent is not None and node.parent.type in ("parameters", "lambdef")


def _is_same(changed: str, source: str) -> bool:
    try:
        return ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source))
    except (SyntaxError, ValueError):
        return True


def _first_difference(before: str, after: str) -> tuple[int, str, str]:
    old, new = before.splitlines(), after.splitlines()
    pairs = enumerate(zip(old, new, strict=False), 1)
    line = next((i for i, (a, b) in pairs if a != b), min(len(old), len(new)) + 1)
    return line, "".join(old[line - 1 : line]).strip(), "".join(new[line - 1 : line]).strip()


def _silent_spans(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where a change has no effect at run time, as (line, column) pairs; columns count characters."""
    tree = ast.parse(source)
    lines = source.splitlines()
    postponed = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and "annotations" in {a.name for a in node.names}
        for node in tree.body
    )
    nodes: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in GUARDS and isinstance(node.value, ast.Constant):
            nodes.append(node.value)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            nodes.append(node.test)
        if postponed and isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            nodes.append(node.annotation)
        if postponed and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            nodes.append(node.returns)

    def place(line: int, offset: int) -> tuple[int, int]:
        return line, len(lines[line - 1].encode()[:offset].decode())

    return [
        (place(node.lineno, node.col_offset), place(node.end_lineno or 0, node.end_col_offset or 0)) for node in nodes
    ]


def as_module(source: str, reference: str, number: int) -> types.ModuleType:
    """Execute a mutant's source as a module of its own.

    It belongs to the reference's package, so its relative imports work, and it is listed in
    ``sys.modules`` and ``linecache``, where pickle, ``inspect`` and scikit-learn look.
    """
    name = f"{reference}_mutant_{number}"
    file = f"<mutant {number} of {reference}>"
    module = types.ModuleType(name)
    module.__file__ = file
    module.__package__ = reference.rpartition(".")[0]
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, origin=file)
    sys.modules[name] = module
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102 - the project's own source, one token changed
    return module


def first_failure(week: LandedWeek, solution: Mapping[str, Any]) -> str:
    """Name of the first exercise check that fails, or ``build (...)`` when that raises; empty when all is well."""
    from fiftytwo import judge
    from fiftytwo.lab import Lab
    from fiftytwo.solution import Solution

    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        lab = Lab(week.week, Path(folder), Solution(week.week, replaced=solution), profile="quick")
        raised: list[Exception] = []

        @functools.cache
        def build() -> Any:
            try:
                return week.build(lab)
            except Exception as error:
                raised.append(error)
                raise

        failed = (
            judged.verdict.name
            for judged in judge.assess(week, lab, judge.BuiltOnDemand(build), exercise_only=True)
            if judged.verdict.outcome in ("wrong", "crashed", "not attempted")
        )
        name = next(failed, "")
        if not name and not raised:
            with suppress(Exception):
                build()
    return f"build ({type(raised[0]).__name__})" if raised else name


def run(week: LandedWeek, mutants: Sequence[Mutant], *, jobs: int, seconds: float) -> Iterator[Result]:
    """Judge each mutant in a forked child, ``jobs`` at once; a child that dies or hangs has caught its mutant."""
    exercise = week.week.exercise
    assert exercise is not None

    def judge_in_child(mutant: Mutant) -> str:
        module = as_module(mutant.source, exercise.module, mutant.number)
        return first_failure(week, {name: getattr(module, name) for name in exercise.names})

    waiting = list(reversed(mutants))
    running: dict[int, tuple[int, Mutant, float]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            pid, pipe = _fork(functools.partial(judge_in_child, mutant))
            running[pipe] = (pid, mutant, time.monotonic() + seconds)
        ready, _, _ = select.select(list(running), [], [], 0.05)
        for pipe, (pid, mutant, deadline) in list(running.items()):
            late = time.monotonic() > deadline
            if pipe not in ready and not late:
                continue
            text = "" if late else os.read(pipe, 4096).decode()
            _end(pid, pipe)
            del running[pipe]
            if text == "survived":
                yield Result(mutant, "survived", "")
            else:
                yield Result(mutant, "caught", "time limit" if late else text or "crash")


def _fork(work: Callable[[], str]) -> tuple[int, int]:
    """Start ``work()`` in a silent child of its own session; what it returns comes through the pipe."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:  # the child never comes back from here
        os.setsid()
        with open(os.devnull, "r+b") as nowhere:  # noqa: PTH123 - three raw descriptors
            for descriptor in (0, 1, 2):
                os.dup2(nowhere.fileno(), descriptor)
        try:
            text = work() or "survived"
        except BaseException as error:  # SystemExit and KeyboardInterrupt of a mutant are caught mutants too
            text = f"crash ({type(error).__name__})"
        os.write(writing, text.encode()[:4096])
    finally:
        os._exit(0)


def _end(pid: int, pipe: int) -> None:
    """End a child and whatever it started in its session."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # gone already, or not yet in a session of its own
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(pipe)


def _end_workers() -> None:
    """End joblib's worker processes; a forked child has no thread to hand them work, and would wait forever."""
    if "joblib" in sys.modules:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True, kill_workers=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """No figures on a screen, one BLAS thread for each of the children."""
    from threadpoolctl import threadpool_limits

    os.environ["MPLBACKEND"] = "Agg"
    with threadpool_limits(limits=1):
        yield


def summary(results: Sequence[Result], possible: int, file: str, *, show: bool) -> Iterator[str]:
    """Tell a person how it went, line by line."""
    total = Counter(_family(r.mutant) for r in results)
    caught = Counter(_family(r.mutant) for r in results if r.outcome == "caught")
    yield f"{'operator':<28} mutants  caught  share"
    for family in sorted(total):
        yield f"{family:<28} {total[family]:7d} {caught[family]:7d}  {caught[family] / total[family]:5.0%}"
    yield ""
    for result in results:
        mutant = result.mutant
        if result.outcome == "survived" or show:
            by = f" by {result.by}" if result.by else ""
            yield f"{result.outcome}{by}: {file}:{mutant.line} ({mutant.operator}, number {mutant.number})"
            yield f"    - {mutant.before}"
            yield f"    + {mutant.after}"
    drawn = "" if len(results) == possible else f" (a sample of {possible}, seed {SEED})"
    hits = caught.total()
    yield f"{hits} of {len(results)} mutants caught{drawn}: {hits / len(results):.1%}"


def _family(changed: Mutant | Place) -> str:
    """``core/ReplaceBinaryOperator_Add_Sub`` -> ``ReplaceBinaryOperator``."""
    return changed.operator.rpartition("/")[2].partition("_")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Mutate an exercise's reference and count what its checks catch.")
    parser.add_argument("week", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="children at once")
    parser.add_argument("--limit", type=int, default=ALL_UP_TO, help=f"most mutants to run (default {ALL_UP_TO})")
    parser.add_argument("--only", type=_numbers, default=(), help="judge these mutants alone: 17,203; writes no report")
    parser.add_argument("--show", action="store_true", help="list the caught mutants too")
    parser.add_argument("--output", type=Path, default=Path("build"), help="folder of the JSON report")
    options = parser.parse_args(arguments)

    from fiftytwo import plan

    try:
        week = plan.load(options.week)
    except LookupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with _quiet():
        return _measure(week, options)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _measure(week: LandedWeek, options: argparse.Namespace) -> int:
    exercise = week.week.exercise
    assert exercise is not None
    reference = importlib.import_module(exercise.module)
    file = Path(reference.__file__ or "")
    source = file.read_text("utf-8")
    places = places_of(source)
    if len(places) < LEAST:
        print(f"error: {file} gives {len(places)} mutants; at least {LEAST} are needed", file=sys.stderr)
        return 2
    chosen = sample(source, [places[n] for n in options.only if n < len(places)] or places, options.limit)
    unknown = set(options.only) - {mutant.number for mutant in chosen}
    if unknown:
        print(f"error: no mutant {min(unknown)} among the {len(places)} places of {file}", file=sys.stderr)
        return 2
    possible = len(places) if len(chosen) == options.limit else len(chosen)

    started = time.monotonic()  # the reference runs here, so that every child starts with its libraries loaded
    failed = first_failure(week, {name: getattr(reference, name) for name in exercise.names})
    if failed:
        print(f"error: the reference itself does not pass the check {failed!r}", file=sys.stderr)
        return 2
    seconds = max(10.0, 5.0 * (time.monotonic() - started))

    _end_workers()
    results = []
    for result in run(week, chosen, jobs=options.jobs, seconds=seconds):
        results.append(result)
        if sys.stderr.isatty():
            print(f"\r{len(results)} of {len(chosen)}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    results.sort(key=lambda result: result.mutant.number)
    shown = str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else exercise.module
    print("\n".join(summary(results, possible, shown, show=options.show)))
    share = sum(r.outcome == "caught" for r in results) / len(results)
    if options.only:
        return 0
    _write(options.output / f"mutants-w{week.week.number:02d}.json", week, results, possible, share)
    if share < GOAL:
        print(f"below the goal of {GOAL:.0%}: give the week a check that tells the survivors from the reference")
    return int(share < GOAL)


def _write(file: Path, week: LandedWeek, results: Sequence[Result], possible: int, share: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(r.mutant), "outcome": r.outcome, "by": r.by} for r in results]
    for row in rows:
        del row["source"]
    report = {
        "week": week.week.number,
        "possible": possible,
        "run": len(results),
        "share": share,
        "seed": SEED,
        "mutants": rows,
    }
    part = file.with_name(file.name + ".part")
    part.write_text(json.dumps(report, indent=1), "utf-8")
    part.replace(file)


if __name__ == "__main__":
    sys.exit(main())
