"""Week 4: the profile of a table of 5,000,000 x 12, beside DuckDB's SUMMARIZE and polars' describe.

All three read the same file and say of each column how many values are missing, the least, the most and the mean
of its numbers, and quantiles; DuckDB and ours estimate how many are different. Ours also counts repeated rows,
most frequent values, histograms, skewness, outliers and correlations. Both sides use their default threads.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import psutil
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from harness import Row, main
from mltoolkit.quality import TableProfile, profile

ROWS = int(os.environ.get("PROFILE_ROWS", "5_000_000"))
PAIRS = 5
QUANTILES = (0.25, 0.5, 0.75)


def table(n: int) -> pa.Table:
    """Orders of a shop: numbers, labels, dates, free text, gaps."""
    rng = np.random.default_rng(0)
    cities = np.array([f"city {i:03d}" for i in range(300)])
    words = np.array(["red", "small", "old", "fine", "chair", "lamp", "table", "shelf"])
    notes = np.char.add(np.char.add(words[rng.integers(0, 8, n)], " "), words[rng.integers(0, 8, n)])
    day = np.datetime64("2021-01-01", "s")
    return pa.table(
        {
            "order_id": np.arange(n),
            "customer": rng.integers(0, 400_000, n),
            "quantity": pa.array(rng.integers(1, 12, n), mask=rng.random(n) < 0.02),
            "price": rng.lognormal(3.0, 1.0, n).round(2),
            "weight": pa.array(rng.normal(20.0, 4.0, n).round(4), mask=rng.random(n) < 0.05),
            "score": rng.random(n).round(6),
            "city": pa.array(cities[rng.zipf(1.4, n) % 300], mask=rng.random(n) < 0.01),
            "status": np.array(["paid", "open", "sent", "back"])[rng.choice(4, n, p=[0.6, 0.2, 0.15, 0.05])],
            "member": rng.random(n) < 0.3,
            "ordered": (day + rng.integers(0, 100_000_000, n)).astype("datetime64[us]"),
            "shipped": pa.array((day + rng.integers(0, 1200, n) * 86_400).astype("datetime64[D]")),
            "note": pa.array(notes, mask=rng.random(n) < 0.3),
        }
    )


def summarize(path: Path) -> dict[str, Any]:
    """DuckDB's summary, by column."""
    with duckdb.connect() as connection:
        rows = connection.execute(f"SUMMARIZE SELECT * FROM '{path}'").fetchall()  # noqa: S608 (our own file)
        return {row[0]: row for row in rows}


def describe(path: Path) -> Any:
    """What polars says of it."""
    return (pl.scan_parquet(path) if path.suffix == ".parquet" else pl.scan_csv(path, try_parse_dates=True)).describe()


def equal_to_duckdb(data: pa.Table) -> Callable[[TableProfile, dict[str, Any]], str]:
    """Same rows, gaps, least, most and mean; different values and quantiles within what each states."""

    def compare(ours: TableProfile, peer: dict[str, Any]) -> str:
        for column in ours.columns:
            _, _, low, high, _, mean, _, *_, count, gaps = peer[column.name]
            if ours.rows != count or abs(column.missing - round(float(gaps) * count / 100)) > 1e-4 * count:
                return f"{column.name}: rows or gaps differ"
            found = exact(data, column.name)
            if column.missing != found["missing"] or abs(column.distinct / found["distinct"] - 1) > 0.03:
                return f"{column.name}: {column.missing} missing, {column.distinct} different; {found}"
            if column.mean is None:
                continue
            if abs(column.mean / float(mean) - 1) > 1e-9 or (column.minimum, column.maximum) != (
                float(low),
                float(high),
            ):
                return f"{column.name}: {column.minimum} to {column.maximum}, mean {column.mean}; {low}, {high}, {mean}"
            ranks = np.searchsorted(found["sorted"], column.quantiles[1:4], side="right") / len(found["sorted"])
            least = np.searchsorted(found["sorted"], column.quantiles[1:4], side="left") / len(found["sorted"])
            if np.any((least - 0.01 > QUANTILES) | (ranks + 0.01 < QUANTILES)):
                return f"{column.name}: quantiles are off by more than 1% of ranks"
        return ""

    return compare


def equal_to_polars(data: pa.Table) -> Callable[[TableProfile, Any], str]:
    """Same counts, gaps, least, most and mean."""

    def compare(ours: TableProfile, peer: Any) -> str:
        rows = {row["statistic"]: row for row in peer.iter_rows(named=True)}
        for column in ours.columns:
            if float(rows["null_count"][column.name]) != column.missing:
                return f"{column.name}: gaps differ"
            if column.mean is not None and abs(column.mean / float(rows["mean"][column.name]) - 1) > 1e-9:
                return f"{column.name}: means differ"
            if column.mean is not None and column.maximum != float(rows["max"][column.name]):
                return f"{column.name}: the largest differ"
        return "" if ours.rows == data.num_rows else "rows differ"

    return compare


def exact(data: pa.Table, name: str, known: dict[str, Any] = {}) -> dict[str, Any]:  # noqa: B006 (a cache)
    """What is true of a column."""
    if name not in known:
        column = data[name]
        known[name] = {"missing": column.null_count, "distinct": len(column.drop_null().unique())}
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            known[name]["sorted"] = np.sort(column.drop_null().to_numpy())
    return known[name]  # type: ignore[no-any-return]


def peak_of(work: Callable[[], Any]) -> float:
    """The most memory, in MiB, that a call adds to what the process had."""
    process, most, done = psutil.Process(), 0, threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, process.memory_info().rss)
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return (most - before) / 2**20


def rows(folder: Path) -> list[Row]:
    """The comparisons, on files in a temporary folder."""
    data = table(ROWS)
    parquet, text = folder / "orders.parquet", folder / "orders.csv"
    pq.write_table(data, parquet)
    arrow_csv.write_csv(data, text)
    size = f"{ROWS:,} x {data.num_columns}, default threads a side ({os.cpu_count()} cores)"
    found = []
    for path, goal in ((parquet, 8.0), (text, 3.0)):
        kind = path.suffix[1:]
        ours, workload = partial(profile, path), f"{size}, {kind}"
        calls = f"SUMMARIZE of {path.name!r}", f"scan_{kind}({path.name!r}).describe()"
        found += [
            Row(f"{kind}, DuckDB", workload, calls[0], ours, partial(summarize, path), equal_to_duckdb(data), goal),
            Row(f"{kind}, polars", workload, calls[1], ours, partial(describe, path), equal_to_polars(data), 1.2),
        ]
        if "--memory" in sys.argv:
            print(f"{kind}: ours adds {peak_of(ours):,.0f} MiB")
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        versions = ("fiftytwo", "numpy", "pyarrow", "duckdb", "polars", "numba")
        main("profile_table", rows(Path(temporary)), versions, pairs=PAIRS, threads=os.cpu_count() or 1)
