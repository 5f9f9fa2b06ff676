"""What is allowed of ClusterClasses."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.clusterclass import ClusterClass
from capelin.webhooks.admission import Finding, Webhook
from capelin.webhooks.classcompatibility import COMPATIBILITY_RULES, READS, ClassAdmission, change_refusals, deletion_denials, gather
from capelin.webhooks.classparts import PART_RULES, part_findings
from capelin.webhooks.classpatches import PATCH_RULES, patch_findings
from capelin.webhooks.classvariables import VARIABLE_RULES, variable_findings
from capelin.webhooks.classversions import OFFER_RULES, upgrade_findings

RULES = (*PART_RULES, *OFFER_RULES, *VARIABLE_RULES, *PATCH_RULES, *COMPATIBILITY_RULES)


def validate(request: ClassAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a ClusterClass, or with a change of it, or why it cannot be deleted."""
    if request.operation == "DELETE":
        yield from deletion_denials(request)
        return
    spec = request.new.spec
    yield from part_findings(spec)
    yield from upgrade_findings(spec)
    yield from variable_findings(spec.variables or ())
    yield from patch_findings(spec)
    yield from change_refusals(request)


WEBHOOK = Webhook(ClusterClass, validate, RULES, gather=gather, reads=READS, operations=("CREATE", "UPDATE", "DELETE"))
