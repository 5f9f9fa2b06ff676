"""What wakes the Machine controller, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable

from capelin.api.cluster import Cluster
from capelin.api.labels import CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import REVISION_ANNOTATION, MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey
from capelin.runtime import codec
from capelin.runtime.reconcile import Change, Declaration, Entry, Reader, Rule, Watch, itself


def cluster_to_machines(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a Cluster to its Machines."""
    key = change.current.key
    return [entry.key for entry in reader.entries(Machine, namespace=key.namespace, labels={CLUSTER_NAME_LABEL: key.name})]


def deployment_to_machines(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a MachineDeployment to its Machines."""
    key = change.current.key
    return [entry.key for entry in reader.entries(Machine, namespace=key.namespace, labels={DEPLOYMENT_NAME_LABEL: key.name})]


def is_step_of_cluster(change: Change) -> bool:
    """Tell whether the Cluster came, went, changed its spec, was told to go or reached a milestone; its counters are nothing to us."""
    old, new = change.old, change.new
    return old is None or new is None or old.generation != new.generation or _milestones(old) != _milestones(new)


def _milestones(cluster: Entry) -> object:
    return (codec.decode_document(cluster.data).get("status") or {}).get("initialization")


def has_new_revision(change: Change) -> bool:
    """Tell whether the MachineDeployment has moved to another revision, which makes Nodes outdated."""
    old, new = change.old, change.new
    return old is not None and new is not None and old.annotations.get(REVISION_ANNOTATION) != new.annotations.get(REVISION_ANNOTATION)


DECLARATION = Declaration(
    name="machine",
    kind=Machine,
    watches=(
        Watch(Machine, itself),
        Watch(Cluster, cluster_to_machines, is_step_of_cluster),
        Watch(MachineDeployment, deployment_to_machines, has_new_revision),
    ),
    rules=(
        Rule(("cluster.x-k8s.io",), ("machines",), ("list", "watch", "patch")),
        Rule(("cluster.x-k8s.io",), ("machines/status",), ("patch",)),
        Rule(("cluster.x-k8s.io",), ("clusters",), ("get", "list", "watch")),
        Rule(("cluster.x-k8s.io",), ("machinesets", "machinedeployments"), ("list", "watch")),
        # Our own providers'; others bring roles of their own, which join ours by their label.
        Rule(("bootstrap.cluster.x-k8s.io",), ("kubeadmconfigs",), ("get", "list", "watch", "patch", "delete")),
        Rule(("infrastructure.cluster.x-k8s.io",), ("devmachines",), ("get", "list", "watch", "patch", "delete")),
        Rule(("apiextensions.k8s.io",), ("customresourcedefinitions",), ("get",)),
        Rule(("",), ("secrets",), ("get",)),  # the kubeconfigs of the workload clusters
    ),
    caches=(MachineSet,),
)
