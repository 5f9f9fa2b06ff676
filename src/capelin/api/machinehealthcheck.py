"""MachineHealthCheck: finds Machines that are unhealthy, so that their owner, or something else, replaces them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.healthchecks import HealthChecks, Remediation
from capelin.api.markers import ATOMIC_LIST, Length, MaxItems, Minimum, Shape
from capelin.api.meta import Conditions, LabelSelector, Model, Object, Resource
from capelin.api.presentation import AGE_COLUMN, PAUSED_COLUMN, Column, Presentation
from capelin.api.scalars import Int64, NonNegative
from capelin.api.v1beta1 import DeprecatedConditions

NODE_STARTUP_TIMEOUT_SECONDS = 600
"""How long a Machine may take to become a Node when the check says nothing: slow clouds need minutes, and a dead one must be found."""

REMEDIATION_ALLOWED_CONDITION = "RemediationAllowed"
"""Whether the number of unhealthy Machines is one that remediation may run at."""

REMEDIATION_ALLOWED_REASON = "RemediationAllowed"
"""Unhealthy Machines are remediated."""

TOO_MANY_UNHEALTHY_REASON = "TooManyUnhealthy"
"""So many Machines are unhealthy that something else must be wrong; nothing is remediated."""

# Reasons of HealthCheckSucceeded on Machines.
HEALTH_CHECK_SUCCEEDED_REASON = "HealthCheckSucceeded"
"""No check finds anything wrong with the Machine."""

UNHEALTHY_NODE_REASON = "UnhealthyNode"
"""A condition of the Node has been unhealthy for too long."""

UNHEALTHY_MACHINE_REASON = "UnhealthyMachine"
"""A condition of the Machine has been unhealthy for too long."""

NODE_STARTUP_TIMEOUT_REASON = "NodeStartupTimeout"
"""The Machine has not become a Node in time."""

HAS_REMEDIATE_ANNOTATION_REASON = "HasRemediateAnnotation"
"""A person asked for the Machine to be remediated."""

# Reasons of OwnerRemediated and ExternallyRemediated on Machines.
WAITING_FOR_REMEDIATION_REASON = "WaitingForRemediation"
"""The Machine is unhealthy, and whoever remediates it has not done so yet."""

REMEDIATION_TEMPLATE_NOT_FOUND_REASON = "RemediationTemplateNotFound"
"""The template of remediation requests is not there."""

REMEDIATION_REQUEST_CREATION_FAILED_REASON = "RemediationRequestCreationFailed"
"""The remediation request could not be created; the message says why."""


class MachineHealthCheckSpec(Model):
    """Which Machines are watched, what makes them unhealthy, and what happens then."""

    cluster_name: Annotated[str, Length(1, 63)]
    """clusterName names the Cluster whose Machines are watched. It cannot change."""
    selector: LabelSelector
    """selector chooses the Machines that are watched; an empty one is refused."""
    checks: HealthChecks | None = None
    """checks decide what makes a Machine unhealthy. Without them only the time a Machine may take to become a Node counts."""
    remediation: Remediation | None = None
    """remediation decides how and when unhealthy Machines are replaced; without it their owner replaces them, however many they are."""


class MachineHealthCheckStatus(Model):
    """What is known about the Machines that are watched."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    conditions: Conditions | None = None
    """conditions are observations about the check, one per type. RemediationAllowed tells whether remediation may run."""
    current_healthy: NonNegative | None = None
    """currentHealthy is how many of the watched Machines are healthy."""
    deprecated: DeprecatedConditions | None = None
    """deprecated keeps what v1beta1 reported."""
    expected_machines: NonNegative | None = None
    """expectedMachines is how many Machines are watched."""
    observed_generation: Annotated[Int64, Minimum(1)] | None = None
    """observedGeneration is the generation of the spec that this status is about."""
    remediations_allowed: NonNegative | None = None
    """remediationsAllowed is how many more Machines may become unhealthy before remediation stops."""
    targets: Annotated[list[Annotated[str, Length(1, 253)]], MaxItems(10_000), ATOMIC_LIST] | None = None
    """targets are the names of the Machines that are watched."""


class MachineHealthCheck(Object):
    """Finds Machines that are unhealthy, so that they are replaced."""

    resource: ClassVar = Resource("cluster.x-k8s.io", "v1beta2", "machinehealthchecks", "MachineHealthCheck")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        short_names=("mhc", "mhcs"),
        columns=(
            Column("Cluster", ".spec.clusterName"),
            Column("Replicas", ".status.expectedMachines", "integer"),
            Column("Healthy", ".status.currentHealthy", "integer"),
            PAUSED_COLUMN,
            AGE_COLUMN,
        ),
    )

    spec: MachineHealthCheckSpec
    """spec says which Machines are watched, what makes them unhealthy, and what happens then."""
    status: MachineHealthCheckStatus | None = None
    """status reports what is known about the Machines; controllers write it."""
