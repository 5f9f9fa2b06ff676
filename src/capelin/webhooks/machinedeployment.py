"""What is allowed of MachineDeployments."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.defaults import default_machinedeployment
from capelin.api.grouprules import GROUP_RULES, ROLLOUT_RULES, machinedeployment_refusals
from capelin.api.machinedeployment import ON_DELETE, MachineDeployment, MachineDeploymentSpec
from capelin.api.refusals import NAME_IS_LABEL_VALUE, VERSION_IS_SEMANTIC
from capelin.webhooks.admission import Admission, Finding, Notice, Webhook
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS, cluster_name_refusals
from capelin.webhooks.rules.groups import TEMPLATE_RULES, group_findings
from capelin.webhooks.rules.healthchecks import MAX_IN_FLIGHT_IS_AMOUNT, max_in_flight_refusals

RULES = (
    NAME_IS_LABEL_VALUE,
    *GROUP_RULES,
    VERSION_IS_SEMANTIC,
    *ROLLOUT_RULES,
    MAX_IN_FLIGHT_IS_AMOUNT,
    *TEMPLATE_RULES,
    CLUSTER_NAME_STAYS,
)

MachineDeploymentAdmission = Admission[MachineDeployment, None]


def default(deployment: MachineDeployment, request: MachineDeploymentAdmission) -> MachineDeployment:
    """Return the deployment with what the standard fills in; without replicas it keeps those it had, within the autoscaler's bounds."""
    return default_machinedeployment(deployment, previous=request.old.spec.replicas if request.old else None)


def validate(request: MachineDeploymentAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a MachineDeployment, or with a change of it."""
    deployment = request.new
    spec = deployment.spec
    yield from group_findings(deployment, machinedeployment_refusals(deployment))
    yield from max_in_flight_refusals("spec.remediation", spec.remediation.max_in_flight if spec.remediation else None)
    if request.old is not None:
        yield from cluster_name_refusals(spec.cluster_name, request.old.spec.cluster_name)
    yield from _rollout_notices(spec)


def _rollout_notices(spec: MachineDeploymentSpec) -> Iterator[Notice]:
    strategy = spec.rollout.strategy if spec.rollout else None
    if strategy and strategy.type == ON_DELETE and strategy.rolling_update:
        yield Notice("spec.rollout.strategy.rollingUpdate has no effect beside the type OnDelete: leave it out, or choose RollingUpdate")


WEBHOOK = Webhook(MachineDeployment, validate, RULES, default)
