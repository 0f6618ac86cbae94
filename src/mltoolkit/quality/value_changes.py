"""What became of a column of numbers or dates: where its values lie, how they are spread, in which unit.

A change of distribution is told when two things hold: it is larger than chance gives (Kolmogorov-Smirnov for
a shift, chi-squared over ten equally full bins for everything else), and it is large enough to matter (PSI or
distance of at least 0.1 for a warning, 0.02 for an info). One cause gives one finding: where the distribution
has moved as a whole, values beyond the old range are no second one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.distances import (
    ks_by_chance,
    ks_distance,
    one_sided_by_chance,
    psi,
    quantile_bins,
    shares_by_chance,
)
from mltoolkit.quality.findings import Finding, Severity, counted, number, percent
from mltoolkit.quality.pairs import Counted, Pair, severity_of

OF_NOTE, NOTICED = 0.1, 0.02  # of PSI and of the Kolmogorov-Smirnov distance
_FAR = 0.2  # a distance from which it is worth asking whether the unit has changed
_FITS = 0.05  # a distance at which a change of unit explains everything
_DAY = 86_400_000_000  # microseconds
# How often a value in one unit goes into the value in another, and what that may mean.
_UNITS = (
    (1000.0, "thousands, or kilo and unit"),
    (1_000_000.0, "millions, or mega and unit"),
    (100.0, "percent and share, or cents and whole"),
    (60.0, "minutes and hours, or seconds and minutes"),
    (3600.0, "seconds and hours"),
    (86_400.0, "seconds and days"),
    (24.0, "hours and days"),
    (7.0, "days and weeks"),
    (12.0, "months and years"),
    (1024.0, "bytes and kibibytes"),
    (2.20462, "pounds and kilograms"),
    (2.54, "centimetres and inches"),
    (3.28084, "feet and metres"),
    (1.60934, "kilometres and miles"),
    (28.3495, "grams and ounces"),
    (10.0, "a decimal place"),
)
_NEAR = 0.03  # how close to such a factor the values' own must be; the first of the list that is counts


def number_changes(pair: Pair) -> Iterator[Finding]:
    """What became of numbers."""
    found = pair.numbers
    n, m = found.sizes
    if n == 0 or m == 0:
        return
    newcomer = _frequent_newcomer(pair, found)
    if newcomer is not None:
        at, finding = newcomer
        yield finding
        found = found.part(found.values != found.values[at])
    drift = measure(found, pair.level)
    if drift.severity and _identifiers(pair):
        message = f"numbers of rows go from {_range(found, 0)} to {_range(found, 1)}"
        yield pair.finding("distribution", "info", message)
        return
    if drift.severity:
        unit = "" if newcomer is not None or drift.distance < _FAR else _unit(found)
        yield pair.finding("distribution", drift.severity, f"{unit or _moved(found)} ({drift})")
    if drift.severity != "warning":
        yield from _beyond(pair, found)


class Drift:
    """How far two samples are apart: PSI over ten bins, distance, and how much that matters."""

    def __init__(self, found: Counted, level: float) -> None:
        binned = quantile_bins(found.before, found.after)
        self.psi = psi(*binned)
        self.distance = ks_distance(found.before, found.after)
        seen = found.looked_at
        chance = min(
            ks_by_chance(self.distance, *seen.sizes), shares_by_chance(*quantile_bins(seen.before, seen.after))
        )
        size = max(self.psi, self.distance)
        beyond_chance = chance <= level and size >= NOTICED
        self.severity: Severity | None = None if not beyond_chance else "warning" if size >= OF_NOTE else "info"

    def __str__(self) -> str:
        return f"PSI {self.psi:.2f}, KS {self.distance:.2f}"


def measure(found: Counted, level: float) -> Drift:
    """How far two samples are apart, and whether that is more than chance at a level."""
    return Drift(found, level)


def _identifiers(pair: Pair) -> bool:
    """Whether a column numbers its rows: whole and all different on both sides."""
    whole = pair.before.kind == pair.after.kind == "integer"
    return whole and all(
        column.distinct == size for column, size in zip((pair.before, pair.after), pair.present, strict=True)
    )


def _range(found: Counted, side: int) -> str:
    values = found.values[(found.before, found.after)[side] > 0]
    return f"{number(values[0])} … {number(values[-1])}"


def quantile(found: Counted, side: int, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values below which given shares of one side lie."""
    running = np.cumsum((found.before, found.after)[side])
    at = np.searchsorted(running, np.asarray(share) * running[-1], side="left")
    return np.asarray(found.values[np.minimum(at, len(running) - 1)])


def moments(found: Counted) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean and standard deviation (divisor n - 1) of either side."""
    both = []
    with np.errstate(over="ignore", invalid="ignore"):
        for counts in (found.before, found.after):
            size = counts.sum()
            mean = float(np.sum(found.values * (counts / size)))
            variance = np.sum((found.values - mean) ** 2 * (counts / max(size - 1, 1)))
            both.append((mean, float(np.sqrt(variance))))
    return both[0], both[1]


def mean_shift(found: Counted) -> float | None:
    """By how many standard deviations of the first sample the mean has moved; None where it has none."""
    if 0 in found.sizes:
        return None
    (before, deviation), (after, _) = moments(found)
    with np.errstate(over="ignore", invalid="ignore"):
        return (after - before) / deviation if 0 < deviation < np.inf and np.isfinite(after - before) else None


def _moved(found: Counted) -> str:
    """What has changed most about numbers: where they lie, or how they are spread, or one stretch of them."""
    (mean, deviation), (new_mean, new_deviation) = moments(found)
    shift = mean_shift(found)
    if shift is not None and abs(shift) >= OF_NOTE:
        way = "up" if shift > 0 else "down"
        return f"the mean goes {way} from {number(mean)} to {number(new_mean)}, by {abs(shift):.2g} standard deviations"
    if deviation > 0 and new_deviation > 0 and not 0.8 < new_deviation / deviation < 1.25:
        return f"the standard deviation goes from {number(deviation)} to {number(new_deviation)}"
    gap = np.cumsum(found.after) / found.after.sum() - np.cumsum(found.before) / found.before.sum()
    at = int(np.argmax(np.abs(gap)))
    shares = [percent(int(side[: at + 1].sum()), int(side.sum())) for side in (found.before, found.after)]
    return f"{shares[0]} lay at or below {number(found.values[at])}, now {shares[1]} do"


def _unit(found: Counted) -> str:
    """A change of unit or sign that explains the whole change, in words; empty where there is none."""
    old = found.values[found.before > 0]
    share = np.linspace(0.05, 0.95, 19)
    was, now = quantile(found, 0, share), quantile(found, 1, share)
    candidates: list[tuple[str, NDArray[np.float64]]] = [
        ("the values have changed their sign", -old),
        ("as if degrees Celsius had become Fahrenheit", old * 1.8 + 32.0),
        ("as if degrees Fahrenheit had become Celsius", (old - 32.0) / 1.8),
    ]
    usable = (was != 0) & (now != 0) & (np.sign(was) == np.sign(now))
    if usable.mean() > 0.5:
        factor = float(np.exp(np.median(np.log(now[usable] / was[usable]))))
        times, meaning = _known_factor(factor)
        what = f"{number(times)} times what they were" if times >= 1 else f"1/{number(1 / times)} of what they were"
        if not 0.83 < times < 1.2:
            candidates.append((f"the values are {what}{meaning}", old * times))
    for words, values in candidates:
        if _gap(values, found) <= _FITS:
            return words
    return ""


def _gap(changed: NDArray[np.float64], found: Counted) -> float:
    """Distance of the second sample from changed values of the first; those that differ by rounding count as equal."""
    order = np.argsort(changed, kind="stable")
    changed = changed[order]
    was = np.cumsum(found.before[found.before > 0][order]) / found.sizes[0]
    every = np.sort(np.concatenate([changed, found.values[found.after > 0]]))
    slack = 1e-6 * np.maximum(np.abs(every), 1e-300)
    low = _share_up_to(changed, was, every + slack)
    high = _share_up_to(found.values, np.cumsum(found.after) / found.sizes[1], every + slack)
    return float(np.abs(low - high).max())


def _share_up_to(
    values: NDArray[np.float64], running: NDArray[np.float64], where: NDArray[np.float64]
) -> NDArray[np.float64]:
    at = np.searchsorted(values, where, side="right")
    return np.asarray(np.concatenate([[0.0], running])[at])


def _known_factor(factor: float) -> tuple[float, str]:
    """The factor between two units that is meant, if one is, and which units that may be."""
    for times, meaning in _UNITS:
        for exact in (times, 1.0 / times):
            if abs(factor / exact - 1.0) <= _NEAR:
                return exact, f": another unit ({meaning})?"
    return factor, ""


def _beyond(pair: Pair, found: Counted) -> Iterator[Finding]:
    """Values above or below all that were there before, more than chance puts there."""
    n, m = found.sizes
    known = found.values[found.before > 0]
    numbers = np.where(np.isin(pair.after.numbers, found.values), pair.after.numbers, np.nan)
    for where, edge, side in (
        (numbers > known[-1], known[-1], "above"),
        (numbers < known[0], known[0], "below"),
    ):
        count = pair.after.count(where)
        if not count or one_sided_by_chance(count, n, m) > pair.level:
            continue
        farthest = np.nanmax(numbers) if side == "above" else np.nanmin(numbers)
        far = abs(farthest - edge) > known[-1] - known[0]
        severity = "warning" if far else severity_of(0.0, count / m) or "info"
        what = counted(count, "value", f"lies/lie {side}")
        message = f"{what} {number(edge)}, which none did before; the farthest is {number(farthest)}"
        yield pair.finding("range", severity, message, where)


def _frequent_newcomer(pair: Pair, found: Counted) -> tuple[int, Finding] | None:
    """One number that was never there and is now frequent, with its place: a code for something, or a default."""
    seen = found.looked_at
    n, m = seen.sizes
    fresh = np.where(seen.only_after, seen.after, 0)
    at = int(np.argmax(fresh))
    count = int(fresh[at])
    alone = len(fresh) < 2 or count >= 3 * max(1, np.partition(fresh, -2)[-2])
    if severity_of(0.0, count / m) != "warning" or not alone:
        return None
    if one_sided_by_chance(count, n, m) * np.count_nonzero(fresh) > pair.level:
        return None
    told = counted(int(found.after[at]), "value", "is/are")
    message = f"{told} {number(found.values[at])} ({percent(count, m)}), which none was before"
    return at, pair.finding("new values", "warning", message, pair.after.numbers == found.values[at])


def date_changes(pair: Pair) -> Iterator[Finding]:
    """What became of dates: whether they go on where they ended, or lie elsewhere, or at other times of day."""
    found = pair.moments
    n, m = found.sizes
    if n == 0 or m == 0:
        return
    old, new = found.values[found.before > 0], found.values[found.after > 0]
    spans = f"{_day(old[0])} to {_day(old[-1])} before, {_day(new[0])} to {_day(new[-1])} now"
    drift = measure(found, pair.level)
    if drift.severity:
        if old[-1] < new[0] and new[0] - old[-1] <= max(old[-1] - old[0], _DAY):
            yield pair.finding("distribution", "info", f"the dates go on: {spans}")
        else:
            (mean, _), (new_mean, _) = moments(found)
            days = (new_mean - mean) / _DAY
            way = "later" if days > 0 else "earlier"
            what = f"dates are {_long(abs(days))} {way} on average" if abs(days) >= 0.01 else "dates lie elsewhere"
            yield pair.finding("distribution", drift.severity, f"{what}: {spans} ({drift})")
    yield from _time_of_day(pair, found)


def _day(moment: int) -> str:
    return str(np.datetime64(int(moment), "us"))[:10]


def _long(days: float) -> str:
    if days >= 1:
        return counted(round(days), "day")
    return counted(round(days * 24), "hour") if days * 24 >= 1 else counted(max(1, round(days * 1440)), "minute")


def _time_of_day(pair: Pair, found: Counted) -> Iterator[Finding]:
    """Dates with times of which the hours have moved, as under another time zone."""
    if not np.any(found.values % _DAY):
        return
    before, after = _hours(found)
    if shares_by_chance(*_hours(found.looked_at)) > pair.level or psi(before, after) < OF_NOTE:
        return
    apart = [psi(np.roll(before, shift), after) for shift in range(24)]
    best = int(np.argmin(apart))
    if best and apart[best] < min(OF_NOTE, apart[0] / 5):
        shift = best if best <= 12 else best - 24
        way = f"{counted(abs(shift), 'hour')} {'later' if shift > 0 else 'earlier'}"
        message = f"times of day lie {way} than before: another time zone?"
    else:
        message = "values lie at other hours of the day than before"
    yield pair.finding("time of day", "warning", f"{message} (PSI of the hours {apart[0]:.2f})")


def _hours(found: Counted) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many moments of either sample lie in each hour of the day, shape (24,)."""
    hours = (found.values % _DAY) // (_DAY // 24)
    before, after = (np.bincount(hours, side, minlength=24).astype(np.int64) for side in (found.before, found.after))
    return before, after
