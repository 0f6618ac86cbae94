"""The page about one table: verdict, what matters, the columns in short, and a card for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath

from mltoolkit.quality.correlating import Correlation
from mltoolkit.quality.figures import share, short, size, visible
from mltoolkit.quality.findings import SEVERITIES, Finding, counted
from mltoolkit.quality.page.views import (
    NAME,
    Bar,
    Link,
    column_views,
    finding_views,
    highlight_views,
    name_of,
    place_of,
)
from mltoolkit.quality.page.writing import render
from mltoolkit.quality.profiling import TableProfile, TargetProfile

MOST_CARDS = 400  # beyond, a page is no longer read, and a browser no longer quick
_MOST_CLASSES = 12
_MOST_CORRELATIONS = 20
_MEASURES = {"pearson": "Pearson’s r", "cramers_v": "Cramér’s V", "eta": "correlation ratio η"}


def profile_page(
    found: TableProfile,
    findings: Sequence[Finding] | None = None,
    *,
    bad: int = 0,
    checked: str = "",
    unit: str = "line",
    now: datetime | None = None,
) -> str:
    """The page about a table.

    Parameters
    ----------
    found : TableProfile
    findings : sequence of Finding, optional
        What a check found; without it the page is a profile alone.
    bad : int, default 0
        How many of the findings count against the table.
    checked : str, optional
        What it was checked by: ``"12 rules of rules.toml"``.
    unit : {"line", "row"}, default "line"
        What the numbers of a finding's rows count.
    now : datetime, optional
        The moment that the page names as its own.

    Returns
    -------
    str
        HTML, complete in itself.
    """
    given = findings or ()
    cells = found.rows * len(found.columns)
    repeated = found.duplicates
    missing = sum(column.missing for column in found.columns)
    places = {column.name: place_of(i) for i, column in reversed(list(enumerate(found.columns[:MOST_CARDS])))}
    return render(
        "profile.html.jinja",
        now=now,
        kind="profile" if findings is None else "report",
        name=visible(PurePath(found.name).name[:300]) or visible(found.name[:300]),
        path=visible(found.name[:1000]),
        facts=[found.form, *([size(found.bytes)] if found.bytes else [])],
        tiles_shown=[
            ("rows", f"{found.rows:,}", ""),
            ("columns", f"{len(found.columns):,}", ""),
            ("missing cells", share(missing, cells) if missing else "none", f"{missing:,}" if missing else ""),
            ("repeated rows", f"{repeated:,}" if repeated else "none", share(repeated, found.rows) if repeated else ""),
        ],
        verdict=None if findings is None else _verdict(given, bad, checked),
        findings=finding_views(given, places, unit),
        highlights=highlight_views(found, MOST_CARDS),
        target=_target(found.target, places, given) if found.target else None,
        correlations=[_correlation(pair, places) for pair in found.correlations[:_MOST_CORRELATIONS]],
        more_correlations=max(0, len(found.correlations) - _MOST_CORRELATIONS),
        columns=column_views(found, given, MOST_CARDS),
        more_columns=max(0, len(found.columns) - MOST_CARDS),
        estimates=any(column.approximate for column in found.columns) or bool(found.approximate),
    )  # fmt: skip


def _verdict(findings: Sequence[Finding], bad: int, checked: str) -> dict[str, str]:
    counts = [(severity, sum(f.severity == severity for f in findings)) for severity in SEVERITIES]
    tally = ", ".join(counted(count, severity) for severity, count in counts if count)
    worst = next((severity for severity, count in counts if count and bad), "clean")
    return {
        "word": "Not clean" if bad else "Clean",
        "tone": worst,
        "tally": tally or "nothing was found",
        "checked": checked,
    }


def _target(target: TargetProfile, places: dict[str, str], told: Sequence[Finding]) -> dict[str, object]:
    total = sum(count for _, count in target.classes)
    shown = target.classes[:_MOST_CLASSES]
    bars = [Bar(short(label, NAME), f"{n:,}", share(n, total), 100.0 * n / total) for label, n in shown]
    return {
        "link": Link(name_of(target.name), places.get(target.name)),
        "bars": bars,
        "more": len(target.classes) - len(shown),
        "findings": finding_views([f for f in target.findings if f not in told], places, "line"),
        "told": any(finding in told for finding in target.findings),
    }


def _correlation(pair: Correlation, places: dict[str, str]) -> dict[str, object]:
    return {
        "left": Link(name_of(pair.left), places.get(pair.left)),
        "right": Link(name_of(pair.right), places.get(pair.right)),
        "measure": _MEASURES[pair.measure],
        "value": f"{pair.value:.2f}".replace("-", "−"),
        "width": 100.0 * min(abs(pair.value), 1.0),
        "negative": pair.value < 0,
        "rows": counted(pair.rows, "row"),
    }
