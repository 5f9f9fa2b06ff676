"""What wakes the DevMachine controller, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable

from capelin.api.cluster import Cluster
from capelin.api.core import Secret
from capelin.api.devcluster import DevCluster
from capelin.api.devmachine import DevMachine
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey
from capelin.runtime import codec
from capelin.runtime.reconcile import Change, Declaration, Entry, Reader, Rule, Watch, itself


def machine_to_devmachines(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a Machine to the DevMachine it owns."""
    machine = change.current
    return [entry.key for entry in reader.entries(DevMachine, namespace=machine.key.namespace, owner=machine.uid)]


def cluster_to_devmachines(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a Cluster to the DevMachines of its Machines."""
    key = change.current.key
    return [entry.key for entry in reader.entries(DevMachine, namespace=key.namespace, labels={CLUSTER_NAME_LABEL: key.name})]


def has_new_spec(change: Change) -> bool:
    """Tell whether the Machine came, went or changed its spec, where the bootstrap data is named; its status is nothing to us."""
    old, new = change.old, change.new
    return old is None or new is None or old.generation != new.generation


def lets_machines_start(change: Change) -> bool:
    """Tell whether the Cluster came or went, was paused or resumed, or its infrastructure has become ready."""
    old, new = change.old, change.new
    return old is None or new is None or _facts(old) != _facts(new)


def _facts(cluster: Entry) -> tuple[object, object]:
    document = codec.decode_document(cluster.data)
    reached = (document.get("status") or {}).get("initialization") or {}
    return (document.get("spec") or {}).get("paused"), reached.get("infrastructureProvisioned")


DECLARATION = Declaration(
    name="devmachine",
    kind=DevMachine,
    watches=(
        Watch(DevMachine, itself),
        Watch(Machine, machine_to_devmachines, has_new_spec),
        Watch(Cluster, cluster_to_devmachines, lets_machines_start),
    ),
    rules=(
        Rule(("infrastructure.cluster.x-k8s.io",), ("devmachines",), ("list", "watch", "patch")),
        Rule(("infrastructure.cluster.x-k8s.io",), ("devmachines/status",), ("patch",)),
        Rule(("infrastructure.cluster.x-k8s.io",), ("devclusters",), ("list", "watch")),
        Rule(("cluster.x-k8s.io",), ("machines", "clusters"), ("list", "watch")),
        Rule(("",), ("secrets",), ("get", "list", "watch")),  # bootstrap data, and the authorities of the clusters
    ),
    caches=(DevCluster, Secret),
)
