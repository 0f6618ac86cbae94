"""Rules about a column as a whole: extremes, moments, quantiles, distinct values, divergence.

What several rules need of one column (its moments, its distinct values) is gathered once.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mltoolkit.quality.rules.keys import Keys, cell_keys, contains
from mltoolkit.quality.rules.numbers_kept import KeptNumbers
from mltoolkit.quality.rules.rowwise import as_moment, strictness, within
from mltoolkit.quality.rules.suite import Rule
from mltoolkit.quality.rules.uniqueness import Distinct
from mltoolkit.quality.rules.verdicts import Gathered, Offenders, Rescan, Verdict, Views
from mltoolkit.quality.rules.views import ColumnView
from mltoolkit.quality.rules.wording import about_whole, figure, listing, not_comparable

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
        numbers = _numbers(self, views, lines)
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


def _numbers(keeper: Any, views: Views, lines: NDArray[np.int64]) -> NDArray[Any]:
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


def _failed_for_strays(rule: Rule, keeper: Any, considered: int) -> Verdict:
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
            return _failed_for_strays(self.rule, moments, moments.count + moments.strays)
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
            return _failed_for_strays(self.rule, moments, moments.count + moments.strays)
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
        values = _numbers(self, views, lines) if self._of == "number" else self._dates(views, lines)
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
            return _failed_for_strays(self.rule, self, self._considered)
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


class _ByKeys:
    """A rule about the set of a column's values, which are compared by their keys."""

    def __init__(self, rule: Rule, distinct: Distinct) -> None:
        self.rule = rule
        self._distinct = distinct
        self._kind: pa.DataType | None = None

    def update(self, views: Views, _: NDArray[np.int64]) -> None:
        """Note the column's type; the keys are gathered once for all rules that share them."""
        self._kind = self._kind or _TYPES[views[self.rule.columns[0]].kind]

    def _keys_of(self, value: Any) -> Keys:
        """The keys under which a value may come: more than one for a truth value written as text."""
        kind = self._kind or pa.string()
        if pa.types.is_string(kind):
            text = value.isoformat() if isinstance(value, datetime.date) else str(value)
            spellings = {text, text.lower(), text.upper()} if isinstance(value, bool) else {text}
            view = ColumnView(pa.array(sorted(spellings), pa.string()), split=False)
            return np.unique(cell_keys(view, as_text=self._distinct.as_text[0]))
        if pa.types.is_timestamp(kind):
            moment = as_moment(value) if isinstance(value, str | datetime.date) else None
            return np.array([moment], "datetime64[us]").view(np.uint64) if moment is not None else _NONE
        if isinstance(value, str | datetime.date):
            return _NONE
        if pa.types.is_floating(kind):
            return cell_keys(ColumnView(pa.array([float(value)])))
        whole = int(value) if value == int(value) and abs(value) < 2**63 else None
        return _NONE if whole is None else cell_keys(ColumnView(pa.array([whole]).cast(kind)))


_NONE = np.empty(0, np.uint64)
_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.timestamp("us"),
}


class DistinctSet(_ByKeys):
    """The different values lie in a set, contain it, or are it."""

    def verdict(self, _: int, rescan: Rescan) -> Verdict:
        """Judge by keys: which values never come, and how many others do."""
        self._distinct.settle(rescan)
        values = self.rule.arguments["value_set"]
        keys = [self._keys_of(value) for value in values]
        expected = np.unique(np.concatenate(keys)) if keys else _NONE
        came: Keys = _NONE
        others = 0
        for found, _counts in self._distinct.store.counts():
            hit = contains(expected, found)
            came = np.concatenate([came, found[hit]])
            others += int(np.count_nonzero(~hit))
        came = np.sort(came)
        absent = [value for value, own in zip(values, keys, strict=True) if not contains(came, own).any()]
        wrong = []
        if others and "contain_set" not in self.rule.rule:
            noun = "value is" if others == 1 else "values are"
            wrong.append(f"{others:,} different {noun} not among {listing(values)}")
        if absent and "be_in_set" not in self.rule.rule:
            wrong.append(f"{'never comes' if len(absent) == 1 else 'never come'}: {listing(absent)}")
        total = self._distinct.store.total
        return judged(self.rule, None, total, not wrong, "; ".join(wrong))


class MostCommon(_ByKeys):
    """The most frequent value is one of a set; of several equally frequent ones, with ``ties_okay``, any."""

    def verdict(self, _: int, rescan: Rescan) -> Verdict:
        """Judge by keys."""
        self._distinct.settle(rescan)
        best, count = self._distinct.store.most_common()
        values = self.rule.arguments["value_set"]
        expected = np.unique(np.concatenate([self._keys_of(value) for value in values]))
        hits = int(contains(expected, best).sum())
        right = hits > 0 if self.rule.arguments.get("ties_okay") else len(best) == 1 and hits == 1
        if right or not count:
            return judged(self.rule, None, self._distinct.store.total, right, "there is no value")
        names = self._names(best, rescan)
        what = f"the most frequent value is {names[0]}" if len(best) == 1 else f"most frequent are {', '.join(names)}"
        message = f"{what} ({count:,} times); expected {listing(values)}"
        return judged(self.rule, names, self._distinct.store.total, False, message)

    def _names(self, best: Keys, rescan: Rescan) -> list[str]:
        names: dict[int, str] = {}
        ordered = np.sort(best)
        for views, _ in rescan(self.rule.columns):
            view = views[self.rule.columns[0]]
            keys, considered = self._distinct.keys(views)
            rows = np.arange(view.n) if considered is None else np.flatnonzero(considered)
            hits = np.flatnonzero(contains(ordered, keys))
            _, first = np.unique(keys[hits], return_index=True)
            for i in hits[first]:
                names.setdefault(int(keys[i]), view.example(int(rows[i])))
            if len(names) >= min(len(best), 5):
                break
        return [f"'{name}'" for name in names.values()][:5]


class Divergence(_ByKeys):
    """The Kullback–Leibler divergence of the values from a stated partition stays below a threshold.

    As in Great Expectations: with ``values``, all values that are not stated share ``tail_weight_holdout``; with
    ``bins``, so do the two tails, unless ``tail_weights`` are stated.
    """

    def __init__(self, rule: Rule, distinct: Distinct | None) -> None:
        self.rule = rule
        self._kind = None
        self.column = rule.columns[0]
        self.strays = self._count = 0
        self.offenders = Offenders([self.column])
        self._partition = rule.arguments["partition_object"]
        if distinct is not None:
            self._distinct = distinct
        else:
            self._bins = np.array(self._partition["bins"], dtype=np.float64)
            self._histogram = np.zeros(len(self._bins) + 1, dtype=np.int64)

    def update(self, views: Views, lines: NDArray[np.int64]) -> None:
        """Take in a batch."""
        if "values" in self._partition:
            super().update(views, lines)
            return
        numbers = _numbers(self, views, lines)
        self._count += len(numbers)
        below, above = int((numbers < self._bins[0]).sum()), int((numbers > self._bins[-1]).sum())
        finite = numbers[np.isfinite(numbers)]
        self._histogram += np.concatenate([[below], np.histogram(finite, self._bins)[0], [above]])

    def verdict(self, _: int, rescan: Rescan) -> Verdict:
        """Judge the divergence."""
        if self.strays:
            return _failed_for_strays(self.rule, self, self._count + self.strays)
        observed, expected = self._by_value(rescan) if "values" in self._partition else self._by_bin()
        if not self._count:
            return judged(self.rule, None, 0, False, "there is no value to compare with the partition")
        divergence = _divergence(observed / observed.sum(), expected / expected.sum())
        threshold = self.rule.arguments["threshold"]
        message = (
            "a value comes that the partition gives no weight"
            if math.isinf(divergence)
            else f"the divergence from the partition is {divergence:.4g}; expected at most {threshold:g}"
        )
        return judged(self.rule, divergence, self._count, divergence <= threshold, message)

    def _by_bin(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        tail = float(self.rule.arguments.get("tail_weight_holdout", 0.0))
        inner = float(self.rule.arguments.get("internal_weight_holdout", 0.0))
        weights = np.array(self._partition["weights"], dtype=np.float64) * (1.0 - tail - inner)
        zeros = weights == 0.0
        if inner and zeros.any():
            weights[zeros] = inner / zeros.sum()
        tails = self._partition.get("tail_weights", [tail / 2, tail / 2])
        return self._histogram.astype(np.float64), np.concatenate([[tails[0]], weights, [tails[1]]])

    def _by_value(self, rescan: Rescan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        self._distinct.settle(rescan)
        self._count = self._distinct.store.total
        tail = float(self.rule.arguments.get("tail_weight_holdout", 0.0))
        keys = [self._keys_of(value) for value in self._partition["values"]]
        place = {int(key): i for i, own in enumerate(keys) for key in own}
        expected = np.sort(np.array(list(place), dtype=np.uint64))
        observed = np.zeros(len(keys))
        others: list[NDArray[np.int64]] = []
        for found, counts in self._distinct.store.counts():
            hit = contains(expected, found)
            for key, count in zip(found[hit].tolist(), counts[hit].tolist(), strict=True):
                observed[place[key]] += count
            others.append(counts[~hit])
        rest = np.concatenate(others).astype(np.float64) if others else np.empty(0)
        weights = np.array(self._partition["weights"], dtype=np.float64)
        if not len(rest):
            return observed, weights
        weights = np.concatenate([weights * (1.0 - tail), np.full(len(rest), tail / len(rest))])
        return np.concatenate([observed, rest]), weights


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Kullback–Leibler divergence in nats; infinite where q is zero and p is not."""
    some = p > 0.0
    if (q[some] == 0.0).any():
        return math.inf
    return float(np.sum(p[some] * np.log(p[some] / q[some])))
