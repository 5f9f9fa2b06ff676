"""The topology of a Cluster: a cluster described by a ClusterClass and its variables."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from capelin.api.machine import MachineDeletion, MachineTaint, ReadinessGate
from capelin.api.machinedeployment import MachineDeploymentRollout
from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, MapList, Pattern, Rule, Shape
from capelin.api.meta import Model, TemplateMetadata, Time
from capelin.api.references import TemplateReference
from capelin.api.scalars import AnyValue, ConditionType, Int32, IntOrString, NonNegative, Subdomain


class ClusterClassReference(Model):
    """Names the ClusterClass a cluster is built from."""

    name: Subdomain
    """name is the name of the ClusterClass."""
    namespace: Annotated[str, Length(1, 63), Pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] | None = None
    """namespace is where the ClusterClass is; the cluster's own namespace unless set."""


_NOT_OF_HEALTH_CHECKS = Rule(
    "!(self in ['Ready','Available','HealthCheckSucceeded','OwnerRemediated','ExternallyRemediated'])",
    "type must not be one of: Ready, Available, HealthCheckSucceeded, OwnerRemediated, ExternallyRemediated",
)


class UnhealthyMachineCondition(Model):
    """A condition that makes a Machine unhealthy when it lasts."""

    status: Annotated[str, Enum("True", "False", "Unknown")]
    """status is the status that is unhealthy."""
    timeout_seconds: NonNegative
    """timeoutSeconds is how long the condition must have that status."""
    type: Annotated[ConditionType, _NOT_OF_HEALTH_CHECKS]
    """type is the type of the condition. Conditions that health checks themselves decide cannot be named."""


class UnhealthyNodeCondition(Model):
    """A condition that makes a Node, and so its Machine, unhealthy when it lasts."""

    status: Annotated[str, Length(1)]
    """status is the status that is unhealthy."""
    timeout_seconds: NonNegative
    """timeoutSeconds is how long the condition must have that status."""
    type: Annotated[str, Length(1)]
    """type is the type of the condition."""


class HealthChecks(Model):
    """What makes a Machine unhealthy."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    node_startup_timeout_seconds: NonNegative | None = None
    """nodeStartupTimeoutSeconds is how long a Machine may take to become a Node before it counts as unhealthy; 0 turns this check off."""
    unhealthy_machine_conditions: Annotated[list[UnhealthyMachineCondition], Items(1, 100), ATOMIC_LIST] | None = None
    """unhealthyMachineConditions are conditions of the Machine, any of which makes it unhealthy once it has lasted long enough."""
    unhealthy_node_conditions: Annotated[list[UnhealthyNodeCondition], Items(1, 100), ATOMIC_LIST] | None = None
    """unhealthyNodeConditions are conditions of the Node, any of which makes the Machine unhealthy once it has lasted long enough."""


class RemediationTrigger(Model):
    """When remediation may run at all."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    unhealthy_in_range: Annotated[str, Length(1, 32), Pattern(r"^\[[0-9]+-[0-9]+\]$")] | None = None
    """unhealthyInRange lets remediation run while the number of unhealthy Machines is in this range, such as [3-5]. It wins over
    unhealthyLessThanOrEqualTo."""
    unhealthy_less_than_or_equal_to: IntOrString | None = None
    """unhealthyLessThanOrEqualTo lets remediation run while no more than this number, or percentage, of Machines is unhealthy."""


class ControlPlaneRemediation(Model):
    """How unhealthy control-plane Machines are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    template_ref: TemplateReference | None = None
    """templateRef names a template of requests to something else that remediates; without it the owner replaces the Machine."""
    trigger_if: RemediationTrigger | None = None
    """triggerIf decides whether remediation may run at all."""


class ControlPlaneHealthCheck(Model):
    """Health checks of the control plane's Machines."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    checks: HealthChecks | None = None
    """checks replace the class's checks as a whole."""
    enabled: bool | None = None
    """enabled turns the health check on or off, whatever the class says."""
    remediation: ControlPlaneRemediation | None = None
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


class MachineDeploymentTopologyRemediation(Model):
    """How unhealthy Machines of the deployment are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    max_in_flight: IntOrString | None = None
    """maxInFlight is how many Machines, or which percentage of them, may be under remediation at once."""
    template_ref: TemplateReference | None = None
    """templateRef names a template of requests to something else that remediates; without it the owner replaces the Machine."""
    trigger_if: RemediationTrigger | None = None
    """triggerIf decides whether remediation may run at all."""


class MachineDeploymentHealthCheck(Model):
    """Health checks of the deployment's Machines."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    checks: HealthChecks | None = None
    """checks replace the class's checks as a whole."""
    enabled: bool | None = None
    """enabled turns the health check on or off, whatever the class says."""
    remediation: MachineDeploymentTopologyRemediation | None = None
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
