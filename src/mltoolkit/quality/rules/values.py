"""Rules about which values a column has, and how often: distinct sets, the most common one, divergence."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mltoolkit.quality.rules.distribution import failed_for_strays, judged, numbers_of
from mltoolkit.quality.rules.keys import Keys, cell_keys, contains
from mltoolkit.quality.rules.rowwise import as_moment
from mltoolkit.quality.rules.suite import Rule
from mltoolkit.quality.rules.uniqueness import Distinct
from mltoolkit.quality.rules.verdicts import Offenders, Rescan, Verdict, Views
from mltoolkit.quality.rules.views import ColumnView
from mltoolkit.quality.rules.wording import listing


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
        numbers = numbers_of(self, views, lines)
        self._count += len(numbers)
        below, above = int((numbers < self._bins[0]).sum()), int((numbers > self._bins[-1]).sum())
        finite = numbers[np.isfinite(numbers)]
        self._histogram += np.concatenate([[below], np.histogram(finite, self._bins)[0], [above]])

    def verdict(self, _: int, rescan: Rescan) -> Verdict:
        """Judge the divergence."""
        if self.strays:
            return failed_for_strays(self.rule, self, self._count + self.strays)
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
