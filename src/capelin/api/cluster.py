"""Cluster: a Kubernetes cluster, with everything that belongs to it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.machine import ReadinessGate, VersionCount
from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, MapList, Minimum, Shape
from capelin.api.meta import Conditions, Model, Object, Resource
from capelin.api.presentation import AGE_COLUMN, PAUSED_COLUMN, Column, Presentation, condition_column
from capelin.api.references import ContractReference
from capelin.api.scalars import Int32, Int64, Port
from capelin.api.topology import Topology
from capelin.api.v1beta1 import DeprecatedStatus

CLUSTER_FINALIZER = "cluster.cluster.x-k8s.io"
"""Kept until workers, control plane and infrastructure are gone."""

CLUSTER_SECRET_TYPE = "cluster.x-k8s.io/secret"  # noqa: S105  # a type of Secret
"""The type of a cluster's certificates, kubeconfig and bootstrap data."""

# Phases, in the order a cluster goes through them.
PHASE_PENDING = "Pending"
PHASE_PROVISIONING = "Provisioning"
PHASE_PROVISIONED = "Provisioned"
PHASE_DELETING = "Deleting"
PHASE_FAILED = "Failed"
PHASE_UNKNOWN = "Unknown"

# Condition types that only a Cluster reports.
REMOTE_CONNECTION_PROBE_CONDITION = "RemoteConnectionProbe"
CONTROL_PLANE_INITIALIZED_CONDITION = "ControlPlaneInitialized"
CONTROL_PLANE_AVAILABLE_CONDITION = "ControlPlaneAvailable"
CONTROL_PLANE_MACHINES_READY_CONDITION = "ControlPlaneMachinesReady"
CONTROL_PLANE_MACHINES_UP_TO_DATE_CONDITION = "ControlPlaneMachinesUpToDate"
WORKERS_AVAILABLE_CONDITION = "WorkersAvailable"
WORKER_MACHINES_READY_CONDITION = "WorkerMachinesReady"
WORKER_MACHINES_UP_TO_DATE_CONDITION = "WorkerMachinesUpToDate"
TOPOLOGY_RECONCILED_CONDITION = "TopologyReconciled"

PROBE_SUCCEEDED_REASON = "ProbeSucceeded"
"""The cluster's API server answered a short while ago."""

PROBE_FAILED_REASON = "ProbeFailed"
"""The cluster's API server has not answered for longer than the grace period."""

INITIALIZED_REASON = "Initialized"
"""The control plane has answered requests at least once."""

NOT_INITIALIZED_REASON = "NotInitialized"
"""The control plane has not answered a request yet."""

NO_WORKERS_REASON = "NoWorkers"
"""The cluster has no MachineDeployment and no MachinePool."""

# Reasons of Deleting, in the order of a deletion.
WAITING_FOR_BEFORE_DELETE_HOOK_REASON = "WaitingForBeforeDeleteHook"
WAITING_FOR_WORKERS_DELETION_REASON = "WaitingForWorkersDeletion"
WAITING_FOR_CONTROL_PLANE_DELETION_REASON = "WaitingForControlPlaneDeletion"
WAITING_FOR_INFRASTRUCTURE_DELETION_REASON = "WaitingForInfrastructureDeletion"


class NetworkRanges(Model):
    """Address ranges of a network of the cluster."""

    cidr_blocks: Annotated[list[Annotated[str, Length(1, 43)]], Items(1, 100), ATOMIC_LIST]
    """cidrBlocks are the address ranges in CIDR notation, such as 10.244.0.0/16; two of different families make the network dual-stack."""


class ClusterNetwork(Model):
    """The networks of a cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    api_server_port: Port | None = None
    """apiServerPort is the port the API servers listen on; 6443 unless set."""
    pods: NetworkRanges | None = None
    """pods are the address ranges Pods get their addresses from."""
    service_domain: Annotated[str, Length(1, 253)] | None = None
    """serviceDomain is the DNS domain of Services, such as cluster.local."""
    services: NetworkRanges | None = None
    """services are the address ranges Services get their addresses from."""


class APIEndpoint(Model):
    """Where the API server of a cluster is reached."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    host: Annotated[str, Length(1, 512)] | None = None
    """host is the name or address the API server answers at."""
    port: Port | None = None
    """port is the port the API server answers at."""


class ClusterSpec(Model):
    """The cluster that is wanted."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    availability_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    """availabilityGates are further conditions of this Cluster that must hold before it counts as Available."""
    cluster_network: ClusterNetwork | None = None
    """clusterNetwork sets the address ranges and ports of the cluster's networks."""
    control_plane_endpoint: APIEndpoint | None = None
    """controlPlaneEndpoint is where the cluster's API server is reached. It is copied from the infrastructure or the control plane unless
    you set it."""
    control_plane_ref: ContractReference | None = None
    """controlPlaneRef names the object that runs the control plane, such as a KubeadmControlPlane. Without it, Machines labelled as control
    plane are the control plane."""
    infrastructure_ref: ContractReference | None = None
    """infrastructureRef names the object that provides the cluster's infrastructure, such as a DevCluster."""
    paused: bool | None = None
    """paused stops every controller from acting on this cluster and on what belongs to it, until it is false again."""
    topology: Topology | None = None
    """topology describes the cluster by a ClusterClass and its variables; everything else is then generated from it."""


class UpgradeStep(Model):
    """One version on the way of an upgrade."""

    version: Annotated[str, Length(1, 256)]
    """version is the Kubernetes version of this step."""


class ReplicaCounts(Model):
    """How many Machines of one part of a cluster there are, and how far they are."""

    available_replicas: Int32 | None = None
    """availableReplicas is how many Machines are Available."""
    desired_replicas: Int32 | None = None
    """desiredReplicas is how many Machines are wanted."""
    ready_replicas: Int32 | None = None
    """readyReplicas is how many Machines are Ready."""
    replicas: Int32 | None = None
    """replicas is how many Machines exist."""
    up_to_date_replicas: Int32 | None = None
    """upToDateReplicas is how many Machines match their current template."""
    upgrade_plan: Annotated[list[UpgradeStep], Items(1, 32), ATOMIC_LIST] | None = None
    """upgradePlan lists the versions still to be gone through, next first."""
    versions: Annotated[list[VersionCount], Items(1, 32), ATOMIC_LIST] | None = None
    """versions lists the versions that run, with the number of Machines each."""


class FailureDomain(Model):
    """A place whose machines fail together, such as a zone."""

    name: Annotated[str, Length(1, 256)]
    """name identifies the failure domain."""
    attributes: dict[str, str] | None = None
    """attributes are what the infrastructure tells about the failure domain, by name."""
    control_plane: bool | None = None
    """controlPlane tells whether control-plane Machines may be placed here."""


class ClusterInitialization(Model):
    """Milestones of a new cluster; once true they stay true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    control_plane_initialized: bool | None = None
    """controlPlaneInitialized becomes true when the control plane has answered for the first time, so that further Machines can join."""
    infrastructure_provisioned: bool | None = None
    """infrastructureProvisioned becomes true when the cluster's infrastructure is there."""


class ClusterStatus(Model):
    """What is known about a cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    conditions: Conditions | None = None
    """conditions are observations about the cluster, one per type. Available sums up whether it works."""
    control_plane: ReplicaCounts | None = None
    """controlPlane counts the control plane's Machines."""
    deprecated: DeprecatedStatus | None = None
    """deprecated keeps what v1beta1 reported."""
    failure_domains: Annotated[list[FailureDomain], Items(1, 100), MapList("name")] | None = None
    """failureDomains are the places machines can be put in, as the infrastructure reports them."""
    initialization: ClusterInitialization | None = None
    """initialization records the milestones of the cluster's creation."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""
    phase: Annotated[str, Enum("Pending", "Provisioning", "Provisioned", "Deleting", "Failed", "Unknown")] | None = None
    """phase is one word for people: Pending, Provisioning, Provisioned, Deleting, Failed or Unknown. Programs read conditions."""
    workers: ReplicaCounts | None = None
    """workers counts the workers' Machines."""


class Cluster(Object):
    """A Kubernetes cluster, with everything that belongs to it."""

    resource: ClassVar = Resource("cluster.x-k8s.io", "v1beta2", "clusters", "Cluster")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        short_names=("cl",),
        columns=(
            Column("ClusterClass", ".spec.topology.classRef.name"),
            condition_column("Available"),
            Column("CP Desired", ".status.controlPlane.desiredReplicas", "integer"),
            Column("CP Current", ".status.controlPlane.replicas", "integer", wide=True),
            Column("CP Ready", ".status.controlPlane.readyReplicas", "integer", wide=True),
            Column("CP Available", ".status.controlPlane.availableReplicas", "integer"),
            Column("CP Up-to-date", ".status.controlPlane.upToDateReplicas", "integer"),
            Column("W Desired", ".status.workers.desiredReplicas", "integer"),
            Column("W Current", ".status.workers.replicas", "integer", wide=True),
            Column("W Ready", ".status.workers.readyReplicas", "integer", wide=True),
            Column("W Available", ".status.workers.availableReplicas", "integer"),
            Column("W Up-to-date", ".status.workers.upToDateReplicas", "integer"),
            PAUSED_COLUMN,
            Column("Phase", ".status.phase"),
            AGE_COLUMN,
            Column("Version", ".spec.topology.version"),
        ),
    )

    spec: ClusterSpec
    """spec describes the cluster that is wanted."""
    status: ClusterStatus | None = None
    """status reports what is known about the cluster; controllers write it."""
