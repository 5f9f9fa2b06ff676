"""KubeadmControlPlane: the Machines that run a cluster's control plane, set up with kubeadm."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.kubeadmconfig import KubeadmConfigSpec
from capelin.api.machine import PRE_TERMINATE_HOOK_PREFIX, MachineDeletion, MachineTaint, ReadinessGate, VersionCount
from capelin.api.markers import Enum, Items, Length, MapList, Minimum, Shape
from capelin.api.meta import Conditions, Model, Object, Resource, TemplateMetadata, Time
from capelin.api.presentation import AGE_COLUMN, CLUSTER_COLUMN, PAUSED_COLUMN, REPLICA_COLUMNS, Column, Presentation, condition_column
from capelin.api.references import ContractReference
from capelin.api.scalars import Int32, Int64, IntOrString, NonNegative
from capelin.api.v1beta1 import V1Beta1Condition

KUBEADMCONTROLPLANE_FINALIZER = "kubeadm.controlplane.cluster.x-k8s.io"
"""Kept until every control-plane Machine is gone."""

SKIP_COREDNS_ANNOTATION = "controlplane.cluster.x-k8s.io/skip-coredns"
"""On a KubeadmControlPlane: CoreDNS is left alone when the version changes; only its presence counts."""

SKIP_KUBE_PROXY_ANNOTATION = "controlplane.cluster.x-k8s.io/skip-kube-proxy"
"""On a KubeadmControlPlane: kube-proxy is left alone when the version changes; only its presence counts."""

REMEDIATION_IN_PROGRESS_ANNOTATION = "controlplane.cluster.x-k8s.io/remediation-in-progress"
"""On a KubeadmControlPlane: a Machine was deleted as unhealthy and has no successor yet; JSON of machine, timestamp and retryCount."""

REMEDIATION_FOR_ANNOTATION = "controlplane.cluster.x-k8s.io/remediation-for"
"""On a Machine: which unhealthy one it replaces, in the same JSON, so that repeated failures are counted across successors."""

PRE_TERMINATE_HOOK_CLEANUP_ANNOTATION = f"{PRE_TERMINATE_HOOK_PREFIX}/kcp-cleanup"
"""On a Machine: its infrastructure stays until its etcd member has left the cluster."""

ROLLING_UPDATE = "RollingUpdate"
"""The only value `spec.rollout.strategy.type` may have."""

MIN_HEALTHY_PERIOD_SECONDS = 60 * 60
"""How long a successor must have been healthy for the next failure to count as a new one, when the spec says nothing."""

# Condition types that only a KubeadmControlPlane reports.
INITIALIZED_CONDITION = "Initialized"
CERTIFICATES_AVAILABLE_CONDITION = "CertificatesAvailable"
ETCD_CLUSTER_HEALTHY_CONDITION = "EtcdClusterHealthy"
CONTROL_PLANE_COMPONENTS_HEALTHY_CONDITION = "ControlPlaneComponentsHealthy"

# Condition types it reports on each of its Machines.
API_SERVER_POD_HEALTHY_CONDITION = "APIServerPodHealthy"
CONTROLLER_MANAGER_POD_HEALTHY_CONDITION = "ControllerManagerPodHealthy"
SCHEDULER_POD_HEALTHY_CONDITION = "SchedulerPodHealthy"
ETCD_POD_HEALTHY_CONDITION = "EtcdPodHealthy"
ETCD_MEMBER_HEALTHY_CONDITION = "EtcdMemberHealthy"
NODE_KUBEADM_LABELS_AND_TAINTS_SET_CONDITION = "NodeKubeadmLabelsAndTaintsSet"

INITIALIZED_REASON = "Initialized"
"""The first Machine has run kubeadm to its end, and its API server answers."""

NOT_INITIALIZED_REASON = "NotInitialized"
"""No Machine has finished kubeadm yet."""

CERTIFICATES_AVAILABLE_REASON = "Available"
"""Every certificate the cluster needs is there."""

HEALTHY_REASON = "Healthy"
"""The etcd cluster, the components or the member work as they should."""

NOT_HEALTHY_REASON = "NotHealthy"
"""Something that was inspected does not work; the message names the Machines."""

HEALTH_UNKNOWN_REASON = "HealthUnknown"
"""Nothing is known to be broken, but not everything could be inspected."""

POD_RUNNING_REASON = "Running"
"""The static Pod runs and is ready."""

POD_PROVISIONING_REASON = "Provisioning"
"""The static Pod is on its way: it waits for its images, its volumes or its first readiness."""

POD_DOES_NOT_EXIST_REASON = "DoesNotExist"
"""The Node is there, but not the static Pod it should run."""

POD_FAILED_REASON = "Failed"
"""The static Pod has ended, or its containers end again and again."""

POD_DELETING_REASON = "Deleting"
"""The static Pod is being deleted."""

LABELS_AND_TAINTS_SET_REASON = "Set"
"""The Node carries the labels and taints that kubeadm gives to a control plane."""

LABELS_AND_TAINTS_NOT_SET_REASON = "NotSet"
"""The Node lacks labels or taints that kubeadm gives to a control plane."""

# Reasons of Deleting, in the order of a deletion.
WAITING_FOR_WORKERS_DELETION_REASON = "WaitingForWorkersDeletion"
"""The cluster still has workers; without a control plane they could not be deleted in an orderly way."""

WAITING_FOR_MACHINE_DELETION_REASON = "WaitingForMachineDeletion"
"""The control-plane Machines are being deleted."""

# Reasons of OwnerRemediated on the Machines.
CANNOT_BE_REMEDIATED_REASON = "CannotBeRemediated"
"""Replacing the Machine is not allowed, or would not help; the message says why."""

REMEDIATION_DEFERRED_REASON = "RemediationDeferred"
"""The Machine is replaced later: something must be finished or become healthy first."""

MACHINE_DELETING_REASON = "MachineDeleting"
"""The Machine is being deleted so that a new one can take its place."""


class ControlPlaneMachineSpec(Model):
    """What the control-plane Machines look like."""

    infrastructure_ref: ContractReference
    """infrastructureRef names the template of the computers, such as a DevMachineTemplate, which is in the same namespace. Naming another
    one rolls the Machines."""
    deletion: MachineDeletion | None = None
    """deletion bounds the steps of deleting each Machine. Changes reach Machines in place."""
    readiness_gates: Annotated[list[ReadinessGate], Items(1, 32), MapList("conditionType")] | None = None
    """readinessGates are further conditions that must hold before a Machine counts as Ready; the health of the control plane's Pods and of
    etcd always counts. Changes reach Machines in place."""
    taints: Annotated[list[MachineTaint], Items(1, 64), MapList("key", "effect")] | None = None
    """taints are put on the Nodes beside kubeadm's own. Changes reach Machines in place."""


class ControlPlaneMachineTemplate(Model):
    """What control-plane Machines are made from."""

    spec: ControlPlaneMachineSpec
    """spec describes each Machine."""
    metadata: TemplateMetadata | None = None
    """metadata is added to each Machine and to what belongs to it. Changes reach Machines in place."""


class ControlPlaneRollingUpdate(Model):
    """How many Machines may be too many during a rolling update."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    max_surge: IntOrString | None = None
    """maxSurge is how many Machines may exist beyond the wanted number during an update: 1, which is the default and adds a Machine before
    one goes, or 0, which removes one first and needs at least 3 replicas."""


class ControlPlaneRolloutStrategy(Model):
    """How outdated Machines are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    type: Annotated[str, Enum("RollingUpdate")]
    """type is RollingUpdate, the only one there is: Machines are replaced one after the other."""
    rolling_update: ControlPlaneRollingUpdate | None = None
    """rollingUpdate bounds a rolling update."""


class ControlPlaneRolloutBefore(Model):
    """What must not be waited for."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    certificates_expiry_days: Annotated[Int32, Minimum(7)] | None = None
    """certificatesExpiryDays replaces Machines whose API server certificate ends within so many days; at least 7. Without it, certificates
    replace no Machine."""


class ControlPlaneRollout(Model):
    """How and when Machines are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    after: Time | None = None
    """after is a moment; Machines older than it are replaced once it has come."""
    before: ControlPlaneRolloutBefore | None = None
    """before replaces Machines ahead of what would stop them from working."""
    strategy: ControlPlaneRolloutStrategy | None = None
    """strategy decides how outdated Machines are replaced."""


class ControlPlaneRemediation(Model):
    """How often unhealthy Machines are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    max_retry: Int32 | None = None
    """maxRetry is how many times the successors of an unhealthy Machine are replaced when they fail as well; without a limit unless set."""
    min_healthy_period_seconds: NonNegative | None = None
    """minHealthyPeriodSeconds is how long a successor must have worked for its failure to be a new one instead of a further try; 3600, an
    hour, unless set."""
    retry_period_seconds: NonNegative | None = None
    """retryPeriodSeconds is how long to wait before a successor that failed as well is replaced; 0, which is at once, unless set."""


class ControlPlaneMachineNaming(Model):
    """How new control-plane Machines are named."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    template: Annotated[str, Length(1, 256)] | None = None
    """template is a Go template for names with .cluster.name, .kubeadmControlPlane.name and .random; it must contain the random part. Names
    are the control plane's own followed by a random part unless set."""


class KubeadmControlPlaneSpec(Model):
    """The control plane that is wanted, and how changes reach it."""

    machine_template: ControlPlaneMachineTemplate
    """machineTemplate is what control-plane Machines are made from."""
    version: Annotated[str, Length(1, 256)]
    """version is the Kubernetes version of the control plane, such as v1.34.0. Changing it rolls the Machines; it rises by one minor
    version at a time."""
    kubeadm_config_spec: KubeadmConfigSpec | None = None
    """kubeadmConfigSpec is how each Machine becomes a Node with kubeadm. Most of it may change later, and a change rolls the Machines."""
    machine_naming: ControlPlaneMachineNaming | None = None
    """machineNaming decides how new Machines are named."""
    remediation: ControlPlaneRemediation | None = None
    """remediation bounds how often unhealthy Machines are replaced."""
    replicas: Int32 | None = None
    """replicas is how many Machines there should be; 1 unless set. It must be odd when etcd runs on the same Machines."""
    rollout: ControlPlaneRollout | None = None
    """rollout decides how and when Machines are replaced."""


class KubeadmControlPlaneV1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    conditions: list[V1Beta1Condition] | None = None
    """conditions are the conditions of v1beta1."""
    failure_message: Annotated[str, Length(1, 10240)] | None = None
    """failureMessage explained a problem that needed a person's help."""
    failure_reason: str | None = None
    """failureReason named a problem that needed a person's help."""
    ready_replicas: Int32 | None = None
    """readyReplicas was the number of Machines whose Node is ready."""
    unavailable_replicas: Int32 | None = None
    """unavailableReplicas was the number of Machines still missing from full availability."""
    updated_replicas: Int32 | None = None
    """updatedReplicas was the number of Machines that match the spec."""


class KubeadmControlPlaneDeprecated(Model):
    """Status that older versions of the API had."""

    v1beta1: KubeadmControlPlaneV1Beta1Status | None = None
    """v1beta1 is what readers of v1beta1 expect. It goes away together with v1beta1."""


class KubeadmControlPlaneInitialization(Model):
    """Milestones of a new control plane; once true they stay true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    control_plane_initialized: bool | None = None
    """controlPlaneInitialized becomes true when the first Machine's API server answers; further Machines wait for it."""


class LastRemediation(Model):
    """The last time an unhealthy Machine was replaced."""

    machine: Annotated[str, Length(1, 253)]
    """machine is the name of the Machine that was replaced."""
    retry_count: NonNegative
    """retryCount is how many successors had failed before; 0 for a first failure."""
    time: Time
    """time is when the Machine was deleted."""


class KubeadmControlPlaneStatus(Model):
    """What is known about a KubeadmControlPlane."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    available_replicas: Int32 | None = None
    """availableReplicas is how many Machines are Available."""
    conditions: Conditions | None = None
    """conditions are observations about the control plane, one per type."""
    deprecated: KubeadmControlPlaneDeprecated | None = None
    """deprecated keeps what v1beta1 reported."""
    initialization: KubeadmControlPlaneInitialization | None = None
    """initialization records the milestones of the control plane's creation."""
    last_remediation: LastRemediation | None = None
    """lastRemediation tells which unhealthy Machine was replaced last."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""
    ready_replicas: Int32 | None = None
    """readyReplicas is how many Machines are Ready."""
    replicas: Int32 | None = None
    """replicas is how many Machines exist, outdated ones included."""
    selector: Annotated[str, Length(1, 4096)] | None = None
    """selector is the selector of the Machines as text, which the scale subresource hands to autoscalers."""
    up_to_date_replicas: Int32 | None = None
    """upToDateReplicas is how many Machines match the spec."""
    version: Annotated[str, Length(1, 256)] | None = None
    """version is the lowest Kubernetes version that a Machine of the control plane runs."""
    versions: Annotated[list[VersionCount], Items(1, 100), MapList("version")] | None = None
    """versions lists the versions that run, with the number of Machines each, oldest version first."""


class KubeadmControlPlane(Object):
    """The Machines that run a cluster's control plane, set up with kubeadm."""

    resource: ClassVar = Resource("controlplane.cluster.x-k8s.io", "v1beta2", "kubeadmcontrolplanes", "KubeadmControlPlane")
    presentation: ClassVar = Presentation(
        provider="control-plane-kubeadm",
        short_names=("kcp",),
        columns=(
            CLUSTER_COLUMN,
            condition_column("Available"),
            *REPLICA_COLUMNS,
            PAUSED_COLUMN,
            Column("Initialized", ".status.initialization.controlPlaneInitialized", "boolean"),
            AGE_COLUMN,
            Column("Version", ".spec.version"),
        ),
        scale=True,
    )

    spec: KubeadmControlPlaneSpec
    """spec describes the control plane that is wanted and how changes reach it."""
    status: KubeadmControlPlaneStatus | None = None
    """status reports what is known about the control plane; controllers write it."""
