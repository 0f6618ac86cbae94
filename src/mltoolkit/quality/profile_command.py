"""The command ``datasanity profile``."""

from __future__ import annotations

import click


@click.command()
@click.argument("file", type=click.Path())
@click.option("--target", metavar="COLUMN", help="The column to be predicted: its classes, and what gives it away.")
@click.option("--all", "every_column", is_flag=True, help="Every column of a wide table, not the first sixty.")
@click.option("--html", "as_html", is_flag=True, help="A page for the browser, in one file.")
@click.option("-o", "--output", metavar="PAGE", type=click.Path(), help="Where the page goes; - is standard output.")
@click.option("--force", is_flag=True, help="Overwrite a file that is no page of datasanity.")
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
def profile(
    file: str, target: str | None, every_column: bool, as_html: bool, output: str | None, force: bool, as_json: bool
) -> None:
    """Say what a file holds, column by column.

    \b
    Examples:
      datasanity profile customers.csv
      datasanity profile customers.csv --target churned
      datasanity profile customers.csv --html -o customers.html
    """
    if as_html and as_json:
        raise click.UsageError("--html and --json are two forms of the same: choose one")
    if output is not None and not as_html:
        raise click.UsageError("-o is for the page that --html makes")
    from mltoolkit.quality import profiling

    found = profiling.profile(file, target)
    if as_json:
        import json

        from mltoolkit.quality.text import profile_as_data

        click.echo(json.dumps(profile_as_data(found), indent=2, ensure_ascii=False, allow_nan=False))
    elif as_html:
        from mltoolkit.quality.page.profile_page import profile_page
        from mltoolkit.quality.page.writing import default_name, write_page

        write_page(profile_page(found), output or default_name(file, "profile"), force=force)
    else:
        from mltoolkit.quality.profile_text import print_profile

        print_profile(found, every_column=every_column)
