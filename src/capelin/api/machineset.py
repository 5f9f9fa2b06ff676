"""MachineSet: keeps a number of equal Machines."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.machine import MachineSpec, VersionCount
from capelin.api.markers import Enum, Items, Length, MapList, Minimum, Shape
from capelin.api.meta import Conditions, LabelSelector, Model, Object, Resource, TemplateMetadata
from capelin.api.presentation import AGE_COLUMN, PAUSED_COLUMN, REPLICA_COLUMNS, Column, Presentation
from capelin.api.scalars import Int32, Int64
from capelin.api.v1beta1 import V1Beta1Condition

MACHINESET_FINALIZER = "cluster.x-k8s.io/machineset"
"""Kept until the Machines of the set are gone."""

DISABLE_MACHINE_CREATE_ANNOTATION = "cluster.x-k8s.io/disable-machine-create"
"""The set creates no further Machine; MachineDeployments put it on old sets when the strategy is OnDelete."""

SKIP_PREFLIGHT_CHECKS_ANNOTATION = "machineset.cluster.x-k8s.io/skip-preflight-checks"
"""Preflight checks to leave out, by name and separated by commas; `All` leaves out every one."""

# What `spec.deletion.order` may say.
DELETION_ORDER_RANDOM = "Random"
DELETION_ORDER_NEWEST = "Newest"
DELETION_ORDER_OLDEST = "Oldest"


class MachineSetDeletion(Model):
    """Which Machines go first when there are too many."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    order: Annotated[str, Enum("Random", "Newest", "Oldest")] | None = None


class MachineNaming(Model):
    """How new Machines are named."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    template: Annotated[str, Length(1, 256)] | None = None


class MachineTemplate(Model):
    """What Machines are made from."""

    spec: MachineSpec
    metadata: TemplateMetadata | None = None


class MachineSetSpec(Model):
    """The Machines that are wanted."""

    cluster_name: Annotated[str, Length(1, 63)]
    selector: LabelSelector
    template: MachineTemplate
    deletion: MachineSetDeletion | None = None
    machine_naming: MachineNaming | None = None
    replicas: Int32 | None = None


class MachineSetV1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    available_replicas: Int32 | None = None
    conditions: list[V1Beta1Condition] | None = None
    failure_message: Annotated[str, Length(1, 10240)] | None = None
    failure_reason: str | None = None
    fully_labeled_replicas: Int32 | None = None
    ready_replicas: Int32 | None = None


class MachineSetDeprecated(Model):
    """Status that older versions of the API had."""

    v1beta1: MachineSetV1Beta1Status | None = None


class MachineSetStatus(Model):
    """What is known about a MachineSet."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    available_replicas: Int32 | None = None
    conditions: Conditions | None = None
    deprecated: MachineSetDeprecated | None = None
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    selector: Annotated[str, Length(1, 4096)] | None = None
    up_to_date_replicas: Int32 | None = None
    versions: Annotated[list[VersionCount], Items(1, 100), MapList("version")] | None = None


class MachineSet(Object):
    """Keeps a number of equal Machines."""

    resource: ClassVar = Resource("cluster.x-k8s.io", "v1beta2", "machinesets", "MachineSet")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        short_names=("ms",),
        columns=(
            Column("Cluster", ".spec.clusterName"),
            *REPLICA_COLUMNS,
            PAUSED_COLUMN,
            AGE_COLUMN,
            Column("Version", ".spec.template.spec.version"),
        ),
        scale=True,
    )

    spec: MachineSetSpec
    status: MachineSetStatus | None = None
