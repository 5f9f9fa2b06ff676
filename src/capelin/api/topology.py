"""The topology of a Cluster: a cluster described by a ClusterClass and its variables."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from capelin.api.healthchecks import HealthChecks, Remediation, WorkerRemediation
from capelin.api.machine import MachineDeletion, MachineTaint, ReadinessGate
from capelin.api.machinedeployment import MachineDeploymentRollout
from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, MapList, Pattern, Shape
from capelin.api.meta import Model, TemplateMetadata, Time
from capelin.api.scalars import AnyValue, Int32, NonNegative, Subdomain

UPGRADE_CONCURRENCY_ANNOTATION = "topology.cluster.x-k8s.io/upgrade-concurrency"
"""On a Cluster: how many of its MachineDeployments, and how many of its MachinePools, are upgraded at a time; 1 unless set."""

UNSAFE_CLASS_NAME_ANNOTATION = "unsafe.topology.cluster.x-k8s.io/disable-update-class-name-check"
"""On a Cluster: a topology may be given to it after its creation; any value does."""

UNSAFE_VERSION_ANNOTATION = "unsafe.topology.cluster.x-k8s.io/disable-update-version-check"
"""On a Cluster: the version of its topology may be changed to any other; any value does."""


class ClusterClassReference(Model):
    """Names the ClusterClass a cluster is built from."""

    name: Subdomain
    """name is the name of the ClusterClass."""
    namespace: Annotated[str, Length(1, 63), Pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] | None = None
    """namespace is where the ClusterClass is; the cluster's own namespace unless set."""


class ControlPlaneHealthCheck(Model):
    """Health checks of the control plane's Machines."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    checks: HealthChecks | None = None
    """checks replace the class's checks as a whole."""
    enabled: bool | None = None
    """enabled turns the health check on or off, whatever the class says."""
    remediation: Remediation | None = None
    """remediation replaces the class's remediation as a whole."""


class ControlPlaneRollout(Model):
    """When the control plane is rolled out anew."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    after: Time | None = None
    """after is a moment; Machines older than it are replaced once it has come."""


class Variable(Model):
    """A value for a variable of the ClusterClass."""

    name: Annotated[str, Length(1, 256)]
    """name is the name of the variable."""
    value: AnyValue
    """value is any JSON value that fits the variable's schema."""


class VariableOverrides(Model):
    """Values that differ for one part of the cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    overrides: Annotated[list[Variable], Items(1, 1000), MapList("name")] | None = None
    """overrides are the values that differ here; they win over the cluster's own."""


class ControlPlaneTopology(Model):
    """The control plane of a cluster made from a ClusterClass."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    deletion: MachineDeletion | None = None
    """deletion bounds the steps of deleting a control-plane Machine."""
    health_check: ControlPlaneHealthCheck | None = None
    """healthCheck changes the class's health check of control-plane Machines."""
    metadata: TemplateMetadata | None = None
    """metadata adds labels and annotations to the control plane and its Machines."""
    readiness_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    """readinessGates are further conditions control-plane Machines must meet before they count as Ready."""
    replicas: Int32 | None = None
    """replicas is how many control-plane Machines there are. Leave it out when something else scales the control plane."""
    rollout: ControlPlaneRollout | None = None
    """rollout decides when control-plane Machines are replaced."""
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    """taints are put on the Nodes of control-plane Machines."""
    variables: VariableOverrides | None = None
    """variables override values of variables for the control plane."""


class MachineDeploymentTopologyDeletion(Model):
    """How Machines of the deployment are chosen for deletion, and how long their deletion may take."""

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
    order: Annotated[str, Enum("Random", "Newest", "Oldest")] | None = None
    """order decides which Machines go first when there are too many: Random, Newest or Oldest."""


class MachineDeploymentHealthCheck(Model):
    """Health checks of the deployment's Machines."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    checks: HealthChecks | None = None
    """checks replace the class's checks as a whole."""
    enabled: bool | None = None
    """enabled turns the health check on or off, whatever the class says."""
    remediation: WorkerRemediation | None = None
    """remediation replaces the class's remediation as a whole."""


class MachineDeploymentTopology(Model):
    """One MachineDeployment of a cluster made from a ClusterClass."""

    class_: Annotated[str, Length(1, 256)] = Field(alias="class")
    """class is the worker class, among those of the ClusterClass, this group is built from."""
    name: Annotated[str, Length(1, 63), Pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")]
    """name identifies the group within the cluster."""
    deletion: MachineDeploymentTopologyDeletion | None = None
    """deletion decides which Machines go first and bounds the steps of deleting one."""
    failure_domain: Annotated[str, Length(1, 256)] | None = None
    """failureDomain is where the Machines are placed."""
    health_check: MachineDeploymentHealthCheck | None = None
    """healthCheck changes the class's health check of these Machines."""
    metadata: TemplateMetadata | None = None
    """metadata adds labels and annotations to the MachineDeployment and its Machines."""
    min_ready_seconds: NonNegative | None = None
    """minReadySeconds is how long a Machine must be Ready before it counts as Available."""
    readiness_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    """readinessGates are further conditions the Machines must meet before they count as Ready."""
    replicas: Int32 | None = None
    """replicas is how many Machines there are. Leave it out when an autoscaler decides."""
    rollout: MachineDeploymentRollout | None = None
    """rollout decides how and when Machines are replaced."""
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    """taints are put on the Nodes of the Machines."""
    variables: VariableOverrides | None = None
    """variables override values of variables for this group."""


class MachinePoolTopology(Model):
    """One MachinePool of a cluster made from a ClusterClass."""

    class_: Annotated[str, Length(1, 256)] = Field(alias="class")
    """class is the worker class, among those of the ClusterClass, this pool is built from."""
    name: Annotated[str, Length(1, 63), Pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")]
    """name identifies the pool within the cluster."""
    deletion: MachineDeletion | None = None
    """deletion bounds the steps of deleting a Machine of the pool."""
    failure_domains: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 100), ATOMIC_LIST] | None = None
    """failureDomains are where the machines are placed."""
    metadata: TemplateMetadata | None = None
    """metadata adds labels and annotations to the MachinePool."""
    min_ready_seconds: NonNegative | None = None
    """minReadySeconds is how long a Node must be ready before its machine counts as available."""
    replicas: Int32 | None = None
    """replicas is how many machines the pool has. Leave it out when an autoscaler decides."""
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    """taints are put on the Nodes of the pool."""
    variables: VariableOverrides | None = None
    """variables override values of variables for this pool."""


class WorkersTopology(Model):
    """The workers of a cluster made from a ClusterClass."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    machine_deployments: Annotated[list[MachineDeploymentTopology], Items(1, 2000), MapList("name")] | None = None
    """machineDeployments are the groups of workers that are single Machines."""
    machine_pools: Annotated[list[MachinePoolTopology], Items(1, 2000), MapList("name")] | None = None
    """machinePools are the groups of workers that the infrastructure manages as one."""


class Topology(Model):
    """A cluster described by a ClusterClass and its variables."""

    class_ref: ClusterClassReference
    """classRef names the ClusterClass this cluster is built from."""
    version: Annotated[str, Length(1, 256)]
    """version is the Kubernetes version of the whole cluster. Raising it upgrades the control plane first and the workers after it."""
    control_plane: ControlPlaneTopology | None = None
    """controlPlane describes what differs from the class for the control plane."""
    variables: Annotated[list[Variable], Items(1, 1000), MapList("name")] | None = None
    """variables are the values of the class's variables."""
    workers: WorkersTopology | None = None
    """workers lists the groups of workers."""
