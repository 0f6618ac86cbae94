"""Week 4: ten rules on five million rows, from a Parquet file, beside DuckDB, pandera and Great Expectations.

The rules are those that a shop would write: no gap, a key, ranges, a category, a code's form, lengths, dates in their
order, a mean. Every side counts the rows that break each rule; equal means the same ten counts (and the same mean).
DuckDB answers in one SELECT from the same file. pandera and Great Expectations work on frames, so theirs are read
into memory before the clock starts: the comparison is in their favour. Great Expectations is given a fifth of the
rows, since it takes several gigabytes for all of them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness import Row, main
from mltoolkit.quality import Suite, load_rules, validate

os.environ["GX_ANALYTICS_ENABLED"] = "false"
ROWS = int(os.environ.get("ROWS", "5_000_000"))
PAIRS = 5  # Great Expectations takes its time
RULES = """
[[rule]]
rule = "column_values_to_not_be_null"
column = "customer"
[[rule]]
rule = "column_values_to_be_unique"
column = "id"
[[rule]]
rule = "column_values_to_be_between"
column = "amount"
min_value = 0
max_value = 500
[[rule]]
rule = "column_values_to_be_between"
column = "quantity"
min_value = 1
max_value = 20
[[rule]]
rule = "column_values_to_be_in_set"
column = "country"
value_set = ["AT", "DE", "DK", "FR", "IT", "NO"]
[[rule]]
rule = "column_values_to_match_regex"
column = "code"
regex = '^[A-Z]{2}-[0-9]{4}$'
[[rule]]
rule = "column_value_lengths_to_be_between"
column = "city"
min_value = 2
max_value = 12
[[rule]]
rule = "column_values_to_be_between"
column = "ordered"
min_value = 2020-01-01
max_value = 2024-12-31
[[rule]]
rule = "column_pair_values_a_to_be_greater_than_b"
column_A = "shipped"
column_B = "ordered"
or_equal = true
ignore_row_if = "either_value_is_missing"
[[rule]]
rule = "column_mean_to_be_between"
column = "score"
min_value = -0.01
max_value = 0.01
"""
SQL = """
select
  count(*) - count(customer),
  (select coalesce(sum(n), 0) from (select count(*) n from t where id is not null group by id having count(*) > 1)),
  count(*) filter (where not (amount between 0 and 500)),
  count(*) filter (where not (quantity between 1 and 20)),
  count(*) filter (where country not in ('AT', 'DE', 'DK', 'FR', 'IT', 'NO')),
  count(*) filter (where not regexp_matches(code, '^[A-Z]{2}-[0-9]{4}$')),
  count(*) filter (where not (length(city) between 2 and 12)),
  count(*) filter (where not (ordered between timestamp '2020-01-01' and timestamp '2024-12-31')),
  count(*) filter (where shipped < ordered),
  avg(score)
from t
"""


def made(path: Path, n: int) -> Path:
    """The table: n rows of 12 columns, of which ten are asked about, with faults in some."""
    rng = np.random.default_rng(0)
    day = np.datetime64("2020-01-01", "us") + rng.integers(0, 1826, n).astype("timedelta64[D]")
    codes = np.array([f"{a}{b}-{k:04d}" for a in "AB" for b in "XY" for k in range(2500)], dtype=object)
    cities = ["Oslo", "Bergen", "Roma", "Wien", "Berlin", "Aarhus", "Lyon", "Trondheim"]
    table = pa.table(
        {
            "id": np.arange(n),
            "customer": pa.array(rng.integers(0, n // 5, n), mask=rng.random(n) < 0.001),
            "amount": rng.gamma(2.0, 40.0, n).round(2),
            "quantity": rng.integers(1, 21, n),
            "country": pa.array(rng.choice(["AT", "DE", "DK", "FR", "IT", "NO", "XX"], n, p=[*[0.1665] * 6, 0.001])),
            "code": pa.array(rng.choice(codes, n)),
            "city": pa.array(rng.choice(cities, n)),
            "ordered": day,
            "shipped": day + rng.integers(-1, 30, n).astype("timedelta64[D]"),
            "score": rng.normal(size=n),
            "weight": rng.random(n),
            "paid": rng.random(n) < 0.9,
        }
    )
    pq.write_table(table, path)
    return path


def same(ours: tuple[Any, ...], peer: tuple[Any, ...]) -> str:
    """Whether nine counts agree and the means do to ten digits."""
    if ours[:9] != peer[:9]:
        return f"{ours} and {peer}"
    return "" if abs(ours[9] - peer[9]) <= 1e-10 else f"means {ours[9]} and {peer[9]}"


def ours_from(source: Any, suite: Suite) -> tuple[Any, ...]:
    """Ten verdicts as nine counts and a mean."""
    verdicts = validate(source, suite)
    return (*(verdict.count for verdict in verdicts[:9]), verdicts[9].observed)


def by_duckdb(path: Path) -> tuple[Any, ...]:
    """One SELECT from the file."""
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    connection.execute(f"create view t as select * from read_parquet('{path}')")  # noqa: S608 (our own path)
    return tuple(connection.execute(SQL).fetchone() or ())


def by_pandera(frame: Any) -> tuple[Any, ...]:
    """The same expressions as pandera's checks; the counts are those of its failure cases."""
    import pandera.polars as pandera
    import polars as pl
    from pandera.errors import SchemaErrors

    def column(*checks: Any, **options: Any) -> Any:
        return pandera.Column(checks=list(checks), nullable=options.pop("nullable", True), **options)

    later = pandera.Check(lambda data: data.lazyframe.select(pl.col("shipped") >= pl.col("ordered")), name="later")
    schema = pandera.DataFrameSchema(
        {
            "customer": column(nullable=False),
            "id": column(unique=True),
            "amount": column(pandera.Check.in_range(0, 500)),
            "quantity": column(pandera.Check.in_range(1, 20)),
            "country": column(pandera.Check.isin(["AT", "DE", "DK", "FR", "IT", "NO"])),
            "code": column(pandera.Check.str_matches("^[A-Z]{2}-[0-9]{4}$")),
            "city": column(pandera.Check.str_length(2, 12)),
            "ordered": column(pandera.Check.in_range(pd.Timestamp("2020-01-01"), pd.Timestamp("2024-12-31"))),
        },
        checks=[later],
    )
    mean = frame["score"].mean()
    counts = dict.fromkeys([*schema.columns, "later"], 0)
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        for error in errors.schema_errors:
            failures = error.failure_cases
            name = "later" if error.schema.name not in counts else error.schema.name
            counts[name] = len(failures) if hasattr(failures, "__len__") else 1
    return (*counts.values(), mean)


class GreatExpectations:
    """The exported suite on a frame of pandas."""

    def __init__(self, frame: pd.DataFrame, suite: Suite) -> None:
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset = context.data_sources.add_pandas("source").add_dataframe_asset("asset")
        self.batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
        self.suite = gx.ExpectationSuite(**suite.to_gx())

    def __call__(self) -> tuple[Any, ...]:
        """Ten results as nine counts and a mean."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = self.batch.validate(self.suite).results
        return (*(result.result["unexpected_count"] for result in results[:9]), results[9].result["observed_value"])


if __name__ == "__main__":
    import polars as pl

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    if os.environ.get("POLARS_MAX_THREADS") != "1":
        sys.exit("run with POLARS_MAX_THREADS=1: polars takes its threads when it is imported")
    with tempfile.TemporaryDirectory() as folder:
        path = made(Path(folder) / "orders.parquet", ROWS)
        fifth = made(Path(folder) / "fifth.parquet", ROWS // 5)
        suite = load_rules(RULES)
        polars_frame = pl.read_parquet(path)
        expectations = GreatExpectations(pd.read_parquet(fifth), suite)
        shape, small = f"{ROWS:,} x 12", f"{ROWS // 5:,} x 12"
        rows = [
            Row("ten rules, from Parquet", f"{shape}, one Parquet file", "DuckDB, one SELECT from the file",
                lambda: ours_from(path, suite), lambda: by_duckdb(path), same, goal=2.0),
            Row("ten rules, beside pandera", f"{shape}; theirs in memory, ours from Parquet",
                "pandera.polars DataFrameSchema.validate(lazy=True) on a frame in memory",
                lambda: ours_from(path, suite), lambda: by_pandera(polars_frame), same, goal=1.0),
            Row("ten rules, beside Great Expectations", f"{small}; theirs in memory, ours from Parquet",
                "ExpectationSuite on a pandas frame in memory",
                lambda: ours_from(fifth, suite), expectations, same, goal=2.0),
        ]  # fmt: skip
        versions = ("fiftytwo", "pyarrow", "duckdb", "pandera", "polars", "great-expectations", "pandas")
        main("rules", rows, versions, pairs=PAIRS)
