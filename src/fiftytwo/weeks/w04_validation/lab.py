"""Week 4: information theory from counts, and rules for a messy table.

The build looks at a month of orders the way a data team does: how much each column says, what one column tells
about another, which distribution has moved; then it runs the rules, mends three issues and writes the bug report.
The assessment holds the five functions against SciPy and scikit-learn, and the rules against planted faults and
against Great Expectations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiftytwo.evidence import Check
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w04_validation import figures
from fiftytwo.weeks.w04_validation.agreement import hospital_rules, three_divergences
from fiftytwo.weeks.w04_validation.orders import clean_orders
from fiftytwo.weeks.w04_validation.parity import divergences, entropies, extremes, identities, information
from fiftytwo.weeks.w04_validation.refusals import refusals
from fiftytwo.weeks.w04_validation.rulechecks import rule_checks
from fiftytwo.weeks.w04_validation.scenes import Mended, beers_scene, mend, orders_scene, report, share_restored

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    4,
    extras=("quality",),
    exercise=Exercise(
        "mltoolkit.stats.information",
        ("entropy", "cross_entropy", "kl_divergence", "js_divergence", "mutual_information"),
        hours=7.0,
        texts=("rules.toml",),
        peers={
            name: f"fiftytwo.weeks.w04_validation.peers:{name}"
            for name in ("entropy", "cross_entropy", "kl_divergence", "js_divergence", "mutual_information")
        },
        brief="""\
There are two parts, and each can be done without the other.

**The five functions**, in `information.py`. A good order:

1. `entropy` of one distribution, then zeros, then any base, then an axis.
2. `kl_divergence` and `cross_entropy`. Three cases: p is 0, q is 0 where p is not, both are positive.
3. `js_divergence`, made of two KL divergences from the halfway point.
4. `mutual_information` of a joint table, then of two columns of labels.
5. Huge counts and tiny probabilities: the start of the module says how the digits are kept.
6. Refusals: a `ValueError` that says what was wrong, with all faults in one message.

NumPy is yours to use; a finished entropy from a library is not the exercise.

**The rules**, in `rules.toml`. The file begins with the contract of a table of orders: fifteen sentences. Write a
rule for each. Rules go by these names and take these arguments:

| rule | arguments |
| --- | --- |
| `column_values_to_be_unique`, `column_values_to_not_be_null` | `column` |
| `column_values_to_be_in_set` | `column`, `value_set` |
| `column_values_to_be_between` | `column`, `min_value`, `max_value` |
| `column_values_to_match_regex`, `column_values_to_not_match_regex` | `column`, `regex` |
| `column_value_lengths_to_equal` | `column`, `value` |
| `column_values_to_match_strftime_format` | `column`, `strftime_format` |
| `column_values_to_exist_in_file` | `column`, `file`, `key` (the column of that file) |
| `column_pair_values_to_be_in_set` | `column_A`, `column_B`, `value_pairs_set` |
| `column_pair_values_a_to_be_greater_than_b` | `column_A`, `column_B`, `or_equal` |
| `table_row_count_to_be_between` | `min_value`, `max_value` |
| `column_kl_divergence_to_be_less_than` | `column`, `partition_object`, `threshold` |

A `partition_object` is written `{ values = ["a", "b"], weights = [0.7, 0.3] }`. A regular expression is searched
for anywhere in the text; `^` and `$` tie it to the ends, and single quotes keep its backslashes as they are. The
checks plant known faults in clean months, look at what your rules name, and run the same rules in Great Expectations.
""",
    ),
)

_LOOKED_AT = ("country", "currency", "city", "channel", "status")
_HOSPITAL = ("ZipCode", "City", "CountyName", "State", "MeasureCode", "Condition")


@dataclass(frozen=True)
class Built:
    """What became of the messy tables."""

    scenes: tuple[Mended, ...]


def build(lab: Lab) -> Built:
    """Measure what the columns say, run the rules, mend three issues, check again."""
    scene, _ = orders_scene(lab)
    clean = clean_orders(lab.rng)
    _draw_shifts(lab, scene.frame)
    if lab.full:
        frames = lab.data("dirty-hospital").frames
        _draw_information(lab, frames["clean"], frames["dirty"], _HOSPITAL, ("ZipCode", "City"))
    else:
        _draw_information(lab, clean, scene.frame, _LOOKED_AT, ("country", "currency"))
    scenes = [scene, beers_scene(lab)] if lab.full else [scene]
    return Built(tuple(mend(lab, one) for one in lab.progress(scenes, "messy tables")))


def _draw_shifts(lab: Lab, messy: pd.DataFrame) -> None:
    """How far each column of the messy month has moved from an earlier one, beside a month that is clean."""
    columns = ("country", "currency", "city", "sku", "quantity", "channel", "status")
    earlier, clean = (clean_orders(np.random.default_rng([lab.seed, month])) for month in (1, 2))
    found = [_moved(lab, earlier[column], messy[column]) for column in columns]
    by_chance = [_moved(lab, earlier[column], clean[column]) for column in columns]
    lab.figure(
        figures.shifts(columns, found, by_chance, ("messy month", "clean month")),
        "Which column has moved",
        "Divergence of each column from an earlier month. A clean month differs too, by chance, and more where there "
        "are many values; only what stands out against that has moved.",
    )
    furthest = columns[int(np.argmax(np.subtract(found, by_chance)))]
    lab.note(f"The column that has moved most beyond chance is {furthest}.")
    frame = pd.DataFrame(
        {
            "column": columns,
            "values": [earlier[column].nunique() for column in columns],
            "entropy, earlier (bits)": [_bits(lab, earlier[column]) for column in columns],
            "entropy, messy (bits)": [_bits(lab, messy[column]) for column in columns],
            "divergence (bits)": found,
            "by chance (bits)": by_chance,
        }
    )
    lab.table(
        frame, "What each column says", "Entropy of each column, and how far it has moved since an earlier month."
    )


def _moved(lab: Lab, earlier: pd.Series, later: pd.Series) -> float:
    counts = pd.concat([earlier.value_counts(), later.value_counts()], axis=1).fillna(0.0).to_numpy()
    return float(lab.solution.js_divergence(counts[:, 0], counts[:, 1], base=2))


def _bits(lab: Lab, column: pd.Series) -> float:
    return float(lab.solution.entropy(column.value_counts().to_numpy(), base=2))


def _draw_information(
    lab: Lab, clean: pd.DataFrame, messy: pd.DataFrame, columns: tuple[str, ...], pair: tuple[str, str]
) -> None:
    """What each column tells about each other one, and what one leaves open about another it should settle."""
    tables = [_shares_told(lab, frame, columns) for frame in (clean, messy)]
    lab.figure(
        figures.what_tells_what(columns, tables, ("clean", "messy")),
        "What tells what",
        "Mutual information of two columns as a share of the entropy of the one below: 1 means that the column on the "
        "left settles it. Faults blur what was settled; with few rows and many values, some is told by chance alone.",
    )
    for frame, name in ((clean, "clean"), (messy, "messy")):
        told = lab.solution.mutual_information(list(frame[pair[0]]), list(frame[pair[1]]), base=2)
        left = _bits(lab, frame[pair[1]]) - told
        lab.metric(f"what {pair[0]} leaves open about {pair[1]}, {name}", max(left, 0.0), "bits")


def _shares_told(lab: Lab, frame: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray[Any, Any]:
    shares = np.zeros((len(columns), len(columns)))
    for i, teller in enumerate(columns):
        for j, told in enumerate(columns):
            table = pd.crosstab(frame[teller], frame[told]).to_numpy()
            entropy = lab.solution.entropy(table.sum(axis=0))
            shares[i, j] = lab.solution.mutual_information(table) / entropy if entropy > 0 else 0.0
    return shares


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """Hold the functions against SciPy and the identities, the rules against planted faults and a second engine."""
    yield from entropies(lab)
    yield from divergences(lab)
    yield from information(lab)
    yield from identities(lab)
    yield from extremes(lab)
    yield from refusals(lab)
    yield from rule_checks(lab)
    yield from three_divergences(lab)
    for place, name in enumerate(("orders", "beers") if lab.full else ("orders",)):
        yield from _mended(lab, name, lambda place=place: built.scenes[place])  # type: ignore[misc]
    yield Check("what was mended is as it was before", lambda: share_restored(built.scenes[:1]), equals=1.0,
                exercise=False,
                why="A fix that makes a cell valid has not yet made it true; here the truth is known.")  # fmt: skip
    if lab.full:
        yield from hospital_rules(lab)


def _mended(lab: Lab, name: str, scene: Callable[[], Mended]) -> Iterator[Check]:
    """What the repairs of one table left; a learner's check asks for none of this, and so needs no build."""

    def covered() -> float:
        report(lab, scene())  # here, since it quotes the verdicts of these checks
        return scene().unaccounted

    yield Check(f"{name}: the fixes cover what the report names", covered, equals=0, exercise=False,
                why="Every row that the report names is mended or named still; no other row is.")  # fmt: skip
    yield Check(f"{name}: the fixes change nothing else", lambda: scene().elsewhere, equals=0, exercise=False,
                why="Clean cells stay as they are, and so does every finding that no fix was meant for.")  # fmt: skip
