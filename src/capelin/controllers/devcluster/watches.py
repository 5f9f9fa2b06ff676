"""What wakes the DevCluster controller, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable

from capelin.api.cluster import Cluster
from capelin.api.devcluster import DevCluster
from capelin.api.meta import ObjectKey
from capelin.runtime.reconcile import Change, Declaration, Reader, Rule, Watch, itself


def cluster_to_devclusters(change: Change, reader: Reader) -> Iterable[ObjectKey]:
    """Map a Cluster to the DevCluster it owns."""
    cluster = change.current
    return [entry.key for entry in reader.entries(DevCluster, namespace=cluster.key.namespace, owner=cluster.uid)]


def has_new_spec(change: Change) -> bool:
    """Tell whether the Cluster came, went or changed its spec, where pausing is; its status is nothing to us."""
    old, new = change.old, change.new
    return old is None or new is None or old.generation != new.generation


DECLARATION = Declaration(
    name="devcluster",
    kind=DevCluster,
    watches=(
        Watch(DevCluster, itself),
        Watch(Cluster, cluster_to_devclusters, has_new_spec),
    ),
    rules=(
        Rule(("infrastructure.cluster.x-k8s.io",), ("devclusters",), ("list", "watch", "patch")),
        Rule(("infrastructure.cluster.x-k8s.io",), ("devclusters/status",), ("patch",)),
        Rule(("cluster.x-k8s.io",), ("clusters",), ("list", "watch")),
    ),
)
