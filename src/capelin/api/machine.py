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
    """conditionType is the type of the condition that must hold. An object that does not report it does not pass."""
    polarity: Annotated[str, Enum("Positive", "Negative")] | None = None
    """polarity tells which status passes: True for Positive, which is the default, False for Negative."""


class MachineDeletion(Model):
    """How long the steps of a Machine's deletion may take."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    node_deletion_timeout_seconds: NonNegative | None = None
    """nodeDeletionTimeoutSeconds is how long to keep trying to delete the Node once the infrastructure is gone; 10 unless set, 0 tries for
    ever."""
    node_drain_timeout_seconds: NonNegative | None = None
    """nodeDrainTimeoutSeconds is how long draining the Node may take before deletion goes on regardless; without it, or with 0, there is no
    limit."""
    node_volume_detach_timeout_seconds: NonNegative | None = None
    """nodeVolumeDetachTimeoutSeconds is how long to wait for volumes to be detached before deletion goes on regardless; without it, or with
    0, there is no limit."""


class MachineTaint(Model):
    """A taint that a Machine puts on its Node."""

    effect: Annotated[str, Enum("NoSchedule", "PreferNoSchedule", "NoExecute")]
    """effect is what happens to Pods that do not tolerate the taint: NoSchedule, PreferNoSchedule or NoExecute."""
    key: Annotated[
        str,
        Length(1, 317),
        Pattern(r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"),
    ]
    """key is the key of the taint."""
    propagation: Annotated[str, Enum("Always", "OnInitialization")]
    """propagation decides when the taint is put on the Node: Always keeps it there, OnInitialization puts it there once and leaves it alone
    afterwards."""
    value: Annotated[str, Length(1, 63), Pattern(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")] | None = None
    """value is the value of the taint."""


class VersionCount(Model):
    """How many Machines run one version."""

    version: Annotated[str, Length(1, 256)]
    """version is the Kubernetes version."""
    replicas: Annotated[Int32, Minimum(1)] | None = None
    """replicas is how many Machines run it."""


class Bootstrap(Model):
    """Where the data comes from that turns a computer into a Node."""

    config_ref: ContractReference | None = None
    """configRef names the object that generates the bootstrap data, such as a KubeadmConfig."""
    data_secret_name: Annotated[str, Length(0, 253)] | None = None
    """dataSecretName names the Secret with the bootstrap data. It is filled in from the configuration; set it to do without one."""


class MachineSpec(Model):
    """The Machine that is wanted."""

    bootstrap: Bootstrap
    """bootstrap tells where the data comes from that makes the computer a Node."""
    cluster_name: Annotated[str, Length(1, 63)]
    """clusterName names the Cluster the Machine belongs to. It cannot change."""
    infrastructure_ref: ContractReference
    """infrastructureRef names the object that provides the computer, such as a DevMachine."""
    deletion: MachineDeletion | None = None
    """deletion bounds the steps of deleting the Machine."""
    failure_domain: Annotated[str, Length(1, 256)] | None = None
    """failureDomain is where the computer is placed; it must be one of the cluster's failure domains."""
    min_ready_seconds: NonNegative | None = None
    """minReadySeconds is how long the Machine must be Ready before it counts as Available; 0 unless set."""
    provider_id: Annotated[str, Length(1, 512)] | None = None
    """providerID identifies the computer to its provider and matches the Machine with its Node. It is copied from the infrastructure."""
    readiness_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    """readinessGates are further conditions of this Machine that must hold before it counts as Ready."""
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    """taints are put on the Node and kept in step with this list."""
    version: Annotated[str, Length(1, 256)] | None = None
    """version is the Kubernetes version the Node is to run."""


class MachineAddress(Model):
    """A name or an address of a Machine."""

    address: Annotated[str, Length(1, 256)]
    """address is the name or address itself."""
    type: Annotated[str, Enum("Hostname", "ExternalIP", "InternalIP", "ExternalDNS", "InternalDNS")]
    """type is Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS."""


class MachineDeletionStatus(Model):
    """When the steps of a Machine's deletion began."""

    node_drain_start_time: Time | None = None
    """nodeDrainStartTime is when draining the Node began; its time-out counts from here."""
    wait_for_node_volume_detach_start_time: Time | None = None
    """waitForNodeVolumeDetachStartTime is when waiting for volumes to be detached began; its time-out counts from here."""
    wait_for_pre_drain_hook_start_time: Time | None = None
    """waitForPreDrainHookStartTime is when a pre-drain hook began to hold the deletion back."""
    wait_for_pre_terminate_hook_start_time: Time | None = None
    """waitForPreTerminateHookStartTime is when a pre-terminate hook began to hold the deletion back."""


class MachineInitialization(Model):
    """Milestones of a new Machine; once true they stay true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    bootstrap_data_secret_created: bool | None = None
    """bootstrapDataSecretCreated becomes true when the bootstrap data is there."""
    infrastructure_provisioned: bool | None = None
    """infrastructureProvisioned becomes true when the computer is there."""


class NodeReference(Model):
    """The Node that a Machine became."""

    name: Subdomain
    """name is the name of the Node in the workload cluster."""


class MachineStatus(Model):
    """What is known about a Machine."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    addresses: Annotated[list[MachineAddress], MaxItems(256), ATOMIC_LIST] | None = None
    """addresses are the names and addresses of the computer, as the infrastructure reports them."""
    certificates_expiry_date: Time | None = None
    """certificatesExpiryDate is when the API server's certificate on this Machine expires; control-plane Machines only."""
    conditions: Conditions | None = None
    """conditions are observations about the Machine, one per type. Ready and Available sum up how it is doing."""
    deletion: MachineDeletionStatus | None = None
    """deletion records when the steps of the Machine's deletion began."""
    deprecated: DeprecatedStatus | None = None
    """deprecated keeps what v1beta1 reported."""
    failure_domain: Annotated[str, Length(1, 256)] | None = None
    """failureDomain is where the computer is, as the infrastructure reports it."""
    initialization: MachineInitialization | None = None
    """initialization records the milestones of the Machine's creation."""
    last_updated: Time | None = None
    """lastUpdated is when the phase last changed."""
    node_info: NodeSystemInfo | None = None
    """nodeInfo is what the Node's kubelet reports about the computer."""
    node_ref: NodeReference | None = None
    """nodeRef names the Node this Machine became."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""
    phase: (
        Annotated[str, Enum("Pending", "Provisioning", "Provisioned", "Running", "Updating", "Deleting", "Deleted", "Failed", "Unknown")]
        | None
    ) = None
    """phase is one word for people: Pending, Provisioning, Provisioned, Running, Updating, Deleting, Deleted, Failed or Unknown. Programs
    read conditions."""


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
    """spec describes the Machine that is wanted."""
    status: MachineStatus | None = None
    """status reports what is known about the Machine; controllers write it."""
