"""What wakes the MachineSet controller, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable

from capelin.api.cluster import Cluster
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey
from capelin.runtime.reconcile import Change, Declaration, Reader, Rule, Watch, itself, owner_of


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


def has_new_generation(change: Change) -> bool:
    """Tell whether the object came, went, changed its spec or was told to go: its status alone matters to nobody here."""
    return change.old is None or change.new is None or change.old.generation != change.new.generation


DECLARATION = Declaration(
    name="machineset",
    kind=MachineSet,
    watches=(
        Watch(MachineSet, itself),
        Watch(Machine, owner_of(MachineSet)),
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
        Rule(("bootstrap.cluster.x-k8s.io", "infrastructure.cluster.x-k8s.io"), ("*",), ("list", "watch", "create", "patch")),
        Rule(("controlplane.cluster.x-k8s.io",), ("*",), ("get",)),
        Rule(("apiextensions.k8s.io",), ("customresourcedefinitions",), ("get",)),
    ),
)
