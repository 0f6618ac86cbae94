"""What the tests of data quality share: files written in a line, and the command run in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mltoolkit.quality import cli


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file and give its path."""

    def written(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.fixture
def datasanity(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command as the console script does, and say how it ended."""

    def ran(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.argv", ["datasanity", *map(str, arguments)])
        try:
            cli.main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return ran


@pytest.fixture
def customers() -> pd.DataFrame:
    """A clean table of 200 customers with a target of two equal classes; nothing is to be found in it."""
    rng = np.random.default_rng(7)
    n = 200
    first = ["Ana", "Bo", "Chi", "Dag", "Eva", "Finn", "Gül", "Hugo"]
    last = ["Berg", "Costa", "Novák", "O'Neil", "Rossi", "Sørensen"]
    joined = np.datetime64("2019-03-01") + rng.integers(0, 1500, n).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "name": [f"{rng.choice(first)} {rng.choice(last)}" for _ in range(n)],
            "age": np.clip(rng.normal(44, 11, n).round(), 18, 90).astype(int),
            "spent": rng.normal(120, 25, n).round(2),
            "joined": joined.astype("datetime64[us]"),
            "newsletter": rng.random(n) < 0.4,
            "plan": pd.Categorical(rng.choice(["basic", "plus", "pro"], n)),
            "left": rng.permutation(np.repeat([0, 1], n // 2)),
        }
    )
