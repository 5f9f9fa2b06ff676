"""The `capelin` command: which subcommands there are, and nothing that is slow to import."""

from __future__ import annotations

import importlib

import click

from capelin import __version__

_COMMANDS = {
    "up": "Start the embedded API server and all controllers on this machine.",
    "down": "Stop what `up` started.",
    "quickstart": "From nothing to a Ready cluster, then what to try next.",
    "manager": "Run the controllers against a Kubernetes API server.",
    "validate": "Judge manifests offline, as an API server would.",
    "crds": "Print or install the CustomResourceDefinitions.",
    "describe": "Show an object and everything below it.",
    "get": "Fetch something of a cluster.",
    "version": "Print the version.",
    "completion": "Print a completion script for your shell.",
}
"""Subcommand → its line in the help. The module `capelin.cli.<name>` holds it as `command`; it is imported when the subcommand runs."""


class _LazyGroup(click.Group):
    """A group whose subcommands are imported when they are called, so that `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        found = importlib.import_module(f"capelin.cli.{cmd_name}").command
        assert isinstance(found, click.Command)  # noqa: S101 - every module of _COMMANDS defines one
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, message="capelin %(version)s")
def main() -> None:
    """Create, heal, upgrade and delete whole Kubernetes clusters."""
