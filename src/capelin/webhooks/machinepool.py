"""What is allowed of MachinePools."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.defaults import default_machinepool
from capelin.api.grouprules import (
    AUTOSCALER_BOUNDS_ARE_NUMBERS,
    REPLICAS_ARE_NOT_NEGATIVE,
    TEMPLATE_HAS_SAME_CLUSTER,
    autoscaler_refusals,
)
from capelin.api.machinepool import MachinePool
from capelin.api.refusals import FORBIDDEN, VERSION_IS_SEMANTIC, Rule, version_refusals
from capelin.webhooks.admission import Admission, Finding, Webhook
from capelin.webhooks.rules.bootstrap import HAS_BOOTSTRAP, bootstrap_refusals
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS, cluster_name_refusals
from capelin.webhooks.rules.groups import replicas_notices
from capelin.webhooks.rules.metadata import METADATA_RULES, metadata_refusals

POOL_HAS_NO_TAINTS = Rule("pool_has_no_taints", "A pool names no taints: nothing would put them on the Nodes of its machines.")

RULES = (
    TEMPLATE_HAS_SAME_CLUSTER,
    REPLICAS_ARE_NOT_NEGATIVE,
    AUTOSCALER_BOUNDS_ARE_NUMBERS,
    HAS_BOOTSTRAP,
    VERSION_IS_SEMANTIC,
    POOL_HAS_NO_TAINTS,
    *METADATA_RULES,
    CLUSTER_NAME_STAYS,
)

MachinePoolAdmission = Admission[MachinePool, None]


def default(pool: MachinePool, request: MachinePoolAdmission) -> MachinePool:
    """Return the pool with what the standard fills in; without replicas it keeps those it had as far as the autoscaler's bounds allow."""
    return default_machinepool(pool, previous=request.old.spec.replicas if request.old else None)


def validate(request: MachinePoolAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a MachinePool, or with a change of it."""
    spec, template = request.new.spec, request.new.spec.template
    if template.spec.cluster_name != spec.cluster_name:
        field, allowed = "spec.template.spec.clusterName", f"spec.clusterName, which is {spec.cluster_name!r}"
        yield TEMPLATE_HAS_SAME_CLUSTER.broken(field, repr(template.spec.cluster_name), allowed)
    if spec.replicas is not None and spec.replicas < 0:
        yield REPLICAS_ARE_NOT_NEGATIVE.broken("spec.replicas", str(spec.replicas), "0 or more")
    yield from autoscaler_refusals(request.new)
    yield from bootstrap_refusals("spec.template.spec.bootstrap", template.spec.bootstrap)
    yield from version_refusals("spec.template.spec.version", template.spec.version)
    if template.spec.taints:
        found, allowed = f"{len(template.spec.taints)} of them", "none: the pool's bootstrap configuration can tell the kubelet of taints"
        yield POOL_HAS_NO_TAINTS.broken("spec.template.spec.taints", found, allowed, reason=FORBIDDEN)
    yield from metadata_refusals("spec.template.metadata", template.metadata)
    if request.old is not None:
        yield from cluster_name_refusals(spec.cluster_name, request.old.spec.cluster_name)
    yield from replicas_notices(spec.replicas)


WEBHOOK = Webhook(MachinePool, validate, RULES, default)
