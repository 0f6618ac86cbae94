"""A clean table of customers, and twelve copies of it with one fault each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

_ROWS = 240


def clean_customers(rng: np.random.Generator) -> pd.DataFrame:
    """A table in which there is nothing to find: numbers, labels, dates, a yes-or-no, a balanced target."""
    days = pd.to_datetime("2019-01-01") + pd.to_timedelta(rng.integers(0, 1800, _ROWS), unit="D")
    return pd.DataFrame(
        {
            "city": rng.choice(["Bergen", "Gdańsk", "Porto", "Turin"], _ROWS),
            "age": np.clip(np.round(rng.normal(45.0, 12.0, _ROWS)), 18, 90).astype(int),
            "spend": np.round(rng.normal(120.0, 20.0, _ROWS), 2),
            "visits": rng.poisson(20.0, _ROWS) + 1,
            "joined": days,
            "newsletter": rng.random(_ROWS) < 0.5,
            "churned": np.where(rng.permutation(_ROWS) < _ROWS // 2, "yes", "no"),
        }
    )


def planted(clean: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """The question that should find it, the fault in words, and the table with that fault alone."""
    n = len(clean)
    yield "missing", "seven values of spend removed", _with(clean, spend=clean["spend"].where(np.arange(n) >= 7))
    yield "duplicates", "five rows appended a second time", pd.concat([clean, clean.head(5)], ignore_index=True)
    yield "constants", "a column that holds one value", clean.assign(country="NO")
    yield (
        "outliers",
        "one spend a hundred times too large",
        _with(clean, spend=clean["spend"].where(np.arange(n) != 3, 12_000.0)),
    )
    yield "mixed types", "the age of four people in words", _with(clean, age=_replace(clean["age"], 4, "unknown"))
    yield (
        "cardinality",
        "one city spelled in capitals",
        _with(clean, city=clean["city"].where(np.arange(n) >= 30, clean["city"].str.upper())),
    )
    yield "skew", "a balance with a long tail", clean.assign(balance=np.exp(np.linspace(0.0, 9.0, n)).round(2))
    rare = np.where(np.arange(n) < 10, "yes", "no")
    yield "class balance", "a target with 4% of yes", _with(clean, churned=pd.Series(rare))
    reason = clean["churned"].map({"yes": "closed", "no": "open"})
    yield "leakage suspects", "the account's state after the fact", clean.assign(account=reason)
    yield "ranges", "two negative counts of visits", _with(clean, visits=clean["visits"].where(np.arange(n) >= 2, -1))
    yield (
        "dates",
        "three dates far in the future",
        _with(clean, joined=clean["joined"].where(np.arange(n) >= 3, pd.Timestamp("2199-12-31"))),
    )
    broken = clean["city"].str.replace("Gdańsk", "GdaÅ„sk").str.replace("Porto", "Port\u00c3\u00b3")
    yield "encodings", "a city decoded with the wrong encoding", _with(clean, city=broken)


def _with(frame: pd.DataFrame, **columns: pd.Series) -> pd.DataFrame:
    return frame.assign(**columns)


def _replace(column: pd.Series, count: int, value: str) -> pd.Series:
    texts = column.astype(str).tolist()
    return pd.Series([value] * count + texts[count:])
