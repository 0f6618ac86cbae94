"""What goes wrong between a warehouse and a service, planted on purpose, and counted where nothing was planted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fiftytwo.weeks.w12_features.credit import applications
from mltoolkit.tabular import SkewReport, skew_report

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

ALPHA = 0.05
OFFLINE, ONLINE = 2_000, 1_000


@dataclass(frozen=True)
class Planted:
    """A skew: where, of which kind, and how the online rows are spoiled."""

    column: str
    kind: str
    what: str
    spoil: Callable[[pd.DataFrame, np.random.Generator], pd.Series]

    @property
    def title(self) -> str:
        """Column and what was done to it."""
        return f"{self.column}: {self.what}"


PLANTED = (
    Planted("amount", "scale", "cents for euros", lambda frame, _: frame["amount"] * 100.0),
    Planted("region", "encoding", "upper case and underscores", lambda frame, _: _renamed(frame["region"])),
    Planted("months_employed", "missingness", "a source that is down for three rows in ten",
            lambda frame, rng: frame["months_employed"].mask(rng.random(len(frame)) < 0.3)),
    Planted("applied", "time", "local time for UTC", lambda frame, _: frame["applied"] + pd.Timedelta(hours=2)),
)  # fmt: skip
OTHERS = (
    Planted("income", "scale", "net of a fixed sum", lambda frame, _: frame["income"] - 12_000.0),
    Planted("purpose", "encoding", "a new table of codes", lambda frame, _: "P-" + frame["purpose"].str[:3]),
    Planted("region", "encoding", "two codes swapped",
            lambda frame, _: frame["region"].replace({"region 01": "region 12", "region 12": "region 01"})),
    Planted("used", "encoding", "a number as text", lambda frame, _: frame["used"].map(lambda value: f"{value:.3f}")),
    Planted("applied", "time", "a feed that stopped three weeks ago",
            lambda frame, _: frame["applied"].clip(upper=frame["applied"].max() - pd.Timedelta(days=21))),
)  # fmt: skip


def _renamed(column: pd.Series) -> pd.Series:
    return column.str.upper().str.replace(" ", "_")


@dataclass(frozen=True)
class Alarms:
    """Reports on pairs of samples: with all of PLANTED, with each skew alone (by its title), and with none."""

    together: SkewReport
    alone: Mapping[str, SkewReport]
    clean: int  # reports on clean samples
    false: int  # of those, reports with any finding


def samples(lab: Lab) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Offline and online rows of one population; agents are drawn anew in each sample, so they are left out."""
    return _pair(lab.rng)


def spoiled(lab: Lab, online: pd.DataFrame) -> pd.DataFrame:
    """Online rows with all of PLANTED."""
    return online.assign(**{one.column: one.spoil(online, lab.rng) for one in PLANTED})


def clean_pairs(lab: Lab) -> int:
    """How many pairs of clean samples the false alarms are counted on."""
    return 1_000 if lab.full else 100


def alarms(lab: Lab) -> Alarms:
    """Plant, report, and count."""
    rng = lab.rng
    offline, online = samples(lab)
    alone = {
        one.title: skew_report(offline, online.assign(**{one.column: one.spoil(online, rng)}), alpha=ALPHA)
        for one in (*PLANTED, *OTHERS)
    }
    repeats = clean_pairs(lab)
    false = sum(not skew_report(*_pair(rng), alpha=ALPHA).clean for _ in lab.progress(range(repeats), "clean samples"))
    return Alarms(skew_report(offline, spoiled(lab, online), alpha=ALPHA), alone, repeats, false)


def _pair(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    offline, online = (applications(rng, n)[0].drop(columns="agent") for n in (OFFLINE, ONLINE))
    return offline, online
