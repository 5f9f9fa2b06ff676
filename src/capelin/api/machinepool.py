"""MachinePool: a number of equal machines that the infrastructure manages as one."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.core import ObjectReference
from capelin.api.machine import VersionCount
from capelin.api.machineset import MachineTemplate
from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, MapList, MaxItems, Minimum, Shape
from capelin.api.meta import Conditions, Model, Object, Resource
from capelin.api.presentation import AGE_COLUMN, PAUSED_COLUMN, REPLICA_COLUMNS, Column, Presentation
from capelin.api.scalars import Int32, Int64
from capelin.api.v1beta1 import V1Beta1Condition

MACHINEPOOL_FINALIZER = "machinepool.cluster.x-k8s.io"
"""Kept until the pool's Nodes, infrastructure and bootstrap configuration are gone."""

REPLICAS_MANAGED_BY_ANNOTATION = "cluster.x-k8s.io/replicas-managed-by"
"""Tells what decides the number of replicas instead of `spec.replicas`; any value but `false` hands the number over."""

EXTERNAL_AUTOSCALER = "external-autoscaler"
"""The usual value of that annotation: the cloud scales the group, and the pool follows."""

# Phases of a pool; the scaling ones come and go while it runs.
PHASE_PENDING = "Pending"
PHASE_PROVISIONING = "Provisioning"
PHASE_PROVISIONED = "Provisioned"
PHASE_RUNNING = "Running"
PHASE_SCALING_UP = "ScalingUp"
PHASE_SCALING_DOWN = "ScalingDown"
PHASE_SCALING = "Scaling"
PHASE_DELETING = "Deleting"
PHASE_FAILED = "Failed"
PHASE_UNKNOWN = "Unknown"


class MachinePoolSpec(Model):
    """The pool that is wanted."""

    cluster_name: Annotated[str, Length(1, 63)]
    """clusterName names the Cluster the pool belongs to. It cannot change."""
    template: MachineTemplate
    """template describes each machine of the pool; its references name the bootstrap configuration and the infrastructure of the whole
    pool."""
    failure_domains: Annotated[list[Annotated[str, Length(1, 256)]], MaxItems(100), ATOMIC_LIST] | None = None
    """failureDomains are where the infrastructure may place machines; it chooses by itself without them."""
    provider_id_list: Annotated[list[Annotated[str, Length(1, 512)]], MaxItems(10_000), ATOMIC_LIST] | None = None
    """providerIDList identifies the machines to their provider and matches them with their Nodes. It is copied from the infrastructure."""
    replicas: Int32 | None = None
    """replicas is how many machines there should be; 1 unless set, or within the autoscaler's bounds where its annotations are present."""


class MachinePoolV1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    available_replicas: Int32 | None = None
    """availableReplicas was the number of machines ready for minReadySeconds."""
    conditions: list[V1Beta1Condition] | None = None
    """conditions are the conditions of v1beta1."""
    failure_message: Annotated[str, Length(1, 10240)] | None = None
    """failureMessage explained a problem that needed a person's help."""
    failure_reason: str | None = None
    """failureReason named a problem that needed a person's help."""
    ready_replicas: Int32 | None = None
    """readyReplicas was the number of machines whose Node is ready."""
    unavailable_replicas: Int32 | None = None
    """unavailableReplicas was the number of machines still missing from full availability."""


class MachinePoolDeprecated(Model):
    """Status that older versions of the API had."""

    v1beta1: MachinePoolV1Beta1Status | None = None
    """v1beta1 is what readers of v1beta1 expect. It goes away together with v1beta1."""


class MachinePoolInitialization(Model):
    """Milestones of a new pool; once true they stay true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    bootstrap_data_secret_created: bool | None = None
    """bootstrapDataSecretCreated becomes true when the bootstrap data is there."""
    infrastructure_provisioned: bool | None = None
    """infrastructureProvisioned becomes true when the pool's infrastructure is there."""


class MachinePoolStatus(Model):
    """What is known about a MachinePool."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    available_replicas: Int32 | None = None
    """availableReplicas is how many machines are available."""
    conditions: Conditions | None = None
    """conditions are observations about the pool, one per type."""
    deprecated: MachinePoolDeprecated | None = None
    """deprecated keeps what v1beta1 reported."""
    initialization: MachinePoolInitialization | None = None
    """initialization records the milestones of the pool's creation."""
    node_refs: Annotated[list[ObjectReference], MaxItems(10_000), ATOMIC_LIST] | None = None
    """nodeRefs name the Nodes the machines of the pool became."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""
    phase: (
        Annotated[
            str,
            Enum(
                "Pending",
                "Provisioning",
                "Provisioned",
                "Running",
                "ScalingUp",
                "ScalingDown",
                "Scaling",
                "Deleting",
                "Failed",
                "Unknown",
            ),
        ]
        | None
    ) = None
    """phase is one word for people: Pending, Provisioning, Provisioned, Running, ScalingUp, ScalingDown, Scaling, Deleting, Failed or
    Unknown. Programs read conditions."""
    ready_replicas: Int32 | None = None
    """readyReplicas is how many machines are ready."""
    replicas: Int32 | None = None
    """replicas is how many machines exist."""
    up_to_date_replicas: Int32 | None = None
    """upToDateReplicas is how many machines match the current template."""
    versions: Annotated[list[VersionCount], Items(1, 100), MapList("version")] | None = None
    """versions lists the versions that run, with the number of machines each, oldest version first."""


class MachinePool(Object):
    """A number of equal machines that the infrastructure manages as one."""

    resource: ClassVar = Resource("cluster.x-k8s.io", "v1beta2", "machinepools", "MachinePool")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        short_names=("mp",),
        columns=(
            Column("Cluster", ".spec.clusterName"),
            *REPLICA_COLUMNS,
            PAUSED_COLUMN,
            Column("Phase", ".status.phase"),
            AGE_COLUMN,
            Column("Version", ".spec.template.spec.version"),
        ),
        scale=True,
        scale_selector=False,
    )

    spec: MachinePoolSpec
    """spec describes the pool that is wanted."""
    status: MachinePoolStatus | None = None
    """status reports what is known about the pool; controllers write it."""
