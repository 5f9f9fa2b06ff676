"""What users do in a run: create clusters, scale them, change their version, delete them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import resources
from typing import Any, Final

import yaml

from capelin.api import crds
from capelin.api.cluster import CLUSTER_FINALIZER, Cluster
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.meta import ObjectKey, Unstructured, is_condition_true
from capelin.runtime.client import EVERYTHING
from capelin.runtime.codec import Document
from capelin.simulation.world import World

CLUSTER: Final = ObjectKey("default", "quickstart")
WORKERS: Final = ObjectKey("default", "quickstart-workers")
PATIENCE: Final = timedelta(minutes=30)
"""How long after its last step, in virtual time, a run may take to come to rest."""

_RESOURCES = {(kind.resource.api_version, kind.resource.kind): kind.resource for kind in crds.KINDS}


class NeverSettled(Exception):
    """A workload did not come to where it leads; the message says what it waited for."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A story of a user's acts. `act` does them one after the other and waits for each to show."""

    name: str
    act: Callable[[World, list[Document]], Awaitable[None]]


def quickstart() -> list[Document]:
    """Return the objects of the cluster that `capelin quickstart` creates: one computer for the control plane, and three workers."""
    text = resources.files("capelin").joinpath("cli", "quickstart.yaml").read_text()
    return [document for document in yaml.safe_load_all(text) if document]


async def ask_for(world: World, manifests: list[Document]) -> None:
    """Create the objects as a user would who does not wait for any of them."""
    for document in manifests:
        meta = {**document["metadata"], "namespace": CLUSTER.namespace}
        resource = _RESOURCES[document["apiVersion"], document["kind"]]
        await world.client.create(Unstructured(resource, {**document, "metadata": meta}))


async def _created(world: World, manifests: list[Document]) -> None:
    await ask_for(world, manifests)
    await _until(world, "the cluster is ready", partial(_is_ready, world, machines=4))


async def _deleted(world: World) -> None:
    await world.client.delete(Cluster, CLUSTER)
    await _until(world, "nothing of the cluster is left", partial(_is_gone, world))


async def _create_and_delete(world: World, manifests: list[Document]) -> None:
    await _created(world, manifests)
    await _deleted(world)


async def _scale(world: World, manifests: list[Document]) -> None:
    await _created(world, manifests)
    for replicas in (6, 1):
        await world.client.patch(MachineDeployment, WORKERS, {"spec": {"replicas": replicas}})
        await _until(world, f"there are {replicas} workers", partial(_is_ready, world, machines=1 + replicas))
    await _deleted(world)


async def _roll_out(world: World, manifests: list[Document]) -> None:
    await _created(world, manifests)
    template: dict[str, Any] = {"spec": {"version": "v1.35.1"}}
    await world.client.patch(MachineDeployment, WORKERS, {"spec": {"template": template}})
    await _until(world, "all workers have the new version", partial(_has_version, world, "v1.35.1"))
    await _deleted(world)


async def _delete_while_creating(world: World, manifests: list[Document]) -> None:
    await ask_for(world, manifests)
    # A Cluster that is deleted before its finalizer is there is simply gone, and whatever names it stays: no controller has seen it.
    await _until(world, "the Cluster has its finalizer", partial(_is_taken_on, world))
    await _deleted(world)


WORKLOADS: Final[Mapping[str, Workload]] = {
    workload.name: workload
    for workload in (
        Workload("create-delete", _create_and_delete),
        Workload("scale", _scale),
        Workload("rollout", _roll_out),
        Workload("delete-while-creating", _delete_while_creating),
    )
}


async def _until(world: World, what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    if not await world.until(holds, within=PATIENCE):
        raise NeverSettled(f"after {PATIENCE} it is still not so that {what}")


async def _is_taken_on(world: World) -> bool:
    cluster = await world.client.get(Cluster, CLUSTER)
    return cluster is not None and CLUSTER_FINALIZER in (cluster.metadata.finalizers or ())


async def _is_ready(world: World, *, machines: int) -> bool:
    cluster = await world.client.get(Cluster, CLUSTER)
    found = await world.client.list(Machine, EVERYTHING)
    ready = [machine for machine in found if machine.status and is_condition_true(machine.status.conditions, "Ready")]
    is_available = cluster is not None and cluster.status is not None and is_condition_true(cluster.status.conditions, "Available")
    return is_available and len(found) == len(ready) == machines


async def _has_version(world: World, version: str) -> bool:
    found = await world.client.list(Machine, EVERYTHING)
    workers = [machine for machine in found if "cluster.x-k8s.io/deployment-name" in (machine.metadata.labels or {})]
    return await _is_ready(world, machines=4) and all(machine.spec.version == version for machine in workers)


async def _is_gone(world: World) -> bool:
    return await world.client.get(Cluster, CLUSTER) is None and not await world.client.list(Machine, EVERYTHING)
