"""What makes a Machine unhealthy, and what happens to it then: shapes of health checks, of topologies and of their classes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, Pattern, Rule, Shape
from capelin.api.meta import Model
from capelin.api.references import TemplateReference
from capelin.api.scalars import ConditionType, IntOrString, NonNegative

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
    """nodeStartupTimeoutSeconds is how long a Machine may take to become a Node before it counts as unhealthy; 600 unless set, 0 turns this
    check off."""
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


class Remediation(Model):
    """How unhealthy Machines are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    template_ref: TemplateReference | None = None
    """templateRef names a template of requests to something else that remediates; without it the owner replaces the Machine."""
    trigger_if: RemediationTrigger | None = None
    """triggerIf decides whether remediation may run at all; without it, it always may."""


class WorkerRemediation(Model):
    """How unhealthy Machines of a deployment are replaced."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    max_in_flight: IntOrString | None = None
    """maxInFlight is how many Machines, or which percentage of them, may be under remediation at once."""
    template_ref: TemplateReference | None = None
    """templateRef names a template of requests to something else that remediates; without it the owner replaces the Machine."""
    trigger_if: RemediationTrigger | None = None
    """triggerIf decides whether remediation may run at all; without it, it always may."""
