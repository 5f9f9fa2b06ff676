"""ClusterResourceSet: objects that every matching cluster gets."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, Minimum, Shape
from capelin.api.meta import Conditions, LabelSelector, Model, Object, Resource
from capelin.api.presentation import AGE_COLUMN, PAUSED_COLUMN, Presentation, condition_column
from capelin.api.scalars import Int64
from capelin.api.v1beta1 import DeprecatedConditions

CLUSTERRESOURCESET_FINALIZER = "addons.cluster.x-k8s.io"
"""Kept until no binding names the set any more."""

RESOURCE_SET_SECRET_TYPE = "addons.cluster.x-k8s.io/resource-set"  # noqa: S105  # a type of Secret
"""The type a Secret must have before its content is applied to a cluster, so that no other Secret gets out by a mistyped name."""

# What `spec.resources[].kind` may say.
KIND_SECRET = "Secret"  # noqa: S105  # a kind
KIND_CONFIGMAP = "ConfigMap"

# What `spec.strategy` may say.
APPLY_ONCE = "ApplyOnce"
RECONCILE = "Reconcile"

RESOURCES_APPLIED_CONDITION = "ResourcesApplied"
"""Whether every resource has been applied to every matching cluster."""

APPLIED_REASON = "Applied"
"""All resources are applied to all matching clusters."""

NOT_APPLIED_REASON = "NotApplied"
"""A resource could not be applied to a cluster; the message says which and why."""

WRONG_SECRET_TYPE_REASON = "WrongSecretType"  # noqa: S105  # a reason
"""A Secret named among the resources has not the type that lets its content out."""


class ResourceReference(Model):
    """Names a Secret or ConfigMap that holds objects."""

    kind: Annotated[str, Enum("Secret", "ConfigMap")]
    """kind is Secret, which must have the type addons.cluster.x-k8s.io/resource-set, or ConfigMap."""
    name: Annotated[str, Length(1, 253)]
    """name is the name of the Secret or ConfigMap, which is in the same namespace."""


class ClusterResourceSetSpec(Model):
    """Which objects go to which clusters."""

    cluster_selector: LabelSelector
    """clusterSelector chooses the Clusters of this namespace by their labels. It must not be empty and cannot change."""
    resources: Annotated[list[ResourceReference], Items(1, 100), ATOMIC_LIST]
    """resources name the Secrets and ConfigMaps whose values are the objects, in YAML or JSON, to apply."""
    strategy: Annotated[str, Enum("ApplyOnce", "Reconcile")] | None = None
    """strategy is ApplyOnce, which creates what is absent and leaves it alone afterwards, or Reconcile, which applies the objects again
    when they change; ApplyOnce unless set. It cannot change."""


class ClusterResourceSetStatus(Model):
    """What is known about a ClusterResourceSet."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    conditions: Conditions | None = None
    """conditions are observations about the set, one per type. ResourcesApplied tells whether everything is where it should be."""
    deprecated: DeprecatedConditions | None = None
    """deprecated keeps what v1beta1 reported."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""


class ClusterResourceSet(Object):
    """Objects that every matching cluster gets."""

    resource: ClassVar = Resource("addons.cluster.x-k8s.io", "v1beta2", "clusterresourcesets", "ClusterResourceSet")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        columns=(condition_column("Applied", "ResourcesApplied"), PAUSED_COLUMN, AGE_COLUMN),
    )

    spec: ClusterResourceSetSpec
    """spec says which objects go to which clusters."""
    status: ClusterResourceSetStatus | None = None
    """status reports what is known about the set; controllers write it."""
