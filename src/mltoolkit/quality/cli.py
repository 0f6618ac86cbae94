"""The command ``datasanity``: profile a file, check it, suggest rules for it, compare it, report on it.

Exit status: 0 nothing found, 1 something found, 2 the file or the command cannot be used.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
from typing import Any

import click

from mltoolkit.quality import diff_command, profile_command, report_command

_CONTEXT = {"help_option_names": ["-h", "--help"]}


class _Group(click.Group):
    """A group that answers an unknown command with the nearest."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.commands, n=1, cutoff=0.4)
            guess = f" Did you mean '{near[0]}'?" if near else f" There are: {', '.join(self.commands)}."
            raise click.UsageError(f"there is no command '{args[0]}'.{guess}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings=_CONTEXT)
@click.version_option(package_name="fiftytwo", message="datasanity %(version)s")
def cli() -> None:
    """Look at a table before you trust it.

    Reads CSV, TSV and their cousins (delimiter, encoding and header are found), JSON lines and Parquet; text
    may be compressed with gzip or zstd. FILE may also be - for standard input, or the URL of a table in a
    database.

    \b
    Examples:
      datasanity profile customers.csv
      datasanity check customers.csv --target churned
      datasanity check customers.parquet --json
      datasanity report customers.csv
      datasanity diff january.csv february.csv
      zcat customers.csv.gz | datasanity profile -
      datasanity check 'duckdb:///shop.db?table=customers'
    """


cli.add_command(profile_command.profile)
cli.add_command(report_command.report)
cli.add_command(diff_command.diff)


@cli.command()
@click.argument("file", type=click.Path())
@click.option("--target", metavar="COLUMN", help="The column to be predicted: class balance and leakage are checked.")
@click.option("--fail-on", type=click.Choice(["error", "warning", "info"]), default="warning", show_default=True,
              help="The least severe finding that makes the exit status 1.")  # fmt: skip
@click.option("--rules", metavar="FILE", type=click.Path(), help="Check these rules instead; see datasanity suggest.")
@click.option("--export-gx", metavar="FILE", type=click.Path(), help="Write the rules as a Great Expectations suite.")
@click.option("--force", is_flag=True, help="Overwrite the file of --export-gx.")
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
def check(
    file: str, target: str | None, fail_on: str, rules: str | None, export_gx: str | None, force: bool, as_json: bool
) -> None:
    """Find what is wrong with a file.

    Without rules, what would be wrong with any table; with rules, which of them do not hold, and where.
    The exit status is 0 when nothing was found, 1 when something was, 2 when the file or the rules cannot be used.

    \b
    Examples:
      datasanity check customers.csv
      datasanity check customers.csv --target churned --fail-on error
      datasanity check customers.csv --rules rules.toml
    """
    if rules is not None or export_gx is not None:
        from mltoolkit.quality.rules import commands

        sys.exit(commands.check(file, target, fail_on, rules, export_gx, force=force, as_json=as_json))
    from mltoolkit.quality import checks, text
    from mltoolkit.quality.findings import SEVERITIES, as_row
    from mltoolkit.quality.scanning import look_at

    table = look_at(file)
    found = checks.check(table, target)
    names: list[str] = list(SEVERITIES)
    failing = names[: names.index(fail_on) + 1]
    bad = [finding for finding in found if finding.severity in failing]
    if as_json:
        rows = [as_row(finding) for finding in found]
        summary = {"file": file, "form": table.form, "rows": table.rows, "columns": len(table.columns)}
        click.echo(json.dumps({**summary, "clean": not bad, "findings": rows}, indent=2, ensure_ascii=False))
    else:
        text.print_findings(table, found, len(bad))
    sys.exit(1 if bad else 0)


@cli.command()
@click.argument("file", type=click.Path())
@click.option("-o", "--output", metavar="FILE", type=click.Path(), help="Write the rules there, not to the terminal.")
@click.option("--export-gx", metavar="FILE", type=click.Path(), help="Write them as a Great Expectations suite too.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def suggest(file: str, output: str | None, export_gx: str | None, force: bool) -> None:
    """Write a rules file from a good table.

    Each rule has a comment that says what it was read from. Read them, keep what you know to be true, and add what
    a table cannot tell.

    \b
    Examples:
      datasanity suggest customers.csv > rules.toml
      datasanity suggest customers.csv -o rules.toml
      datasanity check new-customers.csv --rules rules.toml
    """
    from mltoolkit.quality.rules import commands

    commands.suggest(file, output, export_gx, force=force)


def main() -> None:
    """Entry point of the console script: one line for an error, never a traceback."""
    try:
        cli.main(prog_name="datasanity", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except MemoryError:
        _fail("the file does not fit into memory")
    except Exception as error:
        from mltoolkit.errors import ToolkitError

        known = isinstance(error, ToolkitError)
        _fail(f"{error}" if known else f"{type(error).__name__}: {error}")


def _fail(message: Any) -> None:
    click.echo("error: " + " ".join(str(message).split()), err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
