"""`capelin get`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from capelin.api.core import Secret
from capelin.api.meta import ObjectKey
from capelin.cli.session import Session, kubeconfig_options, namespace_option, reporting


@click.group("get")
def command() -> None:
    """Fetch something of a cluster."""


@command.command("kubeconfig")
@click.argument("name")
@namespace_option
@kubeconfig_options
@reporting
def get_kubeconfig(name: str, namespace: str | None, kubeconfig: Path | None, context: str | None) -> None:
    """Print the administrator's kubeconfig of the cluster NAME. Who holds it holds the cluster: keep it in a file of mode 0600."""

    async def show() -> None:
        async with Session.open(kubeconfig, context) as session:
            key = ObjectKey(namespace or session.namespace, f"{name}-kubeconfig")
            secret = await session.client.get(Secret, key)
        value = secret.value("value") if secret is not None else None
        if not value:
            found = "not found" if secret is None else "has no key value"
            raise click.ClickException(f"Secret {key}: {found}; is there a cluster {name}, and is its control plane up?")
        click.echo(value, nl=False)

    asyncio.run(show())
