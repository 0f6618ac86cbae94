"""Tables with one leak each, planted, and clean ones that must raise no alarm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiftytwo.weeks.w08_trees.tables import APPLICANTS, HOUSES, applicants, houses

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_ROWS = 900
_EMBEDDED = ("wine", "iris", "breast-cancer", "diabetes")
_REAL = {
    "california-housing": "median_house_value",
    "credit-default": "default.payment.next.month",
    "wholesale-customers": "Channel",
    "titanic": "Survived",
    "melbourne-housing": "Price",
}


@dataclass(frozen=True, eq=False)
class Suspect:
    """A table in two parts, and what is known of it.

    ``kind`` and ``column`` are the leak that was planted; empty in a clean table.
    """

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    target: str = "default"
    options: dict[str, str] = field(default_factory=dict)
    kind: str = ""
    column: str = ""


def _loans(rng: np.random.Generator, n: int = _ROWS) -> pd.DataFrame:
    X, defaults = applicants(rng, n)
    return pd.DataFrame(X, columns=list(APPLICANTS)).assign(default=defaults.astype(int))


def _halves(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    cut = 7 * len(table) // 10
    return table[:cut], table[cut:]


def planted(rng: np.random.Generator) -> dict[str, Suspect]:
    """Five tables, one for each kind of leak."""
    copy, future, identity, twice, groups = (_loans(rng) for _ in range(5))
    wrong = rng.random(_ROWS) < 0.005
    copy["risk class"] = np.exp(2.0 * np.where(wrong, 1 - copy["default"], copy["default"])) + rng.random(_ROWS)
    called = (future["default"] == 1) & (rng.random(_ROWS) < 0.7)
    future["recovered"] = np.where(called, np.round(rng.uniform(10.0, 900.0, _ROWS), 2), np.nan)
    identity = identity.sort_values("default", kind="stable").assign(number=np.arange(_ROWS) + 50_001)
    identity = identity.sample(frac=1.0, random_state=1)
    train, test = _halves(twice)
    groups["branch"] = rng.integers(0, 60, _ROWS)
    return {
        "target copy": Suspect("a rescaled copy of the target, one in 200 wrong", *_halves(copy),
                               kind="target copy", column="risk class"),
        "future": Suspect("a column that is filled in after a default", *_halves(future),
                          kind="future", column="recovered"),
        "identity": Suspect("a customer number given out in order of the outcome", *_halves(identity),
                            kind="identity", column="number"),
        "duplicate": Suspect("a tenth of the test rows copied from the training part", train,
                             pd.concat([test, train.sample(len(test) // 10, random_state=2)]), kind="duplicate"),
        "group": Suspect("branches on both sides of the split", *_halves(groups), options={"group": "branch"},
                         kind="group", column="branch"),
    }  # fmt: skip


def simulated(rng: np.random.Generator) -> list[Suspect]:
    """Clean tables: weak and strong columns, missing values, honest numbers of rows, groups kept apart."""
    plain, holes, strong, numbered, grouped, priced = (_loans(rng) for _ in range(6))
    holes.loc[rng.random(_ROWS) < 0.1 + 0.2 * holes["default"], "income"] = np.nan
    strong["score"] = 2.0 * strong["default"] + rng.normal(0.0, 0.9, _ROWS)
    numbered["number"] = np.arange(_ROWS) + 10_001
    grouped["branch"] = np.arange(_ROWS) // 10
    timed = priced.assign(month=np.arange(_ROWS) // 30)
    X, price = houses(rng, _ROWS)
    return [
        Suspect("applicants", *_halves(plain)),
        Suspect("applicants, income missing more often for defaults", *_halves(holes)),
        Suspect("applicants with a strong score", *_halves(strong)),
        Suspect("applicants with honest customer numbers", *_halves(numbered)),
        Suspect("applicants, branches kept apart", *_halves(grouped), options={"group": "branch"}),
        Suspect("applicants, split by month", *_halves(timed), options={"time": "month"}),
        Suspect("houses", *_halves(pd.DataFrame(X, columns=list(HOUSES)).assign(price=price)), target="price"),
    ]


def known(lab: Lab) -> list[Suspect]:
    """Clean tables that everybody knows: scikit-learn's; in a full run real ones too."""
    found = []
    for name in (*_EMBEDDED, *(("digits", *_REAL) if lab.full else ())):
        loaded = lab.data(name)
        if name in _REAL:
            table, target = loaded.frame, _REAL[name]
        else:
            table, target = pd.DataFrame(loaded.data).rename(columns=str).assign(target=loaded.target), "target"
        table = table[table[target].notna()].sample(frac=1.0, random_state=0)
        found.append(Suspect(name, *_halves(table), target=target))
    return found


def findings(lab: Lab, suspect: Suspect) -> list[tuple[str, tuple[str, ...]]]:
    """Kind and columns of each leak that the learner's search finds, as plain values."""
    found: Any = lab.solution.find_leaks(suspect.train, suspect.test, target=suspect.target, **suspect.options)
    return [(str(leak.kind), tuple(map(str, leak.columns))) for leak in found]


def is_right(suspect: Suspect, found: list[tuple[str, tuple[str, ...]]]) -> bool:
    """Whether the planted leak was found under its name, and nothing else was."""
    kinds = {kind for kind, _ in found}
    columns = {column for _, names in found for column in names}
    return kinds == {suspect.kind} and columns <= ({suspect.column} if suspect.column else columns)
