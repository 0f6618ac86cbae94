"""The benchmark results of the checkout: how often ours is as fast as the peer, on a scale of tenfold steps."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"


@dataclass(frozen=True)
class Bar:
    """One comparison: ``ratio`` is the peer's time over ours, so above 1 ours is faster; ``None`` when not equal.

    A comparison without a ``goal`` explains another one.
    """

    name: str
    workload: str
    peer: str
    goal: float | None
    ratio: float | None
    least: float | None
    difference: str

    @property
    def met(self) -> bool:
        """Whether the goal was met."""
        return self.ratio is not None and self.goal is not None and self.ratio >= self.goal


@dataclass(frozen=True)
class Benchmark:
    """One file of results."""

    name: str
    date: str
    machine: str
    bars: tuple[Bar, ...]

    @property
    def title(self) -> str:
        """The name as a heading: ``"profile table"``, ``"PCA"``."""
        return self.name.upper() if len(self.name) <= 3 else self.name.replace("_", " ")


@dataclass(frozen=True)
class Scale:
    """A logarithmic scale from ``low`` to ``high``, both powers of ten; positions are per cent of its width."""

    low: int
    high: int

    @property
    def ticks(self) -> list[tuple[str, float]]:
        """Label and position of each power of ten."""
        return [(_times(power), self.at(10.0**power)) for power in range(self.low, self.high + 1)]

    def at(self, ratio: float) -> float:
        """Where a ratio lies."""
        share = (math.log10(ratio) - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)


def _times(power: int) -> str:
    return f"{10 ** (power - 3)}k×" if power >= 3 else f"{10.0**power:g}×"


def read_results(folder: Path = RESULTS) -> tuple[list[Benchmark], list[str]]:
    """Every result in a folder by name, and a line on each file that cannot be read."""
    found, faults = [], []
    for file in sorted(folder.glob("*.json")):
        try:
            found.append(_benchmark(json.loads(file.read_text("utf-8"))))
        except (OSError, ValueError, KeyError, TypeError) as error:
            faults.append(f"{file.name} cannot be read: {type(error).__name__}: {error}")
    return found, faults


def scale(benchmarks: Sequence[Benchmark]) -> Scale:
    """The scale that holds every ratio and every goal."""
    values = [value for value in _values(benchmarks) if value > 0 and math.isfinite(value)]
    if not values:
        return Scale(-1, 1)
    return Scale(min(-1, math.floor(math.log10(min(values)))), max(1, math.ceil(math.log10(max(values)))))


def _values(benchmarks: Sequence[Benchmark]) -> Iterator[float]:
    for benchmark in benchmarks:
        for bar in benchmark.bars:
            yield from (value for value in (bar.goal, bar.ratio) if value is not None)


def _benchmark(record: dict[str, Any]) -> Benchmark:
    machine = record["machine"]
    rows = [
        Bar(
            row["name"], row["workload"], row["peer"], row["goal"],
            row["ratio_median"], row["ratio_least"], row["difference"],
        )
        for row in record["rows"]
    ]  # fmt: skip
    text = f"{machine['processor']}, {machine['cores']} cores"
    return Benchmark(record["benchmark"], record["date"], text, tuple(rows))
