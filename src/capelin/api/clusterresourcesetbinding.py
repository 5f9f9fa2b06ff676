"""ClusterResourceSetBinding: what one cluster got from which ClusterResourceSets."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.markers import ATOMIC_LIST, Enum, Length, MaxItems
from capelin.api.meta import Model, Object, Resource, Time
from capelin.api.presentation import AGE_COLUMN, Column, Presentation


class ResourceBinding(Model):
    """What became of one resource in the cluster."""

    applied: bool
    """applied tells whether the last attempt succeeded."""
    kind: Annotated[str, Enum("Secret", "ConfigMap")]
    """kind is Secret or ConfigMap."""
    name: Annotated[str, Length(1, 253)]
    """name is the name of the Secret or ConfigMap."""
    hash: Annotated[str, Length(1, 256)] | None = None
    """hash is the hash of the content at the last attempt; a different one makes the strategy Reconcile apply it again."""
    last_applied_time: Time | None = None
    """lastAppliedTime is when the content was last applied with success."""


class ResourceSetBinding(Model):
    """What the cluster got from one ClusterResourceSet."""

    cluster_resource_set_name: Annotated[str, Length(1, 253)]
    """clusterResourceSetName names the set."""
    resources: Annotated[list[ResourceBinding], MaxItems(100), ATOMIC_LIST] | None = None
    """resources tell what became of each of the set's resources."""


class ClusterResourceSetBindingSpec(Model):
    """What the cluster got from every ClusterResourceSet that matches it."""

    cluster_name: Annotated[str, Length(1, 63)]
    """clusterName names the Cluster, which the binding is named after. It cannot change."""
    bindings: Annotated[list[ResourceSetBinding], MaxItems(100), ATOMIC_LIST] | None = None
    """bindings has one entry for each ClusterResourceSet that matches the cluster."""


class ClusterResourceSetBinding(Object):
    """Records what one cluster got from which ClusterResourceSets; controllers write it."""

    resource: ClassVar = Resource("addons.cluster.x-k8s.io", "v1beta2", "clusterresourcesetbindings", "ClusterResourceSetBinding")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        columns=(Column("Cluster", ".spec.clusterName"), AGE_COLUMN),
        status=False,
    )

    spec: ClusterResourceSetBindingSpec
    """spec records what the cluster got; controllers write it."""
