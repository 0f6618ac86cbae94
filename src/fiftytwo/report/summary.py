"""The report in short, as Markdown: for a pull request, a terminal or a mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fiftytwo.documents import markdown_table, markdown_text
from fiftytwo.evidence import Profile, Run, Table, Verdict
from fiftytwo.report.format import format_measured, format_seconds
from fiftytwo.report.gather import Entry, check_rows, failures
from fiftytwo.report.pages import next_command, nothing_yet, score, totals, when


def summary(entries: Sequence[Entry], made: str, profile: Profile | None = None) -> str:
    """The year in a line, the weeks that ran in a table, and the checks of each."""
    return "\n".join(_lines(entries, made, profile)) + "\n"


def _lines(entries: Sequence[Entry], made: str, profile: Profile | None) -> Iterator[str]:
    ran = [entry for entry in entries if entry.shown]
    yield from ("# Fifty-Two", "", f"{totals(entries)}. Written {made}.", "")
    if not ran:
        yield nothing_yet(profile)
    else:
        rows = tuple(
            (e.week.number, e.week.title, _score(e.reference), _score(e.learner), _time(e.reference or e.learner))
            for e in ran
        )
        yield markdown_table(Table("weeks", "", ("week", "title", "reference", "you", "time"), rows))
    yield from ("", f"Next: `{next_command(entries, profile)}`")
    for entry in ran:
        yield from _week(entry)


def _week(entry: Entry) -> Iterator[str]:
    run = entry.shown
    assert run is not None
    yield from ("", f"## Week {entry.week.number}: {entry.week.title}", "")
    yield f"{run.profile} profile, {when(run.started)}, seed {run.seed}."
    if run.reason:
        yield from ("", f"Ended early: {markdown_text(run.reason)}")
    sides = [name for name, side in (("reference", entry.reference), ("you", entry.learner)) if side]
    checks = tuple(
        (row.name, row.bound, *(_cell(row.reference if side == "reference" else row.learner) for side in sides))
        for row in check_rows(entry)
    )
    if checks:
        yield from ("", markdown_table(Table("checks", "", ("check", "bound", *sides), checks)))
    for side, run_of_side in (("You", entry.learner), ("Reference", entry.reference)):
        for verdict in failures(run_of_side):
            yield from (
                "",
                f"- {side}, {markdown_text(verdict.name)}: {markdown_text(verdict.message or verdict.outcome)}",
            )


def _cell(verdict: Verdict | None) -> str:
    return f"{format_measured(verdict)}, {verdict.outcome}" if verdict else ""


def _score(run: Run | None) -> str:
    return score(run) if run else ""


def _time(run: Run | None) -> str:
    return format_seconds(run.seconds) if run else ""
