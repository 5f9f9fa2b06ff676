"""What is allowed of ClusterResourceSetBindings."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.clusterresourcesetbinding import ClusterResourceSetBinding
from capelin.api.refusals import Refusal
from capelin.webhooks.admission import Admission, Webhook
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS, cluster_name_refusals

RULES = (CLUSTER_NAME_STAYS,)

ClusterResourceSetBindingAdmission = Admission[ClusterResourceSetBinding, None]


def validate(request: ClusterResourceSetBindingAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a change of a ClusterResourceSetBinding."""
    if request.old is not None and request.old.spec.cluster_name:
        yield from cluster_name_refusals(request.new.spec.cluster_name, request.old.spec.cluster_name)


WEBHOOK = Webhook(ClusterResourceSetBinding, validate, RULES)
