"""The page about two tables: verdict, findings, what became of the schema, and a card for each column that changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from markupsafe import Markup

from mltoolkit.quality.differences import ColumnDiff, TableDiff
from mltoolkit.quality.figures import share, short, visible
from mltoolkit.quality.findings import SEVERITIES, counted
from mltoolkit.quality.page.drawings import overlay
from mltoolkit.quality.page.views import (
    TYPES,
    VALUE,
    FindingView,
    figure,
    finding_view,
    finding_views,
    name_of,
    place_of,
    summary,
)
from mltoolkit.quality.page.writing import render
from mltoolkit.quality.profiling import ColumnProfile
from mltoolkit.quality.value_changes import NOTICED, OF_NOTE

_MOST_CARDS = 300


@dataclass(frozen=True)
class Row:
    """One figure before and after; ``moved`` where it is another."""

    name: str
    before: str
    after: str

    @property
    def moved(self) -> bool:
        """Whether the two differ as shown."""
        return self.before != self.after


@dataclass(frozen=True)
class ColumnDiffView:
    """A column as its line of the overview and its card show it."""

    place: str
    name: str
    kind: str
    severity: str
    psi: str
    psi_tone: str
    missing: Row
    distinct: Row
    holds: Row
    rows: tuple[Row, ...]
    picture: Markup | None
    ends: tuple[str, str]
    labels: tuple[tuple[str, str], ...]
    findings: tuple[FindingView, ...]


def diff_page(found: TableDiff, *, bad: int = 0, now: datetime | None = None) -> str:
    """The page about two tables.

    Parameters
    ----------
    found : TableDiff
    bad : int, default 0
        How many of the findings count.
    now : datetime, optional
        The moment that the page names as its own.

    Returns
    -------
    str
        HTML, complete in itself.
    """
    concerned = {finding.column for finding in found.findings}
    # Those that changed come first; the order of the table holds within both.
    columns = sorted(found.columns, key=lambda column: column.name not in concerned)
    places = {column.name: place_of(i) for i, column in reversed(list(enumerate(columns[:_MOST_CARDS])))}
    counts = [(severity, sum(f.severity == severity for f in found.findings)) for severity in SEVERITIES]
    return render(
        "diff.html.jinja",
        now=now,
        names=[visible(PurePath(name).name[:200]) or visible(name[:200]) for name in (found.before, found.after)],
        paths=[visible(name[:1000]) for name in (found.before, found.after)],
        form=found.form[0] if found.form[0] == found.form[1] else f"{found.form[0]} → {found.form[1]}",
        verdict={
            "word": "Changed" if bad else "No change of note",
            "tone": next((severity for severity, count in counts if count and bad), "clean"),
            "tally": ", ".join(counted(count, severity) for severity, count in counts if count)
            or "nothing more than chance makes",
        },
        findings=finding_views(found.findings, places, "line"),
        tiles_shown=[
            ("rows", _arrow(*(f"{n:,}" for n in found.rows)), ""),
            ("columns", _arrow(*(f"{n:,}" for n in _widths(found))), ""),
            ("columns that changed", f"{sum(column.name in concerned for column in found.columns):,}", ""),
        ],
        columns=[_view(column, i, found) for i, column in enumerate(columns[:_MOST_CARDS])],
        more_columns=max(0, len(columns) - _MOST_CARDS),
    )


def _widths(found: TableDiff) -> tuple[int, int]:
    both = len(found.columns)
    return both + len(found.removed), both + len(found.added)


def _arrow(one: str, other: str) -> str:
    return one if one == other else f"{one} → {other}"


def _view(column: ColumnDiff, position: int, found: TableDiff) -> ColumnDiffView:
    about = [finding for finding in found.findings if finding.column == column.name]
    worst = next((s for s in SEVERITIES if any(finding.severity == s for finding in about)), "")
    old, new = column.before, column.after
    kinds = [TYPES.get(side.kind, side.kind) for side in (old, new)]
    picture = None
    if len(column.bars_before) > 1:
        said = f"Histograms of {name_of(column.name)} before and now, over the same {len(column.bars_before)} bars"
        picture = overlay(column.bars_before, column.bars_after, said)
    return ColumnDiffView(
        place=place_of(position),
        name=name_of(column.name),
        kind=_arrow(*kinds),
        severity=worst,
        psi="–" if column.psi is None else f"{column.psi:.2f}",
        psi_tone="" if column.psi is None or column.psi < NOTICED else "some" if column.psi < OF_NOTE else "much",
        missing=Row("missing", *(share(c.missing, n) if c.missing else "none" for c, n in _sides(column, found))),
        distinct=Row("distinct", f"{old.distinct:,}", f"{new.distinct:,}"),
        holds=Row("holds", *(summary(c, n) for c, n in _sides(column, found))),
        rows=tuple(_rows(column, found)),
        picture=picture,
        ends=_ends(column),
        labels=tuple(_labels(column)),
        findings=tuple(finding_view([finding], {}, "line") for finding in about),
    )


def _sides(column: ColumnDiff, found: TableDiff) -> tuple[tuple[ColumnProfile, int], tuple[ColumnProfile, int]]:
    return (column.before, found.rows[0]), (column.after, found.rows[1])


def _ends(column: ColumnDiff) -> tuple[str, str]:
    if not column.edges:
        return "", ""
    if column.before.quantiles:
        return f"≤ {figure(column.edges[0])}", f"≥ {figure(column.edges[-1])}"
    import numpy as np

    low, high = (str(np.datetime64(int(edge), "us"))[:10] for edge in (column.edges[0], column.edges[-1]))
    return low, high


def _rows(column: ColumnDiff, found: TableDiff) -> list[Row]:
    """Figures before and after, those of the kind that both sides are."""
    old, new = column.before, column.after
    rows = [
        Row("missing", *(share(c.missing, n) if c.missing else "none" for c, n in _sides(column, found))),
        Row("distinct", f"{old.distinct:,}", f"{new.distinct:,}"),
    ]
    if old.quantiles and new.quantiles:
        rows += [
            Row("mean", figure(old.mean), figure(new.mean)),
            Row("standard deviation", figure(old.std), figure(new.std)),
        ]
        rows.append(Row("least", figure(old.minimum), figure(new.minimum)))
        for i, name in enumerate(("5%", "25%", "median", "75%", "95%")):
            rows.append(Row(name, figure(old.quantiles[i]), figure(new.quantiles[i])))
        rows.append(Row("greatest", figure(old.maximum), figure(new.maximum)))
    elif isinstance(old.minimum, str) and isinstance(new.minimum, str):
        rows += [Row("first", old.minimum, new.minimum), Row("last", str(old.maximum), str(new.maximum))]
    elif old.top and new.top:
        shares = [{value: share(n, rows_ - c.missing) for value, n in c.top} for c, rows_ in _sides(column, found)]
        for value in dict.fromkeys([*shares[0], *shares[1]]):
            rows.append(Row(short(value, VALUE), shares[0].get(value, "·"), shares[1].get(value, "·")))
    return rows


def _labels(column: ColumnDiff) -> list[tuple[str, str]]:
    told = []
    for what, side in (("only now", column.new), ("only before", column.gone)):
        if side:
            told.append((what, ", ".join(f"{short(label, 30)} ({count:,})" for label, count in side)))
    return told
