"""`capelin crds`."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import click

from capelin.api import crds
from capelin.api.core import CustomResourceDefinition
from capelin.api.meta import ObjectKey, Unstructured
from capelin.cli.session import Session, kubeconfig_options, reporting
from capelin.runtime.client import Client
from capelin.runtime.seams import Clock, SystemClock

FIELD_MANAGER = "capelin-crds"
ESTABLISH_TIMEOUT = timedelta(seconds=30)
"""How long a server may take to serve a new kind; a healthy one needs less than a second."""
_POLL_INTERVAL = timedelta(milliseconds=100)


@click.command("crds")
@click.option("--install", "installing", is_flag=True, help="Apply them to the cluster instead of printing them.")
@kubeconfig_options
@reporting
def command(installing: bool, kubeconfig: Path | None, context: str | None) -> None:
    """Print the CustomResourceDefinitions as YAML, or install them."""
    if not installing:
        import yaml

        click.echo(yaml.safe_dump_all(crds.all_crds(), sort_keys=False), nl=False)
        return

    async def run() -> None:
        async with Session.open(kubeconfig, context) as session:
            for name in await install(session.client, SystemClock()):
                click.echo(f"customresourcedefinition {name} applied")

    asyncio.run(run())


async def install(client: Client, clock: Clock) -> list[str]:
    """Apply every CustomResourceDefinition, return their names once the server serves them all.

    Raises:
        ApiError: the server refused one.
        click.ClickException: one was accepted and is not served.
    """
    names = []
    for document in crds.all_crds():
        applied = await client.apply(Unstructured(CustomResourceDefinition.resource, document), manager=FIELD_MANAGER)
        names.append(applied.key.name)
    for name in names:
        await _established(client, clock, name)
    return names


async def _established(client: Client, clock: Clock, name: str) -> None:
    deadline = clock.monotonic() + ESTABLISH_TIMEOUT.total_seconds()
    while True:
        found = await client.get(CustomResourceDefinition.resource, ObjectKey("", name))
        conditions = ((found.document.get("status") or {}) if found else {}).get("conditions") or []
        if any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions):
            return
        if clock.monotonic() > deadline:
            reasons = "; ".join(f"{c.get('type')}={c.get('status')}: {c.get('message')}" for c in conditions)
            raise click.ClickException(
                f"CustomResourceDefinition {name} is not served after {ESTABLISH_TIMEOUT}: {reasons or 'no conditions'}"
            )
        await clock.sleep(_POLL_INTERVAL)
