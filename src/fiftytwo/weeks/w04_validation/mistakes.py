"""Week 4's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fiftytwo.plan import Mistake
from mltoolkit.stats import information as reference

_RULES = (Path(__file__).parent / "rules.toml").read_text("utf-8")


def _in_nats(function: Any) -> Any:
    def natural(*args: Any, base: float | None = None, **options: Any) -> Any:
        """Check the base and forget it."""
        return function(*args, base=base, **options) * math.log(base or math.e)

    return natural


def _zero_times_log_zero(p: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """Add up p log p everywhere."""
    reference.entropy(p, base=base, axis=axis)
    shares = np.asarray(p, dtype=float) / np.sum(p, axis=axis, keepdims=True)
    with np.errstate(all="ignore"):
        result = -np.sum(shares * np.log(shares), axis=axis) / math.log(base or math.e)
    return result if np.ndim(result) else float(result)


def _skips_the_impossible(function: Any) -> Any:
    def finite(p: ArrayLike, q: ArrayLike, **options: Any) -> Any:
        """Leave out the outcomes in which q is 0, as if they had not happened."""
        exact = function(p, q, **options)
        if np.ndim(exact) or not math.isinf(exact):
            return exact
        weights, model = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
        shares, beliefs = weights / weights.sum(), model / model.sum()
        kept = (shares > 0) & (beliefs > 0)
        front = shares[kept] if function is reference.kl_divergence else np.ones(int(kept.sum()))
        return float(np.sum(shares[kept] * np.log(front / beliefs[kept])))

    return finite


def _arguments_swapped(p: ArrayLike, q: ArrayLike, **options: Any) -> Any:
    """Divergence of q from p."""
    return reference.kl_divergence(q, p, **options)


def _surprise_of_the_belief(p: ArrayLike, q: ArrayLike, **options: Any) -> Any:
    """Weigh by q what p says."""
    return reference.cross_entropy(q, p, **options)


def _distance(p: ArrayLike, q: ArrayLike, **options: Any) -> Any:
    """The root, as SciPy's jensenshannon returns it."""
    return np.sqrt(reference.js_divergence(p, q, **options))


def _pools_the_counts(p: ArrayLike, q: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """Take the halfway point of the counts instead of the shares."""
    reference.js_divergence(p, q, base=base, axis=axis)
    largest = max(np.max(p), np.max(q))
    middle = np.asarray(p, dtype=float) / largest + np.asarray(q, dtype=float) / largest
    with np.errstate(under="ignore"):
        halves = [reference.kl_divergence(side, middle, base=base, axis=axis) for side in (p, q)]
    return (halves[0] + halves[1]) / 2.0


def _other_axis(p: ArrayLike, *, base: float | None = None, axis: int | None = 0) -> Any:
    """Normalise and add up along the other axis of a table."""
    right = reference.entropy(p, base=base, axis=axis)
    if axis is None or np.ndim(p) < 2 or not np.all(np.any(p, axis=1 - axis % 2)):
        return right
    return reference.entropy(p, base=base, axis=1 - axis % 2)


def _counts_for_shares(x: ArrayLike, y: ArrayLike | None = None, *, base: float | None = None) -> float:
    """Sum the raw counts times the logarithm, with raw margins."""
    exact = reference.mutual_information(x, y, base=base)
    if y is not None:
        return exact
    table = np.asarray(x, dtype=float)
    rows, columns = np.nonzero(table)
    counts = table[rows, columns]
    with np.errstate(over="ignore"):
        product = table.sum(axis=1)[rows] * table.sum(axis=0)[columns]
        return float(np.sum(counts * np.log(counts / product))) / math.log(base or math.e)


def _rules(old: str, new: str) -> dict[str, str]:
    """The reference's rules with one change."""
    changed = _RULES.replace(old, new)
    assert changed != _RULES
    return {"rules.toml": changed}


mistakes = (
    Mistake("natural logarithm where a base was asked for",
            {name: _in_nats(getattr(reference, name))
             for name in ("entropy", "cross_entropy", "kl_divergence", "js_divergence", "mutual_information")},
            "Your result is in nats whatever the base: divide by the logarithm of the base."),
    Mistake("0 log 0 is NaN", {"entropy": _zero_times_log_zero},
            "Your entropy adds up p log p where p is 0 and gets NaN; leave these outcomes out, since the limit is 0."),
    Mistake("wrong axis", {"entropy": _other_axis},
            "Your entropy runs along the other axis: axis=0 runs down the columns, one distribution each."),
    Mistake("KL with its arguments swapped", {"kl_divergence": _arguments_swapped},
            "Your divergence is of q from p: the shares in front are p's, and p is over q in the logarithm."),
    Mistake("cross-entropy with its arguments swapped", {"cross_entropy": _surprise_of_the_belief},
            "Your cross-entropy weighs by q: the shares are p's, the logarithms q's."),
    Mistake("what q calls impossible is left out",
            {"kl_divergence": _skips_the_impossible(reference.kl_divergence),
             "cross_entropy": _skips_the_impossible(reference.cross_entropy)},
            "Your sum skips outcomes with q = 0 even where p is not 0; there the result is infinite."),
    Mistake("distance instead of divergence", {"js_divergence": _distance},
            "Your result is the Jensen-Shannon distance, the square root of the divergence; SciPy returns it too."),
    Mistake("halfway point of the counts", {"js_divergence": _pools_the_counts},
            "Your halfway point averages counts, so the larger sample weighs more; divide each by its own sum first."),
    Mistake("mutual information of counts", {"mutual_information": _counts_for_shares},
            "Your mutual information sums counts; divide the table by its sum first."),
    Mistake("a rule that forgives", _rules('column = "status"\n', 'column = "status"\nmostly = 0.95\n'),
            "Your rule on status has a mostly that lets a few wrong rows pass, and a few are all there are."),
    Mistake("an expression without its ends", _rules(r"'^[A-Z]{2}-\d{4}$'", r"'[A-Z]{2}-\d{4}'"),
            "Your expression for postcode is found inside longer texts too; tie it to the ends with ^ and $."),
    Mistake("one end of a range", _rules("min_value = 2\nmax_value = 60\n", "min_value = 2\n"),
            "Your range for unit_price has no upper end, so a price a hundred times too high passes."),
    Mistake("dates the wrong way round",
            _rules('"shipped_on"\ncolumn_B = "ordered_on"', '"ordered_on"\ncolumn_B = "shipped_on"'),
            "Your rule wants ordered_on after shipped_on; column_A is the later one."),
)  # fmt: skip
