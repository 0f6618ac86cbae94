"""Ours beside a peer: the same work, in turn, in one run.

A benchmark states its workload, the peer's exact call, and the equality that makes the comparison fair.
Ours and the peer's calls are interleaved (A B A B ...) after a warm-up of each, so that a busy moment of the
machine hits both; what is compared is the ratio of each pair. When the equality fails no ratio is printed.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from fiftytwo.machine import installed, machine
from mltoolkit.io import atomic_write

RESULTS = Path(__file__).parent / "results"
PAIRS = 9


@dataclass(frozen=True)
class Row:
    """One comparison.

    ``ours`` and ``peer`` do the work once and return its result; ``equal`` takes both results and returns
    an empty string, or what differs. ``goal`` is the least ratio of the peer's time to ours; a row
    without one explains another.
    """

    name: str
    workload: str
    peer_call: str
    ours: Callable[[], Any]
    peer: Callable[[], Any]
    equal: Callable[[Any, Any], str]
    goal: float | None = None


@dataclass(frozen=True)
class Result:
    """What was measured. Ratios are the peer's time over ours: above 1, ours is faster."""

    name: str
    workload: str
    peer: str
    goal: float | None
    difference: str
    cold_seconds: tuple[float, float]  # first call of ours and of the peer
    seconds: tuple[tuple[float, float], ...]
    ratio_median: float | None
    ratio_least: float | None


def measure(row: Row, pairs: int = PAIRS, threads: int = 1) -> Result:
    """Run one comparison, on one thread a side unless the benchmark says otherwise."""
    with threadpool_limits(threads):
        cold_ours, mine = _timed(row.ours)
        cold_peer, theirs = _timed(row.peer)
        difference = row.equal(mine, theirs)
        times = [] if difference else [(_timed(row.ours)[0], _timed(row.peer)[0]) for _ in range(pairs)]
    ratios = [peer / ours for ours, peer in times]
    return Result(
        row.name,
        row.workload,
        row.peer_call,
        row.goal,
        difference,
        (cold_ours, cold_peer),
        tuple(times),
        statistics.median(ratios) if ratios else None,
        min(ratios) if ratios else None,
    )


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def main(name: str, rows: Sequence[Row], versions: Sequence[str], *, pairs: int = PAIRS, threads: int = 1) -> None:
    """Run the comparisons, print them, and keep them as ``results/NAME.json``; exit 1 when an equality fails."""
    results = [measure(row, pairs, threads) for row in rows]
    record: Mapping[str, Any] = {
        "benchmark": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "threads": threads,
        "machine": asdict(machine()),
        "openblas_coretype": os.environ.get("OPENBLAS_CORETYPE", ""),
        "versions": {distribution: installed(distribution) for distribution in versions},
        "rows": [asdict(result) for result in results],
    }
    atomic_write(RESULTS / f"{name}.json", json.dumps(record, indent=1) + "\n")
    _print(results)
    sys.exit(any(result.difference for result in results))


def _print(results: Sequence[Result]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("what", "ours", "peer", "ratio (median)", "least", "goal"):
        table.add_column(title, justify="left" if title == "what" else "right")
    for result in results:
        if result.ratio_median is None or result.ratio_least is None:
            table.add_row(result.name, "", "", f"not equal: {result.difference}", "", "")
            continue
        ours, peer = (statistics.median(pair[i] for pair in result.seconds) for i in (0, 1))
        verdict = ""
        if result.goal is not None:
            verdict = f"{result.goal:g} x, {'met' if result.ratio_median >= result.goal else 'missed'}"
        table.add_row(
            result.name,
            f"{1000 * ours:.0f} ms",
            f"{1000 * peer:.0f} ms",
            f"{result.ratio_median:.2f} x",
            f"{result.ratio_least:.2f} x",
            verdict,
        )
    Console(highlight=False).print(table)
