"""`capelin version`."""

from __future__ import annotations

import click

from capelin import __version__


@click.command("version")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
def command(output: str) -> None:
    """Print the version of this program and of the API it speaks."""
    if output == "json":
        import json

        click.echo(json.dumps({"version": __version__, "contract": "cluster.x-k8s.io/v1beta2"}))
    else:
        click.echo(f"capelin {__version__} (cluster.x-k8s.io/v1beta2)")
