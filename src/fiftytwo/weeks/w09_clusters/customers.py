"""Customers to segment: a simulated shop whose segments are known, and two real trades.

Recency, frequency and monetary value (RFM) are what a shop knows of everybody: days since the last order, number of
orders, and money. They are skewed, so their logarithms are clustered, scaled to mean 0 and deviation 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from fiftytwo.lab import Lab

_CUSTOMERS = 1_200
# Of each simulated segment: share of customers; medians of recency (days), orders a year, basket (GBP) and the share
# bought at a discount; and what the money goes to: garden, kitchen, toys, gifts.
_SEGMENTS: dict[str, tuple[float, tuple[float, float, float, float], tuple[float, float, float, float]]] = {
    "regulars": (0.25, (10.0, 26.0, 40.0, 0.15), (2.0, 6.0, 2.0, 2.0)),
    "big baskets": (0.15, (45.0, 6.0, 260.0, 0.12), (8.0, 2.0, 1.0, 1.0)),
    "bargain hunters": (0.25, (30.0, 9.0, 24.0, 0.70), (1.0, 2.0, 5.0, 4.0)),
    "newcomers": (0.15, (8.0, 2.0, 38.0, 0.30), (2.0, 2.0, 3.0, 3.0)),
    "lapsed": (0.20, (260.0, 3.0, 45.0, 0.28), (2.0, 2.0, 2.0, 6.0)),
}
_CATEGORIES = ("garden", "kitchen", "toys", "gifts")
_PRODUCTS = 200  # of the shop's products, those that most customers bought


@dataclass(frozen=True)
class Customers:
    """One table of customers.

    ``raw`` (n rows) has the features in their units, ``units`` a unit for each; ``X`` (n, d) is what is clustered;
    ``spend`` has the money by category or product; ``truth`` (n,) are known groups, which ``known_as`` says in words.
    """

    name: str
    raw: pd.DataFrame
    units: dict[str, str]
    X: NDArray[np.float64]
    spend: pd.DataFrame
    truth: NDArray[Any]
    known_as: str


def subjects(lab: Lab) -> tuple[Customers, ...]:
    """The customers of the profile."""
    if lab.full:
        return shop(lab.data("online-retail").frame), wholesale(lab.data("wholesale-customers").frame)
    return (simulate(lab.rng, _CUSTOMERS),)


def simulate(rng: np.random.Generator, n: int) -> Customers:
    """A shop of n customers in five segments."""
    import pandas as pd

    names = list(_SEGMENTS)
    shares = np.array([_SEGMENTS[name][0] for name in names])
    kind = rng.choice(len(names), size=n, p=shares)
    medians = np.array([_SEGMENTS[name][1] for name in names])[kind]
    spread = rng.standard_normal((n, 4)) * (0.8, 0.5, 0.5, 0.8)
    recency, orders, basket = (medians[:, :3] * np.exp(spread[:, :3])).T
    odds = medians[:, 3] / (1.0 - medians[:, 3]) * np.exp(spread[:, 3])
    raw = pd.DataFrame({
        "recency": recency, "frequency": orders, "basket": basket, "discount share": odds / (1.0 + odds),
    })  # fmt: skip
    tastes = np.array([_SEGMENTS[name][2] for name in names])[kind]
    parts = rng.gamma(tastes)
    spend = pd.DataFrame(
        parts / parts.sum(axis=1, keepdims=True) * (orders * basket)[:, np.newaxis], columns=list(_CATEGORIES)
    )
    units = {"recency": "days", "frequency": "orders a year", "basket": "GBP", "discount share": ""}
    logs = np.column_stack([np.log(raw.iloc[:, :3].to_numpy()), np.log(odds)])
    return Customers("simulated shop", raw, units, scaled(logs), spend, np.array(names)[kind], "the simulated segments")


def shop(orders: pd.DataFrame) -> Customers:
    """A British web shop by recency, frequency and money: sales to known customers; cancellations are left out."""
    import pandas as pd

    sold = orders[orders["CustomerID"].notna() & (orders["Quantity"] > 0) & (orders["UnitPrice"] > 0)]
    sold = sold.assign(
        money=sold["Quantity"] * sold["UnitPrice"],
        product=sold["Description"].str.strip().str.lower(),
        CustomerID=sold["CustomerID"].astype("int64"),
    )
    end = sold["InvoiceDate"].max().normalize() + pd.Timedelta(days=1)
    by = sold.groupby("CustomerID")
    raw = pd.DataFrame({
        "recency": (end - by["InvoiceDate"].max()).dt.total_seconds() / 86_400.0,
        "frequency": by["InvoiceNo"].nunique().astype(float),
        "money": by["money"].sum(),
    })  # fmt: skip
    raw["recency"] = raw["recency"].clip(lower=0.5)  # the last day counts as half a day, not as none
    often = sold.groupby("product")["CustomerID"].nunique().nlargest(_PRODUCTS).index
    spend = sold[sold["product"].isin(often)].pivot_table(
        index="CustomerID", columns="product", values="money", aggfunc="sum", fill_value=0.0
    )
    spend = spend.reindex(raw.index, fill_value=0.0)
    countries = sold.groupby("CustomerID")["Country"].first().reindex(raw.index).to_numpy(dtype=str)
    units = {"recency": "days", "frequency": "orders in 53 weeks", "money": "GBP"}
    X = scaled(np.log(raw.to_numpy(dtype=np.float64)))
    return Customers(
        "UCI online retail",
        raw,
        units,
        X,
        spend,
        countries == "United Kingdom",
        "where they live, in Britain or abroad",
    )


def wholesale(table: pd.DataFrame) -> Customers:
    """A Portuguese wholesaler's customers by what they spend a year in six categories."""
    spend = (
        table.drop(columns=["Channel", "Region"]).astype(float).rename(columns=lambda c: c.replace("_", " ").lower())
    )
    channel = np.where(table["Channel"].to_numpy() == 1, "hotel, restaurant, café", "retail")
    X = scaled(np.log1p(spend.to_numpy()))
    return Customers(
        "UCI wholesale", spend, dict.fromkeys(spend.columns, "m.u."), X, spend, channel, "the sales channel"
    )


def scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns with mean 0 and deviation 1."""
    found: NDArray[np.float64] = (values - values.mean(axis=0)) / values.std(axis=0)
    return found
