"""Three repairs, each of exactly the rows that a finding names.

A repair has a mask, which says where it applies, and a change. The mask is held against the finding (as many
rows, and the same first lines), the repaired table against the one before (no other cell has changed), and the
mended cells against what they were before the fault came in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mltoolkit.quality import Finding

_HEADER_LINES = 1
_EXAMPLES = 5

Mask = NDArray[np.bool_]
Key = tuple[str, str]  # a rule's name and its columns


@dataclass(frozen=True)
class Repair:
    """One issue: which finding shows it, what is behind it, and how it is mended.

    ``finding`` is the rule and the columns that report it. ``same_cause`` are other rules that the same fault
    breaks, so that mending it clears them too. ``columns`` are the ones that change; none when rows are dropped.
    ``effect`` is a figure that somebody who uses the table goes by, with its unit, and ``size`` computes it.
    """

    name: str
    title: str
    finding: Key
    columns: tuple[str, ...]
    harm: str
    effect: tuple[str, str]
    size: Callable[[pd.DataFrame], float]
    cause: str
    fix: str
    where: Callable[[pd.DataFrame], Mask]
    change: Callable[[pd.DataFrame], pd.DataFrame]  # of the rows where it applies, all at once
    same_cause: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Repaired:
    """What a repair did, counted.

    Attributes
    ----------
    frame : DataFrame
        The table afterwards.
    lines : tuple of int
        Lines of the file as it was, to whose rows the repair applied.
    dropped : int
        Rows that are gone.
    changed : int
        Cells that differ in the rows that stayed.
    strays : int
        Cells that changed outside of these rows and the repair's columns.
    restored : int
        Changed cells that now are as in the original, and dropped rows that the original does not have.
    examples : DataFrame
        The first rows: line, before, after.
    """

    frame: pd.DataFrame
    lines: tuple[int, ...]
    dropped: int
    changed: int
    strays: int
    restored: int
    examples: pd.DataFrame


def apply(repair: Repair, frame: pd.DataFrame, original: pd.DataFrame) -> Repaired:
    """Apply a repair to the rows that its mask selects, and count what it changed.

    Parameters
    ----------
    repair : Repair
    frame : DataFrame
        The table, every cell as text. Its index numbers the rows of the file from 0 and survives in what stays.
    original : DataFrame
        The same rows without the faults; it lacks rows that should not be there.
    """
    covered = frame.index[repair.where(frame)]
    mended = repair.change(frame.loc[covered])
    gone = covered.difference(mended.index)
    after = frame.drop(index=gone)
    after.loc[mended.index] = mended
    differs = (after != frame.loc[after.index]).to_numpy()
    named = after.index.isin(covered)[:, np.newaxis] & after.columns.isin(repair.columns)
    right = (after == original.reindex(after.index)).to_numpy(dtype=bool)
    return Repaired(
        frame=after,
        lines=tuple(int(row) + 1 + _HEADER_LINES for row in covered),
        dropped=len(gone),
        changed=int(np.count_nonzero(differs)),
        strays=int(np.count_nonzero(differs & ~named)),
        restored=int(np.count_nonzero(differs & right)) + len(gone.difference(original.index)),
        examples=_examples(repair, frame, after, covered),
    )


def finding_of(repair: Repair, findings: Sequence[Finding]) -> Finding | None:
    """The finding that a repair answers; another rule on the same column does as well."""
    mine = [finding for finding in findings if (finding.column or "") == repair.finding[1]]
    exact = [finding for finding in mine if finding.rule == repair.finding[0]]
    return next(iter(exact or mine), None)


def unaccounted(repair: Repair, done: Repaired, before: Sequence[Finding], after: Sequence[Finding]) -> int:
    """Rows that were named and neither mended nor are named still, or were mended without having been named."""
    first, last = finding_of(repair, before), finding_of(repair, after)
    named, left = (finding.count if finding else 0 for finding in (first, last))
    strangers = len(set(first.rows) - set(done.lines)) if first else len(done.lines)
    return int(abs(named - len(done.lines) - left) + max(strangers - left, 0))


def changes_elsewhere(before: Sequence[Finding], after: Sequence[Finding], repairs: Sequence[Repair]) -> int:
    """How many findings that no repair was meant for are new, gone or of another count."""
    meant = {key for repair in repairs for key in (repair.finding, *repair.same_cause)}
    others = [[f for f in found if (f.rule, f.column or "") not in meant] for found in (before, after)]
    left, right = ({(f.rule, f.column): f.count if f.rows else None for f in found} for found in others)
    return sum(left.get(key, 0) != right.get(key, 0) for key in left.keys() | right.keys())


def _examples(repair: Repair, before: pd.DataFrame, after: pd.DataFrame, covered: pd.Index) -> pd.DataFrame:
    shown = covered[:_EXAMPLES]
    table: dict[str, Any] = {"line": [int(row) + 1 + _HEADER_LINES for row in shown]}
    for column in repair.columns or (repair.finding[1],):
        table[f"{column} before"] = [before.at[row, column] or "(empty)" for row in shown]
        table[f"{column} after"] = [
            after.at[row, column] or "(empty)" if row in after.index else "(row dropped)" for row in shown
        ]
    return pd.DataFrame(table)


def _share(text: str) -> float:
    """A share as somebody would read it, 5% as 0.05; NaN where there is no number."""
    value = pd.to_numeric(text.removesuffix("%"), errors="coerce")
    return float(value) / (100.0 if text.endswith("%") else 1.0)


def regex_mask(column: str, pattern: str) -> Callable[[pd.DataFrame], Mask]:
    """Rows whose cell matches an expression somewhere."""
    return lambda frame: frame[column].str.contains(pattern, regex=True).to_numpy(dtype=bool)


ORDERS = (
    Repair(
        name="sent twice",
        title="Orders that are in the file twice",
        finding=("column_values_to_be_unique", "order_id"),
        columns=(),
        harm="Every sum over the month, of revenue or of weight, counts these orders twice.",
        effect=("orders counted", ""),
        size=len,
        cause="The last rows of the file repeat earlier ones in every column, so the shop's export ran on after a "
              "batch that it had sent already.",
        fix="Keep the first of rows that agree in every column and drop the others. Rows that shared an order_id and "
            "differed would be left alone: only the shop could say which is right.",
        where=lambda frame: frame.duplicated(keep=False).to_numpy(),
        change=lambda rows: rows.drop_duplicates(keep="first"),
    ),
    Repair(
        name="broken encoding",
        title="Names of cities that are garbled",
        finding=("column_values_to_not_match_regex", "city"),
        columns=("city",),
        harm="Orders from one city are counted under two names, and a label printed from such a row is undeliverable.",
        effect=("different names of cities", ""),
        size=lambda frame: frame["city"].nunique(),
        cause="The names were written as UTF-8 and read as Windows-1252: each letter beyond ASCII has become two "
              "characters, the first of them Ã or Å.",
        fix="Undo it: encode the text as Windows-1252 and read the bytes as UTF-8.",
        where=regex_mask("city", "[ÃÅ][^a-z]"),
        change=lambda rows: rows.assign(city=[t.encode("cp1252").decode("utf-8") for t in rows["city"]]),
    ),
    Repair(
        name="wrong unit",
        title="Weights in grams in a column of kilograms",
        finding=("column_values_to_be_between", "weight_kg"),
        columns=("weight_kg",),
        harm="Freight is booked by weight, and a few such rows decide the sum.",
        effect=("weight of all orders", "kg"),
        size=lambda frame: float(frame["weight_kg"].astype(float).sum()),
        cause="The values are whole numbers a thousand times the usual weight: one of the scales reports grams.",
        fix="Divide by a thousand where the weight is above the 10 kg that the contract allows.",
        where=lambda frame: (frame["weight_kg"].astype(float) > 10.0).to_numpy(),
        change=lambda rows: rows.assign(weight_kg=[f"{float(weight) / 1000.0:.3f}" for weight in rows["weight_kg"]]),
    ),
)  # fmt: skip

BEERS = (
    Repair(
        name="state in city",
        title="The state stands in the column of the city",
        finding=("column_values_to_not_match_regex", "city"),
        columns=("city", "state"),
        harm="These breweries are missing from every count by state, and their cities match no other row's.",
        effect=("beers counted under a state", ""),
        size=lambda frame: int((frame["state"] != "").sum()),
        cause="City and state were joined by a blank and written into the city; the state is empty in the same rows.",
        fix="Move the two capital letters at the end of the city into the empty state.",
        where=lambda frame: regex_mask("city", r" [A-Z]{2}$")(frame) & (frame["state"] == "").to_numpy(),
        change=lambda rows: rows.assign(city=rows["city"].str[:-3], state=rows["city"].str[-2:]),
        same_cause=(("column_values_to_not_be_null", "state"),),
    ),
    Repair(
        name="unit in ounces",
        title="Volumes with their unit in the cell",
        finding=("column_values_to_match_regex", "ounces"),
        columns=("ounces",),
        harm="The column is text: it cannot be averaged, and one volume is written in many ways.",
        effect=("volumes that are a number", ""),
        size=lambda frame: int(pd.to_numeric(frame["ounces"], errors="coerce").notna().sum()),
        cause="The volumes were typed with a unit, in many spellings, and with the kind of can behind it.",
        fix="Keep the number in front of the unit, without a trailing zero.",
        where=regex_mask("ounces", r"(?i)^\d+(?:\.\d+)? (?:oz|ounce)"),
        change=lambda rows: rows.assign(ounces=[f"{float(text.split()[0]):g}" for text in rows["ounces"]]),
    ),
    Repair(
        name="percent sign in abv",
        title="Strengths with a percent sign that is not meant",
        finding=("column_values_to_not_match_regex", "abv"),
        columns=("abv",),
        harm="Read as they stand, these beers are a hundred times weaker than the others.",
        effect=("mean strength, a percent sign read as one", "%"),
        size=lambda frame: 100.0 * float(frame["abv"].map(_share).mean()),
        cause="The column holds shares; a percent sign was added to some of them without multiplying by a hundred, "
              "and the share was rounded to two digits.",
        fix="Take the percent sign off. The digits that were rounded away cannot be read off this table: they have "
            "to be asked for at the source.",
        where=regex_mask("abv", "%$"),
        change=lambda rows: rows.assign(abv=rows["abv"].str.removesuffix("%")),
    ),
)  # fmt: skip
