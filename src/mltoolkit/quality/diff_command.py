"""The command ``datasanity diff``."""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("before", type=click.Path())
@click.argument("after", type=click.Path())
@click.option("--fail-on", type=click.Choice(["error", "warning", "info"]), default="warning", show_default=True,
              help="The least severe finding that makes the exit status 1.")  # fmt: skip
@click.option("--all", "every_column", is_flag=True, help="Every column, not only those that have changed.")
@click.option("--html", "as_html", is_flag=True, help="A page for the browser, in one file.")
@click.option("-o", "--output", metavar="PAGE", type=click.Path(), help="Where the page goes; - is standard output.")
@click.option("--force", is_flag=True, help="Overwrite a file that is no page of datasanity.")
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
def diff(
    before: str, after: str, fail_on: str, every_column: bool, as_html: bool, output: str | None, force: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Say what has changed from one file to another: columns, rows, and how values are distributed.

    Two samples of the same data differ in every figure; what chance alone could make is not told. The exit status is
    0 when nothing of note has changed, 1 when something has, 2 when a file cannot be read.

    \b
    Examples:
      datasanity diff january.csv february.csv
      datasanity diff january.csv february.csv --html -o february.html
      datasanity diff old.parquet new.parquet --fail-on error
    """
    if as_html and as_json:
        raise click.UsageError("--html and --json are two forms of the same: choose one")
    if output is not None and not as_html:
        raise click.UsageError("-o is for the page that --html makes")
    from mltoolkit.quality import differences
    from mltoolkit.quality.findings import SEVERITIES
    from mltoolkit.quality.page import writing

    if as_html:
        output = output or writing.default_name(after, "diff")
        writing.insist_on_own(output, force=force)
    found = differences.diff(before, after)
    names: list[str] = list(SEVERITIES)
    bad = sum(names.index(finding.severity) <= names.index(fail_on) for finding in found.findings)
    if as_json:
        import json

        from mltoolkit.quality.diff_text import diff_as_data

        click.echo(json.dumps(diff_as_data(found, bad), indent=2, ensure_ascii=False, allow_nan=False))
    elif output is not None:
        from mltoolkit.quality.page.diff_page import diff_page

        writing.write_page(diff_page(found, bad=bad), output, force=force)
    else:
        from mltoolkit.quality.diff_text import print_diff

        print_diff(found, bad, every_column=every_column)
    sys.exit(1 if bad else 0)
