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
    namespace: Annotated[str, Length(1, 63), Pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] | None = None


_NOT_OF_HEALTH_CHECKS = Rule(
    "!(self in ['Ready','Available','HealthCheckSucceeded','OwnerRemediated','ExternallyRemediated'])",
    "type must not be one of: Ready, Available, HealthCheckSucceeded, OwnerRemediated, ExternallyRemediated",
)


class UnhealthyMachineCondition(Model):
    """A condition that makes a Machine unhealthy when it lasts."""

    status: Annotated[str, Enum("True", "False", "Unknown")]
    timeout_seconds: NonNegative
    type: Annotated[ConditionType, _NOT_OF_HEALTH_CHECKS]


class UnhealthyNodeCondition(Model):
    """A condition that makes a Node, and so its Machine, unhealthy when it lasts."""

    status: Annotated[str, Length(1)]
    timeout_seconds: NonNegative
    type: Annotated[str, Length(1)]


class HealthChecks(Model):
    """What makes a Machine unhealthy."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    node_startup_timeout_seconds: NonNegative | None = None
    unhealthy_machine_conditions: Annotated[list[UnhealthyMachineCondition], Items(1, 100), ATOMIC_LIST] | None = None
    unhealthy_node_conditions: Annotated[list[UnhealthyNodeCondition], Items(1, 100), ATOMIC_LIST] | None = None


class RemediationTrigger(Model):
    """When remediation may run at all."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    unhealthy_in_range: Annotated[str, Length(1, 32), Pattern(r"^\[[0-9]+-[0-9]+\]$")] | None = None
    unhealthy_less_than_or_equal_to: IntOrString | None = None


class ControlPlaneRemediation(Model):
    """How unhealthy control-plane Machines are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    template_ref: TemplateReference | None = None
    trigger_if: RemediationTrigger | None = None


class ControlPlaneHealthCheck(Model):
    """Health checks of the control plane's Machines."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    checks: HealthChecks | None = None
    enabled: bool | None = None
    remediation: ControlPlaneRemediation | None = None


class ControlPlaneRollout(Model):
    """When the control plane is rolled out anew."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    after: Time | None = None


class Variable(Model):
    """A value for a variable of the ClusterClass."""

    name: Annotated[str, Length(1, 256)]
    value: AnyValue


class VariableOverrides(Model):
    """Values that differ for one part of the cluster."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    overrides: Annotated[list[Variable], Items(1, 1000), MapList("name")] | None = None


class ControlPlaneTopology(Model):
    """The control plane of a cluster made from a ClusterClass."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    deletion: MachineDeletion | None = None
    health_check: ControlPlaneHealthCheck | None = None
    metadata: TemplateMetadata | None = None
    readiness_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    replicas: Int32 | None = None
    rollout: ControlPlaneRollout | None = None
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    variables: VariableOverrides | None = None


class MachineDeploymentTopologyDeletion(Model):
    """How Machines of the deployment are chosen for deletion, and how long their deletion may take."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    node_deletion_timeout_seconds: NonNegative | None = None
    node_drain_timeout_seconds: NonNegative | None = None
    node_volume_detach_timeout_seconds: NonNegative | None = None
    order: Annotated[str, Enum("Random", "Newest", "Oldest")] | None = None


class MachineDeploymentTopologyRemediation(Model):
    """How unhealthy Machines of the deployment are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    max_in_flight: IntOrString | None = None
    template_ref: TemplateReference | None = None
    trigger_if: RemediationTrigger | None = None


class MachineDeploymentHealthCheck(Model):
    """Health checks of the deployment's Machines."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    checks: HealthChecks | None = None
    enabled: bool | None = None
    remediation: MachineDeploymentTopologyRemediation | None = None


class MachineDeploymentTopology(Model):
    """One MachineDeployment of a cluster made from a ClusterClass."""

    class_: Annotated[str, Length(1, 256)] = Field(alias="class")
    name: Annotated[str, Length(1, 63), Pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")]
    deletion: MachineDeploymentTopologyDeletion | None = None
    failure_domain: Annotated[str, Length(1, 256)] | None = None
    health_check: MachineDeploymentHealthCheck | None = None
    metadata: TemplateMetadata | None = None
    min_ready_seconds: NonNegative | None = None
    readiness_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    replicas: Int32 | None = None
    rollout: MachineDeploymentRollout | None = None
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    variables: VariableOverrides | None = None


class MachinePoolTopology(Model):
    """One MachinePool of a cluster made from a ClusterClass."""

    class_: Annotated[str, Length(1, 256)] = Field(alias="class")
    name: Annotated[str, Length(1, 63), Pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")]
    deletion: MachineDeletion | None = None
    failure_domains: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 100), ATOMIC_LIST] | None = None
    metadata: TemplateMetadata | None = None
    min_ready_seconds: NonNegative | None = None
    replicas: Int32 | None = None
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    variables: VariableOverrides | None = None


class WorkersTopology(Model):
    """The workers of a cluster made from a ClusterClass."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    machine_deployments: Annotated[list[MachineDeploymentTopology], Items(1, 2000), MapList("name")] | None = None
    machine_pools: Annotated[list[MachinePoolTopology], Items(1, 2000), MapList("name")] | None = None


class Topology(Model):
    """A cluster described by a ClusterClass and its variables."""

    class_ref: ClusterClassReference
    version: Annotated[str, Length(1, 256)]
    control_plane: ControlPlaneTopology | None = None
    variables: Annotated[list[Variable], Items(1, 1000), MapList("name")] | None = None
    workers: WorkersTopology | None = None
