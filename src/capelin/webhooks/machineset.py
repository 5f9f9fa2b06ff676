"""What is allowed of MachineSets."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.defaults import default_machineset
from capelin.api.grouprules import GROUP_RULES, machineset_refusals
from capelin.api.machineset import MachineSet
from capelin.api.refusals import VERSION_IS_SEMANTIC
from capelin.webhooks.admission import Admission, Finding, Webhook
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS, cluster_name_refusals
from capelin.webhooks.rules.groups import TEMPLATE_RULES, group_findings

RULES = (*GROUP_RULES, VERSION_IS_SEMANTIC, *TEMPLATE_RULES, CLUSTER_NAME_STAYS)

MachineSetAdmission = Admission[MachineSet, None]


def default(machineset: MachineSet, request: MachineSetAdmission) -> MachineSet:
    """Return the set with what the standard fills in; without replicas it keeps those it had as far as the autoscaler's bounds allow."""
    return default_machineset(machineset, previous=request.old.spec.replicas if request.old else None)


def validate(request: MachineSetAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a MachineSet, or with a change of it."""
    machineset = request.new
    yield from group_findings(machineset, machineset_refusals(machineset))
    if request.old is not None:
        yield from cluster_name_refusals(machineset.spec.cluster_name, request.old.spec.cluster_name)


WEBHOOK = Webhook(MachineSet, validate, RULES, default)
