"""What wakes the Cluster controller, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from capelin.api.cluster import Cluster
from capelin.api.labels import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey
from capelin.api.reasons import AVAILABLE_CONDITION
from capelin.runtime import codec
from capelin.runtime.reconcile import Change, Declaration, Entry, Reader, Rule, Watch, itself

SUMMARY_PAUSE: Final = timedelta(seconds=5)
"""How long news that only a summary tells wait for each other. The Machines of a cluster start together and change several times a second,
and each change would be a write of the Cluster."""


def labelled_to_cluster(change: Change, reader: Reader) -> Iterable[ObjectKey]:  # noqa: ARG001 - the shape of a map function
    """Map an object to the Cluster that its label names."""
    entry = change.current
    name = entry.labels.get(CLUSTER_NAME_LABEL)
    return (ObjectKey(entry.key.namespace, name),) if name else ()


def is_step(change: Change) -> bool:
    """Tell whether the change decides what the Cluster does next: something went or was told to go, or the control plane moved on."""
    old, new = change.old, change.new
    if old is None or new is None or old.deleting != new.deleting:
        return old is not None
    return CONTROL_PLANE_LABEL in new.labels and _phase(old) != _phase(new)


def _phase(machine: Entry) -> object:
    return (codec.decode_document(machine.data).get("status") or {}).get("phase")


def has_new_availability(change: Change) -> bool:
    """Tell whether workers became available or ceased to be: people wait for that."""
    return change.old is not None and change.new is not None and _available(change.old) != _available(change.new)


def _available(workers: Entry) -> object:
    conditions = (codec.decode_document(workers.data).get("status") or {}).get("conditions") or ()
    return next((condition["status"] for condition in conditions if condition["type"] == AVAILABLE_CONDITION), None)


DECLARATION = Declaration(
    name="cluster",
    kind=Cluster,
    watches=(
        Watch(Cluster, itself),
        *(Watch(kind, labelled_to_cluster, is_step) for kind in (Machine, MachineSet, MachineDeployment)),
        Watch(MachineDeployment, labelled_to_cluster, has_new_availability),
        *(Watch(kind, labelled_to_cluster, after=SUMMARY_PAUSE) for kind in (Machine, MachineSet, MachineDeployment)),
    ),
    rules=(
        Rule(("cluster.x-k8s.io",), ("clusters",), ("list", "watch", "patch")),
        Rule(("cluster.x-k8s.io",), ("clusters/status",), ("patch",)),
        Rule(("cluster.x-k8s.io",), ("machines", "machinesets", "machinedeployments"), ("list", "watch", "delete")),
        # Our own provider's; another brings a role of its own, which joins ours by its label.
        Rule(("infrastructure.cluster.x-k8s.io",), ("devclusters",), ("get", "list", "watch", "patch", "delete")),
        Rule(("apiextensions.k8s.io",), ("customresourcedefinitions",), ("get",)),
        Rule(("",), ("secrets",), ("get", "create", "patch")),  # certificate authority and kubeconfig of the workload cluster
    ),
)
