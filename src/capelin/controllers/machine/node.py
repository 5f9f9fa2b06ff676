"""The Node phase: find the Node that the computer became, and give it what the Machine says about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from capelin.api import contract
from capelin.api.core import Node
from capelin.api.labels import DEPLOYMENT_NAME_LABEL
from capelin.api.machine import NODE_MACHINE_ANNOTATION, Machine, NodeReference
from capelin.api.machinedeployment import REVISION_ANNOTATION, MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey, Unstructured
from capelin.controllers.machine.plan import node_patch
from capelin.controllers.machine.scope import Scope, WorkloadClusters
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.external import Seen
from capelin.runtime.reconcile import DONE, Result

REMOTE_GRACE: Final = timedelta(minutes=5)
"""How long the last known state of a Node is believed after its cluster has fallen silent: a restart of an API server or a short partition
must not make every Machine look lost."""


async def reconcile_node(clusters: WorkloadClusters, client: Client, scope: Scope) -> Result:
    """Link the Machine to its Node and bring the Node's labels, annotations and taints up to date with one patch at most.

    Raises:
        ApiError: the Node could not be patched, or what decides about it could not be read.
    """
    if scope.cluster is None or not _has_infrastructure(scope) or not scope.machine.spec.provider_id:
        return DONE
    scope.connection = clusters.connection(scope.cluster_key)
    try:
        workload = await clusters.client(scope.cluster_key)
        found = clusters.node(scope.cluster_key, scope.machine.spec.provider_id)
    except errors.Unreachable as error:
        scope.node_problem, scope.is_silent = str(error), True
        return Result(REMOTE_GRACE - scope.connection.silent_for) if scope.connection.silent_for < REMOTE_GRACE else DONE
    except errors.ApiError as error:
        scope.node_problem = str(error)
        raise
    if found is None:
        scope.node = Seen.ABSENT
        return DONE
    rival = await _rival(client, scope.machine, found)
    if rival:
        scope.node_problem = f"Node {found.metadata.name} belongs to Machine {rival}, which has the same spec.providerID"
        return DONE
    scope.node = found
    scope.status.node_ref = scope.status.node_ref or NodeReference(name=found.metadata.name)
    scope.status.node_info = found.status.node_info if found.status else None
    if not scope.is_deleting:
        patch = node_patch(scope.machine, found, interruptible=_is_interruptible(scope), outdated=await _is_outdated(client, scope.machine))
        if patch:
            await workload.patch(Node, found.key, patch)
    return DONE


def _has_infrastructure(scope: Scope) -> bool:
    status = scope.cluster.status if scope.cluster else None
    return bool(status and status.initialization and status.initialization.infrastructure_provisioned)


def _is_interruptible(scope: Scope) -> bool:
    return isinstance(scope.infrastructure, Unstructured) and contract.is_interruptible(scope.infrastructure.document)


async def _rival(client: Client, machine: Machine, node: Node) -> str:
    """Return the name of another Machine that the Node already belongs to; empty when there is none.

    A provider ID can be copied by whoever may write Machines. The Machine that was linked first keeps the Node.
    """
    name = (node.metadata.annotations or {}).get(NODE_MACHINE_ANNOTATION, "")
    if not name or name == machine.metadata.name:
        return ""
    other = await client.get(Machine, ObjectKey(machine.key.namespace, name))
    is_linked = other is not None and other.status is not None and other.status.node_ref is not None
    return name if is_linked and other is not None and other.spec.provider_id == machine.spec.provider_id else ""


async def _is_outdated(client: Client, machine: Machine) -> bool | None:
    """Tell whether the Machine is of an older revision than its MachineDeployment; None when that cannot be told."""
    deployment_name = (machine.metadata.labels or {}).get(DEPLOYMENT_NAME_LABEL)
    controller = machine.metadata.controller
    if not deployment_name:
        return False
    if controller is None or controller.kind != MachineSet.resource.kind:
        return None
    namespace = machine.key.namespace
    machineset = await client.get(MachineSet, ObjectKey(namespace, controller.name))
    deployment = await client.get(MachineDeployment, ObjectKey(namespace, deployment_name))
    if machineset is None or deployment is None:
        return None
    current, latest = _revision(machineset), _revision(deployment)
    return None if current is None or latest is None else current < latest


def _revision(obj: MachineSet | MachineDeployment) -> int | None:
    value = (obj.metadata.annotations or {}).get(REVISION_ANNOTATION, "")
    return int(value) if value.isdecimal() else None
