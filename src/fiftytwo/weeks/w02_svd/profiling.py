"""What a decomposition costs: processor time and peak memory by size, rank and solver.

Time is what the process spent on its one thread of linear algebra (``time.process_time``), the least of a few
calls, since a busy machine only ever adds. Memory is the peak of what NumPy and SciPy allocate during one more
call, as Python's ``tracemalloc`` counts it, beyond the matrix that was handed in; work space that a compiled
routine takes from the system itself is not in it.
"""

from __future__ import annotations

import math
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from fiftytwo.machine import machine
from fiftytwo.weeks.w02_svd import figures
from fiftytwo.weeks.w02_svd.cases import with_spectrum
from fiftytwo.weeks.w02_svd.photographs import COLOUR, MIDDLE

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

COLUMNS = ["height", "width", "rank", "solver", "ms", "MiB", "times the matrix"]

_QUICK = ((120, 180), (240, 360), (480, 720))
_FULL = (*_QUICK, (960, 1440), (1920, 2880))
_RANKS = (5, 50)
_SOLVERS = ("gram", "randomized", "svd")
_CALLS = 3
_SVD_UP_TO = 2_000_000  # entries; beyond, a full decomposition takes longer than anybody would wait


def cost_table(lab: Lab) -> pd.DataFrame:
    """Measure every size, rank and solver where the solution lives."""
    sizes = _FULL if lab.full else _QUICK
    cases = [
        (height, width, rank, solver)
        for height, width in sizes
        for rank in _RANKS
        for solver in _SOLVERS
        if solver != "svd" or height * width <= _SVD_UP_TO
    ]
    rows = [(*case, *lab.solution.apply(measure, *case)) for case in lab.progress(cases, "sizes, ranks, solvers")]
    return pd.DataFrame(rows, columns=COLUMNS)


def of_largest(costs: pd.DataFrame, column: str, solver: str, rank: int = _RANKS[0]) -> float:
    """A figure of a solver on the largest size that every solver was tried on."""
    mine = costs[(costs["solver"] == solver) & (costs["rank"] == rank)].set_index(COLUMNS[:2])
    return float(mine.loc[_largest(costs), column])


def report(lab: Lab, costs: pd.DataFrame) -> None:
    """Keep the table, draw it, and write the performance report from it."""
    few, many = _RANKS
    lab.table(
        costs, "Time and memory",
        "Processor time (the least of a few calls) and peak memory of truncated_svd by size, rank and solver.",
    )  # fmt: skip
    lab.figure(
        figures.costs(costs),
        "What it costs",
        "Processor time and peak memory by size. The fastest solver depends on size and rank, which is why auto "
        "looks at both.",
    )
    for solver in ("gram", "randomized"):
        slower = of_largest(costs, "ms", "svd") / of_largest(costs, "ms", solver)
        dearer = of_largest(costs, "ms", solver, many) / of_largest(costs, "ms", solver)
        lab.metric(f"svd over {solver}, time at low rank", slower)
        lab.metric(f"{solver}, time at high over low rank", dearer)
    height, width = _largest(costs)
    lab.document(
        "performance.md.jinja",
        "Performance report",
        calls=_CALLS,
        machine=machine(),
        largest=f"{height} x {width}",
        few=few,
        many=many,
        middle=MIDDLE,
        image=COLOUR,
    )


def _largest(costs: pd.DataFrame) -> tuple[int, int]:
    rows = costs[costs["solver"] == "svd"]
    height, width = rows.loc[(rows["height"] * rows["width"]).idxmax(), COLUMNS[:2]]
    return int(height), int(width)


def measure(solution: Any, height: int, width: int, rank: int, solver: str) -> tuple[float, float, float]:
    """Milliseconds of processor time, peak in MiB, and the peak in sizes of the matrix."""
    rng = np.random.default_rng(0)
    a = with_spectrum(rng, height, width, 100.0 / np.arange(1, min(height, width) + 1))

    def call() -> None:
        solution.truncated_svd(a, rank, solver=solver, random_state=0)

    least = math.inf
    with threadpool_limits(1):
        call()
        for _ in range(_CALLS):
            started = time.process_time()
            call()
            least = min(least, time.process_time() - started)
        tracemalloc.start()
        try:
            call()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    return 1e3 * least, peak / 2**20, peak / a.nbytes
