"""`capelin completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a completion script. For bash: `source <(capelin completion bash)`."""
    from capelin.cli.main import main

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the choices above are the shells click knows
    # Not `found(…).source()`: for bash that starts a shell to look at its version.
    completion = found(main, {}, "capelin", "_CAPELIN_COMPLETE")
    click.echo(completion.source_template % completion.source_vars())
