"""The sanity checks that hold for any table, without a rule being written.

Each check is a function from a table to findings. *error* means that the data contradicts itself or its
form, *warning* that someone should look before using it, *info* that it is worth knowing. Limits are set so
that an ordinary clean table gives no warning; each is stated beside its check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mltoolkit.quality.table import Column, Table, read_table

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

_SHOWN_ROWS = 5
_FAR_OUT = 3.0  # Tukey's outer fence, in interquartile ranges
_VERY_FAR = 5.0  # normal data reaches it once in 10 ** 11 values
_SKEWED = 2.0  # skewness of the exponential distribution
_RARE_CLASS = 0.1
_FEW_STRAYS = 0.1
_SAME = 0.999  # correlation from which a column says the same as the target
_SENTINELS = (-999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0, 999999.0)
_MOJIBAKE = re.compile("Ã[\x80-\xbf¡-¿]|Â[\x80-\xbf¡-¿]|â€|ï»¿|�")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Finding:
    """Something that a check found.

    Attributes
    ----------
    rule : str
        Name of the check, such as ``"duplicates"``.
    column : str
        The column, or ``""`` for the whole table.
    severity : {"error", "warning", "info"}
    count : int
        How many rows (or columns) it concerns.
    share : float
        The same as a share of all rows, 0 to 1.
    message : str
        One sentence.
    rows : tuple of int
        The first lines of the file (rows of a frame, from 1) that it concerns.
    """

    rule: str
    column: str
    severity: Severity
    count: int
    share: float
    message: str
    rows: tuple[int, ...] = ()


def check(source: Path | str | pd.DataFrame | Table, target: str | None = None) -> tuple[Finding, ...]:
    """Run every sanity check.

    Parameters
    ----------
    source : path, DataFrame or Table
    target : str, optional
        The column to be predicted; class balance and leakage suspects need it.

    Returns
    -------
    tuple of Finding
        Errors first, then warnings, then infos; within these in the order of the checks.

    Raises
    ------
    CannotRead
        When the file is no table.
    BadInput
        When there is no column called ``target``.
    """
    table = source if isinstance(source, Table) else read_table(source)
    goal = table.column(target) if target is not None else None
    found = [finding for rule in RULES.values() for finding in rule(table, goal)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def _finding(
    table: Table, rule: str, column: str, severity: Severity, where: NDArray[np.bool_] | int, message: str
) -> Finding:
    """A finding about the rows that a mask selects, or about that many things."""
    if isinstance(where, int):
        return Finding(rule, column, severity, where, where / max(len(table.columns), 1), message)
    count = int(where.sum())
    rows = tuple(int(line) for line in table.lines[where][:_SHOWN_ROWS])
    return Finding(rule, column, severity, count, count / max(table.rows, 1), message, rows)


def _countable(column: Column) -> bool:
    """Whether a column's numbers are quantities: with more than a few strays they are codes of some kind."""
    return column.numeric and column.strays.sum() <= _FEW_STRAYS * (~column.missing).sum()


def _number(value: float) -> str:
    """A number for a sentence: four digits, thousands separated."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def _count(count: int, noun: str, does: str = "") -> str:
    """A count with its noun and verb: ``1 row repeats``, ``2 rows repeat``."""
    nouns = f"{count:,} {noun}" + ("" if count == 1 else "s")
    if not does:
        return nouns
    verbs, _, rest = does.partition(" ")
    singular, _, plural = verbs.partition("/")
    return f"{nouns} {singular if count == 1 else plural} {rest}".rstrip()


def _percent(count: int, of: int) -> str:
    share = 100.0 * count / max(of, 1)
    return f"{share:.0f}%" if share >= 10 or share == 0 else f"{share:.2g}%"


def _form(table: Table, _: Column | None) -> Iterator[Finding]:
    """Ragged rows, NUL bytes, column names that are missing or used twice."""
    for rule, lines, what in (
        ("ragged rows", table.ragged, f"has/have another number of cells than the {len(table.columns)} of the header"),
        ("encodings", table.nul_lines, "holds/hold NUL bytes"),
    ):
        if lines:
            share = len(lines) / max(table.rows, 1)
            yield Finding(
                rule, "", "error", len(lines), share, f"{_count(len(lines), 'line', what)}", lines[:_SHOWN_ROWS]
            )
    names = [name.strip() for name in table.header]
    for name in dict.fromkeys(names):
        if name and names.count(name) > 1:
            yield _finding(
                table, "header", name, "error", names.count(name), f"{names.count(name)} columns are called {name!r}"
            )
    nameless = names.count("")
    if nameless:
        yield _finding(table, "header", "", "warning", nameless, _count(nameless, "column", "has/have no name"))
    if table.rows == 0:
        yield Finding("no rows", "", "warning", 0, 0.0, "the table has a header and no rows")


def _missing(table: Table, _: Column | None) -> Iterator[Finding]:
    """Any missing cell is a warning; a column without a value too."""
    for column in table.columns:
        count = int(column.missing.sum())
        if count:
            message = (
                "every cell is empty"
                if column.kind == "empty"
                else f"{_count(count, 'cell', 'is/are missing')} ({_percent(count, table.rows)})"
            )
            yield _finding(table, "missing", column.name, "warning", column.missing, message)


def _duplicates(table: Table, _: Column | None) -> Iterator[Finding]:
    """Rows that are equal in every column to an earlier one."""
    if table.rows < 2 or not table.columns:
        return
    codes = np.column_stack([column.codes for column in table.columns])
    _, first = np.unique(codes, axis=0, return_index=True)
    repeated = np.ones(table.rows, dtype=bool)
    repeated[first] = False
    if repeated.any():
        count = int(repeated.sum())
        message = f"{_count(count, 'row', 'repeats/repeat an earlier row')} ({_percent(count, table.rows)})"
        yield _finding(table, "duplicates", "", "warning", repeated, message)


def _constants(table: Table, _: Column | None) -> Iterator[Finding]:
    """One value throughout is a warning; one in 99.5% of at least 200 rows an info."""
    for column in table.columns:
        present = column.codes[column.codes >= 0]
        if len(present) < 2:
            continue
        largest = int(np.bincount(present).max())
        value = column.texts[np.flatnonzero(~column.missing)[0]]
        if largest == len(present):
            yield _finding(table, "constants", column.name, "warning", ~column.missing, f"every value is {value!r:.60}")
        elif len(present) >= 200 and largest >= 0.995 * len(present):
            other = len(present) - largest
            message = f"one value makes up all but {_count(other, 'row')}"
            yield _finding(table, "constants", column.name, "info", np.zeros(table.rows, bool), message)


def _outliers(table: Table, _: Column | None) -> Iterator[Finding]:
    """Numbers beyond Tukey's outer fence: a few very far ones are a warning, a heavy tail is an info."""
    for column in table.columns:
        values = column.numbers
        present = values[~np.isnan(values)]
        if not _countable(column) or len(present) < 10:
            continue
        low, high = np.percentile(present, [25, 75])
        width = high - low
        if width <= 0:
            continue
        with np.errstate(invalid="ignore"):
            far = (values < low - _FAR_OUT * width) | (values > high + _FAR_OUT * width)
            very = (values < low - _VERY_FAR * width) | (values > high + _VERY_FAR * width)
        if not far.any():
            continue
        few = very.any() and far.sum() <= max(1, 0.01 * len(present))
        extreme = values[far][np.argmax(np.abs(values[far] - (low + high) / 2))]
        message = (
            f"{_count(int(far.sum()), 'value', 'lies/lie beyond')} {_number(low - _FAR_OUT * width)} to "
            f"{_number(high + _FAR_OUT * width)} (3 interquartile ranges); the farthest is {_number(extreme)}"
        )
        yield _finding(table, "outliers", column.name, "warning" if few else "info", far, message)


def _mixed(table: Table, _: Column | None) -> Iterator[Finding]:
    """Values of another kind than most of their column."""
    wanted = {"mixed numbers": "numbers", "text": "text"}
    for column in table.columns:
        if column.strays.any() and column.kind in wanted:
            count = int(column.strays.sum())
            example = column.texts[np.flatnonzero(column.strays)[0]]
            message = f"{_count(count, 'value')} among {wanted[column.kind]} of another kind, such as {example!r:.60}"
            yield _finding(table, "mixed types", column.name, "error", column.strays, message)


def _cardinality(table: Table, _: Column | None) -> Iterator[Finding]:
    """Labels that differ in case or white space only are a warning; a text that never repeats an info."""
    for column in table.columns:
        if column.kind != "text" or table.rows < 20:
            continue
        present = int((~column.missing).sum())
        if column.distinct == present and present >= 20:
            message = f"each of the {present:,} values is different: an identifier, or free text"
            yield _finding(table, "cardinality", column.name, "info", ~column.missing, message)
        elif column.distinct <= present / 2:
            yield from _spellings(table, column)


def _spellings(table: Table, column: Column) -> Iterator[Finding]:
    labels, counts = np.unique(column.texts[~column.missing].astype(str), return_counts=True)
    groups: dict[str, list[tuple[int, str]]] = {}
    for label, count in zip(labels.tolist(), counts.tolist(), strict=True):
        groups.setdefault(" ".join(label.lower().split()), []).append((count, label))
    variants = [sorted(group, reverse=True) for group in groups.values() if len(group) > 1]
    if variants:
        rare = {label for group in variants for _, label in group[1:]}
        where = np.isin(column.texts.astype(str), list(rare))
        first = variants[0]
        message = f"labels differ in case or spaces only, such as {first[0][1]!r} and {first[1][1]!r}"
        yield _finding(table, "cardinality", column.name, "warning", where, message)


def _skew(table: Table, _: Column | None) -> Iterator[Finding]:
    """Skewness above that of the exponential distribution, from 50 values on."""
    for column in table.columns:
        values = column.numbers[~np.isnan(column.numbers)]
        if not _countable(column) or len(values) < 50 or column.distinct < 10:
            continue
        third = skewness(values)
        if abs(third) > _SKEWED:
            side = "right" if third > 0 else "left"
            message = f"skewness {third:.2f}: a long tail to the {side}; consider a logarithm or ranks"
            yield _finding(table, "skew", column.name, "info", np.zeros(table.rows, bool), message)


def skewness(values: NDArray[np.float64]) -> float:
    """Third standardised moment; 0 for constant values."""
    scale = np.max(np.abs(values - values.mean()))
    if scale == 0:
        return 0.0
    centred = (values - values.mean()) / scale  # scaled first, so that the cube of a huge value stays finite
    return float(np.mean(centred**3) / np.mean(centred**2) ** 1.5)


def _class_balance(table: Table, target: Column | None) -> Iterator[Finding]:
    """A class with less than a tenth of the rows, and less than half of its equal share."""
    if target is None or not _is_label(target):
        return
    labels, counts = np.unique(target.texts[~target.missing].astype(str), return_counts=True)
    if len(labels) < 2:
        return
    rarest = int(np.argmin(counts))
    share = counts[rarest] / counts.sum()
    if share < min(_RARE_CLASS, 0.5 / len(labels)):
        message = f"class {str(labels[rarest])!r} has {counts[rarest]:,} rows ({_percent(int(counts[rarest]), int(counts.sum()))}): accuracy will mislead"
        yield _finding(
            table, "class balance", target.name, "warning", target.texts.astype(str) == labels[rarest], message
        )


def _is_label(column: Column) -> bool:
    """Whether a column names classes: few values, each of them repeated."""
    present = int((~column.missing).sum())
    return (
        column.kind != "float"
        and 1 < column.distinct <= max(20, int(0.05 * present))
        and column.distinct <= present / 2
    )


def _leakage(table: Table, target: Column | None) -> Iterator[Finding]:
    """Columns from which the target can be read off: such a column is rarely there when it is needed."""
    if target is None or table.rows < 20:
        return
    for column in table.columns:
        if column is target or column.name == target.name or column.kind == "empty":
            continue
        both = ~column.missing & ~target.missing
        if both.sum() < 20:
            continue
        reason = _says_the_target(column, target, both)
        if reason:
            yield _finding(table, "leakage suspects", column.name, "warning", both, f"{reason} {target.name!r}")


def _says_the_target(column: Column, target: Column, both: NDArray[np.bool_]) -> str:
    if column.numeric and target.numeric and not _is_label(target):
        x, y = column.numbers[both], target.numbers[both]
        usable = ~np.isnan(x) & ~np.isnan(y)
        x, y = x[usable], y[usable]
        if len(x) < 20 or np.ptp(x) == 0 or np.ptp(y) == 0:
            return ""
        with np.errstate(all="ignore"):
            correlation = abs(float(np.corrcoef(x, y)[0, 1]))
        return f"correlation {correlation:.4f} with" if correlation > _SAME else ""
    codes, goal = column.codes[both], target.codes[both]
    if len(np.unique(goal)) < 2 or not _is_label(target):
        return ""
    pairs = len(np.unique(codes.astype(np.int64) * (int(goal.max()) + 1) + goal))
    distinct = len(np.unique(codes))
    if pairs == distinct and distinct <= len(codes) / 2:
        return "each value belongs to a single class of"
    if column.numeric:
        order = np.argsort(column.numbers[both], kind="stable")
        changes = int(np.count_nonzero(np.diff(goal[order])))
        if changes == len(np.unique(goal)) - 1:
            return "thresholds on it separate every class of"
    return ""


def _ranges(table: Table, _: Column | None) -> Iterator[Finding]:
    """Numbers that cannot be meant: a few negative ones, codes for "unknown", shares above 100%, ages, degrees."""
    for column in table.columns:
        values = column.numbers
        present = values[~np.isnan(values)]
        if not _countable(column) or len(present) < 10:
            continue
        for where, message in _impossible(column, values, present):
            if where.any():
                yield _finding(table, "ranges", column.name, "warning", where, message)


def _impossible(
    column: Column, values: NDArray[np.float64], present: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.bool_], str]]:
    with np.errstate(invalid="ignore"):
        negative = values < 0
        low, high = np.percentile(present, [25, 75])
        stands_off = column.kind != "float" or present.min() < low - _FAR_OUT * (high - low)
        few = 0 < negative.sum() <= max(1, 0.01 * len(present)) and low > 0
        if few and stands_off:
            yield (
                negative,
                f"{_count(int(negative.sum()), 'value', 'is/are negative')}, such as {_number(present.min())}, where all others are not",
            )
        for code in _SENTINELS:
            marked = values == code
            others = present[present != code]
            if (
                marked.any()
                and len(others)
                and not others.min() - np.ptp(others) <= code <= others.max() + np.ptp(others)
            ):
                yield marked, f"{_count(int(marked.sum()), 'value', 'is/are')} {code:.0f}: a code for a missing value?"
        for word, least, most in (
            ("age", 0, 130),
            ("latitude", -90, 90),
            ("longitude", -180, 180),
            ("percent", -100, 100),
        ):
            if word in re.split(r"[^a-z]+", column.name.lower()):
                beyond = (values < least) | (values > most)
                if not (few and stands_off and (beyond == negative)[~np.isnan(values)].all()):
                    yield (
                        beyond,
                        f"values beyond {least} to {most}, which {word} cannot be, such as {_first(values, beyond)}",
                    )


def _first(values: NDArray[np.float64], where: NDArray[np.bool_]) -> str:
    return _number(values[where][0]) if where.any() else ""


def _dates(table: Table, _: Column | None) -> Iterator[Finding]:
    """Values among dates that are none, dates to come, dates before 1900."""
    tomorrow = np.datetime64((datetime.now(UTC) + timedelta(days=1)).replace(tzinfo=None), "us")
    for column in table.columns:
        if column.kind not in ("date", "mixed dates"):
            continue
        if column.strays.any():
            example = column.texts[np.flatnonzero(column.strays)[0]]
            message = f"{_count(int(column.strays.sum()), 'value')} among dates that cannot be read as one, such as {example!r:.60}"
            yield _finding(table, "dates", column.name, "error", column.strays, message)
        for where, what in (
            (column.dates > tomorrow, "lies/lie in the future"),
            (column.dates < np.datetime64("1900-01-01"), "lies/lie before 1900"),
        ):
            if where.any():
                example = str(column.dates[where][0])[:10]
                yield _finding(
                    table,
                    "dates",
                    column.name,
                    "warning",
                    where,
                    f"{_count(int(where.sum()), 'date', what)}, such as {example}",
                )


def _encodings(table: Table, _: Column | None) -> Iterator[Finding]:
    """Text that was decoded wrongly somewhere, control characters, white space at the ends."""
    for column in table.columns:
        if column.kind in ("integer", "float", "boolean", "date", "empty"):
            continue
        for severity, what, broken in (
            ("error", "was/were decoded with the wrong encoding", _MOJIBAKE.search),
            ("warning", "holds/hold control characters", _CONTROL.search),
            ("warning", "has/have white space at an end", lambda text: text != text.strip()),
        ):
            hits: dict[str, bool] = {text: bool(broken(text)) for text in set(column.texts.tolist())}
            where = np.array([hits[text] for text in column.texts.tolist()], dtype=bool) & ~column.missing
            if where.any():
                example = column.texts[np.flatnonzero(where)[0]]
                message = f"{_count(int(where.sum()), 'value', what)}, such as {example!r:.60}"
                yield _finding(table, "encodings", column.name, severity, where, message)  # type: ignore[arg-type]


Rule = Callable[[Table, Column | None], Iterator[Finding]]

RULES: dict[str, Rule] = {
    "form": _form,
    "missing": _missing,
    "duplicates": _duplicates,
    "constants": _constants,
    "outliers": _outliers,
    "mixed types": _mixed,
    "cardinality": _cardinality,
    "skew": _skew,
    "class balance": _class_balance,
    "leakage suspects": _leakage,
    "ranges": _ranges,
    "dates": _dates,
    "encodings": _encodings,
}


def as_row(finding: Finding) -> dict[str, Any]:
    """A finding as plain data, for JSON."""
    return {
        "rule": finding.rule,
        "column": finding.column,
        "severity": finding.severity,
        "count": finding.count,
        "share": round(finding.share, 6),
        "message": finding.message,
        "rows": list(finding.rows),
    }
