"""`capelin describe`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import click

from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.meta import ObjectKey, Resource
from capelin.cli.render import lines
from capelin.cli.session import Session, kubeconfig_options, namespace_option, reporting
from capelin.cli.tree import Document, Inventory, build_tree
from capelin.runtime.client import Client, Selection
from capelin.runtime.contract import CORE_GROUP, ContractError, Contracts
from capelin.runtime.seams import SystemClock

_CLUSTERS = Resource(CORE_GROUP, "v1beta2", "clusters", "Cluster")
_BELOW = {
    "machine_deployments": Resource(CORE_GROUP, "v1beta2", "machinedeployments", "MachineDeployment"),
    "machine_sets": Resource(CORE_GROUP, "v1beta2", "machinesets", "MachineSet"),
    "machines": Resource(CORE_GROUP, "v1beta2", "machines", "Machine"),
}


@click.group("describe")
def command() -> None:
    """Show an object and everything below it."""


@command.command("cluster")
@click.argument("name")
@namespace_option
@kubeconfig_options
@click.option("--no-grouping", is_flag=True, help="Show every Machine on a line of its own.")
@click.option("-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table", show_default=True, help="Output format.")
@reporting
def describe_cluster(
    name: str, namespace: str | None, kubeconfig: Path | None, context: str | None, no_grouping: bool, output: str
) -> None:
    """Show the cluster NAME as a tree: what is Ready, what is not, and why."""

    async def show() -> None:
        async with Session.open(kubeconfig, context) as session:
            key = ObjectKey(namespace or session.namespace, name)
            inventory = await take_inventory(session.client, key)
            root = build_tree(inventory, now=SystemClock().now(), grouping=not no_grouping)
            if output == "json":
                click.echo(json.dumps(root.document(), indent=2))
            elif output == "yaml":
                import yaml

                click.echo(yaml.safe_dump(root.document(), sort_keys=False), nl=False)
            else:
                click.echo("\n".join(lines(root, colour=sys.stdout.isatty())))

    asyncio.run(show())


async def take_inventory(client: Client, key: ObjectKey) -> Inventory:
    """Read a cluster and what belongs to it.

    Raises:
        click.ClickException: there is no such Cluster.
        ApiError: the API server did not answer, or said no.
    """
    cluster = await client.get(_CLUSTERS, key)
    if cluster is None:
        raise click.ClickException(f"Cluster {key} not found")
    selection = Selection(namespace=key.namespace, labels={CLUSTER_NAME_LABEL: key.name})
    below = {field: [found.document for found in await client.list(kind, selection)] for field, kind in _BELOW.items()}
    for field, kind in _BELOW.items():
        for document in below[field]:
            document["kind"] = kind.kind  # items of a list come without their kind
    spec = cluster.document.get("spec") or {}
    return Inventory(
        cluster.document,
        await _referenced(client, key.namespace, spec.get("infrastructureRef")),
        await _referenced(client, key.namespace, spec.get("controlPlaneRef")),
        **below,
    )


async def _referenced(client: Client, namespace: str, reference: Document | None) -> Document | None:
    if not reference:
        return None
    try:
        resource = await Contracts(client, SystemClock()).resource(str(reference.get("apiGroup")), str(reference.get("kind")))
    except ContractError:
        return None  # the Cluster's own conditions say so
    found = await client.get(resource, ObjectKey(namespace, str(reference.get("name"))))
    return found.document if found is not None else None
