"""Which layer of the settings wins, and whether every planted mistake is told at its line."""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pydantic import BaseModel, Field, SecretStr

from fiftytwo.evidence import Check
from mltoolkit.config import load_config
from mltoolkit.errors import BadInput

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_SECRET = "correct horse battery"  # noqa: S105 - planted, to see that no report repeats it


class Optimizer(Enum):
    """How the weights are moved."""

    SGD = "sgd"
    ADAM = "adam"


class Train(BaseModel):
    """A nested table of settings."""

    epochs: int = Field(default=1, gt=0)
    optimizer: Optimizer = Optimizer.SGD
    rates: list[float] = [0.1]


class Service(BaseModel):
    """A table with a secret."""

    url: str
    token: SecretStr


class Example(BaseModel):
    """Settings as an experiment has them."""

    seed: int
    train: Train = Train()
    service: Service | None = None


_TOML = f"""\
sede = 7
seed = "seven"
[train]
epochs = 0
optimizer = "adm"
rates = [0.1, "fast"]
[service]
toekn = "{_SECRET}"
token = 5
"""
_YAML = f"""\
sede: 7
seed: seven
train:
  epochs: 0
  optimizer: adm
  rates: [0.1, fast]
service:
  toekn: {_SECRET}
  token: [5]
"""
_PLANTED = (  # line, key, and what its report has to say beside them
    (1, "sede", "did you mean seed?"),
    (2, "seed", "valid integer, got 'seven'"),
    (4, "train.epochs", "greater than 0"),
    (5, "train.optimizer", "did you mean 'adam'?"),
    (6, "train.rates.1", "valid number, got 'fast'"),
    (7, "service.url", "missing"),
    (8, "service.toekn", "did you mean service.token?"),
    (9, "service.token", "valid string"),
)


def precedence(lab: Lab) -> Iterator[Check]:
    """Every combination of layers, and two files full of mistakes."""

    def strongest_wins() -> float:
        with tempfile.TemporaryDirectory(dir=lab.folder) as folder:
            rows = [_layered(Path(folder), present) for present in itertools.product((False, True), repeat=3)]
        table = pd.DataFrame(rows, columns=["file", "environment", "override", "value", "expected"], dtype=object)
        lab.table(
            table,
            "Precedence",
            "One key, set by every combination of layers; the model's own default is 1. "
            "An empty cell is a layer that does not set it.",
        )
        return float((table["value"] == table["expected"]).sum())

    yield Check(
        "the strongest layer wins",
        strongest_wins,
        equals=8,
        exercise=False,
        why="Override before environment before file before default: a rule that can be said in one line.",
    )

    reports: dict[str, str] = {}

    def told() -> float:
        with tempfile.TemporaryDirectory(dir=lab.folder) as folder:
            reports.update(
                {name: _report(Path(folder) / name, text) for name, text in (("run.toml", _TOML), ("run.yaml", _YAML))}
            )
        rows = []
        for line, key, says in _PLANTED:
            pattern = rf", line {line}: {re.escape(key)} .*{re.escape(says)}"
            rows.append((line, key, *(bool(re.search(pattern, report)) for report in reports.values())))
        table = pd.DataFrame(rows, columns=["line", "key", "told in TOML", "told in YAML"])
        lab.table(
            table, "Planted mistakes", "Mistakes in one file, each of which has to be told with its line and key."
        )
        return float(table["told in TOML"].sum() + table["told in YAML"].sum())

    yield Check(
        "planted mistakes told at their line",
        told,
        equals=2 * len(_PLANTED),
        exercise=False,
        why="All mistakes at once, each with its line and the key that was meant, is one edit instead of eight.",
    )
    yield Check(
        "reports that repeat a secret",
        lambda: float(sum(_SECRET in text for text in reports.values())),
        equals=0,
        exercise=False,
        why="An error message ends up in logs that many people can read.",
    )


def _layered(folder: Path, present: tuple[bool, ...]) -> tuple[int | None, ...]:
    """What each layer says (None where it is silent), what came out, and what should have."""
    file, environment, override = (value if there else None for value, there in zip((2, 3, 4), present, strict=True))
    path = folder / "run.toml"
    path.write_text("seed = 0\n" + (f"[train]\nepochs = {file}\n" if file else ""), "utf-8")
    loaded: Example = load_config(
        Example,
        path,
        env_prefix="RUN_",
        environ={"RUN_TRAIN__EPOCHS": str(environment)} if environment else {},
        overrides=[f"train.epochs={override}"] if override else [],
    )
    expected = next(value for value in (override, environment, file, 1) if value is not None)
    return file, environment, override, loaded.train.epochs, expected


def _report(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    try:
        load_config(Example, path)
    except BadInput as error:
        return str(error)
    return ""
