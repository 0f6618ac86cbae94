"""The command ``fiftytwo``: names, one line each, and where the command lives.

A command's module is imported only when that command runs, so that ``--help`` costs next to nothing.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """Where a command lives and what the overview says of it."""

    address: str
    summary: str


_PROVING = "fiftytwo.learner.proving_commands"
COMMANDS = {
    "start": Entry("fiftytwo.learner.commands:start", "Begin a week: its brief and its starter file."),
    "check": Entry("fiftytwo.learner.commands:check", "Measure your code against the week's bounds."),
    "hint": Entry("fiftytwo.learner.commands:hint", "The next hint for the first failing check."),
    "solution": Entry("fiftytwo.learner.commands:solution", "Your code beside the reference."),
    "compare": Entry("fiftytwo.learner.commands:compare", "Yours, the reference, the library: time, memory, result."),
    "reset": Entry("fiftytwo.learner.commands:reset", "Put a week back to its starter; your file is kept."),
    "update": Entry("fiftytwo.learner.commands:update", "Merge a changed starter into your edited file."),
    "skip": Entry("fiftytwo.learner.commands:skip", "Leave a week out; it stays visible."),
    "quiz": Entry("fiftytwo.learner.quiz_command:command", "Questions of the week, and those due for review."),
    "run": Entry("fiftytwo.run_command:run", "Run the reference builds and keep their evidence."),
    "recheck": Entry(_PROVING + ":recheck", "Run your passed weeks again; what fails is reopened."),
    "verify": Entry(_PROVING + ":verify", "Run the claims in somebody's folder again."),
    "portfolio": Entry(
        "fiftytwo.report.command:portfolio", "Write what you passed as a static site, with its evidence."
    ),
    "report": Entry("fiftytwo.report.command:report", "Write the evidence as a static site."),
    "plan": Entry("fiftytwo.plan_command:plan", "The fifty-two weeks and where each stands."),
    "data": Entry("fiftytwo.data_command:data", "The datasets: list them, fetch them, see where they lie."),
    "notebook": Entry("fiftytwo.notebooks:notebook", "Open a week's notebook, where there is one."),
    "doctor": Entry("fiftytwo.doctor_command:doctor", "What this machine has and lacks, and how to mend it."),
    "completion": Entry("fiftytwo.completion:completion", "Print the completion script of your shell."),
}
_TODAY = "fiftytwo.learner.today:command"
_GROUPS = {
    "Learn": ("start", "check", "hint", "solution", "compare", "reset", "update", "quiz", "skip"),
    "Prove": ("recheck", "verify", "portfolio"),
    "Run": ("run", "report", "plan", "data"),
    "Help": ("notebook", "doctor", "completion"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command, in the order of the overview."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        return _load(COMMANDS[cmd_name].address) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; an unknown one is answered with the nearest."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
            guess = f" Did you mean '{near[0]}'?" if near else " See: fiftytwo --help"
            raise click.UsageError(f"there is no command '{name}'.{guess}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands that begin like this, from the table above, importing none."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(n, help=e.summary) for n, e in COMMANDS.items() if n.startswith(incomplete)]
        return found + (click.Command.shell_complete(self, ctx, incomplete) if incomplete.startswith("-") else [])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands from the table above, importing none."""
        for title, names in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name].summary) for name in names])


def _load(address: str) -> click.Command:
    module, _, name = address.partition(":")
    command: Any = getattr(importlib.import_module(module), name)
    assert isinstance(command, click.Command)
    return command


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fiftytwo", message="fiftytwo %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Fifty-Two: a year of AI engineering that runs.

    Without a command: where you are in the year and what comes next.

    \b
    The learner's loop:
      fiftytwo start 1      my52/week01/ with a brief and a starter file
      fiftytwo check 1      the checks on your code; --watch: on every save
      fiftytwo hint 1       the next hint for the first failing check
    """
    from fiftytwo.home import Home
    from fiftytwo.upkeep import prepare

    warning = prepare(Home.find())
    if warning:
        click.echo(f"warning: {warning}", err=True)
    if ctx.invoked_subcommand is None:
        ctx.invoke(_load(_TODAY))


def main() -> None:
    """Entry point of the console script: errors in one line, never a traceback."""
    try:
        cli.main(prog_name="fiftytwo", standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output, such as head, has gone
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        sys.exit(_last_resort(error))


def _last_resort(error: Exception) -> int:
    """One line about an error that no command foresaw; the traceback goes to a file."""
    import contextlib
    import tempfile
    import traceback

    from fiftytwo.home import FULL
    from mltoolkit.errors import ToolkitError

    text = " ".join(str(error).split()) or type(error).__name__
    if any(sign in text for sign in FULL):
        click.echo(f"error: the disk is full ({text.partition(' [SQL')[0]}); make room and run it again", err=True)
        return 2
    if isinstance(error, ToolkitError):
        click.echo(f"error: {text}", err=True)
        return 2
    where = ""
    with contextlib.suppress(OSError):  # whatever is wrong may be wrong with the temporary folder as well
        with tempfile.NamedTemporaryFile(
            "w", prefix="fiftytwo-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            traceback.print_exception(error, file=file)
        where = f" (details: {file.name})"
    click.echo(f"error: {type(error).__name__}: {text}{where}", err=True)
    return 2
