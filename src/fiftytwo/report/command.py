"""``fiftytwo report``: write the site and say where it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fiftytwo.evidence import Profile


@click.command()
@click.option("--output", "-o", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Where to write the site; by default the folder 'report' in your home.")  # fmt: skip
@click.option("--profile", type=click.Choice(["quick", "full"]),
              help="Only runs of this profile; by default the newest of either.")  # fmt: skip
@click.option("--markdown", is_flag=True, help="Write REPORT.md, the report in short, beside the pages.")
@click.option("--open", "open_it", is_flag=True, help="Open the first page in the browser.")
def report(output: Path | None, profile: Profile | None, markdown: bool, open_it: bool) -> None:
    """Write the evidence as a static site.

    The pages need no network and no server: the year at a glance and a page for each week, with its
    checks, figures, tables and documents. An earlier report in the same folder is replaced as a whole.

    \b
    Examples:
      fiftytwo report
      fiftytwo report --output site --profile full --markdown
    """
    from fiftytwo.home import Home
    from fiftytwo.report.site import SUMMARY, write_report

    page = write_report(Home.find(), output, profile=profile, markdown=markdown)
    click.echo(f"report: {page}")
    if markdown:
        click.echo(f"in short: {page.with_name(SUMMARY)}")
    if open_it:
        click.launch(page.as_uri())


@click.command()
@click.option("--output", "-o", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Where to write it; by default the folder 'portfolio' in your home.")  # fmt: skip
@click.option("--name", default="", metavar="TEXT", help="Whose portfolio it is, for the title.")
@click.option("--open", "open_it", is_flag=True, help="Open the first page in the browser.")
def portfolio(output: Path | None, name: str, open_it: bool) -> None:
    """Write what you passed as a static site, with its evidence.

    For others to see: each passed week with its bounds, what was measured, the help that you used, your
    code, and the command that measures it again. Weeks that are not passed are left out.

    \b
    Examples:
      fiftytwo portfolio
      fiftytwo portfolio --name "Ada Lovelace" --output site
    """
    from fiftytwo.home import Home
    from fiftytwo.report.portfolio import write_portfolio

    page, count = write_portfolio(Home.find(), output, name=name)
    click.echo(f"portfolio: {page} ({count} week{'s' if count != 1 else ''})")
    if open_it:
        click.launch(page.as_uri())
