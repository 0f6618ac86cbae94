"""Questions to four tables, each answered by pandas and once more by SQL.

The tables hold what breaks careless answers: missing keys, keys that nothing matches, ties in time and in
amount, and a group without a row. Where pandas and SQL differ by their nature (a missing key, the sum of
nothing, ties in a window), the pandas answer says what it takes to mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fiftytwo.evidence import Check

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Tables = Mapping[str, pd.DataFrame]

REGIONS = ("east", "north", "south", "west")  # nobody lives in the west
_CUSTOMERS, _ORDERS, _DAYS = 40, 300, 60


@dataclass(frozen=True)
class Drill:
    """A question, its trap, and both answers; rows come in the order of ``keys``."""

    name: str
    trap: str
    keys: tuple[str, ...]
    pandas: Callable[[Tables], pd.DataFrame]
    sql: str


def tables_of(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Customers, their orders, the rates by which amounts are converted, and all regions."""
    numbers = pd.array([*range(1, _CUSTOMERS), None], dtype="Int64")  # one account has no number
    region = rng.choice(["east", "north", "south", ""], _CUSTOMERS, p=[0.4, 0.3, 0.2, 0.1])
    customers = pd.DataFrame({"customer": numbers, "region": pd.Series(region).where(region != "", None)})
    start = pd.Timestamp("2024-01-01")
    hours = np.sort(rng.integers(0, _DAYS * 4, _ORDERS)) * 6  # every six hours, so that many coincide
    buyers = rng.integers(1, _CUSTOMERS - 5, _ORDERS).astype(float)  # the last five never buy
    buyers[rng.permutation(_ORDERS)[:15]] = np.nan
    buyers[rng.permutation(_ORDERS)[:6]] = 999.0  # nobody has this number
    amounts = np.round(rng.integers(1, 40, _ORDERS) * 2.5, 2)  # few values, so that many are equal
    amounts[rng.permutation(_ORDERS)[:20]] = np.nan
    amounts[buyers == 7.0] = np.nan  # of this customer nothing is known but that they bought
    orders = pd.DataFrame(
        {
            "id": np.arange(1, _ORDERS + 1),
            "customer": pd.array(buyers, dtype="Int64"),
            "placed": start + pd.to_timedelta(hours, unit="h"),
            "currency": rng.choice(["EUR", "NOK"], _ORDERS),
            "amount": amounts,
        }
    )
    quoted = [(currency, day) for currency in ("EUR", "NOK") for day in range(2, _DAYS, 3)]  # none on the first days
    rates = pd.DataFrame(
        {
            "currency": [currency for currency, _ in quoted],
            "quoted": [start + pd.Timedelta(days=day) for _, day in quoted],
            "rate": np.round(rng.uniform(0.05, 1.2, len(quoted)), 4),
        }
    )
    return {"customers": customers, "orders": orders, "rates": rates, "regions": pd.DataFrame({"region": REGIONS})}


def _joined(t: Tables) -> pd.DataFrame:
    """Orders with their customer's columns. In pandas a missing key matches a missing key, unless it is dropped."""
    known = t["customers"].dropna(subset="customer")
    return t["orders"].merge(known, on="customer", how="left", validate="many_to_one")


def _left_join(t: Tables) -> pd.DataFrame:
    return _joined(t)[["id", "region"]]


def _without_orders(t: Tables) -> pd.DataFrame:
    bought = t["orders"]["customer"].dropna()
    return t["customers"].loc[~t["customers"]["customer"].isin(bought), ["customer"]]


def _per_region(t: Tables) -> pd.DataFrame:
    joined = _joined(t).assign(region=lambda f: pd.Categorical(f["region"], REGIONS))
    found = joined.groupby("region", observed=False).agg(orders=("id", "size"), largest=("amount", "max"))
    return found.reset_index().astype({"region": str})


def _with_missing_region(t: Tables) -> pd.DataFrame:
    return t["customers"].groupby("region", dropna=False).size().reset_index(name="customers")


def _spent(t: Tables) -> pd.DataFrame:
    known = t["orders"].dropna(subset="customer")
    return known.groupby("customer")["amount"].sum(min_count=1).reset_index(name="spent")


def _pivot(t: Tables) -> pd.DataFrame:
    months = t["orders"].assign(month=t["orders"]["placed"].dt.month)
    wide = months.pivot_table(index="currency", columns="month", values="amount", aggfunc="sum")
    return wide.reindex(columns=[1, 2, 3]).fillna(0.0).set_axis(["january", "february", "march"], axis=1).reset_index()


def _running(t: Tables) -> pd.DataFrame:
    known = t["orders"].dropna(subset=["customer", "amount"]).sort_values(["customer", "placed", "id"])
    return known.assign(running=known.groupby("customer")["amount"].cumsum())[["id", "running"]]


def _top_two(t: Tables) -> pd.DataFrame:
    known = t["orders"].dropna(subset=["customer", "amount"])
    ordered = known.sort_values(["customer", "amount", "id"], ascending=[True, False, True])
    return ordered.groupby("customer").head(2)[["customer", "id"]]


def _ranked(t: Tables) -> pd.DataFrame:
    known = t["orders"].dropna(subset="amount")
    by_amount = known.groupby("currency")["amount"]
    return pd.DataFrame(
        {
            "id": known["id"],
            "place": by_amount.rank(method="min", ascending=False).astype(int),
            "level": by_amount.rank(method="dense", ascending=False).astype(int),
        }
    )


def _week(t: Tables) -> pd.DataFrame:
    daily = t["orders"].assign(day=t["orders"]["placed"].dt.normalize()).groupby("day")["amount"].sum()
    return daily.rolling("7D").sum().reset_index(name="week")


def _as_of(t: Tables) -> pd.DataFrame:
    orders = t["orders"].dropna(subset="amount").sort_values(["placed", "id"])
    rates = t["rates"].sort_values("quoted")
    found = pd.merge_asof(orders, rates, left_on="placed", right_on="quoted", by="currency")
    return found.assign(converted=found["amount"] * found["rate"])[["id", "converted"]]


DRILLS = (
    Drill(
        "left join", "a missing key matches nothing", ("id",), _left_join,
        "SELECT o.id, c.region FROM orders o LEFT JOIN customers c USING (customer)",
    ),
    Drill(
        "anti join", "NOT IN a list with a NULL finds nobody", ("customer",), _without_orders,
        "SELECT customer FROM customers c ANTI JOIN orders o USING (customer)",
    ),
    Drill(
        "group-by with an empty group", "a group without a row is left out", ("region",), _per_region,
        """SELECT r.region, count(o.id) AS orders, max(o.amount) AS largest
        FROM regions r LEFT JOIN customers c USING (region) LEFT JOIN orders o USING (customer) GROUP BY r.region""",
    ),
    Drill(
        "group-by with a missing key", "pandas drops the missing group", ("region",), _with_missing_region,
        "SELECT region, count(*) AS customers FROM customers GROUP BY region",
    ),
    Drill(
        "sum of nothing", "0 in pandas, NULL in SQL", ("customer",), _spent,
        "SELECT customer, sum(amount) AS spent FROM orders WHERE customer IS NOT NULL GROUP BY customer",
    ),
    Drill(
        "pivot", "a month without orders has no column", ("currency",), _pivot,
        """SELECT currency, coalesce(sum(amount) FILTER (month(placed) = 1), 0) AS january,
        coalesce(sum(amount) FILTER (month(placed) = 2), 0) AS february,
        coalesce(sum(amount) FILTER (month(placed) = 3), 0) AS march FROM orders GROUP BY currency""",
    ),
    Drill(
        "running total", "ties in time: the window needs a second key", ("id",), _running,
        """SELECT id, sum(amount) OVER (PARTITION BY customer ORDER BY placed, id
        ROWS UNBOUNDED PRECEDING) AS running FROM orders WHERE customer IS NOT NULL AND amount IS NOT NULL""",
    ),
    Drill(
        "top two a customer", "ties in amount", ("customer", "id"), _top_two,
        """SELECT customer, id FROM orders WHERE customer IS NOT NULL AND amount IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY customer ORDER BY amount DESC, id) <= 2""",
    ),
    Drill(
        "rank and dense rank", "what comes after a tie", ("id",), _ranked,
        """SELECT id, rank() OVER w AS place, dense_rank() OVER w AS level FROM orders WHERE amount IS NOT NULL
        WINDOW w AS (PARTITION BY currency ORDER BY amount DESC)""",
    ),
    Drill(
        "moving week", "days are counted, not rows", ("day",), _week,
        """WITH daily AS (SELECT date_trunc('day', placed) AS day, coalesce(sum(amount), 0) AS amount FROM orders
        GROUP BY ALL) SELECT day, sum(amount) OVER (ORDER BY day RANGE INTERVAL 6 DAYS PRECEDING) AS week FROM daily""",
    ),
    Drill(
        "as-of join", "before the first quote there is none", ("id",), _as_of,
        """SELECT o.id, o.amount * r.rate AS converted FROM orders o ASOF LEFT JOIN rates r
        ON o.currency = r.currency AND o.placed >= r.quoted WHERE o.amount IS NOT NULL""",
    ),
)  # fmt: skip


def by_sql(tables: Tables, query: str) -> pd.DataFrame:
    """What DuckDB answers."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        for name, frame in tables.items():
            connection.register(name, frame)
        answer: pd.DataFrame = connection.execute(query).df()
    return answer


def cells_that_differ(ours: pd.DataFrame, theirs: pd.DataFrame, keys: tuple[str, ...]) -> int:
    """How many cells of two answers differ; all of the larger one when they have not the same rows and columns."""
    if list(ours.columns) != list(theirs.columns) or len(ours) != len(theirs):
        return int(max(ours.size, theirs.size, 1))
    left, right = (f.sort_values(list(keys), ignore_index=True) for f in (ours, theirs))
    return sum(_differing(left[name], right[name]) for name in left.columns)


def _differing(left: pd.Series, right: pd.Series) -> int:
    both_missing = left.isna() & right.isna()
    if pd.api.types.is_numeric_dtype(left) and pd.api.types.is_numeric_dtype(right):
        x, y = (column.astype("Float64").to_numpy(dtype=float, na_value=np.nan) for column in (left, right))
        same = np.isclose(x, y, rtol=1e-12, atol=1e-9)
    else:
        same = (left.astype(object) == right.astype(object)).to_numpy(dtype=bool, na_value=False)
    return int((~(same | both_missing.to_numpy())).sum())


def drills(lab: Lab) -> Iterator[Check]:
    """Ask both, and hold one answer against the other."""
    tables = tables_of(lab.rng)
    rows = []
    for drill in DRILLS:
        answer = drill.pandas(tables)
        differing = cells_that_differ(answer, by_sql(tables, drill.sql), drill.keys)
        rows.append((drill.name, drill.trap, len(answer), differing))
        yield Check(
            f"drill: {drill.name}",
            float(differing),
            equals=0,
            unit="cells",
            exercise=False,
            why=f"The trap: {drill.trap}; two engines that agree have both avoided it.",
        )
    lab.table(
        pd.DataFrame(rows, columns=["drill", "trap", "rows", "cells that differ"]),
        "Data-frame drills",
        "Each question answered by pandas and by SQL, on tables with ties, missing keys and an empty group.",
    )
