"""The pages of the site as text: templates filled from what was gathered.

Everything that a page says is escaped by Jinja; Markdown comes out of one function that escapes as well.
Addresses are relative, so the folder can be opened from a disk, moved, or put on any web server.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from fiftytwo.report import format as form
from fiftytwo.report.gather import Entry, State, check_rows, failure_groups
from fiftytwo.report.markdown import to_html

if TYPE_CHECKING:
    from jinja2 import Environment

    from fiftytwo.evidence import Profile, Run, Table, Verdict

GENERATOR = "fiftytwo report"  # marks a folder as one that the next report may replace

# What a state is called and the sign that says the same without colour.
STATES: dict[State, tuple[str, str]] = {
    "yours": ("★", "passed by you"),
    "passed": ("✓", "reference passed"),
    "failed": ("✕", "reference failed"),
    "absent": ("–", "reference could not run here"),
    "landed": ("○", "landed, not run yet"),
    "planned": ("·", "planned, not landed yet"),
}
OUTCOMES = {"passed": "✓", "wrong": "✕", "crashed": "!", "not attempted": "○", "could not run here": "–"}


@dataclass(frozen=True)
class Picture:
    """A figure of a run: what to copy, where to, and whether it is still there."""

    name: str
    caption: str
    source: Path
    address: str
    there: bool


def page_name(number: int) -> str:
    """File name of a week's page."""
    return f"week{number:02d}.html"


def pictures(run: Run | None, folder: Path | None) -> list[Picture]:
    """The figures of a run; the store drops the files of old runs, and a path may not leave its folder."""
    if run is None or folder is None:
        return []
    found = []
    for number, figure in enumerate(run.figures, 1):
        path = PurePosixPath(figure.file)
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name)
        source = folder / figure.file
        safe = not path.is_absolute() and ".." not in path.parts and path.suffix in (".svg", ".png")
        address = f"figures/week{run.week:02d}/{number:02d}-{slug}"
        found.append(Picture(figure.name, figure.caption, source, address, safe and source.is_file()))
    return found


def index_page(entries: Sequence[Entry], made: str, profile: Profile | None = None) -> str:
    """The year at a glance."""
    phases = [(name, list(group)) for name, group in itertools.groupby(entries, key=lambda entry: entry.week.phase)]
    ran = [entry for entry in entries if entry.shown]
    return fill(
        "index.html.jinja",
        phases=phases,
        ran=ran,
        counts=Counter(entry.state for entry in entries),
        totals=totals(entries),
        command=next_command(entries, profile),
        nothing=nothing_yet(profile),
        made=made,
    )


def week_page(
    entry: Entry, entries: Sequence[Entry], figures: Sequence[Picture], made: str, profile: Profile | None = None
) -> str:
    """One week, planned or landed."""
    place = entry.week.number - 1
    return fill(
        "week.html.jinja",
        entry=entry,
        week=entry.week,
        run=entry.shown,
        rows=list(check_rows(entry)),
        failed=[
            (who, side, failure_groups(side))
            for who, side in (("Your run", entry.learner), ("Reference", entry.reference))
        ],
        pictures=figures,
        before=entries[place - 1].week if place else None,
        run_command=_run_command(entry, profile),
        nothing=nothing_yet(profile),
        after=entries[place + 1].week if place + 1 < len(entries) else None,
        made=made,
    )


def totals(entries: Sequence[Entry]) -> str:
    """The year in one line."""
    landed = sum(entry.landed for entry in entries)
    good = sum(bool(entry.reference and entry.reference.status == "passed") for entry in entries)
    yours = sum(bool(entry.learner and entry.learner.status == "passed") for entry in entries)
    return f"{landed} of {len(entries)} weeks landed · {good} passed by the reference · {yours} passed by you"


def nothing_yet(profile: Profile | None) -> str:
    """What to say where no run is to be shown."""
    return f"No run of the {profile} profile yet." if profile else "Nothing has been run yet."


def _run_command(entry: Entry, profile: Profile | None) -> str:
    return f"fiftytwo run {entry.week.number}" + (f" --profile {profile}" if profile else "")


def next_command(entries: Sequence[Entry], profile: Profile | None = None) -> str:
    """What to type next: run the reference first, then the first week that the learner has not passed."""
    landed = [entry for entry in entries if entry.landed]
    if not landed:
        return "fiftytwo plan"
    if not any(entry.shown for entry in landed):
        return _run_command(landed[0], profile)
    ahead = next((e for e in landed if e.learner is None or e.learner.status != "passed"), None)
    if ahead is None:
        return "fiftytwo plan"
    return f"fiftytwo {'check' if ahead.learner else 'start'} {ahead.week.number}"


def replay_script(run: Run, verdict: Verdict) -> str:
    """Where the script that replays a failure lies, seen from the home; a learner's is laid beside their file."""
    if not verdict.counterexample:
        return ""
    folder = f"week{run.week:02d}"
    return f"{folder if run.who == 'learner' else f'evidence/{folder}/{run.id}'}/{verdict.counterexample}"


def when(moment: str) -> str:
    """An ISO moment without seconds: ``"2027-01-04 09:15 UTC"``."""
    match = re.match(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)", moment)
    return f"{match[1]} {match[2]} UTC" if match else moment


def score(run: Run) -> str:
    """How a run ended, in a few words."""
    if run.status == "could not run here" or not run.verdicts:
        return run.status
    return f"{run.status}, {run.passed} of {run.counted} checks"


def _columns(table: Table) -> list[tuple[str, bool]]:
    """Each column's name, and whether it holds numbers and goes to the right."""
    cells = [[row[i] for row in table.rows] for i in range(len(table.columns))]
    return [
        (name, bool(column) and not any(isinstance(value, str | bool) for value in column))
        for name, column in zip(table.columns, cells, strict=True)
    ]


def fill(template: str, **context: Any) -> str:
    """A page from its template; a name that the context lacks is an error."""
    return _environment().get_template(template).render(context)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("fiftytwo.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": form.format_number,
        "seconds": form.format_seconds,
        "bytes": form.format_bytes,
        "measured": form.format_measured,
        "markdown": lambda text, top=3: Markup(to_html(text, top=top)),  # noqa: S704 - to_html escapes
        "when": when,
        "score": score,
        "columns": _columns,
        "page": page_name,
    }
    environment.globals |= {
        "states": STATES,
        "outcomes": OUTCOMES,
        "generator": GENERATOR,
        "replay_script": replay_script,
    }
    return environment
