"""What wakes the KubeadmConfig controller, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable

from capelin.api.cluster import Cluster
from capelin.api.core import Secret
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.labels import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey
from capelin.runtime.reconcile import Change, Declaration, Reader, Rule, Watch, itself


def cluster_to_configs(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a Cluster to its KubeadmConfigs."""
    key = change.current.key
    return [entry.key for entry in reader.entries(KubeadmConfig, namespace=key.namespace, labels={CLUSTER_NAME_LABEL: key.name})]


def machine_to_configs(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a Machine to the KubeadmConfig it owns, and when it is gone from the control plane, to those that may run init instead of it."""
    machine = change.current
    own = [entry.key for entry in reader.entries(KubeadmConfig, namespace=machine.key.namespace, owner=machine.uid)]
    if change.new is not None or CONTROL_PLANE_LABEL not in machine.labels:
        return own
    cluster = {CLUSTER_NAME_LABEL: machine.labels.get(CLUSTER_NAME_LABEL, "")}
    return [*own, *(entry.key for entry in reader.entries(KubeadmConfig, namespace=machine.key.namespace, labels=cluster))]


DECLARATION = Declaration(
    name="kubeadmconfig",
    kind=KubeadmConfig,
    watches=(
        Watch(KubeadmConfig, itself),
        Watch(Machine, machine_to_configs),
        Watch(Cluster, cluster_to_configs),
    ),
    rules=(
        Rule(("bootstrap.cluster.x-k8s.io",), ("kubeadmconfigs",), ("get", "list", "watch")),
        Rule(("bootstrap.cluster.x-k8s.io",), ("kubeadmconfigs/status",), ("patch",)),
        Rule(("cluster.x-k8s.io",), ("machines", "clusters"), ("get", "list", "watch")),
        Rule(("",), ("secrets",), ("get", "list", "watch", "create", "update")),  # certificates and bootstrap data
        Rule(("",), ("configmaps",), ("get", "create", "update")),  # the init lock
    ),
    caches=(Secret,),
)
