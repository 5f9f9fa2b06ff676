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
    max_unavailable: IntOrString | None = None


class RolloutStrategy(Model):
    """How Machines of an old revision are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    type: Annotated[str, Enum("RollingUpdate", "OnDelete")]
    rolling_update: RollingUpdate | None = None


class MachineDeploymentRollout(Model):
    """How and when Machines are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    after: Time | None = None
    strategy: RolloutStrategy | None = None


class MachineDeploymentRemediation(Model):
    """How many unhealthy Machines are replaced at a time."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    max_in_flight: IntOrString | None = None


class MachineDeploymentSpec(Model):
    """The Machines that are wanted, and how changes reach them."""

    cluster_name: Annotated[str, Length(1, 63)]
    selector: LabelSelector
    template: MachineTemplate
    deletion: MachineSetDeletion | None = None
    machine_naming: MachineNaming | None = None
    paused: bool | None = None
    remediation: MachineDeploymentRemediation | None = None
    replicas: Int32 | None = None
    rollout: MachineDeploymentRollout | None = None


class MachineDeploymentV1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    available_replicas: Int32 | None = None
    conditions: list[V1Beta1Condition] | None = None
    ready_replicas: Int32 | None = None
    unavailable_replicas: Int32 | None = None
    updated_replicas: Int32 | None = None


class MachineDeploymentDeprecated(Model):
    """Status that older versions of the API had."""

    v1beta1: MachineDeploymentV1Beta1Status | None = None


class MachineDeploymentStatus(Model):
    """What is known about a MachineDeployment."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    available_replicas: Int32 | None = None
    conditions: Conditions | None = None
    deprecated: MachineDeploymentDeprecated | None = None
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    phase: Annotated[str, Enum("ScalingUp", "ScalingDown", "Running", "Failed", "Unknown")] | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    selector: Annotated[str, Length(1, 4096)] | None = None
    up_to_date_replicas: Int32 | None = None
    versions: Annotated[list[VersionCount], Items(1, 100), MapList("version")] | None = None


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
    status: MachineDeploymentStatus | None = None
