"""Machine: a computer that is, or will be, a Node of a cluster."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.core import NodeSystemInfo
from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, MapList, MaxItems, Minimum, Pattern, Shape
from capelin.api.meta import Conditions, Model, Object, Resource, Time
from capelin.api.presentation import AGE_COLUMN, PAUSED_COLUMN, Column, Presentation, condition_column
from capelin.api.references import ContractReference
from capelin.api.scalars import ConditionType, Int32, Int64, NonNegative, Subdomain
from capelin.api.v1beta1 import DeprecatedStatus

MACHINE_FINALIZER = "machine.cluster.x-k8s.io"
"""Kept until infrastructure, bootstrap configuration and Node are gone."""

DELETE_MACHINE_ANNOTATION = "cluster.x-k8s.io/delete-machine"
"""Makes the Machine the first to go when its MachineSet scales down."""

SKIP_REMEDIATION_ANNOTATION = "cluster.x-k8s.io/skip-remediation"
"""Health checks pass the Machine over."""

REMEDIATE_MACHINE_ANNOTATION = "cluster.x-k8s.io/remediate-machine"
"""Health checks treat the Machine as unhealthy."""

EXCLUDE_NODE_DRAINING_ANNOTATION = "machine.cluster.x-k8s.io/exclude-node-draining"
"""The Node is not drained when the Machine is deleted."""

EXCLUDE_WAIT_FOR_VOLUME_DETACH_ANNOTATION = "machine.cluster.x-k8s.io/exclude-wait-for-node-volume-detach"
"""Deletion does not wait until volumes are detached from the Node."""

CERTIFICATES_EXPIRY_ANNOTATION = "machine.cluster.x-k8s.io/certificates-expiry"
"""When the API server's certificate on this Machine expires, in RFC 3339."""

PRE_DRAIN_HOOK_PREFIX = "pre-drain.delete.hook.machine.cluster.x-k8s.io"
"""Annotations `<prefix>/<name>` hold deletion back before the Node is drained."""

PRE_TERMINATE_HOOK_PREFIX = "pre-terminate.delete.hook.machine.cluster.x-k8s.io"
"""Annotations `<prefix>/<name>` hold deletion back before the infrastructure is deleted."""

# Annotations on the Node: which Machine it is, and which of its labels, annotations and taints come from there.
NODE_CLUSTER_NAME_ANNOTATION = "cluster.x-k8s.io/cluster-name"
NODE_CLUSTER_NAMESPACE_ANNOTATION = "cluster.x-k8s.io/cluster-namespace"
NODE_MACHINE_ANNOTATION = "cluster.x-k8s.io/machine"
NODE_OWNER_KIND_ANNOTATION = "cluster.x-k8s.io/owner-kind"
NODE_OWNER_NAME_ANNOTATION = "cluster.x-k8s.io/owner-name"
NODE_LABELS_FROM_MACHINE_ANNOTATION = "cluster.x-k8s.io/labels-from-machine"
NODE_ANNOTATIONS_FROM_MACHINE_ANNOTATION = "cluster.x-k8s.io/annotations-from-machine"
NODE_TAINTS_FROM_MACHINE_ANNOTATION = "cluster.x-k8s.io/taints-from-machine"

# Phases, in the order a Machine goes through them.
PHASE_PENDING = "Pending"
PHASE_PROVISIONING = "Provisioning"
PHASE_PROVISIONED = "Provisioned"
PHASE_RUNNING = "Running"
PHASE_UPDATING = "Updating"
PHASE_DELETING = "Deleting"
PHASE_DELETED = "Deleted"
PHASE_FAILED = "Failed"
PHASE_UNKNOWN = "Unknown"

# Condition types that only a Machine reports.
BOOTSTRAP_CONFIG_READY_CONDITION = "BootstrapConfigReady"
NODE_HEALTHY_CONDITION = "NodeHealthy"
NODE_READY_CONDITION = "NodeReady"
UPDATING_CONDITION = "Updating"
HEALTH_CHECK_SUCCEEDED_CONDITION = "HealthCheckSucceeded"
OWNER_REMEDIATED_CONDITION = "OwnerRemediated"
EXTERNALLY_REMEDIATED_CONDITION = "ExternallyRemediated"

WAITING_FOR_MIN_READY_SECONDS_REASON = "WaitingForMinReadySeconds"
"""The Machine is ready, but not yet for `minReadySeconds`."""

DATA_SECRET_PROVIDED_REASON = "DataSecretProvided"  # noqa: S105  # a reason
"""The user provided the bootstrap data; there is no configuration to wait for."""

NODE_HEALTHY_REASON = "NodeHealthy"
"""The Node is ready and under no pressure."""

NODE_NOT_HEALTHY_REASON = "NodeNotHealthy"
"""The Node is not ready, or short of memory, disk or process numbers."""

NODE_HEALTH_UNKNOWN_REASON = "NodeHealthUnknown"
"""The Node does not report its health."""

NODE_READY_REASON = "NodeReady"
"""The Node's kubelet says it is ready."""

NODE_NOT_READY_REASON = "NodeNotReady"
"""The Node's kubelet says it is not ready."""

NODE_READY_UNKNOWN_REASON = "NodeReadyUnknown"
"""The Node's kubelet has stopped reporting, or has not begun."""

NODE_DOES_NOT_EXIST_REASON = "NodeDoesNotExist"
"""The Node has not been seen although the Machine should have one."""

NODE_DELETED_REASON = "NodeDeleted"
"""The Node was there and is gone."""

# Reasons of Updating.
NOT_UPDATING_REASON = "NotUpdating"
IN_PLACE_UPDATING_REASON = "InPlaceUpdating"
IN_PLACE_UPDATE_FAILED_REASON = "InPlaceUpdateFailed"

# Reasons of Deleting, in the order of a deletion.
WAITING_FOR_PRE_DRAIN_HOOK_REASON = "WaitingForPreDrainHook"
DRAINING_NODE_REASON = "DrainingNode"
WAITING_FOR_VOLUME_DETACH_REASON = "WaitingForVolumeDetach"
WAITING_FOR_PRE_TERMINATE_HOOK_REASON = "WaitingForPreTerminateHook"
WAITING_FOR_INFRASTRUCTURE_DELETION_REASON = "WaitingForInfrastructureDeletion"
WAITING_FOR_BOOTSTRAP_DELETION_REASON = "WaitingForBootstrapDeletion"
DELETING_NODE_REASON = "DeletingNode"


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
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        short_names=("ma",),
        columns=(
            Column("Cluster", ".spec.clusterName"),
            Column("Node Name", ".status.nodeRef.name"),
            Column("Provider ID", ".spec.providerID", wide=True),
            Column("Failure domain", ".status.failureDomain"),
            condition_column("Ready"),
            condition_column("Available"),
            condition_column("Up-to-date", "UpToDate"),
            Column("Internal-IP", '.status.addresses[?(@.type=="InternalIP")].address', wide=True),
            Column("External-IP", '.status.addresses[?(@.type=="ExternalIP")].address', wide=True),
            Column("OS-Image", ".status.nodeInfo.osImage", wide=True),
            PAUSED_COLUMN,
            Column("Phase", ".status.phase"),
            AGE_COLUMN,
            Column("Version", ".spec.version"),
        ),
    )

    spec: MachineSpec
    status: MachineStatus | None = None
