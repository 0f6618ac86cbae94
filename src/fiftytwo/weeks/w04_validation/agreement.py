"""The divergence of one column by three programs, and rules on real records whose wrong cells are known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w04_validation.cases import EXACT, worst
from fiftytwo.weeks.w04_validation.orders import CHANNELS, clean_orders, planted
from fiftytwo.weeks.w04_validation.suites import Beside, side_by_side

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_DIVERGENCE = f"""
[[rule]]
rule = "column_kl_divergence_to_be_less_than"
column = "channel"
partition_object = {{ values = {list(CHANNELS)}, weights = {list(CHANNELS.values())} }}
threshold = 0.05
"""
_HEADER_LINES = 1


def three_divergences(lab: Lab) -> Iterator[Check]:
    """The solution's divergence of the channels from their usual shares, beside both engines'."""

    def measure() -> Measurement:
        from mltoolkit.quality import load_rules

        rng = np.random.default_rng([lab.seed, 7])
        clean = clean_orders(rng)
        measured = []
        with tempfile.TemporaryDirectory() as folder:
            for frame in (clean, planted(clean, rng, ["distribution shift"]).frame):
                path = Path(folder) / "orders.csv"
                frame.to_csv(path, index=False)
                counts = frame["channel"].value_counts().reindex(list(CHANNELS)).to_numpy()
                usual = np.array(list(CHANNELS.values()))
                found = lab.solution.kl_divergence(counts, usual)
                both = side_by_side(path, load_rules(_DIVERGENCE))[0][0]
                measured += [
                    difference(found, value, call="kl_divergence(p, q)", inputs={"p": counts, "q": usual})
                    for value in (float(both.ours.observed), both.theirs.observed)
                ]
        return worst(measured)

    yield Check("three programs, one divergence", measure, at_most=EXACT,
                why="The rule about shares is your kl_divergence: of the month from what is usual, in nats.",
                hint=("The month is p, the usual shares are q.",))  # fmt: skip


@dataclass(frozen=True)
class _Judged:
    """The hospital records by both engines, and the cells that are wrong in truth."""

    clean: list[Beside]
    dirty: list[Beside]
    named: int
    right: int


def hospital_rules(lab: Lab) -> Iterator[Check]:
    """Rules on the hospital records: what they name beside the cells that are known to be wrong."""

    @cache
    def judged() -> _Judged:
        return _judge_hospital(lab)

    yield Check("hospital: cells named that are wrong", lambda: judged().right / judged().named, at_least=0.95,
                exercise=False, why="On real records, what a rule of form names is wrong.")  # fmt: skip
    yield Check("hospital: findings in the clean twin", lambda: sum(not rule.ours.passed for rule in judged().clean),
                equals=0, exercise=False,
                why="The same rules are silent about the same records without the faults.")  # fmt: skip
    yield Check("hospital: Great Expectations agrees",
                lambda: sum(not rule.agree for rule in (*judged().clean, *judged().dirty)),
                equals=0, exercise=False, unit="verdicts apart",
                why="Two engines give one verdict, row by row, on real records too.")  # fmt: skip


def _judge_hospital(lab: Lab) -> _Judged:
    from mltoolkit.quality import load_rules

    frames = lab.data("dirty-hospital").frames
    suite = load_rules(Path(__file__).parent / "hospital.toml")
    judged: dict[str, list[Beside]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in frames.items():
            path = Path(folder) / f"{name}.csv"
            frame.to_csv(path, index=False)
            judged[name] = side_by_side(path, suite)[0]
    wrong = frames["dirty"] != frames["clean"]
    rows = []
    for rule in judged["dirty"]:
        if rule.ours.rule.kind.by_row:
            column = rule.ours.rule.subject
            hits = sum(bool(wrong.at[line - 1 - _HEADER_LINES, column]) for line in rule.theirs.lines)
            rows.append((column, int(wrong[column].sum()), rule.ours.count, hits))
    table = pd.DataFrame(rows, columns=["column", "wrong cells", "cells named", "of these wrong"])
    lab.table(
        table,
        "Hospital: rules and wrong cells",
        "What the rules of hospital.toml name in each column, beside the cells that differ from the clean twin.",
    )
    named, right = (int(table[column].sum()) for column in ("cells named", "of these wrong"))
    lab.metric("hospital: wrong cells", int(wrong.to_numpy().sum()))
    lab.metric("hospital: wrong cells named", right)
    return _Judged(judged["clean"], judged["dirty"], named, right)
