"""Every command that README and documentation show: replayed where the page says so, else looked up.

A block of ``console`` is a session: each line after a prompt is run, in a folder that all blocks of a page share, and
its answer is compared with the lines below it. ``...`` stands for whatever is left out, at the end of a line or as a
line; blanks, breaks of lines and seconds do not count. A comment before a block prepares what the reader is told to
have done: ``<!-- replay: ... -->``. All other commands, in blocks of ``sh`` and in running text, are not run: they and
their options must exist.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from fiftytwo import plan
from fiftytwo.cli import cli as fiftytwo
from mltoolkit.quality.cli import cli as datasanity

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
ROOTS: dict[str, click.Command] = {"fiftytwo": fiftytwo, "datasanity": datasanity}
BLOCK = re.compile(r"^(?:<!-- replay: (?P<told>[^\n]*) -->\n)?```(?P<kind>\w*)[^\n]*\n(?P<text>.*?)^```$", re.M | re.S)
CODE = re.compile(r"`([^`\n]+)`")
SECONDS = re.compile(r"\d+(?:\.\d+)? s\b")


@dataclass(frozen=True)
class Block:
    told: str
    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text("utf-8"))
    return [Block(match["told"] or "", match["kind"], match["text"]) for match in found]


def sessions(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with the answer that is shown below it."""
    for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
        command, _, answer = part.partition("\n")
        yield command.strip(), answer.strip()


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


# Replayed


def prepare(told: str, block: Block, folder: Path) -> None:
    """What the page says that the reader did."""
    if match := re.fullmatch(r"a file (\S+)", told):
        (folder / match[1]).write_text(block.text, "utf-8")
        return
    match = re.fullmatch(r'week (\d+), (the reference|the mistake "(.+)")', told)
    assert match, f"what is to be prepared? {told}"
    number = int(match[1])
    loaded = plan.load(number)
    assert loaded.week.exercise is not None
    if not (folder / f"my52/week{number:02d}").exists():
        run(f"fiftytwo start {number}", folder)
    reference = (ROOT / "src" / (loaded.week.exercise.module.replace(".", "/") + ".py")).read_text("utf-8")
    file = folder / f"my52/week{number:02d}" / loaded.week.exercise.file
    if match[3]:
        mistake = next(m for m in loaded.mistakes if m.name == match[3])
        (name,) = mistake.solution
        variant = mistake.solution[name]
        wrong = f"{inspect.getsource(variant)}\n\n{variant.__name__}.__name__ = {name!r}\n{name} = {variant.__name__}\n"
        file.write_text(f"{reference}\n\n{wrong}", "utf-8")
    else:
        file.write_text(reference, "utf-8")


def run(command: str, folder: Path) -> str:
    """What a command answers; the shell is the reader's, the commands are this environment's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {name: value for name, value in os.environ.items() if name != "FIFTYTWO_HOME"}
    environment |= {"PATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode in (0, 1), f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def assert_shown(command: str, shown: str, answer: str) -> None:
    """The answer is what the page shows, where ``...`` is anything."""
    parts = [" ".join(part.split()) for part in re.split(r"(?<!\.)\.\.\.(?=\n|$)", SECONDS.sub("N s", shown))]
    pattern = ".*".join(map(re.escape, parts))
    text = " ".join(SECONDS.sub("N s", answer).split())
    if not re.fullmatch(pattern, text, re.S):
        pytest.fail(f"$ {command}\nthe page shows:\n{shown}\n\nthe command answers:\n{answer}")


REPLAYED = [page for page in PAGES if any(block.kind == "console" for block in blocks(page))]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference's run of week 1, which the first check of every page would do anew."""
    folder = tmp_path_factory.mktemp("reference")
    run("fiftytwo run 1", folder)
    return folder / "my52" / "evidence"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """Checks that were replayed: what they answered, and a copy of the home as they left it."""
    return Checked(tmp_path_factory.mktemp("checked"), {})


@dataclass(frozen=True)
class Checked:
    """A check takes seconds and its answer depends on the learner's files alone: pages that show the same share it."""

    folder: Path
    answers: dict[tuple[str, bytes], tuple[str, Path]]

    def answer(self, command: str, folder: Path) -> str:
        if not command.startswith("fiftytwo check "):
            return run(command, folder)
        home = folder / "my52"
        key = command, b"".join(file.read_bytes() for file in sorted(home.glob("week*/*.py")))
        if key in self.answers:
            text, left = self.answers[key]
            shutil.rmtree(home)
            shutil.copytree(left, home)
            return text
        text = run(command, folder)
        self.answers[key] = text, self.folder / str(len(self.answers))
        shutil.copytree(home, self.answers[key][1])
        return text


@pytest.mark.slow
@pytest.mark.parametrize("name", names(REPLAYED))
def test_sessions_are_what_the_commands_answer(name: str, tmp_path: Path, evidence: Path, checked: Checked) -> None:
    shutil.copytree(evidence, tmp_path / "my52" / "evidence")
    for block in blocks(ROOT / name):
        if block.told:
            prepare(block.told, block, tmp_path)
        if block.kind == "console":
            for command, shown in sessions(block):
                assert_shown(command, shown, checked.answer(command, tmp_path))


def test_the_comparison_can_fail() -> None:
    assert_shown("c", "one\n...\nfour in 4.3 s", "one\ntwo\nthree\nfour in 12 s\n")
    assert_shown("c", "one two...", "one\n  two three")
    with pytest.raises(pytest.fail.Exception, match="the page shows"):
        assert_shown("c", "one\n...\nfive", "one\ntwo\nfour")
    with pytest.raises(pytest.fail.Exception):
        assert_shown("c", "", "something")


# Looked up


def commands(page: Path) -> Iterator[str]:
    """Commands that are not run: of ``sh`` blocks and of running text."""
    text = page.read_text("utf-8")
    for block in blocks(page):
        if block.kind in ("", "sh"):
            yield from block.text.replace("\\\n", " ").splitlines()
    yield from CODE.findall(BLOCK.sub("", text))


def fault(command: str) -> str:
    """What is wrong with a command line of ours; empty for a good one, and for what is no command of ours."""
    command = re.split(r" {2,}|\s#", command.strip())[0]  # a remark after the command
    for part in command.split(" | "):
        named = part.split()[:1]
        words = shlex.split(part) if named and named[0] in (*ROOTS, "make") else []
        if words and words[0] in ROOTS and (found := _fault(words)):
            return f"{part}: {found}"
        if words and words[0] == "make":
            targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.M)
            asked = [word for word in words[1:] if "=" not in word and not word.startswith((".", "-"))]
            if unknown := sorted(set(asked) - set(targets)):
                return f"{part}: no target {unknown[0]}"
    return ""


def _fault(words: list[str]) -> str:
    command = ROOTS[words[0]]
    context = click.Context(command, info_name=words[0])
    rest = words[1:]
    while rest and isinstance(command, click.Group) and not rest[0].startswith("-"):
        name = re.split(r"[,|/]", rest.pop(0))[0]
        inner = command.get_command(context, name)
        if inner is None:
            return f"no command {name}"
        command = inner
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    asked = [word.partition("=")[0] for word in rest if word.startswith("-") and word != "-"]
    return next((f"no option {option}" for option in asked if option not in known | {"--help", "-h"}), "")


@pytest.mark.parametrize("name", names(PAGES))
def test_commands_that_are_not_run_exist(name: str) -> None:
    faults = [found for command in commands(ROOT / name) if (found := fault(command))]
    assert faults == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("fiftytwo chekc 1", "no command chekc"),
        ("fiftytwo check 1 --wach", "no option --wach"),
        ("zcat a.csv.gz | datasanity profile - --tagret x", "no option --tagret"),
        ("make documentation", "no target documentation"),
        ("fiftytwo check 1 --watch    on every save", ""),
        ("fiftytwo data fetch titanic", ""),
        ("make mutants WEEK=2", ""),
    ],
)
def test_a_wrong_command_is_found(command: str, said: str) -> None:
    assert fault(command).partition(": ")[2] == said
