"""What wakes the Cluster controller, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable

from capelin.api.cluster import Cluster
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey
from capelin.runtime.reconcile import Change, Declaration, Reader, Rule, Watch, itself


def labelled_to_cluster(change: Change, reader: Reader) -> Iterable[ObjectKey]:  # noqa: ARG001 - the shape of a map function
    """Map an object to the Cluster that its label names."""
    entry = change.current
    name = entry.labels.get(CLUSTER_NAME_LABEL)
    return (ObjectKey(entry.key.namespace, name),) if name else ()


DECLARATION = Declaration(
    name="cluster",
    kind=Cluster,
    watches=(
        Watch(Cluster, itself),
        Watch(Machine, labelled_to_cluster),
        Watch(MachineSet, labelled_to_cluster),
        Watch(MachineDeployment, labelled_to_cluster),
    ),
    rules=(
        Rule(("cluster.x-k8s.io",), ("clusters",), ("get", "list", "watch", "patch")),
        Rule(("cluster.x-k8s.io",), ("clusters/status",), ("patch",)),
        Rule(("cluster.x-k8s.io",), ("machines", "machinesets", "machinedeployments"), ("list", "watch", "delete")),
        Rule(
            ("infrastructure.cluster.x-k8s.io", "controlplane.cluster.x-k8s.io"),
            ("*",),
            ("get", "list", "watch", "patch", "delete"),
        ),
        Rule(("apiextensions.k8s.io",), ("customresourcedefinitions",), ("get",)),
        Rule(("",), ("secrets",), ("get", "create", "patch")),  # certificate authority and kubeconfig of the workload cluster
    ),
)
