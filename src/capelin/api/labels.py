"""Labels, annotations and taints that more than one kind carries."""

from __future__ import annotations

import base64

from capelin.api.meta import is_label_value

CLUSTER_NAME_LABEL = "cluster.x-k8s.io/cluster-name"
"""On every object that belongs to a cluster; the value is the Cluster's name."""

CONTROL_PLANE_LABEL = "cluster.x-k8s.io/control-plane"
"""On Machines (and what belongs to them) that run a control plane; only its presence counts."""

CONTROL_PLANE_NAME_LABEL = "cluster.x-k8s.io/control-plane-name"
"""The control-plane object that owns the Machine."""

DEPLOYMENT_NAME_LABEL = "cluster.x-k8s.io/deployment-name"
"""The MachineDeployment that the MachineSet or Machine belongs to."""

SET_NAME_LABEL = "cluster.x-k8s.io/set-name"
"""The MachineSet that the Machine belongs to; hashed when the name is no label value."""

POOL_NAME_LABEL = "cluster.x-k8s.io/pool-name"
"""The MachinePool that the Machine belongs to; hashed when the name is no label value."""

TEMPLATE_HASH_LABEL = "machine-template-hash"
"""Tells the Machines of one revision of a MachineDeployment from those of another."""

WATCH_FILTER_LABEL = "cluster.x-k8s.io/watch-filter"
"""Chooses which of several managers reconciles the object."""

PROVIDER_LABEL = "cluster.x-k8s.io/provider"
"""On everything a provider's installation consists of."""

INTERRUPTIBLE_LABEL = "cluster.x-k8s.io/interruptible"
"""On Nodes whose machine the cloud may take away at any time."""

TOPOLOGY_OWNED_LABEL = "topology.cluster.x-k8s.io/owned"
"""On objects that a Cluster's topology generates."""

TOPOLOGY_DEPLOYMENT_NAME_LABEL = "topology.cluster.x-k8s.io/deployment-name"
"""The name, inside the topology, of the MachineDeployment."""

TOPOLOGY_DRY_RUN_ANNOTATION = "topology.cluster.x-k8s.io/dry-run"
"""On what a topology sends in a dry run, to learn what would change; any value counts."""

PAUSED_ANNOTATION = "cluster.x-k8s.io/paused"
"""Stops reconciliation of the object that carries it; any value does."""

DELETE_FOR_MOVE_ANNOTATION = "clusterctl.cluster.x-k8s.io/delete-for-move"
"""On an object that has been moved to another management cluster and is about to be deleted here; any value counts."""

MANAGED_BY_ANNOTATION = "cluster.x-k8s.io/managed-by"
"""On infrastructure that something outside Cluster API provisions; providers leave such objects alone."""

CLONED_FROM_NAME_ANNOTATION = "cluster.x-k8s.io/cloned-from-name"
"""The template an object was made from."""

CLONED_FROM_GROUP_KIND_ANNOTATION = "cluster.x-k8s.io/cloned-from-groupkind"
"""The kind and group of that template, as `Kind.group`."""

AUTOSCALER_MIN_SIZE_ANNOTATION = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"
AUTOSCALER_MAX_SIZE_ANNOTATION = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size"

DRAIN_LABEL = "cluster.x-k8s.io/drain"
"""On a Pod: `skip` leaves it where it is, `wait-completed` waits until it ends by itself."""

UNINITIALIZED_TAINT = "node.cluster.x-k8s.io/uninitialized"
"""On a Node until its labels, annotations and taints have been set for the first time."""

OUTDATED_REVISION_TAINT = "node.cluster.x-k8s.io/outdated-revision"
"""On Nodes of an old revision, so that the scheduler prefers others while a rollout goes on."""

CONTROL_PLANE_TAINT = "node-role.kubernetes.io/control-plane"
"""On Nodes that run a control plane."""


def as_label_value(name: str) -> str:
    """Return `name` if it may be the value of a label, else a hash of it, in the form the field writes into set-name and pool-name."""
    if is_label_value(name):
        return name
    digest = 0x811C9DC5  # 32-bit FNV-1a
    for byte in name.encode():
        digest = ((digest ^ byte) * 0x01000193) & 0xFFFFFFFF
    encoded = base64.urlsafe_b64encode(digest.to_bytes(4, "big")).decode().rstrip("=")
    return f"hash_{encoded}_z"
