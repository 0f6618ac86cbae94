"""``fiftytwo completion``: the script that teaches a shell our commands."""

from __future__ import annotations

import click

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of your shell.

    \b
    Examples:
      eval "$(fiftytwo completion bash)"       in ~/.bashrc
      eval "$(fiftytwo completion zsh)"        in ~/.zshrc
      fiftytwo completion fish | source        in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from fiftytwo.cli import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "fiftytwo", "_FIFTYTWO_COMPLETE").source())
