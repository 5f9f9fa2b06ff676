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

ORDINALS_ANNOTATION = "machineset.capelin.dev/ordinals"
"""On a MachineSet: which ordinals it has reserved for Machines it may still have to make, as `first:next`."""

ORDINAL_ANNOTATION = "machineset.capelin.dev/ordinal"
"""On a Machine: which one of its set it is; its name follows from it."""

# What `spec.deletion.order` may say.
DELETION_ORDER_RANDOM = "Random"
DELETION_ORDER_NEWEST = "Newest"
DELETION_ORDER_OLDEST = "Oldest"


class MachineSetDeletion(Model):
    """Which Machines go first when there are too many."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    order: Annotated[str, Enum("Random", "Newest", "Oldest")] | None = None
    """order is Random, Newest or Oldest. Machines that are deleted already, annotated for deletion or unhealthy always go before."""


class MachineNaming(Model):
    """How new Machines are named."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    template: Annotated[str, Length(1, 256)] | None = None
    """template is a Go template for names with .cluster.name, .machineSet.name and .random; it must contain the random part."""


class MachineTemplate(Model):
    """What Machines are made from."""

    spec: MachineSpec
    """spec describes each Machine."""
    metadata: TemplateMetadata | None = None
    """metadata is added to each Machine."""


class MachineSetSpec(Model):
    """The Machines that are wanted."""

    cluster_name: Annotated[str, Length(1, 63)]
    """clusterName names the Cluster the Machines belong to. It cannot change."""
    selector: LabelSelector
    """selector chooses the Machines that count as the set's; it must match the template's labels."""
    template: MachineTemplate
    """template is what new Machines are made from. Changing it changes no Machine that exists."""
    deletion: MachineSetDeletion | None = None
    """deletion decides which Machines go first when there are too many."""
    machine_naming: MachineNaming | None = None
    """machineNaming decides how new Machines are named."""
    replicas: Int32 | None = None
    """replicas is how many Machines there should be; 1 unless set, or within the autoscaler's bounds where its annotations are present."""


class MachineSetV1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    available_replicas: Int32 | None = None
    """availableReplicas was the number of Machines ready for minReadySeconds."""
    conditions: list[V1Beta1Condition] | None = None
    """conditions are the conditions of v1beta1."""
    failure_message: Annotated[str, Length(1, 10240)] | None = None
    """failureMessage explained a problem that needed a person's help."""
    failure_reason: str | None = None
    """failureReason named a problem that needed a person's help."""
    fully_labeled_replicas: Int32 | None = None
    """fullyLabeledReplicas was the number of Machines that carry all labels of the template."""
    ready_replicas: Int32 | None = None
    """readyReplicas was the number of Machines whose Node is ready."""


class MachineSetDeprecated(Model):
    """Status that older versions of the API had."""

    v1beta1: MachineSetV1Beta1Status | None = None
    """v1beta1 is what readers of v1beta1 expect. It goes away together with v1beta1."""


class MachineSetStatus(Model):
    """What is known about a MachineSet."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    available_replicas: Int32 | None = None
    """availableReplicas is how many Machines are Available."""
    conditions: Conditions | None = None
    """conditions are observations about the set, one per type."""
    deprecated: MachineSetDeprecated | None = None
    """deprecated keeps what v1beta1 reported."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""
    ready_replicas: Int32 | None = None
    """readyReplicas is how many Machines are Ready."""
    replicas: Int32 | None = None
    """replicas is how many Machines exist."""
    selector: Annotated[str, Length(1, 4096)] | None = None
    """selector is the selector as text, which the scale subresource hands to autoscalers."""
    up_to_date_replicas: Int32 | None = None
    """upToDateReplicas is how many Machines match the current template."""
    versions: Annotated[list[VersionCount], Items(1, 100), MapList("version")] | None = None
    """versions lists the versions that run, with the number of Machines each, oldest version first."""


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
    """spec describes the Machines that are wanted."""
    status: MachineSetStatus | None = None
    """status reports what is known about the set; controllers write it."""
