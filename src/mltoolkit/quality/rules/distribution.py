"""Rules about a column as a whole: extremes, moments, quantiles, how many different values.

What several rules need of one column (its moments, its distinct values) is gathered once.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltoolkit.quality.rules.numbers_kept import KeptNumbers
from mltoolkit.quality.rules.rowwise import as_moment, strictness, within
from mltoolkit.quality.rules.suite import Rule
from mltoolkit.quality.rules.uniqueness import Distinct
from mltoolkit.quality.rules.verdicts import Gathered, Offenders, Rescan, Verdict, Views
from mltoolkit.quality.rules.views import ColumnView
from mltoolkit.quality.rules.wording import about_whole, figure, not_comparable

_CLOSE = 1e-4  # Great Expectations takes a quantile this near to a bound, relatively, as on it


class Moments:
    """Count, sum, mean and spread of a column's numbers, and the values that are none.

    Batches are merged by the formula of Chan, Golub and LeVeque (1979).
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self.count = 0
        self.total: Any = 0
        self.mean = self.squares = 0.0
        self.strays = 0
        self.offenders = Offenders([column])
        self.kept: KeptNumbers | None = None

    def update(self, views: Views, lines: NDArray[np.int64]) -> None:
        """Take in a batch."""
        numbers = numbers_of(self, views, lines)
        if not len(numbers):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            whole = numbers.dtype == np.int64
            self.total = self.total + (_exact_sum(numbers) if whole else float(numbers.sum()))
            values = numbers.astype(np.float64, copy=False)
            n, mean = len(values), float(values.mean())
            delta, both = mean - self.mean, self.count + n
            self.squares += float(((values - mean) ** 2).sum()) + delta * delta * (self.count * n / both)
            self.mean += delta * (n / both)
            self.count = both
        if self.kept is not None:
            self.kept.add(values)

    def observed(self, what: str) -> float | int | None:
        """The mean, sum, standard deviation (divisor n - 1) or median; None where there is none."""
        if not self.count:
            return 0 if what == "sum" else None
        if what == "mean":
            # The sum of integers is exact, so their mean is rounded once.
            return float(self.total / self.count) if isinstance(self.total, int) else self.mean
        if what == "sum":
            return self.total  # type: ignore[no-any-return]
        if what == "median":
            assert self.kept is not None
            return self.kept.median()
        with np.errstate(invalid="ignore"):
            return None if self.count < 2 else float(np.sqrt(self.squares / (self.count - 1)))


def _exact_sum(numbers: NDArray[np.int64]) -> int:
    bound = int(np.abs(numbers.astype(np.float64)).max())
    return int(numbers.sum()) if bound * len(numbers) < 2**62 else sum(numbers.tolist())


def numbers_of(keeper: Any, views: Views, lines: NDArray[np.int64]) -> NDArray[Any]:
    """The numbers of a batch; what is none is counted and noted at ``keeper``."""
    view = views[keeper.column]
    if view.is_number is None:
        return view.numbers if view.missing is None else view.numbers[~view.missing]
    present = np.ones(view.n, dtype=bool) if view.missing is None else ~view.missing
    strays = present & ~view.is_number
    if strays.any():
        keeper.strays += int(np.count_nonzero(strays))
        keeper.offenders.add(views, lines, strays)
    return view.numbers[present & view.is_number]


def failed_for_strays(rule: Rule, keeper: Any, considered: int) -> Verdict:
    """The verdict where some values are no numbers, or no dates."""
    message = not_comparable(rule, keeper.strays, keeper.offenders.values)
    offenders = keeper.offenders
    return Verdict(
        rule, False, keeper.strays, considered, None, message, tuple(offenders.rows), tuple(offenders.values)
    )


def judged(rule: Rule, observed: Any, considered: int, right: bool, message: str = "") -> Verdict:
    """The verdict of a rule about a whole."""
    if right:
        return Verdict(rule, True, 0, considered, observed)
    return Verdict(rule, False, considered, considered, observed, message or about_whole(rule, observed))


class Moment(Gathered):
    """The mean, median, standard deviation or sum lies within bounds."""

    def __init__(self, rule: Rule, moments: Moments) -> None:
        self.rule = rule
        self._moments = moments
        self._what = rule.rule.removeprefix("column_").removesuffix("_to_be_between")
        if self._what == "median" and moments.kept is None:
            moments.kept = KeptNumbers()

    def verdict(self, _: int, __: Rescan) -> Verdict:
        """Judge the observed value."""
        moments = self._moments
        if moments.strays:
            return failed_for_strays(self.rule, moments, moments.count + moments.strays)
        observed = moments.observed(self._what)
        if observed is not None and math.isnan(observed):
            observed = None
        return judged(self.rule, observed, moments.count, _within(self.rule.arguments, observed))


def _within(arguments: Mapping[str, Any], observed: Any) -> bool:
    if observed is None:
        return False
    return bool(within(observed, arguments.get("min_value"), arguments.get("max_value"), *strictness(arguments)))


class Quantiles(Gathered):
    """Each of some quantiles lies within its range."""

    def __init__(self, rule: Rule, moments: Moments) -> None:
        self.rule = rule
        self._moments = moments
        if moments.kept is None:
            moments.kept = KeptNumbers()

    def verdict(self, _: int, __: Rescan) -> Verdict:
        """Judge the quantiles."""
        moments = self._moments
        if moments.strays:
            return failed_for_strays(self.rule, moments, moments.count + moments.strays)
        ranges = self.rule.arguments["quantile_ranges"]
        if not moments.count:
            return judged(self.rule, None, 0, False, "there is no number of which to tell the quantiles")
        assert moments.kept is not None
        shares = np.array(ranges["quantiles"], dtype=np.float64)
        observed = moments.kept.quantiles(shares).tolist()
        wrong = [
            f"the quantile at {share:g} is {figure(value)}; expected {figure(low)} to {figure(high)}"
            for share, value, (low, high) in zip(ranges["quantiles"], observed, ranges["value_ranges"], strict=True)
            if not (low <= value <= high or _is_close(value, low) or _is_close(value, high))
        ]
        return judged(self.rule, observed, moments.count, not wrong, "; ".join(wrong))


def _is_close(value: float, bound: float) -> bool:
    return math.isfinite(bound) and abs(value - bound) <= _CLOSE * abs(bound)


class Extreme:
    """The smallest or the largest value lies within bounds, which are numbers, dates or texts."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.column = rule.columns[0]
        self.strays = self._considered = 0
        self.offenders = Offenders([self.column])
        self._least = rule.rule == "column_min_to_be_between"
        bound = rule.arguments.get("min_value", rule.arguments.get("max_value"))
        self._of = "date" if isinstance(bound, datetime.date) else "text" if isinstance(bound, str) else "number"
        self._observed: Any = None

    def update(self, views: Views, lines: NDArray[np.int64]) -> None:
        """Take in a batch."""
        view = views[self.column]
        self._considered += view.present
        if not view.present:
            return
        if self._of == "text" and view.kind == "date":
            self._of = "date"
        if self._of == "text":
            self._update_texts(view)
            return
        values = numbers_of(self, views, lines) if self._of == "number" else self._dates(views, lines)
        if len(values):
            extreme = values.min() if self._least else values.max()
            if self._observed is None or (extreme < self._observed if self._least else extreme > self._observed):
                self._observed = extreme

    def _dates(self, views: Views, lines: NDArray[np.int64]) -> NDArray[np.datetime64]:
        view = views[self.column]
        none = np.isnat(view.dates)
        strays = none if view.missing is None else none & ~view.missing
        if strays.any():
            self.strays += int(np.count_nonzero(strays))
            self.offenders.add(views, lines, strays)
        return view.dates[~none]

    def _update_texts(self, view: ColumnView) -> None:
        found = pc.min_max(view.filled_cells)["min" if self._least else "max"].as_py()
        if found is not None and (
            self._observed is None or (found < self._observed if self._least else found > self._observed)
        ):
            self._observed = found

    def verdict(self, _: int, __: Rescan) -> Verdict:
        """Judge the extreme."""
        if self.strays:
            return failed_for_strays(self.rule, self, self._considered)
        observed = self._observed
        bounds: dict[str, Any] = dict(self.rule.arguments)
        if self._of == "date":
            bounds |= {key: as_moment(bounds.get(key)) for key in ("min_value", "max_value")}
        right = _within(bounds, observed)
        if isinstance(observed, np.datetime64):
            observed = observed.astype("datetime64[us]").item()
        elif isinstance(observed, np.generic):
            observed = observed.item()
        return judged(self.rule, observed, self._considered, right)


class DistinctCount(Gathered):
    """How many different values there are, or their share of all, lies within bounds."""

    def __init__(self, rule: Rule, distinct: Distinct) -> None:
        self.rule = rule
        self._distinct = distinct

    def verdict(self, _: int, rescan: Rescan) -> Verdict:
        """Judge the number or the share."""
        self._distinct.settle(rescan)
        total = self._distinct.store.total
        observed: float = self._distinct.store.distinct()
        if "proportion" in self.rule.rule:
            observed = observed / total if total else 0
        return judged(self.rule, observed, total, _within(self.rule.arguments, observed))


class Present:
    """The share of rows with a value lies within bounds."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._present = 0

    def update(self, views: Views, _: NDArray[np.int64]) -> None:
        """Take in a batch."""
        self._present += views[self.rule.columns[0]].present

    def verdict(self, rows: int, _: Rescan) -> Verdict:
        """Judge the share."""
        observed = self._present / rows if rows else 0.0
        return judged(self.rule, observed, rows, _within(self.rule.arguments, observed))
