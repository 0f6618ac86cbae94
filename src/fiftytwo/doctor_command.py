"""``fiftytwo doctor``: show what :mod:`fiftytwo.doctor` found."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict

import click

from fiftytwo.console import symbol
from fiftytwo.doctor import Finding, examine
from fiftytwo.evidence import Outcome
from fiftytwo.home import Home

_SIGNS: dict[str, tuple[Outcome, str]] = {
    "good": ("passed", "green"),
    "lacking": ("not attempted", "yellow"),
    "broken": ("wrong", "red"),
}
_NAME, _WIDTH = 14, 79


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def doctor(as_json: bool) -> None:
    """What this machine has and lacks, and how to mend it.

    Looks at the interpreter, the installed libraries and extras, your home, the disk, memory, threads, GPU,
    browser and datasets. The exit status is 1 when something is broken; what is merely lacking costs what it says.

    \b
    Example:
      fiftytwo doctor
    """
    found = []
    for finding in examine(Home.find()):
        found.append(finding)
        if not as_json:
            for line in _lines(finding):
                click.echo(line)
    broken = sum(finding.state == "broken" for finding in found)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=1))
    else:
        lacking = sum(finding.state == "lacking" for finding in found)
        click.echo("")
        click.echo(f"{broken} broken, {lacking} lacking." if broken or lacking else "All is well.")
    sys.exit(1 if broken else 0)


def _lines(finding: Finding) -> Iterator[str]:
    outcome, colour = _SIGNS[finding.state]
    head = f"{symbol(outcome)} {finding.what:<{_NAME}} "
    lines = textwrap.wrap(finding.found, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head),
                          break_long_words=False, break_on_hyphens=False)  # fmt: skip
    yield from (click.style(line, fg=colour) for line in lines[:1])
    yield from lines[1:]
    for title, text in (("costs", finding.cost), ("mend", finding.mend)):
        if text:
            yield f"{' ' * len(head)}{title}: {text}"
