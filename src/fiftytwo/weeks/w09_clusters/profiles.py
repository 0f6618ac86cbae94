"""What a segment is, in words that a colleague in marketing can use; every word follows from the segment's numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fiftytwo.weeks.w09_clusters.customers import Customers
from mltoolkit.tabular.cluster_validation import Stability

# A segment's median below the lower or above the upper third of all customers is worth a word.
_WORDS = {
    "recency": ("bought lately", "silent for long"),
    "frequency": ("order seldom", "order often"),
    "basket": ("small baskets", "big baskets"),
    "discount share": ("pay the full price", "wait for discounts"),
    "money": ("spend little", "spend much"),
}
_SURE = ((0.85, "very sure"), (0.75, "sure"), (0.6, "a tendency, not a group"), (0.0, "not sure: do not act on it"))
_LEAST_LIFT = 1.15  # a category or product is named when the segment's share in it is this many times that of all
_LEAST_BUYERS = 0.05  # and when so many of its customers bought it


@dataclass(frozen=True)
class Segment:
    """One segment, numbered by the money it brings.

    Who it is, how many, medians in units, what it buys, what to do, and how sure that is.
    """

    number: int
    code: int  # its label
    who: str
    size: int
    share: float
    revenue_share: float
    medians: dict[str, float]
    buys: tuple[str, ...]
    action: str
    overlap: float
    sure: str


def profile(customers: Customers, labels: NDArray[np.intp], stability: Stability) -> list[Segment]:
    """All segments, those that bring the most money first."""
    money = (
        customers.spend.sum(axis=1).to_numpy() if "money" not in customers.raw else customers.raw["money"].to_numpy()
    )
    order = np.argsort([-money[labels == s].sum() for s in range(labels.max() + 1)], kind="stable")
    low, middle, high = (customers.raw.quantile(share) for share in (1 / 3, 1 / 2, 2 / 3))
    found = []
    for number, s in enumerate(order, 1):
        inside = labels == s
        medians = customers.raw[inside].median()
        levels = {str(c): _level(medians[c], middle[c], low[c], high[c]) for c in customers.raw.columns}
        if levels.get("recency", 0) > 0 and medians["recency"] < _silence(float(medians["frequency"])):
            levels["recency"] = 0
        overlap = float(stability.per_cluster[s])
        buys = _buys(customers.spend, inside)
        found.append(
            Segment(
                number,
                int(s),
                _who(levels),
                int(inside.sum()),
                float(inside.mean()),
                float(money[inside].sum() / money.sum()),
                {str(name): float(value) for name, value in medians.items()},
                buys,
                _action(levels, buys),
                overlap,
                next(words for least, words in _SURE if overlap >= least),
            )
        )
    return found


def _level(median: float, middle: float, low: float, high: float) -> int:
    """1 in the upper third of all customers, -1 in the lower, and 0 between; a tie with the middle is no level."""
    return int(median >= high and median > middle) - int(median <= low and median < middle)


def _silence(orders_a_year: float) -> float:
    """Days without an order that mean something: half as long again as usual, or a third of a year."""
    return min(1.5 * 365.0 / orders_a_year, 365.0 / 3.0)


def _who(levels: dict[str, int]) -> str:
    """The words for what is far from the middle; a table of spending is described by its categories."""
    if not set(levels) & set(_WORDS):
        much = [name for name, level in levels.items() if level > 0]
        little = [name for name, level in levels.items() if level < 0]
        parts = [f"much {_listed(much)}"] if much else []
        parts += [f"little {_listed(little)}"] if little else []
        return ", ".join(parts) or "average in everything"
    words = [_WORDS[name][int(level > 0)] for name, level in levels.items() if level]
    return ", ".join(words) or "average in everything"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _buys(spend: pd.DataFrame, inside: NDArray[np.bool_]) -> tuple[str, ...]:
    """Up to three categories or products in which the segment's share is most above that of all customers."""
    here, everywhere = spend[inside].sum(), spend.sum()
    if here.sum() == 0:
        return ()
    lift = (here / here.sum()) / (everywhere / everywhere.sum())
    common = (spend[inside] > 0).mean() >= _LEAST_BUYERS
    named = lift[common & (lift >= _LEAST_LIFT)].nlargest(3)
    return tuple(f"{name} (× {value:.1f})" for name, value in named.items())


def _action(levels: dict[str, int], buys: tuple[str, ...]) -> str:
    """The first rule that fits. The rules are a marketing department's usual ones, to be tested, not believed."""
    recency, frequency = levels.get("recency", 0), levels.get("frequency", 0)
    worth = max(levels.get("money", 0), levels.get("basket", 0))
    if "recency" not in levels:
        return "Lead the next offer with what they buy more than others." if buys else "Ask what they buy elsewhere."
    if recency > 0:
        return (
            "Win them back in person: they were worth it." if worth > 0
            else "One cheap reminder; then spend nothing more on them."
        )  # fmt: skip
    if levels.get("discount share", 0) > 0:
        return "Tell them of sales, and test whether a smaller discount does."
    if frequency > 0:
        return "Keep them: early access and good service, no discounts."
    if worth > 0:
        return "Offer bundles and free delivery from a sum just above their basket."
    if frequency < 0:
        return "Help them to the next order: a welcome series."
    if recency < 0:
        return "They are here now: suggest what goes with their last order."
    return "Keep them in the normal programme, and look again in a quarter."


def table(customers: Customers, segments: list[Segment]) -> pd.DataFrame:
    """The profile as a table."""
    rows = []
    for s in segments:
        medians = {f"{name} ({customers.units[name]})" if customers.units[name] else name: value
                   for name, value in s.medians.items()}  # fmt: skip
        rows.append({
            "segment": s.number, "who": s.who, "customers": s.size, "customers (%)": 100 * s.share,
            "money (%)": 100 * s.revenue_share, **medians, "overlap": s.overlap,
        })  # fmt: skip
    return pd.DataFrame(rows)
