"""What is allowed of Clusters."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.cluster import Cluster, ClusterSpec
from capelin.api.defaults import default_cluster
from capelin.api.refusals import FORBIDDEN, NAME_IS_LABEL_VALUE, REQUIRED, Refusal, Rule, name_refusals
from capelin.api.topology import Topology
from capelin.webhooks.admission import Finding, Notice, Webhook
from capelin.webhooks.clusterfacts import READS, ClusterAdmission, gather, gather_for_default
from capelin.webhooks.rules.networks import CIDR_BLOCKS_ARE_RANGES, network_notices, network_refusals
from capelin.webhooks.topology import TOPOLOGY_RULES, taint_notices, topology_refusals
from capelin.webhooks.topologyclass import CLASS_RULES, addition_refusals, existence_findings, rebase_refusals, removal_refusals
from capelin.webhooks.topologyversions import VERSION_RULES, upgrade_findings, version_findings
from capelin.webhooks.variabledefaults import default_variables
from capelin.webhooks.variables import VARIABLE_RULES, definitions_of, variable_findings

HAS_PARTS_OR_TOPOLOGY = Rule(
    "has_parts_or_topology", "A Cluster names its infrastructure, its control plane or a topology from which both are made."
)
REFERENCES_ARE_KEPT = Rule(
    "references_are_kept", "A Cluster keeps its infrastructure and its control plane: without the reference nobody would delete them."
)

RULES = (
    NAME_IS_LABEL_VALUE,
    HAS_PARTS_OR_TOPOLOGY,
    REFERENCES_ARE_KEPT,
    CIDR_BLOCKS_ARE_RANGES,
    *CLASS_RULES,
    *VERSION_RULES,
    *TOPOLOGY_RULES,
    *VARIABLE_RULES,
)


def default(cluster: Cluster, request: ClusterAdmission) -> Cluster:
    """Return the Cluster with its version spelled as everywhere, and with the values that its class has defaults for."""
    cluster, clusterclass = default_cluster(cluster), request.facts.clusterclass
    topology = cluster.spec.topology
    if topology is None or clusterclass is None:
        return cluster
    spec = cluster.spec.model_copy(update={"topology": default_variables(topology, definitions_of(clusterclass))})
    return cluster.model_copy(update={"spec": spec})


def validate(request: ClusterAdmission) -> Iterator[Finding]:
    """Yield what is wrong with a Cluster, or with a change of it."""
    cluster, old = request.new, request.old
    yield from name_refusals(cluster.metadata.name)
    yield from _reference_refusals(cluster.spec, old.spec if old else None)
    yield from network_refusals("spec.clusterNetwork", cluster.spec.cluster_network)
    yield from network_notices("spec.clusterNetwork", cluster.spec.cluster_network)
    if old is not None:
        yield from removal_refusals(cluster, old)
        yield from _endpoint_notices(cluster.spec, old.spec)
    if cluster.spec.topology is not None:
        yield from _topology_findings(cluster.spec.topology, request)


def _reference_refusals(spec: ClusterSpec, old: ClusterSpec | None) -> Iterator[Refusal]:
    if spec.infrastructure_ref is None and spec.control_plane_ref is None and spec.topology is None:
        found = "neither infrastructureRef nor controlPlaneRef nor topology"
        yield HAS_PARTS_OR_TOPOLOGY.broken("spec", found, "at least one of them", reason=REQUIRED)
    if old is None:
        return
    parts = (
        ("infrastructureRef", spec.infrastructure_ref, old.infrastructure_ref),
        ("controlPlaneRef", spec.control_plane_ref, old.control_plane_ref),
    )
    for name, reference, before in parts:
        if reference is None and before is not None:
            allowed = f"a reference, such as the one to {before.kind} {before.name} that was there: it can be changed, but not removed"
            yield REFERENCES_ARE_KEPT.broken(f"spec.{name}", "nothing", allowed, reason=FORBIDDEN)


def _topology_findings(topology: Topology, request: ClusterAdmission) -> Iterator[Finding]:
    clusterclass, old = request.facts.clusterclass, request.old.spec.topology if request.old else None
    yield from existence_findings(topology, request)
    yield from version_findings(topology, request)
    yield from topology_refusals(topology, clusterclass)
    yield from taint_notices(topology)
    if clusterclass is not None:
        yield from variable_findings(topology, old, definitions_of(clusterclass))
    if request.old is not None and old is None:
        yield from addition_refusals(request)
    if clusterclass is not None and old is not None:
        yield from rebase_refusals(topology, old, clusterclass, request)
        yield from upgrade_findings(topology, old, clusterclass, request)


def _endpoint_notices(spec: ClusterSpec, old: ClusterSpec) -> Iterator[Notice]:
    before, after = old.control_plane_endpoint, spec.control_plane_endpoint
    if before is not None and before.host and after != before:
        said = f"certificates and Nodes know the cluster as {before.host}:{before.port or ''}".rstrip(":")
        yield Notice(f"spec.controlPlaneEndpoint: {said}: change it only if that name still leads there")


WEBHOOK = Webhook(Cluster, validate, RULES, default, gather, gather_for_default, READS)
