"""Machine: a computer that is, or will be, a Node of a cluster."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.core import NodeSystemInfo
from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, MapList, MaxItems, Minimum, Pattern, Shape
from capelin.api.meta import Conditions, Model, Object, Resource, Time
from capelin.api.references import ContractReference
from capelin.api.scalars import ConditionType, Int32, Int64, NonNegative, Subdomain
from capelin.api.v1beta1 import DeprecatedStatus


class ReadinessGate(Model):
    """A further condition that must hold."""

    condition_type: ConditionType
    polarity: Annotated[str, Enum("Positive", "Negative")] | None = None


class MachineDeletion(Model):
    """How long the steps of a Machine's deletion may take."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    node_deletion_timeout_seconds: NonNegative | None = None
    node_drain_timeout_seconds: NonNegative | None = None
    node_volume_detach_timeout_seconds: NonNegative | None = None


class MachineTaint(Model):
    """A taint that a Machine puts on its Node."""

    effect: Annotated[str, Enum("NoSchedule", "PreferNoSchedule", "NoExecute")]
    key: Annotated[
        str,
        Length(1, 317),
        Pattern(r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"),
    ]
    propagation: Annotated[str, Enum("Always", "OnInitialization")]
    value: Annotated[str, Length(1, 63), Pattern(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")] | None = None


class VersionCount(Model):
    """How many Machines run one version."""

    version: Annotated[str, Length(1, 256)]
    replicas: Annotated[Int32, Minimum(1)] | None = None


class Bootstrap(Model):
    """Where the data comes from that turns a computer into a Node."""

    config_ref: ContractReference | None = None
    data_secret_name: Annotated[str, Length(0, 253)] | None = None


class MachineSpec(Model):
    """The Machine that is wanted."""

    bootstrap: Bootstrap
    cluster_name: Annotated[str, Length(1, 63)]
    infrastructure_ref: ContractReference
    deletion: MachineDeletion | None = None
    failure_domain: Annotated[str, Length(1, 256)] | None = None
    min_ready_seconds: NonNegative | None = None
    provider_id: Annotated[str, Length(1, 512)] | None = None
    readiness_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    version: Annotated[str, Length(1, 256)] | None = None


class MachineAddress(Model):
    """A name or an address of a Machine."""

    address: Annotated[str, Length(1, 256)]
    type: Annotated[str, Enum("Hostname", "ExternalIP", "InternalIP", "ExternalDNS", "InternalDNS")]


class MachineDeletionStatus(Model):
    """When the steps of a Machine's deletion began."""

    node_drain_start_time: Time | None = None
    wait_for_node_volume_detach_start_time: Time | None = None
    wait_for_pre_drain_hook_start_time: Time | None = None
    wait_for_pre_terminate_hook_start_time: Time | None = None


class MachineInitialization(Model):
    """Milestones of a new Machine; once true they stay true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    bootstrap_data_secret_created: bool | None = None
    infrastructure_provisioned: bool | None = None


class NodeReference(Model):
    """The Node that a Machine became."""

    name: Subdomain


class MachineStatus(Model):
    """What is known about a Machine."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    addresses: Annotated[list[MachineAddress], MaxItems(256), ATOMIC_LIST] | None = None
    certificates_expiry_date: Time | None = None
    conditions: Conditions | None = None
    deletion: MachineDeletionStatus | None = None
    deprecated: DeprecatedStatus | None = None
    failure_domain: Annotated[str, Length(1, 256)] | None = None
    initialization: MachineInitialization | None = None
    last_updated: Time | None = None
    node_info: NodeSystemInfo | None = None
    node_ref: NodeReference | None = None
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    phase: (
        Annotated[str, Enum("Pending", "Provisioning", "Provisioned", "Running", "Updating", "Deleting", "Deleted", "Failed", "Unknown")]
        | None
    ) = None


class Machine(Object):
    """A computer that is, or will be, a Node of a cluster."""

    resource: ClassVar = Resource("cluster.x-k8s.io", "v1beta2", "machines", "Machine")

    spec: MachineSpec
    status: MachineStatus | None = None
