"""Training/serving skew: which columns mean something else where the model is served than where it was trained.

Two samples of rows that should come from one population (the same period, the same customers): the table that the
model was trained on, and what the service was handed. Each column gets two tests, whether as much is missing, and
whether the values that are there are distributed alike; times get a third, of the time of day. All tests of a report
share one error rate (Bonferroni), so that a report on clean samples raises an alarm as rarely as it says. Only then is
a name given to what was found:

- *missingness*: another share of missing values, or no column at all;
- *scale*: numbers that agree after a factor or a shift, such as cents for euros;
- *encoding*: categories under other names, other spellings, or numbers that arrive as texts;
- *time*: dates that are shifted, such as by a time zone, or that stop (stale);
- *distribution*: different in a way that none of these explains: perhaps the world has changed.

References
----------
Breck, E. et al. (2019). Data validation for machine learning. MLSys.
Rabanser, S., Günnemann, S., Lipton, Z. (2019). Failing loudly: an empirical study of methods for detecting dataset
shift. NeurIPS.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, fisher_exact, kstwo

from mltoolkit.errors import BadInput
from mltoolkit.tabular.columns import Table, frame_kind

Gaps = tuple[NDArray[np.bool_], NDArray[np.bool_]]

_FEWEST = 20  # rows on either side, below which a comparison says nothing
_EXPECTED = 5.0  # rows of a category on either side, below which the chi-square approximation is poor
_ALIGNED = 0.01  # level of the test that an explanation explains
_UNITS = tuple(
    unit**sign for unit in (2.0, 7.0, 12.0, 24.0, 30.0, 52.0, 60.0, 365.0, 3_600.0, 86_400.0) for sign in (1, -1)
)
_UNEXPLAINED = (
    "Compare the code of both paths on the same rows; if they agree, the world has changed: consider refitting."
)


@dataclass(frozen=True)
class Skew:
    """One column that differs.

    Attributes
    ----------
    column : str
    kind : {"missingness", "scale", "encoding", "time", "distribution"}
    figure : float
        The size: difference of shares for missingness, factor for scale (or 1 when it is a shift), share of online
        rows concerned for encoding, shift in hours for time (negative when online is earlier), the largest difference
        of the distribution functions for distribution.
    found : str
        The finding in words.
    action : str
        What to do about it.
    p_value : float
        Before Bonferroni's correction; 0 for what needs no test.
    """

    column: str
    kind: str
    figure: float
    found: str
    action: str
    p_value: float


@dataclass(frozen=True)
class SkewReport:
    """What was found, in the order of the columns, and how many tests were made at which level each."""

    skews: tuple[Skew, ...]
    n_tests: int
    level: float

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.skews

    def to_frame(self) -> pd.DataFrame:
        """One row for each finding."""
        columns = ["column", "kind", "figure", "found", "action", "p_value"]
        return pd.DataFrame([[getattr(skew, name) for name in columns] for skew in self.skews], columns=columns)

    def __str__(self) -> str:
        lines = [f"{skew.column}: {skew.kind}: {skew.found} {skew.action}" for skew in self.skews]
        return "\n".join(lines) or f"no skew in {self.n_tests} tests at level {self.level:.2g} each"


def skew_report(offline: Any, online: Any, *, alpha: float = 0.01, tolerance: float = 0.01) -> SkewReport:
    """Compare the rows that a model was trained on with the rows that it is served.

    Parameters
    ----------
    offline, online : pandas.DataFrame, polars.DataFrame or ndarray of shape (n, d)
        Rows of the same period and population, at least 20 on each side. Columns are compared by name; those that
        only ``online`` has are left alone.
    alpha : float, default 0.01
        How often a report on two clean samples may raise any alarm at all, above 0 and below 1.
    tolerance : float, default 0.01
        Differences of shares and of distribution functions up to this are not reported, however certain.

    Returns
    -------
    SkewReport

    Raises
    ------
    BadInput
        When there are too few rows, no common column, or a parameter is out of its range; all of these at once.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> offline = pd.DataFrame({"amount": rng.lognormal(3, 1, 500), "age": rng.normal(40, 9, 500)})
    >>> online = pd.DataFrame({"amount": 100 * rng.lognormal(3, 1, 500), "age": rng.normal(40, 9, 500)})
    >>> [(skew.column, skew.kind) for skew in skew_report(offline, online).skews]
    [('amount', 'scale')]
    """
    one, other = _tables(offline, online, alpha, tolerance)
    common = [name for name in one.names if name in other.names]
    # A column without a gap on either side is not tested for gaps: that test could never raise an alarm.
    gaps = {name: (_missing(one, name), _missing(other, name)) for name in common}
    n_tests = max(1, sum(1 + (one.type_of(n) == "time") + bool(a.any() or b.any()) for n, (a, b) in gaps.items()))
    level = alpha / n_tests
    skews: list[Skew] = []
    for name in one.names:
        if name in gaps:
            skews += _compared(one, other, name, gaps[name], level, tolerance)
        else:
            absent = "the column is not there online."
            skews.append(Skew(name, "missingness", 1.0, absent, "Send it, or train without it.", 0.0))
    return SkewReport(tuple(skews), n_tests, level)


def _tables(offline: Any, online: Any, alpha: Any, tolerance: Any) -> tuple[Table, Table]:
    faults, tables = [], []
    for name, source in (("offline", offline), ("online", online)):
        if frame_kind(source) == "array":
            source = np.asarray(source)
            if source.ndim != 2:
                faults.append(f"{name} has {source.ndim} dimensions, expected a frame or 2")
                continue
        if len(source) < _FEWEST:
            faults.append(f"{name} has {len(source)} rows, expected at least {_FEWEST}")
        tables.append(Table(source))
    if len(tables) == 2 and not set(tables[0].names) & set(tables[1].names):
        faults.append("offline and online have no column in common")
    if not 0 < alpha < 1:
        faults.append(f"alpha={alpha!r} is not between 0 and 1")
    if not 0 <= tolerance < 1:
        faults.append(f"tolerance={tolerance!r} is not in [0, 1)")
    if faults:
        raise BadInput("skew_report: " + "; ".join(faults))
    return tables[0], tables[1]


def _compared(one: Table, other: Table, name: str, missing: Gaps, level: float, tolerance: float) -> Iterator[Skew]:
    kinds = one.type_of(name), other.type_of(name)
    gap = list(_missingness(name, missing, level, tolerance))
    yield from gap
    if any(gone.all() for gone in missing):
        return
    for skew in _values(one, other, name, kinds, missing[1], level, tolerance):
        if not (gap and skew.kind == "distribution"):  # what fills a gap, or what is left beside it
            yield skew


def _values(
    one: Table,
    other: Table,
    name: str,
    kinds: tuple[str, str],
    missing: NDArray[np.bool_],
    level: float,
    tolerance: float,
) -> Iterator[Skew]:
    if kinds[0] != kinds[1]:
        yield _other_type(name, kinds, other, missing)
    elif kinds[0] == "category":
        yield from _categories(name, one.codes(name), other.codes(name), level, tolerance)
    else:
        read = _instants if kinds[0] == "time" else _numbers
        yield from _ordered(name, kinds[0], read(one, name), read(other, name), level, tolerance)


def _missing(table: Table, name: str) -> NDArray[np.bool_]:
    if table.type_of(name) == "number":
        return np.isnan(table.select([name]).numbers()[:, 0])
    return table.codes(name)[0] < 0


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    """Numbers that are there, sorted; infinity stands at the ends of what a float can hold."""
    values = table.select([name]).numbers()[:, 0]
    return np.sort(np.clip(values[~np.isnan(values)], -1e300, 1e300))


def _instants(table: Table, name: str) -> NDArray[np.float64]:
    """Times as hours since 1970, in UTC where they know their zone."""
    column = table.column(name)
    times = pd.Series(column.to_list() if table.kind == "polars" else np.asarray(column, dtype=object))
    stamps = pd.to_datetime(times, utc=True).dropna().astype("datetime64[us, UTC]")
    return np.sort(stamps.astype("int64").to_numpy() / 3.6e9)


def _missingness(name: str, missing: Gaps, level: float, tolerance: float) -> Iterator[Skew]:
    """Fisher's exact test of the shares."""
    counts = [[int(gone.sum()), int((~gone).sum())] for gone in missing]
    shares = [gone / (gone + there) for gone, there in counts]
    p = float(fisher_exact(counts).pvalue)
    if p > level or abs(shares[1] - shares[0]) <= tolerance:
        return
    where = "online" if shares[1] > shares[0] else "offline"
    yield Skew(
        name, "missingness", shares[1] - shares[0],
        f"{shares[0]:.1%} is missing offline and {shares[1]:.1%} online.",
        f"Find out why it is missing {where}: a source that is down or late, or a default that only one side fills in.",
        p,
    )  # fmt: skip


def _other_type(name: str, kinds: tuple[str, str], online: Table, missing: NDArray[np.bool_]) -> Skew:
    return Skew(
        name, "encoding", float(np.mean(~missing)),
        f"a {kinds[0]} offline arrives as a {kinds[1]} online, such as {_example(online, name, missing)}.",
        "Read it with one declared type on both sides.", 0.0,
    )  # fmt: skip


def _example(table: Table, name: str, missing: NDArray[np.bool_]) -> str:
    column = table.column(name)
    return repr(list(column)[int(np.flatnonzero(~missing)[0])])[:40]


def _ordered(
    name: str, kind: str, a: NDArray[np.float64], b: NDArray[np.float64], level: float, tolerance: float
) -> Iterator[Skew]:
    """Kolmogorov and Smirnov's test, and then what would make the samples agree."""
    distance, p = _kolmogorov(a, b)
    if p <= level and distance > tolerance:
        yield _in_time(name, a, b, distance, p) if kind == "time" else _in_scale(name, a, b, distance, p)
    elif kind == "time":
        yield from _in_the_day(name, a % 24.0, b % 24.0, level, tolerance)


def _kolmogorov(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """The largest difference of the distribution functions of two sorted samples, and its p-value.

    Ties make the test careful: the p-value is then too large.
    """
    everything = np.concatenate([a, b])
    gaps = np.searchsorted(a, everything, side="right") / len(a) - np.searchsorted(b, everything, side="right") / len(b)
    distance = float(np.max(np.abs(gaps)))
    size = round(len(a) * len(b) / (len(a) + len(b)))
    return distance, float(np.clip(kstwo.sf(distance, max(size, 1)), 0.0, 1.0))


def _in_scale(name: str, a: NDArray[np.float64], b: NDArray[np.float64], distance: float, p: float) -> Skew:
    (a1, a2, a3), (b1, b2, b3) = (np.percentile(values, [25, 50, 75]) for values in (a, b))
    estimates = []
    if a3 > a1 and b3 > b1:
        estimates += [(b3 - b1) / (a3 - a1), -(b3 - b1) / (a3 - a1)]
    if a2 != 0 and b2 != 0:
        estimates.append(b2 / a2)
    factor = _explaining(a, b, estimates)
    if factor is not None:
        return Skew(
            name, "scale", factor, f"online values are {factor:.4g} times those offline.",
            "Agree on one unit and convert at the source; do not refit around it.", p,
        )  # fmt: skip
    shift = b2 - a2
    if shift != 0 and _kolmogorov(a + shift, b)[1] > _ALIGNED:
        return Skew(
            name, "scale", 1.0, f"online values are those offline {'plus' if shift > 0 else 'minus'} {abs(shift):.4g}.",
            "Look for another zero: a baseline that is subtracted twice, or not at all.", p,
        )  # fmt: skip
    return Skew(
        name, "distribution", distance,
        f"the distributions differ by {distance:.1%}, median {a2:.4g} offline, {b2:.4g} online; no unit explains it.",
        _UNEXPLAINED, p,
    )  # fmt: skip


def _explaining(a: NDArray[np.float64], b: NDArray[np.float64], estimates: list[float]) -> float | None:
    """The factor that turns one sample into the other: a unit that people use where one fits, else an estimate."""
    powers = [float(np.copysign(10.0 ** np.round(np.log10(abs(estimate))), estimate)) for estimate in estimates]
    units = [unit for unit in _UNITS if any(abs(np.log(unit / abs(e))) < 0.25 for e in estimates)]
    rounded = [float(f"{estimate:.1e}") for estimate in estimates]
    for candidates in (powers, units, rounded, estimates):
        fits = [(_kolmogorov(np.sort(a * factor), b), factor) for factor in candidates if factor not in (0.0, 1.0)]
        good = [(distance, factor) for (distance, p), factor in fits if p > _ALIGNED]
        if good:
            return float(min(good)[1])
    return None


def _in_time(name: str, a: NDArray[np.float64], b: NDArray[np.float64], distance: float, p: float) -> Skew:
    shift = float(np.median(b) - np.median(a))
    for hours in (round(shift), round(4 * shift) / 4, shift):
        if hours and _kolmogorov(a + hours, b)[1] > _ALIGNED:
            return Skew(
                name, "time", float(hours), f"online times are {abs(hours):.4g} hours {_when(hours)} than offline.",
                "Keep times in UTC with their zone, and compare one row on both sides.", p,
            )  # fmt: skip
    newest = float(b[-1] - a[-1])
    stuck, usual = (float(np.unique(values, return_counts=True)[1].max() / len(values)) for values in (b, a))
    if newest < 0 and stuck > 2.0 * max(usual, 1.0 / len(b)):
        return Skew(
            name, "time", newest,
            f"the newest time online is {-newest:.4g} hours older than offline, and {stuck:.1%} of the rows have it.",
            "Look for a feed that has stopped or a cache that is not refreshed.", p,
        )  # fmt: skip
    return Skew(
        name, "time", shift,
        f"online times differ from offline by {distance:.1%}: at the median {abs(shift):.4g} hours {_when(shift)}, and "
        f"the newest {abs(newest):.4g} hours {_when(newest)}.",
        "Compare samples of one period; if they are, look for a source that is late or stale.", p,
    )  # fmt: skip


def _in_the_day(
    name: str, a: NDArray[np.float64], b: NDArray[np.float64], level: float, tolerance: float
) -> Iterator[Skew]:
    """A shift of a few hours is nothing in a quarter, but the office opens at another time of day."""
    distance, p = _kolmogorov(np.sort(a), np.sort(b))
    if p > level or distance <= tolerance:
        return
    steps = np.arange(-47, 49) / 4.0
    fits = [_kolmogorov(np.sort((a + step) % 24.0), np.sort(b)) for step in steps]
    best = min(range(len(steps)), key=lambda i: (round(fits[i][0], 3), abs(steps[i])))
    hours = float(steps[best])
    if fits[best][1] > _ALIGNED:
        yield Skew(
            name, "time", hours, f"online times of day are {abs(hours):.4g} hours {_when(hours)} than offline.",
            "Keep times in UTC with their zone, and compare one row on both sides.", p,
        )  # fmt: skip
    else:
        yield Skew(
            name, "time", 0.0, f"times of day differ by {distance:.1%}, and no shift explains it.",
            "Look for times that were cut to the day or filled in on one side.", p,
        )  # fmt: skip


def _when(hours: float) -> str:
    return "later" if hours > 0 else "earlier"


def _categories(name: str, one: Any, other: Any, level: float, tolerance: float) -> Iterator[Skew]:
    """A chi-square test of homogeneity, and then what the names say."""
    keys = list(dict.fromkeys([*one[1], *other[1]]))
    place = {key: i for i, key in enumerate(keys)}
    counts = np.array([_counted(codes, found, place) for codes, found in (one, other)])
    p = _homogeneous(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if p > level or distance <= tolerance:
        return
    new = (counts[0] == 0) & (counts[1] > 0)
    unseen = float(shares[1][new].sum())
    known = {_plain(key): key for key, seen in zip(keys, counts[0], strict=True) if seen}
    spelled = [key for key, is_new in zip(keys, new, strict=True) if is_new and _plain(key) in known]
    respelled = float(sum(shares[1][place[key]] for key in spelled))
    if spelled and respelled >= unseen / 2:
        key = max(spelled, key=lambda key: counts[1][place[key]])
        yield Skew(
            name, "encoding", respelled,
            f"{respelled:.1%} of the online rows spell a known category differently, such as {key!r} for "
            f"{known[_plain(key)]!r}.",
            "Clean texts with the same function on both sides, before they are encoded.", p,
        )  # fmt: skip
    elif unseen > distance / 2:
        key = max((k for k, is_new in zip(keys, new, strict=True) if is_new), key=lambda k: counts[1][place[k]])
        yield Skew(
            name, "encoding", unseen,
            f"{unseen:.1%} of the online rows are in categories never seen offline, such as {key!r}.",
            "Use one table of codes on both sides; if the categories are really new, refit.", p,
        )  # fmt: skip
    elif _homogeneous(np.sort(counts, axis=1)[:, ::-1]) > _ALIGNED:
        yield Skew(
            name, "encoding", distance,
            f"the shares are those offline under other names ({distance:.1%} of the rows): codes seem to be swapped.",
            "Compare the tables of codes of both sides.", p,
        )  # fmt: skip
    else:
        yield Skew(
            name, "distribution", distance, f"{distance:.1%} of the rows would have to change their category.",
            _UNEXPLAINED, p,
        )  # fmt: skip


def _counted(codes: NDArray[np.intp], keys: list[str], place: dict[str, int]) -> NDArray[np.int64]:
    found = np.zeros(len(place), dtype=np.int64)
    found[[place[key] for key in keys]] = np.bincount(codes[codes >= 0], minlength=len(keys))
    return found


def _plain(key: str) -> str:
    """A category without what people change by accident: case, blanks and the separators between words."""
    folded = unicodedata.normalize("NFKC", key).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def _homogeneous(counts: NDArray[np.int64]) -> float:
    """P-value of the hypothesis that two rows of counts, shape (2, k), come from one distribution.

    Categories with too few rows to expect are put together, the rarest first.
    """
    counts = counts[:, counts.sum(axis=0) > 0]
    sizes = counts.sum(axis=1)
    enough = counts.sum(axis=0) * sizes.min() / sizes.sum() >= _EXPECTED
    pooled = np.column_stack([counts[:, enough], counts[:, ~enough].sum(axis=1)])
    pooled = pooled[:, pooled.sum(axis=0) > 0]
    if pooled.shape[1] < 2:
        return 1.0
    expected = np.outer(sizes, pooled.sum(axis=0)) / sizes.sum()
    if expected.min() < _EXPECTED and pooled.shape[1] == 2:
        return float(fisher_exact(pooled).pvalue)
    return float(chi2.sf(np.sum((pooled - expected) ** 2 / expected), pooled.shape[1] - 1))
