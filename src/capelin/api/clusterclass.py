"""ClusterClass: what clusters of one kind are built from: templates, variables and the patches that join the two."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from capelin.api.classpatches import ClassPatch
from capelin.api.classvariables import ClassVariable, VariableStatus
from capelin.api.healthchecks import HealthChecks, Remediation, WorkerRemediation
from capelin.api.machine import MachineDeletion, MachineTaint, ReadinessGate
from capelin.api.machinedeployment import RolloutStrategy
from capelin.api.markers import ATOMIC_LIST, Items, Length, MapList, MaxItems, Minimum, Shape
from capelin.api.meta import Conditions, Model, Object, Resource, TemplateMetadata
from capelin.api.presentation import AGE_COLUMN, PAUSED_COLUMN, Presentation, condition_column
from capelin.api.references import TemplateReference
from capelin.api.scalars import Int64, NonNegative
from capelin.api.topology import MachineDeploymentTopologyDeletion
from capelin.api.v1beta1 import DeprecatedConditions

VARIABLES_READY_CONDITION = "VariablesReady"
"""Whether all variables, of the class and of its extensions, are known."""

VARIABLES_READY_REASON = "VariablesReady"
"""All variables are known; clusters can be checked against them."""

VARIABLE_DISCOVERY_FAILED_REASON = "VariableDiscoveryFailed"
"""A variable's definitions conflict or are not valid, or an extension could not tell its variables; the message says which."""

REF_VERSIONS_UP_TO_DATE_CONDITION = "RefVersionsUpToDate"
"""Whether references to templates name the newest version that follows the contract."""

REF_VERSIONS_UP_TO_DATE_REASON = "RefVersionsUpToDate"
"""All references name the newest version that follows the contract."""

REF_VERSIONS_NOT_UP_TO_DATE_REASON = "RefVersionsNotUpToDate"
"""A reference names an older version than the provider serves; the message says which."""


class ClassTemplate(Model):
    """A template of the class."""

    template_ref: TemplateReference
    """templateRef names the template, which is in the namespace of the class."""


class ClassNaming(Model):
    """How objects made for a cluster are named."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    template: Annotated[str, Length(1, 1024)] | None = None
    """template is a Go template for the object's name with .cluster.name and .random, and for groups of workers also
    .machineDeployment.topologyName or .machinePool.topologyName. The cluster's name and a random part unless set."""


class InfrastructureClass(Model):
    """The infrastructure of clusters of the class."""

    template_ref: TemplateReference
    """templateRef names the template of the cluster's infrastructure, such as a DevClusterTemplate."""
    naming: ClassNaming | None = None
    """naming decides how the infrastructure object is named."""


class ControlPlaneClassHealthCheck(Model):
    """The health check of control-plane Machines, unless a cluster says otherwise."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    checks: HealthChecks | None = None
    """checks decide what makes a Machine unhealthy."""
    remediation: Remediation | None = None
    """remediation decides how and when unhealthy Machines are replaced."""


class ControlPlaneClass(Model):
    """The control plane of clusters of the class."""

    template_ref: TemplateReference
    """templateRef names the template of the control plane, such as a KubeadmControlPlaneTemplate."""
    deletion: MachineDeletion | None = None
    """deletion bounds the steps of deleting a control-plane Machine, unless a cluster says otherwise."""
    health_check: ControlPlaneClassHealthCheck | None = None
    """healthCheck finds unhealthy control-plane Machines; used only with machineInfrastructure."""
    machine_infrastructure: ClassTemplate | None = None
    """machineInfrastructure is the template of the computers, for control planes that consist of Machines."""
    metadata: TemplateMetadata | None = None
    """metadata is added to the control plane and its Machines; what a cluster adds wins over it."""
    naming: ClassNaming | None = None
    """naming decides how the control plane is named."""
    readiness_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    """readinessGates are further conditions control-plane Machines must meet to count as Ready, unless a cluster says otherwise."""
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    """taints are put on the Nodes of control-plane Machines, unless a cluster says otherwise."""


class MachineDeploymentClassHealthCheck(Model):
    """The health check of a deployment's Machines, unless a cluster says otherwise."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    checks: HealthChecks | None = None
    """checks decide what makes a Machine unhealthy."""
    remediation: WorkerRemediation | None = None
    """remediation decides how and when unhealthy Machines are replaced."""


class MachineDeploymentClassRollout(Model):
    """How Machines are replaced, unless a cluster says otherwise."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    strategy: RolloutStrategy | None = None
    """strategy decides how Machines of an old revision are replaced."""


class MachineDeploymentClass(Model):
    """A class of workers that are single Machines."""

    bootstrap: ClassTemplate
    """bootstrap is the template of the bootstrap configuration, such as a KubeadmConfigTemplate."""
    class_: Annotated[str, Length(1, 256)] = Field(alias="class")
    """class is the name by which clusters refer to this class of workers."""
    infrastructure: ClassTemplate
    """infrastructure is the template of the computers, such as a DevMachineTemplate."""
    deletion: MachineDeploymentTopologyDeletion | None = None
    """deletion decides which Machines go first and bounds the steps of deleting one, unless a cluster says otherwise."""
    failure_domain: Annotated[str, Length(1, 256)] | None = None
    """failureDomain is where the Machines are placed, unless a cluster says otherwise."""
    health_check: MachineDeploymentClassHealthCheck | None = None
    """healthCheck finds unhealthy Machines, unless a cluster says otherwise."""
    metadata: TemplateMetadata | None = None
    """metadata is added to the MachineDeployment and its Machines; what a cluster adds wins over it."""
    min_ready_seconds: NonNegative | None = None
    """minReadySeconds is how long a Machine must be Ready before it counts as Available, unless a cluster says otherwise; 0 unless set."""
    naming: ClassNaming | None = None
    """naming decides how the MachineDeployment is named."""
    readiness_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    """readinessGates are further conditions the Machines must meet before they count as Ready, unless a cluster says otherwise."""
    rollout: MachineDeploymentClassRollout | None = None
    """rollout decides how Machines are replaced, unless a cluster says otherwise."""
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    """taints are put on the Nodes of the Machines, unless a cluster says otherwise."""


class MachinePoolClass(Model):
    """A class of workers that the infrastructure manages as one."""

    bootstrap: ClassTemplate
    """bootstrap is the template of the bootstrap configuration, such as a KubeadmConfigTemplate."""
    class_: Annotated[str, Length(1, 256)] = Field(alias="class")
    """class is the name by which clusters refer to this class of workers."""
    infrastructure: ClassTemplate
    """infrastructure is the template of the pool's infrastructure, such as a DevMachinePoolTemplate."""
    deletion: MachineDeletion | None = None
    """deletion bounds the steps of deleting a machine of the pool, unless a cluster says otherwise."""
    failure_domains: Annotated[list[Annotated[str, Length(1, 256)]], MaxItems(100), ATOMIC_LIST] | None = None
    """failureDomains are where the machines are placed, unless a cluster says otherwise."""
    metadata: TemplateMetadata | None = None
    """metadata is added to the MachinePool; what a cluster adds wins over it."""
    min_ready_seconds: NonNegative | None = None
    """minReadySeconds is how long a Node must be ready before its machine counts as available, unless a cluster says otherwise; 0 unless
    set."""
    naming: ClassNaming | None = None
    """naming decides how the MachinePool is named."""
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    """taints are put on the Nodes of the pool, unless a cluster says otherwise."""


class WorkersClass(Model):
    """The classes of workers that clusters may have."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    machine_deployments: Annotated[list[MachineDeploymentClass], Items(1, 100), MapList("class")] | None = None
    """machineDeployments are the classes of workers that are single Machines."""
    machine_pools: Annotated[list[MachinePoolClass], Items(1, 100), MapList("class")] | None = None
    """machinePools are the classes of workers that the infrastructure manages as one."""


class ExternalUpgrade(Model):
    """Handlers of runtime extensions that take part in upgrades, named `<handler>.<ExtensionConfig>`."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    generate_upgrade_plan_extension: Annotated[str, Length(1, 512)] | None = None
    """generateUpgradePlanExtension is the handler that returns the versions an upgrade goes through."""


class ClassUpgrade(Model):
    """How clusters of the class are upgraded."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    external: ExternalUpgrade | None = None
    """external has extensions decide; without it upgrades go through kubernetesVersions, or one minor version at a time."""


class ClusterClassSpec(Model):
    """What clusters of the class are built from."""

    control_plane: ControlPlaneClass
    """controlPlane describes the control plane."""
    infrastructure: InfrastructureClass
    """infrastructure describes the cluster's infrastructure."""
    availability_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    """availabilityGates are further conditions of a Cluster that must hold before it counts as Available, unless the Cluster says
    otherwise."""
    kubernetes_versions: Annotated[list[Annotated[str, Length(1, 256)]], Items(1, 100), ATOMIC_LIST] | None = None
    """kubernetesVersions are the versions clusters may have and upgrades go through, oldest first and without leaving out a minor version;
    any version unless set."""
    patches: Annotated[list[ClassPatch], Items(1, 1000), ATOMIC_LIST] | None = None
    """patches change the templates from cluster to cluster, in order; a later one wins."""
    upgrade: ClassUpgrade | None = None
    """upgrade decides how clusters are upgraded."""
    variables: Annotated[list[ClassVariable], Items(1, 1000), ATOMIC_LIST] | None = None
    """variables are what a cluster may set, for patches to use."""
    workers: WorkersClass | None = None
    """workers are the classes of workers clusters may have."""


class ClusterClassStatus(Model):
    """What is known about a ClusterClass."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    conditions: Conditions | None = None
    """conditions are observations about the class, one per type. VariablesReady tells whether clusters can be checked against it."""
    deprecated: DeprecatedConditions | None = None
    """deprecated keeps what v1beta1 reported."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""
    variables: Annotated[list[VariableStatus], MaxItems(1000), ATOMIC_LIST] | None = None
    """variables are all variables clusters may set: the class's own and those of its extensions."""


class ClusterClass(Object):
    """What clusters of one kind are built from."""

    resource: ClassVar = Resource("cluster.x-k8s.io", "v1beta2", "clusterclasses", "ClusterClass")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        short_names=("cc",),
        columns=(PAUSED_COLUMN, condition_column("Variables Ready", "VariablesReady"), AGE_COLUMN),
    )

    spec: ClusterClassSpec
    """spec describes what clusters of the class are built from."""
    status: ClusterClassStatus | None = None
    """status reports what is known about the class; controllers write it."""
