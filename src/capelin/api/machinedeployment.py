"""MachineDeployment: keeps equal Machines and rolls changes of their template out."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.machine import VersionCount
from capelin.api.machineset import MachineNaming, MachineSetDeletion, MachineTemplate
from capelin.api.markers import Enum, Items, Length, MapList, Minimum, Shape
from capelin.api.meta import Conditions, LabelSelector, Model, Object, Resource, Time
from capelin.api.presentation import AGE_COLUMN, PAUSED_COLUMN, REPLICA_COLUMNS, Column, Presentation, condition_column
from capelin.api.scalars import Int32, Int64, IntOrString
from capelin.api.v1beta1 import V1Beta1Condition

MACHINEDEPLOYMENT_FINALIZER = "cluster.x-k8s.io/machinedeployment"
"""Kept until the MachineSets of the deployment are gone."""

# The domain of these three is really spelled with an s; readers in the field depend on it.
REVISION_ANNOTATION = "machinedeployment.clusters.x-k8s.io/revision"
DESIRED_REPLICAS_ANNOTATION = "machinedeployment.clusters.x-k8s.io/desired-replicas"
MAX_REPLICAS_ANNOTATION = "machinedeployment.clusters.x-k8s.io/max-replicas"

# What `spec.rollout.strategy.type` may say.
ROLLING_UPDATE = "RollingUpdate"
ON_DELETE = "OnDelete"

PHASE_SCALING_UP = "ScalingUp"
PHASE_SCALING_DOWN = "ScalingDown"
PHASE_RUNNING = "Running"
PHASE_FAILED = "Failed"
PHASE_UNKNOWN = "Unknown"

WAITING_FOR_AVAILABLE_REPLICAS_SET_REASON = "WaitingForAvailableReplicasSet"
"""`status.availableReplicas` is not set yet."""


class RollingUpdate(Model):
    """How many Machines may be too many, and how many missing, during a rolling update."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    max_surge: IntOrString | None = None
    """maxSurge is how many Machines, or which percentage rounded up, may exist beyond the wanted number during an update; 1 unless set."""
    max_unavailable: IntOrString | None = None
    """maxUnavailable is how many Machines, or which percentage rounded down, may be missing during an update; 0 unless set. It and maxSurge
    must not both be 0."""


class RolloutStrategy(Model):
    """How Machines of an old revision are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    type: Annotated[str, Enum("RollingUpdate", "OnDelete")]
    """type is RollingUpdate, which replaces Machines by itself, or OnDelete, which replaces those that are deleted."""
    rolling_update: RollingUpdate | None = None
    """rollingUpdate bounds a rolling update; used with that type only."""


class MachineDeploymentRollout(Model):
    """How and when Machines are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    after: Time | None = None
    """after is a moment; Machines older than it are replaced once it has come."""
    strategy: RolloutStrategy | None = None
    """strategy decides how Machines of an old revision are replaced."""


class MachineDeploymentRemediation(Model):
    """How many unhealthy Machines are replaced at a time."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    max_in_flight: IntOrString | None = None
    """maxInFlight is how many Machines, or which percentage of them, may be under remediation at once. Without it all unhealthy Machines
    are replaced together."""


class MachineDeploymentSpec(Model):
    """The Machines that are wanted, and how changes reach them."""

    cluster_name: Annotated[str, Length(1, 63)]
    """clusterName names the Cluster the Machines belong to. It cannot change."""
    selector: LabelSelector
    """selector chooses the Machines that count as the deployment's; it must match the template's labels."""
    template: MachineTemplate
    """template is what Machines are made from. Changing the version, a reference or the failure domain rolls the Machines; anything else is
    changed in place."""
    deletion: MachineSetDeletion | None = None
    """deletion decides which Machines go first when there are too many."""
    machine_naming: MachineNaming | None = None
    """machineNaming decides how new Machines are named."""
    paused: bool | None = None
    """paused stops rollouts, while scaling goes on."""
    remediation: MachineDeploymentRemediation | None = None
    """remediation bounds how many unhealthy Machines are replaced at a time."""
    replicas: Int32 | None = None
    """replicas is how many Machines there should be; 1 unless set, or within the autoscaler's bounds where its annotations are present."""
    rollout: MachineDeploymentRollout | None = None
    """rollout decides how and when Machines are replaced."""


class MachineDeploymentV1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    available_replicas: Int32 | None = None
    """availableReplicas was the number of Machines ready for minReadySeconds."""
    conditions: list[V1Beta1Condition] | None = None
    """conditions are the conditions of v1beta1."""
    ready_replicas: Int32 | None = None
    """readyReplicas was the number of Machines whose Node is ready."""
    unavailable_replicas: Int32 | None = None
    """unavailableReplicas was the number of Machines still missing from full availability."""
    updated_replicas: Int32 | None = None
    """updatedReplicas was the number of Machines of the current revision."""


class MachineDeploymentDeprecated(Model):
    """Status that older versions of the API had."""

    v1beta1: MachineDeploymentV1Beta1Status | None = None
    """v1beta1 is what readers of v1beta1 expect. It goes away together with v1beta1."""


class MachineDeploymentStatus(Model):
    """What is known about a MachineDeployment."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    available_replicas: Int32 | None = None
    """availableReplicas is how many Machines are Available."""
    conditions: Conditions | None = None
    """conditions are observations about the deployment, one per type."""
    deprecated: MachineDeploymentDeprecated | None = None
    """deprecated keeps what v1beta1 reported."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""
    phase: Annotated[str, Enum("ScalingUp", "ScalingDown", "Running", "Failed", "Unknown")] | None = None
    """phase is one word for people: ScalingUp, ScalingDown, Running, Failed or Unknown. Programs read conditions."""
    ready_replicas: Int32 | None = None
    """readyReplicas is how many Machines are Ready."""
    replicas: Int32 | None = None
    """replicas is how many Machines exist, of any revision."""
    selector: Annotated[str, Length(1, 4096)] | None = None
    """selector is the selector as text, which the scale subresource hands to autoscalers."""
    up_to_date_replicas: Int32 | None = None
    """upToDateReplicas is how many Machines match the current template."""
    versions: Annotated[list[VersionCount], Items(1, 100), MapList("version")] | None = None
    """versions lists the versions that run, with the number of Machines each, oldest version first."""


class MachineDeployment(Object):
    """Keeps a number of equal Machines and rolls changes of their template out."""

    resource: ClassVar = Resource("cluster.x-k8s.io", "v1beta2", "machinedeployments", "MachineDeployment")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        short_names=("md",),
        columns=(
            Column("Cluster", ".spec.clusterName"),
            condition_column("Available"),
            *REPLICA_COLUMNS,
            PAUSED_COLUMN,
            Column("Phase", ".status.phase"),
            AGE_COLUMN,
            Column("Version", ".spec.template.spec.version"),
        ),
        scale=True,
    )

    spec: MachineDeploymentSpec
    """spec describes the Machines that are wanted and how changes reach them."""
    status: MachineDeploymentStatus | None = None
    """status reports what is known about the deployment; controllers write it."""
