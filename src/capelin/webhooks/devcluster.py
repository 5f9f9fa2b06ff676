"""What is allowed of DevClusters."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.behavior import ClusterBehavior
from capelin.api.devcluster import DevCluster
from capelin.api.devdefaults import default_devcluster
from capelin.webhooks.admission import Admission, Finding, Webhook
from capelin.webhooks.rules.devbackends import FAILURE_DOMAINS_ARE_SORTED, backend_notices, behavior_notices, devcluster_refusals

RULES = (FAILURE_DOMAINS_ARE_SORTED,)

DevClusterAdmission = Admission[DevCluster, None]


def default(cluster: DevCluster, request: DevClusterAdmission) -> DevCluster:  # noqa: ARG001 - the shape of a webhook
    """Return the cluster with what the standard fills in."""
    return default_devcluster(cluster)


def validate(request: DevClusterAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a DevCluster."""
    cluster = request.new
    yield from devcluster_refusals("spec", cluster.spec)
    yield from backend_notices("spec", cluster.spec)
    yield from behavior_notices(ClusterBehavior, cluster.metadata.annotations)


WEBHOOK = Webhook(DevCluster, validate, RULES, default)
