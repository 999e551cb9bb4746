"""striate completion: the script that completes verbs, options and networks in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from striate.errors import unknown_name

SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion",
    epilog="\b\nExamples:\n"
    "  striate completion bash >> ~/.bashrc\n"
    "  striate completion zsh >> ~/.zshrc\n"
    "  striate completion fish > ~/.config/fish/completions/striate.fish",
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL."""
    found = get_completion_class(shell)
    if found is None:
        raise unknown_name("shell", shell, SHELLS)
    root = ctx.find_root()
    click.echo(found(root.command, {}, "striate", "_STRIATE_COMPLETE").source())
