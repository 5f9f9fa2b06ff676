"""What wakes the MachineDeployment controller, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from capelin.api.cluster import Cluster
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey
from capelin.runtime import codec
from capelin.runtime.reconcile import Change, Declaration, Entry, Reader, Rule, Watch, itself, owner_of

SUMMARY_PAUSE: Final = timedelta(seconds=3)
"""How long news that only the status tells wait for each other: the messages of Machines change often, and pass through their sets."""


def cluster_to_machinedeployments(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a Cluster to its MachineDeployments."""
    key = change.current.key
    return [entry.key for entry in reader.entries(MachineDeployment, namespace=key.namespace, labels={CLUSTER_NAME_LABEL: key.name})]


def orphan_to_machinedeployments(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a MachineSet that nobody manages to the MachineDeployments of its cluster: one of them may match it."""
    machineset = change.current
    cluster = machineset.labels.get(CLUSTER_NAME_LABEL)
    if cluster is None or any(owner.controller for owner in machineset.owners):
        return []
    found = reader.entries(MachineDeployment, namespace=machineset.key.namespace, labels={CLUSTER_NAME_LABEL: cluster})
    return [entry.key for entry in found]


def is_step(change: Change) -> bool:
    """Tell whether the change decides what the rollout does next: a set went or was told to go, or counts its Machines differently."""
    old, new = change.old, change.new
    if old is None or new is None or old.deleting != new.deleting:
        return old is not None
    return old.generation != new.generation or _counters(old) != _counters(new)


def _counters(machineset: Entry) -> tuple[object, ...]:
    status = codec.decode_document(machineset.data).get("status") or {}
    return tuple(status.get(name) for name in ("replicas", "readyReplicas", "availableReplicas"))


def has_new_generation(change: Change) -> bool:
    """Tell whether the object came, went, changed its spec or was told to go: its status alone matters to nobody here."""
    return change.old is None or change.new is None or change.old.generation != change.new.generation


DECLARATION = Declaration(
    name="machinedeployment",
    kind=MachineDeployment,
    watches=(
        Watch(MachineDeployment, itself),
        Watch(MachineSet, owner_of(MachineDeployment), is_step),
        Watch(MachineSet, owner_of(MachineDeployment), after=SUMMARY_PAUSE),
        Watch(MachineSet, orphan_to_machinedeployments),
        Watch(Cluster, cluster_to_machinedeployments, has_new_generation),
    ),
    rules=(
        Rule(("cluster.x-k8s.io",), ("machinedeployments",), ("get", "list", "watch", "patch")),
        Rule(("cluster.x-k8s.io",), ("machinedeployments/status",), ("patch",)),
        Rule(("cluster.x-k8s.io",), ("machinesets",), ("get", "list", "watch", "create", "patch", "delete")),
        Rule(("cluster.x-k8s.io",), ("clusters", "machines"), ("list", "watch")),
        # Our own providers'; others bring roles of their own, which join ours by their label.
        Rule(("bootstrap.cluster.x-k8s.io",), ("kubeadmconfigtemplates",), ("get", "list", "watch", "patch")),
        Rule(("infrastructure.cluster.x-k8s.io",), ("devmachinetemplates",), ("get", "list", "watch", "patch")),
        Rule(("apiextensions.k8s.io",), ("customresourcedefinitions",), ("get",)),
    ),
    caches=(Machine,),
)
