"""What is allowed of MachineHealthChecks."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.defaults import default_machinehealthcheck
from capelin.api.labels import CLUSTER_NAME_LABEL
from capelin.api.machinehealthcheck import MachineHealthCheck
from capelin.api.refusals import Refusal, Rule
from capelin.webhooks.admission import Admission, Webhook
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS, cluster_name_refusals
from capelin.webhooks.rules.healthchecks import CHECK_RULES, check_refusals, trigger_refusals
from capelin.webhooks.rules.quoting import quoted
from capelin.webhooks.rules.selectors import SELECTOR_IS_NOT_EMPTY, SELECTOR_IS_VALID, emptiness_refusals, selector_refusals

SELECTOR_HAS_SAME_CLUSTER = Rule(
    "selector_has_same_cluster", "A selector that names a cluster names that of the check: Machines of another are never looked at."
)

RULES = (SELECTOR_IS_VALID, SELECTOR_IS_NOT_EMPTY, SELECTOR_HAS_SAME_CLUSTER, *CHECK_RULES, CLUSTER_NAME_STAYS)

MachineHealthCheckAdmission = Admission[MachineHealthCheck, None]


def default(check: MachineHealthCheck, request: MachineHealthCheckAdmission) -> MachineHealthCheck:  # noqa: ARG001 - the shape of a webhook
    """Return the check with what the standard fills in."""
    return default_machinehealthcheck(check)


def validate(request: MachineHealthCheckAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a MachineHealthCheck, or with a change of it."""
    spec = request.new.spec
    yield from selector_refusals("spec.selector", spec.selector)
    yield from emptiness_refusals("spec.selector", spec.selector)
    chosen = (spec.selector.match_labels or {}).get(CLUSTER_NAME_LABEL, spec.cluster_name)
    if chosen != spec.cluster_name:
        field, allowed = f"spec.selector.matchLabels[{CLUSTER_NAME_LABEL}]", f"spec.clusterName, which is {spec.cluster_name!r}"
        yield SELECTOR_HAS_SAME_CLUSTER.broken(field, quoted(chosen), allowed)
    yield from check_refusals("spec.checks", spec.checks)
    yield from trigger_refusals("spec.remediation.triggerIf", spec.remediation.trigger_if if spec.remediation else None)
    if request.old is not None:
        yield from cluster_name_refusals(spec.cluster_name, request.old.spec.cluster_name)


WEBHOOK = Webhook(MachineHealthCheck, validate, RULES, default)
