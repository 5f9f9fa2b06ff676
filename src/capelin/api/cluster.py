"""Cluster: a Kubernetes cluster, with everything that belongs to it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.labels import CLUSTER_NAME_LABEL as CLUSTER_NAME_LABEL
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


class ClusterNetwork(Model):
    """The networks of a cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    api_server_port: Port | None = None
    pods: NetworkRanges | None = None
    service_domain: Annotated[str, Length(1, 253)] | None = None
    services: NetworkRanges | None = None


class APIEndpoint(Model):
    """Where the API server of a cluster is reached."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    host: Annotated[str, Length(1, 512)] | None = None
    port: Port | None = None


class ClusterSpec(Model):
    """The cluster that is wanted."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    availability_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    cluster_network: ClusterNetwork | None = None
    control_plane_endpoint: APIEndpoint | None = None
    control_plane_ref: ContractReference | None = None
    infrastructure_ref: ContractReference | None = None
    paused: bool | None = None
    topology: Topology | None = None


class UpgradeStep(Model):
    """One version on the way of an upgrade."""

    version: Annotated[str, Length(1, 256)]


class ReplicaCounts(Model):
    """How many Machines of one part of a cluster there are, and how far they are."""

    available_replicas: Int32 | None = None
    desired_replicas: Int32 | None = None
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None
    up_to_date_replicas: Int32 | None = None
    upgrade_plan: Annotated[list[UpgradeStep], Items(1, 32), ATOMIC_LIST] | None = None
    versions: Annotated[list[VersionCount], Items(1, 32), ATOMIC_LIST] | None = None


class FailureDomain(Model):
    """A place whose machines fail together, such as a zone."""

    name: Annotated[str, Length(1, 256)]
    attributes: dict[str, str] | None = None
    control_plane: bool | None = None


class ClusterInitialization(Model):
    """Milestones of a new cluster; once true they stay true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    control_plane_initialized: bool | None = None
    infrastructure_provisioned: bool | None = None


class ClusterStatus(Model):
    """What is known about a cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    conditions: Conditions | None = None
    control_plane: ReplicaCounts | None = None
    deprecated: DeprecatedStatus | None = None
    failure_domains: Annotated[list[FailureDomain], Items(1, 100), MapList("name")] | None = None
    initialization: ClusterInitialization | None = None
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    phase: Annotated[str, Enum("Pending", "Provisioning", "Provisioned", "Deleting", "Failed", "Unknown")] | None = None
    workers: ReplicaCounts | None = None


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
    status: ClusterStatus | None = None
