"""`capelin describe`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import click

from capelin import assembly
from capelin.api.crds import KINDS
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.meta import ObjectKey, Resource
from capelin.cli.render import lines
from capelin.cli.session import Session, kubeconfig_options, namespace_option, reporting
from capelin.cli.tree import Document, Inventory, build_tree
from capelin.runtime.client import Client, Selection
from capelin.runtime.contract import CORE_GROUP, ContractError, Contracts
from capelin.runtime.errors import Forbidden, NotFound
from capelin.runtime.seams import SystemClock
from capelin.webhooks.judging import unattended_in

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
            inventory = await take_inventory(session.client, key, assembly.unattended())
            root = build_tree(inventory, now=SystemClock().now(), grouping=not no_grouping)
            if output == "json":
                click.echo(json.dumps(root.document(), indent=2))
            elif output == "yaml":
                import yaml

                click.echo(yaml.safe_dump(root.document(), sort_keys=False), nl=False)
            else:
                click.echo("\n".join(lines(root, colour=sys.stdout.isatty())))

    asyncio.run(show())


async def take_inventory(client: Client, key: ObjectKey, unattended: Collection[str] = ()) -> Inventory:
    """Read a cluster and what belongs to it. `unattended` is what no controller acts on; see `judging.unattended_in`.

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
    control_plane = await _referenced(client, key.namespace, spec.get("controlPlaneRef"))
    found = [document async for document in _of_unattended_kinds(client, key, unattended)]
    if control_plane is not None and not any(_is_same(control_plane, other) for other in found):
        found.append(control_plane)  # nobody has labelled it yet
    return Inventory(
        cluster.document,
        await _referenced(client, key.namespace, spec.get("infrastructureRef")),
        control_plane,
        **below,
        unattended=told_unattended(cluster.document, found, unattended),
    )


def told_unattended(cluster: Document, others: Collection[Document], unattended: Collection[str]) -> list[tuple[Document, str]]:
    """Return what no controller acts on of a Cluster and the other objects that belong to it, with the sentence that admission says."""
    own = [(cluster, told) for told in unattended_in(unattended, "Cluster", cluster)]
    return own + [(other, told) for other in others for told in unattended_in(unattended, str(other.get("kind")), other)]


async def _of_unattended_kinds(client: Client, cluster: ObjectKey, unattended: Collection[str]) -> AsyncIterator[Document]:
    """Yield the objects of a cluster whose kinds no controller acts on."""
    for resource in (kind.resource for kind in KINDS if kind.resource.kind in unattended and kind.resource.namespaced):
        try:
            found = await client.list(resource, Selection(namespace=cluster.namespace))
        except (NotFound, Forbidden):
            continue  # the kind is not installed, or not for this user to see: of it nothing is said
        for obj in found:
            if belongs_to(obj.document, cluster.name):
                yield {**obj.document, "kind": resource.kind}


def _is_same(one: Document, other: Document) -> bool:
    return (one["kind"], one["metadata"]["name"]) == (other["kind"], other["metadata"]["name"])


def belongs_to(document: Document, cluster: str) -> bool:
    """Tell whether an object of the cluster's namespace is the cluster's: it names it, or is labelled or owned as its own."""
    metadata = document.get("metadata") or {}
    names = {(document.get("spec") or {}).get("clusterName"), (metadata.get("labels") or {}).get(CLUSTER_NAME_LABEL)}
    owners = {owner.get("name") for owner in metadata.get("ownerReferences") or () if owner.get("kind") == "Cluster"}
    return cluster in names | owners


async def _referenced(client: Client, namespace: str, reference: Document | None) -> Document | None:
    if not reference:
        return None
    try:
        resource = await Contracts(client, SystemClock()).resource(str(reference.get("apiGroup")), str(reference.get("kind")))
    except ContractError:
        return None  # the Cluster's own conditions say so
    found = await client.get(resource, ObjectKey(namespace, str(reference.get("name"))))
    return found.document if found is not None else None
