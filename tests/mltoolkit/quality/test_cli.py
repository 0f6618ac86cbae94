from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.datasets import load_digits

from mltoolkit.quality import cli

Write = Callable[..., Path]
Command = Callable[..., Any]


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def clean(tmp_path: Path, customers: pd.DataFrame) -> Path:
    path = tmp_path / "customers.csv"
    customers.to_csv(path, index=False)
    return path


def test_a_clean_file_ends_with_0(datasanity: Command, clean: Path) -> None:
    ended = datasanity("check", clean, "--target", "left")
    assert ended.status == 0
    assert ended.err == ""
    lines = ended.out.splitlines()
    assert lines[0] == str(clean)
    assert lines[1] == "200 rows · 7 columns · comma-separated, utf-8, with header"
    assert lines[-1] == "Clean: nothing was found"


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,x\n2,y\n1,x\n",  # a row twice
        "a,b\n1,\n2,\n3,\n",  # an empty column
        "a,b\n1,x\n2,y\nthree,z\n",  # mixed types
        "a,a\n1,2\n3,4\n",
        "a,b\n1,2\n3\n",
        "a,b\n",
        "a,b\n1\0,2\n3,4\n",
    ],
)
def test_a_file_with_a_fault_ends_with_1(datasanity: Command, write: Write, text: str) -> None:
    ended = datasanity("check", write(text))
    assert ended.status == 1
    assert ended.out.splitlines()[-1].startswith("Not clean: ")


def test_findings_name_rule_column_and_lines(datasanity: Command, write: Write) -> None:
    out = datasanity("check", write("age,city\n31,Oslo\nXL,Oslo\n31,Oslo\n50,Rome\n")).out
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert "severity rule column what was found first lines" in rows
    assert "error mixed types age 1 value among numbers of another kind, such as 'XL' 3" in rows
    assert "warning duplicates – 1 row repeats an earlier row (25%) 4" in rows
    assert rows[-1] == "Not clean: 1 error, 1 warning"


def test_rows_of_a_parquet_file_are_counted_from_1(datasanity: Command, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1, 2, 1], "b": ["x", "y", "x"]}).to_parquet(path)
    rows = [" ".join(line.split()) for line in datasanity("check", path).out.splitlines()]
    assert "severity rule column what was found first rows" in rows
    assert "warning duplicates – 1 row repeats an earlier row (33%) 3" in rows


def test_the_limit_of_failing_can_be_moved(datasanity: Command, write: Write) -> None:
    path = write("a,b\n1,x\n2,y\n1,x\n")
    assert datasanity("check", path, "--fail-on", "error").status == 0
    constant = write("a,b\n1,x\n2,x\n3,x\n", "constant.csv")
    assert datasanity("check", constant).status == 0
    assert datasanity("check", constant, "--fail-on", "info").status == 1


def test_check_as_json(datasanity: Command, write: Write) -> None:
    path = write("a,b\n1,x\n2,y\n1,x\n")
    ended = datasanity("check", path, "--json")
    assert ended.status == 1
    assert strict(ended.out) == {
        "file": str(path),
        "form": "comma-separated, utf-8, with header",
        "rows": 3,
        "columns": 2,
        "clean": False,
        "findings": [
            {
                "rule": "duplicates",
                "column": None,
                "severity": "warning",
                "count": 1,
                "share": 0.333333,
                "message": "1 row repeats an earlier row (33%)",
                "rows": [4],
            }
        ],
    }


def test_profile_as_json(datasanity: Command, write: Write) -> None:
    path = write("v,when\n1,2024-01-01\n1e999,2024-01-02\n1.7e308,\n-1.7e308,\n")
    data = strict(datasanity("profile", path, "--json", "--target", "v").out)
    assert (data["rows"], data["bytes"], data["duplicates"]) == (4, path.stat().st_size, 0)
    assert data["columns"][0]["maximum"] == 1.7e308
    assert data["columns"][0]["std"] is None
    assert data["columns"][1]["minimum"] == "2024-01-01"
    assert data["target"]["name"] == "v"


def test_a_page_about_a_table(datasanity: Command, clean: Path, customers: pd.DataFrame) -> None:
    ended = datasanity("profile", clean, "--target", "left")
    rows = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert (ended.status, ended.err) == (0, "")
    assert rows[1].startswith("200 rows · 7 columns · comma-separated, utf-8, with header · ")
    assert rows[1].endswith(" KiB · no row repeated")
    assert "numbers type spread distinct min 5% 25% median 75% max mean sd" in rows
    age = customers["age"]
    low, first, middle, third = (f"{age.quantile(q):.4g}" for q in (0.05, 0.25, 0.5, 0.75))
    figures = f"{age.nunique()} {age.min()} {low} {first} {middle} {third} {age.max()} {age.mean():.4g} {age.std():.4g}"
    assert any(row.startswith("age whole ") and row.endswith(figures) for row in rows), rows
    joined = customers["joined"]
    dates = f" – {joined.nunique()} {joined.min():%Y-%m-%d} {joined.max():%Y-%m-%d} "
    assert any(row.startswith("joined ") and dates in row and row.endswith(" years") for row in rows), rows
    plans = ", ".join(f"{plan} {count / 2:.0f}%" for plan, count in customers["plan"].value_counts().items())
    assert any(row.startswith("plan ") and row.endswith(f" – 3 {plans}") for row in rows), rows
    assert rows[-1] == "no class is rare, and no column gives the target away"
    assert rows[-2].startswith("target left: classes ")
    assert max(map(len, ended.out.splitlines())) <= 100


def test_figures_are_written_for_people(datasanity: Command, write: Write) -> None:
    path = write("v\n" + "1234567\n0.000012\n2500000.75\n1e20\n3\n" * 400)
    rows = [" ".join(line.split()) for line in datasanity("profile", path).out.splitlines()]
    assert rows[1] == "2,000 rows · 1 column · one column, utf-8, with header · 13.7 KiB"
    assert rows[3] == "repeated rows 1,995 rows repeat an earlier one (99%)"
    figures = next(row.split() for row in rows if row.startswith("v decimal"))
    assert figures[-7:] == ["1.2e-05", "3", "1,234,567", "2,500,001", "1e+20", "2e+19", "4e+19"], figures
    small = datasanity("profile", write("v\n1\n")).out.splitlines()[1]
    assert small.startswith("1 row · 1 column · one column, utf-8, with header · 4 bytes")


def test_what_a_target_is_found_to_have(datasanity: Command, write: Write) -> None:
    rows = "\n".join(f"{i % 2},{'no' if i % 2 else 'yes'},{i * 7 % 40}" for i in range(40))
    out = datasanity("profile", write(f"y,copy,other\n{rows}\n"), "--target", "y").out
    assert "warning leakage suspects: copy: its value alone settles the target of 100% of the rows" in out


def test_many_findings_of_one_kind_share_a_line(datasanity: Command, tmp_path: Path) -> None:
    path = tmp_path / "digits.csv"
    load_digits(as_frame=True).frame.to_csv(path, index=False)
    ended = datasanity("check", path)
    assert ended.status == 0
    assert "info constants 9 columns pixel_0_0, pixel_1_0, " in " ".join(ended.out.split())
    assert len(ended.out.splitlines()) < 20
    assert len(strict(datasanity("check", path, "--json").out)["findings"]) > 20


def test_very_many_columns(datasanity: Command, write: Write) -> None:
    names = ",".join(f"c{i}" for i in range(300))
    path = write(f"{names}\n" + "\n".join(",".join(str(i * j % 97) for i in range(300)) for j in range(1, 5)))
    out = datasanity("profile", path).out
    assert "… and 240 columns more: --all shows them and every figure, as do --html and --json" in out
    assert len(out.splitlines()) < 80


def test_nothing_that_a_terminal_obeys_is_printed(datasanity: Command, write: Write) -> None:
    path = write("name\x1b[31m,b\n" + "Anton,1\nBo,2\n" * 20 + "An\x1b[2Ja ,1\n")
    for command in ("profile", "check"):
        out = datasanity(command, path).out
        assert "\x1b" not in out
        assert "name" in out


def test_markup_in_a_file_is_shown_as_it_is(datasanity: Command, write: Write) -> None:
    path = write("[bold]b[/bold],[/]\n[red]x,1\n[red]x,2\n[/],3\n")
    out = datasanity("profile", path).out
    assert "[bold]b[/bold]" in out
    assert "[red]x 67%" in out


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda folder: folder, "is a folder; expected a file"),
        (lambda folder: folder / "none.csv", "there is no such file"),
        (lambda folder: folder / "empty.csv", "the file is empty (0 bytes); expected a table"),
        (lambda folder: folder / "fake.parquet", "is named or marked as Parquet but cannot be read as such"),
    ],
)
@pytest.mark.parametrize("command", ["profile", "check"])
def test_what_cannot_be_read_ends_with_2_and_one_line(
    datasanity: Command, tmp_path: Path, command: str, make: Callable[[Path], Path], complaint: str
) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "fake.parquet").write_bytes(b"a,b\n1,2\n")
    ended = datasanity(command, make(tmp_path))
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert complaint in ended.err
    assert ended.err.count("\n") == 1


def test_an_unknown_target_ends_with_2(datasanity: Command, clean: Path) -> None:
    for command in ("profile", "check"):
        ended = datasanity(command, clean, "--target", "churn")
        assert (ended.status, ended.out) == (2, "")
        assert "there is no column 'churn'; columns: name, age, spent, joined" in ended.err


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (["chekc", "x.csv"], "there is no command 'chekc'. Did you mean 'check'?"),
        (["zzz"], "there is no command 'zzz'. There are: profile, report, diff, check, suggest."),
        (["check"], "Missing argument 'FILE'"),
        (["check", "x.csv", "--fail-on", "never"], "Invalid value for '--fail-on'"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(datasanity: Command, typed: list[str], answer: str) -> None:
    ended = datasanity(*typed)
    assert ended.status == 2
    assert answer in ended.err


def test_help_and_version(datasanity: Command) -> None:
    assert datasanity("--version").out.startswith("datasanity ")
    ended = datasanity("--help")
    assert ended.status == 0
    assert "datasanity check customers.csv --target churned" in ended.out
    for command in ("profile", "check"):
        assert f"datasanity {command} customers.csv" in datasanity(command, "--help").out


def test_an_unforeseen_error_is_one_line(datasanity: Command, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, status, said in (
        (RuntimeError("odd\nthing"), 2, "error: RuntimeError: odd thing"),
        (MemoryError(), 2, "error: the file does not fit into memory"),
        (KeyboardInterrupt(), 130, "stopped"),
    ):

        def fail(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr("mltoolkit.quality.checks.check", fail)
        ended = datasanity("check", clean)
        assert (ended.status, ended.err.strip()) == (status, said)


def shell(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mltoolkit.quality.cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_a_reader_that_goes_away_is_no_error(write: Write) -> None:
    names = ",".join(f"column_number_{i}" for i in range(600))
    path = write(f"{names}\n" + "\n".join(",".join(["1", "x"] * 300) for _ in range(3)))
    process = shell("profile", path, "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(1) == b"{"
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) in (0, 141)
    assert complaints == b""


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_every_width_of_a_terminal(
    datasanity: Command, clean: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """On a terminal nothing is wider than it, and no figure is broken."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb" if os.name == "nt" else "xterm")
    customers = pd.read_csv(clean)
    pd.concat([customers.assign(age="x"), customers]).to_csv(clean, index=False)
    for command in ("profile", "check"):
        out = datasanity(command, clean).out
        plain = "".join(part.partition("m")[2] if i else part for i, part in enumerate(out.split("\x1b[")))
        assert max(map(len, plain.splitlines())) <= max(width, len(str(clean)))
    assert "mixed types" in plain


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from mltoolkit.quality import cli; sys.argv = ['datasanity', '--help']\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'rich', 'duckdb', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_module_runs_as_a_script(clean: Path) -> None:
    process = shell("check", clean)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.decode().splitlines()[-1] == "Clean: nothing was found"


def test_the_console_script_is_the_same() -> None:
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="datasanity")
    assert script.load() is cli.main
