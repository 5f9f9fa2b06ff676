"""What wakes the MachineSet controller, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from capelin.api.cluster import Cluster
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machine import HEALTH_CHECK_SUCCEEDED_CONDITION, Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey
from capelin.api.reasons import AVAILABLE_CONDITION, READY_CONDITION, UP_TO_DATE_CONDITION
from capelin.runtime import codec
from capelin.runtime.reconcile import Change, Declaration, Entry, Reader, Rule, Watch, itself, owner_of

STANDING_PAUSE: Final = timedelta(seconds=1)
"""How long Machines that become ready wait for each other: those of a set were made together and get ready together."""

MESSAGE_PAUSE: Final = timedelta(seconds=3)
"""How long other news of Machines wait. A starting Machine changes its messages several times a second, and each would be a write of the
set, of its deployment and of the cluster."""

_COUNTED: Final = frozenset({READY_CONDITION, AVAILABLE_CONDITION, UP_TO_DATE_CONDITION, HEALTH_CHECK_SUCCEEDED_CONDITION})


def cluster_to_machinesets(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a Cluster to its MachineSets."""
    key = change.current.key
    return [entry.key for entry in reader.entries(MachineSet, namespace=key.namespace, labels={CLUSTER_NAME_LABEL: key.name})]


def orphan_to_machinesets(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a Machine that nobody manages to the MachineSets of its cluster: one of them may match it."""
    machine = change.current
    cluster = machine.labels.get(CLUSTER_NAME_LABEL)
    if cluster is None or any(owner.controller for owner in machine.owners):
        return []
    return [entry.key for entry in reader.entries(MachineSet, namespace=machine.key.namespace, labels={CLUSTER_NAME_LABEL: cluster})]


def deployment_to_machinesets(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a MachineDeployment to its MachineSets, whose Machines may have fallen behind its template."""
    entry = change.current
    return [found.key for found in reader.entries(MachineSet, namespace=entry.key.namespace, owner=entry.uid)]


def has_come_or_gone(change: Change) -> bool:
    """Tell whether the object came, went, or was told to go: what the set does next depends on it."""
    return change.old is None or change.new is None or change.old.deleting != change.new.deleting


def has_new_standing(change: Change) -> bool:
    """Tell whether a Machine became ready, available or healthy, or ceased to be: the set's counters depend on it."""
    return change.old is not None and change.new is not None and _standing(change.old) != _standing(change.new)


def _standing(machine: Entry) -> set[tuple[str, str]]:
    conditions = codec.decode_document(machine.data).get("status", {}).get("conditions") or ()
    return {(condition["type"], condition["status"]) for condition in conditions if condition["type"] in _COUNTED}


def has_new_generation(change: Change) -> bool:
    """Tell whether the object came, went, changed its spec or was told to go: its status alone matters to nobody here."""
    return change.old is None or change.new is None or change.old.generation != change.new.generation


DECLARATION = Declaration(
    name="machineset",
    kind=MachineSet,
    watches=(
        Watch(MachineSet, itself),
        Watch(Machine, owner_of(MachineSet), has_come_or_gone),
        Watch(Machine, owner_of(MachineSet), has_new_standing, after=STANDING_PAUSE),
        Watch(Machine, owner_of(MachineSet), after=MESSAGE_PAUSE),
        Watch(Machine, orphan_to_machinesets),
        Watch(Cluster, cluster_to_machinesets, has_new_generation),
        Watch(MachineDeployment, deployment_to_machinesets, has_new_generation),
    ),
    rules=(
        Rule(("cluster.x-k8s.io",), ("machinesets",), ("get", "list", "watch", "patch")),
        Rule(("cluster.x-k8s.io",), ("machinesets/status",), ("patch",)),
        Rule(("cluster.x-k8s.io",), ("machines",), ("get", "list", "watch", "create", "patch", "delete")),
        Rule(("cluster.x-k8s.io",), ("machines/status",), ("patch",)),
        Rule(("cluster.x-k8s.io",), ("clusters", "machinedeployments"), ("list", "watch")),
        # Our own providers'; others bring roles of their own, which join ours by their label.
        Rule(("bootstrap.cluster.x-k8s.io",), ("kubeadmconfigs",), ("get", "list", "watch", "create", "patch", "delete")),
        Rule(("bootstrap.cluster.x-k8s.io",), ("kubeadmconfigtemplates",), ("get", "list", "watch", "patch")),
        Rule(("infrastructure.cluster.x-k8s.io",), ("devmachines",), ("get", "list", "watch", "create", "patch", "delete")),
        Rule(("infrastructure.cluster.x-k8s.io",), ("devmachinetemplates",), ("get", "list", "watch", "patch")),
        Rule(("apiextensions.k8s.io",), ("customresourcedefinitions",), ("get",)),
    ),
)
