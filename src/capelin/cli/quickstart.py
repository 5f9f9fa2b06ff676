"""`capelin quickstart`: from nothing to a Ready cluster."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import click
import yaml

from capelin.api import crds
from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.cli.describe import take_inventory
from capelin.cli.directory import DataDirectory, program
from capelin.cli.render import lines
from capelin.cli.session import Session, reporting
from capelin.cli.tree import Inventory, Node, build_tree
from capelin.cli.up import data_option, port_option, start_detached
from capelin.runtime.client import Client
from capelin.runtime.seams import Clock, SystemClock

CLUSTER = ObjectKey("default", "quickstart")
FIELD_MANAGER = "capelin-quickstart"
_LOOK_INTERVAL = timedelta(milliseconds=500)

NEXT = """
The cluster is ready. Try next:

  export KUBECONFIG={kubeconfig}
  kubectl get clusters,machinedeployments,machines
  kubectl scale machinedeployment quickstart-workers --replicas=5
  {program} describe cluster quickstart
  {program} get kubeconfig quickstart > quickstart.kubeconfig
  kubectl --kubeconfig quickstart.kubeconfig get nodes
  kubectl delete cluster quickstart

Stop everything with: {down} (and forget it with: {down} --purge)"""


@click.command("quickstart")
@data_option
@port_option
@click.option("--timeout", "seconds", type=click.IntRange(1), default=120, show_default=True, help="Seconds to wait for the cluster.")
@reporting
def command(data: Path | None, port: int, seconds: int) -> None:
    """Start a management API, apply a sample cluster, and show it become Ready. A second run shows the same cluster."""
    directory = DataDirectory(data) if data else DataDirectory.default()
    directory.prepare()
    if directory.holder() is None:
        click.echo("Starting the management API …")
        start_detached(directory, port)
    asyncio.run(_bring_up(directory, timedelta(seconds=seconds)))
    click.echo(NEXT.format(kubeconfig=directory.kubeconfig, program=program(), down=directory.down_command))


def sample() -> list[dict[str, Any]]:
    """Return the objects of the sample cluster, in the order they are applied."""
    text = resources.files("capelin.cli").joinpath("quickstart.yaml").read_text()
    return [document for document in yaml.safe_load_all(text) if document]


async def _bring_up(directory: DataDirectory, limit: timedelta) -> None:
    async with Session.open(directory.kubeconfig, None) as session:
        known: dict[tuple[str, str], Resource] = {(kind.resource.api_version, kind.resource.kind): kind.resource for kind in crds.KINDS}
        for document in sample():
            resource = known[document["apiVersion"], document["kind"]]
            document["metadata"].setdefault("namespace", CLUSTER.namespace)
            await session.client.apply(Unstructured(resource, document), manager=FIELD_MANAGER)
        with _progress() as show:
            await until_ready(session.client, SystemClock(), limit, show)


async def until_ready(client: Client, clock: Clock, limit: timedelta, show: Callable[[Node], None]) -> None:
    """Show the cluster whenever it is looked at, and return once it is ready.

    Raises:
        click.ClickException: it is not after `limit`; the message has the tree.
    """
    deadline = clock.monotonic() + limit.total_seconds()
    while True:
        inventory = await take_inventory(client, CLUSTER)
        root = build_tree(inventory, now=clock.now(), grouping=False)
        show(root)
        if is_ready(inventory, root):
            return
        if clock.monotonic() > deadline:
            raise click.ClickException("\n".join([f"the cluster is not ready after {limit}:", *lines(root, colour=False)]))
        await clock.sleep(_LOOK_INTERVAL)


def is_ready(inventory: Inventory, root: Node) -> bool:
    """Tell whether the Cluster is available and all Machines that are wanted are there and ready."""
    wanted = 1 + sum(int((d.get("spec") or {}).get("replicas") or 0) for d in inventory.machine_deployments)
    machines = [line for line in _all(root) if line.name.startswith("Machine/")]
    return root.status == "Available: True" and len(machines) == wanted and all(line.status == "Ready: True" for line in machines)


def _all(node: Node) -> list[Node]:
    return [node, *(line for child in node.children for line in _all(child))]


@contextmanager
def _progress() -> Iterator[Callable[[Node], None]]:
    """Yield a function that shows a tree: in place on a terminal, otherwise a line for whatever has changed."""
    if not sys.stdout.isatty():
        yield _Ticker().show
        return
    from rich.live import Live
    from rich.text import Text

    with Live(refresh_per_second=4) as live:
        yield lambda root: live.update(Text.from_ansi("\n".join(lines(root, colour=True)), no_wrap=True))


class _Ticker:
    """Prints the state of each object when it is another one than before."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def show(self, root: Node) -> None:
        for line in _all(root):
            if line.status and self._shown.get(line.name) != line.status:
                self._shown[line.name] = line.status
                click.echo(f"{line.name}  {line.status}  {line.reason}")
