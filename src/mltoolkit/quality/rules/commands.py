"""What ``datasanity check --rules`` and ``datasanity suggest`` do."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mltoolkit.errors import BadInput
from mltoolkit.io import atomic_write
from mltoolkit.quality import text
from mltoolkit.quality.findings import SEVERITIES, as_row
from mltoolkit.quality.rules.evaluation import evaluate, findings_of
from mltoolkit.quality.rules.loading import BadRules, load_rules
from mltoolkit.quality.rules.suite import Suite
from mltoolkit.quality.source import open_source


def check(
    file: str,
    target: str | None,
    fail_on: str,
    rules: str | None,
    export_gx: str | None,
    *,
    force: bool,
    as_json: bool,
) -> int:
    """Check a file by rules, print what does not hold, and give the exit status."""
    if rules is None:
        raise click.UsageError("--export-gx writes rules in another form: name them by --rules FILE")
    if target is not None:
        raise click.UsageError("--target is for the checks without rules; with --rules only the rules are checked")
    try:
        suite = load_rules(Path(rules))
    except BadRules as error:  # its lines are kept apart: one a fault
        click.echo(f"error: {error}", err=True)
        return 2
    if export_gx is not None:
        _export(suite, export_gx, force=force)
    source = open_source(file)
    verdicts, rows = evaluate(source, suite)
    found = findings_of(verdicts)
    failing = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    bad = sum(finding.severity in failing for finding in found)
    if as_json:
        summary = {"file": file, "form": source.form, "rows": rows, "columns": len(source.header)}
        outcome = {"rules": len(suite), "clean": not bad, "findings": [as_row(finding) for finding in found]}
        click.echo(json.dumps({**summary, **outcome}, indent=2, ensure_ascii=False))
    else:
        about = text.Described(source.name, source.form, rows, len(source.header), source.by_row)
        text.print_broken_rules(about, found, len(suite), bad)
    return 1 if bad else 0


def suggest(file: str, output: str | None, export_gx: str | None, *, force: bool) -> None:
    """Write a rules file from a good table, to the terminal or to a file."""
    from mltoolkit.quality.rules import suggesting

    for path in (output, export_gx):
        if path is not None:
            _refuse_to_overwrite(path, force=force)
    suite = suggesting.suggest(file)
    if output is None:
        click.echo(suite.to_toml(), nl=False)
    else:
        atomic_write(output, suite.to_toml())
        click.echo(f"{len(suite)} rules in {output}", err=True)
    if export_gx is not None:
        _export(suite, export_gx, force=force)


def _export(suite: Suite, path: str, *, force: bool) -> None:
    _refuse_to_overwrite(path, force=force)
    data = suite.to_gx()
    atomic_write(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    for rule, reason in suite.left_out_of_gx():
        where = f"line {rule.line}: " if rule.line else ""
        click.echo(f"left out of {path}: {where}{rule.rule} of {rule.subject}: {reason}", err=True)


def _refuse_to_overwrite(path: str, *, force: bool) -> None:
    if Path(path).is_dir():
        raise BadInput(f"{path}: is a folder; expected the name of a file")
    if Path(path).exists() and not force:
        raise BadInput(f"{path}: is there already; --force overwrites it")
