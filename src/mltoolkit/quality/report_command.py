"""The command ``datasanity report``."""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("file", type=click.Path())
@click.option("--rules", metavar="FILE", type=click.Path(), help="Check these rules as well; see datasanity suggest.")
@click.option("--target", metavar="COLUMN", help="The column to be predicted: class balance and leakage are checked.")
@click.option("-o", "--output", metavar="PAGE", type=click.Path(), help="Where the page goes; - is standard output.")
@click.option("--fail-on", type=click.Choice(["error", "warning", "info"]), default="warning", show_default=True,
              help="The least severe finding that makes the exit status 1.")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite a file that is no page of datasanity.")
def report(file: str, rules: str | None, target: str | None, output: str | None, fail_on: str, force: bool) -> None:
    """Write what a file holds and what is wrong with it as a page for the browser.

    One file that needs nothing else: it can be sent by mail. The exit status is that of check: 0 when nothing was
    found, 1 when something was, 2 when the file cannot be read.

    \b
    Examples:
      datasanity report customers.csv
      datasanity report customers.csv --rules rules.toml -o customers.html
    """
    from mltoolkit.quality.checks import check
    from mltoolkit.quality.findings import SEVERITIES, counted
    from mltoolkit.quality.page.profile_page import profile_page
    from mltoolkit.quality.page.writing import default_name, insist_on_own, write_page
    from mltoolkit.quality.profiling import profile
    from mltoolkit.quality.scanning import look_at
    from mltoolkit.quality.source import open_source

    output = output or default_name(file, "report")
    insist_on_own(output, force=force)
    source = open_source(file)
    table = look_at(source)
    found = list(check(table, target))
    checked = "checked by what holds for any table"
    if rules is not None:
        from pathlib import Path

        from mltoolkit.quality.rules.evaluation import evaluate, findings_of
        from mltoolkit.quality.rules.loading import BadRules, load_rules

        try:
            suite = load_rules(Path(rules))
        except BadRules as error:  # its lines are kept apart: one a fault
            click.echo(f"error: {error}", err=True)
            sys.exit(2)
        broken = findings_of(evaluate(source, suite)[0])
        found = sorted([*broken, *found], key=lambda finding: SEVERITIES.index(finding.severity))
        checked += f", and by {counted(len(suite), 'rule')} of {Path(rules).name}"
    names: list[str] = list(SEVERITIES)
    bad = sum(names.index(finding.severity) <= names.index(fail_on) for finding in found)
    facts = profile(table, target)
    unit = "row" if table.by_row else "line"
    write_page(profile_page(facts, found, bad=bad, checked=checked, unit=unit), output, force=force)
    sys.exit(1 if bad else 0)
