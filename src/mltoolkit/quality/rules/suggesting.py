"""Suggest rules from a good table: what a person would write down who knew it well.

A rule is suggested when the table gives reason to believe it of the *next* table too, so every kind of rule
has a measure of surprise: how much further the next sample's extremes may reach, how many values it may bring
that this one lacks (Good–Turing), how often it may lack a value (Poisson). What was suggested is then held
against the table itself, and what does not hold is left out.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltoolkit.quality.findings import counted
from mltoolkit.quality.rules.estimates import nice_above, nice_below, share_to_allow, unseen
from mltoolkit.quality.rules.evaluation import evaluate
from mltoolkit.quality.rules.facts import ColumnFacts, Sample
from mltoolkit.quality.rules.patterns import pattern_of
from mltoolkit.quality.rules.suite import Rule, Suite
from mltoolkit.quality.rules.views import ColumnView
from mltoolkit.quality.rules.wording import figure, shown
from mltoolkit.quality.source import Source, open_source

if TYPE_CHECKING:
    import pandas as pd

_LEAST_ROWS = 20
_MOST_CATEGORIES = 60
_MOST_NUMBER_CATEGORIES = 15
_ROWS_A_CATEGORY = 10
_LEAST_MOSTLY = 0.9
_REACH = 3.0  # how many times the gap between the extreme and the tenth from it a bound lies further out
_TENTH = 10
_MOST_REACH = 10.0  # times the extreme that a bound lies out at most; for lengths a third of that
_OFTEN_MISSING = 0.5
_LONGEST_LABEL = 200
_PROSE = 6.0  # words in a value, on average
_FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y",
    "%Y/%m/%d", "%d %b %Y",
)  # fmt: skip


def suggest(source: Path | str | pd.DataFrame | Source) -> Suite:
    """Suggest rules from a table that is known to be good.

    Parameters
    ----------
    source : path, "-", DataFrame, database URL, or Source

    Returns
    -------
    Suite
        Each rule with a comment that says what it was read from. All of them hold on this table.

    Raises
    ------
    CannotRead
        When the table cannot be read.

    Examples
    --------
    >>> import pandas as pd
    >>> suite = suggest(pd.DataFrame({"id": range(1, 101), "size": ["S", "M", "L", "M"] * 25}))
    >>> [(rule.rule, rule.subject) for rule in suite.rules][-1]
    ('column_values_to_be_in_set', 'size')
    """
    opened = open_source(source)
    facts, rows = _gather(opened)
    try:
        rules = [*_of_table(opened, rows), *(rule for fact in facts for rule in _of_column(fact))]
        rules += _of_dates(facts)
    finally:
        for fact in facts:
            fact.close()
    verdicts, _ = evaluate(opened, Suite(tuple(rules)))
    kept = tuple(verdict.rule for verdict in verdicts if verdict.passed)
    comment = (
        f"Rules read from {opened.name}: {counted(rows, 'row')}, {counted(len(opened.header), 'column')}.",
        "They are suggestions: keep what you know to be true, and add what a table cannot tell.",
    )
    return Suite(kept, "rules", comment)


def _gather(source: Source) -> tuple[list[ColumnFacts], int]:
    """The facts of each column whose name is its own, and the number of rows."""
    names = [name for name in source.header if name.strip() and source.header.count(name) == 1]
    facts = [ColumnFacts(name) for name in names]
    rows = 0
    for batch in source.batches(names):
        rows += len(batch.lines)
        for i, fact in enumerate(facts):
            fact.update(ColumnView(batch.data.column(i)))
    return facts, rows


def _of_table(source: Source, rows: int) -> Iterator[Rule]:
    header = source.header
    if len(set(header)) == len(header) and header:
        comment = f"the table has {counted(len(header), 'column')}"
        yield Rule("table_columns_to_match_set", {"column_set": list(header)}, comment=(comment,))
    if rows:
        yield Rule("table_row_count_to_be_between", {"min_value": 1}, comment=(f"the table has {rows:,} rows",))


def _of_column(fact: ColumnFacts) -> Iterator[Rule]:
    if fact.present < _LEAST_ROWS:
        return
    yield from _nulls(fact)
    yield from _uniqueness(fact)
    if fact.kind in ("integer", "float"):
        yield from _of_numbers(fact)
    elif fact.kind == "boolean" and not fact.typed:
        yield from _set_of(fact, list(fact.counts or ()), 1.0)
    elif fact.kind == "date":
        yield from _of_date(fact)
    elif fact.kind == "text":
        yield from _of_text(fact)


def _rule(fact: ColumnFacts, name: str, comment: str, **arguments: Any) -> Rule:
    if arguments.get("mostly") == 1.0:
        del arguments["mostly"]
    return Rule(name, {"column": fact.name, **arguments}, comment=(f"{fact.name}: {comment}",))


# -- any column --------------------------------------------------------------------------------------------


def _nulls(fact: ColumnFacts) -> Iterator[Rule]:
    if fact.missing > _OFTEN_MISSING * fact.rows:
        return
    mostly = share_to_allow(fact.missing, fact.rows)
    some = f"{fact.missing:,} of {counted(fact.rows, 'row')} have no value"
    comment = f"all {counted(fact.rows, 'row')} have a value" if not fact.missing else some
    if mostly > 0:
        yield _rule(fact, "column_values_to_not_be_null", comment, mostly=mostly)


def _uniqueness(fact: ColumnFacts) -> Iterator[Rule]:
    """A key: unique, and not by chance."""
    if fact.kind in ("float", "boolean", "empty") or fact.missing or not fact.unique() or not _like_a_key(fact):
        return
    yield _rule(fact, "column_values_to_be_unique", f"all {fact.present:,} values are different")


def _like_a_key(fact: ColumnFacts) -> bool:
    name = fact.name.lower().replace("_", " ").replace("-", " ")
    if name.split()[-1:] in (["id"], ["key"], ["uuid"], ["guid"]) or fact.name.endswith(("Id", "ID", "Key")):
        return True
    if fact.kind == "integer":
        # n numbers drawn from a range this narrow would hardly all differ by chance.
        span = float(fact.sample.high[0] - fact.sample.low[0]) + 1.0
        return span < fact.present**2 / _TENTH
    if fact.kind == "text" and fact.present >= _LEAST_ROWS:
        return all(" " not in text and any(map(str.isdigit, text)) for text in fact.texts)
    return False


def _set_of(fact: ColumnFacts, values: Iterable[Any], mostly: float) -> Iterator[Rule]:
    values = sorted(values)
    what = counted(len(values), "different value")
    if len(values) == 1:
        comment = "always the same value"
    elif mostly == 1.0:
        comment = f"{what}, each of which comes back"
    else:
        comment = f"{what}, a few of them rare, so that new ones may come"
    yield _rule(fact, "column_values_to_be_in_set", comment, value_set=values, mostly=mostly)


def _categories(fact: ColumnFacts, most: int) -> float | None:
    """The share of rows that have to be in the set of values seen; None when the values are no categories."""
    counts = fact.counts
    if counts is None or not counts or len(counts) > most or fact.present < _ROWS_A_CATEGORY * len(counts):
        return None
    mostly = share_to_allow(unseen(counts), fact.present)
    return mostly if mostly >= _LEAST_MOSTLY else None


# -- numbers -----------------------------------------------------------------------------------------------


def _of_numbers(fact: ColumnFacts) -> Iterator[Rule]:
    if not fact.typed:
        types = {"type_": "int"} if fact.kind == "integer" else {"type_": "float"}
        if fact.kind == "integer" and fact.missing:  # pandas reads whole numbers with gaps as floats
            types_ = ["int", "float"]
            comment = "all values are whole numbers; pandas makes floats of them where some are missing"
            yield _rule(fact, "column_values_to_be_in_type_list", comment, type_list=types_)
        else:
            what = "whole numbers" if fact.kind == "integer" else "numbers"
            yield _rule(fact, "column_values_to_be_of_type", f"all values are {what}", **types)
    categories = _categories(fact, _MOST_NUMBER_CATEGORIES) if fact.kind == "integer" else None
    if categories == 1.0 and fact.counts is not None and fact.present >= 2 * _LEAST_ROWS:
        yield from _set_of(fact, [int(value) for value in fact.counts], categories)
        return
    if not len(fact.sample.low):
        return
    low, high = _bounds(fact.sample)
    seen = f"values from {figure(float(fact.sample.low[0]))} to {figure(float(fact.sample.high[0]))}"
    arguments: dict[str, Any] = {"min_value": low, "max_value": high}
    if fact.kind == "integer" and fact.unique() and _like_a_key(fact):
        del arguments["max_value"]  # the next rows' numbers are larger
        seen += "; a number that runs on has no upper bound"
    if fact.kind == "integer":
        arguments = {key: int(value) for key, value in arguments.items()}
    yield _rule(fact, "column_values_to_be_between", seen, **arguments)


def _bounds(sample: Sample, most: float = _MOST_REACH) -> tuple[float, float]:
    """Bounds that another sample's extremes will hardly reach.

    How far the extreme lies from the tenth from it tells how the tail goes on: not at all where a value is often
    the largest, three times that gap further for tails that fall like an exponential. Where the tail is heavier
    (a few values dwarf the others), the same is done with logarithms, up to ``most`` times the extreme.
    """
    low, high = float(sample.low[0]), float(sample.high[0])
    near = min(_TENTH, max(1, (len(sample.low) - 1) // 2))
    gap_low, gap_high = float(sample.low[near]) - low, high - float(sample.high[near])
    middle = sample.median()
    below, above = low - _REACH * gap_low, high + _REACH * gap_high
    if low >= 0.0 and high - middle > _REACH * (middle - low) and sample.high[near] > 0.0:
        above = max(above, high * min(most, (high / float(sample.high[near])) ** 2))
        below = 0.0
    if high <= 0.0 and middle - low > _REACH * (high - middle) and sample.low[near] < 0.0:
        below = min(below, low * min(most, (low / float(sample.low[near])) ** 2))
        above = 0.0
    span = high - low or abs(high)
    below = below if gap_low == 0.0 and below == low else nice_below(below, span)
    above = above if gap_high == 0.0 and above == high else nice_above(above, span)
    # What is never negative stays so where zero is near.
    return (max(below, 0.0) if low >= 0.0 else below), (min(above, 0.0) if high <= 0.0 else above)


# -- dates -------------------------------------------------------------------------------------------------


def _of_date(fact: ColumnFacts) -> Iterator[Rule]:
    if not fact.typed:
        form = _format_of(fact)
        if form:
            yield _rule(
                fact, "column_values_to_match_strftime_format", "all dates are written alike", strftime_format=form
            )
        else:
            yield _rule(fact, "column_values_to_be_dateutil_parseable", "all values are dates")
    first, last = (moment.astype("datetime64[D]").item() for moment in (fact.first_date, fact.last_date))
    years = max(10, last.year - first.year + 1)
    arguments = {
        "min_value": datetime.date(max(1, first.year - years), 1, 1),
        "max_value": datetime.date(min(9999, last.year + years), 12, 31),
    }
    comment = f"dates from {first.isoformat()} to {last.isoformat()}; the bounds are for what cannot be meant"
    yield _rule(fact, "column_values_to_be_between", comment, **arguments)
    yield _rule(fact, "column_values_to_be_increasing", "each date is that of the row before or later")


def _format_of(fact: ColumnFacts) -> str:
    for form in _FORMATS:
        if all(_reads(text, form) for text in fact.texts):
            return form
    return ""


def _reads(text: str, form: str) -> bool:
    try:
        datetime.datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _of_dates(facts: Iterable[ColumnFacts]) -> Iterator[Rule]:
    """One date never before another; both directions are tried on the table."""
    dated = [fact for fact in facts if fact.kind == "date" and fact.present >= _LEAST_ROWS]
    for late, early in permutations(dated, 2):
        if early.last_date <= late.first_date:
            continue  # so far apart that their order says nothing
        arguments = {"column_A": late.name, "column_B": early.name, "or_equal": True}
        arguments["ignore_row_if"] = "either_value_is_missing"
        comment = f"{late.name} never lies before {early.name}"
        yield Rule("column_pair_values_a_to_be_greater_than_b", arguments, comment=(comment,))


# -- texts -------------------------------------------------------------------------------------------------


def _of_text(fact: ColumnFacts) -> Iterator[Rule]:
    mostly = _categories(fact, _MOST_CATEGORIES)
    longest = max(map(len, fact.texts), default=0)
    if mostly is not None and longest <= _LONGEST_LABEL and fact.counts is not None:
        yield from _set_of(fact, fact.counts, mostly)
        if mostly == 1.0:
            return
    if _is_prose(fact):
        return
    pattern = pattern_of(fact.texts)
    if pattern is not None and pattern.mostly >= _LEAST_MOSTLY:
        example = shown(max(fact.texts, key=lambda text: fact.texts[text]))
        comment = f"{pattern.reason}, such as {example}"
        yield _rule(fact, "column_values_to_match_regex", comment, regex=pattern.regex, mostly=pattern.mostly)
    if mostly is None:
        yield from _lengths(fact)


def _is_prose(fact: ColumnFacts) -> bool:
    """Whether the values are sentences, of which neither length nor signs tell anything."""
    words = sum(count * (text.count(" ") + 1) for text, count in fact.texts.items())
    return words > _PROSE * sum(fact.texts.values())


def _lengths(fact: ColumnFacts) -> Iterator[Rule]:
    if fact.shortest == fact.longest:
        yield _rule(fact, "column_value_lengths_to_equal", "all values are of one length", value=fact.longest)
        return
    _, most = _bounds(fact.lengths, _MOST_REACH / 3)
    seen = f"{fact.shortest} to {counted(fact.longest, 'character')}"
    yield _rule(fact, "column_value_lengths_to_be_between", seen, max_value=int(most))
